package router

import (
	"container/list"
	"net/netip"
	"sync"
	"time"

	"gsmgate/storage"
)

// How failed binds slow down the next ones. Many clients may share an address
// behind NAT, so that it has more tries for nothing; a system_id can be kept
// busy by strangers, so that it waits less long.
const (
	guardEntries = 10_000 // most addresses, system_ids and pairs that are remembered, each

	addressFree = 10 // failures that cost no waiting
	addressMost = 5 * time.Minute
	userFree    = 5
	userMost    = 30 * time.Second
	guardForget = 15 * time.Minute // without a failure all of them are forgotten
)

// waitAfter is how long the next try has to wait after n failures, of which
// free ones cost nothing: a second, then twice as long each time.
func waitAfter(n, free int, most time.Duration) time.Duration {
	if n <= free {
		return 0
	}
	return min(time.Second<<min(n-free-1, 20), most)
}

// guard remembers who failed to bind, and from where, in bounded memory. It
// reads no clock.
type guard struct {
	mu        sync.Mutex
	addresses *lru[netip.Addr, failures]
	users     *lru[string, failures]
	friends   *lru[friend, int] // how often the pair failed since
}

// failures of one address or system_id.
type failures struct {
	count int
	last  time.Time
	until time.Time // no try before
	user  string    // of an address: the system_id that was tried last
}

// friend is an address that has bound as this user.
type friend struct {
	addr netip.Addr
	user string
}

func newGuard(entries int) *guard {
	return &guard{
		addresses: newLRU[netip.Addr, failures](entries),
		users:     newLRU[string, failures](entries),
		friends:   newLRU[friend, int](entries),
	}
}

// neighbourhood is what is counted as one address: a customer of a provider
// has a whole /64 of IPv6.
func neighbourhood(a netip.Addr) netip.Addr {
	a = a.WithZone("").Unmap()
	if p, err := a.Prefix(64); err == nil && a.Is6() {
		return p.Addr()
	}
	return a
}

// addressWaits says whether an address may not try now. One that is not known,
// as of a socket without addresses, always may.
func (g *guard) addressWaits(addr netip.Addr, now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	f, ok := g.addresses.get(neighbourhood(addr))
	return ok && addr.IsValid() && now.Before(f.until)
}

// userWaits says whether nobody may try this system_id now but its friends.
func (g *guard) userWaits(user string, now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	f, ok := g.users.get(user)
	return ok && now.Before(f.until)
}

// friendly says whether the address has bound as this user and has not failed
// too often since.
func (g *guard) friendly(user string, addr netip.Addr) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	_, ok := g.friends.get(friend{neighbourhood(addr), user})
	return ok
}

// distrust counts a failure of a friend. What friends may do without waiting
// must not let somebody behind the same address guess for ever.
func (g *guard) distrust(user string, addr netip.Addr) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.unfriend(friend{neighbourhood(addr), user})
}

// unfriend is called with the lock held.
func (g *guard) unfriend(pair friend) {
	count, ok := g.friends.get(pair)
	switch {
	case !ok:
	case count >= userFree:
		g.friends.drop(pair)
	default:
		g.friends.put(pair, count+1)
	}
}

// failed counts a bind that was refused: for the address, and for the
// system_id too when somebody guessed at its password.
func (g *guard) failed(user string, addr netip.Addr, guessed bool, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if addr.IsValid() {
		at := neighbourhood(addr)
		f, _ := g.addresses.get(at)
		f = f.more(now, addressFree, addressMost)
		f.user = user
		g.addresses.put(at, f)
	}
	g.unfriend(friend{neighbourhood(addr), user})
	if guessed {
		f, _ := g.users.get(user)
		g.users.put(user, f.more(now, userFree, userMost))
	}
}

func (f failures) more(now time.Time, free int, most time.Duration) failures {
	if now.Sub(f.last) > guardForget {
		f.count = 0
	}
	f.count++
	f.last, f.until = now, now.Add(waitAfter(f.count, free, most))
	return f
}

// succeeded makes the pair friends and forgets its failures. Those of others
// from the same address stay: else who has one user could guess at all.
func (g *guard) succeeded(user string, addr netip.Addr) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.users.drop(user)
	if !addr.IsValid() {
		return
	}
	at := neighbourhood(addr)
	g.friends.put(friend{at, user}, 0)
	if f, ok := g.addresses.get(at); ok && f.user == user {
		g.addresses.drop(at)
	}
}

// recall makes friends of the addresses that users have bound from before.
func (g *guard) recall(users []storage.User) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, u := range users {
		for _, text := range u.BoundFrom {
			if at, err := netip.ParseAddr(text); err == nil {
				g.friends.put(friend{at, u.SystemID}, 0)
			}
		}
	}
}

// forgive lets a user whose settings were changed try again at once: what it
// failed for may be mended.
func (g *guard) forgive(user string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.users.drop(user)
	g.addresses.dropIf(func(f failures) bool { return f.user == user })
}

// waiting counts the addresses and system_ids that may not try now.
func (g *guard) waiting(now time.Time) (addresses, users int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	waits := func(f failures) bool { return now.Before(f.until) }
	return g.addresses.count(waits), g.users.count(waits)
}

// lru is a map of at most max entries: past that, the one that was not put for
// the longest time goes.
type lru[K comparable, V any] struct {
	max     int
	entries map[K]*list.Element
	order   list.List // of lruEntry[K, V], the newest first
}

type lruEntry[K comparable, V any] struct {
	key   K
	value V
}

func newLRU[K comparable, V any](most int) *lru[K, V] {
	return &lru[K, V]{max: most, entries: map[K]*list.Element{}}
}

func (l *lru[K, V]) get(key K) (v V, ok bool) {
	e, ok := l.entries[key]
	if !ok {
		return v, false
	}
	return e.Value.(lruEntry[K, V]).value, true
}

func (l *lru[K, V]) put(key K, value V) {
	l.drop(key)
	l.entries[key] = l.order.PushFront(lruEntry[K, V]{key, value})
	if len(l.entries) > l.max {
		l.drop(l.order.Back().Value.(lruEntry[K, V]).key)
	}
}

func (l *lru[K, V]) drop(key K) {
	if e, ok := l.entries[key]; ok {
		l.order.Remove(e)
		delete(l.entries, key)
	}
}

func (l *lru[K, V]) dropIf(is func(V) bool) {
	for key, e := range l.entries {
		if is(e.Value.(lruEntry[K, V]).value) {
			l.drop(key)
		}
	}
}

func (l *lru[K, V]) count(is func(V) bool) (n int) {
	for _, e := range l.entries {
		if is(e.Value.(lruEntry[K, V]).value) {
			n++
		}
	}
	return n
}
