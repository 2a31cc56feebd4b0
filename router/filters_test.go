package router

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"gsmgate/storage"
)

func TestMOFilter_FirstThatFitsDecides(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := running(t, &scripted{answer: ok}, Options{})
		for _, f := range []storage.MOFilter{
			{Name: "stop", Drop: true, Text: "(?i)^stop$", Order: 2},
			{Name: "a-friend", Sources: []string{"+31600000007"}, Order: 1},
			{Name: "block", Drop: true, Sources: []string{"+316000*", "Spam*"}, Order: 3},
			{Name: "number", Drop: true, Dests: []string{"+31699*"}, Order: 3},
		} {
			if err := b.r.PutMOFilter(t.Context(), f, true); err != nil {
				t.Fatal(err)
			}
		}
		for i, c := range []struct{ source, dest, text, by string }{
			{"+31611111112", "+31611111111", "hello", ""},
			{"+31611111112", "+31611111111", "STOP", "stop"},
			{"+31611111112", "+31611111111", "STOP it", ""},
			{"+31600000007", "+31611111111", "stop", ""},
			{"+31600000008", "+31611111111", "hello", "block"},
			{"SPAMMER", "+31611111111", "hello", "block"},
			{"+31611111112", "+31699000000", "hello", "number"},
		} {
			id, err := b.r.SubmitSync(t.Context(), &storage.Message{Kind: storage.MO, Origin: "sim:1", Source: addressOf(c.source),
				Dest: storage.Address{Addr: c.dest}, Text: c.text, Dedupe: []string{string(rune('a' + i))}})
			if err != nil {
				t.Fatal(err)
			}
			m, err := b.r.Message(id)
			if err != nil {
				t.Fatal(err)
			}
			if dropped := m.State == storage.Rejected; dropped != (c.by != "") || dropped && (m.User != "" || m.DueAt != 0 || m.Text != c.text || m.Reason != "dropped by filter "+c.by) {
				t.Errorf("%+v: %s %q of user %q", c, StateWord(m.State), m.Reason, m.User)
			}
		}
		if err := b.r.RemoveMOFilter(t.Context(), "stop"); err != nil {
			t.Fatal(err)
		}
		if len(b.r.MOFilters()) != 3 {
			t.Errorf("left: %v", b.r.MOFilters())
		}
	})
}

func TestPutMOFilter_BadOnes_NameTheField(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := running(t, &scripted{answer: ok}, Options{})
		for field, f := range map[string]storage.MOFilter{
			"name":    {Name: "a b", Text: "x"},
			"sources": {Name: "s", Sources: []string{"*x"}},
			"dests":   {Name: "d", Dests: []string{""}},
			"text":    {Name: "t", Text: "("},
		} {
			var re *Error
			if err := b.r.PutMOFilter(t.Context(), f, true); !errors.As(err, &re) || re.Code != Invalid || re.Field != field {
				t.Errorf("%s: %v", field, err)
			}
		}
		if err := b.r.PutMOFilter(t.Context(), storage.MOFilter{Name: "long", Text: strings.Repeat("x", mostPattern+1)}, true); err == nil {
			t.Error("a long expression is taken")
		}
		var re *Error
		if err := b.r.RemoveMOFilter(t.Context(), "none"); !errors.As(err, &re) || re.Code != NotFound {
			t.Errorf("removing none: %v", err)
		}
	})
}
