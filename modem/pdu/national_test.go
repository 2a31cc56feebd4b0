package pdu

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
)

// nationalVectors reads testdata/national.txt.
func nationalVectors(t *testing.T) (locking, single map[Language]charset) {
	t.Helper()
	b, err := os.ReadFile("testdata/national.txt")
	if err != nil {
		t.Fatal(err)
	}
	tables := map[string]map[Language]charset{"locking": {}, "single": {}}
	for _, block := range strings.Split(string(b), "\n\n")[1:] {
		lines := strings.Split(strings.TrimSpace(block), "\n")
		var l Language
		var kind, name string
		if _, err := fmt.Sscan(lines[0], &l, &kind, &name); err != nil {
			t.Fatal(lines[0], err)
		}
		var c charset
		for i, cell := range strings.Fields(strings.Join(lines[1:], " ")) {
			if v, err := strconv.ParseUint(cell, 16, 16); err == nil {
				c[i] = rune(v)
			}
		}
		tables[kind][l] = c
	}
	return tables["locking"], tables["single"]
}

func TestNational_EveryCharacterOfEveryTable(t *testing.T) {
	locking, single := nationalVectors(t)
	if len(locking) != 12 || len(single) != 13 {
		t.Fatalf("%d locking and %d single tables", len(locking), len(single))
	}
	for l := Turkish; l <= lastLanguage; l++ {
		for s := range 128 {
			checkLocking(t, l, byte(s), locking)
			checkSingle(t, l, byte(s), single[l][s])
		}
	}
}

func checkLocking(t *testing.T, l Language, s byte, tables map[Language]charset) {
	want := tables[l][s]
	if l == Spanish { // has none: the default alphabet stays
		want = defaultBasic[s]
	}
	if s == esc || want == 0 {
		want = ' '
	}
	if got := DecodeNational([]byte{s}, l, 0); got != string(want) {
		t.Errorf("language %d, locking 0x%02X: got %q, want %q", l, s, got, want)
	}
}

func checkSingle(t *testing.T, l Language, s byte, want rune) {
	if s == esc {
		want = ' '
	} else if want == 0 {
		want = defaultBasic[s]
	}
	if got := DecodeNational([]byte{esc, s}, 0, l); got != string(want) {
		t.Errorf("language %d, single 0x%02X: got %q, want %q", l, s, got, want)
	}
}

func TestNational_UnknownLanguageIsTheDefault(t *testing.T) {
	if got := DecodeNational([]byte{0x41, esc, 0x65, 0x00}, 14, 255); got != "A€@" {
		t.Errorf("got %q", got)
	}
}
