package storage

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

// manualClock is a clock that a test moves.
type manualClock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *manualClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *manualClock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func TestGrant_WithCreditLimit_GoesBelowZeroAndNoFurther(t *testing.T) {
	db := openTest(t, Options{NoSync: true})
	ctx := t.Context()
	u := User{SystemID: "post", CreditLimit: 100}
	if err := db.PutUser(ctx, u, true); err != nil {
		t.Fatal(err)
	}
	accept(t, db, mt("post", 60))
	if _, err := db.AcceptSync(ctx, mt("post", 41)); !errors.Is(err, ErrNoCredit) {
		t.Errorf("101 of 100: %v", err)
	}
	accept(t, db, mt("post", 40))
	if b := balance(t, db, "post"); b.Available != -100 || b.Held != 100 {
		t.Errorf("got %+v", b)
	}
	if _, err := db.Grant(ctx, "post", -1, "fee"); !errors.Is(err, ErrNoCredit) {
		t.Errorf("taken below the limit: %v", err)
	}
	u.CreditLimit = 99
	if err := db.PutUser(ctx, u, false); !errors.Is(err, ErrDebt) {
		t.Errorf("a limit below the debt: %v", err)
	}
	if _, err := db.Grant(ctx, "post", 50, "paid"); err != nil {
		t.Fatal(err)
	}
	u.CreditLimit = 50
	if err := db.PutUser(ctx, u, false); err != nil {
		t.Errorf("a limit of what is owed: %v", err)
	}
}

// A limit and a message in one commit see each other.
func TestPutUser_LimitLoweredWhileAccepting_NeverBelow(t *testing.T) {
	db := openTest(t, Options{NoSync: true})
	if err := db.PutUser(t.Context(), User{SystemID: "post", CreditLimit: 1000}, true); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 200 {
		all.Add(2)
		db.Accept(mt("post", 10), func(ID, error) { all.Done() })
		go func() {
			defer all.Done()
			limit := Millicredits(rand.IntN(1000))
			err := db.PutUser(context.Background(), User{SystemID: "post", CreditLimit: limit}, false)
			if err != nil && !errors.Is(err, ErrDebt) {
				t.Error(err)
			}
		}()
	}
	all.Wait()
	u, _ := db.User("post")
	if b := balance(t, db, "post"); b.Available < -u.CreditLimit {
		t.Errorf("available %d, limit %d", b.Available, u.CreditLimit)
	}
}

func TestStatement_Periods_AddUp(t *testing.T) {
	clock := &manualClock{now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	db := openTest(t, Options{NoSync: true, Now: clock.Now})
	ctx := t.Context()
	addUser(t, db, "alice", 1000)
	addUser(t, db, "bob", 1000)
	january := TimeOf(clock.Now())
	sent := accept(t, db, mt("alice", 30))
	accept(t, db, mt("bob", 7))
	clock.add(31 * 24 * time.Hour)
	february := TimeOf(clock.Now())
	change(t, db, sent, func(m *Message) { m.Held, m.Spent = 0, 30 })
	back := accept(t, db, mt("alice", 20))
	change(t, db, back, func(m *Message) { m.Held = 0 })
	if _, err := db.Grant(ctx, "alice", -5, "correction"); err != nil {
		t.Fatal(err)
	}
	clock.add(28 * 24 * time.Hour)
	march := TimeOf(clock.Now())
	accept(t, db, mt("alice", 1))

	for _, c := range []struct {
		name     string
		user     string
		from, to Time
		want     Statement
	}{
		{"all", "alice", 0, 0, Statement{Balance{}, Balance{995, 964, 1, 30}, 1000, -5, 51, 30, 20, 1, 7}},
		{"january", "alice", january, february, Statement{Balance{}, Balance{1000, 970, 30, 0}, 1000, 0, 30, 0, 0, 0, 2}},
		{"february", "alice", february, march, Statement{Balance{1000, 970, 30, 0}, Balance{995, 965, 0, 30}, 0, -5, 20, 30, 20, 1, 4}},
		{"nothing yet", "alice", march + 1000, 0, Statement{Opening: Balance{995, 964, 1, 30}, Closing: Balance{995, 964, 1, 30}}},
		{"before all", "bob", 1, january, Statement{}},
	} {
		got, err := db.Statement(ctx, c.user, c.from, c.to)
		if err != nil || got != c.want {
			t.Errorf("%s: got %+v, %v, want %+v", c.name, got, err, c.want)
		}
	}
	if _, err := db.Statement(ctx, "carol", 0, 0); !errors.Is(err, ErrNoUser) {
		t.Errorf("no user: %v", err)
	}
}

// Entries stay in the order of their times when the clock goes back.
func TestLedger_ClockJumpsBack_StaysInOrder(t *testing.T) {
	clock := &manualClock{now: time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)}
	db := openTest(t, Options{NoSync: true, Now: clock.Now})
	addUser(t, db, "alice", 1000)
	first := TimeOf(clock.Now())
	clock.add(-24 * time.Hour)
	accept(t, db, mt("alice", 1))
	entries, next, err := db.Ledger(LedgerFilter{User: "alice"})
	if err != nil || next != 0 || len(entries) != 2 || entries[1].At != first {
		t.Errorf("got %+v, %d, %v", entries, next, err)
	}
}

func TestLedger_Pages_MeetAllEntries(t *testing.T) {
	clock := &manualClock{now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	db := openTest(t, Options{NoSync: true, Now: clock.Now})
	addUser(t, db, "alice", 1000)
	for range 9 {
		clock.add(time.Hour)
		accept(t, db, mt("alice", 1))
	}
	f := LedgerFilter{User: "alice", From: TimeOf(clock.Now().Add(-5 * time.Hour)), To: TimeOf(clock.Now()), Limit: 2}
	var seqs []uint64
	for {
		entries, next, err := db.Ledger(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			seqs = append(seqs, e.Seq)
		}
		if f.After = next; next == 0 {
			break
		}
	}
	if len(seqs) != 5 || seqs[0] != 5 || seqs[4] != 9 {
		t.Errorf("got %v", seqs)
	}
}
