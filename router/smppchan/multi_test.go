package smppchan

import (
	"fmt"
	"strings"
	"testing"

	"gsmgate/smppd/smpp"
	"gsmgate/storage"
)

// multi is a submit_multi to these numbers.
func multi(dests ...string) *smpp.SubmitMulti {
	p := &smpp.SubmitMulti{Source: shop(), RegisteredDelivery: 1, ShortMessage: []byte("Hello all")}
	for _, d := range dests {
		p.Dests = append(p.Dests, smpp.MultiDest{Address: smpp.Address{TON: 1, NPI: 1, Addr: d}})
	}
	return p
}

// nth is the message_id of one of a submit_multi.
func nth(t *testing.T, first string, place int) string {
	t.Helper()
	id, err := storage.ParseID(first)
	if err != nil {
		t.Fatal(err)
	}
	return (id + storage.ID(place)).String()
}

func TestSubmitMulti_EachDestinationAcceptedOrTold(t *testing.T) {
	o := newOffice(t)
	e := o.bind()
	e.submit()
	p := multi("31600000001", "not a number", "31600000002", "31600000002", "")
	resp := e.expect(smpp.StatusOK, p).(*smpp.SubmitMultiResp)
	var bad []string
	for _, u := range resp.Unsuccess {
		bad = append(bad, fmt.Sprintf("%s %s", u.Address.Addr, u.Status))
	}
	if got := strings.Join(bad, ", "); got != "not a number ESME_RINVDSTADR,  ESME_RINVDSTADR" {
		t.Errorf("unsuccess_sme %s", got)
	}
	for place, dest := range []string{"31600000001", "31600000002", "31600000002"} {
		if m := o.stored(nth(t, resp.MessageID, place)); m.Dest.Addr != dest || m.ClientID().String() != resp.MessageID || m.Text != "Hello all" {
			t.Errorf("message %d: %+v", place, m)
		}
	}
	if n := o.credits(); n != 16 {
		t.Errorf("%d credits, want 16", n)
	}
}

func TestSubmitMulti_CreditsRunOut_RestIsTold(t *testing.T) {
	o := newOffice(t)
	e := o.bind()
	var dests []string
	for i := range 254 {
		dests = append(dests, fmt.Sprintf("316%08d", i))
	}
	resp := e.expect(smpp.StatusOK, multi(dests...)).(*smpp.SubmitMultiResp)
	if len(resp.Unsuccess) != 234 || o.credits() != 0 {
		t.Errorf("%d not accepted, %d credits left", len(resp.Unsuccess), o.credits())
	}
	for i, u := range resp.Unsuccess {
		if u.Status != smpp.StatusSubmitFail || u.Address.Addr != dests[20+i] {
			t.Fatalf("unsuccess_sme %d: %+v", i, u)
		}
	}
	e.expect(smpp.StatusSubmitFail, multi(dests...)) // nobody at all
}

func TestSubmitMulti_Refusals_HaveTheirStatus(t *testing.T) {
	o := newOffice(t)
	e := o.bind()
	for name, c := range map[string]struct {
		edit func(*smpp.SubmitMulti)
		want smpp.CommandStatus
	}{
		"a distribution list":       {func(p *smpp.SubmitMulti) { p.Dests = append(p.Dests, smpp.MultiDest{DLName: "friends"}) }, smpp.StatusCntSubDL},
		"replace flag":              {func(p *smpp.SubmitMulti) { p.ReplaceIfPresent = 1 }, smpp.StatusInvRepFlag},
		"predefined message":        {func(p *smpp.SubmitMulti) { p.SMDefaultMsgID = 1 }, smpp.StatusInvDftMsgID},
		"priority":                  {func(p *smpp.SubmitMulti) { p.PriorityFlag = 4 }, smpp.StatusInvPrtFlg},
		"alphabet":                  {func(p *smpp.SubmitMulti) { p.DataCoding = 9 }, smpp.StatusInvDCS},
		"schedule":                  {func(p *smpp.SubmitMulti) { p.ScheduleDeliveryTime = "261301000000000+" }, smpp.StatusInvSched},
		"all destinations are bad":  {func(p *smpp.SubmitMulti) { p.Dests = multi("x", "y").Dests }, smpp.StatusInvDstAdr},
		"bad for different reasons": {func(p *smpp.SubmitMulti) { p.ShortMessage = []byte("bad"); p.Dests = multi("x", "316").Dests }, smpp.StatusSubmitFail},
		"two megabytes over them": {func(p *smpp.SubmitMulti) {
			p.ShortMessage, p.TLVs = nil, payload(strings.Repeat("x", 60000))
			p.Dests = many(40)
		}, smpp.StatusInvMsgLen},
		"parameter of wrong length":  {func(p *smpp.SubmitMulti) { p.TLVs = p.TLVs.AppendUint8(smpp.TagSourcePort, 1) }, smpp.StatusInvParLen},
		"too long for the network":   {func(p *smpp.SubmitMulti) { p.ShortMessage = []byte("bad") }, smpp.StatusInvMsgLen},
		"control character in names": {func(p *smpp.SubmitMulti) { p.Source.Addr = "\x02" }, smpp.StatusInvSrcAdr},
	} {
		t.Run(name, func(t *testing.T) {
			p := multi("31600000001")
			c.edit(p)
			e.expect(c.want, p)
		})
	}
	if n := o.credits(); n != 20 {
		t.Errorf("%d credits left of 20", n)
	}
}

func many(n int) (all []smpp.MultiDest) {
	for range n {
		all = append(all, multi("31600000001").Dests...)
	}
	return all
}

// The codec would not write these.
func TestSubmitMulti_WrongOctets_HaveTheirStatus(t *testing.T) {
	o := newOffice(t)
	e := o.bind()
	good, err := smpp.Append(nil, smpp.StatusOK, 77, multi("31600000001"))
	if err != nil {
		t.Fatal(err)
	}
	number := smpp.HeaderLen + 1 + 2 + len("Shop") + 1 // of number_of_dests
	for _, c := range []struct {
		at    int
		value byte
		want  smpp.CommandStatus
	}{
		{number, 0, smpp.StatusInvNumDests}, {number, 255, smpp.StatusInvNumDests},
		{number + 1, 0, smpp.StatusInvDestFlag}, {number + 1, 3, smpp.StatusInvDestFlag},
	} {
		frame := append([]byte(nil), good...)
		frame[c.at] = c.value
		answered := make(chan answer, 1)
		e.mu.Lock()
		e.asked[77] = answered
		e.mu.Unlock()
		if _, err := e.conn.Write(frame); err != nil {
			t.Fatal(err)
		}
		e.await(c.want, multi(), answered)
	}
}

func TestSubmitMulti_ReceiptsNameTheFirstID(t *testing.T) {
	o := newOffice(t)
	e := o.bind()
	resp := e.expect(smpp.StatusOK, multi("31600000001", "31600000002")).(*smpp.SubmitMultiResp)
	o.sending(2, resp.MessageID, nth(t, resp.MessageID, 1))
	if q := e.state(resp.MessageID); q.MessageState != smpp.StateEnroute {
		t.Errorf("%+v", q)
	}
	o.report("31600000002", storage.Undeliverable, 0x45)
	d := e.receipt()
	id, _ := d.TLVs.CString(smpp.TagReceiptedMessageID)
	if id != resp.MessageID || d.Source.Addr != "31600000002" || !strings.HasPrefix(string(d.ShortMessage), "id:"+id) {
		t.Errorf("receipt %q from %s", d.ShortMessage, d.Source.Addr)
	}
	if q := e.state(resp.MessageID); q.MessageState != smpp.StateEnroute || q.FinalDate != "" {
		t.Errorf("one of two has ended: %+v", q)
	}
	o.report("31600000001", storage.Delivered, 0)
	if q := e.state(resp.MessageID); q.MessageState != smpp.StateUndeliverable || q.FinalDate == "" || q.ErrorCode != 0x45 {
		t.Errorf("both have ended, one badly: %+v", q)
	}
}

func TestSubmitMulti_CancelledAndReplaced(t *testing.T) {
	o := newOffice(t)
	e := o.bind()
	resp := e.expect(smpp.StatusOK, multi("31600000001", "31600000002", "31600000003")).(*smpp.SubmitMultiResp)
	id := resp.MessageID
	e.expect(smpp.StatusOK, &smpp.CancelSM{MessageID: id, Source: shop(), Dest: smpp.Address{Addr: "31600000002"}})
	e.expect(smpp.StatusCancelFail, &smpp.CancelSM{MessageID: id, Source: shop(), Dest: smpp.Address{Addr: "31600000002"}})
	e.expect(smpp.StatusCancelFail, &smpp.CancelSM{MessageID: nth(t, id, 2), Source: shop()})
	if n := o.credits(); n != 18 {
		t.Errorf("%d credits", n)
	}
	e.expect(smpp.StatusReplaceFail, &smpp.ReplaceSM{MessageID: id, Source: shop(), TLVs: payload(strings.Repeat("x", 160*11))})
	if n := o.credits(); n != 18 || o.stored(id).Text != "Hello all" {
		t.Errorf("one of two could be paid: %d credits, %q", n, o.stored(id).Text)
	}
	e.expect(smpp.StatusOK, &smpp.ReplaceSM{MessageID: id, Source: shop(), TLVs: payload(strings.Repeat("x", 160*10))})
	if n := o.credits(); n != 0 || len(o.stored(nth(t, id, 2)).Parts) != 10 || o.stored(nth(t, id, 1)).Text != "Hello all" {
		t.Errorf("%d credits", n)
	}
	e.expect(smpp.StatusOK, &smpp.CancelSM{MessageID: id, Source: shop()})
	if n := o.credits(); n != 20 || e.state(id).MessageState != smpp.StateDeleted {
		t.Errorf("%d credits, %+v", n, e.state(id))
	}
}

// The commit of others waits for it.
func TestReplaceSM_OfManyByALongText_InvMsgLen(t *testing.T) {
	o := newOffice(t)
	e := o.bind()
	p := multi()
	p.Dests = many(20)
	for i := range p.Dests {
		p.Dests[i].Address.Addr = fmt.Sprintf("316%08d", i)
	}
	long := payload(strings.Repeat("x", 60000))
	id := e.expect(smpp.StatusOK, p).(*smpp.SubmitMultiResp).MessageID
	e.expect(smpp.StatusReplaceFail, &smpp.ReplaceSM{MessageID: id, Source: shop(), TLVs: long}) // 1.2 MB: too dear
	if _, err := o.r.Credit(t.Context(), "acme", 100*storage.Credit, "more"); err != nil {
		t.Fatal(err)
	}
	p.Dests = many(40)
	id = e.expect(smpp.StatusOK, p).(*smpp.SubmitMultiResp).MessageID
	e.expect(smpp.StatusInvMsgLen, &smpp.ReplaceSM{MessageID: id, Source: shop(), TLVs: long})
}
