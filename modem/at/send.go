package at

import (
	"context"
	"errors"
	"fmt"
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
		e.mu.Lock()
		e.late.sent(x.mr)
		e.mu.Unlock()
		return x.mr, nil
	case x.err != nil:
		return 0, &SendError{Submitted: true, Err: err}
	}
	e.mu.Lock()
	e.late.owe(x)
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
			sooner(e.patience(x))
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
