package router

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"gsmgate/storage"
)

// moFilter is a storage.MOFilter, ready to be asked.
type moFilter struct {
	name           string
	drop           bool
	sources, dests addressList
	text           *regexp.Regexp // nil: any
}

// Bounds of filters: each is looked at for each message that comes in.
const (
	mostFilters = 500
	mostPattern = 512 // octets of a regular expression
)

func newMOFilter(f *storage.MOFilter) (out moFilter, err error) {
	out = moFilter{name: f.Name, drop: f.Drop}
	if out.sources, err = parseAddresses("sources", f.Sources); err != nil {
		return out, err
	}
	if out.dests, err = parseAddresses("dests", f.Dests); err != nil {
		return out, err
	}
	if f.Text == "" {
		return out, nil
	}
	if len(f.Text) > mostPattern {
		return out, invalid("text", "the regular expression is too long", fmt.Sprintf("use %d octets at most", mostPattern))
	}
	if out.text, err = regexp.Compile(f.Text); err != nil {
		return out, invalid("text", "the regular expression cannot be read: "+strings.TrimPrefix(err.Error(), "error parsing regexp: "), "use RE2's syntax, such as (?i)^stop$")
	}
	return out, nil
}

func (f *moFilter) fits(m *storage.Message) bool {
	return f.sources.allows(m.Source) && f.dests.allows(m.Dest) && (f.text == nil || f.text.MatchString(m.Text))
}

// dropped ends a message that a filter drops. It is kept like others that have
// ended: what a wrong filter took can be seen.
func (r *Router) dropped(m *storage.Message, now storage.Time) bool {
	all := *r.moFilters.Load()
	for i := range all {
		f := &all[i]
		if !f.fits(m) {
			continue
		}
		if f.drop {
			r.finish(m, storage.Rejected, 0, "dropped by filter "+f.name, now)
		}
		return f.drop
	}
	return false
}

func (r *Router) learnMOFilters() {
	var all []moFilter
	for _, f := range r.db.MOFilters() {
		if c, err := newMOFilter(&f); err == nil { // else refused when it was stored
			all = append(all, c)
		}
	}
	r.moFilters.Store(&all)
}

// MOFilters lists the filters of incoming messages in the order in which they are
// looked at.
func (r *Router) MOFilters() []storage.MOFilter { return r.db.MOFilters() }

// PutMOFilter adds a filter, or replaces the one of its name. It holds at once.
func (r *Router) PutMOFilter(ctx context.Context, f storage.MOFilter, create bool) error {
	if err := checkName(f.Name); err != nil {
		return err
	}
	if _, err := newMOFilter(&f); err != nil {
		return err
	}
	if len(f.Sources)+len(f.Dests) == 0 && f.Text == "" {
		return invalid("sources", "a filter that fits everything", "name sources, dests or text; * is any number")
	}
	r.users.Lock()
	defer r.users.Unlock()
	if create && len(r.db.MOFilters()) >= mostFilters {
		return &Error{Code: Conflict, Message: fmt.Sprintf("there are %d filters already", mostFilters)}
	}
	f.Created = r.now()
	switch err := r.db.PutMOFilter(context.WithoutCancel(ctx), f, create); {
	case errors.Is(err, storage.ErrExists):
		return &Error{Code: Conflict, Field: "name", Message: "filter " + f.Name + " exists already", Hint: "remove it first, or choose another name"}
	case errors.Is(err, storage.ErrNotFound):
		return noFilter(f.Name)
	case err != nil:
		return public(err)
	}
	r.learnMOFilters()
	return nil
}

// RemoveMOFilter takes a filter away.
func (r *Router) RemoveMOFilter(ctx context.Context, name string) error {
	r.users.Lock()
	defer r.users.Unlock()
	switch err := r.db.RemoveMOFilter(context.WithoutCancel(ctx), name); {
	case errors.Is(err, storage.ErrNotFound):
		return noFilter(name)
	case err != nil:
		return public(err)
	}
	r.learnMOFilters()
	return nil
}

func noFilter(name string) *Error {
	return &Error{Code: NotFound, Field: "name", Message: "no filter " + name, Hint: "gsmgate filter list shows all filters"}
}

// checkName wants what fits a command line and an address of the API.
func checkName(s string) error {
	bad := func(c rune) bool {
		return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.')
	}
	if s == "" || len(s) > 64 || strings.ContainsFunc(s, bad) {
		return invalid("name", fmt.Sprintf("%.70q is no name", s), "use 1 to 64 letters, digits, dots, hyphens and underscores")
	}
	return nil
}
