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

// rich gives the user acme enough for a flood.
func (b *bench) rich() {
	b.t.Helper()
	if _, err := b.r.Credit(b.t.Context(), "acme", 100_000*storage.Credit, "more"); err != nil {
		b.t.Fatal(err)
	}
}

// restart runs another router over the same store.
func (b *bench) restart(o Options) {
	b.t.Helper()
	b.stop()
	b.r = New(b.db, o)
	b.r.Add(b.c)
	b.start()
}

// taking answers after a while that depends on the text: "slow" takes 10 s.
func taking(ctx context.Context, lane string, m *storage.Message, i int) (string, error) {
	d := 100 * time.Millisecond
	if strings.HasPrefix(m.Text, "slow") {
		d = 10 * time.Second
	}
	time.Sleep(d)
	return ok(ctx, lane, m, i)
}

// refusing refuses texts that begin with "no" so many times, for ten seconds each.
func refusing(times int) func(context.Context, string, *storage.Message, int) (string, error) {
	var mu sync.Mutex
	left := map[storage.ID]int{}
	return func(ctx context.Context, lane string, m *storage.Message, i int) (string, error) {
		mu.Lock()
		defer mu.Unlock()
		if strings.HasPrefix(m.Text, "no") && left[m.ID] < times {
			left[m.ID]++
			return "", &SendError{Outcome: RefusedForNow, Wait: 10 * time.Second, Err: errors.New("not now")}
		}
		return ok(ctx, lane, m, i)
	}
}

func twoLanes() []Lane { return []Lane{lane("sim:1"), lane("sim:2")} }

// texts is what was sent, without the lanes.
func (c *scripted) texts() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []string
	for _, s := range c.sent {
		_, text, _ := strings.Cut(s, " ")
		all = append(all, strings.TrimSuffix(text, "/1"))
	}
	return strings.Join(all, " ")
}

func wantTexts(t *testing.T, c *scripted, want string) {
	t.Helper()
	if got := c.texts(); got != want {
		t.Errorf("sent %s; want %s", got, want)
	}
}

func TestOrder_BeingSent_OtherLaneDoesNotOvertake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := running(t, &scripted{lanes: twoLanes(), answer: taking}, Options{Sticky: -1})
		b.send("slow1")
		synctest.Wait() // the other lane would be as fast
		b.send("2")
		b.send("3")
		b.send("other", to("31687654321"))
		pass(9 * time.Second)
		wantTexts(t, b.c, "slow1 other")
		pass(2 * time.Second)
		wantTexts(t, b.c, "slow1 other 2 3")
	})
}

func TestOrder_Retried_LaterOnesWait_OthersPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := running(t, &scripted{lanes: twoLanes(), answer: refusing(2)}, Options{Sticky: -1})
		b.send("no1")
		synctest.Wait()
		second := b.send("2")
		b.send("3")
		b.send("other", to("31687654321"))
		pass(9 * time.Second)
		wantTexts(t, b.c, "no1 no1 other")
		if why := b.r.Why(b.state(second)); !strings.Contains(why, "behind message 10000000 of the same user to the same recipient, which is tried again at") {
			t.Errorf("waits: %s", why)
		}
		pass(2 * time.Minute)
		wantTexts(t, b.c, "no1 no1 other no1 2 3")
		if n := b.db.Behind(); n != 0 {
			t.Errorf("%d are still behind others", n)
		}
	})
}

// Messages of which the first few prefer a SIM wait in its own queue; later ones
// in that of all.
func TestOrder_SomePreferTheirSIM_NoneOvertakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := running(t, &scripted{lanes: twoLanes(), answer: taking}, Options{})
		b.send("0")
		pass(time.Second)
		var want []string
		for i := range 8 {
			text := fmt.Sprintf("slow%d", i)
			want = append(want, text)
			b.send(text)
		}
		pass(3 * time.Minute)
		wantTexts(t, b.c, "0 "+strings.Join(want, " "))
	})
}

func TestOrder_FloodToOneRecipient_OthersPass_AllInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := running(t, &scripted{lanes: twoLanes(), answer: taking}, Options{Sticky: -1})
		b.rich()
		var want []string
		for i := range 3 * headSize {
			want = append(want, fmt.Sprint(i))
			b.send(want[i])
		}
		for i := range 5 {
			b.send(fmt.Sprintf("other%d", i), to(fmt.Sprintf("3160000000%d", i)))
		}
		pass(3 * time.Second)
		if n := strings.Count(b.c.texts(), "other"); n != 5 {
			t.Errorf("%d of 5 others passed: %s", n, b.c.texts())
		}
		pass(10 * time.Minute)
		var got []string
		for _, text := range strings.Fields(b.c.texts()) {
			if !strings.HasPrefix(text, "other") {
				got = append(got, text)
			}
		}
		if strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("sent %v", got)
		}
		if n := b.db.Behind(); n != 0 {
			t.Errorf("%d are still behind others", n)
		}
	})
}

func TestOrder_KeptOverARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := running(t, &scripted{lanes: twoLanes(), answer: refusing(3)}, Options{Sticky: -1})
		b.send("no1")
		synctest.Wait()
		b.send("2")
		synctest.Wait()
		if n := b.db.Behind(); n != 1 {
			t.Fatalf("%d wait behind others", n)
		}
		b.restart(Options{Sticky: -1})
		defer b.stop()
		b.send("3")
		pass(5 * time.Minute)
		wantTexts(t, b.c, "no1 no1 no1 no1 2 3")
	})
}

// Whatever becomes of the first one, the next has its turn.
func TestOrder_FirstIsGone_NextGoes(t *testing.T) {
	for name, gone := range map[string]func(*bench, storage.ID){
		"cancelled": func(b *bench, id storage.ID) {
			if err := b.r.CancelOne(b.t.Context(), id); err != nil {
				b.t.Error(err)
			}
		},
		"expired": func(*bench, storage.ID) { pass(time.Hour) },
		"replaced": func(b *bench, id storage.ID) {
			if err := b.replace(Pick{User: "acme", ID: id}, "new"); err != nil {
				b.t.Error(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := running(t, &scripted{lanes: twoLanes(), answer: refusing(1000)}, Options{Sticky: -1})
				first := b.send("no1", func(m *storage.Message) { m.ExpiresAt = storage.TimeOf(time.Now().Add(30 * time.Minute)) })
				synctest.Wait()
				b.send("2")
				b.send("3")
				pass(time.Second)
				gone(b, first)
				pass(2 * time.Minute)
				if got := b.c.texts(); !strings.HasSuffix(got, " 2 3") || strings.Count(got, " 2") != 1 {
					t.Errorf("sent %s", got)
				}
			})
		})
	}
}

func TestOrder_FirstIsUnknown_NextGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &scripted{lanes: twoLanes(), answer: func(ctx context.Context, lane string, m *storage.Message, i int) (string, error) {
			time.Sleep(time.Second)
			if m.Text == "lost" {
				return "", errors.New("no answer")
			}
			return ok(ctx, lane, m, i)
		}}
		b := running(t, c, Options{Sticky: -1})
		b.send("lost")
		b.send("2")
		pass(5 * time.Second)
		wantTexts(t, b.c, "lost 2")
	})
}

func TestOrder_BetweenTalks_NoneIsKept(t *testing.T) {
	for name, edit := range map[string]func(*storage.Message){
		"another recipient":     to("31687654321"),
		"a higher priority":     func(m *storage.Message) { m.Priority = 2 },
		"another user":          func(m *storage.Message) { m.User = "other" },
		"messages in any order": func(m *storage.Message) { m.User = "any" },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := running(t, &scripted{lanes: twoLanes(), answer: refusing(3)}, Options{Sticky: -1})
				anyOrder := true
				for _, u := range []UserSpec{{SystemID: "other"}, {SystemID: "any", UserSettings: UserSettings{AnyOrder: &anyOrder}}} {
					u.Password, u.Credits = "secret", storage.Credit
					if _, err := b.r.AddUser(t.Context(), u); err != nil {
						t.Fatal(err)
					}
				}
				b.send("no1")
				synctest.Wait()
				b.send("2", edit)
				pass(15 * time.Second)
				if got := b.c.texts(); !strings.Contains(got, " 2") {
					t.Errorf("sent %s", got)
				}
			})
		})
	}
}

// A flood that is put aside on disk takes no memory: what is in the hands of lanes
// does.
func TestOrder_Flood_MemoryIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := running(t, &scripted{lanes: twoLanes(), answer: taking}, Options{Sticky: -1})
		b.rich()
		for i := range 4 * headSize {
			b.send(fmt.Sprintf("slow%d", i), to(fmt.Sprintf("3160000000%d", i%2)))
		}
		pass(time.Minute)
		b.r.floors.mu.Lock()
		held := len(b.r.floors.held)
		b.r.floors.mu.Unlock()
		q := b.r.queue("gsm")
		q.mu.Lock()
		defer q.mu.Unlock()
		if n := len(q.portions["acme"].levels[0].head); held > 2 || n > headSize+2 || len(q.taken) > 2 {
			t.Errorf("%d have the floor, %d are in the head, %d are taken", held, n, len(q.taken))
		}
	})
}
