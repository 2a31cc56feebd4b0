package plan

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"gsmgate/storage"
)

// week is the times of the week at which a rule holds, in a zone.
type week struct {
	zone  *time.Location
	spans []minutes
}

// minutes of a week that begins on Sunday; the end is not among them.
type minutes struct{ from, to int }

const (
	day       = 24 * 60
	wholeWeek = 7 * day
)

var days = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// parseWeek reads times such as "mon-fri 08:00-18:00", "sat,sun" or "22:00-06:00",
// where days or hours that are not named mean all. Hours that end before they
// begin end on the next day.
func parseWeek(texts []string, zone string) (*week, error) {
	if len(texts) == 0 {
		return nil, nil
	}
	w := &week{zone: time.Local}
	if zone != "" {
		loc, err := time.LoadLocation(zone)
		if err != nil {
			return nil, fmt.Errorf("no time zone %q", zone)
		}
		w.zone = loc
	}
	for _, text := range texts {
		if err := w.add(text); err != nil {
			return nil, fmt.Errorf("%q is no time of the week: %w", text, err)
		}
	}
	return w, nil
}

func (w *week) add(text string) error {
	on, from, to := days, 0, day
	fields := strings.Fields(strings.ToLower(text))
	if len(fields) == 0 || len(fields) > 2 {
		return fmt.Errorf("use days and hours, mon-fri 08:00-18:00")
	}
	for i, f := range fields {
		var err error
		switch {
		case strings.Contains(f, ":"):
			from, to, err = parseHours(f)
		case i == 0:
			on, err = parseDays(f)
		default:
			err = fmt.Errorf("%q are no hours", f)
		}
		if err != nil {
			return err
		}
	}
	for _, name := range on {
		start := slices.Index(days, name) * day
		w.span(start+from, start+to)
	}
	return nil
}

// span adds minutes, those behind the end of the week at its start.
func (w *week) span(from, to int) {
	w.spans = append(w.spans, minutes{from, min(to, wholeWeek)})
	if to > wholeWeek {
		w.spans = append(w.spans, minutes{0, to - wholeWeek})
	}
}

// parseDays reads "mon-fri" or "sat,sun,wed".
func parseDays(s string) (all []string, err error) {
	for _, item := range strings.Split(s, ",") {
		first, last, isRange := strings.Cut(item, "-")
		if !isRange {
			last = first
		}
		a, b := slices.Index(days, first), slices.Index(days, last)
		if a < 0 || b < 0 {
			return nil, fmt.Errorf("%q is no day; use %s", item, strings.Join(days, " "))
		}
		for ; ; a = (a + 1) % len(days) {
			all = append(all, days[a])
			if a == b {
				break
			}
		}
	}
	return all, nil
}

// parseHours reads "08:00-18:00"; to is behind from.
func parseHours(s string) (from, to int, err error) {
	a, b, _ := strings.Cut(s, "-")
	from, ok := parseHour(a)
	to, ok2 := parseHour(b)
	if !ok || !ok2 || from == to || from == day {
		return 0, 0, fmt.Errorf("%q are no hours; use 08:00-18:00", s)
	}
	if to < from {
		to += day
	}
	return from, to, nil
}

func parseHour(s string) (minute int, ok bool) {
	h, m, cut := strings.Cut(s, ":")
	hours, err1 := strconv.ParseUint(h, 10, 8)
	mins, err2 := strconv.ParseUint(m, 10, 8)
	minute = int(hours)*60 + int(mins)
	return minute, cut && len(m) == 2 && err1 == nil && err2 == nil && mins < 60 && minute <= day
}

// holds says whether the moment is among the times.
func (w *week) holds(at storage.Time) bool {
	t := time.UnixMilli(int64(at)).In(w.zone)
	m := int(t.Weekday())*day + t.Hour()*60 + t.Minute()
	for _, s := range w.spans {
		if s.from <= m && m < s.to {
			return true
		}
	}
	return false
}
