package smppd

import (
	"errors"
	"sync/atomic"

	"gsmgate/smppd/smpp"
)

// submit hands a message to the Backend. It is false when the session is to end instead.
func (s *Session) submit(h smpp.Header, sm *smpp.SubmitSM) bool {
	if s.throttled(1) {
		s.throttle(h)
		return true
	}
	if !s.takePlace(h.Sequence) {
		return false
	}
	s.counts.in.add(1, s.lastRead.Load())
	p := &pendingSubmit{s: s, sequence: h.Sequence}
	s.srv.backend.Submit(s, sm, p.reply)
	return true
}

// throttle answers a request that is beyond the rate. Only the session that sent it notices.
// [SMPP50 4.7.6]
func (s *Session) throttle(h smpp.Header) {
	s.fault(FaultThrottled, nil)
	s.refuse(h, smpp.ResponseTo(h.ID), smpp.StatusThrottled, nil)
}

// pendingSubmit is a submit_sm that is not answered; it holds a place in the window.
type pendingSubmit struct {
	s        *Session
	sequence uint32
	answered atomic.Bool
}

// reply answers the submit_sm: any goroutine, once.
func (p *pendingSubmit) reply(messageID string, err error) {
	s := p.s
	if !p.answered.CompareAndSwap(false, true) {
		s.log.Error("submit_sm was replied to twice")
		return
	}
	status := s.replied(smpp.IDSubmitSM, err)
	if err := s.out.put(status, p.sequence, &smpp.SubmitSMResp{MessageID: messageID}); err != nil {
		s.unencodable(smpp.IDSubmitSM, p.sequence, err)
	}
	s.leavePlace(p.sequence)
}

// ask hands any other request about messages to the Backend. It is false when the session is to
// end instead.
func (s *Session) ask(h smpp.Header, req smpp.PDU) bool {
	messages := messagesOf(req)
	if s.throttled(messages) {
		s.throttle(h)
		return true
	}
	if !s.takePlace(h.Sequence) {
		return false
	}
	s.counts.in.add(messages, s.lastRead.Load())
	p := &pendingRequest{s: s, header: h}
	s.srv.backend.Request(s, req, p.reply)
	return true
}

// pendingRequest is a request that is not answered; it holds a place in the window.
type pendingRequest struct {
	s        *Session
	header   smpp.Header
	answered atomic.Bool
}

// reply answers the request: any goroutine, once.
func (p *pendingRequest) reply(resp smpp.PDU, err error) {
	s, id := p.s, p.header.ID
	if !p.answered.CompareAndSwap(false, true) {
		s.log.Error("a request was replied to twice", "command", id.String())
		return
	}
	if resp == nil || err != nil {
		resp = smpp.ResponseTo(id)
	}
	status := s.replied(id, err)
	if err := s.out.put(status, p.header.Sequence, resp); err != nil {
		s.unencodable(id, p.header.Sequence, err)
	}
	s.leavePlace(p.header.Sequence)
}

// replied is the command_status of what the Backend replied.
func (s *Session) replied(id smpp.CommandID, err error) smpp.CommandStatus {
	if err == nil {
		return smpp.StatusOK
	}
	status := statusOf(err)
	s.noteError(id, status, err)
	return status
}

// unencodable answers in place of a response of the Backend that could not be put. That is
// nothing when the session is over.
func (s *Session) unencodable(id smpp.CommandID, sequence uint32, err error) {
	if errors.Is(err, errFinished) {
		return
	}
	s.log.Error("response cannot be encoded", "command", id.String(), "err", err)
	s.noteError(id, smpp.StatusSysErr, nil)
	_ = s.out.put(smpp.StatusSysErr, sequence, smpp.ResponseTo(id))
}

// takePlace takes a place in the window for the request with this sequence_number. With none free
// it waits: the next PDUs stay unread, and TCP slows the ESME down. It is false when the session
// is to end. [SMPP34 2.5.2]
func (s *Session) takePlace(sequence uint32) bool {
	if !s.window.take() {
		s.fault(FaultWindow, nil)
		place := s.window.join()
		if !s.await(place) {
			s.window.leave(place)
			return false
		}
	}
	if s.repeats.add(sequence) {
		s.fault(FaultRepeated, nil)
	}
	return true
}

// leavePlace gives the place back, after the response is queued: see drain.
func (s *Session) leavePlace(sequence uint32) {
	s.repeats.remove(sequence)
	s.window.give()
}

// response takes an answer to a request of ours; bad is what is wrong with it, which matters to
// nobody else, since its body adds nothing. One to nothing that was asked is counted and otherwise
// ignored.
func (s *Session) response(h smpp.Header, bad *smpp.Error) (end ending, over bool) {
	if bad != nil {
		s.fault(FaultMalformed, bad)
	}
	switch s.requests.settle(h) {
	case settledUnbind:
		return ending{why: endError{reason: "unbound"}, orderly: true}, true
	case settledNothing:
		s.counts.unsolicited.Add(1)
		s.fault(FaultUnsolicited, nil)
		s.log.Debug("response to nothing that was asked", "command", h.ID.String(), "sequence", h.Sequence)
	}
	return ending{}, false
}
