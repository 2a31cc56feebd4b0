package at

import (
	"context"
	"slices"
	"sync"
)

// turn hands the modem to one command at a time, in order, the urgent before the others: an acknowledgement to the network has some
// seconds [24.011 10], the next message has time.
type turn struct {
	mu     sync.Mutex
	busy   bool
	urgent []chan struct{}
	normal []chan struct{}
}

// take waits for the turn. Each nil needs a release.
func (t *turn) take(ctx context.Context, urgent bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	t.mu.Lock()
	if !t.busy {
		t.busy = true
		t.mu.Unlock()
		return nil
	}
	mine := make(chan struct{})
	queue := t.queue(urgent)
	*queue = append(*queue, mine)
	t.mu.Unlock()
	select {
	case <-mine:
		return nil
	case <-ctx.Done():
		t.leave(queue, mine)
		return ctx.Err()
	}
}

func (t *turn) queue(urgent bool) *[]chan struct{} {
	if urgent {
		return &t.urgent
	}
	return &t.normal
}

// leave takes a waiter out of its queue; a turn that was given to it meanwhile goes on to the next.
func (t *turn) leave(queue *[]chan struct{}, mine chan struct{}) {
	t.mu.Lock()
	i := slices.Index(*queue, mine)
	if i >= 0 {
		*queue = slices.Delete(*queue, i, i+1)
	}
	t.mu.Unlock()
	if i < 0 {
		t.release()
	}
}

func (t *turn) release() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, queue := range []*[]chan struct{}{&t.urgent, &t.normal} {
		if len(*queue) > 0 {
			next := (*queue)[0]
			*queue = slices.Delete(*queue, 0, 1)
			close(next)
			return
		}
	}
	t.busy = false
}
