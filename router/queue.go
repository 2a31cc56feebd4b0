package router

import (
	"slices"
	"sync"

	"gsmgate/storage"
)

// headSize is how many due messages a queue reads ahead: the queue itself is
// on disk.
const headSize = 256

// queue is the head of one queue in memory, and what its lanes have taken.
type queue struct {
	name string
	due  func(now storage.Time, max int) ([]storage.DueEntry, storage.Time, error)
	now  func() storage.Time
	turn chan struct{} // one slot, for the ordered lane that drains the queue

	mu      sync.Mutex
	head    []storage.ID
	left    []storage.ID            // room for pop
	taken   map[storage.ID]struct{} // given out, outcome not on disk yet
	stale   bool                    // more may be due than head shows
	filling bool
	next    storage.Time  // when something falls due next, 0: not known of any
	wake    chan struct{} // closed when there may be something to take
	low     storage.Time  // the earliest that was kicked since news was asked for, 0: nothing was
}

func (r *Router) queue(name string) *queue {
	r.mu.Lock()
	defer r.mu.Unlock()
	q := r.queues[name]
	if q == nil {
		q = &queue{
			name: name, now: r.now, stale: true, turn: make(chan struct{}, 1),
			taken: map[storage.ID]struct{}{}, wake: make(chan struct{}),
			due: func(now storage.Time, max int) ([]storage.DueEntry, storage.Time, error) {
				return r.db.Due(name, now, storage.DueKey{}, max)
			},
		}
		r.queues[name] = q
	}
	return q
}

// kick says that something falls due at the given time.
func (q *queue) kick(at storage.Time) {
	now := q.now()
	q.mu.Lock()
	defer q.mu.Unlock()
	q.low = earlier(q.low, at)
	if at <= now {
		if q.stale && len(q.head) > 0 {
			return // whoever empties the head looks again
		}
		q.stale = true
	} else if q.next != 0 && q.next <= at {
		return
	} else {
		q.next = at
	}
	q.broadcast()
}

// news gives the earliest time that was kicked since the last call, and the
// channel that is closed at the next kick. It is for an ordered lane, which
// reads the queue by itself.
func (q *queue) news() (low storage.Time, wake <-chan struct{}) {
	q.mu.Lock()
	defer q.mu.Unlock()
	low, q.low, q.next = q.low, 0, 0
	return low, q.wake
}

func (q *queue) broadcast() {
	close(q.wake)
	q.wake = make(chan struct{})
}

// release says that the outcome of a taken message is on disk, or that it was
// not sent at all.
func (q *queue) release(id storage.ID) {
	q.mu.Lock()
	delete(q.taken, id)
	q.mu.Unlock()
}

// putBack gives a taken message to others, at about its place.
func (q *queue) putBack(id storage.ID) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.taken, id)
	i := slices.IndexFunc(q.head, func(other storage.ID) bool { return other >= id })
	if i < 0 {
		i = len(q.head)
	}
	q.head = slices.Insert(slices.Clone(q.head), i, id)
	q.broadcast()
}

// poll takes up to n due messages, but for those that the lane skips. When there
// are none it gives the channel that is closed when that may have changed, and
// the time of the next one.
func (q *queue) poll(n int, skips func(storage.ID) bool) ([]storage.ID, <-chan struct{}, storage.Time, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for read := false; ; read = true {
		if ids := q.pop(n, skips); len(ids) > 0 {
			return ids, nil, 0, nil
		}
		now := q.now()
		ripe := q.stale || q.next != 0 && q.next <= now
		if q.filling || !ripe {
			return nil, q.wake, q.next, nil
		}
		if read && len(q.head) > 0 { // all that was read is skipped: the lane knows until when
			return nil, q.wake, 0, nil
		}
		if err := q.fill(now); err != nil {
			return nil, nil, 0, err
		}
	}
}

// pop gives out of the head; called with the lock held. What is skipped stays
// there for others.
func (q *queue) pop(n int, skips func(storage.ID) bool) (ids []storage.ID) {
	i := 0
	for ; len(ids) < n && i < len(q.head); i++ {
		id := q.head[i]
		if _, ok := q.taken[id]; ok {
			continue
		}
		if skips(id) {
			q.left = append(q.left, id)
			continue
		}
		q.taken[id] = struct{}{}
		ids = append(ids, id)
	}
	q.head = q.head[i:]
	if len(q.left) > 0 {
		q.head = append(slices.Clone(q.left), q.head...)
		q.left = q.left[:0]
	}
	return ids
}

// fill reads the head anew. The lock is held at call and return, not while
// the disk is read; whoever comes meanwhile waits for the broadcast.
func (q *queue) fill(now storage.Time) error {
	q.filling, q.stale, q.next = true, false, 0
	limit := headSize + len(q.taken)
	q.mu.Unlock()
	entries, next, err := q.due(now, limit)
	q.mu.Lock()
	q.filling = false
	if err != nil {
		q.stale = true
		q.broadcast()
		return err
	}
	q.head = slices.Grow(q.head[:0:0], len(entries))
	for _, e := range entries {
		if _, ok := q.taken[e.ID]; !ok {
			q.head = append(q.head, e.ID)
		}
	}
	if len(entries) >= limit {
		q.stale = true
	}
	if next != 0 && (q.next == 0 || next < q.next) {
		q.next = next
	}
	if len(q.head) > 0 || q.stale {
		q.broadcast()
	}
	return nil
}
