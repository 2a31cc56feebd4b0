package router

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gsmgate/storage"
)

// unidentified refuses messages whose text is "doomed" as a network does that may
// mean the recipient or the SIM.
func unidentified(limit int) func(context.Context, string, *storage.Message, int) (string, error) {
	return func(ctx context.Context, lane string, m *storage.Message, i int) (string, error) {
		if m.Text == "doomed" {
			return "", &SendError{Outcome: RefusedForNow, Limit: limit, Wait: time.Minute, Cause: 28, Err: errors.New("unidentified subscriber")}
		}
		return ok(ctx, lane, m, i)
	}
}

func to(addr string) func(*storage.Message) {
	return func(m *storage.Message) { m.Dest.Addr = addr }
}

func TestRefused_CountsAgainstTheMessage_FailsWithItsCauseAtTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := running(t, &scripted{lanes: []Lane{lane("sim:1")}, answer: unidentified(3)}, Options{})
		id := b.send("doomed")
		other := b.send("good", to("31687654321"))
		synctest.Wait()
		if got := b.c.log(); got != "sim:1 doomed/1; sim:1 good/1" {
			t.Errorf("sent %s", got)
		}
		time.Sleep(time.Minute + time.Second)
		if m := b.state(id); m.Parts[0].Attempts != 2 || m.State != storage.Enroute {
			t.Errorf("after a minute: %+v", m)
		}
		time.Sleep(2*time.Minute + time.Second)
		if m := b.state(id); m.State != storage.Undeliverable || m.Cause != 28 || m.Parts[0].Attempts != 3 {
			t.Errorf("after 3 minutes: %+v", m)
		}
		if m := b.state(other); m.Parts[0].State != storage.PartSent {
			t.Errorf("the other: %+v", m)
		}
	})
}

func TestRefused_TwoLanes_TheOtherTriesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := running(t, &scripted{lanes: []Lane{lane("sim:1"), lane("sim:2")}, answer: unidentified(3)}, Options{})
		for range 5 {
			id := b.send("doomed")
			time.Sleep(3 * time.Second)
			if m := b.state(id); m.Parts[0].Attempts != 2 {
				t.Errorf("after 3 s: %+v", m.Parts)
			}
			time.Sleep(10 * time.Minute)
			tried := map[string]int{}
			for _, e := range b.state(id).Events {
				if e.What == "attempt" {
					tried[e.Text]++
				}
			}
			if len(tried) != 2 {
				t.Errorf("tried by %v", tried)
			}
		}
	})
}

func TestRefused_OthersToTheSameRecipientWait_AndGoWhenItIsReached(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := running(t, &scripted{lanes: []Lane{lane("sim:1")}, answer: unidentified(5)}, Options{})
		b.send("doomed")
		synctest.Wait()
		behind := b.send("behind")
		b.send("elsewhere", to("31687654321"))
		synctest.Wait()
		m := b.state(behind)
		if m.Parts[0].Attempts != 0 || !strings.Contains(b.r.Why(m), "to the same recipient, which is tried again at") {
			t.Errorf("the one behind: %+v", m)
		}
		if got := b.c.log(); got != "sim:1 doomed/1; sim:1 elsewhere/1" {
			t.Errorf("sent %s", got)
		}
		time.Sleep(time.Hour)
		if m := b.state(behind); m.Parts[0].State != storage.PartSent {
			t.Errorf("an hour later: %+v", m)
		}
	})
}

func TestRefused_LaneIllForSure_RestsAtOnceAndLongerEachTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var mu sync.Mutex
		var at []time.Duration
		c := &scripted{lanes: []Lane{lane("sim:1")}}
		c.answer = func(context.Context, string, *storage.Message, int) (string, error) {
			mu.Lock()
			defer mu.Unlock()
			at = append(at, time.Since(start).Round(time.Second))
			return "", &SendError{Outcome: RefusedForNow, LaneIll: true, Sure: true, Wait: 30 * time.Second, Cause: 8, Err: errors.New("barred")}
		}
		b := running(t, c, Options{})
		id := b.send("m1")
		time.Sleep(20 * time.Minute)
		mu.Lock()
		defer mu.Unlock()
		if got := fmt.Sprint(at[:6]); got != "[0s 30s 1m30s 3m30s 7m30s 12m30s]" {
			t.Errorf("tried at %s", got)
		}
		if m := b.state(id); m.Parts[0].Refused != 0 || m.State != storage.Enroute {
			t.Errorf("%+v", m)
		}
	})
}

func TestExpired_RefusedBefore_KeepsItsCause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := running(t, &scripted{lanes: []Lane{lane("sim:1")}, answer: unidentified(100)}, Options{Validity: 10 * time.Minute})
		id := b.send("doomed")
		time.Sleep(time.Hour)
		if m := b.state(id); m.State != storage.Expired || m.Cause != 28 {
			t.Errorf("%+v", m)
		}
	})
}

func TestDoubled(t *testing.T) {
	for n, want := range map[int]time.Duration{0: 30 * time.Second, 1: 30 * time.Second, 2: time.Minute, 5: 5 * time.Minute, 1000: 5 * time.Minute} {
		if got := doubled(30*time.Second, n); got != want {
			t.Errorf("the %dth: %v, want %v", n, got, want)
		}
	}
	if got := doubled(time.Hour, 3); got != time.Hour {
		t.Errorf("an hour became %v", got)
	}
}
