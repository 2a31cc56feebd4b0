package router

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gsmgate/storage"
)

// numberOr is a number of the environment; without one, or, and raceOr under the
// race detector.
func numberOr(t *testing.T, name string, or, raceOr int) int {
	t.Helper()
	if raced {
		or = raceOr
	}
	n, err := strconv.Atoi(orDefault(os.Getenv(name), strconv.Itoa(or)))
	if err != nil {
		t.Fatalf("%s is no number", name)
	}
	return n
}

// Random users, prices, billing forms and outcomes, the gateway killed at random
// moments: whatever happens, the ledger is exact. GSMGATE_LEDGER_RUNS=1000 takes
// more runs, GSMGATE_SEED=N begins with that one.
func TestMoney_AnythingHappens_LedgerExact(t *testing.T) {
	now := int(time.Now().UnixNano() % 1e6)
	runs, seed := numberOr(t, "GSMGATE_LEDGER_RUNS", 8, 2), numberOr(t, "GSMGATE_SEED", now, now)
	seen := map[string]int{}
	for i := range runs {
		t.Run(fmt.Sprintf("GSMGATE_SEED=%d", seed+i), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { live(t, uint64(seed+i), seen) })
		})
	}
	t.Logf("GSMGATE_LEDGER_RUNS=%d GSMGATE_SEED=%d: %v", runs, seed, seen)
	for _, name := range []string{"accepted", "no credit", "no route", "delivered", "undeliverable", "unknown", "expired", "deleted", "replaced", "replaced if present",
		"moved", "crash", "restart", "interrupted", "MO", "scheduled", "batch", "postpaid", "removed user", "refunded by part"} {
		if seen[name] == 0 && runs >= 8 {
			t.Errorf("nothing was ever %s", name)
		}
	}
}

func live(t *testing.T, seed uint64, seen map[string]int) {
	w := newWorld(t, seed)
	defer func() {
		w.stop()
		w.db.Close()
	}()
	for range 120 {
		w.step()
		if w.rng.IntN(4) == 0 {
			w.audit()
		}
	}
	if w.rng.IntN(2) == 0 {
		w.comeToRest()
	}
	w.removeUsers()
	if err := w.r.Verify(t.Context()); err != nil {
		t.Errorf("verify: %v", err)
	}
	for name, n := range w.seen {
		seen[name] += n
	}
}

// step lets one thing happen.
func (w *world) step() {
	steps := []struct {
		weight int
		do     func()
	}{
		{22, w.submitOne}, {12, w.together}, {18, w.pass}, {14, w.together}, {4, w.grant}, {2, w.limit}, {2, w.payBy}, {2, w.importPrices}, {3, w.addRoute},
		{5, w.readiness}, {4, w.receive}, {5, w.crash}, {2, w.restart},
	}
	sum := 0
	for _, s := range steps {
		sum += s.weight
	}
	n := w.rng.IntN(sum)
	for _, s := range steps {
		if n -= s.weight; n < 0 {
			s.do()
			return
		}
	}
}

func (w *world) pass() {
	spans := []time.Duration{time.Millisecond, time.Second, 10 * time.Second, time.Minute, 10 * time.Minute, time.Hour}
	time.Sleep(spans[w.rng.IntN(len(spans))])
}

// together has several things happen at once.
func (w *world) together() {
	w.begin(1 + w.rng.IntN(8)).Wait()
}

// begin draws so many things, and then starts them.
func (w *world) begin(n int) *sync.WaitGroup {
	var ops []func()
	for range n {
		if op := w.asyncOp(); op != nil {
			ops = append(ops, op)
		}
	}
	var all sync.WaitGroup
	for _, op := range ops {
		all.Go(op)
	}
	return &all
}

// asyncOp draws what a client or the network does; its function waits for the
// answer.
func (w *world) asyncOp() func() {
	switch n := w.rng.IntN(20); {
	case n < 6:
		return w.submit()
	case n < 8:
		return w.batch()
	case n < 10:
		return w.cancelSome()
	case n < 12:
		return w.replaceSome()
	case n < 14:
		return w.replaceIfPresent()
	}
	return w.tell()
}

func (w *world) readiness() {
	c := w.channels[w.rng.IntN(len(w.channels))]
	c.down([]string{"", "", "unplugged"}[w.rng.IntN(3)])
}

// receive brings an MO message for somebody, or for nobody.
func (w *world) receive() {
	w.serial++
	m := &storage.Message{Kind: storage.MO, Source: storage.Address{Addr: "31699999999"}, Dest: storage.Address{TON: 1, NPI: 1, Addr: fmt.Sprintf("3160%d1", w.rng.IntN(5))}, Text: fmt.Sprint("mo", w.serial)}
	id, err := w.r.SubmitSync(w.Context(), m)
	w.must(err)
	if got, err := w.r.Message(id); err == nil && got.User == "" && w.rng.IntN(2) == 0 {
		w.must(w.r.Assign(w.Context(), id, w.user()))
	}
	w.seen["MO"]++
}

// draw makes a message, and the offer that it is.
func (w *world) draw(dest string) (*storage.Message, bool) {
	w.serial++
	parts := 1 + w.rng.IntN(4)
	if dest == "" {
		dest = fmt.Sprintf("%s%05d", []string{"31612", "31699", "4477", "49151", "4420", "1"}[w.rng.IntN(6)], w.serial)
	}
	text := fmt.Sprintf("m%d%s", w.serial, strings.Repeat("|x", parts-1))
	m := &storage.Message{Kind: storage.MT, User: w.user(), Source: storage.Address{Addr: "100"}, Dest: storage.Address{TON: 1, NPI: 1, Addr: dest},
		RegisteredDelivery: uint8(w.rng.IntN(4)), Text: text}
	switch w.rng.IntN(8) {
	case 0:
		m.DueAt = storage.TimeOf(time.Now().Add(time.Duration(w.rng.IntN(3600)) * time.Second))
	case 1:
		m.ExpiresAt = storage.TimeOf(time.Now().Add(time.Duration(1+w.rng.IntN(600)) * time.Second))
	case 2:
		m.ESMClass = 1 // datagram mode: one attempt
	}
	return m, w.offered(m.User, text, dest)
}

// offered notes what a text for a recipient costs from now on; false: its price
// list has no price.
func (w *world) offered(user, text, dest string) bool {
	parts := strings.Count(text, "|") + 1
	price, served := w.price(user, dest, parts)
	w.offers[text+" "+dest] = offer{user: user, price: price, parts: parts}
	w.maybe[text+" "+dest] = true
	return served
}

// answered notes what a client was told about a message that it submitted.
func (w *world) answered(id storage.ID, text, dest string, served bool, err error) {
	sure := !w.net.isDying()
	w.net.mu.Lock()
	defer w.net.mu.Unlock()
	switch code := codeOf(err); {
	case err == nil && !served:
		w.Errorf("%s to %s was taken: its price list does not serve it", text, dest)
	case err == nil && sure:
		w.claims[id] = &claim{text: text, dest: dest, sure: true}
		w.seen["accepted"]++
	case err == nil || !sure:
	case code == NoCredit:
		w.seen["no credit"]++
	case code == NoRoute:
		w.seen["no route"]++
	case code == Busy && strings.Contains(err.Error(), "it would leave in"):
		w.seen["too late"]++
	case code != Invalid: // validity over before it is due
		w.Errorf("%s to %s: %v", text, dest, err)
	}
}

// submitOne submits while nothing else happens: then it is known whether it can be
// paid.
func (w *world) submitOne() {
	m, served := w.draw("")
	w.quiet()
	o := w.offers[nameOf(m)]
	fits := w.books.available(o.user)-o.price >= -w.books.limits[o.user]
	text, dest := m.Text, m.Dest.Addr
	id, err := w.r.SubmitSync(w.Context(), m)
	if code := codeOf(err); err == nil && !fits || code == NoCredit && fits {
		w.Fatalf("%s costs %d, %s has %d and may owe %d: %v", text, o.price, o.user, w.books.available(o.user), w.books.limits[o.user], err)
	}
	w.answered(id, text, dest, served, err)
}

func (w *world) submit() func() {
	m, served := w.draw("")
	r, text, dest := w.r, m.Text, m.Dest.Addr
	return func() {
		id, err := r.SubmitSync(context.Background(), m)
		w.answered(id, text, dest, served, err)
	}
}

func (w *world) batch() func() {
	user := w.user()
	var ms []*storage.Message
	var served []bool
	for range 1 + w.rng.IntN(4) {
		m, _ := w.draw("")
		delete(w.offers, nameOf(m))
		m.User = user
		ms, served = append(ms, m), append(served, w.offered(user, m.Text, m.Dest.Addr))
	}
	w.seen["batch"]++
	r := w.r
	return func() {
		done := make(chan struct{})
		texts := slices.Clone(ms)
		r.SubmitBatch(ms, func(ids []storage.ID, errs []error) {
			for i := range ids {
				w.answered(ids[i], texts[i].Text, texts[i].Dest.Addr, served[i], errs[i])
			}
			close(done)
		})
		<-done
	}
}

// some is one of the messages that clients know.
func (w *world) some() (storage.ID, *claim) {
	ids := slices.Sorted(maps.Keys(w.claims))
	if len(ids) == 0 {
		return 0, nil
	}
	id := ids[len(ids)-1-min(w.rng.IntN(len(ids)), w.rng.IntN(len(ids)))] // newer ones rather
	return id, w.claims[id]
}

func (w *world) cancelSome() func() {
	id, c := w.some()
	if c == nil {
		return nil
	}
	user := w.offers[c.text+" "+c.dest].user
	p := Pick{User: user, ID: id}
	if w.rng.IntN(3) == 0 {
		p = Pick{User: user, Source: new("100"), Dest: &c.dest}
	}
	if m, err := w.r.Message(id); err == nil {
		p.ID = min(p.ID, m.ClientID())
	}
	w.cancelled[c.dest] = true
	w.batchmates(p.ID, func(c *claim) { w.cancelled[c.dest] = true })
	r := w.r
	return func() {
		done := make(chan struct{})
		r.Cancel(p, func(int, error) { close(done) })
		<-done
	}
}

// batchmates are the messages that a client knows by one ID.
func (w *world) batchmates(first storage.ID, do func(*claim)) {
	if first == 0 {
		return
	}
	ms, err := w.db.Batch(first)
	if err != nil {
		return
	}
	for _, m := range ms {
		if c := w.claims[m.ID]; c != nil {
			do(c)
		}
	}
}

func (w *world) replaceSome() func() {
	id, c := w.some()
	if c == nil {
		return nil
	}
	user := w.offers[c.text+" "+c.dest].user
	if m, err := w.r.Message(id); err == nil {
		id = m.ClientID()
	}
	w.serial++
	text := fmt.Sprintf("r%d%s", w.serial, strings.Repeat("|x", w.rng.IntN(4)))
	w.batchmates(id, func(c *claim) {
		w.offered(user, text, c.dest)
		c.sure = false // until it is seen which one is there
	})
	r := w.r
	return func() {
		done := make(chan error, 1)
		r.Replace(Pick{User: user, ID: id}, Replacement{RegisteredDelivery: 1, Body: func(m *storage.Message) error { m.Text = text; return nil }}, func(err error) { done <- err })
		<-done
	}
}

func (w *world) replaceIfPresent() func() {
	_, c := w.some()
	if c == nil {
		return nil
	}
	m, served := w.draw(c.dest)
	delete(w.offers, nameOf(m))
	m.User = w.offers[c.text+" "+c.dest].user
	served = w.offered(m.User, m.Text, m.Dest.Addr)
	for _, other := range w.claims {
		if other.dest == c.dest {
			other.sure = false
		}
	}
	r, text, dest := w.r, m.Text, m.Dest.Addr
	return func() {
		type answer struct {
			id  storage.ID
			err error
		}
		done := make(chan answer, 1)
		r.SubmitReplacing(m, func(id storage.ID, err error) { done <- answer{id, err} })
		a := <-done
		if a.err == nil && !served {
			w.Errorf("%s to %s was taken: its price list does not serve it", text, dest)
		}
	}
}

// tell has the network tell of some parts, now and then twice.
func (w *world) tell() func() {
	reps := w.net.take(w.rng, 1+w.rng.IntN(6))
	if len(reps) > 0 && w.rng.IntN(5) == 0 {
		reps = append(reps, reps[0])
	}
	return w.report(reps)
}

func (w *world) report(reps []storage.Report) func() {
	r := w.r
	return func() {
		var all sync.WaitGroup
		for _, rep := range reps {
			all.Add(1)
			r.Report(rep, func(err error) {
				if err != nil || w.net.isDying() { // not acknowledged: it comes again
					w.net.again(rep)
				}
				all.Done()
			})
		}
		all.Wait()
	}
}
