package smppchan

import (
	"context"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"gsmgate/router"
	"gsmgate/smppd"
	"gsmgate/smppd/smpp"
	"gsmgate/storage"
	"gsmgate/storage/storagetest"
)

// house is a router with its clients' channel behind a server, without modems.
type house struct {
	t      *testing.T
	router *router.Router
	ch     *Channel
	server *smppd.Server
	addr   string
}

func newHouse(t *testing.T, cfg smppd.Config, users ...router.UserSpec) *house {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := &house{t: t, addr: l.Addr().String(), router: router.New(storagetest.Open(t), router.Options{})}
	for _, u := range users {
		if _, err := h.router.AddUser(t.Context(), u); err != nil {
			t.Fatal(err)
		}
	}
	h.ch = New(Config{Router: h.router})
	h.router.Add(sink{})
	h.router.Add(h.ch)
	h.server = smppd.New(cfg, h.ch, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := h.router.Run(ctx); err != nil {
			t.Errorf("router: %v", err)
		}
	})
	running.Go(func() { _ = h.server.Serve(ctx, l) })
	t.Cleanup(func() { cancel(); running.Wait() })
	return h
}

// sink is a channel that takes every message and never sends one.
type sink struct{}

func (sink) Name() string                { return "sink" }
func (sink) Carries(k storage.Kind) bool { return k == storage.MT }
func (sink) Status() router.Status       { return router.Status{Reason: "never ready"} }
func (sink) Parts(*storage.Message) ([]storage.Part, error) {
	return make([]storage.Part, 1), nil
}
func (sink) Run(ctx context.Context, _ router.Inbox) error { <-ctx.Done(); return nil }

// caller is a connection of an ESME.
type caller struct {
	t    *testing.T
	conn net.Conn
	r    *smpp.Reader
	seq  uint32
}

func (h *house) call() *caller {
	h.t.Helper()
	return h.callFrom(1)
}

// callFrom connects from 127.0.0.n.
func (h *house) callFrom(n byte) *caller {
	h.t.Helper()
	from := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, n)}}
	conn, err := from.Dial("tcp", h.addr)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	return &caller{t: h.t, conn: conn, r: smpp.NewReader(conn, 1<<20)}
}

// do sends a request and gives the status of what is read next.
func (c *caller) do(p smpp.PDU) (smpp.Header, error) {
	c.seq++
	_ = c.conn.SetDeadline(time.Now().Add(patience)) // for each request: how many there are is the test's affair
	b, err := smpp.Append(nil, smpp.StatusOK, c.seq, p)
	if err != nil {
		return smpp.Header{}, err
	}
	if _, err := c.conn.Write(b); err != nil {
		return smpp.Header{}, err
	}
	frame, err := c.r.ReadFrame()
	if err != nil {
		return smpp.Header{}, err
	}
	h, _, err := smpp.Parse(frame)
	return h, err
}

func (c *caller) bind(user, password string) smpp.CommandStatus {
	c.t.Helper()
	h, err := c.do(&smpp.Bind{ID: smpp.IDBindTransmitter, SystemID: user, Password: password, InterfaceVersion: smpp.Version34})
	if err != nil {
		c.t.Errorf("bind of %s: %v", user, err)
	}
	return h.Status
}

func acme() router.UserSpec {
	return router.UserSpec{SystemID: "acme", Password: "secret", Credits: 1e6 * storage.Credit}
}

func ptr[T any](v T) *T { return &v }
