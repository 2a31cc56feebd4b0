package router

import (
	"math"
	"slices"
	"sync"
	"time"

	"gsmgate/storage"
)

// Quota is a limit of a lane: what it may send until a time, and from then on.
type Quota struct {
	Left  int           // parts that it may still send
	Until time.Time     // when it gets others
	Limit int           // how many it gets then
	Every time.Duration // and how often
}

const (
	drainFor     = storage.Time(500)           // milliseconds for which an estimate of a queue holds
	fewestPulses = 3                           // messages after which the rate of a lane is known
	longestPulse = 10 * time.Minute            // between two messages: beyond, something held the lane
	pulseMemory  = 10 * time.Minute            // of busy time: then the past counts half
	longestDrain = 400 * 24 * 60 * time.Minute // that is told
)

// pulse measures how fast messages leave by a lane while it has something to do.
// With nothing to do before it, a message tells how long one takes, and a window of
// them takes no longer: until the lane is busy, that is what it is believed to
// bear.
type pulse struct {
	mu    sync.Mutex
	idle  bool
	last  time.Time
	first bool // the message that is on its way found the lane idle
	count float64
	busy  time.Duration
	parts float64 // of all messages counted
}

// rests says that the lane has found nothing to take.
func (p *pulse) rests() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idle = true
}

// begins says that it takes a message.
func (p *pulse) begins(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.idle || p.last.IsZero() {
		p.idle, p.first, p.last = false, true, now
	}
}

// beats says that a message has left by it.
func (p *pulse) beats(now time.Time, window, parts int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	d := now.Sub(p.last)
	if p.first {
		d /= time.Duration(window)
	}
	p.first, p.last = false, now
	if d < 0 || d > longestPulse {
		return
	}
	p.count++
	p.busy += d
	p.parts += float64(parts)
	if p.busy > pulseMemory {
		p.count, p.busy, p.parts = p.count/2, p.busy/2, p.parts/2
	}
}

// rate is how many messages leave in a millisecond, of so many parts each; false:
// that is not known.
func (p *pulse) rate() (perMS, parts float64, known bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.count < fewestPulses {
		return 0, 1, false
	}
	return p.count / max(0.01, float64(p.busy)/float64(time.Millisecond)), max(1, p.parts/p.count), true
}

// drain is what is known of how fast the messages of a queue leave.
type drain struct {
	at     storage.Time
	lanes  []laneRate
	known  bool
	queued int
	weight int // of all users that have something in it
}

// laneRate is what one lane bears.
type laneRate struct {
	perMS, parts float64
	from         float64 // milliseconds until it begins
	quotas       []quota
}

// quota is a Quota, in milliseconds from the time of the estimate.
type quota struct{ left, until, limit, every float64 }

func (q *Quota) from(now time.Time) quota {
	return quota{float64(q.Left), float64(q.Until.Sub(now).Milliseconds()), float64(q.Limit), float64(q.Every.Milliseconds())}
}

// estimates keeps those of all queues.
type estimates struct {
	mu  sync.Mutex
	all map[string]*drain
}

// drain estimates, now and then, how fast a queue is drained.
func (r *Router) drain(queue string, now storage.Time) *drain {
	r.estimates.mu.Lock()
	d := r.estimates.all[queue]
	r.estimates.mu.Unlock()
	if d != nil && now-d.at < drainFor && now >= d.at {
		return d
	}
	d = r.estimate(queue, now)
	r.estimates.mu.Lock()
	defer r.estimates.mu.Unlock()
	if r.estimates.all == nil {
		r.estimates.all = map[string]*drain{}
	}
	r.estimates.all[queue] = d
	return d
}

func (r *Router) estimate(queue string, now storage.Time) *drain {
	d := &drain{at: now, queued: r.db.Queued(queue)}
	users := map[string]bool{}
	for f := range r.db.Flows(queue) {
		if !users[f.User] {
			users[f.User] = true
			d.weight += r.weightOf(f.User)
		}
	}
	var unknown []laneRate
	var sum float64
	for _, run := range r.draining(queue) {
		l, known, drains := run.bears(now.Time())
		switch {
		case !drains:
		case known:
			d.known = true
			d.lanes = append(d.lanes, l)
			sum += l.perMS
		default:
			unknown = append(unknown, l)
		}
	}
	for _, l := range unknown { // likely as the others
		if d.known {
			l.perMS = sum / float64(len(d.lanes))
			d.lanes = append(d.lanes, l)
		}
	}
	return d
}

// draining gives the lanes of a queue.
func (r *Router) draining(queue string) (runs []*laneRun) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for run := range r.lanes {
		if run.Queue == queue && run.Order == nil {
			runs = append(runs, run)
		}
	}
	return runs
}

// bears says what a lane can take. One that is ill, or held until somebody does
// something, takes nothing that could be counted on.
func (run *laneRun) bears(now time.Time) (l laneRate, known, drains bool) {
	l.perMS, l.parts, known = run.pulse.rate()
	if h := run.asked(); h.On() {
		if h.Until.IsZero() {
			return l, false, false
		}
		l.from = float64(h.Until.Sub(now).Milliseconds())
	}
	if run.Quotas != nil {
		for _, q := range run.Quotas(now) {
			l.quotas = append(l.quotas, q.from(now))
		}
	}
	return l, known, run.restsFor() <= 0
}

// bears says whether so many messages leave within so many milliseconds of the time
// of the estimate.
func (d *drain) bears(messages, ms float64) bool {
	for i := range d.lanes {
		if messages -= d.lanes[i].capacity(ms); messages <= 0 {
			return true
		}
	}
	return messages <= 0
}

// capacity is how many messages leave by the lane.
func (l *laneRate) capacity(ms float64) float64 {
	n := max(0, ms-l.from) * l.perMS
	for i := range l.quotas {
		n = min(n, l.quotas[i].within(ms)/l.parts)
	}
	return n
}

// within is how many parts a quota allows.
func (q *quota) within(ms float64) float64 {
	if over := ms - q.until; over > 0 && q.every > 0 {
		return q.left + q.limit*(1+math.Floor(over/q.every))
	}
	return q.left
}

// takes is how long so many messages take; longestDrain is the most that is told.
func (d *drain) takes(messages float64) time.Duration {
	lo, hi := 0.0, float64(longestDrain.Milliseconds())
	if !d.bears(messages, hi) {
		return longestDrain
	}
	for range 48 {
		if mid := (lo + hi) / 2; d.bears(messages, mid) {
			hi = mid
		} else {
			lo = mid
		}
	}
	return time.Duration(hi) * time.Millisecond
}

// ahead is how many messages leave before another one of a user that has so many
// in the queue: all, or its own and what others are served meanwhile.
func (d *drain) ahead(own, weight int) float64 {
	all := d.weight
	if own == 0 {
		all += weight
	}
	return min(float64(d.queued), float64(own)*float64(max(all, weight))/float64(weight)) + 1
}

// QueueStatus is a queue of a channel, and how fast it is drained.
type QueueStatus struct {
	Name   string
	Queued int
	Known  bool          // how fast its messages leave
	Rate   float64       // a minute, while its lanes are free
	Empty  time.Duration // until what is queued has left; longestDrain is the most
}

// queuesOf gives those of a channel that lanes share or that hold something.
func (r *Router) queuesOf(channel string, queued map[string]int) (all []QueueStatus) {
	names := []string{}
	for name := range queued {
		if belongs(name, channel) {
			names = append(names, name)
		}
	}
	for _, l := range r.lanesOf(channel) {
		names = append(names, l.Queue)
	}
	slices.Sort(names)
	now := r.now()
	for _, name := range slices.Compact(names) {
		q := QueueStatus{Name: name, Queued: queued[name]}
		if d := r.drain(name, now); d.known {
			q.Known, q.Empty = true, d.takes(float64(q.Queued))
			for i := range d.lanes {
				q.Rate += d.lanes[i].perMS * 60_000
			}
		}
		all = append(all, q)
	}
	return all
}
