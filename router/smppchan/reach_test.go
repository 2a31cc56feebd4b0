package smppchan

import (
	"errors"
	"strings"
	"testing"
	"time"

	"gsmgate/smppd"
	"gsmgate/smppd/smpp"
	"gsmgate/storage"
)

func TestReach_Expressions(t *testing.T) {
	for _, c := range []struct{ expression, in, out string }{
		{"", "31612345678 Shop 1", ""},
		{"*", "31612345678 Shop", ""},
		{"^31.*", "31612345678 +31612345678", "4931612 Shop"},
		{"^+31", "31612345678 +31612345678", "4931612"},
		{"+31612345678", "31612345678 +31612345678", "31612345679"},
		{`^\+31`, "31612345678 +31612345678", "49"},
		{`^31\d+$`, "31612345678", "31x"},
		{"12345", "12345 0123456 +12345", "1234 Shop"}, // no anchors: anywhere
		{"^12345$", "12345 +12345", "123456 012345"},
		{"^[^4+]", "31 Shop", "49"},
		{"^3161[0-4]", "31612", "31615"},
		{"^(31|49)", "31 49", "33"},
		{"Shop", "Shop", "31"},
		{"^$", "", "31"},
	} {
		r, err := reachOf(c.expression)
		if err != nil {
			t.Errorf("%q: %v", c.expression, err)
			continue
		}
		for _, addr := range strings.Fields(c.in) {
			if !within(r, storage.Address{Addr: addr}) {
				t.Errorf("%q leaves %s out", c.expression, addr)
			}
		}
		for _, addr := range strings.Fields(c.out) {
			if within(r, storage.Address{Addr: addr}) {
				t.Errorf("%q takes %s", c.expression, addr)
			}
		}
	}
}

func TestReach_Unreadable_BindFails(t *testing.T) {
	for _, expression := range []string{"[", "(", "a**b(", "[z-a]", ".{999}.{999}", "((x{30}){30}){30}"} {
		_, err := reachOf(expression)
		var e *smpp.Error
		if !errors.As(err, &e) || e.Status != smpp.StatusBindFail || e.Field != "address_range" {
			t.Errorf("%q: %v", expression, err)
		}
	}
	g := newReception(t, smppd.Config{})
	expect(t, "bind_receiver", g.call(smpp.Bind{ID: smpp.IDBindReceiver, AddressRange: "["}, all(smpp.StatusOK)).code, smpp.StatusBindFail)
	expect(t, "bind_transmitter", g.call(smpp.Bind{ID: smpp.IDBindTransmitter, AddressRange: "["}, all(smpp.StatusOK)).code, smpp.StatusOK)
}

func FuzzReach(f *testing.F) {
	for _, s := range []string{"", "*", "^31.*", "+31", "[", "((x{30}){30})", "(a|b)*c"} {
		f.Add(s, "+31612345678")
	}
	f.Fuzz(func(t *testing.T, expression, addr string) {
		if len(expression) > 40 {
			return
		}
		r, err := reachOf(expression)
		if err == nil && r == nil && expression != "" && expression != "*" {
			t.Errorf("%q is everything", expression)
		}
		if err == nil {
			within(r, storage.Address{Addr: addr})
		}
	})
}

func TestAddressRange_NarrowsWhatASessionGets_AndNeverWidens(t *testing.T) {
	g := newReception(t, smppd.Config{})
	one := g.call(smpp.Bind{ID: smpp.IDBindReceiver, AddressRange: "^3161"}, all(smpp.StatusOK))
	stuck := g.mo("a", "+31621", "for two")
	foreign := g.mo("a", "49151", "for nobody")
	g.await(g.mo("a", "+31611", "for one"), storage.Delivered)
	expect(t, "one got", one.next(1), []string{"for one"})
	if why := g.r.Why(g.await(stuck, storage.Enroute)); !strings.Contains(why, "no bound session of user acme takes destination +31621") {
		t.Errorf("it waits: %s", why)
	}
	two := g.call(smpp.Bind{AddressRange: "^(3162|49)"}, all(smpp.StatusOK))
	g.await(stuck, storage.Delivered)
	expect(t, "two got", two.next(1), []string{"for two"})
	for range 10 {
		g.await(g.mo("b", "31612", "more"), storage.Delivered)
	}
	expect(t, "two got more", len(two.got), 0)
	if m := g.await(foreign, storage.Enroute); m.User != "" {
		t.Errorf("user %s got what it does not own", m.User)
	}
}

// Receipts go to the session that asked for them, whatever its range, else to
// one whose range holds them. One that no range holds is not lost: a client that
// submits by one session and receives by another has its receipts.
func TestAddressRange_Receipts(t *testing.T) {
	g := newReception(t, smppd.Config{})
	outside, inside := g.keep(aReceipt("316", "Shop", "another")), g.keep(aReceipt("316", "31611", "another"))
	g.call(smpp.Bind{AddressRange: "^31"}, all(smpp.StatusOK))
	g.await(inside, storage.Delivered)
	g.await(outside, storage.Delivered)

	c := newClient()
	narrow, _ := reachOf("^31")
	c.add(&smppd.Session{}, narrow)
	c.add(&smppd.Session{}, nil)
	for range 4 {
		if got := c.pick(aReceipt("316", "Shop", "another"), time.Now()); got != c.members[1] {
			t.Error("a receipt went to a session whose range leaves it out, though another takes it")
		}
	}
}
