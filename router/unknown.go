package router

import (
	"fmt"
	"time"

	"gsmgate/router/plan"
	"gsmgate/storage"
)

// mostResends bounds how often a message is sent again that may have gone out.
const mostResends = 3

// unknown makes part i UNKNOWN: nothing more is sent until a report settles it, or
// the policy of the route strikes. A message of which another part has failed ends.
func (r *Router) unknown(m *storage.Message, i int, now storage.Time, format string, args ...any) []*storage.Message {
	if m.Kind != storage.MT {
		m.Parts[i].State = storage.PartWaiting
		m.DueAt = now
		return nil
	}
	why := m.Reason
	m.Parts[i].State = storage.PartUnknown
	m.Reason = fmt.Sprintf(format, args...)
	policy, after := r.policyOf(m)
	if policy != plan.Hold {
		m.Reason += fmt.Sprintf("; route %s says: %s after %v", m.Route, policy, after)
	}
	m.Note(now, "unknown", m.Reason)
	move(m, storage.Unknown)
	m.DueAt, m.Deadline = 0, r.after(now, after)
	if count(m.Parts).failed > 0 {
		m.Reason = why
	}
	return r.weigh(m, now)
}

// policyOf says what is done with a message that may have gone out, and how long
// after. It is that of the route by which the message was accepted, as it is set
// now. Without one it is held.
func (r *Router) policyOf(m *storage.Message) (policy string, after time.Duration) {
	if m.Route != "" {
		if route, ok := r.db.Route(m.Route); ok && route.Unknown != "" && route.Unknown != plan.Hold {
			after := time.Duration(route.UnknownAfter) * time.Second
			return route.Unknown, min(orDefault(after, r.o.ReportTimeout), r.o.ReportTimeout)
		}
	}
	return plan.Hold, r.o.ReportTimeout
}

// strike applies the policy to a message with parts of which no report has come.
func (r *Router) strike(m *storage.Message, now storage.Time) []*storage.Message {
	policy, _ := r.policyOf(m)
	valid := m.ExpiresAt == 0 || m.ExpiresAt > now
	until := r.after(lastTried(m.Parts), r.o.ReportTimeout)
	switch {
	case policy == plan.Resend && valid && m.Resent < mostResends && !once(m):
		r.resend(m, now)
		return nil
	case policy == plan.Fail:
		r.shares.silent(m.Parts, now)
		return r.finish(m, storage.Undeliverable, 0, fmt.Sprintf("it may have been sent, and no report came in time: route %s lets it fail", m.Route), now)
	case until > now:
		m.Deadline = until
		return nil
	}
	r.shares.silent(m.Parts, now)
	return r.finish(m, storage.Unknown, 0, noReport, now)
}

func lastTried(parts []storage.Part) (last storage.Time) {
	for i := range parts {
		last = max(last, parts[i].Tried)
	}
	return last
}

// resend sends again what may have been sent. The timeline says so, and so will the
// receipt.
func (r *Router) resend(m *storage.Message, now storage.Time) {
	for i := range m.Parts {
		if p := &m.Parts[i]; p.State == storage.PartUnknown {
			p.State, p.Ref = storage.PartWaiting, ""
			m.Note(now, "resent", fmt.Sprintf("part %d of %d, which may have been sent before: route %s says so", i+1, len(m.Parts), m.Route))
		}
	}
	m.Resent++
	move(m, storage.Enroute)
	m.Reason = "sent again: it may have been sent before"
	m.DueAt, m.Deadline = now, m.ExpiresAt
	m.Queue = pinnedTo(m)
	freeTurn(m)
}
