package esmechan

import (
	"bytes"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gsmgate/smppd/smpp"
	"gsmgate/smppd/smppsim"
	"gsmgate/storage"
)

func TestSend_ReceiptComes_Delivered(t *testing.T) {
	p := newPost(t, smppsim.SMSCConfig{}, nil)
	m := p.Ends(p.Submit("31612345678", "Hello €"), storage.Delivered)
	sm := p.submits()[0]
	if string(sm.ShortMessage) != "Hello \x1be" || sm.Source != (smpp.Address{TON: 5, Addr: "Acme"}) || sm.Dest.Addr != "31612345678" || sm.RegisteredDelivery != smpp.ReceiptFinal {
		t.Errorf("submitted %+v", sm)
	}
	if sm.ValidityPeriod == "" {
		t.Error("no validity_period")
	}
	if b := p.Balance(); b.Spent != storage.Credit || b.Held != 0 {
		t.Errorf("%+v", b)
	}
	if c := p.ch.Counts(); c.Sent != 1 || c.Receipts != 1 {
		t.Errorf("%+v", c)
	}
	if part := m.Parts[0]; part.Lane != "smpp:up" || part.Ref != "1" {
		t.Errorf("%+v", part)
	}
}

func TestSend_ReceiptSaysFailed_RefundedWithCause(t *testing.T) {
	p := newPost(t, smppsim.SMSCConfig{FailShare: 1}, nil)
	m := p.Ends(p.Submit("31612345678", "Hello"), storage.Undeliverable)
	if m.Cause != 1 {
		t.Errorf("cause %d", m.Cause)
	}
	if b := p.Balance(); b.Available != 100*storage.Credit {
		t.Errorf("%+v", b)
	}
}

// A long text goes in each of the three forms, and is charged by what a handset
// would get.
func TestSend_LongText_InEachForm(t *testing.T) {
	text := strings.Repeat("A long text with an emoji 😀. ", 12)
	want := smppText(t, text)
	for _, form := range []string{LongUDH, LongSAR, LongPayload} {
		t.Run(form, func(t *testing.T) {
			p := newPost(t, smppsim.SMSCConfig{}, func(c *storage.SMPPChannel) { c.Long = form })
			p.Ends(p.Submit("31612345678", text), storage.Delivered)
			var got []byte
			refs := map[string]bool{}
			for i, sm := range p.submits() {
				udh, data, err := smpp.SplitUDH(sm.ESMClass, sm.ShortMessage)
				if err != nil {
					t.Fatal(err)
				}
				ref, _, ok := concatOf(udh, sm.TLVs)
				if payload, long := sm.TLVs.Get(smpp.TagMessagePayload); long {
					data = payload
				} else if !ok || int(ref.number) != i+1 || int(ref.total) != len(p.submits()) || len(sm.ShortMessage) > 140 {
					t.Errorf("part %d: %+v, %d octets", i, ref, len(sm.ShortMessage))
				}
				refs[fmt.Sprint(ref.reference)] = true
				got = append(got, data...)
			}
			if !bytes.Equal(got, want) || len(refs) != 1 {
				t.Errorf("%d octets came in %d submits, want %d; references %v", len(got), len(p.submits()), len(want), refs)
			}
			if b := p.Balance(); b.Spent != storage.Credit*storage.Millicredits((len(want)+133)/134) {
				t.Errorf("%d octets cost %d", len(want), b.Spent)
			}
		})
	}
}

func smppText(t *testing.T, text string) []byte {
	t.Helper()
	b, err := smpp.EncodeText(smpp.CodingUCS2, smpp.GSM0338, text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// What the client has segmented or coded itself goes on as it is.
func TestSend_ClientsOwnHeaderAndOctets_Unchanged(t *testing.T) {
	p := newPost(t, smppsim.SMSCConfig{}, nil)
	udh := []byte{5, 0, 3, 42, 2, 1}
	p.Ends(p.Submit("31612345678", "", func(m *storage.Message) {
		m.UDH, m.Data, m.DataCoding = udh, []byte{1, 2, 3}, 4
	}), storage.Delivered)
	sm := p.submits()[0]
	if !sm.ESMClass.UDHI() || !bytes.Equal(sm.ShortMessage, append(udh, 1, 2, 3)) || sm.DataCoding != 4 {
		t.Errorf("submitted %+v", sm)
	}
}

func TestSend_Refused_ByClass(t *testing.T) {
	for status, want := range map[smpp.CommandStatus]struct {
		state storage.State
		tries int
	}{
		smpp.StatusInvDstAdr: {storage.Undeliverable, 1}, smpp.StatusInvMsgLen: {storage.Undeliverable, 1},
	} {
		p := newPost(t, smppsim.SMSCConfig{OnSubmit: func(string, *smpp.SubmitSM) smpp.CommandStatus { return status }}, nil)
		m := p.Ends(p.Submit("31612345678", "Hello"), want.state)
		if len(p.submits()) != want.tries || m.Cause != CauseSMPP+uint32(status) || p.Balance().Available != 100*storage.Credit {
			t.Errorf("%s: %d tries, cause %#x, %+v", status, len(p.submits()), m.Cause, p.Balance())
		}
	}
}

func TestSend_Throttled_SlowerAndAgain(t *testing.T) {
	var n atomic.Int32
	p := newPost(t, smppsim.SMSCConfig{OnSubmit: func(string, *smpp.SubmitSM) smpp.CommandStatus {
		if n.Add(1) == 1 {
			return smpp.StatusThrottled
		}
		return smpp.StatusOK
	}}, nil)
	p.Ends(p.Submit("31612345678", "Hello"), storage.Delivered)
	if c := p.ch.Counts(); c.Throttled != 1 || c.Sent != 1 || p.ch.Limit() == 0 {
		t.Errorf("%+v, limit %v", c, p.ch.Limit())
	}
}

// A status may mean to one provider what it does not mean to others.
func TestSend_StatusOverridden(t *testing.T) {
	p := newPost(t, smppsim.SMSCConfig{OnSubmit: func(string, *smpp.SubmitSM) smpp.CommandStatus { return smpp.StatusSubmitFail }},
		func(c *storage.SMPPChannel) { c.Statuses = []string{"0x45=permanent"} })
	p.Ends(p.Submit("31612345678", "Hello"), storage.Undeliverable)
}

func TestReceipt_BeforeTheAnswer_Matched(t *testing.T) {
	p := newPost(t, smppsim.SMSCConfig{Faults: faultsOf(t, "early"), AnswerDelay: 20 * time.Millisecond}, nil)
	for i := range 20 {
		p.Ends(p.Submit(fmt.Sprintf("3161234567%02d", i), "Hello"), storage.Delivered)
	}
	p.Until("nothing is parked any more", func() bool { return p.DB.ParkedCount() == 0 })
}

func TestReceipt_InDecimal_OrTwice_OrOdd(t *testing.T) {
	for name, change := range map[string]func(n uint64, r *smpp.DeliverSM) []*smpp.DeliverSM{
		"decimal in the text alone": func(n uint64, r *smpp.DeliverSM) []*smpp.DeliverSM {
			r.TLVs = nil
			r.ShortMessage = fmt.Appendf(nil, "id:%010d sub:001 dlvrd:001 submit date:2611261200 done date:2611261201 stat:DELIVRD err:000 text:", 0xABC0+n)
			return []*smpp.DeliverSM{r}
		},
		"twice": func(_ uint64, r *smpp.DeliverSM) []*smpp.DeliverSM { return []*smpp.DeliverSM{r, r} },
		"accepted first": func(n uint64, r *smpp.DeliverSM) []*smpp.DeliverSM {
			first := *r
			first.TLVs = smpp.TLVs{}.AppendCString(smpp.TagReceiptedMessageID, fmt.Sprintf("%x", 0xABC0+n)).AppendUint8(smpp.TagMessageState, uint8(smpp.StateAccepted))
			return []*smpp.DeliverSM{&first, r}
		},
		"TLVs alone, no text": func(_ uint64, r *smpp.DeliverSM) []*smpp.DeliverSM { r.ShortMessage = nil; return []*smpp.DeliverSM{r} },
		"upper case": func(n uint64, r *smpp.DeliverSM) []*smpp.DeliverSM {
			r.TLVs, r.ShortMessage = nil, fmt.Appendf(nil, "ID:0000%X STAT:DELIVRD", 0xABC0+n)
			return []*smpp.DeliverSM{r}
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPost(t, smppsim.SMSCConfig{
				MessageID: func(n uint64) string { return fmt.Sprintf("%x", 0xABC0+n) },
				OnReceipt: func(n uint64, _ string, r *smpp.DeliverSM) []*smpp.DeliverSM { return change(n, r) },
			}, nil)
			p.Ends(p.Submit("31612345678", "Hello"), storage.Delivered)
			if b := p.Balance(); b.Spent != storage.Credit || b.Held != 0 {
				t.Errorf("%+v", b)
			}
		})
	}
}

// What a handset writes is no receipt, whatever it looks like.
func TestReceipt_ForgedByAHandset_IsAMessage(t *testing.T) {
	p := newPost(t, smppsim.SMSCConfig{Faults: faultsOf(t, "never")}, nil)
	id := p.Submit("31612345678", "Hello")
	p.Until("it is sent", func() bool { return p.ch.Counts().Sent == 1 })
	p.deliver(&smpp.DeliverSM{Source: smpp.Address{TON: 1, NPI: 1, Addr: "31612345678"}, Dest: smpp.Address{TON: 1, NPI: 1, Addr: "31611111111"},
		ShortMessage: []byte("id:00000001 stat:DELIVRD err:000")})
	if m, _ := p.R.Message(id); m.State != storage.Enroute {
		t.Errorf("the message is in state %d", m.State)
	}
	if in := p.incoming(); len(in) != 1 || in[0].User != "acme" {
		t.Errorf("incoming %+v", in)
	}
}

// deliver has the provider send a message of a handset, and be answered.
func (p *post) deliver(d *smpp.DeliverSM) {
	p.T.Helper()
	status, err := p.smsc.Deliver(p.T.Context(), "gate", d)
	if err != nil || status != smpp.StatusOK {
		p.T.Fatalf("deliver_sm: %s, %v", status, err)
	}
}

func TestLost_InFlight_UnknownUntilItsReceipt(t *testing.T) {
	p := newPost(t, smppsim.SMSCConfig{Faults: faultsOf(t, "silent times 1"), ReceiptDelay: 300 * time.Millisecond}, nil)
	id := p.Submit("31612345678", "Hello")
	p.Until("the provider has it", func() bool { return p.smsc.Counts().Submits == 1 })
	p.smsc.Drop()
	p.Until("it is unknown", func() bool {
		m, _ := p.R.Message(id)
		return m.State == storage.Unknown || m.State == storage.Delivered
	})
	m := p.Ends(id, storage.Delivered) // by the receipt, which names the recipient and the time
	if len(p.submits()) != 1 {
		t.Errorf("submitted %d times", len(p.submits()))
	}
	found := false
	for _, e := range m.Events {
		found = found || e.What == "unknown"
	}
	if !found {
		t.Errorf("the timeline hides it: %+v", m.Events)
	}
}

func TestLost_NextOnesGoAfterTheRebind(t *testing.T) {
	p := newPost(t, smppsim.SMSCConfig{}, nil)
	p.Ends(p.Submit("31612345678", "One"), storage.Delivered)
	p.smsc.Drop()
	p.Until("it is noticed", func() bool { return !p.ch.Status().Ready })
	p.Ends(p.Submit("31612345678", "Two"), storage.Delivered)
}

func TestMO_EveryLongForm_Arrives(t *testing.T) {
	p := newPost(t, smppsim.SMSCConfig{}, nil)
	from, to := smpp.Address{TON: 1, NPI: 1, Addr: "31612345678"}, smpp.Address{TON: 1, NPI: 1, Addr: "31611111111"}
	long := strings.Repeat("0123456789", 20)
	one := func(d smpp.DeliverSM) { d.Source, d.Dest = from, to; p.deliver(&d) }
	one(smpp.DeliverSM{ShortMessage: []byte("short \x1be")})
	one(smpp.DeliverSM{TLVs: smpp.TLVs{}.Append(smpp.TagMessagePayload, []byte(long))})
	one(smpp.DeliverSM{ESMClass: smpp.FlagUDHI, ShortMessage: append([]byte{5, 0, 3, 9, 2, 2}, long[100:]...)})
	one(smpp.DeliverSM{ESMClass: smpp.FlagUDHI, ShortMessage: append([]byte{5, 0, 3, 9, 2, 1}, long[:100]...)})
	sar := func(n uint8) smpp.TLVs {
		return smpp.TLVs{}.AppendUint16(smpp.TagSARMsgRefNum, 7).AppendUint8(smpp.TagSARTotalSegments, 2).AppendUint8(smpp.TagSARSegmentSeqnum, n)
	}
	one(smpp.DeliverSM{DataCoding: smpp.CodingUCS2, TLVs: sar(1), ShortMessage: smppText(t, "Chinese 你")})
	one(smpp.DeliverSM{DataCoding: smpp.CodingUCS2, TLVs: sar(2), ShortMessage: smppText(t, "好 😀")})
	one(smpp.DeliverSM{DataCoding: smpp.CodingBinary8, ShortMessage: []byte{0, 1, 2, 0xFF}})
	p.Until("all are there", func() bool { return len(p.incoming()) == 5 })
	var texts []string
	for _, m := range p.incoming() {
		if m.User != "acme" || m.Queue != "user:acme" || m.Source.Addr != from.Addr {
			t.Errorf("%+v", m)
		}
		texts = append(texts, m.Text+string(m.Data))
	}
	if want := []string{"short €", long, long, "Chinese 你好 😀", "\x00\x01\x02\xFF"}; strings.Join(texts, "|") != strings.Join(want, "|") {
		t.Errorf("got %q", texts)
	}
}

func TestBind_TransmitterAndReceiver(t *testing.T) {
	var kinds [2]atomic.Int32
	p := newPost(t, smppsim.SMSCConfig{OnBind: func(b *smpp.Bind) smpp.CommandStatus {
		switch b.ID {
		case smpp.IDBindTransmitter:
			kinds[0].Add(1)
		case smpp.IDBindReceiver:
			kinds[1].Add(1)
		default:
			return smpp.StatusBindFail
		}
		return smpp.StatusOK
	}}, func(c *storage.SMPPChannel) { c.Separate, c.Binds = true, 2 })
	p.Ends(p.Submit("31612345678", "Hello"), storage.Delivered)
	p.Until("all are bound", func() bool { return kinds[0].Load() == 2 && kinds[1].Load() == 2 })
	if len(p.ch.Binds()) != 4 {
		t.Errorf("%+v", p.ch.Binds())
	}
}

func TestBind_Refused_SaysWhyAndWaits(t *testing.T) {
	p := newPost(t, smppsim.SMSCConfig{OnBind: func(*smpp.Bind) smpp.CommandStatus { return smpp.StatusInvPaswd }}, nil)
	p.Until("it was tried", func() bool { return p.ch.Binds()[0].Tries == 1 })
	b := p.ch.Binds()[0]
	if b.Bound || !strings.Contains(b.Reason, "ESME_RINVPASWD") || time.Until(b.RetryAt) < 5*time.Second {
		t.Errorf("%+v", b)
	}
	if st := p.ch.Status(); st.Ready || !strings.Contains(st.Reason, "ESME_RINVPASWD") {
		t.Errorf("%+v", st)
	}
}

// What is in flight when the gateway stops is waited for, and the session ends in
// order.
func TestStop_InFlight_Answered(t *testing.T) {
	p := newPost(t, smppsim.SMSCConfig{AnswerDelay: 200 * time.Millisecond}, nil)
	id := p.Submit("31612345678", "Hello")
	p.Until("it is on its way", func() bool { return len(p.submits()) == 1 })
	p.stop()
	p.Until("the answer is on disk", func() bool {
		m, err := p.R.Message(id)
		return err == nil && (m.Parts[0].State == storage.PartSent || m.Parts[0].State == storage.PartDone) // its receipt may have come too
	})
}
