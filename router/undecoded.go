package router

import (
	"context"
	"errors"
	"time"

	"gsmgate/storage"
)

// keepUndecoded is for how long a PDU is kept that no client gets.
const keepUndecoded = 90 * 24 * time.Hour

// Undecoded keeps what came and goes to no client; see Inbox.
func (r *Router) Undecoded(ctx context.Context, u storage.Undecoded) error {
	return public(r.db.KeepUndecoded(ctx, u))
}

// ListUndecoded gives what came and went to no client, the newest first.
func (r *Router) ListUndecoded() []storage.Undecoded { return r.db.Undecoded() }

// RemoveUndecoded forgets one of them.
func (r *Router) RemoveUndecoded(ctx context.Context, id string) error {
	return public(r.db.RemoveUndecoded(ctx, id))
}

// forgetUndecoded removes those that are too old.
func (r *Router) forgetUndecoded(ctx context.Context) error {
	before := r.after(r.now(), -keepUndecoded)
	for _, u := range r.db.Undecoded() {
		if u.Last >= before {
			continue
		}
		if err := r.db.RemoveUndecoded(ctx, u.ID); err != nil && !errors.Is(err, storage.ErrNotFound) {
			return err
		}
	}
	return nil
}
