package router

import (
	"errors"
	"fmt"
	"slices"

	"gsmgate/storage"
)

// Report takes what the next hop says about a part; see Inbox. A report that
// fits no part is logged and counts as taken: asking the network for it again
// would not help.
func (r *Router) Report(rep storage.Report, done func(error)) {
	refs, err := r.db.MatchReport(rep.Lane, rep.Match, 512)
	if err != nil {
		done(public(err))
		return
	}
	r.tryReport(rep, candidates(refs, rep.Ref), done)
}

// candidates are the parts that the report may be about, the likeliest first:
// those with its reference, newest first, then those whose reference never
// came (the attempt is under way, or its answer was lost), oldest first.
func candidates(refs []storage.PartRef, ref string) []storage.PartRef {
	var known, lost []storage.PartRef
	for _, c := range refs {
		switch c.Ref {
		case ref:
			known = append(known, c)
		case "":
			lost = append(lost, c)
		}
	}
	slices.Reverse(lost)
	return append(known, lost...)
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
		return r.reported(m, c.Part, rep, now)
	}, func(_ *storage.Message, err error) {
		if errors.Is(err, errStale) || errors.Is(err, storage.ErrNotFound) {
			r.tryReport(rep, refs[1:], done)
			return
		}
		done(public(err))
	})
}

func (r *Router) reported(m *storage.Message, i int, rep storage.Report, now storage.Time) ([]*storage.Message, error) {
	if i >= len(m.Parts) || !awaits(&m.Parts[i], rep.Ref) {
		return nil, errStale
	}
	p := &m.Parts[i]
	m.Note(now, "report", fmt.Sprintf("part %d of %d by %s, reference %s: %s", i+1, len(m.Parts), rep.Lane, rep.Ref, rep.Text))
	if !rep.State.Final() {
		return nil, nil
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
