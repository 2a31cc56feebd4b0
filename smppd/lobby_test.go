package smppd

import (
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"gsmgate/smppd/smpp"
)

// hall is a lobby and what became of those who came.
type hall struct {
	*lobby
	now time.Time
	log []string
}

func newHall(places, each, room int) *hall {
	return &hall{lobby: newLobby(Config{MaxUnbound: places, MaxUnboundPerAddress: each, MaxWaiting: room}), now: time.Unix(1000, 0)}
}

func (h *hall) come(name, addr string) {
	h.enter(&newcomer{from: netip.MustParseAddr(addr), since: h.now,
		start: func() { h.log = append(h.log, name) },
		leave: func() { h.log = append(h.log, "-"+name) }})
}

func (h *hall) leaves(addr string) { h.left(netip.MustParseAddr(addr)) }

func (h *hall) expect(t *testing.T, want ...string) {
	t.Helper()
	if !slices.Equal(h.log, want) {
		t.Errorf("let in %v, want %v", h.log, want)
	}
}

func TestLobby_PlacesTaken_OthersWaitInTurn(t *testing.T) {
	h := newHall(3, 2, 10)
	for i := range 4 {
		h.come(fmt.Sprint("a", i), "192.0.2.1")
	}
	h.come("b0", "192.0.2.2")
	h.come("b1", "192.0.2.2")
	h.expect(t, "a0", "a1", "b0")
	h.leaves("192.0.2.2") // a has its two places
	h.expect(t, "a0", "a1", "b0", "b1")
	h.leaves("192.0.2.1")
	h.leaves("192.0.2.2")
	h.expect(t, "a0", "a1", "b0", "b1", "a2") // its third one still has to wait
	h.leaves("192.0.2.1")
	h.expect(t, "a0", "a1", "b0", "b1", "a2", "a3")
}

func TestLobby_IPv6_CountedBy64(t *testing.T) {
	h := newHall(10, 2, 10)
	for i, a := range []string{"2001:db8::1", "2001:db8::2", "2001:db8:0:0:ffff::3", "2001:db8:0:1::1"} {
		h.come(fmt.Sprint(i), a)
	}
	h.expect(t, "0", "1", "3")
	h.leaves("2001:db8::9")
	h.expect(t, "0", "1", "3", "2")
}

func TestLobby_NoRoom_SentAway(t *testing.T) {
	h := newHall(1, 1, 1)
	for i := range 3 {
		h.come(fmt.Sprint(i), "192.0.2.1")
	}
	h.expect(t, "0", "-2")
}

func TestLobby_WaitedTooLong_SentAway(t *testing.T) {
	h := newHall(1, 1, 5)
	h.come("0", "192.0.2.1")
	h.come("1", "192.0.2.1")
	h.now = h.now.Add(lobbyTime + time.Second)
	h.come("2", "192.0.2.1")
	h.expect(t, "0", "-1")
	h.leaves("192.0.2.1")
	h.expect(t, "0", "-1", "2")
}

// Whatever the order of coming and going, nobody is forgotten, no limit is passed, and nobody waits
// while there is a place for him.
func TestLobby_AnyOrder_Property(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		places, each, room := rapid.IntRange(1, 6).Draw(t, "places"), rapid.IntRange(1, 3).Draw(t, "each"), rapid.IntRange(0, 6).Draw(t, "room")
		l := newLobby(Config{MaxUnbound: places, MaxUnboundPerAddress: each, MaxWaiting: room})
		inside := map[netip.Addr]int{}
		came, in, away := 0, 0, 0
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			a := netip.AddrFrom4([4]byte{192, 0, 2, byte(rapid.IntRange(1, 4).Draw(t, "address"))})
			if rapid.Bool().Draw(t, "come") {
				came++
				l.enter(&newcomer{from: a, since: time.Unix(0, 0), start: func() { in++; inside[a]++ }, leave: func() { away++ }})
			} else if inside[a] > 0 {
				inside[a]--
				l.left(a)
			}
			total := 0
			for a, n := range inside {
				if total += n; n > each || n < each && l.taken < places && l.lines[a] != nil {
					t.Fatalf("%d of %v inside", n, a)
				}
			}
			if total != l.taken || total > places || l.waiting > room || came != in+away+l.waiting {
				t.Fatalf("%d inside, %d counted, %d wait; of %d came %d in and %d went away", total, l.taken, l.waiting, came, in, away)
			}
		}
	})
}

// A thousand clients that connect at the same moment from one address, as after a restart behind
// a router, are all let in.
func TestBind_ThousandAtOnceFromOneAddress_AllBound(t *testing.T) {
	r, addr := listenOn(t, Config{SessionInit: time.Minute, MaxSessions: 2000}, newBackend(), false)
	var wg sync.WaitGroup
	for range 1000 {
		p := &peer{t: t, conn: dialFrom(t, "127.0.0.1", addr)}
		p.r = smpp.NewReader(p.conn, 0)
		wg.Go(func() {
			if _, err := p.conn.Write(frame(t, 1, bindPDU(TRX))); err != nil {
				t.Error(err)
			}
			if h, _, err := p.recv(); err != nil || h.Status != smpp.StatusOK {
				t.Errorf("bind: %v, %v", h.Status, err)
			}
		})
	}
	wg.Wait()
	if st := r.srv.Stats(); st.Bound != 1000 || st.Crowded != 0 {
		t.Errorf("counted %+v", st)
	}
}

// The server stops while connections wait for their turn: they are closed, and nothing is left.
func TestStop_ConnectionsWaiting_Closed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, Config{MaxUnbound: 1, SessionInit: time.Hour}, newBackend())
		all := []*peer{r.connect(), r.connect(), r.connect()}
		synctest.Wait()
		if n := r.srv.lobby.count(); n != 2 {
			t.Errorf("%d connections wait, want 2", n)
		}
		r.stop()
		for _, p := range all {
			p.expectEnd()
		}
	})
}
