package main

import (
	"errors"
	"strings"
	"testing"

	"gsmgate/storage"
)

func TestAmount(t *testing.T) {
	for text, want := range map[string]storage.Millicredits{
		"0": 0, "1": 1000, "+1": 1000, "-1": -1000, "2.5": 2500, "-0.125": -125, "+0.001": 1,
		"007": 7000, "1.": 1000, "1000000000": 1_000_000_000_000, minus + "3": -3000,
	} {
		var a amount
		if err := a.UnmarshalText([]byte(text)); err != nil || storage.Millicredits(a) != want {
			t.Errorf("%q is %d, %v; want %d", text, a, err, want)
		}
	}
	for _, text := range []string{"", "+", "-", ".", ".5", "1.2345", "1e3", "0x1", "1_000", "--1", "+-1", "-+1", "1.-1", "1.+1", "1,5", " 1", "1000000001", "9999999999999999999", "∞"} {
		var a amount
		if err := a.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q was taken as %d", text, a)
		}
	}
}

func TestCredits_ReadBack(t *testing.T) {
	for millicredits, want := range map[int64]string{0: "0", 1000: "1", 2500: "2.5", -125: "-0.125", 1: "0.001", 100_000: "100", -1000: "-1", 1_010: "1.01"} {
		if got := credits(millicredits); got != want {
			t.Errorf("%d is %q, want %q", millicredits, got, want)
		}
		if back, err := parseAmount(credits(millicredits)); err != nil || int64(back) != millicredits {
			t.Errorf("%d came back as %d, %v", millicredits, back, err)
		}
	}
}

func TestParseListen(t *testing.T) {
	for text, want := range map[string]string{
		"smpps://:2776":            "smpps://:2776",
		"smpps://":                 "smpps://:2776",
		"smpps://[::1]":            "smpps://[::1]:2776",
		"smpp://127.0.0.1":         "smpp://127.0.0.1:2775",
		"https://host.example:443": "https://host.example:443",
		"http://localhost:0/":      "http://localhost:0",
		"unix:/run/a.sock":         "unix:/run/a.sock",
		"unix:///run/a.sock":       "unix:/run/a.sock",
		"unix:rel/a.sock":          "unix:rel/a.sock",
	} {
		if got, err := parseListen(text); err != nil || got.String() != want {
			t.Errorf("%q is %q, %v; want %q", text, got, err, want)
		}
	}
	for _, text := range []string{"", ":2776", "2776", "smpps:2776", "tcp://:1", "smpps://:x", "smpps://:65536", "smpps://u:p@h:1", "smpps://h:1/x", "smpps://h:1?x", "smpps://h:1#x", "unix:", "unix:/", "unix:dir/", "%"} {
		got, err := parseListen(text)
		if h := (*hinted)(nil); !errors.As(err, &h) || h.hint == "" || h.code != exitUsage {
			t.Errorf("%q is %q, %v", text, got, err)
		}
	}
}

func TestReport_OneLineEachNoCapitalNoStop(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{errors.New("Something broke."), "error: something broke\n"},
		{errors.New("TLS broke"), "error: TLS broke\n"},
		{errors.New("a\nb\n"), "error: a; b\n"},
		{fail("Try this.", "no %s", "luck"), "error: no luck\nhint: try this\n"},
		{fail("", "no luck"), "error: no luck\n"},
		{several{errors.New("one"), fail("do", "two")}, "error: one\nerror: two\nhint: do\n"},
		{errors.Join(fail("try", "outer"), nil), "error: outer\nhint: try\n"},
		{&storage.InUseError{Path: "d/gsmgate.db"}, "error: d/gsmgate.db is in use by another process\nhint: stop the other gsmgate first, or give this one a --data directory of its own\n"},
	} {
		var out strings.Builder
		report(&out, c.err)
		if out.String() != c.want {
			t.Errorf("%q, want %q", out.String(), c.want)
		}
	}
}

// Text of a stranger's message must not move the cursor of who reads it.
func TestVisible_NoControlCharacters(t *testing.T) {
	for text, want := range map[string]string{
		"":                   "-",
		"a\x1b[2Jb":          `a\u001b[2Jb`,
		"two\nlines\r":       `two\nlines\u000d`,
		"世界 👩\u200d🚀":        "世界 👩\u200d🚀",
		"\u202egnp.exe":      `\u202egnp.exe`,
		"12345678901":        "1234567890…",
		"\xff\x00 bad UTF-8": "\ufffd\\u0000 bad UTF…",
	} {
		if got := visible(text, 10); got != want && visible(text, -1) != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}
