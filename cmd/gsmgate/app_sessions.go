package main

import (
	"time"

	"gsmgate/provisioning"
	"gsmgate/smppd"
	"gsmgate/smppd/smpp"
)

// sessions shows who is bound, the oldest session first.
func (a *App) sessions() []provisioning.Session {
	var all []provisioning.Session
	certs := a.clients.CertNames()
	for _, s := range a.server.Sessions() {
		v := a.sessionView(s)
		v.CertName = certs[s.ID]
		all = append(all, v)
	}
	return all
}

func (a *App) sessionView(s smppd.SessionInfo) provisioning.Session {
	v := provisioning.Session{
		ID: s.ID, User: s.SystemID, Bind: s.BindType.String(), Version: smpp.VersionName(s.InterfaceVersion),
		Remote: s.Remote, TLS: s.TLSVersion, Since: s.Since, LastSeen: s.LastSeen,
		Rate: s.SubmitRate, DeliverRate: s.DeliverRate, OctetsIn: s.OctetsIn, OctetsOut: s.OctetsOut, Window: s.Window, Busy: s.WindowInUse, DeliverWindow: s.DeliverWindow, DeliverBusy: s.DeliverInUse,
		Received: s.Submits, Sent: s.Delivers, Refused: s.Refused,
		LastError: s.LastError.Text, LastErrorAt: timeIfSet(s.LastError.Time),
	}
	if u, ok := a.router.UserRecord(s.SystemID); ok {
		v.RateMost = u.Rate
	}
	return v
}

func timeIfSet(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// closedByOperator is why a session ends that the API closes.
const closedByOperator = "closed by the operator"

func (a *App) closeSession(id string) bool {
	s, ok := a.server.Session(id)
	if ok {
		s.Close(closedByOperator)
	}
	return ok
}

func (a *App) closeSessions(user string) int { return a.clients.CloseUser(user, closedByOperator) }

// connections counts those of all SMPP listeners.
func (a *App) connections() provisioning.Connections {
	s := a.server.Stats()
	return provisioning.Connections{
		Bound: s.Bound, Unbound: s.Unbound, Accepted: s.Connections,
		HandshakesFailed: s.HandshakesFailed, Forbidden: s.Forbidden, Crowded: s.Crowded,
	}
}
