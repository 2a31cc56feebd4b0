package smppd

import (
	"context"
	"errors"

	"gsmgate/smppd/smpp"
)

// A Backend decides what binds and messages mean. Its methods are called by many sessions at
// once, but for one session one after the other.
type Backend interface {
	// Bind says whether b may bind. A nil error is yes; an *smpp.Error, or an error that wraps
	// one, carries the command_status of bind_*_resp; any other error is ESME_RSYSERR. The
	// password goes no further than this call. ctx ends after Config.Response.
	Bind(ctx context.Context, s *Session, b *smpp.Bind) error

	// Bound tells that s is bound, after bind_*_resp has been queued: a Deliver from here on
	// follows it on the wire. It must not block.
	Bound(s *Session)

	// Closed tells that s is over: once for each Bound, after every other callback for s.
	Closed(s *Session)

	// Submit takes a message over. It must not block for long, since the session reads nothing
	// meanwhile. reply is to be called once, by any goroutine, even before Submit returns; it does
	// not block and does no I/O, and after the session's end it does nothing. A nil error is
	// ESME_ROK with messageID (8 octets at most to an ESME of version 3.3 [SMPP34 3.4]) and says
	// that the message is on disk; errors are as with Bind. sm belongs to the Backend.
	Submit(s *Session, sm *smpp.SubmitSM, reply func(messageID string, err error))

	// Request takes any other request about messages: *smpp.SubmitMulti, *smpp.DataSM,
	// *smpp.QuerySM, *smpp.CancelSM or *smpp.ReplaceSM, under the rules of Submit. resp is the
	// response that belongs to req, or nil for the empty one; with an error it is not looked at.
	Request(s *Session, req smpp.PDU, reply func(resp smpp.PDU, err error))

	// Fault tells of something that a bound ESME does wrong, apart from how it was answered: after
	// Bound and before Closed. It may be called by several goroutines for one session, and must
	// not block.
	Fault(s *Session, f Fault)
}

// statusOf is the command_status that an error of the Backend stands for.
func statusOf(err error) smpp.CommandStatus {
	if err == nil {
		return smpp.StatusOK
	}
	var e *smpp.Error
	if errors.As(err, &e) && e.Status != smpp.StatusOK {
		return e.Status
	}
	return smpp.StatusSysErr
}
