package smppd

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"gsmgate/smppd/smpp"
)

var (
	// ErrNotSent is wrapped by errors of Deliver and Alert for what has certainly not gone out.
	ErrNotSent = errors.New("not sent")
	// ErrNoResponse is wrapped by errors of Deliver for a message that went out, or may have,
	// without an answer: by [SMPP34 2.8] it is to be sent again, and may then arrive twice.
	ErrNoResponse = errors.New("deliver_sm was not answered")
	// ErrNacked is the error of Deliver for a message that was answered with generic_nack: the
	// ESME could make nothing of it. The status is that of the answer. [SMPP34 4.3]
	ErrNacked = errors.New("deliver_sm was answered with generic_nack")
)

// Deliver sends a message to the ESME and waits for deliver_sm_resp, for the length of the
// response timer at most, in which the ESME is listened to; with DeliverWindow of them unanswered it first waits for a place, as
// long as ctx lasts. It returns the status of the answer. An error is or wraps ErrNotSent,
// ErrNoResponse or ErrNacked; with an *smpp.Error inside, the message can never be sent to this
// ESME as it is. An ESME of a version before 3.4 gets no TLVs. [SMPP34 4.6, 3.4]
func (s *Session) Deliver(ctx context.Context, m *smpp.DeliverSM) (smpp.CommandStatus, error) {
	return s.DeliverUnless(ctx, nil, m)
}

// DeliverUnless is Deliver that stops to wait for a place, with ErrNotSent, when changed is
// closed. What has its place by then is not given up.
func (s *Session) DeliverUnless(ctx context.Context, changed <-chan struct{}, m *smpp.DeliverSM) (smpp.CommandStatus, error) {
	if !s.CanReceive() || !s.out.isOpen() {
		return 0, fmt.Errorf("%w: the session is not bound as a receiver", ErrNotSent)
	}
	m, err := forVersion(m, s.InterfaceVersion())
	if err != nil {
		return 0, fmt.Errorf("%w: %w", ErrNotSent, err)
	}
	if err := s.takeDeliverPlace(ctx, changed); err != nil {
		return 0, fmt.Errorf("%w: %w", ErrNotSent, err)
	}
	defer s.delivers.give()
	return s.deliver(ctx, m)
}

// takeDeliverPlace waits for a place in the deliver window. An ending session gives none, even
// if it has one.
func (s *Session) takeDeliverPlace(ctx context.Context, changed <-chan struct{}) error {
	select {
	case <-s.closing:
		return errEnding
	case <-s.dead:
		return errFinished
	default:
	}
	if s.delivers.take() {
		return nil
	}
	place := s.delivers.join()
	err := s.awaitDeliverPlace(ctx, changed, place)
	if err != nil {
		s.delivers.leave(place)
	}
	return err
}

func (s *Session) awaitDeliverPlace(ctx context.Context, changed, place <-chan struct{}) error {
	select {
	case <-place:
		return nil
	case <-changed:
		return errNoPlace
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-s.closing:
		return errEnding
	case <-s.dead:
		return errFinished
	}
}

// deliver sends m, which has a place in the window, and waits for its answer.
func (s *Session) deliver(ctx context.Context, m *smpp.DeliverSM) (smpp.CommandStatus, error) {
	sequence, answer := s.requests.deliver()
	defer s.requests.forget(sequence)
	if err := s.out.put(smpp.StatusOK, sequence, m); err != nil {
		return 0, fmt.Errorf("%w: %w", ErrNotSent, err)
	}
	s.counts.out.add(1, s.now())
	limit, began := s.srv.cfg.Response, s.stall.Clock()
	timer := time.NewTimer(limit) // [SMPP34 7.2]
	defer timer.Stop()
	for {
		select {
		case a := <-answer:
			return a.status, a.err()
		case <-timer.C:
			if left := limit - s.stall.Clock().Sub(began); left > 0 { // the answer may lie unread
				timer.Reset(max(left, limit/8)) // that clock may stand still
				continue
			}
			s.fault(FaultNoDeliverResp, nil)
			return 0, fmt.Errorf("%w within %v", ErrNoResponse, limit)
		case <-ctx.Done():
			return 0, fmt.Errorf("%w: %w", ErrNoResponse, context.Cause(ctx))
		case <-s.dead:
			return lastWord(answer)
		}
	}
}

// lastWord is an answer that came just before the end of the session.
func lastWord(came <-chan answer) (smpp.CommandStatus, error) {
	select {
	case a := <-came:
		return a.status, a.err()
	default:
		return 0, fmt.Errorf("%w: the session is over", ErrNoResponse)
	}
}

// Alert sends alert_notification, which nothing answers: an error, which wraps ErrNotSent, is all that
// is ever known. An ESME before 3.4 does not know it, nor does a transmitter; with the ESME so slow
// to read that its requests wait, it is not sent either. [SMPP34 4.12]
func (s *Session) Alert(n *smpp.AlertNotification) error {
	switch {
	case !s.CanReceive() || !s.out.isOpen():
		return fmt.Errorf("%w: the session is not bound as a receiver", errAlert)
	case s.InterfaceVersion() < smpp.Version34:
		return fmt.Errorf("%w: the ESME is of a version before 3.4", errAlert)
	case isDone(s.closing):
		return fmt.Errorf("%w: %w", errAlert, errEnding)
	case s.out.full():
		return fmt.Errorf("%w: the ESME does not read what waits for it", errAlert)
	}
	if err := s.out.put(smpp.StatusOK, s.requests.alert(), n); err != nil {
		return fmt.Errorf("%w: %w", errAlert, err)
	}
	return nil
}

var errAlert = fmt.Errorf("alert_notification was %w", ErrNotSent)

func isDone(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// forVersion returns m as an ESME of this version may get it.
func forVersion(m *smpp.DeliverSM, version uint8) (*smpp.DeliverSM, error) {
	if version >= smpp.Version34 || len(m.TLVs) == 0 {
		return m, nil
	}
	if m.TLVs.Has(smpp.TagMessagePayload) {
		return nil, &smpp.Error{Status: smpp.StatusInvMsgLen, Field: "message_payload", Reason: "not for an ESME before 3.4"}
	}
	plain := *m
	plain.TLVs = nil
	return &plain, nil
}

// requests are the requests of this side that a session has not answered.
type requests struct {
	mu           sync.Mutex
	last         uint32 // sequence_number of the newest request
	delivers     map[uint32]chan answer
	enquireAsked uint32 // sequence_number of the newest enquire_link, 0 when answered
	unbindAsked  uint32
}

// answer is what the ESME said to a deliver_sm.
type answer struct {
	status smpp.CommandStatus
	nack   bool
}

func (a answer) err() error {
	if a.nack {
		return ErrNacked
	}
	return nil
}

// next is called under mu. [SMPP34 5.1.4]
func (r *requests) next() uint32 {
	r.last = r.last%smpp.MaxSequence + 1
	return r.last
}

// deliver gives a deliver_sm its sequence_number and the channel that will hold its answer.
func (r *requests) deliver() (sequence uint32, answered <-chan answer) {
	c := make(chan answer, 1)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.delivers == nil {
		r.delivers = make(map[uint32]chan answer)
	}
	sequence = r.next()
	r.delivers[sequence] = c
	return sequence, c
}

func (r *requests) forget(sequence uint32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.delivers, sequence)
}

// enquire gives an enquire_link its sequence_number, and says whether the one before was answered.
func (r *requests) enquire() (sequence uint32, answered bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	answered = r.enquireAsked == 0
	r.enquireAsked = r.next()
	return r.enquireAsked, answered
}

func (r *requests) alert() (sequence uint32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.next()
}

func (r *requests) unbind() (sequence uint32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.unbindAsked = r.next()
	return r.unbindAsked
}

// inFlight is the number of deliver_sm without an answer.
func (r *requests) inFlight() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.delivers)
}

// settled says what a response answered.
type settled int

const (
	settledNothing settled = iota
	settledDeliver
	settledEnquire
	settledUnbind
)

// settle finds the request that h answers, and hands its status to the one who waits for it.
// generic_nack answers any. unbind_resp needs no matching sequence_number: it can mean one thing.
func (r *requests) settle(h smpp.Header) settled {
	kind, waits := r.match(h)
	if waits != nil {
		waits <- answer{h.Status, h.ID == smpp.IDGenericNack} // one slot, and match gives it to one caller only
	}
	return kind
}

func (r *requests) match(h smpp.Header) (settled, chan<- answer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	nack := h.ID == smpp.IDGenericNack
	if c, ok := r.delivers[h.Sequence]; ok && (nack || h.ID == smpp.IDDeliverSMResp) {
		delete(r.delivers, h.Sequence)
		return settledDeliver, c
	}
	switch {
	case r.unbindAsked != 0 && (h.ID == smpp.IDUnbindResp || nack && h.Sequence == r.unbindAsked):
		return settledUnbind, nil
	case r.enquireAsked != 0 && h.Sequence == r.enquireAsked && (nack || h.ID == smpp.IDEnquireLinkResp):
		r.enquireAsked = 0
		return settledEnquire, nil
	}
	return settledNothing, nil
}
