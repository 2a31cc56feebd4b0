package smpp

import (
	"errors"
	"sync"
	"time"
)

// Errors of Window.Add.
var (
	ErrWindowFull   = errors.New("smpp: window is full")
	ErrWindowClosed = errors.New("smpp: session is closed")
)

// Window holds the requests of one session that wait for their response, and
// gives out the sequence_numbers. W is what waits. It is safe for use by several
// goroutines, starts none and calls nothing back. [SMPP34 2.8, 5.1.4]
type Window[W any] struct {
	mu     sync.Mutex
	slots  []slot[W] // request with sequence s is in slots[s%len]
	last   uint32    // the sequence given out last
	used   int
	closed bool
}

type slot[W any] struct {
	sequence uint32 // 0: free
	since    time.Time
	waiter   W
}

// NewWindow returns a window for at most size requests, 1 at least.
func NewWindow[W any](size int) *Window[W] {
	return &Window[W]{slots: make([]slot[W], max(size, 1))}
}

// Add takes in a waiter and returns the sequence for its request, or
// ErrWindowFull or ErrWindowClosed. A number whose predecessor in the same slot
// still waits is left out, so sequences rise but are not without gaps.
func (w *Window[W]) Add(now time.Time, waiter W) (uint32, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return 0, ErrWindowClosed
	}
	if w.used == len(w.slots) {
		return 0, ErrWindowFull
	}
	for {
		s := w.slot(w.next())
		if s.sequence == 0 {
			*s = slot[W]{sequence: w.last, since: now, waiter: waiter}
			w.used++
			return w.last, nil
		}
	}
}

// Sequence returns a sequence for a request that nothing here waits for, such
// as an enquire_link while the window is full.
func (w *Window[W]) Sequence() uint32 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.next()
}

func (w *Window[W]) next() uint32 {
	if w.last == MaxSequence {
		w.last = 0
	}
	w.last++
	return w.last
}

func (w *Window[W]) slot(sequence uint32) *slot[W] {
	return &w.slots[sequence%uint32(len(w.slots))]
}

// Take removes and returns the waiter for a response with this sequence; false
// when none waits: the response is late, repeated or made up.
func (w *Window[W]) Take(sequence uint32) (W, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.slot(sequence)
	if sequence == 0 || s.sequence != sequence {
		var none W
		return none, false
	}
	return w.free(s), true
}

func (w *Window[W]) free(s *slot[W]) W {
	waiter := s.waiter
	*s = slot[W]{}
	w.used--
	return waiter
}

// Expire removes and returns the waiters that were added before t.
func (w *Window[W]) Expire(t time.Time) []W {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.takeAll(func(s *slot[W]) bool { return s.since.Before(t) })
}

// Close removes and returns all waiters; Add fails from now on.
func (w *Window[W]) Close() []W {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	return w.takeAll(func(*slot[W]) bool { return true })
}

func (w *Window[W]) takeAll(which func(*slot[W]) bool) []W {
	var out []W
	for i := range w.slots {
		if s := &w.slots[i]; s.sequence != 0 && which(s) {
			out = append(out, w.free(s))
		}
	}
	return out
}

// Len returns how many requests wait.
func (w *Window[W]) Len() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.used
}
