package smpp

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

var time0 = time.Date(2026, 1, 31, 22, 30, 0, 0, time.UTC)

func TestParseTime(t *testing.T) {
	for in, want := range map[string]string{
		"":                 "0001-01-01T00:00:00Z",
		"260926120000400+": "2026-09-26T12:00:00.4Z",
		"260926120000004+": "2026-09-26T11:00:00Z", // four quarters ahead of UTC
		"260926120000020-": "2026-09-26T17:00:00Z",
		"260926120000048-": "2026-09-27T00:00:00Z",
		"380101000000000+": "1938-01-01T00:00:00Z",
		"371231235959900+": "2037-12-31T23:59:59.9Z",
		"240229000000000+": "2024-02-29T00:00:00Z",
		"000002000000000R": "2026-02-02T22:30:00Z",
		"000000013005500R": "2026-02-01T00:00:05.5Z",
		"010000000000000R": "2027-01-31T22:30:00Z",
		"000000000000000R": "2026-01-31T22:30:00Z",
	} {
		got, err := ParseTime(in, time0)
		if err != nil || got.UTC().Format(time.RFC3339Nano) != want {
			t.Errorf("%q: got %s, %v, want %s", in, got.UTC().Format(time.RFC3339Nano), err, want)
		}
	}
}

func TestParseTime_NoDate(t *testing.T) {
	for _, in := range []string{"0", "260926120000", "260926120000000", "260926120000000+0", "260926120000000Z", "261326120000000+",
		"260026120000000+", "260230120000000+", "250229120000000+", "260900120000000+", "260926240000000+", "260926126000000+",
		"260926120060000+", "260926120000049+", "260926120000a00+", "2609261200000-1+", "26092612000000 +", "+60926120000000R"} {
		if got, err := ParseTime(in, time0); err != ErrTime {
			t.Errorf("%q: got %s, %v", in, got, err)
		}
	}
}

func TestFormatTime_RoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		zone := time.FixedZone("", 900*rapid.IntRange(-48, 48).Draw(t, "quarters"))
		want := time.Unix(rapid.Int64Range(-1000000000, 2145000000).Draw(t, "unix"), 3e8).In(zone)
		got, err := ParseTime(FormatTime(want), time0)
		if err != nil || !got.Equal(want) {
			t.Fatalf("%s: %s, %v, want %s", FormatTime(want), got, err, want)
		}
	})
}

func TestFormatTime_OddZone_InUTC(t *testing.T) {
	odd := time.Date(2026, 9, 26, 12, 0, 0, 0, time.FixedZone("LMT", 1172))
	if got := FormatTime(odd); got != "260926114028000+" {
		t.Error(got)
	}
	if got := FormatTime(time.Time{}); got != "" {
		t.Error(got)
	}
}

func TestFormatRelative(t *testing.T) {
	for d, want := range map[time.Duration]string{0: "000000000000000R", -time.Hour: "000000000000000R",
		49*time.Hour + 61*time.Second: "000002010101000R", 1000 * 24 * time.Hour: "000099235959000R"} {
		if got := FormatRelative(d); got != want {
			t.Errorf("%s: got %s, want %s", d, got, want)
		}
		if _, err := ParseTime(FormatRelative(d), time0); err != nil {
			t.Errorf("%s: %v", d, err)
		}
	}
}

func FuzzTime(f *testing.F) {
	for _, s := range []string{"", "260926120000004+", "000002000000000R", "991231235959948-"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := ParseTime(s, time0)
		if err != nil || s == "" || s[15] == 'R' {
			return
		}
		again, err := ParseTime(FormatTime(got), time0)
		if err != nil || !again.Equal(got) {
			t.Errorf("%q: %s, then %s, %v", s, got, again, err)
		}
	})
}
