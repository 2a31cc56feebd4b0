package storage

import (
	"context"
	"slices"
	"strings"
)

// ParkedReport is a report that came for a reference that no part has: its submit
// is not answered yet, or never was.
type ParkedReport struct {
	Lane  string `cbor:"1,keyasint"`
	Ref   string `cbor:"2,keyasint"`
	Came  Time   `cbor:"3,keyasint"`
	Match string `cbor:"4,keyasint,omitempty"`

	Refs      []string `cbor:"5,keyasint,omitempty"`
	At        Time     `cbor:"6,keyasint,omitempty"`
	State     State    `cbor:"7,keyasint,omitempty"`
	Cause     uint32   `cbor:"8,keyasint,omitempty"`
	Text      string   `cbor:"9,keyasint,omitempty"`
	Submitted Time     `cbor:"10,keyasint,omitempty"`
	Dedupe    string   `cbor:"11,keyasint,omitempty"`
}

// Report is what was parked.
func (p *ParkedReport) Report() Report {
	return Report{Lane: p.Lane, Match: p.Match, Ref: p.Ref, Refs: p.Refs, At: p.At, State: p.State, Cause: p.Cause, Text: p.Text,
		Submitted: p.Submitted, Dedupe: p.Dedupe}
}

// key is where it is kept: one for a lane and a reference.
func (p *ParkedReport) key() string { return p.Lane + "\x01" + p.Ref }

func validateParked(p *ParkedReport) error {
	if p.Lane == "" || p.Ref == "" || p.State > Rejected || len(p.Refs) > 8 {
		return invalid("a parked report of lane %q for %q", p.Lane, p.Ref)
	}
	if len(p.Lane)+len(p.Ref) >= maxName || len(p.Text) > maxText {
		return invalid("a parked report of %d octets", len(p.Lane)+len(p.Ref)+len(p.Text))
	}
	return nil
}

// Park keeps a report. One that is final is not replaced by one that is not.
func (db *DB) Park(r *Report, came Time, done func(error)) {
	p := ParkedReport{Lane: r.Lane, Ref: r.Ref, Came: came, Match: r.Match, Refs: slices.Clone(r.Refs), At: r.At, State: r.State, Cause: r.Cause,
		Text: r.Text, Submitted: r.Submitted, Dedupe: r.Dedupe}
	if strings.ContainsRune(p.Lane, 1) {
		done(invalid("a lane %q", p.Lane))
		return
	}
	db.ask(&tableOp[ParkedReport]{t: &db.parked, key: p.key(), fn: func(old *ParkedReport, exists bool) (bool, error) {
		if exists && old.State.Final() && !p.State.Final() {
			return true, nil
		}
		*old = p
		return true, nil
	}, done: func(_ ParkedReport, err error) { done(err) }}, true)
}

// Parked gives the report that waits for a reference of a lane.
func (db *DB) Parked(lane, ref string) (ParkedReport, bool) {
	p := ParkedReport{Lane: lane, Ref: ref}
	return db.parked.get(p.key())
}

// ParkedCount is how many there are.
func (db *DB) ParkedCount() int { return len(*db.parked.all.Load()) }

// ParkedReports gives all, oldest first.
func (db *DB) ParkedReports() []ParkedReport {
	all := db.parked.list()
	slices.SortFunc(all, func(a, b ParkedReport) int { return int(a.Came - b.Came) })
	return all
}

// Unpark forgets a report. It is no error when there is none.
func (db *DB) Unpark(ctx context.Context, lane, ref string) error {
	p := ParkedReport{Lane: lane, Ref: ref}
	_, err := db.parked.change(ctx, db, p.key(), func(*ParkedReport, bool) (bool, error) { return false, nil })
	return err
}
