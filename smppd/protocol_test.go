package smppd

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"gsmgate/smppd/smpp"
)

// A row is one PDU in one state, and what it must get.
type row struct {
	name   string
	state  BindType // 0: unbound
	send   []byte
	id     smpp.CommandID // of the answer; 0: none
	status smpp.CommandStatus
	seq    uint32
	closes bool
}

// TestErrors goes through the conditions that this package answers: each answer has the right id,
// status and sequence_number, the session goes on or closes as it should, and another session
// does not notice.
func TestErrors(t *testing.T) {
	r := start(t, Config{}, newBackend())
	other := r.bound(TRX)
	for _, c := range errorRows(t) {
		t.Run(fmt.Sprintf("%s/%s", c.state, c.name), func(t *testing.T) {
			p := r.bound(c.state)
			p.t = t
			defer p.conn.Close()
			p.write(c.send)
			if c.id != 0 {
				p.expect(c.id, c.status, c.seq)
			}
			if c.closes {
				p.expectEnd()
			} else {
				p.alive()
			}
			other.t = t
			other.expect(smpp.IDSubmitSMResp, smpp.StatusOK, other.send(message("31612345678")))
		})
	}
}

func errorRows(t *testing.T) []row {
	rows := append(lengthRows(t), fieldRows(t)...)
	return append(rows, stateRows(t)...)
}

func lengthRows(t *testing.T) (rows []row) {
	for _, state := range []BindType{0, TX, RX, TRX} {
		for _, id := range []smpp.CommandID{0x999, 0x0A, 0xFFFFFFFF, 0x80000999, smpp.IDBroadcastSM, smpp.IDQueryBroadcastSM} {
			rows = append(rows, row{"unknown command " + id.String(), state, header(16, id, 77), smpp.IDGenericNack, smpp.StatusInvCmdID, 77, false})
		}
		rows = append(rows,
			row{"command_length 15", state, header(15, smpp.IDSubmitSM, 78), smpp.IDGenericNack, smpp.StatusInvCmdLen, 78, true},
			row{"command_length 0 and no more", state, []byte{0, 0, 0, 0}, smpp.IDGenericNack, smpp.StatusInvCmdLen, 0, true},
			row{"command_length beyond the limit", state, header(smpp.DefaultMaxPDU+1, smpp.IDSubmitSM, 79), smpp.IDGenericNack, smpp.StatusInvCmdLen, 79, true},
			row{"command_length 4 GiB", state, header(0xFFFFFFFF, smpp.IDBindTransceiver, 80), smpp.IDGenericNack, smpp.StatusInvCmdLen, 80, true},
		)
	}
	return append(rows,
		row{"submit_sm of a header only", TX, header(16, smpp.IDSubmitSM, 5), smpp.IDSubmitSMResp, smpp.StatusInvCmdLen, 5, false},
		row{"bind of a header only", 0, header(16, smpp.IDBindReceiver, 5), smpp.IDBindReceiverResp, smpp.StatusInvCmdLen, 5, false},
		row{"enquire_link with sequence 0", TRX, header(16, smpp.IDEnquireLink, 0), smpp.IDEnquireLinkResp, smpp.StatusOK, 0, false},
		row{"enquire_link with sequence 0xFFFFFFFF", TRX, header(16, smpp.IDEnquireLink, 0xFFFFFFFF), smpp.IDEnquireLinkResp, smpp.StatusOK, 0xFFFFFFFF, false},
	)
}

// body is a PDU put together by hand, so that its fields can be wrong.
func body(id smpp.CommandID, seq uint32, fields ...string) []byte {
	var b []byte
	for _, f := range fields {
		b = append(b, f...)
	}
	return append(header(uint32(16+len(b)), id, seq), b...)
}

func fieldRows(t *testing.T) (rows []row) {
	const z = "\x00"
	bad := func(name string, status smpp.CommandStatus, fields ...string) {
		rows = append(rows, row{name, TRX, body(smpp.IDSubmitSM, 9, fields...), smpp.IDSubmitSMResp, status, 9, false})
	}
	long := "123456789012345678901" // 21 and a NUL
	head := z + "\x01\x01" + "100" + z + "\x01\x01" + "31612345678" + z + z + z + z
	bad("service_type too long", smpp.StatusInvSerTyp, "123456"+z, head)
	bad("source_addr too long", smpp.StatusInvSrcAdr, z, "\x01\x01", long+z, "\x01\x01100"+z, z, z, z, z, z, z, z, z, z, z)
	bad("destination_addr too long", smpp.StatusInvDstAdr, z, "\x01\x01100"+z, "\x01\x01", long+z, z, z, z, z, z, z, z, z, z, z)
	bad("schedule_delivery_time of 5 characters", smpp.StatusInvSched, head, "12345"+z, z, z, z, z, z, z)
	bad("validity_period of 5 characters", smpp.StatusInvExpiry, head, z, "12345"+z, z, z, z, z, z)
	bad("sm_length 255", smpp.StatusInvMsgLen, head, z, z, z, z, z, z, "\xff", string(make([]byte, 255)))
	bad("sm_length beyond the PDU", smpp.StatusInvMsgLen, head, z, z, z, z, z, z, "\x06", "Hello")
	bad("a parameter overruns the PDU", smpp.StatusInvOptParStream, head, z, z, z, z, z, z, "\x00", "\x02\x04\x00\x09A")
	bad("two octets left over", smpp.StatusInvOptParStream, head, z, z, z, z, z, z, "\x00", "\x02\x04")

	bind := func(name string, status smpp.CommandStatus, fields ...string) {
		rows = append(rows, row{name, 0, body(smpp.IDBindTransceiver, 9, fields...), smpp.IDBindTransceiverResp, status, 9, false})
	}
	bind("system_id too long", smpp.StatusInvSysID, "1234567890123456"+z, "secret"+z, z, "\x34", z, z, z)
	bind("password too long", smpp.StatusInvPaswd, "esme"+z, "123456789"+z, z, "\x34", z, z, z)
	bind("system_type too long", smpp.StatusInvSysTyp, "esme"+z, "secret"+z, "1234567890123"+z, "\x34", z, z, z)
	return rows
}

func stateRows(t *testing.T) (rows []row) {
	transmits := []smpp.PDU{message("316"), &smpp.QuerySM{MessageID: "1"}, &smpp.CancelSM{}, &smpp.ReplaceSM{MessageID: "1"},
		&smpp.SubmitMulti{Dests: []smpp.MultiDest{{Address: smpp.Address{Addr: "316"}}}}}
	add := func(what string, state BindType, p smpp.PDU, id smpp.CommandID, status smpp.CommandStatus) {
		rows = append(rows, row{p.CommandID().String() + " " + what, state, frame(t, 21, p), id, status, 21, false})
	}
	for i, p := range transmits {
		resp := p.CommandID().Response()
		add("before the bind", 0, p, resp, smpp.StatusInvBndSts)
		add("on a receiver", RX, p, resp, smpp.StatusInvBndSts)
		if i > 0 {
			add("goes to the backend", TX, p, resp, smpp.StatusOK)
		}
	}
	add("before the bind", 0, &smpp.DataSM{}, smpp.IDDataSMResp, smpp.StatusInvBndSts)
	add("on a receiver", RX, &smpp.DataSM{}, smpp.IDDataSMResp, smpp.StatusOK)
	add("before the bind", 0, &smpp.Unbind{}, smpp.IDUnbindResp, smpp.StatusInvBndSts)
	add("before the bind", 0, &smpp.EnquireLink{}, smpp.IDEnquireLinkResp, smpp.StatusOK)
	for _, state := range []BindType{TX, RX, TRX} {
		add("is for an SMSC to send", state, &smpp.DeliverSM{}, smpp.IDDeliverSMResp, smpp.StatusInvBndSts)
		for _, again := range []BindType{TX, RX, TRX} {
			add("on a bound session", state, bindPDU(again), bindPDU(again).ID.Response(), smpp.StatusAlyBnd)
		}
		for _, p := range []smpp.PDU{&smpp.DeliverSMResp{}, &smpp.SubmitSMResp{MessageID: "1"}, &smpp.UnbindResp{},
			&smpp.EnquireLinkResp{}, &smpp.GenericNack{}, &smpp.Outbind{SystemID: "x"}, &smpp.AlertNotification{}} {
			add("is ignored", state, p, 0, 0)
		}
	}
	add("before the bind", 0, &smpp.DeliverSMResp{}, 0, 0)
	return rows
}

func TestBind_Kinds_EachMayDoItsPart(t *testing.T) {
	r := start(t, Config{SystemID: "smsc"}, newBackend())
	for _, typ := range []BindType{TX, RX, TRX} {
		p := r.connect()
		resp := p.expect(bindPDU(typ).ID.Response(), smpp.StatusOK, p.send(bindPDU(typ))).(*smpp.BindResp)
		if v, _ := resp.TLVs.Uint8(smpp.TagSCInterfaceVersion); resp.SystemID != "smsc" || v != smpp.Version34 {
			t.Errorf("%v: bind_resp from %q with version %#x", typ, resp.SystemID, v)
		}
		s := r.session()
		if s.BindType() != typ || s.SystemID() != "esme" || s.CanReceive() != (typ != TX) || s.CanTransmit() != (typ != RX) {
			t.Errorf("%v: session is %v of %q", typ, s.BindType(), s.SystemID())
		}
	}
	infos := r.srv.Sessions()
	if len(infos) != 3 || infos[0].ID == infos[1].ID {
		t.Errorf("sessions listed: %+v", infos)
	}
	if s, ok := r.srv.Session(infos[1].ID); !ok || s.ID() != infos[1].ID {
		t.Error("a listed session cannot be found by its id")
	}
}

func TestBind_VersionBefore34_NoTLVs(t *testing.T) {
	r := start(t, Config{}, newBackend())
	for version, want := range map[uint8]bool{0x00: false, smpp.Version33: false, smpp.Version34: true, smpp.Version50: true} {
		p := r.connect()
		b := bindPDU(TRX)
		b.InterfaceVersion = version
		resp := p.expect(smpp.IDBindTransceiverResp, smpp.StatusOK, p.send(b)).(*smpp.BindResp)
		if got := len(resp.TLVs) > 0; got != want {
			t.Errorf("interface_version %#x: TLVs %v, want %v", version, got, want)
		}
	}
}

func TestBind_Refused_HeaderOnlyAndAnotherTryIsAllowed(t *testing.T) {
	refusals := []struct {
		err    error
		status smpp.CommandStatus
	}{
		{&smpp.Error{Status: smpp.StatusInvPaswd}, smpp.StatusInvPaswd},
		{fmt.Errorf("wrapped: %w", &smpp.Error{Status: smpp.StatusBindFail}), smpp.StatusBindFail},
		{errors.New("the store is gone"), smpp.StatusSysErr},
		{&smpp.Error{}, smpp.StatusSysErr}, // an error is never ESME_ROK
		{nil, smpp.StatusOK},
	}
	b := newBackend()
	try := 0
	b.onBind = func(context.Context, *Session, *smpp.Bind) error { try++; return refusals[try-1].err }
	p := start(t, Config{MaxBindTries: 10}, b).connect()
	for _, want := range refusals {
		seq := p.send(bindPDU(TX))
		h, _, err := p.recv()
		if err != nil || h.Status != want.status || h.Sequence != seq || h.ID != smpp.IDBindTransmitterResp {
			t.Fatalf("error %v: got %+v, %v", want.err, h, err)
		}
		if headerOnly := h.Length == smpp.HeaderLen; headerOnly != (want.err != nil) {
			t.Errorf("error %v: command_length %d", want.err, h.Length)
		}
	}
}

func TestBind_MoreThanMaxSessions_BindFail(t *testing.T) {
	r := start(t, Config{MaxSessions: 2, MaxBindTries: 1 << 30}, newBackend())
	first := r.bound(TX)
	r.bound(RX)
	third := r.connect()
	third.expect(smpp.IDBindTransceiverResp, smpp.StatusBindFail, third.send(bindPDU(TRX)))
	first.expect(smpp.IDUnbindResp, smpp.StatusOK, first.send(&smpp.Unbind{}))
	first.expectEnd()
	for { // the place is free soon after the end
		seq := third.send(bindPDU(TRX))
		if h, _, err := third.recv(); err != nil || h.Sequence != seq {
			t.Fatalf("%+v %v", h, err)
		} else if h.Status == smpp.StatusOK {
			return
		}
	}
}

func TestSubmit_Errors_StatusPassesThrough(t *testing.T) {
	b := newBackend()
	b.onSubmit = func(_ *Session, sm *smpp.SubmitSM, reply func(string, error)) {
		switch sm.Dest.Addr {
		case "1":
			reply("", &smpp.Error{Status: smpp.StatusThrottled})
		case "2":
			reply("", errors.New("disk full"))
		case "3":
			reply("", fmt.Errorf("router: %w", &smpp.Error{Status: smpp.StatusInvDstAdr}))
		case "4":
			reply("65 octets with NUL are the most, these are more than that: 1234567890", nil)
		default:
			reply("abc", nil)
		}
	}
	p := start(t, Config{}, b).bound(TX)
	for dest, status := range map[string]smpp.CommandStatus{"1": smpp.StatusThrottled, "2": smpp.StatusSysErr, "3": smpp.StatusInvDstAdr, "4": smpp.StatusSysErr} {
		p.expect(smpp.IDSubmitSMResp, status, p.send(message(dest)))
	}
	resp := p.expect(smpp.IDSubmitSMResp, smpp.StatusOK, p.send(message("5"))).(*smpp.SubmitSMResp)
	if resp.MessageID != "abc" {
		t.Errorf("message_id %q, want abc", resp.MessageID)
	}
}

func TestSubmit_RepliesInAnyOrder_EachWithItsSequence(t *testing.T) {
	b := newBackend()
	replies := make(chan func(string, error), 3)
	b.onSubmit = func(_ *Session, _ *smpp.SubmitSM, reply func(string, error)) { replies <- reply }
	p := start(t, Config{}, b).bound(TX)
	for range 3 {
		p.send(message("316"))
	}
	first, second, third := <-replies, <-replies, <-replies
	seq := p.seq
	for i, reply := range []func(string, error){third, first, second} {
		reply("x", nil)
		reply("twice", nil) // does nothing
		p.expect(smpp.IDSubmitSMResp, smpp.StatusOK, []uint32{seq, seq - 2, seq - 1}[i])
	}
	p.alive()
}

func TestSubmit_SameSequenceTwice_BothAnswered(t *testing.T) {
	p := start(t, Config{}, newBackend()).bound(TX)
	for range 2 {
		p.write(frame(t, 42, message("316")))
		p.expect(smpp.IDSubmitSMResp, smpp.StatusOK, 42)
	}
}

func TestSubmit_OctetByOctet_Understood(t *testing.T) {
	p := start(t, Config{}, newBackend()).bound(TRX)
	for _, c := range frame(t, 43, message("316")) {
		p.write([]byte{c})
	}
	p.expect(smpp.IDSubmitSMResp, smpp.StatusOK, 43)
}

func TestPanic_InBackend_CostsOneSession(t *testing.T) {
	b := newBackend()
	b.onSubmit = func(_ *Session, sm *smpp.SubmitSM, reply func(string, error)) {
		if sm.Dest.Addr == "666" {
			panic("a bug")
		}
		reply("1", nil)
	}
	r := start(t, Config{}, b)
	good, bad := r.bound(TX), r.bound(TX)
	bad.send(message("666"))
	bad.expectEnd()
	good.expect(smpp.IDSubmitSMResp, smpp.StatusOK, good.send(message("316")))
	if n := r.srv.stats.panics.Swap(0); n != 1 {
		t.Errorf("%d panics counted, want 1", n)
	}
}
