package smppd

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"gsmgate/smppd/smpp"
)

// bubble runs a test with a server over net.Pipe in a synctest bubble, where time passes at once.
func bubble(t *testing.T, cfg Config, b *backend, test func(t *testing.T, r *running)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := start(t, cfg, b)
		defer r.stop()
		test(t, r)
	})
}

// endsAfter reads until the connection ends, which must be after this time, and returns the ids
// of the PDUs that came before.
func (p *peer) endsAfter(want time.Duration) (ids []smpp.CommandID) {
	p.t.Helper()
	begin := time.Now()
	for {
		_ = p.conn.SetReadDeadline(time.Now().Add(time.Hour))
		f, err := p.r.ReadFrame()
		if err != nil {
			break
		}
		h, _, _ := smpp.Parse(f)
		ids = append(ids, h.ID)
	}
	if got := time.Since(begin); got < want || got > want+time.Second {
		p.t.Errorf("the connection ended after %v, want %v", got, want)
	}
	return ids
}

func TestSessionInit_NoBind_Closed(t *testing.T) {
	bubble(t, Config{}, newBackend(), func(t *testing.T, r *running) {
		p := r.connect()
		p.alive() // enquire_link is no bind
		p.endsAfter(5 * time.Second)
	})
}

func TestSessionInit_HalfABind_Closed(t *testing.T) {
	bubble(t, Config{SessionInit: 7 * time.Second}, newBackend(), func(t *testing.T, r *running) {
		p := r.connect()
		p.write(frame(t, 1, bindPDU(TRX))[:20])
		p.endsAfter(7 * time.Second)
	})
}

func TestSessionInit_OnlyRefusedBinds_Closed(t *testing.T) {
	bubble(t, Config{}, newBackend(), func(t *testing.T, r *running) {
		p := r.connect()
		b := bindPDU(TRX)
		b.Password = "wrong"
		p.expect(smpp.IDBindTransceiverResp, smpp.StatusBindFail, p.send(b))
		p.endsAfter(5 * time.Second)
	})
}

func TestSessionInit_BindTakesLong_AnswerStillArrives(t *testing.T) {
	b := newBackend()
	b.onBind = func(context.Context, *Session, *smpp.Bind) error {
		time.Sleep(8 * time.Second)
		return &smpp.Error{Status: smpp.StatusBindFail}
	}
	bubble(t, Config{}, b, func(t *testing.T, r *running) {
		p := r.connect()
		p.expect(smpp.IDBindTransceiverResp, smpp.StatusBindFail, p.send(bindPDU(TRX)))
		p.endsAfter(0)
	})
}

func TestSessionInit_Off_StaysOpen(t *testing.T) {
	bubble(t, Config{SessionInit: -1}, newBackend(), func(t *testing.T, r *running) {
		p := r.connect()
		time.Sleep(24 * time.Hour)
		p.alive()
	})
}

func TestSessionInit_TLSHandshakeStalls_Closed(t *testing.T) {
	cert := mustCert(t, t.TempDir(), "", "", discardLog())
	for name, begin := range map[string][]byte{
		"nothing sent":     nil,
		"half a record":    {22, 3, 1, 2, 0, 1},
		"a record of junk": []byte("GET / HTTP/1.1\r\n\r\n"),
	} {
		synctest.Test(t, func(t *testing.T) {
			l := newPipeListener()
			r := startOn(t, Config{}, newBackend(), tls.NewListener(l, cert.TLSConfig()), func() net.Conn {
				near, far := net.Pipe()
				l.conns <- far
				return near
			})
			defer r.stop()
			conn := r.dial()
			defer conn.Close()
			begun := time.Now()
			go conn.Write(begin)
			_, _ = io.Copy(io.Discard, conn)
			if got := time.Since(begun); got > 5*time.Second {
				t.Errorf("%s: closed after %v, want 5 s", name, got)
			}
			synctest.Wait()
			if n := r.srv.Stats().HandshakesFailed; n != 1 {
				t.Errorf("%s: %d handshakes failed, want 1", name, n)
			}
		})
	}
}

func TestEnquireLink_Unanswered_Dropped(t *testing.T) {
	bubble(t, Config{}, newBackend(), func(t *testing.T, r *running) {
		p := r.bound(RX)
		ids := p.endsAfter(40 * time.Second) // 30 s of silence, 10 s for the answer
		if len(ids) != 1 || ids[0] != smpp.IDEnquireLink {
			t.Errorf("got %v before the end, want one enquire_link", ids)
		}
	})
}

func TestEnquireLink_Answered_SessionStaysAndIsAskedAgain(t *testing.T) {
	for _, every := range []time.Duration{100 * time.Millisecond, 2 * time.Second, 10 * time.Second, 30 * time.Second, 2 * time.Minute} {
		bubble(t, Config{EnquireLink: every}, newBackend(), func(t *testing.T, r *running) {
			p := r.bound(RX)
			begin := time.Now()
			for i := range 200 {
				seq, _ := p.expectRequest(smpp.IDEnquireLink)
				if got, want := time.Since(begin), time.Duration(i+1)*every; got != want {
					t.Fatalf("enquire_link %d after %v, want %v", i, got, want)
				}
				p.reply(smpp.StatusOK, seq, &smpp.EnquireLinkResp{})
			}
			p.alive()
			if n := r.srv.Sessions()[0].Unsolicited; n != 0 {
				t.Errorf("%d answers counted as unsolicited", n)
			}
		})
	}
}

func TestEnquireLink_AnsweredWithOtherTraffic_SessionStays(t *testing.T) {
	bubble(t, Config{}, newBackend(), func(t *testing.T, r *running) {
		p := r.bound(TRX)
		for range 10 {
			p.expectRequest(smpp.IDEnquireLink) // never answered
			p.expect(smpp.IDSubmitSMResp, smpp.StatusOK, p.send(message("316")))
		}
	})
}

func TestEnquireLink_HalfAPDU_IsNoSignOfLife(t *testing.T) {
	bubble(t, Config{PDURead: -1}, newBackend(), func(t *testing.T, r *running) {
		p := r.bound(TRX)
		p.write(frame(t, 9, message("316"))[:30])
		p.endsAfter(40 * time.Second)
	})
}

func TestInactivity_Silence_Dropped(t *testing.T) {
	bubble(t, Config{EnquireLink: -1}, newBackend(), func(t *testing.T, r *running) {
		p := r.bound(RX)
		time.Sleep(299 * time.Second)
		p.alive()
		if ids := p.endsAfter(300 * time.Second); len(ids) != 0 {
			t.Errorf("got %v before the end", ids)
		}
	})
}

func TestTimers_Off_SessionStays(t *testing.T) {
	bubble(t, Config{EnquireLink: -1, Inactivity: -1}, newBackend(), func(t *testing.T, r *running) {
		p := r.bound(RX)
		time.Sleep(48 * time.Hour)
		p.alive()
	})
}

func TestTimers_BackendSlow_ESMENotBlamed(t *testing.T) {
	b := newBackend()
	var replies []func(string, error)
	b.onSubmit = func(_ *Session, _ *smpp.SubmitSM, reply func(string, error)) { replies = append(replies, reply) }
	bubble(t, Config{Window: 2, Inactivity: time.Minute}, b, func(t *testing.T, r *running) {
		p := r.bound(TX)
		for range 3 {
			p.send(message("316"))
		}
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		for _, reply := range replies {
			reply("x", nil)
		}
		p.expect(smpp.IDSubmitSMResp, smpp.StatusOK, 2)
		p.expect(smpp.IDSubmitSMResp, smpp.StatusOK, 3)
		synctest.Wait()
		replies[2]("x", nil)
		p.expect(smpp.IDSubmitSMResp, smpp.StatusOK, 4)
		p.alive()
	})
}

func TestWrite_PeerDoesNotRead_DroppedAfterResponseTimer(t *testing.T) {
	bubble(t, Config{EnquireLink: -1, Inactivity: -1}, newBackend(), func(t *testing.T, r *running) {
		p := r.bound(TRX)
		s := r.session()
		p.send(&smpp.EnquireLink{}) // its answer is never read
		begin := time.Now()
		<-s.Done()
		if got := time.Since(begin); got < 10*time.Second || got > 11*time.Second {
			t.Errorf("dropped after %v, want 10 s", got)
		}
	})
}

func TestClose_NoUnbindResp_ClosedAllTheSame(t *testing.T) {
	bubble(t, Config{}, newBackend(), func(t *testing.T, r *running) {
		p := r.bound(TRX)
		r.session().Close("test")
		p.expectRequest(smpp.IDUnbind)
		p.alive() // still served meanwhile
		p.endsAfter(closeTime)
	})
}

func TestDeliver_NoAnswer_ErrNoResponseAfterResponseTimer(t *testing.T) {
	bubble(t, Config{}, newBackend(), func(t *testing.T, r *running) {
		p := r.bound(RX)
		s := r.session()
		failed := make(chan error, 1)
		begin := time.Now()
		go func() {
			_, err := s.Deliver(context.Background(), &smpp.DeliverSM{ShortMessage: []byte("Hello")})
			failed <- err
		}()
		seq, _ := p.expectRequest(smpp.IDDeliverSM)
		wantErr(t, <-failed, ErrNoResponse)
		if got := time.Since(begin); got != 10*time.Second {
			t.Errorf("failed after %v, want 10 s", got)
		}
		p.reply(smpp.StatusOK, seq, &smpp.DeliverSMResp{}) // too late: ignored
		p.alive()
		if n := r.srv.Sessions()[0].Unsolicited; n != 1 {
			t.Errorf("%d unsolicited responses counted, want 1", n)
		}
	})
}
