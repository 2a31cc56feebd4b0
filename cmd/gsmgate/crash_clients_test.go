package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"gsmgate/provisioning"
	"gsmgate/smppd/esme"
	"gsmgate/smppd/smpp"
	"gsmgate/storage"
)

const (
	clientSessions = 3
	clientPause    = 5 * time.Millisecond
)

// clients are ESMEs that bind and submit, each message to another recipient, whatever
// becomes of their sessions, and note what they are told.
type clients struct {
	t    *testing.T
	to   func(n int) string // the recipient of message n
	conf esme.Config
	wait time.Duration // of a session, between messages
	all  sync.WaitGroup

	kills map[string]int // by the side

	mu       sync.Mutex
	done     bool // no more messages are offered
	next     int
	session  int                    // number of the last one
	conns    map[net.Conn]bool      // to be cut
	accepted map[string]int         // number of a message, by its message_id
	receipts map[string][]receiptIn // by message_id
	unheard  int
}

// receiptIn is a receipt that a client got in one of its sessions.
type receiptIn struct {
	session int
	state   string
}

func newClients(t *testing.T, to func(n int) string) *clients {
	return &clients{t: t, to: to, wait: clientPause, kills: map[string]int{}, conns: map[net.Conn]bool{}, accepted: map[string]int{}, receipts: map[string][]receiptIn{}}
}

// come lets all clients in; what it gives returns when they are gone.
func (c *clients) come(ctx context.Context) (gone func()) {
	under, cancel := context.WithCancel(ctx)
	for range clientSessions {
		c.all.Go(func() { c.client(under) })
	}
	return func() { cancel(); c.all.Wait() }
}

// cut ends the connections of all clients, as their death would.
func (c *clients) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn := range c.conns {
		_ = conn.Close()
	}
}

// enough ends the offers; the clients stay bound.
func (c *clients) enough() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.done = true
}

// client binds and submits, again and again. It never submits a message twice.
func (c *clients) client(ctx context.Context) {
	for ctx.Err() == nil {
		c.mu.Lock()
		c.session++
		number := c.session
		c.mu.Unlock()
		c.bound(ctx, number)
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

// bound is one session of a client.
func (c *clients) bound(ctx context.Context, number int) {
	conf := c.conf
	conf.OnDeliver = func(d *smpp.DeliverSM) smpp.CommandStatus { return c.deliver(number, d) }
	conf.DialContext = c.dial
	s, err := esme.Dial(ctx, conf)
	if err != nil {
		return
	}
	defer s.Close(ctx)
	pace := time.NewTicker(c.wait)
	defer pace.Stop()
	for {
		select {
		case <-pace.C:
		case <-s.Ended():
			return
		case <-ctx.Done():
			return
		}
		n, ok := c.take()
		if !ok {
			continue
		}
		if s.SubmitAsync(ctx, c.message(n), func(id string, _ smpp.CommandStatus, err error) { c.answered(n, id, err) }) != nil {
			return
		}
	}
}

// dial notes the connection, to cut it.
func (c *clients) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err == nil {
		c.mu.Lock()
		c.conns[conn] = true
		c.mu.Unlock()
	}
	return conn, err
}

func (c *clients) take() (n int, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done {
		return 0, false
	}
	c.next++
	return c.next, true
}

func (c *clients) message(n int) *smpp.SubmitSM {
	return &smpp.SubmitSM{
		Source: smpp.Address{TON: 1, NPI: 1, Addr: "31600000000"}, Dest: smpp.Address{TON: 1, NPI: 1, Addr: c.to(n)},
		RegisteredDelivery: 1, ShortMessage: fmt.Appendf(nil, "message %d", n),
	}
}

func (c *clients) answered(n int, id string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		c.unheard++
		return
	}
	c.accepted[id] = n
}

func (c *clients) deliver(session int, d *smpp.DeliverSM) smpp.CommandStatus {
	r, err := smpp.ParseReceipt(string(d.ShortMessage), nil)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		c.t.Errorf("no receipt: %q", d.ShortMessage)
	}
	c.receipts[r.ID] = append(c.receipts[r.ID], receiptIn{session, r.State.ReceiptWord()})
	return smpp.StatusOK
}

func (c *clients) heard() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.receipts)
}

// killGateway ends one as a power cut would, holds its file against itself, and starts
// it again a little later.
func (c *clients) killGateway(name string, g *gateway, random *rand.Rand) {
	c.t.Helper()
	c.kills[name]++
	g.kill()
	g.verify()
	time.Sleep(time.Duration(random.Int64N(int64(500 * time.Millisecond))))
	g.start()
}

// settle waits until nothing is on its way any more in a chain of gateways, the first
// of which is the farthest from the clients.
func (c *clients) settle(all ...*gateway) {
	c.t.Helper()
	for _, g := range all {
		for _, kind := range []string{"MT", "receipt"} {
			g.eventuallyWhile(c.heard, "nothing is on its way", func(ctx context.Context) error {
				left, err := g.api.Messages(ctx, provisioning.MessageFilter{State: "ENROUTE", Kind: kind, Limit: 1})
				if err == nil && len(left) > 0 {
					err = fmt.Errorf("%s %s to %s: %s, %v", left[0].Kind, left[0].ID, left[0].Dest, left[0].Reason, left[0].Events)
				}
				return err
			})
		}
	}
	quiet(c.t, all[len(all)-1])
}

// checkAccepted wants each message that was answered ESME_ROK on disk as it was.
func (c *clients) checkAccepted(b *books) {
	c.t.Helper()
	for id, n := range c.accepted {
		if m := b.byDest[c.to(n)]; m == nil || m.ID.String() != id || m.Text != fmt.Sprintf("message %d", n) {
			c.t.Errorf("message %d was accepted as %s and is on disk as %+v", n, id, m)
		}
	}
}

// checkReceipts wants a receipt with the state for what has ended, and another one only
// in another session, as the answer to the first may have been lost, or after a try of
// which the file says that nobody answered it in time.
func (c *clients) checkReceipts(b *books, m *storage.Message, state string) {
	c.t.Helper()
	got := c.receipts[m.ID.String()]
	if ended := m.EndedAt != 0; ended != (len(got) > 0) {
		c.t.Errorf("message %s is in state %d and has %d receipts: %v", m.ID, m.State, len(got), m.Events)
	}
	tries, sessions := 1, map[int]int{}
	if r := b.receipts[m.ID]; r != nil {
		tries = max(tries, r.Parts[0].Attempts)
	}
	for _, r := range got {
		if sessions[r.session]++; sessions[r.session] > tries || r.state != state {
			c.t.Errorf("message %s has the receipts %v, of %d tries", m.ID, got, tries)
		}
	}
}

// books are what one side has on disk.
type books struct {
	byDest   map[string]*storage.Message     // MT
	receipts map[storage.ID]*storage.Message // by the message that they are about
	balance  storage.Balance
}

func readBooks(t *testing.T, dir, user string) books {
	t.Helper()
	db, err := storage.OpenReadOnly(filepath.Join(dir, storeFile))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	b := books{byDest: map[string]*storage.Message{}, receipts: map[storage.ID]*storage.Message{}}
	if b.balance, err = db.Balance(user); err != nil {
		t.Fatal(err)
	}
	for _, m := range allOf(t, db, storage.MT) {
		to := strings.TrimPrefix(m.Dest.Addr, "+")
		if other := b.byDest[to]; other != nil {
			t.Errorf("%s: messages %s and %s are the same", dir, m.ID, other.ID)
		}
		b.byDest[to] = m
	}
	for _, r := range allOf(t, db, storage.Receipt) {
		if other := b.receipts[r.About.ID]; other != nil {
			t.Errorf("%s: receipts %s and %s are both about message %s", dir, r.ID, other.ID, r.About.ID)
		}
		b.receipts[r.About.ID] = r
	}
	return b
}

func allOf(t *testing.T, db *storage.DB, kind storage.Kind) (all []*storage.Message) {
	t.Helper()
	f := storage.Filter{Kind: kind, Limit: 1000}
	for more := true; more; {
		page, err := db.Messages(f)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, page...)
		if more = len(page) == f.Limit; more {
			f.Before = page[len(page)-1].ID
		}
	}
	return all
}
