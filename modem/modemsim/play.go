package modemsim

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

// Play lets a script go by until ctx is done or nothing is left of it. told, which may be nil, hears what was done; err says that a line
// could not be done, and the script goes on.
func (b *Bank) Play(ctx context.Context, s *Script, told func(what string, err error)) {
	if told == nil {
		told = func(string, error) {}
	}
	p := &player{bank: b, random: rand.New(rand.NewPCG(s.seed, 0)), began: time.Now(), told: told}
	for _, e := range s.entries {
		p.enter(e, e.from, true)
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for len(p.agenda.entries) > 0 {
		timer.Reset(p.agenda.next(time.Now()))
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		for {
			run, ok := p.agenda.due(time.Now())
			if !ok {
				break
			}
			run(time.Now())
		}
	}
}

// player is a script under way.
type player struct {
	bank   *Bank
	agenda agenda
	random *rand.Rand
	began  time.Time
	told   func(what string, err error)
}

// enter enters a line for its next time, counted from so long after the beginning.
func (p *player) enter(e scriptEntry, from time.Duration, first bool) {
	if !first && !e.repeats {
		return
	}
	when := from + e.low + time.Duration(p.random.Float64()*float64(e.high-e.low))
	if e.repeats {
		when = max(when, from+time.Millisecond)
	}
	if e.until > 0 && when > e.until {
		return
	}
	p.agenda.at(p.began.Add(when), func(time.Time) {
		what, err := e.act[p.random.IntN(len(e.act))].do(p.bank, p.random)
		if err != nil {
			err = fmt.Errorf("line %d: %w", e.line, err)
		}
		p.told(what, err)
		p.enter(e, when, false)
	})
}
