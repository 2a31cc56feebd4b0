package router

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"gsmgate/storage"
)

// try hands over a message of a user to a recipient of its own.
func (b *bench) try(user string, edit ...func(*storage.Message)) (storage.ID, error) {
	b.t.Helper()
	b.sent++
	m := &storage.Message{Kind: storage.MT, User: user, Source: storage.Address{Addr: "100"}, Dest: storage.Address{Addr: fmt.Sprintf("316%08d", b.sent)}, Text: "t"}
	for _, e := range edit {
		e(m)
	}
	return b.r.SubmitSync(b.t.Context(), m)
}

func validFor(d time.Duration) func(*storage.Message) {
	return func(m *storage.Message) { m.ExpiresAt = storage.TimeOf(time.Now().Add(d)) }
}

func (b *bench) set(user string, s UserSettings) {
	b.t.Helper()
	if _, err := b.r.SetUser(b.t.Context(), user, UserChange{UserSettings: s}); err != nil {
		b.t.Fatal(err)
	}
}

func wantRefused(t *testing.T, err error, c Code, text string) {
	t.Helper()
	var re *Error
	if !errors.As(err, &re) || re.Code != c || !strings.Contains(re.Message, text) {
		t.Errorf("%v; want code %d with %q", err, c, text)
	}
}

func wantTaken(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Errorf("refused: %v", err)
	}
}

func TestRoom_Counts_OfUserAndGateway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := running(t, &scripted{}, Options{MaxQueued: 5})
		b.users(map[string]int{"bulk": 1, "bank": 1})
		b.set("bulk", UserSettings{QueueCount: ptr(2), WhenFull: ptr("throttled")})
		b.backlog("bulk", 2, "x")
		_, err := b.try("bulk")
		wantRefused(t, err, Throttled, "2 messages of user bulk wait already")
		b.backlog("bank", 3, "x")
		_, err = b.try("bank")
		wantRefused(t, err, Busy, "5 messages wait already")
		if got := fmt.Sprint(b.r.Refused()); got != "map[gateway_full:1 user_full:1]" {
			t.Errorf("counted %s", got)
		}
	})
}

// A message that takes the place of another one needs no room of its own.
func TestRoom_Full_OneThatReplacesAnotherIsTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := running(t, &scripted{}, Options{})
		b.set("acme", UserSettings{QueueCount: ptr(1)})
		first := b.send("one")
		over := func(dest string) (storage.ID, error) {
			c := make(chan error, 1)
			var got storage.ID
			b.r.SubmitReplacing(&storage.Message{Kind: storage.MT, User: "acme", Source: storage.Address{Addr: "100"}, Dest: storage.Address{Addr: dest}, Text: "two"},
				func(id storage.ID, err error) { got = id; c <- err })
			return got, <-c
		}
		if _, err := over("31600000001"); code(err) != Busy {
			t.Errorf("a new one: %v", err)
		}
		if id, err := over("31612345678"); err != nil || id != first || b.message(first).Text != "two" {
			t.Errorf("%v, %s became %s, %s", err, first, id, b.message(first).Text)
		}
	})
}

// What comes at once is not seen by who looks before the commit.
func TestRoom_ManyAtOnce_NotOneTooMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := running(t, &scripted{}, Options{MaxQueued: 12})
		if _, err := b.r.Credit(t.Context(), "acme", 100*storage.Credit, ""); err != nil {
			t.Fatal(err)
		}
		b.set("acme", UserSettings{QueueCount: ptr(5)})
		var taken, refused atomic.Int32
		note := func(err error) {
			if err == nil {
				taken.Add(1)
				return
			}
			wantRefused(t, err, Busy, "5 messages of user acme wait already")
			refused.Add(1)
		}
		for i := range 20 {
			m := &storage.Message{Kind: storage.MT, User: "acme", Dest: storage.Address{Addr: fmt.Sprintf("3161%07d", i)}, Text: "t"}
			b.r.Submit(m, func(_ storage.ID, err error) { note(err) })
		}
		synctest.Wait()
		if taken.Load() != 5 || refused.Load() != 15 || b.r.Refused()["user_full"] != 15 {
			t.Errorf("%d taken, %d refused, %v", taken.Load(), refused.Load(), b.r.Refused())
		}
		b.set("acme", UserSettings{QueueCount: ptr(10)})
		ids, errs := b.batch("a", "b", "c", "d", "e", "f", "g")
		for i := range ids {
			if (ids[i] != 0) != (i < 5) || (errs[i] == nil) != (i < 5) {
				t.Errorf("message %d of a batch: %s, %v", i+1, ids[i], errs[i])
			}
		}
		b.set("acme", UserSettings{QueueCount: ptr(0)})
		_, errs = b.batch("a", "b", "c")
		wantRefused(t, errs[2], Busy, "12 messages wait already")
	})
}

func TestRoom_Age_OfUserAndGateway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := running(t, &scripted{}, Options{MaxQueueAge: 3 * time.Hour, WhenFull: "throttled"})
		b.users(map[string]int{"bulk": 1, "bank": 1})
		b.set("bulk", UserSettings{QueueMinutes: ptr(60), WhenFull: ptr("queue-full")})
		b.backlog("bulk", 1, "x")
		pass(59 * time.Minute)
		_, err := b.try("bulk")
		wantTaken(t, err)
		pass(2 * time.Minute)
		_, err = b.try("bulk")
		wantRefused(t, err, Busy, "a message of user bulk has waited for more than 1h0m0s")
		_, err = b.try("bank")
		wantTaken(t, err)
		pass(2 * time.Hour)
		_, err = b.try("bank")
		wantRefused(t, err, Throttled, "a message has waited for more than 3h0m0s")
	})
}

// learnt is running with a lane that takes a second a message, which has learnt so,
// and a backlog of user bulk.
func learnt(t *testing.T, backlog int, o Options, edit ...func(*Lane)) *bench {
	t.Helper()
	l := lane("sim:1")
	for _, e := range edit {
		e(&l)
	}
	o.Sticky = -1
	b := running(t, &scripted{lanes: []Lane{l}, answer: perSecond}, o)
	b.users(map[string]int{"bulk": 1, "bank": 1})
	b.backlog("bulk", backlog+10, "x")
	pass(10*time.Second + time.Millisecond)
	return b
}

func TestLate_NotKnownAtTheStart_Taken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := running(t, &scripted{lanes: []Lane{lane("sim:1")}, answer: perSecond}, Options{Sticky: -1})
		b.users(map[string]int{"bulk": 1})
		b.backlog("bulk", 500, "x")
		_, err := b.try("bulk", validFor(time.Second))
		wantTaken(t, err)
		if q := b.r.Channels()[0].Queues; len(q) != 1 || q[0].Known || q[0].Queued != 500 {
			t.Errorf("queues %+v: how fast is not known yet", q)
		}
	})
}

func TestLate_BehindItsUsersBacklog_Refused_AnothersIsTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := learnt(t, 600, Options{})
		_, err := b.try("bulk", validFor(5*time.Minute))
		wantRefused(t, err, Busy, "it would leave in about 10m0s, behind 599 others, and is valid for 5m0s")
		_, err = b.try("bulk", validFor(11*time.Minute))
		wantTaken(t, err)
		_, err = b.try("bank", validFor(5*time.Second))
		wantTaken(t, err)
		_, err = b.try("bulk", validFor(time.Hour+time.Minute), func(m *storage.Message) { m.DueAt = storage.TimeOf(time.Now().Add(time.Hour)) })
		wantTaken(t, err)
		if q := b.r.Channels()[0].Queues; len(q) != 1 || !q[0].Known || q[0].Rate < 59 || q[0].Rate > 61 || q[0].Empty < 9*time.Minute || q[0].Empty > 11*time.Minute {
			t.Errorf("queues %+v", q)
		}
	})
}

func TestLate_OptionTake_Taken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := learnt(t, 600, Options{TakeLate: true})
		_, err := b.try("bulk", validFor(5*time.Minute))
		wantTaken(t, err)
	})
}

// Limits of a SIM count: of 20 that are left of the day 10 are needed already.
func TestLate_LimitOfTheLane_Refused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		b := learnt(t, 20, Options{}, func(l *Lane) {
			l.Quotas = func(time.Time) []Quota {
				return []Quota{{Left: 10, Until: start.Add(24 * time.Hour), Limit: 100, Every: 24 * time.Hour}}
			}
		})
		_, err := b.try("bulk", validFor(12*time.Hour))
		wantRefused(t, err, Busy, "it would leave in about 23h59m50s")
		_, err = b.try("bulk", validFor(30*time.Hour))
		wantTaken(t, err)
	})
}

func TestLate_HeldUntilMorning_Refused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newValve()
		b := learnt(t, 0, Options{}, func(l *Lane) { l.Gate, l.Wake = v.gate, v.wake })
		v.set(Hold{Until: time.Now().Add(8 * time.Hour), Reason: "quiet hours"})
		pass(time.Second)
		_, err := b.try("bulk", validFor(time.Hour))
		wantRefused(t, err, Busy, "it would leave in about 8h0m")
		_, err = b.try("bulk", validFor(9*time.Hour))
		wantTaken(t, err)
		v.set(Hold{Reason: "switched off"})
		pass(time.Second)
		_, err = b.try("bulk", validFor(time.Minute)) // nobody knows
		wantTaken(t, err)
	})
}

// lateBank has a backlog before gsm that takes longer than a minute, and smpp:x as the
// next way.
func lateBank(t *testing.T) (*bench, *other) {
	t.Helper()
	b, x := bank(t, &scripted{lanes: []Lane{lane("sim:1")}, answer: perSecond}, ok)
	b.users(map[string]int{"bulk": 1})
	b.prices("x-cost", "31,0.5\n", "smpp:x")
	b.route(nil, "gsm", "smpp:x")
	b.backlog("bulk", 310, "x")
	pass(10*time.Second + time.Millisecond)
	return b, x
}

func TestLate_NextWayOfItsRoute_TakesIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, x := lateBank(t)
		id, err := b.try("bulk", validFor(time.Minute))
		wantTaken(t, err)
		synctest.Wait()
		m := b.message(id)
		if m.Queue != "smpp:x" || m.Way != 1 || m.Cost != 500 || m.Held != storage.Credit || strings.Count(x.log(), "x:1") != 1 ||
			!strings.Contains(events(m, "moved"), "to channel smpp:x: channel gsm: it would leave in about 5m0s") {
			t.Errorf("%s, way %d, cost %d, held %d: %s", m.Queue, m.Way, m.Cost, m.Held, events(m, "moved"))
		}
	})
}

// What route explain says is what happens, also because of what waits.
func TestExplainRoute_WhatWaits_MovesOrRefusesIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _ := lateBank(t)
		b.r.o.Validity = time.Minute // what a message has that names none
		explain := func(at time.Duration) RouteExplanation {
			q := RouteQuery{SendRequest: SendRequest{User: "bulk", To: "31612345678", Text: "t"}}
			if at > 0 {
				q.At = storage.TimeOf(time.Now().Add(at))
			}
			e, err := b.r.ExplainRoute(q)
			if err != nil {
				t.Fatal(err)
			}
			return e
		}
		e := explain(0)
		id, err := b.try("bulk")
		wantTaken(t, err)
		m := b.message(id)
		if e.Channel != m.Queue || e.Moved == "" || e.Moved != events(m, "moved") || !e.CostKnown || e.Cost != m.Cost || !strings.Contains(events(m, "route"), e.Line) {
			t.Errorf("said %s, %s, cost %d: %s\nwent by %s, cost %d: %s %s", e.Channel, e.Moved, e.Cost, e.Line, m.Queue, m.Cost, events(m, "route"), events(m, "moved"))
		}
		if e := explain(time.Hour); e.Channel != "gsm" || e.Moved != "" {
			t.Errorf("in an hour: %s, %s", e.Channel, e.Moved)
		}
		b.set("bulk", UserSettings{QueueCount: ptr(10)})
		_, err = b.try("bulk")
		if e := explain(0); err == nil || e.Refused != err.Error() || e.Refused == "" {
			t.Errorf("said %q, happened %v", e.Refused, err)
		}
		if n := b.r.Refused()["user_full"]; n != 1 {
			t.Errorf("%d counted: asking is no refusal", n)
		}
	})
}

// A flood of refusals is a line of the log now and then, with their number.
func TestRoom_Refusals_LogIsRateLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		b := running(t, &scripted{}, Options{MaxQueued: 1, Log: slog.New(slog.NewTextHandler(&log, nil))})
		b.users(map[string]int{"bulk": 1})
		b.backlog("bulk", 1, "x")
		for range 100 {
			if _, err := b.try("bulk"); err == nil {
				t.Fatal("taken")
			}
		}
		pass(11 * time.Second)
		_, err := b.try("bulk")
		wantRefused(t, err, Busy, "wait already")
		if got := log.String(); strings.Count(got, "not taken") != 2 || !strings.Contains(got, "count=100") || strings.Contains(got, "316") {
			t.Errorf("the log: %s", got)
		}
	})
}

func TestPulse_WindowedLane_IdleTellsLittle(t *testing.T) {
	var p pulse
	now := time.Unix(1_000_000, 0)
	for range 5 { // one now and then, 100 ms each, where ten may be on their way
		p.rests()
		p.begins(now)
		now = now.Add(100 * time.Millisecond)
		p.beats(now, 10, 1)
		now = now.Add(time.Minute)
	}
	if perMS, _, known := p.rate(); !known || perMS < 0.099 || perMS > 0.101 {
		t.Errorf("%v a millisecond, %v", perMS, known)
	}
	p.rests()
	for range 10_000 { // busy: 20 ms between two
		p.begins(now)
		now = now.Add(20 * time.Millisecond)
		p.beats(now, 10, 3)
	}
	if perMS, parts, _ := p.rate(); perMS < 0.049 || perMS > 0.052 || parts < 2.9 || parts > 3 {
		t.Errorf("%v a millisecond, %v parts", perMS, parts)
	}
}

func TestDrain_CapacityOfSeveralLanes(t *testing.T) {
	at := storage.Time(1_000_000)
	d := drain{at: at, known: true, queued: 100, weight: 4, lanes: []laneRate{
		{perMS: 0.001, parts: 1},
		{perMS: 0.002, parts: 2, from: 10_000, quotas: []quota{{20, 60_000, 10, 3_600_000}}},
	}}
	for ms, want := range map[float64]float64{0: 0, 10_000: 10, 15_000: 15 + 10, 50_000: 50 + 10, 60_001: 60.001 + 15, 3_660_000: 3660 + 20} {
		if !d.bears(want, ms) || d.bears(want+0.001, ms) {
			t.Errorf("in %.0f ms not %v", ms, want)
		}
	}
	for _, c := range []struct {
		own, weight int
		want        float64
	}{{0, 1, 1}, {10, 1, 41}, {10, 2, 21}, {90, 1, 101}} {
		if got := d.ahead(c.own, c.weight); got != c.want {
			t.Errorf("own %d of weight %d: behind %v, want %v", c.own, c.weight, got, c.want)
		}
	}
	if got := d.takes(25).Round(time.Millisecond); got != 15*time.Second {
		t.Errorf("25 take %v", got)
	}
}

// BenchmarkLate asks whether a message can leave in time, over 64 lanes with limits.
//
//	go test -run xxx -bench Late ./router
func BenchmarkLate(b *testing.B) {
	d := drain{at: 1, known: true, queued: 1000, weight: 10}
	for range 64 {
		d.lanes = append(d.lanes, laneRate{perMS: 0.001, parts: 1, quotas: []quota{{20, 60_000, 10, 3_600_000}}})
	}
	b.ReportAllocs()
	for b.Loop() {
		if d.bears(10_000, 100_000) { // no lane is left out
			b.Fatal("in time")
		}
	}
}
