package smpp

import (
	"errors"
	"fmt"
	"time"
)

// ErrTime is the error of a time that is not of the form YYMMDDhhmmsstnnp, or
// that names no moment.
var ErrTime = errors.New("smpp: not a time of the form YYMMDDhhmmsstnnp")

const timeLen = 16

// ParseTime reads schedule_delivery_time, validity_period or final_date; now is
// what a relative time counts from. "" gives the zero Time. Years 38 to 99 are
// those of 19xx. [SMPP34 7.1.1, Appendix C]
func ParseTime(s string, now time.Time) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if len(s) != timeLen {
		return time.Time{}, ErrTime
	}
	var n [7]int // YY MM DD hh mm ss, then nn
	for i, at := range [7]int{0, 2, 4, 6, 8, 10, 13} {
		n[i] = twoDigits(s[at:])
	}
	tenths := digit(s[12])
	if min(n[0], n[1], n[2], n[3], n[4], n[5], n[6], tenths) < 0 {
		return time.Time{}, ErrTime
	}
	switch s[15] {
	case 'R':
		return relative(n, tenths, now), nil
	case '+', '-':
		return absolute(n, tenths, s[15])
	}
	return time.Time{}, ErrTime
}

// relative adds years, months, days, hours, minutes and seconds to now; nn
// means nothing here. [SMPP34 7.1.1.2]
func relative(n [7]int, tenths int, now time.Time) time.Time {
	return now.AddDate(n[0], n[1], n[2]).Add(time.Duration(n[3])*time.Hour + time.Duration(n[4])*time.Minute +
		time.Duration(n[5])*time.Second + time.Duration(tenths)*100*time.Millisecond)
}

// absolute reads local time that is nn quarters of an hour ahead of UTC (+) or
// behind it (-). [SMPP34 7.1.1.1]
func absolute(n [7]int, tenths int, sign byte) (time.Time, error) {
	const maxQuarters = 48
	if n[6] > maxQuarters {
		return time.Time{}, ErrTime
	}
	east := n[6] * 15 * 60
	if sign == '-' {
		east = -east
	}
	return dateOf(n[:6], tenths, time.FixedZone("", east))
}

// dateOf returns the moment of YY MM DD hh mm ss, which must exist.
func dateOf(n []int, tenths int, loc *time.Location) (time.Time, error) {
	year := 2000 + n[0]
	if n[0] >= 38 {
		year = 1900 + n[0]
	}
	t := time.Date(year, time.Month(n[1]), n[2], n[3], n[4], n[5], tenths*int(100*time.Millisecond), loc)
	// time.Date carries 31 February and 24:00 over to another day.
	if t.Month() != time.Month(n[1]) || t.Day() != n[2] || n[3] > 23 || n[4] > 59 || n[5] > 59 {
		return time.Time{}, ErrTime
	}
	return t, nil
}

// twoDigits returns the number in the first two characters, negative when they
// are not digits.
func twoDigits(s string) int {
	tens, ones := digit(s[0]), digit(s[1])
	if tens < 0 || ones < 0 {
		return -1
	}
	return 10*tens + ones
}

func digit(c byte) int {
	if c < '0' || c > '9' {
		return -1
	}
	return int(c - '0')
}

// FormatTime writes t as an absolute time, in its own zone where that is whole
// quarters of an hour within 12 hours of UTC, else in UTC. The zero Time is "".
func FormatTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	const quarter = 15 * 60
	_, east := t.Zone()
	if east%quarter != 0 || east > 12*3600 || east < -12*3600 {
		t, east = t.UTC(), 0
	}
	sign := byte('+')
	if east < 0 {
		sign, east = '-', -east
	}
	return fmt.Sprintf("%s%d%02d%c", t.Format("060102150405"), t.Nanosecond()/int(100*time.Millisecond), east/quarter, sign)
}

// FormatRelative writes d as a relative time of days, hours, minutes and
// seconds; a month has no certain length, so more than 99 days are cut to 99. A
// part of a second is left out.
func FormatRelative(d time.Duration) string {
	const day = 24 * time.Hour
	d = min(max(d, 0), 100*day-time.Second)
	return fmt.Sprintf("0000%02d%02d%02d%02d000R", d/day, d%day/time.Hour, d%time.Hour/time.Minute, d%time.Minute/time.Second)
}
