package router

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"gsmgate/storage"
	"gsmgate/storage/storagetest"
)

// scripted is a channel whose lanes answer what the test says.
type scripted struct {
	lanes    []Lane
	notReady string // why the channel is not ready
	answer   func(ctx context.Context, lane string, m *storage.Message, i int) (string, error)

	mu   sync.Mutex
	sent []string // "lane id/part", in the order of sending
	in   Inbox
}

func (c *scripted) Name() string                { return "gsm" }
func (c *scripted) Carries(k storage.Kind) bool { return k == storage.MT }
func (c *scripted) Status() Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	return Status{Ready: c.notReady == "", Reason: c.notReady}
}

func (c *scripted) down(why string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.notReady = why
}

// Parts splits at | and knows one text that no network takes.
func (c *scripted) Parts(m *storage.Message) ([]storage.Part, error) {
	if m.Text == "bad" {
		return nil, invalid("text", "cannot be sent", "")
	}
	return make([]storage.Part, strings.Count(m.Text, "|")+1), nil
}

func (c *scripted) Run(ctx context.Context, in Inbox) error {
	c.in = in
	var wg sync.WaitGroup
	for _, l := range c.lanes {
		wg.Go(func() {
			in.Serve(ctx, l, SenderFunc(func(ctx context.Context, m *storage.Message, i int) (string, error) {
				c.mu.Lock()
				c.sent = append(c.sent, fmt.Sprintf("%s %s/%d", l.ID, m.Text, i+1))
				c.mu.Unlock()
				return c.answer(ctx, l.ID, m, i)
			}))
		})
	}
	wg.Wait()
	return ctx.Err()
}

func (c *scripted) log() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Join(c.sent, "; ")
}

func lane(id string) Lane {
	return Lane{ID: id, Queue: "gsm", Window: 1, Prepare: func(m *storage.Message) {
		for i := range m.Parts {
			m.Parts[i].Match = m.Dest.Addr
		}
	}}
}

// ok answers each send with a reference made of message and part.
func ok(_ context.Context, _ string, m *storage.Message, i int) (string, error) {
	return fmt.Sprintf("%s-%d", m.Text, i+1), nil
}

type bench struct {
	t    *testing.T
	db   *storage.DB
	r    *Router
	c    *scripted
	sent int // by backlog
	stop func()
}

// running starts a router with one user "acme" of ten credits, inside a
// synctest bubble.
func running(t *testing.T, c *scripted, o Options) *bench {
	t.Helper()
	db := storagetest.Open(t)
	r := New(db, o)
	r.Add(c)
	if _, err := r.AddUser(t.Context(), UserSpec{SystemID: "acme", Password: "secret", Credits: 10 * storage.Credit, AddressRanges: []string{"+3161*"}}); err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, db: db, r: r, c: c}
	b.start()
	synctest.Wait() // its lanes are there
	t.Cleanup(func() { b.stop() })
	return b
}

func (b *bench) start() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.r.Run(ctx) }()
	b.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			b.t.Errorf("Run: %v", err)
		}
	})
}

func (b *bench) send(text string, edit ...func(*storage.Message)) storage.ID {
	b.t.Helper()
	m := &storage.Message{Kind: storage.MT, User: "acme", Session: "s1", Source: storage.Address{Addr: "100"},
		Dest: storage.Address{TON: 1, NPI: 1, Addr: "31612345678"}, RegisteredDelivery: 1, Text: text}
	for _, e := range edit {
		e(m)
	}
	id, err := b.r.SubmitSync(b.t.Context(), m)
	if err != nil {
		b.t.Fatalf("Submit: %v", err)
	}
	return id
}

func (b *bench) report(laneID, ref string, state storage.State) {
	b.t.Helper()
	done := make(chan error, 1)
	b.r.Report(storage.Report{Lane: laneID, Match: "31612345678", Ref: ref, State: state, Text: "said the network"}, func(err error) { done <- err })
	if err := <-done; err != nil {
		b.t.Fatalf("Report: %v", err)
	}
}

// early brings a report that nobody waits for.
func (b *bench) early(laneID, ref string) {
	rep := storage.Report{Lane: laneID, Match: "31612345678", Ref: ref, State: storage.Delivered, Text: "said the network"}
	b.r.Report(rep, func(err error) {
		if err != nil {
			b.t.Errorf("Report: %v", err)
		}
	})
}

// expect checks state and money: available and spent credits.
func (b *bench) expect(id storage.ID, state storage.State, available, spent storage.Millicredits) *storage.Message {
	b.t.Helper()
	m, err := b.r.Message(id)
	if err != nil {
		b.t.Fatal(err)
	}
	u, err := b.r.User("acme")
	if err != nil {
		b.t.Fatal(err)
	}
	if m.State != state || u.Balance.Available != available*storage.Credit || u.Balance.Spent != spent*storage.Credit {
		b.t.Errorf("state %s, available %d, spent %d; want %s, %d, %d (reason %q, events %v)", StateWord(m.State),
			u.Balance.Available, u.Balance.Spent, StateWord(state), available*storage.Credit, spent*storage.Credit, m.Reason, m.Events)
	}
	return m
}

// pass lets time go by until everything has come to rest.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (b *bench) receipts() (all []*storage.Message) {
	b.t.Helper()
	ms, err := b.r.Messages(storage.Filter{Kind: storage.Receipt, Limit: 100})
	if err != nil {
		b.t.Fatal(err)
	}
	return ms
}

func TestSend_Reported_Delivered_PaidAndReceipted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := running(t, &scripted{lanes: []Lane{lane("sim:1")}, answer: ok}, Options{})
		id := b.send("a|b|c")
		synctest.Wait()
		b.expect(id, storage.Enroute, 7, 0)
		if got := b.c.log(); got != "sim:1 a|b|c/1; sim:1 a|b|c/2; sim:1 a|b|c/3" {
			t.Errorf("sent %s", got)
		}
		for i := 3; i >= 1; i-- {
			b.report("sim:1", fmt.Sprintf("a|b|c-%d", i), storage.Delivered)
		}
		m := b.expect(id, storage.Delivered, 7, 3)
		rs := b.receipts()
		if len(rs) != 1 || rs[0].About.ID != id || rs[0].About.State != storage.Delivered || rs[0].About.Delivered != 3 || rs[0].Session != "s1" {
			t.Errorf("receipts %+v of %+v", rs, m)
		}
	})
}

func TestReport_BeforeTheAnswer_Settles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b *bench
		c := &scripted{lanes: []Lane{lane("sim:1")}}
		c.answer = func(ctx context.Context, l string, m *storage.Message, i int) (string, error) {
			b.early(l, "42")
			time.Sleep(time.Second)
			return "42", nil
		}
		b = &bench{}
		*b = *running(t, c, Options{})
		id := b.send("x")
		pass(time.Minute)
		b.expect(id, storage.Delivered, 9, 1)
	})
}

func TestReport_AnswerNeverComes_SettlesMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b *bench
		c := &scripted{lanes: []Lane{lane("sim:1")}}
		c.answer = func(ctx context.Context, l string, m *storage.Message, i int) (string, error) {
			b.early(l, "42")
			time.Sleep(time.Minute)
			return "", errors.New("no answer to CMGS")
		}
		b = &bench{}
		*b = *running(t, c, Options{})
		id := b.send("x")
		pass(2 * time.Minute)
		b.expect(id, storage.Delivered, 9, 1)
	})
}

// The part that is being sent and an older one of unknown outcome look alike
// until the answer brings the reference.
func TestReport_BeforeTheAnswer_NotTakenByAnUnknownOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b *bench
		c := &scripted{lanes: []Lane{lane("sim:1")}}
		c.answer = func(ctx context.Context, l string, m *storage.Message, i int) (string, error) {
			if m.Text == "lost" {
				return "", errors.New("no answer to CMGS")
			}
			b.early(l, "42")
			time.Sleep(time.Second)
			return "42", nil
		}
		b = &bench{}
		*b = *running(t, c, Options{})
		lost := b.send("lost")
		pass(time.Minute)
		id := b.send("x")
		pass(time.Minute)
		b.expect(lost, storage.Unknown, 8, 1)
		b.expect(id, storage.Delivered, 8, 1)
	})
}

// A report that was stored and not acknowledged before the gateway died comes
// again. Its part is settled; an unknown one is not to profit.
func TestReport_ComesAgain_NotTakenByAnUnknownOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &scripted{lanes: []Lane{lane("sim:1")}}
		c.answer = func(ctx context.Context, l string, m *storage.Message, i int) (string, error) {
			if m.Text == "x" || i == 0 {
				return "42", nil
			}
			return "", errors.New("no answer to CMGS")
		}
		b := running(t, c, Options{})
		sent, lost := b.send("x"), b.send("y|z")
		pass(time.Minute)
		rep := storage.Report{Lane: "sim:1", Match: "31612345678", Ref: "42", State: storage.Delivered, Dedupe: "first"}
		again := rep
		again.Dedupe = "second"
		for _, r := range []storage.Report{rep, again, rep, again} {
			done := make(chan error, 1)
			b.r.Report(r, func(err error) { done <- err })
			if err := <-done; err != nil {
				t.Fatal(err)
			}
		}
		b.expect(sent, storage.Delivered, 7, 1)
		m := b.expect(lost, storage.Unknown, 7, 1)
		if m.Parts[0].State != storage.PartDone || m.Parts[1].State != storage.PartUnknown {
			t.Errorf("parts %+v", m.Parts)
		}
	})
}

func TestReport_OfTwoUnknownOnes_TakenByTheNearestInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &scripted{lanes: []Lane{lane("sim:1")}, answer: func(context.Context, string, *storage.Message, int) (string, error) {
			return "", errors.New("no answer to CMGS")
		}}
		b := running(t, c, Options{})
		first := b.send("a")
		pass(time.Minute)
		second := b.send("b")
		pass(time.Second)
		submitted := time.Now().Add(-time.Second).Truncate(time.Second)
		pass(time.Hour)
		done := make(chan error, 1)
		b.r.Report(storage.Report{Lane: "sim:1", Match: "31612345678", Ref: "9", State: storage.Delivered, Submitted: storage.TimeOf(submitted)},
			func(err error) { done <- err })
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		b.expect(first, storage.Unknown, 8, 1)
		b.expect(second, storage.Delivered, 8, 1)
	})
}

// Some modems answer every AT+CMGS with the same TP-MR.
func TestReport_ModemGivesWrongReferences_TakenByTheNearestInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &scripted{lanes: []Lane{lane("sim:1")}, answer: func(context.Context, string, *storage.Message, int) (string, error) {
			return "0", nil
		}}
		b := running(t, c, Options{})
		first := b.send("a")
		pass(10 * time.Minute)
		second := b.send("b")
		pass(time.Second)
		reportAt := func(ref string, submitted time.Time) {
			done := make(chan error, 1)
			b.r.Report(storage.Report{Lane: "sim:1", Match: "31612345678", Ref: ref, State: storage.Delivered, Submitted: storage.TimeOf(submitted)},
				func(err error) { done <- err })
			if err := <-done; err != nil {
				t.Fatal(err)
			}
		}
		reportAt("18", time.Now().Add(-5*time.Minute)) // about neither
		b.expect(first, storage.Enroute, 8, 0)
		reportAt("18", time.Now().Truncate(time.Second))
		b.expect(second, storage.Delivered, 8, 1)
		b.expect(first, storage.Enroute, 8, 1)
		reportAt("17", time.Now().Add(-10*time.Minute))
		b.expect(first, storage.Delivered, 8, 2)
	})
}

func TestReport_OfAPartThatHung_Settles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &scripted{lanes: []Lane{lane("sim:1")}, answer: func(context.Context, string, *storage.Message, int) (string, error) {
			return "", &SendError{Outcome: UnknownOutcome, Err: errors.New("no answer to CMGS")}
		}}
		b := running(t, c, Options{})
		id := b.send("x|y")
		pass(time.Minute)
		m := b.expect(id, storage.Unknown, 8, 0)
		if b.c.log() != "sim:1 x|y/1" || m.EndedAt != 0 || !strings.Contains(m.Reason, "may have been sent") {
			t.Errorf("sent %s, reason %q: unknown must be held", b.c.log(), m.Reason)
		}
		c.answer = ok
		b.report("sim:1", "9", storage.Delivered) // the first part had gone out: the second follows
		synctest.Wait()
		b.report("sim:1", "x|y-2", storage.Delivered)
		b.expect(id, storage.Delivered, 8, 2)
	})
}

func TestUnknown_WithoutReport_EndsAtTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &scripted{lanes: []Lane{lane("sim:1")}, answer: func(context.Context, string, *storage.Message, int) (string, error) {
			return "", errors.New("lost")
		}}
		b := running(t, c, Options{ReportTimeout: time.Hour})
		id := b.send("x|y")
		pass(2 * time.Hour)
		m := b.expect(id, storage.Unknown, 9, 1) // one part may have gone out, one did not
		if m.EndedAt == 0 || len(b.receipts()) != 1 {
			t.Errorf("ended at %d, receipts %d", m.EndedAt, len(b.receipts()))
		}
	})
}

func TestRefusedForNow_TriedAgainAfterTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n atomic.Int32
		c := &scripted{lanes: []Lane{lane("sim:1")}}
		c.answer = func(ctx context.Context, l string, m *storage.Message, i int) (string, error) {
			if n.Add(1) <= 3 {
				return "", &SendError{Outcome: RefusedForNow, Wait: time.Minute, Err: errors.New("busy")}
			}
			return "7", nil
		}
		b := running(t, c, Options{})
		id := b.send("x")
		pass(90 * time.Second)
		if m := b.expect(id, storage.Enroute, 9, 0); n.Load() != 2 || m.Reason != "busy" {
			t.Errorf("%d tries after 90 s, reason %q", n.Load(), m.Reason)
		}
		pass(2 * time.Minute)
		if n.Load() != 4 {
			t.Errorf("%d tries after 3.5 min", n.Load())
		}
	})
}

func TestRefusedForGood_Refunded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &scripted{lanes: []Lane{lane("sim:1")}, answer: func(_ context.Context, _ string, m *storage.Message, i int) (string, error) {
			if i == 1 {
				return "", &SendError{Outcome: RefusedForGood, Cause: 28, Err: errors.New("unidentified subscriber")}
			}
			return "1", nil
		}}
		b := running(t, c, Options{})
		id := b.send("x|y|z")
		synctest.Wait()
		m := b.expect(id, storage.Undeliverable, 10, 0)
		if b.c.log() != "sim:1 x|y|z/1; sim:1 x|y|z/2" || m.Cause != 28 {
			t.Errorf("sent %s, cause %d", b.c.log(), m.Cause)
		}
	})
}

func TestLaneIll_RestsAndAnotherTakesTheMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &scripted{lanes: []Lane{lane("sim:1"), lane("sim:2")}}
		c.answer = func(ctx context.Context, l string, m *storage.Message, i int) (string, error) {
			if l == "sim:1" {
				return "", &SendError{Outcome: RefusedForNow, LaneIll: true, Wait: time.Hour, Err: errors.New("no network")}
			}
			time.Sleep(time.Second)
			return "1", nil
		}
		b := running(t, c, Options{})
		for i := range 5 {
			b.send("x", func(m *storage.Message) { m.Dest.Addr = fmt.Sprint(31612345670 + i) }) // those to one recipient wait for each other
		}
		pass(10 * time.Second)
		if n := strings.Count(b.c.log(), "sim:1"); n > 3 { // once more for the same message, and for another
			t.Errorf("the ill lane was tried %d times", n)
		}
		if n := strings.Count(b.c.log(), "sim:2"); n != 5 {
			t.Errorf("the well lane sent %d of 5", n)
		}
		lanes := b.r.Channels()[0].Lanes
		if len(lanes) != 2 || lanes[0].Reason != "no network" || time.Until(lanes[0].RestsUntil) < 50*time.Minute || lanes[1].Reason != "" {
			t.Errorf("lanes %+v: the ill one must say why it rests", lanes)
		}
	})
}

// One bad number may look like a fault of every lane: the others must not wait
// for long.
func TestLaneIll_OneMessageOnly_RestIsShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &scripted{lanes: []Lane{lane("sim:1"), lane("sim:2")}}
		c.answer = func(ctx context.Context, l string, m *storage.Message, i int) (string, error) {
			if m.Text == "bad number" {
				return "", &SendError{Outcome: RefusedForNow, LaneIll: true, Wait: time.Hour, Err: errors.New("network out of order")}
			}
			return "1", nil
		}
		b := running(t, c, Options{})
		b.send("bad number")
		pass(time.Second / 2)
		id := b.send("x", to("31687654321"))
		pass(3 * time.Second)
		m, err := b.r.Message(id)
		if err != nil || m.Parts[0].State != storage.PartSent {
			t.Errorf("%v; not sent yet: %v; %s", err, m.Events, b.c.log())
		}
	})
}

func TestLongMessage_StaysOnItsLane(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &scripted{lanes: []Lane{lane("sim:1"), lane("sim:2"), lane("sim:3")}}
		failed := false
		c.answer = func(ctx context.Context, l string, m *storage.Message, i int) (string, error) {
			if i == 1 && !failed {
				failed = true
				return "", &SendError{Outcome: RefusedForNow, LaneIll: true, Wait: time.Minute, Err: errors.New("no network")}
			}
			return fmt.Sprint(i), nil
		}
		b := running(t, c, Options{})
		b.send("x|y|z")
		pass(5 * time.Minute)
		log := strings.Split(b.c.log(), "; ")
		if len(log) != 4 {
			t.Fatalf("sent %v", log)
		}
		for _, line := range log {
			if line[:5] != log[0][:5] {
				t.Errorf("parts left by different lanes: %v", log)
			}
		}
	})
}

func TestSubmit_NoCredit_NothingStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := running(t, &scripted{answer: ok}, Options{})
		b.send("1|2|3|4|5|6|7|8|9|10")
		_, err := b.r.SubmitSync(t.Context(), &storage.Message{Kind: storage.MT, User: "acme", Dest: storage.Address{Addr: "31612345678"}, Text: "x"})
		var re *Error
		if !errors.As(err, &re) || re.Code != NoCredit {
			t.Errorf("err = %v, want NoCredit", err)
		}
		if ms, _ := b.r.Messages(storage.Filter{Limit: 10}); len(ms) != 1 {
			t.Errorf("%d messages stored", len(ms))
		}
	})
}

func TestSubmit_Refusals_NameTheField(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := running(t, &scripted{answer: ok}, Options{})
		off := false
		if _, err := b.r.AddUser(t.Context(), UserSpec{SystemID: "off", Password: "x"}); err != nil {
			t.Fatal(err)
		}
		if _, err := b.r.SetUser(t.Context(), "off", UserChange{Enabled: &off}); err != nil {
			t.Fatal(err)
		}
		for name, c := range map[string]struct {
			m     storage.Message
			code  Code
			field string
		}{
			"no destination":  {storage.Message{User: "acme", Text: "x"}, Invalid, "dest"},
			"a name":          {storage.Message{User: "acme", Text: "x", Dest: storage.Address{Addr: "Bank"}}, Invalid, "dest"},
			"21 digits":       {storage.Message{User: "acme", Text: "x", Dest: storage.Address{Addr: "123456789012345678901"}}, Invalid, "dest"},
			"impossible text": {storage.Message{User: "acme", Text: "bad", Dest: storage.Address{Addr: "31612345678"}}, Invalid, "text"},
			"over already":    {storage.Message{User: "acme", Text: "x", Dest: storage.Address{Addr: "31612345678"}, ExpiresAt: 1}, Invalid, "validity_period"},
			"nobody":          {storage.Message{User: "nobody", Text: "x", Dest: storage.Address{Addr: "31612345678"}}, NotFound, "user"},
			"disabled":        {storage.Message{User: "off", Text: "x", Dest: storage.Address{Addr: "31612345678"}}, Denied, "user"},
		} {
			c.m.Kind = storage.MT
			_, err := b.r.SubmitSync(t.Context(), &c.m)
			var re *Error
			if !errors.As(err, &re) || re.Code != c.code || re.Field != c.field {
				t.Errorf("%s: %#v, want code %d of field %s", name, err, c.code, c.field)
			}
		}
	})
}

func TestExpiry_WhileQueued_RefundedWithReceipt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := running(t, &scripted{answer: ok}, Options{}) // no lane at all
		id := b.send("x", func(m *storage.Message) { m.ExpiresAt = storage.TimeOf(time.Now().Add(5 * time.Second)) })
		keep := b.send("y")
		pass(6 * time.Second)
		b.expect(id, storage.Expired, 9, 0)
		b.expect(keep, storage.Enroute, 9, 0)
		if rs := b.receipts(); len(rs) != 1 || rs[0].About.State != storage.Expired {
			t.Errorf("receipts %v", rs)
		}
	})
}

func TestSchedule_NotBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := running(t, &scripted{lanes: []Lane{lane("sim:1")}, answer: ok}, Options{})
		id := b.send("x", func(m *storage.Message) { m.DueAt = storage.TimeOf(time.Now().Add(time.Hour)) })
		pass(59 * time.Minute)
		b.expect(id, storage.Scheduled, 9, 0)
		if b.c.log() != "" {
			t.Errorf("sent before its time: %s", b.c.log())
		}
		pass(2 * time.Minute)
		b.expect(id, storage.Enroute, 9, 0)
		if b.c.log() == "" {
			t.Error("not sent at its time")
		}
	})
}

func TestWhy_EveryWaitingMessageSaysWhatItWaitsFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &scripted{answer: ok}
		b := running(t, c, Options{})
		c.notReady = "no modem is ready"
		why := func(id storage.ID) string {
			m, err := b.r.Message(id)
			if err != nil {
				t.Fatal(err)
			}
			return b.r.Why(m)
		}
		queued := b.send("x")
		if got := why(queued); got != "no modem is ready" {
			t.Errorf("queued: %q", got)
		}
		c.notReady = ""
		if got := why(queued); got != "it is not its turn yet" {
			t.Errorf("queued on a ready channel: %q", got)
		}
		later := b.send("y", func(m *storage.Message) { m.DueAt = storage.TimeOf(time.Now().Add(time.Hour)) })
		if got := why(later); !strings.HasPrefix(got, "not before ") {
			t.Errorf("scheduled: %q", got)
		}
		mo, err := b.r.SubmitSync(t.Context(), &storage.Message{Kind: storage.MO, Dest: storage.Address{Addr: "+31611111111"}, Text: "hi"})
		if err != nil {
			t.Fatal(err)
		}
		if got := why(mo); !strings.Contains(got, "user:acme") {
			t.Errorf("an answer that no channel takes: %q", got)
		}
	})
}

func TestRetention_EndedMessageIsRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := running(t, &scripted{lanes: []Lane{lane("sim:1")}, answer: ok}, Options{Retention: time.Hour})
		id := b.send("x", func(m *storage.Message) { m.RegisteredDelivery = 0 })
		synctest.Wait()
		b.report("sim:1", "x-1", storage.Delivered)
		pass(2 * time.Hour)
		if _, err := b.r.Message(id); err == nil {
			t.Error("still there after its retention")
		}
	})
}

func TestCrash_AttemptOpen_IsUnknownAfterwards(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := make(chan struct{})
		c := &scripted{lanes: []Lane{lane("sim:1")}, answer: func(context.Context, string, *storage.Message, int) (string, error) {
			<-hang
			return "", errors.New("too late")
		}}
		b := running(t, c, Options{})
		id := b.send("x")
		synctest.Wait()
		again := New(b.db, Options{}) // as a new process would find the file
		if err := again.recover(t.Context()); err != nil {
			t.Fatal(err)
		}
		m := b.expect(id, storage.Unknown, 9, 0)
		if !strings.Contains(m.Reason, "stopped") {
			t.Errorf("reason %q", m.Reason)
		}
		close(hang)
		synctest.Wait()
	})
}

func TestMO_ToTheOwner_OrKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := running(t, &scripted{answer: ok}, Options{})
		mine, err := b.r.SubmitSync(t.Context(), &storage.Message{Kind: storage.MO, Origin: "sim:1", Dest: storage.Address{Addr: "+31611111111"}, Text: "hi", Dedupe: []string{"k1"}})
		if err != nil {
			t.Fatal(err)
		}
		m := b.expect(mine, storage.Enroute, 10, 0)
		if m.User != "acme" || m.Queue != "user:acme" || m.DueAt == 0 {
			t.Errorf("%+v", m)
		}
		stray, err := b.r.SubmitSync(t.Context(), &storage.Message{Kind: storage.MO, Origin: "sim:1", Dest: storage.Address{Addr: "+4915112345"}, Text: "hi", Dedupe: []string{"k2"}})
		if err != nil {
			t.Fatal(err)
		}
		if m := b.expect(stray, storage.Enroute, 10, 0); m.User != "" || m.DueAt != 0 || m.Reason == "" {
			t.Errorf("%+v", m)
		}
		_, err = b.r.SubmitSync(t.Context(), &storage.Message{Kind: storage.MO, Origin: "sim:1", Dest: storage.Address{Addr: "+31611111111"}, Text: "hi", Dedupe: []string{"k1"}})
		if !errors.Is(err, storage.ErrDuplicate) {
			t.Errorf("the same again: %v", err)
		}
	})
}
