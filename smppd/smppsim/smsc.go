package smppsim

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"gsmgate/smppd/smpp"
)

// SMSCConfig says how an SMSC behaves. The zero value lets everybody bind and
// accepts and delivers everything at once.
type SMSCConfig struct {
	SystemID string            // in bind_resp; "smppsim" when ""
	Users    map[string]string // system_id to password; nil lets everybody bind
	TLS      *tls.Config       // nil: no TLS

	AnswerDelay  time.Duration // before submit_sm_resp
	ReceiptDelay time.Duration // from the answer to the receipt
	FailShare    float64       // of the messages, 0 to 1, end UNDELIVERABLE
	Window       int           // deliver_sm in flight in a session; 100 when 0
	QueueSize    int           // receipts and messages that wait, for each user; 65536 when 0

	// OnSubmit sees every submit_sm and data_sm (in the form of a submit_sm) and
	// says how it is answered; nil accepts all. Sessions call it at the same time.
	OnSubmit func(systemID string, sm *smpp.SubmitSM) smpp.CommandStatus

	// MessageID names the n-th message, from 1; nil: n in hexadecimal.
	MessageID func(n uint64) string

	// OnBind says how a bind is answered that Users would let in; nil: ESME_ROK.
	OnBind func(*smpp.Bind) smpp.CommandStatus
	// Faults are those that it begins with; SetFaults changes them.
	Faults []Fault
	// OnReceipt says what is sent in place of a receipt: nothing, another one, or
	// several. nil leaves it as it is.
	OnReceipt func(n uint64, id string, receipt *smpp.DeliverSM) []*smpp.DeliverSM
}

// Counts is what an SMSC has seen.
type Counts struct {
	Sessions  int64 // bound now
	Submits   int64 // accepted
	Refused   int64 // by OnSubmit, or for want of room
	Delivered int64 // deliver_sm that the ESME answered with ESME_ROK
	Lost      int64 // receipts for which a user's queue had no room
}

// SMSC is a simulated SMSC. Its methods may be called by any goroutine.
type SMSC struct {
	conf     SMSCConfig
	answers  *delayLine
	receipts *delayLine
	later    *agenda
	faults   faults

	number                                        atomic.Uint64
	submits, refused, delivered, lost, boundCount atomic.Int64

	mu       sync.Mutex
	queues   map[string]chan *delivery // by system_id
	sessions map[*smscSession]struct{}
}

// delivery is a message or receipt on its way to a user.
type delivery struct {
	pdu  *smpp.DeliverSM
	done func(smpp.CommandStatus) // nil for receipts
}

// NewSMSC returns an SMSC that Serve runs.
func NewSMSC(conf SMSCConfig) *SMSC {
	if conf.SystemID == "" {
		conf.SystemID = "smppsim"
	}
	if conf.Window <= 0 {
		conf.Window = 100
	}
	if conf.QueueSize <= 0 {
		conf.QueueSize = 1 << 16
	}
	if conf.MessageID == nil {
		conf.MessageID = func(n uint64) string { return fmt.Sprintf("%08x", n) }
	}
	s := &SMSC{
		conf:     conf,
		answers:  newDelayLine(conf.AnswerDelay, conf.QueueSize),
		receipts: newDelayLine(conf.ReceiptDelay, conf.QueueSize),
		later:    newAgenda(conf.QueueSize),
		queues:   map[string]chan *delivery{},
		sessions: map[*smscSession]struct{}{},
	}
	s.faults.set(conf.Faults)
	return s
}

// SetFaults replaces all faults, from the next bind and the next message on; none
// ends them all. What they have counted begins anew.
func (s *SMSC) SetFaults(all ...Fault) { s.faults.set(all) }

// Serve accepts sessions on l until ctx ends; it returns nil then, with l and
// all sessions closed and all goroutines gone. It is to be called once.
func (s *SMSC) Serve(ctx context.Context, l net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if s.conf.TLS != nil {
		l = tls.NewListener(l, s.conf.TLS)
	}
	defer context.AfterFunc(ctx, func() { _ = l.Close() })()
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	wg.Go(func() { s.answers.run(ctx) })
	wg.Go(func() { s.receipts.run(ctx) })
	wg.Go(func() { s.later.run(ctx) })
	for {
		conn, err := l.Accept()
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			_ = l.Close()
			return fmt.Errorf("smppsim: accepting: %w", err)
		}
		wg.Go(func() { s.serve(ctx, conn) })
	}
}

// Counts returns what was seen so far.
func (s *SMSC) Counts() Counts {
	return Counts{Sessions: s.boundCount.Load(), Submits: s.submits.Load(), Refused: s.refused.Load(),
		Delivered: s.delivered.Load(), Lost: s.lost.Load()}
}

// ErrQueueFull is the error of Deliver when too much waits for a user.
var ErrQueueFull = errors.New("smppsim: the queue of the user is full")

// Deliver sends a mobile-originated message to a user, on any session that can
// receive, now or when one binds. It returns the status of the answer.
func (s *SMSC) Deliver(ctx context.Context, systemID string, sm *smpp.DeliverSM) (smpp.CommandStatus, error) {
	answer := make(chan smpp.CommandStatus, 1)
	if !s.enqueue(systemID, &delivery{sm, func(status smpp.CommandStatus) { answer <- status }}) {
		return 0, ErrQueueFull
	}
	select {
	case status := <-answer:
		return status, nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// Drop cuts all connections, as a failing network does.
func (s *SMSC) Drop() {
	s.mu.Lock()
	all := make([]*smscSession, 0, len(s.sessions))
	for session := range s.sessions {
		all = append(all, session)
	}
	s.mu.Unlock()
	for _, session := range all {
		_ = session.conn.Close()
	}
}

func (s *SMSC) queue(systemID string) chan *delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.queues[systemID]
	if q == nil {
		q = make(chan *delivery, s.conf.QueueSize)
		s.queues[systemID] = q
	}
	return q
}

func (s *SMSC) enqueue(systemID string, d *delivery) bool {
	select {
	case s.queue(systemID) <- d:
		return true
	default:
		s.lost.Add(1)
		return false
	}
}

func (s *SMSC) authenticate(systemID, password string) smpp.CommandStatus {
	if s.conf.Users == nil {
		return smpp.StatusOK
	}
	if want, ok := s.conf.Users[systemID]; !ok || want != password {
		return smpp.StatusBindFail
	}
	return smpp.StatusOK
}

// finalState is the state in which the n-th message ends: FailShare of them fail.
func (s *SMSC) finalState(n uint64) smpp.MessageState {
	if uint64(float64(n)*s.conf.FailShare) > uint64(float64(n-1)*s.conf.FailShare) {
		return smpp.StateUndeliverable
	}
	return smpp.StateDelivered
}
