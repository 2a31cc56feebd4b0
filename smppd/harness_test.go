package smppd

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"gsmgate/smppd/smpp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// backend is a Backend for tests: it accepts every bind whose password is "secret" and answers
// every message at once, unless its functions say otherwise. They are set before the server runs.
type backend struct {
	onBind   func(ctx context.Context, s *Session, b *smpp.Bind) error
	onSubmit func(s *Session, sm *smpp.SubmitSM, reply func(string, error))
	onBound  func(s *Session)

	onRequest func(s *Session, req smpp.PDU, reply func(smpp.PDU, error))

	mu            sync.Mutex
	bound, closed map[*Session]int // under mu: how often each was called
	bounds        chan *Session
	told          chan struct{} // one element for each call of Bound
	faults        []Fault       // under mu
	misplaced     int           // under mu: faults told before Bound or after Closed
}

func newBackend() *backend {
	return &backend{bound: map[*Session]int{}, closed: map[*Session]int{}, bounds: make(chan *Session, 2000), told: make(chan struct{}, 2000)}
}

func (b *backend) Bind(ctx context.Context, s *Session, bind *smpp.Bind) error {
	if b.onBind != nil {
		return b.onBind(ctx, s, bind)
	}
	if bind.Password != "secret" {
		return &smpp.Error{Status: smpp.StatusBindFail, Reason: "wrong"}
	}
	return nil
}

func (b *backend) Bound(s *Session) {
	b.mu.Lock()
	b.bound[s]++
	b.mu.Unlock()
	b.bounds <- s
	b.told <- struct{}{}
	if b.onBound != nil {
		b.onBound(s)
	}
}

func (b *backend) Closed(s *Session) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed[s]++
}

func (b *backend) Submit(s *Session, sm *smpp.SubmitSM, reply func(string, error)) {
	if b.onSubmit != nil {
		b.onSubmit(s, sm, reply)
		return
	}
	reply("id-"+sm.Dest.Addr, nil)
}

// Request answers every request with its empty response, unless onRequest says otherwise.
func (b *backend) Request(s *Session, req smpp.PDU, reply func(smpp.PDU, error)) {
	if b.onRequest != nil {
		b.onRequest(s, req, reply)
		return
	}
	reply(nil, nil)
}

func (b *backend) Fault(s *Session, f Fault) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.bound[s] != 1 || b.closed[s] != 0 {
		b.misplaced++
	}
	b.faults = append(b.faults, f)
}

// took returns the faults told so far, of this kind.
func (b *backend) took(kind FaultKind) (all []Fault) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, f := range b.faults {
		if f.Kind == kind {
			all = append(all, f)
		}
	}
	return all
}

// wantFaults fails the test when other faults than these were told, one of each.
func (b *backend) wantFaults(t testing.TB, kinds ...FaultKind) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	var got []FaultKind
	for _, f := range b.faults {
		got = append(got, f.Kind)
	}
	if !slices.Equal(got, kinds) {
		t.Errorf("faults %v were told, want %v", got, kinds)
	}
}

// check fails the test when Bound and Closed do not pair.
func (b *backend) check(t testing.TB) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for s, n := range b.bound {
		if n != 1 || b.closed[s] != 1 {
			t.Errorf("session %s: Bound %d times, Closed %d times", s.ID(), n, b.closed[s])
		}
	}
	if b.misplaced != 0 {
		t.Errorf("%d faults were told before Bound or after Closed", b.misplaced)
	}
	if len(b.closed) != len(b.bound) {
		t.Errorf("%d sessions bound, %d closed", len(b.bound), len(b.closed))
	}
}

// pipeListener hands out the far ends of net.Pipe.
type pipeListener struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newPipeListener() *pipeListener {
	return &pipeListener{conns: make(chan net.Conn), done: make(chan struct{})}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error   { l.once.Do(func() { close(l.done) }); return nil }
func (l *pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "pipe"} }

// running is a server under test.
type running struct {
	t    testing.TB
	srv  *Server
	b    *backend
	addr string
	dial func() net.Conn
	stop func() // ends Serve and waits for it; may be called again
}

// start runs a server over net.Pipe. Its end, and what must hold then, is checked in the cleanup,
// or by stop, which a test inside a synctest bubble has to call itself.
func start(t testing.TB, cfg Config, b *backend) *running {
	t.Helper()
	l := newPipeListener()
	return startOn(t, cfg, b, l, dialPipe(l))
}

func dialPipe(l *pipeListener) func() net.Conn {
	return func() net.Conn {
		near, far := net.Pipe()
		select {
		case l.conns <- far:
		case <-l.done:
			far.Close()
		}
		return near
	}
}

// startTLS runs a server over TLS on the loopback address.
func startTLS(t testing.TB, cfg Config, b *backend) *running {
	t.Helper()
	cert, err := Certificate(t.TempDir(), "", "", discardLog())
	if err != nil {
		t.Fatal(err)
	}
	l, err := ListenTLS("127.0.0.1:0", cert.TLSConfig())
	if err != nil {
		t.Fatal(err)
	}
	return startOn(t, cfg, b, l, func() net.Conn {
		c, err := tls.Dial("tcp", l.Addr().String(), &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Error(err)
			return nil
		}
		return c
	})
}

func startOn(t testing.TB, cfg Config, b *backend, l net.Listener, dial func() net.Conn) *running {
	t.Helper()
	return startLogged(t, cfg, b, l, dial, discardLog())
}

// startLogged is startOn with a log that is read.
func startLogged(t testing.TB, cfg Config, b *backend, l net.Listener, dial func() net.Conn, log *slog.Logger) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	srv := New(cfg, b, log)
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(ctx, l) }()
	r := &running{t: t, srv: srv, b: b, addr: l.Addr().String(), dial: dial}
	r.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Serve: %v", err)
		}
		st := srv.Stats()
		if st.Panics != 0 || st.Bound+st.Unbound != 0 || srv.lobby.taken != 0 || len(srv.lobby.unbound) != 0 || srv.lobby.waiting != 0 || srv.binds != 0 {
			t.Errorf("at the end: %+v, %d places of unbound connections and %d of sessions in use", st, srv.lobby.taken, srv.binds)
		}
		b.check(t)
	})
	t.Cleanup(r.stop)
	return r
}

// A peer is an ESME made of bytes.
type peer struct {
	t    testing.TB
	conn net.Conn
	r    *smpp.Reader
	seq  uint32
}

// connect opens a connection that has not bound.
func (r *running) connect() *peer {
	r.t.Helper()
	c := r.dial()
	p := &peer{t: r.t, conn: c, r: smpp.NewReader(c, 1<<20)}
	r.t.Cleanup(func() { c.Close() })
	return p
}

// bindPDU is a bind that the backend accepts.
func bindPDU(typ BindType) *smpp.Bind {
	id := map[BindType]smpp.CommandID{TX: smpp.IDBindTransmitter, RX: smpp.IDBindReceiver, TRX: smpp.IDBindTransceiver}[typ]
	return &smpp.Bind{ID: id, SystemID: "esme", Password: "secret", InterfaceVersion: smpp.Version34}
}

// bound opens a connection and binds it, with typ 0 it leaves it unbound.
func (r *running) bound(typ BindType) *peer {
	r.t.Helper()
	p := r.connect()
	if typ != 0 {
		seq := p.send(bindPDU(typ))
		p.expect(bindPDU(typ).ID.Response(), smpp.StatusOK, seq)
		select {
		case <-r.b.told: // Bound may be called after the answer: sessions come in the order of their binds
		case <-time.After(10 * time.Second):
			r.t.Fatal("the backend was not told of the session")
		}
	}
	return p
}

// session is the server's side of the session bound last.
func (r *running) session() *Session {
	r.t.Helper()
	select {
	case s := <-r.b.bounds:
		return s
	case <-time.After(10 * time.Second):
		r.t.Fatal("no session was bound")
		return nil
	}
}

func message(dest string) *smpp.SubmitSM {
	return &smpp.SubmitSM{Dest: smpp.Address{TON: 1, NPI: 1, Addr: dest}, ShortMessage: []byte("Hello")}
}

// frame is a PDU as octets.
func frame(t testing.TB, seq uint32, p smpp.PDU) []byte {
	t.Helper()
	b, err := smpp.Append(nil, smpp.StatusOK, seq, p)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// header is a PDU of a header only, with any length written in it.
func header(length uint32, id smpp.CommandID, seq uint32) []byte {
	b := binary.BigEndian.AppendUint32(nil, length)
	b = binary.BigEndian.AppendUint32(b, uint32(id))
	b = binary.BigEndian.AppendUint32(b, 0)
	return binary.BigEndian.AppendUint32(b, seq)
}

func (p *peer) write(b []byte) {
	p.t.Helper()
	_ = p.conn.SetWriteDeadline(time.Now().Add(time.Minute))
	if _, err := p.conn.Write(b); err != nil {
		p.t.Fatalf("write: %v", err)
	}
}

// send sends a request and returns its sequence_number.
func (p *peer) send(pdu smpp.PDU) uint32 {
	p.t.Helper()
	p.seq++
	p.write(frame(p.t, p.seq, pdu))
	return p.seq
}

func (p *peer) reply(status smpp.CommandStatus, seq uint32, pdu smpp.PDU) {
	p.t.Helper()
	b, err := smpp.Append(nil, status, seq, pdu)
	if err != nil {
		p.t.Fatal(err)
	}
	p.write(b)
}

func (p *peer) recv() (smpp.Header, smpp.PDU, error) {
	_ = p.conn.SetReadDeadline(time.Now().Add(5 * time.Minute))
	f, err := p.r.ReadFrame()
	if err != nil {
		return smpp.Header{}, nil, err
	}
	return smpp.Parse(f)
}

// expect reads the next PDU, which must be this one.
func (p *peer) expect(id smpp.CommandID, status smpp.CommandStatus, seq uint32) smpp.PDU {
	p.t.Helper()
	h, pdu, err := p.recv()
	if err != nil {
		p.t.Fatalf("waiting for %v: %v", id, err)
	}
	if h.ID != id || h.Status != status || h.Sequence != seq {
		p.t.Fatalf("got %v %v sequence %d, want %v %v sequence %d", h.ID, h.Status, h.Sequence, id, status, seq)
	}
	return pdu
}

// expectRequest reads the next PDU, which must be a request of this kind.
func (p *peer) expectRequest(id smpp.CommandID) (uint32, smpp.PDU) {
	p.t.Helper()
	h, pdu, err := p.recv()
	if err != nil || h.ID != id {
		p.t.Fatalf("got %v, %v, want %v", h.ID, err, id)
	}
	return h.Sequence, pdu
}

// expectEnd reads until the connection ends, which must come next.
func (p *peer) expectEnd() {
	p.t.Helper()
	h, _, err := p.recv()
	var timeout net.Error
	if err == nil || errors.As(err, &timeout) && timeout.Timeout() {
		p.t.Fatalf("got %v, %v, want the end of the connection", h.ID, err)
	}
	if !errors.Is(err, io.EOF) {
		p.t.Fatalf("the connection ended with %v, want an orderly end", err)
	}
}

// alive checks that the session answers.
func (p *peer) alive() {
	p.t.Helper()
	p.expect(smpp.IDEnquireLinkResp, smpp.StatusOK, p.send(&smpp.EnquireLink{}))
}
