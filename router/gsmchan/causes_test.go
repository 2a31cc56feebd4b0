package gsmchan

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"gsmgate/modem"
	"gsmgate/modem/modemsim"
	"gsmgate/storage"
)

// hurried makes the waits of refused messages short: times are real here.
func hurried(c *modem.Config) {
	c.BusyWait, c.IllWait, c.AwayWait = 10*time.Microsecond, 5*time.Millisecond, 5*time.Millisecond
}

// fates are what becomes of a message that is refused whatever SIM tries it,
// while others pass, and how often it is tried.
var fates = map[string]struct {
	state    storage.State
	attempts int
}{
	"message":   {storage.Undeliverable, 1},
	"ambiguous": {storage.Undeliverable, 3},
	"busy":      {storage.Undeliverable, 16},
	"modem":     {storage.Undeliverable, 6}, // by the network's word
	"own":       {storage.Enroute, 2},       // by the modem's word on itself: it waits while it is valid; at least so often
	"unknown":   {storage.Unknown, 1},
}

// number is the recipient to whom a code is answered.
func number(result string, code int) string {
	kind := 0
	if result == "+CME ERROR" {
		kind = 1
	}
	return fmt.Sprintf("3169%d%04d", kind, code)
}

// refusing gives a rule for each row: its code is answered to its number.
func refusing(rows []modem.CauseRow) (rules []modemsim.Rule) {
	for _, row := range rows {
		r := modemsim.Rule{Match: number(row.Result, row.Code), Refuse: row.Code}
		if row.Result == "+CME ERROR" {
			r = modemsim.Rule{Match: r.Match, RefuseCME: row.Code + 1}
		}
		rules = append(rules, r)
	}
	return rules
}

func TestCauses_EveryCode_OneBadMessageBlocksNobody(t *testing.T) {
	t.Parallel()
	rows := slices.DeleteFunc(modem.CauseTable(), func(r modem.CauseRow) bool { return r.Code < 0 })
	rows = append(rows, modem.CauseRow{Result: "+CMS ERROR", Code: 515, Class: "ambiguous"}, modem.CauseRow{Result: "+CMS ERROR", Code: 64, Class: "busy"})
	s := onStack(t, modemsim.Config{Count: 1, Rules: refusing(rows), Keep: 1000}, Config{tune: hurried})
	for _, row := range rows {
		s.oneBad(row)
	}
}

func TestCauses_SeveralModems_OneBadMessageBlocksNobody(t *testing.T) {
	rows := slices.DeleteFunc(modem.CauseTable(), func(r modem.CauseRow) bool {
		return !slices.Contains([]int{28, 42, 8, 310, 304, 332}, r.Code) || r.Result != "+CMS ERROR"
	})
	for _, row := range rows {
		t.Run(fmt.Sprint(row.Code), func(t *testing.T) {
			t.Parallel()
			s := onStack(t, modemsim.Config{Count: 3, Rules: refusing(rows), Keep: 1000}, Config{tune: hurried})
			s.oneBad(row)
		})
	}
}

// oneBad sends a message that is refused with the code of the row, and others
// behind it.
func (s *stack) oneBad(row modem.CauseRow) {
	s.t.Helper()
	what := fmt.Sprintf("%s: %d (%s)", row.Result, row.Code, row.Class)
	bad := s.send(number(row.Result, row.Code), "bad")
	var good []storage.ID
	for i := range 20 {
		good = append(good, s.send(fmt.Sprintf("316100000%02d", i), "good"))
	}
	within(s.t, what+": the others go out", func() bool {
		if s.rests() {
			s.t.Errorf("%s: a modem rests", what)
		}
		return !slices.ContainsFunc(good, func(id storage.ID) bool { return !s.gone(id) })
	})
	for _, id := range good {
		if m := s.message(id); m.Parts[0].Attempts != 1 {
			s.t.Errorf("%s: another message took %d attempts", what, m.Parts[0].Attempts)
		}
	}
	s.fateOf(bad, row, what)
	last := s.send("31610000099", "one that goes parts this code from the next")
	within(s.t, what+": the last goes out", func() bool { return s.gone(last) })
}

// fateOf holds what became of the refused message against the table.
func (s *stack) fateOf(id storage.ID, row modem.CauseRow, what string) {
	s.t.Helper()
	class, cause := row.Class, uint32(row.Code)
	if row.Result == "+CME ERROR" {
		cause += modem.CauseCME
	}
	if class == "modem" && (row.Result == "+CME ERROR" || row.Code >= 300) {
		class = "own"
	}
	want := fates[class]
	var m *storage.Message // as it was when it had settled: it may be tried again at once
	within(s.t, what+": settled", func() bool {
		m = s.message(id)
		return m.State == want.state && m.Parts[0].Attempts >= want.attempts && m.Parts[0].State != storage.PartTrying
	})
	if m.Parts[0].Attempts != want.attempts && class != "own" {
		s.t.Errorf("%s: %d attempts, want %d", what, m.Parts[0].Attempts, want.attempts)
	}
	if class == "own" || class == "unknown" {
		if m.Reason == "" {
			s.t.Errorf("%s: nothing says why it waits", what)
		}
		if class == "own" { // lest it be tried beside the next, which would make two recipients in a row
			within(s.t, what+": cancelled", func() bool { return s.r.CancelOne(s.t.Context(), id) == nil })
		}
		return
	}
	if about := s.receipt(id); about == nil || about.Cause != cause || about.State != want.state || m.Cause != cause {
		s.t.Errorf("%s: the receipt says %+v, the message cause %d", what, about, m.Cause)
	}
}
