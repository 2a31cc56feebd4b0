package router

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gsmgate/storage"
)

// by sets how acme gets its receipts and MO.
func (b *bench) by(deliver string, kinds ...string) {
	b.t.Helper()
	_, err := b.r.SetUser(b.t.Context(), "acme", UserChange{UserSettings: UserSettings{Callback: ptr("https://example.com"), Deliver: &deliver, CallbackFor: &kinds}})
	if err != nil {
		b.t.Fatal(err)
	}
	synctest.Wait()
}

// waiting is what waits in acme's queues, oldest first: texts of MO, and states of
// what receipts are about.
func (b *bench) waiting() string {
	b.t.Helper()
	var all []string
	for _, queue := range []string{UserQueue("acme"), CallbackQueue("acme")} {
		entries, _, err := b.db.Due(queue, 1<<60, storage.DueKey{}, 1000)
		if err != nil {
			b.t.Fatal(err)
		}
		texts := []string{}
		for _, e := range entries {
			m := b.state(e.ID)
			if m.Kind == storage.Receipt {
				texts = append(texts, StateWord(m.About.State))
				continue
			}
			texts = append(texts, m.Text)
		}
		all = append(all, strings.Join(texts, " "))
	}
	return strings.Join(all, " | ")
}

func TestOutlets_EachWay_GetsItsKinds(t *testing.T) {
	for _, c := range []struct {
		deliver string
		kinds   []string
		want    string
	}{
		{"smpp", nil, "a1 DELIVERED | "},
		{"callback", nil, " | a1 DELIVERED"},
		{"both", nil, "a1 DELIVERED | a1 DELIVERED"},
		{"callback", []string{"mo"}, "DELIVERED | a1"},
		{"callback", []string{"receipts"}, "a1 | DELIVERED"},
		{"both", []string{"mo"}, "a1 DELIVERED | a1"},
		{"both", []string{"receipts"}, "a1 DELIVERED | DELIVERED"},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := running(t, &scripted{lanes: []Lane{lane("sim:1")}, answer: ok}, Options{})
			b.by(c.deliver, c.kinds...)
			b.mo("a1")
			b.receipted("x")
			if got := b.waiting(); got != c.want {
				t.Errorf("%s for %v: %q, want %q", c.deliver, c.kinds, got, c.want)
			}
		})
	}
}

// The message and its twin are stored in one commit, or neither: an MO message
// that comes a second time has no twin either.
func TestOutlets_Both_OneCommit_RepeatHasNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := running(t, &scripted{lanes: []Lane{lane("sim:1")}, answer: ok}, Options{})
		b.by("both")
		before := b.db.Stats().Commits
		for i := range 2 {
			_, err := b.r.SubmitSync(t.Context(), &storage.Message{Kind: storage.MO, Text: "a1", Dest: storage.Address{Addr: "31610000000"}, Dedupe: []string{"k"}})
			if (err != nil) != (i == 1) || i == 1 && !errors.Is(err, storage.ErrDuplicate) {
				t.Fatal(err)
			}
		}
		if n := b.db.Stats().Commits - before; b.waiting() != "a1 | a1" || n > 2 {
			t.Errorf("%q after %d commits", b.waiting(), n)
		}
	})
}

func TestOutlets_Both_LongMessageAndAssigned_HaveTwins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := running(t, &scripted{lanes: []Lane{lane("sim:1")}, answer: ok}, Options{})
		b.by("both")
		assemble := func(set []storage.Segment) (*storage.Message, error) {
			return &storage.Message{Kind: storage.MO, Dest: set[0].Dest, Text: "long"}, nil
		}
		for n := uint8(1); n <= 2; n++ {
			done := make(chan error, 1)
			b.r.Segment(storage.Segment{Lane: "sim:1", Source: storage.Address{Addr: "7"}, Dest: storage.Address{Addr: "31610000000"}, Total: 2, Number: n,
				Received: b.r.now(), Dedupe: string('0' + rune(n))}, assemble, func(err error) { done <- err })
			if err := <-done; err != nil {
				t.Fatal(err)
			}
		}
		id, err := b.r.SubmitSync(t.Context(), &storage.Message{Kind: storage.MO, Dest: storage.Address{Addr: "49"}, Text: "stray"})
		if err != nil {
			t.Fatal(err)
		}
		if err := b.r.Assign(t.Context(), id, "acme"); err != nil {
			t.Fatal(err)
		}
		if got := b.waiting(); got != "long stray | long stray" {
			t.Errorf("%q", got)
		}
	})
}

// Each way settles alone: what a client takes by SMPP still waits to be posted.
func TestOutlets_Both_EachEndsAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, c := staffed(t, 4, yes)
		b.by("both")
		b.mo("a1", "a2")
		synctest.Wait()
		if c.log() != "a1 a2" || b.waiting() != " | a1 a2" {
			t.Errorf("sent %q, waits %q", c.log(), b.waiting())
		}
	})
}

func TestOutlets_Changed_WhatWaitsGoesTheOtherWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := running(t, &scripted{lanes: []Lane{lane("sim:1")}, answer: ok}, Options{})
		ids := b.mo("a1", "a2")
		b.receipted("x")
		b.by("callback", "mo")
		if got := b.waiting(); got != "DELIVERED | a1 a2" {
			t.Errorf("by callback for mo: %q", got)
		}
		b.by("callback")
		if got := b.waiting(); got != " | a1 a2 DELIVERED" {
			t.Errorf("by callback: %q", got)
		}
		b.by("both")
		b.mo("a3")
		b.by("smpp")
		if got := b.waiting(); got != "a1 a2 DELIVERED a3 | " {
			t.Errorf("by SMPP: %q", got)
		}
		if m := b.state(ids[0]); m.State != storage.Enroute || m.Events[len(m.Events)-1].Text != "by SMPP now" {
			t.Errorf("%+v", m.Events)
		}
		ms, err := b.r.Messages(storage.Filter{State: ptr(storage.Deleted)})
		if err != nil || len(ms) != 1 || ms[0].Text != "a3" || ms[0].Reason != "user acme gets it by SMPP only" {
			t.Errorf("the twin: %v, %v", ms, err)
		}
	})
}

// A conversation that goes another way keeps its order, and what was sent while
// the user was changed is not sent again.
func TestOutlets_ChangedWhileSending_OrderKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, c := staffed(t, 1, func(ctx context.Context, _ *storage.Message) error {
			select {
			case <-time.After(time.Second):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
		b.mo(numbered("a", 5)...)
		synctest.Wait()
		b.by("callback")
		pass(keepEvery)
		if c.log() != "a1" || b.waiting() != " | a2 a3 a4 a5" {
			t.Errorf("sent %q, waits %q", c.log(), b.waiting())
		}
		b.by("smpp")
		pass(time.Minute)
		if c.log() != "a1 a2 a3 a4 a5" {
			t.Errorf("sent %q", c.log())
		}
	})
}

// The bound of what waits holds for each way.
func TestKeep_OfACallback_OldestEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := running(t, &scripted{}, Options{KeepCount: 2})
		b.by("both")
		b.mo("a1", "a2", "a3")
		pass(keepEvery)
		if got := b.waiting(); got != "a2 a3 | a2 a3" || b.r.Overflowed("acme") != 2 {
			t.Errorf("%q, %d too many", got, b.r.Overflowed("acme"))
		}
	})
}

// What is still to be posted keeps its user, as what waits by SMPP does.
func TestRemoveUser_CallbackWaits_Refused_OrEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := running(t, &scripted{}, Options{})
		b.by("callback")
		id := b.mo("a1")[0]
		if err := b.r.RemoveUser(t.Context(), "acme", false); codeOf(err) != Conflict || !strings.Contains(err.Error(), "1 message waits for user acme") {
			t.Errorf("%v", err)
		}
		if err := b.r.RemoveUser(t.Context(), "acme", true); err != nil {
			t.Fatal(err)
		}
		if m := b.state(id); m.State != storage.Deleted || b.r.Queued(CallbackQueue("acme")) != 0 {
			t.Errorf("%s", StateWord(m.State))
		}
	})
}
