package smppchan

import (
	"time"

	"gsmgate/router"
	"gsmgate/smppd"
	"gsmgate/smppd/smpp"
	"gsmgate/storage"
)

// Request answers what a client asks about messages, but for submit_sm.
func (ch *Channel) Request(s *smppd.Session, req smpp.PDU, reply func(smpp.PDU, error)) {
	reply = ch.lint.hear(s, req, ch.reader(s, req.CommandID()).alphabet, reply)
	switch p := req.(type) {
	case *smpp.SubmitMulti:
		ch.submitMulti(s, p, reply)
	case *smpp.DataSM:
		ch.data(s, p, reply)
	case *smpp.QuerySM:
		ch.query(s, p, reply)
	case *smpp.CancelSM:
		ch.cancel(s, p, reply)
	case *smpp.ReplaceSM:
		ch.replace(s, p, reply)
	default:
		reply(nil, refuse(smpp.StatusInvCmdID, "command_id", "not offered"))
	}
}

// data takes a data_sm as the submit_sm that says the same [SMPP34 4.7]. Whether
// the delivery pending flag will be set is not known yet: dpf_result says that it
// will, should the message not arrive.
func (ch *Channel) data(s *smppd.Session, d *smpp.DataSM, reply func(smpp.PDU, error)) {
	m, err := ch.reader(s, smpp.IDDataSM).data(d)
	if err != nil {
		reply(nil, err)
		return
	}
	m.User, m.Session = s.SystemID(), s.ID()
	resp := &smpp.DataSMResp{}
	if set, _ := d.TLVs.Uint8(smpp.TagSetDPF); set == 1 && s.InterfaceVersion() >= smpp.Version34 {
		m.DPF = storage.DPFAsked                                // [SMPP34 5.3.2.29]
		resp.TLVs = resp.TLVs.AppendUint8(smpp.TagDPFResult, 1) // [SMPP34 5.3.2.28]
	}
	ch.router.Submit(m, func(id storage.ID, err error) {
		if err != nil {
			reply(nil, wireError(err, smpp.StatusSubmitFail))
			return
		}
		resp.MessageID = id.String()
		reply(resp, nil)
	})
}

// mostAddr is the most octets of an address that a network has room for
// [SMPP34 5.2.8, 5.2.9].
const mostAddr = 20

// data reads data_sm.
func (r reader) data(d *smpp.DataSM) (*storage.Message, error) {
	switch {
	case len(d.Source.Addr) > mostAddr:
		return nil, refuse(smpp.StatusInvSrcAdr, "source_addr", "longer than 20 octets")
	case len(d.Dest.Addr) > mostAddr:
		return nil, refuse(smpp.StatusInvDstAdr, "destination_addr", "longer than 20 octets")
	case !d.TLVs.Has(smpp.TagMessagePayload):
		return nil, refuse(smpp.StatusMissingOptParam, "message_payload", "not there") // [SMPP34 4.7.1]
	}
	m, err := r.message(&smpp.SubmitSM{
		ServiceType: d.ServiceType, Source: d.Source, Dest: d.Dest, ESMClass: d.ESMClass,
		RegisteredDelivery: d.RegisteredDelivery, DataCoding: d.DataCoding, TLVs: d.TLVs,
	})
	if err != nil {
		return nil, err
	}
	if seconds, _ := d.TLVs.Uint32(smpp.TagQoSTimeToLive); seconds != 0 { // [SMPP34 5.3.2.9]
		m.ExpiresAt = storage.TimeOf(r.now.Add(time.Duration(seconds) * time.Second))
	}
	return m, nil
}

// messageID reads a message_id that this SMSC may have given out.
func messageID(s string) (storage.ID, error) {
	id, err := storage.ParseID(s)
	if err != nil || id < storage.FirstID {
		return 0, refuse(smpp.StatusInvMsgID, "message_id", "not one of this SMSC") // [SMPP50 4.7.6]
	}
	return id, nil
}

// query tells how a message stands to the user who submitted it, by whatever
// session [SMPP34 4.8]. For the message_id of a submit_multi see router.Standing.
func (ch *Channel) query(s *smppd.Session, q *smpp.QuerySM, reply func(smpp.PDU, error)) {
	id, err := messageID(q.MessageID)
	if err != nil {
		reply(nil, err)
		return
	}
	st, err := ch.router.Standing(router.Pick{User: s.SystemID(), ID: id, Source: &q.Source.Addr})
	if err != nil {
		reply(nil, wireError(err, smpp.StatusQueryFail))
		return
	}
	reply(queryResp(id, st, s.InterfaceVersion()), nil)
}

func queryResp(id storage.ID, st router.Standing, version uint8) *smpp.QuerySMResp {
	resp := &smpp.QuerySMResp{MessageID: id.String(), MessageState: smpp.MessageState(st.State), ErrorCode: uint8(st.Cause)}
	if st.State == storage.Scheduled && version < smpp.Version50 {
		resp.MessageState = smpp.MessageState(storage.Enroute) // [SMPP34 5.2.28] has no word for it
	}
	if st.EndedAt != 0 {
		resp.FinalDate = smpp.FormatTime(st.EndedAt.Time().Local())
	}
	return resp
}

// cancel takes back one message, all of a submit_multi, or all of a source and
// destination [SMPP34 4.9]. With a message_id the addresses may be left out.
func (ch *Channel) cancel(s *smppd.Session, c *smpp.CancelSM, reply func(smpp.PDU, error)) {
	pick := router.Pick{User: s.SystemID(), DestTON: c.Dest.TON}
	if c.MessageID != "" {
		id, err := messageID(c.MessageID)
		if err != nil {
			reply(nil, err)
			return
		}
		pick.ID, pick.Source, pick.Dest = id, given(&c.Source.Addr), given(&c.Dest.Addr)
	} else {
		pick.Source, pick.Dest, pick.ServiceType = &c.Source.Addr, given(&c.Dest.Addr), given(&c.ServiceType)
		if pick.Dest == nil {
			reply(nil, refuse(smpp.StatusCancelFail, "destination_addr", "needed when there is no message_id"))
			return
		}
	}
	ch.router.Cancel(pick, func(_ int, err error) { reply(nil, wireError(err, smpp.StatusCancelFail)) })
}

// given is nil for a field that is NULL.
func given(s *string) *string {
	if *s == "" {
		return nil
	}
	return s
}

// replace changes a message that has not been sent [SMPP34 4.10]. Its text may
// be in message_payload [SMPP50 4.5.3.1].
func (ch *Channel) replace(s *smppd.Session, p *smpp.ReplaceSM, reply func(smpp.PDU, error)) {
	id, err := messageID(p.MessageID)
	if err != nil {
		reply(nil, err)
		return
	}
	c, err := ch.reader(s, smpp.IDReplaceSM).replacement(p)
	if err != nil {
		reply(nil, err)
		return
	}
	pick := router.Pick{User: s.SystemID(), ID: id, Source: &p.Source.Addr}
	ch.router.Replace(pick, c, func(err error) { reply(nil, wireError(err, smpp.StatusReplaceFail)) })
}

func (r reader) replacement(p *smpp.ReplaceSM) (c router.Replacement, err error) {
	if err = checkDefault(p.SMDefaultMsgID); err != nil {
		return c, err
	}
	data, err := octetsOf(p.ShortMessage, p.TLVs)
	if err != nil {
		return c, err
	}
	c.RegisteredDelivery, c.Size = uint8(p.RegisteredDelivery), len(data)
	c.Body = func(m *storage.Message) error { return r.newBody(m, data) }
	c.DueAt, c.ExpiresAt, err = r.times(p.ScheduleDeliveryTime, p.ValidityPeriod)
	return c, err
}
