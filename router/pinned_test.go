package router

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"gsmgate/storage"
)

// stumbling refuses the second part of long messages by sim:1 for as long as it is told to.
func stumbling(c *scripted, refuse *atomic.Bool, said *SendError) {
	c.answer = func(ctx context.Context, lane string, m *storage.Message, i int) (string, error) {
		if refuse.Load() && i == 1 {
			return "", said
		}
		return ok(ctx, lane, m, i)
	}
}

func TestLongMessage_StuckAfterItsFirstPart_StaysOnItsLaneAndOthersPass(t *testing.T) {
	for name, said := range map[string]*SendError{
		"busy":      {Outcome: RefusedForNow, Limit: 16, Wait: time.Minute, Cause: 42, Err: errors.New("congestion")},
		"ambiguous": {Outcome: RefusedForNow, Limit: 3, Wait: time.Minute, Cause: 28, Err: errors.New("unidentified subscriber")},
		"lane ill":  {Outcome: RefusedForNow, LaneIll: true, Wait: time.Minute, Err: errors.New("no prompt")},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var refuse atomic.Bool
				refuse.Store(true)
				c := &scripted{lanes: []Lane{lane("sim:1")}}
				stumbling(c, &refuse, said)
				b := running(t, c, Options{})
				long := b.send("a|b|c")
				synctest.Wait()
				other := b.send("short", to("31687654321"))
				time.Sleep(3 * time.Second)
				if m := b.state(other); m.Parts[0].State != storage.PartSent {
					t.Errorf("the other: %+v", m)
				}
				m := b.state(long)
				if m.Queue != "gsm#sim:1" || m.Parts[0].State != storage.PartSent || m.Parts[1].State != storage.PartWaiting || !strings.Contains(b.r.Why(m), said.Err.Error()) {
					t.Errorf("the long one: %s, %+v, %q", m.Queue, m.Parts, b.r.Why(m))
				}
				refuse.Store(false)
				time.Sleep(10 * time.Minute)
				if got := c.log(); !strings.HasSuffix(got, "sim:1 a|b|c/2; sim:1 a|b|c/3") {
					t.Errorf("sent %s", got)
				}
			})
		})
	}
}

// The lane of the first part goes away for good: nothing goes out by another, and the message says what it waits for.
func TestLongMessage_ItsLaneIsGone_HeldWithAReasonUntilItExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var refuse atomic.Bool
		refuse.Store(true)
		c := &scripted{lanes: []Lane{lane("sim:1")}}
		stumbling(c, &refuse, &SendError{Outcome: RefusedForNow, LaneIll: true, Wait: time.Minute, Err: errors.New("unplugged")})
		b := running(t, c, Options{Validity: time.Hour})
		long := b.send("a|b|c")
		synctest.Wait()
		b.stop()
		refuse.Store(false)
		d := &scripted{lanes: []Lane{lane("sim:2")}, answer: ok}
		b.r = New(b.db, Options{Validity: time.Hour})
		b.r.Add(d)
		b.start()
		b.send("short", to("31687654321"))
		time.Sleep(30 * time.Minute)
		if got := d.log(); got != "sim:2 short/1" {
			t.Errorf("sim:2 sent %s", got)
		}
		m := b.state(long)
		if why := b.r.Why(m); !strings.Contains(why, "sim:1") || m.Queue != "gsm#sim:1" {
			t.Errorf("it waits in %s, %q", m.Queue, why)
		}
		time.Sleep(time.Hour)
		if m := b.state(long); m.State != storage.Expired || m.Reason != "validity over; 1 of 3 parts went out; unplugged" {
			t.Errorf("after its validity: %+v", m)
		}
	})
}
