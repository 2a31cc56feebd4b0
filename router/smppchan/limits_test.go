package smppchan

import (
	"testing"

	"gsmgate/router"
	"gsmgate/smppd"
	"gsmgate/smppd/smpp"
)

// submit sends one message and gives its status.
func (c *caller) submit() smpp.CommandStatus {
	c.t.Helper()
	h, err := c.do(&smpp.SubmitSM{Dest: smpp.Address{TON: 1, NPI: 1, Addr: "31612345678"}, ShortMessage: []byte("Hi")})
	if err != nil {
		c.t.Fatal(err)
	}
	return h.Status
}

// All sessions of a user share its rate, beyond it they hear ESME_RTHROTTLED;
// other users do not notice, and a new rate holds at once.
func TestUserRate_SharedBySessions_ChangedAtOnce(t *testing.T) {
	slow, other := acme(), acme()
	slow.Rate, other.SystemID = ptr(1), "other"
	h := newHouse(t, smppd.Config{}, slow, other)
	first, second, third := h.call(), h.call(), h.call()
	first.bind("acme", "secret")
	second.bind("acme", "secret")
	third.bind("other", "secret")
	throttled := 0
	for range 20 {
		for _, c := range []*caller{first, second} {
			if status := c.submit(); status == smpp.StatusThrottled {
				throttled++
			} else if status != smpp.StatusOK {
				t.Fatalf("%s", status)
			}
		}
		if status := third.submit(); status != smpp.StatusOK {
			t.Fatalf("another user: %s", status)
		}
	}
	if throttled == 0 {
		t.Errorf("none of 40 was throttled, with one message a second")
	}
	if _, err := h.router.SetUser(t.Context(), "acme", router.UserChange{UserSettings: router.UserSettings{Rate: ptr(0)}}); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		if status := first.submit(); status != smpp.StatusOK {
			t.Fatalf("without a rate: %s", status)
		}
	}
}

// A user's window is its sessions' window, also when it is changed.
func TestUserWindow_ChangedAtOnce(t *testing.T) {
	spec := acme()
	spec.Window = ptr(3)
	h := newHouse(t, smppd.Config{Window: 50}, spec)
	c := h.call()
	c.bind("acme", "secret")
	c.submit() // it is bound for both sides
	for _, want := range []int{3, 7, 50} {
		if got := h.server.Sessions()[0].Window; got != want {
			t.Errorf("window %d, want %d", got, want)
		}
		next := map[int]int{3: 7, 7: 0, 50: 0}[want]
		if _, err := h.router.SetUser(t.Context(), "acme", router.UserChange{UserSettings: router.UserSettings{Window: &next}}); err != nil {
			t.Fatal(err)
		}
	}
}
