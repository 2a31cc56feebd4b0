package router

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gsmgate/storage"
)

func (b *bench) edit(change func(*storage.User)) {
	b.t.Helper()
	u, _ := b.r.UserRecord("acme")
	change(&u)
	if err := b.db.PutUser(b.t.Context(), u, false); err != nil {
		b.t.Fatal(err)
	}
}

// receipted stores a message whose receipt waits, and gives the receipt.
func (b *bench) receipted(text string) storage.ID {
	b.t.Helper()
	b.send(text)
	synctest.Wait()
	b.report("sim:1", text+"-1", storage.Delivered)
	return b.receipts()[0].ID
}

func TestKeep_MoreThanTheCount_OldestEnd_ReceiptsFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := running(t, &scripted{lanes: []Lane{lane("sim:1")}, answer: ok}, Options{})
		b.edit(func(u *storage.User) { u.KeepCount = 3 })
		mo := b.mo("a1", "a2", "a3", "a4")
		receipts := []storage.ID{b.receipted("x"), b.receipted("y")}
		pass(keepEvery)
		for i, want := range []storage.State{storage.Expired, storage.Enroute, storage.Enroute, storage.Enroute} {
			if m := b.state(mo[i]); m.State != want || want == storage.Expired && m.Reason != "more than 3 messages wait for user acme" {
				t.Errorf("MO %d is %s: %s", i+1, StateWord(m.State), m.Reason)
			}
		}
		for i, id := range receipts {
			if m := b.state(id); m.State != storage.Expired {
				t.Errorf("receipt %d is %s", i+1, StateWord(m.State))
			}
		}
		if n := b.r.Overflowed("acme"); n != 3 || b.db.Queued(UserQueue("acme")) != 3 {
			t.Errorf("%d counted, %d left", n, b.db.Queued(UserQueue("acme")))
		}
		late := b.receipted("z")
		pass(keepEvery)
		if m := b.state(late); m.State != storage.Expired || b.state(mo[1]).State != storage.Enroute {
			t.Errorf("the receipt that came later is %s", StateWord(m.State))
		}
	})
}

func TestKeep_ThousandsTooMany_EndedInBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := running(t, &scripted{}, Options{KeepCount: 100})
		ids := b.mo(numbered("a", 3*keepBatch)...)
		pass(keepEvery)
		if n := b.db.Queued(UserQueue("acme")); n != 100 {
			t.Errorf("%d left", n)
		}
		if b.state(ids[len(ids)-100]).State != storage.Enroute || b.state(ids[len(ids)-101]).State != storage.Expired {
			t.Error("not the oldest ones ended")
		}
	})
}

// What is being delivered is not ended under the client's hands.
func TestKeep_OnItsWay_Stays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _ := staffed(t, 1, func(ctx context.Context, _ *storage.Message) error {
			select {
			case <-time.After(time.Minute):
			case <-ctx.Done():
			}
			return nil
		})
		b.edit(func(u *storage.User) { u.KeepCount = 1 })
		ids := b.mo("a1", "a2", "a3")
		pass(keepEvery)
		if b.state(ids[0]).State != storage.Enroute || b.state(ids[1]).State != storage.Expired || b.state(ids[2]).State != storage.Expired {
			t.Errorf("%v", ids)
		}
		pass(2 * time.Minute)
		if m := b.state(ids[0]); m.State != storage.Delivered {
			t.Errorf("the first is %s", StateWord(m.State))
		}
	})
}

func TestKeep_Hours_OfTheUser(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := running(t, &scripted{lanes: []Lane{lane("sim:1")}, answer: ok}, Options{})
		b.edit(func(u *storage.User) { u.KeepHours = 2 })
		mo, receipt := b.mo("a1")[0], b.receipted("x")
		pass(2*time.Hour - time.Minute)
		if b.state(mo).State != storage.Enroute || b.state(receipt).State != storage.Enroute {
			t.Error("ended early")
		}
		pass(2 * time.Minute)
		for _, id := range []storage.ID{mo, receipt} {
			if m := b.state(id); m.State != storage.Expired || !strings.Contains(m.Reason, "validity over") {
				t.Errorf("%s: %s", StateWord(m.State), m.Reason)
			}
		}
	})
}
