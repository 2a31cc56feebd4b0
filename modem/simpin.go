package modem

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"gsmgate/modem/at"
)

const (
	simPoll   = 5 * time.Second  // between looks at a SIM that cannot be used
	simAccept = 30 * time.Second // for a SIM to be ready after its PIN
)

// unlock waits until the SIM can be used, and gives it the PIN when it wants one. What the PIN is it asks each time anew. [27.007 8.3]
func (s *session) unlock(ctx context.Context) error {
	for from := time.Now(); ; {
		word, err := s.simState(ctx)
		if err != nil {
			return err
		}
		if word == "READY" {
			return nil
		}
		again, err := s.locked(ctx, word)
		if err != nil {
			return err
		}
		if again {
			continue
		}
		if s.resign != nil && s.resign(word, time.Since(from)) {
			return errSIMUnusable
		}
		if err := s.idle(ctx, simPoll); err != nil {
			return err
		}
	}
}

// locked does what can be done about a SIM that is not ready, and says so; again means that it may be ready now.
func (s *session) locked(ctx context.Context, word string) (again bool, err error) {
	switch word {
	case "SIM PIN":
		why, err := s.enterPIN(ctx)
		if err != nil || why == (notOpened{}) {
			return err == nil, err
		}
		s.m.enterHint(PIN, why.reason, why.hint)
	case "SIM PUK":
		reason := "the SIM is blocked and wants its PUK"
		left, known, err := s.triesLeft(ctx, "SIM PUK")
		if err != nil {
			return false, err
		}
		if known {
			reason += fmt.Sprintf("; %d tries are left for it", left)
		}
		s.m.enterHint(PIN, reason, "put the SIM into a telephone and give the PUK that its operator has, with a new PIN; a SIM that has refused its PUK ten times is dead")
	case "busy":
		s.m.enter(Initialising, "the SIM is busy")
	case "none":
		s.m.enterHint(Failed, "no SIM", "see that a SIM is in the slot, the right way round")
	case "failure":
		s.m.enterHint(Failed, "the SIM cannot be read", "clean its contacts, and try it in a telephone")
	default:
		s.m.enterHint(PIN, "the modem wants another code: "+word, otherCode(word))
	}
	return false, nil
}

// otherCode says what a code is that is no PIN of a SIM.                                                             [27.007 8.3]
func otherCode(word string) string {
	switch {
	case strings.HasPrefix(word, "PH-SIM"), strings.HasPrefix(word, "PH-FSIM"):
		return "the modem is locked to another SIM"
	case strings.HasPrefix(word, "PH-"):
		return "the modem is locked to a network: use a SIM of that network, or have the modem unlocked"
	}
	return ""
}

// errSIMUnusable ends a check; why is in Info.Reason.
var errSIMUnusable = errors.New("the SIM cannot be used")

// idle waits with an eye on what ends the session, and on who wants a reset.
func (s *session) idle(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-s.kick:
		return nil
	case rung := <-s.m.orders:
		return s.reset(ctx, rung, byCommand)
	case err := <-s.fault:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// simState returns what AT+CPIN? says, or a word of ours for an error. A modem that does not know the command has no PIN to ask for.
func (s *session) simState(ctx context.Context) (string, error) {
	a, err := s.at.Do(ctx, at.Command{Text: "AT+CPIN?", Accept: at.Prefix("+CPIN:")})
	var refused *at.Error
	switch {
	case err == nil && a.First() != "":
		return simWord(a.First()), nil
	case err == nil:
		return "READY", nil
	case at.IsCME(err, 10) || at.IsCMS(err, 310):
		return "none", nil
	case at.IsCME(err, 13) || at.IsCMS(err, 313) || at.IsCME(err, 15) || at.IsCMS(err, 315):
		return "failure", nil
	case at.IsCME(err, 14) || at.IsCMS(err, 314):
		return "busy", nil
	case at.IsCME(err, 11) || at.IsCMS(err, 311):
		return "SIM PIN", nil
	case at.IsCME(err, 12) || at.IsCMS(err, 316):
		return "SIM PUK", nil
	case errors.As(err, &refused) && refused.Code >= 0:
		return "busy", nil
	case errors.As(err, &refused):
		return "READY", nil
	}
	return "", err
}

// simWord reads "+CPIN: SIM PIN". Some modems have words for what others answer with an error.
func simWord(line string) string {
	word := strings.ToUpper(at.Fields(at.Params(line))[0])
	switch word {
	case "NOT READY":
		return "busy"
	case "NOT INSERTED":
		return "none"
	case "SIM PIN2", "SIM PUK2": // guard the fixed dialling list and the like: messages go without [27.007 8.3]
		return "READY"
	}
	return word
}
