package pace

import (
	"testing"
	"time"

	"golang.org/x/time/rate"
)

func TestPace_SlowsAndRecovers(t *testing.T) {
	now := time.Unix(1000, 0)
	p := New(100, func() time.Time { return now })
	p.Throttled()
	p.Throttled() // of what was in flight: the same complaint
	if p.Limit() != 50 {
		t.Errorf("limit %v", p.Limit())
	}
	step := func(d time.Duration) {
		now = now.Add(d)
		p.mu.Lock()
		p.count()
		p.recover()
		p.mu.Unlock()
	}
	step(2 * time.Second)
	if p.Limit() != 50 {
		t.Errorf("recovered too soon: %v", p.Limit())
	}
	for range 20 {
		step(5 * time.Second)
	}
	if p.Limit() != 100 {
		t.Errorf("did not recover: %v", p.Limit())
	}
	free := New(0, func() time.Time { return now })
	if free.Limit() != 0 {
		t.Error("a limit that nobody set")
	}
	free.Throttled()
	if free.Limit() == 0 || rate.Limit(free.Limit()) < leastRate {
		t.Errorf("limit %v", free.Limit())
	}
}
