package router

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"gsmgate/router/plan"
	"gsmgate/storage"
)

const (
	triesAWay  = 3                // attempts by one channel before the next one has its turn
	roundsWays = 3                // how often a message goes round its channels
	waysEvery  = 5 * time.Second  // how often the queues of channels that are gone are looked at
	waysGone   = 30 * time.Second // how long a channel is waited for
	waysBatch  = 256              // messages that are looked at in one go
)

// goesElsewhere lets another channel have a message that this one does not take.
// It reports whether it does; nothing of the message may have left. Each channel
// has some tries, and the message goes round them some times: then it stays where
// it is, and ends with its validity.
func (run *laneRun) goesElsewhere(m *storage.Message, i int, se *SendError, now storage.Time) bool {
	r := run.r
	if !r.mayMove(m) || run.Order != nil || m.Parts[i].State == storage.PartWaiting {
		return false
	}
	switch {
	case se.Outcome == RefusedForGood && se.Elsewhere:
		if !r.leave(m, now) {
			return false
		}
	case se.Outcome != RefusedForNow, once(m), m.Parts[i].Attempts < triesAWay, int(m.Moves) >= roundsWays*len(m.Ways):
		return false
	default:
		if !r.moveOn(m, now) {
			return false
		}
	}
	m.Reason = se.Err.Error()
	m.Note(now, "moved", fmt.Sprintf("to channel %s: %s", m.Queue, m.Reason))
	return true
}

// mayMove says whether another channel may still have the message.
func (r *Router) mayMove(m *storage.Message) bool {
	t := count(m.Parts)
	return m.Kind == storage.MT && len(m.Ways) > 1 && !ended(m) && t.left() == 0 && t.failed == 0
}

// leave takes the channel of the message out of its ways for good, and gives it
// the next one. false: there is none.
func (r *Router) leave(m *storage.Message, now storage.Time) bool {
	from := int(m.Way)
	if !r.moveOn(m, now) {
		return false
	}
	m.Ways = slices.Delete(slices.Clone(m.Ways), from, from+1)
	if int(m.Way) > from {
		m.Way--
	}
	m.DueAt = now
	return true
}

// moveOn gives the message the next of its channels that can carry it, one that
// is ready before one that is not. Once round it waits.
func (r *Router) moveOn(m *storage.Message, now storage.Time) bool {
	g := r.guide()
	u, _ := r.db.User(m.User)
	next := -1
	var by *way
	for step := 1; step < len(m.Ways); step++ {
		at := (int(m.Way) + step) % len(m.Ways)
		w := g.find(m.Ways[at])
		if w == nil || w.ch == nil {
			continue
		}
		if _, err := w.ch.Parts(m); err != nil {
			continue
		}
		ready := r.stood(storage.PoolQueue(w.ch.Name(), w.poolFor(&u)))
		if next < 0 || ready {
			next, by = at, w
		}
		if ready {
			break
		}
	}
	if next < 0 {
		return false
	}
	r.moveTo(m, g, by, &u, now, next)
	return true
}

func (r *Router) moveTo(m *storage.Message, g *guide, w *way, u *storage.User, now storage.Time, next int) {
	wait := time.Duration(0)
	if next < int(m.Way) {
		wait = r.backoff(int(m.Moves) + 1)
	}
	if parts, err := w.ch.Parts(m); err == nil {
		m.Parts = parts
	}
	goBy(m, w, u)
	m.Way = uint8(next)
	if m.Moves < math.MaxUint8 { // those that wait move without a bound
		m.Moves++
	}
	m.State, m.DueAt = storage.Enroute, r.after(now, wait)
	m.Cost = g.plan.Cost(w.name, &plan.Query{Dest: m.Dest.Addr, At: now}) * storage.Millicredits(storage.Units(m.Parts))
}

// find gives the way of a name, nil when no route has it any more.
func (g *guide) find(name string) *way {
	i := slices.IndexFunc(g.ways, func(w way) bool { return w.name == name })
	if i < 0 {
		return nil
	}
	return &g.ways[i]
}

// waysOf are the channels that a message knows, nil when there is no other than the
// first.
func (g *guide) waysOf(run []plan.Candidate) []string {
	run = run[:min(len(run), mostWays)]
	if len(run) < 2 {
		return nil
	}
	names := make([]string, len(run))
	for i := range run {
		names[i] = g.ways[run[i].Channel].name
	}
	return names
}

// watchWays moves on what waits for a channel that is gone.
func (r *Router) watchWays(ctx context.Context) error {
	t := time.NewTicker(waysEvery)
	defer t.Stop()
	for {
		select {
		case <-t.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := r.forsakeAll(ctx); err != nil {
			return err
		}
	}
}

// drains is a queue and the channel that drains it.
type drains struct {
	ch    Channel
	queue string
}

func (r *Router) forsakeAll(ctx context.Context) error {
	all := r.drained(r.guide())
	now, some := r.now(), false
	for _, d := range all {
		_, ready := r.stands(d.ch, d.queue, now)
		some = some || ready
	}
	if !some {
		return nil // nowhere to go
	}
	for _, d := range all {
		if err := r.forsake(ctx, d); err != nil {
			return err
		}
	}
	return nil
}

// drained gives the queues of all ways, those of users' pools among them.
func (r *Router) drained(g *guide) (all []drains) {
	pools := []storage.User{{}}
	for _, u := range r.db.Users() {
		if !slices.ContainsFunc(pools, func(p storage.User) bool { return p.Pool == u.Pool }) {
			pools = append(pools, u)
		}
	}
	for i := range g.ways {
		w := &g.ways[i]
		for u := range pools {
			if w.ch == nil || u > 0 && !w.bank {
				break
			}
			d := drains{w.ch, storage.PoolQueue(w.ch.Name(), w.poolFor(&pools[u]))}
			if !slices.Contains(all, d) {
				all = append(all, d)
			}
		}
	}
	return all
}

// forsake moves on what waits in a queue that has not been drained for a while.
func (r *Router) forsake(ctx context.Context, d drains) error {
	now := r.now()
	since, ready := r.stands(d.ch, d.queue, now)
	if ready || now-since < storage.Time(waysGone.Milliseconds()) || r.db.Queued(d.queue) == 0 {
		return nil
	}
	for at := (storage.DueKey{}); ctx.Err() == nil; {
		entries, _, err := r.db.Due(d.queue, now, at, waysBatch)
		if err != nil || len(entries) == 0 {
			return err
		}
		var wg sync.WaitGroup
		for _, e := range entries {
			at = e
			wg.Add(1)
			r.moveWaiting(d.queue, e.ID, wg.Done)
		}
		wg.Wait()
		if len(entries) < waysBatch {
			return nil
		}
	}
	return ctx.Err()
}

// moveWaiting moves a message on that waits in a queue, if one of its other
// channels is ready.
func (r *Router) moveWaiting(queue string, id storage.ID, done func()) {
	r.change(id, func(m *storage.Message, now storage.Time) ([]*storage.Message, error) {
		if m.Queue != queue || m.DueAt == 0 || !untouched(m) || !r.mayMove(m) {
			return nil, errStale
		}
		if !r.moveOn(m, now) || m.Queue == queue || !r.stood(m.Queue) {
			return nil, errStale // what was changed here is not stored
		}
		m.DueAt = now
		m.Note(now, "moved", fmt.Sprintf("to channel %s: channel %s is not ready", m.Queue, queue))
		return nil, nil
	}, func(_ *storage.Message, err error) {
		if err != nil && !errors.Is(err, errStale) && !errors.Is(err, storage.ErrNotFound) {
			r.log.Error("a message cannot be moved to another channel", "id", id, "err", err)
		}
		done()
	})
}
