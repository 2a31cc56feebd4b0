package smppchan

import (
	"errors"
	"strings"
	"time"
	"unicode"

	"gsmgate/smppd"
	"gsmgate/smppd/smpp"
	"gsmgate/storage"
)

// Submit turns submit_sm into an MT message of the session's user, a new one or
// what becomes of the one that it replaces.
func (ch *Channel) Submit(s *smppd.Session, sm *smpp.SubmitSM, reply func(messageID string, err error)) {
	submit := ch.router.Submit
	if sm.ReplaceIfPresent == 1 {
		submit = ch.router.SubmitReplacing // [SMPP34 5.2.18]
	}
	rd := ch.reader(s, smpp.IDSubmitSM)
	ch.lint.submit(s, sm, rd.alphabet)
	m, err := rd.message(sm)
	if err != nil {
		ch.lint.refused(s, smpp.IDSubmitSM, err)
		reply("", err)
		return
	}
	m.User, m.Session = s.SystemID(), s.ID()
	submit(m, func(id storage.ID, err error) {
		if err != nil {
			err = wireError(err, smpp.StatusSubmitFail)
			ch.lint.refused(s, smpp.IDSubmitSM, err)
			reply("", err)
			return
		}
		reply(id.String(), nil)
	})
}

// Fault counts what a client does wrong.
func (ch *Channel) Fault(s *smppd.Session, f smppd.Fault) { ch.lint.fault(s, f) }

func refuse(status smpp.CommandStatus, field, reason string) error {
	return &smpp.Error{Status: status, Field: field, Reason: reason}
}

// reader is what it takes to read a message of a client.
type reader struct {
	command  smpp.CommandID // whose parameters are looked at
	alphabet smpp.Alphabet  // what data_coding 0 means to the user
	now      time.Time
}

// reader reads by the settings that the user has now.
func (ch *Channel) reader(s *smppd.Session, command smpp.CommandID) reader {
	u, _ := ch.router.UserRecord(s.SystemID())
	return reader{command: command, alphabet: alphabetOf(&u), now: time.Now()}
}

// alphabetOf is what data_coding 0 means to a user; the router let no other word in.
func alphabetOf(u *storage.User) smpp.Alphabet {
	a, _ := smpp.AlphabetNamed(u.Alphabet)
	return a
}

// message reads submit_sm [SMPP34 4.4.1]. Modes of esm_class but datagram are
// store and forward, and acknowledgements of an ESME are messages like others
// [SMPP34 5.2.12].
func (r reader) message(sm *smpp.SubmitSM) (*storage.Message, error) {
	for _, check := range []func(*smpp.SubmitSM) error{checkFlags, checkSource, r.checkTLVs} {
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
	var err error
	if m.DueAt, m.ExpiresAt, err = r.times(sm.ScheduleDeliveryTime, sm.ValidityPeriod); err != nil {
		return nil, err
	}
	if err := r.body(m, sm); err != nil {
		return nil, err
	}
	parameters(m, sm.TLVs)
	return m, nil
}

// parameters keeps the optional parameters, but for those that stand for
// something that m has.
func parameters(m *storage.Message, t smpp.TLVs) {
	if len(t) == 0 {
		return
	}
	if ref, ok := t.Uint16(smpp.TagUserMessageReference); ok {
		m.UserReference = &ref // [SMPP34 5.3.2.17]
	}
	const display = 1
	if unit, _ := t.Uint8(smpp.TagDestAddrSubunit); unit == display {
		m.Flash = true // [SMPP34 5.3.2.1]
	}
	if bits, ok := t.Uint8(smpp.TagMsMsgWaitFacilities); ok {
		m.Waiting = 0xC0 | bits>>7<<3 | bits&3 // [SMPP34 5.3.2.13] [23.038 4]
	}
	m.TLVs = t.Without(smpp.TagMessagePayload, smpp.TagSARMsgRefNum, smpp.TagSARTotalSegments, smpp.TagSARSegmentSeqnum,
		smpp.TagSourcePort, smpp.TagDestinationPort, smpp.TagUserMessageReference)
}

// checkFlags refuses what this SMSC does not offer, by its own status.
func checkFlags(sm *smpp.SubmitSM) error {
	switch {
	case sm.PriorityFlag > 3:
		return refuse(smpp.StatusInvPrtFlg, "priority_flag", "greater than 3") // [SMPP34 5.2.14]
	case sm.ReplaceIfPresent > 1:
		return refuse(smpp.StatusInvRepFlag, "replace_if_present_flag", "neither 0 nor 1") // [SMPP34 5.2.18]
	}
	return checkDefault(sm.SMDefaultMsgID)
}

func checkDefault(id uint8) error {
	if id != 0 {
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
func (r reader) checkTLVs(sm *smpp.SubmitSM) error {
	if len(sm.TLVs) == 0 {
		return nil
	}
	err := sm.TLVs.Check(r.command)
	var bad *smpp.Error
	if errors.As(err, &bad) && bad.Status == smpp.StatusInvOptParamVal {
		return sm.TLVs.Without(smpp.TagSARTotalSegments, smpp.TagSARSegmentSeqnum).Check(r.command)
	}
	return err
}

func address(a smpp.Address) storage.Address {
	return storage.Address{TON: a.TON, NPI: a.NPI, Addr: a.Addr}
}

// times reads schedule_delivery_time and validity_period [SMPP34 7.1.1]; 0 is
// what was left out.
func (r reader) times(schedule, validity string) (due, expires storage.Time, err error) {
	t, err := smpp.ParseTime(schedule, r.now)
	if err != nil {
		return 0, 0, refuse(smpp.StatusInvSched, "schedule_delivery_time", err.Error())
	}
	due = storage.TimeOf(t)
	if t, err = smpp.ParseTime(validity, r.now); err != nil {
		return 0, 0, refuse(smpp.StatusInvExpiry, "validity_period", err.Error())
	}
	return due, storage.TimeOf(t), nil
}

// octetsOf is what is in short_message or in message_payload.
func octetsOf(short []byte, t smpp.TLVs) ([]byte, error) {
	payload, long := t.Get(smpp.TagMessagePayload)
	switch {
	case long && len(short) > 0:
		return nil, refuse(smpp.StatusInvMsgLen, "message_payload", "short_message is there too") // [SMPP34 5.3.2.32]
	case long:
		return payload, nil
	}
	return short, nil
}

// body takes the user data apart from its header.
func (r reader) body(m *storage.Message, sm *smpp.SubmitSM) error {
	data, err := octetsOf(sm.ShortMessage, sm.TLVs)
	if err != nil {
		return err
	}
	udh, data, err := splitHeader(sm.ESMClass, data)
	if err != nil {
		return err
	}
	switch {
	case udh == nil:
		m.UDH = headerOf(sm.TLVs)
	case sm.TLVs.Has(smpp.TagSARMsgRefNum), sm.TLVs.Has(smpp.TagDestinationPort):
		return refuse(smpp.StatusInvESMClass, "esm_class", "UDHI is set and a parameter stands for a header too") // [SMPP34 5.2.12]
	default:
		m.UDH = udh
	}
	return r.text(m, data, len(udh))
}

// splitHeader takes the header from user data that has one. Each of its elements
// has to lie inside of it [23.040 9.2.3.24].
func splitHeader(esm smpp.ESMClass, data []byte) (udh, rest []byte, err error) {
	udh, rest, err = smpp.SplitUDH(esm, data)
	if err != nil {
		return nil, nil, refuse(smpp.StatusInvESMClass, "short_message", "UDHI is set and the header overruns the message") // [SMPP34 5.2.12]
	}
	for left := udh[min(1, len(udh)):]; len(left) > 0; left = left[2+int(left[1]):] {
		if len(left) < 2 || 2+int(left[1]) > len(left) {
			return nil, nil, refuse(smpp.StatusInvESMClass, "short_message", "an element overruns the user data header") // [SMPP34 5.2.12]
		}
	}
	return udh, rest, nil
}

// newBody puts other user data into a message, under its data_coding and UDHI.
// A header that parameters stood for stays.
func (r reader) newBody(m *storage.Message, data []byte) error {
	udh, data, err := splitHeader(smpp.ESMClass(m.ESMClass), data)
	if err != nil {
		return err
	}
	if udh != nil {
		m.UDH = udh
	}
	m.Text, m.Data = "", nil
	return r.text(m, data, len(udh))
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
