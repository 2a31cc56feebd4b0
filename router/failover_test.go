package router

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"gsmgate/router/plan"
	"gsmgate/storage"
)

func refuse(outcome Outcome, edit func(*SendError)) func(context.Context, string, *storage.Message, int) (string, error) {
	return func(context.Context, string, *storage.Message, int) (string, error) {
		e := &SendError{Outcome: outcome, Err: errors.New("not by me")}
		if edit != nil {
			edit(e)
		}
		return "", e
	}
}

func TestFailover_RefusedForNow_NextChannelAfterItsTries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, x := bank(t, &scripted{lanes: []Lane{lane("sim:1")}, answer: refuse(RefusedForNow, func(e *SendError) { e.Wait = time.Second })}, ok)
		b.prices("x-cost", "31,0.5\n", "smpp:x")
		b.route(nil, "gsm", "smpp:x")
		id := b.send("a")
		pass(time.Minute)
		m := b.message(id)
		if got := b.c.log() + "; " + x.log(); got != "sim:1 a/1; sim:1 a/1; sim:1 a/1; x:1 a/1" {
			t.Errorf("sent %s", got)
		}
		if m.Queue != "smpp:x" || m.Cost != 500 || m.Held != storage.Credit || events(m, "moved") != "to channel smpp:x: not by me" {
			t.Errorf("%s, cost %d, held %d, moved %s", m.Queue, m.Cost, m.Held, events(m, "moved"))
		}
	})
}

func TestFailover_ForGoodButElsewhere_NextChannelAtOnce_NeverBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gsm := &scripted{lanes: []Lane{lane("sim:1")}, answer: refuse(RefusedForGood, func(e *SendError) { e.Elsewhere = true })}
		b, x := bank(t, gsm, refuse(RefusedForGood, func(e *SendError) { e.Elsewhere = true }))
		b.route(nil, "gsm", "smpp:x")
		id := b.send("a")
		pass(time.Minute)
		if got := b.c.log() + "; " + x.log(); got != "sim:1 a/1; x:1 a/1" {
			t.Errorf("sent %s", got)
		}
		b.expect(id, storage.Undeliverable, 10, 0)
	})
}

func TestFailover_ForGood_TheMessageIsBad_EndsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, x := bank(t, &scripted{lanes: []Lane{lane("sim:1")}, answer: refuse(RefusedForGood, nil)}, ok)
		b.route(nil, "gsm", "smpp:x")
		id := b.send("a")
		pass(time.Minute)
		b.expect(id, storage.Undeliverable, 10, 0)
		if x.log() != "" {
			t.Errorf("the other sent %s", x.log())
		}
	})
}

func TestFailover_Unknown_NeverMoves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, x := bank(t, &scripted{lanes: []Lane{lane("sim:1")}, answer: refuse(UnknownOutcome, nil)}, ok)
		b.route(nil, "gsm", "smpp:x")
		id := b.send("a")
		pass(time.Hour)
		if b.message(id).State != storage.Unknown || x.log() != "" {
			t.Errorf("%s, the other sent %q", StateWord(b.message(id).State), x.log())
		}
	})
}

func TestFailover_PartOfItHasLeft_Stays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gsm := &scripted{lanes: []Lane{lane("sim:1")}}
		gsm.answer = func(ctx context.Context, l string, m *storage.Message, i int) (string, error) {
			if i == 0 {
				return ok(ctx, l, m, i)
			}
			return refuse(RefusedForNow, nil)(ctx, l, m, i)
		}
		b, x := bank(t, gsm, ok)
		b.route(nil, "gsm", "smpp:x")
		b.send("a|b")
		pass(2 * time.Hour)
		if x.log() != "" || strings.Count(b.c.log(), "a|b/2") < 5 {
			t.Errorf("sent %s; the other %s", b.c.log(), x.log())
		}
	})
}

// No channel takes it: it goes round them a bounded number of times, ever slower,
// and ends with its validity.
func TestFailover_AllRefuse_Bounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, x := bank(t, &scripted{lanes: []Lane{lane("sim:1")}, answer: refuse(RefusedForNow, nil)}, refuse(RefusedForNow, nil))
		b.route(nil, "gsm", "smpp:x")
		id := b.send("a")
		pass(49 * time.Hour)
		m := b.expect(id, storage.Expired, 10, 0)
		if m.Moves != roundsWays*2 {
			t.Errorf("moved %d times", m.Moves)
		}
		if n := strings.Count(b.c.log()+x.log(), "a/1"); n < 2*roundsWays*triesAWay || n > 700 {
			t.Errorf("tried %d times", n)
		}
	})
}

func TestFailover_ChannelGone_WaitingOnesMoveAfterAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gsm := &scripted{}
		b, x := bank(t, gsm, ok)
		b.route(nil, "gsm", "smpp:x")
		id := b.send("a")
		pass(time.Second)
		gsm.down("no modem is ready")
		pass(20 * time.Second)
		if m := b.message(id); m.Queue != "gsm" || x.log() != "" {
			t.Errorf("moved too early: %s, %s", m.Queue, x.log())
		}
		pass(25 * time.Second)
		m := b.message(id)
		if m.Queue != "smpp:x" || x.log() != "x:1 a/1" || events(m, "moved") != "to channel smpp:x: channel gsm is not ready" {
			t.Errorf("%s, %s: %s", m.Queue, x.log(), events(m, "moved"))
		}
		if m := b.message(b.send("b")); storage.ChannelOf(m.Queue) != "smpp:x" { // new ones do not wait at all
			t.Errorf("a new one goes to %s", m.Queue)
		}
	})
}

// What channels have delivered in the hour before a restart counts after it, once.
func TestQuality_AfterARestart_Known(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := running(t, &scripted{lanes: []Lane{lane("sim:1")}, answer: ok}, Options{})
		b.rich()
		end := func(n int, state storage.State) {
			for i := range n {
				b.send(fmt.Sprintf("%v %d", state, i))
				synctest.Wait()
				b.report("sim:1", fmt.Sprintf("%v %d-1", state, i), state)
			}
		}
		end(5, storage.Delivered)
		time.Sleep(50 * time.Minute)
		end(10, storage.Undeliverable)
		time.Sleep(20 * time.Minute)
		end(20, storage.Delivered)
		time.Sleep(time.Minute)
		b.restart(Options{})
		synctest.Wait()
		if got := b.r.qualities.of("gsm", b.r.now()); got != 66 {
			t.Errorf("of 20 of 30 in the last hour: %d", got)
		}
		end(10, storage.Undeliverable)
		if got := b.r.qualities.of("gsm", b.r.now()); got != 50 {
			t.Errorf("with 10 more: %d", got)
		}
		time.Sleep(2 * time.Hour)
		if got := b.r.qualities.of("gsm", b.r.now()); got != plan.UnknownQuality {
			t.Errorf("long after: %d", got)
		}
	})
}

func TestQuality_CountsWhatChannelsDeliver(t *testing.T) {
	var qs qualities
	now := storage.Time(1_000_000_000)
	end := func(state storage.State, n int) {
		for range n {
			qs.note(&storage.Message{Kind: storage.MT, State: state, Queue: "gsm#sim:1", Parts: []storage.Part{{Attempts: 1}}}, now)
		}
	}
	end(storage.Delivered, 15)
	end(storage.Deleted, 100) // cancelled: says nothing
	qs.note(&storage.Message{Kind: storage.MT, State: storage.Expired, Queue: "gsm", Parts: []storage.Part{{}}}, now)
	if got := qs.of("gsm", now); got != -1 {
		t.Errorf("of 15: %d", got)
	}
	end(storage.Undeliverable, 5)
	if got := qs.of("gsm", now); got != 75 {
		t.Errorf("of 20: %d", got)
	}
	now += qualityHour
	end(storage.Undeliverable, 20)
	if got := qs.of("gsm", now); got != 37 {
		t.Errorf("an hour later: %d", got)
	}
	now += qualityHour
	end(storage.Delivered, 20)
	if got := qs.of("gsm", now); got != 50 {
		t.Errorf("two hours later: %d", got)
	}
	if got := qs.of("gsm", now+2*qualityHour); got != -1 {
		t.Errorf("long after: %d", got)
	}
	if got := qs.of("other", now); got != -1 {
		t.Errorf("of another: %d", got)
	}
}

// A channel whose lanes cannot send, whatever the message, is no way until they are
// well: what waits for it moves, and new ones do not come. Then it is again.
func TestFailover_AllLanesIll_TheOtherUntilTheyAreWell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var well atomic.Bool
		gsm := &scripted{lanes: []Lane{lane("sim:1")}}
		gsm.answer = func(ctx context.Context, l string, m *storage.Message, i int) (string, error) {
			if well.Load() {
				return ok(ctx, l, m, i)
			}
			return refuse(RefusedForNow, func(e *SendError) { e.LaneIll, e.Wait = true, time.Minute })(ctx, l, m, i)
		}
		b, x := bank(t, gsm, ok)
		b.route(nil, "gsm", "smpp:x")
		for _, text := range []string{"a", "b", "c", "d", "e"} {
			b.send(text)
		}
		pass(50 * time.Second)
		if n := strings.Count(x.log(), "/1"); n != 5 || strings.Count(gsm.log(), "/1") > 8 {
			t.Errorf("sent %s; the other %s", gsm.log(), x.log())
		}
		if m := b.message(b.send("f")); storage.ChannelOf(m.Queue) != "smpp:x" {
			t.Errorf("a new one goes to %s", m.Queue)
		}
		well.Store(true)
		pass(5 * time.Minute)
		if m := b.message(b.send("g")); storage.ChannelOf(m.Queue) != "gsm" {
			t.Errorf("after that a new one goes to %s", m.Queue)
		}
	})
}

// One that waits moves whenever its channel is gone, and its count does not come
// round.
func TestFailover_MovedOften_CountStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _ := bank(t, &scripted{}, ok)
		b.route(nil, "gsm", "smpp:x")
		m := &storage.Message{Kind: storage.MT, User: "acme", Ways: []string{"gsm", "smpp:x"}, Text: "a"}
		for range 1000 {
			if !b.r.moveOn(m, b.r.now()) {
				t.Fatal("it did not move")
			}
		}
		if m.Moves != 255 {
			t.Errorf("moved %d times", m.Moves)
		}
	})
}
