package modem

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"gsmgate/modem/at"
)

// Modem is what answers at a path.
type Modem struct {
	cfg  *Config
	bank *Bank
	path string
	log  *slog.Logger

	record  *at.Recorder
	marked  string             // the newest mark; touched by run
	stop    context.CancelFunc // ends run; nil for a fixed place
	claimed string             // the IMEI while a session has it; under Bank.mu

	// A PIN whose answer may have been lost, and the tries that were left before it; touched by run.
	unsurePIN   string
	unsureTries int

	orders chan Rung // one slot: a reset that somebody wants
	ladder ladder    // touched by run

	mu     sync.Mutex
	info   Info
	talks  bool     // the modem answers
	live   *session // while ready
	health health
}

func newModem(b *Bank, path string) *Modem {
	m := &Modem{cfg: &b.cfg, bank: b, path: path, log: b.cfg.Log.With("modem", path), record: at.NewRecorder(at.RecordSize),
		orders: make(chan Rung, 1)}
	m.ladder.first = b.cfg.Gap
	m.info = Info{Path: path, State: Opening, Since: time.Now(), Signal: NoSignal, Health: 100}
	return m
}

// Path is where the modem was looked for.
func (m *Modem) Path() string { return m.path }

// Info tells what is known of the modem now.
func (m *Modem) Info() Info {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := m.info
	i.Health, i.ParkedUntil, i.ParkedReason = m.health.score(time.Now()), m.health.until, m.health.reason
	return i
}

// update changes the info.
func (m *Modem) update(change func(*Info)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change(&m.info)
}

// enter changes the state. reason is for people, and empty only for ready.
func (m *Modem) enter(state State, reason string) { m.enterHint(state, reason, "") }

// enterHint is enter with what a person can do about it.
func (m *Modem) enterHint(state State, reason, hint string) {
	var before State
	m.update(func(i *Info) {
		before = i.State
		if i.State != state {
			i.State, i.Since = state, time.Now()
		}
		i.Reason, i.Hint = reason, hint
	})
	if before != state {
		m.log.Info("modem "+state.String(), "was", before.String(), "reason", reason)
	}
}

// trouble notes the newest error.
func (m *Modem) trouble(err error) {
	m.update(func(i *Info) { i.LastError, i.LastErrorAt = err.Error(), time.Now() })
	m.log.Debug("modem trouble", "error", err)
}

// run opens the port again and again until ctx ends.
func (m *Modem) run(ctx context.Context) {
	failures := 0
	for ctx.Err() == nil {
		reached, err := m.attempt(ctx)
		if ctx.Err() != nil {
			break
		}
		failures++
		if reached {
			failures = 1
		}
		m.ended(failures, err)
		m.mend(ctx, err)
		if !m.rest(ctx, pause(failures, err, rand.Float64())) {
			break
		}
	}
	m.enter(Absent, "stopped")
}

// attempt opens the port once and lives with it until it ends; reached says that the modem was ready meanwhile.
func (m *Modem) attempt(ctx context.Context) (reached bool, err error) {
	port, err := m.cfg.Open(ctx, m.path)
	if err != nil {
		m.mark("not opened: " + err.Error())
		return false, err
	}
	m.mark("opened")
	m.update(func(i *Info) {
		i.Sessions++
		if placed, ok := port.(interface{ Place() Place }); ok {
			i.Place = placed.Place()
		}
	})
	defer m.bank.release(m)
	s := newSession(m, port)
	err = s.run(ctx)
	m.setTalks(false)
	m.mark("closed: " + err.Error())
	return s.reached, err
}

// ended says why the modem is not there, and what will be done about it.
func (m *Modem) ended(failures int, err error) {
	absent := isAbsent(err)
	if !absent || failures == 1 {
		m.trouble(err)
	}
	switch {
	case absent:
		m.enter(Absent, err.Error())
	case isReset(err):
		m.enter(Opening, err.Error())
	case failures >= failedAfter, isUseless(err):
		m.enter(Failed, err.Error())
	default:
		m.enter(Opening, err.Error())
	}
	var hinted interface{ Hint() string }
	if errors.As(err, &hinted) {
		m.update(func(i *Info) { i.Hint = hinted.Hint() })
	}
	var placed *StickError
	if errors.As(err, &placed) {
		m.update(func(i *Info) { i.Place = placed.Place })
	}
}

// isAbsent tells whether nothing is there to speak with.
func isAbsent(err error) bool {
	var absent *PortAbsentError
	var unreached *UnreachableError
	return errors.As(err, &absent) || errors.As(err, &unreached)
}

// isUseless tells whether something is there with which nothing can be done until somebody has changed something.
func isUseless(err error) bool {
	var busy *PortBusyError
	var useless *PortError
	var stick *StickError
	var same *SameModemError
	return errors.As(err, &busy) || errors.As(err, &useless) || errors.As(err, &stick) || errors.As(err, &same)
}

// setTalks notes whether the modem answers.
func (m *Modem) setTalks(on bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.talks = on
}

// setLive makes Submit go to s; nil: nowhere.
func (m *Modem) setLive(s *session) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.live = s
	if s != nil {
		m.revive()
	}
}
