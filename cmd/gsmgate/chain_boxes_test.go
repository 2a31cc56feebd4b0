package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"gsmgate/router"
	"gsmgate/smppd"
	"gsmgate/smppd/esme"
	"gsmgate/storage"
)

// TestChain_TenBoxes_LeastCostAndFailover has a hub with GSMGATE_BOXES boxes (10) as
// SMPP upstreams over TLS. Each is the cheapest for a country of its own, and the next
// one the second. The wire to one of them is cut under load, and whole again later:
// meanwhile its messages go by the next one, then by itself. None is lost or doubled.
func TestChain_TenBoxes_LeastCostAndFailover(t *testing.T) {
	c := newBoxes(t, number(t, "GSMGATE_BOXES", 10))
	for i := range c.boxes {
		c.goes(i, i)
	}
	gone := c.come(t.Context())
	defer gone()
	c.offers(150)
	c.boxes[cutBox].cut()
	c.until("the hub knows that a box is gone", func() error { return c.ready(cutBox, false) })
	c.goes(cutBox, (cutBox+1)%len(c.boxes))
	c.offers(150)
	c.boxes[cutBox].mend()
	c.goes(cutBox, cutBox)
	c.offers(150)
	c.enough()
	c.until("all have ended, or may have been sent", c.settled)
	gone()
	c.check()
}

const cutBox = 1

// boxes are a hub with its boxes, and clients of the hub.
type boxes struct {
	*clients
	hub    *App
	boxes  []*box
	singly int // messages beside those of the clients
}

// box is a gateway with a loopback channel, and the wire from the hub to it.
type box struct {
	*App
	*wire
}

func newBoxes(t *testing.T, n int) *boxes {
	t.Helper()
	c := &boxes{clients: newClients(t, func(k int) string { return fmt.Sprintf("%s%07d", country(k%n), k) })}
	c.hub = startHouse(t, loadUser)
	route := storage.Route{Strategy: "least-cost"}
	for i := range n {
		b := newBox(t)
		c.boxes = append(c.boxes, b)
		ca, err := os.ReadFile(filepath.Join(b.Dir, smppd.CertFile))
		if err != nil {
			t.Fatal(err)
		}
		name := boxName(i)
		c.channel(c.hub, storage.Channel{Name: name, Kind: "smpp", SMPP: &storage.SMPPChannel{
			Address: b.address(), TLS: true, CA: string(ca), SystemID: "hub", Password: loadPassword, Window: 20,
		}})
		c.costs(name, fmt.Sprintf("prefix,price\n%s,0.01\n%s,0.02\n", country(i), country((i+n-1)%n)))
		route.Channels = append(route.Channels, storage.RouteChannel{Name: name})
	}
	if _, err := c.hub.Router().AddRoute(t.Context(), route); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		c.until(boxName(i)+" is bound", func() error { return c.ready(i, true) })
	}
	c.wait = 20 * time.Millisecond
	c.conf = esme.Config{Address: strings.TrimPrefix(c.hub.Listeners()[0], "smpps://"), TLS: anyCertificate, SystemID: loadUser, Password: loadPassword, Window: loadWindow}
	return c
}

// country is the prefix for which box i is the cheapest.
func country(i int) string { return fmt.Sprintf("49%02d", i) }

func boxName(i int) string { return fmt.Sprintf("box%d", i) }

// startHouse starts a gateway in this process, with one rich user.
func startHouse(t *testing.T, user string) *App {
	t.Helper()
	app := New(Options{Dir: filepath.Join(t.TempDir(), "data"), Listen: []listenURL{{"smpps", "127.0.0.1:0"}}})
	if err := app.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = app.Stop() }) // after check it has stopped already
	if _, err := app.Router().AddUser(t.Context(), router.UserSpec{SystemID: user, Password: loadPassword, Credits: 1_000_000 * storage.Credit, AddressRanges: []string{"*"}}); err != nil {
		t.Fatal(err)
	}
	return app
}

func newBox(t *testing.T) *box {
	t.Helper()
	b := &box{App: startHouse(t, "hub")}
	c := storage.Channel{Name: "lab", Kind: "loopback", Loopback: &storage.LoopbackChannel{Settings: map[string]string{"report-delay": "150ms"}}}
	err := errors.Join(checkChannel(&c), b.Router().PutChannel(t.Context(), c, true), b.channelChanged("lab"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Router().AddRoute(t.Context(), storage.Route{Channels: []storage.RouteChannel{{Name: "lab"}}}); err != nil {
		t.Fatal(err)
	}
	b.wire = newWire(t, strings.TrimPrefix(b.Listeners()[0], "smpps://"))
	return b
}

func (c *boxes) channel(app *App, ch storage.Channel) {
	c.t.Helper()
	if err := errors.Join(checkChannel(&ch), app.Router().PutChannel(c.t.Context(), ch, true), app.channelChanged(ch.Name)); err != nil {
		c.t.Fatal(err)
	}
}

func (c *boxes) costs(name, table string) {
	c.t.Helper()
	r := c.hub.Router()
	if _, err := r.ImportPrices(c.t.Context(), router.PriceImport{List: name, Table: []byte(table)}); err != nil {
		c.t.Fatal(err)
	}
	if _, err := r.SetPriceList(c.t.Context(), name, router.PriceListChange{Channels: &[]string{name}}); err != nil {
		c.t.Fatal(err)
	}
}

func (c *boxes) until(what string, is func() error) {
	c.t.Helper()
	var err error
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if err = is(); err == nil {
			return
		}
	}
	c.t.Fatalf("never: %s: %v", what, err)
}

func (c *boxes) ready(i int, want bool) error {
	for _, s := range c.hub.Router().Channels() {
		if s.Name == boxName(i) && s.Ready == want {
			return nil
		}
	}
	return fmt.Errorf("%s is not so: ready %v", boxName(i), want)
}

// goes sends messages to the country of one box until one is routed by another, which
// delivers it. What is not ready is asked now and then: the first ones may still wait
// for it.
func (c *boxes) goes(to, by int) {
	c.t.Helper()
	var id storage.ID
	c.until(fmt.Sprintf("messages to %s are routed by %s", country(to), boxName(by)), func() (err error) {
		c.singly++
		id, err = c.hub.Router().Send(c.t.Context(), router.SendRequest{User: loadUser, From: "+31600000000", To: fmt.Sprintf("+%s9%06d", country(to), c.singly), Text: "which way?"})
		if err != nil {
			return err
		}
		m, err := c.hub.Router().Message(id)
		if err == nil && m.Queue != boxName(by) {
			err = fmt.Errorf("by %s: %v", m.Queue, m.Events)
		}
		return err
	})
	c.until("a message to "+country(to)+" is delivered by "+boxName(by), func() error {
		m, err := c.hub.Router().Message(id)
		if err == nil && (m.State != storage.Delivered || m.Parts[0].Lane != "smpp:"+boxName(by)) {
			err = fmt.Errorf("%s: %v", m.Reason, m.Events)
		}
		return err
	})
}

// offers lets the clients have so many more messages accepted.
func (c *boxes) offers(n int) {
	c.t.Helper()
	count := func() int {
		c.mu.Lock()
		defer c.mu.Unlock()
		return len(c.accepted)
	}
	from := count()
	c.until(fmt.Sprintf("%d more messages are accepted", n), func() error {
		if got := count() - from; got < n {
			return fmt.Errorf("%d are", got)
		}
		return nil
	})
}

// settled says what is still on its way. What may have been sent is so until its box
// has reported it, or for good when none has it.
func (c *boxes) settled() error {
	for _, app := range append([]*App{c.hub}, c.apps()...) {
		for _, kind := range []storage.Kind{storage.MT, storage.Receipt} {
			if left := c.messages(app, kind, storage.Enroute); len(left) > 0 {
				return fmt.Errorf("%d are on their way in %s, %v", len(left), app.Dir, left[0].Events)
			}
		}
	}
	there := map[string]bool{}
	for _, b := range c.boxes {
		for _, m := range c.messages(b.App, storage.MT, storage.Delivered) {
			there[m.Dest.Addr] = true
		}
	}
	for _, m := range c.messages(c.hub, storage.MT, storage.Unknown) {
		if there[m.Dest.Addr] {
			return fmt.Errorf("message %s is UNKNOWN, and a box has it: %v", m.ID, m.Events)
		}
	}
	return nil
}

func (c *boxes) messages(app *App, kind storage.Kind, state storage.State) (all []*storage.Message) {
	c.t.Helper()
	f := storage.Filter{Kind: kind, State: &state, Limit: 1000}
	for more := true; more; {
		page, err := app.Router().Messages(f)
		if err != nil {
			c.t.Fatal(err)
		}
		all = append(all, page...)
		if more = len(page) == f.Limit; more {
			f.Before = page[len(page)-1].ID
		}
	}
	return all
}

func (c *boxes) apps() (all []*App) {
	for _, b := range c.boxes {
		all = append(all, b.App)
	}
	return all
}

// check stops all and holds the hub's file against those of the boxes.
func (c *boxes) check() {
	c.t.Helper()
	hub := c.close(c.hub, loadUser)
	copies, shares, failedOver := map[string]int{}, []int{}, 0
	for i, b := range c.boxes {
		has := c.close(b.App, "hub")
		has.balanced(c.t, len(has.byDest), 0)
		shares = append(shares, len(has.byDest))
		for to := range has.byDest {
			copies[to]++
			if !strings.HasPrefix(to, country(i)) {
				failedOver++
			}
		}
	}
	c.checkAccepted(&hub)
	unknown := 0
	for to, m := range hub.byDest {
		switch n := copies[to]; {
		case m.State == storage.Unknown && n == 0 && m.EndedAt == 0:
			unknown++
		case m.State != storage.Delivered || n != 1:
			c.t.Errorf("message %s is in state %d, and the boxes have it %d times; %s: %v", m.ID, m.State, n, m.Reason, m.Events)
		}
		delete(copies, to)
	}
	if len(copies) > 0 || failedOver == 0 {
		c.t.Errorf("the boxes have messages to %v that the hub has not; %d went by another box than the cheapest", copies, failedOver)
	}
	hub.balanced(c.t, len(hub.byDest)-unknown, unknown)
	c.t.Logf("offered %d, accepted %d, without an answer %d, unknown %d; with the boxes %v, %d of them not by the cheapest",
		c.next, len(c.accepted), c.unheard, unknown, shares, failedOver)
}

// close stops a gateway, and reads its file, which must be in order.
func (c *boxes) close(app *App, user string) books {
	c.t.Helper()
	if err := app.Stop(); err != nil {
		c.t.Errorf("stop: %v", err)
	}
	db, err := storage.OpenReadOnly(filepath.Join(app.Dir, storeFile))
	if err != nil {
		c.t.Fatal(err)
	}
	defer db.Close()
	if err := db.Check(context.Background()); err != nil {
		c.t.Errorf("check: %v", err)
	}
	return readBooks(c.t, app.Dir, user)
}

// wire carries connections to an address, until it is cut.
type wire struct {
	t  *testing.T
	l  net.Listener
	to string

	mu    sync.Mutex
	whole bool
	ends  map[net.Conn]bool
	all   sync.WaitGroup
}

func newWire(t *testing.T, to string) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{t: t, l: l, to: to, whole: true, ends: map[net.Conn]bool{}}
	w.all.Go(w.run)
	t.Cleanup(func() { l.Close(); w.cut(); w.all.Wait() })
	return w
}

func (w *wire) address() string { return w.l.Addr().String() }

func (w *wire) run() {
	for {
		near, err := w.l.Accept()
		if err != nil {
			return
		}
		w.all.Go(func() { w.carry(near) })
	}
}

// carry carries one connection. While the wire is cut there is nobody at its end.
func (w *wire) carry(near net.Conn) {
	defer w.drop(near)
	far, err := net.Dial("tcp", w.to)
	if err != nil || !w.hold(near, far) {
		return
	}
	defer w.drop(far)
	var back sync.WaitGroup
	back.Go(func() { _, _ = io.Copy(near, far); near.Close() })
	_, _ = io.Copy(far, near)
	far.Close()
	back.Wait()
}

func (w *wire) hold(ends ...net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, end := range ends {
		if !w.whole {
			end.Close()
			continue
		}
		w.ends[end] = true
	}
	return w.whole
}

func (w *wire) drop(end net.Conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.ends, end)
	end.Close()
}

func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.whole = false
	for end := range w.ends {
		end.Close()
	}
}

func (w *wire) mend() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.whole = true
}
