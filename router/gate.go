package router

import (
	"context"
	"time"

	"gsmgate/storage"
)

// Hold is why a lane takes nothing, or little, for a while. The zero Hold: it
// takes what is due.
type Hold struct {
	Until  time.Time // zero: until something is changed
	Reason string    // in words; never "" when something holds
	Spares Spares
}

// On says whether something holds.
func (h Hold) On() bool { return h.Reason != "" }

// Spares says what a Hold lets pass.
type Spares uint8

const (
	SparesNothing Spares = iota
	SparesFlight         // the other parts of the message that is being sent
	SparesBegun          // those, and the messages of which parts have left by this lane
)

// askAgain is how long a Hold is believed: the clock may be set, and what it
// was for may end by itself.
const askAgain = 5 * time.Second

// asked gives what holds the lane now, and remembers it for begin.
func (run *laneRun) asked() Hold {
	if run.Gate == nil {
		return Hold{}
	}
	h := run.Gate(run.r.o.Now())
	run.mu.Lock()
	defer run.mu.Unlock()
	run.closed, run.spares = h.On(), h.On() && h.Spares == SparesBegun
	return h
}

// held says whether something held the lane when it was asked last.
func (run *laneRun) held() bool {
	run.mu.Lock()
	defer run.mu.Unlock()
	return run.closed
}

// onlyBegun says whether nothing may be begun now.
func (run *laneRun) onlyBegun() bool {
	run.mu.Lock()
	defer run.mu.Unlock()
	return run.spares
}

// untilOpen is when a Hold is to be looked at again.
func (run *laneRun) untilOpen(h Hold) storage.Time {
	now := run.r.o.Now()
	at := now.Add(askAgain)
	if !h.Until.IsZero() && h.Until.Before(at) {
		at = h.Until
	}
	return storage.TimeOf(at.Add(time.Millisecond - 1)) // not before it: storage.Time cuts off
}

// breaks says whether a Hold keeps the next part of a message from following
// the one that was just sent.
func (run *laneRun) breaks() bool {
	if run.Gate == nil {
		return false
	}
	h := run.Gate(run.r.o.Now())
	return h.On() && h.Spares == SparesNothing
}

// givesWay lets other lanes of the queue be first, when the lane has been idle.
func (run *laneRun) givesWay(ctx context.Context) error {
	if run.Lag == nil || !run.r.shared(run) {
		return nil
	}
	return Pause(ctx, run.Lag())
}

// shared says whether another lane drains the same queue.
func (r *Router) shared(run *laneRun) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for other := range r.lanes {
		if other != run && other.Queue == run.Queue {
			return true
		}
	}
	return false
}

// mostSkipped is how many messages a lane passes over at most: as many as a
// queue reads ahead.
const mostSkipped = headSize

// unfit says whether a message that would be begun does not fit what the lane
// may still send. The lane passes over it until then.
func (run *laneRun) unfit(m *storage.Message) bool {
	if run.Fits == nil || count(m.Parts).left() > 0 {
		return false
	}
	h := run.Fits(m, run.r.o.Now())
	if !h.On() {
		return false
	}
	run.mu.Lock()
	defer run.mu.Unlock()
	if run.skipped == nil || len(run.skipped) >= 2*mostSkipped {
		run.skipped = map[storage.ID]time.Time{}
	}
	run.skipped[m.ID] = run.r.o.Now().Add(askAgain)
	if !h.Until.IsZero() {
		run.skipped[m.ID] = h.Until
	}
	return true
}

// skips says whether the lane passes over a message now.
func (run *laneRun) skips(id storage.ID) bool {
	run.mu.Lock()
	defer run.mu.Unlock()
	until, ok := run.skipped[id]
	if ok && !until.After(run.r.o.Now()) {
		delete(run.skipped, id)
		return false
	}
	return ok
}

// nextFit is when the first message that is passed over may be tried again; 0:
// none is.
func (run *laneRun) nextFit() (first storage.Time) {
	run.mu.Lock()
	defer run.mu.Unlock()
	for _, until := range run.skipped {
		first = earlier(first, storage.TimeOf(until))
	}
	return first
}

// anew forgets what was passed over: what is set for the lane has changed.
func (run *laneRun) anew() {
	run.mu.Lock()
	defer run.mu.Unlock()
	run.skipped = nil
}
