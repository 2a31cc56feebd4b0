package esme

import (
	"errors"

	"gsmgate/smppd/smpp"
)

// The ends of a submit without an answer. Both come wrapped with their cause.
var (
	// ErrNotSent means that no octet of the submit went out: it is safe to
	// send it another way.
	ErrNotSent = errors.New("esme: not sent")

	// ErrUnknownOutcome means that the submit may have been accepted: no
	// response came in time, or the connection was lost before it.
	ErrUnknownOutcome = errors.New("esme: outcome unknown")
)

// Causes for the end of a session.
var (
	ErrClosed      = errors.New("esme: session closed")
	ErrUnboundPeer = errors.New("esme: the SMSC unbound the session")
	ErrSilent      = errors.New("esme: the SMSC answers no enquire_link")
	ErrNoResponse  = errors.New("esme: no response in time")
)

// StatusError is the answer of the SMSC when that is not ESME_ROK.
type StatusError struct {
	Response smpp.CommandID // which response said so
	Status   smpp.CommandStatus
}

// Error names the response and the status.
func (e *StatusError) Error() string {
	return "esme: " + e.Response.String() + ": " + e.Status.String()
}
