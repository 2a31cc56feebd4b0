package storage

import (
	"context"
	"encoding/binary"
	"path/filepath"
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"
)

func be64(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// firstKey gives the first key of a bucket.
func firstKey(tx *bolt.Tx, b bucket) []byte {
	k, _ := tx.Bucket(b.name()).Cursor().First()
	return append([]byte(nil), k...)
}

func TestCheck_FindsEachDamage(t *testing.T) {
	c, err := newCodec()
	if err != nil {
		t.Fatal(err)
	}
	put := func(tx *bolt.Tx, b bucket, key []byte, record any) error {
		v, err := c.encode(record)
		if err != nil {
			return err
		}
		return tx.Bucket(b.name()).Put(key, v)
	}
	drop := func(b bucket) func(tx *bolt.Tx) error {
		return func(tx *bolt.Tx) error { return tx.Bucket(b.name()).Delete(firstKey(tx, b)) }
	}
	add := func(b bucket, key, value []byte) func(tx *bolt.Tx) error {
		return func(tx *bolt.Tx) error { return tx.Bucket(b.name()).Put(key, value) }
	}
	var keys arena
	id := FirstID
	for name, damage := range map[string]struct {
		do   func(tx *bolt.Tx) error
		want string
	}{
		"due entry lost":           {drop(inDue), "missing in index due"},
		"deadline lost":            {drop(inDeadline), "missing in index deadline"},
		"trying lost":              {drop(inTrying), "missing in index trying"},
		"flag lost":                {drop(inFlagged), "missing in index flagged"},
		"flag of nothing":          {add(inFlagged, be64(uint64(id)+50), nil), "index flagged has an entry"},
		"report lost":              {drop(inReports), "missing in index reports"},
		"dedupe key lost":          {drop(inDedupe), "missing in index dedupe"},
		"reference of a report":    {func(tx *bolt.Tx) error { return add(inReports, firstKey(tx, inReports), []byte("9"))(tx) }, "in index reports"},
		"turn of no record":        {add(inTurns, keys.turnKey(7, id), []byte{1}), "index turns has an entry of no record"},
		"due too often":            {add(inDue, keys.dueKey("modems", Flow{}, 7, id), nil), "index due has an entry of no record"},
		"deadline too often":       {add(inDeadline, keys.deadlineKey(7, id), nil), "index deadline has an entry"},
		"trying nothing":           {add(inTrying, be64(uint64(id)+50), nil), "index trying has an entry"},
		"report of no part":        {add(inReports, keys.reportKey("sim:1", "1", id, 7), nil), "index reports has an entry"},
		"dedupe key of no message": {add(inDedupe, []byte("zz"), be64(uint64(id))), "index dedupe has an entry"},
		"message lost":             {drop(inMessages), "index due has an entry"},
		"message undecodable":      {add(inMessages, be64(uint64(id)), []byte{0xff}), "message 10000000"},
		"message from the future":  {func(tx *bolt.Tx) error { return put(tx, inMessages, be64(uint64(id)+99), &Message{Kind: MO}) }, "but the next is"},
		"user without balance":     {drop(inBalances), "has no balance"},
		"balance without user":     {drop(inUsers), "who is no user"},
		"sum of a balance":         {func(tx *bolt.Tx) error { return put(tx, inBalances, []byte("alice"), &Balance{100, 95, 10, 0}) }, "granted 100 is not"},
		"balance below zero":       {func(tx *bolt.Tx) error { return put(tx, inBalances, []byte("alice"), &Balance{0, -10, 10, 0}) }, "below its limit"},
		"held by nobody":           {func(tx *bolt.Tx) error { return put(tx, inBalances, []byte("alice"), &Balance{100, 80, 20, 0}) }, "has 20 held"},
		"ledger entry lost":        {drop(inLedger), "entry 1 expected"},
		"spent without a cause":    {func(tx *bolt.Tx) error { return put(tx, inBalances, []byte("alice"), &Balance{100, 85, 10, 5}) }, "its ledger says"},
		"charged twice": {func(tx *bolt.Tx) error {
			return put(tx, inLedger, be64(3), &Entry{User: "alice", Kind: Hold, Amount: 10, Message: id})
		}, "holds 10 and has cost 0"},
		"ledger of a lost message": {func(tx *bolt.Tx) error {
			return put(tx, inLedger, be64(3), &Entry{User: "alice", Kind: Hold, Amount: 10, Message: id + 1})
		}, "is gone, its ledger still holds 10"},
		"unknown kind of entry":     {func(tx *bolt.Tx) error { return put(tx, inLedger, be64(3), &Entry{User: "alice", Kind: 9, Amount: 10}) }, "kind 9"},
		"segment undecodable":       {func(tx *bolt.Tx) error { return add(inSegments, firstKey(tx, inSegments), []byte{1})(tx) }, "segment"},
		"segment under another key": {add(inSegments, []byte("0123456789"), mustEncode(t, c, seg(1, 2, "x"))), "key of another"},
		"bucket lost":               {func(tx *bolt.Tx) error { return tx.DeleteBucket(inTrying.name()) }, "bucket trying is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			db := damagedDB(t, damage.do)
			if err := db.Check(context.Background()); err == nil || !strings.Contains(err.Error(), damage.want) {
				t.Errorf("got %v, want %q in it", err, damage.want)
			}
		})
	}
}

func mustEncode(t *testing.T, c codec, v any) []byte {
	t.Helper()
	b, err := c.encode(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// damagedDB opens a store, for reading, that was sound before the damage.
func damagedDB(t *testing.T, damage func(*bolt.Tx) error) *DB {
	t.Helper()
	path := filepath.Join(t.TempDir(), "store.db")
	soundStore(t, path)
	edit(t, path, damage)
	db, err := OpenReadOnly(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// soundStore makes a sound store with something in every bucket.
func soundStore(t *testing.T, path string) {
	t.Helper()
	db, err := Open(path, Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	addUser(t, db, "alice", 100)
	m := mt("alice", 10)
	m.Parts = []Part{{State: PartTrying}, {State: PartSent, Lane: "sim:1", Match: "316", Ref: "4"}}
	m.Dedupe = []string{"a"}
	m.DPF = DPFSet
	accept(t, db, m)
	feed(t, db, seg(1, 2, "b"))
	if err := db.Check(context.Background()); err != nil {
		t.Fatal(err)
	}
}

func TestCheck_ManyFindings_Bounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	db := openTestAt(t, path, Options{NoSync: true})
	db.Close()
	edit(t, path, func(tx *bolt.Tx) error {
		for i := range uint64(5000) {
			if err := tx.Bucket(inTrying.name()).Put(be64(i), nil); err != nil {
				return err
			}
		}
		return nil
	})
	ro, err := OpenReadOnly(path)
	if err != nil {
		t.Fatal(err)
	}
	found := ro.Check(context.Background())
	ro.Close()
	if n := strings.Count(found.Error(), "\n") + 1; n != maxFindings+1 {
		t.Errorf("%d findings, want %d and a last word", n, maxFindings)
	}
	edit(t, path, func(tx *bolt.Tx) error { // for the check at the end
		if err := tx.DeleteBucket(inTrying.name()); err != nil {
			return err
		}
		_, err := tx.CreateBucket(inTrying.name())
		return err
	})
}

func TestCheck_WhileWorkGoesOn(t *testing.T) {
	db := openTest(t, Options{NoSync: true})
	addUser(t, db, "alice", 0)
	stop := make(chan struct{})
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				accept(t, db, mt("alice", 0))
			}
		}
	}()
	for range 20 {
		if err := db.Check(context.Background()); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	<-stopped
}

func TestCheck_ContextEnds(t *testing.T) {
	db := openTest(t, Options{NoSync: true})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := db.Check(ctx); err == nil {
		t.Error("no error")
	}
}
