package smppchan

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"gsmgate/router"
	"gsmgate/smppd"
	"gsmgate/smppd/smpp"
	"gsmgate/storage"
)

// reception is a gateway that only delivers: store, router, channel and server.
type reception struct {
	t    *testing.T
	path string
	cfg  smppd.Config
	db   *storage.DB
	r    *router.Router
	addr string
	stop func()
}

// newReception starts one with user acme, who owns +3161* and +3162*.
func newReception(t *testing.T, cfg smppd.Config, edit ...func(*storage.User)) *reception {
	t.Helper()
	g := &reception{t: t, path: filepath.Join(t.TempDir(), "db"), cfg: cfg}
	g.start()
	if _, err := g.r.AddUser(t.Context(), router.UserSpec{SystemID: "acme", Password: "secret", AddressRanges: []string{"+3161*", "+3162*"}}); err != nil {
		t.Fatal(err)
	}
	for _, change := range edit {
		g.edit(change)
	}
	t.Cleanup(func() { g.stop() })
	return g
}

func (g *reception) edit(change func(*storage.User)) {
	g.t.Helper()
	u, _ := g.r.UserRecord("acme")
	change(&u)
	if err := g.db.PutUser(g.t.Context(), u, false); err != nil {
		g.t.Fatal(err)
	}
}

func (g *reception) start() {
	g.t.Helper()
	var err error
	if g.db, err = storage.Open(g.path, storage.Options{NoSync: true}); err != nil {
		g.t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		g.t.Fatal(err)
	}
	g.addr = l.Addr().String()
	g.r = router.New(g.db, router.Options{})
	ch := New(Config{Router: g.r})
	g.r.Add(ch)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := g.r.Run(ctx); err != nil {
			g.t.Error(err)
		}
	})
	running.Go(func() { _ = smppd.New(g.cfg, ch, slog.New(slog.DiscardHandler)).Serve(ctx, l) })
	db := g.db
	g.stop = sync.OnceFunc(func() {
		cancel()
		running.Wait()
		if err := db.Check(context.Background()); err != nil {
			g.t.Error(err)
		}
		if err := db.Close(); err != nil {
			g.t.Error(err)
		}
	})
}

// mo stores a message from a handset.
func (g *reception) mo(from, to, text string) storage.ID {
	g.t.Helper()
	id, err := g.r.SubmitSync(g.t.Context(), &storage.Message{Kind: storage.MO, Text: text,
		Source: storage.Address{Addr: from}, Dest: storage.Address{Addr: to}})
	if err != nil {
		g.t.Fatal(err)
	}
	return id
}

// aReceipt is one about a message to the number, for a client that sent as from.
func aReceipt(number, from, session string) *storage.Message {
	now := storage.TimeOf(time.Now())
	return &storage.Message{
		Kind: storage.Receipt, User: "acme", Session: session, Source: storage.Address{Addr: number}, Dest: storage.Address{Addr: from},
		State: storage.Enroute, AcceptedAt: now, ExpiresAt: now + 1e9, Deadline: now + 1e9,
		Queue: "user:acme", DueAt: now, Parts: []storage.Part{{}},
		About: &storage.About{ID: storage.FirstID, State: storage.Delivered, Submitted: 1, Delivered: 1},
	}
}

func (g *reception) keep(m *storage.Message) storage.ID {
	g.t.Helper()
	id, err := g.db.AcceptSync(g.t.Context(), m)
	if err != nil {
		g.t.Fatal(err)
	}
	return id
}

// await waits for a state of a message.
func (g *reception) await(id storage.ID, want storage.State) *storage.Message {
	g.t.Helper()
	var m *storage.Message
	for range 2000 {
		var err error
		if m, err = g.r.Message(id); err != nil {
			g.t.Fatal(err)
		}
		if m.State == want {
			return m
		}
		time.Sleep(5 * time.Millisecond)
	}
	g.t.Fatalf("the message is %s, %s, want %s", router.StateWord(m.State), g.r.Why(m), router.StateWord(want))
	return nil
}

// silence is the answer of a client that gives none.
const silence smpp.CommandStatus = 0xFFFF

// phone is an ESME that answers each deliver_sm as it is told.
type phone struct {
	t    *testing.T
	conn net.Conn
	code smpp.CommandStatus // of the bind
	got  chan *smpp.DeliverSM
	open chan uint32 // sequence_numbers that silence met
	done sync.WaitGroup

	mu sync.Mutex // one writer at a time
}

// call binds as b says; ID, system_id, password and version have defaults.
func (g *reception) call(b smpp.Bind, answer func(*smpp.DeliverSM) smpp.CommandStatus) *phone {
	g.t.Helper()
	conn, err := net.Dial("tcp", g.addr)
	if err != nil {
		g.t.Fatal(err)
	}
	p := &phone{t: g.t, conn: conn, got: make(chan *smpp.DeliverSM, 200_000), open: make(chan uint32, 1000)}
	if b.ID == 0 {
		b.ID = smpp.IDBindTransceiver
	}
	if b.InterfaceVersion == 0 {
		b.InterfaceVersion = smpp.Version34
	}
	b.SystemID, b.Password = "acme", "secret"
	p.write(smpp.StatusOK, 1, &b)
	r := smpp.NewReader(conn, 0)
	frame, err := r.ReadFrame()
	if err != nil {
		g.t.Fatal(err)
	}
	h, _, _ := smpp.Parse(frame)
	p.code = h.Status
	p.done.Go(func() { p.listen(r, answer) })
	g.t.Cleanup(p.hangUp)
	return p
}

func (p *phone) listen(r *smpp.Reader, answer func(*smpp.DeliverSM) smpp.CommandStatus) {
	for {
		frame, err := r.ReadFrame()
		if err != nil {
			return
		}
		h, pdu, err := smpp.Parse(frame)
		d, ok := pdu.(*smpp.DeliverSM)
		switch {
		case err != nil:
			p.t.Error(err)
		case ok:
			p.got <- d
			if status := answer(d); status != silence {
				p.write(status, h.Sequence, &smpp.DeliverSMResp{})
			} else {
				p.open <- h.Sequence
			}
		case h.ID == smpp.IDUnbind:
			p.write(smpp.StatusOK, h.Sequence, &smpp.UnbindResp{})
		}
	}
}

func (p *phone) write(status smpp.CommandStatus, sequence uint32, pdu smpp.PDU) {
	b, err := smpp.Append(nil, status, sequence, pdu)
	if err != nil {
		p.t.Error(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	_, _ = p.conn.Write(b)
}

func (p *phone) hangUp() {
	p.conn.Close()
	p.done.Wait()
}

// next is the next n texts that came.
func (p *phone) next(n int) (texts []string) {
	p.t.Helper()
	limit := time.After(20 * time.Second)
	for len(texts) < n {
		select {
		case d := <-p.got:
			texts = append(texts, string(d.ShortMessage))
		case <-limit:
			p.t.Fatalf("only %q came, want %d", texts, n)
		}
	}
	return texts
}

func all(status smpp.CommandStatus) func(*smpp.DeliverSM) smpp.CommandStatus {
	return func(*smpp.DeliverSM) smpp.CommandStatus { return status }
}

func expect(t *testing.T, what string, got, want any) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}
