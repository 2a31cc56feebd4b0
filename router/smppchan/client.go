package smppchan

import (
	"context"
	"slices"
	"time"

	"gsmgate/smppd"
	"gsmgate/storage"
)

const (
	// deafTime is how long a session that did not answer a deliver_sm gets no
	// other one, while the user has a session that answers.
	deafTime = 30 * time.Second
	// mostUnwanted is how many addresses are remembered to which a client wants
	// nothing; beyond it the oldest ones are asked for anew.
	mostUnwanted = 1000
)

// client is one user with sessions that may receive. The channel's lock guards
// it.
type client struct {
	members  []*member
	next     int           // round robin
	changed  chan struct{} // closed, and made anew, when choose may say something else
	refusals int           // how often the client could take nothing
	unwanted []string      // destination addresses that it said ESME_RX_P_APPN to
	wake     chan struct{} // one slot: tells the lane of a new session
	stop     context.CancelFunc
}

// member is one session of a client. One that is alive and answers no
// deliver_sm would else hold all that the user's lane may have on its way, and
// the sessions that do answer would get nothing.
type member struct {
	s     *smppd.Session
	reach reach
	deaf  bool
	next  time.Time // when a deaf one is tried again
}

func newClient() *client {
	return &client{changed: make(chan struct{}), wake: make(chan struct{}, 1), stop: func() {}}
}

// add takes a session in: what the client said before is no longer held against
// it.
func (c *client) add(s *smppd.Session, r reach) {
	c.members = append(c.members, &member{s: s, reach: r})
	c.unwanted = nil
	c.change()
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

func (c *client) remove(s *smppd.Session) {
	c.members = slices.DeleteFunc(c.members, func(m *member) bool { return m.s == s })
	c.change()
}

// change lets those who wait for a place in a session's window choose again.
func (c *client) change() {
	close(c.changed)
	c.changed = make(chan struct{})
}

// refused notes that the client can take nothing now: who waits for a place in a
// window goes back.
func (c *client) refused() {
	c.refusals++
	c.change()
}

// wantsNot notes that the client wants nothing to the address.
func (c *client) wantsNot(addr string) {
	if slices.Contains(c.unwanted, addr) {
		return
	}
	if len(c.unwanted) >= mostUnwanted {
		c.unwanted = c.unwanted[1:]
	}
	c.unwanted = append(c.unwanted, addr)
}

// heard notes whether m answered in time.
func (c *client) heard(m *member, answered bool, now time.Time) {
	if !answered {
		m.next = now.Add(deafTime)
	}
	if m.deaf == answered {
		m.deaf = !answered
		c.change()
	}
}

// pick gives the session that submitted what msg is about, else the next one
// that takes it. A deaf one comes after all others. It is nil when none takes it.
// A receipt that no address_range holds goes to any session: who asked for it
// may have bound another one for that, and is not to lose it.
func (c *client) pick(msg *storage.Message, now time.Time) *member {
	if len(c.members) == 0 {
		return nil
	}
	c.next = (c.next + 1) % len(c.members)
	order := append(slices.Clone(c.members[c.next:]), c.members[:c.next]...)
	if msg.Kind != storage.Receipt || slices.ContainsFunc(order, func(m *member) bool { return m.takes(msg) }) {
		order = slices.DeleteFunc(order, func(m *member) bool { return !m.takes(msg) })
	}
	if i := slices.IndexFunc(order, func(m *member) bool { return m.s.ID() == msg.Session }); i > 0 {
		order[0], order[i] = order[i], order[0]
	}
	for _, m := range order {
		if m.fit(now) {
			return m
		}
	}
	if len(order) == 0 {
		return nil
	}
	return order[0]
}

// takes says whether the address_range of the bind lets msg through. A receipt
// always goes to the session that asked for it.
func (m *member) takes(msg *storage.Message) bool {
	return m.reach == nil || msg.Kind == storage.Receipt && m.s.ID() == msg.Session || within(m.reach, msg.Dest)
}

// fit reports whether m may get a message. A deaf one may get one now and
// then, to find out whether it still is.
func (m *member) fit(now time.Time) bool {
	if !m.deaf {
		return true
	}
	if now.Before(m.next) {
		return false
	}
	m.next = now.Add(deafTime)
	return true
}
