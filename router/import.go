package router

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"gsmgate/storage"
)

// MaxImport is the most users that one import may have.
const MaxImport = 10_000

// importAtOnce is how many users are on their way to the disk at once: they
// share commits.
const importAtOnce = 64

// ImportOptions say how users are taken in.
type ImportOptions struct {
	SkipExisting bool // leave users that are there alone, instead of refusing
	DryRun       bool // only check
}

// Imported counts what an import did, or would do.
type Imported struct{ Added, Skipped int }

// RowError is what is wrong with one user of an import.
type RowError struct {
	Row int // from 0
	Err *Error
}

// ImportError is all that is wrong with an import; nothing of it was done.
type ImportError []RowError

func (e ImportError) Error() string {
	return fmt.Sprintf("%d of the users cannot be imported", len(e))
}

// ImportUsers makes all users or, when something is wrong with one of them,
// none: that is an ImportError. A failure of the disk midway leaves those that
// were made; with SkipExisting the same import can then be finished.
func (r *Router) ImportUsers(ctx context.Context, specs []UserSpec, o ImportOptions) (Imported, error) {
	if len(specs) > MaxImport {
		return Imported{}, invalid("users", "too many users at once", fmt.Sprintf("import %d at most", MaxImport))
	}
	users, wrong := r.newUsers(ctx, specs)
	switch {
	case ctx.Err() != nil:
		return Imported{}, ctx.Err()
	case len(wrong) > 0:
		return Imported{}, wrong
	}
	r.users.Lock()
	defer r.users.Unlock()
	fresh, wrong := r.fresh(users, o.SkipExisting)
	done := Imported{Added: len(fresh), Skipped: len(users) - len(fresh)}
	switch {
	case len(wrong) > 0:
		return Imported{}, wrong
	case o.DryRun:
		return done, nil
	}
	return done, r.putAll(ctx, specs, users, fresh)
}

// newUsers reads all rows. The hashes of passwords are made by as many
// goroutines as binds may use.
func (r *Router) newUsers(ctx context.Context, specs []UserSpec) ([]storage.User, ImportError) {
	users, errs := make([]storage.User, len(specs)), make([]error, len(specs))
	var g errgroup.Group
	g.SetLimit(cap(r.door.slots))
	for i, s := range specs {
		g.Go(func() error {
			if ctx.Err() == nil { // else nobody wants them any more
				users[i], errs[i] = r.newUser(s)
			}
			return nil
		})
	}
	_ = g.Wait()
	return users, rowErrors(errs)
}

func rowErrors(errs []error) (wrong ImportError) {
	for i, err := range errs {
		var re *Error
		switch {
		case err == nil:
		case errors.As(err, &re):
			wrong = append(wrong, RowError{i, re})
		default:
			wrong = append(wrong, RowError{i, &Error{Code: Internal, Message: "internal error", Err: err}})
		}
	}
	return wrong
}

// fresh gives the rows of users that are not there, and what speaks against
// them beside those that are and beside each other. users is locked.
func (r *Router) fresh(users []storage.User, skip bool) (rows []int, wrong ImportError) {
	errs, seen, claims := make([]error, len(users)), map[string]int{}, newClaims(r.db.Users())
	for i, u := range users {
		first, twice := seen[u.SystemID]
		_, exists := r.db.User(u.SystemID)
		switch {
		case twice:
			errs[i] = &Error{Code: Conflict, Field: "system_id", Message: fmt.Sprintf("user %s is there twice: also in row %d", u.SystemID, first+1)}
			continue
		case exists && !skip:
			errs[i] = userExists(u.SystemID)
		case !exists:
			rows = append(rows, i)
			errs[i] = claims.add(u)
		}
		seen[u.SystemID] = i
	}
	return rows, rowErrors(errs)
}

// putAll stores the users of these rows, and their opening balances.
func (r *Router) putAll(ctx context.Context, specs []UserSpec, users []storage.User, rows []int) error {
	var g errgroup.Group
	g.SetLimit(importAtOnce)
	for _, i := range rows {
		g.Go(func() error {
			ctx := context.WithoutCancel(ctx)
			if err := r.db.PutUser(ctx, users[i], true); err != nil {
				return public(err)
			}
			if specs[i].Credits == 0 {
				return nil
			}
			_, err := r.db.Grant(ctx, users[i].SystemID, specs[i].Credits, openingBalance)
			return public(err)
		})
	}
	err := g.Wait()
	r.learnUsers()
	return err
}

// claims are the address ranges of all users, by the digits that all numbers
// of a range begin with: only where one's digits begin with the other's can two
// ranges have a number in common.
type claims struct {
	exact map[string][]owned // ranges with just these digits
	under map[string][]owned // ranges with these digits, or more
}

func newClaims(users []storage.User) *claims {
	c := &claims{map[string][]owned{}, map[string][]owned{}}
	for _, u := range users {
		if ranges, err := parseRanges(u.AddressRanges); err == nil { // else refused when the user was stored
			c.insert(u.SystemID, ranges)
		}
	}
	return c
}

// add checks u's ranges against those of the others and, when they are free,
// claims them.
func (c *claims) add(u storage.User) error {
	ranges, err := parseRanges(u.AddressRanges)
	if err != nil {
		return err
	}
	for _, ar := range ranges {
		if other, clash := c.find(ar); clash {
			return rangeTaken(ar.text, other.text, other.user)
		}
	}
	c.insert(u.SystemID, ranges)
	return nil
}

func (c *claims) insert(user string, ranges []addressRange) {
	for _, ar := range ranges {
		digits := ar.common()
		c.exact[digits] = append(c.exact[digits], owned{ar, user})
		for n := range len(digits) + 1 {
			c.under[digits[:n]] = append(c.under[digits[:n]], owned{ar, user})
		}
	}
}

func (c *claims) find(ar addressRange) (other owned, clash bool) {
	digits := ar.common()
	near := c.under[digits]
	for n := range len(digits) {
		near = slices.Concat(near, c.exact[digits[:n]])
	}
	i := slices.IndexFunc(near, func(o owned) bool { return o.clashes(ar) })
	if i < 0 {
		return other, false
	}
	return near[i], true
}

// common is what all numbers of the range begin with.
func (r addressRange) common() string {
	n := 0
	for n < len(r.lo) && r.lo[n] == r.hi[n] {
		n++
	}
	return r.lo[:n]
}
