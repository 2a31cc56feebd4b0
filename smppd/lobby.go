package smppd

import (
	"net/netip"
	"slices"
	"sync"
	"time"
)

// lobbyTime is the longest that a connection waits for its place. Those before it have the
// session-init timer to bind, and some may be slow without a fault of theirs.
const lobbyTime = 30 * time.Second

// lobby gives places to connections that have not bound: some to each address, some in all. A
// connection without one waits, and costs no more than its socket: nothing is read from it.
// Addresses take turns, so that a crowd from one of them delays only itself.
type lobby struct {
	places int // in all
	each   int // of one address
	room   int // connections that may wait

	mu      sync.Mutex
	taken   int                        // under mu: places
	unbound map[netip.Addr]int         // under mu: places of each address; none has 0
	lines   map[netip.Addr][]*newcomer // under mu: who waits, by address; none is empty
	turns   []netip.Addr               // under mu: the addresses with a line, whose turn is next first
	waiting int                        // under mu: in all lines
}

// newcomer is a connection that has no place yet.
type newcomer struct {
	from  netip.Addr
	since time.Time
	of    *serving
	start func() // called with its place taken
	leave func() // called instead, when it will get none
}

func newLobby(cfg Config) *lobby {
	return &lobby{
		places: cfg.MaxUnbound, each: cfg.MaxUnboundPerAddress, room: cfg.MaxWaiting,
		unbound: make(map[netip.Addr]int), lines: make(map[netip.Addr][]*newcomer),
	}
}

// enter calls start, now or when a place is free, or leave when there is not even room to wait. It
// does not block.
func (l *lobby) enter(n *newcomer) {
	l.mu.Lock()
	n.from = neighbours(n.from)
	late := l.expire(n.since)
	if l.lines[n.from] == nil && l.free(n.from) {
		l.take(n.from)
		late = append(late, n.start)
	} else if l.waiting < l.room {
		l.park(n)
	} else {
		late = append(late, n.leave)
	}
	l.mu.Unlock()
	for _, call := range late {
		call()
	}
}

// left is called when a connection that had a place has bound or ended; the next one gets it.
func (l *lobby) left(from netip.Addr) {
	l.mu.Lock()
	from = neighbours(from)
	l.taken--
	if l.unbound[from]--; l.unbound[from] <= 0 {
		delete(l.unbound, from)
	}
	next := l.next()
	l.mu.Unlock()
	if next != nil {
		next.start()
	}
}

// free reports whether a connection from the address may have a place. What has no IP address,
// such as a pipe, has no limit of its own. Called under mu.
func (l *lobby) free(from netip.Addr) bool {
	return l.taken < l.places && (!from.IsValid() || l.unbound[from] < l.each)
}

func (l *lobby) take(from netip.Addr) {
	l.taken++
	l.unbound[from]++
}

func (l *lobby) park(n *newcomer) {
	if l.lines[n.from] == nil {
		l.turns = append(l.turns, n.from)
	}
	l.lines[n.from] = append(l.lines[n.from], n)
	l.waiting++
}

// next takes a place for the first in the line of the address whose turn it is; nil when nobody
// may have one. Only addresses that have all their places are passed over, and those are few: the
// places are. Called under mu.
func (l *lobby) next() *newcomer {
	i := slices.IndexFunc(l.turns, l.free)
	if i < 0 {
		return nil
	}
	from := l.turns[i]
	l.turns = slices.Delete(l.turns, i, i+1)
	n := l.lines[from][0]
	l.waiting--
	if rest := l.lines[from][1:]; len(rest) > 0 {
		l.lines[from] = rest
		l.turns = append(l.turns, from)
	} else {
		delete(l.lines, from)
	}
	l.take(from)
	return n
}

// expire takes out those who have waited too long, and returns what is to be called for them.
// Called under mu.
func (l *lobby) expire(now time.Time) (late []func()) {
	if l.waiting == 0 {
		return nil
	}
	return l.remove(func(n *newcomer) bool { return now.Sub(n.since) > lobbyTime })
}

// remove takes out whom which picks. Called under mu.
func (l *lobby) remove(which func(*newcomer) bool) (gone []func()) {
	for from, line := range l.lines {
		stay := line[:0:0]
		for _, n := range line {
			if which(n) {
				gone = append(gone, n.leave)
			} else {
				stay = append(stay, n)
			}
		}
		if l.lines[from] = stay; len(stay) == 0 {
			delete(l.lines, from)
			l.turns = slices.DeleteFunc(l.turns, func(a netip.Addr) bool { return a == from })
		}
	}
	l.waiting -= len(gone)
	return gone
}

// clear sends away all whom which picks.
func (l *lobby) clear(which func(*newcomer) bool) {
	l.mu.Lock()
	gone := l.remove(which)
	l.mu.Unlock()
	for _, call := range gone {
		call()
	}
}

// count is how many connections wait.
func (l *lobby) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.waiting
}
