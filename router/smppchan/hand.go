package smppchan

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"gsmgate/router"
	"gsmgate/smppd"
	"gsmgate/smppd/smpp"
	"gsmgate/storage"
)

const (
	// nackTries is how often a message is sent to a client that answers it with
	// generic_nack: it can make nothing of it, and would not tomorrow.
	nackTries = 3
	// endingPause is how long to wait for the end of a session that takes
	// nothing more.
	endingPause = 100 * time.Millisecond
)

// deliver sends m as a deliver_sm and says what the client made of it.
func (ch *Channel) deliver(ctx context.Context, user string, m *storage.Message) error {
	since := ch.refusals(user)
	for {
		to, changed, err := ch.choose(user, m, since)
		if err != nil {
			return err
		}
		err = ch.deliverTo(ctx, user, to, changed, m)
		if !errors.Is(err, smppd.ErrNotSent) {
			return err
		}
		if !awaitChange(ctx, changed) {
			return untried(err)
		}
	}
}

// awaitChange waits a little for another choice; false at the end of ctx.
func awaitChange(ctx context.Context, changed <-chan struct{}) bool {
	t := time.NewTimer(endingPause)
	defer t.Stop()
	select {
	case <-changed:
	case <-t.C:
	case <-ctx.Done():
	}
	return ctx.Err() == nil
}

// untried says that nothing was sent, for no fault of the message.
func untried(err error) error {
	return &router.SendError{Outcome: router.RefusedForNow, Untried: true, Err: err}
}

// refusals counts how often the client could take nothing.
func (ch *Channel) refusals(user string) int {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	if c := ch.clients[user]; c != nil {
		return c.refusals
	}
	return 0
}

// choose says who gets m, see client.pick. changed is closed when the choice may
// be another one. An error is a *router.SendError: nobody does.
func (ch *Channel) choose(user string, m *storage.Message, since int) (to *member, changed <-chan struct{}, err error) {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	c := ch.clients[user]
	switch {
	case c == nil:
		return nil, nil, untried(noSession(user))
	case slices.Contains(c.unwanted, m.Dest.Addr):
		return nil, nil, unwanted()
	case c.refusals != since:
		return nil, nil, untried(errors.New("the client takes nothing now"))
	}
	if to = c.pick(m, time.Now()); to == nil {
		return nil, nil, untried(errors.New(outOfReach(user, m)))
	}
	return to, c.changed, nil
}

// takes says why no session of the user can get m, "" when one can.
func (ch *Channel) takes(user string, m *storage.Message) string {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	c := ch.clients[user]
	switch {
	case c == nil || len(c.members) == 0:
		return noSession(user).Error()
	case m.Kind != storage.Receipt && !slices.ContainsFunc(c.members, func(s *member) bool { return s.takes(m) }):
		return outOfReach(user, m)
	}
	return ""
}

func noSession(user string) error { return fmt.Errorf("user %s has no session that may receive", user) }

func outOfReach(user string, m *storage.Message) string {
	return fmt.Sprintf("no bound session of user %s takes destination %s: its address_range leaves it out", user, m.Dest.Addr)
}

// deliverTo sends m to one session, its segments one after the other. What
// goes wrong with one of them goes wrong with all. A session that is ending
// gives an error that wraps smppd.ErrNotSent.
func (ch *Channel) deliverTo(ctx context.Context, user string, to *member, changed <-chan struct{}, m *storage.Message) error {
	pdus, err := deliverSM(m, to.s.InterfaceVersion(), ch.habits(user))
	if err != nil {
		return &router.SendError{Outcome: router.RefusedForGood, Err: err}
	}
	for _, pdu := range pdus {
		status, err := ch.deliverOne(ctx, user, to, changed, pdu)
		if err == nil && status == smpp.StatusOK {
			continue
		}
		if err == nil || errors.Is(err, smppd.ErrNacked) {
			return ch.answered(user, m, status, err)
		}
		return err
	}
	return nil
}

// deliverOne sends one deliver_sm. With smppd.ErrNacked and with no error the
// client has answered.
func (ch *Channel) deliverOne(ctx context.Context, user string, to *member, changed <-chan struct{}, pdu *smpp.DeliverSM) (smpp.CommandStatus, error) {
	status, err := to.s.DeliverUnless(ctx, changed, pdu)
	var never *smpp.Error
	switch {
	case err == nil, errors.Is(err, smppd.ErrNacked):
		ch.heard(user, to, true)
		return status, err
	case errors.As(err, &never):
		return 0, &router.SendError{Outcome: router.RefusedForGood, Err: never}
	case errors.Is(err, smppd.ErrNotSent):
		return 0, err
	}
	if ctx.Err() == nil && !isClosed(to.s.Done()) {
		ch.heard(user, to, false)
	}
	return 0, &router.SendError{Outcome: router.UnknownOutcome, Err: err}
}

// heard notes whether a session answered a deliver_sm in time.
func (ch *Channel) heard(user string, from *member, answered bool) {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	if c := ch.clients[user]; c != nil {
		c.heard(from, answered, time.Now())
	}
}

// answered reads a no of the client, and notes what it says about others than m.
func (ch *Channel) answered(user string, m *storage.Message, status smpp.CommandStatus, nack error) error {
	err := clientSaid(status, nack != nil)
	ch.mu.Lock()
	defer ch.mu.Unlock()
	c := ch.clients[user]
	switch {
	case c == nil:
	case err.LaneIll:
		c.refused()
	case status == smpp.StatusXPAppn && nack == nil:
		c.wantsNot(m.Dest.Addr)
	}
	return err
}

// clientSaid is the table of what a client may answer to deliver_sm but
// ESME_ROK [SMPP34 5.1.3]. A status that the specification does not know for it
// is a fault of the client that may pass.
func clientSaid(status smpp.CommandStatus, nack bool) *router.SendError {
	said := &router.SendError{Outcome: router.RefusedForNow, Cause: uint32(status), Err: fmt.Errorf("the client answered %s", status)}
	switch {
	case nack:
		said.Tries = nackTries
		said.Err = fmt.Errorf("the client answered generic_nack, %s", status)
	case status == smpp.StatusXTAppn, status == smpp.StatusThrottled, status == smpp.StatusMsgQFul:
		said.LaneIll = true
	case status == smpp.StatusXRAppn:
		said.Outcome, said.Err = router.RefusedForGood, fmt.Errorf("the client refused it with %s", status)
	case status == smpp.StatusXPAppn:
		return unwanted()
	}
	return said
}

// unwanted is what becomes of all messages to a destination once the client has
// refused one with ESME_RX_P_APPN.
func unwanted() *router.SendError {
	return &router.SendError{Outcome: router.RefusedForGood, Cause: uint32(smpp.StatusXPAppn),
		Err: fmt.Errorf("the client refused all to this destination with %s", smpp.StatusXPAppn)}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
