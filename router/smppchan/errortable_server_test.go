package smppchan_test

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"gsmgate/router"
	"gsmgate/router/smppchan"
	"gsmgate/smppd"
	"gsmgate/storage"
	"gsmgate/storage/storagetest"
)

// office is a whole server: store, router, a channel to handsets that only says yes, and smppd over
// TLS. What it is sent and what it answers are octets: this package's own codec has no part in it.
type office struct {
	t    *testing.T
	addr string
	db   *storage.DB
	r    *router.Router
	ch   *smppchan.Channel
	srv  *smppd.Server
}

// handsets carries messages to nowhere. "boom" is a fault of its own; 60,000 octets are more than
// a network takes.
type handsets struct{}

func (handsets) Name() string                { return "gsm" }
func (handsets) Carries(k storage.Kind) bool { return k == storage.MT }
func (handsets) Status() router.Status       { return router.Status{Ready: true} }

func (handsets) Parts(m *storage.Message) ([]storage.Part, error) {
	switch {
	case m.Text == "boom":
		return nil, errors.New("a fault that nobody foresaw")
	case len(m.Text) > 39_015: // 255 parts of 153
		return nil, &router.Error{Code: router.Invalid, Field: "text", Message: "more than 255 parts"}
	}
	return make([]storage.Part, 1), nil
}

// Run sends nothing: what was accepted waits, and can be queried, replaced and cancelled.
func (handsets) Run(ctx context.Context, _ router.Inbox) error { <-ctx.Done(); return nil }

// openOffice runs an office with the users acme, neighbour, poor (no credits), gone (disabled) and
// slow (a message a second), until the end of the test.
func openOffice(t *testing.T, o router.Options, cfg smppd.Config) *office {
	t.Helper()
	f := &office{t: t, db: storagetest.Open(t)}
	f.r = router.New(f.db, o)
	f.ch = smppchan.New(smppchan.Config{Router: f.r})
	f.r.Add(handsets{})
	f.r.Add(f.ch)
	f.addUsers()
	cert, err := smppd.Certificate(t.TempDir(), "", "", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	l, err := smppd.ListenTLS("127.0.0.1:0", cert.TLSConfig())
	if err != nil {
		t.Fatal(err)
	}
	f.addr = l.Addr().String()
	cfg.Stranger = f.ch.Fault
	f.srv = smppd.New(cfg, f.ch, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	for _, run := range []func() error{func() error { return f.r.Run(ctx) }, func() error { return f.srv.Serve(ctx, l) }} {
		running.Go(func() {
			if err := run(); err != nil {
				t.Error(err)
			}
		})
	}
	t.Cleanup(func() {
		cancel()
		running.Wait()
		if st := f.srv.Stats(); st.Panics != 0 || st.Bound+st.Unbound != 0 {
			t.Errorf("at the end: %+v", st)
		}
	})
	return f
}

// addUsers makes acme; the others have its password, which spares the time to hash theirs.
func (f *office) addUsers() {
	f.t.Helper()
	ctx := f.t.Context()
	if _, err := f.r.AddUser(ctx, router.UserSpec{SystemID: "acme", Password: "secret", Credits: 1e9}); err != nil {
		f.t.Fatal(err)
	}
	for name, credits := range map[string]storage.Millicredits{"neighbour": 1e12, "poor": 0, "gone": 0, "slow": 1e9} {
		u, _ := f.db.User("acme")
		u.SystemID, u.Enabled = name, name != "gone"
		if name == "slow" {
			u.Rate = 1
		}
		err := f.db.PutUser(ctx, u, true)
		if err == nil && credits > 0 {
			_, err = f.r.Credit(ctx, name, credits, "for the test")
		}
		if err != nil {
			f.t.Fatal(err)
		}
	}
}

// A link is one connection of an ESME, made of octets.
type link struct {
	t    *testing.T
	conn net.Conn
	seq  uint32
	id   string // message_id of the last submit_sm_resp
}

// answer is a PDU that came.
type answer struct {
	id, status, seq uint32
	body            []byte
}

func (a answer) String() string {
	return fmt.Sprintf("command_id %08X, status %08X, sequence %08X, body % x", a.id, a.status, a.seq, a.body)
}

// dial opens a connection that has not bound.
func (f *office) dial(t *testing.T) *link {
	t.Helper()
	conn, err := tls.Dial("tcp", f.addr, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &link{t: t, conn: conn, seq: 0x01020300}
}

// bound opens a connection and binds it: the command_id of the bind, or 0 for none.
func (f *office) bound(t *testing.T, user string, bind uint32) *link {
	t.Helper()
	l := f.dial(t)
	if bind != 0 {
		l.ask(bindPDU(bind, "system_id", user), bind|resp, 0)
	}
	return l
}

func (l *link) write(b []byte) {
	l.t.Helper()
	_ = l.conn.SetWriteDeadline(time.Now().Add(time.Minute))
	if _, err := l.conn.Write(b); err != nil {
		l.t.Fatalf("write: %v", err)
	}
}

// recv reads one PDU. io.EOF says that the far end closed in order.
func (l *link) recv() (a answer, err error) {
	_ = l.conn.SetReadDeadline(time.Now().Add(time.Minute))
	var head [16]byte
	if _, err := io.ReadFull(l.conn, head[:]); err != nil {
		return a, err
	}
	length := binary.BigEndian.Uint32(head[:])
	if length < 16 || length > 1<<16 {
		return a, fmt.Errorf("an answer of command_length %d", length)
	}
	a = answer{id: binary.BigEndian.Uint32(head[4:]), status: binary.BigEndian.Uint32(head[8:]), seq: binary.BigEndian.Uint32(head[12:])}
	a.body = make([]byte, length-16)
	_, err = io.ReadFull(l.conn, a.body)
	return a, err
}

// ask sends a PDU under the next sequence_number, and its answer must be this one.
func (l *link) ask(pdu []byte, id, status uint32) answer {
	l.t.Helper()
	l.seq++
	binary.BigEndian.PutUint32(pdu[12:], l.seq)
	l.write(pdu)
	return l.expect(id, l.seq, status)
}

// expect reads the next PDU. One of the statuses must be that of the answer.
func (l *link) expect(id, seq uint32, statuses ...uint32) answer {
	l.t.Helper()
	a, err := l.recv()
	if err != nil {
		l.t.Fatalf("waiting for %08X: %v", id, err)
	}
	right := false
	for _, s := range statuses {
		right = right || s == a.status
	}
	if a.id != id || a.seq != seq || !right {
		l.t.Fatalf("got %v; want command_id %08X, status %08X, sequence %08X", a, id, statuses, seq)
	}
	if a.id == submitSM|resp && a.status == 0 {
		l.id = string(a.body[:len(a.body)-1])
	}
	return a
}

// usable checks that the session is alive and what it was.
func (l *link) usable() {
	l.t.Helper()
	l.ask(pdu(enquireLink), enquireLink|resp, 0)
}

// closed checks that the far end closes, in order, and sends nothing more.
func (l *link) closed() {
	l.t.Helper()
	if a, err := l.recv(); !errors.Is(err, io.EOF) {
		l.t.Fatalf("got %v, %v; want the end of the connection", a, err)
	}
}

// A bystander submits all along, one message after the other. It is no more than ahead messages before
// who asks what it noticed, so that it does not keep the processor from them.
type bystander struct {
	mu    sync.Mutex
	more  *sync.Cond
	count int   // answered with ESME_ROK, in order
	most  int   // it waits at this count
	err   error // what else came; it ends then
	over  bool
}

const ahead = 100

// bystand lets the user neighbour submit until the end of the test.
func (f *office) bystand() *bystander {
	l := f.bound(f.t, "neighbour", bindTRX)
	b := &bystander{most: ahead}
	b.more = sync.NewCond(&b.mu)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for b.note(submitOnce(l)) {
		}
	}()
	f.t.Cleanup(func() {
		b.mu.Lock()
		b.over = true
		b.more.Broadcast()
		b.mu.Unlock()
		<-ended
		if b.err != nil {
			f.t.Errorf("another session noticed: %v", b.err)
		}
	})
	return b
}

func submitOnce(l *link) error {
	l.seq++
	p := submit()
	binary.BigEndian.PutUint32(p[12:], l.seq)
	if _, err := l.conn.Write(p); err != nil {
		return err
	}
	a, err := l.recv()
	if err == nil && (a.id != submitSM|resp || a.status != 0 || a.seq != l.seq) {
		err = fmt.Errorf("got %v for submit_sm %08X", a, l.seq)
	}
	return err
}

// note counts one answer; false says that it is over.
func (b *bystander) note(err error) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err == nil {
		b.count++
	} else {
		b.err = err
	}
	b.more.Broadcast()
	for err == nil && b.count >= b.most && !b.over {
		b.more.Wait()
	}
	return err == nil && !b.over
}

// noticedNothing waits until two more messages were answered with ESME_ROK: one of them was sent
// after the call.
func (b *bystander) noticedNothing(t *testing.T) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	want := b.count + 2
	b.most = b.count + ahead
	b.more.Broadcast()
	for b.count < want && b.err == nil {
		b.more.Wait()
	}
	if b.err != nil {
		t.Errorf("another session noticed: %v", b.err)
	}
}
