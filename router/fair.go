package router

import (
	"container/heap"
	"slices"

	"gsmgate/storage"
)

// portion is what a user has of a queue. Users are served by start-time fair
// queueing: each message that one is given moves its pass on by the parts of it,
// divided by the user's weight, and the lowest pass is served next. One that had
// nothing to send begins where the others are: a backlog of another user costs it
// one turn, and nobody saves up what it did not use.
type portion struct {
	user   string
	pass   uint64
	at     int   // in the heap; -1: not there
	picks  uint8 // messages since the one that had waited longest
	levels [storage.Levels]level
}

// partCost is what a part costs a user of weight 1.
const partCost = 1 << 20

// oldestEvery is how often the message of a user that has waited longest is next,
// whatever its priority: those of a low one are slow while there are others, and
// never wait for ever.
const oldestEvery = 8

// level is a flow in memory: what is first in it.
type level struct {
	storage.Flow
	head  []storage.FlowEntry
	stale bool         // something was stored since the head was read
	more  bool         // the disk has more than the head
	reads bool         // it is being read
	next  storage.Time // when something falls due next, 0: not known of any
}

// weightOf is the weight of a user.
func (r *Router) weightOf(user string) int {
	u, _ := r.db.User(user)
	return max(1, u.Weight)
}

// portion gives that of a user. Called with the lock held.
func (q *queue) portion(user string) *portion {
	s := q.portions[user]
	if s == nil {
		s = &portion{user: user, at: -1}
		for i := range s.levels {
			s.levels[i].Flow = storage.Flow{User: user, Level: uint8(i)}
		}
		q.portions[user] = s
	}
	return s
}

// activate gives a share its turns. Called with the lock held.
func (q *queue) activate(s *portion) {
	if s.at < 0 && !slices.Contains(q.aside, s) {
		s.pass = max(s.pass, q.served)
		heap.Push(&q.active, s)
	}
}

// pay moves the pass of a share on. Called with the lock held.
func (q *queue) pay(s *portion, parts int) {
	s.pass += uint64(parts) * partCost / uint64(max(1, q.weight(s.user)))
	if s.at >= 0 {
		heap.Fix(&q.active, s.at)
	}
}

// mostIdle is how many portions are remembered of users that have nothing to send.
const mostIdle = 1024

// tidy forgets portions that are idle. Called with the lock held.
func (q *queue) tidy() {
	if len(q.portions) < mostIdle || len(q.portions) < 2*len(q.active) {
		return
	}
	for user, s := range q.portions {
		if s.at < 0 && s.idle() && s.nextDue() == 0 {
			delete(q.portions, user)
		}
	}
}

func (s *portion) idle() bool {
	for i := range s.levels {
		if l := &s.levels[i]; len(l.head) > 0 || l.stale || l.more || l.reads {
			return false
		}
	}
	return true
}

func (s *portion) nextDue() (next storage.Time) {
	for i := range s.levels {
		next = earlier(next, s.levels[i].next)
	}
	return next
}

// hungry is a level whose head has run out while there may be more.
func (s *portion) hungry() *level {
	for i := range s.levels {
		if l := &s.levels[i]; len(l.head) == 0 && (l.stale || l.more) {
			return l
		}
	}
	return nil
}

// starving is a level of which nothing can be taken while the disk has more: than
// when the head was read, or than fits the head. There, those whose talks are busy
// make room. Called with the lock held.
func (q *queue) starving(s *portion) *level {
	for i := range s.levels {
		if l := &s.levels[i]; l.stale || l.more && q.clear(l) {
			return l
		}
	}
	return nil
}

// clear takes out of a head what waits for others of its talk, to be put aside on
// disk. It reports whether there was any. Called with the lock held.
func (q *queue) clear(l *level) bool {
	var ids []storage.ID
	l.head = slices.DeleteFunc(l.head, func(e storage.FlowEntry) bool {
		if _, taken := q.taken[e.ID]; taken || q.floors.free(e.Talk, q) || q.floors.holder(e.Talk) == e.ID {
			return false
		}
		q.taken[e.ID] = 0
		ids = append(ids, e.ID)
		return true
	})
	if len(ids) > 0 {
		q.park(q, l.Flow, ids)
	}
	return len(ids) > 0
}

// take gives the next message of the share: that of the highest priority, and now
// and then the one that has waited longest.
func (s *portion) take(q *queue, skips func(storage.ID) bool) (storage.FlowEntry, bool) {
	var best *level
	place := 0
	for i := len(s.levels) - 1; i >= 0; i-- {
		l := &s.levels[i]
		j := l.first(q, skips)
		if j < 0 {
			continue
		}
		if best == nil || s.picks+1 >= oldestEvery && earlierDue(l.head[j], best.head[place]) {
			best, place = l, j
		}
		if s.picks+1 < oldestEvery {
			break
		}
	}
	if best == nil {
		return storage.FlowEntry{}, false
	}
	if e := best.head[place]; !q.floors.take(e.Talk, e.ID) {
		return s.take(q, skips) // another lane took one of the talk meanwhile
	}
	s.picks = (s.picks + 1) % oldestEvery
	return best.cut(place), true
}

func earlierDue(a, b storage.FlowEntry) bool { return after(b.DueKey, a.DueKey) }

// first is the place of the first message that the lane may take; -1: there is
// none.
func (l *level) first(q *queue, skips func(storage.ID) bool) int {
	return slices.IndexFunc(l.head, func(e storage.FlowEntry) bool {
		_, taken := q.taken[e.ID]
		return !taken && !skips(e.ID) && q.floors.free(e.Talk, q)
	})
}

// cut takes the message at a place out of the head.
func (l *level) cut(i int) storage.FlowEntry {
	e := l.head[i]
	if i == 0 {
		l.head = l.head[1:]
	} else {
		l.head = slices.Delete(l.head, i, i+1)
	}
	return e
}

// insert puts a message where it belongs.
func (l *level) insert(e storage.FlowEntry) {
	i := slices.IndexFunc(l.head, func(other storage.FlowEntry) bool { return !after(e.DueKey, other.DueKey) })
	if i < 0 {
		i = len(l.head)
	}
	if i == len(l.head) || l.head[i].ID != e.ID {
		l.head = slices.Insert(l.head, i, e)
	}
}

// portions is a heap of them, the lowest pass first.
type portions []*portion

func (h portions) Len() int           { return len(h) }
func (h portions) Less(i, j int) bool { return h[i].pass < h[j].pass }
func (h portions) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].at, h[j].at = i, j
}

// Push is for package heap.
func (h *portions) Push(x any) {
	s := x.(*portion)
	s.at = len(*h)
	*h = append(*h, s)
}

// Pop is for package heap.
func (h *portions) Pop() any {
	s := (*h)[len(*h)-1]
	*h, s.at = (*h)[:len(*h)-1], -1
	return s
}
