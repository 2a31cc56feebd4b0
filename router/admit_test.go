package router

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gsmgate/storage"
	"gsmgate/storage/storagetest"
)

// entrance is a router whose clock the test moves.
type entrance struct {
	t   *testing.T
	r   *Router
	mu  sync.Mutex
	now time.Time
}

func newEntrance(t *testing.T, users ...UserSpec) *entrance {
	t.Helper()
	e := &entrance{t: t, now: time.Unix(1_800_000_000, 0)}
	e.r = New(storagetest.Open(t), Options{Now: func() time.Time {
		e.mu.Lock()
		defer e.mu.Unlock()
		return e.now
	}})
	for _, u := range users {
		if _, err := e.r.AddUser(t.Context(), u); err != nil {
			t.Fatal(err)
		}
	}
	return e
}

func (e *entrance) pass(d time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.now = e.now.Add(d)
}

var homeAddr = netip.MustParseAddr("192.0.2.1")

// stranger is the i-th of many addresses.
func stranger(i int) netip.Addr { return netip.AddrFrom4([4]byte{198, 51, byte(i >> 8), byte(i)}) }

// try gives why a bind was refused, or "" when it was accepted.
func (e *entrance) try(c Claim) string {
	e.t.Helper()
	before := e.r.Binds()
	_, err := e.r.Admit(e.t.Context(), c)
	after := e.r.Binds()
	for i := range after.Refused {
		if after.Refused[i] == before.Refused[i] {
			continue
		}
		var re *Error
		if internal := Refusal(i) == FailedBusy || Refusal(i) == FailedInternal; !errors.As(err, &re) || (re.Code == Denied) == internal {
			e.t.Errorf("%v gives %v", Refusal(i), err)
		}
		return Refusal(i).String()
	}
	if err != nil || after.Accepted != before.Accepted+1 {
		e.t.Errorf("accepted with %v, and counted %d times", err, after.Accepted-before.Accepted)
	}
	return ""
}

func (e *entrance) want(what string, c Claim, why string) {
	e.t.Helper()
	if got := e.try(c); got != why {
		e.t.Errorf("%s: refused %q, want %q", what, got, why)
	}
}

func acme() UserSpec { return UserSpec{SystemID: "acme", Password: "secret"} }

func TestAdmit_RightPasswordOnly_AlsoOnceItIsKnown(t *testing.T) {
	e := newEntrance(t, acme())
	check := func(when, password, why string) {
		t.Helper()
		for range 2 { // the second time it may be known
			e.want(when+" "+password, Claim{SystemID: "acme", Password: password}, why)
		}
	}
	check("at first", "secret", "")
	check("after the right one", "Secret", "password")
	check("after the right one", "", "password")
	e.want("nobody", Claim{SystemID: "nobody", Password: "secret"}, "unknown_user")
	set := func(c UserChange) {
		t.Helper()
		if _, err := e.r.SetUser(t.Context(), "acme", c); err != nil {
			t.Fatal(err)
		}
	}
	set(UserChange{Password: ptr("other")})
	check("changed", "secret", "password")
	check("changed", "other", "")
	set(UserChange{Enabled: ptr(false)})
	check("disabled", "other", "disabled")
	set(UserChange{Enabled: ptr(true)})
	check("enabled again", "other", "")
}

// A flood of wrong binds holds every slot for hashing.
func TestAdmit_KnownPassword_WaitsForNobody(t *testing.T) {
	e := newEntrance(t, acme())
	right := Claim{SystemID: "acme", Password: "secret"}
	e.want("at first", right, "")
	for range cap(e.r.door.slots) {
		e.r.door.slots <- struct{}{}
	}
	e.want("while all slots are taken", right, "")
}

// Whoever waits for a slot waits for a time, and the queue has an end. Neither
// is a wrong password.
func TestAdmit_SlotsTaken_BusyIsNotAWrongPassword(t *testing.T) {
	e := newEntrance(t, acme())
	for range cap(e.r.door.slots) {
		e.r.door.slots <- struct{}{}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := e.r.Admit(ctx, Claim{SystemID: "acme", Password: "secret", Addr: homeAddr})
	var re *Error
	if !errors.As(err, &re) || re.Code != Busy || !errors.Is(err, context.Canceled) {
		t.Errorf("past its time: %v", err)
	}
	e.r.door.waiting.Add(maxWaiting)
	e.want("the queue is full", Claim{SystemID: "acme", Password: "secret", Addr: homeAddr}, "busy")
	if n := e.r.door.waiting.Load(); n != maxWaiting {
		t.Errorf("%d wait, want %d", n, maxWaiting)
	}
	if b := e.r.Binds(); b.Refused[FailedBusy] != 2 || b.WaitingAddresses+b.WaitingUsers != 0 || b.Hashes != 0 {
		t.Errorf("%+v", b)
	}
}

func TestAdmit_UnreadableHash_IsNotAWrongPassword(t *testing.T) {
	e := newEntrance(t, acme())
	for _, broken := range []string{"", "plain", "$argon2id$v=19$m=0$x$y", importedTag + "12"} {
		u, _ := e.r.db.User("acme")
		u.Password = broken
		if err := e.r.db.PutUser(t.Context(), u, false); err != nil {
			t.Fatal(err)
		}
		for range addressFree + 1 {
			e.want(broken, Claim{SystemID: "acme", Password: "secret", Addr: homeAddr}, "internal")
		}
	}
}

func TestAdmit_Networks(t *testing.T) {
	spec := acme()
	spec.AllowedFrom = &[]string{"192.0.2.0/28", "2001:db8:1::/48"}
	e := newEntrance(t, spec)
	for addr, why := range map[string]string{
		"192.0.2.1": "", "192.0.2.15": "", "192.0.2.16": "address", "::ffff:192.0.2.1": "", "2001:db8:1::9": "", "2001:db8:2::9": "address", "fe80::1%eth0": "address",
	} {
		e.want(addr, Claim{SystemID: "acme", Password: "secret", Addr: netip.MustParseAddr(addr)}, why)
	}
	e.want("no address", Claim{SystemID: "acme", Password: "secret"}, "address")
}

func TestAdmit_Certificates(t *testing.T) {
	spec := func(name, auth string) UserSpec {
		return UserSpec{SystemID: name, Password: "secret", UserSettings: UserSettings{CertNames: &[]string{"acme.example", "CN of acme"}, CertAuth: &auth}}
	}
	e := newEntrance(t, spec("none", ""), spec("either", "either"), spec("both", "both"))
	right, wrong := []string{"x", "acme.example"}, []string{"ACME.example", "other"}
	for _, tc := range []struct {
		user, password string
		names          []string
		why            string
	}{
		{"none", "secret", nil, ""}, {"none", "", right, "password"}, {"none", "secret", wrong, ""},
		{"either", "secret", nil, ""}, {"either", "", right, ""}, {"either", "", wrong, "password"}, {"either", "", nil, "password"},
		{"either", "wrong", right, "password"}, {"either", "secret", right, ""},
		{"both", "secret", right, ""}, {"both", "secret", nil, "certificate"}, {"both", "secret", wrong, "certificate"}, {"both", "", right, "password"}, {"both", "wrong", right, "password"},
	} {
		e.want(fmt.Sprintf("%+v", tc), Claim{SystemID: tc.user, Password: tc.password, CertNames: tc.names}, tc.why)
	}
	a, err := e.r.Admit(t.Context(), Claim{SystemID: "either", CertNames: right})
	if err != nil || !a.ByCert {
		t.Errorf("%+v, %v", a, err)
	}
	// Strangers cannot lock out who has the certificate.
	for i := range 20 {
		e.try(Claim{SystemID: "either", Password: "guess", Addr: stranger(i)})
	}
	e.want("after guesses of others", Claim{SystemID: "either", Addr: homeAddr, CertNames: right}, "")
}

// Behind one address with those who guess, a certificate is no guess.
func TestAdmit_CertificateFromAnAddressThatWaits_Admitted(t *testing.T) {
	either, names := "either", []string{"acme.example"}
	e := newEntrance(t, UserSpec{SystemID: "acme", Password: "secret", UserSettings: UserSettings{CertNames: &names, CertAuth: &either}})
	for i := range addressFree + 1 {
		e.try(Claim{SystemID: fmt.Sprint("x", i), Password: "guess", Addr: homeAddr})
	}
	e.want("without it", Claim{SystemID: "acme", Password: "secret", Addr: homeAddr}, "address_waits")
	e.want("of somebody else", Claim{SystemID: "acme", Addr: homeAddr, CertNames: []string{"other"}}, "address_waits")
	e.want("its own", Claim{SystemID: "acme", Addr: homeAddr, CertNames: names}, "")
}

func TestAdmit_TooManySessions_IsNobodysFault(t *testing.T) {
	e := newEntrance(t, acme())
	full := Claim{SystemID: "acme", Password: "secret", Addr: homeAddr, Take: func(Admission) bool { return false }}
	for range 2 * addressFree {
		e.want("full", full, "sessions")
	}
	full.Take = func(a Admission) bool { return a.User.SystemID == "acme" }
	e.want("a place is free", full, "")
}

// From one address: a few for nothing, then waiting that doubles, without a
// hash, whatever the system_id.
func TestAdmit_BackOffOfAnAddress(t *testing.T) {
	e := newEntrance(t, acme())
	for i := range addressFree + 1 {
		e.want("at first", Claim{SystemID: fmt.Sprint("x", i), Password: "guess", Addr: homeAddr}, "unknown_user")
	}
	hashes := e.r.Binds().Hashes
	right := Claim{SystemID: "acme", Password: "secret", Addr: homeAddr}
	for range 100 {
		e.want("too soon", right, "address_waits")
	}
	if n := e.r.Binds().Hashes - hashes; n != 0 {
		t.Errorf("%d hashes for binds that must wait", n)
	}
	if b := e.r.Binds(); b.WaitingAddresses != 1 || b.WaitingUsers != 0 {
		t.Errorf("%+v", b)
	}
	e.want("from elsewhere", Claim{SystemID: "acme", Password: "secret", Addr: stranger(1)}, "")
	e.pass(time.Second)
	e.want("after a second", Claim{SystemID: "y", Password: "guess", Addr: homeAddr}, "unknown_user")
	e.pass(time.Second)
	e.want("after one more", right, "address_waits")
	e.pass(time.Second)
	e.want("after two", right, "")
	// Its own failures are forgotten only by its own success.
	e.want("failures of others stay", Claim{SystemID: "z", Password: "guess", Addr: homeAddr}, "unknown_user")
	e.want("but not for a friend", right, "")
	e.want("who is one for himself", Claim{SystemID: "other", Password: "secret", Addr: homeAddr}, "address_waits")
}

// A friend's address may not be used to guess for ever at what is known.
func TestAdmit_FriendWhoGuesses_IsNone(t *testing.T) {
	e := newEntrance(t, acme())
	right := Claim{SystemID: "acme", Password: "secret", Addr: homeAddr}
	e.want("at first", right, "")
	for i := range addressFree + 1 {
		e.try(Claim{SystemID: fmt.Sprint("x", i), Password: "guess", Addr: homeAddr})
	}
	for range userFree + 1 {
		e.want("a guess", Claim{SystemID: "acme", Password: "guess", Addr: homeAddr}, "address_waits")
	}
	e.want("a friend no more", right, "address_waits")
}

// A system_id that is guessed at from everywhere: neither who is known nor who
// comes from a known address waits.
func TestAdmit_BackOffOfASystemID(t *testing.T) {
	e := newEntrance(t, acme(), UserSpec{SystemID: "new", Password: "secret"})
	for i := range userFree + 1 {
		e.want("at first", Claim{SystemID: "acme", Password: "guess", Addr: stranger(i)}, "password")
		e.want("at first", Claim{SystemID: "new", Password: "guess", Addr: stranger(i)}, "password")
	}
	e.want("nobody knows it", Claim{SystemID: "acme", Password: "secret", Addr: homeAddr}, "user_waits")
	e.pass(time.Second)
	e.want("after a second", Claim{SystemID: "acme", Password: "secret", Addr: homeAddr}, "")
	for i := range 100 {
		e.try(Claim{SystemID: "acme", Password: "guess", Addr: stranger(i)})
	}
	e.want("known, from elsewhere", Claim{SystemID: "acme", Password: "secret", Addr: stranger(1000)}, "")
	for i := range 100 {
		e.try(Claim{SystemID: "acme", Password: "guess", Addr: stranger(i)})
	}
	if _, err := e.r.SetUser(t.Context(), "acme", UserChange{Password: ptr("fresh")}); err != nil {
		t.Fatal(err)
	}
	e.want("changed by the operator", Claim{SystemID: "acme", Password: "fresh", Addr: stranger(2000)}, "")
	e.want("the other", Claim{SystemID: "new", Password: "secret", Addr: homeAddr}, "")
}

// After a restart nobody's password is known. A client comes in from where it
// has bound before, whatever strangers guess meanwhile.
func TestAdmit_AfterARestart_FromAKnownAddress_NoWaiting(t *testing.T) {
	e := newEntrance(t, acme())
	e.want("before", Claim{SystemID: "acme", Password: "secret", Addr: homeAddr}, "")
	e.r.jobs.stop() // which waits until it is on disk
	e.r = New(e.r.db, e.r.o)
	for i := range userFree + 1 {
		e.want("guesses", Claim{SystemID: "acme", Password: "guess", Addr: stranger(i)}, "password")
	}
	e.want("from elsewhere", Claim{SystemID: "acme", Password: "secret", Addr: stranger(500)}, "user_waits")
	e.want("from where it was", Claim{SystemID: "acme", Password: "secret", Addr: homeAddr}, "")
}

// Of many addresses the newest are kept.
func TestAdmit_ManyAddresses_NewestKept(t *testing.T) {
	e := newEntrance(t, acme())
	for i := range mostBoundFrom + 3 {
		e.want("bind", Claim{SystemID: "acme", Password: "secret", Addr: stranger(i)}, "")
		e.r.jobs.running.Wait()
	}
	u, _ := e.r.UserRecord("acme")
	if n := len(u.BoundFrom); n != mostBoundFrom || u.BoundFrom[n-1] != stranger(mostBoundFrom+2).String() {
		t.Errorf("kept %v", u.BoundFrom)
	}
}

// While a system_id must wait, what is compared with a known password is a
// guess, and counts for its address.
func TestAdmit_GuessesWhileASystemIDWaits_CountForTheAddress(t *testing.T) {
	e := newEntrance(t, acme())
	e.want("known", Claim{SystemID: "acme", Password: "secret", Addr: homeAddr}, "")
	for i := range userFree + 1 {
		e.try(Claim{SystemID: "acme", Password: "guess", Addr: stranger(i)})
	}
	for range addressFree + 1 {
		e.want("guesses", Claim{SystemID: "acme", Password: "guess", Addr: stranger(500)}, "user_waits")
	}
	e.want("one too many", Claim{SystemID: "acme", Password: "secret", Addr: stranger(500)}, "address_waits")
}

// A hundred wrong binds at once cost no more hashes than those that are free.
func TestAdmit_ManyAtOnce_FewHashes(t *testing.T) {
	e := newEntrance(t, acme())
	var flood sync.WaitGroup
	for range 100 {
		flood.Go(func() { _, _ = e.r.Admit(t.Context(), Claim{SystemID: "acme", Password: "guess", Addr: homeAddr}) })
	}
	flood.Wait()
	b := e.r.Binds()
	if most := uint64(userFree + 1 + cap(e.r.door.slots)); b.Hashes > most || b.Accepted != 0 {
		t.Errorf("%d hashes, want %d at most: %+v", b.Hashes, most, b)
	}
}

func TestStillAdmitted(t *testing.T) {
	u := storage.User{Enabled: true, AllowedFrom: []string{"192.0.2.0/24"}, CertNames: []string{"a"}, CertAuth: "either"}
	change := func(f func(*storage.User)) storage.User { v := u; f(&v); return v }
	for _, tc := range []struct {
		what   string
		u      storage.User
		addr   netip.Addr
		names  []string
		byCert bool
		want   bool
	}{
		{"as before", u, homeAddr, nil, false, true},
		{"by certificate", u, homeAddr, []string{"a"}, true, true},
		{"disabled", change(func(u *storage.User) { u.Enabled = false }), homeAddr, nil, false, false},
		{"from elsewhere", u, stranger(1), nil, false, false},
		{"the certificate is the user's no more", change(func(u *storage.User) { u.CertNames = []string{"b"} }), homeAddr, []string{"a"}, true, false},
		{"the certificate is good for nothing now", change(func(u *storage.User) { u.CertAuth = "" }), homeAddr, []string{"a"}, true, false},
		{"certificates are needed now", change(func(u *storage.User) { u.CertAuth = "both" }), homeAddr, nil, false, false},
		{"certificates are needed now, and there is one", change(func(u *storage.User) { u.CertAuth = "both" }), homeAddr, []string{"a"}, true, true},
	} {
		if why, ok := StillAdmitted(tc.u, tc.addr, tc.names, tc.byCert); ok != tc.want {
			t.Errorf("%s: %v, %v", tc.what, why, ok)
		}
	}
}

func TestHashSlots_LeaveProcessorsForTheRest(t *testing.T) {
	for processors, want := range map[int]int{1: 1, 2: 1, 3: 1, 4: 2, 8: 4, 64: 4} {
		if got := hashSlots(processors); got != want {
			t.Errorf("%d processors: %d slots, want %d", processors, got, want)
		}
	}
}

// After a wrong password a slot rests as long as it worked: a flood from
// everywhere has half of its processors at most. A right one costs no rest.
func TestFreeSlot_WrongPassword_Rests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &Router{door: newAdmissions()}
		taken := func() int { return len(r.door.slots) }
		for _, right := range []bool{true, false} {
			if err := r.takeSlot(t.Context()); err != nil {
				t.Fatal(err)
			}
			r.freeSlot(40*time.Millisecond, right)
			if want := map[bool]int{true: 0, false: 1}[right]; taken() != want {
				t.Errorf("right %v: %d slots taken, want %d", right, taken(), want)
			}
		}
		time.Sleep(40*time.Millisecond - 1)
		synctest.Wait()
		if taken() != 1 {
			t.Error("rested for too short a time")
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		if taken() != 0 {
			t.Error("rests for too long")
		}
	})
}
