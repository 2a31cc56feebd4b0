package router

import (
	"context"
	"fmt"

	"gsmgate/storage"
)

// ChannelRecords lists the channels that somebody has set up, by name.
func (r *Router) ChannelRecords() []storage.Channel { return r.db.Channels() }

// ChannelRecord gives one of them. An *Error of code NotFound says that there is
// none.
func (r *Router) ChannelRecord(name string) (storage.Channel, error) {
	c, ok := r.db.Channel(name)
	if !ok {
		return c, noChannel(name)
	}
	return c, nil
}

func noChannel(name string) *Error {
	return &Error{Code: NotFound, Field: "name", Message: "no channel " + name, Hint: "gsmgate channel list shows all channels"}
}

// PutChannel stores a channel that is to be added, or another record of one. Who
// has made it of the record starts it anew.
func (r *Router) PutChannel(ctx context.Context, c storage.Channel, create bool) error {
	if err := checkName(c.Name); err != nil {
		return err
	}
	r.users.Lock()
	defer r.users.Unlock()
	old, exists := r.db.Channel(c.Name)
	switch {
	case exists && create, !exists && r.named(c.Name), c.Name == "gsm", c.Name == "user":
		return &Error{Code: Conflict, Field: "name", Message: fmt.Sprintf("there is a channel %s already", c.Name), Hint: "choose another name"}
	case !exists && !create:
		return noChannel(c.Name)
	}
	c.Created = old.Created
	if create {
		c.Created = r.now()
	}
	return public(r.db.PutChannel(context.WithoutCancel(ctx), c, create))
}

// named says whether a channel is registered under that name.
func (r *Router) named(name string) bool {
	for _, ch := range r.channels.all() {
		if ch.Name() == name {
			return true
		}
	}
	return false
}

// RemoveChannel forgets the record of a channel. What waits in its queue goes by
// others, as its routes have them.
func (r *Router) RemoveChannel(ctx context.Context, name string) error {
	if _, ok := r.db.Channel(name); !ok {
		return noChannel(name)
	}
	return public(r.db.RemoveChannel(context.WithoutCancel(ctx), name))
}
