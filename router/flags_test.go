package router

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"gsmgate/storage"
)

// asks is what data_sm with set_dpf asks for.
func asks(m *storage.Message) { m.DPF = storage.DPFAsked }

func toNumber(addr string) func(*storage.Message) {
	return func(m *storage.Message) { m.Dest = storage.Address{Addr: addr} }
}

func from(addr string) func(*storage.Message) {
	return func(m *storage.Message) { m.Source = storage.Address{Addr: addr} }
}

// crier is the client's side of alerts.
type crier struct {
	mu    sync.Mutex
	room  int // how many it takes
	told  []Alert
	tries int
}

func (c *crier) alert(a Alert) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tries++
	if c.room == 0 {
		return false
	}
	c.room--
	c.told = append(c.told, a)
	return true
}

func (c *crier) open(room int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.room = room
}

// take gives what was told, and forgets it.
func (c *crier) take() (told []Alert) {
	c.mu.Lock()
	defer c.mu.Unlock()
	told, c.told = c.told, nil
	return told
}

// flagging runs a router whose lane refuses "no" for good and "busy" for now; the
// crier takes all.
func flagging(t *testing.T) (*bench, *crier) {
	t.Helper()
	c := &scripted{lanes: []Lane{lane("sim:1")}, answer: func(ctx context.Context, l string, m *storage.Message, i int) (string, error) {
		if m.Text == "busy" {
			return "", &SendError{Outcome: RefusedForNow, Wait: time.Minute, Cause: 38, Err: errors.New("network out of order")}
		}
		if m.Text == "no" {
			return "", &SendError{Outcome: RefusedForGood, Cause: 27, Err: errors.New("destination out of order")}
		}
		return ok(ctx, l, m, i)
	}}
	b := running(t, c, Options{})
	k := &crier{room: 1 << 30}
	b.r.OnAlert(k.alert)
	return b, k
}

// hear brings an MO message from a number.
func (b *bench) hear(addr string) {
	b.t.Helper()
	m := &storage.Message{Kind: storage.MO, Text: "hi", Source: storage.Address{TON: 1, NPI: 1, Addr: addr}}
	if _, err := b.r.SubmitSync(b.t.Context(), m); err != nil {
		b.t.Fatal(err)
	}
	synctest.Wait()
}

// flagged wants these messages to have raised flags, on disk and in memory.
func (b *bench) flagged(ids ...storage.ID) {
	b.t.Helper()
	got, err := b.db.Flagged()
	if err != nil || !slices.Equal(got, ids) || int(b.r.flags.raised.Load()) != len(ids) {
		b.t.Errorf("flagged %v and %d in memory, %v; want %v", got, b.r.flags.raised.Load(), err, ids)
	}
	f := b.r.flags
	f.mu.Lock()
	defer f.mu.Unlock()
	sum := 0
	for _, u := range f.users {
		sum += u.all.Len()
	}
	if len(f.byID) != len(ids) || f.all.Len() != len(ids) || sum != len(ids) {
		b.t.Errorf("%d by ID, %d in all, %d by user; want %d", len(f.byID), f.all.Len(), sum, len(ids))
	}
}

func TestFlag_NotDelivered_ReportOfAnotherMessage_AlertedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, k := flagging(t)
		plain := b.send("no")
		id := b.send("no", asks)
		synctest.Wait()
		if m := b.state(plain); m.State != storage.Undeliverable || m.DPF != storage.DPFNone {
			t.Errorf("a message that did not ask: %+v", m)
		}
		b.flagged(id)
		b.send("x", toNumber("0612345678"))
		synctest.Wait()
		if told := k.take(); told != nil {
			t.Errorf("told before anything was heard: %v", told)
		}
		done := make(chan error, 1)
		b.r.Report(storage.Report{Lane: "sim:1", Match: "0612345678", Ref: "x-1", State: storage.Delivered}, func(err error) { done <- err })
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		want := Alert{User: "acme", Session: "s1", Source: storage.Address{TON: 1, NPI: 1, Addr: "31612345678"}, ESME: storage.Address{Addr: "100"}}
		if told := k.take(); !slices.Equal(told, []Alert{want}) {
			t.Errorf("told %+v", told)
		}
		b.flagged()
		if m := b.state(id); m.DPF != storage.DPFNone || m.Events[len(m.Events)-1].What != "alert" {
			t.Errorf("after the alert: %+v", m)
		}
		b.hear("31612345678")
		if told := k.take(); told != nil {
			t.Errorf("told again: %v", told)
		}
	})
}

func TestFlag_HeardFrom_MOAndFirstSegment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, k := flagging(t)
		for _, say := range []func(){
			func() { b.hear("31612345678") },
			func() {
				done := make(chan error, 1)
				b.r.Segment(storage.Segment{Lane: "sim:1", Source: storage.Address{Addr: "+31612345678"}, Total: 2, Number: 1, Received: 1, Dedupe: "d"},
					nil, func(err error) { done <- err })
				if err := <-done; err != nil {
					t.Error(err)
				}
			},
		} {
			b.send("no", asks)
			synctest.Wait()
			b.hear("31687654321")
			if told := k.take(); told != nil {
				t.Errorf("told when another was heard: %v", told)
			}
			say()
			synctest.Wait()
			if told := k.take(); len(told) != 1 {
				t.Errorf("told %v", told)
			}
		}
	})
}

// A name may look like a number, and belongs to nobody.
func TestFlag_AlphanumericSource_TellsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, k := flagging(t)
		id := b.send("no", asks)
		synctest.Wait()
		b.r.flags.reached(storage.Address{TON: 5, Addr: "31612345678"})
		pass(time.Minute)
		b.flagged(id)
		if told := k.take(); told != nil {
			t.Errorf("told %v", told)
		}
	})
}

func TestFlag_HowItEnds_SetOrNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _ := flagging(t)
		delivered := b.send("x", asks, from("300"))
		synctest.Wait()
		b.report("sim:1", "x-1", storage.Delivered)
		expires := b.send("busy", asks, func(m *storage.Message) { m.ExpiresAt = storage.TimeOf(time.Now().Add(time.Hour)) })
		cancelled := b.send("x", asks, from("200"), func(m *storage.Message) { m.DueAt = storage.TimeOf(time.Now().Add(time.Hour)) })
		if err := b.r.CancelOne(t.Context(), cancelled); err != nil {
			t.Fatal(err)
		}
		pass(2 * time.Hour)
		for id, want := range map[storage.ID]storage.State{expires: storage.Expired, cancelled: storage.Deleted, delivered: storage.Delivered} {
			if m := b.state(id); m.State != want {
				t.Errorf("%s is %s, want %s", id, StateWord(m.State), StateWord(want))
			}
		}
		b.flagged(expires)
	})
}

// The network says that the handset is away, and later delivers after all. What
// fails after the alert is flagged anew.
func TestFlag_StillTrying_SetBeforeTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, k := flagging(t)
		id := b.send("x", asks)
		synctest.Wait()
		trying := func(absent bool) {
			done := make(chan error, 1)
			b.r.Report(storage.Report{Lane: "sim:1", Match: "31612345678", Ref: "x-1", State: storage.Enroute, Absent: absent}, func(err error) { done <- err })
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		trying(false)
		b.flagged()
		trying(true)
		b.flagged(id)
		b.hear("31612345678")
		if told := k.take(); len(told) != 1 || b.state(id).DPF != storage.DPFAsked {
			t.Errorf("told %v, flag %d", told, b.state(id).DPF)
		}
		trying(true)
		b.flagged(id)
		b.report("sim:1", "x-1", storage.Delivered)
		synctest.Wait()
		if told := k.take(); len(told) != 1 || b.state(id).DPF != storage.DPFNone {
			t.Errorf("told %v, flag %d", told, b.state(id).DPF)
		}
		b.flagged()
	})
}

// again runs another router over the same store, as after a restart.
func (b *bench) again(k *crier) {
	b.stop()
	b.r = New(b.db, Options{})
	b.r.Add(b.c)
	b.r.OnAlert(k.alert)
	b.start()
	b.t.Cleanup(b.stop)
	synctest.Wait()
}

func TestFlag_Restart_IsStillSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, k := flagging(t)
		id := b.send("no", asks)
		synctest.Wait()
		b.again(k)
		b.flagged(id)
		b.hear("31612345678")
		if told := k.take(); len(told) != 1 {
			t.Errorf("told %v", told)
		}
		b.flagged()
	})
}

func TestFlag_NobodyBound_OwedUntilSomebodyIs_OverARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, k := flagging(t)
		k.open(0)
		id := b.send("no", asks)
		later := b.send("no", asks, toNumber("31600000001"))
		synctest.Wait()
		b.hear("31612345678")
		if m := b.state(id); m.DPF != storage.DPFOwed || b.state(later).DPF != storage.DPFSet {
			t.Errorf("flags %d and %d", m.DPF, b.state(later).DPF)
		}
		b.again(k)
		b.flagged(id, later)
		k.open(1 << 30)
		b.r.AlertsTo("other")
		synctest.Wait()
		if told := k.take(); told != nil {
			t.Errorf("told when another user was bound: %v", told)
		}
		b.r.AlertsTo("acme")
		synctest.Wait()
		if told := k.take(); len(told) != 1 || told[0].Source.Addr != "31612345678" {
			t.Errorf("told %v", told)
		}
		b.flagged(later)
	})
}

// A client that reads slowly gets the rest later, and nothing is tried in a loop.
func TestFlag_MoreThanTheClientTakes_TheRestLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, k := flagging(t)
		const n = 3*alertBatch + 10
		if _, err := b.r.Credit(t.Context(), "acme", n*storage.Credit, ""); err != nil {
			t.Fatal(err)
		}
		for i := range n {
			b.send("no", asks, from(fmt.Sprint(i)))
		}
		pass(time.Minute)
		k.open(alertBatch + 5)
		b.hear("31612345678")
		if told := k.take(); len(told) != alertBatch+5 || int(b.r.flags.raised.Load()) != n-len(told) {
			t.Fatalf("told %d, %d are left", len(told), b.r.flags.raised.Load())
		}
		ids, _ := b.db.Flagged()
		for _, id := range ids {
			if f := b.state(id).DPF; f != storage.DPFOwed {
				t.Fatalf("flag %d of what is owed", f)
			}
		}
		if k.tries > alertBatch+10 {
			t.Errorf("%d tries", k.tries)
		}
		k.open(1 << 30)
		pass(alertEvery)
		seen := map[string]bool{}
		for _, a := range k.take() {
			seen[a.ESME.Addr] = true
		}
		if len(seen) != n-alertBatch-5 {
			t.Errorf("then told %d", len(seen))
		}
		b.flagged()
	})
}

func TestFlag_OfOneUser_Bounded_OldestLowered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, k := flagging(t)
		b.r.flags.mu.Lock()
		b.r.flags.most = 3
		b.r.flags.mu.Unlock()
		var ids []storage.ID
		for i := range 5 {
			ids = append(ids, b.send("no", asks, toNumber(fmt.Sprint("3161234560", i))))
			synctest.Wait()
		}
		b.flagged(ids[2:]...)
		b.hear("31612345600")
		b.hear("31612345604")
		if told := k.take(); len(told) != 1 || told[0].Source.Addr != "31612345604" {
			t.Errorf("told %v", told)
		}
	})
}

// Ten messages to a handset that is off are one alert, for each address that they came from.
func TestFlag_SameAddresses_OneAlert(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, k := flagging(t)
		var last storage.ID
		for _, dest := range []string{"31612345678", "+31612345678", "0612345678"} {
			last = b.send("no", asks, toNumber(dest))
			synctest.Wait()
		}
		b.flagged(last)
		other := b.send("no", asks, from("200"))
		synctest.Wait()
		b.flagged(last, other)
		b.hear("31612345678")
		if told := k.take(); len(told) != 2 {
			t.Errorf("told %v", told)
		}
		b.flagged()
	})
}

// What its client has replaced tells of nothing any more, and the message that
// retention takes away takes its flag with it.
func TestFlag_OfAMessageThatIsGone_NoAlert(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, k := flagging(t)
		replaced := b.send("no", asks)
		removed := b.send("no", asks, toNumber("31600000001"))
		synctest.Wait()
		if _, err := b.db.ChangeSync(t.Context(), replaced, func(m *storage.Message, _ storage.Time) ([]*storage.Message, error) {
			m.DPF = storage.DPFNone // as takePlace does, past the memory
			return nil, nil
		}); err != nil {
			t.Fatal(err)
		}
		b.hear("31612345678")
		b.flagged(removed)
		pass(31 * 24 * time.Hour)
		if _, err := b.r.Message(removed); err == nil {
			t.Error("retention has not removed the message")
		}
		b.flagged()
		b.hear("31600000001")
		if told := k.take(); told != nil {
			t.Errorf("told %v", told)
		}
	})
}

// Many clients, many handsets, all at once: each flag is told once, and no place
// is left taken.
func TestFlag_Concurrently_EachToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, k := flagging(t)
		const n = 200
		if _, err := b.r.Credit(t.Context(), "acme", n*storage.Credit, ""); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		var sent atomic.Int32
		for w := range 4 {
			wg.Go(func() {
				for i := range n / 4 {
					b.send("no", asks, toNumber(fmt.Sprintf("316%02d%06d", w, i)))
					sent.Add(1)
				}
			})
			wg.Go(func() {
				for i := range n / 4 {
					b.r.flags.reached(storage.Address{Addr: fmt.Sprintf("316%02d%06d", w, i)})
					b.r.AlertsTo("acme")
					time.Sleep(time.Millisecond)
				}
			})
		}
		wg.Wait()
		pass(time.Minute)
		for w := range 4 {
			for i := range n / 4 {
				b.r.flags.reached(storage.Address{Addr: fmt.Sprintf("316%02d%06d", w, i)})
			}
		}
		pass(time.Minute)
		seen := map[string]int{}
		for _, a := range k.take() {
			seen[a.Source.Addr]++
		}
		for addr, times := range seen {
			if times != 1 {
				t.Errorf("%s was told %d times", addr, times)
			}
		}
		if len(seen) != n {
			t.Errorf("told of %d, sent %d", len(seen), sent.Load())
		}
		b.flagged()
	})
}

func TestSameNumber(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"31612345678", "+31612345678", true},
		{"0031612345678", "31612345678", true},
		{"0612345678", "31612345678", true},
		{"612345678", "+31612345678", true},
		{"12345678", "4512345678", true}, // eight digits are a whole number in Denmark
		{"1234567", "4561234567", false}, // seven may be those of many
		{"7000", "7000", true},
		{"7000", "317000", false},
		{"31612345678", "32612345678", false},
		{"31612345678", "31612345679", false},
	} {
		if sameNumber(c.a, c.b) != c.same || sameNumber(c.b, c.a) != c.same {
			t.Errorf("%s and %s: want %v", c.a, c.b, c.same)
		}
		if c.same && tail(c.a) != tail(c.b) {
			t.Errorf("%s and %s are looked for in different places", c.a, c.b)
		}
	}
}
