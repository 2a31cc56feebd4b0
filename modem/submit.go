package modem

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gsmgate/modem/at"
	"gsmgate/modem/pdu"
)

// Outcome says what became of a message that was not sent for certain.
type Outcome uint8

// The outcomes of a Submit that failed.
const (
	RefusedForNow  Outcome = iota // not sent; it may be tried again
	RefusedForGood                // not sent, and never will be
	Unknown                       // it may have gone out: a status report may tell
)

// String gives "refused for now", "refused for good" or "unknown".
func (o Outcome) String() string {
	return [...]string{"refused for now", "refused for good", "unknown"}[o]
}

// CauseCME is added to the code of a +CME ERROR in SubmitError.Cause, to tell it from a +CMS ERROR.
const CauseCME = 1 << 16

// SubmitError is the error of Submit.
type SubmitError struct {
	Outcome Outcome
	Wait    time.Duration // before it is tried again, by this modem; 0: no matter
	Modem   bool          // the modem, its SIM or its network is ill: park it and let another send the message
	Sure    bool          // with Modem: several recipients in a row got such an answer
	Tries   int           // RefusedForNow: the message fails at so many such refusals; 0: this one does not count against it
	Cause   uint32        // the code of +CMS ERROR, or CauseCME and that of +CME ERROR; 0: none
	Err     error

	died bool // the modem has gone with the message in its hand
}

func (e *SubmitError) Error() string { return e.Outcome.String() + ": " + e.Err.Error() }
func (e *SubmitError) Unwrap() error { return e.Err }

// ErrNotReady is the Err of a Submit to a modem that is not ready.
var ErrNotReady = errors.New("the modem is not ready")

// Submit hands a TPDU (SMS-SUBMIT) over and returns the TP-MR that the modem gave it. It returns as soon as the answer is there. The
// error is a *SubmitError; one that is [at.ErrNoMR] says that it was sent by a modem that tells no TP-MR. Several Submits at once wait for
// each other.                                                                                       [27.005 4.3] [23.040 9.2.2.2]
//
// When ctx ends before the PDU is out nothing is sent; when it ends after, the answer is waited for a little.
func (m *Modem) Submit(ctx context.Context, tpdu []byte) (mr uint8, err error) {
	line, length, err := pdu.Line(pdu.Address{}, tpdu)
	if err == nil && (length == 0 || length > maxTPDU) {
		err = fmt.Errorf("a TPDU of %d octets", length)
	}
	if err != nil {
		return 0, &SubmitError{Outcome: RefusedForGood, Err: err}
	}
	m.mu.Lock()
	s := m.live
	m.mu.Unlock()
	if s == nil {
		return 0, &SubmitError{Modem: true, Wait: notReadyWait, Err: ErrNotReady}
	}
	defer s.ends()
	if err := s.begins(); err != nil {
		return 0, &SubmitError{Modem: true, Wait: notReadyWait, Err: err}
	}
	if e := m.admit(); e != nil {
		return 0, e
	}
	s.receiving.acks.wait(ctx)
	err = s.check(ctx)
	if err == nil {
		err = s.keepLink(ctx)
	}
	if err != nil {
		return 0, s.judge(ctx, tpdu, &at.SendError{Err: err})
	}
	mr, err = s.at.SendPDU(ctx, length, line)
	s.relay.ends(time.Now())
	unnumbered := errors.Is(err, at.ErrNoMR)
	if err != nil && !unnumbered {
		return 0, s.judge(ctx, tpdu, err)
	}
	s.refused.end()
	m.update(func(i *Info) { i.sent(tpdu, time.Now()) })
	m.fared(nil)
	if unnumbered {
		return 0, &SubmitError{Outcome: Unknown, Err: at.ErrNoMR}
	}
	return mr, nil
}

const (
	maxTPDU      = 176 // 12 octets of header with absolute VP and 20 digits, and 140 of user data, with room    [23.040 9.2.2.2]
	notReadyWait = 2 * time.Second
)

// check looks at a modem that was not looked at for a while before a message is risked: one that has started again by itself, or has
// forgotten its settings without a word, is back in text mode, and would send the PDU's digits as a text to the number that the length is.
func (s *session) check(ctx context.Context) error {
	if time.Since(time.Unix(0, s.checked.Load())) < s.cfg.Check {
		return nil
	}
	s.checked.Store(time.Now().UnixNano())
	a, err := s.at.Do(ctx, at.Command{Text: "AT+CMGF?", Accept: at.Prefix("+CMGF:")})
	if lost(err) != nil {
		return err
	}
	if err == nil && a.First() != "" && at.Params(a.First()) != "0" {
		s.leaveTextMode(ctx)
		return at.ErrRestarted
	}
	return nil
}

// judge makes the outcome of an error, and sees to a modem that is ill.
func (s *session) judge(ctx context.Context, tpdu []byte, err error) *SubmitError {
	e, others := s.cfg.verdict(ctx, err)
	if others > 0 && s.refused.add(recipientOf(tpdu), others) {
		e.Modem, e.Sure, e.Tries = true, true, 0
	}
	if e.Outcome == Unknown {
		s.m.update(func(i *Info) { i.Unknown++ })
	} else {
		s.m.update(func(i *Info) { i.Refused++ })
	}
	s.m.trouble(e)
	s.m.fared(e)
	if e.Cause == cmsMemoryFull {
		nudge(s.wake) // to make room
	}
	if e.Modem {
		s.ailment.Store(int64(e.Cause))
		nudge(s.probe)
	}
	s.lookInto(err)
	return e
}

// verdict makes the outcome of an error of SendPDU. others is how many recipients in a row must get such an error for the modem to be
// ill; 0: their number does not matter.
func (c *Config) verdict(ctx context.Context, err error) (e *SubmitError, others int) {
	var sent *at.SendError
	var refused *at.Error
	switch {
	case errors.As(err, &refused):
		submitted := errors.As(err, &sent) && sent.Submitted
		e, r := refusal(refused, submitted)
		e.Wait = c.waitFor(r.wait)
		return e, r.others
	case errors.As(err, &sent) && sent.Unknown():
		return &SubmitError{Outcome: Unknown, Modem: ctx.Err() == nil, Wait: c.BusyWait, Err: err, died: died(ctx)}, 0
	case ctx.Err() != nil: // the session has ended, or the gateway ends
		return &SubmitError{Err: context.Cause(ctx)}, 0
	}
	return &SubmitError{Modem: true, Wait: c.BusyWait, Err: err}, 0
}

// died tells whether the session has ended by itself, and not because the gateway ends.
func died(ctx context.Context) bool {
	return ctx.Err() != nil && !errors.Is(context.Cause(ctx), context.Canceled)
}

// cmsMemoryFull says that the memory for messages is full.                                                   [27.005 3.2.5]
const cmsMemoryFull = 322
