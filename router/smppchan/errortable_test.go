package smppchan_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"

	"gsmgate/router"
	"gsmgate/smppd"
)

// The statuses of the table, typed in from the specification.
const (
	rOK               = 0x00
	rInvMsgLen        = 0x01
	rInvCmdLen        = 0x02
	rInvCmdID         = 0x03
	rInvBndSts        = 0x04
	rAlyBnd           = 0x05
	rInvPrtFlg        = 0x06
	rSysErr           = 0x08
	rInvSrcAdr        = 0x0A
	rInvDstAdr        = 0x0B
	rInvMsgID         = 0x0C
	rBindFail         = 0x0D
	rInvPaswd         = 0x0E
	rInvSysID         = 0x0F
	rCancelFail       = 0x11
	rReplaceFail      = 0x13
	rMsgQFul          = 0x14
	rInvSerTyp        = 0x15
	rInvNumDests      = 0x33
	rInvDLName        = 0x34
	rInvDestFlag      = 0x40
	rInvESMClass      = 0x43
	rCntSubDL         = 0x44
	rSubmitFail       = 0x45
	rInvSysTyp        = 0x53
	rInvRepFlag       = 0x54
	rThrottled        = 0x58
	rInvSched         = 0x61
	rInvExpiry        = 0x62
	rInvDftMsgID      = 0x63
	rQueryFail        = 0x67
	rInvOptParStream  = 0xC0
	rInvParLen        = 0xC2
	rMissingOptParam  = 0xC3
	rInvOptParamVal   = 0xC4
	rInvDCS           = 0x104
	seqOfTheRequest   = 0xFFFFFFFE // a step that gets the next sequence_number
	seqZero           = 0
	noAnswer          = 0
	sequenceInTheTest = 0x00ABCDEF
)

// A row is one line of the table of what an SMSC owes: a condition, in one kind of session, and the
// answer. The steps before the last one bring the condition about.
type row struct {
	condition string
	bind      uint32 // how the session is bound; 0: not at all
	user      string // "": acme
	owner     string // who has sent the message that the steps are about; "": the steps tell
	steps     []step
	closes    bool // the server may close, and does
	headOnly  bool // the last answer has no body
}

// A step is one request and its answer.
type step struct {
	send     []byte
	id       uint32 // of the answer; noAnswer: none
	statuses []uint32
	seq      uint32             // seqOfTheRequest, or what stands in send and is echoed
	body     func([]byte) error // what the body must be; nil: anything
}

func ask(send []byte, id uint32, statuses ...uint32) step {
	return step{send: send, id: id, statuses: statuses, seq: seqOfTheRequest}
}

// submits is a submit_sm and its status.
func submits(status uint32, changes ...string) []step {
	return []step{ask(submit(changes...), submitSM|resp, status)}
}

// TestErrorTable sends what each row says, as octets over TLS to a server with router and store:
// the answer has the row's command_id, status and sequence_number, the session goes on or is
// closed as the row says, and a session that submits all along notices nothing.
func TestErrorTable(t *testing.T) {
	f := openOffice(t, router.Options{}, smppd.Config{})
	others := f.bystand()
	for _, r := range errorTable() {
		t.Run(r.condition, func(t *testing.T) {
			f.play(t, r)
			others.noticedNothing(t)
		})
	}
}

// errorTable leaves out what this server has no case of: a kind of bind that is not supported, an
// operation that is denied to an ESME (ESME_RPROHIBITED), replace_if_present_flag not offered, and a
// parameter that is not allowed (ESME_ROPTPARNOTALLWD). What needs a server of its own follows in
// tests of its own: a full queue, the window, an ESME that reads nothing.
func errorTable() (all []row) {
	if merged {
		all = rowsAfterMerge()
	}
	for _, rows := range [][]row{rowsOfLengths(), rowsOfStates(), rowsOfBinds(), rowsOfFields(), rowsOfCodings(), rowsOfTimes(), rowsOfParameters(), rowsOfRouting(),
		rowsOfMulti(), rowsOfDestinations(), rowsOfDataSM(), rowsOfQuery(), rowsOfCancel(), rowsOfReplace()} {
		all = append(all, rows...)
	}
	return all
}

func (f *office) play(t *testing.T, r row) {
	user := r.user
	if user == "" {
		user = "acme"
	}
	l := f.bound(t, user, r.bind)
	if r.owner != "" {
		o := f.bound(t, r.owner, bindTX)
		o.ask(submit(), submitSM|resp, rOK)
		l.id = o.id
	}
	var last answer
	for _, s := range r.steps {
		last = l.play(s)
	}
	if r.headOnly && len(last.body) > 0 {
		t.Errorf("the answer has a body: %v", last)
	}
	if r.closes {
		l.closed()
	} else {
		l.usable()
	}
}

func (l *link) play(s step) (a answer) {
	l.t.Helper()
	p := bytes.ReplaceAll(s.send, []byte(lastID), []byte(fmt.Sprintf("%8s", l.id)))
	if s.seq == seqOfTheRequest {
		l.seq++
		s.seq = l.seq
		binary.BigEndian.PutUint32(p[12:], s.seq)
	}
	l.write(p)
	if s.id == noAnswer {
		return a
	}
	a = l.expect(s.id, s.seq, s.statuses...)
	if s.body != nil {
		if err := s.body(a.body); err != nil {
			l.t.Errorf("%v: %v", a, err)
		}
	}
	return a
}

var everyBind = map[string]uint32{"unbound": 0, "transmitter": bindTX, "receiver": bindRX, "transceiver": bindTRX}

// rowsOfLengths: what cannot be understood hears generic_nack, in any state.
func rowsOfLengths() (rows []row) {
	lost := func(state, what string, bind uint32, octets []byte, echo uint32) {
		rows = append(rows, row{condition: state + "/" + what, bind: bind, closes: true, headOnly: true,
			steps: []step{{octets, genericNack, []uint32{rInvCmdLen}, echo, nil}}})
	}
	for state, bind := range everyBind {
		for _, id := range []uint32{nobodysID, nobodysReply, 0x0A, 0xFFFFFFFF, broadcastSM, queryBcast, cancelBcast} {
			rows = append(rows, row{condition: fmt.Sprintf("%s/unknown command_id %08X", state, id), bind: bind, headOnly: true,
				steps: []step{ask(pdu(id), genericNack, rInvCmdID), ask(pdu(id, "some body"), genericNack, rInvCmdID)}})
		}
		lost(state, "command_length 15", bind, withLength(15, submitSM, sequenceInTheTest), sequenceInTheTest)
		lost(state, "command_length 0", bind, withLength(0, enquireLink, sequenceInTheTest), sequenceInTheTest)
		lost(state, "command_length 4 and no more octets", bind, []byte{0, 0, 0, 4}, seqZero)
		lost(state, "command_length above the limit", bind, withLength(1<<17, submitSM, sequenceInTheTest), sequenceInTheTest)
		lost(state, "command_length 4 GiB", bind, withLength(0xFFFFFFFF, bindTRX, sequenceInTheTest, 1, 2, 3), sequenceInTheTest)
	}
	return append(rows,
		row{condition: "submit_sm of a header only", bind: bindTX, headOnly: true, steps: []step{ask(pdu(submitSM), submitSM|resp, rInvCmdLen)}},
		row{condition: "data_sm of a header only", bind: bindTX, steps: []step{ask(pdu(dataSM), dataSM|resp, rInvCmdLen)}},
		row{condition: "query_sm of a header only", bind: bindTX, steps: []step{ask(pdu(querySM), querySM|resp, rInvCmdLen)}},
		row{condition: "bind of a header only", headOnly: true, steps: []step{ask(pdu(bindTRX), bindTRX|resp, rInvCmdLen)}},
		row{condition: "enquire_link with half a parameter", bind: bindTX, steps: []step{ask(pdu(enquireLink, "\x00"), enquireLink|resp, rInvCmdLen)}},
		row{condition: "sequence_number 0", bind: bindTRX, steps: []step{{withLength(16, enquireLink, 0), enquireLink | resp, []uint32{rOK}, 0, nil}}},
		row{condition: "sequence_number FFFFFFFF", bind: bindTRX, steps: []step{{withLength(16, enquireLink, 0xFFFFFFFF), enquireLink | resp, []uint32{rOK}, 0xFFFFFFFF, nil}}},
	)
}

// rowsOfStates: every request that the state does not allow hears RINVBNDSTS in its own response.
func rowsOfStates() (rows []row) {
	requests := map[string][]byte{"submit_sm": submit(), "submit_multi": multi(), "query_sm": query(), "cancel_sm": cancel(), "replace_sm": replace()}
	for name, p := range requests {
		id := binary.BigEndian.Uint32(p[4:]) | resp
		rows = append(rows,
			row{condition: name + " before the bind", steps: []step{ask(p, id, rInvBndSts)}},
			row{condition: name + " on a receiver", bind: bindRX, steps: []step{ask(p, id, rInvBndSts)}})
	}
	rows = append(rows,
		row{condition: "data_sm before the bind", steps: []step{ask(data(), dataSM|resp, rInvBndSts)}},
		row{condition: "unbind before the bind", steps: []step{ask(pdu(unbind), unbind|resp, rInvBndSts)}},
		row{condition: "enquire_link before the bind", headOnly: true, steps: []step{ask(pdu(enquireLink), enquireLink|resp, rOK)}},
		row{condition: "unbind", bind: bindTRX, closes: true, headOnly: true, steps: []step{ask(pdu(unbind), unbind|resp, rOK)}},
	)
	for state, bind := range everyBind {
		if bind == 0 {
			continue
		}
		rows = append(rows, row{condition: "deliver_sm on a " + state, bind: bind, steps: []step{ask(deliver(), deliverSM|resp, rInvBndSts)}})
		for again, id := range everyBind {
			if id != 0 {
				rows = append(rows, row{condition: "bind as " + again + " on a " + state, bind: bind, headOnly: true, steps: []step{ask(bindPDU(id), id|resp, rAlyBnd)}})
			}
		}
	}
	return rows
}

// deliver is a deliver_sm, which only an SMSC sends.
func deliver() []byte {
	p := submit()
	binary.BigEndian.PutUint32(p[4:], deliverSM)
	return p
}

// rowsOfBinds: each refusal is a header only, and another try is allowed.
func rowsOfBinds() (rows []row) {
	refused := func(what string, id, status uint32, changes ...string) {
		rows = append(rows, row{condition: what, headOnly: true, steps: []step{ask(bindPDU(id, changes...), id|resp, status)}})
	}
	refused("wrong password", bindTX, rBindFail, "password", "wrong") // few of these: who fails too often has to wait
	refused("unknown system_id", bindRX, rBindFail, "system_id", "nobody")
	refused("disabled user", bindTRX, rBindFail, "system_id", "gone")
	for kind, id := range everyBind {
		if id == 0 {
			continue
		}
		refused(kind+": system_id too long", id, rInvSysID, "system_id", "1234567890123456")
		refused(kind+": password too long", id, rInvPaswd, "password", "123456789")
		refused(kind+": system_type too long", id, rInvSysTyp, "system_type", "1234567890123")
	}
	return append(rows, row{condition: "a right bind after a wrong one", steps: []step{
		ask(bindPDU(bindTX, "password", "wrong"), bindTX|resp, rBindFail), ask(bindPDU(bindTX), bindTX|resp, rOK), ask(submit(), submitSM|resp, rOK)}})
}

// refusals and acceptances make rows of submit_sm in a session that may transmit.
func refusal(condition string, status uint32, changes ...string) row {
	return row{condition: condition, bind: bindTX, steps: submits(status, changes...), headOnly: true}
}

func accepted(condition string, changes ...string) row {
	return row{condition: condition, bind: bindTRX, steps: submits(rOK, changes...)}
}

const tooLong = "123456789012345678901\x00" // 22 octets with the NUL

func rowsOfFields() []row {
	return []row{
		accepted("a request in order"),
		refusal("destination empty", rInvDstAdr, "destination_addr", nul),
		refusal("destination too long", rInvDstAdr, "destination_addr", tooLong),
		refusal("destination of bad characters", rInvDstAdr, "destination_addr", "3161234five\x00"),
		refusal("source too long", rInvSrcAdr, "source_addr", tooLong),
		refusal("source of bad characters", rInvSrcAdr, "source_addr", "Sh\x07p\x00"),
		accepted("source empty", "source_addr", nul),
		accepted("reserved TON and NPI", "source_addr_ton", "\x4f", "source_addr_npi", "\x4f", "dest_addr_ton", "\x4f", "dest_addr_npi", "\x4f"),
		refusal("service_type too long", rInvSerTyp, "service_type", "123456\x00"),
		accepted("service_type unknown", "service_type", "HELLO\x00"),
		accepted("esm_class: datagram mode", "esm_class", "\x01"),
		accepted("esm_class: forward mode", "esm_class", "\x02"),
		accepted("esm_class: store and forward mode", "esm_class", "\x03"),
		accepted("esm_class: delivery acknowledgement", "esm_class", "\x08"),
		accepted("esm_class: manual acknowledgement", "esm_class", "\x10"),
		accepted("esm_class of a reserved type", "esm_class", "\x3c"),
		accepted("registered_delivery with reserved bits", "registered_delivery", "\xe0"),
		refusal("priority_flag 4", rInvPrtFlg, "priority_flag", "\x04"),
		refusal("replace_if_present_flag 2", rInvRepFlag, "replace_if_present_flag", "\x02"),
		refusal("sm_default_msg_id", rInvDftMsgID, "sm_default_msg_id", "\x01"),
		refusal("sm_length 255", rInvMsgLen, "sm_length", "\xff", "short_message", strings.Repeat("a", 255)),
		refusal("sm_length beyond the PDU", rInvMsgLen, "sm_length", "\x06"),
		accepted("sm_length 254", "sm_length", "\xfe", "short_message", strings.Repeat("a", 254)),
		refusal("text too long for the network", rInvMsgLen, "sm_length", nul, "short_message", "", "tlvs", payload(60_000)),
		refusal("short_message and message_payload", rInvMsgLen, "tlvs", payload(3)),
		refusal("octets that data_coding 0 does not have", rInvDCS, "short_message", "caf\xe9s"),
		refusal("UDHI with a header beyond the text", rInvESMClass, "esm_class", "\x40", "short_message", "\x09\x00\x03\x01\x02"),
	}
}

// rowsOfCodings: what a handset can be given is taken, the rest is refused.
func rowsOfCodings() (rows []row) {
	for _, dc := range []byte{0, 1, 2, 3, 4, 6, 7, 8, 0x10, 0x13, 0x14, 0x18, 0x1B, 0xC0, 0xC8, 0xD0, 0xE0, 0xEF, 0xF0, 0xF3, 0xF4, 0xF7} {
		rows = append(rows, accepted(fmt.Sprintf("data_coding %#02x", dc), "data_coding", string([]byte{dc}), "sm_length", "\x04", "short_message", "\x00H\x00i"))
	}
	for _, dc := range []byte{9, 11, 12, 15, 0x1C, 0x20, 0x3F, 0x40, 0x81, 0xBF} {
		rows = append(rows, refusal(fmt.Sprintf("data_coding %#02x", dc), rInvDCS, "data_coding", string([]byte{dc})))
	}
	return rows
}

func payload(n int) string {
	return "\x04\x24" + string([]byte{byte(n >> 8), byte(n)}) + strings.Repeat("a", n)
}

func rowsOfTimes() (rows []row) {
	for what, text := range map[string]string{
		"5 characters": "12345", "15 characters": "261231235959000", "month 13": "261301000000000+", "31 June": "260631000000000+",
		"hour 24": "260601240000000+", "49 quarters": "260601000000049+", "neither + - nor R": "260601000000000X", "letters": "26060100000000A+",
	} {
		rows = append(rows,
			refusal("schedule_delivery_time: "+what, rInvSched, "schedule_delivery_time", text+nul),
			refusal("validity_period: "+what, rInvExpiry, "validity_period", text+nul))
	}
	return append(rows,
		accepted("relative times", "schedule_delivery_time", "000000010000000R\x00", "validity_period", "000002000000000R\x00"),
		accepted("absolute times", "schedule_delivery_time", inDays(2, "000+"), "validity_period", inDays(4, "048-")),
		refusal("validity over before the schedule", rInvExpiry, "schedule_delivery_time", "000002000000000R\x00", "validity_period", "000001000000000R\x00"),
	)
}

// inDays is an absolute time, with its tenths and zone.
func inDays(n int, zone string) string {
	return time.Now().UTC().AddDate(0, 0, n).Format("060102150405") + zone + nul
}

func rowsOfParameters() []row {
	const sarRef, sarTotal, sarNumber = "\x02\x0c\x00\x02\x00\x07", "\x02\x0e\x00\x01\x02", "\x02\x0f\x00\x01\x01"
	concatenated := []string{"esm_class", "\x40", "sm_length", "\x0b", "short_message", "\x05\x00\x03\x01\x02\x01Hello"}
	return []row{
		accepted("unknown TLV", "tlvs", "\x7f\xff\x00\x03abc"),
		accepted("vendor's TLV", "tlvs", "\x14\x01\x00\x00"),
		accepted("known TLV that is not for this PDU", "tlvs", "\x00\x1e\x00\x02x\x00"),
		refusal("TLV overruns the PDU", rInvOptParStream, "tlvs", "\x02\x04\x00\x09A"),
		refusal("1 octet left over", rInvOptParStream, "tlvs", "\x02"),
		refusal("3 octets left over", rInvOptParStream, "tlvs", "\x02\x04\x00"),
		refusal("TLV of a wrong length", rInvParLen, "tlvs", "\x02\x04\x00\x03\x00\x00\x01"),
		refusal("TLV of a value that means nothing", rInvOptParamVal, "tlvs", "\x02\x01\x00\x01\x09"),
		accepted("SAR set without a number", "tlvs", sarRef+sarTotal),
		accepted("SAR set without a reference", "tlvs", sarTotal+sarNumber),
		accepted("SAR set that is whole", "tlvs", sarRef+sarTotal+sarNumber),
		refusal("SAR together with UDHI", rInvESMClass, append(concatenated, "tlvs", sarRef+sarTotal+sarNumber)...),
		refusal("port together with UDHI", rInvESMClass, append(concatenated, "tlvs", "\x02\x0b\x00\x02\x23\xf4")...),
	}
}

func rowsOfRouting() []row {
	return []row{
		{condition: "no credit", bind: bindTX, user: "poor", steps: submits(rSubmitFail), headOnly: true},
		{condition: "internal failure", bind: bindTX, steps: submits(rSysErr, "sm_length", "\x04", "short_message", "boom"), headOnly: true},
	}
}
