package router

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode"

	"gsmgate/storage"
)

// Submit takes a message that entered by a channel; see Inbox.
func (r *Router) Submit(m *storage.Message, done func(storage.ID, error)) {
	var err error
	switch m.Kind {
	case storage.MT:
		err = r.fillMT(m, false)
	case storage.MO:
		r.fillMO(m, r.now())
	default:
		err = fmt.Errorf("kind %d cannot be submitted", m.Kind)
	}
	if err != nil {
		done(0, err)
		return
	}
	r.accept(m, done)
}

// accept stores a message that is filled in. It belongs to the store until the
// done function is called.
func (r *Router) accept(m *storage.Message, done func(storage.ID, error)) {
	r.db.Accept(m, func(id storage.ID, err error) {
		if err == nil {
			r.accepted(m)
		}
		done(id, r.notTaken(m, err))
	})
}

// accepted tells those who must know of a message that was stored, before its
// client does.
func (r *Router) accepted(m *storage.Message) {
	if m.Kind == storage.MO {
		r.flags.reached(m.Source)
		r.heard(m)
	}
	r.pending.accepted(m)
	r.awakeBoth(m)
}

// MostBatch is how many octets the user data of one submit_multi may come to over
// all its messages: they are written in one commit, for which others wait.
const MostBatch = 2 << 20

// SubmitBatch takes the messages of one submit_multi. Each is taken or refused
// for itself; ids and errs have an entry for each, an ID is 0 where there is an
// error. Those that are taken are known to the client by the ID of the first, see
// storage.Message.ClientID. The rules are those of Submit.
func (r *Router) SubmitBatch(ms []*storage.Message, done func(ids []storage.ID, errs []error)) {
	ids, errs := make([]storage.ID, len(ms)), make([]error, len(ms))
	var good []*storage.Message
	var places []int
	for i, m := range ms {
		if errs[i] = r.fillMT(m, false); errs[i] == nil {
			good, places = append(good, m), append(places, i)
		}
	}
	if len(good) == 0 {
		done(ids, errs)
		return
	}
	r.db.AcceptBatch(good, func(stored []storage.ID, refused []error) {
		for i, place := range places {
			ids[place], errs[place] = stored[i], r.notTaken(good[i], refused[i])
			if refused[i] == nil {
				r.accepted(good[i])
			}
		}
		done(ids, errs)
	})
}

// SubmitSync is Submit for callers that have nothing else to do.
func (r *Router) SubmitSync(ctx context.Context, m *storage.Message) (storage.ID, error) {
	type answer struct {
		id  storage.ID
		err error
	}
	c := make(chan answer, 1)
	r.Submit(m, func(id storage.ID, err error) { c <- answer{id, err} })
	select {
	case a := <-c:
		return a.id, a.err
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// fillMT routes and prices an MT message. One that may replace another needs no room:
// should it be a new one after all, the commit looks.
func (r *Router) fillMT(m *storage.Message, replaces bool) error {
	u, ok := r.db.User(m.User)
	switch {
	case !ok:
		return &Error{Code: NotFound, Field: "user", Message: fmt.Sprintf("no user %s", m.User)}
	case !u.Enabled:
		return &Error{Code: Denied, Field: "user", Message: fmt.Sprintf("user %s is disabled", m.User), Hint: "enable it with gsmgate user set NAME --enable"}
	}
	if err := checkDestination(m.Dest.Addr); err != nil {
		return err
	}
	m.Dest = r.normalise(&u, m.Dest)
	if err := r.rules.Load().check(m); err != nil {
		return err
	}
	now := r.now()
	m.AcceptedAt, m.National = now, nationalID(u.National)
	if u.AnyOrder {
		m.Turn = storage.TurnAny
	}
	line, err := r.route(m, &u)
	if err != nil {
		return err
	}
	if err := r.schedule(m, now); err != nil {
		return err
	}
	m.Note(now, "route", routed(m, line))
	if err := r.findRoom(m, &u, replaces, now); err != nil {
		return err
	}
	r.prefer(m, now)
	return nil
}

// mostAhead is how far in the future a message may be scheduled, and how long
// after that it may be valid.
const mostAhead = 400 * 24 * time.Hour

// schedule sets state and times of a message that is to go at DueAt, which 0
// and what is past make now. Without an ExpiresAt it is valid for the default
// time, and never longer than mostAhead.
func (r *Router) schedule(m *storage.Message, now storage.Time) error {
	if m.DueAt > r.after(now, mostAhead) {
		return invalid("schedule_delivery_time", "the message is scheduled more than 400 days ahead", "")
	}
	if m.State = storage.Scheduled; m.DueAt <= now { // else schedule_delivery_time is still to come
		m.State, m.DueAt = storage.Enroute, now
	}
	if m.ExpiresAt == 0 {
		m.ExpiresAt = r.after(m.DueAt, r.o.Validity)
	}
	if m.ExpiresAt <= m.DueAt {
		return invalid("validity_period", "the validity period is over before the message could be sent", "")
	}
	m.ExpiresAt = min(m.ExpiresAt, r.after(m.DueAt, mostAhead))
	m.Deadline = m.ExpiresAt
	return nil
}

// checkDestination wants 1 to 20 dialling digits, with or without a +.
func checkDestination(addr string) error {
	digits := strings.TrimPrefix(addr, "+")
	if strings.ContainsFunc(digits, unicode.IsLetter) { // [23.040 9.1.2.5] could say it, and no network takes it
		return invalid("dest", "a name cannot be sent to", "use digits, +31612345678 or a short code")
	}
	if digits == "" || len(digits) > 20 || strings.Trim(digits, "0123456789*#") != "" {
		return invalid("dest", "the destination is not a telephone number", "use digits, +31612345678 or a short code")
	}
	return nil
}

// fillMO finds the owner of an MO message. Without one it is kept and shown.
func (r *Router) fillMO(m *storage.Message, now storage.Time) {
	m.Kind = storage.MO
	m.AcceptedAt = now
	m.State = storage.Enroute
	m.Parts = []storage.Part{{}}
	m.ExpiresAt = r.after(now, r.o.Retention)
	m.Deadline = m.ExpiresAt
	if !r.dropped(m, now) {
		r.own(m, now)
	}
}

// own gives an MO message to the user whose address range holds its destination.
// What nobody's does but that of all is first for who is answered.
func (r *Router) own(m *storage.Message, now storage.Time) {
	user, all, ok := r.owners.Load().of(m.Dest)
	why := " by address range"
	if all || !ok {
		if writer := r.answered(m, now); writer != "" {
			user, ok, why = writer, true, ", which wrote to its sender last"
		}
	}
	if !ok {
		m.Reason = fmt.Sprintf("no user owns the address %s", orDefault(m.Dest.Addr, "of this SIM, which has no number"))
		return
	}
	m.Note(now, "route", "to user "+user+why)
	m.Twin = r.give(m, user, now)
}

// UserQueue is the queue of what a user is to get: MO and receipts.
func UserQueue(systemID string) string { return "user:" + systemID }

// Segment takes one part of a long MO message; see Inbox.
func (r *Router) Segment(s storage.Segment, assemble Assemble, done func(error)) {
	var made storage.Message
	r.db.Segment(s, r.assembled(assemble, &made), func(id storage.ID, err error) {
		if err == nil {
			r.flags.reached(s.Source)
		}
		if err == nil && id != 0 {
			r.heard(&made)
			r.awakeBoth(&made)
		}
		done(public(err))
	})
}

// Stale puts together what came of old long messages; see Inbox.
func (r *Router) Stale(ctx context.Context, mine func(lane string) bool, before time.Time, assemble Assemble) error {
	for ctx.Err() == nil {
		sets, err := r.db.StaleSegments(mine, storage.TimeOf(before), 64)
		if err != nil || len(sets) == 0 {
			return err
		}
		for _, set := range sets {
			if err := r.stale(ctx, set, assemble); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

func (r *Router) stale(ctx context.Context, set []storage.Segment, assemble Assemble) error {
	var made storage.Message
	c := make(chan error, 1)
	r.db.AssembleStale(set[0], r.assembled(assemble, &made), func(_ storage.ID, err error) {
		if err == nil {
			r.awakeBoth(&made)
		}
		c <- err
	})
	select {
	case err := <-c:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// assembled wraps assemble so that its message is routed in the same commit,
// and copies it to *made for the done function.
func (r *Router) assembled(assemble Assemble, made *storage.Message) func([]storage.Segment) (*storage.Message, error) {
	return func(set []storage.Segment) (*storage.Message, error) {
		m, err := assemble(set)
		if err != nil {
			return nil, err
		}
		r.fillMO(m, r.now())
		*made = *m
		return m, nil
	}
}

// awakeBoth is awake for a new message and its twin.
func (r *Router) awakeBoth(m *storage.Message) {
	r.awake(spotOf(m))
	if m.Twin != nil {
		r.awake(spotOf(m.Twin))
	}
}

// spot is where a message waits.
type spot struct {
	queue         string
	flow          storage.Flow
	due, deadline storage.Time
}

func spotOf(m *storage.Message) spot {
	s := spot{m.Queue, m.Flow(), m.DueAt, m.Deadline}
	if m.Turn == storage.TurnBehind {
		s.due = 0 // when its turn comes
	}
	return s
}

// awake tells the queue and the deadline worker of a message that was stored.
func (r *Router) awake(s spot) {
	if s.due != 0 {
		r.queue(s.queue).kick(s.flow, s.due)
	}
	r.soonest(s.deadline)
}
