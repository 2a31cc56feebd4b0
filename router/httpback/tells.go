package httpback

import (
	"errors"
	"sync"
	"time"

	"gsmgate/router"
)

// Told is what was heard of a user's callback since the start.
type Told struct {
	Taken       uint64 // events that it took
	Refused     uint64 // tries that were not
	LastTaken   time.Time
	LastError   string // why the last one of those was not
	LastErrorAt time.Time
}

// tells keeps a Told.
type tells struct {
	mu   sync.Mutex
	told Told
	ill  bool
}

// heard notes what came of a try. turned: the callback was well before and is ill
// now, or the other way.
func (t *tells) heard(err error, now time.Time) (turned bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	ill := t.ill
	if err == nil {
		t.told.Taken++
		t.told.LastTaken, t.ill = now, false
		return ill
	}
	t.told.Refused++
	t.told.LastError, t.told.LastErrorAt = err.Error(), now
	if se := (*router.SendError)(nil); errors.As(err, &se) {
		t.told.LastError, t.ill = se.Err.Error(), ill || se.LaneIll
	}
	return t.ill && !ill
}

// tellsOf is called with the lock held.
func (ch *Channel) tellsOf(user string) *tells {
	t := ch.tells[user]
	if t == nil {
		t = &tells{}
		ch.tells[user] = t
	}
	return t
}

// Told gives what was heard of a user's callback.
func (ch *Channel) Told(user string) Told {
	ch.mu.Lock()
	t := ch.tells[user]
	ch.mu.Unlock()
	if t == nil {
		return Told{}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.told
}
