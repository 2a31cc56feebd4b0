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
	chainSessions = 3
	chainPause    = 5 * time.Millisecond // between the messages of a session
)

// TestCrash_AnySideOfAChain_NothingLostLedgerExact has clients, a gateway and its
// provider, which is another gateway, and kills one of the three GSMGATE_CRASHES
// times (4; make crash: 50) at random moments under load. Then both files are held
// against each other and against what the clients were told.
func TestCrash_AnySideOfAChain_NothingLostLedgerExact(t *testing.T) {
	kills, seed := number(t, "GSMGATE_CRASHES", 4), number(t, "GSMGATE_SEED", int(time.Now().Unix()))
	t.Logf("GSMGATE_CRASHES=%d GSMGATE_SEED=%d", kills, seed)
	random := rand.New(rand.NewPCG(uint64(seed), 2))
	c := newChain(t)
	under, gone := context.WithCancel(t.Context())
	defer gone()
	var clients sync.WaitGroup
	for range chainSessions {
		clients.Go(func() { c.client(under) })
	}
	defer clients.Wait()
	defer gone()
	for range kills {
		c.kill(random)
	}
	c.enough()
	c.settle()
	gone()
	clients.Wait()
	c.check()
}

// chain is clients, a hub and a box.
type chain struct {
	t        *testing.T
	hub, box *gateway
	conf     esme.Config
	kills    map[string]int

	mu       sync.Mutex
	done     bool // no more messages are offered
	next     int
	session  int                    // number of the last one
	conns    map[net.Conn]bool      // of the clients
	accepted map[string]int         // number of a message, by its message_id
	receipts map[string][]receiptIn // by message_id
	unheard  int
}

// receiptIn is a receipt that a client got in one of its sessions.
type receiptIn struct {
	session int
	state   string
}

// newChain starts both gateways. They keep their ports when they start again.
func newChain(t *testing.T) *chain {
	t.Helper()
	c := &chain{t: t, kills: map[string]int{}, conns: map[net.Conn]bool{}, accepted: map[string]int{}, receipts: map[string][]receiptIn{}}
	c.box = newGateway(t, "--log", "warn")
	c.hub = newGatewayOf(t, c.box.bin, "--log", "warn")
	c.begin(c.box, "hub", "channel", "add", "lab", "--kind", "loopback", "--set", "report-delay=150ms")
	c.run(c.box, "route", "add", "--channel", "lab")
	c.begin(c.hub, loadUser, "channel", "add", "up", "--kind", "smpp", "--address", c.box.smpps, "--tls", "--ca", c.box.certificate(),
		"--system-id", "hub", "--password", loadPassword, "--window", "20", "--binds", "2")
	c.run(c.hub, "route", "add", "--channel", "up")
	c.conf = loadConfig(c.hub)
	return c
}

// begin starts a gateway with a user and a channel.
func (c *chain) begin(g *gateway, user string, channel ...string) {
	c.t.Helper()
	g.start()
	g.args[1] = "smpps://" + g.smpps
	g.addUser(user, loadPassword, 1_000_000, "*")
	c.run(g, channel...)
}

func (c *chain) run(g *gateway, args ...string) {
	c.t.Helper()
	if out, err := g.command(args...); err != nil {
		c.t.Fatalf("gsmgate %v: %v\n%s", args, err, out)
	}
}

// kill lets the load go on for a while, ends one side, and starts it again.
func (c *chain) kill(random *rand.Rand) {
	c.t.Helper()
	time.Sleep(time.Duration(random.Int64N(int64(1500 * time.Millisecond))))
	switch random.IntN(5) {
	case 0, 1:
		c.killGateway("gateway", c.hub, random)
	case 2, 3:
		c.killGateway("upstream", c.box, random)
	default:
		c.kills["client"]++
		c.cut()
	}
}

func (c *chain) killGateway(name string, g *gateway, random *rand.Rand) {
	c.t.Helper()
	c.kills[name]++
	g.kill()
	g.verify()
	time.Sleep(time.Duration(random.Int64N(int64(500 * time.Millisecond))))
	g.start()
}

// cut ends the connections of all clients, as their death would.
func (c *chain) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn := range c.conns {
		_ = conn.Close()
	}
}

// enough ends the offers; the clients stay bound.
func (c *chain) enough() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.done = true
}

// client binds and submits, again and again. It never submits a message twice.
func (c *chain) client(ctx context.Context) {
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
func (c *chain) bound(ctx context.Context, number int) {
	conf := c.conf
	conf.OnDeliver = func(d *smpp.DeliverSM) smpp.CommandStatus { return c.deliver(number, d) }
	conf.DialContext = c.dial
	s, err := esme.Dial(ctx, conf)
	if err != nil {
		return
	}
	defer s.Close(ctx)
	pace := time.NewTicker(chainPause)
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
		if s.SubmitAsync(ctx, chainMessage(n), func(id string, _ smpp.CommandStatus, err error) { c.answered(n, id, err) }) != nil {
			return
		}
	}
}

// dial notes the connection, to cut it.
func (c *chain) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err == nil {
		c.mu.Lock()
		c.conns[conn] = true
		c.mu.Unlock()
	}
	return conn, err
}

func (c *chain) take() (n int, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done {
		return 0, false
	}
	c.next++
	return c.next, true
}

// chainTo is the recipient of message n, who gets no other.
func chainTo(n int) string { return fmt.Sprintf("316%08d", n) }

func chainMessage(n int) *smpp.SubmitSM {
	return &smpp.SubmitSM{
		Source: smpp.Address{TON: 1, NPI: 1, Addr: "31600000000"}, Dest: smpp.Address{TON: 1, NPI: 1, Addr: chainTo(n)},
		RegisteredDelivery: 1, ShortMessage: fmt.Appendf(nil, "message %d", n),
	}
}

func (c *chain) answered(n int, id string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		c.unheard++
		return
	}
	c.accepted[id] = n
}

func (c *chain) deliver(session int, d *smpp.DeliverSM) smpp.CommandStatus {
	r, err := smpp.ParseReceipt(string(d.ShortMessage), nil)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		c.t.Errorf("no receipt: %q", d.ShortMessage)
	}
	c.receipts[r.ID] = append(c.receipts[r.ID], receiptIn{session, r.State.ReceiptWord()})
	return smpp.StatusOK
}

func (c *chain) heard() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.receipts)
}

// settle waits until nothing is on its way any more.
func (c *chain) settle() {
	c.t.Helper()
	for _, g := range []*gateway{c.box, c.hub} {
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
	quiet(c.t, c.hub)
}

// check stops both and holds all sides against each other.
func (c *chain) check() {
	c.t.Helper()
	for _, g := range []*gateway{c.hub, c.box} {
		g.stop()
		g.verify()
	}
	hub, box := c.read(c.hub, loadUser), c.read(c.box, "hub")
	for id, n := range c.accepted {
		if m := hub.byDest[chainTo(n)]; m == nil || m.ID.String() != id || m.Text != fmt.Sprintf("message %d", n) {
			c.t.Errorf("message %d was accepted as %s and is on disk as %+v", n, id, m)
		}
	}
	unknown := 0
	for to, m := range hub.byDest {
		copied := box.byDest[to] != nil
		switch {
		case m.State == storage.Unknown && !copied && m.EndedAt == 0:
			unknown++
		case m.State != storage.Delivered || !copied:
			c.t.Errorf("message %s is in state %d, and with the provider: %v; %s: %v", m.ID, m.State, copied, m.Reason, m.Events)
		}
		c.checkReceipts(m)
	}
	for to, m := range box.byDest {
		if hub.byDest[to] == nil {
			c.t.Errorf("the provider has message %s to %s, which the gateway has not", m.ID, to)
		}
	}
	hub.balanced(c.t, len(hub.byDest)-unknown, unknown)
	box.balanced(c.t, len(box.byDest), 0)
	c.t.Logf("killed %v; offered %d, accepted %d, without an answer %d, on disk %d, with the provider %d, unknown %d, receipts for %d",
		c.kills, c.next, len(c.accepted), c.unheard, len(hub.byDest), len(box.byDest), unknown, len(c.receipts))
}

// checkReceipts wants a receipt for what has ended, and another one only in another
// session: the answer to the first may have been lost.
func (c *chain) checkReceipts(m *storage.Message) {
	got := c.receipts[m.ID.String()]
	if ended := m.EndedAt != 0; ended != (len(got) > 0) {
		c.t.Errorf("message %s is in state %d and has %d receipts: %v", m.ID, m.State, len(got), m.Events)
	}
	sessions := map[int]bool{}
	for _, r := range got {
		if sessions[r.session] || r.state != "DELIVRD" {
			c.t.Errorf("message %s has the receipts %v", m.ID, got)
		}
		sessions[r.session] = true
	}
}

// books are what one side has on disk.
type books struct {
	byDest  map[string]*storage.Message // MT
	balance storage.Balance
}

func (c *chain) read(g *gateway, user string) books {
	c.t.Helper()
	db, err := storage.OpenReadOnly(filepath.Join(g.dir, storeFile))
	if err != nil {
		c.t.Fatal(err)
	}
	defer db.Close()
	b := books{byDest: map[string]*storage.Message{}}
	if b.balance, err = db.Balance(user); err != nil {
		c.t.Fatal(err)
	}
	f := storage.Filter{Kind: storage.MT, Limit: 1000}
	for more := true; more; {
		page, err := db.Messages(f)
		if err != nil {
			c.t.Fatal(err)
		}
		for _, m := range page {
			to := strings.TrimPrefix(m.Dest.Addr, "+")
			if other := b.byDest[to]; other != nil {
				c.t.Errorf("%s: messages %s and %s are the same", g.dir, m.ID, other.ID)
			}
			b.byDest[to], f.Before = m, m.ID
		}
		more = len(page) == f.Limit
	}
	return b
}

// balanced wants as many credits spent and held as there are messages.
func (b *books) balanced(t *testing.T, spent, held int) {
	t.Helper()
	want := storage.Balance{Granted: 1_000_000 * storage.Credit, Spent: storage.Millicredits(spent) * storage.Credit, Held: storage.Millicredits(held) * storage.Credit}
	if want.Available = want.Granted - want.Spent - want.Held; b.balance != want {
		t.Errorf("the balance is %+v, the messages add up to %+v", b.balance, want)
	}
}
