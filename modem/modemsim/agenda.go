package modemsim

import (
	"container/heap"
	"time"
)

// agenda is what is to be done later, in order of time and then of entry. Its owner guards it.
type agenda struct {
	entries entries
	seq     uint64
}

type entry struct {
	at  time.Time
	seq uint64
	run func(now time.Time)
	pos int // in the heap; -1 when taken off
}

// at enters run for a time; it returns a function that takes it off again.
func (a *agenda) at(t time.Time, run func(now time.Time)) (cancel func()) {
	a.seq++
	e := &entry{at: t, seq: a.seq, run: run}
	heap.Push(&a.entries, e)
	return func() {
		if e.pos >= 0 {
			heap.Remove(&a.entries, e.pos)
		}
	}
}

// due takes off the first entry whose time has come; ok is false when there is none.
func (a *agenda) due(now time.Time) (run func(time.Time), ok bool) {
	if len(a.entries) == 0 || a.entries[0].at.After(now) {
		return nil, false
	}
	return heap.Pop(&a.entries).(*entry).run, true
}

// next is how long until the first entry, at most an hour.
func (a *agenda) next(now time.Time) time.Duration {
	if len(a.entries) == 0 {
		return time.Hour
	}
	return min(time.Hour, max(0, a.entries[0].at.Sub(now)))
}

// clear forgets everything.
func (a *agenda) clear() {
	for _, e := range a.entries {
		e.pos = -1
	}
	a.entries = nil
}

type entries []*entry

func (e entries) Len() int { return len(e) }
func (e entries) Less(i, j int) bool {
	if e[i].at.Equal(e[j].at) {
		return e[i].seq < e[j].seq
	}
	return e[i].at.Before(e[j].at)
}
func (e entries) Swap(i, j int) {
	e[i], e[j] = e[j], e[i]
	e[i].pos, e[j].pos = i, j
}
func (e *entries) Push(x any) {
	x.(*entry).pos = len(*e)
	*e = append(*e, x.(*entry))
}
func (e *entries) Pop() any {
	old := *e
	last := old[len(old)-1]
	old[len(old)-1] = nil
	last.pos = -1
	*e = old[:len(old)-1]
	return last
}
