package storage

import (
	"cmp"
	"context"
	"slices"
	"strings"
)

// MOFilter says what becomes of some of the messages that come in. The first that
// fits a message, in their order, decides.
type MOFilter struct {
	Name    string `cbor:"1,keyasint"`
	Created Time   `cbor:"2,keyasint,omitempty"`
	Order   int    `cbor:"3,keyasint,omitempty"` // lower ones are looked at first; among equals by name
	Drop    bool   `cbor:"4,keyasint,omitempty"` // else the message goes its way, whatever later ones say

	// All that are given must fit; see package router.
	Sources []string `cbor:"5,keyasint,omitempty"`
	Dests   []string `cbor:"6,keyasint,omitempty"`
	Text    string   `cbor:"7,keyasint,omitempty"` // regular expression
}

func validateMOFilter(f *MOFilter) error {
	switch {
	case f.Name == "":
		return invalid("a filter without a name")
	case len(f.Sources) > maxList || len(f.Dests) > maxList || len(f.Text) > maxText:
		return invalid("filter %q: %d sources, %d destinations, a pattern of %d octets", f.Name, len(f.Sources), len(f.Dests), len(f.Text))
	}
	return validName("filter", f.Name)
}

// MOFilters gives all filters in their order. Their slices are shared: do not
// change them.
func (db *DB) MOFilters() []MOFilter {
	all := db.moFilters.list()
	slices.SortFunc(all, func(a, b MOFilter) int { return cmp.Or(cmp.Compare(a.Order, b.Order), strings.Compare(a.Name, b.Name)) })
	return all
}

// PutMOFilter stores a filter under its name: ErrExists when create is set and
// there is one, ErrNotFound when it is not and there is none. When ctx ends first,
// it may still be done.
func (db *DB) PutMOFilter(ctx context.Context, f MOFilter, create bool) error {
	f.Sources, f.Dests = slices.Clone(f.Sources), slices.Clone(f.Dests)
	return db.moFilters.put(ctx, db, f.Name, create, func(old *MOFilter) {
		if !create {
			f.Created = old.Created
		}
		*old = f
	})
}

// RemoveMOFilter forgets a filter: ErrNotFound.
func (db *DB) RemoveMOFilter(ctx context.Context, name string) error {
	return db.moFilters.remove(ctx, db, name)
}
