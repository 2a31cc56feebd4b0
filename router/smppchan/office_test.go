package smppchan

import (
	"context"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"gsmgate/router"
	"gsmgate/smppd"
	"gsmgate/smppd/smpp"
	"gsmgate/storage"
	"gsmgate/storage/storagetest"
)

// air is a channel to handsets that sends nothing until its lane is open, and
// then answers what the test says.
type air struct {
	open   chan struct{}
	answer func(m *storage.Message, i int) (string, error)

	mu   sync.Mutex
	sent []*storage.Message
}

func (a *air) Name() string                { return "gsm" }
func (a *air) Carries(k storage.Kind) bool { return k == storage.MT }
func (a *air) Status() router.Status       { return router.Status{Ready: true} }

// Parts are of 160 characters; what begins with "bad" no network takes.
func (a *air) Parts(m *storage.Message) ([]storage.Part, error) {
	if strings.HasPrefix(m.Text, "bad") {
		return nil, &router.Error{Code: router.Invalid, Field: "text", Message: "too long"}
	}
	return make([]storage.Part, max(1, (len(m.Text)+len(m.Data)+159)/160)), nil
}

func (a *air) Run(ctx context.Context, in router.Inbox) error {
	select {
	case <-a.open:
	case <-ctx.Done():
		return nil
	}
	lane := router.Lane{ID: "sim:1", Queue: "gsm", Window: 1, Prepare: func(m *storage.Message) {
		for i := range m.Parts {
			m.Parts[i].Match = m.Dest.Addr
		}
	}}
	return in.Serve(ctx, lane, router.SenderFunc(func(_ context.Context, m *storage.Message, i int) (string, error) {
		a.mu.Lock()
		a.sent = append(a.sent, m)
		a.mu.Unlock()
		if a.answer == nil {
			return "7", nil
		}
		return a.answer(m, i)
	}))
}

// texts are those that were sent.
func (a *air) texts() (all []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, m := range a.sent {
		all = append(all, m.Text)
	}
	return all
}

// office is a whole SMSC for tests: store, router, clients by SMPP, and air.
type office struct {
	t    *testing.T
	db   *storage.DB
	r    *router.Router
	air  *air
	addr string
}

// newOffice has users acme and other, of 20 credits each and password "secret".
func newOffice(t *testing.T) *office {
	t.Helper()
	db := storagetest.Open(t)
	r := router.New(db, router.Options{})
	o := &office{t: t, db: db, r: r, air: &air{open: make(chan struct{})}}
	ch := New(Config{Router: r})
	r.Add(o.air)
	r.Add(ch)
	for _, name := range []string{"acme", "other"} {
		if _, err := r.AddUser(t.Context(), router.UserSpec{SystemID: name, Password: "secret", Credits: 20 * storage.Credit}); err != nil {
			t.Fatal(err)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o.addr = l.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := r.Run(ctx); err != nil {
			t.Errorf("router: %v", err)
		}
	})
	running.Go(func() { _ = smppd.New(smppd.Config{}, ch, slog.New(slog.DiscardHandler)).Serve(ctx, l) })
	t.Cleanup(func() { cancel(); running.Wait() })
	return o
}

// credits are what acme has available, in credits.
func (o *office) credits() int {
	o.t.Helper()
	u, err := o.r.User("acme")
	if err != nil {
		o.t.Fatal(err)
	}
	return int(u.Balance.Available / storage.Credit)
}

func (o *office) stored(id string) *storage.Message {
	o.t.Helper()
	n, err := storage.ParseID(id)
	if err != nil {
		o.t.Fatal(err)
	}
	m, err := o.r.Message(n)
	if err != nil {
		o.t.Fatal(err)
	}
	return m
}

// esme is a client made of octets. Responses go to who waits for their
// sequence number, deliver_sm are answered and go to delivered.
type esme struct {
	o         *office
	conn      net.Conn
	delivered chan *smpp.DeliverSM
	alerts    chan *smpp.AlertNotification

	mu    sync.Mutex
	seq   uint32
	asked map[uint32]chan answer
}

type answer struct {
	h   smpp.Header
	pdu smpp.PDU
}

// bind binds acme as a transceiver of version 3.4.
func (o *office) bind() *esme {
	return o.bindAs("acme", smpp.IDBindTransceiver, smpp.Version34)
}

func (o *office) bindAs(user string, kind smpp.CommandID, version uint8) *esme {
	o.t.Helper()
	return o.bindWith(&smpp.Bind{ID: kind, SystemID: user, Password: "secret", InterfaceVersion: version})
}

// bindRange binds acme as a receiver with an address_range.
func (o *office) bindRange(r string) *esme {
	o.t.Helper()
	return o.bindWith(&smpp.Bind{ID: smpp.IDBindReceiver, SystemID: "acme", Password: "secret", InterfaceVersion: smpp.Version34, AddressRange: r})
}

func (o *office) bindWith(b *smpp.Bind) *esme {
	o.t.Helper()
	conn, err := net.Dial("tcp", o.addr)
	if err != nil {
		o.t.Fatal(err)
	}
	e := &esme{o: o, conn: conn, delivered: make(chan *smpp.DeliverSM, 1000), alerts: make(chan *smpp.AlertNotification, 1000), asked: map[uint32]chan answer{}}
	var reading sync.WaitGroup
	reading.Go(e.read)
	o.t.Cleanup(func() { conn.Close(); reading.Wait() })
	e.expect(smpp.StatusOK, b)
	return e
}

func (e *esme) read() {
	for r := smpp.NewReader(e.conn, 0); ; {
		frame, err := r.ReadFrame()
		if err != nil {
			return
		}
		h, p, err := smpp.Parse(frame)
		if err != nil {
			e.o.t.Errorf("the server sent %v", err)
			return
		}
		if d, ok := p.(*smpp.DeliverSM); ok {
			e.write(h.Sequence, &smpp.DeliverSMResp{})
			e.delivered <- d
			continue
		}
		if n, ok := p.(*smpp.AlertNotification); ok {
			e.alerts <- n
			continue
		}
		e.mu.Lock()
		c := e.asked[h.Sequence]
		e.mu.Unlock()
		if c != nil {
			c <- answer{h, p}
		}
	}
}

func (e *esme) write(sequence uint32, p smpp.PDU) {
	b, err := smpp.Append(nil, smpp.StatusOK, sequence, p)
	if err != nil {
		e.o.t.Error(err)
	}
	_, _ = e.conn.Write(b)
}

// ask sends a request; the answer comes by the channel.
func (e *esme) ask(p smpp.PDU) <-chan answer {
	c := make(chan answer, 1)
	e.mu.Lock()
	e.seq++
	seq := e.seq
	e.asked[seq] = c
	e.mu.Unlock()
	e.write(seq, p)
	return c
}

// expect sends a request and wants its own response with this status.
func (e *esme) expect(status smpp.CommandStatus, p smpp.PDU) smpp.PDU {
	e.o.t.Helper()
	return e.await(status, p, e.ask(p))
}

func (e *esme) await(status smpp.CommandStatus, p smpp.PDU, c <-chan answer) smpp.PDU {
	e.o.t.Helper()
	select {
	case a := <-c:
		if a.h.ID != p.CommandID().Response() || a.h.Status != status {
			e.o.t.Fatalf("%s was answered %s %s, want %s", p.CommandID(), a.h.ID, a.h.Status, status)
		}
		if status != smpp.StatusOK && a.h.Length != smpp.HeaderLen {
			e.o.t.Errorf("%s with %s has a body", a.h.ID, a.h.Status)
		}
		return a.pdu
	case <-time.After(20 * time.Second):
		e.o.t.Fatalf("%s was not answered", p.CommandID())
		return nil
	}
}

// submit gives the message_id of what was accepted.
func (e *esme) submit(edit ...func(*smpp.SubmitSM)) string {
	e.o.t.Helper()
	sm := submit(func(s *smpp.SubmitSM) {
		for _, f := range edit {
			f(s)
		}
	})
	return e.expect(smpp.StatusOK, sm).(*smpp.SubmitSMResp).MessageID
}

// receipt waits for the next deliver_sm.
func (e *esme) receipt() *smpp.DeliverSM {
	e.o.t.Helper()
	select {
	case d := <-e.delivered:
		return d
	case <-time.After(20 * time.Second):
		e.o.t.Fatal("no deliver_sm came")
		return nil
	}
}

// state asks by query_sm.
func (e *esme) state(id string) *smpp.QuerySMResp {
	e.o.t.Helper()
	return e.expect(smpp.StatusOK, &smpp.QuerySM{MessageID: id, Source: smpp.Address{TON: 5, Addr: "Shop"}}).(*smpp.QuerySMResp)
}

// report settles part 0 of what was sent to dest.
func (o *office) report(dest string, state storage.State, cause uint32) {
	o.t.Helper()
	done := make(chan error, 1)
	o.r.Report(storage.Report{Lane: "sim:1", Match: dest, Ref: "7", State: state, Cause: cause, Text: "said the network"}, func(err error) { done <- err })
	if err := <-done; err != nil {
		o.t.Fatal(err)
	}
}

// sending opens the lane and waits for n parts to be sent and on disk.
func (o *office) sending(n int, ids ...string) {
	o.t.Helper()
	close(o.air.open)
	limit := time.Now().Add(20 * time.Second)
	for len(o.air.texts()) < n && time.Now().Before(limit) {
		time.Sleep(time.Millisecond)
	}
	for _, id := range ids {
		for o.stored(id).Parts[0].State == storage.PartTrying && time.Now().Before(limit) {
			time.Sleep(time.Millisecond)
		}
	}
	if got := o.air.texts(); len(got) < n {
		o.t.Fatalf("sent %q, want %d", got, n)
	}
}
