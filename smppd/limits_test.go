package smppd

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/time/rate"

	"gsmgate/smppd/smpp"
)

func TestSetLimits_SmallerWindow_TakesEffectAsAnswersGoOut(t *testing.T) {
	b, replies := held(100)
	bubble(t, Config{Window: 10}, b, func(t *testing.T, r *running) {
		p := r.bound(TX)
		s := r.session()
		for range 6 {
			p.send(message("316"))
		}
		synctest.Wait()
		s.SetLimits(Limits{Window: 2})
		go p.send(message("316"))
		for want := 5; want > 2; want-- {
			(<-replies)("x", nil)
			p.recv()
			synctest.Wait()
			if _, used := s.window.count(); used != want {
				t.Errorf("%d of the window are in use, want %d", used, want)
			}
		}
		if info := s.Info(); info.Window != 2 {
			t.Errorf("window %d listed, want 2", info.Window)
		}
		s.SetLimits(Limits{Window: 7})
		synctest.Wait()
		if _, used := s.window.count(); used != 4 {
			t.Errorf("%d in use, want the waiting request among them", used)
		}
		for range 4 {
			(<-replies)("x", nil)
			p.recv()
		}
		b.wantFaults(t, FaultWindow)
	})
}

func TestSetLimits_DeliverWindow_GrowsAndShrinks(t *testing.T) {
	bubble(t, Config{DeliverWindow: 1}, newBackend(), func(t *testing.T, r *running) {
		p := r.bound(RX)
		s := r.session()
		for range 4 {
			deliver(context.Background(), s, "x")
		}
		var seqs []uint32
		next := func() {
			seq, _ := p.expectRequest(smpp.IDDeliverSM)
			seqs = append(seqs, seq)
		}
		next()
		s.SetLimits(Limits{DeliverWindow: 3})
		next()
		next()
		s.SetLimits(Limits{DeliverWindow: 1})
		for i := range 2 { // three are out, and one may be
			p.reply(smpp.StatusOK, seqs[i], &smpp.DeliverSMResp{})
		}
		p.alive() // the fourth did not come before
		p.reply(smpp.StatusOK, seqs[2], &smpp.DeliverSMResp{})
		next()
		p.reply(smpp.StatusOK, seqs[3], &smpp.DeliverSMResp{})
		synctest.Wait()
	})
}

func TestSetLimits_FromBind_HoldsFromTheFirstRequest(t *testing.T) {
	b := newBackend()
	b.onBind = func(_ context.Context, s *Session, _ *smpp.Bind) error {
		s.SetLimits(Limits{Rate: rate.NewLimiter(rate.Every(time.Hour), 1)})
		return nil
	}
	p := start(t, Config{}, b).bound(TX)
	p.expect(smpp.IDSubmitSMResp, smpp.StatusOK, p.send(message("316")))
	p.expect(smpp.IDSubmitSMResp, smpp.StatusThrottled, p.send(message("316")))
}

// Two sessions of one user share a limiter, a third one belongs to another user.
func TestRate_Exceeded_ThrottledAtOnceOthersNeverNotice(t *testing.T) {
	b := newBackend()
	bubble(t, Config{}, b, func(t *testing.T, r *running) {
		one, two, other := r.bound(TX), r.bound(TRX), r.bound(TX)
		shared := rate.NewLimiter(5, 5)
		for range 2 {
			r.session().SetLimits(Limits{Rate: shared})
		}
		status := func(p *peer, m smpp.PDU) smpp.CommandStatus {
			t.Helper()
			seq := p.send(m)
			h, _, err := p.recv()
			if err != nil || h.Sequence != seq || h.ID != m.CommandID().Response() {
				t.Fatalf("got %+v %v", h, err)
			}
			return h.Status
		}
		for i := range 5 {
			if got := status([]*peer{one, two}[i%2], message("316")); got != smpp.StatusOK {
				t.Errorf("message %d of 5 a second: %v", i+1, got)
			}
		}
		data := &smpp.DataSM{Dest: smpp.Address{Addr: "316"}, TLVs: smpp.TLVs{}.Append(smpp.TagMessagePayload, []byte("x"))}
		for _, m := range []smpp.PDU{message("316"), data, multi(1), multi(200)} {
			if got := status(two, m); got != smpp.StatusThrottled {
				t.Errorf("%v beyond the rate: %v", m.CommandID(), got)
			}
		}
		if got := status(two, &smpp.QuerySM{MessageID: "1"}); got != smpp.StatusOK {
			t.Errorf("query_sm is no message, and got %v", got)
		}
		if got := status(other, message("316")); got != smpp.StatusOK {
			t.Errorf("another user got %v", got)
		}
		time.Sleep(600 * time.Millisecond) // three tokens
		if got := status(one, multi(4)); got != smpp.StatusThrottled {
			t.Errorf("submit_multi to 4 with 3 tokens: %v", got)
		}
		if got := status(one, multi(3)); got != smpp.StatusOK {
			t.Errorf("submit_multi to 3 with 3 tokens: %v", got)
		}
		time.Sleep(time.Second)
		if got := status(one, multi(200)); got != smpp.StatusOK {
			t.Errorf("submit_multi larger than the bucket, which is full: %v", got)
		}
		b.wantFaults(t, FaultThrottled, FaultThrottled, FaultThrottled, FaultThrottled, FaultThrottled)
	})
}

// A submit_multi to more than the bucket holds passes, and is paid for in full.
func TestRate_SubmitMultiLargerThanTheBucket_IsNoWayRoundIt(t *testing.T) {
	bubble(t, Config{}, newBackend(), func(t *testing.T, r *running) {
		p := r.bound(TX)
		r.session().SetLimits(Limits{Rate: rate.NewLimiter(10, 10)})
		p.expect(smpp.IDSubmitMultiResp, smpp.StatusOK, p.send(multi(54)))
		time.Sleep(4400 * time.Millisecond)
		p.expect(smpp.IDSubmitSMResp, smpp.StatusThrottled, p.send(message("316")))
		time.Sleep(150 * time.Millisecond)
		p.expect(smpp.IDSubmitSMResp, smpp.StatusOK, p.send(message("316")))
	})
}

func multi(dests int) *smpp.SubmitMulti {
	m := &smpp.SubmitMulti{}
	for range dests {
		m.Dests = append(m.Dests, smpp.MultiDest{Address: smpp.Address{Addr: "316"}})
	}
	return m
}

func TestRate_Throttled_LastErrorAndCountsTell(t *testing.T) {
	r := start(t, Config{}, newBackend())
	p := r.bound(TX)
	s := r.session()
	s.SetLimits(Limits{Rate: rate.NewLimiter(0, 0)})
	p.expect(smpp.IDSubmitSMResp, smpp.StatusThrottled, p.send(message("316")))
	info := s.Info()
	if info.LastError.Text != "submit_sm: ESME_RTHROTTLED" || info.Refused != 1 || info.Submits != 0 {
		t.Errorf("listed as %+v", info)
	}
	s.SetLimits(Limits{})
	p.expect(smpp.IDSubmitSMResp, smpp.StatusOK, p.send(message("316")))
}

func TestRepeats_FindsOnlyWhatIsOutstanding(t *testing.T) {
	var r repeats
	for seq := uint32(1); seq <= repeatSlots; seq++ {
		if r.add(seq) {
			t.Fatalf("%d is new", seq)
		}
	}
	for seq := uint32(1); seq <= repeatSlots; seq++ {
		if !r.add(seq) {
			t.Fatalf("%d is outstanding", seq)
		}
		r.remove(seq)
		if r.add(seq) {
			t.Fatalf("%d was answered", seq)
		}
	}
	if r.add(1 + repeatSlots) { // takes the slot of 1
		t.Error("a number was taken for another one")
	}
	r.remove(1)
	if !r.add(1 + repeatSlots) {
		t.Error("the answer to another request removed it")
	}
}

func TestLastError_BackendsField_NamedWithoutContents(t *testing.T) {
	b := newBackend()
	b.onSubmit = func(_ *Session, _ *smpp.SubmitSM, reply func(string, error)) {
		reply("", &smpp.Error{Status: smpp.StatusInvDstAdr, Field: "destination_addr", Reason: "secret"})
	}
	r := start(t, Config{}, b)
	p := r.bound(TRX)
	s := r.session()
	if e := s.LastError(); e.Text != "" || !e.Time.IsZero() {
		t.Errorf("before any: %+v", e)
	}
	p.expect(smpp.IDSubmitSMResp, smpp.StatusInvDstAdr, p.send(message("31699999")))
	e := s.LastError()
	if e.Text != "submit_sm: ESME_RINVDSTADR (destination_addr)" || time.Since(e.Time) > time.Minute || strings.Contains(e.Text, "secret") {
		t.Errorf("got %+v", e)
	}
	p.write(header(16, 0x999, 9))
	p.expect(smpp.IDGenericNack, smpp.StatusInvCmdID, 9)
	if e := s.LastError(); e.Text != "command_id(0x00000999): ESME_RINVCMDID (command_id)" {
		t.Errorf("got %+v", e)
	}
	s.Close("an operator's wish")
	p.expectRequest(smpp.IDUnbind)
	if e := s.LastError(); e.Text != "an operator's wish" {
		t.Errorf("got %+v", e)
	}
}
