package smppd

import (
	"context"
	"errors"
	"strings"
	"time"

	"gsmgate/smppd/smpp"
)

// handle answers one PDU. over says that the session ends with it.
func (s *Session) handle(ctx context.Context, frame []byte) (end ending, over bool) {
	h, pdu, err := smpp.Parse(frame)
	if !h.ID.IsResponse() && (h.Sequence == 0 || h.Sequence > smpp.MaxSequence) {
		s.fault(FaultSequence, nil) // and answered with the same [SMPP34 5.1.4]
	}
	var bad *smpp.Error
	if err != nil {
		bad = malformed(err)
	}
	status := s.admit(h.ID)
	switch {
	case bad != nil && bad.Status == smpp.StatusInvCmdID:
		s.fault(FaultMalformed, bad)
		s.refuse(h, &smpp.GenericNack{}, bad.Status, bad) // [SMPP34 3.3, 4.3]
	case h.ID.IsResponse():
		return s.response(h, bad)
	case status != smpp.StatusOK:
		s.fault(FaultState, nil)
		s.refuse(h, smpp.ResponseTo(h.ID), status, nil)
	case bad != nil:
		s.fault(FaultMalformed, bad)
		s.log.Debug("malformed PDU", "err", err) // holds no content
		s.refuse(h, smpp.ResponseTo(h.ID), bad.Status, bad)
		return s.countTry(h)
	default:
		return s.request(ctx, h, pdu)
	}
	return ending{}, false
}

// malformed is the error of a PDU that cannot be read; it is on its own so that the others are
// spared the allocation.
func malformed(err error) *smpp.Error {
	var bad *smpp.Error
	errors.As(err, &bad) // Parse returns no other kind
	return bad
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
		return s.bind(ctx, h, p)
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

// refuse sends a negative response to h, for the reason err. A nil p is a request that has none.
// [SMPP34 4.12]
func (s *Session) refuse(h smpp.Header, p smpp.PDU, status smpp.CommandStatus, err error) {
	s.counts.refused.Add(1)
	s.noteError(h.ID, status, err)
	if p != nil {
		_ = s.out.put(status, h.Sequence, p) // an empty response can be encoded; the session may be over
	}
}

// bind asks the Backend and answers. After a refusal the connection stays open for another try,
// under the session-init timer as before, but see countTry.
func (s *Session) bind(ctx context.Context, h smpp.Header, b *smpp.Bind) (end ending, over bool) {
	if err := s.authorise(ctx, b); err != nil {
		s.srv.strange.refused.say(s.log, "system_id", b.SystemID, "status", statusOf(err), "err", err)
		tried := strings.Clone(b.SystemID) // without the rest of the PDU
		s.tried.Store(&tried)
		s.refuse(h, &smpp.BindResp{ID: h.ID.Response()}, statusOf(err), err) // header only [SMPP34 4.1.2]
		return s.countTry(h)
	}
	if s.raw.SetReadDeadline(time.Time{}) != nil {
		s.srv.unreserve()
		return ending{}, false // the connection is gone, and the next read says so
	}
	s.binding.Store(bindingOf(b))
	s.unbound()
	resp := &smpp.BindResp{ID: h.ID.Response(), SystemID: s.srv.cfg.SystemID}
	if b.InterfaceVersion >= smpp.Version34 { // older ones know no TLVs [SMPP34 3.4]
		resp.TLVs = resp.TLVs.AppendUint8(smpp.TagSCInterfaceVersion, smpp.Version34)
	}
	if err := s.out.open(h.Sequence, resp); err != nil && !errors.Is(err, errFinished) {
		s.log.Error("response cannot be encoded", "err", err)
	}
	signal(s.retime)
	s.log.Info("bound", "system_id", b.SystemID, "type", s.BindType().String(), "version", smpp.VersionName(b.InterfaceVersion))
	s.srv.backend.Bound(s)
	s.faults.open()
	return ending{}, false
}

// bindingOf copies what it keeps: the strings of b are parts of the whole PDU.
func bindingOf(b *smpp.Bind) *binding {
	return &binding{
		systemID: strings.Clone(b.SystemID), systemType: strings.Clone(b.SystemType), typ: bindTypeOf(b.ID),
		version: b.InterfaceVersion, addressRange: strings.Clone(b.AddressRange), since: time.Now(),
	}
}

// countTry counts a bind that was refused. After MaxBindTries the connection ends: who guesses
// has to make a new one for each few.
func (s *Session) countTry(h smpp.Header) (end ending, over bool) {
	if !h.ID.IsBind() || s.binding.Load() != nil {
		return ending{}, false
	}
	s.bindTries++
	return ending{why: endError{reason: "too many binds were refused"}, orderly: true}, s.bindTries >= s.srv.cfg.MaxBindTries
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
