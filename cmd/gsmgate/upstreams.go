package main

import (
	"sync"

	"gsmgate/provisioning"
	"gsmgate/router/esmechan"
	"gsmgate/storage"
)

// upstreams are the providers' channels that run.
type upstreams struct {
	mu  sync.Mutex
	all map[string]*esmechan.Channel
}

// startUpstreams adds all channels that are set up. One that cannot be used does
// not keep the others from their work.
func (a *App) startUpstreams() {
	for _, c := range a.db.Channels() {
		if err := a.channelChanged(c.Name); err != nil {
			a.Log.Error("a channel cannot be started", "channel", c.Name, "err", err)
		}
	}
}

// channelChanged makes what runs of a channel what its record says.
func (a *App) channelChanged(name string) error {
	u := &a.upstreams
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.all[name] != nil {
		a.router.Remove(name)
		delete(u.all, name)
	}
	c, ok := a.db.Channel(name)
	if !ok || c.Disabled {
		return nil
	}
	ch, err := esmechan.New(esmechan.Config{Record: c, Log: a.Log.With("in", "upstream")})
	if err != nil {
		return err
	}
	if err := a.router.Add(ch); err != nil {
		return err
	}
	if u.all == nil {
		u.all = map[string]*esmechan.Channel{}
	}
	u.all[name] = ch
	return nil
}

// checkChannel says what is wrong with a record.
func checkChannel(c *storage.Channel) error { return esmechan.Check(c) }

// upstreamState shows how a channel stands; nil when it does not run.
func (a *App) upstreamState(name string) *provisioning.UpstreamState {
	a.upstreams.mu.Lock()
	ch := a.upstreams.all[name]
	a.upstreams.mu.Unlock()
	if ch == nil {
		return nil
	}
	st, n := ch.Status(), ch.Counts()
	s := &provisioning.UpstreamState{
		Ready: st.Ready, Reason: st.Reason, Limit: ch.Limit(), Binds: []provisioning.Bind{}, Sent: n.Sent, Refused: n.Refused, Throttled: n.Throttled,
		Unknown: n.Unknown, Receipts: n.Receipts, Unread: n.Unread, Received: n.Received,
	}
	for _, b := range ch.Binds() {
		bind := provisioning.Bind{Number: b.Number, Kind: b.Kind, Bound: b.Bound, Since: b.Since, Reason: b.Reason, InFlight: b.InFlight, Version: b.Version}
		if !b.RetryAt.IsZero() {
			bind.RetryAt = &b.RetryAt
		}
		s.Binds = append(s.Binds, bind)
	}
	return s
}
