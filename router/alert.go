package router

import (
	"context"
	"errors"
	"time"

	"gsmgate/storage"
)

const (
	alertBatch = 256              // alerts to one user in one go
	alertEvery = 10 * time.Second // how often a client that could not take an alert is tried again
)

// Alert is what a client hears when a recipient can be reached again: an
// alert_notification [SMPP34 4.12].
type Alert struct {
	User    string
	Session string          // the one that asked
	Source  storage.Address // the recipient that could not be reached
	ESME    storage.Address // the source of the message that did not arrive
}

// OnAlert says who sends alerts. f gives false when no session of the user can
// take one now: it gets it again later. It must not block.
func (r *Router) OnAlert(f func(Alert) bool) {
	r.flags.mu.Lock()
	defer r.flags.mu.Unlock()
	r.flags.send = f
}

// AlertsTo has the alerts that wait for a user tried: it has a session that may
// take them.
func (r *Router) AlertsTo(user string) {
	f := r.flags
	if f.raised.Load() == 0 {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if u := f.users[user]; u != nil && u.owed.Len() > 0 {
		f.tryNow(user)
	}
}

// watchFlags sends alerts.
func (r *Router) watchFlags(ctx context.Context) error {
	t := time.NewTicker(alertEvery)
	defer t.Stop()
	for {
		select {
		case <-r.flags.wake:
		case <-t.C:
			r.flags.tryAll()
		case <-ctx.Done():
			return ctx.Err()
		}
		for user := r.flags.next(); user != "" && ctx.Err() == nil; user = r.flags.next() {
			r.flags.tell(user)
		}
	}
}

// tryAll has everybody tried who is owed an alert.
func (f *flags) tryAll() {
	if f.raised.Load() == 0 {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for user, u := range f.users {
		if u.owed.Len() > 0 {
			f.try[user] = struct{}{}
		}
	}
}

func (f *flags) next() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	for user := range f.try {
		delete(f.try, user)
		return user
	}
	return ""
}

// batch gives copies of the next flags that are owed to a user, and who sends
// the alerts; nil when nobody does.
func (f *flags) batch(user string) (batch []flag, send func(Alert) bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	u := f.users[user]
	if u == nil {
		return nil, nil
	}
	for e := u.owed.Front(); e != nil && len(batch) < alertBatch; e = e.Next() {
		batch = append(batch, *e.Value.(*flag))
	}
	return batch, f.send
}

// tell sends a user some of the alerts that it is owed. Those that were sent are
// lowered after it: when the gateway dies in between, one may come twice. When
// none can be sent that they are owed goes to disk.
func (f *flags) tell(user string) {
	batch, send := f.batch(user)
	var told []storage.ID
	for i := range batch {
		m, err := f.r.db.Message(batch[i].id)
		switch {
		case errors.Is(err, storage.ErrNotFound) || err == nil && !m.DPF.Raised():
			f.forget(batch[i].id)
			continue
		case err == nil && send != nil && send(batch[i].alert):
			told = append(told, batch[i].id)
			continue
		}
		f.lowerTold(told)
		f.storeOwed(user)
		return
	}
	f.lowerTold(told)
	if len(batch) == alertBatch {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.tryNow(user) // others first
	}
}

// lowerTold lowers what was told. It is forgotten first, also should the commit
// fail: rather told again after a restart than in a loop.
func (f *flags) lowerTold(ids []storage.ID) {
	if len(ids) == 0 {
		return
	}
	for _, id := range ids {
		f.forget(id)
	}
	f.failed(f.edit(ids, func(m *storage.Message, now storage.Time) {
		lower(m)
		m.Note(now, "alert", "user "+m.User+" was told that the recipient can be reached")
	}))
}

// storeOwed writes down which alerts wait for the user, some at a time.
func (f *flags) storeOwed(user string) {
	for {
		ids := f.notStored(user)
		if len(ids) == 0 {
			return
		}
		f.failed(f.edit(ids, func(m *storage.Message, _ storage.Time) { m.DPF = storage.DPFOwed }))
	}
}

// notStored marks what it gives as stored: should that fail, the recipient is
// waited for again after a restart.
func (f *flags) notStored(user string) (ids []storage.ID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	u := f.users[user]
	if u == nil {
		return nil
	}
	for e := u.owed.Front(); e != nil && len(ids) < chunk; e = e.Next() {
		if fl := e.Value.(*flag); !fl.stored {
			fl.stored = true
			ids = append(ids, fl.id)
		}
	}
	return ids
}

// edit changes messages and waits for the commit.
func (f *flags) edit(ids []storage.ID, fn func(*storage.Message, storage.Time)) error {
	c := make(chan error, 1)
	f.change(ids, fn, func(err error) { c <- err })
	return <-c
}

func (f *flags) change(ids []storage.ID, fn func(*storage.Message, storage.Time), done func(error)) {
	f.r.changeMany(ids, func(m *storage.Message, now storage.Time) ([]*storage.Message, error) {
		if !m.DPF.Raised() {
			return nil, storage.ErrSkip
		}
		fn(m, now)
		return nil, nil
	}, func(_ []*storage.Message, err error) { done(err) })
}

// lowerAll lowers flags for which there is no place. It does not wait.
func (f *flags) lowerAll(ids []storage.ID) {
	if len(ids) > 0 {
		f.change(ids, func(m *storage.Message, _ storage.Time) { lower(m) }, f.failed)
	}
}

func (f *flags) failed(err error) {
	if err != nil && !errors.Is(err, storage.ErrClosed) {
		f.r.log.Error("delivery pending flags cannot be stored", "err", err)
	}
}
