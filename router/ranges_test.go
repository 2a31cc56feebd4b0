package router

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"gsmgate/storage"
)

func TestParseRange_BadOnes_SayWhy(t *testing.T) {
	for _, s := range []string{"", "+", "x", "+31x", "31-", "-31", "+31699-+316", "+3169999-+3160000", "+3169*1", "123456789012345678901", "+31*-+32*"} {
		_, err := parseRange(s)
		var re *Error
		if !errors.As(err, &re) || re.Code != Invalid || re.Field != "address_range" || re.Hint == "" {
			t.Errorf("parseRange(%q) = %v, want an Invalid error of address_range with a hint", s, err)
		}
	}
}

func TestOwners_MostSpecificWins(t *testing.T) {
	o := newOwners([]storage.User{
		{SystemID: "all", AddressRanges: []string{"*"}},
		{SystemID: "nl", AddressRanges: []string{"+31*"}},
		{SystemID: "mobile", AddressRanges: []string{"+316*"}},
		{SystemID: "block", AddressRanges: []string{"+31699000000-+31699999999"}},
		{SystemID: "inner", AddressRanges: []string{"31699001000-31699001999"}},
		{SystemID: "one", AddressRanges: []string{"+31699001234"}},
		{SystemID: "short", AddressRanges: []string{"7*"}},
	})
	for addr, want := range map[string]string{
		"+31699001234":  "one",
		"31699001234":   "one",
		"31699001235":   "inner",
		"+31699500000":  "block",
		"+31611111111":  "mobile",
		"+31201234567":  "nl",
		"+316990000001": "mobile", // one digit more than the block's numbers
		"7000":          "short",
		"4915112345678": "all",
	} {
		if got, _, ok := o.of(storage.Address{Addr: addr}); !ok || got != want {
			t.Errorf("owner of %s = %q, %v; want %q", addr, got, ok, want)
		}
	}
	if user, all, ok := o.of(storage.Address{}); !ok || !all || user != "all" {
		t.Errorf("the SIM without a number is owned by %q, %v", user, ok)
	}
	some := newOwners([]storage.User{{SystemID: "nl", AddressRanges: []string{"+31*", "0-9"}}})
	for _, addr := range []string{"", "+", "Bank", "4915112345678"} {
		if user, _, ok := some.of(storage.Address{Addr: addr}); ok {
			t.Errorf("%q is owned by %q", addr, user)
		}
	}
}

// A prefix and a range may hold the same numbers of one length. The prefix holds
// longer ones too.
func TestOwners_RangeAsWideAsAPrefix_TheRangeWins(t *testing.T) {
	for _, other := range []string{"a", "c"} { // before and behind the range's user
		users := []storage.User{{SystemID: other, AddressRanges: []string{"+31699*", "7000*"}}, {SystemID: "b", AddressRanges: []string{"+31699000000-+31699999999", "7000"}}}
		if other == "c" {
			slices.Reverse(users)
		}
		o := newOwners(users)
		for addr, want := range map[string]string{"+31699123456": "b", "+316991234567": other, "7000": "b", "70001": other} {
			if got, _, _ := o.of(storage.Address{Addr: addr}); got != want {
				t.Errorf("%s is owned by %s, want %s", addr, got, want)
			}
		}
	}
}

func TestConflict_CrossingRanges_Refused_NestedOnes_Not(t *testing.T) {
	users := []storage.User{{SystemID: "a", AddressRanges: []string{"+3161*", "+31699000-+31699999", "+31201234567", "+317000"}}}
	for s, clash := range map[string]bool{
		"+3161*":              true,
		"+31611*":             false,
		"+316*":               false,
		"+31699500-+31700500": true,
		"+31699500-+31699600": false,
		"+31699000-+31699999": true,
		"+31201234567":        true,
		"+3161":               false,
		"+31699*":             false,
		"+31699999-+31700000": true,
		"+31700000-+31700001": false,
		"+317000*":            false,
		"+32*":                false,
		"*":                   false,
	} {
		r, err := parseRange(s)
		if err != nil {
			t.Fatal(err)
		}
		err = conflict(users, "b", []addressRange{r})
		if (err != nil) != clash {
			t.Errorf("conflict of %s = %v, want clash %v", s, err, clash)
		}
		if re := (*Error)(nil); clash && (!errors.As(err, &re) || re.Code != Conflict || re.Field != "address_range" || re.Hint == "" || !strings.HasPrefix(re.Message, fmt.Sprintf("address range %q overlaps \"+31", s)) || !strings.HasSuffix(re.Message, " of user a")) {
			t.Errorf("conflict of %s says %v", s, err)
		}
		if err := conflict(users, "a", []addressRange{r}); err != nil {
			t.Errorf("a user clashes with itself: %v", err)
		}
	}
}
