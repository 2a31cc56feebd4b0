package router

import (
	"context"
	"errors"
	"sync"
	"time"

	"gsmgate/storage"
)

// laneRun is one call of Serve.
type laneRun struct {
	Lane
	r      *Router
	s      Sender
	queues []*queue // the pinned one first
	line   *line    // of an ordered lane

	mu   sync.Mutex
	busy int
	rest time.Time  // the lane is ill: nothing is taken before
	fell time.Time  // when that was found
	why  string     // what was wrong
	ills int        // messages in a row that it could not send, for a fault of its own
	last storage.ID // the newest of them

	pulse pulse

	closed  bool                     // Gate held the lane when it was asked last
	spares  bool                     // it lets pass only what was begun
	skipped map[storage.ID]time.Time // what Fits refused, and until when

	lost      map[string]bool // what parts are looked up by whose reference never came
	searching bool            // their reports are being looked for

	// aloft are the messages of which a part is being sent, with who waits for
	// its outcome to be on disk.
	aloft map[storage.ID][]func()
}

// pinned is the queue of messages that must leave by lane l: a handset puts
// the parts of a long message together only when they come from one number. It
// is the same whatever pool the lane is in.
func pinned(l *Lane) string { return storage.LaneQueue(l.Queue, l.ID) }

func (r *Router) register(run *laneRun, on bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if on {
		r.lanes[run] = struct{}{}
	} else {
		delete(r.lanes, run)
	}
	if run.Order == nil {
		r.placed(run, on)
	}
}

// restsFor is how long the lane is still to rest.
func (run *laneRun) restsFor() time.Duration {
	run.mu.Lock()
	defer run.mu.Unlock()
	return run.rest.Sub(run.r.o.Now())
}

// wasIll says whether the last message could not be sent for a fault of the
// lane.
func (run *laneRun) wasIll() bool {
	run.mu.Lock()
	defer run.mu.Unlock()
	return run.ills > 0
}

// restsIll says whether the lane rests after more than one message in a row that it
// could not send.
func (run *laneRun) restsIll() bool {
	run.mu.Lock()
	defer run.mu.Unlock()
	return run.ills > 1 && run.rest.After(run.r.o.Now())
}

// recover ends the rest. Whether the lane is well shows with the next message.
func (run *laneRun) recover() {
	run.mu.Lock()
	defer run.mu.Unlock()
	run.rest, run.ills = time.Time{}, min(run.ills, 1)
}

// sleep waits while the lane is to rest.
func (run *laneRun) sleep(ctx context.Context) error { return Pause(ctx, run.restsFor()) }

// firstRest is how long a lane rests that could not send one message. One bad
// number may look like a fault of every lane that tries it: only the second
// message in a row shows that the lane is ill.
const firstRest = time.Second

// felt notes how the lane did with a message, so that an ill one takes nothing
// for a while. Messages that were on their way together, since began, tell of
// one illness.
func (run *laneRun) felt(id storage.ID, began time.Time, err error) {
	var se *SendError
	ill := errors.As(err, &se) && se.LaneIll
	run.mu.Lock()
	defer run.mu.Unlock()
	if !ill {
		run.ills = 0
		return
	}
	if run.Order != nil && run.ills > 0 && !began.After(run.fell) {
		return
	}
	if run.ills == 0 || run.last != id || se.Sure {
		run.ills++
	}
	run.last = id
	wait := firstRest
	switch {
	case se.Sure && se.Wait > 0:
		wait = doubled(se.Wait, run.ills)
	case run.Order != nil && se.Wait > 0: // what the far end asked for itself
		wait = se.Wait
	case run.ills > 1:
		wait = orDefault(se.Wait, run.r.backoff(run.ills))
	}
	if run.MaxRest > 0 {
		wait = min(wait, run.MaxRest)
	}
	run.fell = run.r.o.Now()
	run.rest, run.why = run.fell.Add(wait), se.Err.Error()
}

func (run *laneRun) status() LaneStatus {
	s := LaneStatus{ID: run.ID, Queue: run.Queue, Window: run.Window}
	if h := run.asked(); h.On() {
		s.RestsUntil, s.Reason = h.Until, h.Reason
	}
	run.mu.Lock()
	defer run.mu.Unlock()
	s.Busy = run.busy
	if run.rest.After(run.r.o.Now()) {
		s.RestsUntil, s.Reason = run.rest, run.why
	}
	if run.line != nil {
		s.Held = run.line.heldCount()
	}
	return s
}

func (run *laneRun) count(d int) {
	run.mu.Lock()
	run.busy += d
	run.mu.Unlock()
}

// await calls then once the outcome of what is being sent is on disk, when that
// is one of the parts; it reports whether it is.
func (run *laneRun) await(parts []storage.PartRef, patience time.Duration, then func()) bool {
	run.mu.Lock()
	defer run.mu.Unlock()
	for _, c := range parts {
		if _, ok := run.aloft[c.ID]; ok {
			once := sync.OnceFunc(then)
			stop := time.AfterFunc(patience, once).Stop
			run.aloft[c.ID] = append(run.aloft[c.ID], func() { stop(); once() })
			return true
		}
	}
	return false
}

// takeOff says that a part of the message is about to be sent.
func (run *laneRun) takeOff(id storage.ID) {
	run.mu.Lock()
	defer run.mu.Unlock()
	run.aloft[id] = nil
}

// landed says that the outcome is on disk; more: the next part is being sent.
func (run *laneRun) landed(id storage.ID, more bool) {
	run.mu.Lock()
	waiting := run.aloft[id]
	delete(run.aloft, id)
	if more {
		run.aloft[id] = nil
	}
	run.mu.Unlock()
	for _, then := range waiting {
		then()
	}
}

// requeue lets the lane rest after the store failed: the message is still due
// and would come round at once.
func (r *Router) requeue(q *queue, run *laneRun) {
	run.mu.Lock()
	run.rest, run.why = r.o.Now().Add(r.backoff(1)), "the store failed"
	run.mu.Unlock()
	q.kickAll()
}
