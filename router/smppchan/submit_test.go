package smppchan

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"gsmgate/router"
	"gsmgate/smppd/smpp"
	"gsmgate/storage"
)

var now = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

func submit(edit func(*smpp.SubmitSM)) *smpp.SubmitSM {
	sm := &smpp.SubmitSM{
		Source: smpp.Address{TON: 5, Addr: "Shop"}, Dest: smpp.Address{TON: 1, NPI: 1, Addr: "31612345678"},
		RegisteredDelivery: 1, ShortMessage: []byte("Hello"),
	}
	edit(sm)
	return sm
}

// message reads as for a user with no settings.
func message(sm *smpp.SubmitSM, now time.Time) (*storage.Message, error) {
	return reader{command: smpp.IDSubmitSM, now: now}.message(sm)
}

func TestMessage_Refusals_HaveTheirStatus(t *testing.T) {
	for name, c := range map[string]struct {
		edit func(*smpp.SubmitSM)
		want smpp.CommandStatus
	}{
		"priority 4":                      {func(s *smpp.SubmitSM) { s.PriorityFlag = 4 }, smpp.StatusInvPrtFlg},
		"replace 2":                       {func(s *smpp.SubmitSM) { s.ReplaceIfPresent = 2 }, smpp.StatusInvRepFlag},
		"predefined message":              {func(s *smpp.SubmitSM) { s.SMDefaultMsgID = 1 }, smpp.StatusInvDftMsgID},
		"schedule":                        {func(s *smpp.SubmitSM) { s.ScheduleDeliveryTime = "261301000000000+" }, smpp.StatusInvSched},
		"validity":                        {func(s *smpp.SubmitSM) { s.ValidityPeriod = "000000000000000X" }, smpp.StatusInvExpiry},
		"payload and text":                {func(s *smpp.SubmitSM) { s.TLVs = s.TLVs.Append(smpp.TagMessagePayload, []byte("x")) }, smpp.StatusInvMsgLen},
		"header beyond the text":          {func(s *smpp.SubmitSM) { s.ESMClass = udhi; s.ShortMessage = []byte{9, 0, 3} }, smpp.StatusInvESMClass},
		"element beyond the header":       {func(s *smpp.SubmitSM) { s.ESMClass = udhi; s.ShortMessage = []byte{2, 0, 3, 'h', 'i'} }, smpp.StatusInvESMClass},
		"half an element":                 {func(s *smpp.SubmitSM) { s.ESMClass = udhi; s.ShortMessage = []byte{1, 0, 'h', 'i'} }, smpp.StatusInvESMClass},
		"no header but announced":         {func(s *smpp.SubmitSM) { s.ESMClass = udhi; s.ShortMessage = nil }, smpp.StatusInvESMClass},
		"control character in the source": {func(s *smpp.SubmitSM) { s.Source.Addr = "Sh\x01p" }, smpp.StatusInvSrcAdr},
		"header and port": {func(s *smpp.SubmitSM) {
			s.ESMClass, s.ShortMessage = udhi, []byte{5, 0, 3, 1, 2, 1, 'x'}
			s.TLVs = s.TLVs.AppendUint16(smpp.TagDestinationPort, 1)
		}, smpp.StatusInvESMClass},
		"header and sar": {func(s *smpp.SubmitSM) {
			s.ESMClass, s.ShortMessage = udhi, []byte{5, 0, 3, 1, 2, 1, 'x'}
			s.TLVs = s.TLVs.AppendUint16(smpp.TagSARMsgRefNum, 1)
		}, smpp.StatusInvESMClass},
	} {
		_, err := message(submit(c.edit), now)
		var e *smpp.Error
		if !errors.As(err, &e) || e.Status != c.want || e.Field == "" {
			t.Errorf("%s: %v, want %s of a field", name, err, c.want)
		}
	}
}

func TestMessage_Text_KeptWhenItGivesTheOctetsBack(t *testing.T) {
	for name, c := range map[string]struct {
		dc   smpp.DataCoding
		data []byte
		text string
		raw  bool
	}{
		"GSM":                    {0, []byte("caf\x05 \x1b\x65"), "café €", false},
		"UCS-2 with a pair":      {8, []byte{0x4F, 0x60, 0xD8, 0x3D, 0xDE, 0x00}, "你😀", false},
		"Latin-1":                {3, []byte("caf\xe9"), "café", false},
		"GSM under the name IA5": {1, []byte("caf\x05"), "café", false},
		"IA5":                    {1, []byte("a[b]$@"), "a[b]$@", false},
		"flash UCS-2":            {0x18, []byte{0x4F, 0x60}, "你", false},
		"escape at the end":      {0, []byte("cut\x1b"), "", true},
		"UCS-2 of three octets":  {8, []byte{0x4F, 0x60, 0xD8}, "", true},
		"lone surrogate":         {8, []byte{0xD8, 0x3D}, "", true},
		"binary":                 {4, []byte{1, 2, 3}, "", true},
		"extended kanji":         {0x0D, []byte{0xC6, 0xFC}, "日", false},
		"NUL in UCS-2":           {8, []byte{0, 0, 0, 'a'}, "\x00a", false},
	} {
		m, err := message(submit(func(s *smpp.SubmitSM) { s.DataCoding, s.ShortMessage = c.dc, c.data }), now)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if m.Text != c.text || bytes.Equal(m.Data, c.data) != c.raw || (len(m.Data) > 0) != c.raw {
			t.Errorf("%s: text %q, data % x", name, m.Text, m.Data)
		}
	}
}

// A client that means Latin-1 by data_coding 0 hears what is wrong, not that
// its message is too long.
func TestMessage_OctetsAbove7FInTheDefaultAlphabet_InvDCS(t *testing.T) {
	_, err := message(submit(func(s *smpp.SubmitSM) { s.ShortMessage = []byte("caf\xe9") }), now)
	var e *smpp.Error
	if !errors.As(err, &e) || e.Status != smpp.StatusInvDCS {
		t.Errorf("%v, want ESME_RINVDCS", err)
	}
	for name, sm := range map[string]*smpp.SubmitSM{
		"an escape cut by the client": submit(func(s *smpp.SubmitSM) { s.ShortMessage = []byte("cut\x1b") }),
		"Latin-1 under its name":      submit(func(s *smpp.SubmitSM) { s.DataCoding, s.ShortMessage = smpp.CodingLatin1, []byte("caf\xe9") }),
	} {
		if _, err := message(sm, now); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestMessage_Headers(t *testing.T) {
	udh := []byte{5, 0, 3, 0xAA, 2, 1}
	m, err := message(submit(func(s *smpp.SubmitSM) { s.ESMClass, s.ShortMessage = udhi, append(udh[:6:6], "part"...) }), now)
	if err != nil || !bytes.Equal(m.UDH, udh) || m.Text != "part" {
		t.Errorf("by UDH: %v, % x, %q", err, m.UDH, m.Text)
	}
	sar := func(ref uint16, total, number uint8) *smpp.SubmitSM {
		return submit(func(s *smpp.SubmitSM) {
			s.TLVs = s.TLVs.AppendUint16(smpp.TagSARMsgRefNum, ref).AppendUint8(smpp.TagSARTotalSegments, total).
				AppendUint8(smpp.TagSARSegmentSeqnum, number).AppendUint16(smpp.TagUserMessageReference, 7).AppendUint8(smpp.TagLanguageIndicator, 1)
		})
	}
	for _, c := range []struct {
		sm   *smpp.SubmitSM
		want []byte
	}{
		{sar(0x42, 3, 2), []byte{5, 0, 3, 0x42, 3, 2}},
		{sar(0x1234, 3, 2), []byte{5, 0, 3, 0x34, 3, 2}},
		{sar(1, 1, 1), nil},
		{sar(1, 2, 3), nil},
		{sar(1, 2, 0), nil},
	} {
		m, err := message(c.sm, now)
		if err != nil || !bytes.Equal(m.UDH, c.want) {
			t.Errorf("by sar_*: %v, % x, want % x", err, m.UDH, c.want)
		}
		if tlvs := smpp.TLVs(m.TLVs); tlvs.Has(smpp.TagSARMsgRefNum) || !tlvs.Has(smpp.TagLanguageIndicator) || m.UserReference == nil || *m.UserReference != 7 {
			t.Errorf("TLVs kept % x, user_message_reference %v: want all but sar_*", m.TLVs, m.UserReference)
		}
	}
}

// Ports given as parameters were dropped, and the message came up as a text.
func TestMessage_PortParameters_BecomeAHeader(t *testing.T) {
	with := func(tlvs smpp.TLVs) *smpp.SubmitSM { return submit(func(s *smpp.SubmitSM) { s.TLVs = tlvs }) }
	both := smpp.TLVs{}.AppendUint16(smpp.TagSourcePort, 0x23F0).AppendUint16(smpp.TagDestinationPort, 0x158A)
	for name, c := range map[string]struct {
		tlvs smpp.TLVs
		want []byte
	}{
		"both":             {both, []byte{6, 5, 4, 0x15, 0x8A, 0x23, 0xF0}},
		"destination_port": {smpp.TLVs{}.AppendUint16(smpp.TagDestinationPort, 0x158A), []byte{6, 5, 4, 0x15, 0x8A, 0, 0}},
		"source_port":      {smpp.TLVs{}.AppendUint16(smpp.TagSourcePort, 0x23F0), nil},
		"with sar_*": {both.AppendUint16(smpp.TagSARMsgRefNum, 9).AppendUint8(smpp.TagSARTotalSegments, 2).AppendUint8(smpp.TagSARSegmentSeqnum, 1),
			[]byte{11, 5, 4, 0x15, 0x8A, 0x23, 0xF0, 0, 3, 9, 2, 1}},
	} {
		m, err := message(with(c.tlvs), now)
		if err != nil || !bytes.Equal(m.UDH, c.want) || len(m.TLVs) != 0 {
			t.Errorf("%s: %v, header % x, want % x, TLVs kept % x", name, err, m.UDH, c.want, m.TLVs)
		}
	}
}

// Parameters of a wrong length were taken for absent ones, and the message
// went out as something else.
func TestMessage_FaultyParameters_AreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		tlvs smpp.TLVs
		want smpp.CommandStatus
	}{
		"user_message_reference of one octet": {smpp.TLVs{}.AppendUint8(smpp.TagUserMessageReference, 1), smpp.StatusInvParLen},
		"sar_msg_ref_num of one octet":        {smpp.TLVs{}.AppendUint8(smpp.TagSARMsgRefNum, 1), smpp.StatusInvParLen},
		"privacy_indicator 4":                 {smpp.TLVs{}.AppendUint8(smpp.TagPrivacyIndicator, 4), smpp.StatusInvOptParamVal},
		"sar_segment_seqnum 0, then a faulty one": {smpp.TLVs{}.AppendUint8(smpp.TagSARSegmentSeqnum, 0).AppendUint8(smpp.TagDestinationPort, 1),
			smpp.StatusInvParLen},
		"sar_segment_seqnum 0": {smpp.TLVs{}.AppendUint8(smpp.TagSARSegmentSeqnum, 0), smpp.StatusOK},
		"unknown":              {smpp.TLVs{}.Append(0x1400, nil), smpp.StatusOK},
		"not for submit_sm":    {smpp.TLVs{}.AppendUint16(smpp.TagMessageState, 1), smpp.StatusOK},
	} {
		_, err := message(submit(func(s *smpp.SubmitSM) { s.TLVs = c.tlvs }), now)
		var e *smpp.Error
		if got := errors.As(err, &e); got != (c.want != smpp.StatusOK) || got && e.Status != c.want {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}

// Pictograms, compressed text and reserved codings went out as GSM text.
func TestMessage_CodingThatNoHandsetReads_Refused(t *testing.T) {
	for dc := range 256 {
		_, err := message(submit(func(s *smpp.SubmitSM) { s.DataCoding, s.ShortMessage = smpp.DataCoding(dc), []byte("ab") }), now)
		carried := dc <= 8 || dc == 10 || dc == 13 || dc == 14 || dc >= 0x10 && dc < 0x1C || dc >= 0xC0
		var e *smpp.Error
		if refused := errors.As(err, &e); refused == carried || refused && e.Status != smpp.StatusInvDCS {
			t.Errorf("data_coding %#02x: %v", dc, err)
		}
	}
}

func TestMessage_Times(t *testing.T) {
	m, err := message(submit(func(s *smpp.SubmitSM) {
		s.ScheduleDeliveryTime, s.ValidityPeriod = "000000010000000R", "260502120000000+"
	}), now)
	if err != nil {
		t.Fatal(err)
	}
	if due, end := m.DueAt.Time(), m.ExpiresAt.Time(); !due.Equal(now.Add(time.Hour)) || !end.Equal(now.Add(24*time.Hour)) {
		t.Errorf("due %v, expires %v", due, end)
	}
}

func receiptOf(state storage.State, cause uint32) *storage.Message {
	return &storage.Message{
		Kind: storage.Receipt, User: "acme",
		Source: storage.Address{TON: 1, NPI: 1, Addr: "31612345678"}, Dest: storage.Address{TON: 5, Addr: "Shop"},
		About: &storage.About{ID: 0x10000001, State: state, Cause: cause, Submitted: 2, Delivered: 1,
			SubmitDate: storage.TimeOf(now), DoneDate: storage.TimeOf(now.Add(time.Minute)), Text: "Hi [you] é and more"},
	}
}

func TestDeliverSM_Receipt_TextAndTLVs(t *testing.T) {
	d, err := oneDeliverSM(receiptOf(storage.Undeliverable, 0x45), smpp.Version34)
	if err != nil {
		t.Fatal(err)
	}
	text := string(d.ShortMessage)
	r, err := smpp.ParseReceipt(text, time.Local)
	if err != nil || r.ID != "10000001" || r.State != smpp.MessageState(5) || r.Sub != 2 || r.Dlvrd != 1 || r.Err != "069" || !r.SubmitDate.Equal(now) {
		t.Errorf("receipt %q: %+v, %v", text, r, err)
	}
	if !strings.Contains(text, "stat:UNDELIV") || strings.ContainsAny(text, "[]é") {
		t.Errorf("receipt text %q", text)
	}
	id, _ := d.TLVs.CString(smpp.TagReceiptedMessageID)
	state, _ := d.TLVs.Uint8(smpp.TagMessageState)
	cause, _ := d.TLVs.Get(smpp.TagNetworkErrorCode)
	if id != "10000001" || state != 5 || !bytes.Equal(cause, []byte{3, 0, 0x45}) || d.ESMClass != 0x04 {
		t.Errorf("TLVs %q %d % x, esm_class %#x", id, state, cause, d.ESMClass)
	}
	if d.Source.Addr != "31612345678" || d.Dest.Addr != "Shop" {
		t.Errorf("from %v to %v: a receipt comes from the destination", d.Source, d.Dest)
	}
}

// A message that was sent again may be there twice: its receipt says so.
func TestDeliverSM_Receipt_SaysThatItWasSentAgain(t *testing.T) {
	m := receiptOf(storage.Delivered, 0)
	d, err := oneDeliverSM(m, smpp.Version34)
	if err != nil || d.TLVs.Has(tagResent) {
		t.Errorf("%v, TLVs % x of one that was sent once", err, d.TLVs)
	}
	m.About.Resent = 2
	d, err = oneDeliverSM(m, smpp.Version34)
	if n, ok := d.TLVs.Uint8(tagResent); err != nil || !ok || n != 2 {
		t.Errorf("%v, sent again %d times, %v", err, n, ok)
	}
}

func TestDeliverSM_Receipt_HoldsWhatItsUserReads(t *testing.T) {
	for _, c := range []struct {
		form       string
		version    uint8
		text, tlvs bool
	}{
		{"", smpp.Version34, true, true}, {"both", smpp.Version34, true, true}, {"text", smpp.Version34, true, false},
		{"tlvs", smpp.Version34, false, true}, {"tlvs", smpp.Version50, false, true}, {"tlvs", smpp.Version33, true, false},
	} {
		all, err := deliverSM(receiptOf(storage.Undeliverable, 0x45), c.version, habitsOf(storage.User{ReceiptForm: c.form}))
		if err != nil || len(all) != 1 {
			t.Fatalf("%d PDUs, %v", len(all), err)
		}
		d := all[0]
		if text := strings.HasPrefix(string(d.ShortMessage), "id:10000001 "); text != c.text || !text && len(d.ShortMessage) > 0 {
			t.Errorf("%q to version %#x: text %q", c.form, c.version, d.ShortMessage)
		}
		if d.TLVs.Has(smpp.TagReceiptedMessageID) != c.tlvs || d.TLVs.Has(smpp.TagMessageState) != c.tlvs || d.ESMClass != 0x04 {
			t.Errorf("%q to version %#x: esm_class %#x, TLVs % x", c.form, c.version, d.ESMClass, d.TLVs)
		}
	}
}

// A change holds for the next receipt of a bound session.
func TestReceiptForm_ChangedWhileBound_HoldsAtOnce(t *testing.T) {
	o := newOffice(t)
	e := o.bind()
	for form, octets := range map[string]bool{"tlvs": false, "text": true} {
		if _, err := o.r.SetUser(t.Context(), "acme", router.UserChange{UserSettings: router.UserSettings{ReceiptForm: &form}}); err != nil {
			t.Fatal(err)
		}
		e.expect(smpp.StatusOK, &smpp.CancelSM{MessageID: e.submit(func(s *smpp.SubmitSM) { s.RegisteredDelivery = 1 })})
		if d := e.receipt(); len(d.ShortMessage) > 0 != octets || len(d.TLVs) > 0 == octets {
			t.Errorf("%s: %q, TLVs % x", form, d.ShortMessage, d.TLVs)
		}
	}
	bad := "xml"
	if _, err := o.r.SetUser(t.Context(), "acme", router.UserChange{UserSettings: router.UserSettings{ReceiptForm: &bad}}); err == nil {
		t.Error("a form that there is none of was taken")
	}
}

func TestWireStatus_Full_BySetting(t *testing.T) {
	for code, want := range map[router.Code]smpp.CommandStatus{router.Busy: smpp.StatusMsgQFul, router.Throttled: smpp.StatusThrottled} {
		if got := wireStatus(&router.Error{Code: code, Message: "not taken"}, smpp.StatusSubmitFail); got != want {
			t.Errorf("%v, want %v", got, want)
		}
	}
}

func TestDeliverSM_ToVersion33_NoTLVs(t *testing.T) {
	again := receiptOf(storage.Delivered, 0)
	again.About.Resent = 1
	d, err := oneDeliverSM(again, smpp.Version33)
	if err != nil || len(d.TLVs) != 0 {
		t.Errorf("%v, TLVs % x", err, d.TLVs)
	}
	long := &storage.Message{Kind: storage.MO, Text: strings.Repeat("x", 300)}
	if d, err := oneDeliverSM(long, smpp.Version34); err != nil || !d.TLVs.Has(smpp.TagMessagePayload) || len(d.ShortMessage) != 0 {
		t.Errorf("300 octets to a 3.4 client: %v, %v", err, d)
	}
}

func TestDeliverSM_MO_SmallestAlphabet(t *testing.T) {
	for text, dc := range map[string]smpp.DataCoding{"Yes €": 0, "你好": 8, "": 0} {
		d, err := oneDeliverSM(&storage.Message{Kind: storage.MO, DataCoding: 8, Text: text}, smpp.Version34)
		if err != nil {
			t.Fatal(err)
		}
		got, err := smpp.DecodeText(d.DataCoding, smpp.GSM0338, d.ShortMessage)
		if err != nil || got != text || d.DataCoding != dc {
			t.Errorf("%q came as %q with data_coding %d, %v", text, got, d.DataCoding, err)
		}
	}
	d, err := oneDeliverSM(&storage.Message{Kind: storage.MO, DataCoding: 4, UDH: []byte{6, 5, 4, 1, 2, 3, 4}, Data: []byte{9, 8}}, smpp.Version34)
	if err != nil || !d.ESMClass.UDHI() || !bytes.Equal(d.ShortMessage, []byte{6, 5, 4, 1, 2, 3, 4, 9, 8}) || d.DataCoding != 4 {
		t.Errorf("binary with ports: %v, %+v", err, d)
	}
}

// oneDeliverSM is for what must be a single deliver_sm.
func oneDeliverSM(m *storage.Message, version uint8) (*smpp.DeliverSM, error) {
	all, err := deliverSM(m, version, habits{})
	if err == nil && len(all) != 1 {
		err = fmt.Errorf("%d deliver_sm", len(all))
	}
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

func TestDeliverSM_LongToVersion33_InSegmentsThatCutNoCharacter(t *testing.T) {
	for name, c := range map[string]struct {
		m      storage.Message
		pieces int
	}{
		"GSM":                       {storage.Message{Text: strings.Repeat("x", 300)}, 2},
		"an escape at the border":   {storage.Message{Text: strings.Repeat("x", 152) + strings.Repeat("€", 80)}, 3},
		"a surrogate pair at it":    {storage.Message{Text: strings.Repeat("你", 66) + strings.Repeat("😀", 40)}, 3},
		"octets":                    {storage.Message{DataCoding: 4, Data: bytes.Repeat([]byte{1, 2, 3}, 100)}, 3},
		"octets for an application": {storage.Message{DataCoding: 4, UDH: []byte{6, 5, 4, 1, 2, 3, 4}, Data: bytes.Repeat([]byte{7}, 256)}, 2},
	} {
		m := c.m
		m.Kind, m.ID = storage.MO, 0x10000042
		all, err := deliverSM(&m, smpp.Version33, habits{})
		if err != nil || len(all) != c.pieces {
			t.Errorf("%s: %d pieces, %v", name, len(all), err)
			continue
		}
		var text string
		var data []byte
		for i, d := range all {
			udh, rest, err := smpp.SplitUDH(d.ESMClass, d.ShortMessage)
			if err != nil || len(d.TLVs) > 0 || len(d.ShortMessage) > 159 || !bytes.HasSuffix(udh, []byte{0, 3, 0x42, byte(len(all)), byte(i + 1)}) {
				t.Errorf("%s, piece %d: header % x of %d octets, %v", name, i+1, udh, len(d.ShortMessage), err)
			}
			if len(m.UDH) > 0 && !bytes.Contains(udh, m.UDH[1:]) {
				t.Errorf("%s, piece %d: the header % x lost its own elements", name, i+1, udh)
			}
			piece, err := smpp.DecodeText(d.DataCoding, smpp.GSM0338, rest)
			if m.Text != "" && err != nil {
				t.Errorf("%s, piece %d cuts a character: %v", name, i+1, err)
			}
			text, data = text+piece, append(data, rest...)
		}
		if m.Text != "" && text != m.Text || m.Text == "" && !bytes.Equal(data, m.Data) {
			t.Errorf("%s: put together it is not what was sent", name)
		}
	}
}
