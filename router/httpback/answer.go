package httpback

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"gsmgate/router"
)

// class is what an answer means for the event, and for those behind it.
type class uint8

const (
	taken    class = iota
	unwanted       // this one is never to come again
	faulty         // there is something about this one
	notNow         // none can go now
)

func (c class) String() string {
	return [...]string{"taken", "not wanted: it would end REJECTED", "refused: after three tries it would end REJECTED", "all would wait, and be tried again"}[c]
}

const (
	faultyTries   = 3
	maxRetryAfter = time.Hour
)

// classOf is the table of what a receiver may answer; Contract tells it.
func classOf(status int) class {
	switch status {
	case http.StatusGone:
		return unwanted
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusProxyAuthRequired,
		http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return notNow
	}
	switch status / 100 {
	case 2:
		return taken
	case 4:
		return faulty
	}
	return notNow
}

// answer is what a receiver said.
type answer struct {
	status int
	retry  time.Duration // of Retry-After; 0: none
	begin  []byte        // of its body, when it was asked for
}

func (a *answer) String() string {
	text := strings.TrimSpace(fmt.Sprintf("%d %s", a.status, http.StatusText(a.status)))
	if a.status/100 == 3 {
		text += ", and redirects are not followed"
	}
	return text
}

// verdict is the answer as the router knows it: nil or a *router.SendError.
func (a *answer) verdict() error {
	se := &router.SendError{Outcome: router.RefusedForNow, Cause: uint32(a.status), Err: fmt.Errorf("the callback answered %s", a)}
	switch classOf(a.status) {
	case taken:
		return nil
	case unwanted:
		se.Outcome = router.RefusedForGood
	case faulty:
		se.Tries = faultyTries
	case notNow:
		se.LaneIll, se.Wait = true, a.retry
	}
	return se
}

// retryAfter reads the header of that name: seconds, or a date [RFC9110 10.2.3].
// What cannot be read, and what is past, is 0.
func retryAfter(text string, now time.Time) time.Duration {
	text = strings.TrimSpace(text)
	if n, err := strconv.ParseUint(text, 10, 32); err == nil {
		return min(time.Duration(n)*time.Second, maxRetryAfter)
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	return min(max(0, at.Sub(now)), maxRetryAfter)
}
