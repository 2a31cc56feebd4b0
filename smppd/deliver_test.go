package smppd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"

	"gsmgate/smppd/smpp"
)

func discardLog() *slog.Logger { return slog.New(slog.DiscardHandler) }

func wantErr(t *testing.T, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("error %v, want %v", got, want)
	}
}

// outcome is what Deliver returned.
type outcome struct {
	status smpp.CommandStatus
	err    error
}

func deliver(ctx context.Context, s *Session, text string) <-chan outcome {
	c := make(chan outcome, 1)
	go func() {
		status, err := s.Deliver(ctx, &smpp.DeliverSM{ShortMessage: []byte(text)})
		c <- outcome{status, err}
	}()
	return c
}

func TestDeliver_StatusOfTheAnswer_Returned(t *testing.T) {
	r := start(t, Config{}, newBackend())
	for _, typ := range []BindType{RX, TRX} {
		p := r.bound(typ)
		s := r.session()
		for _, status := range []smpp.CommandStatus{smpp.StatusOK, smpp.StatusXTAppn, smpp.StatusXPAppn, smpp.StatusXRAppn, 0x450} {
			done := deliver(context.Background(), s, "Hello")
			seq, pdu := p.expectRequest(smpp.IDDeliverSM)
			if text := string(pdu.(*smpp.DeliverSM).ShortMessage); text != "Hello" {
				t.Errorf("text %q arrived", text)
			}
			p.reply(status, seq, &smpp.DeliverSMResp{})
			if got := <-done; got.err != nil || got.status != status {
				t.Errorf("Deliver returned %v, %v, want %v", got.status, got.err, status)
			}
		}
	}
}

func TestDeliver_AnsweredByHeaderOnlyOrNack_Returned(t *testing.T) {
	r := start(t, Config{}, newBackend())
	p := r.bound(RX)
	s := r.session()
	done := deliver(context.Background(), s, "x")
	seq, _ := p.expectRequest(smpp.IDDeliverSM)
	p.write(header(16, smpp.IDDeliverSMResp, seq))
	if got := <-done; got.err != nil || got.status != smpp.StatusOK {
		t.Errorf("header only: %+v", got)
	}
	done = deliver(context.Background(), s, "x")
	seq, _ = p.expectRequest(smpp.IDDeliverSM)
	p.reply(smpp.StatusOK, seq, &smpp.GenericNack{}) // which is a no all the same
	if got := <-done; got.err != ErrNacked || got.status != smpp.StatusOK {
		t.Errorf("generic_nack: %+v", got)
	}
}

func TestDeliver_Transmitter_NotSent(t *testing.T) {
	r := start(t, Config{}, newBackend())
	r.bound(TX)
	got := <-deliver(context.Background(), r.session(), "x")
	wantErr(t, got.err, ErrNotSent)
}

func TestDeliver_TooLong_NotSentForGood(t *testing.T) {
	r := start(t, Config{}, newBackend())
	p := r.bound(RX)
	got := <-deliver(context.Background(), r.session(), string(make([]byte, 300)))
	wantErr(t, got.err, ErrNotSent)
	var bad *smpp.Error
	if !errors.As(got.err, &bad) {
		t.Errorf("%v holds no *smpp.Error", got.err)
	}
	p.alive()
}

func TestDeliver_MoreThanTheWindow_Waits(t *testing.T) {
	r := start(t, Config{DeliverWindow: 3}, newBackend())
	p := r.bound(TRX)
	s := r.session()
	var all []<-chan outcome
	var seqs []uint32
	for i := range 3 {
		all = append(all, deliver(context.Background(), s, fmt.Sprint(i)))
		seq, _ := p.expectRequest(smpp.IDDeliverSM)
		seqs = append(seqs, seq)
	}
	ctx, cancel := context.WithCancel(context.Background())
	fourth := deliver(ctx, s, "4")
	fifth := deliver(context.Background(), s, "5")
	p.alive() // and no deliver_sm came before
	if n := r.srv.Sessions()[0].DeliverInUse; n != 3 {
		t.Errorf("%d in flight, want 3", n)
	}
	cancel()
	got := <-fourth
	wantErr(t, got.err, ErrNotSent)
	wantErr(t, got.err, context.Canceled)
	p.reply(smpp.StatusOK, seqs[1], &smpp.DeliverSMResp{})
	<-all[1]
	seq, pdu := p.expectRequest(smpp.IDDeliverSM)
	if text := string(pdu.(*smpp.DeliverSM).ShortMessage); text != "5" {
		t.Errorf("%q came, want 5", text)
	}
	for _, seq := range []uint32{seq, seqs[0], seqs[2]} {
		p.reply(smpp.StatusOK, seq, &smpp.DeliverSMResp{})
	}
	for _, c := range []<-chan outcome{fifth, all[0], all[2]} {
		if got := <-c; got.err != nil {
			t.Error(got.err)
		}
	}
}

func TestDeliver_ContextEnds_NoResponse(t *testing.T) {
	r := start(t, Config{}, newBackend())
	p := r.bound(RX)
	ctx, cancel := context.WithCancel(context.Background())
	done := deliver(ctx, r.session(), "x")
	p.expectRequest(smpp.IDDeliverSM)
	cancel()
	wantErr(t, (<-done).err, ErrNoResponse)
}

func TestDeliver_ConnectionLost_NoResponse(t *testing.T) {
	r := start(t, Config{}, newBackend())
	p := r.bound(RX)
	s := r.session()
	done := deliver(context.Background(), s, "x")
	p.expectRequest(smpp.IDDeliverSM)
	p.conn.Close()
	wantErr(t, (<-done).err, ErrNoResponse)
	<-s.Done()
	wantErr(t, (<-deliver(context.Background(), s, "x")).err, ErrNotSent)
}

func TestDeliver_VersionBefore34_NoTLVs(t *testing.T) {
	r := start(t, Config{}, newBackend())
	p := r.connect()
	b := bindPDU(RX)
	b.InterfaceVersion = smpp.Version33
	p.expect(smpp.IDBindReceiverResp, smpp.StatusOK, p.send(b))
	s := r.session()
	m := &smpp.DeliverSM{ShortMessage: []byte("id:1"), TLVs: smpp.TLVs{}.AppendUint8(smpp.TagMessageState, 2)}
	go s.Deliver(context.Background(), m)
	seq, pdu := p.expectRequest(smpp.IDDeliverSM)
	if got := pdu.(*smpp.DeliverSM); len(got.TLVs) != 0 || string(got.ShortMessage) != "id:1" {
		t.Errorf("got %+v", got)
	}
	p.reply(smpp.StatusOK, seq, &smpp.DeliverSMResp{})
	payload := &smpp.DeliverSM{TLVs: smpp.TLVs{}.Append(smpp.TagMessagePayload, []byte("text"))}
	_, err := s.Deliver(context.Background(), payload)
	wantErr(t, err, ErrNotSent)
	if len(m.TLVs) == 0 {
		t.Error("the caller's message was changed")
	}
}

func TestDeliver_FromBound_FollowsBindResp(t *testing.T) {
	b := newBackend()
	var wg sync.WaitGroup
	b.onBound = func(s *Session) { // as a drain of what is kept for a user would
		for i := range 20 {
			wg.Go(func() {
				if status, err := s.Deliver(context.Background(), &smpp.DeliverSM{ShortMessage: []byte{byte(i)}}); err != nil || status != 0 {
					t.Error(status, err)
				}
			})
		}
	}
	r := start(t, Config{}, b)
	p := r.bound(TRX) // reads bind_resp first, or fails
	for range 20 {
		seq, _ := p.expectRequest(smpp.IDDeliverSM)
		p.reply(smpp.StatusOK, seq, &smpp.DeliverSMResp{})
	}
	wg.Wait()
}

func TestRequests_SequenceWraps_SkipsZero(t *testing.T) {
	r := requests{last: smpp.MaxSequence - 1}
	a, _ := r.enquire()
	b := r.unbind()
	if a != smpp.MaxSequence || b != 1 {
		t.Errorf("sequence numbers %d, %d", a, b)
	}
}
