package router

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gsmgate/storage"
)

// perSecond sends one part a second.
func perSecond(ctx context.Context, lane string, m *storage.Message, i int) (string, error) {
	time.Sleep(time.Second)
	return ok(ctx, lane, m, i)
}

// users adds users with enough credit, of the given weights.
func (b *bench) users(weights map[string]int) {
	b.t.Helper()
	for name, weight := range weights {
		spec := UserSpec{SystemID: name, Password: "secret", Credits: 100_000 * storage.Credit, UserSettings: UserSettings{Weight: &weight}}
		if _, err := b.r.AddUser(b.t.Context(), spec); err != nil {
			b.t.Fatal(err)
		}
	}
}

// backlog hands over messages of a user to recipients of their own.
func (b *bench) backlog(user string, n int, text string, edit ...func(*storage.Message)) {
	b.t.Helper()
	for range n {
		all := append([]func(*storage.Message){func(m *storage.Message) {
			b.sent++
			m.User, m.Dest.Addr = user, fmt.Sprintf("316%08d", b.sent)
		}}, edit...)
		b.send(text, all...)
	}
}

func TestFair_Backlog_AnothersSingleMessageIsNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := running(t, &scripted{lanes: []Lane{lane("sim:1")}, answer: perSecond}, Options{Sticky: -1})
		b.users(map[string]int{"bulk": 1, "bank": 1})
		b.backlog("bulk", 2000, "B")
		pass(100 * time.Second)
		b.backlog("bank", 1, "pin")
		pass(3 * time.Second)
		if got := b.c.texts(); !strings.Contains(got, "pin") {
			t.Errorf("not sent after 3 s: %d others were", strings.Count(got, "B"))
		}
	})
}

func TestFair_Weights_ShareTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := running(t, &scripted{lanes: []Lane{lane("sim:1")}, answer: perSecond}, Options{Sticky: -1})
		b.users(map[string]int{"one": 1, "three": 3})
		b.backlog("one", 300, "o")
		b.backlog("three", 300, "t")
		pass(200 * time.Second)
		got := b.c.texts()
		o, th := strings.Count(got, "o"), strings.Count(got, "t")
		if o < 45 || o > 55 || th < 145 {
			t.Errorf("%d of weight 1, %d of weight 3", o, th)
		}
	})
}

// A long message costs its user what its parts take.
func TestFair_PartsAreWhatIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := running(t, &scripted{lanes: []Lane{lane("sim:1")}, answer: perSecond}, Options{Sticky: -1})
		b.users(map[string]int{"long": 1, "short": 1})
		b.backlog("long", 100, "l|l|l|l|l")
		b.backlog("short", 300, "s")
		pass(200 * time.Second)
		got := b.c.log()
		l, s := strings.Count(got, "l|l|l|l|l/"), strings.Count(got, " s/")
		if l < 90 || l > 110 || s < 90 {
			t.Errorf("%d parts of long messages, %d of short ones", l, s)
		}
	})
}

// One that was idle has saved up nothing, and one that had more than its share
// before others came owes nothing.
func TestFair_IdleUser_SavesNothingUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := running(t, &scripted{lanes: []Lane{lane("sim:1")}, answer: perSecond}, Options{Sticky: -1})
		b.users(map[string]int{"early": 1, "late": 1})
		b.backlog("early", 500, "e")
		pass(200 * time.Second)
		before := strings.Count(b.c.texts(), "e")
		b.backlog("late", 500, "l")
		pass(100 * time.Second)
		got := b.c.texts()
		e, l := strings.Count(got, "e")-before, strings.Count(got, "l")
		if e < 45 || e > 55 || l < 45 || l > 55 {
			t.Errorf("%d of the early one and %d of the late one in 100 s", e, l)
		}
	})
}

func urgent(n uint8) func(*storage.Message) {
	return func(m *storage.Message) { m.Priority = n }
}

func TestPriority_HigherLeavesFirst_EveryEighthIsTheOldest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &scripted{lanes: []Lane{lane("sim:1")}, answer: perSecond}
		b := running(t, c, Options{Sticky: -1})
		b.users(map[string]int{"bulk": 1})
		b.backlog("bulk", 1, "first")
		synctest.Wait()
		for i := range uint8(4) {
			b.backlog("bulk", 20, fmt.Sprint(i), urgent(i))
		}
		pass(90 * time.Second)
		got := strings.ReplaceAll(c.texts(), " ", "")
		if want := "first333333" + "0" + "3333333" + "0" + "3333333" + "0"; !strings.HasPrefix(got, want) {
			t.Errorf("sent %s", got)
		}
		if n := strings.Count(got, "0"); n != 20 {
			t.Errorf("%d of 20 of the lowest priority were sent: %s", n, got)
		}
	})
}

// A stream of a higher priority that never ends does not starve a lower one.
func TestPriority_StreamOfHigher_LowerIsNotStarved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &scripted{lanes: []Lane{lane("sim:1")}, answer: perSecond}
		b := running(t, c, Options{Sticky: -1})
		b.users(map[string]int{"bulk": 1})
		b.backlog("bulk", 5, "low")
		for range 60 {
			b.backlog("bulk", 2, "3", urgent(3))
			pass(time.Second)
		}
		if n := strings.Count(c.texts(), "low"); n != 5 {
			t.Errorf("%d of 5 were sent", n)
		}
	})
}

// Priority rules within a user's share, not between users.
func TestPriority_DoesNotTakeAnothersShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &scripted{lanes: []Lane{lane("sim:1")}, answer: perSecond}
		b := running(t, c, Options{Sticky: -1})
		b.users(map[string]int{"loud": 1, "calm": 1})
		b.backlog("loud", 200, "L", urgent(3))
		b.backlog("calm", 200, "c")
		pass(100 * time.Second)
		if n := strings.Count(c.texts(), "c"); n < 45 {
			t.Errorf("%d of 100 are of the calm user", n)
		}
	})
}

// BenchmarkQueue_Poll takes from a queue with so many users, each with a backlog:
// what fair queueing costs a message.
//
//	go test -run xxx -bench Queue_Poll ./router
func BenchmarkQueue_Poll(b *testing.B) {
	for _, users := range []int{1, 100, 10_000} {
		b.Run(fmt.Sprintf("users=%d", users), func(b *testing.B) {
			q, n := ample(users), 0
			none := func(storage.ID) bool { return false }
			b.ReportAllocs()
			for b.Loop() {
				ids, _, _, err := q.poll(1, none)
				if err != nil || len(ids) != 1 {
					b.Fatal(ids, err)
				}
				q.release(ids[0])
				n++
			}
		})
	}
}

// What is offered while the disk is read, which may not have it yet, is read again.
func TestQueue_OfferedDuringARead_NotLost(t *testing.T) {
	q := ample(0)
	m := &storage.Message{ID: 7, Kind: storage.MT, User: "acme", Queue: "gsm", DueAt: 1}
	reads := 0
	q.due = func(storage.Flow, storage.Time, int) ([]storage.FlowEntry, storage.Time, error) {
		if reads++; reads == 1 {
			q.offer(m)
			return nil, 0, nil
		}
		return []storage.FlowEntry{{DueKey: storage.DueKey{At: 1, ID: 7}}}, 0, nil
	}
	q.kick(m.Flow(), 1)
	ids, _, _, err := q.poll(1, func(storage.ID) bool { return false })
	if err != nil || len(ids) != 1 || ids[0] != 7 {
		t.Errorf("took %v, %v", ids, err)
	}
}

// A message that was moved to another queue while a lane had it is not taken out of
// that one too: the floor would be free when the first lane lets go.
func TestFloors_MessageMovedWhileTaken_NotTakenTwice(t *testing.T) {
	f, one, two := floors{held: map[storage.Talk]floor{}}, &queue{name: "gsm#sim:1"}, &queue{name: "gsm"}
	if !f.free(1, one) || !f.take(1, 7) {
		t.Fatal("nobody had the floor")
	}
	if f.free(1, two) || f.take(1, 7) {
		t.Error("the message has the floor twice")
	}
	if wake := f.leave(1, 7); len(wake) != 1 || wake[0] != two || !f.free(1, two) {
		t.Errorf("who waited for it: %v", wake)
	}
}

// ample is a queue of users that never run out of messages.
func ample(users int) *queue {
	r := &Router{floors: floors{held: map[storage.Talk]floor{}}}
	q := r.newQueue("gsm")
	var last storage.ID
	q.now = func() storage.Time { return 1 }
	q.weight = func(string) int { return 1 }
	q.left = func(talk storage.Talk, id storage.ID) { r.floors.leave(talk, id) }
	q.due = func(_ storage.Flow, _ storage.Time, max int) ([]storage.FlowEntry, storage.Time, error) {
		head := make([]storage.FlowEntry, max)
		for i := range head {
			last++
			head[i] = storage.FlowEntry{DueKey: storage.DueKey{At: 1, ID: last}, Talk: storage.Talk(last)}
		}
		return head, 0, nil
	}
	for i := range users {
		q.kick(storage.Flow{User: fmt.Sprint(i)}, 1)
	}
	return q
}
