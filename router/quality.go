package router

import (
	"slices"
	"sync"

	"gsmgate/router/plan"
	"gsmgate/storage"
)

// Of each channel the messages of this hour and the one before are counted: what
// was delivered of those that it took. Below fewest they tell nothing.
const (
	qualityHour   = storage.Time(3600 * 1000)
	fewestQuality = 20
	mostQualities = 1000
)

// qualities are what the channels have delivered. They are forgotten with the
// process.
type qualities struct {
	mu  sync.RWMutex
	all map[string]*quality // by channel, and by pool
}

// quality are the counts of the hour that began at from, and of the one before.
type quality struct {
	from      storage.Time
	now, past outcomes
}

type outcomes struct{ taken, delivered int }

// at turns over to the hour of now.
func (q *quality) at(now storage.Time) {
	switch age := now - q.from; {
	case age < qualityHour:
		return
	case age < 2*qualityHour:
		q.past, q.from = q.now, q.from+qualityHour
	default:
		q.past, q.from = outcomes{}, now
	}
	q.now = outcomes{}
}

// note counts a message that ends. One that no channel has taken says nothing.
func (qs *qualities) note(m *storage.Message, now storage.Time) {
	if m.Kind != storage.MT || !slices.ContainsFunc(m.Parts, func(p storage.Part) bool { return p.Attempts > 0 }) {
		return
	}
	switch m.State {
	case storage.Delivered, storage.Undeliverable, storage.Expired, storage.Unknown, storage.Rejected:
	default:
		return // its client has cancelled it
	}
	name := m.Home()
	qs.mu.Lock()
	defer qs.mu.Unlock()
	q := qs.all[name]
	if q == nil {
		if qs.all == nil || len(qs.all) >= mostQualities {
			qs.all = map[string]*quality{}
		}
		q = &quality{from: now}
		qs.all[name] = q
	}
	q.at(now)
	q.now.taken++
	if m.State == storage.Delivered {
		q.now.delivered++
	}
}

// of gives the percentage that a channel has delivered lately.
func (qs *qualities) of(name string, now storage.Time) int {
	qs.mu.RLock()
	defer qs.mu.RUnlock()
	q := qs.all[name]
	if q == nil || now-q.from >= 2*qualityHour {
		return plan.UnknownQuality
	}
	taken, delivered := q.now.taken+q.past.taken, q.now.delivered+q.past.delivered
	if taken < fewestQuality {
		return plan.UnknownQuality
	}
	return delivered * 100 / taken
}
