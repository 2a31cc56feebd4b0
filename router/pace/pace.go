// Package pace keeps what a channel sends below what its provider bears.
package pace

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Pace is the rate that the operator set and, after the provider has complained,
// less for a while. It halves at most once a second, for what is in flight says the
// same, and recovers by a tenth each second without a complaint.
type Pace struct {
	most rate.Limit // rate.Inf: none was set
	now  func() time.Time

	mu      sync.Mutex
	limiter *rate.Limiter
	fell    time.Time // when it was last slowed
	rose    time.Time // when it last recovered by a step
	second  int64     // in which sent counts
	sent    int
	before  int // in the second before
}

const (
	leastRate    = rate.Limit(0.5)
	calm         = 5 * time.Second // without a complaint, before it recovers
	unboundAbove = 4               // times what was sent when it was slowed first: then it is free again
)

// New makes a pace of so many messages a second; 0: no limit.
func New(perSecond int, now func() time.Time) *Pace {
	p := &Pace{most: rate.Inf, now: now, limiter: rate.NewLimiter(rate.Inf, 1)}
	if perSecond > 0 {
		p.most = rate.Limit(perSecond)
		p.limiter = rate.NewLimiter(p.most, max(1, perSecond/10))
	}
	return p
}

// Wait returns when the next submit may go.
func (p *Pace) Wait(ctx context.Context) error {
	if err := p.limiter.Wait(ctx); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.count()
	p.recover()
	return nil
}

// count notes a submit.
func (p *Pace) count() {
	now := p.now().Unix()
	switch {
	case now == p.second+1:
		p.before, p.sent = p.sent, 0
	case now != p.second:
		p.before, p.sent = 0, 0
	}
	p.second = now
	p.sent++
}

// recover goes back towards what was set, step by step.
func (p *Pace) recover() {
	limit, now := p.limiter.Limit(), p.now()
	if limit >= p.most || now.Sub(p.fell) < calm || now.Sub(p.rose) < time.Second {
		return
	}
	p.rose = now
	limit *= 1.1
	if p.most == rate.Inf && limit > unboundAbove*rate.Limit(max(p.before, 1)) && p.before > 0 && now.Sub(p.fell) > 12*calm {
		limit = rate.Inf
	}
	p.set(min(limit, p.most))
}

// Throttled slows down.
func (p *Pace) Throttled() {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	if now.Sub(p.fell) < time.Second {
		return
	}
	p.fell = now
	limit := p.limiter.Limit()
	if limit == rate.Inf {
		limit = rate.Limit(max(p.before, p.sent, 2))
	}
	p.set(max(limit/2, leastRate))
}

func (p *Pace) set(limit rate.Limit) {
	p.limiter.SetLimit(limit)
	if limit != rate.Inf {
		p.limiter.SetBurst(max(1, int(limit)/10))
	}
}

// Limit is messages a second now; 0: none.
func (p *Pace) Limit() float64 {
	if l := p.limiter.Limit(); l != rate.Inf {
		return float64(l)
	}
	return 0
}
