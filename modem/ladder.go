package modem

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"gsmgate/modem/at"
)

// Rung is a step of the ladder of resets, the mildest first.
type Rung uint8

// The rungs.
const (
	ResetAT    Rung = iota // find the step with the modem again
	ResetRadio             // radio off and on, by the profile's commands
	ResetModem             // restart, by the profile's commands
	ResetPort              // close the port and open it again
	ResetUSB               // take the USB device off its drivers and give it back, or the command of the configuration
	ResetPower             // the command of the configuration, which is to switch the power of the socket
	rungs
)

func rungWords() [rungs]string {
	return [rungs]string{"at", "radio", "modem", "port", "usb", "power"}
}

// String gives "at", "radio", "modem", "port", "usb" or "power".
func (r Rung) String() string {
	if r >= rungs {
		return fmt.Sprintf("rung %d", uint8(r))
	}
	return rungWords()[r]
}

// MarshalText gives String, for JSON.
func (r Rung) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// ParseRung reads what String gives.
func ParseRung(word string) (Rung, bool) {
	words := rungWords()
	i := slices.Index(words[:], word)
	return Rung(max(i, 0)), i >= 0
}

// Reset is a reset that was tried.
type Reset struct {
	Rung    Rung
	At      time.Time // of the newest
	Times   int       // so often in a row, for the same reason and with the same outcome
	Why     string
	Outcome string // "done", or what went wrong
}

// maxResets bounds what is kept of resets.
const maxResets = 16

const byCommand = "by command"

// noteReset keeps what was done.
func (m *Modem) noteReset(rung Rung, why string, err error) {
	m.ladder.sent = m.Info().Sent
	outcome := "done"
	if err != nil {
		outcome = err.Error()
	}
	m.log.Info("modem reset", "rung", rung.String(), "why", why, "outcome", outcome)
	m.mark("reset " + rung.String() + ": " + why + ": " + outcome)
	m.update(func(i *Info) {
		i.ResetCounts[rung]++
		all := slices.Clone(i.Resets)
		if n := len(all); n > 0 && all[n-1].Rung == rung && all[n-1].Why == why && all[n-1].Outcome == outcome {
			all[n-1].At = time.Now()
			all[n-1].Times++
		} else {
			all = append(all, Reset{rung, time.Now(), 1, why, outcome})
		}
		i.Resets = all[max(0, len(all)-maxResets):]
	})
}

// ladder remembers how far up a modem is, so that each rung gets its time and a dead modem is not hammered.
type ladder struct {
	first  time.Duration // the first gap
	next   Rung          // not below this one
	gap    time.Duration // until the one after
	notTo  time.Time     // nothing is tried before
	hangs  int           // openings in a row at which the modem did not answer
	sent   uint64        // Info.Sent as of the last reset
	ill    time.Time     // when messages were refused last
	booted time.Time     // until then silence is no hang: the modem was told to restart
}

const (
	maxGap     = time.Hour
	wellAfter  = 10 * time.Minute // so long ready after a reset, and the modem is called well
	deafBefore = 3                // openings without an answer before its socket is reset
)

// climb says which rung to take now, from the lowest that helps to the highest that does; ok is false while an earlier one has its time.
func (l *ladder) climb(now time.Time, low, high Rung, can func(Rung) bool) (rung Rung, ok bool) {
	if now.Before(l.notTo) {
		return 0, false
	}
	for start, n := max(l.next, low), Rung(0); n <= high-low; n++ {
		rung = start + n
		if rung > high { // from the bottom again
			rung = low + (rung-low)%(high-low+1)
		}
		if can(rung) {
			l.next = rung + 1
			l.gap = min(max(l.first, 2*l.gap), maxGap)
			l.notTo = now.Add(l.gap)
			return rung, true
		}
	}
	return 0, false
}

// well goes down the ladder when the modem has sent since, or was ready for long.
func (l *ladder) well(now time.Time, i Info) {
	l.hangs = 0
	calm := now.After(l.notTo) && now.Sub(i.Since) > wellAfter && now.Sub(l.ill) > wellAfter
	if l.gap > 0 && (i.Sent > l.sent || calm) {
		l.next, l.gap, l.notTo = 0, 0, time.Time{}
	}
}

// resetError ends a session for a reset that needs the port closed, or that has restarted the modem.
type resetError struct {
	rung Rung
	why  string
}

func (e *resetError) Error() string { return fmt.Sprintf("reset (%s): %s", e.rung, e.why) }

func isReset(err error) bool {
	var reset *resetError
	return errors.As(err, &reset)
}

// ResetError says why a reset is not possible.
type ResetError struct {
	Rung Rung
	Err  error
	hint string
}

func (e *ResetError) Error() string { return fmt.Sprintf("reset (%s): %v", e.Rung, e.Err) }
func (e *ResetError) Unwrap() error { return e.Err }

// Hint says what makes it possible, "" where nothing is known.
func (e *ResetError) Hint() string { return e.hint }

// Reset asks for a reset, which is then done as soon as the modem's goroutine comes to it; Info.Resets tells how it went. An error is a
// *ResetError and means that none will be.
func (m *Modem) Reset(rung Rung) error {
	if rung >= rungs {
		return &ResetError{rung, errors.New("no such reset"), ""}
	}
	m.mu.Lock()
	i, talks := m.info, m.talks
	m.mu.Unlock()
	if rung <= ResetModem && !talks {
		return &ResetError{rung, fmt.Errorf("the modem does not speak now (%s: %s)", i.State, i.Reason), "reset its port, or its USB socket"}
	}
	if rung >= ResetUSB {
		if err := m.cfg.Resetter.Can(rung, m.place()); err != nil {
			return err
		}
	}
	select {
	case m.orders <- rung:
		return nil
	default:
		return &ResetError{rung, errors.New("another reset is under way"), ""}
	}
}

// can tells whether a rung is there for the modem.
func (m *Modem) can(rung Rung) bool {
	return rung < ResetUSB || m.cfg.Resetter.Can(rung, m.place()) == nil
}

// place is where the modem is, or was last, as far as is known.
func (m *Modem) place() Place {
	p := m.Info().Place
	if scheme, usb := split(m.path); scheme == usbPrefix && p.USB == "" {
		p.USB = usb
	}
	return p
}

// reset takes a rung from within a session. An error ends the session, and the rest is done when the port is closed.
func (s *session) reset(ctx context.Context, rung Rung, why string) error {
	var err error
	switch rung {
	case ResetAT:
		err = s.at.Resync(ctx)
	case ResetRadio:
		err = s.cycleRadio(ctx)
		nudge(s.kick)
	case ResetModem:
		err = s.restart(ctx)
		if err == nil {
			s.m.ladder.booted = time.Now().Add(time.Duration(s.profile.Boot))
		}
	}
	switch {
	case rung >= ResetPort:
		return &resetError{rung, why}
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	s.m.noteReset(rung, why, err)
	switch {
	case rung == ResetModem && err == nil:
		return &resetError{rung, why}
	case errors.Is(err, errNoCommand):
		return nil
	}
	return lost(err)
}

var errNoCommand = errors.New("the modem knows no command for it")

// cycleRadio turns the radio off and on.                                                                            [27.007 8.2]
func (s *session) cycleRadio(ctx context.Context) error {
	err := errNoCommand
	for _, command := range s.profile.Radio {
		_, err = s.at.Do(ctx, at.Command{Text: command, Wait: time.Minute})
		if lost(err) != nil {
			return err
		}
	}
	return err
}

// restart restarts the modem by the first command that it takes; one that gives no answer any more counts as taken.
func (s *session) restart(ctx context.Context) error {
	for _, command := range s.profile.Reset {
		_, err := s.at.Do(ctx, at.Command{Text: command, Wait: 10 * time.Second})
		var refused *at.Error
		if !errors.As(err, &refused) {
			return ctx.Err()
		}
	}
	return errNoCommand
}

// climbForNetwork is for a modem that finds no network. The socket is left alone: it is the network more often than the modem.
func (s *session) climbForNetwork(ctx context.Context) error {
	high := ResetModem
	if s.denied() {
		high = ResetRadio
	}
	if rung, ok := s.m.ladder.climb(time.Now(), ResetRadio, high, s.m.can); ok {
		return s.reset(ctx, rung, s.registrationText())
	}
	return nil
}

// treat is for a modem that has refused messages. It looks at SIM and network, and when the fault is the modem's own goes up the ladder.
func (s *session) treat(ctx context.Context) error {
	if err := s.examine(ctx); err != nil {
		return err
	}
	if !s.registered() || !resettable(s.ailment.Load()) {
		return nil
	}
	l := &s.m.ladder
	l.well(time.Now(), s.m.Info())
	l.ill = time.Now()
	if rung, ok := l.climb(time.Now(), ResetAT, ResetPower, s.m.can); ok {
		return s.reset(ctx, rung, "messages are refused: "+s.m.Info().LastError)
	}
	return nil
}

// resettable tells whether a refusal, as in SubmitError.Cause, is such that a reset may help: of the modem or its link, and not of the
// SIM, its contract, or the message.
func resettable(cause int64) bool {
	switch cause {
	case 0, 38, 300, 303, 320, 331, 332, 500, // no code at all, network out of order, ME failure, memory, no service, time-out, unknown
		CauseCME + 0, CauseCME + 3, CauseCME + 4, CauseCME + 23, CauseCME + 30, CauseCME + 31, CauseCME + 100:
		return true
	}
	return false
}

// mend does after a session what needs the port closed: what the session has asked for, and the socket of a modem that does not answer.
func (m *Modem) mend(ctx context.Context, err error) {
	var asked *resetError
	switch {
	case ctx.Err() != nil:
	case errors.As(err, &asked) && asked.rung >= ResetPort:
		m.resetClosed(ctx, asked.rung, asked.why)
	case asked != nil:
	case (errors.Is(err, at.ErrHung) || errors.Is(err, at.ErrTimeout)) && time.Now().After(m.ladder.booted):
		m.deaf(ctx)
	}
}

// deaf is for a modem that does not answer: its port is opened again some times, and then its socket is reset.
func (m *Modem) deaf(ctx context.Context) {
	m.ladder.hangs++
	rung := ResetPort
	if m.ladder.hangs >= deafBefore {
		if up, ok := m.ladder.climb(time.Now(), ResetUSB, ResetPower, m.can); ok {
			rung = up
		}
	}
	m.resetClosed(ctx, rung, at.ErrHung.Error())
	var cannot *ResetError
	if m.ladder.hangs >= deafBefore && m.cfg.Resetter != nil && errors.As(m.cfg.Resetter.Can(ResetUSB, m.place()), &cannot) {
		m.update(func(i *Info) { i.Reason, i.Hint = i.Reason+"; "+cannot.Error(), cannot.Hint() })
	}
}

// resetClosed takes a rung while the port is closed.
func (m *Modem) resetClosed(ctx context.Context, rung Rung, why string) {
	var err error
	switch {
	case rung >= ResetUSB:
		err = m.cfg.Resetter.Reset(ctx, rung, m.place())
	case rung < ResetPort:
		err = errors.New("the modem does not speak now")
	}
	m.noteReset(rung, why, err)
}

// rest waits before the port is opened again; whoever wants a reset ends it. It says whether ctx still lives.
func (m *Modem) rest(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case rung := <-m.orders:
		m.resetClosed(ctx, rung, byCommand)
	case <-ctx.Done():
	}
	return ctx.Err() == nil
}
