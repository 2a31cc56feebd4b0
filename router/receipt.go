package router

import (
	"errors"
	"fmt"

	"gsmgate/storage"
)

// Bits of registered_delivery [SMPP34 5.2.17]. Acknowledgements of the handset
// (bits 3-2) are not asked for, and reserved bits mean nothing.
const (
	receiptBits    = 0x03
	receiptAlways  = 0x01
	receiptFailure = 0x02 // cancelled and expired are failures [SMPP50 4.7.21]
	receiptSuccess = 0x03 // reserved in 3.4 [SMPP50 4.7.21]
	intermediate   = 0x10
)

// wantsReceipt says whether the client asked to hear of an end like this one.
func wantsReceipt(m *storage.Message) bool {
	success := m.State == storage.Delivered || m.State == storage.Accepted
	switch m.RegisteredDelivery & receiptBits {
	case receiptAlways:
		return true
	case receiptFailure:
		return !success
	case receiptSuccess:
		return success
	}
	return false
}

// receipt makes the delivery receipt that the client asked for, nil when it
// wants none.
func (r *Router) receipt(m *storage.Message, now storage.Time) *storage.Message {
	if m.Kind != storage.MT || m.User == "" || !wantsReceipt(m) {
		return nil
	}
	return r.about(m, now)
}

// about makes a message to the client that tells how m stands. Where it waits is
// said by toUser.
func (r *Router) about(m *storage.Message, now storage.Time) *storage.Message {
	expires := r.after(now, r.keepFor(m.User))
	return &storage.Message{
		Kind: storage.Receipt, User: m.User, Session: m.Session,
		Source: m.Dest, Dest: m.Source, ServiceType: m.ServiceType, DataCoding: 0,
		State: storage.Enroute, AcceptedAt: now, ExpiresAt: expires,
		DueAt: now, Deadline: expires,
		Parts: []storage.Part{{}},
		About: &storage.About{
			ID: m.ClientID(), State: m.State, Cause: m.Cause,
			Submitted: len(m.Parts), Delivered: count(m.Parts).done,
			SubmitDate: m.AcceptedAt, DoneDate: now, Text: firstRunes(m.Text, 20),
			UserReference: m.UserReference, Resent: m.Resent,
		},
	}
}

// ErrOf is err: of a receipt for a cause [SMPP34 Appendix B]: its number without where
// it comes from, of which there is room for three digits.
func ErrOf(cause uint32) string { return fmt.Sprintf("%03d", cause&0xFFFF%1000) }

func firstRunes(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}

// mostNotices bounds the intermediate notifications of one message: a network
// may try for days.
const mostNotices = 5

// notice makes the intermediate notification of a message that has not arrived
// yet, for a client that asked for them. What was told last is not told again
// [SMPP34 5.2.17].
func (r *Router) notice(m *storage.Message, cause uint32, why string, now storage.Time) []*storage.Message {
	told := why
	if cause != 0 {
		told = fmt.Sprintf("cause %d", cause)
	}
	switch {
	case m.Kind != storage.MT || m.User == "" || m.RegisteredDelivery&intermediate == 0:
		return nil
	case ended(m) || m.Notices >= mostNotices || told == m.Noticed:
		return nil
	}
	m.Notices++
	m.Noticed = told
	m.Note(now, "notice", "queued for user "+m.User)
	n := r.about(m, now)
	n.About.Intermediate, n.About.Message, n.About.State, n.About.Cause = true, m.ID, storage.Enroute, cause
	return r.toUser(n)
}

// overtaken ends an intermediate notification whose message has ended: it is
// never told after the final receipt. It reports whether m is one.
func (r *Router) overtaken(m *storage.Message) bool {
	if m.About == nil || !m.About.Intermediate {
		return false
	}
	about, err := r.db.Message(m.About.Message)
	if err == nil && !ended(about) || err != nil && !errors.Is(err, storage.ErrNotFound) {
		return false
	}
	_, err = r.changeSync(m.ID, func(m *storage.Message, now storage.Time) ([]*storage.Message, error) {
		return r.finish(m, storage.Deleted, 0, "the message it tells of has ended", now), nil
	})
	if err != nil {
		r.log.Error("a notification that was overtaken cannot be ended", "id", m.ID, "err", err)
	}
	return true
}

// once says whether the client wants a single attempt: datagram mode [SMPP34 5.2.12].
func once(m *storage.Message) bool {
	const mode, datagram = 0x03, 0x01
	return m.Kind == storage.MT && m.ESMClass&mode == datagram
}
