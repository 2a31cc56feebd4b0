package router

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"gsmgate/storage"
)

const (
	keepEvery = 10 * time.Second // how often the queues of users are counted
	keepBatch = 256              // messages that are ended in one go
)

// keepFor is how long a receipt or an MO message is kept for its user.
func (r *Router) keepFor(user string) time.Duration {
	if u, _ := r.db.User(user); u.KeepHours > 0 {
		return time.Duration(u.KeepHours) * time.Hour
	}
	return r.o.Retention
}

// keepCount is how many of them are.
func (r *Router) keepCount(user string) int {
	u, _ := r.db.User(user)
	return orDefault(u.KeepCount, r.o.KeepCount)
}

// Overflowed is how many messages for a user were ended since the start because
// too many waited.
func (r *Router) Overflowed(user string) uint64 {
	n, ok := r.overflowed.Load(user)
	if !ok {
		return 0
	}
	return n.(*atomic.Uint64).Load()
}

// keeper ends the oldest messages of users for whom too many wait.
type keeper struct {
	r    *Router
	seen map[string]storage.DueKey // queue → up to here there are no receipts; what comes later is behind it

	diverted map[string]diverted // by queue
}

// watchKept counts the queues of users now and then: a message more or less
// matters to nobody, and accepting them waits for nothing.
func (r *Router) watchKept(ctx context.Context) error {
	talk := storage.Talk(0)
	old := retention{r: r}
	k := keeper{r: r, seen: map[string]storage.DueKey{}, diverted: map[string]diverted{}}
	t := time.NewTicker(keepEvery)
	defer t.Stop()
	for {
		select {
		case <-t.C:
		case <-r.outletsChanged:
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := k.round(ctx); err != nil {
			return err
		}
		var err error
		if talk, err = r.callTurns(talk); err != nil { // none is left behind, whatever happened to those before it
			return err
		}
		if err := old.round(ctx); err != nil && ctx.Err() == nil {
			r.log.Error("old messages cannot be removed", "err", err)
		}
		if err := r.forgetUndecoded(ctx); err != nil && ctx.Err() == nil {
			r.log.Error("old PDUs that could not be read cannot be removed", "err", err)
		}
	}
}

func (k *keeper) round(ctx context.Context) error {
	queued := k.r.db.Queues()
	for queue := range k.seen {
		if queued[queue] == 0 {
			delete(k.seen, queue)
			delete(k.diverted, queue)
		}
	}
	for queue, n := range queued {
		user, ok := userOf(queue)
		if !ok {
			continue
		}
		if err := k.divert(ctx, queue, user); err != nil {
			return err
		}
		if over := n - k.r.keepCount(user); over > 0 {
			if err := k.trim(ctx, queue, user, over); err != nil {
				return err
			}
		}
	}
	return nil
}

// trim ends so many of the queue, receipts first: a client can ask for the state
// of its messages, but nobody sends an MO message twice.
func (k *keeper) trim(ctx context.Context, queue, user string, over int) error {
	receipts, at, err := k.endOf(ctx, queue, storage.Receipt, k.seen[queue], over)
	k.seen[queue] = at
	ended := receipts
	if err == nil && ended < over {
		var mo int
		mo, _, err = k.endOf(ctx, queue, storage.MO, storage.DueKey{}, over-ended)
		ended += mo
	}
	if ended > 0 {
		n, _ := k.r.overflowed.LoadOrStore(user, new(atomic.Uint64))
		n.(*atomic.Uint64).Add(uint64(ended))
		k.r.log.Warn("more messages wait for a user than are kept: the oldest ended", "user", user, "count", ended, "receipts", receipts)
	}
	return err
}

// endOf ends up to most messages of one kind, the oldest after a place first, and
// says up to where it looked.
func (k *keeper) endOf(ctx context.Context, queue string, kind storage.Kind, after storage.DueKey, most int) (ended int, at storage.DueKey, err error) {
	at = after
	for ended < most && ctx.Err() == nil {
		entries, _, err := k.r.db.Due(queue, k.r.now(), at, keepBatch)
		if err != nil || len(entries) == 0 {
			return ended, at, err
		}
		var batch []storage.ID
		for _, e := range entries {
			if len(batch) == most-ended {
				break
			}
			if at = e; k.may(e.ID, queue, kind) {
				batch = append(batch, e.ID)
			}
		}
		ended += k.expire(batch, queue)
	}
	return ended, at, nil
}

// may says whether the message is one to end: of the kind, and not on its way.
func (k *keeper) may(id storage.ID, queue string, kind storage.Kind) bool {
	m, err := k.r.db.Message(id)
	if err != nil || m.Kind != kind {
		return false
	}
	run := k.r.laneOf(queue)
	return run == nil || run.line == nil || !run.line.onItsWay(id)
}

// expire ends messages that still wait in the queue, all in one go, and says how
// many.
func (k *keeper) expire(ids []storage.ID, queue string) int {
	return k.changeAll(ids, queue, func(m *storage.Message, now storage.Time) ([]*storage.Message, error) {
		return k.r.finish(m, storage.Expired, 0, fmt.Sprintf("more than %d messages wait for user %s", k.r.keepCount(m.User), m.User), now), nil
	})
}

// changeAll changes messages that still wait in the queue, all in one go, and says
// how many.
func (k *keeper) changeAll(ids []storage.ID, queue string, fn func(*storage.Message, storage.Time) ([]*storage.Message, error)) int {
	var wg sync.WaitGroup
	var n atomic.Int64
	for _, id := range ids {
		wg.Add(1)
		k.r.change(id, func(m *storage.Message, now storage.Time) ([]*storage.Message, error) {
			if ended(m) || m.DueAt == 0 || m.Queue != queue {
				return nil, errStale
			}
			return fn(m, now)
		}, func(_ *storage.Message, err error) {
			if err == nil {
				n.Add(1)
			} else if !errors.Is(err, errStale) {
				k.r.log.Error("a message that waits for a user cannot be changed", "id", id, "err", err)
			}
			wg.Done()
		})
	}
	wg.Wait()
	return int(n.Load())
}
