package modem

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"gsmgate/modem/at"
)

const (
	simPoll   = 5 * time.Second  // between looks at a SIM that cannot be used
	simAccept = 30 * time.Second // for a SIM to be ready after its PIN
)

// unlock waits until the SIM can be used, and gives it the PIN when it wants one. [27.007 8.3]
func (s *session) unlock(ctx context.Context) error {
	for from := time.Now(); ; {
		word, err := s.simState(ctx)
		if err != nil {
			return err
		}
		switch word {
		case "READY":
			return nil
		case "SIM PIN":
			reason, err := s.enterPIN(ctx)
			if err != nil {
				return err
			}
			if reason == "" {
				continue
			}
			s.m.enter(PIN, reason)
		case "SIM PUK":
			s.m.enter(PIN, "the SIM is blocked and wants its PUK")
		case "busy":
			s.m.enter(Initialising, "the SIM is busy")
		case "none":
			s.m.enter(Failed, "no SIM")
		case "failure":
			s.m.enter(Failed, "the SIM cannot be read")
		default:
			s.m.enter(PIN, "the modem wants another code: "+word)
		}
		if s.resign != nil && s.resign(word, time.Since(from)) {
			return errSIMUnusable
		}
		if err := s.idle(ctx, simPoll); err != nil {
			return err
		}
	}
}

// errSIMUnusable ends a check; why is in Info.Reason.
var errSIMUnusable = errors.New("the SIM cannot be used")

// idle waits with an eye on what ends the session.
func (s *session) idle(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-s.kick:
		return nil
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
	}
	return word
}

// enterPIN tries the PIN, once. reason says why it was not tried or what came of it; "" that the SIM took it.
func (s *session) enterPIN(ctx context.Context) (reason string, err error) {
	iccid, err := s.askICCID(ctx)
	if err != nil {
		return "", err
	}
	pin := s.cfg.pinFor(s.m.path, iccid)
	if reason := unfit(pin); reason != "" {
		return reason, nil
	}
	key := pinKey(iccid, s.m.Info().IMEI, pin)
	left, known, err := s.triesLeft(ctx)
	if err != nil {
		return "", err
	}
	unspent := known && s.m.unsurePIN == key && s.m.unsureTries == left // its answer was lost, and it cost no try
	if s.cfg.Refused.Refused(key) && !unspent {
		return "the SIM has refused this PIN; it is not tried again", nil
	}
	if known && left <= 1 {
		return fmt.Sprintf("only %d tries left for the PIN: it is left to you", left), nil
	}
	if s.pinTried {
		return "the SIM has taken the PIN and wants it still; it is not tried again", nil
	}
	s.m.unsurePIN, s.m.unsureTries = key, left
	return s.tryPIN(ctx, key, pin)
}

func unfit(pin string) string {
	switch {
	case pin == "":
		return "the SIM wants a PIN, and none is known"
	case len(pin) < 4 || len(pin) > 8 || strings.Trim(pin, "0123456789") != "": // [31.101 9.5.1]
		return "the PIN that was given is not 4 to 8 digits; it is not tried"
	}
	return ""
}

// pinKey names a SIM and a PIN. Without an ICCID the modem stands for the SIM.
func pinKey(iccid, imei, pin string) string {
	if iccid == "" {
		iccid = "imei" + imei
	}
	sum := sha256.Sum256([]byte(iccid + "/" + pin))
	return iccid + "/" + hex.EncodeToString(sum[:8])
}

func (s *session) tryPIN(ctx context.Context, key, pin string) (reason string, err error) {
	if err := s.cfg.Refused.Refuse(key); err != nil {
		return fmt.Sprintf("the PIN is not tried, for that cannot be noted down: %v", err), nil
	}
	s.pinTried = true
	_, err = s.at.Do(ctx, at.Command{Text: fmt.Sprintf(`AT+CPIN="%s"`, pin), Wait: simAccept})
	var refused *at.Error
	switch {
	case errors.As(err, &refused):
		s.m.unsurePIN = ""
		s.m.trouble(err)
		return "the SIM has refused the PIN; it is not tried again", nil
	case err != nil:
		return "", err
	}
	for until := time.Now().Add(simAccept); time.Now().Before(until); {
		word, err := s.simState(ctx)
		if err != nil {
			return "", err
		}
		switch {
		case word == "READY", strings.HasPrefix(word, "PH-"): // the lock of the network comes after the PIN
			return "", s.cfg.Refused.Accept(key)
		case word == "SIM PUK":
			return "", nil
		}
		if err := s.idle(ctx, time.Second); err != nil {
			return "", err
		}
	}
	return "the SIM has taken the PIN and wants it still; it is not tried again", nil
}

// triesLeft reads how often a wrong PIN may yet be given, where the modem tells.                                   [27.007 8.65]
func (s *session) triesLeft(ctx context.Context) (left int, known bool, err error) {
	type query struct {
		command, name string
		field         int
	}
	queries := []query{{`AT+CPINR="SIM PIN"`, "+CPINR:", 1}}
	if s.quirk.tries != "" {
		queries = append(queries, query{s.quirk.tries, s.quirk.triesName, s.quirk.triesField})
	}
	for _, q := range queries {
		line, err := s.ask(ctx, q.command, at.Prefix(q.name))
		if err != nil {
			return 0, false, err
		}
		fields := at.Fields(at.Params(line))
		if line == "" || len(fields) <= q.field {
			continue
		}
		if n, err := strconv.Atoi(fields[q.field]); err == nil {
			return n, true, nil
		}
	}
	return 0, false, nil
}
