package router

import (
	"context"
	"fmt"
	"strings"
	"time"

	"gsmgate/storage"
)

// mostPreferred is how many messages may wait for one lane because they prefer
// it. What comes beyond goes to the pool: a flood to one recipient must not leave
// the other lanes idle.
const mostPreferred = 2

// place says where a lane is, or was last.
type place struct {
	queue string
	gone  time.Time // zero: it is served now
}

// placed notes that a lane comes or goes. Called with r.mu held.
func (r *Router) placed(run *laneRun, on bool) {
	p := place{queue: run.Queue}
	if !on {
		for other := range r.lanes { // in another pool by now
			if other.ID == run.ID {
				return
			}
		}
		p.gone = r.o.Now()
	}
	r.places[run.ID] = p
}

// queueOfLane is the queue that a lane drains, or drained last; "" of one that
// never was.
func (r *Router) queueOfLane(id string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.places[id].queue
}

// prefer sends a message that may go now to the lane that its recipient knows,
// when that one is there and does not keep it waiting for long.
func (r *Router) prefer(m *storage.Message, now storage.Time) bool {
	if r.o.Sticky < 0 || m.Prefer != "" || m.DueAt > now {
		return false
	}
	lane := r.last.of(m.Queue, m.Dest, now-storage.Time(r.o.Sticky.Milliseconds()))
	if lane == "" || !r.awaits(lane, m.Queue) {
		return false
	}
	queue := storage.LaneQueue(m.Queue, lane)
	if r.db.Queued(queue) >= mostPreferred {
		return false
	}
	m.Queue, m.Prefer = queue, lane
	r.mu.Lock()
	r.preferred[queue] = struct{}{}
	r.mu.Unlock()
	return true
}

// awaits says whether it is worth waiting for a lane: it drains the queue, or
// went a moment ago, and nothing holds it for longer than messages wait for it.
func (r *Router) awaits(lane, queue string) bool {
	r.mu.Lock()
	p, ok := r.places[lane]
	r.mu.Unlock()
	run := r.lane(lane)
	now := r.o.Now()
	switch {
	case !ok || p.queue != queue:
		return false
	case run == nil:
		return now.Sub(p.gone) < r.o.StickyWait
	}
	s := run.status()
	return s.Reason == "" || !s.RestsUntil.IsZero() && s.RestsUntil.Sub(now) < r.o.StickyWait
}

// yields moves a message that waited for its time to the lane that it prefers.
// It reports whether it did.
func (run *laneRun) yields(m *storage.Message, now storage.Time) bool {
	if m.Kind != storage.MT || m.State != storage.Scheduled || m.Queue != run.Queue || count(m.Parts).left() > 0 {
		return false
	}
	move(m, storage.Enroute)
	if !run.r.prefer(m, now) {
		return false
	}
	if m.Prefer == run.ID { // it has it already
		m.Queue, m.Prefer = run.Queue, ""
		return false
	}
	return true
}

// unpins gives a message back to its pool that only prefers this lane, when the
// lane begins nothing. It reports whether it did.
func (run *laneRun) unpins(m *storage.Message) bool {
	if m.Prefer == "" || !run.onlyBegun() && m.Home() == run.Queue {
		return false
	}
	m.Unpin()
	return true
}

// watchPreferred gives messages back to their pools that have waited long enough
// for the lane they prefer.
func (r *Router) watchPreferred(ctx context.Context) error {
	if r.o.Sticky >= 0 || r.o.StickyAnswers >= 0 {
		r.jobs.start(r.recallLanes)
	}
	if r.o.Sticky < 0 {
		<-ctx.Done()
		return ctx.Err()
	}
	r.recallPreferred()
	every := max(r.o.StickyWait/5, 100*time.Millisecond)
	for {
		if err := Pause(ctx, every); err != nil {
			return err
		}
		for _, queue := range r.preferring() {
			if err := r.releaseFrom(ctx, queue); err != nil {
				return err
			}
		}
	}
}

// recallPreferred finds the queues in which a message may prefer a lane.
func (r *Router) recallPreferred() {
	for queue := range r.db.Queues() {
		if _, toUser := userOf(queue); strings.Contains(queue, "#") && !toUser {
			r.mu.Lock()
			r.preferred[queue] = struct{}{}
			r.mu.Unlock()
		}
	}
}

func (r *Router) preferring() (queues []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for queue := range r.preferred {
		queues = append(queues, queue)
	}
	return queues
}

// releaseFrom looks through the queue of one lane. It is not looked at again
// when nothing in it prefers the lane.
func (r *Router) releaseFrom(ctx context.Context, queue string) error {
	r.mu.Lock()
	delete(r.preferred, queue) // what comes from here on puts it back
	r.mu.Unlock()
	some := false
	now := r.now()
	for after := (storage.DueKey{}); ; {
		entries, _, err := r.db.Due(queue, now, after, headSize)
		if err != nil {
			return err
		}
		for _, e := range entries {
			m, err := r.db.Message(e.ID)
			if err != nil || m.Prefer == "" || m.Queue != queue {
				continue
			}
			some = true
			if now-e.At >= storage.Time(r.o.StickyWait.Milliseconds()) {
				r.release(e.ID, queue)
			}
		}
		if len(entries) < headSize || ctx.Err() != nil {
			break
		}
		after = entries[len(entries)-1]
	}
	if some {
		r.mu.Lock()
		r.preferred[queue] = struct{}{}
		r.mu.Unlock()
	}
	return nil
}

// release gives one message back to its pool, unless it has gone meanwhile.
func (r *Router) release(id storage.ID, queue string) {
	r.change(id, func(m *storage.Message, now storage.Time) ([]*storage.Message, error) {
		if ended(m) || m.Queue != queue || m.Prefer == "" || m.DueAt == 0 {
			return nil, errStale
		}
		m.Note(now, "route", fmt.Sprintf("any SIM: %s could not take it in time", m.Prefer))
		m.Unpin()
		return nil, nil
	}, func(*storage.Message, error) {})
}
