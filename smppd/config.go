package smppd

import (
	"time"

	"gsmgate/smppd/smpp"
)

// Config holds the limits of a server. The zero value of a field is its default; a negative
// duration switches that timer off.
type Config struct {
	// SystemID is how this SMSC names itself in bind_*_resp, cut after 15 octets.
	// Default "gsmgate". [SMPP34 4.1.2]
	SystemID string

	// SessionInit is the time from the connection to the bind, the TLS handshake included; past
	// it the connection is closed. Default 5 s. [SMPP34 7.2]
	SessionInit time.Duration
	// EnquireLink is the silence of a bound ESME after which it is asked with enquire_link; the
	// session is dropped when nothing comes within Response. Default 30 s. [SMPP34 7.2]
	EnquireLink time.Duration
	// Inactivity is the silence of a bound ESME after which its session is dropped. Any PDU of
	// the ESME ends a silence, an enquire_link_resp too, so that this matters to a receiver only
	// where EnquireLink is longer or off. Default 5 min. [SMPP34 7.2]
	Inactivity time.Duration
	// Response is how long an answer of the ESME may take. It also bounds one write, one
	// verification of a bind, and each step of an orderly end. Default 10 s; it cannot be
	// switched off. [SMPP34 7.2]
	Response time.Duration

	// Window is the most submit_sm of one session that may be unanswered. The next ones stay
	// unread until one is answered. Default 100. [SMPP34 2.5.2]
	Window int
	// DeliverWindow is the most deliver_sm of one session that the ESME has not answered; further
	// calls of Session.Deliver wait. Default 10. [SMPP34 2.5.2]
	DeliverWindow int
	// MaxPDU is the greatest command_length that is read. Default smpp.DefaultMaxPDU (70 KiB).
	MaxPDU int
	// MaxSessions is the most bound sessions; a bind beyond hears ESME_RBINDFAIL. Default 2000.
	MaxSessions int
	// MaxUnbound is the most connections that have not bound; at that number the listener is not
	// read until one binds or ends. Default 256.
	MaxUnbound int
}

// withDefaults returns c with its zero fields filled in.
func (c Config) withDefaults() Config {
	setDefault(&c.SystemID, "gsmgate")
	c.SystemID = c.SystemID[:min(len(c.SystemID), 15)]
	setDefault(&c.SessionInit, 5*time.Second)
	setDefault(&c.EnquireLink, 30*time.Second)
	setDefault(&c.Inactivity, 5*time.Minute)
	setPositive(&c.Response, 10*time.Second)
	setPositive(&c.Window, 100)
	setPositive(&c.DeliverWindow, 10)
	setPositive(&c.MaxPDU, smpp.DefaultMaxPDU)
	setPositive(&c.MaxSessions, 2000)
	setPositive(&c.MaxUnbound, 256)
	return c
}

func setDefault[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}

func setPositive[T int | time.Duration](v *T, def T) {
	if *v <= 0 {
		*v = def
	}
}
