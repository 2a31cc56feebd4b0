package smppchan

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gsmgate/smppd"
	"gsmgate/smppd/smpp"
	"gsmgate/storage"
)

// A session that dies with deliver_sm outstanding: those come again on the next
// one, those that were answered do not.
func TestReceipts_SessionDiesWithSomeOutstanding_OnlyThoseComeAgain(t *testing.T) {
	g := newReception(t, smppd.Config{})
	first := g.call(smpp.Bind{}, func(d *smpp.DeliverSM) smpp.CommandStatus {
		if string(d.ShortMessage) == "answered" {
			return smpp.StatusOK
		}
		return silence
	})
	answered := g.mo("1", "31610", "answered")
	lost := g.mo("2", "31610", "lost")
	g.mo("2", "31610", "behind it")
	g.await(answered, storage.Delivered)
	first.next(2)
	first.hangUp()
	second := g.call(smpp.Bind{}, all(smpp.StatusOK))
	expect(t, "came again", second.next(2), []string{"lost", "behind it"})
	if m := g.await(lost, storage.Delivered); m.Parts[0].Attempts != 2 {
		t.Errorf("%d attempts", m.Parts[0].Attempts)
	}
	expect(t, "more", len(second.got), 0)
}

func TestReceipts_GatewayRestartsWithSomeOutstanding_OnlyThoseComeAgain(t *testing.T) {
	g := newReception(t, smppd.Config{})
	first := g.call(smpp.Bind{}, func(d *smpp.DeliverSM) smpp.CommandStatus {
		if strings.HasPrefix(string(d.ShortMessage), "yes") {
			return smpp.StatusOK
		}
		return silence
	})
	for i := range 3 {
		g.await(g.mo(fmt.Sprint(i), "31610", fmt.Sprint("yes", i)), storage.Delivered)
		g.mo(fmt.Sprint(i), "31610", fmt.Sprint("no", i))
	}
	first.next(6)
	g.stop()
	g.start()
	second := g.call(smpp.Bind{}, all(smpp.StatusOK))
	texts := second.next(3)
	slices.Sort(texts)
	expect(t, "came again", texts, []string{"no0", "no1", "no2"})
	g.await(g.mo("9", "31610", "last"), storage.Delivered)
	expect(t, "after it", second.next(1), []string{"last"})
}

// A response that never comes: the message comes again, and then no more.
func TestReceipts_NoResponse_SentAgainAfterTheTimer(t *testing.T) {
	g := newReception(t, smppd.Config{Response: time.Second})
	var tries atomic.Int32
	p := g.call(smpp.Bind{}, func(d *smpp.DeliverSM) smpp.CommandStatus {
		if string(d.ShortMessage) == "a1" && tries.Add(1) == 1 {
			return silence
		}
		return smpp.StatusOK
	})
	a1, a2 := g.mo("a", "31610", "a1"), g.mo("a", "31610", "a2")
	g.await(a1, storage.Delivered)
	g.await(a2, storage.Delivered)
	expect(t, "came", p.next(3), []string{"a1", "a1", "a2"})
	expect(t, "more", len(p.got), 0)
}

// A client that comes back to a great backlog: never more than its window is
// outstanding, all arrive, each conversation in order, and the backlog stays on
// disk until it goes.
func TestReceipts_Backlog_PacedByTheWindow_InOrder(t *testing.T) {
	const window, conversations = 10, 1000
	backlog := 100_000
	if testing.Short() || raceEnabled() {
		backlog = 10_000
	}
	g := newReception(t, smppd.Config{DeliverWindow: window})
	fill(g, backlog, conversations)
	before := heap()
	var outstanding, most, came atomic.Int32
	tenth := make(chan struct{})
	var p *phone
	bound := make(chan struct{})
	p = g.call(smpp.Bind{}, func(*smpp.DeliverSM) smpp.CommandStatus {
		<-bound
		n := outstanding.Add(1)
		most.Store(max(most.Load(), n))
		if came.Add(1) == int32(backlog/10) {
			close(tenth)
		}
		return silence
	})
	go func() { // answers from another goroutine, so that what may come does
		for {
			select {
			case sequence := <-p.open:
				outstanding.Add(-1)
				p.write(smpp.StatusOK, sequence, &smpp.DeliverSMResp{})
			case <-t.Context().Done():
				return
			}
		}
	}()
	close(bound)
	<-tenth
	if grown := heap() - before; grown > 24<<20 {
		t.Errorf("%d MiB more in memory while the backlog drains", grown>>20)
	}
	checkOrder(t, p, backlog)
	for range 1000 {
		if g.db.Queued("user:acme") == 0 {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	if most.Load() > window {
		t.Errorf("%d outstanding, the window is %d", most.Load(), window)
	}
	expect(t, "left in the queue", g.db.Queued("user:acme"), 0)
}

// A slow client: it answers when it has nothing more to read, and then holds
// exactly its window.
func TestReceipts_SlowClient_HoldsItsWindow(t *testing.T) {
	const window = 7
	g := newReception(t, smppd.Config{DeliverWindow: window})
	fill(g, 20*window, 20*window)
	p := g.call(smpp.Bind{}, all(silence))
	for range 5 {
		p.next(window)
		time.Sleep(20 * time.Millisecond) // for those that would be too many
		expect(t, "beyond the window", len(p.got), 0)
		for range window {
			p.answer(smpp.StatusOK)
		}
	}
}

// answer answers the oldest deliver_sm that has no answer.
func (p *phone) answer(status smpp.CommandStatus) {
	p.write(status, <-p.open, &smpp.DeliverSMResp{})
}

func raceEnabled() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.ContainsFunc(info.Settings, func(s debug.BuildSetting) bool {
		return s.Key == "-race" && s.Value == "true"
	})
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// fill stores receipts of so many conversations in turn; their err: numbers them
// within one.
func fill(g *reception, n, conversations int) {
	g.t.Helper()
	failed := make(chan error, n)
	for i := range n {
		m := aReceipt(fmt.Sprint(31600000+i%conversations), "Shop", "")
		m.About.Cause = uint32(i / conversations)
		g.db.Accept(m, func(_ storage.ID, err error) { failed <- err })
		if i%5000 == 4999 || i == n-1 {
			for range i%5000 + 1 {
				if err := <-failed; err != nil {
					g.t.Fatal(err)
				}
			}
		}
	}
}

func checkOrder(t *testing.T, p *phone, n int) {
	t.Helper()
	next := map[string]int{}
	limit := time.After(5 * time.Minute)
	for i := range n {
		select {
		case d := <-p.got:
			cause := causeOf(string(d.ShortMessage))
			if cause != next[d.Source.Addr] {
				t.Fatalf("conversation %s: number %d came, want %d", d.Source.Addr, cause, next[d.Source.Addr])
			}
			next[d.Source.Addr]++
		case <-limit:
			t.Fatalf("%d came, want %d", i, n)
		}
	}
}

// causeOf reads err: of a receipt.
func causeOf(text string) (n int) {
	_, rest, _ := strings.Cut(text, "err:")
	fmt.Sscanf(rest, "%d", &n)
	return n
}
