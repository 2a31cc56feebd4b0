package storage

import (
	"encoding/binary"
	"errors"
	"path/filepath"
	"reflect"
	"testing"

	bolt "go.etcd.io/bbolt"
)

// waiting is a message to a handset that waits in queue modems.
func waiting(user, dest string, level uint8, due Time) *Message {
	return &Message{Kind: MT, User: user, Dest: Address{Addr: dest}, Priority: level, Queue: "modems", DueAt: due, Parts: []Part{{}}}
}

// changed is Change that waits.
func changed(t testing.TB, db *DB, id ID, fn func(m *Message)) *Message {
	t.Helper()
	m, err := db.ChangeSync(t.Context(), id, func(m *Message, _ Time) ([]*Message, error) { fn(m); return nil, nil })
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// aheadOf is what ChangeInTurn says comes before a message.
func aheadOf(t testing.TB, db *DB, id ID) (before ID) {
	t.Helper()
	c := make(chan error, 1)
	stay := errors.New("stays")
	db.ChangeInTurn(id, func(_ *Message, ahead ID, _ Time) ([]*Message, error) { before = ahead; return nil, stay }, func(_ *Message, err error) { c <- err })
	if err := <-c; !errors.Is(err, stay) {
		t.Fatal(err)
	}
	return before
}

func nextTurn(t testing.TB, db *DB, talk Talk) *Message {
	t.Helper()
	type answer struct {
		m   *Message
		err error
	}
	c := make(chan answer, 1)
	db.NextTurn(talk, func(m *Message, err error) { c <- answer{m, err} })
	a := <-c
	if a.err != nil {
		t.Fatal(a.err)
	}
	return a.m
}

func behind(m *Message) { m.Turn = TurnBehind }

func TestFlows_QueueByUserAndPriority(t *testing.T) {
	db := openTest(t, Options{NoSync: true})
	for _, name := range []string{"alice", "bob"} {
		addUser(t, db, name, 10)
	}
	a := accept(t, db, waiting("alice", "31612", 0, 30))
	b := accept(t, db, waiting("alice", "31613", 3, 20))
	c := accept(t, db, waiting("bob", "31614", 0, 10))
	d := accept(t, db, waiting("alice", "31615", 0, 40))
	r := accept(t, db, &Message{Kind: Receipt, User: "alice", Priority: 2, Queue: "modems", DueAt: 5})
	want := map[Flow]int{{"alice", 0}: 2, {"alice", 3}: 1, {"bob", 0}: 1, {}: 1}
	if got := db.Flows("modems"); !reflect.DeepEqual(got, want) {
		t.Errorf("flows %v, want %v", got, want)
	}
	own, whole := db.QueuedOf("alice")
	if other, _ := db.QueuedOf("bob"); own != 3 || other != 1 || whole != 4 || db.Queued("modems") != 5 || db.QueuedIn("modems", "alice") != 3 {
		t.Errorf("%d and %d of %d, in all %d", own, other, whole, db.Queued("modems"))
	}
	for user, want := range map[string]Time{"alice": 20, "bob": 10, "": 10, "carol": 0} {
		if got, err := db.OldestDue(user); err != nil || got != want {
			t.Errorf("the oldest of %q is due at %d, want %d (%v)", user, got, want, err)
		}
	}
	got, next, err := db.DueOf("modems", Flow{"alice", 0}, 30, DueKey{}, 5)
	m, _ := db.Message(a)
	if err != nil || next != 40 || !reflect.DeepEqual(got, []FlowEntry{{DueKey{30, a}, m.Talk()}}) || m.Talk() == 0 {
		t.Errorf("got %v, next %d, %v", got, next, err)
	}
	all, _, err := db.Due("modems", 99, DueKey{}, 9)
	if want := []DueKey{{5, r}, {10, c}, {20, b}, {30, a}, {40, d}}; err != nil || !reflect.DeepEqual(all, want) {
		t.Errorf("all flows: %v, want %v (%v)", all, want, err)
	}
}

func TestTalk_WhatItTellsApart(t *testing.T) {
	first := waiting("alice", "31612", 0, 1)
	for name, c := range map[string]struct {
		edit func(*Message)
		same bool
	}{
		"a pool of the channel":     {func(m *Message) { m.Queue = "modems/vip" }, true},
		"a lane of the channel":     {func(m *Message) { m.Queue = "modems#sim:1" }, true},
		"a plus":                    {func(m *Message) { m.Dest.Addr = "+31612" }, true},
		"its time and its source":   {func(m *Message) { m.DueAt, m.Source.Addr = 9, "100" }, true},
		"another channel":           {func(m *Message) { m.Queue = "smpp:x" }, false},
		"another user":              {func(m *Message) { m.User = "bob" }, false},
		"another recipient":         {func(m *Message) { m.Dest.Addr = "31613" }, false},
		"another priority":          {func(m *Message) { m.Priority = 1 }, false},
		"where a name ends matters": {func(m *Message) { m.User, m.Dest.Addr = "alice3", "1612" }, false},
	} {
		m := waiting("alice", "31612", 0, 1)
		if c.edit(m); (m.Talk() == first.Talk()) != c.same {
			t.Errorf("%s: %x and %x", name, m.Talk(), first.Talk())
		}
	}
	for _, m := range []*Message{{Kind: MO, User: "alice"}, {Kind: MT, User: "alice", Turn: TurnAny}, {Kind: MT}} {
		if m.Talk() != 0 {
			t.Errorf("%+v has a talk", m)
		}
	}
	if first.Talk() != 0xeaefafc19a3eaa4b {
		t.Errorf("%x: this is on disk, and must not change", first.Talk())
	}
}

func TestTurn_TriedOneComesBeforeLaterOnes(t *testing.T) {
	db := openTest(t, Options{NoSync: true})
	addUser(t, db, "alice", 10)
	first, second := accept(t, db, waiting("alice", "31612", 0, 1)), accept(t, db, waiting("alice", "31612", 0, 2))
	other := accept(t, db, waiting("alice", "31613", 0, 2))
	if got := aheadOf(t, db, second); got != 0 {
		t.Errorf("before it was tried: %s", got)
	}
	changed(t, db, first, func(m *Message) { m.Parts[0].Attempts, m.DueAt = 1, 100 })
	for id, want := range map[ID]ID{second: first, first: 0, other: 0} {
		if got := aheadOf(t, db, id); got != want {
			t.Errorf("before %s is %s, want %s", id, got, want)
		}
	}
	changed(t, db, first, func(m *Message) { m.DueAt, m.EndedAt = 0, 100 })
	if got := aheadOf(t, db, second); got != 0 {
		t.Errorf("after it ended: %s", got)
	}
}

func TestTurn_BehindIsNotDue_UntilItIsCalled_AlsoAfterReopen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	db := openTestAt(t, path, Options{NoSync: true})
	addUser(t, db, "alice", 10)
	first, second := accept(t, db, waiting("alice", "31612", 0, 1)), accept(t, db, waiting("alice", "31612", 0, 2))
	talk := changed(t, db, first, behind).Talk()
	changed(t, db, second, behind)
	db.Close()
	db = openTestAt(t, path, Options{NoSync: true})
	if due, _, _ := db.Due("modems", 9, DueKey{}, 9); len(due) != 0 || db.Behind() != 2 || db.Queued("modems") != 2 {
		t.Errorf("due %v, %d behind, %d queued", due, db.Behind(), db.Queued("modems"))
	}
	if talks, err := db.Talks(0, 9); err != nil || !reflect.DeepEqual(talks, []Talk{talk}) {
		t.Errorf("talks %v, %v", talks, err)
	}
	for _, id := range []ID{first, second} {
		if m := nextTurn(t, db, talk); m == nil || m.ID != id || m.Turn != TurnNext {
			t.Fatalf("called %+v, want %s", m, id)
		}
		if m := nextTurn(t, db, talk); m != nil {
			t.Errorf("another one was called while %s is the next: %s", id, m.ID)
		}
		if due, _, _ := db.Due("modems", 9, DueKey{}, 9); len(due) != 1 || due[0].ID != id {
			t.Errorf("due %v", due)
		}
		changed(t, db, id, func(m *Message) { m.DueAt, m.EndedAt = 0, 3 })
	}
	if m := nextTurn(t, db, talk); m != nil || db.Behind() != 0 {
		t.Errorf("called %v, %d behind", m, db.Behind())
	}
}

// Whoever comes later may not slip in between the call and the sending.
func TestTurn_CalledOne_ComesBeforeLaterOnes(t *testing.T) {
	db := openTest(t, Options{NoSync: true})
	addUser(t, db, "alice", 10)
	first := accept(t, db, waiting("alice", "31612", 0, 1))
	talk := changed(t, db, first, behind).Talk()
	nextTurn(t, db, talk)
	if got := aheadOf(t, db, accept(t, db, waiting("alice", "31612", 0, 2))); got != first {
		t.Errorf("before it is %s", got)
	}
}

// What others have to look at is seen in the commit that says so, too.
func TestTurn_OfTheSameCommit_IsSeen(t *testing.T) {
	db := openTest(t, Options{NoSync: true})
	addUser(t, db, "alice", 10)
	var ids [4]ID
	for i := range ids {
		ids[i] = accept(t, db, waiting("alice", "31612", 0, Time(i+1)))
	}
	talk := changed(t, db, ids[1], behind).Talk()
	var ahead []ID
	called := make(chan ID, 3)
	next := func() {
		db.NextTurn(talk, func(m *Message, err error) {
			switch {
			case err != nil:
				t.Error(err)
			case m == nil:
				called <- 0
			default:
				called <- m.ID
			}
		})
	}
	look := func() {
		db.ChangeInTurn(ids[3], func(_ *Message, id ID, _ Time) ([]*Message, error) { ahead = append(ahead, id); return nil, ErrSkip }, func(*Message, error) {})
	}
	become := func(id ID, fn func(m *Message)) {
		db.Change(id, func(m *Message, _ Time) ([]*Message, error) { fn(m); return nil, nil }, func(_ *Message, err error) {
			if err != nil {
				t.Error(err)
			}
		})
	}
	together(t, db, func() {
		look() // the one on disk
		become(ids[0], behind)
		look() // now one before it
		next() // is called
		next() // and then nobody, for it is to be seen yet
		become(ids[0], func(m *Message) { m.DueAt, m.EndedAt = 0, 9 })
		next() // the one on disk
		become(ids[1], func(m *Message) { m.DueAt, m.EndedAt = 0, 9 })
		look() // nobody
	})
	if got, want := [3]ID{<-called, <-called, <-called}, [3]ID{ids[0], 0, ids[1]}; got != want {
		t.Errorf("called %v, want %v", got, want)
	}
	if want := []ID{ids[1], ids[0], 0}; !reflect.DeepEqual(ahead, want) {
		t.Errorf("ahead %v, want %v", ahead, want)
	}
}

// A message does not wait for the lane that it prefers when another one of its
// Talk waits for any: that would be overtaken.
func TestPin_WhenAnotherWaitsUnseen_NotKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	db := openTestAt(t, path, Options{NoSync: true})
	addUser(t, db, "alice", 100)
	prefers := func(dest string) (queue string) {
		m := waiting("alice", dest, 0, 5)
		m.Queue, m.Prefer = LaneQueue(m.Queue, "sim:1"), "sim:1"
		stored, err := db.Message(accept(t, db, m))
		if err != nil || stored.Queue != m.Queue || (stored.Prefer == "") != (stored.Queue == "modems") {
			t.Errorf("%+v, %v: stored is %+v", m, err, stored)
		}
		return stored.Queue
	}
	expect := func(when, dest, want string) {
		t.Helper()
		if got := prefers(dest); got != want {
			t.Errorf("%s: it waits in %s, want %s", when, got, want)
		}
	}
	expect("nothing waits", "31612", "modems#sim:1")
	expect("one waits for the lane", "31612", "modems#sim:1")
	first := accept(t, db, waiting("alice", "31612", 0, 1))
	expect("one waits for any lane", "31612", "modems")
	expect("to another recipient", "31613", "modems#sim:1")
	db.Close()
	db = openTestAt(t, path, Options{NoSync: true})
	expect("after a restart", "31612", "modems")
	expect("to another one, after a restart", "31613", "modems#sim:1")
	all, _, err := db.Due("modems", 9, DueKey{}, 9)
	if err != nil || len(all) != 3 || all[0].ID != first {
		t.Fatalf("due %v, %v", all, err)
	}
	for _, e := range all {
		changed(t, db, e.ID, func(m *Message) { m.DueAt, m.EndedAt = 0, 9 })
	}
	expect("they have ended", "31612", "modems#sim:1")
	together(t, db, func() {
		db.Accept(waiting("alice", "31612", 0, 1), func(ID, error) {})
		m := waiting("alice", "31612", 0, 5)
		m.Queue, m.Prefer = LaneQueue(m.Queue, "sim:1"), "sim:1"
		db.AcceptBatch([]*Message{m}, func(_ []ID, errs []error) {
			if errs[0] != nil || m.Queue != "modems" {
				t.Errorf("in the commit of another it waits in %s, %v", m.Queue, errs)
			}
		})
	})
}

// The first release kept its queues without users.
func TestOpen_FirstSchema_QueuesAreRebuilt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	db := openTestAt(t, path, Options{NoSync: true})
	addUser(t, db, "alice", 10)
	id := accept(t, db, waiting("alice", "31612", 2, 7))
	r := accept(t, db, &Message{Kind: Receipt, User: "alice", Queue: "user:alice", DueAt: 8})
	db.Close()
	edit(t, path, func(tx *bolt.Tx) error {
		if err := errors.Join(tx.DeleteBucket(inDue.name()), tx.DeleteBucket(inTurns.name()), putMeta(tx, metaSchema, 1)); err != nil {
			return err
		}
		due, err := tx.CreateBucket(inDue.name())
		for queue, e := range map[string]DueKey{"modems": {7, id}, "user:alice": {8, r}} {
			key := append([]byte(queue), 0)
			key = binary.BigEndian.AppendUint64(key, uint64(e.At))
			err = errors.Join(err, due.Put(binary.BigEndian.AppendUint64(key, uint64(e.ID)), nil))
		}
		return err
	})
	db = openTestAt(t, path, Options{NoSync: true})
	if got := db.Flows("modems"); !reflect.DeepEqual(got, map[Flow]int{{"alice", 2}: 1}) || db.Queued("user:alice") != 1 {
		t.Errorf("flows %v, %d receipts", got, db.Queued("user:alice"))
	}
	if got, _, err := db.DueOf("modems", Flow{"alice", 2}, 9, DueKey{}, 9); err != nil || len(got) != 1 || got[0].ID != id {
		t.Errorf("due %v, %v", got, err)
	}
}
