package router

import (
	"slices"
	"sync"

	"gsmgate/storage"
)

// habits are what is learnt of the networks behind lanes, so that a report finds
// its part. They are forgotten with the process, and learnt again soon.
type habits struct {
	mu    sync.Mutex
	lanes map[string]*habit
}

// habit is that of one lane.
type habit struct {
	last  string         // the reference it gave last
	again int            // how often in a row it gave that before
	alike int            // reports that named their part as its reference was kept
	other int            // those that named it in another form
	skews []storage.Time // how much later than the attempts the network's times were, the newest last
}

// mostSkews is how many times are remembered of a lane: the one in the middle
// counts.
const mostSkews = 5

func (h *habits) of(lane string) *habit {
	if h.lanes == nil {
		h.lanes = map[string]*habit{}
	}
	l := h.lanes[lane]
	if l == nil {
		l = &habit{}
		h.lanes[lane] = l
	}
	return l
}

// gave notes the reference that a send brought.
func (h *habits) gave(lane, ref string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	l := h.of(lane)
	if l.last == ref {
		l.again++
		return
	}
	l.last, l.again = ref, 0
}

// stuck says whether the lane gives the same reference every time.
func (h *habits) stuck(lane string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.of(lane).again > 0
}

// named notes whether a report named its part by the form in which the reference is
// kept.
func (h *habits) named(lane string, alike bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	l := h.of(lane)
	if alike {
		l.alike++
	} else {
		l.other++
	}
}

// namesAlike says whether reports of the lane name parts as their references are
// kept, so that one which none has in that form is about a part whose reference is
// still to come.
func (h *habits) namesAlike(lane string) bool {
	const enough = 3
	h.mu.Lock()
	defer h.mu.Unlock()
	l := h.of(lane)
	return l.alike >= enough*max(1, l.other)
}

// learnSkew notes by how much the time of a report was later than that of its
// attempt: clocks and zones of service centres are set as it comes.
func (h *habits) learnSkew(lane string, d storage.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	l := h.of(lane)
	l.skews = append(l.skews, d)
	l.skews = l.skews[max(0, len(l.skews)-mostSkews):]
}

// trustsClock says whether the clock of the service centre goes: it was wrong by
// the same each time. Some stand, and some were never set.
func (h *habits) trustsClock(lane string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	l := h.of(lane)
	return len(l.skews) > 2 && slices.Max(l.skews)-slices.Min(l.skews) <= reach
}

// skew is what is to be taken from a time of the network; 0 while nothing is
// known.
func (h *habits) skew(lane string) storage.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	sorted := slices.Clone(h.of(lane).skews)
	if len(sorted) == 0 {
		return 0
	}
	slices.Sort(sorted)
	return sorted[len(sorted)/2]
}
