package smpp

import "fmt"

// Error says what is wrong with a PDU and what its sender is to hear. Parse,
// ParseHeader, Reader and Append return no other kind, apart from errors of the
// connection itself.
type Error struct {
	Header   Header        // of the faulty PDU
	HeaderOK bool          // Header could be read; else answer with sequence 0
	Status   CommandStatus // the command_status of the answer
	Field    string        // name as in the specification, "" for the whole PDU
	Offset   int           // of the field, in octets from the start of the PDU
	Reason   string        // what is wrong; holds no content of the PDU
}

// Error gives command, field, offset, reason and status.
func (e *Error) Error() string {
	what := "PDU"
	if e.HeaderOK {
		what = e.Header.ID.String()
	}
	if e.Field == "" {
		return fmt.Sprintf("%s: %s (%s)", what, e.Reason, e.Status)
	}
	return fmt.Sprintf("%s: %s at octet %d: %s (%s)", what, e.Field, e.Offset, e.Reason, e.Status)
}

// Answer returns the PDU to send back, with its sequence_number: the command's
// own response, or generic_nack when the command is not known or a length is
// beyond belief. It is nil when nothing may be sent: the faulty PDU is itself a
// response, or one that has none.
func (e *Error) Answer() (p PDU, status CommandStatus, sequence uint32) {
	if !e.HeaderOK {
		return &GenericNack{}, e.Status, 0 // [SMPP34 4.3.1]
	}
	if e.Field == fieldCommandLength {
		return &GenericNack{}, e.Status, e.Header.Sequence
	}
	return ResponseTo(e.Header.ID), e.Status, e.Header.Sequence
}

// ResponseTo returns the empty response that answers a request with id:
// generic_nack for an unknown one [SMPP34 3.3], nil for responses, outbind and
// alert_notification, which nothing answers.
func ResponseTo(id CommandID) PDU {
	if id.IsResponse() || id == IDOutbind || id == IDAlertNotification {
		return nil
	}
	if p := newPDU(id.Response()); p != nil {
		return p
	}
	return &GenericNack{}
}
