package smppd

import (
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"gsmgate/smppd/smpp"
)

// A Fault is something that an ESME does wrong.
type Fault struct {
	Kind FaultKind
	Err  *smpp.Error // FaultMalformed: what is wrong with the PDU; else nil
}

// FaultKind says what an ESME does wrong.
type FaultKind uint8

// What an ESME may do wrong.
const (
	FaultMalformed      FaultKind = iota + 1 // a PDU that breaks the specification, has an unknown command_id, or does not come in whole
	FaultState                               // a request that its state does not allow
	FaultWindow                              // more requests outstanding than its window: once for each time it had to wait
	FaultThrottled                           // more messages a second than its limit
	FaultSequence                            // a request with a sequence_number of 0 or above 0x7FFFFFFF [SMPP34 5.1.4]
	FaultRepeated                            // a sequence_number that is still outstanding
	FaultUnsolicited                         // a response to nothing that was asked, or one that came too late
	FaultNoDeliverResp                       // a deliver_sm that it did not answer in time
	FaultNoEnquireLink                       // a silence that this side had to end with enquire_link
	FaultEnquireIgnored                      // an enquire_link that it did not answer in time
)

// callbacks lets Backend.Fault be called after Backend.Bound was, until Backend.Closed is.
type callbacks struct {
	mu      sync.Mutex
	isOpen  bool // under mu
	running sync.WaitGroup
}

func (c *callbacks) open() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.isOpen = true
}

func (c *callbacks) enter() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.isOpen {
		return false
	}
	c.running.Add(1)
	return true
}

// close lets none in any more and waits for those that are in.
func (c *callbacks) close() {
	c.mu.Lock()
	c.isOpen = false
	c.mu.Unlock()
	c.running.Wait()
}

// fault tells the Backend what a bound ESME does wrong, and Config.Stranger of one that has not bound. No
// lock may be held.
func (s *Session) fault(kind FaultKind, bad *smpp.Error) {
	if tell := s.srv.cfg.Stranger; tell != nil && s.binding.Load() == nil { // only the reader is there to tell it
		tell(s, Fault{kind, bad})
		return
	}
	if !s.faults.enter() {
		return
	}
	defer s.faults.running.Done()
	defer func() { // it may be the writer, or a goroutine of the Backend's own
		if r := recover(); r != nil {
			s.panicked(r)
			s.kill(endError{reason: "internal failure"})
		}
	}()
	s.srv.backend.Fault(s, Fault{kind, bad})
}

// panicked counts and logs a panic in a callback or in this package.
func (s *Session) panicked(r any) {
	s.srv.stats.panics.Add(1)
	s.log.Error("panic in a session, which is closed", "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
}

// SessionError is an error that an ESME was answered, or why its session is being ended.
type SessionError struct {
	Time time.Time // zero: there was none
	Text string    // such as "submit_sm: ESME_RINVDSTADR (destination_addr)"; holds no content of a PDU
}

// lastError is a SessionError that nobody has asked for yet.
type lastError struct {
	at     int64 // on the session's clock
	id     smpp.CommandID
	status smpp.CommandStatus // 0: the session is being ended
	words  string             // the field, or the reason of the end
}

// noteError keeps an error that is answered to a request.
func (s *Session) noteError(id smpp.CommandID, status smpp.CommandStatus, err error) {
	e := &lastError{at: s.now(), id: id, status: status}
	var bad *smpp.Error
	if errors.As(err, &bad) {
		e.words = bad.Field
	}
	s.lastErr.Store(e)
}

// noteEnd keeps why this side ends the session.
func (s *Session) noteEnd(reason string) { s.lastErr.Store(&lastError{at: s.now(), words: reason}) }

// LastError is the last error that this side answered, or ended the session with.
func (s *Session) LastError() SessionError {
	e := s.lastErr.Load()
	if e == nil {
		return SessionError{}
	}
	text := e.words
	if e.status != smpp.StatusOK {
		text = fmt.Sprintf("%s: %s", e.id, e.status)
		if e.words != "" {
			text += " (" + e.words + ")"
		}
	}
	return SessionError{s.started.Add(time.Duration(e.at)), text}
}
