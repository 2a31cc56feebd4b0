// Package esme is the SMPP client for upstream SMSCs, and the engine of load
// generators: one Session is one bound connection.
//
// Words: a submit is in flight from the moment its submit_sm may be on the wire
// until its response; the window bounds how many are. An outcome is unknown
// when a submit in flight got no response: it may have been accepted.
//
// It promises: every submit ends once, with a message_id, the status of the
// SMSC, ErrNotSent or ErrUnknownOutcome; deliver_sm is answered after OnDeliver
// returned; all goroutines of a Session are gone when Close returns.
//
// It leaves to others: binding again after a session has ended, splitting long
// texts, and what receipts mean.
package esme
