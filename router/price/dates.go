package price

import (
	"errors"
	"time"

	"gsmgate/storage"
)

var errDate = errors.New("the date is none such as 2026-12-31 or 2026-12-31T15:00:00Z")

// dayForms name a day, momentForms a moment. 01/02/2026 is neither: nobody knows
// which is the month.
var (
	dayForms    = []string{time.DateOnly, "02.01.2006", "2006/01/02", "20060102"}
	momentForms = []string{time.RFC3339, "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02T15:04:05", "2006-01-02T15:04"}
)

// ParseTime reads a day or a moment, in UTC when it names no other zone.
func ParseTime(s string) (at storage.Time, day bool, err error) {
	for _, form := range dayForms {
		if t, err := time.Parse(form, s); err == nil {
			return ofTime(t, true)
		}
	}
	for _, form := range momentForms {
		if t, err := time.Parse(form, s); err == nil {
			return ofTime(t, false)
		}
	}
	return 0, false, errDate
}

// ofTime refuses what was before 1970: 0 is no time.
func ofTime(t time.Time, day bool) (storage.Time, bool, error) {
	at := storage.TimeOf(t)
	if at <= 0 {
		return 0, false, errDate
	}
	return at, day, nil
}

// dates reads when a price holds. A day is in it as a whole.
func dates(p *storage.Price, start, end string) (err error) {
	if start != "" {
		if p.Start, _, err = ParseTime(start); err != nil {
			return err
		}
	}
	if end == "" {
		return nil
	}
	var day bool
	if p.End, day, err = ParseTime(end); err != nil {
		return err
	}
	if day {
		p.End += storage.Time((24 * time.Hour).Milliseconds())
	}
	if p.End <= p.Start {
		return errors.New("the price ends before it starts")
	}
	return nil
}
