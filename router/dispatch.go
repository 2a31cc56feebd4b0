package router

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gsmgate/storage"
)

// errStale says that a message taken from a queue is no longer to be sent:
// it ended, or moved to another queue, since the queue's head was read.
var errStale = errors.New("no longer due")

// errUnfit says that this lane may not begin the message now.
var errUnfit = errors.New("not by this lane")

// Serve drains the lane's queue through s; see Inbox.
func (r *Router) Serve(ctx context.Context, l Lane, s Sender) error {
	l.Window, l.Says = max(l.Window, 1), orDefault(l.Says, "reference")
	run := &laneRun{
		Lane: l, r: r, s: s, queues: []*queue{r.queue(pinned(&l)), r.queue(l.Queue)},
		aloft: map[storage.ID][]func(){},
	}
	if l.Order != nil {
		run.line = newLine(run, r.queue(l.Queue))
		return run.line.serve(ctx)
	}
	r.register(run, true)
	defer r.register(run, false)
	var hands crew
	defer hands.end()
	slots := make(chan struct{}, l.Window)
	for {
		n, err := reserve(ctx, slots)
		if err != nil {
			return err
		}
		q, ids, err := run.take(ctx, n)
		for range n - len(ids) {
			<-slots
		}
		if err != nil {
			return err
		}
		for _, id := range ids {
			hands.do(func() {
				run.carry(ctx, q, id)
				<-slots
			})
		}
	}
}

// reserve takes one slot, waiting for it, and whatever else is free.
func reserve(ctx context.Context, slots chan struct{}) (int, error) {
	select {
	case slots <- struct{}{}:
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	for n := 1; ; n++ {
		select {
		case slots <- struct{}{}:
		default:
			return n, nil
		}
	}
}

// take waits until the lane is well and one of its queues has something due.
func (run *laneRun) take(ctx context.Context, n int) (*queue, []storage.ID, error) {
	for idle := false; ; idle = true {
		err := run.sleep(ctx)
		if err == nil && idle {
			err = run.givesWay(ctx)
		}
		if err != nil {
			return nil, nil, err
		}
		q, ids, wakes, next, err := run.poll(n)
		if err != nil || len(ids) > 0 {
			return q, ids, err
		}
		if !run.held() {
			run.pulse.rests()
		}
		if err := run.wait(ctx, wakes, next); err != nil {
			return nil, nil, err
		}
	}
}

// poll takes up to n due messages out of the first queue that has some and that
// nothing holds. When there are none it says what to wait for.
func (run *laneRun) poll(n int) (_ *queue, _ []storage.ID, wakes [2]<-chan struct{}, next storage.Time, err error) {
	queues := run.queues
	if h := run.asked(); h.On() {
		if next = run.untilOpen(h); h.Spares != SparesBegun {
			return nil, nil, wakes, next, nil
		}
		queues = queues[:1]
	} else {
		next = run.nextFit()
	}
	for i, q := range queues {
		ids, wake, due, err := q.poll(n, run.skips)
		if err != nil || len(ids) > 0 {
			return q, ids, wakes, 0, err
		}
		wakes[i], next = wake, earlier(next, due)
	}
	return nil, nil, wakes, next, nil
}

// wait returns when a queue was kicked, the time next has come, the lane was
// woken or ctx ended.
func (run *laneRun) wait(ctx context.Context, wakes [2]<-chan struct{}, next storage.Time) error {
	var timer <-chan time.Time
	if next != 0 {
		t := time.NewTimer(max(time.Millisecond, next.Time().Sub(run.r.o.Now())))
		defer t.Stop()
		timer = t.C
	}
	select {
	case <-wakes[0]:
	case <-wakes[1]:
	case <-timer:
	case <-run.Wake:
		run.anew()
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// carry sends one message as far as the lane allows. The last commit is not
// waited for: it shares a group with the next attempt of the lane.
func (run *laneRun) carry(ctx context.Context, q *queue, id storage.ID) {
	run.count(1)
	defer run.count(-1)
	run.takeOff(id)
	run.pulse.begins(run.r.o.Now())
	m, i, err := run.begin(q, id)
	if err == nil && count(m.Parts).left() == 0 {
		q.charge(m.User, storage.Units(m.Parts)-1)
	}
	for err == nil {
		var ref string
		began := run.r.o.Now()
		ref, err = run.s.Send(ctx, m, i)
		run.felt(id, began, err)
		if err == nil && i == len(m.Parts)-1 {
			run.pulse.beats(run.r.o.Now(), run.Window, len(m.Parts))
		}
		if err != nil || i == len(m.Parts)-1 || run.breaks() {
			run.settle(ctx, q, id, i, ref, err)
			return
		}
		m, i, err = run.proceed(ctx, q, id, i, ref)
	}
	run.landed(id, false)
	if errors.Is(err, errUnfit) {
		return
	}
	q.release(id)
	if !errors.Is(err, errStale) && !errors.Is(err, storage.ErrClosed) {
		run.r.log.Error("a message cannot be carried now", "id", id, "lane", run.ID, "err", err)
		run.r.requeue(q, run)
	}
}

// begin writes the attempt of the first waiting part.
func (run *laneRun) begin(q *queue, id storage.ID) (*storage.Message, int, error) {
	i := 0
	var back *storage.Message
	m, err := run.r.changeInTurn(id, func(m *storage.Message, ahead storage.ID, now storage.Time) ([]*storage.Message, error) {
		if ended(m) || m.DueAt == 0 || m.Queue != q.name || m.DueAt > run.r.now() { // the last: its client has replaced it
			return nil, errStale
		}
		if m.ExpiresAt != 0 && m.ExpiresAt <= now {
			i = -1
			return run.r.finish(m, storage.Expired, lastCause(m), "validity over before it could be sent", now), nil
		}
		if i = nextWaiting(m.Parts); i < 0 {
			return nil, fmt.Errorf("message %s is due and has no waiting part", id)
		}
		if run.waitsFor(m, ahead) || run.yields(m, now) || run.elsewhere(m, now) || run.unpins(m) || run.postponed(m, i, now) {
			i = -1
			return nil, nil
		}
		if run.unfit(m) {
			back = m
			return nil, errUnfit
		}
		run.attempt(m, i, now)
		return nil, nil
	})
	if errors.Is(err, errUnfit) {
		q.putBack(back) // for others
		return nil, 0, errUnfit
	}
	if err == nil && i < 0 {
		q.release(id)
		run.r.awake(spotOf(m)) // once more: it may have been kicked while it was still taken
		err = errStale
	}
	return m, i, err
}

// waitsFor puts a message behind one of its talk that is still to be sent. It
// reports whether it did.
func (run *laneRun) waitsFor(m *storage.Message, ahead storage.ID) bool {
	if ahead == 0 || count(m.Parts).left() > 0 {
		return false
	}
	standsBack(m)
	return true
}

func nextWaiting(parts []storage.Part) int {
	for i := range parts {
		if parts[i].State == storage.PartWaiting {
			return i
		}
	}
	return -1
}

// attempt marks part i as on its way by this lane: the message is due no more.
// One that starts anew is prepared for the lane first.
func (run *laneRun) attempt(m *storage.Message, i int, now storage.Time) {
	if count(m.Parts).left() == 0 && run.Prepare != nil {
		run.Prepare(m)
	}
	move(m, storage.Enroute)
	p := &m.Parts[i]
	p.State, p.Lane, p.Ref = storage.PartTrying, run.ID, ""
	p.Tried = now
	p.Attempts++
	m.DueAt, m.Reason, m.Prefer = 0, "", ""
	freeTurn(m)
	m.Note(now, "attempt", fmt.Sprintf("part %d of %d by %s", i+1, len(m.Parts), run.ID))
}

// proceed settles part i as sent and writes the attempt of the next part in
// one commit.
func (run *laneRun) proceed(ctx context.Context, q *queue, id storage.ID, i int, ref string) (*storage.Message, int, error) {
	next := -1
	m, err := run.r.changeSync(id, func(m *storage.Message, now storage.Time) ([]*storage.Message, error) {
		more := run.sent(m, i, ref, now)
		if next = nextWaiting(m.Parts); next >= 0 && !ended(m) {
			run.attempt(m, next, now)
		}
		return more, nil
	})
	if err == nil {
		run.answered(m, i)
	}
	switch {
	case err != nil:
		// what went out must not be forgotten: settle it when the disk is back
		run.settle(ctx, q, id, i, ref, nil)
		return nil, 0, errStale
	case next < 0 || ended(m):
		return nil, 0, errStale
	}
	run.landed(id, true)
	return m, next, nil
}

// settle writes the outcome of a send. It is tried until it is on disk or the
// store is of no more use: the outcome is known nowhere else.
func (run *laneRun) settle(ctx context.Context, q *queue, id storage.ID, i int, ref string, sendErr error) {
	fn := func(m *storage.Message, now storage.Time) ([]*storage.Message, error) {
		return run.outcome(ctx, m, i, ref, sendErr, now)
	}
	var try func()
	try = func() {
		run.r.change(id, fn, func(m *storage.Message, err error) {
			if err == nil && i < len(m.Parts) {
				run.answered(m, i)
			}
			if err == nil || errors.Is(err, storage.ErrClosed) || errors.Is(err, storage.ErrBroken) || errors.Is(err, storage.ErrNotFound) {
				q.release(id)
				run.landed(id, false)
				return
			}
			run.r.log.Error("the outcome of a send cannot be stored", "id", id, "lane", run.ID, "err", err)
			time.AfterFunc(time.Second, try)
		})
	}
	try()
}

// change is db.Change that wakes the queues of what it stored.
func (r *Router) change(id storage.ID, fn func(*storage.Message, storage.Time) ([]*storage.Message, error), done func(*storage.Message, error)) {
	w := watched{r: r, fn: fn}
	r.db.Change(id, w.apply, func(m *storage.Message, err error) { w.done(m, err, done) })
}

// watched is a change, and what it did.
type watched struct {
	r      *Router
	fn     func(*storage.Message, storage.Time) ([]*storage.Message, error)
	stored []spot
	talk   storage.Talk // of the message before it
}

func (w *watched) apply(m *storage.Message, now storage.Time) ([]*storage.Message, error) {
	w.talk = m.Talk()
	more, err := w.fn(m, now)
	keepPlace(m)
	w.stored = w.stored[:0]
	for _, x := range append(more[:len(more):len(more)], m) {
		w.stored = append(w.stored, spotOf(x))
	}
	return more, err
}

func (w *watched) done(m *storage.Message, err error, done func(*storage.Message, error)) {
	if err == nil {
		w.r.flags.changed(m)
	}
	done(m, err) // first: a queue gives out nothing that is still taken
	if err != nil {
		return
	}
	if ended(m) || m.Talk() != w.talk {
		w.r.nextTurn(w.talk)
	}
	for _, s := range w.stored {
		w.r.awake(s)
	}
}

// changeMany is change for db.ChangeMany.
func (r *Router) changeMany(ids []storage.ID, fn func(*storage.Message, storage.Time) ([]*storage.Message, error), done func([]*storage.Message, error)) {
	var wakes []spot
	talks := map[storage.ID]storage.Talk{}
	r.db.ChangeMany(ids, func(m *storage.Message, now storage.Time) ([]*storage.Message, error) {
		talks[m.ID] = m.Talk()
		more, err := fn(m, now)
		if err != nil {
			return nil, err
		}
		keepPlace(m)
		for _, x := range append(more[:len(more):len(more)], m) {
			wakes = append(wakes, spotOf(x))
		}
		return more, nil
	}, func(ms []*storage.Message, err error) {
		for _, m := range ms {
			r.flags.changed(m)
		}
		done(ms, err)
		if err != nil {
			return
		}
		for _, m := range ms {
			if talk := talks[m.ID]; ended(m) || m.Talk() != talk {
				r.nextTurn(talk)
			}
		}
		for _, w := range wakes {
			r.awake(w)
		}
	})
}

// changeSync is change that waits for the commit. It does not end with a
// context: an attempt that may be on disk must be followed by its outcome.
func (r *Router) changeSync(id storage.ID, fn func(*storage.Message, storage.Time) ([]*storage.Message, error)) (*storage.Message, error) {
	c := make(chan changed, 1)
	r.change(id, fn, func(m *storage.Message, err error) { c <- changed{m, err} })
	a := <-c
	return a.m, a.err
}

type changed struct {
	m   *storage.Message
	err error
}

// changeInTurn is changeSync for db.ChangeInTurn.
func (r *Router) changeInTurn(id storage.ID, fn func(m *storage.Message, ahead storage.ID, now storage.Time) ([]*storage.Message, error)) (*storage.Message, error) {
	var before storage.ID
	w := watched{r: r, fn: func(m *storage.Message, now storage.Time) ([]*storage.Message, error) { return fn(m, before, now) }}
	c := make(chan changed, 1)
	r.db.ChangeInTurn(id, func(m *storage.Message, ahead storage.ID, now storage.Time) ([]*storage.Message, error) {
		before = ahead
		return w.apply(m, now)
	}, func(m *storage.Message, err error) {
		w.done(m, err, func(m *storage.Message, err error) { c <- changed{m, err} })
	})
	a := <-c
	return a.m, a.err
}
