package router

import (
	"slices"
	"strings"

	"gsmgate/storage"
)

// CallbackQueue is the queue of what is to be posted to a user's callback.
func CallbackQueue(systemID string) string { return "callback:" + systemID }

// userOf gives the user whose queue it is; ok is false for one of messages to
// handsets.
func userOf(queue string) (user string, ok bool) {
	for _, prefix := range []string{UserQueue(""), CallbackQueue("")} {
		if user, ok = strings.CutPrefix(queue, prefix); ok {
			return user, true
		}
	}
	return "", false
}

// outlets says by which ways a user gets messages of a kind: one of them, or
// both.
func outlets(u *storage.User, k storage.Kind) (smpp, callback bool) {
	way := Deliver(u)
	if u.Callback == "" || way == "smpp" || k == storage.MO && u.CallbackFor == "receipts" || k == storage.Receipt && u.CallbackFor == "mo" {
		return true, false
	}
	return way == "both", true
}

// lead puts what a user is to get into the queue of its way. Of a user that
// wants it both ways the record for the other one is given, else nil.
func (r *Router) lead(m *storage.Message) (twin *storage.Message) {
	u, _ := r.db.User(m.User)
	smpp, callback := outlets(&u, m.Kind)
	if m.Queue = UserQueue(m.User); !smpp {
		m.Queue = CallbackQueue(m.User)
	}
	if m.Twinned = smpp && callback; !m.Twinned {
		return nil
	}
	other := *m
	other.ID, other.Queue, other.Dedupe = 0, CallbackQueue(m.User), nil // whoever sends it twice meets the first one
	other.Parts, other.Events = slices.Clone(m.Parts), slices.Clone(m.Events)
	return &other
}

// toUser is lead for a message that is stored with another one: it gives all that
// is to be stored.
func (r *Router) toUser(m *storage.Message) []*storage.Message {
	if twin := r.lead(m); twin != nil {
		return []*storage.Message{m, twin}
	}
	return []*storage.Message{m}
}
