package smppsim

import (
	"context"
	"time"
)

// delayLine does things in their order, each the same time after it was added.
type delayLine struct {
	delay time.Duration
	queue chan delayed
}

type delayed struct {
	due time.Time
	do  func()
}

// newDelayLine returns a line that holds at most size things.
func newDelayLine(delay time.Duration, size int) *delayLine {
	return &delayLine{delay, make(chan delayed, size)}
}

// add reports whether there was room.
func (l *delayLine) add(do func()) bool {
	select {
	case l.queue <- delayed{time.Now().Add(l.delay), do}:
		return true
	default:
		return false
	}
}

func (l *delayLine) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case d := <-l.queue:
			if wait := time.Until(d.due); wait > 0 {
				timer.Reset(wait)
				select {
				case <-timer.C:
				case <-ctx.Done():
					return
				}
			}
			d.do()
		}
	}
}
