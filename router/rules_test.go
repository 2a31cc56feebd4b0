package router

import (
	"errors"
	"strings"
	"testing"

	"gsmgate/storage"
)

func TestAddressList_WhatItAllows(t *testing.T) {
	for _, c := range []struct {
		list    []string
		yes, no []string
	}{
		{nil, []string{"+31612345678", "Acme", "", "7000"}, nil},
		{[]string{"+3161*"}, []string{"+31612345678", "31612345678"}, []string{"+31201234567", "Acme", ""}},
		{[]string{"Acme", "Shop*"}, []string{"Acme", "ACME", "Shop", "shop 24"}, []string{"Acme2", "Sho", "31612345678"}},
		{[]string{"!+31900*"}, []string{"+31612345678", "Acme"}, []string{"+319001234"}},
		{[]string{"+31*", "!+31900*", "!+31612345678"}, []string{"+31612345679"}, []string{"+319001234", "+31612345678", "+4915112345678"}},
		{[]string{"+31699000000-+31699999999"}, []string{"+31699500000"}, []string{"+31700000000", "+3169950000"}},
		{[]string{"!Bank*"}, []string{"Acme", "+31612345678"}, []string{"bank", "BANKING"}},
		{[]string{"*"}, []string{"+31612345678", "7000"}, []string{"Acme"}},
	} {
		l, err := parseAddresses("sources", c.list)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range c.yes {
			if !l.allows(addressOf(s)) {
				t.Errorf("%v does not allow %q", c.list, s)
			}
		}
		for _, s := range c.no {
			if l.allows(addressOf(s)) {
				t.Errorf("%v allows %q", c.list, s)
			}
		}
	}
}

func TestParseAddresses_BadOnes_NameTheField(t *testing.T) {
	for _, s := range []string{"", "!", "*Acme", "Ac*me", "+31x", "Äcme", "a\x00b", strings.Repeat("x", 21)} {
		_, err := parseAddresses("sources", []string{"+31*", s})
		var re *Error
		if !errors.As(err, &re) || re.Code != Invalid || re.Field != "sources" || re.Hint == "" {
			t.Errorf("%q: %v", s, err)
		}
	}
	if _, err := parseAddresses("sources", make([]string, mostPatterns+1)); err == nil {
		t.Error("too many are taken")
	}
}

func FuzzParseAddresses(f *testing.F) {
	for _, s := range []string{"+3161*", "Acme*", "!+31900*", "31699000-31699999", "!"} {
		f.Add(s, "+31612345678")
	}
	f.Fuzz(func(t *testing.T, pattern, addr string) {
		l, err := parseAddresses("sources", []string{pattern})
		if err != nil {
			return
		}
		forbids, err := parseAddresses("sources", []string{"!" + strings.TrimPrefix(pattern, "!")})
		if err == nil && !strings.HasPrefix(pattern, "!") && l.allows(storage.Address{Addr: addr}) == forbids.allows(storage.Address{Addr: addr}) {
			t.Errorf("%q and its contrary agree on %q", pattern, addr)
		}
	})
}

func TestRules_SourceOnTheWayOut(t *testing.T) {
	all := newRules([]storage.User{
		{SystemID: "listed", Sources: []string{"Acme"}, DefaultSource: "Acme"},
		{SystemID: "forced", Sources: []string{"Acme"}, ForcedSource: "+31612345678"},
		{SystemID: "free"},
	})
	for _, c := range []struct {
		user, source string
		sentAs       string
		field        string
	}{
		{"listed", "Acme", "", ""}, {"listed", "", "Acme", ""}, {"listed", "Other", "", "source"},
		{"forced", "Other", "31612345678", ""}, {"forced", "", "31612345678", ""},
		{"free", "", "", ""}, {"free", "Any", "", ""},
	} {
		m := &storage.Message{User: c.user, Source: addressOf(c.source), Dest: addressOf("+31699999999")}
		err := all.check(m)
		var re *Error
		switch {
		case c.field == "" && err != nil, c.field != "" && (!errors.As(err, &re) || re.Field != c.field):
			t.Errorf("%s from %q: %v", c.user, c.source, err)
		case c.sentAs == "" && m.SentAs != nil, c.sentAs != "" && (m.SentAs == nil || m.SentAs.Addr != c.sentAs):
			t.Errorf("%s from %q goes out as %+v, want %q", c.user, c.source, m.SentAs, c.sentAs)
		}
		if m.Source != addressOf(c.source) {
			t.Errorf("%s: the client's source was lost: %+v", c.user, m.Source)
		}
	}
}
