package router

import "sync"

// jobs are the goroutines that requests of clients start. Run waits for them.
type jobs struct {
	mu      sync.Mutex
	running sync.WaitGroup
	stopped bool
}

// start runs fn on its own goroutine; false once the router has stopped.
func (j *jobs) start(fn func()) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.stopped {
		return false
	}
	j.running.Go(fn)
	return true
}

// stopping says that a job is to end early.
func (j *jobs) stopping() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.stopped
}

// stop lets no job start any more, and waits for those that run.
func (j *jobs) stop() {
	j.mu.Lock()
	j.stopped = true
	j.mu.Unlock()
	j.running.Wait()
}

// turns lets one thing at a time happen under a key, in the order in which it
// was asked for. Its length is bounded by the windows of those who ask.
type turns struct {
	mu   sync.Mutex
	busy map[uint64][]func()
}

// take calls fn when it is its turn; fn, or what it starts, calls give.
func (t *turns) take(key uint64, fn func()) {
	t.mu.Lock()
	waiting, busy := t.busy[key]
	if busy {
		t.busy[key] = append(waiting, fn)
		t.mu.Unlock()
		return
	}
	if t.busy == nil {
		t.busy = map[uint64][]func(){}
	}
	t.busy[key] = nil
	t.mu.Unlock()
	fn()
}

// give ends a turn.
func (t *turns) give(key uint64) {
	t.mu.Lock()
	waiting := t.busy[key]
	if len(waiting) == 0 {
		delete(t.busy, key)
		t.mu.Unlock()
		return
	}
	next := waiting[0]
	t.busy[key] = waiting[1:]
	t.mu.Unlock()
	next()
}
