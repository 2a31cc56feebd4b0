package smppd

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"gsmgate/smppd/smpp"
)

// handle answers one PDU. over says that the session ends with it.
func (s *Session) handle(ctx context.Context, frame []byte) (end ending, over bool) {
	h, pdu, err := smpp.Parse(frame)
	var bad *smpp.Error
	if errors.As(err, &bad) && bad.Status == smpp.StatusInvCmdID {
		s.refuse(h, &smpp.GenericNack{}, smpp.StatusInvCmdID) // [SMPP34 3.3, 4.3]
		return ending{}, false
	}
	if h.ID.IsResponse() { // its body adds nothing, so that a faulty one matters to nobody
		return s.response(h)
	}
	if status := s.admit(h.ID); status != smpp.StatusOK {
		s.refuse(h, smpp.ResponseTo(h.ID), status)
		return ending{}, false
	}
	if err != nil {
		s.log.Debug("malformed PDU", "err", err) // holds no content
		s.refuse(h, smpp.ResponseTo(h.ID), statusOf(err))
		return ending{}, false
	}
	return s.request(ctx, h, pdu)
}

// request handles a request that is well-formed and allowed in this state.
func (s *Session) request(ctx context.Context, h smpp.Header, pdu smpp.PDU) (end ending, over bool) {
	switch p := pdu.(type) {
	case *smpp.SubmitSM:
		if !s.submit(h, p) {
			return ending{why: endError{reason: "stopped"}, orderly: true}, true
		}
	case *smpp.EnquireLink:
		s.answer(h, &smpp.EnquireLinkResp{}) // [SMPP34 4.11]
	case *smpp.Bind:
		s.bind(ctx, h, p)
	case *smpp.Unbind: // [SMPP34 4.2]
		last := &lastAnswer{smpp.StatusOK, h.Sequence, &smpp.UnbindResp{}}
		return ending{endError{reason: "unbind from the ESME"}, true, last}, true
	default: // data_sm, submit_multi, query_sm, cancel_sm, replace_sm
		if !s.ask(h, p) {
			return ending{why: endError{reason: "stopped"}, orderly: true}, true
		}
	}
	return ending{}, false
}

// admit says whether the session's state allows a request. [SMPP34 2.3]
func (s *Session) admit(id smpp.CommandID) smpp.CommandStatus {
	typ := s.BindType()
	switch {
	case id == smpp.IDEnquireLink: // also before the bind [SMPP50 2.4]
		return smpp.StatusOK
	case id.IsBind() && typ != 0:
		return smpp.StatusAlyBnd // [SMPP34 5.1.3]
	case id.IsBind():
		return smpp.StatusOK
	case typ == 0:
		return smpp.StatusInvBndSts // [SMPP50 2.8.2]
	}
	switch id {
	case smpp.IDUnbind, smpp.IDDataSM:
		return smpp.StatusOK
	case smpp.IDSubmitSM, smpp.IDSubmitMulti, smpp.IDQuerySM, smpp.IDCancelSM, smpp.IDReplaceSM:
		if typ.CanTransmit() {
			return smpp.StatusOK
		}
	}
	return smpp.StatusInvBndSts // on a receiver; and deliver_sm, which only an SMSC sends
}

// answer sends the positive response to h.
func (s *Session) answer(h smpp.Header, p smpp.PDU) {
	if err := s.out.put(smpp.StatusOK, h.Sequence, p); err != nil && !errors.Is(err, errFinished) {
		s.log.Error("response cannot be encoded", "err", err)
	}
}

// refuse sends a negative response to h. A nil p is a request that has none. [SMPP34 4.12]
func (s *Session) refuse(h smpp.Header, p smpp.PDU, status smpp.CommandStatus) {
	s.counts.refused.Add(1)
	if p != nil {
		_ = s.out.put(status, h.Sequence, p) // an empty response can be encoded; the session may be over
	}
}

// bind asks the Backend and answers. After a refusal the connection stays open for another try,
// under the session-init timer as before.
func (s *Session) bind(ctx context.Context, h smpp.Header, b *smpp.Bind) {
	err := s.authorise(ctx, b)
	if err != nil {
		s.log.Info("bind refused", "system_id", b.SystemID, "status", statusOf(err), "err", err)
		s.refuse(h, &smpp.BindResp{ID: h.ID.Response()}, statusOf(err)) // header only [SMPP34 4.1.2]
		return
	}
	if s.raw.SetReadDeadline(time.Time{}) != nil {
		s.srv.unreserve()
		return // the connection is gone, and the next read says so
	}
	s.binding.Store(&binding{
		systemID: b.SystemID, systemType: b.SystemType, typ: bindTypeOf(b.ID),
		version: b.InterfaceVersion, addressRange: b.AddressRange, since: time.Now(),
	})
	s.unbound()
	resp := &smpp.BindResp{ID: h.ID.Response(), SystemID: s.srv.cfg.SystemID}
	if b.InterfaceVersion >= smpp.Version34 { // older ones know no TLVs [SMPP34 3.4]
		resp.TLVs = resp.TLVs.AppendUint8(smpp.TagSCInterfaceVersion, smpp.Version34)
	}
	s.answer(h, resp)
	s.answered.Store(true)
	signal(s.retime)
	s.log.Info("bound", "system_id", b.SystemID, "type", s.BindType().String(), "version", b.InterfaceVersion)
	s.srv.backend.Bound(s)
}

// authorise asks for a place among the bound sessions, then asks the Backend.
func (s *Session) authorise(ctx context.Context, b *smpp.Bind) error {
	if !s.srv.reserve() {
		return &smpp.Error{Status: smpp.StatusBindFail, Reason: "as many sessions as there may be"}
	}
	accepted := false
	defer func() {
		if !accepted { // also after a panic
			s.srv.unreserve()
		}
	}()
	limited, cancel := context.WithTimeout(ctx, s.srv.cfg.Response)
	defer cancel()
	err := s.srv.backend.Bind(limited, s, b)
	if err == nil && ctx.Err() != nil {
		err = &smpp.Error{Status: smpp.StatusBindFail, Reason: "the server stops"}
	}
	accepted = err == nil
	return err
}

// submit hands a message to the Backend. It is false when the session is to end instead.
func (s *Session) submit(h smpp.Header, sm *smpp.SubmitSM) bool {
	if !s.takePlace() {
		return false
	}
	s.counts.submits.Add(1)
	p := &pendingSubmit{s: s, sequence: h.Sequence}
	s.srv.backend.Submit(s, sm, p.reply)
	return true
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
	status := statusOf(err)
	var bad *smpp.Error
	err = s.out.put(status, p.sequence, &smpp.SubmitSMResp{MessageID: messageID})
	if errors.As(err, &bad) {
		s.log.Error("submit_sm_resp cannot be encoded", "err", err)
		_ = s.out.put(smpp.StatusSysErr, p.sequence, &smpp.SubmitSMResp{})
	}
	<-s.window // after the response is queued: see drain
}

// ask hands any other request about messages to the Backend. It is false when the session is to
// end instead.
func (s *Session) ask(h smpp.Header, req smpp.PDU) bool {
	if !s.takePlace() {
		return false
	}
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
	s := p.s
	if !p.answered.CompareAndSwap(false, true) {
		s.log.Error("a request was replied to twice", "command", p.header.ID.String())
		return
	}
	if resp == nil || err != nil {
		resp = smpp.ResponseTo(p.header.ID)
	}
	var bad *smpp.Error
	if errors.As(s.out.put(statusOf(err), p.header.Sequence, resp), &bad) {
		s.log.Error("response cannot be encoded", "err", bad)
		_ = s.out.put(smpp.StatusSysErr, p.header.Sequence, smpp.ResponseTo(p.header.ID))
	}
	<-s.window // after the response is queued: see drain
}

// response takes an answer to a request of ours. One to nothing that was asked is counted and
// otherwise ignored.
func (s *Session) response(h smpp.Header) (end ending, over bool) {
	switch s.requests.settle(h) {
	case settledUnbind:
		return ending{why: endError{reason: "unbound"}, orderly: true}, true
	case settledNothing:
		s.counts.unsolicited.Add(1)
		s.log.Debug("response to nothing that was asked", "command", h.ID.String(), "sequence", h.Sequence)
	}
	return ending{}, false
}
