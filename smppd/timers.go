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
	if s.binding.Load() == nil {
		return noTimer
	}
	now := s.now()
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
	next := s.checkEnquire(now, silence)
	if limit := s.srv.cfg.Inactivity; limit > 0 {
		next = min(next, limit-silence)
	}
	return next
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
	s.enquired = now
	_ = s.out.put(smpp.StatusOK, s.requests.enquire(), &smpp.EnquireLink{}) // an error: the session is over
	return min(cfg.Response, cfg.EnquireLink)                               // answered by then, the next one may be due
}
