package smppchan

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"gsmgate/router"
	"gsmgate/smppd"
	"gsmgate/smppd/smpp"
	"gsmgate/storage"
)

// The published table of what a bind hears.
func TestBind_OneTableOfStatuses(t *testing.T) {
	off, far, cert, full := acme(), acme(), acme(), acme()
	off.SystemID, off.Disabled = "off", true
	far.SystemID, far.AllowedFrom = "far", &[]string{"192.0.2.0/24"}
	cert.SystemID, cert.CertAuth, cert.CertNames = "cert", ptr("both"), &[]string{"x"}
	full.SystemID, full.MaxSessions = "full", ptr(1)
	h := newHouse(t, smppd.Config{}, acme(), off, far, cert, full)
	if got := h.call().bind("full", "secret"); got != smpp.StatusOK {
		t.Fatalf("first of one session: %s", got)
	}
	for _, tc := range []struct {
		name, user, password string
		want                 smpp.CommandStatus
	}{
		{"right", "acme", "secret", smpp.StatusOK},
		{"wrong password", "acme", "wrong", smpp.StatusBindFail},
		{"no password", "acme", "", smpp.StatusBindFail},
		{"unknown user", "nobody", "secret", smpp.StatusBindFail},
		{"disabled user", "off", "secret", smpp.StatusBindFail},
		{"wrong address", "far", "secret", smpp.StatusBindFail},
		{"certificate missing", "cert", "secret", smpp.StatusBindFail},
		{"too many sessions", "full", "secret", smpp.StatusBindFail},
	} {
		if got := h.call().bind(tc.user, tc.password); got != tc.want {
			t.Errorf("%s: %s, want %s", tc.name, got, tc.want)
		}
	}
}

// What goes wrong on this side is never a wrong password.
func TestBindError_FailureOfThisSide_SystemError(t *testing.T) {
	for want, errs := range map[smpp.CommandStatus][]error{
		smpp.StatusBindFail: {&router.Error{Code: router.Denied, Err: router.RefusedPassword}},
		smpp.StatusSysErr: {
			&router.Error{Code: router.Busy, Message: "busy"}, &router.Error{Code: router.Internal, Message: "internal"}, context.DeadlineExceeded, errors.New("unknown"),
		},
	} {
		for _, err := range errs {
			var se *smpp.Error
			if got := bindError(err); !errors.As(got, &se) || se.Status != want {
				t.Errorf("%v gives %v, want %s", err, got, want)
			}
		}
	}
	if err := bindError(nil); err != nil {
		t.Error(err)
	}
}

// Of many binds at once no more get in than the user may have sessions, and no
// fewer.
func TestBind_MaxSessions_LastPlaceTakenOnce(t *testing.T) {
	spec := acme()
	spec.MaxSessions = ptr(3)
	h := newHouse(t, smppd.Config{}, spec)
	var mu sync.Mutex
	statuses := map[smpp.CommandStatus]int{}
	var all sync.WaitGroup
	for range 20 {
		c := h.call()
		all.Go(func() {
			status := c.bind("acme", "secret")
			mu.Lock()
			defer mu.Unlock()
			statuses[status]++
		})
	}
	all.Wait()
	if statuses[smpp.StatusOK] != 3 || statuses[smpp.StatusBindFail] != 17 {
		t.Errorf("%v", statuses)
	}
}

// A session that ends gives its place back, whether it unbinds or is cut off.
func TestBind_MaxSessions_PlaceFreedAtTheEnd(t *testing.T) {
	spec := acme()
	spec.MaxSessions = ptr(1)
	h := newHouse(t, smppd.Config{}, spec)
	for i := range 6 {
		c := h.call()
		for h.server.Stats().Bound > 0 {
			time.Sleep(time.Millisecond)
		}
		if got := c.bind("acme", "secret"); got != smpp.StatusOK {
			t.Fatalf("session %d: %s", i, got)
		}
		if i%2 == 0 {
			if head, err := c.do(&smpp.Unbind{}); err != nil || head.ID != smpp.IDUnbindResp {
				t.Fatalf("%v, %v", head, err)
			}
		}
		c.conn.Close()
	}
}

// Fewer sessions than there are end those that came last, at once.
func TestBind_MaxSessions_LoweredWhileBound_LastOnesEnd(t *testing.T) {
	h := newHouse(t, smppd.Config{}, acme())
	var all []*caller
	for range 4 {
		c := h.call()
		if got := c.bind("acme", "secret"); got != smpp.StatusOK {
			t.Fatal(got)
		}
		all = append(all, c)
	}
	_, err := h.router.SetUser(t.Context(), "acme", router.UserChange{UserSettings: router.UserSettings{MaxSessions: ptr(2)}})
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range all[2:] {
		if frame, err := c.r.ReadFrame(); err != nil {
			t.Errorf("session %d: %v", i+3, err)
		} else if head, _, err := smpp.Parse(frame); err != nil || head.ID != smpp.IDUnbind {
			t.Errorf("session %d hears %v, %v", i+3, head, err)
		}
		c.conn.Close()
	}
	for i, c := range all[:2] {
		if head, err := c.do(&smpp.EnquireLink{}); err != nil || head.ID != smpp.IDEnquireLinkResp {
			t.Errorf("session %d: %v, %v", i+1, head, err)
		}
	}
	if got := h.call().bind("acme", "secret"); got != smpp.StatusBindFail {
		t.Errorf("one more: %s", got)
	}
}

// A place that was taken for a bind which then did not come about is free when
// its connection is over, or tries again; nobody is told of those.
func TestGuests_BindThatDidNotComeAbout_FreesItsPlace(t *testing.T) {
	gs := newGuests()
	here := router.Admission{User: storage.User{SystemID: "acme", MaxSessions: 1}}
	first, second := &guest{session: deadSession(t)}, &guest{session: &smppd.Session{}}
	if !gs.take(first, here) {
		t.Fatal("no place for the first")
	}
	if !gs.take(second, here) {
		t.Error("the place of a connection that is over is not free")
	}
	if !gs.take(&guest{session: second.session}, here) {
		t.Error("the place of an earlier try of the same connection is not free")
	}
	if gs.take(&guest{session: &smppd.Session{}}, here) {
		t.Error("two have the one place")
	}
}

// deadSession is a session that is over.
func deadSession(t *testing.T) *smppd.Session {
	t.Helper()
	h := newHouse(t, smppd.Config{}, acme())
	if got := h.call().bind("acme", "secret"); got != smpp.StatusOK {
		t.Fatal(got)
	}
	s, ok := h.server.Session(h.server.Sessions()[0].ID)
	if !ok {
		t.Fatal("no session")
	}
	s.Close("over")
	<-s.Done()
	return s
}

// All sessions of a user share one bucket, which a new bind does not fill.
func TestGuests_Limiter_OneForAUser(t *testing.T) {
	gs, u := newGuests(), storage.User{SystemID: "acme", Rate: 50}
	l := gs.limiter(u)
	if l.Limit() != 50 || l.Burst() != 50 {
		t.Errorf("limit %v, burst %d", l.Limit(), l.Burst())
	}
	if again := gs.limiter(u); again != l {
		t.Error("a second bucket")
	}
	u.Rate = 1
	if again := gs.limiter(u); again != l || l.Limit() != 1 || l.Burst() != 1 {
		t.Errorf("changed: limit %v, burst %d", l.Limit(), l.Burst())
	}
	u.Rate = 0
	if gs.limiter(u) != nil {
		t.Error("a bucket without a limit")
	}
}

// A change of a user reaches its sessions at once, and nobody else's.
func TestUserChange_LiveSessions(t *testing.T) {
	other := acme()
	other.SystemID = "other"
	for name, change := range map[string]router.UserChange{
		"disabled":    {Enabled: ptr(false)},
		"address":     {UserSettings: router.UserSettings{AllowedFrom: &[]string{"192.0.2.0/24"}}},
		"certificate": {UserSettings: router.UserSettings{CertAuth: ptr("both"), CertNames: &[]string{"x"}}},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, smppd.Config{}, acme(), other)
			mine, theirs := h.call(), h.call()
			if mine.bind("acme", "secret") != smpp.StatusOK || theirs.bind("other", "secret") != smpp.StatusOK {
				t.Fatal("not bound")
			}
			if _, err := h.router.SetUser(t.Context(), "acme", change); err != nil {
				t.Fatal(err)
			}
			frame, err := mine.r.ReadFrame()
			if err != nil {
				t.Fatalf("no unbind: %v", err)
			}
			if head, _, _ := smpp.Parse(frame); head.ID != smpp.IDUnbind {
				t.Errorf("%v, want unbind", head.ID)
			}
			if head, err := theirs.do(&smpp.EnquireLink{}); err != nil || head.Status != smpp.StatusOK {
				t.Errorf("another user's session: %v, %v", head, err)
			}
		})
	}
}

// A change between the permission and the bind is not missed.
func TestWelcome_UserDisabledMeanwhile_SessionClosed(t *testing.T) {
	h := newHouse(t, smppd.Config{}, acme())
	c := h.call()
	h.ch.guests.mu.Lock() // the bind stops in Take: it is permitted, and has no place yet
	sent := make(chan smpp.CommandStatus)
	go func() { sent <- c.bind("acme", "secret") }()
	for h.router.Binds().Hashes == 0 {
		time.Sleep(time.Millisecond)
	}
	u, _ := h.router.UserRecord("acme")
	changed := make(chan error)
	go func() {
		_, err := h.router.SetUser(context.Background(), "acme", router.UserChange{Enabled: ptr(false)})
		changed <- err
	}()
	for u.Enabled {
		u, _ = h.router.UserRecord("acme")
		time.Sleep(time.Millisecond)
	}
	h.ch.guests.mu.Unlock()
	if err := <-changed; err != nil {
		t.Error(err)
	}
	if status := <-sent; status != smpp.StatusOK {
		return // it was seen before the bind
	}
	for {
		frame, err := c.r.ReadFrame()
		if err != nil {
			t.Fatalf("it was not told to unbind: %v", err)
		}
		if head, _, _ := smpp.Parse(frame); head.ID == smpp.IDUnbind {
			return
		}
	}
}

func TestCloseUser_AllOfItsSessions(t *testing.T) {
	h := newHouse(t, smppd.Config{}, acme())
	var all []*caller
	for range 3 {
		c := h.call()
		c.bind("acme", "secret")
		all = append(all, c)
	}
	for h.server.Stats().Bound < 3 {
		time.Sleep(time.Millisecond)
	}
	if n := h.ch.CloseUser("acme", "test"); n != 3 {
		t.Errorf("%d sessions, want 3", n)
	}
	for _, c := range all {
		frame, err := c.r.ReadFrame()
		if err != nil {
			t.Fatal(err)
		}
		if head, _, _ := smpp.Parse(frame); head.ID != smpp.IDUnbind {
			t.Errorf("%v, want unbind", head.ID)
		}
	}
	if n := h.ch.CloseUser("nobody", "test"); n != 0 {
		t.Errorf("%d sessions of nobody", n)
	}
}

// While others flood with wrong binds, a bound client is answered, and the
// flood costs only the few hashes that are free of waiting.
func TestBind_Flood_BoundClientGoesOn(t *testing.T) {
	h := newHouse(t, smppd.Config{}, acme())
	c := h.call()
	if got := c.bind("acme", "secret"); got != smpp.StatusOK {
		t.Fatal(got)
	}
	before := h.router.Binds()
	stop := make(chan struct{})
	var flood sync.WaitGroup
	for i := range 8 {
		flood.Go(func() {
			for !isClosed(stop) {
				wrong := h.callFrom(byte(2 + i))
				if status := wrong.bind("acme", "wrong"); status != smpp.StatusBindFail && status != smpp.StatusSysErr {
					t.Errorf("a wrong bind hears %s", status)
				}
				wrong.conn.Close()
			}
		})
	}
	refused := func() (n uint64) {
		for _, count := range h.router.Binds().Refused {
			n += count
		}
		return n
	}
	submitted := 0
	for refused() < 400 {
		head, err := c.do(&smpp.SubmitSM{Dest: smpp.Address{TON: 1, NPI: 1, Addr: "31612345678"}, ShortMessage: []byte("Hi")})
		if err != nil || head.Status != smpp.StatusOK {
			t.Errorf("submit %d: %v, %v", submitted, head, err)
			break
		}
		submitted++
	}
	if got := h.call().bind("acme", "secret"); got != smpp.StatusOK {
		t.Errorf("the client binds once more during the flood: %s", got)
	}
	close(stop)
	flood.Wait()
	b := h.router.Binds()
	t.Logf("%d wrong binds cost %d hashes; %d messages were taken meanwhile", refused(), b.Hashes-before.Hashes, submitted)
	// One failure in a second or more is tried after the free ones.
	if most := before.Hashes + 20; b.Hashes > most {
		t.Errorf("%d hashes, want %d at most", b.Hashes, most)
	}
	if submitted == 0 {
		t.Error("the bound client was not answered")
	}
}

func TestAddrOf(t *testing.T) {
	for _, tc := range []struct {
		a    net.Addr
		want netip.Addr
	}{
		{&net.TCPAddr{IP: net.ParseIP("192.0.2.1"), Port: 1}, netip.MustParseAddr("192.0.2.1")},
		{&net.TCPAddr{IP: net.ParseIP("2001:db8::1"), Port: 1}, netip.MustParseAddr("2001:db8::1")},
		{&net.UnixAddr{Name: "x"}, netip.Addr{}},
	} {
		if got := addrOf(tc.a); got != tc.want {
			t.Errorf("%v: %v", tc.a, got)
		}
	}
}
