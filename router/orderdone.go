package router

import (
	"context"
	"errors"
	"time"

	"gsmgate/storage"
)

// carry sends one message of an ordered lane. Its answer is handed to the
// writer before the next of the conversation may go: what is on disk never
// lacks one in the middle.
func (o *line) carry(ctx context.Context, j job) {
	o.run.count(1)
	defer o.run.count(-1)
	if o.run.restsFor() > 0 { // since the message was taken
		o.back(j)
		return
	}
	began := o.run.r.o.Now()
	_, err := o.run.s.Send(ctx, j.m, 0)
	se := asSendError(err)
	if se != nil && se.Untried {
		o.back(j)
		return
	}
	if !o.ownFault(j, se) {
		o.run.felt(j.m.ID, began, err)
	}
	passed := se == nil || se.Outcome == RefusedForGood
	o.settle(ctx, j, err, passed)
	o.landed(j, passed)
}

// ownFault says that a message was refused often enough, while others are
// taken, to show that the lane is not ill.
func (o *line) ownFault(j job, se *SendError) bool {
	return se != nil && se.LaneIll && j.m.Parts[0].Attempts >= inPlace && !o.run.wasIll()
}

// back puts a message that was not sent before all others.
func (o *line) back(j job) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.flying--
	o.first(j)
	o.signal()
}

// first makes a message the next one of its lane. Called with the lock held.
func (o *line) first(j job) {
	o.chainFirst(j)
	j.t.busy = false
	o.ready = append([]*talk{j.t}, o.ready...)
}

// chainFirst makes it the next one of its conversation. Called with the lock
// held.
func (o *line) chainFirst(j job) {
	j.t.chain = append([]storage.ID{j.m.ID}, j.t.chain...)
	o.known[j.m.ID] = false
}

// landed says that the message was answered; the next one goes when it passed.
func (o *line) landed(j job, passed bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.flying--
	if passed {
		o.free(j.t)
	}
	o.signal()
}

func (o *line) signal() {
	select {
	case o.freed <- struct{}{}:
	default:
	}
}

// settle writes the outcome. It is tried until it is on disk, the store is of
// no more use or the lane ends: then the message is sent again.
func (o *line) settle(ctx context.Context, j job, sendErr error, passed bool) {
	o.mu.Lock()
	o.opened++
	o.mu.Unlock()
	o.open.Add(1)
	var more []*storage.Message
	fn := func(m *storage.Message, now storage.Time) (_ []*storage.Message, err error) {
		more, err = o.run.outcome(ctx, m, 0, "", sendErr, now)
		return more, err
	}
	var try func()
	try = func() {
		o.run.r.db.Change(j.m.ID, fn, func(m *storage.Message, err error) {
			switch {
			case err == nil:
				o.run.r.woken(m, more)
			case ctx.Err() == nil && !errors.Is(err, storage.ErrClosed) && !errors.Is(err, storage.ErrBroken) && !errors.Is(err, storage.ErrNotFound):
				o.run.r.log.Error("the outcome of a send cannot be stored", "id", j.m.ID, "lane", o.run.ID, "err", err)
				time.AfterFunc(time.Second, try)
				return
			}
			o.settled(j, m, asSendError(sendErr), passed)
			o.open.Done()
		})
	}
	try()
}

// woken tells of what was stored with m. m itself is where it was, or ended.
func (r *Router) woken(m *storage.Message, more []*storage.Message) {
	r.soonest(m.Deadline)
	for _, x := range more {
		r.awake(spotOf(x))
	}
}

// settled says that the outcome is on disk; m is nil when there is no message
// any more. One that was refused for now stays the first of its conversation.
func (o *line) settled(j job, m *storage.Message, se *SendError, passed bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	defer o.signal()
	o.opened--
	delete(o.known, j.m.ID)
	switch {
	case passed:
	case m == nil || ended(m):
		o.free(j.t)
	default:
		o.hold(j, m, se)
	}
}

// hold lets a conversation wait for its first message, which was refused for
// now. Called with the lock held.
func (o *line) hold(j job, m *storage.Message, se *SendError) {
	tries := m.Parts[0].Attempts
	if se.LaneIll && tries < inPlace {
		o.first(j) // the lane rests instead
		return
	}
	wait := orDefault(se.Wait, o.run.r.backoff(tries))
	t := j.t
	t.until, t.why = o.run.r.after(o.run.r.now(), wait), se.Err.Error()
	t.busy = false
	o.chainFirst(j)
	o.held = append(o.held, t)
	o.holds = earlier(o.holds, t.until)
}

// onItsWay says whether the message is being sent, or its answer is not on
// disk.
func (o *line) onItsWay(id storage.ID) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.known[id]
}

// waits says why m waits; "" when it is not its turn.
func (o *line) waits(m *storage.Message) string {
	if o.run.Takes != nil {
		if why := o.run.Takes(m); why != "" {
			return why
		}
	}
	if s := o.run.status(); !s.RestsUntil.IsZero() {
		return "nothing is sent to user " + m.User + " before " + local(storage.TimeOf(s.RestsUntil)) + ": " + s.Reason
	}
	key := o.run.Order(m)
	o.mu.Lock()
	defer o.mu.Unlock()
	switch t := o.talks[key]; {
	case o.known[m.ID]:
		return "it is on its way"
	case t == nil || t.first == 0:
		return ""
	case t.first != m.ID && t.until != 0:
		return "behind message " + t.first.String() + " of the same conversation, which waits until " + local(t.until) + ": " + t.why
	case t.first != m.ID:
		return "behind message " + t.first.String() + " of the same conversation"
	case t.until != 0:
		return "not before " + local(t.until)
	}
	return ""
}

// heldCount is how many conversations wait for a message that was refused.
func (o *line) heldCount() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.held)
}

func local(t storage.Time) string { return t.Time().Local().Format(time.DateTime) }
