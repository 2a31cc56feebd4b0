package smppd

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"gsmgate/smppd/smpp"
)

// BindType says what a session may do. [SMPP34 2.2]
type BindType uint8

// The kinds of session.
const (
	TX  BindType = iota + 1 // transmitter: the ESME submits
	RX                      // receiver: the ESME gets messages
	TRX                     // transceiver: both
)

// String returns "transmitter", "receiver", "transceiver", or "unbound".
func (b BindType) String() string {
	switch b {
	case TX:
		return "transmitter"
	case RX:
		return "receiver"
	case TRX:
		return "transceiver"
	}
	return "unbound"
}

// CanTransmit reports whether the ESME may submit.
func (b BindType) CanTransmit() bool { return b == TX || b == TRX }

// CanReceive reports whether the ESME gets messages.
func (b BindType) CanReceive() bool { return b == RX || b == TRX }

func bindTypeOf(id smpp.CommandID) BindType {
	switch id {
	case smpp.IDBindTransmitter:
		return TX
	case smpp.IDBindReceiver:
		return RX
	}
	return TRX
}

const (
	// closeTime is the most that an ESME gets for its unbind_resp, so that a server with deaf
	// peers still stops soon.
	closeTime = 3 * time.Second
	// lingerTime is how long a peer may take to read the last PDUs and to close its side.
	lingerTime = time.Second
)

// A Session is one connection of an ESME. Its methods may be called by any goroutine, at any time.
type Session struct {
	srv     *Server
	id      string
	log     *slog.Logger
	conn    net.Conn // what PDUs go over: raw, or TLS over raw
	raw     net.Conn
	started time.Time // when the connection came

	limiter atomic.Pointer[rate.Limiter] // messages a second; nil: no limit
	binding atomic.Pointer[binding]      // nil until bound; set once, by the reader

	out        outbound
	writerDone chan struct{}          // closed by the writer when it ends
	unbound    func()                 // gives the place of an unbound connection back; for the reader only
	retime     chan struct{}          // one slot: the writer is to look at the timers anew
	window     places                 // one taken for each request of the ESME that is not answered
	repeats    repeats                // their sequence_numbers
	delivers   places                 // one taken for each deliver_sm that is not answered
	requests   requests               // ours, that the ESME has not answered
	bindTries  int                    // refused so far; only touched by the reader
	tried      atomic.Pointer[string] // the system_id of the last refused bind
	faults     callbacks
	lastErr    atomic.Pointer[lastError]

	lastRead atomic.Int64 // when the last PDU came in, in nanoseconds since started
	partial  atomic.Int64 // when the reader began to wait for the rest of a PDU, like lastRead; 0: it does not
	paused   atomic.Bool  // the reader waits for this side: the silence is not the ESME's
	stall    smpp.Stall   // for how long it has done so
	enquired int64        // when enquire_link was sent, 0 when a sign of life came; only touched by the writer
	enquiry  int64        // when enquire_link was sent last; only touched by the writer

	ending   atomic.Pointer[endError] // why the end was begun by this side
	closeBy  atomic.Int64             // when an orderly end must be over, like lastRead; 0 while there is none
	closing  chan struct{}            // closed when an orderly end has begun
	stopRead chan struct{}            // closed when the reader must read no more
	stopOnce sync.Once
	dead     chan struct{} // closed when the session can carry nothing any more
	deadOnce sync.Once

	trace  ring
	counts counts
}

// binding is what a bind fixed.
type binding struct {
	systemID     string
	systemType   string
	typ          BindType
	version      uint8
	addressRange string
	since        time.Time
}

// counts are totals of one session.
type counts struct {
	in, out             meter         // messages taken in, messages sent
	refused             atomic.Uint64 // requests that this package answered with an error
	unsolicited         atomic.Uint64 // responses to nothing that was asked
	octetsIn, octetsOut atomic.Uint64 // of PDUs
}

// endError is why a session ended: words for the log and, at times, their cause.
type endError struct {
	reason string
	cause  error
}

func (e endError) Error() string {
	if e.cause == nil {
		return e.reason
	}
	return e.reason + ": " + e.cause.Error()
}

func (e endError) Unwrap() error { return e.cause }

func newSession(srv *Server, id string, conn, raw net.Conn, unbound func()) *Session {
	s := &Session{
		srv: srv, id: id, conn: conn, raw: raw, unbound: unbound,
		log:        srv.log.With("session", id, "remote", addrString(raw.RemoteAddr())),
		started:    time.Now(),
		out:        newOutbound(),
		writerDone: make(chan struct{}),
		retime:     make(chan struct{}, 1),
		closing:    make(chan struct{}),
		stopRead:   make(chan struct{}),
		dead:       make(chan struct{}),
	}
	if octets := srv.cfg.Trace; octets > 0 {
		s.trace.half = max(octets/2, traceLeast)
	}
	s.SetLimits(Limits{})
	return s
}

// ID names the session, uniquely also over restarts of the server.
func (s *Session) ID() string { return s.id }

// SystemID is the system_id that bound, "" before.
func (s *Session) SystemID() string { return s.bound().systemID }

// SystemType is the system_type of the bind, "" before.
func (s *Session) SystemType() string { return s.bound().systemType }

// BindType is the kind of session, 0 before the bind.
func (s *Session) BindType() BindType { return s.bound().typ }

// CanTransmit reports whether the ESME may submit.
func (s *Session) CanTransmit() bool { return s.BindType().CanTransmit() }

// CanReceive reports whether the ESME gets messages.
func (s *Session) CanReceive() bool { return s.BindType().CanReceive() }

// InterfaceVersion is the interface_version of the bind; below smpp.Version34 the ESME knows no
// TLVs. [SMPP34 3.4]
func (s *Session) InterfaceVersion() uint8 { return s.bound().version }

// AddressRange is the address_range of the bind: a regular expression, unchecked. [SMPP34 5.2.7]
func (s *Session) AddressRange() string { return s.bound().addressRange }

// RemoteAddr is the address of the ESME.
func (s *Session) RemoteAddr() net.Addr { return s.raw.RemoteAddr() }

// Done is closed when the session can carry nothing any more.
func (s *Session) Done() <-chan struct{} { return s.dead }

func (s *Session) bound() binding {
	if b := s.binding.Load(); b != nil {
		return *b
	}
	return binding{}
}

// Close ends the session in order: unbind is sent, what the ESME sends until its unbind_resp is
// answered, then the connection is closed. The ESME has closeTime for its part. Close does not
// wait; see Done. A connection that has not bound is closed at once. The reason is for the log.
// [SMPP34 4.2]
func (s *Session) Close(reason string) {
	if s.out.refuse() {
		s.kill(endError{reason: reason})
		return
	}
	if !s.ending.CompareAndSwap(nil, &endError{reason: reason}) {
		return
	}
	s.noteEnd(reason)
	s.closeBy.Store(s.now() + int64(s.closeLimit()))
	_ = s.raw.SetWriteDeadline(time.Now().Add(s.closeLimit())) // for a write that is stuck already
	close(s.closing)
	_ = s.out.put(smpp.StatusOK, s.requests.unbind(), &smpp.Unbind{}) // an error: the session is over
	signal(s.retime)
}

// closeLimit is how long each step of an orderly end may take the ESME.
func (s *Session) closeLimit() time.Duration { return min(s.srv.cfg.Response, closeTime) }

// kill ends the session at once. The first reason is kept.
func (s *Session) kill(why endError) {
	if s.ending.CompareAndSwap(nil, &why) {
		s.noteEnd(why.reason)
	}
	s.die()
	s.raw.Close()
}

func (s *Session) die() { s.deadOnce.Do(func() { close(s.dead) }) }

// interrupt makes the reader stop, also in the midst of a PDU.
func (s *Session) interrupt() {
	s.stopOnce.Do(func() { close(s.stopRead) })
	_ = s.raw.SetReadDeadline(time.Unix(1, 0))
}

// now is the time on the clock of lastRead, in nanoseconds.
func (s *Session) now() int64 { return int64(time.Since(s.started)) }

// linger lets the peer read the last PDUs: to close with octets unread would make the system
// reset the connection, and what was written would be lost.
func (s *Session) linger() {
	halfCloser, ok := s.raw.(interface{ CloseWrite() error })
	if !ok {
		return
	}
	_ = s.raw.SetWriteDeadline(time.Now().Add(lingerTime))
	if t, ok := s.conn.(interface{ CloseWrite() error }); ok && s.conn != s.raw {
		_ = t.CloseWrite() // close_notify
	}
	if halfCloser.CloseWrite() != nil || s.raw.SetReadDeadline(time.Now().Add(lingerTime)) != nil {
		return
	}
	_, _ = io.Copy(io.Discard, s.raw) // until the peer closes, too
}

var (
	errEnding   = errors.New("the session is ending")
	errFinished = errors.New("the session is over")
	errNoPlace  = errors.New("no place in the deliver window")
)

func addrString(a net.Addr) string {
	if a == nil {
		return ""
	}
	return fmt.Sprint(a)
}
