package modem

import (
	"context"
	"sync"
	"time"
)

// ackPatience is how long a submit waits at most for an acknowledgement that is about to be given: storing takes a commit.
const ackPatience = 300 * time.Millisecond

// acks lets the acknowledgement of an incoming message go before the next submit. That takes seconds, in which the modem takes no
// AT+CNMA; and what is not acknowledged in time the network sends again, after some modems have turned the indications off. [27.005 3.4.4]
type acks struct {
	mu   sync.Mutex
	due  int
	none chan struct{} // closed when due is 0 again; nil while it is
}

// begin notes that something is being stored; the function that it returns that it was acknowledged.
func (a *acks) begin() (end func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.due++; a.due == 1 {
		a.none = make(chan struct{})
	}
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.due--; a.due == 0 {
			close(a.none)
			a.none = nil
		}
	}
}

// wait returns when nothing is due, after a little, or when ctx ends.
func (a *acks) wait(ctx context.Context) {
	a.mu.Lock()
	none := a.none
	a.mu.Unlock()
	if none == nil {
		return
	}
	timer := time.NewTimer(ackPatience)
	defer timer.Stop()
	select {
	case <-none:
	case <-timer.C:
	case <-ctx.Done():
	}
}
