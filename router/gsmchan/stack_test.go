package gsmchan

import (
	"context"
	"sync"
	"testing"
	"time"

	"gsmgate/modem"
	"gsmgate/modem/modemsim"
	"gsmgate/router"
	"gsmgate/storage"
	"gsmgate/storage/storagetest"
)

// stack is the channel between a router with its store and simulated modems on
// ptys.
type stack struct {
	t    testing.TB
	sim  *modemsim.Bank
	db   *storage.DB
	r    *router.Router
	ch   *Channel
	stop func()
}

// simulate runs simulated modems until the test ends.
func simulate(t testing.TB, sc modemsim.Config) *modemsim.Bank {
	t.Helper()
	sc.Dir = t.TempDir()
	sim, err := modemsim.New(sc)
	if err != nil {
		t.Skip("no simulator here:", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() { _ = sim.Run(ctx) })
	t.Cleanup(func() { cancel(); all.Wait() })
	return sim
}

// onStack starts all of it, waits until each modem is ready, and ends it with
// the test.
func onStack(t testing.TB, sc modemsim.Config, c Config) *stack {
	t.Helper()
	return stackOn(t, simulate(t, sc), c)
}

// stackOn is onStack over modems that run already.
func stackOn(t testing.TB, sim *modemsim.Bank, c Config) *stack {
	t.Helper()
	s := stackOver(t, sim.Paths(), c)
	s.sim = sim
	return s
}

// stackOver is stackOn over modems of which the ports alone are known.
func stackOver(t testing.TB, ports []string, c Config) *stack {
	t.Helper()
	s := &stack{t: t, db: storagetest.Open(t)}
	c.Ports = ports
	s.ch, s.r = New(c), router.New(s.db, router.Options{})
	s.r.Add(s.ch)
	if _, err := s.r.AddUser(t.Context(), router.UserSpec{SystemID: "acme", Password: "secret", Credits: 1e6 * storage.Credit}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() {
		if err := s.r.Run(ctx); err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	s.stop = sync.OnceFunc(func() { cancel(); all.Wait() })
	t.Cleanup(s.stop)
	within(t, "all modems are ready", func() bool { return s.ready() == len(ports) })
	return s
}

// ready is how many lanes are there.
func (s *stack) ready() int {
	n := 0
	for _, i := range s.ch.Modems() {
		if i.State == modem.Ready {
			n++
		}
	}
	return min(n, len(s.lanes()))
}

func (s *stack) lanes() []router.LaneStatus { return s.r.Channels()[0].Lanes }

// within waits for something in real time, generously.
func within(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for from := time.Now(); !ok(); time.Sleep(3 * time.Millisecond) {
		if time.Since(from) > time.Minute {
			t.Fatal("never happened: ", what)
		}
	}
}

func (s *stack) send(to, text string, edit ...func(*storage.Message)) storage.ID {
	s.t.Helper()
	m := &storage.Message{Kind: storage.MT, User: "acme", Source: storage.Address{Addr: "100"},
		Dest: storage.Address{TON: 1, NPI: 1, Addr: to}, RegisteredDelivery: 1, Text: text}
	for _, e := range edit {
		e(m)
	}
	id, err := s.r.SubmitSync(s.t.Context(), m)
	if err != nil {
		s.t.Fatalf("Submit: %v", err)
	}
	return id
}

func (s *stack) message(id storage.ID) *storage.Message {
	s.t.Helper()
	m, err := s.db.Message(id)
	if err != nil {
		s.t.Fatal(err)
	}
	return m
}

// gone says whether all parts of the message have left.
func (s *stack) gone(id storage.ID) bool {
	for _, p := range s.message(id).Parts {
		if p.State != storage.PartSent && p.State != storage.PartDone {
			return false
		}
	}
	return true
}

// receipt is the delivery receipt of a message, nil while there is none.
func (s *stack) receipt(id storage.ID) *storage.About {
	s.t.Helper()
	ms, err := s.r.Messages(storage.Filter{Limit: 50})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, m := range ms {
		if m.Kind == storage.Receipt && m.About.ID == id {
			return m.About
		}
	}
	return nil
}

// rests says whether a lane is resting.
func (s *stack) rests() bool {
	for _, l := range s.lanes() {
		if !l.RestsUntil.IsZero() {
			return true
		}
	}
	return false
}
