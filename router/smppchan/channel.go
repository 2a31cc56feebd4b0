package smppchan

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"gsmgate/router"
	"gsmgate/smppd"
	"gsmgate/smppd/smpp"
	"gsmgate/storage"
)

// laneWindow is the most deliver_sm on their way to one user; each session
// bounds its own share.
const laneWindow = 128

// Config says what the channel stands on.
type Config struct {
	Router *router.Router
	Log    *slog.Logger
	Retry  time.Duration // most that a client which can take nothing is left alone; the first time it is 1 s. 0: 30 s
}

// Channel is the bound clients: router.Channel on one side, smppd.Backend on
// the other.
type Channel struct {
	router *router.Router
	log    *slog.Logger
	retry  time.Duration
	lint   *lint
	guests *guests

	mu      sync.Mutex
	ctx     context.Context // of Run; nil before and after: sessions get nothing then
	in      router.Inbox
	clients map[string]*client
	lanes   sync.WaitGroup
}

// New makes the channel.
func New(c Config) *Channel {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	ch := &Channel{router: c.Router, log: c.Log, lint: newLint(), retry: cmp.Or(c.Retry, 30*time.Second), guests: newGuests(), clients: map[string]*client{}}
	if c.Router != nil {
		c.Router.OnUserChange(ch.userChanged)
		c.Router.OnAlert(ch.alert)
	}
	return ch
}

// Name is the prefix of all users' queues, see router.UserQueue.
func (ch *Channel) Name() string { return "user" }

// Carries says that what is for users leaves by this channel.
func (ch *Channel) Carries(k storage.Kind) bool { return k == storage.MO || k == storage.Receipt }

// Parts is one: a deliver_sm carries any message.
func (ch *Channel) Parts(*storage.Message) ([]storage.Part, error) {
	return make([]storage.Part, 1), nil
}

// Status is always ready: whether a user is bound is seen by its lane.
func (ch *Channel) Status() router.Status { return router.Status{Ready: true} }

// Run delivers to the bound users until ctx ends.
func (ch *Channel) Run(ctx context.Context, in router.Inbox) error {
	ch.mu.Lock()
	ch.ctx, ch.in = ctx, in
	for user, c := range ch.clients {
		ch.startLane(user, c)
	}
	ch.mu.Unlock()
	<-ctx.Done()
	ch.mu.Lock()
	ch.ctx = nil
	ch.mu.Unlock()
	ch.lanes.Wait()
	return nil
}

// startLane is called with the lock held.
func (ch *Channel) startLane(user string, c *client) {
	ctx, stop := context.WithCancel(ch.ctx)
	c.stop = stop
	in := ch.in
	lane := router.Lane{
		ID: "user:" + user, Queue: router.UserQueue(user), Window: laneWindow,
		Order: conversation, Wake: c.wake, MaxRest: ch.retry,
		Takes: func(m *storage.Message) string { return ch.takes(user, m) },
	}
	ch.lanes.Go(func() {
		err := in.Serve(ctx, lane, router.SenderFunc(func(ctx context.Context, m *storage.Message, _ int) (string, error) {
			return "", ch.deliver(ctx, user, m)
		}))
		if err != nil && ctx.Err() == nil {
			ch.log.Error("a lane stopped", "lane", lane.ID, "err", err)
		}
	})
}

// conversation is what a client sees as one: its messages keep their order.
func conversation(m *storage.Message) string { return m.Source.Addr + "\x00" + m.Dest.Addr }

// Bound gives the session its share of what waits for the user.
func (ch *Channel) Bound(s *smppd.Session) {
	ch.lint.bound(s)
	ch.welcome(s)
	if !s.CanReceive() {
		return
	}
	if ch.router != nil {
		defer ch.router.AlertsTo(s.SystemID())
	}
	within, _ := reachOf(s.AddressRange()) // Bind has refused what cannot be read
	ch.mu.Lock()
	defer ch.mu.Unlock()
	user := s.SystemID()
	c := ch.clients[user]
	if c == nil {
		c = newClient()
		ch.clients[user] = c
		if ch.ctx != nil {
			ch.startLane(user, c)
		}
	}
	c.add(s, within)
}

// Closed takes the session out; with the last one the lane ends.
func (ch *Channel) Closed(s *smppd.Session) {
	ch.lint.closed(s)
	ch.guests.leave(s)
	ch.mu.Lock()
	defer ch.mu.Unlock()
	user := s.SystemID()
	c := ch.clients[user]
	if c == nil {
		return
	}
	if c.remove(s); len(c.members) == 0 {
		c.stop()
		delete(ch.clients, user)
	}
}

// wireError gives an error of the router its command_status. fail is what
// stands for a no that concerns the whole: a refused bind, a submit, a query.
func wireError(err error, fail smpp.CommandStatus) error {
	var re *router.Error
	var se *smpp.Error
	if err == nil || errors.As(err, &se) || !errors.As(err, &re) {
		return err
	}
	return &smpp.Error{Status: statusOf(re, fail), Field: re.Field, Reason: re.Message}
}

// wireStatus is the command_status of wireError.
func wireStatus(err error, fail smpp.CommandStatus) smpp.CommandStatus {
	var se *smpp.Error
	if errors.As(wireError(err, fail), &se) {
		return se.Status
	}
	return smpp.StatusSysErr
}

// statusOf is the table from the router's refusals to SMPP's.
func statusOf(e *router.Error, fail smpp.CommandStatus) smpp.CommandStatus {
	switch e.Code {
	case router.Busy:
		return smpp.StatusMsgQFul
	case router.Throttled:
		return smpp.StatusThrottled
	case router.Denied, router.NotFound, router.Conflict, router.NoCredit, router.NoRoute:
		return fail
	case router.Internal:
		return smpp.StatusSysErr
	}
	switch e.Field {
	case "dest":
		return smpp.StatusInvDstAdr
	case "source":
		return smpp.StatusInvSrcAdr
	case "text":
		return smpp.StatusInvMsgLen
	case "data_coding":
		return smpp.StatusInvDCS
	case "validity_period":
		return smpp.StatusInvExpiry
	case "schedule_delivery_time":
		return smpp.StatusInvSched
	}
	return fail
}

var _ smppd.Backend = (*Channel)(nil)
var _ router.Channel = (*Channel)(nil)
