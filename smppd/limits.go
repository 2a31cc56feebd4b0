package smppd

import (
	"cmp"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"gsmgate/smppd/smpp"
)

// Limits bound one session. Zero fields are the server's, see Config.
type Limits struct {
	Window        int           // requests of the ESME that are not answered
	DeliverWindow int           // deliver_sm that are not answered
	Rate          *rate.Limiter // messages a second, beyond it ESME_RTHROTTLED; all sessions of a user share one; nil: no limit
}

// SetLimits bounds the session from now on, anew with each call. A smaller window takes effect as
// answers go out.
func (s *Session) SetLimits(l Limits) {
	s.limiter.Store(l.Rate)
	s.window.resize(cmp.Or(l.Window, s.srv.cfg.Window))
	s.delivers.resize(cmp.Or(l.DeliverWindow, s.srv.cfg.DeliverWindow))
}

// throttled says whether so many messages are more than the session may send now. A
// submit_multi with more destinations than a full bucket has tokens passes when the bucket is
// full, and takes the others from what comes later: it is no way round the rate.
func (s *Session) throttled(messages int) bool {
	l := s.limiter.Load()
	if l == nil || messages == 0 {
		return false
	}
	now, most := time.Now(), max(1, l.Burst())
	if !l.AllowN(now, min(messages, most)) {
		return true
	}
	for owed := messages - most; owed > 0; owed -= most {
		l.ReserveN(now, min(owed, most))
	}
	return false
}

// messagesOf is how many messages a request submits.
func messagesOf(req smpp.PDU) int {
	switch p := req.(type) {
	case *smpp.DataSM:
		return 1
	case *smpp.SubmitMulti:
		return len(p.Dests)
	}
	return 0
}

// repeatSlots is the size of repeats: a window of consecutive sequence_numbers up to this size is
// watched whole, of others a part.
const repeatSlots = 256

// repeats finds a sequence_number that is used while it is outstanding. It never finds one that
// is not; it may miss some, in exchange for no lock and a fixed size. The reader adds, who answers
// removes. [SMPP34 5.1.4]
type repeats struct {
	slots *[repeatSlots]atomic.Uint32 // made with the first request: many sessions never send one
}

// add notes a request that waits for its answer, and says whether its number did already.
func (r *repeats) add(sequence uint32) (repeated bool) {
	if r.slots == nil {
		r.slots = new([repeatSlots]atomic.Uint32)
	}
	slot := &r.slots[sequence%repeatSlots]
	if sequence != 0 && slot.Load() == sequence {
		return true
	}
	slot.Store(sequence)
	return false
}

// remove notes the answer to a request that was added.
func (r *repeats) remove(sequence uint32) {
	r.slots[sequence%repeatSlots].CompareAndSwap(sequence, 0)
}
