package router

import (
	"context"
	"errors"
	"fmt"

	"gsmgate/storage"
)

// outcome applies what a Sender said of part i.
func (run *laneRun) outcome(ctx context.Context, m *storage.Message, i int, ref string, sendErr error, now storage.Time) ([]*storage.Message, error) {
	r, se := run.r, asSendError(sendErr)
	if key := run.group(m); key != "" {
		r.groups.settled(key, run.ID, se == nil || se.Outcome == UnknownOutcome)
	}
	if se == nil || se.Outcome == UnknownOutcome {
		run.wrote(m, now)
	}
	if run.Order != nil && m.Parts[i].State == storage.PartWaiting {
		// no attempt was written before: it counts now
		m.Parts[i].Lane, m.Parts[i].Tried = run.ID, now
		m.Parts[i].Attempts++
	}
	switch {
	case ended(m):
		return nil, nil
	case se == nil && m.Kind != storage.MT:
		m.Parts[i].State, m.Parts[i].Ref, m.Parts[i].Ended = storage.PartDone, ref, now
		m.Note(now, "delivered", "to "+run.ID)
		return r.finish(m, storage.Delivered, 0, "", now), nil
	case se == nil:
		return run.sent(m, i, ref, now), nil
	case m.Parts[i].Told(): // the report came before the answer, and knows better
		asTold(&m.Parts[i])
		return r.weigh(m, now), nil
	case count(m.Parts).failed > 0 && se.Outcome != UnknownOutcome:
		return r.hopeless(m, i, se, now), nil
	case run.goesElsewhere(m, i, se, now):
		return r.notice(m, se.Cause, m.Reason, now), nil
	case se.Outcome == RefusedForGood, se.Outcome == RefusedForNow && once(m):
		return r.refused(m, i, se, now), nil
	case se.Outcome == UnknownOutcome && run.Order == nil:
		return r.unknown(m, i, now, "part %d may have been sent: %v", i+1, se.Err), nil
	case ctx.Err() != nil && run.Order != nil: // the lane went away: the next one sends it at once
		abandoned(m, se, now)
		return nil, nil
	case se.Tries > 0 && m.Parts[i].Attempts >= se.Tries:
		return r.refused(m, i, se, now), nil
	case se.Limit > 0 && m.Parts[i].Refused+1 >= se.Limit:
		r.away.back(m.Home(), m.Dest.Addr)
		return r.refused(m, i, se, now), nil
	}
	run.later(m, i, se, now)
	return r.notice(m, se.Cause, m.Reason, now), nil
}

// abandoned notes that a message may have arrived when its lane went away. It
// keeps its place.
func abandoned(m *storage.Message, se *SendError, now storage.Time) {
	if se.Outcome == UnknownOutcome {
		m.Reason = "not answered; it is sent again"
		m.Note(now, "unanswered", se.Err.Error())
	}
}

// asSendError gives nil for success; an error that is no *SendError leaves
// the outcome unknown.
func asSendError(err error) *SendError {
	var se *SendError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &se):
		return se
	}
	return &SendError{Outcome: UnknownOutcome, Err: err}
}

// sent notes that the next hop has part i. A report may have come before.
func (run *laneRun) sent(m *storage.Message, i int, ref string, now storage.Time) []*storage.Message {
	p := &m.Parts[i]
	p.Ref = ref
	r := run.r
	r.habits.gave(run.ID, ref)
	r.away.back(m.Home(), m.Dest.Addr)
	if run.Forms != nil && ref != "" {
		p.Match = RefMatch(ref)
	}
	m.Note(now, "sent", fmt.Sprintf("part %d of %d by %s, %s %s", i+1, len(m.Parts), run.ID, run.Says, orDefault(ref, "not told")))
	switch {
	case p.Told():
		asTold(p)
	case p.State == storage.PartTrying:
		p.State = storage.PartSent
	}
	r.shares.sent(run.ID, now)
	return r.weigh(m, now)
}

// weigh draws the conclusion from the parts, after one of them changed.
func (r *Router) weigh(m *storage.Message, now storage.Time) []*storage.Message {
	t := count(m.Parts)
	switch {
	case ended(m) || t.trying > 0:
		return nil
	case t.failed > 0:
		return r.finish(m, endOf(m.Parts), m.Cause, orDefault(m.Reason, "a part failed"), now)
	case t.done == len(m.Parts):
		return r.finish(m, storage.Delivered, 0, "", now)
	case t.unknown > 0:
		return nil // held until a report settles it
	case t.waiting > 0:
		m.State, m.Reason = storage.Enroute, ""
		m.DueAt, m.Deadline = now, m.ExpiresAt
		m.Queue = pinnedTo(m)
		return nil
	}
	m.State, m.Reason = storage.Enroute, "sent; waits for the report of the network"
	m.DueAt, m.Deadline = 0, r.after(now, r.o.ReportTimeout)
	return nil
}

// endOf is how a message ends of which parts failed: as the first of them was
// reported.
func endOf(parts []storage.Part) storage.State {
	for i := range parts {
		if p := &parts[i]; p.State == storage.PartFailed && p.Final != 0 && p.Final != storage.Delivered {
			return p.Final
		}
	}
	return storage.Undeliverable
}

// pinnedTo is the queue in which a message waits: that of one lane when its
// first parts are gone.
func pinnedTo(m *storage.Message) string {
	for i := range m.Parts {
		if m.Parts[i].State != storage.PartWaiting {
			return storage.LaneQueue(m.Queue, m.Parts[i].Lane)
		}
	}
	return m.Home()
}

// refused ends a message whose part i will never be taken.
func (r *Router) refused(m *storage.Message, i int, se *SendError, now storage.Time) []*storage.Message {
	p := &m.Parts[i]
	p.State, p.Cause, p.Ended = storage.PartFailed, se.Cause, now
	m.Note(now, "refused", fmt.Sprintf("part %d of %d: %v", i+1, len(m.Parts), se.Err))
	state := storage.Undeliverable
	if m.Kind != storage.MT {
		state = storage.Rejected
	}
	return r.finish(m, state, se.Cause, se.Err.Error(), now)
}

// hopeless ends a message of which another part was reported as failed while part
// i was refused: it ends as that one did.
func (r *Router) hopeless(m *storage.Message, i int, se *SendError, now storage.Time) []*storage.Message {
	p := &m.Parts[i]
	p.State, p.Cause, p.Ended = storage.PartFailed, se.Cause, now
	m.Note(now, "refused", fmt.Sprintf("part %d of %d, and another part has failed: %v", i+1, len(m.Parts), se.Err))
	return r.weigh(m, now)
}

// later puts a message back that was refused for now.
func (run *laneRun) later(m *storage.Message, i int, se *SendError, now storage.Time) {
	p := &m.Parts[i]
	p.State = storage.PartWaiting
	p.Cause = se.Cause
	if se.Limit > 0 {
		p.Refused++
	}
	m.Reason = se.Err.Error()
	m.Note(now, "refused", fmt.Sprintf("part %d of %d for now: %v", i+1, len(m.Parts), se.Err))
	if run.Order != nil {
		return // it keeps its place: the lane knows for how long it waits
	}
	wait := run.waitOf(m, p, se)
	m.DueAt = run.r.after(now, wait)
	m.Queue = pinnedTo(m)
	if se.Limit > 0 && wait > 0 {
		run.r.away.hold(m.Home(), m.Dest.Addr, m.DueAt, m.Reason, now)
	}
}

// finish ends a message: the state is final, the money settled, the receipt
// made.
func (r *Router) finish(m *storage.Message, state storage.State, cause uint32, reason string, now storage.Time) []*storage.Message {
	if !move(m, state) {
		return nil
	}
	for i := range m.Parts {
		if p := &m.Parts[i]; p.State == storage.PartWaiting || p.State == storage.PartTrying {
			p.State, p.Ended = storage.PartFailed, now
		}
	}
	r.qualities.note(m, now)
	m.Cause, m.Reason = cause, reason
	m.EndedAt, m.DueAt = now, 0
	r.ends(m)
	m.Note(now, stateWord(state), reason)
	if state == storage.Expired || state == storage.Undeliverable {
		raise(m, now) // [SMPP34 5.3.2.29]
	}
	u, _ := r.db.User(m.User)
	settleMoney(m, u.Refund)
	if rc := r.receipt(m, now); rc != nil {
		m.Note(now, "receipt", "queued for user "+m.User)
		return r.toUser(rc)
	}
	return nil
}

// What a user gets back of a message that did not arrive, when that is not the
// whole of it.
const (
	refundParts  = "parts"  // what did not go out, or was reported as failed
	refundUnsent = "unsent" // what did not go out
)

// settleMoney spends what is held when the message went out, and refunds the rest as
// its user's setting says.
func settleMoney(m *storage.Message, refund string) {
	if n := len(m.Parts); n > 0 {
		m.Spent += m.Held * storage.Millicredits(charged(m, refund)) / storage.Millicredits(n)
	}
	m.Held = 0
}

// charged is how many parts of an ended message are paid for.
func charged(m *storage.Message, refund string) int {
	switch t := count(m.Parts); {
	case m.State == storage.Delivered, m.State == storage.Accepted:
		return len(m.Parts)
	case refund == refundUnsent:
		return t.left() + reportedFailed(m.Parts)
	case refund == refundParts, m.State == storage.Unknown:
		return t.left()
	}
	return 0
}

// reportedFailed counts the parts that went out and did not arrive. Those that the
// next hop refused did not go out.
func reportedFailed(parts []storage.Part) (n int) {
	for i := range parts {
		if p := &parts[i]; p.State == storage.PartFailed && p.Final != 0 {
			n++
		}
	}
	return n
}
