package router

import (
	"context"
	"errors"
	"sync"

	"gsmgate/storage"
)

// retainPage is how many records are looked at in one round.
const retainPage = 20_000

// dropBody leaves of an ended message its record alone: what it said goes, what
// became of it stays.
func dropBody(m *storage.Message) {
	m.Text, m.Data, m.UDH, m.TLVs, m.Bare = "", nil, nil, nil, true
	if m.About != nil {
		m.About.Text = ""
	}
}

// ends gives an ended message its deadline: that of its body first.
func (r *Router) ends(m *storage.Message) {
	keep := r.o.Retention
	if t := r.o.TextRetention; t > 0 && t < keep {
		keep = t
	}
	m.Deadline = r.after(m.EndedAt, keep)
}

// outlives says whether the record of an ended message is kept, when the time of its
// body is over.
func (r *Router) outlives(m *storage.Message, asOf storage.Time) bool {
	return r.o.TextRetention > 0 && !m.Bare && r.after(m.EndedAt, r.o.Retention) > asOf
}

// strip drops the body of an ended message.
func (r *Router) strip(id storage.ID, done func(error)) {
	r.change(id, func(m *storage.Message, _ storage.Time) ([]*storage.Message, error) {
		if !ended(m) || m.Bare {
			return nil, errStale
		}
		dropBody(m)
		m.Deadline = r.after(m.EndedAt, r.o.Retention)
		return nil, nil
	}, func(_ *storage.Message, err error) {
		if errors.Is(err, errStale) {
			err = nil
		}
		done(err)
	})
}

// retention keeps ended messages within their numbers: so many with their bodies, so
// many at all, the newest ones. It looks at some of them each time.
type retention struct {
	r        *Router
	texts    storage.ID // up to here bodies were looked at, in this turn
	messages storage.ID // up to here messages were
}

func (k *retention) round(ctx context.Context) error {
	o := &k.r.o
	if o.RetentionCount == 0 && o.TextRetentionCount == 0 {
		return nil
	}
	newest, err := k.r.db.Messages(storage.Filter{Limit: 1})
	if err != nil || len(newest) == 0 {
		return err
	}
	last := newest[0].ID
	if err := k.sweep(ctx, &k.texts, last, o.TextRetentionCount, k.r.strip); err != nil {
		return err
	}
	return k.sweep(ctx, &k.messages, last, o.RetentionCount, k.r.remove)
}

// sweep does something with ended messages that are not among the last most, from a
// place on; at the end it begins anew.
func (k *retention) sweep(ctx context.Context, at *storage.ID, last storage.ID, most int, do func(storage.ID, func(error))) error {
	if most == 0 || last < storage.FirstID+storage.ID(most) {
		return nil
	}
	for looked := 0; looked < retainPage && ctx.Err() == nil; looked += overdueBatch {
		ids, next, err := k.r.db.Ended(*at, last-storage.ID(most), overdueBatch)
		if err != nil {
			return err
		}
		var all sync.WaitGroup
		for _, id := range ids {
			all.Add(1)
			do(id, func(err error) {
				if err != nil {
					k.r.log.Debug("an old message stays for now", "id", id, "err", err)
				}
				all.Done()
			})
		}
		all.Wait()
		if *at = next; next == 0 {
			return nil
		}
	}
	return ctx.Err()
}
