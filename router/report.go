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

// mostCandidates bounds the parts that are looked at for one report: those of
// one lane to one recipient.
const mostCandidates = 4096

// Report takes what the next hop says about a part; see Inbox. A report that
// fits no part is logged and counts as taken: asking the network for it again
// would not help.
//
// While a part to the recipient is on its way the report waits for its answer:
// until then nobody knows whether it is about that part or about an older one.
// The modem would not take an acknowledgement sooner.
func (r *Router) Report(rep storage.Report, done func(error)) {
	if len(rep.Refs) > 0 {
		r.reportByRef(rep, done)
		return
	}
	refs, err := r.candidates(rep)
	if err != nil {
		done(public(err))
		return
	}
	came := r.now()
	_, lost, _ := sortOut(refs, rep.Ref)
	if r.onceAnswered(rep.Lane, lost, reportPatience, func() { r.match(rep, came, done) }) {
		return
	}
	r.match(rep, came, done)
}

// candidates are the parts that a report may be about, the newest first. A
// report that does not say about whom it is may be about any of the lane with
// its reference.
func (r *Router) candidates(rep storage.Report) ([]storage.PartRef, error) {
	if rep.Match != "" {
		return r.db.MatchReport(rep.Lane, rep.Match, mostCandidates)
	}
	return r.db.MatchReference(rep.Lane, rep.Ref, mostCandidates)
}

// Bounds of what Awaiting gives: to one recipient, and of a whole lane.
const (
	mostAwaiting     = 512
	mostAwaitingLane = 100_000
)

// Awaiting gives messages that await a report; see Inbox.
func (r *Router) Awaiting(lane, match string) (all []*storage.Message, err error) {
	refs, err := r.db.MatchReport(lane, match, mostAwaiting)
	if match == "" {
		refs, err = r.db.AwaitReport(lane, mostAwaitingLane)
	}
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
	refs, err := r.candidates(rep)
	if err != nil {
		done(public(err))
		return
	}
	r.tryReport(rep, r.ranked(refs, rep, came), taken(done))
}

// reach is how far the attempt of a part is at most from the time at which the
// network says it took it, when it says nothing else about the part for certain:
// that it has another reference, since some modems give the same TP-MR for every
// message, or that it is of another message with the reference, come round again.
const reach = storage.Time(time.Minute / time.Millisecond)

// lately is how long ago the attempt of a part was at most whose reference never
// came, for a report to be about it when the network's clock tells nothing: the
// longer ago, the likelier it is that the part never went out.
const lately = storage.Time(2 * time.Minute / time.Millisecond)

// ranked orders the parts by how likely the report is about them: with its
// reference and near in time; near, with a reference that never came; with its
// reference; without one, unless that is far-fetched. Parts with
// another reference are near or not at all, and only of a lane that does not
// count.
func (r *Router) ranked(refs []storage.PartRef, rep storage.Report, came storage.Time) []storage.PartRef {
	known, lost, other := sortOut(refs, rep.Ref)
	nearKnown, farKnown := r.nearest(known, rep, came)
	nearLost, farLost := r.nearest(lost, rep, came)
	farLost = r.plausible(farLost, rep, came)
	switch {
	case rep.Submitted == 0 && rep.Match == "": // nothing tells which
		if len(farKnown) != 1 {
			return nil
		}
		return farKnown
	case rep.Submitted == 0:
		return append(farKnown, farLost...)
	case rep.Match == "":
		return append(nearKnown, nearLost...)
	}
	all := append(append(append(nearKnown, nearLost...), farKnown...), farLost...)
	if r.habits.stuck(rep.Lane) && len(known) == 0 {
		near, _ := r.nearest(other, rep, came)
		all = append(near, farLost...)
		all = append(nearLost, all...)
	}
	return all
}

// sortOut are the parts with the reference of a report, newest first; those
// whose reference never came (the attempt is under way, or its answer was lost),
// oldest first; and those with another reference, oldest first.
func sortOut(refs []storage.PartRef, ref string) (known, lost, other []storage.PartRef) {
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

// nearest orders parts by how near their attempt is to the time at which the
// network says it took the one that the report is about, and cuts them in those
// within reach and those beyond. Without that time the order stays, and all are
// beyond. An attempt that began after the report came is not the one.
func (r *Router) nearest(parts []storage.PartRef, rep storage.Report, came storage.Time) (near, beyond []storage.PartRef) {
	taken := rep.Submitted - r.habits.skew(rep.Lane)
	far := map[storage.PartRef]storage.Time{}
	parts = slices.DeleteFunc(parts, func(c storage.PartRef) bool {
		m, err := r.db.Message(c.ID)
		if err != nil || c.Part >= len(m.Parts) || m.Parts[c.Part].Tried > came {
			return true
		}
		tried := m.Parts[c.Part].Tried
		far[c] = max(taken-tried, tried-taken)
		return false
	})
	if rep.Submitted == 0 {
		return nil, parts
	}
	slices.SortStableFunc(parts, func(a, b storage.PartRef) int { return cmp.Compare(far[a], far[b]) })
	n := 0
	for n < len(parts) && far[parts[n]] <= reach {
		n++
	}
	return parts[:n:n], parts[n:]
}

// plausible are those of the parts without a reference that a report whose time is
// not theirs may be about, likeliest first: those that went out, in their order,
// then those of which nobody knows whether they did, the newest first. One of these
// is left out when the network's clock goes, or the attempt was long before.
func (r *Router) plausible(refs []storage.PartRef, rep storage.Report, came storage.Time) []storage.PartRef {
	var out, unsure []storage.PartRef
	clock := rep.Submitted != 0 && r.habits.trustsClock(rep.Lane)
	tried := map[storage.PartRef]storage.Time{}
	for _, c := range refs {
		m, err := r.db.Message(c.ID)
		if err != nil || c.Part >= len(m.Parts) {
			continue
		}
		switch p := &m.Parts[c.Part]; {
		case p.State == storage.PartSent:
			out = append(out, c)
		case p.State == storage.PartTrying || !clock && came-p.Tried <= lately:
			unsure, tried[c] = append(unsure, c), p.Tried
		}
	}
	slices.SortStableFunc(unsure, func(a, b storage.PartRef) int { return cmp.Compare(tried[b], tried[a]) })
	return append(out, unsure...)
}

// onceAnswered calls then when the answer of a send of the lane that is under
// way with one of the parts is on disk, or when patience is over. It reports
// whether there is one.
func (r *Router) onceAnswered(lane string, parts []storage.PartRef, patience time.Duration, then func()) bool {
	if len(parts) == 0 {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for run := range r.lanes {
		if run.ID == lane && run.await(parts, patience, then) {
			return true
		}
	}
	return false
}

// errFitsNone is what tryReport says when no candidate takes the report.
var errFitsNone = errors.New("the report fits no message")

// taken makes of errFitsNone what the next hop hears: the report was taken.
func taken(done func(error)) func(error) {
	return func(err error) {
		if errors.Is(err, errFitsNone) {
			err = nil
		}
		done(err)
	}
}

// tryReport applies the report to the first candidate that takes it.
func (r *Router) tryReport(rep storage.Report, refs []storage.PartRef, done func(error)) {
	if len(refs) == 0 {
		r.log.Warn("a report fits no message", "lane", rep.Lane, "reference", rep.Ref)
		r.shares.strayed(rep.Lane, r.now())
		done(errFitsNone)
		return
	}
	c := refs[0]
	late := false
	r.change(c.ID, func(m *storage.Message, now storage.Time) ([]*storage.Message, error) {
		late = ended(m)
		return r.reported(m, c, rep, now)
	}, func(m *storage.Message, err error) {
		switch {
		case errors.Is(err, storage.ErrDuplicate):
			done(nil) // it came before; its part is settled, and it is not about another
		case errors.Is(err, errStale) || errors.Is(err, storage.ErrNotFound):
			r.tryReport(rep, refs[1:], done)
		default:
			if err == nil {
				r.learn(m, c, rep, late)
			}
			done(public(err))
		}
	})
}

// learn learns from a report that was stored.
func (r *Router) learn(m *storage.Message, c storage.PartRef, rep storage.Report, late bool) {
	if rep.State == storage.Delivered {
		r.flags.reached(m.Dest)
	}
	if len(rep.Refs) > 1 && c.Ref != "" {
		r.habits.named(rep.Lane, c.Ref == rep.Refs[0])
	}
	if c.Ref == rep.Ref && rep.Submitted != 0 {
		r.habits.learnSkew(rep.Lane, rep.Submitted-m.Parts[c.Part].Tried)
	}
	if rep.State.Final() {
		r.shares.reported(rep.Lane, rep.State == storage.Delivered, late, r.now())
	}
}

// reported applies the report to the part of m that c named, if that still
// awaits one.
func (r *Router) reported(m *storage.Message, c storage.PartRef, rep storage.Report, now storage.Time) ([]*storage.Message, error) {
	i := c.Part
	switch {
	case rep.Dedupe != "" && slices.Contains(m.Dedupe, rep.Dedupe):
		return nil, storage.ErrDuplicate
	case i >= len(m.Parts) || !awaits(&m.Parts[i], c.Ref) && !awaits(&m.Parts[i], rep.Ref): // its answer may have come meanwhile
		return nil, errStale
	}
	p := &m.Parts[i]
	note := fmt.Sprintf("part %d of %d by %s, reference %s: %s", i+1, len(m.Parts), rep.Lane, rep.Ref, rep.Text)
	if ended(m) {
		note += "; it came when the message had ended as " + stateWord(m.State)
	}
	m.Note(now, "report", note)
	if !rep.State.Final() {
		if rep.Absent {
			raise(m, now)
		}
		return r.notice(m, rep.Cause, rep.Text, now), nil
	}
	if rep.Dedupe != "" {
		m.Dedupe = append(m.Dedupe, rep.Dedupe)
	}
	p.Ref, p.Cause, p.Ended, p.Final = rep.Ref, rep.Cause, now, rep.State
	if !ended(m) && rep.State != storage.Delivered {
		m.Cause, m.Reason = rep.Cause, rep.Text
	}
	if p.Told() {
		return nil, nil // weighed when the answer comes
	}
	asTold(p)
	if ended(m) {
		return nil, nil // its client was told, and its money is settled
	}
	return r.weigh(m, now), nil
}

// asTold makes the part what its report says.
func asTold(p *storage.Part) {
	p.State = storage.PartDone
	if p.Final != storage.Delivered {
		p.State = storage.PartFailed
	}
}

// awaits says whether a report may settle the part, whose reference was ref
// when it was looked up.
func awaits(p *storage.Part, ref string) bool {
	switch p.State {
	case storage.PartSent:
		return p.Ref == ref
	case storage.PartTrying:
		return !p.Told()
	case storage.PartUnknown:
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
