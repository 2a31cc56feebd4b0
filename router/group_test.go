package router

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gsmgate/storage"
)

// grouped is a lane whose messages with one service type belong together.
func grouped(id string) Lane {
	l := lane(id)
	l.Group = func(m *storage.Message) string { return m.ServiceType }
	return l
}

func together(m *storage.Message) { m.ServiceType = "g" }

func TestGroup_AllLeaveByOneLane(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &scripted{lanes: []Lane{grouped("sim:1"), grouped("sim:2"), grouped("sim:3")}}
		c.answer = func(_ context.Context, _ string, m *storage.Message, _ int) (string, error) {
			time.Sleep(time.Second)
			return m.Text, nil
		}
		b := running(t, c, Options{})
		for i := range 6 {
			b.send(fmt.Sprint("part", i), together)
		}
		alone := b.send("alone")
		pass(time.Minute)
		if log := c.log(); strings.Count(log, ";") != 6 || strings.Count(log, first(log)+" part") != 6 {
			t.Errorf("sent %s", log)
		}
		b.expect(alone, storage.Enroute, 3, 0)
	})
}

// first is the lane of the first message of the group.
func first(log string) string {
	for _, sent := range strings.Split(log, "; ") {
		if lane, what, _ := strings.Cut(sent, " "); strings.HasPrefix(what, "part") {
			return lane
		}
	}
	return ""
}

// A lane that cannot send now does not keep the group.
func TestGroup_FirstLaneIll_AnotherTakesAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &scripted{lanes: []Lane{grouped("sim:1"), grouped("sim:2")}}
		c.answer = func(_ context.Context, l string, m *storage.Message, _ int) (string, error) {
			time.Sleep(time.Second)
			if l == "sim:1" {
				return "", &SendError{Outcome: RefusedForNow, LaneIll: true, Wait: time.Hour, Err: errors.New("no network")}
			}
			return m.Text, nil
		}
		b := running(t, c, Options{})
		for i := range 4 {
			b.send(fmt.Sprint("part", i), together)
		}
		pass(time.Minute)
		if log := c.log(); strings.Count(log, "sim:2 part") != 4 {
			t.Errorf("sent %s", log)
		}
	})
}

func TestGroups_Bounded(t *testing.T) {
	g := groups{lanes: map[string]*group{}}
	for i := range 3 * mostGroups {
		key := fmt.Sprint(i)
		g.claim(key, "sim:1", storage.Time(i))
		g.settled(key, "sim:1", true)
	}
	if n := len(g.lanes); n > mostGroups {
		t.Errorf("%d groups are remembered", n)
	}
}
