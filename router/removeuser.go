package router

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"gsmgate/router/price"
	"gsmgate/storage"
)

const (
	removePage  = 256                    // messages that are read at a time
	removeEvery = 100 * time.Millisecond // how often what is being sent is looked at again
	removeFor   = time.Minute            // for how long
)

// RemoveUser takes a user away; its ledger stays. It is refused, an *Error of code
// Conflict, while messages of it have not ended or wait for it, and while it has
// credits or owes some. With force these messages end: what was not sent is
// DELETED and refunded, what was sent is paid by part as without a report, what
// waits for the user is DELETED; then what is left of its credits is written off.
// Its sessions are unbound, its address ranges are free.
func (r *Router) RemoveUser(ctx context.Context, name string, force bool) error {
	u, ok := r.db.User(name)
	if !ok {
		return noUser(name)
	}
	for _, route := range r.db.Routes() {
		if slices.Contains(route.Users, name) {
			return &Error{Code: Conflict, Field: "user", Message: fmt.Sprintf("route %s is for user %s", route.ID, name), Hint: "take it away first with gsmgate route remove"}
		}
	}
	if !force {
		if err := r.removable(ctx, name); err != nil {
			return err
		}
	}
	if err := r.closeUser(ctx, name); err != nil {
		return err
	}
	err := error(nil)
	if force {
		err = r.clearUser(ctx, name)
	}
	if err == nil {
		err = r.forgetUser(ctx, name)
	}
	if err != nil && !force { // something came in between: as it was
		err = errors.Join(err, r.changeUser(ctx, name, func(now *storage.User) error {
			now.Enabled, now.AddressRanges = u.Enabled, u.AddressRanges
			return nil
		}))
	}
	return public(err)
}

// closeUser lets nothing more come from a user or to it.
func (r *Router) closeUser(ctx context.Context, name string) error {
	return r.changeUser(ctx, name, func(u *storage.User) error {
		u.Enabled, u.AddressRanges = false, nil
		return nil
	})
}

// forgetUser removes a user of whom nothing is left.
func (r *Router) forgetUser(ctx context.Context, name string) error {
	r.users.Lock()
	defer r.users.Unlock()
	err := r.db.RemoveUser(context.WithoutCancel(ctx), name, UserQueue(name), CallbackQueue(name))
	switch {
	case errors.Is(err, storage.ErrMoney):
		return &Error{Code: Conflict, Field: "user", Message: fmt.Sprintf("user %s has credits", name), Err: err}
	case errors.Is(err, storage.ErrQueued):
		return waitsFor(name, r.waitFor(name))
	case err != nil:
		return err
	}
	r.learnUsers()
	r.known.Delete(name)
	r.door.guard.forgive(name)
	r.overflowed.Delete(name)
	return nil
}

const removeHint = "--force ends its messages and writes its credits off"

// removable says why a user cannot be removed as it stands.
func (r *Router) removable(ctx context.Context, name string) error {
	if n := r.waitFor(name); n > 0 {
		return waitsFor(name, n)
	}
	of, to := 0, 0
	err := r.eachOpen(ctx, name, func(m *storage.Message) error {
		if m.Kind == storage.MT {
			of++
		} else {
			to++
		}
		return nil
	})
	b, _ := r.db.Balance(name)
	switch {
	case err != nil:
		return err
	case of > 0:
		return &Error{Code: Conflict, Field: "user", Message: fmt.Sprintf("%s; %s credits are held", notEnded(name, of), price.Credits(b.Held)), Hint: removeHint}
	case to > 0:
		return waitsFor(name, to)
	case b.Available > 0:
		return &Error{Code: Conflict, Field: "user", Message: fmt.Sprintf("user %s has %s credits", name, price.Credits(b.Available)), Hint: "take them back with gsmgate user credit, or write them off with --force"}
	case b.Available < 0:
		return &Error{Code: Conflict, Field: "user", Message: fmt.Sprintf("user %s owes %s credits", name, price.Credits(-b.Available)), Hint: "enter the payment with gsmgate user credit, or write it off with --force"}
	}
	return nil
}

// waitFor is how many messages a user is to get yet, by each way.
func (r *Router) waitFor(name string) int {
	return r.db.Queued(UserQueue(name)) + r.db.Queued(CallbackQueue(name))
}

func waitsFor(name string, n int) *Error {
	return &Error{Code: Conflict, Field: "user", Message: fmt.Sprintf("%s for user %s to fetch", messages(n, "waits", "wait"), name), Hint: removeHint}
}

func notEnded(name string, n int) string {
	return fmt.Sprintf("user %s has %s", name, messages(n, "that has not ended", "that have not ended"))
}

func messages(n int, does, do string) string {
	if n == 1 {
		return "1 message " + does
	}
	return fmt.Sprintf("%d messages %s", n, do)
}

// eachOpen goes over the messages of a user, and to it, that have not ended.
func (r *Router) eachOpen(ctx context.Context, name string, do func(*storage.Message) error) error {
	for f := (storage.Filter{User: name, Limit: removePage}); ctx.Err() == nil; {
		ms, err := r.db.Messages(f)
		if err != nil || len(ms) == 0 {
			return err
		}
		for _, m := range ms {
			f.Before = m.ID
			if ended(m) {
				continue
			}
			if err := do(m); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

// clearUser ends the messages of a user that is closed, and writes its credits
// off. What is being sent at this moment is waited for.
func (r *Router) clearUser(ctx context.Context, name string) error {
	for began := r.o.Now(); ; {
		left := 0
		err := r.eachOpen(ctx, name, func(m *storage.Message) error {
			_, err := r.changeSync(m.ID, r.endForRemoval)
			if errors.Is(err, errStale) {
				left++
				err = nil
			}
			if errors.Is(err, storage.ErrNotFound) {
				err = nil
			}
			return err
		})
		switch {
		case err != nil:
			return err
		case left == 0:
			return r.writeOff(ctx, name)
		case r.o.Now().Sub(began) > removeFor:
			return &Error{Code: Conflict, Field: "user", Message: notEnded(name, left), Hint: "they are being sent; the user is disabled, try again later"}
		}
		if err := Pause(ctx, removeEvery); err != nil {
			return err
		}
	}
}

const isRemoved = "its user is removed"

// endForRemoval ends a message whose user goes: errStale while it is being sent.
func (r *Router) endForRemoval(m *storage.Message, now storage.Time) ([]*storage.Message, error) {
	if ended(m) {
		return nil, nil
	}
	m.RegisteredDelivery, m.DPF = 0, storage.DPFNone // nobody is there to be told
	if m.Kind == storage.MT && count(m.Parts).trying > 0 {
		if r.isAloft(m.ID) {
			return nil, errStale
		}
		if more, err := r.interrupted(m, now); err != nil || ended(m) {
			return more, err
		}
	}
	state := storage.Deleted
	switch t := count(m.Parts); {
	case m.Kind != storage.MT || t.left() == 0:
	case t.waiting > 0 && t.unknown == 0: // whoever has the first parts never gets the rest
		state = storage.Expired
	default:
		state = storage.Unknown
	}
	return r.finish(m, state, 0, isRemoved, now), nil
}

// isAloft says whether a lane is sending a part of the message.
func (r *Router) isAloft(id storage.ID) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for run := range r.lanes {
		run.mu.Lock()
		_, aloft := run.aloft[id]
		run.mu.Unlock()
		if aloft {
			return true
		}
	}
	return false
}

// mostWriteOff is what one entry of the ledger takes at most.
const mostWriteOff = 1_000_000_000_000 * storage.Credit

func (r *Router) writeOff(ctx context.Context, name string) error {
	for {
		b, err := r.db.Balance(name)
		if err != nil || b.Available == 0 {
			return err
		}
		amount := min(max(-b.Available, -mostWriteOff), mostWriteOff)
		if _, err := r.db.Grant(ctx, name, amount, "written off: the user is removed"); err != nil {
			return err
		}
	}
}
