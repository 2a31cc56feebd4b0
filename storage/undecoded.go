package storage

import (
	"cmp"
	"context"
	"slices"
)

// Undecoded is a PDU that came to a SIM and goes to no client: it could not be
// read, or it is for the card or the modem. It is kept for a person to look at,
// and to be read again by a program that knows more.
type Undecoded struct {
	ID    string  `cbor:"-"`                    // the key it is stored under: a hash of lane and PDU
	Lane  string  `cbor:"1,keyasint"`           // the SIM it came to
	Dest  Address `cbor:"2,keyasint,omitempty"` // its number, when it was known
	Raw   string  `cbor:"3,keyasint"`           // the line as the modem gave it
	Cause string  `cbor:"4,keyasint,omitempty"` // why no client gets it
	Aside bool    `cbor:"5,keyasint,omitempty"` // it could be read: it is for no client
	First Time    `cbor:"6,keyasint,omitempty"` // when it came
	Last  Time    `cbor:"7,keyasint,omitempty"` // when it came last
	Times int     `cbor:"8,keyasint,omitempty"` // how often
}

// maxUndecoded bounds the PDUs that are kept: the oldest go.
const maxUndecoded = 1000

func validateUndecoded(u *Undecoded) error {
	if len(u.Raw) > maxText || len(u.Cause) > maxText || len(u.Dest.Addr) > maxName {
		return invalid("a PDU that is not read of %d characters", len(u.Raw))
	}
	return validName("lane", u.Lane)
}

// KeepUndecoded stores a PDU that no client gets; one that is there already is
// counted. Of what is too long the beginning is kept. When ctx ends first, it
// may still be stored.
func (db *DB) KeepUndecoded(ctx context.Context, u Undecoded) error {
	u.Raw, u.Cause = u.Raw[:min(len(u.Raw), maxText)], u.Cause[:min(len(u.Cause), maxText)]
	_, err := wait(ctx, func(done func(struct{}, error)) {
		if u.ID == "" || validName("PDU", u.ID) != nil {
			done(struct{}{}, invalid("a PDU without an ID"))
			return
		}
		db.ask(&undecodedOp{u: u, done: done}, true)
	})
	return err
}

type undecodedOp struct {
	result
	u    Undecoded
	done func(struct{}, error)
}

func (o *undecodedOp) apply(g *group) error {
	t := &g.db.undecoded
	u := o.u
	u.First, u.Last, u.Times = g.now, g.now, 1
	if before, ok := t.current(u.ID); ok {
		u.First, u.Times = before.First, before.Times+1
	} else if oldest := tooManyUndecoded(t); oldest != "" {
		if err := t.stage(g, oldest, nil); err != nil {
			return err
		}
	}
	return t.stage(g, u.ID, &u)
}

func (o *undecodedOp) finish(err error) { o.done(struct{}{}, err) }

// tooManyUndecoded gives the oldest record when one more would be too many.
func tooManyUndecoded(t *table[Undecoded]) (oldest string) {
	n, at := 0, Time(0)
	t.each(func(key string, u *Undecoded) {
		if n++; oldest == "" || u.Last < at {
			oldest, at = key, u.Last
		}
	})
	if n < maxUndecoded {
		return ""
	}
	return oldest
}

// Undecoded gives the PDUs that no client gets, the newest first.
func (db *DB) Undecoded() []Undecoded {
	var all []Undecoded
	for key, u := range *db.undecoded.all.Load() {
		u.ID = key
		all = append(all, u)
	}
	slices.SortFunc(all, func(a, b Undecoded) int {
		return cmp.Or(cmp.Compare(b.Last, a.Last), cmp.Compare(a.ID, b.ID))
	})
	return all
}

// RemoveUndecoded forgets a PDU: ErrNotFound.
func (db *DB) RemoveUndecoded(ctx context.Context, id string) error {
	return db.undecoded.remove(ctx, db, id)
}
