package esme

import (
	"context"
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"gsmgate/smppd/smpp"
)

// stalled is a session, in a bubble, whose reader waits for a message to be stored: what the
// peer says after that lies unread until stored is called.
func stalled(t *testing.T, test func(t *testing.T, s *Session, p *peer, stored func())) {
	synctest.Test(t, func(t *testing.T) {
		far, near := net.Pipe()
		p := &peer{t, far, smpp.NewReader(far, 0)}
		replies := make(chan func(smpp.CommandStatus), 3)
		dialled := make(chan error, 1)
		var s *Session
		go func() {
			var err error
			s, err = Dial(context.Background(), Config{
				SystemID: "esme", EnquireLink: 30 * time.Second, ResponseTimeout: 10 * time.Second, TakeWindow: 1,
				Take:        func(_ *smpp.DeliverSM, reply func(smpp.CommandStatus)) { replies <- reply },
				DialContext: func(context.Context, string, string) (net.Conn, error) { return near, nil },
			})
			dialled <- err
		}()
		h, _ := p.next(smpp.IDBindTransceiver)
		p.send(smpp.StatusOK, h.Sequence, &smpp.BindResp{ID: smpp.IDBindTransceiverResp})
		if err := <-dialled; err != nil {
			t.Fatal(err)
		}
		defer func() {
			_ = far.Close()
			_ = s.Close(context.Background())
		}()
		p.send(smpp.StatusOK, 1, &smpp.DeliverSM{ShortMessage: []byte("the first")})
		p.send(smpp.StatusOK, 2, &smpp.DeliverSM{ShortMessage: []byte("waits for a place")})
		test(t, s, p, func() { (<-replies)(smpp.StatusOK) })
	})
}

// submitted hands a message to the session and to the peer, and gives where its outcome comes out.
func submitted(t *testing.T, s *Session, p *peer) (sequence uint32, outcome <-chan error) {
	t.Helper()
	done := make(chan error, 1)
	if err := s.SubmitAsync(t.Context(), message("Hello"), func(_ string, _ smpp.CommandStatus, err error) { done <- err }); err != nil {
		t.Fatal(err)
	}
	h, _ := p.next(smpp.IDSubmitSM)
	return h.Sequence, done
}

func TestSubmit_AnswerUnreadWhileTheDiskIsSlow_IsNoSilence(t *testing.T) {
	stalled(t, func(t *testing.T, s *Session, p *peer, stored func()) {
		sequence, outcome := submitted(t, s, p)
		answer, err := smpp.Append(nil, smpp.StatusOK, sequence, &smpp.SubmitSMResp{MessageID: "17"})
		if err != nil {
			t.Fatal(err)
		}
		go p.conn.Write(answer) // nobody reads it yet
		time.Sleep(5 * time.Minute)
		stored()
		p.next(smpp.IDDeliverSMResp)
		if err := <-outcome; err != nil {
			t.Errorf("the submit that was answered at once ends with %v", err)
		}
		if err := s.Err(); err != nil {
			t.Errorf("the session has ended: %v", err)
		}
	})
}

func TestSubmit_NoAnswerAfterTheDiskWasSlow_OutcomeUnknownInTime(t *testing.T) {
	stalled(t, func(t *testing.T, s *Session, p *peer, stored func()) {
		_, outcome := submitted(t, s, p)
		time.Sleep(time.Minute)
		stored()
		p.next(smpp.IDDeliverSMResp)
		from := time.Now()
		if err := <-outcome; !errors.Is(err, ErrUnknownOutcome) {
			t.Errorf("a submit without an answer ends with %v", err)
		}
		if took := time.Since(from); took < 10*time.Second || took > 12*time.Second {
			t.Errorf("it ended %v after the reader went on, want 10 s and a little", took)
		}
	})
}
