package smppd

import (
	"cmp"
	"crypto/tls"
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

	Window, WindowInUse         int    // submit_sm without an answer: most, now
	DeliverWindow, DeliverInUse int    // deliver_sm without an answer: most, now
	Submits, Delivers           uint64 // requests taken in, requests sent
	Refused                     uint64 // requests that were not for the Backend: malformed, or not allowed
	Unsolicited                 uint64 // responses to nothing that was asked
}

// Stats are counts of a server: now, and over its life.
type Stats struct {
	Bound, Unbound   int    // sessions, and connections that have not bound
	Connections      uint64 // accepted
	HandshakesFailed uint64
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

// Stats returns the counts of the server.
func (srv *Server) Stats() Stats {
	st := Stats{
		Connections:      srv.stats.connections.Load(),
		HandshakesFailed: srv.stats.handshakes.Load(),
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
	b := s.bound()
	return SessionInfo{
		ID: s.id, SystemID: b.systemID, BindType: b.typ, InterfaceVersion: b.version,
		Remote: addrString(s.RemoteAddr()), TLSVersion: s.TLSVersion(),
		Since: b.since, LastSeen: s.started.Add(time.Duration(s.lastRead.Load())),
		Window: cap(s.window), WindowInUse: len(s.window),
		DeliverWindow: cap(s.delivers), DeliverInUse: s.requests.inFlight(),
		Submits: s.counts.submits.Load(), Delivers: s.counts.delivers.Load(),
		Refused: s.counts.refused.Load(), Unsolicited: s.counts.unsolicited.Load(),
	}
}

// TLSVersion is the version of TLS in use, such as "TLS 1.3"; "" without TLS.
func (s *Session) TLSVersion() string {
	t, ok := s.conn.(*tls.Conn)
	if !ok {
		return ""
	}
	return tls.VersionName(t.ConnectionState().Version)
}
