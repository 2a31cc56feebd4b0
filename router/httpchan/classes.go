package httpchan

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"sync"
	"time"

	"gsmgate/router"
)

// How long a message waits after a refusal, and how often it is tried when it is
// the message that is refused for now.
const (
	downWait      = time.Second
	throttleWait  = time.Second
	temporaryWait = 30 * time.Second
	illWait       = time.Minute
	mostTries     = 10
)

// CauseHTTP is added to a provider's own code, or to the HTTP status, that is the
// cause of a failure, to tell it from causes of GSM.
const CauseHTTP = 4 << 16

func (u *Understood) cause() uint32 {
	if n, err := strconv.ParseUint(u.Code, 10, 16); err == nil && n != 0 {
		return CauseHTTP + uint32(n)
	}
	return CauseHTTP + uint32(u.status)
}

// unanswered says in the router's words what became of a request without an answer.
func (ch *Channel) unanswered(err error) error {
	var ce *callError
	out := &router.SendError{Outcome: router.UnknownOutcome, LaneIll: true, Wait: downWait, Err: err}
	if errors.As(err, &ce) && !ce.left {
		out.Outcome = router.RefusedForNow
		ch.fellIll("no connection: "+err.Error(), 2*downWait)
		return out
	}
	ch.count(func(c *Counts) { c.Unknown++ })
	return out
}

// refused says in the router's words what an answer means that takes no message.
func (ch *Channel) refused(u *Understood) error {
	out := &router.SendError{Outcome: router.RefusedForNow, Cause: u.cause(), Err: fmt.Errorf("%s: %s", u.Class, u.Reason)}
	switch u.Class {
	case Permanent, Elsewhere:
		out.Outcome, out.Elsewhere = router.RefusedForGood, u.Class == Elsewhere
	case Temporary:
		out.Wait, out.Tries = max(u.Wait, temporaryWait), mostTries
	case Throttle:
		ch.pace.Throttled()
		out.Wait = max(u.Wait, throttleWait)
		out.LaneIll, out.Sure = u.Wait > throttleWait, true // it said for how long: nobody tries before
	case Ill, NoCredit:
		out.LaneIll, out.Sure, out.Wait = true, true, max(u.Wait, illWait)
		out.Err = fmt.Errorf("%s: %s", u.Class, withoutNumbers(u.Reason))
		ch.fellIll(out.Err.Error(), out.Wait)
	default:
		out.Outcome = router.UnknownOutcome
	}
	ch.count(func(c *Counts) { c.refused(u.Class) })
	return out
}

func (c *Counts) refused(class Class) {
	switch class {
	case Unsure:
		c.Unknown++
		return
	case Throttle:
		c.Throttled++
	}
	c.Refused++
}

var longNumber = regexp.MustCompile(`\+?[0-9]{7,}`)

// withoutNumbers is for what is shown of a channel: the recipient of the message that
// showed it is nobody's business there.
func withoutNumbers(text string) string { return longNumber.ReplaceAllString(text, "…") }

// lateNames are names of segments that providers report each for itself, when we
// wait for the first: they are no strangers. It forgets the oldest.
type lateNames struct {
	mu    sync.Mutex
	known map[string]bool
	ring  []string
	next  int
}

const mostLate = 4096

func newLateNames() *lateNames { return &lateNames{known: map[string]bool{}} }

func (l *lateNames) add(names []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, name := range names {
		if l.known[name] {
			continue
		}
		if len(l.ring) < mostLate {
			l.ring = append(l.ring, name)
		} else {
			delete(l.known, l.ring[l.next])
			l.ring[l.next] = name
			l.next = (l.next + 1) % mostLate
		}
		l.known[name] = true
	}
}

func (l *lateNames) has(name string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.known[name]
}
