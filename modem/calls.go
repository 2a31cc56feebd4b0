package modem

import (
	"context"
	"strings"
	"time"

	"gsmgate/modem/at"
)

const (
	hangUpEvery = 3 * time.Second        // bounds the commands that a ringing modem costs
	callerWait  = 500 * time.Millisecond // from RING to the +CLIP behind it
)

// calls is what the receiver knows of calls. While a modem rings some send nothing, so each is hung up.
type calls struct {
	ringing <-chan time.Time // a call is to be hung up then; nil: none is
	caller  string           // who it is, when that was said
	hungUp  time.Time
}

// showCallers asks the modem to say who calls.                                                                    [27.007 7.6]
func (r *receiver) showCallers(ctx context.Context) { _, _ = r.s.tell(ctx, "AT+CLIP=1") }

// rang handles RING, +CRING and +CLIP: the call is hung up when it is known who calls, or when nobody says so.
func (r *receiver) rang(ctx context.Context, u at.URC) {
	named := strings.EqualFold(u.Name, "+CLIP")
	if named {
		r.caller = plainNumber(at.Fields(u.Args)[0])
	}
	switch recent := time.Since(r.hungUp) < hangUpEvery; {
	case recent && named:
		r.s.m.update(func(i *Info) { i.LastCaller = r.caller })
	case recent:
	case named:
		r.hangUp(ctx)
	case r.ringing == nil:
		r.ringing = time.After(callerWait)
	}
}

// hangUp ends a call and reports it.                                                                              [27.007 6.5]
func (r *receiver) hangUp(ctx context.Context) {
	now, caller := time.Now(), r.caller
	r.ringing, r.caller, r.hungUp = nil, "", now
	for _, command := range []string{"AT+CHUP", "ATH"} {
		if taken, err := r.s.tell(ctx, command); taken || err != nil {
			break
		}
	}
	r.s.m.update(func(i *Info) {
		i.Calls++
		i.LastCaller, i.LastCallAt = caller, now
	})
	r.s.log.Info("a call was hung up", "caller", masked(caller))
}

// masked leaves so much of a number that who knows it knows it again.
func masked(number string) string {
	if len(number) < 5 {
		return "withheld"
	}
	return "…" + number[len(number)-2:]
}
