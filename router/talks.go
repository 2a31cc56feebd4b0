package router

import (
	"hash/maphash"
	"strings"
	"sync"

	"gsmgate/storage"
)

// mostTalkers is how many recipients are remembered in each of two generations,
// see BenchmarkLastLanes_Memory for what they take. Past that the older one goes.
const mostTalkers = 100_000

// lastLanes remembers by which lane of a pool the last message went to, or came
// from, an address. It is kept in memory: an index on disk would cost every
// message a write at a random place. After a restart it is read from the messages
// that are kept.
type lastLanes struct {
	most   int // mostTalkers, fewer in tests
	digits int // the last ones of a number, which tell it from others
	seed   maphash.Seed

	mu       sync.Mutex
	new, old map[uint64]lastLane
	names    []string
	numbers  map[string]uint32
}

// lastLane is an entry: 8 octets.
type lastLane struct {
	lane uint32 // index in names
	at   uint32 // seconds since 1970
}

func newLastLanes(digits int) *lastLanes {
	return &lastLanes{most: mostTalkers, digits: digits, seed: maphash.MakeSeed(), new: map[uint64]lastLane{}, numbers: map[string]uint32{}}
}

// alphanumeric is the TON of an address that nobody can write to [SMPP34 5.2.5].
const alphanumeric = 5

// lanesByDigits is how many of the last digits of a number tell the lane for it: it
// is written in national and in international form. That two numbers may share a
// key makes them share a lane, and does no other harm.
const lanesByDigits = 8

// key stands for an address and a pool.
func (l *lastLanes) key(queue string, a storage.Address) uint64 {
	addr := strings.TrimPrefix(a.Addr, "+")
	return maphash.Comparable(l.seed, [2]string{queue, addr[max(0, len(addr)-l.digits):]})
}

// note says that a message went or came at a time. What is known already of a
// later time stays.
func (l *lastLanes) note(queue string, a storage.Address, lane string, at storage.Time) {
	if a.Addr == "" || a.TON == alphanumeric || lane == "" {
		return
	}
	key := l.key(queue, a)
	e := lastLane{at: uint32(at / 1000)}
	l.mu.Lock()
	defer l.mu.Unlock()
	if known, ok := l.find(key); ok && known.at > e.at {
		return
	}
	e.lane = l.number(lane)
	if _, there := l.new[key]; !there && len(l.new) >= l.most {
		l.old, l.new = l.new, make(map[uint64]lastLane, l.most)
	}
	l.new[key] = e
}

// find is called with the lock held.
func (l *lastLanes) find(key uint64) (lastLane, bool) {
	e, ok := l.new[key]
	if !ok {
		e, ok = l.old[key]
	}
	return e, ok
}

// number is called with the lock held. Lanes are SIMs: there are few.
func (l *lastLanes) number(lane string) uint32 {
	n, ok := l.numbers[lane]
	if !ok {
		n = uint32(len(l.names))
		l.names, l.numbers[lane] = append(l.names, lane), n
	}
	return n
}

// of gives the lane of the last message, "" when there was none since then.
func (l *lastLanes) of(queue string, a storage.Address, since storage.Time) string {
	key := l.key(queue, a)
	l.mu.Lock()
	defer l.mu.Unlock()
	e, ok := l.find(key)
	if !ok || storage.Time(e.at)*1000 < since {
		return ""
	}
	return l.names[e.lane]
}

// full says whether an older message could only push out a newer one.
func (l *lastLanes) full() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.new) >= l.most
}

// recallPage is how many messages are read at once.
const recallPage = 256

// recallLanes reads the newest messages of before the restart.
func (r *Router) recallLanes() {
	since := r.now() - storage.Time(max(r.o.Sticky, r.o.StickyAnswers).Milliseconds())
	for before, read := storage.ID(0), 0; read < mostTalkers && !r.last.full() && !r.jobs.stopping(); {
		ms, err := r.db.Messages(storage.Filter{Before: before, Limit: recallPage})
		if err != nil {
			r.log.Warn("by which SIMs messages went before is not known", "err", err)
			return
		}
		for _, m := range ms {
			r.recallLane(m)
		}
		if len(ms) < recallPage || ms[len(ms)-1].AcceptedAt < since {
			return
		}
		before, read = ms[len(ms)-1].ID, read+len(ms)
	}
}

func (r *Router) recallLane(m *storage.Message) {
	switch {
	case m.Kind == storage.MT && len(m.Parts) > 0 && m.Parts[0].Tried != 0:
		r.writes(m, m.Parts[0].Lane, m.Parts[0].Tried)
		if r.o.Sticky >= 0 {
			r.last.note(m.Home(), m.Dest, m.Parts[0].Lane, m.Parts[0].Tried)
		}
	case m.Kind == storage.MO:
		r.heard(m)
	}
}

// heard notes that a message came from an address by a lane.
func (r *Router) heard(m *storage.Message) {
	if r.o.Sticky < 0 || m.Origin == "" {
		return
	}
	if queue := r.queueOfLane(m.Origin); queue != "" {
		r.last.note(queue, m.Source, m.Origin, m.AcceptedAt)
	}
}

// wrote notes that the message has left, or may have left, by the lane.
func (run *laneRun) wrote(m *storage.Message, now storage.Time) {
	if m.Kind == storage.MT {
		run.r.writes(m, run.ID, now)
	}
	if run.r.o.Sticky > 0 && m.Kind == storage.MT {
		run.r.last.note(m.Home(), m.Dest, run.ID, now)
	}
}
