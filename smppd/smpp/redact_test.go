package smpp

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
)

func TestRedact_Vectors_SameLengthAndStillParse(t *testing.T) {
	for _, v := range readVectors(t, "testdata/pdu.txt") {
		out := Redact(v.frame)
		h, p, err := Parse(bytes.Clone(v.frame))
		h2, p2, err2 := Parse(bytes.Clone(out))
		if len(out) != len(v.frame) || h != h2 || err != nil || err2 != nil || reflect.TypeOf(p) != reflect.TypeOf(p2) {
			t.Errorf("%s: %v, %v", v.head["name"], err, err2)
		}
	}
}

func TestRedact_TextsAndNumbers_Masked(t *testing.T) {
	long := TLVs{}.Append(TagMessagePayload, []byte("payload text")).AppendCString(TagReceiptedMessageID, "id-1").
		AppendUint8(TagMessageState, 2).Append(TagCallbackNum, []byte("\x01\x01\x01"+"3161111")).
		Append(0x1400, []byte("vendor")).Append(TagSourceSubaddress, []byte("\x80sub"))
	number := Address{TON: 1, NPI: 1, Addr: "31612345678"}
	shown := func(p PDU) (text string, out []byte) {
		frame, err := Append(nil, StatusOK, 9, p)
		if err != nil {
			t.Fatal(err)
		}
		out = Redact(frame)
		for _, f := range Fields(out) {
			text += f.Name + "=" + f.Value + "\n"
		}
		return text, out
	}
	for _, p := range []PDU{
		&SubmitSM{ServiceType: "WAP", Source: number, Dest: number, ShortMessage: []byte("a text of 12"), TLVs: long},
		&DeliverSM{ServiceType: "WAP", Source: number, Dest: number, ShortMessage: []byte("a text of 12"), TLVs: long},
		&DataSM{ServiceType: "WAP", Source: number, Dest: number, TLVs: long},
		&SubmitMulti{ServiceType: "WAP", Source: number, Dests: []MultiDest{{Address: number}, {DLName: "list"}}, ShortMessage: []byte("a text of 12"), TLVs: long},
		&ReplaceSM{MessageID: "WAP", Source: number, ShortMessage: []byte("a text of 12"), TLVs: long},
		&SubmitMultiResp{MessageID: "WAP", Unsuccess: []UnsuccessSME{{number, StatusInvDstAdr}}, TLVs: long},
		&AlertNotification{Source: number, ESME: number, TLVs: append(TLVs{}.AppendCString(TagReceiptedMessageID, "WAP"), long...)},
	} {
		text, out := shown(p)
		for _, secret := range []string{"316", "text", "vendor", "sub"} {
			if bytes.Contains(out, []byte(secret)) || strings.Contains(strings.ReplaceAll(text, "subaddress", ""), secret) {
				t.Errorf("%v shows %q:\n%s%q", p.CommandID(), secret, text, out)
			}
		}
		for _, kept := range []string{"=WAP", "receipted_message_id=id-1", "message_state=DELIVERED"} {
			if !strings.Contains(text, kept) {
				t.Errorf("%v lacks %q:\n%s", p.CommandID(), kept, text)
			}
		}
	}
}

func TestRedact_UDH_KeptOnlyWhenItIsOne(t *testing.T) {
	for _, c := range []struct {
		esm         ESMClass
		text, shown string
	}{
		{FlagUDHI, "\x05\x00\x03\x07\x02\x01Hello", "\x05\x00\x03\x07\x02\x01*****"},
		{FlagUDHI, "\x0b\x05\x04\x0b\x84\x23\xf0\x00\x03\x07\x02\x01Hello", "\x0b\x05\x04\x0b\x84\x23\xf0\x00\x03\x07\x02\x01*****"},
		{FlagUDHI, "\x05Hello", "******"},
		{FlagUDHI, "Hello", "*****"},
		{FlagUDHI, "\x06\x00\x03\x07\x02\x01Hello", "***********"},
		{0, "\x05\x00\x03\x07\x02\x01Hello", "***********"},
	} {
		frame := mustAppend(t, nil, &SubmitSM{ESMClass: c.esm, ShortMessage: []byte(c.text)})
		_, p, err := Parse(Redact(frame))
		if err != nil || string(p.(*SubmitSM).ShortMessage) != c.shown {
			t.Errorf("%q: shown as %q, %v", c.text, p.(*SubmitSM).ShortMessage, err)
		}
	}
}

func TestRedact_CutOrMalformed_RestMasked(t *testing.T) {
	whole := mustAppend(t, nil, &SubmitSM{ServiceType: "WAP", Source: Address{Addr: "31611111"}, Dest: Address{Addr: "31622222"},
		ShortMessage: []byte("316 is a text"), TLVs: TLVs{}.Append(TagMessagePayload, []byte("316 316 316"))})
	for n := range whole {
		out := Redact(whole[:n])
		if len(out) != n || bytes.Contains(out, []byte("316")) || !bytes.Equal(out[:min(n, HeaderLen)], whole[:min(n, HeaderLen)]) {
			t.Errorf("cut at %d: %q", n, out)
		}
	}
	unknown := append(bytes.Clone(whole[:HeaderLen]), "316"...)
	unknown[6] = 9
	if out := Redact(unknown); string(out[HeaderLen:]) != "***" {
		t.Errorf("unknown command: %q", out)
	}
}

func TestHidePassword(t *testing.T) {
	bind := mustAppend(t, nil, &Bind{ID: IDBindTransceiver, SystemID: "esme", Password: "secret", SystemType: "VMS",
		AddressRange: "^316", TLVs: TLVs{}.Append(0x1400, []byte("secret"))})
	padded := append(bytes.Clone(bind[:HeaderLen]), "esme\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00secret\x00\x00\x00"...)
	swapped := append(bytes.Clone(bind[:HeaderLen]), "a system_id longer than is allowed\x00secret\x00"...)
	for n := HeaderLen; n <= len(bind); n++ {
		cut := bytes.Clone(bind[:n])
		HidePassword(cut)
		if bytes.Contains(cut, []byte("secr")) || len(cut) != n {
			t.Errorf("cut at %d: %q", n, cut)
		}
	}
	for _, frame := range [][]byte{padded, swapped, mustAppend(t, nil, &Outbind{SystemID: "esme", Password: "secret"})} {
		HidePassword(frame)
		if bytes.Contains(frame, []byte("secret")) {
			t.Errorf("shows it: %q", frame)
		}
	}
	HidePassword(bind)
	_, p, err := Parse(bind)
	if b, ok := p.(*Bind); err != nil || !ok || b.SystemID != "esme" || b.Password != "******" || b.SystemType != "VMS" || b.AddressRange != "^316" {
		t.Errorf("%+v, %v", p, err)
	}
	submit := mustAppend(t, nil, sampleSubmit())
	again := bytes.Clone(submit)
	if HidePassword(again); !bytes.Equal(submit, again) {
		t.Error("another PDU was changed")
	}
}

func TestFields_Values(t *testing.T) {
	frame := mustAppend(t, nil, &QuerySMResp{MessageID: "id-1", MessageState: StateExpired, ErrorCode: 7, TLVs: TLVs{}.Append(0x1400, []byte{1, 2, 3})})
	var text []string
	for _, f := range Fields(append(frame, 0x14)) {
		text = append(text, f.Name+"="+f.Value)
	}
	want := "message_id=id-1 final_date= message_state=EXPIRED error_code=7 tag(0x1400)=010203 rest=14"
	if got := strings.Join(text, " "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// FuzzRedact holds that a redacted PDU is as long as it was, parses when it did, and shows none of
// what it should not.
func FuzzRedact(f *testing.F) {
	addVectors(f)
	f.Fuzz(func(t *testing.T, frame []byte) {
		before := bytes.Clone(frame)
		out := Redact(frame)
		_ = Fields(out)
		if !bytes.Equal(frame, before) || len(out) != len(frame) || !bytes.Equal(out[:min(16, len(out))], frame[:min(16, len(out))]) {
			t.Fatalf("%X\nthen %X", frame, out)
		}
		hidden := bytes.Clone(frame)
		HidePassword(hidden)
		if _, _, err := Parse(frame); err != nil {
			return
		}
		_, p, err := Parse(out)
		if err != nil {
			t.Fatalf("redacted, it does not parse: %v", err)
		}
		wantMasked(t, p)
		if _, p, err = Parse(hidden); err != nil {
			t.Fatalf("without its password it does not parse: %v", err)
		}
		if b, ok := p.(*Bind); ok {
			wantStars(t, b.Password)
		}
	})
}

func wantMasked(t *testing.T, p PDU) {
	switch p := p.(type) {
	case *SubmitSM:
		wantStars(t, p.Source.Addr, p.Dest.Addr, string(p.ShortMessage[keptUDH(p.ESMClass.UDHI(), p.ShortMessage):]))
	case *DeliverSM:
		wantStars(t, p.Source.Addr, p.Dest.Addr, string(p.ShortMessage[keptUDH(p.ESMClass.UDHI(), p.ShortMessage):]))
	case *DataSM:
		wantStars(t, p.Source.Addr, p.Dest.Addr)
	case *Bind:
		wantStars(t, p.Password)
	}
}

func wantStars(t *testing.T, texts ...string) {
	for _, s := range texts {
		if strings.Trim(s, "*") != "" {
			t.Fatalf("shows %q", s)
		}
	}
}
