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
		b.byRef("up:1", "7f")
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
