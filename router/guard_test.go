package router

import (
	"fmt"
	"net/netip"
	"testing"
	"time"
)

func TestWaitAfter_DoublesToAnEnd(t *testing.T) {
	for n, want := range map[int]time.Duration{0: 0, 5: 0, 6: time.Second, 7: 2 * time.Second, 10: 16 * time.Second, 11: 30 * time.Second, 1 << 30: 30 * time.Second} {
		if got := waitAfter(n, userFree, userMost); got != want {
			t.Errorf("after %d failures %v, want %v", n, got, want)
		}
	}
}

func TestGuard_ForgetsAfterAWhile(t *testing.T) {
	g, now := newGuard(10), time.Unix(1_800_000_000, 0)
	for range 30 {
		g.failed("acme", homeAddr, true, now)
	}
	if now = now.Add(addressMost - 1); !g.addressWaits(homeAddr, now) {
		t.Error("less than the most")
	}
	if now = now.Add(1); g.addressWaits(homeAddr, now) {
		t.Error("more than the most")
	}
	now = now.Add(guardForget)
	g.failed("acme", homeAddr, true, now)
	if g.addressWaits(homeAddr, now) || g.userWaits("acme", now) {
		t.Error("nothing was forgotten")
	}
}

// Whatever comes, the memory has its bound, and the oldest go.
func TestGuard_Bounded(t *testing.T) {
	g, now := newGuard(100), time.Unix(1_800_000_000, 0)
	for i := range 1000 {
		for range addressFree + 1 {
			g.failed(fmt.Sprint(i), stranger(i), true, now)
		}
		g.succeeded(fmt.Sprint("ok", i), stranger(i))
	}
	for what, n := range map[string]int{
		"addresses": len(g.addresses.entries), "users": len(g.users.entries), "friends": len(g.friends.entries),
		"order": g.addresses.order.Len(),
	} {
		if n != 100 {
			t.Errorf("%d %s, want 100", n, what)
		}
	}
	if !g.addressWaits(stranger(999), now) || g.addressWaits(stranger(1), now) {
		t.Error("not the oldest went")
	}
}

// A customer has a /64: its addresses are one, those of the neighbour are not.
func TestGuard_IPv6_By64(t *testing.T) {
	g, now := newGuard(100), time.Unix(1_800_000_000, 0)
	for i := range addressFree + 1 {
		g.failed("x", netip.MustParseAddr(fmt.Sprintf("2001:db8:0:1::%x", i)), true, now)
	}
	if !g.addressWaits(netip.MustParseAddr("2001:db8:0:1:ffff::"), now) || g.addressWaits(netip.MustParseAddr("2001:db8:0:2::"), now) {
		t.Error("not by /64")
	}
	for range addressFree + 1 {
		g.failed("x", netip.MustParseAddr("::ffff:192.0.2.1"), true, now)
	}
	if !g.addressWaits(homeAddr, now) || g.addressWaits(netip.MustParseAddr("192.0.2.2"), now) {
		t.Error("IPv4 inside IPv6 is not the same as IPv4")
	}
}
