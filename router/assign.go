package router

import (
	"context"
	"fmt"

	"gsmgate/storage"
)

// unowned says whether m is an MO message that no user's address range held, and
// that nobody was given since.
func unowned(m *storage.Message) bool {
	return m.Kind == storage.MO && m.User == "" && !ended(m)
}

// Assign gives an MO message that no user owns to one. An *Error of code
// NotFound or Conflict says why not.
func (r *Router) Assign(ctx context.Context, id storage.ID, user string) error {
	if _, ok := r.db.User(user); !ok {
		return noUser(user)
	}
	c := make(chan error, 1)
	r.change(id, func(m *storage.Message, now storage.Time) ([]*storage.Message, error) {
		switch {
		case m.Kind != storage.MO:
			return nil, &Error{Code: Conflict, Field: "id", Message: "only a message that came in can be assigned"}
		case !unowned(m):
			return nil, &Error{Code: Conflict, Field: "id", Message: fmt.Sprintf("the message belongs to user %s, or has ended", m.User)}
		}
		m.Reason = ""
		m.Note(now, "assigned", "to user "+user+" by the operator")
		if twin := r.give(m, user, now); twin != nil {
			return []*storage.Message{twin}, nil
		}
		return nil, nil
	}, func(_ *storage.Message, err error) { c <- public(err) })
	select {
	case err := <-c:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// give puts an MO message into the queue of its user, see lead.
func (r *Router) give(m *storage.Message, user string, now storage.Time) (twin *storage.Message) {
	m.User = user
	m.ExpiresAt = r.after(now, r.keepFor(user))
	m.Deadline = m.ExpiresAt
	m.DueAt = now
	return r.lead(m)
}
