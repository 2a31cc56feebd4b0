package smppd

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// Anybody can make as many connections that never bind as they like, and what is logged of those
// must not fill a disk.
const (
	strangersAtOnce = 10               // lines of a kind
	strangersEach   = time.Second      // one more of a kind
	strangersTold   = 10 * time.Second // after so long the number of those left out is told
)

// strangers logs what happens to connections that have not bound. Of each kind of line, some are
// written; the others are counted, and their number is a line of its own.
type strangers struct {
	refused, handshakes, ended seldom
	missed                     chan struct{} // one slot: there is a number to tell
}

// seldom is one kind of line.
type seldom struct {
	line, more string        // what it says, and what is said of those left out
	limit      *rate.Limiter // of those written
	left       atomic.Uint64 // out, and not told yet
	missed     chan struct{} // of strangers
}

func newStrangers() *strangers {
	st := &strangers{
		refused:    seldom{line: "bind refused", more: "more binds were refused"},
		handshakes: seldom{line: "TLS handshake failed", more: "more TLS handshakes failed"},
		ended:      seldom{line: "session ended", more: "more connections ended that had not bound"},
		missed:     make(chan struct{}, 1),
	}
	for _, kind := range st.kinds() {
		kind.limit, kind.missed = rate.NewLimiter(rate.Every(strangersEach), strangersAtOnce), st.missed
	}
	return st
}

func (st *strangers) kinds() []*seldom { return []*seldom{&st.refused, &st.handshakes, &st.ended} }

// say writes a line, or counts it.
func (l *seldom) say(log *slog.Logger, args ...any) {
	if l.limit.Allow() {
		log.Info(l.line, args...)
		return
	}
	if l.left.Add(1) == 1 {
		signal(l.missed)
	}
}

// run tells the numbers of the lines left out until ctx ends. There may be several runs at once.
func (st *strangers) run(ctx context.Context, log *slog.Logger) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-st.missed:
		}
		sleep(ctx, strangersTold)
		st.tell(log)
	}
}

// tell tells the numbers that are not told yet.
func (st *strangers) tell(log *slog.Logger) {
	for _, kind := range st.kinds() {
		if n := kind.left.Swap(0); n > 0 {
			log.Info(kind.more, "count", n)
		}
	}
}
