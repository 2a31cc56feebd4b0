package smpp

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func word(limit int) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		b := rapid.SliceOfN(rapid.ByteRange(1, 255), 0, limit-1).Draw(t, "octets")
		return string(b)
	})
}

func date() *rapid.Generator[string] {
	return rapid.SampledFrom([]string{"", "260926120000004+", "000002000000000R", "not-a-date-as-is"})
}

func address(limit int) *rapid.Generator[Address] {
	return rapid.Custom(func(t *rapid.T) Address {
		return Address{rapid.Byte().Draw(t, "ton"), rapid.Byte().Draw(t, "npi"), word(limit).Draw(t, "addr")}
	})
}

func tlvs() *rapid.Generator[TLVs] {
	return rapid.Custom(func(t *rapid.T) TLVs {
		out := TLVs{}
		for range rapid.IntRange(0, 4).Draw(t, "n") {
			out = out.Append(Tag(rapid.Uint16().Draw(t, "tag")), rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "value"))
		}
		return out
	})
}

// draw fills every field of a PDU by its name and type.
func draw(t *rapid.T, p PDU) {
	limits := map[string]int{"SystemID": 16, "Password": 9, "SystemType": 13, "AddressRange": 41,
		"ServiceType": 6, "MessageID": 65, "FinalDate": 17}
	limit := maxAddr
	switch p.(type) {
	case *DataSM, *AlertNotification:
		limit = maxDataAddr
	}
	v := reflect.ValueOf(p).Elem()
	for i := range v.NumField() {
		name, f := v.Type().Field(i).Name, v.Field(i)
		switch x := f.Addr().Interface().(type) {
		case *Address:
			*x = address(limit).Draw(t, name)
		case *TLVs:
			*x = tlvs().Draw(t, name)
		case *[]byte:
			*x = rapid.SliceOfN(rapid.Byte(), 0, 254).Draw(t, name)
		case *[]MultiDest:
			*x = rapid.SliceOfN(multiDest(), 1, 5).Draw(t, name)
		case *[]UnsuccessSME:
			*x = rapid.SliceOfN(unsuccess(), 0, 5).Draw(t, name)
		case *string:
			if n := limits[name]; n > 0 {
				*x = word(n).Draw(t, name)
			} else {
				*x = date().Draw(t, name)
			}
		case *CommandID, *bool: // not fields of the PDU
		default:
			f.SetUint(uint64(rapid.Byte().Draw(t, name)))
		}
	}
}

func multiDest() *rapid.Generator[MultiDest] {
	return rapid.Custom(func(t *rapid.T) MultiDest {
		if name := word(maxDLName).Draw(t, "list"); name != "" && rapid.Bool().Draw(t, "isList") {
			return MultiDest{DLName: name}
		}
		return MultiDest{Address: address(maxAddr).Draw(t, "dest")}
	})
}

func unsuccess() *rapid.Generator[UnsuccessSME] {
	return rapid.Custom(func(t *rapid.T) UnsuccessSME {
		return UnsuccessSME{address(maxAddr).Draw(t, "dest"), CommandStatus(rapid.Uint32().Draw(t, "status"))}
	})
}

func allIDs() []CommandID {
	var ids []CommandID
	for id := range CommandID(0x110) {
		for _, id := range []CommandID{id, id | respBit} {
			if newPDU(id) != nil {
				ids = append(ids, id)
			}
		}
	}
	return ids
}

func TestRoundTrip_EveryPDU(t *testing.T) {
	for _, id := range allIDs() {
		t.Run(id.String(), rapid.MakeCheck(func(t *rapid.T) {
			p := newPDU(id)
			draw(t, p)
			sequence := rapid.Uint32().Draw(t, "sequence")
			frame, err := Append(nil, StatusOK, sequence, p)
			if err != nil {
				t.Fatal(err)
			}
			h, q, err := Parse(bytes.Clone(frame))
			if err != nil {
				t.Fatalf("%v\n%X", err, frame)
			}
			if h.ID != id || h.Sequence != sequence || int(h.Length) != len(frame) {
				t.Errorf("header %+v", h)
			}
			if got, want := describe(h, q), describe(h, p); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		}))
	}
}

// mistakes are PDUs that must not be written, with what Append says of them.
func TestAppend_BeyondLimits_Refused(t *testing.T) {
	long := func(n int) string { return strings.Repeat("x", n) }
	for _, c := range []struct {
		pdu    PDU
		status CommandStatus
		field  string
	}{
		{&Bind{ID: IDBindReceiver, SystemID: long(16)}, StatusInvSysID, "system_id"},
		{&Bind{ID: IDBindReceiver, Password: long(9)}, StatusInvPaswd, "password"},
		{&Bind{ID: IDBindReceiver, SystemID: "a\x00b"}, StatusInvSysID, "system_id"},
		{&SubmitSM{ServiceType: long(6)}, StatusInvSerTyp, "service_type"},
		{&SubmitSM{Source: Address{Addr: long(21)}}, StatusInvSrcAdr, "source_addr"},
		{&SubmitSM{Dest: Address{Addr: long(21)}}, StatusInvDstAdr, "destination_addr"},
		{&SubmitSM{ScheduleDeliveryTime: "soon"}, StatusInvSched, "schedule_delivery_time"},
		{&SubmitSM{ValidityPeriod: long(17)}, StatusInvExpiry, "validity_period"},
		{&SubmitSM{ShortMessage: make([]byte, 255)}, StatusInvMsgLen, "sm_length"},
		{&DeliverSM{ShortMessage: make([]byte, 256)}, StatusInvMsgLen, "sm_length"},
		{&SubmitSM{ShortMessage: make([]byte, 70000)}, StatusInvMsgLen, "sm_length"},
		{&SubmitSM{TLVs: TLVs{1, 2, 3}}, StatusInvOptParStream, "optional parameters"},
		{&SubmitSM{TLVs: TLVs{}.Append(TagMessagePayload, make([]byte, 1<<16))}, StatusInvOptParStream, "optional parameters"},
		{&SubmitMulti{}, StatusInvNumDests, "number_of_dests"},
		{&SubmitMulti{Dests: make([]MultiDest, 255)}, StatusInvNumDests, "number_of_dests"},
		{&SubmitMultiResp{Unsuccess: make([]UnsuccessSME, 256)}, StatusInvNumDests, "no_unsuccess"},
		{&DataSM{Source: Address{Addr: long(65)}}, StatusInvSrcAdr, "source_addr"},
		{&QuerySM{MessageID: long(65)}, StatusInvMsgID, "message_id"},
	} {
		dst := []byte("as it was")
		got, err := Append(dst, StatusOK, 1, c.pdu)
		var e *Error
		if !errors.As(err, &e) || e.Status != c.status || e.Field != c.field || e.Header.ID != c.pdu.CommandID() {
			t.Errorf("%T: got %v, want %s in %s", c.pdu, err, c.status, c.field)
		}
		if string(got) != "as it was" {
			t.Errorf("%T: dst became %q", c.pdu, got)
		}
	}
}

func TestError_Answer(t *testing.T) {
	for _, c := range []struct {
		name, frame string
		id          CommandID
		status      CommandStatus
		sequence    uint32
	}{
		{"header cut short", "\x00\x00\x00\x10", IDGenericNack, StatusInvCmdLen, 0},
		{"length too small", "\x00\x00\x00\x0F\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x05", IDGenericNack, StatusInvCmdLen, 5},
		{"unknown command", "\x00\x00\x00\x10\x00\x00\x09\x99\x00\x00\x00\x00\x00\x00\x00\x05", IDGenericNack, StatusInvCmdID, 5},
		{"broadcast_sm", "\x00\x00\x00\x10\x00\x00\x01\x11\x00\x00\x00\x00\x00\x00\x00\x05", IDGenericNack, StatusInvCmdID, 5},
		{"empty submit_sm", "\x00\x00\x00\x10\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x05", IDSubmitSMResp, StatusInvCmdLen, 5},
		{"empty bind", "\x00\x00\x00\x10\x00\x00\x00\x09\x00\x00\x00\x00\x00\x00\x00\x05", IDBindTransceiverResp, StatusInvCmdLen, 5},
	} {
		_, _, err := Parse([]byte(c.frame))
		var e *Error
		if !errors.As(err, &e) {
			t.Fatalf("%s: %v", c.name, err)
		}
		p, status, sequence := e.Answer()
		if p == nil || p.CommandID() != c.id || status != c.status || sequence != c.sequence {
			t.Errorf("%s: got %v %s %d", c.name, p, status, sequence)
		}
		if _, err := Append(nil, status, sequence, p); err != nil {
			t.Errorf("%s: answer cannot be written: %v", c.name, err)
		}
	}
	for _, id := range []CommandID{IDSubmitSMResp, IDGenericNack, IDOutbind, IDAlertNotification} {
		if p := ResponseTo(id); p != nil {
			t.Errorf("%s is answered with %s", id, p.CommandID())
		}
	}
}

func TestCommandID_Names(t *testing.T) {
	for id, want := range map[CommandID]string{IDSubmitSM: "submit_sm", IDDataSMResp: "data_sm_resp", IDOutbind: "outbind",
		IDCancelBroadcastSMResp: "cancel_broadcast_sm_resp", IDOutbind | respBit: "command_id(0x8000000B)", 0x999: "command_id(0x00000999)"} {
		if id.String() != want {
			t.Errorf("got %s, want %s", id, want)
		}
	}
	if IDSubmitMulti.Response() != IDSubmitMultiResp || CommandID(0x999).Response() != IDGenericNack || IDOutbind.Response() != IDGenericNack {
		t.Error("Response is wrong")
	}
}

func TestCommandStatus_Names(t *testing.T) {
	for s, want := range map[CommandStatus]string{StatusOK: "ESME_ROK", StatusInvMsgLen: "ESME_RINVMSGLEN", StatusXTAppn: "ESME_RX_T_APPN",
		StatusInvOptParamVal: "ESME_RINVOPTPARAMVAL", StatusInvDCS: "ESME_RINVDCS", 0x410: "vendor status 0x410", 0x9: "reserved status 0x9"} {
		if s.String() != want {
			t.Errorf("got %s, want %s", s, want)
		}
	}
}

func TestRegisteredDelivery_FinalReceipt(t *testing.T) {
	for _, c := range []struct {
		r    RegisteredDelivery
		s    MessageState
		want bool
	}{
		{0, StateDelivered, false}, {1, StateDelivered, true}, {1, StateExpired, true}, {1, StateEnroute, false},
		{2, StateDelivered, false}, {2, StateDeleted, true}, {2, StateUndeliverable, true}, {0x12, StateRejected, true},
		{3, StateDelivered, true}, {3, StateExpired, false}, {0x10, StateDelivered, false},
	} {
		if got := c.r.FinalReceipt(c.s); got != c.want {
			t.Errorf("registered_delivery %#x, %s: got %v", uint8(c.r), c.s, got)
		}
	}
}

func TestTLVs_GetAndWithout(t *testing.T) {
	v := TLVs{}.AppendUint16(TagSourcePort, 8080).AppendUint8(TagMessageState, 2).AppendCString(TagReceiptedMessageID, "id7").
		AppendUint32(TagQoSTimeToLive, 90).Append(TagAlertOnMessageDelivery, nil)
	if n, ok := v.Uint16(TagSourcePort); n != 8080 || !ok {
		t.Error("source_port", n, ok)
	}
	if n, ok := v.Uint8(TagMessageState); n != 2 || !ok {
		t.Error("message_state", n, ok)
	}
	if s, ok := v.CString(TagReceiptedMessageID); s != "id7" || !ok {
		t.Error("receipted_message_id", s, ok)
	}
	if n, ok := v.Uint32(TagQoSTimeToLive); n != 90 || !ok {
		t.Error("qos_time_to_live", n, ok)
	}
	if x, ok := v.Get(TagAlertOnMessageDelivery); len(x) != 0 || !ok {
		t.Error("alert_on_message_delivery", x, ok)
	}
	if _, ok := v.Uint8(TagSourcePort); ok {
		t.Error("two octets read as one")
	}
	w := v.Without(TagMessageState, TagSourcePort)
	if w.Has(TagMessageState) || w.Has(TagSourcePort) || !w.Has(TagQoSTimeToLive) || !v.Has(TagMessageState) {
		t.Error("Without took the wrong ones, or changed the original")
	}
	if s, _ := (TLVs{}).Append(TagReceiptedMessageID, []byte("no-nul")).CString(TagReceiptedMessageID); s != "no-nul" {
		t.Error("CString without NUL:", s)
	}
}

func TestTLVs_Check(t *testing.T) {
	for _, c := range []struct {
		name string
		tlvs TLVs
		id   CommandID
		want CommandStatus
	}{
		{"none", nil, IDSubmitSM, StatusOK},
		{"source_port of one octet", TLVs{}.AppendUint8(TagSourcePort, 1), IDSubmitSM, StatusInvParLen},
		{"sar_segment_seqnum 0", TLVs{}.AppendUint8(TagSARSegmentSeqnum, 0), IDSubmitSM, StatusInvOptParamVal},
		{"privacy_indicator 4", TLVs{}.AppendUint8(TagPrivacyIndicator, 4), IDDataSM, StatusInvOptParamVal},
		{"message_payload empty", TLVs{}.Append(TagMessagePayload, nil), IDSubmitSM, StatusOK},
		{"callback_num of 20", TLVs{}.Append(TagCallbackNum, make([]byte, 20)), IDDeliverSM, StatusInvParLen},
		{"alert with a value", TLVs{}.AppendUint8(TagAlertOnMessageDelivery, 1), IDSubmitSM, StatusInvParLen},
		{"misplaced, ignored", TLVs{}.AppendUint16(TagMsAvailabilityStatus, 1), IDSubmitSM, StatusOK},
		{"receipt TLV in submit_sm, ignored", TLVs{}.AppendUint16(TagMessageState, 1), IDSubmitSM, StatusOK},
		{"unknown, ignored", TLVs{}.Append(0x1400, nil), IDSubmitSM, StatusOK},
		{"network_error_code of two octets", TLVs{}.AppendUint16(TagNetworkErrorCode, 1), IDDeliverSM, StatusInvParLen},
		{"no table for the PDU", TLVs{}.AppendUint8(TagSourcePort, 1), IDQuerySM, StatusOK},
	} {
		err := c.tlvs.Check(c.id)
		var e *Error
		if got := StatusOK; errors.As(err, &e) != (c.want != StatusOK) || e != nil && e.Status != c.want {
			t.Errorf("%s: got %v, want %s (not %s)", c.name, err, c.want, got)
		}
	}
	second := TLVs{}.AppendUint16(TagSourcePort, 1).AppendUint8(TagDestinationPort, 1)
	var e *Error
	if err := second.Check(IDSubmitSM); !errors.As(err, &e) || e.Offset != 6 || e.Field != "destination_port" {
		t.Errorf("got %v", err)
	}
}
