package httpback

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"gsmgate/router"
	"gsmgate/storage"
)

// Kinds of events.
const (
	kindMO      = "mo"
	kindReceipt = "receipt" // the message has ended
	kindNotice  = "notice"  // it has not: an intermediate notification
)

// Event is what is posted. From and To are those of a deliver_sm: a handset and
// the user's address, for a receipt too.
type Event struct {
	Kind      string `json:"kind"`       // mo, receipt or notice
	ID        string `json:"id"`         // of the event, as gsmgate message shows it
	MessageID string `json:"message_id"` // mo: the same; else that of the submit that it is about
	User      string `json:"user"`
	From      string `json:"from"`
	To        string `json:"to"`

	Text       string `json:"text"`           // of the message; of a receipt, its first 20 characters
	Data       string `json:"data,omitempty"` // mo that is no text: its octets in hexadecimal
	UDH        string `json:"udh,omitempty"`  // mo: its header with the length octet, in hexadecimal
	DataCoding uint8  `json:"data_coding"`    // mo: as it came
	Incomplete bool   `json:"incomplete,omitempty"`

	State          string  `json:"state,omitempty"` // receipt, notice: DELIVERED, EXPIRED, DELETED, UNDELIVERABLE, ACCEPTED, UNKNOWN, REJECTED or ENROUTE
	Err            uint32  `json:"err"`             // the network's cause, 0: none
	Parts          int     `json:"parts,omitempty"`
	PartsDelivered *int    `json:"parts_delivered,omitempty"`
	Reference      *uint16 `json:"user_message_reference,omitempty"`

	ReceivedAt  *time.Time `json:"received_at,omitempty"`  // mo
	SubmittedAt *time.Time `json:"submitted_at,omitempty"` // receipt, notice
	DoneAt      *time.Time `json:"done_at,omitempty"`      // receipt, notice: when it came to the state

	Sample bool `json:"sample,omitempty"` // somebody tries the callback: it is about no message
}

// eventOf makes the event of an MO message or a receipt.
func eventOf(m *storage.Message) Event {
	e := Event{
		Kind: kindMO, ID: m.ID.String(), MessageID: m.ID.String(), User: m.User,
		From: router.AddressText(m.Source), To: router.AddressText(m.Dest),
		Text: m.Text, Data: hex.EncodeToString(m.Data), UDH: hex.EncodeToString(m.UDH), DataCoding: m.DataCoding, Incomplete: m.Incomplete,
	}
	if m.About == nil {
		e.ReceivedAt = timeOf(m.AcceptedAt)
		return e
	}
	a := m.About
	if e.Kind = kindReceipt; a.Intermediate {
		e.Kind = kindNotice
	}
	e.MessageID, e.Text, e.State, e.Err = a.ID.String(), a.Text, router.StateWord(a.State), a.Cause
	e.Parts, e.PartsDelivered, e.Reference = a.Submitted, &a.Delivered, a.UserReference
	e.SubmittedAt, e.DoneAt = timeOf(a.SubmitDate), timeOf(a.DoneDate)
	return e
}

func timeOf(t storage.Time) *time.Time {
	if t == 0 {
		return nil
	}
	at := t.Time()
	return &at
}

// key tells the event from all others. That of a receipt says what it is about;
// its own ID is in it because those of one submit_multi share a message_id.
func (e *Event) key() string {
	if e.State == "" {
		return fmt.Sprintf("%s-%s", e.MessageID, e.Kind)
	}
	return fmt.Sprintf("%s-%s-%s-%s", e.MessageID, e.Kind, e.State, e.ID)
}

// body is the event as it is posted.
func (e *Event) body() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(e)
	return b.Bytes(), err
}
