package smppchan

import (
	"context"
	"errors"
	"fmt"
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
}

// Channel is the bound clients: router.Channel on one side, smppd.Backend on
// the other.
type Channel struct {
	router *router.Router
	log    *slog.Logger

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
	return &Channel{router: c.Router, log: c.Log, clients: map[string]*client{}}
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
	ch.lanes.Go(func() {
		lane := router.Lane{ID: "user:" + user, Queue: router.UserQueue(user), Window: laneWindow, Resend: true}
		err := in.Serve(ctx, lane, router.SenderFunc(func(ctx context.Context, m *storage.Message, _ int) (string, error) {
			return "", ch.deliver(ctx, user, m)
		}))
		if err != nil && ctx.Err() == nil {
			ch.log.Error("a lane stopped", "lane", lane.ID, "err", err)
		}
	})
}

// Bind lets in who knows the password. Wrong password, unknown and disabled
// user are one answer [SMPP50 4.7.6].
func (ch *Channel) Bind(ctx context.Context, s *smppd.Session, b *smpp.Bind) error {
	_, err := ch.router.Authenticate(ctx, b.SystemID, b.Password)
	return wireError(err, smpp.StatusBindFail)
}

// Bound gives the session its share of what waits for the user.
func (ch *Channel) Bound(s *smppd.Session) {
	if !s.CanReceive() {
		return
	}
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
	c.add(s)
}

// Closed takes the session out; with the last one the lane ends.
func (ch *Channel) Closed(s *smppd.Session) {
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

// pick chooses who gets m, see client.pick; nil when the user has no session.
// changed is closed when the choice may be another one.
func (ch *Channel) pick(user string, m *storage.Message) (to *member, changed <-chan struct{}) {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	c := ch.clients[user]
	if c == nil {
		return nil, nil
	}
	return c.pick(m.Session, time.Now()), c.changed
}

// heard notes whether a session answered a deliver_sm in time.
func (ch *Channel) heard(user string, from *member, answered bool) {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	if c := ch.clients[user]; c != nil {
		c.heard(from, answered, time.Now())
	}
}

// deliver sends m as a deliver_sm and says what the client made of it.
func (ch *Channel) deliver(ctx context.Context, user string, m *storage.Message) error {
	for {
		to, changed := ch.pick(user, m)
		if to == nil {
			return &router.SendError{Outcome: router.RefusedForNow, Err: fmt.Errorf("user %s has no session that may receive", user)}
		}
		err := ch.deliverTo(ctx, user, to, changed, m)
		if !errors.Is(err, smppd.ErrNotSent) || !isClosed(changed) || ctx.Err() != nil {
			return err
		}
	}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// deliverTo sends m to one session, its segments one after the other. What
// goes wrong with one of them goes wrong with all.
func (ch *Channel) deliverTo(ctx context.Context, user string, to *member, changed <-chan struct{}, m *storage.Message) error {
	pdus, err := deliverSM(m, to.s.InterfaceVersion())
	if err != nil {
		return &router.SendError{Outcome: router.RefusedForGood, Err: err}
	}
	for _, pdu := range pdus {
		if err := ch.deliverOne(ctx, user, to, changed, pdu); err != nil {
			return err
		}
	}
	return nil
}

func (ch *Channel) deliverOne(ctx context.Context, user string, to *member, changed <-chan struct{}, pdu *smpp.DeliverSM) error {
	status, err := to.s.DeliverUnless(ctx, changed, pdu)
	var never *smpp.Error
	switch {
	case err == nil:
		ch.heard(user, to, true)
		return clientSaid(status)
	case errors.As(err, &never):
		return &router.SendError{Outcome: router.RefusedForGood, Err: never}
	case errors.Is(err, smppd.ErrNotSent): // the session is ending: another one may take it
		return &router.SendError{Outcome: router.RefusedForNow, Wait: 100 * time.Millisecond, Err: err}
	}
	if ctx.Err() == nil && !isClosed(to.s.Done()) {
		ch.heard(user, to, false)
	}
	return &router.SendError{Outcome: router.UnknownOutcome, Err: err}
}

// clientSaid reads deliver_sm_resp. A status that the specification does not
// know for it is a fault of the client that may pass [SMPP34 5.1.3].
func clientSaid(status smpp.CommandStatus) error {
	switch status {
	case smpp.StatusOK:
		return nil
	case smpp.StatusXRAppn, smpp.StatusXPAppn:
		return &router.SendError{Outcome: router.RefusedForGood, Cause: uint32(status), Err: fmt.Errorf("the client refused it with %s", status)}
	}
	return &router.SendError{Outcome: router.RefusedForNow, Cause: uint32(status), Err: fmt.Errorf("the client answered %s", status)}
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
