package smppd

import (
	"net/netip"
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

	// PDURead is how long a PDU that has begun to arrive may take to be whole, whatever the other
	// timers are; past it the session ends. Default 30 s. The specification has no such timer
	// [SMPP34 7.2]: it is here so that a peer that sends an octet a minute holds nothing for ever.
	// With TLS the octets of a record count when it is whole; half a record, of 16 KiB at most,
	// is ended by EnquireLink or Inactivity.
	PDURead time.Duration

	// Window is the most requests about messages of one session that may be unanswered. The next ones stay
	// unread until one is answered. Default 100. [SMPP34 2.5.2]
	Window int
	// DeliverWindow is the most deliver_sm of one session that the ESME has not answered; further
	// calls of Session.Deliver wait. Default 10. [SMPP34 2.5.2]
	DeliverWindow int
	// MaxPDU is the greatest command_length that is read. Default smpp.DefaultMaxPDU (70 KiB).
	MaxPDU int
	// MaxSessions is the most bound sessions; a bind beyond hears ESME_RBINDFAIL. Default 2000.
	MaxSessions int
	// Stranger hears what a connection does wrong that has not bound. It must not block. nil: nobody.
	Stranger func(*Session, Fault)
	// MaxUnbound is the most connections that have not bound and are read from; beyond it they
	// wait until one of those has bound or ended. Default 256.
	MaxUnbound int
	// MaxUnboundPerAddress is the same for one IP address (with IPv6: for one /64), so that one
	// address cannot keep the others out. Default a quarter of MaxUnbound.
	MaxUnboundPerAddress int
	// MaxWaiting is how many connections may wait for such a place, for 30 s each; those beyond
	// are closed at once. Default 4096.
	MaxWaiting int
	// MaxBindTries is how many binds a connection may have refused; with the last of them it is
	// closed. Default 3.
	MaxBindTries int
	// Trace is how many octets a session keeps of its last PDUs, see Session.Trace; what was not
	// needed so far takes no memory. Default 8 KiB; negative: nothing is kept.
	Trace int
	// KeptTraces is how many traces of ended sessions are kept, and as many of connections whose
	// binds were refused. Default 32; negative: none.
	KeptTraces int
	// Allow holds the addresses that may connect; the connections of others are closed before the
	// TLS handshake. Empty: all may.
	Allow []netip.Prefix
}

// withDefaults returns c with its zero fields filled in.
func (c Config) withDefaults() Config {
	setDefault(&c.SystemID, "gsmgate")
	c.SystemID = c.SystemID[:min(len(c.SystemID), 15)]
	setDefault(&c.SessionInit, 5*time.Second)
	setDefault(&c.EnquireLink, 30*time.Second)
	setDefault(&c.Inactivity, 5*time.Minute)
	setDefault(&c.PDURead, 30*time.Second)
	setPositive(&c.Response, 10*time.Second)
	setPositive(&c.Window, 100)
	setPositive(&c.DeliverWindow, 10)
	setPositive(&c.MaxPDU, smpp.DefaultMaxPDU)
	setPositive(&c.MaxSessions, 2000)
	setPositive(&c.MaxUnbound, 256)
	setPositive(&c.MaxUnboundPerAddress, (c.MaxUnbound+3)/4)
	setPositive(&c.MaxWaiting, 4096)
	setPositive(&c.MaxBindTries, 3)
	setDefault(&c.Trace, 8<<10)
	setDefault(&c.KeptTraces, 32)
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
