package esme

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"gsmgate/smppd/smpp"
)

// deliver is a request of the SMSC that waits for OnDeliver.
type deliver struct {
	message  *smpp.DeliverSM
	response smpp.PDU
	sequence uint32
}

// read takes in PDUs until the connection ends.
func (s *Session) read() error {
	for {
		frame, err := s.reader.ReadFrame()
		if err != nil {
			return s.readFailed(err)
		}
		s.heard.Store(s.stall.Clock().UnixNano())
		h, p, err := smpp.Parse(frame)
		if err != nil && !h.ID.IsResponse() {
			s.answerError(err)
			continue
		}
		if err := s.handle(h, p, err); err != nil {
			return err
		}
	}
}

// readFailed tells the peer when it was the framing that failed. What is read
// after that would have no meaning.
func (s *Session) readFailed(err error) error {
	cause := fmt.Errorf("esme: reading: %w", err)
	if _, ok := errors.AsType[*smpp.Error](err); ok {
		s.answerError(err)
		s.flush(cause)
	}
	return cause
}

// flush waits until all that was put is written and the session has ended with
// cause, or with an error of the connection.
func (s *Session) flush(cause error) {
	s.out.Finish(cause)
	<-s.ended
}

func (s *Session) answerError(err error) {
	if e, ok := errors.AsType[*smpp.Error](err); ok {
		if p, status, sequence := e.Answer(); p != nil {
			_ = s.out.Put(status, sequence, p)
		}
	}
}

// handle takes in one PDU. broken is what is wrong with a response: p is nil
// then, but whose response it is stands in the header.
func (s *Session) handle(h smpp.Header, p smpp.PDU, broken error) error {
	switch p := p.(type) {
	case *smpp.DeliverSM:
		s.queue(deliver{p, &smpp.DeliverSMResp{}, h.Sequence})
	case *smpp.DataSM:
		s.queue(deliver{asDeliver(p), &smpp.DataSMResp{}, h.Sequence})
	case *smpp.EnquireLink:
		_ = s.out.Put(smpp.StatusOK, h.Sequence, &smpp.EnquireLinkResp{})
	case *smpp.Unbind:
		_ = s.out.Put(smpp.StatusOK, h.Sequence, &smpp.UnbindResp{})
		s.flush(ErrUnboundPeer)
		return ErrUnboundPeer
	case *smpp.UnbindResp:
		if s.unbinding.Load() {
			return ErrClosed
		}
	case *smpp.EnquireLinkResp, *smpp.AlertNotification, *smpp.Outbind:
	default:
		if h.ID.IsResponse() {
			s.settle(h, p, broken)
		} else if resp := smpp.ResponseTo(h.ID); resp != nil {
			_ = s.out.Put(smpp.StatusInvBndSts, h.Sequence, resp)
		}
	}
	return nil
}

// asDeliver gives a data_sm the form of deliver_sm; its text stays in
// message_payload.
func asDeliver(p *smpp.DataSM) *smpp.DeliverSM {
	return &smpp.DeliverSM{ServiceType: p.ServiceType, Source: p.Source, Dest: p.Dest, ESMClass: p.ESMClass,
		RegisteredDelivery: p.RegisteredDelivery, DataCoding: p.DataCoding, TLVs: p.TLVs}
}

// settle ends the submit that a response is for. One that nothing waits for is
// late or made up.
func (s *Session) settle(h smpp.Header, p smpp.PDU, broken error) {
	w, ok := s.window.Take(h.Sequence)
	if !ok {
		return
	}
	id := ""
	switch p := p.(type) {
	case *smpp.SubmitSMResp:
		id = p.MessageID
	case *smpp.DataSMResp:
		id = p.MessageID
	}
	switch {
	case h.Status != smpp.StatusOK:
		s.finish(w, id, h.Status, &StatusError{Response: h.ID, Status: h.Status})
	case broken != nil:
		// Accepted, but under which id nobody knows.
		s.finish(w, "", h.Status, fmt.Errorf("%w: %w", ErrUnknownOutcome, broken))
	default:
		s.finish(w, id, h.Status, nil)
	}
}

// queue waits when the workers are busy; meanwhile nothing more is read.
func (s *Session) queue(d deliver) {
	if s.conf.Take != nil {
		s.take(d)
		return
	}
	put(s, s.delivers, d)
}

// take hands a message to Take when there is room for one more without an answer.
func (s *Session) take(d deliver) {
	if !put(s, s.taken, struct{}{}) {
		return
	}
	var once sync.Once
	s.conf.Take(d.message, func(status smpp.CommandStatus) {
		once.Do(func() {
			<-s.taken
			_ = s.out.Put(status, d.sequence, d.response)
		})
	})
}

// put has the reader wait for room in a channel; false at the end of the session.
func put[T any](s *Session, to chan<- T, what T) bool {
	select {
	case to <- what:
		return true
	default:
	}
	s.stall.Begin()
	defer s.stall.End()
	select {
	case to <- what:
		return true
	case <-s.ended:
		return false
	}
}

// work answers what OnDeliver has taken in.
func (s *Session) work() {
	for {
		select {
		case d := <-s.delivers:
			status := smpp.StatusXTAppn
			if s.conf.OnDeliver != nil {
				status = s.conf.OnDeliver(d.message)
			}
			_ = s.out.Put(status, d.sequence, d.response)
		case <-s.ended:
			return
		}
	}
}

// keep looks after the timers. [SMPP34 7.2]
func (s *Session) keep() {
	ticker := time.NewTicker(s.tick())
	defer ticker.Stop()
	var asked time.Time // when enquire_link went out; zero: it is not due
	for {
		select {
		case <-s.ended:
			return
		case <-ticker.C:
			now := s.stall.Clock()
			for _, w := range s.window.Expire(now.Add(-s.conf.ResponseTimeout)) {
				s.finish(w, "", 0, fmt.Errorf("%w: %w", ErrUnknownOutcome, ErrNoResponse))
			}
			asked = s.enquire(now, asked)
		}
	}
}

// enquire sends enquire_link after a silence, and ends the session when the
// silence goes on. Whatever comes in is an answer.
func (s *Session) enquire(now, asked time.Time) time.Time {
	heard := time.Unix(0, s.heard.Load())
	switch {
	case s.conf.EnquireLink < 0 || now.Sub(heard) < s.conf.EnquireLink:
		return time.Time{}
	case asked.IsZero() || heard.After(asked):
		_ = s.out.Put(smpp.StatusOK, s.window.Sequence(), &smpp.EnquireLink{})
		return now
	case now.Sub(asked) >= s.conf.ResponseTimeout:
		s.end(ErrSilent)
	}
	return asked
}

// tick is fine enough for the shorter of the two timers.
func (s *Session) tick() time.Duration {
	d := s.conf.ResponseTimeout
	if s.conf.EnquireLink > 0 {
		d = min(d, s.conf.EnquireLink)
	}
	return max(d/8, time.Millisecond)
}
