package smppchan

import (
	"context"
	"slices"
	"time"

	"gsmgate/smppd"
)

// deafTime is how long a session that did not answer a deliver_sm gets no
// other one, while the user has a session that answers.
const deafTime = 30 * time.Second

// client is one user with sessions that may receive. The channel's lock guards
// it.
type client struct {
	members []*member
	next    int           // round robin
	changed chan struct{} // closed, and made anew, when pick may choose another one
	stop    context.CancelFunc
}

// member is one session of a client. One that is alive and answers no
// deliver_sm would else hold all that the user's lane may have on its way, and
// the sessions that do answer would get nothing.
type member struct {
	s    *smppd.Session
	deaf bool
	next time.Time // when a deaf one is tried again
}

func newClient() *client {
	return &client{changed: make(chan struct{}), stop: func() {}}
}

func (c *client) add(s *smppd.Session) {
	c.members = append(c.members, &member{s: s})
	c.change()
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

// pick gives the session with the id (the one that submitted what the message
// is about), else the next one. A deaf one comes after all others. It is nil
// when there is none.
func (c *client) pick(id string, now time.Time) *member {
	if len(c.members) == 0 {
		return nil
	}
	c.next = (c.next + 1) % len(c.members)
	order := append(slices.Clone(c.members[c.next:]), c.members[:c.next]...)
	if i := slices.IndexFunc(order, func(m *member) bool { return m.s.ID() == id }); i > 0 {
		order[0], order[i] = order[i], order[0]
	}
	for _, m := range order {
		if m.fit(now) {
			return m
		}
	}
	return order[0]
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
