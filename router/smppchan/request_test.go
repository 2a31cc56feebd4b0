package smppchan

import (
	"strings"
	"testing"
	"time"

	"gsmgate/router"
	"gsmgate/smppd/smpp"
	"gsmgate/storage"
)

func shop() smpp.Address { return smpp.Address{TON: 5, Addr: "Shop"} }

func handset() smpp.Address { return smpp.Address{TON: 1, NPI: 1, Addr: "31612345678"} }

func payload(text string) smpp.TLVs {
	return smpp.TLVs{}.Append(smpp.TagMessagePayload, []byte(text))
}

func hourAhead(s *smpp.SubmitSM) { s.ScheduleDeliveryTime = "000000010000000R" }

func TestDataSM_IsASubmitSMWithItsTextInThePayload(t *testing.T) {
	o := newOffice(t)
	for _, kind := range []smpp.CommandID{smpp.IDBindTransmitter, smpp.IDBindTransceiver, smpp.IDBindReceiver} {
		e := o.bindAs("acme", kind, smpp.Version34)
		d := &smpp.DataSM{ServiceType: "WAP", Source: shop(), Dest: handset(), RegisteredDelivery: 1,
			TLVs: payload("Hello").AppendUint8(smpp.TagSetDPF, 1).AppendUint32(smpp.TagQoSTimeToLive, 3600).AppendUint16(smpp.TagUserMessageReference, 9)}
		m := o.stored(e.expect(smpp.StatusOK, d).(*smpp.DataSMResp).MessageID)
		left := time.Until(m.ExpiresAt.Time())
		if m.Text != "Hello" || m.ServiceType != "WAP" || m.Source.Addr != "Shop" || left < 3500*time.Second || left > time.Hour || *m.UserReference != 9 {
			t.Errorf("%s: %+v, valid for %v", kind, m, left)
		}
		if !smpp.TLVs(m.TLVs).Has(smpp.TagSetDPF) || smpp.TLVs(m.TLVs).Has(smpp.TagMessagePayload) {
			t.Errorf("TLVs kept % x", m.TLVs)
		}
	}
}

func TestDataSM_Refusals_HaveTheirStatus(t *testing.T) {
	o := newOffice(t)
	e := o.bind()
	for name, c := range map[string]struct {
		edit func(*smpp.DataSM)
		want smpp.CommandStatus
	}{
		"no payload":                   {func(d *smpp.DataSM) { d.TLVs = nil }, smpp.StatusMissingOptParam},
		"source of 21 octets":          {func(d *smpp.DataSM) { d.Source.Addr = strings.Repeat("x", 21) }, smpp.StatusInvSrcAdr},
		"destination of 64 octets":     {func(d *smpp.DataSM) { d.Dest.Addr = strings.Repeat("1", 64) }, smpp.StatusInvDstAdr},
		"no destination":               {func(d *smpp.DataSM) { d.Dest.Addr = "" }, smpp.StatusInvDstAdr},
		"qos_time_to_live of 1 octet":  {func(d *smpp.DataSM) { d.TLVs = d.TLVs.AppendUint8(smpp.TagQoSTimeToLive, 1) }, smpp.StatusInvParLen},
		"set_dpf 2":                    {func(d *smpp.DataSM) { d.TLVs = d.TLVs.AppendUint8(smpp.TagSetDPF, 2) }, smpp.StatusInvOptParamVal},
		"an alphabet GSM has not":      {func(d *smpp.DataSM) { d.DataCoding = 9 }, smpp.StatusInvDCS},
		"a header longer than it all":  {func(d *smpp.DataSM) { d.ESMClass = udhi; d.TLVs = payload("\xff") }, smpp.StatusInvESMClass},
		"too long for the network":     {func(d *smpp.DataSM) { d.TLVs = payload("bad") }, smpp.StatusInvMsgLen},
		"more than the user can pay":   {func(d *smpp.DataSM) { d.TLVs = payload(strings.Repeat("x", 160*21)) }, smpp.StatusSubmitFail},
		"control character in address": {func(d *smpp.DataSM) { d.Source.Addr = "\x01" }, smpp.StatusInvSrcAdr},
	} {
		t.Run(name, func(t *testing.T) {
			d := &smpp.DataSM{Source: shop(), Dest: handset(), TLVs: payload("Hello")}
			c.edit(d)
			e.expect(c.want, d)
		})
	}
	if n := o.credits(); n != 20 {
		t.Errorf("%d credits left of 20", n)
	}
}

func TestQuerySM_FollowsTheMessage(t *testing.T) {
	o := newOffice(t)
	e, other := o.bind(), o.bindAs("acme", smpp.IDBindTransmitter, smpp.Version50)
	id, later := e.submit(), e.submit(hourAhead)
	if q := e.state(id); q.MessageState != smpp.StateEnroute || q.FinalDate != "" || q.MessageID != id || q.ErrorCode != 0 {
		t.Errorf("before it is sent: %+v", q)
	}
	if q := e.state(later); q.MessageState != smpp.StateEnroute {
		t.Errorf("scheduled, to a client of 3.4: %+v", q)
	}
	if q := other.state(later); q.MessageState != smpp.StateScheduled {
		t.Errorf("scheduled, to a client of 5.0: %+v", q)
	}
	o.sending(1, id)
	o.report("31612345678", storage.Undeliverable, 0x145)
	q := other.state(strings.ToUpper(id))
	final, err := smpp.ParseTime(q.FinalDate, time.Time{})
	if err != nil || len(q.FinalDate) != 16 || time.Since(final) > time.Minute || q.MessageState != smpp.StateUndeliverable || q.ErrorCode != 0x45 {
		t.Errorf("at its end: %+v, %v", q, err)
	}
}

func TestQuerySM_Refusals_HaveTheirStatus(t *testing.T) {
	o := newOffice(t)
	e, stranger := o.bind(), o.bindAs("other", smpp.IDBindTransceiver, smpp.Version34)
	id := e.submit(func(s *smpp.SubmitSM) { s.Source = smpp.Address{TON: 1, NPI: 1, Addr: "31600000001"} })
	source := smpp.Address{Addr: "+31600000001"} // a + and the type of number say nothing
	e.expect(smpp.StatusOK, &smpp.QuerySM{MessageID: id, Source: source})
	stranger.expect(smpp.StatusQueryFail, &smpp.QuerySM{MessageID: id, Source: source})
	e.expect(smpp.StatusQueryFail, &smpp.QuerySM{MessageID: id, Source: shop()})
	e.expect(smpp.StatusQueryFail, &smpp.QuerySM{MessageID: id})
	e.expect(smpp.StatusQueryFail, &smpp.QuerySM{MessageID: "1fffffff", Source: source})
	for _, never := range []string{"", "0", "xyz", "-1", "0fffffff", "10000000000000000", "+10000000"} {
		e.expect(smpp.StatusInvMsgID, &smpp.QuerySM{MessageID: never, Source: source})
		e.expect(smpp.StatusInvMsgID, &smpp.ReplaceSM{MessageID: never, Source: source})
		if never != "" { // NULL has a meaning there
			e.expect(smpp.StatusInvMsgID, &smpp.CancelSM{MessageID: never, Source: source})
		}
	}
}

func TestCancelSM_ByID_RefundedAndReceipted(t *testing.T) {
	o := newOffice(t)
	e := o.bind()
	for _, c := range []struct {
		name   string
		wish   smpp.RegisteredDelivery
		edit   func(*smpp.SubmitSM)
		cancel smpp.CancelSM
		told   bool
	}{
		{"always", 1, func(*smpp.SubmitSM) {}, smpp.CancelSM{Source: shop(), Dest: handset()}, true},
		{"on failure", 2, hourAhead, smpp.CancelSM{Source: shop()}, true},
		{"on success", 3, hourAhead, smpp.CancelSM{Dest: smpp.Address{Addr: "+31612345678"}}, false},
		{"never", 0, func(*smpp.SubmitSM) {}, smpp.CancelSM{}, false},
	} {
		id := e.submit(c.edit, func(s *smpp.SubmitSM) { s.RegisteredDelivery = c.wish })
		if n := o.credits(); n != 19 {
			t.Errorf("%s: %d credits", c.name, n)
		}
		c.cancel.MessageID = id
		e.expect(smpp.StatusOK, &c.cancel)
		if n := o.credits(); n != 20 || e.state(id).MessageState != smpp.StateDeleted {
			t.Errorf("%s: %d credits, %+v", c.name, n, e.state(id))
		}
		e.expect(smpp.StatusCancelFail, &c.cancel)
		if !c.told {
			continue
		}
		d := e.receipt()
		got, _ := d.TLVs.CString(smpp.TagReceiptedMessageID)
		if state, _ := d.TLVs.Uint8(smpp.TagMessageState); got != id || state != uint8(smpp.StateDeleted) {
			t.Errorf("%s: receipt of %s, state %d", c.name, got, state)
		}
	}
	if len(e.delivered) != 0 {
		t.Errorf("a receipt that nobody asked for: %q", (<-e.delivered).ShortMessage)
	}
}

func TestCancelSM_NotTheirs_OrTooLate_CancelFail(t *testing.T) {
	o := newOffice(t)
	e, stranger := o.bind(), o.bindAs("other", smpp.IDBindTransceiver, smpp.Version34)
	id := e.submit()
	stranger.expect(smpp.StatusCancelFail, &smpp.CancelSM{MessageID: id, Source: shop(), Dest: handset()})
	stranger.expect(smpp.StatusCancelFail, &smpp.CancelSM{Source: shop(), Dest: handset()})
	e.expect(smpp.StatusCancelFail, &smpp.CancelSM{MessageID: id, Source: handset()})
	e.expect(smpp.StatusCancelFail, &smpp.CancelSM{MessageID: id, Source: shop(), Dest: shop()})
	e.expect(smpp.StatusCancelFail, &smpp.CancelSM{MessageID: "1fffffff", Source: shop()})
	e.expect(smpp.StatusCancelFail, &smpp.CancelSM{Source: shop()})
	o.sending(1, id)
	e.expect(smpp.StatusCancelFail, &smpp.CancelSM{MessageID: id, Source: shop()})
	e.expect(smpp.StatusReplaceFail, &smpp.ReplaceSM{MessageID: id, Source: shop(), ShortMessage: []byte("No")})
	o.report("31612345678", storage.Delivered, 0)
	e.expect(smpp.StatusCancelFail, &smpp.CancelSM{MessageID: id, Source: shop()})
	e.expect(smpp.StatusCancelFail, &smpp.CancelSM{Source: shop(), Dest: handset()})
	e.expect(smpp.StatusReplaceFail, &smpp.ReplaceSM{MessageID: id, Source: shop(), ShortMessage: []byte("No")})
}

func TestCancelSM_ByAddresses_AllThatArePending(t *testing.T) {
	o := newOffice(t)
	e := o.bind()
	to := func(source, dest, service string) func(*smpp.SubmitSM) {
		return func(s *smpp.SubmitSM) { s.Source.Addr, s.Dest.Addr, s.ServiceType = source, dest, service }
	}
	before := e.submit(to("Shop", "31612345678", "CMT"))
	wap := e.submit(to("Shop", "+31612345678", "WAP"), hourAhead)
	elsewhere := e.submit(to("Shop", "31612345679", "CMT"))
	another := e.submit(to("Shoe", "31612345678", "CMT"))
	e.expect(smpp.StatusCancelFail, &smpp.CancelSM{ServiceType: "VMN", Source: shop(), Dest: handset()})
	e.expect(smpp.StatusOK, &smpp.CancelSM{ServiceType: "WAP", Source: shop(), Dest: handset()})
	after := e.submit(to("Shop", "31612345678", ""))
	for id, want := range map[string]smpp.MessageState{before: smpp.StateEnroute, wap: smpp.StateDeleted, after: smpp.StateEnroute} {
		if got := e.state(id).MessageState; got != want {
			t.Errorf("after the first cancel_sm, %s: %s, want %s", id, got, want)
		}
	}
	e.expect(smpp.StatusOK, &smpp.CancelSM{Source: shop(), Dest: handset()})
	for _, id := range []string{before, after} {
		if got := e.state(id).MessageState; got != smpp.StateDeleted {
			t.Errorf("%s: %s", id, got)
		}
	}
	if o.stored(elsewhere).EndedAt != 0 || o.stored(another).EndedAt != 0 {
		t.Error("messages of other addresses were cancelled")
	}
	e.expect(smpp.StatusCancelFail, &smpp.CancelSM{Source: shop(), Dest: handset()})
}

// The type of a number says how it is read: what a region makes of it must be the
// same when the client names it again.
func TestCancelSM_NumberOfARegion_ByItsType(t *testing.T) {
	o := newOffice(t)
	if _, err := o.r.SetUser(t.Context(), "acme", router.UserChange{UserSettings: router.UserSettings{Region: new("DE")}}); err != nil {
		t.Fatal(err)
	}
	e := o.bind()
	for _, dest := range []smpp.Address{{TON: 1, NPI: 1, Addr: "491701234567"}, {TON: 2, NPI: 1, Addr: "1701234567"}, {Addr: "01701234567"}} {
		to := func(s *smpp.SubmitSM) { s.Dest = dest }
		e.submit(to)
		e.expect(smpp.StatusOK, &smpp.CancelSM{Source: shop(), Dest: dest})
		e.expect(smpp.StatusOK, &smpp.CancelSM{MessageID: e.submit(to), Source: shop(), Dest: dest})
	}
}

func TestReplaceSM_TextTimesAndPrice(t *testing.T) {
	o := newOffice(t)
	e := o.bind()
	id := e.submit(hourAhead, func(s *smpp.SubmitSM) { s.DataCoding, s.ShortMessage = smpp.CodingLatin1, []byte("Gr\xfc\xdfe") })
	was := o.stored(id)
	e.expect(smpp.StatusOK, &smpp.ReplaceSM{MessageID: id, Source: shop(), ShortMessage: []byte("\xc5 " + strings.Repeat("x", 200))})
	m := o.stored(id)
	if !strings.HasPrefix(m.Text, "Å x") || len(m.Parts) != 2 || o.credits() != 18 || m.RegisteredDelivery != 0 || m.DueAt != was.DueAt || m.ExpiresAt != was.ExpiresAt {
		t.Errorf("%d credits, %+v", o.credits(), m)
	}
	e.expect(smpp.StatusOK, &smpp.ReplaceSM{MessageID: id, Source: shop(), RegisteredDelivery: 1, TLVs: payload("Now"),
		ScheduleDeliveryTime: "010101000000000+", ValidityPeriod: "000002000000000R"})
	m = o.stored(id)
	if left := time.Until(m.ExpiresAt.Time()); m.State != storage.Enroute || m.Text != "Now" || o.credits() != 19 || left > 48*time.Hour || left < 47*time.Hour {
		t.Errorf("%d credits, valid for %v, %+v", o.credits(), left, m)
	}
	var replaced int
	for _, ev := range router.Timeline(m) {
		if ev.What == "replaced" {
			replaced++
		}
	}
	if replaced != 2 {
		t.Errorf("the timeline says %d times that it was replaced: %v", replaced, m.Events)
	}
	o.sending(1, id)
	if got := o.air.texts(); len(got) != 1 || got[0] != "Now" {
		t.Errorf("sent %q", got)
	}
}

// What was due at once is put off; the queue had read ahead.
func TestReplaceSM_PutOff_NotSentNow(t *testing.T) {
	o := newOffice(t)
	e := o.bind()
	id := e.submit()
	e.expect(smpp.StatusOK, &smpp.ReplaceSM{MessageID: id, Source: shop(), ScheduleDeliveryTime: "000000010000000R", ShortMessage: []byte("Later")})
	next := e.submit(func(s *smpp.SubmitSM) { s.ShortMessage = []byte("Next") })
	o.sending(1, next)
	if m := o.stored(id); m.State != storage.Scheduled || o.air.texts()[0] != "Next" {
		t.Errorf("sent %q, state %s", o.air.texts(), router.StateWord(m.State))
	}
}

func TestReplaceSM_Refused_NothingChanged(t *testing.T) {
	o := newOffice(t)
	e, stranger := o.bind(), o.bindAs("other", smpp.IDBindTransceiver, smpp.Version34)
	id := e.submit(hourAhead)
	was := o.stored(id)
	for name, c := range map[string]struct {
		edit func(*smpp.ReplaceSM)
		want smpp.CommandStatus
	}{
		"more than the user can pay": {func(p *smpp.ReplaceSM) { p.ShortMessage, p.TLVs = nil, payload(strings.Repeat("x", 160*21)) }, smpp.StatusReplaceFail},
		"another source":             {func(p *smpp.ReplaceSM) { p.Source = handset() }, smpp.StatusReplaceFail},
		"unknown":                    {func(p *smpp.ReplaceSM) { p.MessageID = "1fffffff" }, smpp.StatusReplaceFail},
		"predefined message":         {func(p *smpp.ReplaceSM) { p.SMDefaultMsgID = 1 }, smpp.StatusInvDftMsgID},
		"schedule":                   {func(p *smpp.ReplaceSM) { p.ScheduleDeliveryTime = "261301000000000+" }, smpp.StatusInvSched},
		"500 days ahead":             {func(p *smpp.ReplaceSM) { p.ScheduleDeliveryTime = "010500000000000R" }, smpp.StatusInvSched},
		"validity before schedule":   {func(p *smpp.ReplaceSM) { p.ValidityPeriod = "000000003000000R" }, smpp.StatusInvExpiry},
		"no character of its coding": {func(p *smpp.ReplaceSM) { p.ShortMessage = []byte{0x80} }, smpp.StatusInvDCS},
		"text and payload":           {func(p *smpp.ReplaceSM) { p.TLVs = payload("x") }, smpp.StatusInvMsgLen},
		"too long for the network":   {func(p *smpp.ReplaceSM) { p.ShortMessage = []byte("bad") }, smpp.StatusInvMsgLen},
	} {
		t.Run(name, func(t *testing.T) {
			p := &smpp.ReplaceSM{MessageID: id, Source: shop(), ShortMessage: []byte("New")}
			c.edit(p)
			e.expect(c.want, p)
		})
	}
	stranger.expect(smpp.StatusReplaceFail, &smpp.ReplaceSM{MessageID: id, Source: shop(), ShortMessage: []byte("New")})
	if m := o.stored(id); m.Text != was.Text || m.DueAt != was.DueAt || len(m.Events) != len(was.Events) || o.credits() != 19 {
		t.Errorf("%d credits, %+v", o.credits(), m)
	}
}

func TestReplaceIfPresent_InPlaceOfTheNewestPendingOne(t *testing.T) {
	o := newOffice(t)
	e := o.bind()
	over := func(text, service string) func(*smpp.SubmitSM) {
		return func(s *smpp.SubmitSM) {
			s.ReplaceIfPresent, s.ServiceType, s.ShortMessage = 1, service, []byte(text)
		}
	}
	first := e.submit(over("one", ""))
	second := e.submit()
	if got := e.submit(over("two "+strings.Repeat("x", 200), "")); got != second {
		t.Errorf("answered %s, want the newest, %s", got, second)
	}
	if m := o.stored(second); !strings.HasPrefix(m.Text, "two ") || len(m.Parts) != 2 || o.credits() != 17 {
		t.Errorf("%d credits, %+v", o.credits(), m)
	}
	if other := e.submit(over("three", "WAP")); other == first || other == second {
		t.Error("one of another service_type was replaced")
	}
	e.expect(smpp.StatusOK, &smpp.CancelSM{MessageID: second})
	if got := e.submit(over("four", ""), hourAhead); got != first || o.stored(first).State != storage.Scheduled {
		t.Errorf("answered %s, want what is left, %s, for later", got, first)
	}
	e.expect(smpp.StatusSubmitFail, submit(func(s *smpp.SubmitSM) {
		s.ReplaceIfPresent = 1
		s.ShortMessage, s.TLVs = nil, payload(strings.Repeat("x", 160*21))
	}))
	if m := o.stored(first); m.Text != "four" {
		t.Errorf("what cannot be paid has replaced it: %+v", m)
	}
	e.expect(smpp.StatusOK, &smpp.CancelSM{MessageID: first})
	if got := e.submit(over("five", "")); got == first || got == second {
		t.Error("what was cancelled was replaced")
	}
}

// Requests that wait for nobody's answer are taken one after the other.
func TestReplaceIfPresent_ManyAtOnce_OneMessage(t *testing.T) {
	o := newOffice(t)
	e := o.bind()
	var asked []<-chan answer
	sm := submit(func(s *smpp.SubmitSM) { s.ReplaceIfPresent = 1 })
	for range 8 {
		asked = append(asked, e.ask(sm))
	}
	ids := map[string]bool{}
	for _, c := range asked {
		ids[e.await(smpp.StatusOK, sm, c).(*smpp.SubmitSMResp).MessageID] = true
	}
	if len(ids) != 1 || o.credits() != 19 {
		t.Errorf("message_ids %v, %d credits", ids, o.credits())
	}
}
