package numbers

import (
	_ "embed"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"gsmgate/storage"
)

// table has a line for each region: its code, country code, international prefix,
// national prefix, what is put in the place of that, lengths of national numbers,
// and their form.
//
//go:embed regions.tsv
var table string

// Types of number [SMPP34 5.2.5].
const (
	tonUnknown       = 0
	tonInternational = 1
	tonNational      = 2
	npiISDN          = 1
)

// shortest is how many digits a number has at least to be taken for a national
// one when its type is not known: what is shorter may be a short code.
const shortest = 7

// Region knows how numbers are written in a region.
type Region struct {
	code      string // country code
	idd       *regexp.Regexp
	prefix    *regexp.Regexp // nil: national numbers have none
	transform string
	lengths   uint32 // bit n: national numbers of n digits
	form      *regexp.Regexp
}

// Known says whether there is such a region, NL or US.
func Known(region string) bool { return rules(region) != nil }

func rules(region string) []string {
	if len(region) != 2 {
		return nil
	}
	start := "\n" + region + "\t"
	_, rest, ok := strings.Cut(table, start)
	if !ok {
		return nil
	}
	line, _, _ := strings.Cut(rest, "\n")
	return strings.Split(line, "\t")
}

// For makes the Region of a code such as NL.
func For(region string) (*Region, error) {
	f := rules(region)
	if len(f) != 6 {
		return nil, fmt.Errorf("no region %q", region)
	}
	r := &Region{code: f[0], transform: f[3]}
	var err error
	if r.idd, err = regexp.Compile("^(?:" + f[1] + ")"); err != nil {
		return nil, err
	}
	if f[2] != "" {
		if r.prefix, err = regexp.Compile("^(?:" + f[2] + ")"); err != nil {
			return nil, err
		}
	}
	for _, n := range strings.Split(f[4], ",") {
		digits, err := strconv.Atoi(n)
		if err != nil {
			return nil, err
		}
		r.lengths |= 1 << digits
	}
	r.form, err = regexp.Compile("^(?:" + f[5] + ")$")
	return r, err
}

// International gives the international form of an address; one that has none as
// it is. Without a Region only what says that it is international has one.
func (r *Region) International(a storage.Address) storage.Address {
	digits, plus := strings.CutPrefix(a.Addr, "+")
	if digits == "" || strings.Trim(digits, "0123456789") != "" || a.TON > tonNational {
		return a
	}
	switch {
	case plus, a.TON == tonInternational:
		// some clients keep the prefix that the type stands for
		return international(a, strings.TrimPrefix(digits, "00"))
	case r == nil:
		return a
	}
	if a.TON == tonUnknown {
		if len(digits) < shortest {
			return a
		}
		if rest, ok := r.dialled(digits); ok {
			return international(a, rest)
		}
	}
	if n, ok := r.national(digits, a.TON == tonNational); ok {
		return international(a, r.code+n)
	}
	return a
}

func international(a storage.Address, digits string) storage.Address {
	if digits == "" || digits[0] == '0' || len(digits) > 15 { // [E.164 6]
		return a
	}
	return storage.Address{TON: tonInternational, NPI: npiISDN, Addr: digits}
}

// dialled takes off the international prefix.
func (r *Region) dialled(digits string) (rest string, ok bool) {
	at := r.idd.FindStringIndex(digits)
	if at == nil || at[1] == 0 {
		return "", false
	}
	rest = digits[at[1]:]
	return rest, len(rest) >= shortest && rest[0] != '0'
}

// national gives the national number without its prefix. sure: it is one, unless
// its length says otherwise.
func (r *Region) national(digits string, sure bool) (n string, ok bool) {
	valid := r.form.MatchString(digits)
	if r.prefix != nil {
		if n, ok := r.strip(digits, valid); ok {
			return n, true
		}
	}
	return digits, valid || sure && r.fits(digits)
}

// strip takes off the national prefix, or puts something in its place. When the
// number was one before, it must be one after.
func (r *Region) strip(digits string, valid bool) (n string, ok bool) {
	at := r.prefix.FindStringSubmatchIndex(digits)
	if at == nil || at[1] == 0 {
		return "", false
	}
	n = digits[at[1]:]
	if last := len(at) - 2; r.transform != "" && at[last] >= 0 {
		n = string(r.prefix.ExpandString(nil, r.transform, digits, at)) + n
	}
	return n, r.fits(n) && (!valid || r.form.MatchString(n))
}

func (r *Region) fits(n string) bool { return len(n) < 32 && r.lengths&(1<<len(n)) != 0 }
