package modem

import (
	"context"
	"sync"
	"time"

	"gsmgate/modem/at"
)

// relay keeps the link of the short message service open over messages that follow each other: each then saves its setting up, a second
// or so on many networks [27.005 3.5.6]. AT+CMMS=2, which is said when the modem comes up, stays by the standard, and falls back to 0 some
// seconds after the last message on many modems. So at the second message of a burst the modem is asked, and one that has forgotten is
// told again at each burst. A lone message costs nothing.
type relay struct {
	mu      sync.Mutex
	last    time.Time // when the last message was over
	kept    bool      // in this burst
	forgets bool
	done    bool // the modem refused it, or keeps it: nothing more is said
}

// burstGap is how soon after the last message the next must come to be of the same burst.
const burstGap = 500 * time.Millisecond

const keepOpen = "AT+CMMS=2"

// begins notes that a message is about to go, and gives the command that should come first, "" for none.
func (r *relay) begins(now time.Time) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now.Sub(r.last) > burstGap {
		r.kept = false
		return ""
	}
	if r.kept || r.done {
		return ""
	}
	r.kept = true
	if r.forgets {
		return keepOpen
	}
	return "AT+CMMS?"
}

func (r *relay) ends(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last = now
}

// enough says that nothing more is to be said.
func (r *relay) enough() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.done = true
}

// lapsed notes that the modem has forgotten.
func (r *relay) lapsed() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.forgets = true
}

// keepLink has the link kept open when a burst has begun. The error is not nil only when the modem is lost.
func (s *session) keepLink(ctx context.Context) error {
	command := s.relay.begins(time.Now())
	if command == "" {
		return nil
	}
	if command != keepOpen {
		value, err := s.ask(ctx, command, at.Prefix("+CMMS:"))
		switch {
		case err != nil:
			return err
		case at.Params(value) == "2":
			s.relay.enough()
			return nil
		}
		s.relay.lapsed()
	}
	taken, err := s.tell(ctx, keepOpen)
	if !taken && err == nil {
		s.relay.enough()
	}
	return err
}
