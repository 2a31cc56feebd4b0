package modem

import (
	"errors"
	"fmt"
	"time"

	"gsmgate/modem/at"
)

// The health of a modem is that of the pair of modem and SIM: a fault of either stops both, and which of the two it is shows only when
// one is exchanged. So another SIM, or the SIM in another modem, begins anew, and shows soon whether the fault went along.
//
// The circuit breaker parks a pair that does not send: K faults of its own in a row, or a window that went wrong by more than half. When
// the time is over one message is tried; does it go, the pair is well, and else it is parked for twice as long. A modem that comes back,
// from a reset or a lost network, is tried at once; but not one that was parked with a message in hand, for a modem that restarts at each
// send, as it does with a weak power supply, would have one message after the other become unknown. The rest of the router's lane is for
// the seconds after a single fault, in which another SIM takes the message; it is never longer than the first park, so that the breaker
// rules what lasts.

// FirstPark is how long a modem is parked first; it doubles up to mostPark.
const FirstPark = 30 * time.Second

const (
	mostPark     = 10 * time.Minute
	healthWindow = 20        // newest sends that count
	healthAge    = time.Hour // and for so long
	parkRun      = 3         // faults of its own in a row that park it
	parkFaults   = 5         // or so many in the window, when that is more than half of it
	trialWait    = 5 * time.Second
)

// health is how a pair of modem and SIM sends. Guarded by Modem.mu.
type health struct {
	pair   string // IMEI and ICCID
	sends  []fared
	run    float64   // faults in a row
	well   time.Time // when it was found well after a park: what was before parks it no more
	parks  int       // in a row
	until  time.Time // zero: it is not parked
	reason string
	trial  bool // the one message after a park is on its way
	unsure bool // the fate of the message that parked it is not known
}

// fared is how one send went: 0 well, 1 a fault of modem, SIM or network, and between them what may have been one.
type fared struct {
	at    time.Time
	fault float64
}

// score is the percentage of the window that went well.
func (h *health) score(now time.Time) int {
	n, faults := h.window(now.Add(-healthAge))
	if n == 0 {
		return 100
	}
	return int(100 * (float64(n) - faults) / float64(n))
}

// window counts the sends since then.
func (h *health) window(since time.Time) (n int, faults float64) {
	for _, s := range h.sends {
		if s.at.After(since) {
			n++
			faults += s.fault
		}
	}
	return n, faults
}

// allow says until when nothing may be sent, and why; the zero time: something may.
func (h *health) allow(now time.Time) (until time.Time, reason string) {
	switch {
	case h.until.After(now):
		return h.until, h.reason
	case h.trial:
		return now.Add(trialWait), "one message shows whether the modem is well again; " + h.reason
	}
	return time.Time{}, ""
}

// note takes how a send went, and says whether that has parked the pair or found it well.
func (h *health) note(now time.Time, fault float64, reason string) (parked, mended bool) {
	h.sends = append(h.sends, fared{now, fault})
	if n := len(h.sends); n > healthWindow {
		h.sends = append(h.sends[:0], h.sends[n-healthWindow:]...)
	}
	trial := h.trial
	h.trial = false
	if fault == 0 {
		h.run = 0
		mended = !h.until.IsZero()
		if mended {
			h.until, h.reason, h.parks, h.well = time.Time{}, "", 0, now
		}
		return false, mended
	}
	h.run += fault
	since := now.Add(-healthAge)
	if h.well.After(since) {
		since = h.well
	}
	n, faults := h.window(since)
	if !trial && h.run < parkRun && (faults < parkFaults || 2*faults <= float64(n)) {
		return false, false
	}
	h.until = now.Add(min(FirstPark<<min(h.parks, 10), mostPark))
	h.parks++
	h.reason = reason
	return true, false
}

// blame is the part of a failure that is the modem's own, its SIM's or its network's. What blames the message or its recipient tells
// nothing of them.
func blame(e *SubmitError) float64 {
	switch {
	case e.Outcome == RefusedForGood:
		return 0
	case e.Modem, e.died:
		return 1
	case e.Outcome == Unknown:
		return 0.5
	}
	return 0
}

// Allow says until when nothing is to be sent by the modem, and why; the zero time: a message may be handed over. After a park that is
// one, until its outcome is known.
func (m *Modem) Allow(now time.Time) (until time.Time, reason string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.health.allow(now)
}

// admit is Allow for who sends at once: the trial is taken.
func (m *Modem) admit() *SubmitError {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	if until, reason := m.health.allow(now); !until.IsZero() {
		return &SubmitError{Modem: true, Sure: true, Wait: until.Sub(now), Err: fmt.Errorf("the modem is parked: %s", reason)}
	}
	m.health.trial = !m.health.until.IsZero()
	return nil
}

// fared notes the outcome of what admit has let pass; nil: it was sent.
func (m *Modem) fared(e *SubmitError) {
	fault, reason := 0.0, ""
	if e != nil {
		fault, reason = blame(e), e.Err.Error()
		if e.Outcome == Unknown && (errors.Is(e, at.ErrRestarted) || errors.Is(e, at.ErrClosed)) {
			reason += "; modems that restart or go away while they send often have a weak power supply"
		}
	}
	m.mu.Lock()
	if e != nil && fault == 0 { // the next one is the trial
		m.health.trial = false
		m.mu.Unlock()
		return
	}
	if e != nil && e.Sure { // several recipients in a row: nothing more is to be waited for
		m.health.run = max(m.health.run, parkRun-1)
	}
	parked, mended := m.health.note(time.Now(), fault, reason)
	m.health.unsure = parked && e.Outcome == Unknown
	until, parks := m.health.until, m.health.parks
	m.mu.Unlock()
	switch {
	case parked && parks == 1:
		m.log.Warn("modem parked: nothing is sent by it for a while", "until", until, "reason", reason)
	case parked:
		m.log.Info("modem stays parked: the trial failed", "until", until, "trials", parks-1, "reason", reason)
	case mended:
		m.log.Info("modem sends again")
	}
}

// revive lets a modem that is ready anew try at once; another pair has no past. The caller holds m.mu.
func (m *Modem) revive() {
	h, pair := &m.health, m.info.IMEI+" "+m.info.SIM.ICCID
	if h.pair != pair {
		*h = health{pair: pair}
	}
	h.trial = false
	if now := time.Now(); h.until.After(now) && !h.unsure {
		h.until = now
	}
}
