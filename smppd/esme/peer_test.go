package esme

import (
	"context"
	"net"
	"testing"
	"time"

	"go.uber.org/goleak"

	"gsmgate/smppd/smpp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is longer than anything takes that happens at all.
const patience = 20 * time.Second

// peer is the SMSC's end of one connection, played by the test.
type peer struct {
	t    *testing.T
	conn net.Conn
	r    *smpp.Reader
}

func (p *peer) send(status smpp.CommandStatus, sequence uint32, pdu smpp.PDU) {
	p.t.Helper()
	frame, err := smpp.Append(nil, status, sequence, pdu)
	if err != nil {
		p.t.Fatal(err)
	}
	p.raw(frame)
}

func (p *peer) raw(frame []byte) {
	p.t.Helper()
	if _, err := p.conn.Write(frame); err != nil {
		p.t.Fatal(err)
	}
}

// next returns the next PDU, which must be one of id.
func (p *peer) next(id smpp.CommandID) (smpp.Header, smpp.PDU) {
	p.t.Helper()
	_ = p.conn.SetReadDeadline(time.Now().Add(patience))
	frame, err := p.r.ReadFrame()
	if err != nil {
		p.t.Fatalf("waiting for %s: %v", id, err)
	}
	h, pdu, err := smpp.Parse(frame)
	if err != nil || h.ID != id {
		p.t.Fatalf("got %s, %v, want %s", h.ID, err, id)
	}
	return h, pdu
}

// nothing fails the test when a PDU comes in within a moment.
func (p *peer) nothing() {
	p.t.Helper()
	_ = p.conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if frame, err := p.r.ReadFrame(); err == nil {
		p.t.Fatalf("unexpected PDU % X", frame)
	}
	p.r = smpp.NewReader(p.conn, 0) // the timeout was its last error
}

// accepting returns a Config whose connection ends at a peer, which play plays
// until it returns. The test waits for that.
func accepting(t *testing.T, play func(*peer)) Config {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		play(&peer{t, conn, smpp.NewReader(conn, 0)})
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return Config{Address: l.Addr().String(), SystemID: "esme", Password: "secret", EnquireLink: -1}
}

// bound returns a session, and its peer after the bind was answered.
func bound(t *testing.T, change func(*Config)) (*Session, *peer) {
	t.Helper()
	peers, over := make(chan *peer, 1), make(chan struct{})
	conf := accepting(t, func(p *peer) {
		h, _ := p.next(smpp.IDBindTransceiver)
		p.send(smpp.StatusOK, h.Sequence, &smpp.BindResp{ID: smpp.IDBindTransceiverResp, SystemID: "smsc",
			TLVs: smpp.TLVs{}.AppendUint8(smpp.TagSCInterfaceVersion, smpp.Version34)})
		peers <- p
		<-over
	})
	if change != nil {
		change(&conf)
	}
	s, err := Dial(context.Background(), conf)
	if err != nil {
		t.Fatal(err)
	}
	p := <-peers
	t.Cleanup(func() {
		close(over)
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_ = s.Close(ctx)
	})
	return s, p
}

func message(text string) *smpp.SubmitSM {
	return &smpp.SubmitSM{Dest: smpp.Address{TON: 1, NPI: 1, Addr: "31612345678"}, ShortMessage: []byte(text)}
}

// result is what a Done heard.
type result struct {
	id     string
	status smpp.CommandStatus
	err    error
}

// submit begins a submit and returns where its end will be.
func submit(t *testing.T, s *Session, text string) chan result {
	t.Helper()
	end := make(chan result, 1)
	err := s.SubmitAsync(context.Background(), message(text), func(id string, status smpp.CommandStatus, err error) {
		end <- result{id, status, err}
	})
	if err != nil {
		t.Fatal(err)
	}
	return end
}

func wait[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatal("nothing happened")
		panic("unreachable")
	}
}
