package router

import (
	"fmt"
	"math/big"
	"slices"
	"strings"

	"gsmgate/storage"
)

// An AddressRange is what a user owns: an exact number "+31612345678", a
// prefix "+3169*" or a range "+31699000000-+31699999999". A leading + is
// optional everywhere and means nothing: addresses are compared by digits.
type addressRange struct {
	lo, hi string // digits of equal length; for a prefix both are the prefix
	prefix bool
	text   string
}

const rangeHint = "use a number +31612345678, a prefix +3169* or a range +31699000000-+31699999999"

func parseRange(s string) (addressRange, error) {
	r := addressRange{text: s}
	bad := func(why string) (addressRange, error) {
		return r, invalid("address_range", fmt.Sprintf("address range %q: %s", s, why), rangeHint)
	}
	switch lo, hi, isRange := strings.Cut(s, "-"); {
	case isRange:
		r.lo, r.hi = plainDigits(lo), plainDigits(hi)
	case strings.HasSuffix(s, "*"):
		r.lo, r.prefix = plainDigits(strings.TrimSuffix(s, "*")), true
		r.hi = r.lo
		if s == "*" || s == "+*" {
			r.lo, r.hi = "", ""
			return r, nil
		}
	default:
		r.lo = plainDigits(s)
		r.hi = r.lo
	}
	switch {
	case r.lo == "" || r.hi == "":
		return bad("not a number")
	case len(r.lo) > 20:
		return bad("a number has at most 20 digits")
	case len(r.lo) != len(r.hi):
		return bad("both ends need the same number of digits")
	case r.lo > r.hi:
		return bad("the first number is greater than the last")
	}
	return r, nil
}

// plainDigits strips one leading +; "" when anything but digits is left.
func plainDigits(s string) string {
	s = strings.TrimPrefix(strings.TrimSpace(s), "+")
	if strings.Trim(s, "0123456789") != "" {
		return ""
	}
	return s
}

func (r addressRange) holds(digits string) bool {
	if r.prefix {
		return strings.HasPrefix(digits, r.lo)
	}
	return len(digits) == len(r.lo) && r.lo <= digits && digits <= r.hi
}

// span gives the first and last number of n digits in the range; ok is false
// when there is none.
func (r addressRange) span(n int) (lo, hi string, ok bool) {
	if !r.prefix {
		return r.lo, r.hi, n == len(r.lo)
	}
	if n < len(r.lo) {
		return "", "", false
	}
	fill := n - len(r.lo)
	return r.lo + strings.Repeat("0", fill), r.lo + strings.Repeat("9", fill), true
}

// size is how many numbers of n digits the range holds: the smaller, the more
// specific.
func (r addressRange) size(n int) *big.Int {
	lo, hi, ok := r.span(n)
	if !ok {
		return new(big.Int)
	}
	a, _ := new(big.Int).SetString("0"+lo, 10)
	b, _ := new(big.Int).SetString("0"+hi, 10)
	return b.Sub(b, a).Add(b, big.NewInt(1))
}

// clashes says whether neither range is more specific where both hold: they
// are equal or cross each other.
func (r addressRange) clashes(o addressRange) bool {
	n := max(len(r.lo), len(o.lo))
	rlo, rhi, rok := r.span(n)
	olo, ohi, ook := o.span(n)
	if !rok || !ook || rhi < olo || ohi < rlo {
		return false
	}
	if r.prefix != o.prefix && rlo == olo && rhi == ohi {
		return false // the prefix holds longer numbers too
	}
	inside := olo <= rlo && rhi <= ohi
	around := rlo <= olo && ohi <= rhi
	return inside == around
}

// owners finds the user of a destination. It is immutable: a change of users
// makes a new one.
type owners struct {
	exact map[string]string
	rest  []owned
	all   string // who owns what nobody else does: the range is *
}

type owned struct {
	addressRange
	user string
}

func newOwners(users []storage.User) *owners {
	o := &owners{exact: map[string]string{}}
	for _, u := range users {
		for _, text := range u.AddressRanges {
			r, err := parseRange(text)
			if err != nil {
				continue // refused when the user was stored
			}
			switch {
			case !r.prefix && r.lo == r.hi:
				o.exact[r.lo] = u.SystemID
				continue
			case r.prefix && r.lo == "":
				o.all = u.SystemID
				continue
			}
			o.rest = append(o.rest, owned{r, u.SystemID})
		}
	}
	return o
}

// of returns the user whose range holds the address most specifically; all: that
// is the range of all. No number at all, which is what a SIM gives that does not
// know its own, is held by that one alone.
func (o *owners) of(a storage.Address) (user string, all, ok bool) {
	digits := plainDigits(a.Addr)
	if user, ok = o.exact[digits]; ok {
		return user, false, true
	}
	var best *big.Int
	prefix := false
	for _, r := range o.rest {
		if !r.holds(digits) || digits == "" {
			continue
		}
		size := r.size(len(digits))
		if best == nil || size.Cmp(best) < 0 || size.Cmp(best) == 0 && prefix { // a prefix holds longer numbers too
			best, prefix, user = size, r.prefix, r.user
		}
	}
	if best == nil {
		return o.all, true, o.all != ""
	}
	return user, false, true
}

// conflict names the user who already owns what ranges claim.
func conflict(users []storage.User, name string, ranges []addressRange) error {
	for _, u := range users {
		if u.SystemID == name {
			continue
		}
		for _, text := range u.AddressRanges {
			have, err := parseRange(text)
			if err != nil {
				continue
			}
			i := slices.IndexFunc(ranges, have.clashes)
			if i < 0 {
				continue
			}
			return rangeTaken(ranges[i].text, text, u.SystemID)
		}
	}
	return nil
}

func rangeTaken(mine, theirs, user string) error {
	return &Error{Code: Conflict, Field: "address_range",
		Message: fmt.Sprintf("address range %q overlaps %q of user %s", mine, theirs, user),
		Hint:    "ranges of two users may overlap only when one lies inside the other"}
}
