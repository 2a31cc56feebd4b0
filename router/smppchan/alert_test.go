package smppchan

import (
	"errors"
	"testing"
	"time"

	"gsmgate/router"
	"gsmgate/smppd/smpp"
	"gsmgate/storage"
)

// alert waits for the next alert_notification.
func (e *esme) alert() *smpp.AlertNotification {
	e.o.t.Helper()
	select {
	case n := <-e.alerts:
		return n
	case <-time.After(20 * time.Second):
		e.o.t.Fatal("no alert_notification came")
		return nil
	}
}

// quiet wants no alert_notification to have come before the answer to an
// enquire_link.
func (e *esme) quiet() {
	e.o.t.Helper()
	e.expect(smpp.StatusOK, &smpp.EnquireLink{})
	select {
	case n := <-e.alerts:
		e.o.t.Errorf("an alert came: %+v", n)
	default:
	}
}

// dataSM gives the response to a data_sm with set_dpf.
func (e *esme) dataSM(text string, edit ...func(*smpp.DataSM)) *smpp.DataSMResp {
	e.o.t.Helper()
	d := &smpp.DataSM{Source: shop(), Dest: handset(), TLVs: payload(text).AppendUint8(smpp.TagSetDPF, 1)}
	for _, f := range edit {
		f(d)
	}
	return e.expect(smpp.StatusOK, d).(*smpp.DataSMResp)
}

// refusing is an office whose lane is open and refuses all for good.
func refusing(t *testing.T) *office {
	o := newOffice(t)
	o.air.answer = func(m *storage.Message, _ int) (string, error) {
		return "", &router.SendError{Outcome: router.RefusedForGood, Cause: 27, Err: errors.New("destination out of order")}
	}
	close(o.air.open)
	return o
}

// flag waits until the delivery pending flag of a message is as wanted.
func (o *office) flag(id string, want storage.DPF) {
	o.t.Helper()
	limit := time.Now().Add(20 * time.Second)
	for o.stored(id).DPF != want {
		if time.Now().After(limit) {
			o.t.Fatalf("the flag of %s is %d, want %d: %+v", id, o.stored(id).DPF, want, o.stored(id))
		}
		time.Sleep(time.Millisecond)
	}
}

// heard brings an MO message from the handset.
func (o *office) heard() {
	o.t.Helper()
	m := &storage.Message{Kind: storage.MO, Text: "I am back", Source: storage.Address{TON: 1, NPI: 1, Addr: handset().Addr}}
	if _, err := o.r.SubmitSync(o.t.Context(), m); err != nil {
		o.t.Fatal(err)
	}
}

func TestAlert_AfterDataSMWithDPF_ToTheSessionThatAsked(t *testing.T) {
	o := refusing(t)
	first, asker, last, other := o.bind(), o.bind(), o.bind(), o.bindAs("other", smpp.IDBindTransceiver, smpp.Version34)
	resp := asker.dataSM("Hello")
	if result, ok := resp.TLVs.Uint8(smpp.TagDPFResult); !ok || result != 1 {
		t.Errorf("dpf_result %d, %v", result, ok)
	}
	o.flag(resp.MessageID, storage.DPFSet)
	for _, e := range []*esme{first, asker, last, other} {
		e.quiet()
	}
	o.heard()
	n := asker.alert()
	status, ok := n.TLVs.Uint8(smpp.TagMsAvailabilityStatus)
	if n.Source != handset() || n.ESME != shop() || !ok || status != 0 {
		t.Errorf("alert %+v, ms_availability_status %d, %v", n, status, ok)
	}
	o.flag(resp.MessageID, storage.DPFNone)
	o.heard()
	for _, e := range []*esme{first, asker, last, other} {
		e.quiet()
	}
}

func TestAlert_ReportOfAnotherMessage_Tells(t *testing.T) {
	o := newOffice(t)
	o.air.answer = func(m *storage.Message, _ int) (string, error) {
		if m.Text == "no" {
			return "", &router.SendError{Outcome: router.RefusedForGood, Err: errors.New("unknown subscriber")}
		}
		return "7", nil
	}
	close(o.air.open)
	e, other := o.bind(), o.bindAs("other", smpp.IDBindTransceiver, smpp.Version34)
	o.flag(e.dataSM("no").MessageID, storage.DPFSet)
	id := other.submit()
	limit := time.Now().Add(20 * time.Second)
	for o.stored(id).Parts[0].State != storage.PartSent && time.Now().Before(limit) {
		time.Sleep(time.Millisecond)
	}
	o.report(handset().Addr, storage.Delivered, 0)
	if n := e.alert(); n.Source != handset() {
		t.Errorf("alert %+v", n)
	}
	other.quiet()
}

// dpf_result answers set_dpf = 1 of an ESME that can get an alert, and nothing
// else.
func TestDataSM_DPFResult_WhenItIsHonoured(t *testing.T) {
	o := newOffice(t)
	plain := func(d *smpp.DataSM) { d.TLVs = payload("Hello") }
	zero := func(d *smpp.DataSM) { d.TLVs = payload("Hello").AppendUint8(smpp.TagSetDPF, 0) }
	for _, c := range []struct {
		version uint8
		edit    func(*smpp.DataSM)
		want    bool
	}{
		{smpp.Version34, func(*smpp.DataSM) {}, true}, {smpp.Version50, func(*smpp.DataSM) {}, true},
		{smpp.Version34, plain, false}, {smpp.Version34, zero, false},
		{0x33, func(*smpp.DataSM) {}, false},
	} {
		resp := o.bindAs("acme", smpp.IDBindTransmitter, c.version).dataSM("Hello", c.edit)
		asked := o.stored(resp.MessageID).DPF == storage.DPFAsked
		if has := resp.TLVs.Has(smpp.TagDPFResult); has != c.want || asked != c.want {
			t.Errorf("version %#x: dpf_result there: %v, flag asked: %v, want %v", c.version, has, asked, c.want)
		}
	}
}

// The alert waits for a session that may take it: not a transmitter, not one
// before 3.4.
func TestAlert_NoSession_WaitsForABind(t *testing.T) {
	o := refusing(t)
	tx, old := o.bindAs("acme", smpp.IDBindTransmitter, smpp.Version34), o.bindAs("acme", smpp.IDBindTransceiver, 0x33)
	id := tx.dataSM("Hello").MessageID
	o.flag(id, storage.DPFSet)
	o.heard()
	o.flag(id, storage.DPFOwed)
	tx.quiet()
	old.quiet()
	if n := o.bindAs("acme", smpp.IDBindReceiver, smpp.Version34).alert(); n.ESME != shop() {
		t.Errorf("alert %+v", n)
	}
	o.flag(id, storage.DPFNone)
	tx.quiet()
	old.quiet()
}

// Of two sessions the one whose address_range holds the ESME address is told; of
// none that does, any: who asked must not lose it.
func TestAlert_AddressRange_ChoosesTheSession(t *testing.T) {
	o := refusing(t)
	elsewhere := o.bindRange("^9")
	tx := o.bindAs("acme", smpp.IDBindTransmitter, smpp.Version34)
	o.flag(tx.dataSM("Hello").MessageID, storage.DPFSet)
	o.heard()
	elsewhere.alert()
	within := o.bindRange("^Shop$")
	o.flag(tx.dataSM("Hello").MessageID, storage.DPFSet)
	o.heard()
	within.alert()
	elsewhere.quiet()
}
