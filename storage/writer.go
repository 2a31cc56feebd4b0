package storage

import (
	"errors"
	"fmt"
	"sync"
	"syscall"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// operation is one request to the writer.
type operation interface {
	// apply stages what the operation changes, on the writer's goroutine. An
	// operation that gives an error has staged nothing.
	apply(g *group) error
	// finish answers the caller, once, after the commit.
	finish(err error)
	// outcome is where the writer keeps the error until then.
	outcome() *error
}

// result is embedded in every operation.
type result struct{ err error }

func (r *result) outcome() *error { return &r.err }

// queue holds the operations that wait for the writer, in order.
type queue struct {
	max int

	mu     sync.Mutex
	filled sync.Cond // over mu: there is work, or closed
	ops    []operation
	closed bool
}

func (q *queue) init(max int) {
	q.max = max
	q.filled.L = &q.mu
}

// push adds op, or says why not. What settles work that has begun gets twice
// the room of new work, so that a flood of submits cannot keep the outcome of
// an attempt off the disk.
func (q *queue) push(op operation, settles bool) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	limit := q.max
	if settles {
		limit *= 2
	}
	if q.closed {
		return ErrClosed
	}
	if len(q.ops) >= limit {
		return ErrBusy
	}
	q.ops = append(q.ops, op)
	if len(q.ops) == 1 {
		q.filled.Signal()
	}
	return nil
}

// take moves up to max operations to dst and waits when there are none. It
// gives none when the queue is closed and empty.
func (q *queue) take(dst []operation, max int) []operation {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.ops) == 0 && !q.closed {
		q.filled.Wait()
	}
	n := min(max, len(q.ops))
	dst = append(dst, q.ops[:n]...)
	rest := copy(q.ops, q.ops[n:])
	clear(q.ops[rest:])
	q.ops = q.ops[:rest]
	return dst
}

func (q *queue) length() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.ops)
}

func (q *queue) shut() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.filled.Signal()
}

// ask hands op to the writer, or answers at once when that cannot be.
func (db *DB) ask(op operation, settles bool) {
	err := ErrReadOnly
	if !db.readOnly {
		err = db.queue.push(op, settles)
	}
	if err == nil {
		return
	}
	if errors.Is(err, ErrBusy) {
		db.stats.refused.Add(1)
	}
	op.finish(err)
}

// write is the writer: one transaction for all that gathered while the last
// one was on its way to the disk.
func (db *DB) write() {
	defer close(db.finished)
	g := newGroup(db)
	for {
		ops := db.queue.take(make([]operation, 0, 64), db.opts.MaxGroup)
		if len(ops) == 0 {
			return
		}
		err := db.commit(g, ops)
		db.noteFailure(err, len(ops), g.changed)
		if err != nil {
			// Even what was refused for a reason of its own gets this error:
			// the reason may have been an operation of this group.
			for _, op := range ops {
				*op.outcome() = err
			}
		}
		for _, fn := range g.after {
			fn()
		}
		g.reset()
		db.finished <- ops
	}
}

// noteFailure logs when commits begin to fail and when they work again, not
// each one: a full disk fails quickly and often.
func (db *DB) noteFailure(err error, operations int, wrote bool) {
	failing := db.failing.Load() != nil
	switch {
	case err != nil:
		db.stats.failed.Add(1)
		db.failing.Store(&err)
		if !failing {
			db.opts.Logger.Error("commit failed", "operations", operations, "error", err)
		}
	case failing && wrote:
		db.failing.Store(nil)
		db.opts.Logger.Info("commits work again")
	}
}

// finish calls the done functions, in the order of the commits.
func (db *DB) finish() {
	defer close(db.stopped)
	for ops := range db.finished {
		for _, op := range ops {
			op.finish(*op.outcome())
		}
	}
}

// commit applies ops in one transaction. Its error is that of the whole group;
// nothing has changed then, on disk or in memory.
func (db *DB) commit(g *group, ops []operation) error {
	if broken := db.broken.Load(); broken != nil {
		return *broken
	}
	tx, err := db.bolt.Begin(true)
	if err != nil {
		return commitError(err)
	}
	g.begin(tx)
	for _, op := range ops {
		*op.outcome() = op.apply(g)
		if g.fatal != nil {
			break
		}
	}
	if g.fatal == nil && !g.changed {
		return tx.Rollback()
	}
	if err := g.flush(); err != nil {
		return errors.Join(commitError(err), tx.Rollback())
	}
	if err := db.commitTx(tx); err != nil {
		return err
	}
	db.stats.committed(tx, len(ops))
	g.publish()
	return nil
}

func (db *DB) commitTx(tx *bolt.Tx) error {
	if db.testFail != nil {
		if err := db.testFail(); err != nil {
			return errors.Join(commitError(err), tx.Rollback())
		}
	}
	id := tx.ID()
	err := tx.Commit()
	if err == nil {
		return nil
	}
	err = commitError(err)
	visible := 0
	if e := db.bolt.View(func(tx *bolt.Tx) error { visible = tx.ID(); return nil }); e == nil && visible < id {
		return err
	}
	// The last page was written and its fsync failed (or the file cannot be
	// read at all): what readers see may not be on disk, and the kernel will
	// not try these pages again. Only reading the file afresh tells.
	broken := fmt.Errorf("%w: %w", ErrBroken, err)
	db.broken.Store(&broken)
	return broken
}

func commitError(err error) error {
	if errors.Is(err, bolterrors.ErrMaxSizeReached) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EFBIG) {
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return fmt.Errorf("commit: %w", err)
}
