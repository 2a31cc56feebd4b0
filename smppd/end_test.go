package smppd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gsmgate/smppd/smpp"
)

// held is a backend that keeps its replies until the test wants them.
func held(room int) (*backend, chan func(string, error)) {
	b := newBackend()
	replies := make(chan func(string, error), room)
	b.onSubmit = func(_ *Session, _ *smpp.SubmitSM, reply func(string, error)) { replies <- reply }
	return b, replies
}

func TestWindow_Full_NextStaysUnreadUntilOneIsAnswered(t *testing.T) {
	b, replies := held(100)
	bubble(t, Config{Window: 10}, b, func(t *testing.T, r *running) {
		p := r.bound(TX)
		for range 11 {
			p.send(message("316"))
		}
		written := make(chan struct{})
		go func() { // a pipe takes no more while the server does not read
			defer close(written)
			for range 5 {
				p.send(message("316"))
			}
		}()
		synctest.Wait()
		if n := len(replies); n != 10 {
			t.Fatalf("the backend has %d messages, want the window of 10", n)
		}
		if info := r.srv.Sessions()[0]; info.Window != 10 || info.WindowInUse != 10 {
			t.Errorf("window %d of %d listed", info.WindowInUse, info.Window)
		}
		select {
		case <-written:
			t.Error("the server reads on with its window full")
		default:
		}
		for i := range 16 {
			(<-replies)("x", nil)
			p.expect(smpp.IDSubmitSMResp, smpp.StatusOK, uint32(i+2))
		}
		<-written
	})
}

func TestUnbind_SubmitsOutstanding_AnsweredFirst(t *testing.T) {
	b, replies := held(10)
	r := start(t, Config{}, b)
	p := r.bound(TRX)
	s := r.session()
	for range 3 {
		p.send(message("316"))
	}
	unbind := p.send(&smpp.Unbind{})
	for i := range 3 {
		(<-replies)("x", nil)
		p.expect(smpp.IDSubmitSMResp, smpp.StatusOK, uint32(i+2))
	}
	p.expect(smpp.IDUnbindResp, smpp.StatusOK, unbind)
	p.expectEnd()
	<-s.Done()
}

func TestUnbind_BackendNeverReplies_UnboundAfterResponseTimer(t *testing.T) {
	b, replies := held(10)
	bubble(t, Config{}, b, func(t *testing.T, r *running) {
		p := r.bound(TX)
		p.send(message("316"))
		ids := make(chan []smpp.CommandID)
		p.send(&smpp.Unbind{})
		go func() { ids <- p.endsAfter(10 * time.Second) }()
		if got := <-ids; len(got) != 1 || got[0] != smpp.IDUnbindResp {
			t.Errorf("got %v, want unbind_resp", got)
		}
		(<-replies)("too late", nil) // does nothing
	})
}

func TestClose_InOrder_UnbindSentAndAnswersStillGiven(t *testing.T) {
	b, replies := held(10)
	r := start(t, Config{}, b)
	p := r.bound(TRX)
	s := r.session()
	deliverDone := deliver(context.Background(), s, "x")
	deliverSeq, _ := p.expectRequest(smpp.IDDeliverSM)
	p.send(message("316"))
	reply := <-replies
	s.Close("an operator's wish")
	s.Close("again")
	unbind, _ := p.expectRequest(smpp.IDUnbind)
	wantErr(t, (<-deliver(context.Background(), s, "late")).err, ErrNotSent)
	p.reply(smpp.StatusOK, deliverSeq, &smpp.DeliverSMResp{})
	p.reply(smpp.StatusOK, unbind, &smpp.UnbindResp{})
	if got := <-deliverDone; got.err != nil {
		t.Error(got.err)
	}
	reply("x", nil)
	p.expect(smpp.IDSubmitSMResp, smpp.StatusOK, 2)
	p.expectEnd()
	<-s.Done()
}

func TestClose_BothSidesAtOnce_BothAnswered(t *testing.T) {
	r := start(t, Config{}, newBackend())
	p := r.bound(TRX)
	r.session().Close("test")
	p.expectRequest(smpp.IDUnbind)
	p.expect(smpp.IDUnbindResp, smpp.StatusOK, p.send(&smpp.Unbind{}))
	p.expectEnd()
}

func TestStop_BoundSessions_UnboundAndGone(t *testing.T) {
	b, replies := held(10)
	r := start(t, Config{}, b)
	idle, busy, open := r.bound(RX), r.bound(TX), r.connect()
	busy.send(message("316"))
	reply := <-replies
	stopped := make(chan struct{})
	go func() { r.stop(); close(stopped) }()
	for _, p := range []*peer{idle, busy} {
		seq, _ := p.expectRequest(smpp.IDUnbind)
		p.reply(smpp.StatusOK, seq, &smpp.UnbindResp{})
	}
	idle.expectEnd()
	open.expectEnd()
	reply("x", nil)
	busy.expect(smpp.IDSubmitSMResp, smpp.StatusOK, 2)
	busy.expectEnd()
	<-stopped
}

func TestStop_PeerDoesNotRead_StoppedSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, Config{}, newBackend())
		p := r.bound(TRX)
		p.send(&smpp.EnquireLink{}) // its answer is stuck
		synctest.Wait()
		begin := time.Now()
		r.stop()
		if got := time.Since(begin); got > closeTime {
			t.Errorf("stopped after %v, want %v at most", got, closeTime)
		}
	})
}

func TestStop_DuringABind_NobodyStaysBound(t *testing.T) {
	b := newBackend()
	binding := make(chan struct{})
	b.onBind = func(ctx context.Context, _ *Session, _ *smpp.Bind) error {
		close(binding)
		<-ctx.Done() // the end of Serve's context ends it
		return nil   // accepted all the same
	}
	r := start(t, Config{}, b)
	p := r.connect()
	p.send(bindPDU(TRX))
	<-binding
	r.stop()
}

func TestEOF_SubmitsOutstanding_AnsweredToHalfClosedPeer(t *testing.T) {
	b, replies := held(10)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := startOn(t, Config{}, b, l, func() net.Conn {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		return c
	})
	p := r.bound(TX)
	p.send(message("316"))
	if err := p.conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	(<-replies)("x", nil)
	p.expect(smpp.IDSubmitSMResp, smpp.StatusOK, 2)
	p.expectEnd()
}

func TestWrongLength_MoreOctetsFollow_NackStillArrives(t *testing.T) {
	for name, begin := range map[string]func(testing.TB, Config, *backend) *running{"TLS": startTLS, "plain": startTCP} {
		t.Run(name, func(t *testing.T) {
			r := begin(t, Config{}, newBackend())
			for range 20 {
				p := r.bound(TRX)
				p.write(append(header(3, smpp.IDSubmitSM, 5), make([]byte, 20000)...))
				p.expect(smpp.IDGenericNack, smpp.StatusInvCmdLen, 5)
				p.conn.Close()
			}
		})
	}
}

// startTCP runs a server on the loopback address.
func startTCP(t testing.TB, cfg Config, b *backend) *running {
	t.Helper()
	return startTCPOn(t, "127.0.0.1:0", cfg, b)
}

func startTCPOn(t testing.TB, addr string, cfg Config, b *backend) *running {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	return startOn(t, cfg, b, l, func() net.Conn {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		return c
	})
}

func TestSlowReader_TenThousandEnquireLinks_BoundedThenAllAnswered(t *testing.T) {
	bubble(t, Config{Response: time.Hour}, newBackend(), func(t *testing.T, r *running) {
		p := r.bound(TRX)
		s := r.session()
		sent := make(chan struct{})
		go func() {
			defer close(sent)
			for range 10000 {
				p.send(&smpp.EnquireLink{})
			}
		}()
		synctest.Wait()
		select {
		case <-sent:
			t.Error("the server reads on though nobody reads its answers")
		default:
		}
		s.out.mu.Lock()
		n := len(s.out.buf)
		s.out.mu.Unlock()
		if n > outboundHigh+smpp.HeaderLen {
			t.Errorf("%d octets wait to be written, want %d at most", n, outboundHigh)
		}
		for i := range 10000 {
			p.expect(smpp.IDEnquireLinkResp, smpp.StatusOK, uint32(i+2))
		}
		<-sent
	})
}

func TestUnboundConnections_MoreThanMaxUnbound_WaitTheirTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, Config{MaxUnbound: 2}, newBackend())
		defer r.stop()
		idle := []*peer{r.connect(), r.connect()}
		begin := time.Now()
		third := r.bound(TRX) // when the session-init timer has closed one
		if got := time.Since(begin); got < 5*time.Second {
			t.Errorf("bound after %v with the places taken", got)
		}
		for _, p := range idle {
			p.expectEnd()
		}
		for range 5 { // bound ones take no place
			r.bound(TX)
		}
		third.alive()
	})
}

func TestSessions_200OverTLS_EachGetsItsAnswers(t *testing.T) {
	if testing.Short() {
		t.Skip("200 TLS handshakes")
	}
	r := startTLS(t, Config{MaxUnboundPerAddress: 256}, newBackend())
	var wg sync.WaitGroup
	for range 200 {
		conn := r.dial()
		wg.Go(func() {
			defer conn.Close()
			if err := bindAndSubmit(conn, 20); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := r.srv.Stats().Connections; n != 200 {
		t.Errorf("%d connections counted", n)
	}
}

// bindAndSubmit binds, submits n messages without waiting, reads the answers and unbinds.
func bindAndSubmit(conn net.Conn, n int) error {
	var b []byte
	b, _ = smpp.Append(b, 0, 1, bindPDU(TRX))
	for i := range n {
		b, _ = smpp.Append(b, 0, uint32(i+2), message("316"))
	}
	b, _ = smpp.Append(b, 0, uint32(n+2), &smpp.Unbind{})
	if _, err := conn.Write(b); err != nil {
		return err
	}
	_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
	r := smpp.NewReader(conn, 0)
	for i := range n + 2 {
		f, err := r.ReadFrame()
		if err != nil {
			return fmt.Errorf("answer %d: %w", i, err)
		}
		if h, _, err := smpp.Parse(f); err != nil || h.Status != 0 || h.Sequence != uint32(i+1) {
			return fmt.Errorf("answer %d is %+v, %v", i, h, err)
		}
	}
	return nil
}

func TestSessions_TLS_VersionListed(t *testing.T) {
	r := startTLS(t, Config{}, newBackend())
	p := r.bound(TRX)
	if info := r.srv.Sessions()[0]; info.TLSVersion != "TLS 1.3" || info.SystemID != "esme" || info.BindType != TRX {
		t.Errorf("listed as %+v", info)
	}
	p.expect(smpp.IDUnbindResp, smpp.StatusOK, p.send(&smpp.Unbind{}))
	p.expectEnd()
}

// failingListener fails once for a moment, then for good.
type failingListener struct {
	*pipeListener
	errs []error
}

type momentary struct{ error }

func (momentary) Temporary() bool { return true }

func (l *failingListener) Accept() (net.Conn, error) {
	if len(l.errs) == 0 {
		return l.pipeListener.Accept()
	}
	err := l.errs[0]
	l.errs = l.errs[1:]
	return nil, err
}

func TestServe_AcceptFails_MomentaryIsTriedAgainFinalReturned(t *testing.T) {
	broken := errors.New("broken")
	l := &failingListener{newPipeListener(), []error{momentary{broken}, momentary{broken}, broken}}
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		err := New(Config{}, newBackend(), discardLog()).Serve(context.Background(), l)
		wantErr(t, err, broken)
		if time.Since(begin) < 10*time.Millisecond {
			t.Error("tried again without a pause")
		}
	})
}
