package main

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"gsmgate/storage"
)

// chainTo is the recipient of message n, who gets no other.
func chainTo(n int) string { return fmt.Sprintf("316%08d", n) }

// TestCrash_AnySideOfAChain_NothingLostLedgerExact has clients, a gateway and its
// provider, which is another gateway, and kills one of the three GSMGATE_CRASHES
// times (4; make crash: 50) at random moments under load. Then both files are held
// against each other and against what the clients were told.
func TestCrash_AnySideOfAChain_NothingLostLedgerExact(t *testing.T) {
	kills, seed := number(t, "GSMGATE_CRASHES", 4), number(t, "GSMGATE_SEED", int(time.Now().Unix()))
	t.Logf("GSMGATE_CRASHES=%d GSMGATE_SEED=%d", kills, seed)
	random := rand.New(rand.NewPCG(uint64(seed), 2))
	c := newChain(t)
	gone := c.come(t.Context())
	defer gone()
	for range kills {
		c.kill(random)
	}
	c.enough()
	c.settle(c.box, c.hub)
	gone()
	c.check()
}

// chain is clients, a hub and a box.
type chain struct {
	*clients
	hub, box *gateway
}

// newChain starts both gateways. They keep their ports when they start again.
func newChain(t *testing.T) *chain {
	t.Helper()
	c := &chain{clients: newClients(t, chainTo)}
	c.box = newGateway(t, "--log", "warn")
	c.hub = newGatewayOf(t, c.box.bin, "--log", "warn")
	c.box.begin("hub")
	c.box.must("channel", "add", "lab", "--kind", "loopback", "--set", "report-delay=150ms")
	c.box.must("route", "add", "--channel", "lab")
	c.hub.begin(loadUser)
	c.hub.must("channel", "add", "up", "--kind", "smpp", "--address", c.box.smpps, "--tls", "--ca", c.box.certificate(),
		"--system-id", "hub", "--password", loadPassword, "--window", "20", "--binds", "2")
	c.hub.must("route", "add", "--channel", "up")
	c.conf = loadConfig(c.hub)
	return c
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

// check stops both and holds all sides against each other.
func (c *chain) check() {
	c.t.Helper()
	for _, g := range []*gateway{c.hub, c.box} {
		g.stop()
		g.verify()
	}
	hub, box := readBooks(c.t, c.hub.dir, loadUser), readBooks(c.t, c.box.dir, "hub")
	c.checkAccepted(&hub)
	unknown := 0
	for to, m := range hub.byDest {
		copied := box.byDest[to] != nil
		switch {
		case m.State == storage.Unknown && !copied && m.EndedAt == 0:
			unknown++
		case m.State != storage.Delivered || !copied:
			c.t.Errorf("message %s is in state %d, and with the provider: %v; %s: %v", m.ID, m.State, copied, m.Reason, m.Events)
		}
		c.checkReceipts(&hub, m, "DELIVRD")
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

// balanced wants as many credits spent and held as there are messages.
func (b *books) balanced(t *testing.T, spent, held int) {
	t.Helper()
	want := storage.Balance{Granted: 1_000_000 * storage.Credit, Spent: storage.Millicredits(spent) * storage.Credit, Held: storage.Millicredits(held) * storage.Credit}
	if want.Available = want.Granted - want.Spent - want.Held; b.balance != want {
		t.Errorf("the balance is %+v, the messages add up to %+v", b.balance, want)
	}
}
