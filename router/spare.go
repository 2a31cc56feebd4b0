package router

import (
	"sync"
	"time"

	"gsmgate/storage"
)

const (
	longestWait = 5 * time.Minute  // of a message that was refused for now, and of a lane that is ill
	spareFor    = 10 * time.Second // so long another lane may try what one was refused
	sparePause  = 200 * time.Millisecond
	mostAway    = 10_000
)

// doubled is a wait that grows with each refusal, from the first (n is 1) to
// longestWait; a wait that is longer stays as it is.
func doubled(wait time.Duration, n int) time.Duration {
	return max(wait, min(wait<<min(max(n-1, 0), 10), longestWait))
}

// waitOf is how long a message waits whose part was refused for now.
func (run *laneRun) waitOf(m *storage.Message, p *storage.Part, se *SendError) time.Duration {
	whole := count(m.Parts).left() == 0
	counted := p.Attempts
	if se.Limit > 0 {
		counted = p.Refused
	}
	switch {
	case whole && se.LaneIll && p.Attempts <= 3:
		return 0 // another lane may have it at once
	case whole && counted == 1 && run.r.hasOther(run):
		return 0
	case se.Wait == 0:
		return run.r.backoff(p.Attempts)
	case se.Limit == 0:
		return se.Wait
	}
	return doubled(se.Wait, counted)
}

// hasOther says whether another lane that is well drains the same queue.
func (r *Router) hasOther(run *laneRun) bool {
	r.mu.Lock()
	var others []*laneRun
	for other := range r.lanes {
		if other.ID != run.ID && other.Queue == run.Queue {
			others = append(others, other)
		}
	}
	r.mu.Unlock()
	for _, other := range others {
		if other.restsFor() <= 0 {
			return true
		}
	}
	return false
}

// postponed puts off a message that another lane is to try first, and one to a
// recipient for whom another waits that was refused. It reports whether it did.
func (run *laneRun) postponed(m *storage.Message, i int, now storage.Time) bool {
	p := &m.Parts[i]
	switch {
	case m.Kind != storage.MT || count(m.Parts).left() > 0:
		return false
	case p.Refused > 0 || p.Cause != 0:
		tried := now.Time().Sub(p.Tried.Time())
		if p.Lane != run.ID || tried > spareFor || !run.r.hasOther(run) {
			return false
		}
		m.DueAt = run.r.after(now, sparePause)
		return true
	}
	until, why := run.r.away.until(m.Home(), m.Dest.Addr, now)
	if until == 0 {
		return false
	}
	m.DueAt, m.Reason = until, "waits for a message to the same recipient: "+why
	return true
}

// away remembers recipients to whom a message was refused for now: those behind
// it wait with it, and others pass. It forgets with the process.
type away struct {
	mu  sync.Mutex
	who map[[2]string]absence
}

type absence struct {
	until storage.Time
	why   string
}

func (a *away) hold(queue, dest string, until storage.Time, why string, now storage.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.who == nil {
		a.who = map[[2]string]absence{}
	}
	if len(a.who) >= mostAway {
		a.forget(now)
	}
	a.who[[2]string{queue, dest}] = absence{until, why}
}

// forget makes room; called with the lock held.
func (a *away) forget(now storage.Time) {
	for key, e := range a.who {
		if e.until <= now {
			delete(a.who, key)
		}
	}
	if len(a.who) >= mostAway {
		clear(a.who)
	}
}

// until gives the time until which messages to dest wait, and why; 0 when they
// do not.
func (a *away) until(queue, dest string, now storage.Time) (storage.Time, string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	e, ok := a.who[[2]string{queue, dest}]
	if !ok || e.until <= now {
		return 0, ""
	}
	return e.until, e.why
}

// back ends the wait: the recipient was reached.
func (a *away) back(queue, dest string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.who, [2]string{queue, dest})
}
