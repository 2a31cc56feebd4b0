package pdu

import (
	"sort"
	"time"
)

const (
	timeOctets = 7
	quarter    = 15 * time.Minute
	maxWest    = 12 * 4 // quarter hours: -12:00
	maxEast    = 14 * 4 // +14:00
)

// timestamp reads a time of seven octets. What cannot be read is forgiven: a message matters more than its date.
func (d *decoder) timestamp(field string) time.Time {
	b := d.take(field, timeOctets)
	if b == nil {
		return time.Time{}
	}
	t, note := readTime(b)
	if note != "" {
		d.forgive(field + ": " + note)
	}
	return t
}

// readTime reads TP-SCTS, TP-DT or an absolute TP-VP; years 70 to 99 are of the last century. Without a date the time is zero, an unreadable time of
// day is read as 0 and an unreadable zone as UTC; the note says so. [23.040 9.2.3.11]
func readTime(b []byte) (t time.Time, note string) {
	year, month, day := semiOctets(b[0]), semiOctets(b[1]), semiOctets(b[2])
	if year < 0 || month < 1 || month > 12 || day < 1 {
		return time.Time{}, "no date"
	}
	var clock [3]int
	for i, limit := range [3]int{24, 60, 60} {
		v := semiOctets(b[3+i])
		if v < 0 || v >= limit {
			v, note = 0, "unreadable time of day"
		}
		clock[i] = v
	}
	zone, ok := readZone(b[6])
	if !ok {
		note = "zone out of range"
	}
	t = time.Date(century(year)+year, time.Month(month), day, clock[0], clock[1], clock[2], 0, zone)
	if t.Day() != day {
		return time.Time{}, "no date"
	}
	return t, note
}

// century gives the century of a two-digit year, as POSIX has it: an SMSC without a clock sends 1970.
func century(year int) int {
	if year < 70 {
		return 2000
	}
	return 1900
}

// readZone reads the zone octet: swapped semi-octets of quarter hours, bit 3 the sign. ok is false outside of -12:00 to +14:00, where
// digits are still read as they stand. [23.040 9.2.3.11]
func readZone(b byte) (zone *time.Location, ok bool) {
	n := semiOctets(b &^ 0x08)
	if n < 0 {
		return time.UTC, false
	}
	ok = n <= maxEast
	if b&0x08 != 0 {
		ok = n <= maxWest
		n = -n
	}
	if n == 0 {
		return time.UTC, ok
	}
	return time.FixedZone("", n*int(quarter/time.Second)), ok
}

// semiOctets reads two decimal digits, the first in the low half; -1 when they are none.
func semiOctets(b byte) int {
	tens, units := int(b&0xF), int(b>>4)
	if tens > 9 || units > 9 {
		return -1
	}
	return tens*10 + units
}

// toSemiOctets is the opposite of semiOctets for 0 to 99.
func toSemiOctets(n int) byte { return byte(n%10<<4 | n/10) }

// appendTime appends t in its own zone, in whole quarter hours of it, or in UTC when the octet cannot hold that; no time is zeroes, as an
// SMSC writes it. [23.040 9.2.3.11]
func appendTime(dst []byte, t time.Time) []byte {
	if t.IsZero() {
		return append(dst, make([]byte, timeOctets)...)
	}
	_, seconds := t.Zone()
	quarters := seconds / int(quarter/time.Second)
	if quarters < -maxWest || quarters > maxEast {
		quarters = 0
	}
	if zone := quarters * int(quarter/time.Second); zone != seconds {
		t = t.In(time.FixedZone("", zone))
	}
	sign := byte(0)
	if quarters < 0 {
		quarters, sign = -quarters, 0x08
	}
	for _, v := range []int{t.Year() % 100, int(t.Month()), t.Day(), t.Hour(), t.Minute(), t.Second()} {
		dst = append(dst, toSemiOctets(v))
	}
	return append(dst, toSemiOctets(quarters)|sign)
}

// VPFormat is TP-VPF. [23.040 9.2.3.3]
type VPFormat uint8

// The formats of TP-VP.
const (
	VPNone VPFormat = iota
	VPEnhanced
	VPRelative
	VPAbsolute
)

// ValidityPeriod is TP-VPF with TP-VP; the zero value is none. [23.040 9.2.3.12]
type ValidityPeriod struct {
	Format VPFormat
	Octets [timeOctets]byte // the first one only when relative; a functionality indicator first when enhanced
}

const (
	day  = 24 * time.Hour
	week = 7 * day
)

// RelativeVP gives a relative validity of d: steps of 5 minutes to 12 hours, 30 minutes to 24 hours, a day to 30 days, a week to 63 weeks
// (also for anything longer). Where d lies between two steps it is the shorter, lest the network delivers what has expired: 25 hours are
// sent as 24. The longer is taken where it is longer by no more than a 24th of d: some of the two days that were asked for is over when the
// message leaves, and it is not to go with one. Less than 5 minutes cannot be said. d of 0 or less gives none. [23.040 9.2.3.12.1]
func RelativeVP(d time.Duration) ValidityPeriod {
	if d <= 0 {
		return ValidityPeriod{}
	}
	n := min(255, sort.Search(256, func(n int) bool { return relative(byte(n)) >= d }))
	if n > 0 && relative(byte(n))-d > d/24 {
		n--
	}
	return ValidityPeriod{Format: VPRelative, Octets: [timeOctets]byte{byte(n)}}
}

// AbsoluteVP gives a validity that ends at t, in t's zone, to the second. [23.040 9.2.3.12.2]
func AbsoluteVP(t time.Time) ValidityPeriod {
	return ValidityPeriod{Format: VPAbsolute, Octets: [timeOctets]byte(appendTime(nil, t))}
}

// EnhancedVP gives an enhanced validity of seven octets, the functionality indicator first. [23.040 9.2.3.12.3]
func EnhancedVP(octets [timeOctets]byte) ValidityPeriod {
	return ValidityPeriod{Format: VPEnhanced, Octets: octets}
}

// Duration gives the length of a relative period; ok is false for other formats. [23.040 9.2.3.12.1]
func (v ValidityPeriod) Duration() (d time.Duration, ok bool) {
	if v.Format != VPRelative {
		return 0, false
	}
	return relative(v.Octets[0]), true
}

// relative reads the octet of a relative period. [23.040 9.2.3.12.1]
func relative(octet byte) time.Duration {
	n := time.Duration(octet)
	switch {
	case n <= 143:
		return (n + 1) * 5 * time.Minute
	case n <= 167:
		return 12*time.Hour + (n-143)*30*time.Minute
	case n <= 196:
		return (n - 166) * day
	}
	return (n - 192) * week
}

// Time gives the end of an absolute period; ok is false for other formats and unreadable times. [23.040 9.2.3.12.2]
func (v ValidityPeriod) Time() (t time.Time, ok bool) {
	if v.Format != VPAbsolute {
		return time.Time{}, false
	}
	t, note := readTime(v.Octets[:])
	return t, note == ""
}

// len gives the number of octets of TP-VP.
func (v ValidityPeriod) len() int {
	switch v.Format {
	case VPNone:
		return 0
	case VPRelative:
		return 1
	}
	return timeOctets
}

// validity reads TP-VP.
func (d *decoder) validity(format VPFormat) ValidityPeriod {
	v := ValidityPeriod{Format: format}
	copy(v.Octets[:], d.take("TP-VP", v.len()))
	return v
}
