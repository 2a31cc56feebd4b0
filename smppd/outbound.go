package smppd

import (
	"sync"
	"time"

	"gsmgate/smppd/smpp"
)

const (
	// outboundHigh is how many octets may wait to be written before the session reads no further
	// requests. Responses to what was read and the deliver window come on top: both are bounded.
	outboundHigh = 32 << 10
	// outboundKeep is the greatest buffer that an idle session keeps.
	outboundKeep = 4 << 10
)

// outbound gathers the PDUs of a session until its writer takes them, many at a time.
type outbound struct {
	mu       sync.Mutex
	buf      []byte // under mu
	opened   bool   // under mu: bind_resp was put, requests may follow it
	finished bool   // under mu; nothing more is taken in, the writer writes the rest and ends

	wake chan struct{} // one slot: there is something to write
	room chan struct{} // one slot: the buffer was taken
}

func newOutbound() outbound {
	return outbound{wake: make(chan struct{}, 1), room: make(chan struct{}, 1)}
}

// put appends one PDU. It does no I/O. After finish it does nothing and returns errFinished; any
// other error is an *smpp.Error of a PDU that cannot be encoded.
func (o *outbound) put(status smpp.CommandStatus, sequence uint32, p smpp.PDU) error {
	wasEmpty, err := o.add(status, sequence, p)
	if wasEmpty && err == nil {
		signal(o.wake)
	}
	return err
}

func (o *outbound) add(status smpp.CommandStatus, sequence uint32, p smpp.PDU) (wasEmpty bool, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.finished {
		return false, errFinished
	}
	wasEmpty = len(o.buf) == 0
	o.buf, err = smpp.Append(o.buf, status, sequence, p)
	return wasEmpty, err
}

// open appends the bind_resp, unless the session was refused before. What comes to the ESME after it
// sees isOpen: the two change together, so that nobody ends the session as one that has not bound
// when the ESME reads already that it has.
func (o *outbound) open(sequence uint32, resp *smpp.BindResp) (err error) {
	o.mu.Lock()
	defer signal(o.wake)
	defer o.mu.Unlock()
	if o.finished {
		return errFinished
	}
	o.buf, err = smpp.Append(o.buf, smpp.StatusOK, sequence, resp)
	o.opened = err == nil
	return err
}

// isOpen reports whether bind_resp is put: requests may follow it.
func (o *outbound) isOpen() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.opened
}

// refuse is false after open; else open fails from now on.
func (o *outbound) refuse() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.finished = o.finished || !o.opened
	return !o.opened
}

// finish lets the writer end when it has written what is there.
func (o *outbound) finish() {
	o.mu.Lock()
	o.finished = true
	o.mu.Unlock()
	signal(o.wake)
}

// take swaps what has gathered for the empty buffer spare.
func (o *outbound) take(spare []byte) (buf []byte, finished bool) {
	o.mu.Lock()
	buf, finished = o.buf, o.finished
	o.buf = spare[:0]
	o.mu.Unlock()
	signal(o.room)
	return buf, finished
}

// shrink gives back a large buffer that is empty.
func (o *outbound) shrink() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.buf) == 0 && cap(o.buf) > outboundKeep {
		o.buf = nil
	}
}

// full reports whether so much waits that no further request should be read.
func (o *outbound) full() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.buf) >= outboundHigh
}

// signal puts a token into a channel of one slot; one that is there already will do.
func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// writeLoop writes what gathers in s.out and watches the session's timers, until the end of the
// session or of what it has to write.
func (s *Session) writeLoop() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	written := make(chan struct{})
	close(written)
	var buf []byte
	for {
		var finished bool
		buf, finished = s.out.take(reusable(buf))
		wake := s.out.wake
		switch {
		case len(buf) > 0:
			if err := s.write(buf); err != nil {
				s.kill(endError{"write failed", err})
				return
			}
			wake = written // more may wait already: only look at what else there is to do
		case finished:
			return
		}
		select {
		case <-wake:
		case <-s.retime:
			timer.Reset(s.checkTimers())
		case <-timer.C:
			timer.Reset(s.checkTimers())
			buf = nil // a session that is idle for a timer's length keeps no large buffers
			s.out.shrink()
		case <-s.dead:
			return
		}
	}
}

// reusable is a written buffer to gather in again, unless it is a large one of a busy moment.
func reusable(buf []byte) []byte {
	if cap(buf) > 4*outboundHigh {
		return nil
	}
	return buf[:0]
}

// write writes buf whole, within the response timer, or closeTime when the session is ending.
func (s *Session) write(buf []byte) error {
	limit := s.srv.cfg.Response
	if s.closeBy.Load() != 0 {
		limit = s.closeLimit()
	}
	if err := s.conn.SetWriteDeadline(time.Now().Add(limit)); err != nil {
		return err
	}
	s.trace.putAll(s.now(), buf)
	n, err := s.conn.Write(buf)
	s.counts.octetsOut.Add(uint64(n))
	return err
}
