package router

import (
	"container/heap"
	"slices"
	"sync"

	"gsmgate/storage"
)

const (
	headSize  = 256 // most due messages of one flow that a queue reads ahead: the queue itself is on disk
	headsSize = 4 * headSize
	leastHead = 16
)

// queue is the head of one queue in memory, and what its lanes have taken. Its
// messages leave by the portions of their users, see portion.
type queue struct {
	name   string
	due    func(f storage.Flow, now storage.Time, max int) ([]storage.FlowEntry, storage.Time, error)
	now    func() storage.Time
	weight func(user string) int
	floors *floors
	left   func(storage.Talk, storage.ID)                   // a message was taken, and is no more
	park   func(q *queue, f storage.Flow, ids []storage.ID) // see Router.park
	turn   chan struct{}                                    // one slot, for the ordered lane that drains the queue

	mu       sync.Mutex
	portions map[string]*portion
	active   portions                    // those that have something, or may have
	served   uint64                      // the pass of the one that was served last
	aside    []*portion                  // room for pop
	taken    map[storage.ID]storage.Talk // given out, outcome not on disk yet
	filling  bool
	next     storage.Time  // when something falls due next, 0: not known of any
	wake     chan struct{} // closed when there may be something to take
	low      storage.Time  // the earliest that was kicked since news was asked for, 0: nothing was
}

func (r *Router) queue(name string) *queue {
	r.mu.Lock()
	defer r.mu.Unlock()
	q := r.queues[name]
	if q == nil {
		q = r.newQueue(name)
		r.queues[name] = q
		for f := range r.db.Flows(name) { // what is stored later kicks it
			q.kick(f, q.now())
		}
	}
	return q
}

func (r *Router) newQueue(name string) *queue {
	return &queue{
		name: name, now: r.now, weight: r.weightOf, floors: &r.floors, left: r.left, turn: make(chan struct{}, 1),
		park:     func(q *queue, f storage.Flow, ids []storage.ID) { r.jobs.start(func() { r.park(q, f, ids) }) },
		portions: map[string]*portion{}, taken: map[storage.ID]storage.Talk{}, wake: make(chan struct{}),
		due: func(f storage.Flow, now storage.Time, max int) ([]storage.FlowEntry, storage.Time, error) {
			return r.db.DueOf(name, f, now, storage.DueKey{}, max)
		},
	}
}

// kick says that something of the flow falls due at the given time.
func (q *queue) kick(f storage.Flow, at storage.Time) {
	now := q.now()
	q.mu.Lock()
	defer q.mu.Unlock()
	q.low = earlier(q.low, at)
	s := q.portion(f.User)
	l := &s.levels[f.Level]
	if at <= now {
		known := l.stale
		l.stale = true
		q.activate(s)
		if known && len(l.head) > 0 {
			return // whoever empties the head looks again
		}
	} else {
		l.next = earlier(l.next, at)
		if q.next != 0 && q.next <= at {
			return
		}
		q.next = at
	}
	q.broadcast()
}

// kickAll says that anything may be due.
func (q *queue) kickAll() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, s := range q.portions {
		for i := range s.levels {
			s.levels[i].stale = true
		}
		q.activate(s)
	}
	q.low = earlier(q.low, q.now())
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
	talk := q.taken[id]
	delete(q.taken, id)
	q.mu.Unlock()
	q.left(talk, id)
}

// putBack gives a taken message to others, at its place.
func (q *queue) putBack(m *storage.Message) {
	q.mu.Lock()
	talk := q.taken[m.ID]
	delete(q.taken, m.ID)
	q.mu.Unlock()
	q.left(talk, m.ID)
	q.offer(m)
}

// offer puts a message that is due into the head.
func (q *queue) offer(m *storage.Message) {
	q.mu.Lock()
	defer q.mu.Unlock()
	f := m.Flow()
	s := q.portion(f.User)
	l := &s.levels[f.Level]
	l.insert(storage.FlowEntry{DueKey: storage.DueKey{At: m.DueAt, ID: m.ID}, Talk: m.Talk()})
	l.stale = l.stale || l.reads // what is being read may not have it
	q.activate(s)
	q.broadcast()
}

// stir wakes who waits for something to take.
func (q *queue) stir() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.broadcast()
}

// charge makes a user's share pay for more than the one part that it was served.
func (q *queue) charge(user string, parts int) {
	if parts <= 0 {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if s := q.portions[user]; s != nil {
		q.pay(s, parts)
	}
}

// poll takes up to n due messages, but for those that the lane skips. When there
// are none it gives the channel that is closed when that may have changed, and
// the time of the next one.
func (q *queue) poll(n int, skips func(storage.ID) bool) ([]storage.ID, <-chan struct{}, storage.Time, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for {
		now := q.now()
		q.ripen(now)
		ids, hungry := q.pop(n, skips)
		switch {
		case len(ids) > 0:
			return ids, nil, 0, nil
		case hungry == nil || q.filling:
			return nil, q.wake, q.next, nil
		}
		if err := q.fill(hungry, now); err != nil {
			return nil, nil, 0, err
		}
	}
}

// ripen finds what has fallen due since it was looked at. Called with the lock
// held.
func (q *queue) ripen(now storage.Time) {
	if q.next == 0 || q.next > now {
		return
	}
	q.next = 0
	for _, s := range q.portions {
		for i := range s.levels {
			l := &s.levels[i]
			if l.next != 0 && l.next <= now {
				l.next, l.stale = 0, true
				q.activate(s)
			}
			q.next = earlier(q.next, l.next)
		}
	}
}

// pop gives out of the heads, the portions in their turns; called with the lock
// held. What is skipped stays there for others. hungry is the level that must be
// read from disk before more can be given.
func (q *queue) pop(n int, skips func(storage.ID) bool) (ids []storage.ID, hungry *level) {
	for len(ids) < n && len(q.active) > 0 {
		s := q.active[0]
		if hungry = s.hungry(); hungry != nil {
			break
		}
		e, ok := s.take(q, skips)
		switch {
		case ok:
			q.taken[e.ID] = e.Talk
			ids = append(ids, e.ID)
			q.served = s.pass
			q.pay(s, 1)
		default:
			if hungry = q.starving(s); hungry == nil {
				q.setAside(s)
			}
		}
		if hungry != nil {
			break
		}
	}
	for _, s := range q.aside {
		heap.Push(&q.active, s)
	}
	q.aside = q.aside[:0]
	return ids, hungry
}

// setAside takes the first of the active portions out of the way: nothing of it can
// be taken now. One that has nothing at all is no longer active.
func (q *queue) setAside(s *portion) {
	heap.Pop(&q.active)
	if s.idle() {
		q.tidy()
		return
	}
	q.aside = append(q.aside, s)
}

// fill reads the head of a level anew. The lock is held at call and return, not
// while the disk is read; whoever comes meanwhile waits for the broadcast.
func (q *queue) fill(l *level, now storage.Time) error {
	q.filling, l.reads, l.stale = true, true, false
	limit := max(leastHead, min(headSize, headsSize/len(q.active)))
	f, most := l.Flow, limit+len(q.taken)
	q.mu.Unlock()
	entries, next, err := q.due(f, now, most)
	q.mu.Lock()
	q.filling, l.reads = false, false
	q.broadcast()
	if err != nil {
		l.stale = true
		return err
	}
	l.more = len(entries) >= most
	l.head = slices.DeleteFunc(entries, func(e storage.FlowEntry) bool {
		_, ok := q.taken[e.ID]
		return ok
	})
	if next > now {
		l.next = earlier(l.next, next)
		q.next = earlier(q.next, next)
	}
	return nil
}
