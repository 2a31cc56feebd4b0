package smppd

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"gsmgate/smppd/smpp"
)

// stalled is a bound session, in a bubble, whose reader waits for a place in the window, and
// a deliver_sm that the ESME has got: what it says lies unread until submitted is called.
func stalled(t *testing.T, b *backend, replies <-chan func(string, error), test func(p *peer, sequence uint32, done <-chan outcome, submitted func())) {
	bubble(t, Config{Window: 1}, b, func(t *testing.T, r *running) {
		p := r.bound(TRX)
		p.send(message("316"))
		go p.conn.Write(frame(t, 17, message("316"))) // nobody takes it in yet
		synctest.Wait()
		done := deliver(context.Background(), r.session(), "x")
		sequence, _ := p.expectRequest(smpp.IDDeliverSM)
		test(p, sequence, done, func() { (<-replies)("17", nil) })
	})
}

func TestDeliver_AnswerUnreadWhileSubmitsWait_IsNoSilence(t *testing.T) {
	b, replies := held(2)
	stalled(t, b, replies, func(p *peer, sequence uint32, done <-chan outcome, submitted func()) {
		answer, err := smpp.Append(nil, smpp.StatusOK, sequence, &smpp.DeliverSMResp{})
		if err != nil {
			t.Fatal(err)
		}
		go p.conn.Write(answer)
		time.Sleep(50 * time.Second)
		submitted()
		p.recv()
		if d := <-done; d.err != nil || d.status != smpp.StatusOK {
			t.Errorf("the deliver_sm that was answered at once ends with %v, %v", d.status, d.err)
		}
		submitted()
		p.recv()
		b.wantFaults(t, FaultWindow)
	})
}

func TestDeliver_NoAnswerAfterSubmitsWaited_ErrNoResponseInTime(t *testing.T) {
	b, replies := held(2)
	stalled(t, b, replies, func(p *peer, _ uint32, done <-chan outcome, submitted func()) {
		time.Sleep(15 * time.Second)
		submitted()
		p.recv()
		from := time.Now()
		wantErr(t, (<-done).err, ErrNoResponse)
		if took := time.Since(from); took < 9*time.Second || took > 12*time.Second {
			t.Errorf("it ended %v after the reader went on, want 10 s or a little more", took)
		}
		submitted()
		p.recv()
		b.wantFaults(t, FaultWindow, FaultNoDeliverResp)
	})
}
