package router

import (
	"maps"
	"slices"
	"sync"
	"time"

	"gsmgate/storage"
)

// shareWindow is over how many hours reports are counted.
const shareWindow = 24

// mostShares bounds the lanes that are counted.
const mostShares = 10_000

// ReportShare counts the parts of a lane in the last 24 hours, or since the
// process started: what was sent, and what was heard of it, each in the hour in
// which it happened.
type ReportShare struct {
	Lane      string
	Since     time.Time
	Sent      int // parts that the next hop took
	Delivered int
	Failed    int
	NoReport  int // nothing was heard in time
	Late      int // among Delivered and Failed: heard after that
	Stray     int // reports that fit no part
}

// shares counts reports by lane. An hour is dropped when its place is needed.
type shares struct {
	mu    sync.Mutex
	began storage.Time
	lanes map[string]*[shareWindow]hourShare
}

type hourShare struct {
	hour int64 // since the epoch
	ReportShare
}

const hourMS = storage.Time(time.Hour / time.Millisecond)

// note changes the counts of a lane in this hour.
func (s *shares) note(lane string, now storage.Time, change func(*ReportShare)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lanes == nil {
		s.lanes, s.began = map[string]*[shareWindow]hourShare{}, now
	}
	ring := s.lanes[lane]
	if ring == nil {
		if len(s.lanes) >= mostShares {
			return
		}
		ring = &[shareWindow]hourShare{}
		s.lanes[lane] = ring
	}
	hour := int64(now / hourMS)
	slot := &ring[hour%shareWindow]
	if slot.hour != hour {
		*slot = hourShare{hour: hour}
	}
	change(&slot.ReportShare)
}

func (s *shares) sent(lane string, now storage.Time) {
	s.note(lane, now, func(c *ReportShare) { c.Sent++ })
}

func (s *shares) strayed(lane string, now storage.Time) {
	s.note(lane, now, func(c *ReportShare) { c.Stray++ })
}

func (s *shares) reported(lane string, delivered, late bool, now storage.Time) {
	s.note(lane, now, func(c *ReportShare) {
		if delivered {
			c.Delivered++
		} else {
			c.Failed++
		}
		if late {
			c.Late++
		}
	})
}

// silent counts the parts of which nothing was heard.
func (s *shares) silent(parts []storage.Part, now storage.Time) {
	for i := range parts {
		if p := &parts[i]; p.State == storage.PartSent || p.State == storage.PartUnknown {
			s.note(p.Lane, now, func(c *ReportShare) { c.NoReport++ })
		}
	}
}

// ReportShares gives what was heard of the parts that left by each lane, by the
// name of the lane.
func (r *Router) ReportShares() []ReportShare {
	s, hour := &r.shares, int64(r.now()/hourMS)
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []ReportShare
	for _, lane := range slices.Sorted(maps.Keys(s.lanes)) {
		sum := ReportShare{Lane: lane, Since: s.began.Time()}
		if from := storage.Time(hour-shareWindow+1) * hourMS; from > s.began {
			sum.Since = from.Time()
		}
		for _, h := range s.lanes[lane] {
			if h.hour > hour-shareWindow && h.hour <= hour {
				sum.add(&h.ReportShare)
			}
		}
		all = append(all, sum)
	}
	return all
}

func (s *ReportShare) add(h *ReportShare) {
	s.Sent += h.Sent
	s.Delivered += h.Delivered
	s.Failed += h.Failed
	s.NoReport += h.NoReport
	s.Late += h.Late
	s.Stray += h.Stray
}
