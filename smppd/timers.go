package smppd

import (
	"time"

	"gsmgate/smppd/smpp"
)

// noTimer is when a session without a running timer looks again; a signal on retime comes first.
const noTimer = time.Hour

// checkTimers does what is due and returns the time to the next check. No PDU sets a timer: the
// reader only notes the time. The session-init timer is not here, it is the read deadline of
// the connection until it has bound. Only the writer calls it. [SMPP34 7.2]
func (s *Session) checkTimers() time.Duration {
	now := s.now()
	if s.binding.Load() == nil {
		return s.checkPDU(now)
	}
	if by := s.closeBy.Load(); by != 0 {
		return s.checkClose(by - now)
	}
	if s.paused.Load() {
		return min(s.srv.cfg.Response, time.Second)
	}
	silence := time.Duration(now - s.lastRead.Load())
	if limit := s.srv.cfg.Inactivity; limit > 0 && silence >= limit {
		s.kill(endError{reason: "inactivity timer"})
		return noTimer
	}
	next := min(s.checkEnquire(now, silence), s.checkPDU(now))
	if limit := s.srv.cfg.Inactivity; limit > 0 {
		next = min(next, limit-silence)
	}
	return next
}

// checkPDU ends a session whose ESME does not send the rest of a PDU, whatever other timers say: a
// peer of one octet a minute must not hold memory for ever. The specification has no such timer.
func (s *Session) checkPDU(now int64) time.Duration {
	limit, began := s.srv.cfg.PDURead, s.partial.Load()
	switch {
	case limit < 0:
		return noTimer
	case began == 0:
		return limit // one that begins after this is seen then, and has its time left
	case time.Duration(now-began) < limit:
		return limit - time.Duration(now-began)
	}
	if s.ending.CompareAndSwap(nil, &endError{reason: "a PDU did not come in whole in time"}) {
		s.noteEnd("a PDU did not come in whole in time")
		s.fault(FaultMalformed, &smpp.Error{Status: smpp.StatusInvCmdLen, Reason: "did not come in whole in time"})
		s.interrupt()
	}
	return noTimer
}

// checkClose stops the reader when an orderly end takes too long.
func (s *Session) checkClose(left int64) time.Duration {
	if left > 0 {
		return time.Duration(left)
	}
	s.interrupt()
	return noTimer
}

// checkEnquire asks a silent ESME for a sign of life, and drops one that gave none. Any PDU is a
// sign: an ESME that works but leaves enquire_link unanswered is not cut off. [SMPP34 7.2]
func (s *Session) checkEnquire(now int64, silence time.Duration) time.Duration {
	cfg := &s.srv.cfg
	if s.enquired != 0 && now-int64(silence) >= s.enquired {
		s.enquired = 0
	}
	if s.enquired != 0 {
		left := cfg.Response - time.Duration(now-s.enquired)
		if left <= 0 {
			s.fault(FaultEnquireIgnored, nil)
			s.kill(endError{reason: "enquire_link was not answered"})
		}
		return max(min(left, cfg.EnquireLink), time.Millisecond)
	}
	if cfg.EnquireLink < 0 {
		return noTimer
	}
	if silence < cfg.EnquireLink {
		return cfg.EnquireLink - silence
	}
	s.enquire(now)
	return min(cfg.Response, cfg.EnquireLink) // answered by then, the next one may be due
}

// enquire sends enquire_link, and tells what had to come before.
func (s *Session) enquire(now int64) {
	sequence, answered := s.requests.enquire()
	if !answered && now-s.enquiry >= int64(s.srv.cfg.Response) {
		s.fault(FaultEnquireIgnored, nil) // another PDU was the sign of life
	}
	s.fault(FaultNoEnquireLink, nil)
	s.enquired, s.enquiry = now, now
	_ = s.out.put(smpp.StatusOK, sequence, &smpp.EnquireLink{}) // an error: the session is over
}
