package smpp

import (
	"sync"
	"time"
)

// Stall is how long a reader has waited for its own side: for a full window, or a slow
// disk. What the peer said meanwhile lies unread, so no timer may count it as a silence
// of the peer. [SMPP34 7.2]
type Stall struct {
	mu    sync.Mutex
	over  time.Duration // of the waits that have ended
	since time.Time     // when this one began; zero: there is none
}

// Begin says that the reader waits, End that it reads again. They come in turns.
func (s *Stall) Begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.since = time.Now()
}

// End is told of in Begin.
func (s *Stall) End() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over += time.Since(s.since)
	s.since = time.Time{}
}

// Clock is the time of day less all waits: it stands still during one.
func (s *Stall) Clock() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if !s.since.IsZero() {
		now = s.since
	}
	return now.Add(-s.over)
}
