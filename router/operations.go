package router

import (
	"context"
	"slices"
	"strings"

	"gsmgate/storage"
)

// Pick names messages as a client does. They are of its user; a nil field says
// nothing about them. Of addresses the characters count, and a + at the start
// means nothing.
type Pick struct {
	User         string
	ID           storage.ID // message_id: of one message, or of all of a submit_multi; 0: by the addresses
	Source, Dest *string
	DestTON      uint8 // type of number of Dest: in a region it says how that is read
	ServiceType  *string
}

// fits says whether m is one of those.
func (p *Pick) fits(m *storage.Message) bool {
	return m.Kind == storage.MT && m.User == p.User &&
		(p.ID == 0 || m.ClientID() == p.ID) &&
		(p.Source == nil || plain(*p.Source) == plain(m.Source.Addr)) &&
		(p.Dest == nil || plain(*p.Dest) == plain(m.Dest.Addr)) &&
		(p.ServiceType == nil || *p.ServiceType == m.ServiceType)
}

// untouched says whether nothing of the message is under way: only then it may
// be cancelled or replaced. An attempt is on disk before it is made, so that
// inside a change there is no doubt.
func untouched(m *storage.Message) bool {
	return !ended(m) && count(m.Parts).waiting == len(m.Parts)
}

// Standing is how a message stands, or all of a submit_multi.
type Standing struct {
	State   storage.State
	Cause   uint32       // the network's, 0 when there is none
	EndedAt storage.Time // 0: it has not ended
}

// Standing tells how the messages of one message_id stand. An *Error of code
// NotFound says that there are none.
func (r *Router) Standing(p Pick) (Standing, error) {
	ms, err := r.db.Batch(p.ID)
	ms = slices.DeleteFunc(ms, func(m *storage.Message) bool { return !p.fits(m) })
	if err == nil && len(ms) == 0 {
		err = storage.ErrNotFound
	}
	if err != nil {
		return Standing{}, public(err)
	}
	return standing(ms, r.now()), nil
}

// worst is the order in which the end of a whole is chosen among those of its
// messages.
func worst() []storage.State {
	return []storage.State{storage.Undeliverable, storage.Rejected, storage.Expired, storage.Deleted, storage.Unknown, storage.Accepted, storage.Delivered}
}

// standing sums up. A whole has not ended while one of its messages has not;
// then its end is that of the one which fared worst, at the time of the last
// one. What has not ended is SCHEDULED while all of it is, else ENROUTE: also a
// message that may have been sent and may yet be settled by a report.
func standing(ms []*storage.Message, now storage.Time) Standing {
	s := Standing{State: storage.Scheduled}
	if slices.ContainsFunc(ms, func(m *storage.Message) bool { return !ended(m) }) {
		for _, m := range ms {
			if m.State != storage.Scheduled || m.DueAt <= now {
				s.State = storage.Enroute
			}
			if s.Cause == 0 && !ended(m) {
				s.Cause = causeOf(m)
			}
		}
		return s
	}
	rank := func(m *storage.Message) int { return slices.Index(worst(), m.State) }
	last := slices.MinFunc(ms, func(a, b *storage.Message) int { return rank(a) - rank(b) })
	s.State, s.Cause = last.State, last.Cause
	for _, m := range ms {
		s.EndedAt = max(s.EndedAt, m.EndedAt)
	}
	return s
}

// causeOf is why a message that has not ended was refused for now.
func causeOf(m *storage.Message) uint32 {
	for i := range m.Parts {
		if c := m.Parts[i].Cause; c != 0 {
			return c
		}
	}
	return m.Cause
}

// changePending is changeMany for those of the messages that p picks and of
// which nothing has been sent. What was found in the index and will not be
// pending again leaves it.
func (r *Router) changePending(p *Pick, ids []storage.ID, fn func(*storage.Message, storage.Time) ([]*storage.Message, error), done func([]*storage.Message, error)) {
	gone := map[storage.ID]bool{}
	for _, id := range ids {
		gone[id] = true
	}
	r.changeMany(ids, func(m *storage.Message, now storage.Time) (more []*storage.Message, err error) {
		if err = storage.ErrSkip; p.fits(m) && untouched(m) {
			more, err = fn(m, now)
		}
		if !ended(m) && count(m.Parts).left() == 0 {
			delete(gone, m.ID)
		}
		return more, err
	}, func(ms []*storage.Message, err error) {
		if err == nil && p.ID == 0 {
			r.pending.forget(p.User, r.pending.key(p.User, *p.Source, *p.Dest), gone)
		}
		done(ms, err)
	})
}

// chunk is how many messages one change takes at most: others want their turn.
const chunk = 256

// Cancel ends the messages of p of which nothing has been sent: DELETED, the
// credits given back, a receipt where one was asked for. By addresses p has to
// name both. done gets how many there were; none is an *Error of code NotFound
// or Conflict. It is called once, after the commits, by any goroutine.
func (r *Router) Cancel(p Pick, done func(n int, err error)) {
	r.asSent(&p)
	if p.ID != 0 {
		ms, err := r.db.Batch(p.ID)
		if err != nil {
			done(0, public(err))
			return
		}
		r.cancel(&p, idsOf(ms), 0, done)
		return
	}
	if p.Source == nil || p.Dest == nil {
		done(0, invalid("source", "without a message_id both addresses are needed", ""))
		return
	}
	r.pending.find(p.User, r.pending.key(p.User, *p.Source, *p.Dest), func(ids []storage.ID, err error) {
		if err != nil {
			done(0, public(err))
			return
		}
		r.cancel(&p, ids, 0, done)
	})
}

func idsOf(ms []*storage.Message) (ids []storage.ID) {
	for _, m := range ms {
		ids = append(ids, m.ID)
	}
	return ids
}

// cancel takes the next messages, and itself again when they are on disk; n are
// cancelled.
func (r *Router) cancel(p *Pick, ids []storage.ID, n int, done func(int, error)) {
	if len(ids) == 0 {
		var err error
		if n == 0 {
			err = &Error{Code: Conflict, Message: "there is no such message that could still be cancelled"}
		}
		done(n, err)
		return
	}
	some := min(len(ids), chunk)
	r.changePending(p, ids[:some], func(m *storage.Message, now storage.Time) ([]*storage.Message, error) {
		return r.finish(m, storage.Deleted, 0, "cancelled by its client", now), nil
	}, func(ms []*storage.Message, err error) {
		if err != nil {
			done(n, public(err))
			return
		}
		r.cancel(p, ids[some:], n+len(ms), done)
	})
}

// CancelOne ends one message in the name of the operator, by its own ID, under
// the rules of Cancel.
func (r *Router) CancelOne(ctx context.Context, id storage.ID) error {
	c := make(chan error, 1)
	r.changeMany([]storage.ID{id}, func(m *storage.Message, now storage.Time) ([]*storage.Message, error) {
		if m.Kind != storage.MT || !untouched(m) {
			return nil, &Error{Code: Conflict, Field: "id", Message: "the message has been sent, or has ended", Hint: "gsmgate message ID shows how it stands"}
		}
		return r.finish(m, storage.Deleted, 0, "cancelled by the operator", now), nil
	}, func(ms []*storage.Message, err error) {
		if err == nil && len(ms) == 0 {
			err = storage.ErrNotFound
		}
		c <- public(err)
	})
	select {
	case err := <-c:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Replacement is what a client wants of a message that has not been sent yet.
type Replacement struct {
	DueAt, ExpiresAt   storage.Time // 0: as they are
	RegisteredDelivery uint8
	Size               int // octets of the new user data
	// Body puts the new user data into a message, by the rules of its
	// data_coding. It runs inside the commit: it must be short.
	Body func(m *storage.Message) error
}

// Replace changes the messages of p.ID of which nothing has been sent, all of
// them or none: they keep their message_id and are routed and priced anew. None
// is an *Error of code NotFound or Conflict; other errors are those of Submit
// and of Body. done is called once, after the commit, by any goroutine.
func (r *Router) Replace(p Pick, c Replacement, done func(error)) {
	ms, err := r.db.Batch(p.ID)
	if err == nil && c.Size*len(ms) > MostBatch {
		err = invalid("text", "the text is too long for so many destinations", "")
	}
	if err != nil {
		done(public(err))
		return
	}
	r.guide() // made here: the commit must not read the store
	r.changePending(&p, idsOf(ms), func(m *storage.Message, now storage.Time) ([]*storage.Message, error) {
		return nil, r.replace(m, &c, now)
	}, func(ms []*storage.Message, err error) {
		if err == nil && len(ms) == 0 {
			err = &Error{Code: Conflict, Message: "there is no such message that could still be replaced"}
		}
		done(public(err))
	})
}

func (r *Router) replace(m *storage.Message, c *Replacement, now storage.Time) error {
	if err := c.Body(m); err != nil {
		return err
	}
	m.RegisteredDelivery = c.RegisteredDelivery
	m.ExpiresAt = orDefault(c.ExpiresAt, m.ExpiresAt)
	if c.DueAt != 0 {
		m.DueAt = c.DueAt
	}
	u, _ := r.db.User(m.User)
	line, err := r.route(m, &u)
	if err != nil {
		return err
	}
	state, due := m.State, m.DueAt
	if err := r.schedule(m, now); err != nil {
		return err
	}
	if c.DueAt == 0 { // also one that waits after a refusal
		m.State, m.DueAt = state, due
	}
	m.Reason = ""
	r.noteReplaced(m, line, now)
	return nil
}

// SubmitReplacing is Submit for replace_if_present: when the user has a message
// pending with the same source, destination and service_type, the newest such
// one becomes m and keeps its message_id, which done gets. Those for the same
// addresses are taken one after the other.
func (r *Router) SubmitReplacing(m *storage.Message, done func(storage.ID, error)) {
	if err := r.fillMT(m, true); err != nil {
		done(0, err)
		return
	}
	key := r.pending.keyOf(m)
	finish := func(id storage.ID, err error) {
		r.turns.give(key)
		done(id, err)
	}
	r.turns.take(key, func() {
		r.pending.find(m.User, key, func(ids []storage.ID, err error) {
			if err != nil {
				finish(0, public(err))
				return
			}
			r.submitOver(ids, m, finish)
		})
	})
}

// submitOver puts m in the place of the newest of the candidates that is
// pending, or stores it as a new message.
func (r *Router) submitOver(ids []storage.ID, m *storage.Message, done func(storage.ID, error)) {
	if len(ids) == 0 {
		r.accept(m, done)
		return
	}
	const few = 8 // the newest is nearly always the one
	rest, newest := ids[:max(0, len(ids)-few)], slices.Clone(ids[max(0, len(ids)-few):])
	slices.Reverse(newest)
	pick := Pick{User: m.User, Source: &m.Source.Addr, Dest: &m.Dest.Addr, ServiceType: &m.ServiceType}
	replaced := false
	r.changePending(&pick, newest, func(old *storage.Message, now storage.Time) ([]*storage.Message, error) {
		if replaced {
			return nil, storage.ErrSkip
		}
		replaced = true
		r.takePlace(m, old, now)
		return nil, nil
	}, func(ms []*storage.Message, err error) {
		switch {
		case err != nil:
			done(0, public(err))
		case len(ms) > 0:
			done(ms[0].ClientID(), nil)
		default:
			r.submitOver(rest, m, done)
		}
	})
}

// takePlace makes old what m is, but for its ID and its past.
func (r *Router) takePlace(m, old *storage.Message, now storage.Time) {
	was := *old
	*old = *m
	old.ID, old.Batch, old.AcceptedAt, old.Events = was.ID, was.Batch, was.AcceptedAt, was.Events
	line := ""
	if n := len(m.Events); n > 0 { // how it was routed
		_, line, _ = strings.Cut(m.Events[n-1].Text, "; ")
	}
	r.noteReplaced(old, []byte(line), now)
}

func (r *Router) noteReplaced(m *storage.Message, line []byte, now storage.Time) {
	m.Notices, m.Noticed = 0, ""
	m.Note(now, "replaced", "by its client: "+routed(m, line))
}
