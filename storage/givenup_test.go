package storage

import (
	"context"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"
)

func TestSegment_LateForASetThatWasGivenUp_AloneAlsoAfterReopen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	db := openTestAt(t, path, Options{})
	feed(t, db, seg(1, 3, "a"))
	if _, err := assembleStale(db, seg(1, 3, "a")); err != nil {
		t.Fatal(err)
	}
	db.Close()
	db = openTestAt(t, path, Options{})
	late := false
	ch := make(chan ID, 1)
	db.Segment(seg(3, 3, "c"), func(set []Segment) (*Message, error) {
		late = set[0].Late && len(set) == 1
		return join(set)
	}, func(id ID, _ error) { ch <- id })
	if id := <-ch; !late || id == 0 || text(t, db, id) != "c" {
		t.Errorf("message %d, late %v", id, late)
	}
	// The number that came already is another message's, and so is what is far in time.
	far := seg(2, 3, "B")
	far.Stamp += 11 * 60 * 1000
	if got := feed(t, db, seg(1, 3, "A"), far); got != nil {
		t.Errorf("delivered %q", got)
	}
}

func TestGivenUp_Bounded(t *testing.T) {
	db := openTest(t, Options{NoSync: true})
	for i := range maxGivenUp + 10 {
		s := seg(1, 2, fmt.Sprint("x", i))
		s.Reference, s.Source.Addr = uint16(i), fmt.Sprint(i)
		if _, err := putSegment(db, s); err != nil {
			t.Fatal(err)
		}
		if _, err := assembleStale(db, s); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(db.givenUp.list()); n != maxGivenUp {
		t.Errorf("%d are remembered", n)
	}
}

func TestUndecoded_CountedBoundedAndKeptOverReopen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	var tick atomic.Int64
	db := openTestAt(t, path, Options{NoSync: true, Now: func() time.Time { return time.UnixMilli(tick.Add(1)) }})
	keep := func(id string) {
		t.Helper()
		if err := db.KeepUndecoded(context.Background(), Undecoded{ID: id, Lane: "sim:1", Raw: string(make([]byte, 5000)), Cause: "why"}); err != nil {
			t.Fatal(err)
		}
	}
	keep("first")
	for i := range maxUndecoded {
		keep(fmt.Sprint("pdu ", i))
	}
	keep("pdu 7")
	db.Close()
	db = openTestAt(t, path, Options{})
	all := db.Undecoded()
	if len(all) != maxUndecoded || all[0].ID != "pdu 7" || all[0].Times != 2 || all[0].First >= all[0].Last || len(all[0].Raw) != maxText {
		t.Errorf("%d kept, the newest %q, %d times", len(all), all[0].ID, all[0].Times)
	}
	for _, u := range all {
		if u.ID == "first" {
			t.Error("the oldest is still there")
		}
	}
}
