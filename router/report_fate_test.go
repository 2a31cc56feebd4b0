package router

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gsmgate/storage"
	"gsmgate/storage/storagetest"
)

// fates is a network of which the test knows what becomes of each message.
type fates struct {
	r    *Router
	t    *testing.T
	skew time.Duration // of the service centre's clock

	mu    sync.Mutex
	rand  *rand.Rand
	mr    int
	truth map[string]storage.State // by text
	all   sync.WaitGroup
}

// send takes a second, and makes the report: one in eight is lost, one in ten
// comes twice, one in ten overtakes the answer, and the rest come within half an
// hour in any order.
func (f *fates) send(_ context.Context, lane string, m *storage.Message, _ int) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mr++
	rep := storage.Report{
		Lane: lane, Match: m.Dest.Addr, Ref: strconv.Itoa(f.mr % 256), State: storage.Delivered,
		Submitted: storage.TimeOf(time.Now().Add(f.skew).Truncate(time.Second)), Dedupe: "report on " + m.Text,
	}
	if f.rand.IntN(4) == 0 {
		rep.State, rep.Cause = storage.Undeliverable, 0x41
	}
	f.truth[m.Text] = rep.State
	switch n := f.rand.IntN(40); {
	case n < 5:
		f.truth[m.Text] = storage.Unknown
	case n < 9:
		f.report(rep)
		f.later(rep, f.within(time.Hour))
	case n < 13:
		f.later(rep, f.within(30*time.Minute))
		f.later(rep, f.within(time.Hour))
	default:
		f.later(rep, f.within(30*time.Minute))
	}
	time.Sleep(time.Second)
	return rep.Ref, nil
}

func (f *fates) within(most time.Duration) time.Duration {
	return time.Duration(f.rand.Int64N(int64(most)))
}

func (f *fates) later(rep storage.Report, after time.Duration) {
	f.all.Go(func() {
		time.Sleep(after)
		f.report(rep)
	})
}

func (f *fates) report(rep storage.Report) {
	f.r.Report(rep, func(err error) {
		if err != nil {
			f.t.Errorf("Report: %v", err)
		}
	})
}

// Two thousand messages over one SIM to three recipients, and fewer by service
// centres whose clock is wrong: TP-MR comes round while reports are outstanding,
// and every message ends as it did.
func TestReport_TwoThousandOverOneSIM_EachHasItsOwnFate(t *testing.T) {
	for seed, skew := range []time.Duration{0, -time.Hour, 5*time.Hour + 30*time.Minute, -7 * time.Second} {
		t.Run(fmt.Sprint("clock off by ", skew), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { holdFates(t, uint64(seed), skew, pick(seed == 0, 2000, 600)) })
		})
	}
}

func holdFates(t *testing.T, seed uint64, skew time.Duration, count int) {
	r := New(storagetest.Open(t), Options{ReportTimeout: 3 * time.Hour})
	f := &fates{r: r, t: t, skew: skew, rand: rand.New(rand.NewPCG(seed, 1)), truth: map[string]storage.State{}}
	r.Add(&scripted{lanes: []Lane{lane("sim:1")}, answer: f.send})
	if _, err := r.AddUser(t.Context(), UserSpec{SystemID: "acme", Password: "secret", Credits: storage.Millicredits(count) * storage.Credit}); err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, r: r}
	b.start()
	defer b.stop()
	ids := map[storage.ID]string{}
	for i := range count {
		text := fmt.Sprint("text ", i)
		ids[b.send(text, func(m *storage.Message) { m.Dest.Addr = fmt.Sprint("3161234567", i%3) })] = text
	}
	time.Sleep(time.Duration(count) * 2 * time.Second)
	f.all.Wait()
	time.Sleep(4 * time.Hour)
	synctest.Wait()
	wrong := 0
	for id, text := range ids {
		m, err := r.Message(id)
		if err != nil {
			t.Fatal(err)
		}
		if m.State != f.truth[text] || m.EndedAt == 0 {
			if wrong++; wrong < 5 {
				t.Errorf("%s ended as %s, and was %s: %+v", text, stateWord(m.State), stateWord(f.truth[text]), m.Events)
			}
		}
	}
	if wrong > 0 {
		t.Errorf("%d of %d messages have the fate of another", wrong, count)
	}
}

func pick(is bool, yes, no int) int {
	if is {
		return yes
	}
	return no
}

// A part is reported as failed while the next one is on its way, whose answer is
// lost: the message can never be whole, and ends.
func TestUnknown_AnotherPartHasFailed_EndsAtOnce_Refunded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &scripted{lanes: []Lane{lane("sim:1")}}
		c.answer = func(_ context.Context, _ string, m *storage.Message, i int) (string, error) {
			if i == 0 {
				return "7", nil
			}
			time.Sleep(time.Minute)
			return "", errors.New("no answer to CMGS")
		}
		b := running(t, c, Options{})
		id := b.send("a|b|c")
		pass(time.Second)
		b.report("sim:1", "7", storage.Rejected)
		b.expect(id, storage.Enroute, 7, 0)
		pass(time.Minute)
		if m := b.expect(id, storage.Rejected, 10, 0); m.EndedAt == 0 || m.Reason != "said the network" || len(b.receipts()) != 1 {
			t.Errorf("ended at %d, %s, %d receipts", m.EndedAt, m.Reason, len(b.receipts()))
		}
	})
}

// A part of which another one has failed is not tried again when it is refused.
func TestRefusedForNow_AnotherPartHasFailed_EndsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &scripted{lanes: []Lane{lane("sim:1")}}
		c.answer = func(_ context.Context, _ string, m *storage.Message, i int) (string, error) {
			if i == 0 {
				return "7", nil
			}
			time.Sleep(time.Minute)
			return "", &SendError{Outcome: RefusedForNow, Wait: time.Minute, Err: errors.New("busy")}
		}
		b := running(t, c, Options{})
		id := b.send("a|b")
		pass(time.Second)
		b.report("sim:1", "7", storage.Expired)
		pass(time.Hour)
		b.expect(id, storage.Expired, 10, 0)
		if got := b.c.log(); got != "sim:1 a|b/1; sim:1 a|b/2" {
			t.Errorf("sent %s", got)
		}
	})
}

// A report has overtaken the answer, which never comes since the gateway dies: what
// it told holds, and the other parts follow.
func TestInterrupted_PartIsToldAlready_GoesOn(t *testing.T) {
	r := New(storagetest.Open(t), Options{})
	for _, c := range []struct {
		final storage.State
		parts int
		want  storage.State
		due   bool
	}{
		{storage.Delivered, 1, storage.Delivered, false},
		{storage.Delivered, 2, storage.Enroute, true},
		{storage.Rejected, 2, storage.Rejected, false},
	} {
		m := &storage.Message{Kind: storage.MT, State: storage.Enroute, Queue: "gsm", Parts: make([]storage.Part, c.parts), Held: 1000}
		m.Parts[0] = storage.Part{State: storage.PartTrying, Lane: "sim:1", Final: c.final}
		if _, err := r.interrupted(m, r.now()); err != nil || m.State != c.want || c.due != (m.DueAt != 0) {
			t.Errorf("%s of %d parts: %s, due at %d, %v", StateWord(c.final), c.parts, StateWord(m.State), m.DueAt, err)
		}
	}
}
