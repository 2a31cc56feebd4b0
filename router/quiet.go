package router

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Quiet are hours in which nothing is sent. They are on the clock of a place:
// when that is put forward or back, they become shorter or longer.
type Quiet struct {
	loc   *time.Location
	spans []quietSpan
}

// quietSpan begins on its days, and may end on the day after.
type quietSpan struct {
	days     [7]bool // by time.Weekday
	from, to int     // minutes after midnight; to is beyond 24 h where it is on the next day
}

// quietHint says how quiet hours are written.
const quietHint = "use HH:MM-HH:MM with days before it where it is not every day: 22:00-07:00, sat,sun 00:00-24:00, mon-fri 12:00-13:30"

// ParseZone reads the name of a time zone; "" is that of the machine.
func ParseZone(name string) (*time.Location, error) {
	if name == "" {
		return time.Local, nil
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, invalid("zone", fmt.Sprintf("no time zone %.60q", name), "use a name such as Europe/Amsterdam, or UTC")
	}
	return loc, nil
}

// ParseQuiet reads quiet hours, each "22:00-07:00" or "fri,sat 22:00-07:00".
func ParseQuiet(texts []string, loc *time.Location) (*Quiet, error) {
	q := &Quiet{loc: loc}
	for _, text := range texts {
		s, err := parseQuiet(text)
		if err != nil {
			return nil, invalid("quiet", fmt.Sprintf("%.60q are no quiet hours: %v", text, err), quietHint)
		}
		q.spans = append(q.spans, s)
	}
	return q, nil
}

func parseQuiet(text string) (s quietSpan, err error) {
	fields := strings.Fields(strings.ToLower(text))
	switch len(fields) {
	case 1:
		s.days = [7]bool{true, true, true, true, true, true, true}
	case 2:
		if s.days, err = parseDays(fields[0]); err != nil {
			return s, err
		}
	default:
		return s, fmt.Errorf("%d words", len(fields))
	}
	from, to, ok := strings.Cut(fields[len(fields)-1], "-")
	if !ok {
		return s, fmt.Errorf("no end")
	}
	if s.from, err = parseClock(from); err != nil {
		return s, err
	}
	if s.to, err = parseClock(to); err != nil {
		return s, err
	}
	switch {
	case s.from == 24*60:
		return s, fmt.Errorf("they begin at 24:00")
	case s.from == s.to:
		return s, fmt.Errorf("they end when they begin")
	case s.to < s.from:
		s.to += 24 * 60
	}
	return s, nil
}

// parseClock reads HH:MM as minutes.
func parseClock(text string) (int, error) {
	hour, minute, ok := strings.Cut(text, ":")
	h, err := strconv.ParseUint(hour, 10, 8)
	m, errM := strconv.ParseUint(minute, 10, 8)
	if !ok || err != nil || errM != nil || len(hour) > 2 || len(minute) != 2 || m > 59 || h > 24 || h == 24 && m > 0 {
		return 0, fmt.Errorf("%q is no time of the day", text)
	}
	return int(h*60 + m), nil
}

// parseDays reads "sat", "sat,sun" and "mon-fri".
func parseDays(text string) (days [7]bool, err error) {
	for _, word := range strings.Split(text, ",") {
		first, last, isRange := strings.Cut(word, "-")
		from, err := parseDay(first)
		to := from
		if err == nil && isRange {
			to, err = parseDay(last)
		}
		if err != nil {
			return days, err
		}
		for d := from; ; d = (d + 1) % 7 {
			days[d] = true
			if d == to {
				break
			}
		}
	}
	return days, nil
}

func parseDay(text string) (int, error) {
	for d := time.Sunday; d <= time.Saturday; d++ {
		if name := strings.ToLower(d.String()); text == name || text == name[:3] {
			return int(d), nil
		}
	}
	return 0, fmt.Errorf("%q is no day", text)
}

// mostQuiet is how many spans one after the other are looked through: a week of
// them. What is longer never ends.
const mostQuiet = 64

// Until says when the quiet hours end in which now lies. quiet is false when it
// lies in none; the zero time: they never end.
func (q *Quiet) Until(now time.Time) (until time.Time, quiet bool) {
	at := now
	for range mostQuiet {
		end, in := q.endOf(at)
		if !in {
			return at, quiet
		}
		at, quiet = end, true
	}
	return time.Time{}, true
}

// endOf is when the span ends that holds t, the longest of several.
func (q *Quiet) endOf(t time.Time) (end time.Time, in bool) {
	y, m, d := t.In(q.loc).Date()
	for _, s := range q.spans {
		for _, day := range [...]int{d - 1, d} {
			begin := time.Date(y, m, day, 0, s.from, 0, 0, q.loc)
			if !s.days[time.Date(y, m, day, 12, 0, 0, 0, q.loc).Weekday()] {
				continue
			}
			over := time.Date(y, m, day, 0, s.to, 0, 0, q.loc)
			if !t.Before(begin) && t.Before(over) && over.After(end) {
				end, in = over, true
			}
		}
	}
	return end, in
}
