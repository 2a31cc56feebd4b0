package router

import (
	"context"
	"errors"
	"strings"
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

	mu   sync.Mutex
	busy int
	rest time.Time  // the lane is ill: nothing is taken before
	why  string     // what was wrong
	ills int        // messages in a row that it could not send, for a fault of its own
	last storage.ID // the newest of them
	// aloft are the messages of which a part is being sent, with who waits for
	// its outcome to be on disk.
	aloft map[storage.ID][]func()
}

// pinned is the queue of messages that must leave by lane l: a handset puts
// the parts of a long message together only when they come from one number.
func pinned(l *Lane) string { return l.Queue + "#" + l.ID }

// home is the queue of which q is a pinned part.
func home(q string) string {
	name, _, _ := strings.Cut(q, "#")
	return name
}

func (r *Router) register(run *laneRun, on bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if on {
		r.lanes[run] = struct{}{}
	} else {
		delete(r.lanes, run)
	}
}

// sleep waits while the lane is to rest.
func (run *laneRun) sleep(ctx context.Context) error {
	run.mu.Lock()
	d := run.rest.Sub(run.r.o.Now())
	run.mu.Unlock()
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// firstRest is how long a lane rests that could not send one message. One bad
// number may look like a fault of every lane that tries it: only the second
// message in a row shows that the lane is ill.
const firstRest = time.Second

// felt notes how the lane did with a message, so that an ill one takes nothing
// for a while.
func (run *laneRun) felt(id storage.ID, err error) {
	var se *SendError
	ill := errors.As(err, &se) && se.LaneIll
	run.mu.Lock()
	defer run.mu.Unlock()
	if !ill {
		run.ills = 0
		return
	}
	if run.ills == 0 || run.last != id {
		run.ills++
	}
	run.last = id
	wait := firstRest
	if run.ills > 1 {
		wait = orDefault(se.Wait, run.r.backoff(run.ills))
	}
	run.rest, run.why = run.r.o.Now().Add(wait), se.Err.Error()
}

func (run *laneRun) status() LaneStatus {
	run.mu.Lock()
	defer run.mu.Unlock()
	s := LaneStatus{ID: run.ID, Busy: run.busy, Window: run.Window}
	if run.rest.After(run.r.o.Now()) {
		s.RestsUntil, s.Reason = run.rest, run.why
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
func (run *laneRun) await(parts []storage.PartRef, then func()) bool {
	run.mu.Lock()
	defer run.mu.Unlock()
	for _, c := range parts {
		if _, ok := run.aloft[c.ID]; ok {
			once := sync.OnceFunc(then)
			stop := time.AfterFunc(reportPatience, once).Stop
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
	q.kick(r.now())
}
