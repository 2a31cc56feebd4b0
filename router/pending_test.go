package router

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gsmgate/storage"
	"gsmgate/storage/storagetest"
)

// idle is a router with a store of n credits that sends nothing.
func idle(t *testing.T, credits int) *bench {
	t.Helper()
	db := storagetest.Open(t)
	r := New(db, Options{})
	t.Cleanup(r.jobs.stop)
	r.Add(still())
	for _, name := range []string{"acme", "other"} {
		if _, err := r.AddUser(t.Context(), UserSpec{SystemID: name, Password: "secret", Credits: storage.Millicredits(credits) * storage.Credit}); err != nil {
			t.Fatal(err)
		}
	}
	return &bench{t: t, db: db, r: r}
}

// fill submits n messages, dest says to whom each goes.
func (b *bench) fill(n int, dest func(i int) string) {
	b.t.Helper()
	var accepted sync.WaitGroup
	slots := make(chan struct{}, 4000)
	for i := range n {
		slots <- struct{}{}
		accepted.Add(1)
		b.r.Submit(&storage.Message{Kind: storage.MT, User: "acme", Source: storage.Address{Addr: "100"},
			Dest: storage.Address{Addr: dest(i)}, Text: "x"}, func(_ storage.ID, err error) {
			if err != nil {
				b.t.Errorf("Submit: %v", err)
			}
			<-slots
			accepted.Done()
		})
	}
	accepted.Wait()
}

func number(i int) string { return fmt.Sprintf("316%08d", i) }

func (b *bench) pickTo(dest string) Pick {
	return Pick{User: "acme", Source: new("100"), Dest: &dest}
}

// One who cancels by addresses does not hold up those who submit, and nobody
// pays for it who does not ask.
func TestPending_100000Queued_CancelledByAddress(t *testing.T) {
	n := 100_000
	if raced || testing.Short() {
		n = 8_000
	}
	b := idle(t, n+10)
	b.fill(n, func(i int) string { return number(i % (n / 4)) })
	if len(b.r.pending.users) != 0 {
		t.Error("there is an index that nobody asked for")
	}
	answered := make(chan int, 1)
	for range pendingScans {
		b.r.pending.scans <- struct{}{} // the store cannot be read now
	}
	b.r.Cancel(b.pickTo(number(5)), func(n int, err error) { answered <- n })
	b.fill(1, func(int) string { return number(n) })
	began := time.Now()
	for range pendingScans {
		<-b.r.pending.scans
	}
	if got := <-answered; got != 4 {
		t.Errorf("%d cancelled, want 4", got)
	}
	t.Logf("the first answer took %v", time.Since(began))
	b.fill(1, func(int) string { return number(6) })
	began = time.Now()
	if got, err := b.cancel(b.pickTo(number(6))); got != 5 || err != nil {
		t.Errorf("%d cancelled, %v, want 5", got, err)
	}
	t.Logf("the second took %v", time.Since(began))
	// The one that was accepted before the store was read is in it twice.
	if size := b.r.pending.size; size != n-6 {
		t.Errorf("%d in the index, want %d", size, n-6)
	}
}

// All to one number: they are taken a chunk at a time.
func TestPending_ThousandsOfOneAddress_AllCancelled(t *testing.T) {
	const n = 10 * chunk
	b := idle(t, n)
	b.fill(n, func(int) string { return number(1) })
	if got, err := b.cancel(b.pickTo(number(1))); got != n || err != nil {
		t.Errorf("%d cancelled, %v", got, err)
	}
	if u, _ := b.r.User("acme"); u.Balance.Available != n*storage.Credit {
		t.Errorf("balance %+v", u.Balance)
	}
	if b.r.pending.size != 0 {
		t.Errorf("%d left in the index", b.r.pending.size)
	}
}

// What is accepted while the store is read is found: whoever was told a
// message_id can cancel it.
func TestPending_AcceptedWhileTheStoreIsRead_Found(t *testing.T) {
	const clients, each = 8, 60
	b := idle(t, 4*pendingPage+clients*each)
	b.fill(4*pendingPage, func(i int) string { return number(1000 + i) })
	var all sync.WaitGroup
	for c := range clients {
		all.Go(func() {
			for range each {
				b.fill(1, func(int) string { return number(c) })
				if n, err := b.cancel(b.pickTo(number(c))); n != 1 || err != nil {
					t.Errorf("client %d: %d cancelled, %v", c, n, err)
				}
			}
		})
	}
	all.Wait()
}

// An index that does not fit is not kept, and nothing is missed for that.
func TestPending_TooManyForTheIndex_FoundAllTheSame(t *testing.T) {
	b := idle(t, 1000)
	b.r.pending.most = 100
	b.fill(300, func(i int) string { return number(i % 100) })
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			if n, err := b.cancel(b.pickTo(number(i))); n != 3 || err != nil {
				t.Errorf("%d cancelled, %v", n, err)
			}
		})
	}
	all.Wait()
	b.r.pending.mu.Lock()
	defer b.r.pending.mu.Unlock()
	if p := b.r.pending; p.size != 0 || len(p.users) != 0 || p.active.Load() != 0 {
		t.Errorf("%d in the index of %d users", p.size, len(p.users))
	}
}

func TestPending_GrowsTooLarge_GivenUp(t *testing.T) {
	b := idle(t, 1000)
	b.r.pending.most = 100
	b.fill(50, number)
	if n, _ := b.cancel(b.pickTo(number(1))); n != 1 {
		t.Fatalf("%d cancelled", n)
	}
	b.fill(100, number)
	if p := b.r.pending; p.size != 0 || p.active.Load() != 0 {
		t.Errorf("%d in the index", p.size)
	}
	if n, _ := b.cancel(b.pickTo(number(99))); n != 1 {
		t.Errorf("%d cancelled", n)
	}
}

func TestPending_Unused_Dropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := running(t, still(), Options{})
		b.send("x")
		p := byAddresses()
		p.ServiceType = new("WAP")
		if n, _ := b.cancel(p); n != 0 {
			t.Errorf("%d cancelled", n)
		}
		pass(9 * time.Minute)
		if n := b.r.pending.active.Load(); n != 1 {
			t.Errorf("%d indexes after 9 minutes", n)
		}
		pass(3 * time.Minute)
		if n := b.r.pending.active.Load(); n != 0 || b.r.pending.size != 0 {
			t.Errorf("%d indexes of %d messages after 12 minutes", n, b.r.pending.size)
		}
		b.send("y")
		if n, _ := b.cancel(byAddresses()); n != 2 {
			t.Errorf("%d cancelled", n)
		}
	})
}

// What was sent is forgotten when it is met.
func TestPending_SentOnes_LeaveTheIndex(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := running(t, &scripted{lanes: []Lane{lane("sim:1")}, answer: ok}, Options{})
		if n, _ := b.cancel(byAddresses()); n != 0 {
			t.Errorf("%d cancelled", n)
		}
		for i := range 5 {
			b.send(fmt.Sprint(i))
		}
		pass(time.Second)
		if n, _ := b.cancel(byAddresses()); n != 0 || b.r.pending.size != 0 {
			t.Errorf("%d cancelled, %d in the index", n, b.r.pending.size)
		}
	})
}

func TestPending_RouterStopped_Answered(t *testing.T) {
	b := idle(t, 1)
	b.r.jobs.stop()
	if _, err := b.cancel(byAddresses()); err == nil {
		t.Error("no error")
	}
	if _, err := b.submitReplacing(&storage.Message{Kind: storage.MT, User: "acme", Dest: storage.Address{Addr: "1"}, Text: "x"}); err == nil {
		t.Error("no error")
	}
}
