package pdu

import (
	"encoding/hex"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestRelativeVP_Grid(t *testing.T) {
	for _, c := range []struct {
		d    time.Duration
		want byte
	}{
		{time.Second, 0}, {5 * time.Minute, 0}, {5*time.Minute + 1, 0}, {9*time.Minute + 36*time.Second, 1}, {10 * time.Minute, 1},
		{time.Hour - time.Second, 11}, {time.Hour, 11}, {61 * time.Minute, 11}, {63 * time.Minute, 12}, {12 * time.Hour, 143},
		{12*time.Hour + 1, 144}, {13 * time.Hour, 145}, {23 * time.Hour, 165}, {24 * time.Hour, 167}, {24*time.Hour + 1, 167},
		{25 * time.Hour, 167}, {46 * time.Hour, 167}, {46*time.Hour + 5*time.Minute, 168}, {2*day - time.Second, 168}, {2 * day, 168},
		{2*day + time.Hour, 168}, {4 * day, 170}, {30 * day, 196}, {30*day + 1, 196}, {33 * day, 196}, {34 * day, 197}, {35 * day, 197},
		{36 * day, 197}, {63 * week, 255}, {64 * week, 255}, {1 << 62, 255},
	} {
		v := RelativeVP(c.d)
		if v.Format != VPRelative || v.Octets[0] != c.want {
			t.Errorf("%v: got %d, want %d", c.d, v.Octets[0], c.want)
		}
	}
	for _, d := range []time.Duration{0, -time.Hour} {
		if v := RelativeVP(d); v != (ValidityPeriod{}) {
			t.Errorf("%v: got %+v", d, v)
		}
	}
}

func TestRelativeVP_AllValuesBothWays(t *testing.T) {
	last := time.Duration(0)
	for n := range 256 {
		v := ValidityPeriod{Format: VPRelative, Octets: [7]byte{byte(n)}}
		d, ok := v.Duration()
		if !ok || d <= last || RelativeVP(d) != v {
			t.Errorf("%d: %v after %v, and back %d", n, d, last, RelativeVP(d).Octets[0])
		}
		last = d
	}
}

// The network keeps no message for longer than a 24th over what was asked for, but for the least that can be said; nor for less than the
// step below.
func TestRelativeVP_LittleLongerThanAsked(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := time.Duration(rapid.Int64Range(1, int64(63*week)).Draw(t, "asked"))
		v := RelativeVP(d)
		got, _ := v.Duration()
		if got > d+d/24 && v.Octets[0] != 0 {
			t.Fatalf("%v is sent as %v", d, got)
		}
		if n := v.Octets[0]; n < 255 && relative(n+1) <= d {
			t.Fatalf("%v is sent as %v, and %v could be", d, got, relative(n+1))
		}
	})
}

func TestValidityPeriod_EachFormatOverTheWire(t *testing.T) {
	at := time.Date(2026, 2, 28, 23, 59, 59, 0, time.FixedZone("", -int(9.75*3600)))
	for _, c := range []struct {
		vp     ValidityPeriod
		octets string
	}{
		{ValidityPeriod{}, ""},
		{RelativeVP(time.Hour), "0b"},
		{AbsoluteVP(at), "6220823295959b"}, // 39 quarters west: 93 with the sign in bit 3
		{EnhancedVP([7]byte{0x42, 0x3C}), "423c0000000000"},
	} {
		b, err := Submit{DA: dest, VP: c.vp}.TPDU()
		if err != nil {
			t.Fatal(err)
		}
		if got := hex.EncodeToString(b[12 : len(b)-1]); got != c.octets {
			t.Errorf("format %d: %s, want %s", c.vp.Format, got, c.octets)
		}
		s, err := DecodeSubmit(b)
		if err != nil || s.VP != c.vp {
			t.Errorf("got %+v, want %+v (%v)", s.VP, c.vp, err)
		}
	}
	if got, ok := AbsoluteVP(at).Time(); !ok || !got.Equal(at) {
		t.Errorf("got %v", got)
	}
}

func TestTimes_ZonesAndDays(t *testing.T) {
	for in, want := range map[string]string{
		"11208211505000": "2011-02-28T11:05:05+00:00",
		"4220920000008a": "2024-02-29T00:00:00-07:00",
		"0020920000000a": "2000-02-29T00:00:00-05:00",
		"00101000000065": "2000-01-01T00:00:00+14:00",
		"0010100000008c": "2000-01-01T00:00:00-12:00",
		"00101000000022": "2000-01-01T00:00:00+05:30",
		"00101000000032": "2000-01-01T00:00:00+05:45",
		"00101000000039": "2000-01-01T00:00:00-03:15",
		"07101000000000": "1970-01-01T00:00:00+00:00",
		"96101000000000": "2069-01-01T00:00:00+00:00",
	} {
		b, _ := hex.DecodeString(in)
		got, note := readTime(b)
		if note != "" || rfc(got) != want {
			t.Errorf("%s: got %s %q, want %s", in, rfc(got), note, want)
		}
	}
}

func TestTimes_RoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		zone := time.FixedZone("", 900*rapid.IntRange(-48, 56).Draw(t, "quarters"))
		at := time.Unix(rapid.Int64Range(86400, 3155673600).Draw(t, "unix"), 0).In(zone)
		if at.Year() < 1970 || at.Year() > 2069 {
			t.Skip()
		}
		got, note := readTime(appendTime(nil, at))
		_, offset := got.Zone()
		_, want := at.Zone()
		if note != "" || !got.Equal(at) || offset != want {
			t.Fatalf("got %v %q, want %v", got, note, at)
		}
	})
}

func TestTimes_ZoneOfOddMinutesKeepsTheInstant(t *testing.T) {
	for _, seconds := range []int{1172, -1172, 7*60 + 3600, -44 * 60, 23 * 3600, -23 * 3600} {
		at := time.Date(1930, 1, 2, 3, 4, 5, 0, time.FixedZone("", seconds)).AddDate(90, 0, 0)
		if got, note := readTime(appendTime(nil, at)); note != "" || !got.Equal(at) {
			t.Errorf("%ds: got %v %q, want %v", seconds, got, note, at)
		}
	}
}
