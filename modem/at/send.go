package at

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

const (
	esc   = "\x1b" // ends a prompt without sending   [27.005 3.5.1]
	ctrlZ = "\x1a" // ends the PDU                    [27.005 3.5.1]
)

// afterMR is how long the OK may stay away once +CMGS has named the message reference: the network has the message.
const afterMR = 2 * time.Second

// SendPDU submits a TPDU: pdu is the service-centre address and the TPDU in hex, length the octets of the TPDU alone. It returns the
// TP-MR that the modem gave. Each error is a *SendError.                                                            [27.005 4.3]
//
// When ctx ends after Ctrl-Z the answer is still waited for, for Options.Grace: a message whose fate is known is worth some seconds.
func (e *Engine) SendPDU(ctx context.Context, length int, pdu string) (mr uint8, err error) {
	if err := e.turn.take(ctx, false); err != nil {
		return 0, &SendError{Err: err}
	}
	defer e.turn.release()
	if err := e.sync(ctx); err != nil {
		return 0, &SendError{Err: err}
	}
	x := newExchange(Command{Text: fmt.Sprintf("AT+CMGS=%d", length)})
	x.submit = true
	x.cmd.Accept = func(line string) bool {
		_, is := messageReference(line)
		return is && x.sent
	}
	x.prompted = make(chan struct{})
	if err := e.begin(x); err != nil {
		return 0, &SendError{Err: err}
	}
	if err := e.awaitPrompt(ctx, x); err != nil {
		return 0, &SendError{Err: err}
	}
	if submitted, err := e.writePDU(x, pdu); err != nil {
		return 0, &SendError{Submitted: submitted, Err: err}
	}
	return e.awaitSent(ctx, x)
}

// awaitPrompt waits for the ">". Whatever else happens, nothing was sent; a modem that may still wait for the PDU gets an ESC.
func (e *Engine) awaitPrompt(ctx context.Context, x *exchange) error {
	timer := time.NewTimer(e.opt.Prompt)
	defer timer.Stop()
	var err error
	select {
	case <-x.prompted:
		return nil
	case <-x.done:
		return e.unprompted(x)
	case <-timer.C:
		err = ErrNoPrompt
	case <-ctx.Done():
		err = ctx.Err()
	case <-e.dead:
		return e.gone()
	}
	if e.abandon(x) {
		return e.unprompted(x)
	}
	_ = e.escape()
	return &commandError{"AT+CMGS", err}
}

// unprompted is a final result where the prompt should have been: a refusal, or an OK that belongs to nothing, after which the modem
// may well show its prompt.
func (e *Engine) unprompted(x *exchange) error {
	var refused *Error
	if errors.As(x.err, &refused) {
		return x.err
	}
	e.synced = false
	_ = e.escape()
	if x.err == nil {
		return &commandError{"AT+CMGS", ErrNoPrompt}
	}
	return x.err
}

// writePDU writes the PDU and Ctrl-Z in one go, so that an error tells whether Ctrl-Z, the last octet, was taken.
func (e *Engine) writePDU(x *exchange, pdu string) (submitted bool, err error) {
	e.mu.Lock()
	over := x.over // a restart or an error between the prompt and here
	x.sent = !over
	x.echo = pdu
	e.mu.Unlock()
	if over {
		return false, e.unprompted(x)
	}
	e.say(pdu + ctrlZ)
	n, err := e.write(pdu + ctrlZ)
	if err != nil {
		e.abandon(x)
	}
	return n > len(pdu), err
}

// awaitSent waits for the message reference and OK. A time-out is looked into at once: while the step is found again, the late answer
// may come by.
func (e *Engine) awaitSent(ctx context.Context, x *exchange) (uint8, error) {
	err := e.awaitResult(ctx, x)
	switch {
	case err == nil && len(x.records) > 0:
		return x.mr, nil
	case err == nil:
		return 0, &SendError{Submitted: true, Err: ErrNoMR}
	case len(x.records) > 0: // the OK was lost, or an error came after the reference: the network has the message
		return x.mr, nil
	case x.err != nil:
		return 0, &SendError{Submitted: true, Err: err}
	}
	e.mu.Lock()
	e.late.owe()
	e.mu.Unlock()
	if ctx.Err() == nil {
		_ = e.sync(ctx)
	}
	if mr, came := e.claim(); came {
		return mr, nil
	}
	return 0, &SendError{Submitted: true, Err: err}
}

// awaitResult is await with the two times of a submit: the grace when ctx ends, and the little that an OK may take after +CMGS.
func (e *Engine) awaitResult(ctx context.Context, x *exchange) error {
	timer := time.NewTimer(e.opt.Send)
	defer timer.Stop()
	until := time.Now().Add(e.opt.Send)
	sooner := func(d time.Duration) {
		if at := time.Now().Add(d); at.Before(until) {
			until = at
			timer.Reset(d)
		}
	}
	ended := ctx.Done()
	for {
		var err error
		select {
		case <-x.done:
			return x.err
		case <-x.hint:
			sooner(afterMR)
			continue
		case <-ended:
			ended = nil
			sooner(e.opt.Grace)
			continue
		case <-timer.C:
			err = ErrTimeout
		case <-e.dead:
			err = e.gone()
		}
		if e.abandon(x) {
			return x.err
		}
		return &commandError{"AT+CMGS", err}
	}
}

// claim takes the late answer of the submit that was just given up, if it has come.
func (e *Engine) claim() (mr uint8, came bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.late.claim()
}

// lateSend keeps the answers of submits apart: one that comes after its time must not count for the next message. Touched under
// Engine.mu.
type lateSend struct {
	owed   int   // submits that never got an answer
	last   uint8 // the newest TP-MR
	steps  int   // how many TP-MRs in a row were one more than the one before
	known  bool  // last is set
	eatOK  bool  // the OK of a late +CMGS follows
	here   bool  // a late answer lies in mr
	mr     uint8
	during bool // the newest owed submit is still being looked into
}

func (l *lateSend) owe() {
	l.owed++
	l.during = true
	l.here = false
}

// arrived notes a +CMGS that no command wanted.
func (l *lateSend) arrived(mr uint8) {
	if l.during {
		l.here, l.mr = true, mr
	}
	l.paid()
}

func (l *lateSend) paid() {
	l.owed = max(0, l.owed-1)
	l.eatOK = true
}

func (l *lateSend) claim() (mr uint8, came bool) {
	l.during = false
	if l.here {
		l.last, l.known = l.mr, true
	}
	return l.mr, l.here
}

// sent notes the TP-MR of a message. [23.040 9.2.3.6] lets it grow by one a message; most modems do.
func (l *lateSend) sent(mr uint8) {
	if l.known && l.inRow(mr) {
		l.steps = min(l.steps+1, 8)
	} else {
		l.steps = 0
	}
	l.last, l.known = mr, true
}

// inRow tells whether mr can be that of the message after the last, given that each submit without an answer may have used one up.
func (l *lateSend) inRow(mr uint8) bool {
	step := int(mr - l.last)
	return step >= 1 && step <= 1+l.owed
}

// swallow takes the OK that belongs to a late +CMGS.
func (l *lateSend) swallow(line string) bool {
	if _, is := final(line, "", false); !is || !l.eatOK {
		return false
	}
	l.eatOK = false
	return strings.EqualFold(line, "OK")
}

// stranger tells whether a +CMGS during x is the answer of an older submit: it comes before x has sent anything, or an answer is owed
// and its number is out of the row of a modem that counts by one.
func (l *lateSend) stranger(x *exchange, line string) bool {
	mr, is := messageReference(line)
	if !is || !x.submit {
		return false
	}
	if x.sent && (l.owed == 0 || l.steps < 2 || l.inRow(mr)) {
		return false
	}
	l.arrived(mr)
	return true
}
