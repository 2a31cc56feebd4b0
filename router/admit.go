package router

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"net/netip"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"gsmgate/storage"
)

// Claim is what somebody shows who wants to bind.
type Claim struct {
	SystemID, Password string
	Addr               netip.Addr // where the claim comes from; the zero value when that is not known
	CertNames          []string   // of a verified client certificate

	// Take is asked last, when all else is right: whether the user may have
	// one session more. nil: it may.
	Take func(Admission) bool
}

// Admission is a claim that holds.
type Admission struct {
	User   storage.User
	ByCert bool // a certificate stood in for the password
}

// Refusal says why a bind was refused. The client does not hear it.
type Refusal uint8

// Why a bind is refused, or fails.
const (
	RefusedAddressWaits Refusal = iota // too many failures from this address
	RefusedUserWaits                   // too many failures for this system_id
	RefusedAddress                     // not among the networks of the user
	RefusedCertificate                 // needed, and not there or not the user's
	RefusedUnknown                     // no such user
	RefusedPassword
	RefusedDisabled
	RefusedSessions // as many sessions as the user may have
	FailedBusy      // too many binds wait for a verification, or this one waited too long
	FailedInternal  // the store, or what is in it
	refusals
)

var refusalWords = [refusals]string{
	"address_waits", "user_waits", "address", "certificate", "unknown_user", "password", "disabled", "sessions", "busy", "internal",
}

// String is a word for the API.
func (r Refusal) String() string { return refusalWords[r] }

// Error is for the log.
func (r Refusal) Error() string { return "refused by " + r.String() }

// Binds counts what became of binds since the start.
type Binds struct {
	Accepted uint64
	Refused  [refusals]uint64 // by Refusal
	Hashes   uint64           // verifications that cost a hash

	WaitingAddresses, WaitingUsers int // that may not try now
}

// admissions is what guards the door.
type admissions struct {
	guard    *guard
	slots    chan struct{} // for hashing: it costs memory and time
	waiting  atomic.Int64  // binds that wait for a slot
	accepted atomic.Uint64
	hashes   atomic.Uint64
	refused  [refusals]atomic.Uint64
}

// maxWaiting is the most binds that wait for a verification.
const maxWaiting = 256

func newAdmissions() *admissions {
	return &admissions{guard: newGuard(guardEntries), slots: make(chan struct{}, hashSlots(runtime.GOMAXPROCS(0)))}
}

// hashSlots is how many passwords are verified at once: half of the
// processors at most, where there are two. Together with rest this leaves what
// bound clients need.
func hashSlots(processors int) int { return min(max(processors/2, 1), 4) }

// Binds counts binds.
func (r *Router) Binds() Binds {
	a := r.door
	b := Binds{Accepted: a.accepted.Load(), Hashes: a.hashes.Load()}
	for i := range a.refused {
		b.Refused[i] = a.refused[i].Load()
	}
	b.WaitingAddresses, b.WaitingUsers = a.guard.waiting(r.o.Now())
	return b
}

// ByReason gives the refusals by their word.
func (b Binds) ByReason() map[string]uint64 {
	m := make(map[string]uint64, refusals)
	for i, n := range b.Refused {
		m[Refusal(i).String()] = n
	}
	return m
}

// Admit says whether a claim holds. Every refusal is the same *Error of code
// Denied, so that a stranger learns nothing from it; any other error is a
// failure of this side. The order is from cheap to dear: back-off, networks,
// certificate, password, number of sessions.
func (r *Router) Admit(ctx context.Context, c Claim) (Admission, error) {
	a, why, err := r.admit(ctx, c)
	if err == nil {
		r.door.accepted.Add(1)
		return a, nil
	}
	r.door.refused[why].Add(1)
	r.blame(c, why)
	return Admission{}, err
}

// blame remembers what is the fault of who claims.
func (r *Router) blame(c Claim, why Refusal) {
	switch g := r.door.guard; why {
	case RefusedAddress, RefusedCertificate:
		g.failed(c.SystemID, c.Addr, false, r.o.Now())
	case RefusedUnknown, RefusedPassword, RefusedDisabled:
		g.failed(c.SystemID, c.Addr, true, r.o.Now())
	case RefusedAddressWaits:
		g.distrust(c.SystemID, c.Addr)
	case RefusedUserWaits:
		// A known password was compared and was another one: that is a guess,
		// and it must not be one for nothing.
		if _, known := r.known.Load(c.SystemID); known {
			g.failed(c.SystemID, c.Addr, false, r.o.Now())
		}
	}
}

// denied hides why from whoever is told the message; the log may know.
func denied(why Refusal) error { return &Error{Code: Denied, Message: "bind refused", Err: why} }

func (r *Router) admit(ctx context.Context, c Claim) (a Admission, why Refusal, err error) {
	if why, waits := r.mustWait(c); waits {
		return a, why, denied(why)
	}
	u, exists := r.db.User(c.SystemID)
	switch {
	case exists && !mayComeFrom(&u, c.Addr):
		return a, RefusedAddress, denied(RefusedAddress)
	case exists && u.CertAuth == "both" && !hasName(&u, c.CertNames):
		return a, RefusedCertificate, denied(RefusedCertificate)
	case exists && certified(&u, c):
		a = Admission{User: u, ByCert: true}
	default:
		if a.User, why, err = r.checkClaim(ctx, c); err != nil {
			return a, why, err
		}
	}
	if !a.User.Enabled {
		return a, RefusedDisabled, denied(RefusedDisabled)
	}
	r.door.guard.succeeded(c.SystemID, c.Addr)
	r.befriend(a.User, c.Addr)
	if c.Take != nil && !c.Take(a) {
		return a, RefusedSessions, denied(RefusedSessions)
	}
	return a, 0, nil
}

// mostBoundFrom is how many addresses of each user are kept on disk.
const mostBoundFrom = 8

// befriend keeps an address that a user has bound from, so that after a restart
// its clients do not wait for what strangers have guessed meanwhile.
func (r *Router) befriend(u storage.User, addr netip.Addr) {
	at := neighbourhood(addr).String()
	if !addr.IsValid() || slices.Contains(u.BoundFrom, at) {
		return
	}
	r.jobs.start(func() {
		r.users.Lock()
		defer r.users.Unlock()
		now, ok := r.db.User(u.SystemID)
		if !ok || slices.Contains(now.BoundFrom, at) {
			return
		}
		all := append(slices.Clone(now.BoundFrom), at)
		now.BoundFrom = all[max(0, len(all)-mostBoundFrom):]
		if err := r.db.PutUser(context.Background(), now, false); err != nil {
			r.log.Warn("where a user binds from is not kept", "system_id", u.SystemID, "err", err)
		}
	})
}

// mustWait says whether the claim is refused unseen. A friend with the password
// that was verified before is let through: the failures are those of others. So
// is who shows a certificate instead of a password: it is no guess.
func (r *Router) mustWait(c Claim) (why Refusal, waits bool) {
	g, now := r.door.guard, r.o.Now()
	switch {
	case g.addressWaits(c.Addr, now):
		why = RefusedAddressWaits
		waits = (!g.friendly(c.SystemID, c.Addr) || !r.verified(c.SystemID, c.Password)) && !r.certified(c)
	case g.userWaits(c.SystemID, now):
		why = RefusedUserWaits
		waits = !g.friendly(c.SystemID, c.Addr) && !r.verified(c.SystemID, c.Password) && !r.certified(c)
	}
	return why, waits
}

// certified says whether a certificate stands in for the password.
func (r *Router) certified(c Claim) bool {
	u, ok := r.db.User(c.SystemID)
	return ok && certified(&u, c)
}

// A password that is given is checked in any case: with a wrong one a client
// has a fault that it should hear of, and nobody gets in by half.
func certified(u *storage.User, c Claim) bool {
	return u.CertAuth == "either" && c.Password == "" && hasName(u, c.CertNames)
}

// checkClaim verifies the password.
func (r *Router) checkClaim(ctx context.Context, c Claim) (u storage.User, why Refusal, err error) {
	if r.verified(c.SystemID, c.Password) {
		u, _ = r.db.User(c.SystemID)
		return u, 0, nil
	}
	if err := r.takeSlot(ctx); err != nil {
		return u, FailedBusy, err
	}
	started, right := time.Now(), false
	defer func() { r.freeSlot(time.Since(started), right) }()
	if why, waits := r.mustWait(c); waits { // what waited for the slot may have failed meanwhile
		return u, why, denied(why)
	}
	u, exists := r.db.User(c.SystemID)
	switch {
	case !exists:
		r.door.hashes.Add(1)
		_, _ = checkPassword(dummyHash, c.Password)
		return u, RefusedUnknown, denied(RefusedUnknown)
	case r.verified(c.SystemID, c.Password): // by one that waited before this one
		right = true
		return u, 0, nil
	}
	r.door.hashes.Add(1)
	match, better, err := matchPassword(u.Password, c.Password)
	switch right = match; {
	case err != nil:
		return u, FailedInternal, &Error{Code: Internal, Message: "internal error", Err: err}
	case !match:
		return u, RefusedPassword, denied(RefusedPassword)
	case better != "":
		u = r.renew(u, better)
	}
	r.known.Store(c.SystemID, r.proof(u, c.Password))
	return u, 0, nil
}

// takeSlot waits for a place to hash in, not for long and not in an endless
// queue.
func (r *Router) takeSlot(ctx context.Context) error {
	busy := &Error{Code: Busy, Message: "too many binds wait to be verified"}
	defer r.door.waiting.Add(-1)
	if r.door.waiting.Add(1) > maxWaiting {
		return busy
	}
	select {
	case r.door.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		busy.Err = ctx.Err()
		return busy
	}
}

// freeSlot gives a place back: after a wrong password only when it has rested
// as long as it worked, so that a flood of wrong binds takes half of its
// processors at most.
func (r *Router) freeSlot(worked time.Duration, right bool) {
	if right {
		<-r.door.slots
		return
	}
	time.AfterFunc(worked, func() { <-r.door.slots })
}

// renew puts a better hash in place of the imported one, unless the password
// was changed meanwhile. When that fails the imported one stays, and the next
// bind tries again.
func (r *Router) renew(u storage.User, better string) storage.User {
	r.users.Lock()
	defer r.users.Unlock()
	now, ok := r.db.User(u.SystemID)
	if !ok || now.Password != u.Password {
		return u
	}
	now.Password = better
	// Who waits for the bind does not decide whether this is done.
	if err := r.db.PutUser(context.Background(), now, false); err != nil {
		r.log.Warn("an imported password stays as it was imported", "system_id", u.SystemID, "err", err)
		return u
	}
	return now
}

// verified says whether the password was verified before and has not changed
// since: such a bind does not wait while others are flooding with wrong ones.
func (r *Router) verified(systemID, password string) bool {
	proof, ok := r.known.Load(systemID)
	if !ok {
		return false
	}
	u, exists := r.db.User(systemID)
	return exists && hmac.Equal(proof.([]byte), r.proof(u, password))
}

// proof stands for a verified password in memory. It is keyed with a secret of
// this process and bound to the stored hash.
func (r *Router) proof(u storage.User, password string) []byte {
	mac := hmac.New(sha256.New, r.secret[:])
	mac.Write([]byte(u.Password + "\x00" + password))
	return mac.Sum(nil)
}

// StillAdmitted says whether a session that was let in may stay, now that the
// user is u. The password is not asked for again.
func StillAdmitted(u storage.User, addr netip.Addr, certNames []string, byCert bool) (why Refusal, ok bool) {
	named := hasName(&u, certNames)
	switch {
	case !u.Enabled:
		return RefusedDisabled, false
	case !mayComeFrom(&u, addr):
		return RefusedAddress, false
	case u.CertAuth == "both" && !named, byCert && (u.CertAuth == "" || !named):
		return RefusedCertificate, false
	}
	return 0, true
}
