package smppd

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"slices"
	"time"
)

// SessionInfo is a picture of one bound session.
type SessionInfo struct {
	ID               string
	SystemID         string
	BindType         BindType
	InterfaceVersion uint8
	Remote           string    // address and port of the ESME
	TLSVersion       string    // such as "TLS 1.3", "" without TLS
	Since            time.Time // of the bind
	LastSeen         time.Time // of the last PDU from the ESME

	Window, WindowInUse         int     // requests about messages without an answer: most, now
	DeliverWindow, DeliverInUse int     // deliver_sm without an answer: most, now
	Submits, Delivers           uint64  // messages taken in (submit_multi: its destinations), deliver_sm sent
	SubmitRate, DeliverRate     float64 // of them a second, over the last minute or so
	OctetsIn, OctetsOut         uint64  // of PDUs, without TLS and TCP
	Refused                     uint64  // requests that were not for the Backend: malformed, not allowed, or throttled
	Unsolicited                 uint64  // responses to nothing that was asked

	LastError SessionError
}

// Stats are counts of a server: now, and over its life.
type Stats struct {
	Bound, Unbound   int    // sessions, and connections that have not bound
	Connections      uint64 // accepted
	HandshakesFailed uint64
	Forbidden        uint64 // connections closed at once: their address is not allowed
	Crowded          uint64 // connections closed since too many others had not bound
	Panics           uint64 // recovered: each is a bug
}

// Sessions returns the bound sessions, the oldest first.
func (srv *Server) Sessions() []SessionInfo {
	var infos []SessionInfo
	for _, s := range srv.snapshot() {
		if s.binding.Load() != nil {
			infos = append(infos, s.Info())
		}
	}
	slices.SortFunc(infos, func(a, b SessionInfo) int {
		return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.ID, b.ID))
	})
	return infos
}

// Session returns the bound session with this id.
func (srv *Server) Session(id string) (*Session, bool) {
	for _, s := range srv.snapshot() {
		if s.id == id && s.binding.Load() != nil {
			return s, true
		}
	}
	return nil, false
}

// SessionsOf returns the bound sessions of a system_id, in no order.
func (srv *Server) SessionsOf(systemID string) []*Session {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	var all []*Session
	for s := range srv.sessions {
		if b := s.binding.Load(); b != nil && b.systemID == systemID {
			all = append(all, s)
		}
	}
	return all
}

// Disconnect closes the bound session with this id in order, see Session.Close; false when there
// is none.
func (srv *Server) Disconnect(id, reason string) bool {
	s, ok := srv.Session(id)
	if ok {
		s.Close(reason)
	}
	return ok
}

// DisconnectUser closes the bound sessions of a system_id in order and returns how many there are.
func (srv *Server) DisconnectUser(systemID, reason string) int {
	all := srv.SessionsOf(systemID)
	for _, s := range all {
		s.Close(reason)
	}
	return len(all)
}

// Stats returns the counts of the server.
func (srv *Server) Stats() Stats {
	st := Stats{
		Connections:      srv.stats.connections.Load(),
		HandshakesFailed: srv.stats.handshakes.Load(),
		Forbidden:        srv.stats.forbidden.Load(),
		Crowded:          srv.stats.crowded.Load(),
		Panics:           srv.stats.panics.Load(),
	}
	for _, s := range srv.snapshot() {
		if s.binding.Load() != nil {
			st.Bound++
		} else {
			st.Unbound++
		}
	}
	return st
}

func (srv *Server) snapshot() []*Session {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	all := make([]*Session, 0, len(srv.sessions))
	for s := range srv.sessions {
		all = append(all, s)
	}
	return all
}

// Info returns a picture of the session.
func (s *Session) Info() SessionInfo {
	b, now := s.bound(), s.now()
	info := SessionInfo{
		ID: s.id, SystemID: b.systemID, BindType: b.typ, InterfaceVersion: b.version,
		Remote: addrString(s.RemoteAddr()), TLSVersion: s.TLSVersion(),
		Since: b.since, LastSeen: s.started.Add(time.Duration(s.lastRead.Load())),
		DeliverInUse: s.requests.inFlight(),
		Submits:      s.counts.in.total.Load(), Delivers: s.counts.out.total.Load(),
		SubmitRate: s.counts.in.rate(now), DeliverRate: s.counts.out.rate(now),
		OctetsIn: s.counts.octetsIn.Load(), OctetsOut: s.counts.octetsOut.Load(),
		Refused: s.counts.refused.Load(), Unsolicited: s.counts.unsolicited.Load(),
		LastError: s.LastError(),
	}
	info.Window, info.WindowInUse = s.window.count()
	info.DeliverWindow, _ = s.delivers.count()
	return info
}

// TLSVersion is the version of TLS in use, such as "TLS 1.3"; "" without TLS.
func (s *Session) TLSVersion() string {
	t, ok := s.conn.(*tls.Conn)
	if !ok {
		return ""
	}
	return tls.VersionName(t.ConnectionState().Version)
}

// PeerCertificate is the certificate that the ESME showed in the TLS handshake, verified against the
// listener's authorities; nil without one.
func (s *Session) PeerCertificate() *x509.Certificate {
	t, ok := s.conn.(*tls.Conn)
	if !ok {
		return nil
	}
	if chains := t.ConnectionState().VerifiedChains; len(chains) > 0 {
		return chains[0][0]
	}
	return nil
}
