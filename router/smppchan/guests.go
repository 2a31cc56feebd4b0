package smppchan

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"sync"

	"golang.org/x/time/rate"

	"gsmgate/router"
	"gsmgate/smppd"
	"gsmgate/storage"
)

// guest is a session that was let in. It is not changed after take.
type guest struct {
	session   *smppd.Session
	user      string
	addr      netip.Addr
	certNames []string
	byCert    bool // the certificate stood in for the password
	place     int  // the lower came first: a client may bind once more before this side has let it in
}

// guests are the sessions of all users, also those that may not receive, and
// the limits that sessions of one user share.
type guests struct {
	mu       sync.Mutex
	entering map[*smppd.Session]*guest            // may bind, and are not bound yet
	inside   map[string]map[*smppd.Session]*guest // bound, by user
	taken    int                                  // places so far
	limiters map[string]*rate.Limiter             // by user; kept while it has none, so that a new bind is no new bucket
}

func newGuests() *guests {
	return &guests{
		entering: map[*smppd.Session]*guest{},
		inside:   map[string]map[*smppd.Session]*guest{},
		limiters: map[string]*rate.Limiter{},
	}
}

// take takes a place for g, unless its user has as many sessions as it may.
func (gs *guests) take(g *guest, a router.Admission) bool {
	gs.mu.Lock()
	defer gs.mu.Unlock()
	gs.sweep()
	delete(gs.entering, g.session) // an earlier bind of it did not come about
	if most := a.User.MaxSessions; most > 0 && gs.count(a.User.SystemID) >= most {
		return false
	}
	gs.taken++
	g.user, g.byCert, g.place = a.User.SystemID, a.ByCert, gs.taken
	gs.entering[g.session] = g
	return true
}

// sweep gives back the places of connections that ended between their
// permission and their bind: nobody is told of those. It is called with the
// lock held.
func (gs *guests) sweep() {
	for s := range gs.entering {
		if isClosed(s.Done()) {
			delete(gs.entering, s)
		}
	}
}

// count is how many places a user holds. A session that is over holds none,
// also when its end was not told yet. It is called with the lock held.
func (gs *guests) count(user string) (n int) {
	for _, g := range gs.entering {
		if g.user == user {
			n++
		}
	}
	for s := range gs.inside[user] {
		if !isClosed(s.Done()) {
			n++
		}
	}
	return n
}

// enter moves a session that is bound now.
func (gs *guests) enter(s *smppd.Session) (*guest, bool) {
	gs.mu.Lock()
	defer gs.mu.Unlock()
	g, ok := gs.entering[s]
	if !ok {
		return nil, false
	}
	delete(gs.entering, s)
	if gs.inside[g.user] == nil {
		gs.inside[g.user] = map[*smppd.Session]*guest{}
	}
	gs.inside[g.user][s] = g
	return g, true
}

func (gs *guests) leave(s *smppd.Session) {
	gs.mu.Lock()
	defer gs.mu.Unlock()
	delete(gs.entering, s)
	user := s.SystemID()
	delete(gs.inside[user], s)
	if len(gs.inside[user]) == 0 {
		delete(gs.inside, user)
	}
}

// of gives the bound sessions of a user.
func (gs *guests) of(user string) (all []*guest) {
	gs.mu.Lock()
	defer gs.mu.Unlock()
	for _, g := range gs.inside[user] {
		all = append(all, g)
	}
	return all
}

// beyond gives the bound sessions of a user that are more than it may have: those
// that came last.
func (gs *guests) beyond(u *storage.User) []*guest {
	if u.MaxSessions <= 0 {
		return nil
	}
	all := slices.DeleteFunc(gs.of(u.SystemID), func(g *guest) bool { return isClosed(g.session.Done()) })
	slices.SortFunc(all, func(a, b *guest) int { return cmp.Compare(a.place, b.place) })
	return all[min(len(all), u.MaxSessions):]
}

// limiter is the bucket that all sessions of a user take from, with the user's
// rate: a second's worth at once, and one message at least. nil is no limit.
func (gs *guests) limiter(u storage.User) *rate.Limiter {
	gs.mu.Lock()
	defer gs.mu.Unlock()
	if u.Rate <= 0 {
		delete(gs.limiters, u.SystemID)
		return nil
	}
	l := gs.limiters[u.SystemID]
	if l == nil {
		l = rate.NewLimiter(rate.Limit(u.Rate), u.Rate)
		gs.limiters[u.SystemID] = l
	}
	if l.Burst() != u.Rate {
		l.SetLimit(rate.Limit(u.Rate))
		l.SetBurst(u.Rate)
	}
	return l
}

// all gives the sessions of a user, or of all users when it is "", with those
// that may bind and are not bound yet: a client may know that it is bound before
// this side does.
func (gs *guests) all(user string) (all []*guest) {
	gs.mu.Lock()
	defer gs.mu.Unlock()
	for _, g := range gs.entering {
		if user == "" || g.user == user {
			all = append(all, g)
		}
	}
	for name, sessions := range gs.inside {
		if user == "" || name == user {
			all = slices.AppendSeq(all, maps.Values(sessions))
		}
	}
	return all
}
