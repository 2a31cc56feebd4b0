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
	path string
	log  *slog.Logger

	record *at.Recorder
	marked string // the newest mark; touched by run

	// A PIN whose answer may have been lost, and the tries that were left before it; touched by run.
	unsurePIN   string
	unsureTries int

	mu   sync.Mutex
	info Info
	live *session // while ready
}

func newModem(cfg *Config, path string) *Modem {
	m := &Modem{cfg: cfg, path: path, log: cfg.Log.With("modem", path), record: at.NewRecorder(at.RecordSize)}
	m.info = Info{Path: path, State: Opening, Since: time.Now(), Signal: NoSignal}
	return m
}

// Path is where the modem was looked for.
func (m *Modem) Path() string { return m.path }

// Info tells what is known of the modem now.
func (m *Modem) Info() Info {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.info
}

// update changes the info.
func (m *Modem) update(change func(*Info)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change(&m.info)
}

// enter changes the state. reason is for people, and empty only for ready.
func (m *Modem) enter(state State, reason string) {
	var before State
	m.update(func(i *Info) {
		before = i.State
		if i.State != state {
			i.State, i.Since = state, time.Now()
		}
		i.Reason = reason
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
		if !pauseFor(ctx, pause(failures, err, rand.Float64())) {
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
	m.update(func(i *Info) { i.Sessions++ })
	s := newSession(m, port)
	err = s.run(ctx)
	m.mark("closed: " + err.Error())
	return s.reached, err
}

// ended says why the modem is not there, and what will be done about it.
func (m *Modem) ended(failures int, err error) {
	var absent *PortAbsentError
	var busy *PortBusyError
	var useless *PortError
	if !errors.As(err, &absent) || failures == 1 {
		m.trouble(err)
	}
	switch {
	case errors.As(err, &absent):
		m.enter(Absent, err.Error())
	case failures >= failedAfter, errors.As(err, &busy), errors.As(err, &useless):
		m.enter(Failed, err.Error())
	default:
		m.enter(Opening, err.Error())
	}
}

// setLive makes Submit go to s; nil: nowhere.
func (m *Modem) setLive(s *session) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.live = s
}
