package router

import (
	"slices"
	"time"

	"gsmgate/storage"
)

// life is one message as a reader of the rules would follow it. Times are those
// of the clock.
type life struct {
	parts    []piece
	state    storage.State
	ended    bool
	due      time.Time // when it may be tried
	expires  time.Time // the end of its validity
	deadline time.Time // when it ends by itself, as things are
	trying   int       // the part that is on its way; -1: none
	cost     int       // credits spent
}

// piece is what is known of a part.
type piece uint8

const (
	waits   piece = iota
	sent          // the next hop has it
	lost          // it may have
	arrived       // it says so
	failed
)

const (
	validity      = 30 * time.Minute
	reportTimeout = 40 * time.Minute
)

func newLife(parts int, now, due, expires time.Time) *life {
	l := &life{parts: make([]piece, parts), trying: -1}
	l.plan(now, due, expires)
	return l
}

// plan sets the times of a message of which nothing was sent.
func (l *life) plan(now, due, expires time.Time) {
	if l.state = storage.Scheduled; !due.After(now) {
		l.state, due = storage.Enroute, now
	}
	if expires.IsZero() {
		expires = due.Add(validity)
	}
	l.due, l.expires, l.deadline = due, expires, expires
}

func (l *life) count(p piece) (n int) {
	for _, other := range l.parts {
		if other == p {
			n++
		}
	}
	return n
}

func (l *life) next() int { return slices.Index(l.parts, waits) }

// mayTry says whether a part may be on its way from now on.
func (l *life) mayTry(now time.Time) bool {
	return !l.ended && l.trying < 0 && l.next() >= 0 && l.count(lost) == 0 && !l.due.After(now)
}

func (l *life) untouched() bool {
	return !l.ended && l.trying < 0 && l.count(waits) == len(l.parts)
}

func (l *life) end(s storage.State) {
	l.state, l.ended, l.trying = s, true, -1
	switch s {
	case storage.Delivered:
		l.cost = len(l.parts)
	case storage.Unknown:
		l.cost = l.count(sent) + l.count(lost) + l.count(arrived)
	}
}

func (l *life) tried() {
	l.trying, l.state = l.next(), storage.Enroute
}

// answer is that of the next hop for the part that is on its way. why is how the
// message ends of which a part has failed.
func (l *life) answer(what outcome, now time.Time, why storage.State) {
	i := l.trying
	l.trying = -1
	known := l.parts[i] == arrived || l.parts[i] == failed // a report came first
	switch {
	case what == takes && !known:
		l.parts[i] = sent
	case what == hangs && !known:
		l.parts[i], l.state = lost, storage.Unknown
		l.deadline = now.Add(reportTimeout)
	case what == refuses && !known, what == busy && !known && l.count(failed) > 0:
		l.parts[i] = failed
	case what == busy && !known:
		l.due = now.Add(patienceOf)
		return
	}
	l.weigh(now, why)
}

// report is what the next hop says about part i.
func (l *life) report(i int, s storage.State, now time.Time, why storage.State) {
	if l.ended || l.parts[i] == arrived || l.parts[i] == failed {
		return
	}
	l.parts[i] = arrived
	if s != storage.Delivered {
		l.parts[i] = failed
	}
	l.weigh(now, why)
}

// weigh draws the conclusion once nothing is on its way.
func (l *life) weigh(now time.Time, why storage.State) {
	switch {
	case l.trying >= 0:
	case l.count(failed) > 0:
		l.end(why)
	case l.count(arrived) == len(l.parts):
		l.end(storage.Delivered)
	case l.count(lost) > 0:
	case l.next() >= 0:
		l.state, l.due, l.deadline = storage.Enroute, now, l.expires
	default:
		l.state, l.deadline = storage.Enroute, now.Add(reportTimeout)
	}
}

// overdue says whether the time is over. A message that is being tried waits for
// its answer.
func (l *life) overdue(now time.Time) bool {
	return !l.ended && !l.deadline.After(now) && l.trying < 0
}

// pass ends a message whose time is over.
func (l *life) pass(now time.Time) {
	out := l.count(sent) + l.count(lost) + l.count(arrived)
	switch {
	case !l.overdue(now):
	case out == 0 || l.next() >= 0 && l.count(lost) == 0:
		l.end(storage.Expired)
	default:
		l.end(storage.Unknown)
	}
}

// cancel says whether it could be.
func (l *life) cancel() bool {
	if !l.untouched() {
		return false
	}
	l.end(storage.Deleted)
	return true
}

// replace says whether it could be; zero times stay.
func (l *life) replace(parts int, now, due time.Time) bool {
	if !l.untouched() {
		return false
	}
	l.parts = make([]piece, parts)
	if !due.IsZero() {
		l.plan(now, due, l.expires)
	}
	return true
}
