package modem

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"gsmgate/modem/at"
)

// rule is what is done about a refusal.
type rule struct {
	outcome Outcome
	wait    time.Duration // before the message is tried again; longer each time
	tries   int           // so many such refusals, and the message fails; 0: it waits for as long as it is valid
	others  int           // so many recipients in a row, and the modem is ill; 0: never
}

const (
	busyWait = 5 * time.Second
	illWait  = 30 * time.Second
	awayWait = time.Minute // the recipient cannot be reached
)

// ruleOf gives the rule for an error of a modem. One refusal never makes the modem ill, whatever it says: "call barred" may be said of
// the numbers of one country, and modems say worse of a message that they dislike. When the next recipient gets one too, the modem is.
func ruleOf(result at.Result, code int, class at.Class) rule {
	switch class {
	case at.ClassMessage:
		return rule{outcome: RefusedForGood}
	case at.ClassUnknown:
		return rule{outcome: Unknown, wait: illWait, others: 2}
	case at.ClassModem:
		if result == at.ResultCMS && code < 300 {
			return rule{wait: illWait, tries: 6, others: 3} // the network's word, which may be of the recipient
		}
		return rule{wait: illWait, others: 2} // the modem's word on itself
	case at.ClassAmbiguous:
		if result == at.ResultCMS && code == 27 { // destination out of service
			return rule{wait: awayWait, tries: 3, others: 4}
		}
		return rule{wait: illWait, tries: 3, others: 4}
	}
	return rule{wait: busyWait, tries: 16, others: 3}
}

// waitFor gives the configured time for that of a rule.
func (c *Config) waitFor(d time.Duration) time.Duration {
	switch d {
	case busyWait:
		return c.BusyWait
	case illWait:
		return c.IllWait
	case awayWait:
		return c.AwayWait
	}
	return d
}

// Does tells in words what is done about a refusal.
func (r rule) Does() string {
	switch r.outcome {
	case RefusedForGood:
		return "the message fails"
	case Unknown:
		return fmt.Sprintf("the message is unknown until its report; the modem rests when %d recipients in a row get this", r.others)
	}
	s := fmt.Sprintf("another SIM tries at once, then any every %v while the message is valid; ", r.wait)
	if r.tries > 0 {
		s = fmt.Sprintf("another SIM tries at once, then any after %v, longer each time; the message fails at the %s refusal; ", r.wait, ordinal(r.tries))
	}
	return s + fmt.Sprintf("the modem rests when %d recipients in a row get this", r.others)
}

func ordinal(n int) string {
	if n == 3 {
		return "3rd"
	}
	return fmt.Sprintf("%dth", n)
}

// CauseRow is a row of the published table of errors.
type CauseRow struct {
	Result string `json:"result"` // "+CMS ERROR", "+CME ERROR" or "ERROR"
	Code   int    `json:"code"`   // -1: any other, or none
	Class  string `json:"class"`  // message, modem, busy, ambiguous or unknown
	Text   string `json:"text"`
	Does   string `json:"does"` // what becomes of the message, and of the modem
}

// CauseTable gives what is done about each error that a modem may answer a message with.
func CauseTable() []CauseRow {
	var rows []CauseRow
	for _, c := range at.Causes() {
		rows = append(rows, causeRow(c))
	}
	for _, c := range []at.Cause{
		{Result: at.ResultCMS, Code: -1, Text: "any other code"},
		{Result: at.ResultCME, Code: -1, Text: "any other code"},
		{Result: at.ResultError, Code: -1, Text: "no code at all"},
	} {
		c.Class = (&at.Error{Result: c.Result, Code: c.Code}).Class()
		rows = append(rows, causeRow(c))
	}
	return rows
}

func causeRow(c at.Cause) CauseRow {
	name := map[at.Result]string{at.ResultCMS: "+CMS ERROR", at.ResultCME: "+CME ERROR", at.ResultError: "ERROR"}[c.Result]
	return CauseRow{name, c.Code, c.Class.String(), c.Text, ruleOf(c.Result, c.Code, c.Class).Does()}
}

// refusal reads a +CMS ERROR, a +CME ERROR or one without a code. Before the prompt it cannot be of the message, which the modem has not
// seen yet.
func refusal(e *at.Error, submitted bool) (*SubmitError, rule) {
	class := e.Class()
	if !submitted && (class == at.ClassMessage || class == at.ClassAmbiguous || class == at.ClassUnknown) {
		class = at.ClassBusy
	}
	r := ruleOf(e.Result, e.Code, class)
	out := &SubmitError{Outcome: r.outcome, Wait: r.wait, Tries: r.tries, Err: e}
	if e.Code > 0 {
		out.Cause = uint32(e.Code)
	}
	if e.Result == at.ResultCME && e.Code >= 0 {
		out.Cause += CauseCME
	}
	return out, r
}

// streak remembers to whom nothing could be sent since the last message that went out. One recipient never makes a streak, however
// often it is tried.
type streak struct {
	mu  sync.Mutex
	who []string
}

// most bounds a streak: no rule asks for more.
const most = 4

// add counts a recipient, and tells whether at least so many are in the streak.
func (s *streak) add(recipient string, many int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.who) < most && !slices.Contains(s.who, recipient) {
		s.who = append(s.who, recipient)
	}
	return many > 0 && len(s.who) >= many
}

func (s *streak) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.who = s.who[:0]
}

// recipientOf gives TP-DA of an SMS-SUBMIT, with its type, to tell recipients apart.                                    [23.040 9.2.2.2]
func recipientOf(tpdu []byte) string {
	const at = 2 // behind the first octet and TP-MR
	if len(tpdu) <= at {
		return ""
	}
	end := at + 2 + (int(tpdu[at])+1)/2
	return string(tpdu[at:min(end, len(tpdu))])
}

// lookInto lets the session see what ails a modem that blames itself.
func (s *session) lookInto(err error) {
	var refused *at.Error
	if !errors.As(err, &refused) || refused.Class() != at.ClassModem {
		return
	}
	nudge(s.probe)
	if at.IsCMS(err, 322) || at.IsCMS(err, 208) || at.IsCMS(err, 211) || at.IsCME(err, 20) {
		nudge(s.wake) // a sweep makes room
	}
}
