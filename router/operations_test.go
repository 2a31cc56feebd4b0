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
	"gsmgate/storage/storagetest"
)

// cancel waits for the answer.
func (b *bench) cancel(p Pick) (int, error) {
	b.t.Helper()
	type answer struct {
		n   int
		err error
	}
	c := make(chan answer, 1)
	b.r.Cancel(p, func(n int, err error) { c <- answer{n, err} })
	a := <-c
	return a.n, a.err
}

func (b *bench) replace(p Pick, text string, edit ...func(*Replacement)) error {
	b.t.Helper()
	r := Replacement{RegisteredDelivery: 1, Body: func(m *storage.Message) error { m.Text = text; return nil }}
	for _, f := range edit {
		f(&r)
	}
	c := make(chan error, 1)
	b.r.Replace(p, r, func(err error) { c <- err })
	return <-c
}

func (b *bench) batch(texts ...string) ([]storage.ID, []error) {
	b.t.Helper()
	var ms []*storage.Message
	for i, text := range texts {
		ms = append(ms, &storage.Message{Kind: storage.MT, User: "acme", Source: storage.Address{Addr: "100"},
			Dest: storage.Address{Addr: fmt.Sprintf("3160000000%d", i)}, RegisteredDelivery: 1, Text: text})
	}
	type answer struct {
		ids  []storage.ID
		errs []error
	}
	c := make(chan answer, 1)
	b.r.SubmitBatch(ms, func(ids []storage.ID, errs []error) { c <- answer{ids, errs} })
	a := <-c
	return a.ids, a.errs
}

// byAddresses picks what bench.send has sent.
func byAddresses() Pick {
	return Pick{User: "acme", Source: new("100"), Dest: new("31612345678")}
}

func codeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return Internal
}

// still is a channel whose lane takes nothing.
func still() *scripted { return &scripted{} }

func TestCancel_WhileTrying_Refused_AfterRefusalForNow_Cancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &scripted{lanes: []Lane{lane("sim:1")}}
		c.answer = func(context.Context, string, *storage.Message, int) (string, error) {
			time.Sleep(time.Minute)
			return "", &SendError{Outcome: RefusedForNow, Wait: time.Hour, Err: errors.New("busy")}
		}
		b := running(t, c, Options{})
		id := b.send("x")
		pass(time.Second)
		for _, p := range []Pick{{User: "acme", ID: id}, byAddresses()} {
			if n, err := b.cancel(p); n != 0 || codeOf(err) != Conflict {
				t.Errorf("while it is tried: %d, %v", n, err)
			}
		}
		pass(2 * time.Minute)
		if n, err := b.cancel(byAddresses()); n != 1 || err != nil {
			t.Errorf("after it was refused: %d, %v", n, err)
		}
		pass(2 * time.Hour)
		b.expect(id, storage.Deleted, 10, 0)
		if b.c.log() != "sim:1 x/1" || len(b.receipts()) != 1 {
			t.Errorf("sent %s, %d receipts", b.c.log(), len(b.receipts()))
		}
	})
}

func TestStanding_OfAWhole_IsThatOfTheWorst(t *testing.T) {
	const now = 1000
	of := func(states ...storage.State) []*storage.Message {
		var ms []*storage.Message
		for i, s := range states {
			m := &storage.Message{State: s, EndedAt: storage.Time(100 + i), Cause: uint32(s)}
			if s == storage.Scheduled || s == storage.Enroute {
				m.EndedAt, m.DueAt, m.Cause = 0, now+1, 0
			}
			ms = append(ms, m)
		}
		return ms
	}
	const del, und, exp, canc, enr, sch, rej, unk = storage.Delivered, storage.Undeliverable, storage.Expired, storage.Deleted, storage.Enroute, storage.Scheduled, storage.Rejected, storage.Unknown
	for _, c := range []struct {
		ms   []*storage.Message
		want Standing
	}{
		{of(del, del), Standing{del, uint32(del), 101}},
		{of(und, del), Standing{und, uint32(und), 101}},
		{of(del, canc, exp), Standing{exp, uint32(exp), 102}},
		{of(rej, und, unk), Standing{und, uint32(und), 102}},
		{of(unk, canc), Standing{canc, uint32(canc), 101}},
		{of(del, enr), Standing{enr, 0, 0}},
		{of(sch, sch), Standing{sch, 0, 0}},
		{of(sch, und), Standing{enr, 0, 0}},
		{[]*storage.Message{{State: sch, DueAt: now}}, Standing{enr, 0, 0}},
		{[]*storage.Message{{State: unk, Parts: []storage.Part{{Cause: 5}}}}, Standing{enr, 5, 0}},
	} {
		if got := standing(c.ms, now); got != c.want {
			t.Errorf("%+v, want %+v", got, c.want)
		}
	}
}

func TestReplace_NoCredit_NothingChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := running(t, still(), Options{})
		ids, _ := b.batch("one", "two")
		p := Pick{User: "acme", ID: ids[0]}
		if err := b.replace(p, "1|2|3|4|5|6"); codeOf(err) != NoCredit {
			t.Errorf("12 of 10 credits: %v", err)
		}
		b.expect(ids[0], storage.Enroute, 8, 0)
		if err := b.replace(p, "1|2|3|4|5"); err != nil {
			t.Error(err)
		}
		if m := b.expect(ids[1], storage.Enroute, 0, 0); len(m.Parts) != 5 {
			t.Errorf("%+v", m)
		}
	})
}

func TestReplace_ForLater_SentThenAndOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &scripted{lanes: []Lane{lane("sim:1")}}
		var refused atomic.Bool
		c.answer = func(context.Context, string, *storage.Message, int) (string, error) {
			if refused.CompareAndSwap(false, true) {
				return "", &SendError{Outcome: RefusedForNow, Wait: time.Minute, Err: errors.New("busy")}
			}
			return "7", nil
		}
		b := running(t, c, Options{})
		id := b.send("x")
		pass(time.Second)
		due := storage.TimeOf(time.Now().Add(time.Hour))
		if err := b.replace(Pick{User: "acme", ID: id}, "y", func(r *Replacement) { r.DueAt = due }); err != nil {
			t.Fatal(err)
		}
		pass(30 * time.Minute)
		b.expect(id, storage.Scheduled, 9, 0)
		pass(31 * time.Minute)
		b.expect(id, storage.Enroute, 9, 0)
		if b.c.log() != "sim:1 x/1; sim:1 y/1" {
			t.Errorf("sent %s", b.c.log())
		}
	})
}

// The text changes; that it waits for a refusal to pass does not.
func TestReplace_WithoutASchedule_WaitsAsBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &scripted{lanes: []Lane{lane("sim:1")}, answer: func(context.Context, string, *storage.Message, int) (string, error) {
			return "", &SendError{Outcome: RefusedForNow, Wait: time.Hour, Err: errors.New("busy")}
		}}
		b := running(t, c, Options{})
		id := b.send("x")
		pass(time.Second)
		if err := b.replace(Pick{User: "acme", ID: id}, "y"); err != nil {
			t.Fatal(err)
		}
		pass(59 * time.Minute)
		if b.c.log() != "sim:1 x/1" {
			t.Errorf("sent %s", b.c.log())
		}
		pass(2 * time.Minute)
		if b.c.log() != "sim:1 x/1; sim:1 y/1" {
			t.Errorf("sent %s", b.c.log())
		}
	})
}

func TestDatagram_OneAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &scripted{lanes: []Lane{lane("sim:1")}, answer: func(context.Context, string, *storage.Message, int) (string, error) {
			return "", &SendError{Outcome: RefusedForNow, Cause: 42, Err: errors.New("busy")}
		}}
		b := running(t, c, Options{})
		id := b.send("x", func(m *storage.Message) { m.ESMClass = 1 })
		pass(time.Hour)
		m := b.expect(id, storage.Undeliverable, 10, 0)
		if b.c.log() != "sim:1 x/1" || m.Cause != 42 || len(b.receipts()) != 1 {
			t.Errorf("sent %s, cause %d", b.c.log(), m.Cause)
		}
	})
}

func TestRegisteredDelivery_WhoWantsWhat(t *testing.T) {
	for state, want := range map[storage.State][4]bool{
		storage.Delivered: {false, true, false, true}, storage.Accepted: {false, true, false, true},
		storage.Undeliverable: {false, true, true, false}, storage.Expired: {false, true, true, false},
		storage.Deleted: {false, true, true, false}, storage.Rejected: {false, true, true, false}, storage.Unknown: {false, true, true, false},
	} {
		for bits := range uint8(4) {
			for _, others := range []uint8{0, 0x04, 0x08, 0xE0} { // acks, and what is reserved
				m := &storage.Message{State: state, RegisteredDelivery: bits | others}
				if got := wantsReceipt(m); got != want[bits] {
					t.Errorf("registered_delivery %#x, %s: %v", bits|others, StateWord(state), got)
				}
			}
		}
	}
}

func TestIntermediate_ToldWhenItChanges_FewTimes_NotAfterTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var cause atomic.Uint32
		cause.Store(30)
		c := &scripted{lanes: []Lane{lane("sim:1")}}
		c.answer = func(context.Context, string, *storage.Message, int) (string, error) {
			if n := cause.Load(); n != 0 {
				return "", &SendError{Outcome: RefusedForNow, Wait: time.Minute, Cause: n, Err: errors.New("busy")}
			}
			return "7", nil
		}
		b := running(t, c, Options{})
		id := b.send("x", func(m *storage.Message) { m.RegisteredDelivery = 0x11 })
		silent := b.send("x", func(m *storage.Message) { m.RegisteredDelivery = 0x01 })
		pass(10 * time.Minute)
		if rs := b.receipts(); len(rs) != 1 || !rs[0].About.Intermediate || rs[0].About.State != storage.Enroute || rs[0].About.Cause != 30 || rs[0].About.ID != id {
			t.Errorf("the same cause ten times: %d notices, %+v", len(rs), rs)
		}
		for n := range uint32(8) {
			cause.Store(40 + n)
			pass(2 * time.Minute)
		}
		if n := len(b.receipts()); n != mostNotices {
			t.Errorf("%d notices", n)
		}
		cause.Store(0)
		pass(2 * time.Minute)
		b.expect(id, storage.Enroute, 8, 0)
		b.report("sim:1", "7", storage.Delivered)
		b.report("sim:1", "7", storage.Delivered)
		b.expect(id, storage.Delivered, 8, 2)
		b.expect(silent, storage.Delivered, 8, 2)
		var final int
		for _, r := range b.receipts() {
			if !r.About.Intermediate {
				final++
			}
		}
		if final != 2 {
			t.Errorf("%d final receipts", final)
		}
	})
}

// TP-ST 0x20 to 0x3F: the network still tries.
func TestIntermediate_NetworkStillTries_Told(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := running(t, &scripted{lanes: []Lane{lane("sim:1")}, answer: ok}, Options{})
		id := b.send("x", func(m *storage.Message) { m.RegisteredDelivery = 0x10 })
		synctest.Wait()
		b.report("sim:1", "x-1", storage.Enroute)
		b.report("sim:1", "x-1", storage.Enroute)
		b.report("sim:1", "x-1", storage.Delivered)
		b.expect(id, storage.Delivered, 9, 1)
		if rs := b.receipts(); len(rs) != 1 || !rs[0].About.Intermediate || rs[0].About.UserReference != nil {
			t.Errorf("%+v", rs)
		}
	})
}

// A client that is away hears only how it ended.
func TestIntermediate_OvertakenByTheEnd_NotDelivered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := running(t, &scripted{lanes: []Lane{lane("sim:1")}, answer: ok}, Options{})
		b.send("x", func(m *storage.Message) { m.RegisteredDelivery = 0x11 })
		synctest.Wait()
		b.report("sim:1", "x-1", storage.Enroute)
		b.report("sim:1", "x-1", storage.Delivered)
		var told []bool
		ctx, cancel := context.WithCancel(t.Context())
		served := make(chan error, 1)
		go func() {
			served <- b.r.Serve(ctx, Lane{ID: "user:acme", Queue: UserQueue("acme"), Order: conversation}, SenderFunc(func(_ context.Context, m *storage.Message, _ int) (string, error) {
				told = append(told, m.About.Intermediate)
				return "", nil
			}))
		}()
		pass(time.Minute)
		cancel()
		<-served
		if !slices.Equal(told, []bool{false}) {
			t.Errorf("intermediate: %v", told)
		}
		for _, r := range b.receipts() {
			if want := storage.Delivered; r.About.Intermediate && r.State != storage.Deleted || !r.About.Intermediate && r.State != want {
				t.Errorf("%+v", r)
			}
		}
	})
}

// A message is either cancelled or sent, never both, and never neither.
func TestCancel_AgainstDispatch_EitherCancelledOrSent(t *testing.T) {
	db := storagetest.Open(t)
	r := New(db, Options{})
	var mu sync.Mutex
	sent := map[storage.ID]bool{}
	c := &scripted{answer: func(_ context.Context, _ string, m *storage.Message, _ int) (string, error) {
		mu.Lock()
		defer mu.Unlock()
		sent[m.ID] = true
		return m.ID.String(), nil
	}}
	for i := range 4 {
		c.lanes = append(c.lanes, lane(fmt.Sprintf("sim:%d", i)))
	}
	r.Add(c)
	const n = 400
	if _, err := r.AddUser(t.Context(), UserSpec{SystemID: "acme", Password: "secret", Credits: n * storage.Credit}); err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, db: db, r: r, c: c}
	b.start()
	t.Cleanup(func() { b.stop() })
	cancelled := make(map[storage.ID]bool)
	var all []storage.ID
	var clients sync.WaitGroup
	for range 4 {
		clients.Go(func() {
			for i := range n / 4 {
				id := b.send("x")
				p := Pick{User: "acme", ID: id}
				if i%2 == 0 {
					p = byAddresses()
				}
				count, err := b.cancel(p)
				mu.Lock()
				all = append(all, id)
				cancelled[id] = err == nil && p.ID != 0 && count == 1
				mu.Unlock()
			}
		})
	}
	clients.Wait()
	limit := time.Now().Add(20 * time.Second)
	for db.Queued("gsm") > 0 && time.Now().Before(limit) {
		time.Sleep(time.Millisecond)
	}
	b.stop()
	deleted := 0
	for _, id := range all {
		m, err := r.Message(id)
		if err != nil {
			t.Fatal(err)
		}
		if gone := m.State == storage.Deleted; gone == sent[id] || cancelled[id] && !gone {
			t.Errorf("%s: %s, sent %v, told cancelled %v", id, StateWord(m.State), sent[id], cancelled[id])
		} else if gone {
			deleted++
		}
	}
	u, err := r.User("acme")
	if err != nil || u.Balance.Available != storage.Millicredits(deleted)*storage.Credit {
		t.Errorf("%d of %d cancelled, balance %+v, %v", deleted, n, u.Balance, err)
	}
	t.Logf("%d of %d cancelled", deleted, n)
}

func (b *bench) submitReplacing(m *storage.Message) (storage.ID, error) {
	b.t.Helper()
	type answer struct {
		id  storage.ID
		err error
	}
	c := make(chan answer, 1)
	b.r.SubmitReplacing(m, func(id storage.ID, err error) { c <- answer{id, err} })
	a := <-c
	return a.id, a.err
}
