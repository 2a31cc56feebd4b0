package smppchan

import (
	"bytes"
	"errors"
	"strings"
	"time"
	"unicode"

	"gsmgate/smppd"
	"gsmgate/smppd/smpp"
	"gsmgate/storage"
)

// Submit turns submit_sm into an MT message of the session's user.
func (ch *Channel) Submit(s *smppd.Session, sm *smpp.SubmitSM, reply func(messageID string, err error)) {
	m, err := accept(sm, time.Now())
	if err != nil {
		reply("", err)
		return
	}
	m.User, m.Session = s.SystemID(), s.ID()
	ch.router.Submit(m, func(id storage.ID, err error) {
		if err != nil {
			reply("", wireError(err, smpp.StatusSubmitFail))
			return
		}
		reply(id.String(), nil)
	})
}

// Request answers the requests that are not offered yet.
func (ch *Channel) Request(_ *smppd.Session, _ smpp.PDU, reply func(smpp.PDU, error)) {
	reply(nil, refuse(smpp.StatusInvCmdID, "command_id", "not offered"))
}

// Fault counts what a client does wrong.
func (ch *Channel) Fault(*smppd.Session, smppd.Fault) {}

func refuse(status smpp.CommandStatus, field, reason string) error {
	return &smpp.Error{Status: status, Field: field, Reason: reason}
}

// accept reads a submit_sm that a handset can be given.
func accept(sm *smpp.SubmitSM, now time.Time) (*storage.Message, error) {
	if dc := sm.DataCoding; !dc.Text() && !dc.Binary() { // a handset would show something else
		return nil, refuse(smpp.StatusInvDCS, "data_coding", "an alphabet that GSM has no place for") // [SMPP50 4.7.6]
	}
	m, err := message(sm, now)
	if err == nil && sm.DataCoding == smpp.CodingDefault && bytes.ContainsFunc(m.Data, func(r rune) bool { return r > 0x7F }) {
		return nil, refuse(smpp.StatusInvDCS, "data_coding", "octets above 0x7F are not in the default alphabet") // [23.038 6.2.1]
	}
	return m, err
}

// message reads submit_sm [SMPP34 4.4.1].
func message(sm *smpp.SubmitSM, now time.Time) (*storage.Message, error) {
	for _, check := range []func(*smpp.SubmitSM) error{checkFlags, checkSource, checkTLVs} {
		if err := check(sm); err != nil {
			return nil, err
		}
	}
	m := &storage.Message{
		Kind:   storage.MT,
		Source: address(sm.Source), Dest: address(sm.Dest),
		ServiceType: sm.ServiceType, ESMClass: uint8(sm.ESMClass), ProtocolID: sm.ProtocolID,
		Priority: sm.PriorityFlag, RegisteredDelivery: uint8(sm.RegisteredDelivery),
		DataCoding: uint8(sm.DataCoding),
	}
	if err := times(m, sm, now); err != nil {
		return nil, err
	}
	if err := body(m, sm); err != nil {
		return nil, err
	}
	m.TLVs = sm.TLVs
	if len(sm.TLVs) > 0 {
		m.TLVs = sm.TLVs.Without(smpp.TagMessagePayload, smpp.TagSARMsgRefNum, smpp.TagSARTotalSegments, smpp.TagSARSegmentSeqnum,
			smpp.TagSourcePort, smpp.TagDestinationPort)
	}
	return m, nil
}

// checkFlags refuses what this SMSC does not offer, by its own status.
func checkFlags(sm *smpp.SubmitSM) error {
	switch {
	case sm.PriorityFlag > 3:
		return refuse(smpp.StatusInvPrtFlg, "priority_flag", "greater than 3") // [SMPP34 5.2.14]
	case sm.ReplaceIfPresent > 1:
		return refuse(smpp.StatusInvRepFlag, "replace_if_present_flag", "neither 0 nor 1") // [SMPP34 5.2.18]
	case sm.ReplaceIfPresent == 1:
		return refuse(smpp.StatusInvSubRep, "replace_if_present_flag", "replacing is not offered")
	case sm.SMDefaultMsgID != 0:
		return refuse(smpp.StatusInvDftMsgID, "sm_default_msg_id", "no predefined messages are offered") // [SMPP34 5.2.20]
	}
	return nil
}

// checkSource refuses what no address and no name has: it would come back in
// every receipt [SMPP50 4.7.6].
func checkSource(sm *smpp.SubmitSM) error {
	if strings.ContainsFunc(sm.Source.Addr, unicode.IsControl) {
		return refuse(smpp.StatusInvSrcAdr, "source_addr", "holds a control character")
	}
	return nil
}

// checkTLVs refuses parameters of a wrong length or value. A sar_* set that
// cannot be meant is ignored [SMPP34 5.3.2.23].
func checkTLVs(sm *smpp.SubmitSM) error {
	if len(sm.TLVs) == 0 {
		return nil
	}
	err := sm.TLVs.Check(smpp.IDSubmitSM)
	var bad *smpp.Error
	if errors.As(err, &bad) && bad.Status == smpp.StatusInvOptParamVal {
		return sm.TLVs.Without(smpp.TagSARTotalSegments, smpp.TagSARSegmentSeqnum).Check(smpp.IDSubmitSM)
	}
	return err
}

func address(a smpp.Address) storage.Address {
	return storage.Address{TON: a.TON, NPI: a.NPI, Addr: a.Addr}
}

// times reads schedule_delivery_time and validity_period [SMPP34 7.1.1].
func times(m *storage.Message, sm *smpp.SubmitSM, now time.Time) error {
	if sm.ScheduleDeliveryTime != "" {
		t, err := smpp.ParseTime(sm.ScheduleDeliveryTime, now)
		if err != nil {
			return refuse(smpp.StatusInvSched, "schedule_delivery_time", err.Error())
		}
		m.DueAt = storage.TimeOf(t)
	}
	if sm.ValidityPeriod != "" {
		t, err := smpp.ParseTime(sm.ValidityPeriod, now)
		if err != nil {
			return refuse(smpp.StatusInvExpiry, "validity_period", err.Error())
		}
		m.ExpiresAt = storage.TimeOf(t)
	}
	return nil
}

// body takes the user data from short_message or message_payload, apart from
// its header.
func body(m *storage.Message, sm *smpp.SubmitSM) error {
	data := sm.ShortMessage
	payload, long := sm.TLVs.Get(smpp.TagMessagePayload)
	switch {
	case long && len(data) > 0:
		return refuse(smpp.StatusInvMsgLen, "message_payload", "short_message is there too") // [SMPP34 5.3.2.32]
	case long:
		data = payload
	}
	udh, data, err := smpp.SplitUDH(sm.ESMClass, data)
	if err != nil {
		return refuse(smpp.StatusInvESMClass, "short_message", "UDHI is set and the header overruns the message") // [SMPP34 5.2.12]
	}
	switch {
	case udh == nil:
		m.UDH = headerOf(sm.TLVs)
	case sm.TLVs.Has(smpp.TagSARMsgRefNum), sm.TLVs.Has(smpp.TagDestinationPort):
		return refuse(smpp.StatusInvESMClass, "esm_class", "UDHI is set and a parameter stands for a header too") // [SMPP34 5.2.12]
	default:
		m.UDH = udh
	}
	text(m, data)
	return nil
}

// headerOf makes the user data header that parameters stand for, nil for none.
func headerOf(t smpp.TLVs) []byte {
	if len(t) == 0 {
		return nil
	}
	elements := append(ports(t), sar(t)...)
	if len(elements) == 0 {
		return nil
	}
	return append([]byte{byte(len(elements))}, elements...)
}

// ports makes the element of the two ports. Without a destination_port no
// application is meant [SMPP34 5.3.2.20, 5.3.2.21] [23.040 9.2.3.24.4].
func ports(t smpp.TLVs) []byte {
	dest, ok := t.Uint16(smpp.TagDestinationPort)
	if !ok {
		return nil
	}
	source, _ := t.Uint16(smpp.TagSourcePort)
	return []byte{5, 4, byte(dest >> 8), byte(dest), byte(source >> 8), byte(source)}
}

// sar makes the concatenation element that sar_* stand for; an incomplete set
// is ignored [SMPP34 5.3.2.22 to 5.3.2.24].
//
// The reference is always of one octet [23.040 9.2.3.24.1]: ESMEs cut their
// texts for that header, to 153 septets or 134 octets, and with the longer one
// the parts would not fit, whatever their reference.
func sar(t smpp.TLVs) []byte {
	ref, ok1 := t.Uint16(smpp.TagSARMsgRefNum)
	total, ok2 := t.Uint8(smpp.TagSARTotalSegments)
	number, ok3 := t.Uint8(smpp.TagSARSegmentSeqnum)
	if !ok1 || !ok2 || !ok3 || total < 2 || number < 1 || number > total {
		return nil
	}
	return []byte{0, 3, byte(ref), total, number}
}

// text keeps user data as UTF-8 where that gives the same octets back, else
// as it is.
func text(m *storage.Message, data []byte) {
	if len(data) == 0 {
		return
	}
	dc := smpp.DataCoding(m.DataCoding)
	if !dc.Text() {
		m.Data = data
		return
	}
	s, err := smpp.DecodeText(dc, smpp.GSM0338, data)
	if err != nil {
		m.Data = data
		return
	}
	if back, err := smpp.EncodeText(dc, smpp.GSM0338, s); err == nil && bytes.Equal(back, data) {
		m.Text = s
		return
	}
	if back, err := smpp.EncodeText(smpp.CodingDefault, smpp.GSM0338, s); err == nil && bytes.Equal(back, data) {
		m.Text, m.DataCoding = s, uint8(smpp.CodingDefault) // IA5 in name, GSM 03.38 in fact
		return
	}
	m.Data = data
}
