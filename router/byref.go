package router

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"gsmgate/storage"
)

// RefMatch is what a part of a lane with Forms is looked up by once its reference
// is known. Before that it is its recipient; or this too, where we give the
// reference ourselves: then a report settles also a part whose outcome is unknown.
func RefMatch(ref string) string { return "=" + ref }

// overtakes is how long a report waits for the answer of a submit before it is
// parked: as long as a commit takes, and no longer, for the provider waits too.
const overtakes = 500 * time.Millisecond

// AwaitedRefs gives up to max references of a lane with Forms that reports are
// awaited for.
func (r *Router) AwaitedRefs(lane string, max int) ([]string, error) {
	refs, err := r.db.AwaitedUnder(lane, RefMatch(""), max)
	return refs, public(err)
}

// Bounds of what is parked: a provider that sends the receipts of somebody else
// must not fill the memory.
const (
	mostParked = 20_000
	parkedFor  = storage.Time(72 * time.Hour / time.Millisecond)
)

// reportByRef takes a report whose reference alone tells its part. One that has
// overtaken the answer to its submit waits for that, when a part is on its way to
// its recipient. One for which there is no part is parked.
func (r *Router) reportByRef(rep storage.Report, done func(error)) {
	refs, err := r.byRefs(&rep)
	if err == nil && len(refs) == 0 {
		var lost []storage.PartRef
		lost, err = r.withoutRef(&rep)
		if r.onceAnswered(rep.Lane, lost, overtakes, func() { r.byRefOrPark(rep, done) }) {
			return
		}
		refs = r.nameless(lost, &rep)
	}
	r.took(rep, refs, err, done)
}

func (r *Router) byRefOrPark(rep storage.Report, done func(error)) {
	refs, err := r.refsOf(&rep)
	r.took(rep, refs, err, done)
}

// took applies a report to the parts that were found for it.
func (r *Router) took(rep storage.Report, refs []storage.PartRef, err error, done func(error)) {
	if err != nil {
		done(public(err))
		return
	}
	if len(refs) > 0 {
		r.tryReport(rep, refs, taken(done))
		return
	}
	if r.db.ParkedCount() >= mostParked {
		r.log.Warn("a report for an unknown reference is dropped: too many are kept", "lane", rep.Lane)
		done(nil)
		return
	}
	r.db.Park(&rep, r.now(), func(err error) {
		if err != nil {
			done(public(err))
			return
		}
		r.jobs.start(func() { r.unpark(rep.Lane, rep.Refs[:1]) }) // its answer may be on disk by now
		done(nil)
	})
}

// refsOf finds the parts that a report is about, the likeliest first.
func (r *Router) refsOf(rep *storage.Report) ([]storage.PartRef, error) {
	refs, err := r.byRefs(rep)
	if err != nil || len(refs) > 0 {
		return refs, err
	}
	lost, err := r.withoutRef(rep)
	return r.nameless(lost, rep), err
}

// byRefs finds parts under each form of the reference of a report. The first is the
// likeliest; the others may be the number of another message, so that the recipient
// has to be the same.
func (r *Router) byRefs(rep *storage.Report) ([]storage.PartRef, error) {
	for n, ref := range rep.Refs {
		if n > 0 && r.habits.namesAlike(rep.Lane) {
			break
		}
		refs, err := r.db.MatchReport(rep.Lane, RefMatch(ref), 8)
		if n > 0 {
			refs = slices.DeleteFunc(refs, func(c storage.PartRef) bool { return !r.goesTo(c.ID, rep.Match) })
		}
		if err != nil || len(refs) > 0 {
			return refs, err
		}
	}
	return nil, nil
}

// withoutRef finds parts to the recipient of a report that have no reference, those
// on their way among them.
func (r *Router) withoutRef(rep *storage.Report) ([]storage.PartRef, error) {
	if rep.Match == "" {
		return nil, nil
	}
	return r.db.MatchReport(rep.Lane, rep.Match, 64)
}

// goesTo says whether the recipient of a message is the one of a report, which may
// lack its country.
func (r *Router) goesTo(id storage.ID, match string) bool {
	m, err := r.db.Message(id)
	return err == nil && strings.HasSuffix(m.Dest.Addr, match)
}

// nameless keeps the parts that went out, or may have, and got no reference: one of
// them is what a report is about that no part has the reference of, when it was
// handed over when the report says.
func (r *Router) nameless(refs []storage.PartRef, rep *storage.Report) (out []storage.PartRef) {
	if rep.Submitted == 0 {
		return nil
	}
	for _, c := range refs {
		m, err := r.db.Message(c.ID)
		if err != nil || c.Part >= len(m.Parts) {
			continue
		}
		if p := &m.Parts[c.Part]; p.State == storage.PartUnknown || p.State == storage.PartSent && p.Ref == "" {
			out = append(out, c)
		}
	}
	near, _ := r.nearest(out, *rep, r.now())
	return near
}

// answered takes what was parked for part i of the lane: it has a reference now,
// or will never have one.
func (run *laneRun) answered(m *storage.Message, i int) {
	if run.Forms == nil || run.r.db.ParkedCount() == 0 { // it seldom has: no forms are worked out for nothing
		return
	}
	p := &m.Parts[i]
	switch {
	case p.State != storage.PartSent && p.State != storage.PartUnknown:
		return
	case p.Ref == "":
		run.lostAnswer(p.Match)
		return
	}
	forms := run.Forms(p.Ref)
	if slices.ContainsFunc(forms, func(f string) bool { _, ok := run.r.db.Parked(run.ID, f); return ok }) {
		run.r.jobs.start(func() { run.r.unpark(run.ID, forms) })
	}
}

// lostAnswer looks for the report of a part whose reference never came: it may have
// come before the answer was given up. Many such are looked for at once.
func (run *laneRun) lostAnswer(match string) {
	run.mu.Lock()
	if run.lost == nil {
		run.lost = map[string]bool{}
	}
	run.lost[match] = true
	first := !run.searching
	run.searching = true
	run.mu.Unlock()
	if first {
		run.r.jobs.start(run.search)
	}
}

// search looks through what is parked until nothing new was lost.
func (run *laneRun) search() {
	for {
		run.mu.Lock()
		lost := run.lost
		run.lost, run.searching = nil, lost != nil
		run.mu.Unlock()
		if lost == nil {
			return
		}
		for _, p := range run.r.db.ParkedReports() {
			if p.Lane == run.ID && lost[p.Match] {
				run.r.unpark(p.Lane, []string{p.Ref})
			}
		}
	}
}

// unparkAll looks, after a start, for the parts of all that is parked: their
// answers may have come just before the gateway stopped.
func (r *Router) unparkAll() {
	for _, p := range r.db.ParkedReports() {
		if r.jobs.stopping() {
			return
		}
		r.unpark(p.Lane, []string{p.Ref})
	}
}

// unpark tries reports again that were parked under one of the forms of a
// reference. One stays when no part has it.
func (r *Router) unpark(lane string, forms []string) {
	for _, form := range forms {
		p, ok := r.db.Parked(lane, form)
		if !ok {
			continue
		}
		rep := p.Report()
		found, err := r.refsOf(&rep)
		if err != nil || len(found) == 0 {
			continue
		}
		r.tryReport(rep, found, func(err error) {
			switch {
			case errors.Is(err, errFitsNone):
				return // another report was quicker: it is for a part that is still to come
			case err != nil:
				r.log.Error("a parked report cannot be applied", "lane", lane, "err", err)
				return
			}
			r.jobs.start(func() { r.forgetParked(lane, rep.Ref) })
		})
	}
}

func (r *Router) forgetParked(lane, ref string) {
	err := r.db.Unpark(context.Background(), lane, ref)
	if err != nil && !errors.Is(err, storage.ErrClosed) {
		r.log.Error("a parked report cannot be forgotten", "lane", lane, "err", err)
	}
}

// dropParked forgets reports that nobody has waited for long enough.
func (r *Router) dropParked(now storage.Time) {
	for _, p := range r.db.ParkedReports() {
		if now-p.Came < parkedFor {
			return
		}
		r.log.Warn("a report fits no message", "lane", p.Lane, "reference", p.Ref)
		r.forgetParked(p.Lane, p.Ref)
	}
}
