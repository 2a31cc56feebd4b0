package smppd

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"gsmgate/smppd/smpp"
)

func TestFault_PDUs_EachTold(t *testing.T) {
	long := body(smpp.IDDataSM, 9, "123456\x00", string(make([]byte, 20)))
	for _, c := range []struct {
		name   string
		send   []byte
		id     smpp.CommandID // of the answer; 0: none
		status smpp.CommandStatus
		want   []FaultKind
	}{
		{"unknown command", header(16, 0x999, 9), smpp.IDGenericNack, smpp.StatusInvCmdID, []FaultKind{FaultMalformed}},
		{"field too long", long, smpp.IDDataSMResp, smpp.StatusInvSerTyp, []FaultKind{FaultMalformed}},
		{"wrong length", header(3, smpp.IDSubmitSM, 9), smpp.IDGenericNack, smpp.StatusInvCmdLen, []FaultKind{FaultMalformed}},
		{"second bind", frame(t, 9, bindPDU(TX)), smpp.IDBindTransmitterResp, smpp.StatusAlyBnd, []FaultKind{FaultState}},
		{"submit_sm on a receiver", frame(t, 9, message("316")), smpp.IDSubmitSMResp, smpp.StatusInvBndSts, []FaultKind{FaultState}},
		{"outbind", frame(t, 9, &smpp.Outbind{}), 0, 0, []FaultKind{FaultState}},
		{"a response to nothing", frame(t, 9, &smpp.DeliverSMResp{}), 0, 0, []FaultKind{FaultUnsolicited}},
		{"a malformed response to nothing", body(smpp.IDDeliverSMResp, 9, "no NUL"), 0, 0, []FaultKind{FaultMalformed, FaultUnsolicited}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBackend()
			p := start(t, Config{}, b).bound(RX)
			p.write(c.send)
			if c.id != 0 {
				p.expect(c.id, c.status, 9)
			} else {
				p.alive()
			}
			b.wantFaults(t, c.want...)
			if c.want[0] == FaultMalformed && b.took(FaultMalformed)[0].Err == nil {
				t.Error("what is wrong was not told")
			}
		})
	}
}

func TestFault_SequenceZeroAndTooLarge_ToldAndEchoed(t *testing.T) {
	b := newBackend()
	p := start(t, Config{}, b).bound(TRX)
	for i, seq := range []uint32{0, smpp.MaxSequence + 1, 0xFFFFFFFF} {
		p.write(frame(t, seq, message("316")))
		p.expect(smpp.IDSubmitSMResp, smpp.StatusOK, seq)
		if n := len(b.took(FaultSequence)); n != i+1 {
			t.Errorf("sequence %d: told %d times", seq, n)
		}
	}
	p.write(frame(t, smpp.MaxSequence, message("316")))
	p.expect(smpp.IDSubmitSMResp, smpp.StatusOK, smpp.MaxSequence)
	b.wantFaults(t, FaultSequence, FaultSequence, FaultSequence)
}

func TestFault_RepeatedSequence_ToldWhileOutstandingBothAnswered(t *testing.T) {
	b, replies := held(10)
	p := start(t, Config{}, b).bound(TX)
	p.write(frame(t, 42, message("316")))
	p.write(frame(t, 42, message("316")))
	first, second := <-replies, <-replies
	for _, reply := range []func(string, error){first, second} {
		reply("x", nil)
		p.expect(smpp.IDSubmitSMResp, smpp.StatusOK, 42)
	}
	p.write(frame(t, 42, message("316"))) // not outstanding any more
	(<-replies)("x", nil)
	p.expect(smpp.IDSubmitSMResp, smpp.StatusOK, 42)
	b.wantFaults(t, FaultRepeated)
}

func TestFault_DeliverUnanswered_Told(t *testing.T) {
	b := newBackend()
	bubble(t, Config{}, b, func(t *testing.T, r *running) {
		p := r.bound(RX)
		done := deliver(context.Background(), r.session(), "x")
		p.expectRequest(smpp.IDDeliverSM)
		wantErr(t, (<-done).err, ErrNoResponse)
		b.wantFaults(t, FaultNoDeliverResp)
	})
}

func TestFault_EnquireLink_SilenceAndIgnoredTold(t *testing.T) {
	b := newBackend()
	bubble(t, Config{}, b, func(t *testing.T, r *running) {
		p := r.bound(RX)
		p.endsAfter(40 * time.Second)
		b.wantFaults(t, FaultNoEnquireLink, FaultEnquireIgnored)
	})
}

func TestFault_EnquireLinkIgnoredBesideOtherTraffic_Told(t *testing.T) {
	b := newBackend()
	bubble(t, Config{}, b, func(t *testing.T, r *running) {
		p := r.bound(TRX)
		for range 2 {
			p.expectRequest(smpp.IDEnquireLink)
			p.expect(smpp.IDSubmitSMResp, smpp.StatusOK, p.send(message("316")))
		}
		synctest.Wait()
		b.wantFaults(t, FaultNoEnquireLink, FaultEnquireIgnored, FaultNoEnquireLink)
	})
}

func TestFault_ESMEEnquiresItself_NothingTold(t *testing.T) {
	b := newBackend()
	bubble(t, Config{}, b, func(t *testing.T, r *running) {
		p := r.bound(RX)
		for range 20 {
			time.Sleep(29 * time.Second)
			p.alive()
		}
		b.wantFaults(t)
	})
}

func TestFault_Unbound_NobodyToTell(t *testing.T) {
	b := newBackend()
	p := start(t, Config{}, b).connect()
	p.expect(smpp.IDSubmitSMResp, smpp.StatusInvBndSts, p.send(message("316")))
	p.write(header(16, 0x999, 0))
	p.expect(smpp.IDGenericNack, smpp.StatusInvCmdID, 0)
	b.wantFaults(t)
}

// faultyBackend panics in Fault.
type faultyBackend struct{ *backend }

func (faultyBackend) Fault(*Session, Fault) { panic("a bug") }

func TestFault_PanicInTheWriter_CostsOneSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newPipeListener()
		b := newBackend()
		srv := New(Config{}, faultyBackend{b}, discardLog())
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error)
		go func() { ended <- srv.Serve(ctx, l) }()
		r := &running{t: t, srv: srv, b: b, dial: dialPipe(l)}
		p := r.bound(RX) // silent: the writer tells
		s := r.session()
		go readAll(p.conn)
		<-s.Done()
		if n := srv.Stats().Panics; n != 1 {
			t.Errorf("%d panics counted", n)
		}
		cancel()
		<-ended
	})
}

func TestPDURead_HalfAPDU_EndsThoughTimersAreOff(t *testing.T) {
	b, replies := held(1)
	bubble(t, Config{EnquireLink: -1, Inactivity: -1}, b, func(t *testing.T, r *running) {
		p := r.bound(TRX)
		p.send(message("316"))
		half := frame(t, 9, message("316"))
		begun := time.Now()
		go func() {
			for _, c := range half[:len(half)-1] {
				if _, err := p.conn.Write([]byte{c}); err != nil {
					return
				}
				time.Sleep(9 * time.Second)
			}
		}()
		go func() { time.Sleep(35 * time.Second); (<-replies)("x", nil) }()
		p.expect(smpp.IDSubmitSMResp, smpp.StatusOK, 2) // what was taken in is answered
		p.expectEnd()
		if got := time.Since(begun); got != 35*time.Second {
			t.Errorf("ended after %v, want 35 s", got)
		}
		time.Sleep(5 * time.Second)
		b.wantFaults(t, FaultMalformed)
		if e := r.session().LastError(); e.Time.Sub(begun).Round(time.Millisecond) != 30*time.Second {
			t.Errorf("seen after %v, want 30 s", e.Time.Sub(begun))
		}
	})
}

func TestPDURead_WholeInTime_SessionStays(t *testing.T) {
	bubble(t, Config{EnquireLink: -1, Inactivity: -1}, newBackend(), func(t *testing.T, r *running) {
		p := r.bound(TRX)
		for range 5 {
			time.Sleep(17 * time.Second)
			f := frame(t, 9, message("316"))
			p.write(f[:7])
			time.Sleep(29 * time.Second)
			p.write(f[7:])
			p.expect(smpp.IDSubmitSMResp, smpp.StatusOK, 9)
		}
	})
}

func TestPDURead_Unbound_EndsThoughSessionInitIsOff(t *testing.T) {
	bubble(t, Config{SessionInit: -1}, newBackend(), func(t *testing.T, r *running) {
		p := r.connect()
		p.write([]byte{0})
		p.endsAfter(30 * time.Second)
	})
}

// The response timer of a deliver_sm and the end of its session fall on the same moment; the
// harness holds that nothing is told after Closed.
func TestFault_AtTheMomentOfTheEnd_NeverAfterClosed(t *testing.T) {
	for range 50 {
		b := newBackend()
		bubble(t, Config{EnquireLink: -1, Inactivity: 10 * time.Second, Response: 10 * time.Second}, b, func(t *testing.T, r *running) {
			p := r.bound(RX)
			done := deliver(context.Background(), r.session(), "x")
			p.expectRequest(smpp.IDDeliverSM)
			p.endsAfter(10 * time.Second)
			wantErr(t, (<-done).err, ErrNoResponse)
		})
	}
}
