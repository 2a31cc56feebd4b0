package main

import (
	"sync"

	"gsmgate/provisioning"
	"gsmgate/router"
	"gsmgate/router/esmechan"
	"gsmgate/router/httpchan"
	"gsmgate/router/loopchan"
	"gsmgate/storage"
)

// upstreams are the channels that were set up and run.
type upstreams struct {
	mu  sync.Mutex
	all map[string]upstream
}

// upstream is a channel that was set up, and how the API shows it.
type upstream struct {
	router.Channel
	state func() *provisioning.UpstreamState
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
	if _, runs := u.all[name]; runs {
		a.router.Remove(name)
		delete(u.all, name)
	}
	c, ok := a.db.Channel(name)
	if !ok || c.Disabled {
		return nil
	}
	ch, err := a.newUpstream(c)
	if err != nil {
		return err
	}
	if err := a.router.Add(ch.Channel); err != nil {
		return err
	}
	if u.all == nil {
		u.all = map[string]upstream{}
	}
	u.all[name] = ch
	return nil
}

// newUpstream makes the channel of a record.
func (a *App) newUpstream(c storage.Channel) (upstream, error) {
	log := a.Log.With("in", "upstream")
	switch c.Kind {
	case "http":
		ch, err := httpchan.New(httpchan.Config{Record: c, Log: log, BaseURL: a.ProviderURL, Awaiting: a.router.AwaitedRefs})
		return upstream{ch, func() *provisioning.UpstreamState { return httpState(ch) }}, err
	case "loopback":
		ch, err := loopchan.New(loopchan.Config{Record: c, Log: log})
		return upstream{ch, func() *provisioning.UpstreamState { return loopbackState(ch) }}, err
	}
	ch, err := esmechan.New(esmechan.Config{Record: c, Log: log})
	return upstream{ch, func() *provisioning.UpstreamState { return esmeState(ch) }}, err
}

// checkChannel says what is wrong with a record.
func checkChannel(c *storage.Channel) error {
	switch c.Kind {
	case "http":
		return httpchan.Check(c)
	case "loopback":
		return loopchan.Check(c)
	}
	return esmechan.Check(c)
}

// upstreamState shows how a channel stands; nil when it does not run.
func (a *App) upstreamState(name string) *provisioning.UpstreamState {
	a.upstreams.mu.Lock()
	ch, runs := a.upstreams.all[name]
	a.upstreams.mu.Unlock()
	if !runs {
		return nil
	}
	return ch.state()
}

// httpUpstream gives the channel of an HTTP provider that runs; nil: there is none.
func (a *App) httpUpstream(name string) *httpchan.Channel {
	a.upstreams.mu.Lock()
	defer a.upstreams.mu.Unlock()
	ch, _ := a.upstreams.all[name].Channel.(*httpchan.Channel)
	return ch
}

// callURLs are where an HTTP provider is to call.
func (a *App) callURLs(name string) (u provisioning.CallURLs, ok bool) {
	ch := a.httpUpstream(name)
	if ch == nil {
		return u, false
	}
	u.Report, u.Incoming = ch.CallURLs()
	return u, true
}

func httpState(ch *httpchan.Channel) *provisioning.UpstreamState {
	st, n := ch.Status(), ch.Counts()
	return &provisioning.UpstreamState{
		Ready: st.Ready, Reason: st.Reason, Limit: ch.Limit(), Binds: []provisioning.Bind{}, Sent: n.Sent, Refused: n.Refused, Throttled: n.Throttled,
		Unknown: n.Unknown, Receipts: n.Receipts, Unread: n.Unread, Received: n.Received, Address: ch.Address(),
	}
}

func loopbackState(ch *loopchan.Channel) *provisioning.UpstreamState {
	st, n := ch.Status(), ch.Counts()
	return &provisioning.UpstreamState{
		Ready: st.Ready, Reason: st.Reason, Limit: ch.Limit(), Binds: []provisioning.Bind{}, Sent: n.Sent, Refused: n.Refused,
		Unknown: n.Unknown, Receipts: n.Receipts, Received: n.Received,
	}
}

func esmeState(ch *esmechan.Channel) *provisioning.UpstreamState {
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
