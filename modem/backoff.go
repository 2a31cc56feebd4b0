package modem

import (
	"errors"
	"time"

	"gsmgate/modem/at"
)

const (
	firstPause  = 250 * time.Millisecond
	pauseCap    = 30 * time.Second
	absentCap   = time.Second     // looking whether a path is back, or a stick has changed, costs nothing
	busyCap     = 5 * time.Second // as little does asking for a port that another program has
	hungCap     = 5 * time.Second // each attempt listens for twelve
	failedAfter = 5               // attempts without success, after which a modem is called failed
)

// pause returns how long to wait before the port is opened again, after n attempts in a row that ended with err; n counts from 1.
// jitter is from 0 to 1, and takes up to a fifth away, lest all modems of a hub that came back start in step.
func pause(n int, err error, jitter float64) time.Duration {
	limit := pauseCap
	var absent *PortAbsentError
	var unreached *UnreachableError
	var stick *StickError
	var same *SameModemError
	var busy *PortBusyError
	switch {
	case errors.As(err, &absent), errors.As(err, &stick), errors.As(err, &same):
		limit = absentCap
	case errors.As(err, &busy), errors.As(err, &unreached):
		limit = busyCap
	case errors.Is(err, at.ErrHung):
		limit = hungCap
	}
	d := min(firstPause<<min(n-1, 10), limit)
	return d - time.Duration(jitter*float64(d)/5)
}
