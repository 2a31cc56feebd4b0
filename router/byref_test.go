package router

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"gsmgate/storage"
)

// named is a lane whose references alone tell parts apart.
func named(id string) Lane {
	l := lane(id)
	l.Forms = func(ref string) []string { return []string{ref} }
	return l
}

// byRef brings a report under a reference, for a message handed over just now.
func (b *bench) byRef(lane, ref string) {
	b.t.Helper()
	done := make(chan error, 1)
	b.r.Report(storage.Report{Lane: lane, Match: "31612345678", Ref: ref, Refs: []string{ref}, State: storage.Delivered,
		Submitted: storage.TimeOf(time.Now()), Dedupe: "receipt " + ref}, func(err error) { done <- err })
	if err := <-done; err != nil {
		b.t.Fatalf("Report: %v", err)
	}
}

// The receipt comes while the answer is still waited for, which never comes.
func TestByRef_AnswerGivenUp_ParkedReportSettles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &scripted{lanes: []Lane{named("up:1")}}
		c.answer = func(context.Context, string, *storage.Message, int) (string, error) {
			time.Sleep(30 * time.Second)
			return "", errors.New("no answer in time")
		}
		b := running(t, c, Options{})
		id := b.send("x")
		pass(time.Second)
		b.byRef("up:1", "7f") // waits for the answer for a while
		pass(time.Second)
		if b.message(id).State != storage.Enroute || b.db.ParkedCount() != 1 {
			t.Errorf("%s, %d are parked", StateWord(b.message(id).State), b.db.ParkedCount())
		}
		pass(time.Minute)
		m := b.expect(id, storage.Delivered, 9, 1)
		if events(m, "unknown") == "" || b.db.ParkedCount() != 0 {
			t.Errorf("events %v, %d are parked", m.Events, b.db.ParkedCount())
		}
	})
}

func TestByRef_AnswerNamesNothing_MatchedByRecipient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &scripted{lanes: []Lane{named("up:1")}}
		c.answer = func(context.Context, string, *storage.Message, int) (string, error) { return "", nil }
		b := running(t, c, Options{})
		id := b.send("x")
		pass(time.Second)
		b.byRef("up:1", "7f")
		pass(time.Second)
		b.expect(id, storage.Delivered, 9, 1)
	})
}

// Of several to one recipient without an answer each takes one report.
func TestByRef_SeveralGivenUp_EachTakesOneReport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := named("up:1")
		l.Window = 3
		c := &scripted{lanes: []Lane{l}}
		c.answer = func(context.Context, string, *storage.Message, int) (string, error) {
			time.Sleep(30 * time.Second)
			return "", errors.New("no answer in time")
		}
		b := running(t, c, Options{})
		if _, err := b.r.SetUser(t.Context(), "acme", UserChange{UserSettings: UserSettings{AnyOrder: ptr(true)}}); err != nil {
			t.Fatal(err)
		}
		ids := []storage.ID{b.send("x"), b.send("y"), b.send("z")}
		pass(time.Second)
		b.byRef("up:1", "1")
		b.byRef("up:1", "2")
		pass(time.Minute)
		states := map[storage.State]int{}
		for _, id := range ids {
			states[b.message(id).State]++
		}
		if states[storage.Delivered] != 2 || states[storage.Unknown] != 1 {
			t.Errorf("states %v", states)
		}
	})
}

// The gateway stopped between the receipt and the answer.
func TestByRef_ParkedBeforeARestart_SettlesAfterIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := running(t, &scripted{lanes: []Lane{named("up:1")}, answer: ok}, Options{})
		id := b.send("x")
		pass(time.Second)
		b.stop()
		rep := storage.Report{Lane: "up:1", Ref: "x-1", Refs: []string{"x-1"}, State: storage.Delivered}
		done := make(chan error, 1)
		b.db.Park(&rep, b.r.now(), func(err error) { done <- err })
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		b.r = New(b.db, Options{})
		b.r.Add(&scripted{lanes: []Lane{named("up:1")}, answer: ok})
		b.start()
		defer b.stop()
		pass(time.Second)
		b.expect(id, storage.Delivered, 9, 1)
		if b.db.ParkedCount() != 0 {
			t.Error("it is still parked")
		}
	})
}

// "10" may be the tenth message and, in decimal, the sixteenth in hexadecimal: its
// report came before its answer, and is not about the other one.
func TestByRef_EarlyReport_NotTakenForAnotherNumber(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := named("up:1")
		l.Window = 2
		l.Forms = func(ref string) []string { return []string{ref, map[string]string{"a": "10", "10": "a"}[ref]} }
		c := &scripted{lanes: []Lane{l}}
		c.answer = func(_ context.Context, _ string, m *storage.Message, _ int) (string, error) {
			if m.Text == "10" {
				time.Sleep(time.Second)
			}
			return m.Text, nil
		}
		b := running(t, c, Options{})
		first, second := b.send("a"), b.send("10", func(m *storage.Message) { m.Dest.Addr = "31687654321" })
		pass(100 * time.Millisecond)
		done := make(chan error, 1)
		b.r.Report(storage.Report{Lane: "up:1", Match: "87654321", Ref: "10", Refs: []string{"10", "a", "16"}, State: storage.Undeliverable},
			func(err error) { done <- err })
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		pass(time.Minute)
		if s := b.message(first).State; s != storage.Enroute {
			t.Errorf("the first is %s", StateWord(s))
		}
		if s := b.message(second).State; s != storage.Undeliverable {
			t.Errorf("the second is %s", StateWord(s))
		}
	})
}

func TestHabits_NamesAlike(t *testing.T) {
	var h habits
	if h.namesAlike("up:1") {
		t.Error("from nothing")
	}
	for range 3 {
		h.named("up:1", true)
	}
	if !h.namesAlike("up:1") || h.namesAlike("up:2") {
		t.Error("three reports named their parts alike")
	}
	h.named("up:1", false)
	h.named("up:1", false)
	if h.namesAlike("up:1") {
		t.Error("two did not")
	}
}

// A report that overtakes the answer of its submit waits for it, and nothing is
// parked on disk; but not for long.
func TestByRef_OvertakesItsAnswer_WaitsForIt(t *testing.T) {
	for answer, want := range map[time.Duration]time.Duration{400 * time.Millisecond: 300 * time.Millisecond, time.Minute: overtakes} {
		synctest.Test(t, func(t *testing.T) {
			c := &scripted{lanes: []Lane{named("up:1")}}
			c.answer = func(context.Context, string, *storage.Message, int) (string, error) {
				time.Sleep(answer)
				return "7f", nil
			}
			b := running(t, c, Options{})
			id := b.send("x")
			pass(100 * time.Millisecond)
			began := time.Now()
			b.byRef("up:1", "7f")
			if took := time.Since(began); took != want {
				t.Errorf("it waited %v", took)
			}
			if parked := b.db.ParkedCount() > 0; parked != (want == overtakes) {
				t.Errorf("parked: %v", parked)
			}
			pass(time.Minute)
			b.expect(id, storage.Delivered, 9, 1)
		})
	}
}
