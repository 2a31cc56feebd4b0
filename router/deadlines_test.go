package router

import (
	"context"
	"errors"
	"testing"
	"time"

	"gsmgate/storage"
	"gsmgate/storage/storagetest"
)

// outlived stores n messages that have ended and whose retention is over.
func outlived(t *testing.T, db *storage.DB, n int) {
	t.Helper()
	past := storage.TimeOf(time.Now().Add(-time.Hour))
	stored := make(chan error, n)
	for range n {
		db.Accept(&storage.Message{
			Kind: storage.MO, State: storage.Delivered, AcceptedAt: past, EndedAt: past, Deadline: past,
			Parts: []storage.Part{{State: storage.PartDone}},
		}, func(_ storage.ID, err error) { stored <- err })
	}
	for range n {
		if err := <-stored; err != nil {
			t.Fatal(err)
		}
	}
}

// They were removed one after the other, two commits each: on a slow disk more
// came in than went out, and the file grew for ever.
func TestRetention_ManyAtOnce_ShareTheirCommits(t *testing.T) {
	db := storagetest.Open(t)
	const n = 5000
	outlived(t, db, n)
	r := New(db, Options{})
	before := db.Stats().Commits
	for left := n; left > 0; {
		ids, _, err := db.Overdue(r.now(), overdueBatch)
		if err != nil || len(ids) == 0 {
			t.Fatalf("%d are left and %d overdue: %v", left, len(ids), err)
		}
		if err := r.overdue(ids, r.now()); err != nil {
			t.Fatal(err)
		}
		left -= len(ids)
	}
	if commits := db.Stats().Commits - before; commits > n/10 {
		t.Errorf("%d commits for %d messages", commits, n)
	}
	if ms, err := db.Messages(storage.Filter{}); err != nil || len(ms) != 0 {
		t.Errorf("%d are left, %v", len(ms), err)
	}
}

// With a backlog of them the router did not stop before it was done.
func TestRetention_StopInTheMidst_Stops(t *testing.T) {
	db := storagetest.Open(t)
	outlived(t, db, 3*overdueBatch)
	r := New(db, Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.watchDeadlines(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if ids, _, err := db.Overdue(r.now(), 4*overdueBatch); err != nil || len(ids) < 2*overdueBatch {
		t.Errorf("%d are left, %v: it went on", len(ids), err)
	}
}
