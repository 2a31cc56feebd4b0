package smppchan

import (
	"context"
	"crypto/x509"
	"errors"
	"net"
	"net/netip"
	"slices"

	"gsmgate/router"
	"gsmgate/smppd"
	"gsmgate/smppd/smpp"
	"gsmgate/storage"
)

// Bind lets in who may. A wrong password, an unknown or disabled user, a wrong
// address, a certificate that is missing, too many sessions or failures are one
// answer, ESME_RBINDFAIL, so that a stranger learns nothing [SMPP50 4.7.6]. A
// failure of this side is ESME_RSYSERR: no client shall think that its password
// is wrong.
func (ch *Channel) Bind(ctx context.Context, s *smppd.Session, b *smpp.Bind) error {
	if err := checkReach(b); err != nil {
		return err
	}
	g := newGuest(s)
	_, err := ch.router.Admit(ctx, router.Claim{
		SystemID: b.SystemID, Password: b.Password, Addr: g.addr, CertNames: g.certNames,
		Take: func(a router.Admission) bool { return ch.guests.take(g, a) },
	})
	return bindError(err)
}

// bindError is the status of a bind that does not come about.
func bindError(err error) error {
	var re *router.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &re) && re.Code == router.Denied:
		return &smpp.Error{Status: smpp.StatusBindFail, Reason: re.Err.Error()}
	}
	return &smpp.Error{Status: smpp.StatusSysErr, Reason: err.Error()}
}

// newGuest looks at what a connection shows of its ESME.
func newGuest(s *smppd.Session) *guest {
	return &guest{session: s, addr: addrOf(s.RemoteAddr()), certNames: certNames(s.PeerCertificate())}
}

// addrOf is the zero value for what is no address of IP.
func addrOf(a net.Addr) netip.Addr {
	if tcp, ok := a.(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}

// certNames are the common name and the subject alternative names.
func certNames(c *x509.Certificate) []string {
	if c == nil {
		return nil
	}
	names := slices.Concat([]string{c.Subject.CommonName}, c.DNSNames, c.EmailAddresses)
	for _, u := range c.URIs {
		names = append(names, u.String())
	}
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	return slices.DeleteFunc(names, func(name string) bool { return name == "" })
}

// welcome gives a bound session its limits, or sends it away when its user was
// changed while it bound.
func (ch *Channel) welcome(s *smppd.Session) {
	g, ok := ch.guests.enter(s)
	if !ok {
		return // let in by somebody else
	}
	ch.review(g)
	ch.thin(g.user)
}

// thin ends the sessions that are more than their user may have now.
func (ch *Channel) thin(user string) {
	u, _ := ch.router.UserRecord(user)
	for _, g := range ch.guests.beyond(&u) {
		g.session.Close("the user was changed: " + router.RefusedSessions.String())
	}
}

// userChanged is called after each change of a user, see Router.OnUserChange.
// Sessions that are on their way in are looked at by welcome.
func (ch *Channel) userChanged(u storage.User) {
	for _, g := range ch.guests.of(u.SystemID) {
		ch.review(g)
	}
	ch.thin(u.SystemID)
}

// review holds a session against its user as it is now. A change while it does
// is seen at its end: whoever sets limits last, sets the newest.
func (ch *Channel) review(g *guest) {
	for {
		u, ok := ch.router.UserRecord(g.user)
		if !ok {
			g.session.Close("the user was removed")
			return
		}
		if why, ok := router.StillAdmitted(u, g.addr, g.certNames, g.byCert); !ok {
			g.session.Close("the user was changed: " + why.String())
			return
		}
		g.session.SetLimits(smppd.Limits{Window: u.Window, Rate: ch.guests.limiter(u)})
		if now, ok := ch.router.UserRecord(g.user); ok && now.Window == u.Window && now.Rate == u.Rate && now.Enabled == u.Enabled {
			return
		}
	}
}

// CloseUser ends all sessions of a user in order and says how many there were.
func (ch *Channel) CloseUser(user, reason string) int {
	if user == "" {
		return 0
	}
	all := ch.guests.all(user)
	for _, g := range all {
		g.session.Close(reason)
	}
	return len(all)
}

// CertNames gives the first name on the client certificate of each session
// that has one, by the session's id.
func (ch *Channel) CertNames() map[string]string {
	names := map[string]string{}
	for _, g := range ch.guests.all("") {
		if len(g.certNames) > 0 {
			names[g.session.ID()] = g.certNames[0]
		}
	}
	return names
}
