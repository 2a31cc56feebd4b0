package router

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"gsmgate/storage"
)

// valve is a Gate that a test opens and shuts.
type valve struct {
	mu    sync.Mutex
	hold  Hold
	asked int
	wake  chan struct{}
}

func newValve() *valve { return &valve{wake: make(chan struct{}, 1)} }

func (v *valve) gate(now time.Time) Hold {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.asked++
	if h := v.hold; h.Until.IsZero() || h.Until.After(now) {
		return h
	}
	return Hold{}
}

func (v *valve) set(h Hold) {
	v.mu.Lock()
	v.hold = h
	v.mu.Unlock()
	select {
	case v.wake <- struct{}{}:
	default:
	}
}

func (v *valve) times() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.asked
}

func gated(id string, v *valve) Lane {
	l := lane(id)
	l.Gate, l.Wake = v.gate, v.wake
	return l
}

func TestGate_Until_HoldsAndOpensAtItsTime_WithoutBeingAskedAllTheTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newValve()
		v.hold = Hold{Until: time.Now().Add(time.Hour), Reason: "night"}
		b := running(t, &scripted{lanes: []Lane{gated("sim:1", v)}, answer: ok}, Options{})
		id := b.send("x")
		pass(time.Hour - time.Second)
		if got := b.c.log(); got != "" {
			t.Errorf("sent %s", got)
		}
		if lanes := b.r.Channels()[0].Lanes; len(lanes) != 1 || lanes[0].Reason != "night" || lanes[0].RestsUntil.IsZero() {
			t.Errorf("lanes %+v", lanes)
		}
		if n := v.times(); n > 2*3600/5 {
			t.Errorf("asked %d times in an hour", n)
		}
		pass(time.Second)
		if got := b.c.log(); got != "sim:1 x/1" {
			t.Errorf("at its time: %q", got)
		}
		b.expect(id, storage.Enroute, 9, 0)
	})
}

func TestGate_Woken_OpensAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newValve()
		v.hold = Hold{Reason: "disabled"}
		b := running(t, &scripted{lanes: []Lane{gated("sim:1", v)}, answer: ok}, Options{})
		b.send("x")
		pass(time.Second)
		v.set(Hold{})
		synctest.Wait()
		if got := b.c.log(); got != "sim:1 x/1" {
			t.Errorf("sent %q", got)
		}
		v.set(Hold{Reason: "disabled"})
		b.send("y")
		pass(time.Minute)
		if got := b.c.log(); got != "sim:1 x/1" {
			t.Errorf("while it is shut: %q", got)
		}
	})
}

func TestGate_ShutBetweenParts_RestWaits_OnTheSameLane(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, other := newValve(), newValve()
		other.hold = Hold{Reason: "off"}
		c := &scripted{lanes: []Lane{gated("sim:1", v), gated("sim:2", other)}}
		c.answer = func(ctx context.Context, lane string, m *storage.Message, i int) (string, error) {
			v.set(Hold{Until: time.Now().Add(10 * time.Second), Reason: "pacing"})
			return ok(ctx, lane, m, i)
		}
		b := running(t, c, Options{})
		b.send("a|b|c")
		synctest.Wait()
		other.set(Hold{})
		b.send("z", to("31687654321"))
		pass(9 * time.Second)
		if got := b.c.log(); got != "sim:1 a|b|c/1; sim:2 z/1" {
			t.Errorf("sent %s", got)
		}
		pass(12 * time.Second)
		if got := b.c.log(); got != "sim:1 a|b|c/1; sim:2 z/1; sim:1 a|b|c/2; sim:1 a|b|c/3" {
			t.Errorf("sent %s", got)
		}
	})
}

func TestGate_SparesFlight_MessageIsNotCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newValve()
		c := &scripted{lanes: []Lane{gated("sim:1", v)}}
		c.answer = func(ctx context.Context, lane string, m *storage.Message, i int) (string, error) {
			v.set(Hold{Reason: "night", Spares: SparesFlight})
			return ok(ctx, lane, m, i)
		}
		b := running(t, c, Options{})
		b.send("a|b")
		b.send("z")
		pass(time.Hour)
		if got := b.c.log(); got != "sim:1 a|b/1; sim:1 a|b/2" {
			t.Errorf("sent %s", got)
		}
	})
}

func TestGate_SparesBegun_BegunGoesOn_NothingBegins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newValve()
		busy := true
		c := &scripted{lanes: []Lane{gated("sim:1", v)}}
		c.answer = func(ctx context.Context, lane string, m *storage.Message, i int) (string, error) {
			if i == 1 && busy {
				busy = false
				v.set(Hold{Reason: "draining", Spares: SparesBegun})
				return "", &SendError{Outcome: RefusedForNow, Wait: time.Minute, Err: fmt.Errorf("busy")}
			}
			return ok(ctx, lane, m, i)
		}
		b := running(t, c, Options{})
		b.send("a|b")
		b.send("z")
		pass(time.Hour)
		if got := b.c.log(); got != "sim:1 a|b/1; sim:1 a|b/2; sim:1 a|b/2" {
			t.Errorf("sent %s", got)
		}
	})
}

func TestFits_No_OthersPass_OtherLanesTakeIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		small, off := lane("sim:1"), newValve()
		midnight := time.Now().Add(time.Hour)
		small.Fits = func(m *storage.Message, now time.Time) Hold {
			if len(m.Parts) > 1 && now.Before(midnight) {
				return Hold{Until: midnight, Reason: "does not fit"}
			}
			return Hold{}
		}
		off.hold = Hold{Reason: "off"}
		b := running(t, &scripted{lanes: []Lane{small, gated("sim:2", off)}, answer: ok}, Options{Sticky: -1})
		b.send("a|b")
		id := b.send("c|d")
		b.send("z")
		pass(time.Minute)
		if got := b.c.log(); got != "sim:1 z/1" {
			t.Errorf("sent %s", got)
		}
		m, _ := b.r.Message(id)
		if waits := b.r.Explain().Waits(m); len(waits) != 1 || waits[0].Reason != "sim:1: does not fit" || !waits[0].Until.Equal(midnight) {
			t.Errorf("waits %+v", waits)
		}
		off.set(Hold{})
		synctest.Wait()
		if got := b.c.log(); got != "sim:1 z/1; sim:2 a|b/1; sim:2 a|b/2; sim:2 c|d/1; sim:2 c|d/2" {
			t.Errorf("sent %s", got)
		}
		off.set(Hold{Reason: "off"})
		b.send("e|f")
		pass(time.Hour)
		if got := b.c.log(); !strings.HasSuffix(got, "; sim:1 e|f/1; sim:1 e|f/2") {
			t.Errorf("at midnight: %s", got)
		}
	})
}

// More that does not fit than a queue reads ahead: the lane is not kept busy by
// it.
func TestFits_ManyThatDoNot_NoBusyLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, asked := lane("sim:1"), new(atomic.Int32)
		midnight := time.Now().Add(time.Hour)
		l.Fits = func(m *storage.Message, now time.Time) Hold {
			if asked.Add(1); now.Before(midnight) {
				return Hold{Until: midnight, Reason: "does not fit"}
			}
			return Hold{}
		}
		b := running(t, &scripted{lanes: []Lane{l}, answer: ok}, Options{})
		if _, err := b.r.Credit(t.Context(), "acme", 1000*storage.Credit, "more"); err != nil {
			t.Fatal(err)
		}
		for i := range headSize + 50 {
			b.send(fmt.Sprint(i))
		}
		pass(59 * time.Minute)
		if n := asked.Load(); n > 4*headSize {
			t.Errorf("asked %d times", n)
		}
		pass(time.Hour)
		if n := strings.Count(b.c.log(), ";") + 1; n != headSize+50 {
			t.Errorf("%d sent afterwards", n)
		}
	})
}

func TestLag_Idle_OtherIsFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		used, fresh := lane("sim:1"), lane("sim:2")
		used.Lag = func() time.Duration { return 10 * time.Millisecond }
		b := running(t, &scripted{lanes: []Lane{used, fresh}, answer: ok}, Options{Sticky: -1})
		for i := range 5 {
			pass(time.Second)
			b.send(fmt.Sprint(i))
		}
		pass(time.Second)
		if got := b.c.log(); strings.Contains(got, "sim:1") {
			t.Errorf("sent %s", got)
		}
	})
}
