package router

import (
	"context"

	"gsmgate/storage"
)

// diverted is how far a queue was looked through for what goes another way now.
type diverted struct {
	way string // the user's settings then
	at  storage.DueKey
}

// divertSlack is how long, in milliseconds, a message may take from when its way
// was chosen until it is stored.
const divertSlack = 60_000

// stays says whether what is of a kind may stay in a queue of the user.
func stays(u *storage.User, queue string, k storage.Kind) bool {
	smpp, callback := outlets(u, k)
	return smpp && queue == UserQueue(u.SystemID) || callback && queue == CallbackQueue(u.SystemID)
}

// divert moves what waits for a user by a way that it does not want any more. A
// user that is not there wants nothing else.
func (k *keeper) divert(ctx context.Context, queue, user string) error {
	u, ok := k.r.db.User(user)
	if !ok || stays(&u, queue, storage.MO) && stays(&u, queue, storage.Receipt) {
		delete(k.diverted, queue)
		return nil
	}
	way := Deliver(&u) + " " + u.CallbackFor
	d := k.diverted[queue]
	if d.way != way {
		d = diverted{way: way}
	}
	at, firm := storage.DueKey{At: max(0, d.at.At-divertSlack)}, true
	for ctx.Err() == nil {
		entries, _, err := k.r.db.Due(queue, k.r.now(), at, keepBatch)
		if err != nil {
			return err
		}
		if len(entries) == 0 {
			break
		}
		at = entries[len(entries)-1]
		all := k.divertSome(&u, queue, entries)
		if firm = firm && all; firm {
			d.at = at
		}
	}
	k.diverted[queue] = d
	return nil
}

// divertSome moves what is to go another way among some messages. all: there was
// none that is on its way, to be looked at again.
func (k *keeper) divertSome(u *storage.User, queue string, entries []storage.DueEntry) (all bool) {
	all = true
	var ids []storage.ID
	run := k.r.laneOf(queue)
	for _, e := range entries {
		m, err := k.r.db.Message(e.ID)
		switch {
		case err != nil || stays(u, queue, m.Kind):
		case run != nil && run.line != nil && run.line.onItsWay(e.ID):
			all = false
		default:
			ids = append(ids, e.ID)
		}
	}
	k.changeAll(ids, queue, k.r.otherWay)
	return all
}

// otherWay puts a message where its user wants it now. One that has a twin there
// is of no more use.
func (r *Router) otherWay(m *storage.Message, now storage.Time) ([]*storage.Message, error) {
	u, _ := r.db.User(m.User)
	if stays(&u, m.Queue, m.Kind) {
		return nil, errStale // it was changed back
	}
	other, by := UserQueue(m.User), "SMPP"
	if m.Queue == other {
		other, by = CallbackQueue(m.User), "callback"
	}
	if m.Twinned {
		return r.finish(m, storage.Deleted, 0, "user "+m.User+" gets it by "+by+" only", now), nil
	}
	m.Queue, m.Reason = other, ""
	m.Note(now, "route", "by "+by+" now")
	return nil, nil
}
