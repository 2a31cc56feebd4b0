package smppd

import (
	"slices"
	"sync"
)

// places is a counting semaphore whose size may change while it is in use: the places of a window.
// Who has waited longest gets the next one. A smaller size takes nothing away; it takes effect as
// places are given back.
type places struct {
	mu      sync.Mutex
	size    int
	used    int
	waiting []chan struct{} // the longest wait first; closed when the place is theirs
	idle    chan struct{}   // closed when no place is taken; nil while nobody asked
}

// take takes a place when one is free. One that is free while others wait is theirs.
func (p *places) take() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.used >= p.size || len(p.waiting) > 0 {
		return false
	}
	p.used++
	return true
}

// join queues for a place: it is the caller's when the channel is closed. Who waits no longer has
// to call leave.
func (p *places) join() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := make(chan struct{})
	p.waiting = append(p.waiting, c)
	p.grant()
	return c
}

// leave gives up a wait, or the place when it came meanwhile.
func (p *places) leave(c <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, w := range p.waiting {
		if w == c {
			p.waiting = slices.Delete(p.waiting, i, i+1)
			return
		}
	}
	p.release()
}

// give gives a place back.
func (p *places) give() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.release()
}

// resize changes the number of places, 1 at least.
func (p *places) resize(size int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.size = max(size, 1)
	p.grant()
}

// emptied returns a channel that is closed when no place is taken, now or later.
func (p *places) emptied() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.idle == nil {
		p.idle = make(chan struct{})
	}
	c := p.idle
	p.settle()
	return c
}

// count returns how many places there are, and how many of them are taken: more than there are
// for a time after they became fewer.
func (p *places) count() (size, used int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.size, p.used
}

// release is called under mu.
func (p *places) release() {
	p.used--
	p.grant()
	p.settle()
}

// grant gives free places to those who wait; it is called under mu.
func (p *places) grant() {
	for len(p.waiting) > 0 && p.used < p.size {
		close(p.waiting[0])
		p.waiting = slices.Delete(p.waiting, 0, 1)
		p.used++
	}
}

// settle tells who asked that no place is taken; it is called under mu.
func (p *places) settle() {
	if p.used == 0 && p.idle != nil {
		close(p.idle)
		p.idle = nil
	}
}
