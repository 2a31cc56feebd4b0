package smppsim

import (
	"container/heap"
	"context"
	"sync"
	"time"
)

// agenda does things when their time has come, whatever the order in which they
// were added.
type agenda struct {
	size int
	kick chan struct{}

	mu   sync.Mutex
	list dueHeap
}

// newAgenda returns an agenda that holds at most size things.
func newAgenda(size int) *agenda { return &agenda{size: size, kick: make(chan struct{}, 1)} }

// add reports whether there was room.
func (a *agenda) add(after time.Duration, do func()) bool {
	a.mu.Lock()
	room := len(a.list) < a.size
	if room {
		heap.Push(&a.list, delayed{time.Now().Add(after), do})
	}
	a.mu.Unlock()
	select {
	case a.kick <- struct{}{}:
	default:
	}
	return room
}

// next takes off what is due; wait is for the one after it, none when it is 0.
func (a *agenda) next(now time.Time) (do func(), wait time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.list) == 0 {
		return nil, 0
	}
	if wait = a.list[0].due.Sub(now); wait > 0 {
		return nil, wait
	}
	return heap.Pop(&a.list).(delayed).do, 0
}

func (a *agenda) run(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		do, wait := a.next(time.Now())
		if do != nil {
			do()
			continue
		}
		if wait <= 0 {
			wait = time.Hour
		}
		timer.Reset(wait)
		select {
		case <-timer.C:
		case <-a.kick:
		case <-ctx.Done():
			return
		}
	}
}

// dueHeap has the first that is due in front.
type dueHeap []delayed

func (h dueHeap) Len() int           { return len(h) }
func (h dueHeap) Less(i, j int) bool { return h[i].due.Before(h[j].due) }
func (h dueHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *dueHeap) Push(x any)        { *h = append(*h, x.(delayed)) }
func (h *dueHeap) Pop() any {
	last := len(*h) - 1
	d := (*h)[last]
	(*h)[last] = delayed{}
	*h = (*h)[:last]
	return d
}
