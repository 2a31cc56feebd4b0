package smppd

import (
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"
)

// complainEvery is how often a door logs that it turns connections away.
const complainEvery = 10 * time.Second

// door decides which connections are let in, before anything is read from them.
type door struct {
	allow []netip.Prefix // empty: all
	log   *slog.Logger

	mu   sync.Mutex
	said time.Time // under mu: when it was last logged that one was turned away
}

func newDoor(cfg Config, log *slog.Logger) *door {
	d := &door{log: log}
	for _, p := range cfg.Allow {
		d.allow = append(d.allow, unmapped(p))
	}
	return d
}

// unmapped is p without the form that IPv4 addresses have inside IPv6 (::ffff:a.b.c.d).
func unmapped(p netip.Prefix) netip.Prefix {
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		return netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96).Masked()
	}
	return p.Masked()
}

// addressOf is the IP address of a, unmapped and without a zone; not valid when it has none.
func addressOf(a net.Addr) netip.Addr {
	t, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	return t.AddrPort().Addr().Unmap().WithZone("")
}

// neighbours is what counts as one address: with IPv6, the /64 that one customer has whole.
func neighbours(a netip.Addr) netip.Addr {
	if !a.Is6() {
		return a
	}
	p, _ := a.Prefix(64) // an IPv6 address always has one
	return p.Addr()
}

// allowed reports whether a connection from a is let in.
func (d *door) allowed(a netip.Addr) bool {
	if len(d.allow) == 0 {
		return true
	}
	for _, p := range d.allow {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// complain logs that a connection was turned away, though not each time.
func (d *door) complain(why string, from net.Addr) {
	d.mu.Lock()
	quiet := time.Since(d.said) < complainEvery
	if !quiet {
		d.said = time.Now()
	}
	d.mu.Unlock()
	if !quiet {
		d.log.Warn("connections are turned away", "reason", why, "remote", addrString(from))
	}
}
