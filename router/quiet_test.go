package router

import (
	"errors"
	"testing"
	"time"
)

func TestQuiet_Until(t *testing.T) {
	loc, err := time.LoadLocation("Europe/Amsterdam")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		hours []string
		now   string // in Amsterdam
		until string // "": not quiet, "never": it never ends
	}{
		{"evening", []string{"22:00-07:00"}, "2026-01-14 22:00", "2026-01-15 07:00"},
		{"over midnight", []string{"22:00-07:00"}, "2026-01-15 06:59", "2026-01-15 07:00"},
		{"at the end", []string{"22:00-07:00"}, "2026-01-15 07:00", ""},
		{"by day", []string{"22:00-07:00"}, "2026-01-15 21:59", ""},
		{"fri night, on sat", []string{"fri 22:00-07:00"}, "2026-01-17 03:00", "2026-01-17 07:00"},
		{"fri night, on fri morning", []string{"fri 22:00-07:00"}, "2026-01-16 03:00", ""},
		{"weekend in two", []string{"sat,sun 00:00-24:00"}, "2026-01-17 12:00", "2026-01-19 00:00"},
		{"weekend and nights", []string{"sat-sun 00:00-24:00", "22:00-07:00"}, "2026-01-16 23:00", "2026-01-19 07:00"},
		{"days round the week", []string{"sat-mon 12:00-13:00"}, "2026-01-18 12:30", "2026-01-18 13:00"},
		{"clock forward", []string{"22:00-07:00"}, "2026-03-29 01:30", "2026-03-29 07:00"},
		{"begins in the hour that is not there", []string{"02:30-04:00"}, "2026-03-29 03:45", "2026-03-29 04:00"},
		{"clock back", []string{"01:00-02:30"}, "2026-10-25 01:30", "2026-10-25 02:30"},
		{"always", []string{"00:00-24:00"}, "2026-01-14 12:00", "never"},
		{"no hours", nil, "2026-01-14 03:00", ""},
	} {
		q, err := ParseQuiet(c.hours, loc)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		now, err := time.ParseInLocation("2006-01-02 15:04", c.now, loc)
		if err != nil {
			t.Fatal(err)
		}
		until, quiet := q.Until(now)
		got := until.In(loc).Format("2006-01-02 15:04")
		switch {
		case !quiet:
			got = ""
		case until.IsZero():
			got = "never"
		}
		if got != c.until {
			t.Errorf("%s: at %s quiet until %q, want %q", c.name, c.now, got, c.until)
		}
	}
}

// Put back, the clock shows an hour twice: quiet hours that hold it last an hour
// longer.
func TestQuiet_ClockBack_NightIsLonger(t *testing.T) {
	loc, err := time.LoadLocation("Europe/Amsterdam")
	if err != nil {
		t.Fatal(err)
	}
	q, err := ParseQuiet([]string{"22:00-07:00"}, loc)
	if err != nil {
		t.Fatal(err)
	}
	from := time.Date(2026, 10, 24, 22, 0, 0, 0, loc)
	if until, _ := q.Until(from); until.Sub(from) != 10*time.Hour {
		t.Errorf("it lasts %s", until.Sub(from))
	}
}

func TestParseQuiet_BadOnes_NameTheField(t *testing.T) {
	for _, text := range []string{"", "22:00", "22-07", "22:00-25:00", "24:00-07:00", "07:00-07:00", "22:60-23:00", "sat", "xyz 22:00-07:00", "a b c", "mon- 1:00-2:00", "22:0-23:00", "-1:00-2:00"} {
		_, err := ParseQuiet([]string{text}, time.UTC)
		var re *Error
		if !errors.As(err, &re) || re.Field != "quiet" || re.Hint == "" {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := ParseZone("Mars/Olympus"); err == nil {
		t.Error("a zone of another planet was taken")
	}
}

func FuzzParseQuiet(f *testing.F) {
	for _, seed := range []string{"22:00-07:00", "sat,sun 00:00-24:00", "mon-fri 12:00-13:30", "-", " ", "sat 1:00-"} {
		f.Add(seed)
	}
	at := time.Date(2026, 1, 14, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, text string) {
		q, err := ParseQuiet([]string{text}, time.UTC)
		if err != nil {
			return
		}
		if until, quiet := q.Until(at); quiet && !until.IsZero() && !until.After(at) {
			t.Errorf("%q: quiet until %s, which is not later", text, until)
		}
	})
}
