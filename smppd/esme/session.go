package esme

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"gsmgate/smppd/smpp"
)

// Done takes in the end of a submit: the message_id, or the status of the SMSC
// with a *StatusError, or ErrNotSent or ErrUnknownOutcome with its cause. It
// runs on the goroutine that reads the connection, so it must not wait.
type Done func(messageID string, status smpp.CommandStatus, err error)

// waiter is a submit in flight.
type waiter struct {
	done  Done
	since time.Time
	batch uint64 // of the outbox
}

// Session is a bound connection. Its methods may be called by any goroutine.
type Session struct {
	conf   Config
	conn   net.Conn
	reader *smpp.Reader // touched by Dial, then by the reading goroutine only
	out    *smpp.Outbox
	window *smpp.Window[waiter]
	slots  chan struct{} // one element for each submit in flight

	peerVersion uint8
	stall       smpp.Stall   // of the reader; timers go by its clock
	heard       atomic.Int64 // when the last PDU came in, Unix nanoseconds
	delivers    chan deliver
	taken       chan struct{} // one element for each message that Take has not answered
	unbinding   atomic.Bool   // unbind was put

	closing   chan struct{} // closed by Close
	closeOnce sync.Once

	ending sync.Once
	ended  chan struct{}
	cause  error // set before ended is closed
	wg     sync.WaitGroup
}

// Dial connects and binds. ctx bounds both, and nothing after. A refusal of the
// SMSC is a *StatusError.
func Dial(ctx context.Context, conf Config) (*Session, error) {
	conf = conf.withDefaults()
	ctx, cancel := context.WithTimeout(ctx, conf.ResponseTimeout)
	defer cancel()
	conn, err := conf.dial(ctx)
	if err != nil {
		return nil, fmt.Errorf("esme: connecting to %s: %w", conf.Address, err)
	}
	s := newSession(conf, conn)
	// The deadline of ctx is not enough: it may also be cancelled.
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Now()) })
	err = s.bind()
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		_ = conn.Close()
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return nil, fmt.Errorf("esme: binding to %s: %w", conf.Address, err)
	}
	s.start()
	return s, nil
}

func newSession(conf Config, conn net.Conn) *Session {
	window := smpp.NewWindow[waiter](conf.Window)
	return &Session{
		conf: conf, conn: conn,
		reader:   smpp.NewReader(conn, conf.MaxPDU),
		out:      smpp.NewOutbox(conf.ResponseTimeout),
		window:   window,
		slots:    make(chan struct{}, conf.Window),
		delivers: make(chan deliver, conf.DeliverWorkers),
		taken:    make(chan struct{}, conf.TakeWindow),
		closing:  make(chan struct{}),
		ended:    make(chan struct{}),
	}
}

// bind sends the bind and waits for its response. What else the SMSC sends
// before that stays without an answer: it has to come again.
func (s *Session) bind() error {
	sequence := s.window.Sequence()
	frame, err := smpp.Append(nil, smpp.StatusOK, sequence, s.conf.bindPDU())
	if err != nil {
		return err
	}
	if _, err := s.conn.Write(frame); err != nil {
		return err
	}
	for {
		frame, err := s.reader.ReadFrame()
		if err != nil {
			return err
		}
		h, p, err := smpp.Parse(frame)
		if h.Sequence != sequence || h.ID != s.conf.BindType.Response() && h.ID != smpp.IDGenericNack {
			continue
		}
		if h.Status != smpp.StatusOK {
			return &StatusError{Response: h.ID, Status: h.Status}
		}
		if err != nil {
			return err
		}
		resp, ok := p.(*smpp.BindResp)
		if !ok {
			return errors.New("generic_nack with ESME_ROK")
		}
		s.peerVersion, _ = resp.TLVs.Uint8(smpp.TagSCInterfaceVersion)
		return nil
	}
}

func (s *Session) start() {
	s.heard.Store(s.stall.Clock().UnixNano())
	s.wg.Go(func() { s.end(s.read()) })
	s.wg.Go(func() {
		if err := s.out.Run(s.conn, s.ended); err != nil {
			s.end(err)
		}
	})
	s.wg.Go(s.keep)
	for range s.conf.DeliverWorkers {
		s.wg.Go(s.work)
	}
}

// end ends the session, once, and every submit in flight with it.
func (s *Session) end(cause error) {
	s.ending.Do(func() {
		unwritten := s.out.Close(cause)
		s.cause = cause
		close(s.ended)
		_ = s.conn.Close()
		for _, w := range s.window.Close() {
			outcome := ErrUnknownOutcome
			if w.batch >= unwritten {
				outcome = ErrNotSent
			}
			s.finish(w, "", 0, fmt.Errorf("%w: %w", outcome, cause))
		}
	})
}

func (s *Session) finish(w waiter, id string, status smpp.CommandStatus, err error) {
	<-s.slots
	w.done(id, status, err)
}

// PeerVersion returns sc_interface_version as the SMSC gave it, 0 when it gave
// none: then it may be of version 3.3, and take no TLVs. [SMPP34 5.3.2.25]
func (s *Session) PeerVersion() uint8 { return s.peerVersion }

// Ended is closed when the session has ended, for whatever cause.
func (s *Session) Ended() <-chan struct{} { return s.ended }

// Err returns why the session has ended, nil while it lasts.
func (s *Session) Err() error {
	select {
	case <-s.ended:
		return s.cause
	default:
		return nil
	}
}

// InFlight returns how many submits wait for their response.
func (s *Session) InFlight() int { return s.window.Len() }

// SubmitAsync hands over a submit_sm and returns; done hears of its end. It
// waits while the window is full. An error means that done is not called and
// nothing was sent: an *smpp.Error of a field, or ErrNotSent with the cause.
func (s *Session) SubmitAsync(ctx context.Context, sm *smpp.SubmitSM, done Done) error {
	return s.request(ctx, sm, done)
}

// DataAsync does the same with a data_sm.
func (s *Session) DataAsync(ctx context.Context, sm *smpp.DataSM, done Done) error {
	return s.request(ctx, sm, done)
}

func (s *Session) request(ctx context.Context, p smpp.PDU, done Done) error {
	if err := s.slot(ctx); err != nil {
		return fmt.Errorf("%w: %w", ErrNotSent, err)
	}
	err := s.put(p, waiter{done: done, since: s.stall.Clock()})
	if err == nil {
		return nil
	}
	<-s.slots
	if _, ok := errors.AsType[*smpp.Error](err); ok {
		return err
	}
	return fmt.Errorf("%w: %w", ErrNotSent, err)
}

// put gives the submit a sequence and its place in the window, and hands it to
// the writer. After an error it has none of these.
func (s *Session) put(p smpp.PDU, w waiter) error {
	return s.out.Add(func(dst []byte, batch uint64) ([]byte, error) {
		w.batch = batch
		sequence, err := s.window.Add(w.since, w)
		if err != nil {
			return dst, err
		}
		if dst, err = smpp.Append(dst, smpp.StatusOK, sequence, p); err != nil {
			s.window.Take(sequence)
		}
		return dst, err
	})
}

// slot waits for room in the window.
func (s *Session) slot(ctx context.Context) error {
	select {
	case <-s.ended:
		return s.cause
	case <-s.closing:
		return ErrClosed
	default:
	}
	select {
	case s.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-s.closing:
		return ErrClosed
	case <-s.ended:
		return s.cause
	}
}

// Submit sends a submit_sm and waits for its response; it returns the
// message_id. When ctx ends before that, the outcome is unknown.
func (s *Session) Submit(ctx context.Context, sm *smpp.SubmitSM) (messageID string, err error) {
	type result struct {
		id  string
		err error
	}
	answer := make(chan result, 1)
	err = s.SubmitAsync(ctx, sm, func(id string, _ smpp.CommandStatus, err error) { answer <- result{id, err} })
	if err != nil {
		return "", err
	}
	select {
	case r := <-answer:
		return r.id, r.err
	case <-ctx.Done():
		return "", fmt.Errorf("%w: %w", ErrUnknownOutcome, ctx.Err())
	}
}

// Close waits for the submits in flight, unbinds, and returns when all
// goroutines of the session are gone. When ctx ends first it is cut short: what
// was in flight ends with ErrUnknownOutcome. Submits from now on fail.
func (s *Session) Close(ctx context.Context) error {
	var err error
	s.closeOnce.Do(func() {
		close(s.closing)
		err = s.unbind(ctx)
		s.end(ErrClosed)
	})
	s.wg.Wait()
	return err
}

// unbind takes all slots, which is to wait for the submits in flight and to let
// no other begin.
func (s *Session) unbind(ctx context.Context) error {
	for range cap(s.slots) {
		select {
		case s.slots <- struct{}{}:
			defer func() { <-s.slots }()
		case <-ctx.Done():
			return ctx.Err()
		case <-s.ended:
			return nil
		}
	}
	s.unbinding.Store(true)
	if s.out.Put(smpp.StatusOK, s.window.Sequence(), &smpp.Unbind{}) != nil {
		return nil // it has ended meanwhile
	}
	select {
	case <-s.ended: // by unbind_resp
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(s.conf.ResponseTimeout):
		return ErrNoResponse
	}
}
