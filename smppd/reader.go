package smppd

import (
	"context"
	"errors"
	"io"
	"os"

	"gsmgate/smppd/smpp"
)

// An ending is how the reader came to its end.
type ending struct {
	why     endError
	orderly bool        // answer what is outstanding before closing
	last    *lastAnswer // and then send this
}

// lastAnswer is the response that ends a session: unbind_resp, or a generic_nack.
type lastAnswer struct {
	status   smpp.CommandStatus
	sequence uint32
	pdu      smpp.PDU
}

// readLoop reads and handles PDUs until the session ends, and says why it did.
func (s *Session) readLoop(ctx context.Context) (end ending) {
	defer func() {
		if r := recover(); r != nil {
			s.panicked(r)
			end = ending{why: endError{"internal failure", nil}}
		}
	}()
	in := inbound{s: s}
	r := smpp.NewReader(&in, s.srv.cfg.MaxPDU)
	for {
		in.begun = r.Buffered() > 0
		frame, err := r.ReadFrame()
		in.whole()
		if err != nil {
			return s.readEnding(err)
		}
		now := s.now()
		s.lastRead.Store(now)
		s.trace.put(now, true, frame)
		if !s.awaitRoom() {
			return ending{why: endError{reason: "stopped"}, orderly: true}
		}
		if end, over := s.handle(ctx, frame); over {
			return end
		}
	}
}

// inbound is what the reader reads from. It knows when a PDU has begun and is not whole.
type inbound struct {
	s     *Session
	begun bool // octets of the next PDU have come
}

// Read reads from the connection, and notes when that is for the rest of a PDU.
func (in *inbound) Read(b []byte) (int, error) {
	s := in.s
	if in.begun {
		s.partial.CompareAndSwap(0, max(s.now(), 1))
	}
	n, err := s.conn.Read(b)
	in.begun = in.begun || n > 0
	s.counts.octetsIn.Add(uint64(n))
	return n, err
}

func (in *inbound) whole() {
	if in.s.partial.Load() != 0 {
		in.s.partial.Store(0)
	}
}

// readEnding says what an error of reading means for the session.
func (s *Session) readEnding(err error) ending {
	var bad *smpp.Error
	switch {
	case errors.As(err, &bad): // where the next PDU begins is not known any more [SMPP34 4.3]
		s.fault(FaultMalformed, bad)
		s.counts.refused.Add(1)
		if bad.HeaderOK {
			s.traceHeader(bad.Header)
		}
		s.noteError(bad.Header.ID, bad.Status, bad)
		pdu, status, sequence := bad.Answer()
		return ending{endError{"PDU of a wrong length", err}, true, &lastAnswer{status, sequence, pdu}}
	case errors.Is(err, io.EOF):
		return ending{why: endError{reason: "closed by the ESME"}, orderly: true}
	case errors.Is(err, io.ErrUnexpectedEOF):
		return ending{why: endError{reason: "closed by the ESME in the midst of a PDU"}, orderly: true}
	case errors.Is(err, os.ErrDeadlineExceeded) && s.binding.Load() == nil:
		return ending{why: endError{reason: "no bind within the session-init timer"}, orderly: true} // [SMPP34 7.2]
	case errors.Is(err, os.ErrDeadlineExceeded):
		return ending{why: endError{reason: "no unbind_resp"}, orderly: true}
	}
	return ending{why: endError{"connection lost", err}}
}

// finish ends what the reader has left: the requests taken in are answered, the last PDU is
// written, and the session is dead.
func (s *Session) finish(end ending) {
	if end.orderly {
		s.ending.CompareAndSwap(nil, &end.why)
		s.paused.Store(true) // no timer speaks for the ESME any more
		s.drain()
		if a := end.last; a != nil {
			_ = s.out.put(a.status, a.sequence, a.pdu) // nobody to tell: the session is over
		}
	} else {
		s.kill(end.why)
	}
	s.out.finish()
	<-s.writerDone
	s.die()
}

// drain waits until every request that was taken in is answered, for the length of the response
// timer at most.
func (s *Session) drain() {
	deadline, stop := context.WithTimeout(context.Background(), s.srv.cfg.Response)
	defer stop()
	select {
	case <-s.window.emptied():
	case <-s.dead:
	case <-deadline.Done():
		_, left := s.window.count()
		s.log.Warn("session ends with requests unanswered", "count", left)
	}
}

// awaitRoom waits until the ESME has read so much of what it was sent that its next request may
// be handled. It is false when the session is to end.
func (s *Session) awaitRoom() bool {
	for s.out.full() {
		if !s.await(s.out.room) {
			return false
		}
	}
	return true
}

// await waits for c, as a silence that is not the ESME's.
func (s *Session) await(c <-chan struct{}) bool {
	s.pause()
	defer s.resume()
	select {
	case <-c:
		return true
	case <-s.stopRead:
	case <-s.dead:
	}
	return false
}

// pause and resume frame a time in which the reader waits for this side: the silence is not the
// ESME's, and no timer counts it.
func (s *Session) pause() {
	s.stall.Begin()
	s.paused.Store(true)
}

func (s *Session) resume() {
	s.lastRead.Store(s.now())
	s.paused.Store(false)
	s.stall.End()
}
