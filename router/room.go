package router

import (
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"gsmgate/storage"
)

// Full is why no more messages are taken.
type Full uint8

const (
	fullGateway Full = iota // as many wait as may
	fullUser
	oldGateway // one has waited too long
	oldUser
	tooLate // it could not leave before its validity ends
	fulls
)

var fullWords = [fulls]string{"gateway_full", "user_full", "gateway_old", "user_old", "too_late"}

func (f Full) String() string { return fullWords[f] }

const (
	oldestFor    = storage.Time(1000)      // milliseconds for which the age of a queue is believed
	mostOldest   = 10_000                  // users whose oldest is remembered
	sayFullEvery = storage.Time(10 * 1000) // how often the log tells that messages of a user are refused
)

// room is what is remembered of how full it is.
type room struct {
	mu     sync.Mutex
	oldest map[string]oldest // by user; "": of all
	counts [fulls]uint64
	said   map[saying]storage.Time
	unsaid map[saying]int
}

type oldest struct{ asked, due storage.Time }

type saying struct {
	user string
	why  Full
}

// Refused counts the messages since the start that were not taken, by reason.
func (r *Router) Refused() map[string]uint64 {
	r.room.mu.Lock()
	defer r.room.mu.Unlock()
	all := map[string]uint64{}
	for why, n := range r.room.counts {
		if n > 0 {
			all[Full(why).String()] = n
		}
	}
	return all
}

// findRoom says whether a message that is routed may be taken, see roomFor. The error
// is an *Error of code Busy or Throttled.
func (r *Router) findRoom(m *storage.Message, u *storage.User, replaces bool, now storage.Time) error {
	m.Room = storage.Room{Own: u.QueueCount, All: r.o.MaxQueued} // looked at again in the commit
	moved, why, text := r.roomFor(m, u, replaces, now)
	if text != "" {
		return r.full(u, why, text, now)
	}
	if moved != "" {
		m.Note(now, "moved", moved)
	}
	return nil
}

// roomFor wants that neither the user of a message nor the gateway has too many, or
// too old ones, and that one of its channels can send it before its validity ends. Of
// several channels the next one takes what the first could not: moved. Without room
// the text says why.
func (r *Router) roomFor(m *storage.Message, u *storage.User, replaces bool, now storage.Time) (moved string, why Full, text string) {
	if why, text := r.tooMany(u, now); text != "" && !(replaces && (why == fullUser || why == fullGateway)) {
		return "", why, text
	}
	if text = r.late(m, u, now); text == "" {
		return "", 0, ""
	}
	was := m.Queue
	for at := int(m.Way) + 1; at < len(m.Ways); at++ {
		if r.divert(m, u, at, now) && r.late(m, u, now) == "" {
			return fmt.Sprintf("to channel %s: channel %s: %s", m.Queue, was, text), 0, ""
		}
	}
	return "", tooLate, text
}

// tooMany looks at the limits by count and by age.
func (r *Router) tooMany(u *storage.User, now storage.Time) (Full, string) {
	own, all := r.db.QueuedOf(u.SystemID)
	switch {
	case all >= r.o.MaxQueued:
		return fullGateway, waitAlready(all, "")
	case u.QueueCount > 0 && own >= u.QueueCount:
		return fullUser, waitAlready(own, u.SystemID)
	case r.o.MaxQueueAge > 0 && all > 0 && r.waitedFor("", now) > r.o.MaxQueueAge:
		return oldGateway, fmt.Sprintf("a message has waited for more than %v", r.o.MaxQueueAge)
	case u.QueueMinutes > 0 && own > 0:
		if most := time.Duration(u.QueueMinutes) * time.Minute; r.waitedFor(u.SystemID, now) > most {
			return oldUser, fmt.Sprintf("a message of user %s has waited for more than %v", u.SystemID, most)
		}
	}
	return 0, ""
}

func waitAlready(n int, user string) string {
	if user == "" {
		return fmt.Sprintf("%d messages wait already", n)
	}
	return fmt.Sprintf("%d messages of user %s wait already", n, user)
}

// notTaken is the error of a message that the store did not accept.
func (r *Router) notTaken(m *storage.Message, err error) error {
	var e *storage.NoRoomError
	if !errors.As(err, &e) {
		return public(err)
	}
	u, _ := r.db.User(m.User)
	if e.Own {
		return r.full(&u, fullUser, waitAlready(e.Queued, m.User), r.now())
	}
	return r.full(&u, fullGateway, waitAlready(e.Queued, ""), r.now())
}

// waitedFor is for how long the oldest message has been due, of a user or of all.
func (r *Router) waitedFor(user string, now storage.Time) time.Duration {
	r.room.mu.Lock()
	o, ok := r.room.oldest[user]
	r.room.mu.Unlock()
	if !ok || now-o.asked >= oldestFor {
		due, err := r.db.OldestDue(user)
		if err != nil {
			return 0
		}
		o = oldest{asked: now, due: due}
		r.room.mu.Lock()
		if len(r.room.oldest) >= mostOldest || r.room.oldest == nil {
			r.room.oldest = map[string]oldest{}
		}
		r.room.oldest[user] = o
		r.room.mu.Unlock()
	}
	if o.due == 0 {
		return 0
	}
	return now.Time().Sub(o.due.Time())
}

// late says why a message could not leave by its channel before its validity ends;
// "": it can, or nobody knows.
func (r *Router) late(m *storage.Message, u *storage.User, now storage.Time) string {
	if r.o.TakeLate || m.DueAt > now {
		return ""
	}
	d := r.drain(m.Home(), now)
	if !d.known {
		return ""
	}
	ahead := d.ahead(r.db.QueuedIn(m.Home(), u.SystemID), max(1, u.Weight))
	if d.bears(ahead, float64(m.ExpiresAt-now)) {
		return ""
	}
	return fmt.Sprintf("it would leave in about %v, behind %.0f others, and is valid for %v", d.takes(ahead).Round(time.Second), math.Floor(ahead-1), (m.ExpiresAt.Time().Sub(now.Time())).Round(time.Second))
}

// divert sends a message by another one of its ways. false: that cannot carry it.
func (r *Router) divert(m *storage.Message, u *storage.User, at int, now storage.Time) bool {
	g := r.guide()
	w := g.find(m.Ways[at])
	if w == nil || w.ch == nil || !r.stood(storage.PoolQueue(w.ch.Name(), w.poolFor(u))) {
		return false
	}
	parts, err := w.ch.Parts(m)
	if err != nil {
		return false
	}
	was := *m
	m.Parts, m.Way = parts, uint8(at)
	goBy(m, w, u)
	q := query(m, now)
	m.Cost = g.plan.Cost(w.name, &q) * storage.Millicredits(storage.Units(parts))
	if r.charge(g, m, u, &q) != nil {
		*m = was
		return false
	}
	return true
}

// full refuses a message, and tells the log now and then.
func (r *Router) full(u *storage.User, why Full, text string, now storage.Time) *Error {
	s := saying{u.SystemID, why}
	r.room.mu.Lock()
	r.room.counts[why]++
	unsaid := r.room.say(s, now)
	r.room.mu.Unlock()
	if unsaid > 0 {
		r.log.Warn("messages are not taken", "user", u.SystemID, "reason", why.String(), "count", unsaid, "why", text)
	}
	e := &Error{Code: Busy, Message: "not taken: " + text, Hint: "try again later; gsmgate status shows how fast the queues are drained"}
	if orDefault(u.WhenFull, r.o.WhenFull) == whenFulls[1] {
		e.Code = Throttled
	}
	return e
}

// say gives how many refusals are to be told now; 0: it is too soon. Called with the
// lock held.
func (o *room) say(s saying, now storage.Time) int {
	if o.said == nil || len(o.said) >= mostOldest {
		o.said, o.unsaid = map[saying]storage.Time{}, map[saying]int{}
	}
	o.unsaid[s]++
	if last, ok := o.said[s]; ok && now-last < sayFullEvery && now >= last {
		return 0
	}
	n := o.unsaid[s]
	o.said[s], o.unsaid[s] = now, 0
	return n
}
