package router

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"gsmgate/storage"
)

// overdueBatch is how many messages whose deadline has passed are dealt with at
// once: they share their commits, or a disk that syncs slowly would remove fewer
// than come in.
const overdueBatch = 512

// busyPause is for how long the deadlines wait when the store has no room.
const busyPause = 100 * time.Millisecond

// watchDeadlines looks at every message whose deadline has passed.
func (r *Router) watchDeadlines(ctx context.Context) error {
	sweepParked := storage.Time(0)
	for ctx.Err() == nil {
		r.deadline.Store(math.MaxInt64) // what is stored from here on may not be among those
		now := r.now()
		r.pending.sweep(now)
		if now >= sweepParked {
			r.dropParked(now)
			sweepParked = r.after(now, time.Minute)
		}
		ids, next, err := r.db.Overdue(now, overdueBatch)
		if err == nil {
			err = r.overdue(ids, now)
		}
		switch {
		case errors.Is(err, storage.ErrBusy):
			err = Pause(ctx, busyPause)
		case err == nil && len(ids) < overdueBatch:
			err = r.untilDeadline(ctx, next)
		}
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}

// Pause waits, or gives the error of ctx when that ends first, or has ended.
func Pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// untilDeadline sleeps until the next deadline, or an earlier one that is
// stored meanwhile; for a minute at most.
func (r *Router) untilDeadline(ctx context.Context, next storage.Time) error {
	d := time.Minute
	if next != 0 {
		d = min(d, max(10*time.Millisecond, next.Time().Sub(r.o.Now())))
	}
	r.deadline.Store(int64(storage.TimeOf(r.o.Now().Add(d))))
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-r.kickDeadline:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// soonest wakes the deadline worker when at is earlier than what it sleeps for.
func (r *Router) soonest(at storage.Time) {
	if at == 0 || int64(at) >= r.deadline.Load() {
		return
	}
	select {
	case r.kickDeadline <- struct{}{}:
	default:
	}
}

// overdue removes the ended ones among the messages, whose retention is over, and
// ends those that ran out of time. It returns when all of that is on disk.
func (r *Router) overdue(ids []storage.ID, asOf storage.Time) error {
	var all sync.WaitGroup
	var mu sync.Mutex
	var failed error
	done := func(err error) {
		mu.Lock()
		if err != nil && !errors.Is(err, storage.ErrNotFound) {
			failed = err
		}
		mu.Unlock()
		all.Done()
	}
	for _, id := range ids {
		all.Add(1)
		m, err := r.db.Message(id)
		switch {
		case err != nil || m.Deadline > asOf: // or it was moved meanwhile
			done(err)
		case ended(m) && r.outlives(m, asOf):
			r.strip(id, done)
		case ended(m): // and never changes but for what goes with it
			r.remove(id, done)
		default:
			r.change(id, func(m *storage.Message, now storage.Time) ([]*storage.Message, error) {
				return r.outOfTime(m, asOf, now), nil
			}, func(_ *storage.Message, err error) { done(err) })
		}
	}
	all.Wait()
	return failed
}

func (r *Router) remove(id storage.ID, done func(error)) {
	r.db.Remove(id, func(err error) {
		if err == nil {
			r.flags.forget(id)
		}
		done(err)
	})
}

// noReport is why a message ends as UNKNOWN that was sent, and of which nothing
// was heard in time.
const noReport = "NOREPORT: no report came in time"

// outOfTime ends a message whose deadline has passed.
func (r *Router) outOfTime(m *storage.Message, asOf, now storage.Time) []*storage.Message {
	switch t := count(m.Parts); {
	case m.Deadline > asOf || ended(m):
		return nil // it was moved meanwhile, or has ended and is due for removal later
	case t.trying > 0:
		m.Deadline = r.after(now, time.Minute) // its outcome comes first
		return nil
	case t.unknown > 0:
		return r.strike(m, now)
	case t.left() > 0 && t.waiting > 0: // whoever has the first parts never gets the rest
		return r.finish(m, storage.Expired, lastCause(m), fmt.Sprintf("validity over; %d of %d parts went out; %s", t.left(), len(m.Parts), m.Reason), now)
	case t.left() > 0:
		r.shares.silent(m.Parts, now)
		return r.finish(m, storage.Unknown, 0, noReport, now)
	}
	reason := "validity over"
	if m.Reason != "" {
		reason += "; " + m.Reason
	}
	return r.finish(m, storage.Expired, lastCause(m), reason, now)
}

// lastCause is why a message that expires was refused last; 0 when it was not.
func lastCause(m *storage.Message) uint32 {
	if i := nextWaiting(m.Parts); i >= 0 {
		return m.Parts[i].Cause
	}
	return 0
}
