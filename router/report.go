package router

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"gsmgate/storage"
)

// reportPatience is how long a report may wait for the answer of the send that
// it may be about.
const reportPatience = 5 * time.Second

// Report takes what the next hop says about a part; see Inbox. A report that
// fits no part is logged and counts as taken: asking the network for it again
// would not help.
//
// One that overtakes the answer of a send waits for it: until then nobody knows
// whether it is about that part or about an older one whose outcome is unknown.
func (r *Router) Report(rep storage.Report, done func(error)) {
	refs, err := r.db.MatchReport(rep.Lane, rep.Match, 512)
	if err != nil {
		done(public(err))
		return
	}
	came := r.now()
	known, lost, _ := candidates(refs, rep.Ref)
	if len(known) == 0 && r.onceAnswered(rep.Lane, lost, func() { r.match(rep, came, done) }) {
		return
	}
	r.match(rep, came, done)
}

// Awaiting gives messages that await a report; see Inbox.
func (r *Router) Awaiting(lane, match string) (all []*storage.Message, err error) {
	refs, err := r.db.MatchReport(lane, match, 512)
	if err != nil {
		return nil, public(err)
	}
	seen := map[storage.ID]bool{}
	for _, c := range refs {
		if seen[c.ID] {
			continue
		}
		seen[c.ID] = true
		m, err := r.db.Message(c.ID)
		if errors.Is(err, storage.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, public(err)
		}
		all = append(all, m)
	}
	return all, nil
}

// match finds the part that a report is about, which came at the given time.
func (r *Router) match(rep storage.Report, came storage.Time, done func(error)) {
	refs, err := r.db.MatchReport(rep.Lane, rep.Match, 512)
	if err != nil {
		done(public(err))
		return
	}
	known, lost, other := candidates(refs, rep.Ref)
	all := append(known, r.likeliest(lost, rep, came, 0)...)
	if rep.Submitted != 0 {
		all = append(all, r.likeliest(other, rep, came, wrongRefReach)...)
	}
	r.tryReport(rep, all, done)
}

// wrongRefReach is how far the attempt of a part may be from the time of a
// report with another reference that it takes all the same: some modems give
// the same TP-MR for every message.
const wrongRefReach = storage.Time(time.Minute / time.Millisecond)

// candidates are the parts that the report may be about: those with its
// reference, newest first; those whose reference never came (the attempt is
// under way, or its answer was lost), oldest first; and those with another
// reference, oldest first.
func candidates(refs []storage.PartRef, ref string) (known, lost, other []storage.PartRef) {
	for _, c := range refs {
		switch c.Ref {
		case ref:
			known = append(known, c)
		case "":
			lost = append(lost, c)
		default:
			other = append(other, c)
		}
	}
	slices.Reverse(lost)
	slices.Reverse(other)
	return known, lost, other
}

// likeliest orders parts by how near their attempt is to the time at which the
// network says it took the one that the report is about, and leaves out what is
// farther than reach, 0 being no limit. Without that time the order stays. An
// attempt that began after the report came is not the one.
func (r *Router) likeliest(parts []storage.PartRef, rep storage.Report, came, reach storage.Time) []storage.PartRef {
	// Networks give whole seconds, cut off [23.040 9.2.3.11].
	taken := rep.Submitted + 500
	far := map[storage.PartRef]storage.Time{}
	parts = slices.DeleteFunc(parts, func(c storage.PartRef) bool {
		m, err := r.db.Message(c.ID)
		if err != nil || c.Part >= len(m.Parts) || m.Parts[c.Part].Tried > came {
			return true
		}
		tried := m.Parts[c.Part].Tried
		far[c] = max(taken-tried, tried-taken)
		return reach != 0 && far[c] > reach
	})
	if rep.Submitted != 0 {
		slices.SortStableFunc(parts, func(a, b storage.PartRef) int { return cmp.Compare(far[a], far[b]) })
	}
	return parts
}

// onceAnswered calls then when the answer of a send of the lane that is under
// way with one of the parts is on disk, or after reportPatience. It reports
// whether there is one.
func (r *Router) onceAnswered(lane string, parts []storage.PartRef, then func()) bool {
	if len(parts) == 0 {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for run := range r.lanes {
		if run.ID == lane && run.await(parts, then) {
			return true
		}
	}
	return false
}

// tryReport applies the report to the first candidate that takes it.
func (r *Router) tryReport(rep storage.Report, refs []storage.PartRef, done func(error)) {
	if len(refs) == 0 {
		r.log.Warn("a report fits no message", "lane", rep.Lane, "reference", rep.Ref)
		done(nil)
		return
	}
	c := refs[0]
	r.change(c.ID, func(m *storage.Message, now storage.Time) ([]*storage.Message, error) {
		return r.reported(m, c, rep, now)
	}, func(m *storage.Message, err error) {
		switch {
		case errors.Is(err, storage.ErrDuplicate):
			done(nil) // it came before; its part is settled, and it is not about another
		case errors.Is(err, errStale) || errors.Is(err, storage.ErrNotFound):
			r.tryReport(rep, refs[1:], done)
		default:
			if err == nil && rep.State == storage.Delivered {
				r.flags.reached(m.Dest)
			}
			done(public(err))
		}
	})
}

// reported applies the report to the part of m that c named, if that still
// awaits one.
func (r *Router) reported(m *storage.Message, c storage.PartRef, rep storage.Report, now storage.Time) ([]*storage.Message, error) {
	i := c.Part
	switch {
	case rep.Dedupe != "" && slices.Contains(m.Dedupe, rep.Dedupe):
		return nil, storage.ErrDuplicate
	case i >= len(m.Parts) || !awaits(&m.Parts[i], c.Ref):
		return nil, errStale
	}
	p := &m.Parts[i]
	m.Note(now, "report", fmt.Sprintf("part %d of %d by %s, reference %s: %s", i+1, len(m.Parts), rep.Lane, rep.Ref, rep.Text))
	if !rep.State.Final() {
		if rep.Absent {
			raise(m, now)
		}
		return r.notice(m, rep.Cause, rep.Text, now), nil
	}
	if rep.Dedupe != "" {
		m.Dedupe = append(m.Dedupe, rep.Dedupe)
	}
	early := p.State == storage.PartTrying // the answer of the send is still to come
	p.Ref, p.Cause, p.Ended = rep.Ref, rep.Cause, now
	p.State = storage.PartDone
	if rep.State != storage.Delivered {
		p.State = storage.PartFailed
		m.Cause, m.Reason = rep.Cause, rep.Text
	}
	if early || ended(m) {
		return nil, nil // weighed when the answer comes
	}
	if p.State == storage.PartFailed {
		return r.finish(m, rep.State, rep.Cause, rep.Text, now), nil
	}
	return r.weigh(m, now), nil
}

// awaits says whether a report may settle the part, whose reference was ref
// when it was looked up.
func awaits(p *storage.Part, ref string) bool {
	switch p.State {
	case storage.PartSent:
		return p.Ref == ref
	case storage.PartTrying, storage.PartUnknown:
		return true
	}
	return false
}

func stateWord(s storage.State) string {
	words := [...]string{"scheduled", "enroute", "delivered", "expired", "deleted", "undeliverable", "accepted", "unknown", "rejected"}
	if int(s) < len(words) {
		return words[s]
	}
	return fmt.Sprintf("state %d", s)
}
