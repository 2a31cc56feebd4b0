package loopchan

import (
	"strings"
	"time"

	"gsmgate/router"
	"gsmgate/storage"
)

// fate is what becomes of a part. The zero value is taken and delivered.
type fate struct {
	send  router.SendError // Outcome 0: it is taken
	first int              // so many attempts end with send, and the next is taken; 0: all
	slow  time.Duration    // before the answer to the send
	state storage.State    // that the report tells; 0: Delivered
	cause uint32
	late  time.Duration // the report comes so much later than is set

	early   bool   // the report comes before the answer to the send
	never   bool   // no report comes
	twice   bool   // it comes twice
	notice  bool   // one that says ENROUTE comes before it
	answers string // what the handset answers; "*": what it got
}

// fails says whether this attempt ends with send.
func (f *fate) fails(p *storage.Part) bool {
	return f.send.Outcome != 0 && (f.first == 0 || p.Attempts <= f.first)
}

// Number is a row of the table of numbers that provoke something.
type Number struct {
	Suffix string `json:"suffix"` // the last six digits of the recipient
	What   string `json:"what"`   // becomes of the message

	fate fate
}

// Causes as a network gives them [24.011 8.2.5.4].
const (
	causeUnassigned = 1
	causeBarred     = 10
	causeRejected   = 21
	causeAbsent     = 27
	causeCongestion = 42
)

// prefix stands before the two digits of a row.
const prefix = "9900"

// Numbers are the last digits of recipients that provoke something, whatever the
// settings are.
func Numbers() []Number {
	var all []Number
	for _, group := range [][]Number{reported(), refused(), unsure(), answering()} {
		all = append(all, group...)
	}
	return all
}

func reported() []Number {
	return []Number{
		{prefix + "01", "delivered", fate{}},
		{prefix + "02", "a notice that it is on its way, then delivered", fate{notice: true}},
		{prefix + "10", "undeliverable: unassigned number", fate{state: storage.Undeliverable, cause: causeUnassigned}},
		{prefix + "11", "expired: absent subscriber", fate{state: storage.Expired, cause: causeAbsent}},
		{prefix + "12", "deleted by the next hop", fate{state: storage.Deleted}},
		{prefix + "13", "rejected by the next hop", fate{state: storage.Rejected, cause: causeRejected}},
		{prefix + "14", "the report says that nobody knows", fate{state: storage.Unknown}},
		{prefix + "15", "no report ever comes", fate{never: true}},
		{prefix + "16", "the report comes twice", fate{twice: true}},
		{prefix + "17", "the report comes before the answer to the send", fate{early: true, slow: 100 * time.Millisecond}},
		{prefix + "18", "the report comes a minute late", fate{late: time.Minute}},
		{prefix + "19", "the answer to the send takes five seconds", fate{slow: 5 * time.Second}},
	}
}

func refused() []Number {
	no := func(e router.SendError, first int) fate { return fate{send: e, first: first} }
	const good, now = router.RefusedForGood, router.RefusedForNow
	return []Number{
		{prefix + "20", "refused for good by this channel; another one may take it", no(router.SendError{Outcome: good, Elsewhere: true, Cause: causeBarred}, 0)},
		{prefix + "21", "refused for good, whatever the channel", no(router.SendError{Outcome: good, Cause: causeRejected}, 0)},
		{prefix + "22", "refused for now, each time: it goes by another channel, or ends at the tenth attempt",
			no(router.SendError{Outcome: now, Wait: 10 * time.Second, Tries: 10, Cause: causeCongestion}, 0)},
		{prefix + "23", "refused for now twice, then delivered", no(router.SendError{Outcome: now, Wait: time.Second, Cause: causeCongestion}, 2)},
		{prefix + "24", "throttled five times, then delivered", no(router.SendError{Outcome: now, Wait: time.Second}, 5)},
		{prefix + "25", "the channel is ill for two attempts and rests, then delivered", no(router.SendError{Outcome: now, LaneIll: true, Wait: time.Second}, 2)},
	}
}

func unsure() []Number {
	unknown := router.SendError{Outcome: router.UnknownOutcome}
	return []Number{
		{prefix + "30", "UNKNOWN, until a report says that it was delivered", fate{send: unknown}},
		{prefix + "31", "UNKNOWN, and no report ever comes", fate{send: unknown, never: true}},
		{prefix + "32", "UNKNOWN, until a report says that it is undeliverable", fate{send: unknown, state: storage.Undeliverable, cause: causeUnassigned}},
	}
}

func answering() []Number {
	return []Number{
		{prefix + "40", "delivered, and the handset answers with what it got", fate{answers: "*"}},
		{prefix + "41", "delivered, and the handset answers STOP", fate{answers: "STOP"}},
		{prefix + "42", "delivered, and the handset answers at length", fate{answers: strings.Repeat("A long answer. ", 20)}},
		{prefix + "43", "delivered, and the handset answers in Chinese, with an emoji", fate{answers: "你好 👍"}},
	}
}
