package storage

import (
	"context"
	"slices"
	"strings"
)

// Route is one rule by which a channel is chosen. What is empty says nothing.
type Route struct {
	ID       string `cbor:"1,keyasint"`
	Created  Time   `cbor:"2,keyasint,omitempty"`
	Order    int    `cbor:"3,keyasint,omitempty"` // the lower is asked first
	Disabled bool   `cbor:"4,keyasint,omitempty"`
	Note     string `cbor:"5,keyasint,omitempty"`

	// Which messages it is for: all that are named must hold, and of a list one.
	Users    []string `cbor:"10,keyasint,omitempty"`
	Sources  []string `cbor:"11,keyasint,omitempty"` // "100", "3161*", "Acme*", "alpha"
	Dests    []string `cbor:"12,keyasint,omitempty"` // "31", "31600-31650", "=1234"
	Classes  []string `cbor:"13,keyasint,omitempty"` // gsm7, unicode, binary, flash
	When     []string `cbor:"14,keyasint,omitempty"` // "mon-fri 08:00-18:00"
	Zone     string   `cbor:"15,keyasint,omitempty"` // of When; "": that of the machine
	MinParts int      `cbor:"16,keyasint,omitempty"`
	MaxParts int      `cbor:"17,keyasint,omitempty"`

	// Where they go.
	Channels   []RouteChannel `cbor:"20,keyasint,omitempty"`
	Strategy   string         `cbor:"21,keyasint,omitempty"` // "": priority
	MinQuality int            `cbor:"22,keyasint,omitempty"` // percent delivered that a channel should have
	Last       bool           `cbor:"23,keyasint,omitempty"` // no rule behind it is asked
	Reject     bool           `cbor:"24,keyasint,omitempty"` // they are refused

	// What is done with one of which nobody knows whether it was sent: "" hold,
	// resend or fail, so many seconds later; 0: when no report is waited for any more.
	Unknown      string `cbor:"25,keyasint,omitempty"`
	UnknownAfter int    `cbor:"26,keyasint,omitempty"`
}

// RouteChannel is a channel that a route names: "gsm", "gsm/POOL", "smpp:x".
type RouteChannel struct {
	_      struct{} `cbor:",toarray"`
	Name   string
	Weight int // for the strategy weighted; 0 is 1
}

// maxRouteList bounds each list of a route.
const maxRouteList = 2000

func validateRoute(r *Route) error {
	if r.ID == "" {
		return invalid("a route without an ID")
	}
	for _, list := range [][]string{r.Users, r.Sources, r.Dests, r.Classes, r.When, {r.Note, r.Zone, r.Strategy, r.Unknown}} {
		if len(list) > maxRouteList {
			return invalid("%d entries in a list of route %q", len(list), r.ID)
		}
		for _, s := range list {
			if len(s) > maxText {
				return invalid("a text of %d octets in route %q", len(s), r.ID)
			}
		}
	}
	for _, n := range []int{r.MinParts, r.MaxParts, r.MinQuality, r.UnknownAfter} {
		if n < 0 {
			return invalid("a bound of %d in route %q", n, r.ID)
		}
	}
	for _, c := range r.Channels {
		if c.Name == "" || c.Weight < 0 {
			return invalid("a channel %q of weight %d in route %q", c.Name, c.Weight, r.ID)
		}
		if err := validName("channel", c.Name); err != nil {
			return err
		}
	}
	return validName("route", r.ID)
}

// Route gives one route.
func (db *DB) Route(id string) (Route, bool) { return db.routes.get(id) }

// Routes gives all routes in the order of their making. Their slices are shared:
// do not change them.
func (db *DB) Routes() []Route {
	all := db.routes.list()
	slices.SortFunc(all, func(a, b Route) int {
		if a.Created != b.Created {
			return int(min(1, max(-1, a.Created-b.Created)))
		}
		return strings.Compare(a.ID, b.ID)
	})
	return all
}

// ChangeRoute gives fn the record of a route, a new one when there is none, and
// stores what it leaves. fn runs on the writer: it must be quick, and must not
// call the store. When ctx ends first, it may still be done.
func (db *DB) ChangeRoute(ctx context.Context, id string, fn func(r *Route) error) (Route, error) {
	now := TimeOf(db.opts.Now())
	return db.routes.change(ctx, db, id, func(r *Route, exists bool) (bool, error) {
		if !exists {
			r.ID, r.Created = id, now
		}
		err := fn(r)
		for _, list := range []*[]string{&r.Users, &r.Sources, &r.Dests, &r.Classes, &r.When} {
			*list = slices.Clone(*list)
		}
		r.Channels = slices.Clone(r.Channels)
		if err == nil && r.ID != id {
			err = invalid("another ID")
		}
		return true, err
	})
}

// RemoveRoute forgets a route: ErrNotFound.
func (db *DB) RemoveRoute(ctx context.Context, id string) error {
	return db.routes.remove(ctx, db, id)
}
