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
	Cause   uint32        // the code of +CMS ERROR, or CauseCME and that of +CME ERROR; 0: none
	Err     error
}

func (e *SubmitError) Error() string { return e.Outcome.String() + ": " + e.Err.Error() }
func (e *SubmitError) Unwrap() error { return e.Err }

// ErrNotReady is the Err of a Submit to a modem that is not ready.
var ErrNotReady = errors.New("the modem is not ready")

// illAfter is how many refusals in a row, none of which blames its message, make the modem ill.
const illAfter = 3

// Submit hands a TPDU (SMS-SUBMIT) over and returns the TP-MR that the modem gave it. It returns as soon as the answer is there. The
// error is a *SubmitError. Several Submits at once wait for each other.                                     [27.005 4.3] [23.040 9.2.2.2]
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
	if err := s.check(ctx); err != nil {
		return 0, s.judge(ctx, &at.SendError{Err: err})
	}
	mr, err = s.at.SendPDU(ctx, length, line)
	if err != nil {
		return 0, s.judge(ctx, err)
	}
	s.failures.Store(0)
	m.update(func(i *Info) { i.sent(tpdu, time.Now()) })
	m.fared(nil)
	return mr, nil
}

const (
	maxTPDU      = 176 // 12 octets of header with absolute VP and 20 digits, and 140 of user data, with room    [23.040 9.2.2.2]
	notReadyWait = 2 * time.Second
	illWait      = 30 * time.Second
	busyWait     = 5 * time.Second
	awayWait     = time.Minute // the recipient cannot be reached
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
		s.end(fmt.Errorf("%w (text mode)", at.ErrRestarted))
		return at.ErrRestarted
	}
	return nil
}

// judge makes the outcome of an error, and sees to a modem that is ill.
func (s *session) judge(ctx context.Context, err error) *SubmitError {
	e := verdict(ctx, err)
	if e.Outcome == RefusedForNow && ctx.Err() == nil {
		e.Modem = s.failures.Add(1) >= illAfter || e.Modem
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
	return e
}

// verdict makes the outcome of an error of SendPDU.
func verdict(ctx context.Context, err error) *SubmitError {
	var sent *at.SendError
	var refused *at.Error
	switch {
	case errors.As(err, &refused):
		return refusal(refused)
	case errors.As(err, &sent) && sent.Unknown():
		return &SubmitError{Outcome: Unknown, Modem: !errors.Is(err, at.ErrNoMR) && ctx.Err() == nil, Wait: busyWait, Err: err}
	case ctx.Err() != nil:
		return &SubmitError{Err: err}
	}
	return &SubmitError{Modem: true, Wait: busyWait, Err: err}
}

// cmsNetworkTimeout says that the service centre did not acknowledge in time: it may have the message all the same.  [24.011 6.2.2]
const cmsNetworkTimeout = 332

// cmsMemoryFull says that the memory for messages is full.                                                   [27.005 3.2.5]
const cmsMemoryFull = 322

// refusal reads a +CMS ERROR or +CME ERROR.
func refusal(e *at.Error) *SubmitError {
	out := &SubmitError{Err: e}
	if e.Code > 0 {
		out.Cause = uint32(e.Code)
	}
	if e.Result == at.ResultCME && e.Code >= 0 {
		out.Cause += CauseCME
	}
	switch e.Class() {
	case at.ClassModem:
		if e.Result == at.ResultCMS && e.Code == cmsNetworkTimeout {
			out.Outcome = Unknown
		}
		out.Modem, out.Wait = true, illWait
	case at.ClassMessage:
		out.Outcome = RefusedForGood
	case at.ClassBusy:
		out.Wait = busyWait
		if e.Result == at.ResultCMS && e.Code == 27 { // destination out of service
			out.Wait = awayWait
		}
	}
	return out
}
