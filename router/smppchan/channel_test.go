package smppchan

import (
	"context"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"gsmgate/router"
	"gsmgate/smppd"
	"gsmgate/smppd/smpp"
	"gsmgate/storage"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// openDoor is a Channel that lets everybody bind.
type openDoor struct {
	*Channel
	bounds chan *smppd.Session
}

func (d openDoor) Bind(context.Context, *smppd.Session, *smpp.Bind) error { return nil }

func (d openDoor) Bound(s *smppd.Session) {
	d.Channel.Bound(s)
	d.bounds <- s
}

// lanes is an Inbox that gives out messages, in order, as many at once as the
// lane allows, and again until they are taken.
type lanes struct {
	router.Inbox
	work chan *storage.Message
}

func (l lanes) Serve(ctx context.Context, lane router.Lane, s router.Sender) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	for range lane.Window {
		wg.Go(func() {
			for {
				select {
				case m := <-l.work:
					_, err := s.Send(ctx, m, 0)
					for err != nil && ctx.Err() == nil {
						_, err = s.Send(ctx, m, 0)
					}
				case <-ctx.Done():
					return
				}
			}
		})
	}
	<-ctx.Done()
	return ctx.Err()
}

// door is a running channel with a server before it.
type door struct {
	t    *testing.T
	addr string
	open openDoor
	work chan *storage.Message
}

func newDoor(t *testing.T, cfg smppd.Config) *door {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := &door{t: t, addr: l.Addr().String(), work: make(chan *storage.Message, 1000),
		open: openDoor{New(Config{}), make(chan *smppd.Session, 1)}}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = d.open.Run(ctx, lanes{work: d.work}) })
	running.Go(func() { _ = smppd.New(cfg, d.open, slog.New(slog.DiscardHandler)).Serve(ctx, l) })
	t.Cleanup(func() { cancel(); running.Wait() })
	return d
}

// bind binds a transceiver. What it is delivered comes out of got; a deaf one
// answers nothing.
func (d *door) bind(deaf bool) (id string, got <-chan *smpp.DeliverSM) {
	d.t.Helper()
	conn, err := net.Dial("tcp", d.addr)
	if err != nil {
		d.t.Fatal(err)
	}
	send := func(sequence uint32, p smpp.PDU) {
		b, err := smpp.Append(nil, smpp.StatusOK, sequence, p)
		if err != nil {
			d.t.Error(err)
		}
		_, _ = conn.Write(b)
	}
	send(1, &smpp.Bind{ID: smpp.IDBindTransceiver, SystemID: "acme", Password: "x", InterfaceVersion: smpp.Version34})
	all, gone := make(chan *smpp.DeliverSM, 1000), make(chan struct{})
	var reading sync.WaitGroup
	reading.Go(func() {
		for r := smpp.NewReader(conn, 0); ; {
			frame, err := r.ReadFrame()
			if err != nil {
				return
			}
			h, p, err := smpp.Parse(frame)
			if dsm, ok := p.(*smpp.DeliverSM); ok && err == nil {
				select {
				case all <- dsm:
				case <-gone:
				}
				if !deaf {
					send(h.Sequence, &smpp.DeliverSMResp{})
				}
			}
		}
	})
	d.t.Cleanup(func() { close(gone); conn.Close(); reading.Wait() })
	return (<-d.open.bounds).ID(), all
}

func (d *door) await(got <-chan *smpp.DeliverSM, count int) {
	d.t.Helper()
	limit := time.After(20 * time.Second)
	for n := range count {
		select {
		case <-got:
		case <-limit:
			d.t.Fatalf("%d messages delivered, want %d", n, count)
		}
	}
}

func mo(session string) *storage.Message {
	return &storage.Message{Kind: storage.MO, User: "acme", Session: session, Text: "Hi"}
}

// A session that answered no deliver_sm held all that the user's lane may have
// on its way, and the session that did answer got nothing.
func TestDeliver_DeafSession_OthersOfTheUserGetAll(t *testing.T) {
	d := newDoor(t, smppd.Config{Response: 200 * time.Millisecond})
	deaf, _ := d.bind(true)
	hearing, got := d.bind(false)
	for range 3 * laneWindow {
		d.work <- mo(deaf)
	}
	d.work <- mo(hearing)
	d.await(got, 3*laneWindow+1)
}

// With nobody else to take them, they wait for the deaf session, and go to a
// new one as soon as it binds.
func TestDeliver_OnlyADeafSession_ANewOneGetsAll(t *testing.T) {
	d := newDoor(t, smppd.Config{Response: 200 * time.Millisecond})
	deaf, first := d.bind(true)
	for range laneWindow {
		d.work <- mo(deaf)
	}
	d.await(first, 11) // the window of 10, and what follows their time-out
	_, got := d.bind(false)
	d.await(got, laneWindow)
}

// The submitting session comes first as long as it answers.
func TestDeliver_SubmittingSession_ComesFirst(t *testing.T) {
	d := newDoor(t, smppd.Config{})
	a, gotA := d.bind(false)
	_, gotB := d.bind(false)
	for range 2 * laneWindow {
		d.work <- mo(a)
	}
	d.await(gotA, 2*laneWindow)
	if n := len(gotB); n != 0 {
		t.Errorf("%d messages went to another session", n)
	}
}

// A session that was deaf for a moment hears again later.
func TestClient_DeafSession_TriedAgain(t *testing.T) {
	c, now := newClient(), time.Unix(1_000_000, 0)
	for range 2 {
		c.add(&smppd.Session{}, nil)
	}
	mute, other := c.members[0], c.members[1]
	picked := func(at time.Time) (n int) {
		for range 10 {
			if c.pick(&storage.Message{Session: "none"}, at) == mute {
				n++
			}
		}
		return n
	}
	before := c.changed
	if c.heard(mute, false, now); !isClosed(before) {
		t.Error("those who wait did not hear of the deaf session")
	}
	if n := picked(now.Add(deafTime - 1)); n != 0 {
		t.Errorf("%d of 10 went to the deaf session", n)
	}
	if n := picked(now.Add(deafTime)); n != 1 {
		t.Errorf("%d of 10 went to find out whether it hears again, want 1", n)
	}
	if c.heard(mute, true, now); picked(now) != 5 {
		t.Error("a session that answers again does not get its share")
	}
	c.heard(mute, false, now)
	if c.heard(other, false, now); c.pick(&storage.Message{Session: "none"}, now) == nil {
		t.Error("nobody was picked while all are deaf")
	}
}
