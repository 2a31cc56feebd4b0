package loopchan

import (
	"container/heap"
	"context"
	"sync"
	"time"
)

// mostDue is how many reports may be due. What is due already gets in all the same:
// it is bounded by what was sent.
const mostDue = 200_000

// agenda does things when their time has come, the earliest first.
type agenda struct {
	most int
	kick chan struct{}

	mu   sync.Mutex
	list entries
}

type entry struct {
	at time.Time
	n  uint64 // the order of what is due at the same time
	do func()
}

func newAgenda(most int) *agenda { return &agenda{most: most, kick: make(chan struct{}, 1)} }

func (a *agenda) hasRoom() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.list.all) < a.most
}

func (a *agenda) add(at time.Time, do func()) {
	a.mu.Lock()
	a.list.last++
	heap.Push(&a.list, entry{at, a.list.last, do})
	a.mu.Unlock()
	select {
	case a.kick <- struct{}{}:
	default:
	}
}

// next takes off what is due; else it says how long that takes.
func (a *agenda) next(now time.Time) (do func(), wait time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.list.all) == 0 {
		return nil, time.Hour
	}
	if wait = a.list.all[0].at.Sub(now); wait > 0 {
		return nil, wait
	}
	return heap.Pop(&a.list).(entry).do, 0
}

func (a *agenda) run(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for ctx.Err() == nil {
		do, wait := a.next(time.Now())
		if do != nil {
			do()
			continue
		}
		timer.Reset(wait)
		select {
		case <-timer.C:
		case <-a.kick:
		case <-ctx.Done():
		}
	}
}

// entries have the earliest in front.
type entries struct {
	all  []entry
	last uint64
}

func (e *entries) Len() int { return len(e.all) }
func (e *entries) Less(i, j int) bool {
	a, b := e.all[i], e.all[j]
	return a.at.Before(b.at) || a.at.Equal(b.at) && a.n < b.n
}
func (e *entries) Swap(i, j int) { e.all[i], e.all[j] = e.all[j], e.all[i] }
func (e *entries) Push(x any)    { e.all = append(e.all, x.(entry)) }
func (e *entries) Pop() any {
	last := e.all[len(e.all)-1]
	e.all[len(e.all)-1] = entry{}
	e.all = e.all[:len(e.all)-1]
	return last
}
