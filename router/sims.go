package router

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"gsmgate/storage"
)

// SIMView is the record of a SIM as others may see it, with what it has sent.
type SIMView struct {
	storage.SIM      // PIN is empty
	HasPIN      bool // one is set
	Used        storage.Usage
	Total       uint64       // parts since the first
	LastSent    storage.Time // 0: never
}

// SIMChange says what is to change; nil fields stay.
type SIMChange struct {
	Name, Pool, PIN, SMSC, Roaming, Number  *string
	Disabled, Draining                      *bool
	PerMinute, PerHour, PerDay, PerMonth    *int
	GapMS, JitterMS                         *int
	Quiet                                   *[]string
	Zone                                    *string
	BalanceCode, BalancePattern, BalanceLow *string
	BalanceEveryH                           *int
}

// Bounds of what can be set for a SIM.
const (
	maxSIMLimit  = 1_000_000
	maxSIMGap    = 3_600_000 // ms
	maxSIMText   = 255
	maxSIMHours  = 24 * 366
	maxSIMQuiet  = 32
	shortestTail = 6 // digits of an ICCID that may stand for it
)

// simWatchers are told of SIMs whose record was changed.
type simWatchers struct {
	mu   sync.Mutex
	list []func(id string)
}

// OnSIMChange has f called with the ID of each SIM that was changed, after the
// commit. f must not block.
func (r *Router) OnSIMChange(f func(id string)) {
	r.simWatchers.mu.Lock()
	defer r.simWatchers.mu.Unlock()
	r.simWatchers.list = append(r.simWatchers.list, f)
}

func (r *Router) tellSIM(id string) {
	r.simWatchers.mu.Lock()
	list := slices.Clone(r.simWatchers.list)
	r.simWatchers.mu.Unlock()
	for _, f := range list {
		f(id)
	}
}

// SIMs lists all SIMs of which something is known, by ID.
func (r *Router) SIMs() []SIMView {
	sims := r.db.SIMs()
	views := make([]SIMView, len(sims))
	for i, s := range sims {
		views[i] = r.simView(s)
	}
	return views
}

// SIM shows one SIM. id is its ICCID, or digits at the end of it that no other
// has.
func (r *Router) SIM(id string) (SIMView, error) {
	s, err := r.findSIM(id)
	if err != nil {
		return SIMView{}, err
	}
	return r.simView(s), nil
}

// findSIM finds a record by its ID or the end of it.
func (r *Router) findSIM(id string) (storage.SIM, error) {
	if s, ok := r.db.SIM(id); ok {
		return s, nil
	}
	var found []storage.SIM
	if len(id) >= shortestTail {
		for _, s := range r.db.SIMs() {
			if strings.HasSuffix(s.ID, id) {
				found = append(found, s)
			}
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return storage.SIM{}, invalid("id", fmt.Sprintf("%d SIMs end with %s", len(found), id), "give more digits of the ICCID")
	}
	return storage.SIM{}, noSIM(id)
}

func noSIM(id string) *Error {
	return &Error{Code: NotFound, Field: "id", Message: fmt.Sprintf("no SIM %.60q", id), Hint: fmt.Sprintf("gsmgate sim list shows all SIMs; the last %d digits of an ICCID are enough", shortestTail)}
}

func (r *Router) simView(s storage.SIM) SIMView {
	t := r.db.Tally(storage.LanePrefix + s.ID)
	loc, err := ParseZone(s.Zone)
	if err != nil {
		loc = time.Local
	}
	v := SIMView{SIM: s, HasPIN: s.PIN != "", Used: t.Usage(r.now(), loc), Total: t.Total, LastSent: t.Last}
	v.PIN = ""
	return v
}

// SetSIM changes the record of a SIM. It holds at once. A whole ICCID that is
// not known yet gets a record: it may be set before the card is plugged in.
func (r *Router) SetSIM(ctx context.Context, id string, c SIMChange) (SIMView, error) {
	known, err := r.findSIM(id)
	var re *Error
	switch {
	case err == nil:
		id = known.ID
	case !errors.As(err, &re) || re.Code != NotFound || !isICCID(id):
		return SIMView{}, err
	}
	s, err := r.db.ChangeSIM(context.WithoutCancel(ctx), id, func(s *storage.SIM) error {
		c.apply(s)
		return checkSIM(s)
	})
	if err != nil {
		return SIMView{}, public(err)
	}
	r.tellSIM(id)
	return r.simView(s), nil
}

// isICCID says whether s may be the whole number of a card [E.118 3.1].
func isICCID(s string) bool {
	return len(s) >= 18 && len(s) <= 22 && strings.HasPrefix(s, "89") && strings.Trim(s, "0123456789") == ""
}

// RemoveSIM forgets what is set for a SIM and what was learnt of it. What it has
// sent is not forgotten. One that is in a modem comes back, with nothing set.
func (r *Router) RemoveSIM(ctx context.Context, id string) error {
	s, err := r.findSIM(id)
	if err != nil {
		return err
	}
	if err := r.db.RemoveSIM(context.WithoutCancel(ctx), s.ID); err != nil {
		return public(err)
	}
	r.tellSIM(s.ID)
	return nil
}

func (c *SIMChange) apply(s *storage.SIM) {
	for _, f := range []struct{ field, value *string }{
		{&s.Name, c.Name}, {&s.Pool, c.Pool}, {&s.PIN, c.PIN}, {&s.SMSC, c.SMSC}, {&s.Roaming, c.Roaming}, {&s.Number, c.Number},
		{&s.Zone, c.Zone}, {&s.BalanceCode, c.BalanceCode}, {&s.BalancePattern, c.BalancePattern}, {&s.BalanceLow, c.BalanceLow},
	} {
		take(f.field, f.value)
	}
	for _, f := range []struct{ field, value *int }{
		{&s.PerMinute, c.PerMinute}, {&s.PerHour, c.PerHour}, {&s.PerDay, c.PerDay}, {&s.PerMonth, c.PerMonth},
		{&s.GapMS, c.GapMS}, {&s.JitterMS, c.JitterMS}, {&s.BalanceEveryH, c.BalanceEveryH},
	} {
		take(f.field, f.value)
	}
	take(&s.Disabled, c.Disabled)
	take(&s.Draining, c.Draining)
	take(&s.Quiet, c.Quiet)
	if s.Roaming == "send" {
		s.Roaming = ""
	}
}

// checkSIM refuses what no SIM may have.
func checkSIM(s *storage.SIM) error {
	for _, check := range []func(*storage.SIM) error{checkSIMTexts, checkSIMNumbers, checkSIMTimes, checkBalance} {
		if err := check(s); err != nil {
			return err
		}
	}
	return checkPool(s.Pool)
}

const dialling = "0123456789"

func checkSIMTexts(s *storage.SIM) error {
	if len(s.Name) > maxSIMText || strings.ContainsFunc(s.Name, func(r rune) bool { return r < ' ' || r == 0x7F }) {
		return invalid("name", "the name is too long, or has control characters", fmt.Sprintf("use at most %d octets", maxSIMText))
	}
	if s.PIN != "" && (len(s.PIN) < 4 || len(s.PIN) > 8 || strings.Trim(s.PIN, dialling) != "") {
		return invalid("pin", "the PIN is not one", "use 4 to 8 digits") // [51.011 9.3]
	}
	for _, f := range [...]struct{ field, value string }{{"smsc", s.SMSC}, {"number", s.Number}} {
		digits := strings.TrimPrefix(f.value, "+")
		if f.value != "" && (digits == "" || len(digits) > 20 || strings.Trim(digits, dialling) != "") {
			return invalid(f.field, fmt.Sprintf("%.40q is no telephone number", f.value), "use digits, +31653131313")
		}
	}
	if s.Roaming != "" && s.Roaming != "hold" {
		return invalid("roaming", fmt.Sprintf("no roaming %.40q", s.Roaming), "use send or hold")
	}
	return nil
}

func checkSIMNumbers(s *storage.SIM) error {
	for _, n := range [...]struct {
		field       string
		value, most int
	}{
		{"per_minute", s.PerMinute, maxSIMLimit}, {"per_hour", s.PerHour, maxSIMLimit}, {"per_day", s.PerDay, maxSIMLimit}, {"per_month", s.PerMonth, maxSIMLimit},
		{"gap_ms", s.GapMS, maxSIMGap}, {"jitter_ms", s.JitterMS, maxSIMGap}, {"balance_every_h", s.BalanceEveryH, maxSIMHours},
	} {
		if n.value < 0 || n.value > n.most {
			return invalid(n.field, fmt.Sprintf("%s %d is out of range", n.field, n.value), fmt.Sprintf("use 0 to %d; 0 is none", n.most))
		}
	}
	return nil
}

func checkSIMTimes(s *storage.SIM) error {
	loc, err := ParseZone(s.Zone)
	if err != nil {
		return err
	}
	if len(s.Quiet) > maxSIMQuiet {
		return invalid("quiet", "too many quiet hours", fmt.Sprintf("use %d at most", maxSIMQuiet))
	}
	_, err = ParseQuiet(s.Quiet, loc)
	return err
}

// amount is a decimal number.
var amount = regexp.MustCompile(`^-?[0-9]{1,12}([.,][0-9]{1,6})?$`)

func checkBalance(s *storage.SIM) error {
	for _, f := range [...]struct{ field, value string }{{"balance_code", s.BalanceCode}, {"balance_pattern", s.BalancePattern}} {
		if len(f.value) > maxSIMText {
			return invalid(f.field, f.field+" is too long", fmt.Sprintf("use at most %d octets", maxSIMText))
		}
	}
	_, _, sms := strings.Cut(strings.TrimPrefix(s.BalanceCode, "sms:"), ":")
	if s.BalanceCode != "" && !(strings.HasPrefix(s.BalanceCode, "sms:") && sms) && strings.Trim(s.BalanceCode, dialling+"*#") != "" {
		return invalid("balance_code", fmt.Sprintf("%.40q is no USSD code", s.BalanceCode), "use a code such as *100#, or sms:NUMBER:TEXT")
	}
	if s.BalancePattern != "" {
		re, err := regexp.Compile(s.BalancePattern)
		if err != nil || re.NumSubexp() < 1 {
			return invalid("balance_pattern", "the pattern is no regular expression with a group", `its first group is the amount: ([0-9]+\.[0-9]+) EUR`)
		}
	}
	if s.BalanceLow != "" && !amount.MatchString(s.BalanceLow) {
		return invalid("balance_low", fmt.Sprintf("%.40q is no amount", s.BalanceLow), "use a decimal number such as 2.50")
	}
	return nil
}
