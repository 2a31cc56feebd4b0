package esmechan

import (
	"slices"
	"testing"
)

func TestIDs_ReceiptFindsItsSubmit(t *testing.T) {
	for _, c := range []struct {
		name              string
		submit, receipt   string
		submits, receipts string
	}{
		{"the same", "4f3a0001", "4f3a0001", "", ""},
		{"case", "4F3A0001", "4f3a0001", "", ""},
		{"zeros in the answer", "000012AB", "12ab", "", ""},
		{"zeros in the receipt", "7", "0000000007", "", ""},
		{"hex, then decimal", "1A2B3C", "1715004", "", ""},
		{"hex, then decimal with zeros", "1a2b3c", "0001715004", "", ""},
		{"decimal, then hex", "1715004", "1A2B3C", "", ""},
		{"told: hex and decimal", "10", "16", "hex", "decimal"},
		{"told: decimal and hex", "16", "10", "decimal", "hex"},
		{"told: as it is", "AB-1", "ab-1", "text", "text"},
		{"uuid", "6F9619FF-8B86-D011-B42D-00CF4FC964FF", "6f9619ff-8b86-d011-b42d-00cf4fc964ff", "", ""},
		{"sixty-four digits", "1234567890123456789012345678901234567890123456789012345678901234", "1234567890123456789012345678901234567890123456789012345678901234", "", ""},
		{"blanks", " 17 ", "17", "", ""},
		{"nought", "0", "000", "", ""},
	} {
		if kept := canonical(c.submit, c.submits); !slices.Contains(candidates(c.receipt, c.receipts, c.submits), kept) {
			t.Errorf("%s: kept as %q, looked up as %q", c.name, kept, candidates(c.receipt, c.receipts, c.submits))
		}
	}
}

// What is the same as it stands goes before what is the same as a number.
func TestIDs_LikeliestFirst(t *testing.T) {
	if got := candidates("10", "", ""); got[0] != "10" {
		t.Errorf("got %q", got)
	}
	if got := candidates("10", "decimal", ""); !slices.Equal(got, []string{"a"}) {
		t.Errorf("told: got %q", got)
	}
}

func FuzzCandidates(f *testing.F) {
	f.Add("1a2b3c", "")
	f.Add("0000", "decimal")
	f.Add("+1_0", "hex")
	f.Fuzz(func(t *testing.T, id, form string) {
		all := candidates(id, form, "")
		if len(all) == 0 || len(all) > 3 {
			t.Errorf("%q: %q", id, all)
		}
		if form == "" && !slices.Contains(all, canonical(id, "")) {
			t.Errorf("%q is not found under its own form", id)
		}
	})
}
