package smppd

import (
	"slices"
	"sync"
	"time"
)

// traces keeps what sessions leave behind.
type traces struct {
	mu             sync.Mutex
	ended, refused []*Trace // under mu, the oldest first: sessions, and connections that never were one
}

// keep adds t, and drops the oldest of its kind beyond most.
func (k *traces) keep(t *Trace, most int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	list := &k.refused
	if t.Bound {
		list = &k.ended
	}
	*list = append(*list, t)
	if over := len(*list) - most; over > 0 {
		*list = slices.Delete(*list, 0, over)
	}
}

func (k *traces) all() []*Trace {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Concat(k.ended, k.refused)
}

// keepTrace keeps the trace of a session that ends: of those that were bound, and of those whose
// binds or other requests were refused, which is when somebody asks why.
func (s *Session) keepTrace() {
	if s.trace.half == 0 || s.srv.cfg.KeptTraces < 0 || s.binding.Load() == nil && s.counts.refused.Load() == 0 {
		return
	}
	t := s.tracing()
	t.Ended = time.Now()
	if why := s.ending.Load(); why != nil {
		t.Reason = why.Error()
	}
	s.srv.traces.keep(t, s.srv.cfg.KeptTraces)
}

// Traces lists the traces there are: of the bound sessions, of the last Config.KeptTraces that
// ended, and of as many connections that ended with their binds refused. The newest comes first.
func (srv *Server) Traces() []TraceInfo {
	var all []TraceInfo
	for _, t := range srv.traces.all() {
		all = append(all, t.TraceInfo)
	}
	for _, s := range srv.snapshot() {
		ended := slices.ContainsFunc(all, func(t TraceInfo) bool { return t.ID == s.id })
		if s.trace.half != 0 && s.binding.Load() != nil && !ended {
			all = append(all, s.traceInfo())
		}
	}
	slices.SortStableFunc(all, func(a, b TraceInfo) int { return b.Started.Compare(a.Started) })
	return all
}

// Trace returns the trace of the session with this id, which lives or has ended not long ago.
func (srv *Server) Trace(id string) (*Trace, bool) {
	if s, ok := srv.Session(id); ok {
		return s.tracing(), true
	}
	for _, t := range srv.traces.all() {
		if t.ID == id {
			return t, true
		}
	}
	return nil, false
}
