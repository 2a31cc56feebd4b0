package storage

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"reflect"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// together runs start while the writer is held up, so that all that it asks
// for goes into one commit, and waits for that commit.
func together(t tb, db *DB, start func()) {
	t.Helper()
	held, release := make(chan struct{}), make(chan struct{})
	db.ask(&exclusiveOp{run: func() { close(held); <-release }, done: func(struct{}, error) {}}, true)
	<-held
	start()
	over := make(chan struct{})
	db.ask(&exclusiveOp{run: func() {}, done: func(struct{}, error) { close(over) }}, true)
	close(release)
	<-over
}

func balance(t tb, db *DB, name string) Balance {
	t.Helper()
	b, err := db.Balance(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func kinds(t tb, db *DB, f LedgerFilter) (kinds []EntryKind) {
	t.Helper()
	entries, _, err := db.Ledger(f)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		kinds = append(kinds, e.Kind)
	}
	return kinds
}

func TestAccept_StoredAsItCame(t *testing.T) {
	db := openTest(t, Options{})
	addUser(t, db, "alice", 5000)
	m := mt("alice", 2000)
	m.Source.Addr = "caf\xe9" // Latin-1, as some clients send
	m.UDH, m.TLVs = []byte{5, 0, 3, 1, 2, 1}, []byte{2, 4, 0, 2, 0, 9}
	m.Parts = append(m.Parts, Part{State: PartSent, Lane: "sim:1", Match: "316", Ref: "17", Wire: []byte{1}})
	id := accept(t, db, m)
	if id != FirstID || m.ID != id {
		t.Errorf("ID %s, in the record %s, want %s", id, m.ID, FirstID)
	}
	got, err := db.Message(id)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, m) {
		t.Errorf("got %+v\nwant %+v", got, m)
	}
	if b := balance(t, db, "alice"); b != (Balance{Granted: 5000, Available: 3000, Held: 2000}) {
		t.Errorf("balance %+v", b)
	}
}

func TestAccept_IDsGoOnAfterReopen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	db := openTestAt(t, path, Options{})
	addUser(t, db, "alice", 0)
	accept(t, db, mt("alice", 0))
	last := accept(t, db, mt("alice", 0))
	removed := make(chan error, 1)
	db.Remove(last, func(err error) { removed <- err })
	if err := <-removed; err != nil {
		t.Fatal(err)
	}
	db.Close()
	db = openTestAt(t, path, Options{})
	if id := accept(t, db, mt("alice", 0)); id != last+1 {
		t.Errorf("ID %s after reopen, want %s", id, last+1)
	}
	if n := db.Queued("modems"); n != 2 {
		t.Errorf("%d queued after reopen, want 2", n)
	}
}

func TestAccept_Refused(t *testing.T) {
	db := openTest(t, Options{})
	addUser(t, db, "alice", 100)
	keyed := mt("alice", 0)
	keyed.Dedupe = []string{"k1"}
	first := accept(t, db, keyed)
	refused := func(name string, want error, edit func(m *Message)) {
		t.Run(name, func(t *testing.T) {
			before := balance(t, db, "alice")
			m := mt("alice", 10)
			edit(m)
			_, err := db.AcceptSync(context.Background(), m)
			if !errors.Is(err, want) {
				t.Errorf("got %v, want %v", err, want)
			}
			if after := balance(t, db, "alice"); after != before {
				t.Errorf("balance went from %+v to %+v", before, after)
			}
		})
	}
	refused("no credit", ErrNoCredit, func(m *Message) { m.Held = 101 })
	refused("no user", ErrNoUser, func(m *Message) { m.User = "bob" })
	refused("duplicate", ErrDuplicate, func(m *Message) { m.Dedupe = []string{"k0", "k1"} })
	refused("no kind", ErrInvalid, func(m *Message) { m.Kind = 0 })
	refused("costly receipt", ErrInvalid, func(m *Message) { m.Kind = Receipt })
	refused("spent already", ErrInvalid, func(m *Message) { m.Spent = 1 })
	refused("NUL in queue", ErrInvalid, func(m *Message) { m.Queue = "a\x00b" })
	refused("NUL in lane", ErrInvalid, func(m *Message) { m.Parts[0].Lane = "a\x00b" })
	refused("same key twice", ErrInvalid, func(m *Message) { m.Dedupe = []string{"k2", "k2"} })
	refused("too large", ErrInvalid, func(m *Message) { m.Data = make([]byte, maxRecord) })
	refused("negative hold", ErrInvalid, func(m *Message) { m.Held = -1 })

	again := mt("alice", 0)
	again.Dedupe = []string{"k1"}
	_, err := db.AcceptSync(context.Background(), again)
	var dup *DuplicateError
	if !errors.As(err, &dup) || dup.First != first {
		t.Errorf("got %v, want a duplicate of %s", err, first)
	}
}

func TestAccept_OneGroup_CreditSpentOnce(t *testing.T) {
	db := openTest(t, Options{})
	addUser(t, db, "alice", 25)
	var errs []error
	var ids []ID
	together(t, db, func() {
		for range 4 {
			db.Accept(mt("alice", 10), func(id ID, err error) { ids, errs = append(ids, id), append(errs, err) })
		}
	})
	if errs[0] != nil || errs[1] != nil || !errors.Is(errs[2], ErrNoCredit) || !errors.Is(errs[3], ErrNoCredit) {
		t.Errorf("errors %v", errs)
	}
	if ids[0] != FirstID || ids[1] != FirstID+1 {
		t.Errorf("IDs %v", ids)
	}
	if s := db.Stats(); s.LargestGroup < 4 {
		t.Errorf("largest group %d: they were not one commit", s.LargestGroup)
	}
}

func TestAccept_QueueFull_Busy(t *testing.T) {
	db := openTest(t, Options{MaxPending: 4})
	addUser(t, db, "alice", 0)
	id := accept(t, db, mt("alice", 0))
	busy, changed := 0, 0
	together(t, db, func() {
		for range 6 {
			db.Accept(mt("alice", 0), func(_ ID, err error) {
				if errors.Is(err, ErrBusy) {
					busy++
				}
			})
		}
		db.Change(id, func(*Message, Time) ([]*Message, error) { return nil, nil }, func(_ *Message, err error) {
			if err == nil {
				changed++
			}
		})
	})
	if busy != 2 || changed != 1 {
		t.Errorf("%d busy and %d changed, want 2 and 1", busy, changed)
	}
	if s := db.Stats(); s.Refused != 2 {
		t.Errorf("%d refused in the statistics", s.Refused)
	}
}

func TestChange_MoneyFollowsTheRecord(t *testing.T) {
	cases := []struct {
		name        string
		held, spent Millicredits // from 10 held, nothing spent
		kinds       []EntryKind
		want        Balance
		err         error
	}{
		{"unchanged", 10, 0, nil, Balance{100, 90, 10, 0}, nil},
		{"spent", 0, 10, []EntryKind{Spend}, Balance{100, 90, 0, 10}, nil},
		{"refunded", 0, 0, []EntryKind{Refund}, Balance{100, 100, 0, 0}, nil},
		{"part spent, part refunded", 0, 4, []EntryKind{Spend, Refund}, Balance{100, 96, 0, 4}, nil},
		{"part spent", 6, 4, []EntryKind{Spend}, Balance{100, 90, 6, 4}, nil},
		{"held more", 30, 0, []EntryKind{Hold}, Balance{100, 70, 30, 0}, nil},
		{"cost more than was held", 0, 15, []EntryKind{Hold, Spend}, Balance{100, 85, 0, 15}, nil},
		{"no credit for more", 101, 0, nil, Balance{100, 90, 10, 0}, ErrNoCredit},
		{"below zero", -1, 0, nil, Balance{100, 90, 10, 0}, ErrInvalid},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			db := openTest(t, Options{NoSync: true})
			addUser(t, db, "alice", 100)
			id := accept(t, db, mt("alice", 10))
			_, err := db.ChangeSync(context.Background(), id, func(m *Message, _ Time) ([]*Message, error) {
				m.Held, m.Spent = c.held, c.spent
				return nil, nil
			})
			if !errors.Is(err, c.err) {
				t.Fatalf("got %v, want %v", err, c.err)
			}
			if b := balance(t, db, "alice"); b != c.want {
				t.Errorf("balance %+v, want %+v", b, c.want)
			}
			if k := kinds(t, db, LedgerFilter{Message: id, After: 2}); !reflect.DeepEqual(k, c.kinds) {
				t.Errorf("ledger %v, want %v", k, c.kinds)
			}
		})
	}
}

func TestChange_SpentTakenBack_Refused(t *testing.T) {
	db := openTest(t, Options{})
	addUser(t, db, "alice", 100)
	id := accept(t, db, mt("alice", 10))
	change(t, db, id, func(m *Message) { m.Held, m.Spent = 0, 10 })
	for name, edit := range map[string]func(m *Message){
		"spent falls":   func(m *Message) { m.Spent = 5 },
		"payer changes": func(m *Message) { m.User = "bob" },
	} {
		_, err := db.ChangeSync(context.Background(), id, func(m *Message, _ Time) ([]*Message, error) {
			edit(m)
			return nil, nil
		})
		if !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestChange_OneOfAGroupFails_OthersStand(t *testing.T) {
	db := openTest(t, Options{})
	addUser(t, db, "alice", 100)
	a, b := accept(t, db, mt("alice", 10)), accept(t, db, mt("alice", 10))
	oops := errors.New("oops")
	errs := map[string]error{}
	set := func(name string) func(*Message, error) { return func(_ *Message, err error) { errs[name] = err } }
	together(t, db, func() {
		db.Change(a, func(m *Message, _ Time) ([]*Message, error) {
			m.Reason, m.Held, m.Spent = "first", 0, 10
			return nil, nil
		}, set("first"))
		db.Change(a, func(m *Message, _ Time) ([]*Message, error) {
			m.Reason, m.Queue = "second", ""
			return nil, oops
		}, set("second"))
		db.Change(b, func(m *Message, _ Time) ([]*Message, error) {
			m.Held = 0 // the refund must be undone with the change
			return []*Message{mt("nobody", 5)}, nil
		}, set("third"))
		db.Change(a, func(m *Message, _ Time) ([]*Message, error) {
			m.Reason += ", seen by the next"
			return nil, nil
		}, set("fourth"))
		db.Change(FirstID+99, func(*Message, Time) ([]*Message, error) { return nil, nil }, set("fifth"))
	})
	if errs["first"] != nil || !errors.Is(errs["second"], oops) || !errors.Is(errs["third"], ErrNoUser) ||
		errs["fourth"] != nil || !errors.Is(errs["fifth"], ErrNotFound) {
		t.Errorf("errors %v", errs)
	}
	m, err := db.Message(a)
	if err != nil || m.Reason != "first, seen by the next" || m.Queue != "modems" {
		t.Errorf("%v, %+v", err, m)
	}
	if got := balance(t, db, "alice"); got != (Balance{100, 80, 10, 10}) {
		t.Errorf("balance %+v", got)
	}
}

func TestChange_MoreIsAcceptedWithIt(t *testing.T) {
	db := openTest(t, Options{})
	addUser(t, db, "alice", 100)
	id := accept(t, db, mt("alice", 10))
	receipt := &Message{Kind: Receipt, User: "alice", About: &About{ID: id}, Queue: "esme", DueAt: 5}
	commits := db.Stats().Commits
	_, err := db.ChangeSync(context.Background(), id, func(m *Message, _ Time) ([]*Message, error) {
		m.State, m.Held, m.Spent, m.Queue = Delivered, 0, 10, ""
		return []*Message{receipt}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := db.Stats().Commits - commits; n != 1 {
		t.Errorf("%d commits, want 1", n)
	}
	got, err := db.Message(receipt.ID)
	if err != nil || got.About.ID != id || got.ID != id+1 {
		t.Errorf("%v, %+v", err, got)
	}
	if q := db.Queues(); !reflect.DeepEqual(q, map[string]int{"esme": 1}) {
		t.Errorf("queues %v", q)
	}
}

func TestChange_RecordOfDoneIsNobodyElses(t *testing.T) {
	db := openTest(t, Options{})
	addUser(t, db, "alice", 0)
	id := accept(t, db, mt("alice", 0))
	var got []*Message
	together(t, db, func() {
		for range 2 {
			db.Change(id, func(m *Message, _ Time) ([]*Message, error) {
				m.Note(1, "note", "")
				return nil, nil
			}, func(m *Message, err error) { got = append(got, m) })
		}
	})
	if len(got) != 2 || len(got[0].Events) != 2 || len(got[1].Events) != 3 {
		t.Errorf("%+v", got)
	}
}

func TestRemove_HeldCreditRefused_KeysFreed(t *testing.T) {
	db := openTest(t, Options{})
	addUser(t, db, "alice", 100)
	m := mt("alice", 10)
	m.Dedupe = []string{"k"}
	id := accept(t, db, m)
	remove := func() error {
		ch := make(chan error, 1)
		db.Remove(id, func(err error) { ch <- err })
		return <-ch
	}
	if err := remove(); !errors.Is(err, ErrInvalid) {
		t.Errorf("with credit held: %v", err)
	}
	change(t, db, id, func(m *Message) { m.Held, m.Spent = 0, 10 })
	if err := remove(); err != nil {
		t.Fatal(err)
	}
	if err := remove(); !errors.Is(err, ErrNotFound) {
		t.Errorf("removed twice: %v", err)
	}
	again := mt("alice", 0)
	again.Dedupe = []string{"k"}
	accept(t, db, again)
}

func TestCommitFails_GroupUndone(t *testing.T) {
	db := openTest(t, Options{})
	addUser(t, db, "alice", 100)
	first := mt("alice", 10)
	id := accept(t, db, first)
	boom := errors.New("no disk")
	var errs []error
	note := func(err error) { errs = append(errs, err) }
	together(t, db, func() {
		db.testFail = func() error { return boom }
		one, two := mt("alice", 10), mt("alice", 10)
		one.Dedupe, two.Dedupe = []string{"k"}, []string{"k"}
		db.Accept(one, func(_ ID, err error) { note(err) })
		db.Accept(two, func(_ ID, err error) { note(err) }) // a duplicate of what is lost
		db.Change(id, func(m *Message, _ Time) ([]*Message, error) {
			m.Held, m.Queue = 0, "other"
			return nil, nil
		}, func(_ *Message, err error) { note(err) })
		db.ask(&userOp{u: User{SystemID: "bob"}, create: true, done: func(_ struct{}, err error) { note(err) }}, true)
	})
	if s := db.Stats(); s.Failed != 1 || !errors.Is(s.Failing, boom) {
		t.Errorf("statistics %+v", s)
	}
	together(t, db, func() { db.testFail = nil })
	if len(errs) != 4 {
		t.Fatalf("%d answers", len(errs))
	}
	for i, err := range errs {
		if !errors.Is(err, boom) || errors.Is(err, ErrDuplicate) {
			t.Errorf("answer %d: %v", i, err)
		}
	}
	if b := balance(t, db, "alice"); b != (Balance{Granted: 100, Available: 90, Held: 10}) {
		t.Errorf("balance %+v", b)
	}
	if _, ok := db.User("bob"); ok {
		t.Error("bob is there")
	}
	if q := db.Queues(); !reflect.DeepEqual(q, map[string]int{"modems": 1}) {
		t.Errorf("queues %v", q)
	}
	if got := accept(t, db, mt("alice", 10)); got != id+1 {
		t.Errorf("next ID %s, want %s", got, id+1)
	}
	if s := db.Stats(); s.Failing != nil {
		t.Errorf("still failing: %v", s.Failing)
	}
	if err := db.Check(context.Background()); err != nil {
		t.Error(err)
	}
}

func TestMaxSize_Full(t *testing.T) {
	db := openTest(t, Options{NoSync: true, MaxSize: 1 << 20})
	addUser(t, db, "alice", 100)
	var err error
	for n := 0; err == nil && n < 100; n++ {
		m := mt("alice", 0)
		m.Data = make([]byte, 60000)
		_, err = db.AcceptSync(context.Background(), m)
	}
	if !errors.Is(err, ErrFull) {
		t.Fatalf("got %v, want ErrFull", err)
	}
	// What frees room is still possible.
	ch := make(chan error, 1)
	db.Remove(FirstID, func(err error) { ch <- err })
	if err := <-ch; err != nil {
		t.Error(err)
	}
}

func TestClose_FinishesWhatWasAsked_ThenErrClosed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	db := openTestAt(t, path, Options{})
	addUser(t, db, "alice", 0)
	var mu sync.Mutex
	answers := 0
	for range 500 {
		db.Accept(mt("alice", 0), func(_ ID, err error) {
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				answers++
			}
		})
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if answers != 500 {
		t.Errorf("%d answers before Close returned, want 500", answers)
	}
	ctx := context.Background()
	_, accepted := db.AcceptSync(ctx, mt("alice", 0))
	_, changed := db.ChangeSync(ctx, FirstID, nil)
	_, read := db.Message(FirstID)
	_, listed := db.Messages(Filter{})
	_, _, due := db.Due("modems", 0, DueKey{}, 1)
	for i, err := range []error{accepted, changed, read, listed, due, db.PutUser(ctx, User{SystemID: "b"}, true),
		db.Check(ctx), db.Backup(&bytes.Buffer{})} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("operation %d: %v", i, err)
		}
	}
}

func TestManyCallers_CreditNeverBelowZero(t *testing.T) {
	db := openTest(t, Options{NoSync: true})
	addUser(t, db, "alice", 1000)
	ctx := context.Background()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 60 {
				id, err := db.AcceptSync(ctx, mt("alice", 30))
				if b := balance(t, db, "alice"); b.Available < 0 || b.Granted != b.Available+b.Held+b.Spent {
					t.Errorf("balance %+v", b)
				}
				if err != nil {
					if !errors.Is(err, ErrNoCredit) {
						t.Error(err)
					}
					continue
				}
				_, err = db.ChangeSync(ctx, id, func(m *Message, _ Time) ([]*Message, error) {
					m.Held, m.Spent = 0, Millicredits(id%2)*10
					return nil, nil
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Go(func() {
		for range 50 {
			if _, err := db.Grant(ctx, "alice", -7, "fee"); err != nil && !errors.Is(err, ErrNoCredit) {
				t.Error(err)
			}
			if err := db.Check(ctx); err != nil {
				t.Error(err)
			}
		}
	})
	wg.Wait()
}

func TestRemove_KeyFreeWithinTheGroup(t *testing.T) {
	db := openTest(t, Options{})
	keyed := func() *Message { return &Message{Kind: MO, Dedupe: []string{"k"}} }
	first := accept(t, db, keyed())
	var errs []error
	together(t, db, func() {
		note := func(_ ID, err error) { errs = append(errs, err) }
		db.Accept(keyed(), note)
		db.Remove(first, func(err error) { errs = append(errs, err) })
		db.Accept(keyed(), note)
		db.Accept(keyed(), note)
	})
	if !errors.Is(errs[0], ErrDuplicate) || errs[1] != nil || errs[2] != nil || !errors.Is(errs[3], ErrDuplicate) {
		t.Errorf("errors %v", errs)
	}
}

// Packages above test with a false clock and a real store.
func TestSynctest_StoreWithinABubble(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	synctest.Test(t, func(t *testing.T) {
		db := openTestAt(t, path, Options{})
		addUser(t, db, "alice", 100)
		start := time.Now()
		time.Sleep(24 * time.Hour)
		id := accept(t, db, mt("alice", 10))
		entries, _, err := db.Ledger(LedgerFilter{Message: id})
		if err != nil || len(entries) != 1 || entries[0].At.Time().Sub(start) != 24*time.Hour {
			t.Errorf("%v, %+v, start %v", err, entries, start)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err = db.ChangeSync(ctx, id, func(*Message, Time) ([]*Message, error) { return nil, nil })
		if err != nil {
			t.Error(err)
		}
	})
}
