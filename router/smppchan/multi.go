package smppchan

import (
	"slices"

	"gsmgate/router"
	"gsmgate/smppd"
	"gsmgate/smppd/smpp"
	"gsmgate/storage"
)

// submitMulti makes a message for each destination [SMPP34 4.5]. The client
// knows all that were accepted by the message_id of the first; the others are
// told one by one. When there are only others their status is the answer.
func (ch *Channel) submitMulti(s *smppd.Session, p *smpp.SubmitMulti, reply func(smpp.PDU, error)) {
	ms, err := ch.reader(s, smpp.IDSubmitMulti).multi(p)
	if err != nil {
		reply(nil, err)
		return
	}
	for _, m := range ms {
		m.User, m.Session = s.SystemID(), s.ID()
	}
	ch.router.SubmitBatch(ms, func(ids []storage.ID, errs []error) {
		resp, err := multiResp(p.Dests, ids, errs)
		reply(resp, err)
	})
}

// multi reads submit_multi.
func (r reader) multi(p *smpp.SubmitMulti) ([]*storage.Message, error) {
	switch {
	case slices.ContainsFunc(p.Dests, func(d smpp.MultiDest) bool { return d.DLName != "" }):
		return nil, refuse(smpp.StatusCntSubDL, "dl_name", "no distribution lists are offered") // [SMPP34 5.2.26]
	case p.ReplaceIfPresent != 0:
		return nil, refuse(smpp.StatusInvRepFlag, "replace_if_present_flag", "reserved in submit_multi") // [SMPP34 4.5.1]
	}
	m, err := r.message(&smpp.SubmitSM{
		ServiceType: p.ServiceType, Source: p.Source, ESMClass: p.ESMClass, ProtocolID: p.ProtocolID,
		PriorityFlag: p.PriorityFlag, ScheduleDeliveryTime: p.ScheduleDeliveryTime, ValidityPeriod: p.ValidityPeriod,
		RegisteredDelivery: p.RegisteredDelivery, DataCoding: p.DataCoding, SMDefaultMsgID: p.SMDefaultMsgID,
		ShortMessage: p.ShortMessage, TLVs: p.TLVs,
	})
	if err != nil {
		return nil, err
	}
	if size := len(m.Text) + len(m.Data) + len(m.UDH) + len(m.TLVs); size*len(p.Dests) > router.MostBatch {
		return nil, refuse(smpp.StatusInvMsgLen, "message_payload", "too long for so many destinations")
	}
	ms := make([]*storage.Message, len(p.Dests))
	for i := range p.Dests {
		one := *m // what both point to is never changed
		one.Dest = address(p.Dests[i].Address)
		ms[i] = &one
	}
	return ms, nil
}

// multiResp tells which destinations were not accepted, and why.
func multiResp(dests []smpp.MultiDest, ids []storage.ID, errs []error) (*smpp.SubmitMultiResp, error) {
	resp := &smpp.SubmitMultiResp{}
	var common smpp.CommandStatus
	for i, err := range errs {
		if err == nil {
			if resp.MessageID == "" {
				resp.MessageID = ids[i].String()
			}
			continue
		}
		status := wireStatus(err, smpp.StatusSubmitFail)
		if len(resp.Unsuccess) == 0 {
			common = status
		} else if common != status {
			common = smpp.StatusSubmitFail
		}
		resp.Unsuccess = append(resp.Unsuccess, smpp.UnsuccessSME{Address: dests[i].Address, Status: status})
	}
	if resp.MessageID == "" {
		return nil, refuse(common, "dest_address", "none of the destinations was accepted")
	}
	return resp, nil
}
