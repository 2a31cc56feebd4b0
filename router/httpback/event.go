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

// CallbackEvent is what is posted. From and To are those of a deliver_sm.
type CallbackEvent struct {
	Kind      string `json:"kind" enum:"mo,receipt,notice" doc:"a message of a handset; the end of one of the user's; how such a one stands while it has not ended, when that was asked for"`
	ID        string `json:"id" doc:"of the event: gsmgate message shows it"`
	MessageID string `json:"message_id" doc:"mo: the same as id; else that of the submit that it is about"`
	User      string `json:"user"`
	From      string `json:"from" doc:"the handset, for a receipt too"`
	To        string `json:"to" doc:"the user's address"`

	Text       string `json:"text" doc:"of the message; of a receipt, its first 20 characters"`
	Data       string `json:"data,omitempty" doc:"mo that is no text: its octets in hexadecimal"`
	UDH        string `json:"udh,omitempty" doc:"mo: its user data header with the length octet, in hexadecimal"`
	DataCoding uint8  `json:"data_coding" doc:"mo: as it came"`
	Incomplete bool   `json:"incomplete,omitempty" doc:"mo: parts of it never came"`

	State          string  `json:"state,omitempty" enum:"DELIVERED,EXPIRED,DELETED,UNDELIVERABLE,ACCEPTED,UNKNOWN,REJECTED,ENROUTE,SCHEDULED" doc:"receipt, notice"`
	Err            uint32  `json:"err" doc:"the network's cause; 0: none"`
	Parts          int     `json:"parts,omitempty" doc:"receipt, notice"`
	PartsDelivered *int    `json:"parts_delivered,omitempty" doc:"receipt, notice"`
	Reference      *uint16 `json:"user_message_reference,omitempty" doc:"receipt, notice: what the client called the message"`

	ReceivedAt  *time.Time `json:"received_at,omitempty" doc:"mo"`
	SubmittedAt *time.Time `json:"submitted_at,omitempty" doc:"receipt, notice"`
	DoneAt      *time.Time `json:"done_at,omitempty" doc:"receipt, notice: when it came to the state"`

	Sample bool `json:"sample,omitempty" doc:"somebody tries the callback: it is about no message"`
}

// eventOf makes the event of an MO message or a receipt.
func eventOf(m *storage.Message) CallbackEvent {
	e := CallbackEvent{
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
func (e *CallbackEvent) key() string {
	if e.State == "" {
		return fmt.Sprintf("%s-%s", e.MessageID, e.Kind)
	}
	return fmt.Sprintf("%s-%s-%s-%s", e.MessageID, e.Kind, e.State, e.ID)
}

// body is the event as it is posted.
func (e *CallbackEvent) body() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(e)
	return b.Bytes(), err
}
