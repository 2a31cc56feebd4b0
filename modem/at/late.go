package at

import (
	"errors"
	"slices"
	"strings"
	"time"
)

const (
	// doubtWait is how long a second answer is waited for when the first may be that of an older submit.
	doubtWait = 10 * time.Second
	// wokenWait is how long an answer is waited for once the modem seems to have restarted.
	wokenWait = 10 * time.Second
	// settleTime is how long after its start a modem may say that it has started.
	settleTime = time.Minute
	// lateLife is how long an answer is owed. One that comes later still is known by its number or taken for nobody's.
	lateLife = 2 * time.Minute
	// manyLater is how many messages later a TP-MR may have come round.
	manyLater = 100
	// manySeen bounds the numbers of reports that are remembered.
	manySeen = 16
)

// Reported tells that a status report came about the message with that TP-MR. It may show which number a submit used that never got
// an answer, so that its answer is known if it comes yet.
func (e *Engine) Reported(mr uint8) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if x := e.cur; x != nil && x.sent { // it may be about this one: the answer tells, or its absence
		x.reports = append(x.reports, mr)
		return
	}
	e.late.reported(mr)
}

// claim takes the late answer of the submit that was just given up, if it has come.
func (e *Engine) claim() (mr uint8, came bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.late.claim()
}

// patience is how long more is waited for after something of an answer has come.
func (e *Engine) patience(x *exchange) time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case x.doubt || x.held != nil:
		return doubtWait
	case x.woken && len(x.records) == 0:
		return wokenWait
	}
	return afterMR
}

// errWhose is of a submit that got two answers, of which one is that of an older.
var errWhose = errors.New("two answers came, and which of them is its own nobody can tell")

// lateSend keeps the answers of submits apart: one that comes after its time must not count for the next message. Touched under
// Engine.mu.
//
// A +CMGS says whose it is by its number, with a modem that counts by one [23.040 9.2.3.6]: the messages without an answer may have used
// a number each, or not. Where that leaves a doubt the first answer is kept, and a second one waited for: then the first was the older's.
type lateSend struct {
	owed   int       // submits that never got an answer, and whose TP-MR is not known
	placed []uint8   // the TP-MRs of those for which it is
	seen   []uint8   // the TP-MRs that were reported on since, where nothing is known yet of how the modem counts
	since  time.Time // of the newest of them
	later  int       // messages sent since
	last   uint8     // the newest TP-MR
	steps  int       // how many TP-MRs in a row were one more than the one before
	known  bool      // last is set
	eatOK  bool      // the OK of a late +CMGS follows
	here   bool      // a late answer lies in mr
	mr     uint8
	during bool // the newest owed submit is still being looked into
}

// owe notes that x has got no answer.
func (l *lateSend) owe(x *exchange) {
	l.owed++
	l.since, l.later = time.Now(), 0
	l.during = true
	l.here = false
	for _, mr := range x.reports {
		l.reported(mr)
	}
}

// expects tells whether an answer of an older submit may still come.
func (l *lateSend) expects() bool {
	if l.owed+len(l.placed) > 0 && time.Since(l.since) > lateLife {
		l.owed, l.placed = 0, nil
	}
	if l.owed+len(l.placed) == 0 {
		l.seen = nil
	}
	return l.owed+len(l.placed) > 0
}

// arrived notes a +CMGS that no command wanted; its OK follows.
func (l *lateSend) arrived(mr uint8) {
	if l.during {
		l.here, l.mr = true, mr
	}
	l.paid(mr)
	l.eatOK = true
}

func (l *lateSend) paid(mr uint8) {
	if i := slices.Index(l.placed, mr); i >= 0 {
		l.placed = slices.Delete(l.placed, i, i+1)
		return
	}
	l.owed = max(0, l.owed-1)
}

func (l *lateSend) claim() (mr uint8, came bool) {
	l.during = false
	if l.here {
		l.last, l.known = l.mr, true
	}
	return l.mr, l.here
}

// sent notes the TP-MR of a message. [23.040 9.2.3.6] lets it grow by one a message; most modems do.
func (l *lateSend) sent(mr uint8) {
	if l.known && mr-l.last == 1 {
		l.steps = min(l.steps+1, 8)
	} else {
		l.steps = 0
	}
	l.last, l.known = mr, true
	if l.later++; l.later > manyLater {
		l.owed, l.placed = 0, nil
	}
}

// swallow takes the OK that belongs to a late +CMGS.
func (l *lateSend) swallow(line string) bool {
	if _, is := final(line, "", false); !is || !l.eatOK {
		return false
	}
	l.eatOK = false
	return strings.EqualFold(line, "OK")
}

// whose is what a TP-MR tells of the message it is for.
type whose uint8

const (
	ours whose = iota
	older
	doubtful
)

// whoseIs judges the first +CMGS after Ctrl-Z.
func (l *lateSend) whoseIs(mr uint8) whose {
	step := int(mr - l.last)
	switch {
	case !l.expects():
		return ours
	case slices.Contains(l.placed, mr):
		return older
	case l.owed == 0 && (step == 1 || l.steps < 2):
		return ours
	case l.steps < 2:
		return doubtful
	case step == 1+l.owed: // each of those without an answer has used a number
		l.place(l.owed)
		return ours
	case step == 0 || step > 128:
		return older
	}
	return doubtful
}

// place notes which numbers the oldest n submits without an answer have used.
func (l *lateSend) place(n int) {
	for range n {
		l.last++
		l.placed = append(l.placed, l.last)
	}
	l.owed -= n
}

// reported takes a number beyond the newest for that of a submit without an answer, with a modem that counts. One that has not said enough
// yet may give each message the same number; any other is remembered.
func (l *lateSend) reported(mr uint8) {
	n := int(mr - l.last)
	switch {
	case !l.expects():
	case l.steps < 2 && (!l.known || n != 0) && len(l.seen) < manySeen:
		l.seen = append(l.seen, mr)
	case l.steps >= 2 && n > 0 && n <= l.owed:
		l.place(n)
	}
}

// stranger tells whether a line during x is nothing for x, as the answer of an older submit.
func (l *lateSend) stranger(x *exchange, line string) bool {
	if !x.submit {
		return false
	}
	mr, is := messageReference(line)
	switch {
	case is && !x.sent, is && len(x.records) > 0 && !x.doubt:
		l.arrived(mr)
		return true
	case is && len(x.records) > 0 && l.precedes(mr, x.mr):
		l.arrived(mr)
		x.doubt = false
		if x.okHeld {
			x.finish(nil)
		}
		return true
	case is && len(x.records) > 0:
		l.second(x)
		return l.first(x, mr)
	case is:
		return l.first(x, mr)
	}
	err, is := final(line, "", false)
	return is && x.sent && l.ends(x, err)
}

// first handles the first +CMGS behind Ctrl-Z.
func (l *lateSend) first(x *exchange, mr uint8) bool {
	if x.held != nil && slices.Contains(l.placed, mr) { // the error before it was ours
		l.arrived(mr)
		x.finish(x.held)
		return true
	}
	if x.held != nil && slices.Contains(l.seen, mr) { // it looks like the older's; then the error may have been ours
		l.arrived(mr)
		x.finish(errWhose)
		return true
	}
	if x.held != nil { // the error before it was the older's
		x.held = nil
		l.owed = max(0, l.owed-1)
		return false
	}
	switch l.whoseIs(mr) {
	case older:
		l.arrived(mr)
		return true
	case doubtful:
		x.doubt = true
	}
	return false
}

// precedes tells whether the number of a second answer is of a submit before that of the first, with a modem that counts.
func (l *lateSend) precedes(second, first uint8) bool {
	n := int(first - second)
	return n > 0 && n <= l.owed
}

// second handles a +CMGS behind one that was in doubt: that was the older's.
func (l *lateSend) second(x *exchange) {
	l.paid(x.mr)
	l.eatOK = !x.okHeld
	if l.steps >= 2 {
		l.last = x.mr
	}
	x.records, x.doubt, x.okHeld = nil, false, false
}

// ends handles a final result behind Ctrl-Z; true: it is kept, and more waited for.
func (l *lateSend) ends(x *exchange, err error) bool {
	switch {
	case err == nil && x.doubt && !x.okHeld:
		x.okHeld = true
	case err != nil && x.doubt && x.okHeld: // the +CMGS was the older's, and this is ours
		l.paid(x.mr)
		x.records, x.doubt = nil, false
		return false
	case err != nil && len(x.records) == 0 && x.held == nil && l.expects():
		x.held = err
	default:
		return false
	}
	x.nudge()
	return true
}
