package smppchan

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gsmgate/router"
	"gsmgate/smppd"
	"gsmgate/smppd/smpp"
	"gsmgate/storage"
	"gsmgate/storage/storagetest"
)

const (
	churnClients = 20
	churnUsers   = 4
	churnPlaces  = 30              // of bound sessions
	churnTime    = 2 * time.Second // at least
	churnBinds   = 60              // at least, however long a busy machine takes
	patience     = 2 * time.Minute
)

// churn is an SMSC whose users are changed while its clients come and go.
type churn struct {
	t      *testing.T
	router *router.Router
	ch     *Channel
	srv    *smppd.Server
	addr   string

	binds, unbinds, vanished atomic.Int64
	next                     atomic.Int64 // number of the last message

	mu       sync.Mutex
	accepted []string                          // under mu: message_ids
	answers  map[smpp.CommandID]map[string]int // under mu: how often which status
}

// Users are changed in every way that touches their sessions, while clients
// bind, submit, ask, cancel, replace, take what comes for them or not, unbind,
// and vanish. Nobody who was disabled stays bound, no accepted message is lost,
// and at the end no session and no place is taken.
func TestChurn_UsersChangeWhileClientsComeAndGo_NothingLeftBehind(t *testing.T) {
	c := newChurn(t)
	begun := time.Now()
	enough := func() bool {
		been := time.Since(begun)
		return been > churnTime && c.binds.Load() >= churnBinds || been > patience
	}
	var all sync.WaitGroup
	for i := range churnClients {
		all.Go(func() {
			random := rand.New(rand.NewPCG(uint64(i), 1))
			for !enough() {
				c.visit(i, random)
			}
		})
	}
	for i := range churnUsers {
		all.Go(func() {
			random := rand.New(rand.NewPCG(uint64(i), 2))
			for !enough() {
				c.alter(userOf(i), random)
			}
		})
	}
	all.Wait()
	c.nothingLeft()
	t.Logf("%d binds, %d unbinds, %d vanished; answers %v", c.binds.Load(), c.unbinds.Load(), c.vanished.Load(), c.answers)
	if c.binds.Load() < churnBinds || len(c.accepted) == 0 {
		t.Error("too little happened to say anything")
	}
}

func userOf(i int) string { return fmt.Sprintf("user%d", i%churnUsers) }

func newChurn(t *testing.T) *churn {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &churn{t: t, addr: l.Addr().String(), answers: map[smpp.CommandID]map[string]int{},
		router: router.New(storagetest.Open(t), router.Options{})}
	c.ch = New(Config{Router: c.router})
	a := &air{open: make(chan struct{}), answer: c.sent}
	close(a.open)
	c.router.Add(a)
	c.router.Add(c.ch)
	for i := range churnUsers {
		if _, err := c.router.AddUser(t.Context(), router.UserSpec{SystemID: userOf(i), Password: "secret", Credits: 1e6 * storage.Credit}); err != nil {
			t.Fatal(err)
		}
	}
	c.srv = smppd.New(smppd.Config{MaxSessions: churnPlaces, MaxUnboundPerAddress: 1000, MaxUnbound: 1000, Response: 300 * time.Millisecond}, c.ch, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := c.router.Run(ctx); err != nil {
			t.Errorf("router: %v", err)
		}
	})
	running.Go(func() { _ = c.srv.Serve(ctx, l) })
	t.Cleanup(func() { cancel(); running.Wait() })
	return c
}

// sent is the network: every message arrives.
func (c *churn) sent(m *storage.Message, _ int) (ref string, err error) {
	c.router.Report(storage.Report{Lane: "sim:1", Match: m.Dest.Addr, Ref: "7", State: storage.Delivered}, func(error) {})
	return "7", nil
}

// alter changes one setting of a user. Who is disabled loses all sessions.
func (c *churn) alter(user string, random *rand.Rand) {
	c.t.Helper()
	word := func(words ...string) *string { return &words[random.IntN(len(words))] }
	number := func(numbers ...int) *int { return &numbers[random.IntN(len(numbers))] }
	var change router.UserChange
	switch random.IntN(8) {
	case 0:
		c.disable(user)
		return
	case 1:
		change.Rate = number(0, 20, 1000)
	case 2:
		change.Window = number(0, 1, 100)
	case 3:
		change.MaxSessions = number(0, 1, 3)
	case 4:
		change.Alphabet = word("", "gsm", "latin1", "ascii", "gsm-packed")
	case 5:
		change.LongForm = word("", "payload", "udh", "sar")
	case 6:
		change.KeepCount = number(0, 1, 100)
	case 7:
		change.AllowedFrom = [2]*[]string{{}, {"127.0.0.0/8"}}[random.IntN(2)]
	}
	if _, err := c.router.SetUser(context.Background(), user, change); err != nil {
		c.t.Errorf("change of %s: %v", user, err)
	}
	time.Sleep(time.Duration(random.IntN(20)) * time.Millisecond)
}

func (c *churn) disable(user string) {
	c.t.Helper()
	set := func(enabled bool) {
		if _, err := c.router.SetUser(context.Background(), user, router.UserChange{Enabled: &enabled}); err != nil {
			c.t.Errorf("change of %s: %v", user, err)
		}
	}
	set(false)
	c.eventually("a disabled user has no session", func() bool { return len(c.srv.SessionsOf(user)) == 0 })
	set(true)
}

func (c *churn) eventually(what string, holds func() bool) {
	c.t.Helper()
	for limit := time.Now().Add(patience); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(limit) {
			c.t.Errorf("never: %s", what)
			return
		}
	}
}

// nothingLeft wants all that the clients had to be given back, and all that
// they were promised to be there.
func (c *churn) nothingLeft() {
	c.t.Helper()
	c.eventually("no session is left", func() bool { st := c.srv.Stats(); return st.Bound+st.Unbound == 0 })
	if st := c.srv.Stats(); st.Panics != 0 {
		c.t.Errorf("%d panics", st.Panics)
	}
	c.eventually("the channel knows of no session", func() bool {
		c.ch.mu.Lock()
		defer c.ch.mu.Unlock()
		return len(c.ch.clients) == 0 && len(c.ch.guests.all("")) == 0
	})
	for _, id := range c.accepted {
		if n, err := storage.ParseID(id); err != nil {
			c.t.Errorf("message_id %q: %v", id, err)
		} else if _, err := c.router.Message(n); err != nil {
			c.t.Errorf("message %s was accepted: %v", id, err)
		}
	}
	c.allPlacesAreFree()
}

// allPlacesAreFree binds as many sessions as there may be.
func (c *churn) allPlacesAreFree() {
	c.t.Helper()
	if _, err := c.router.SetUser(context.Background(), userOf(0), router.UserChange{UserSettings: router.UserSettings{MaxSessions: ptr(0)}}); err != nil {
		c.t.Fatal(err)
	}
	for i := range churnPlaces {
		v := c.call(0, nil)
		if v == nil {
			c.t.Fatalf("session %d of %d cannot be bound", i+1, churnPlaces)
		}
		defer v.leave()
	}
}
