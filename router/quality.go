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
	mostRecalled  = 20_000 // messages that are read for it at start
)

// qualities are what the channels have delivered. They are kept in memory; after a
// restart those of the last hour are read from the messages that are kept.
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
	if !tellsQuality(m) {
		return
	}
	qs.mu.Lock()
	defer qs.mu.Unlock()
	q := qs.get(m.Home(), now)
	q.at(now)
	q.now.add(m)
}

// recall counts a message that ended in the hour before the start.
func (qs *qualities) recall(m *storage.Message, start storage.Time) {
	if !tellsQuality(m) || m.EndedAt == 0 || m.EndedAt >= start || m.EndedAt < start-qualityHour {
		return
	}
	qs.mu.Lock()
	defer qs.mu.Unlock()
	qs.get(m.Home(), start).past.add(m)
}

func tellsQuality(m *storage.Message) bool {
	if m.Kind != storage.MT || !slices.ContainsFunc(m.Parts, func(p storage.Part) bool { return p.Attempts > 0 }) {
		return false
	}
	switch m.State {
	case storage.Delivered, storage.Undeliverable, storage.Expired, storage.Unknown, storage.Rejected:
		return true
	}
	return false // its client has cancelled it
}

// get is called with the lock held.
func (qs *qualities) get(name string, now storage.Time) *quality {
	q := qs.all[name]
	if q == nil {
		if qs.all == nil || len(qs.all) >= mostQualities {
			qs.all = map[string]*quality{}
		}
		q = &quality{from: now}
		qs.all[name] = q
	}
	return q
}

func (o *outcomes) add(m *storage.Message) {
	o.taken++
	if m.State == storage.Delivered {
		o.delivered++
	}
}

// recallQualities reads what ended in the hour before start, among what was accepted
// not long before that.
func (r *Router) recallQualities(start storage.Time) {
	for before, read := storage.ID(0), 0; read < mostRecalled && !r.jobs.stopping(); {
		ms, err := r.db.Messages(storage.Filter{Before: before, Limit: recallPage})
		if err != nil {
			r.log.Warn("what the channels have delivered before is not known", "err", err)
			return
		}
		for _, m := range ms {
			r.qualities.recall(m, start)
		}
		if len(ms) < recallPage || ms[len(ms)-1].AcceptedAt < start-2*qualityHour {
			return
		}
		before, read = ms[len(ms)-1].ID, read+len(ms)
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
