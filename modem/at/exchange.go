package at

import (
	"context"
	"errors"
	"strings"
	"time"
)

// maxRecords bounds the information lines that an answer keeps: CMGL of the largest memory fits.
const maxRecords = 512

// Command is one command line.
type Command struct {
	Text   string                 // without the CR: "AT+CREG?"
	Accept func(line string) bool // knows the information lines of the answer; nil: there are none
	Body   bool                   // each information line is followed by a PDU: +CMGR, +CMGL
	Call   bool                   // NO CARRIER, BUSY … end it: ATD, ATA
	Urgent bool                   // goes before other commands that wait
	Wait   time.Duration          // for the final result; 0: Options.Command
}

// Record is one information line of an answer.
type Record struct {
	Line string
	PDU  string // with Command.Body; "" for an empty place
}

// Answer is what came before OK.
type Answer struct {
	Records []Record
	Cut     bool // there were more than fit
	Echoed  bool // the modem showed the command first
}

// First returns the first information line, or "".
func (a Answer) First() string {
	if len(a.Records) == 0 {
		return ""
	}
	return a.Records[0].Line
}

// exchange is a command under way. Its fields are touched under Engine.mu until over is set and done closed.
type exchange struct {
	cmd     Command
	echo    string // what an echo would look like
	records []Record
	cut     bool
	echoed  bool
	open    bool // the last record waits for its PDU
	strays  int  // final results that a probe did not take for its own
	over    bool
	err     error
	done    chan struct{}
	hint    chan struct{} // one slot: a record or a stray came, so that little is missing

	marker   bool  // a probe: final results count only after the record
	submit   bool  // AT+CMGS
	sent     bool  // Ctrl-Z is going out
	doubt    bool  // the +CMGS may be that of an older submit
	okHeld   bool  // its OK has come
	held     error // has come, and may be that of an older submit
	mr       uint8
	reports  []uint8       // the TP-MRs that status reports had meanwhile
	prompted chan struct{} // closed by the prompt; nil without one
	gotten   bool          // the prompt was seen
	woken    bool          // the modem has said what it says when it starts
}

func newExchange(c Command) *exchange {
	return &exchange{cmd: c, echo: c.Text, done: make(chan struct{}), hint: make(chan struct{}, 1)}
}

func (x *exchange) wantsPrompt() bool { return x.prompted != nil && !x.gotten }

func (x *exchange) prompt() {
	x.gotten = true
	close(x.prompted)
}

// echoes tells whether the line is what was just written.
func (x *exchange) echoes(line string) bool {
	is := line == x.echo
	x.echoed = x.echoed || is
	return is
}

// take offers a line to the exchange.
func (x *exchange) take(line string) bool {
	if x.open && isHex(line) {
		x.records[len(x.records)-1].PDU = line
		x.open = false
		return true
	}
	if err, is := final(line, nameOfCommand(x.cmd.Text), x.cmd.Call); is {
		x.final(err)
		return true
	}
	if x.cmd.Accept == nil || !x.cmd.Accept(line) {
		return false
	}
	x.record(line)
	return true
}

func (x *exchange) record(line string) {
	if x.submit {
		x.mr, _ = messageReference(line)
	}
	if x.cut = x.cut || len(x.records) == maxRecords; x.cut {
		return
	}
	x.records = append(x.records, Record{Line: line})
	x.open = x.cmd.Body
	x.nudge()
}

// final ends the exchange, unless it is a probe whose mark did not come yet: then the result belongs to something older.
func (x *exchange) final(err error) {
	if x.marker && len(x.records) == 0 {
		x.strays++
		x.nudge()
		return
	}
	x.finish(err)
}

func (x *exchange) finish(err error) {
	if !x.over {
		x.over, x.err = true, err
		close(x.done)
	}
}

func (x *exchange) nudge() {
	select {
	case x.hint <- struct{}{}:
	default:
	}
}

// Do gives the modem a command and waits for its answer. The errors are *Error (the modem refused), ErrTimeout, ErrRestarted, ErrHung,
// ErrClosed, or that of ctx; after each but the first the engine finds the step again before the next command.
func (e *Engine) Do(ctx context.Context, c Command) (Answer, error) {
	if err := e.turn.take(ctx, c.Urgent); err != nil {
		return Answer{}, err
	}
	defer e.turn.release()
	if err := e.sync(ctx); err != nil {
		return Answer{}, err
	}
	x := newExchange(c)
	if err := e.begin(x); err != nil {
		return Answer{}, err
	}
	wait := c.Wait
	if wait <= 0 {
		wait = e.opt.Command
	}
	err := e.await(ctx, x, wait)
	if errors.Is(err, ErrRestarted) {
		e.synced = false
	}
	return Answer{Records: x.records, Cut: x.cut, Echoed: x.echoed}, err
}

// begin makes x the exchange under way and writes its command line.
func (e *Engine) begin(x *exchange) error {
	e.say(x.cmd.Text)
	e.mu.Lock()
	e.cur = x
	e.mu.Unlock()
	_, err := e.write(x.cmd.Text + "\r")
	if err != nil {
		e.abandon(x)
	}
	return err
}

// await waits for the final result until an absolute time.
func (e *Engine) await(ctx context.Context, x *exchange, wait time.Duration) error {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	var err error
	select {
	case <-x.done:
		return x.err
	case <-timer.C:
		err = ErrTimeout
	case <-ctx.Done():
		err = ctx.Err()
	case <-e.dead:
		err = e.gone()
	}
	if e.abandon(x) {
		return x.err
	}
	return &commandError{nameOfCommand(x.cmd.Text), err}
}

// abandon gives the exchange up, and the step with it. It may have ended just before: then its result stands. The reader does not touch
// it any more once abandon has returned.
func (e *Engine) abandon(x *exchange) (ended bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if x.over {
		return true
	}
	x.over = true
	e.cur = nil
	e.synced = false
	e.avoid = nameOfCommand(x.cmd.Text)
	return false
}

// gone is the error of a command that found the engine dead.
func (e *Engine) gone() error {
	return &goneError{e.reason()}
}

type goneError struct{ cause error }

func (g *goneError) Error() string {
	if errors.Is(g.cause, ErrClosed) {
		return g.cause.Error()
	}
	return ErrClosed.Error() + ": " + g.cause.Error()
}

func (g *goneError) Unwrap() []error { return []error{ErrClosed, g.cause} }

// commandError names the command, without parameters: they may hold a number or a PIN.
type commandError struct {
	command string
	err     error
}

func (c *commandError) Error() string { return c.command + ": " + c.err.Error() }
func (c *commandError) Unwrap() error { return c.err }

// nameOfCommand cuts a command at its parameters: "AT+CPIN" of `AT+CPIN="1234"`.
func nameOfCommand(text string) string {
	if i := strings.IndexAny(text, "=?"); i >= 0 {
		return text[:i]
	}
	return text
}
