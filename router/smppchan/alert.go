package smppchan

import (
	"cmp"
	"slices"

	"gsmgate/router"
	"gsmgate/smppd"
	"gsmgate/smppd/smpp"
	"gsmgate/storage"
)

// alert tells one session of the user that a subscriber can be reached again
// [SMPP34 4.12.1]; false when there is none that can take it. Nothing answers it:
// what a session was given counts as told.
func (ch *Channel) alert(a router.Alert) bool {
	n := &smpp.AlertNotification{Source: smpp.Address(a.Source), ESME: smpp.Address(a.ESME)}
	n.TLVs = n.TLVs.AppendUint8(smpp.TagMsAvailabilityStatus, available)
	for _, s := range ch.alerted(a) {
		if s.Alert(n) == nil {
			return true
		}
	}
	return false
}

// available is ms_availability_status of a handset that can be reached
// [SMPP34 5.3.2.30].
const available = 0

// alerted gives the sessions that may take an alert, the best first: the one that
// asked for it, then those whose address_range holds the ESME address, then the
// others, as with receipts.
func (ch *Channel) alerted(a router.Alert) (sessions []*smppd.Session) {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	c := ch.clients[a.User]
	if c == nil {
		return nil
	}
	about := &storage.Message{Kind: storage.Receipt, Session: a.Session, Dest: a.ESME}
	rank := func(m *member) int {
		switch {
		case m.s.ID() == a.Session:
			return 0
		case m.takes(about):
			return 1
		}
		return 2
	}
	members := slices.Clone(c.members)
	slices.SortStableFunc(members, func(x, y *member) int { return cmp.Compare(rank(x), rank(y)) })
	for _, m := range members {
		sessions = append(sessions, m.s)
	}
	return sessions
}
