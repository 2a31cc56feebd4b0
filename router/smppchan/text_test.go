package smppchan

import (
	"bytes"
	"errors"
	"testing"

	"gsmgate/router"
	"gsmgate/smppd/smpp"
	"gsmgate/storage"
)

func alphabets() map[string]smpp.Alphabet {
	return map[string]smpp.Alphabet{"": smpp.GSM0338, "gsm": smpp.GSM0338, "latin1": smpp.Latin1, "ascii": smpp.ASCII, "gsm-packed": smpp.GSM0338Packed}
}

// read reads one text of a user with this alphabet.
func read(alphabet string, dc smpp.DataCoding, esm smpp.ESMClass, octets string) (*storage.Message, error) {
	r := reader{command: smpp.IDSubmitSM, alphabet: alphabetOf(&storage.User{Alphabet: alphabet}), now: now}
	return r.message(submit(func(s *smpp.SubmitSM) { s.DataCoding, s.ESMClass, s.ShortMessage = dc, esm, []byte(octets) }))
}

// What a handset cannot show as the client meant it is refused, whatever the
// user's alphabet; nothing goes out as another text.
func TestText_AllDataCodingsOfAllAlphabets(t *testing.T) {
	for name := range alphabets() {
		for dc := range 256 {
			carried := dc <= 8 || dc == 10 || dc == 13 || dc == 14 || dc >= 0x10 && dc < 0x1C || dc >= 0xC0
			for _, octets := range []string{"ab", ""} {
				m, err := read(name, smpp.DataCoding(dc), 0, octets)
				var e *smpp.Error
				if refused := errors.As(err, &e); refused == carried || refused && e.Status != smpp.StatusInvDCS {
					t.Errorf("alphabet %q, data_coding %#02x, %q: %v", name, dc, octets, err)
				}
				if err == nil && octets != "" && (m.Text == "") == (len(m.Data) == 0) {
					t.Errorf("alphabet %q, data_coding %#02x: text %q and data % x", name, dc, m.Text, m.Data)
				}
			}
		}
	}
}

func TestText_AlphabetOfTheUser(t *testing.T) {
	for _, c := range []struct {
		alphabet string
		dc       smpp.DataCoding
		octets   string
		text     string
	}{
		{"", 0, "caf\x05 \x00", "café @"},
		{"gsm", 0xF0, "caf\x05", "café"},
		{"latin1", 0, "caf\xe9 @ \xe7", "café @ ç"},
		{"latin1", 0xF0, "caf\xe9", "café"},
		{"latin1", 1, "[Gr{~e]", "[Gr{~e]"},
		{"ascii", 0, "a@b $5 [x]", "a@b $5 [x]"},
		{"ascii", 1, "Gr{~e", "Gr{~e"},
		{"gsm", 1, "W~rde", "Würde"},
		{"gsm-packed", 0, "\xe8\x32\x9b\xfd\x06", "hello"},
		{"latin1", 3, "\xe9", "é"},
		{"ascii", 8, "\x4f\x60", "你"},
		{"", 5, "\x93\xfa\x96\x7b", "日本"},
		{"", 6, "\xbf\xe0", "Пр"},
		{"", 7, "\xf9\xec", "של"},
		{"", 10, "\x1b$BF|K\\\x1b(B", "日本"},
		{"", 13, "\xc6\xfc", "日"},
		{"", 14, "\xc7\xd1", "한"},
	} {
		if m, err := read(c.alphabet, c.dc, 0, c.octets); err != nil || m.Text != c.text || len(m.Data) != 0 {
			t.Errorf("alphabet %q, data_coding %#x: %+v, %v; want %q", c.alphabet, c.dc, m, err, c.text)
		}
	}
}

func TestText_OctetsOutsideTheAlphabet_InvDCS(t *testing.T) {
	for _, c := range []struct {
		alphabet string
		dc       smpp.DataCoding
		octets   string
	}{
		{"", 0, "caf\xe9"}, {"", 0xF0, "\x80"}, {"ascii", 0, "caf\xe9"}, {"ascii", 1, "\x80"}, {"gsm", 1, "\x80"}, {"gsm-packed", 1, "\x80"},
		{"", 5, "\x93"}, {"", 7, "\xfb"}, {"", 10, "\xff"}, {"", 13, "\xff"}, {"", 14, "\xff"},
	} {
		m, err := read(c.alphabet, c.dc, 0, c.octets)
		var e *smpp.Error
		if !errors.As(err, &e) || e.Status != smpp.StatusInvDCS {
			t.Errorf("alphabet %q, data_coding %#x, % x: %+v, %v", c.alphabet, c.dc, c.octets, m, err)
		}
	}
}

// Packed septets go on where the header ends, on a septet boundary
// [23.040 9.2.3.24].
func TestText_PackedAfterAHeader(t *testing.T) {
	const header = "\x05\x00\x03\x01\x02\x01"
	// one bit of fill, then "hello"
	packed := string([]byte{0xd0, 0x65, 0x36, 0xfb, 0x0d})
	m, err := read("gsm-packed", 0, udhi, header+packed)
	if err != nil || m.Text != "hello" || !bytes.Equal(m.UDH, []byte(header)) {
		t.Errorf("%+v, %v", m, err)
	}
	if m, err := read("gsm-packed", 0, 0, "\x9b"); err != nil || m.Text != "" || !bytes.Equal(m.Data, []byte{0x1b}) {
		t.Errorf("a cut escape: %+v, %v", m, err)
	}
}

// A change of the user counts for the next message of a bound session.
func TestText_AlphabetChanged_NextMessageIsReadByIt(t *testing.T) {
	o := newOffice(t)
	e := o.bind()
	latin := func(s *smpp.SubmitSM) { s.ShortMessage = []byte("caf\xe9") }
	e.expect(smpp.StatusInvDCS, submit(latin))
	u, _ := o.r.UserRecord("acme")
	u.Alphabet = "latin1"
	if err := o.db.PutUser(t.Context(), u, false); err != nil {
		t.Fatal(err)
	}
	if m := o.stored(e.submit(latin)); m.Text != "café" {
		t.Errorf("%+v", m)
	}
}

func TestMessage_DestAddrSubunitDisplay_IsFlash(t *testing.T) {
	for unit, want := range map[uint8]bool{1: true, 2: false, 0: false} {
		m, err := message(submit(func(s *smpp.SubmitSM) { s.TLVs = s.TLVs.AppendUint8(smpp.TagDestAddrSubunit, unit) }), now)
		if err != nil || m.Flash != want {
			t.Errorf("dest_addr_subunit %d: %+v, %v", unit, m, err)
		}
	}
}

// The reserved bits between the indicator and the type mean nothing.
func TestMessage_MsMsgWaitFacilities_IsAnIndication(t *testing.T) {
	for bits, want := range map[uint8]uint8{0x00: 0xC0, 0x80: 0xC8, 0x81: 0xC9, 0x82: 0xCA, 0x83: 0xCB, 0x03: 0xC3, 0xFC: 0xC8} {
		m, err := message(submit(func(s *smpp.SubmitSM) { s.TLVs = s.TLVs.AppendUint8(smpp.TagMsMsgWaitFacilities, bits) }), now)
		if err != nil || m.Waiting != want || m.DataCoding != 0 {
			t.Errorf("ms_msg_wait_facilities %#x: %+v, %v", bits, m, err)
		}
	}
	if m, err := message(submit(func(*smpp.SubmitSM) {}), now); err != nil || m.Waiting != 0 {
		t.Errorf("without it: %+v, %v", m, err)
	}
}

// Modes and types that mean nothing here are taken as plain messages.
func TestSubmitSM_EveryModeAndType_Taken(t *testing.T) {
	o := newOffice(t)
	e := o.bind()
	for _, esm := range []smpp.ESMClass{smpp.ModeDatagram, smpp.ModeForward, smpp.ModeStoreForward, smpp.TypeDeliveryAck, smpp.TypeManualAck, smpp.FlagReplyPath} {
		m := o.stored(e.submit(func(s *smpp.SubmitSM) { s.ESMClass, s.PriorityFlag, s.ServiceType = esm, 3, "OWN" }))
		if m.ESMClass != uint8(esm) || m.Priority != 3 || m.ServiceType != "OWN" || m.Text != "Hello" {
			t.Errorf("esm_class %#x: %+v", esm, m)
		}
	}
}

// Parameters that ask for nothing that GSM has are taken and kept.
func TestSubmitSM_ParametersWithoutAnEffect_Kept(t *testing.T) {
	o := newOffice(t)
	e := o.bind()
	tlvs := smpp.TLVs{}.AppendUint8(smpp.TagSourceAddrSubunit, 1).AppendUint8(smpp.TagPayloadType, 0).AppendUint8(smpp.TagPrivacyIndicator, 1).
		Append(smpp.TagCallbackNum, []byte{1, 1, 1, '1', '2'}).AppendUint8(smpp.TagCallbackNumPresInd, 0).Append(smpp.TagCallbackNumAtag, []byte{0, 'x'}).
		Append(smpp.TagSourceSubaddress, []byte{0x80, '1'}).Append(smpp.TagDestSubaddress, []byte{0x80, '1'}).AppendUint8(smpp.TagUserResponseCode, 1).
		AppendUint8(smpp.TagDisplayTime, 0).AppendUint16(smpp.TagSMSSignal, 1).AppendUint8(smpp.TagMsValidity, 0).
		AppendUint8(smpp.TagNumberOfMessages, 1).Append(smpp.TagAlertOnMessageDelivery, nil).AppendUint8(smpp.TagLanguageIndicator, 1).
		AppendUint8(smpp.TagMoreMessagesToSend, 1).AppendUint8(smpp.TagITSReplyType, 1).AppendUint16(smpp.TagITSSessionInfo, 1).AppendUint8(smpp.TagUSSDServiceOp, 1)
	m := o.stored(e.submit(func(s *smpp.SubmitSM) { s.TLVs = tlvs }))
	if !bytes.Equal(m.TLVs, tlvs) || m.Text != "Hello" || m.Flash || len(m.UDH) != 0 {
		t.Errorf("%+v", m)
	}
}

func TestSubmitSM_Times(t *testing.T) {
	o := newOffice(t)
	e := o.bind()
	times := func(schedule, validity string) func(*smpp.SubmitSM) {
		return func(s *smpp.SubmitSM) { s.ScheduleDeliveryTime, s.ValidityPeriod = schedule, validity }
	}
	if m := o.stored(e.submit(times("200101000000000+", ""))); m.State != storage.Enroute {
		t.Errorf("a schedule in the past: %s", router.StateWord(m.State))
	}
	if m := o.stored(e.submit(times("", "370101000000000+"))); m.ExpiresAt.Time().Sub(m.AcceptedAt.Time()).Hours() != 400*24 {
		t.Errorf("valid until %v", m.ExpiresAt.Time())
	}
	for _, c := range []struct {
		schedule, validity string
		want               smpp.CommandStatus
	}{
		{"010200000000000R", "", smpp.StatusInvSched},
		{"260101000000049+", "", smpp.StatusInvSched},
		{"260230000000000+", "", smpp.StatusInvSched},
		{"", "260101000000049-", smpp.StatusInvExpiry},
		{"", "200101000000000+", smpp.StatusInvExpiry},
		{"000000020000000R", "000000010000000R", smpp.StatusInvExpiry},
	} {
		e.expect(c.want, submit(times(c.schedule, c.validity)))
	}
}

func TestReceipt_UserMessageReference_ComesBack(t *testing.T) {
	o := newOffice(t)
	e := o.bind()
	id := e.submit(func(s *smpp.SubmitSM) { s.TLVs = s.TLVs.AppendUint16(smpp.TagUserMessageReference, 0xBEEF) })
	e.expect(smpp.StatusOK, &smpp.CancelSM{MessageID: id})
	if ref, ok := e.receipt().TLVs.Uint16(smpp.TagUserMessageReference); !ok || ref != 0xBEEF {
		t.Errorf("user_message_reference %#x, %v", ref, ok)
	}
	e.submit()
	e.expect(smpp.StatusOK, &smpp.CancelSM{Source: shop(), Dest: handset()})
	if e.receipt().TLVs.Has(smpp.TagUserMessageReference) {
		t.Error("a user_message_reference that the client did not give")
	}
}

func TestIntermediate_NotifiedThenReceipted(t *testing.T) {
	o := newOffice(t)
	e := o.bind()
	o.air.answer = func(m *storage.Message, i int) (string, error) {
		return "", &router.SendError{Outcome: router.RefusedForNow, Wait: 1 << 40, Cause: 42, Err: errors.New("congestion")}
	}
	id := e.submit(func(s *smpp.SubmitSM) { s.RegisteredDelivery = 0x11 })
	o.sending(1)
	d := e.receipt()
	got, _ := d.TLVs.CString(smpp.TagReceiptedMessageID)
	state, _ := d.TLVs.Uint8(smpp.TagMessageState)
	text, err := smpp.ParseReceipt(string(d.ShortMessage), nil)
	if d.ESMClass != 0x20 || got != id || state != uint8(smpp.StateEnroute) || err != nil || text.State != smpp.StateEnroute || text.Err != "042" {
		t.Errorf("esm_class %#x, of %s, state %d, %q", d.ESMClass, got, state, d.ShortMessage)
	}
	if q := e.state(id); q.MessageState != smpp.StateEnroute || q.ErrorCode != 42 {
		t.Errorf("%+v", q)
	}
	e.expect(smpp.StatusOK, &smpp.CancelSM{MessageID: id})
	if d := e.receipt(); d.ESMClass != 0x04 {
		t.Errorf("esm_class %#x of the receipt", d.ESMClass)
	}
}
