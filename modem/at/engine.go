package at

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// LevelTrace is the level at which lines from and to the modem are logged: they hold numbers and texts, so it is below every level
// that is on by default.
const LevelTrace = slog.LevelDebug - 4

// Options are the times and bounds of an [Engine]; a zero takes the default that stands beside it.
type Options struct {
	Log     *slog.Logger  // nothing
	Command time.Duration // 10 s: a command without a time of its own
	Prompt  time.Duration // 5 s: from AT+CMGS to the prompt
	Send    time.Duration // 60 s: from Ctrl-Z to the answer; the network may take 40 [24.011 10]
	Grace   time.Duration // 5 s: how long a submit that is on its way is waited for when its context has ended
	Write   time.Duration // 5 s: a write that does not end closes the port
	Sync    time.Duration // 12 s: to find the step again after a time-out
	Queue   int           // 128 URCs
	Record  *Recorder     // nothing is kept
}

func (o Options) withDefaults() Options {
	for _, d := range []struct {
		at   *time.Duration
		then time.Duration
	}{{&o.Command, 10 * time.Second}, {&o.Prompt, 5 * time.Second}, {&o.Send, time.Minute}, {&o.Grace, 5 * time.Second},
		{&o.Write, 5 * time.Second}, {&o.Sync, 12 * time.Second}} {
		if *d.at <= 0 {
			*d.at = d.then
		}
	}
	if o.Queue <= 0 {
		o.Queue = 128
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// Counts are what an engine has seen that it could not use.
type Counts struct {
	Overlong int // lines beyond the bound
	Foreign  int // lines that were neither answer nor known URC
	Dropped  int // URCs for which the queue had no room; among them maybe messages: sweep the memories
	Broken   int // message headers whose PDU never came
}

// Engine speaks AT over one open port. Make it with [New], keep [Engine.Run] running, and use it from any goroutine.
type Engine struct {
	port io.ReadWriteCloser
	opt  Options
	urcs chan URC
	dead chan struct{} // closed when the reader has gone
	turn turn
	used atomic.Int64 // when the modem last answered, in unix nanoseconds

	opened time.Time

	// Touched by whoever holds the turn.
	synced bool
	marked bool   // the modem has answered a probe once: it can be told from one that knows none
	probe  int    // the next probe
	avoid  string // the command whose answer is owed: no probe may look like it
	first  bool   // nothing was said yet

	mu      sync.Mutex
	scan    scanner // fed under mu, by the reader only
	cur     *exchange
	head    *header
	late    lateSend
	chatter []string
	guard   bool // echo is off: a line that echoes means that the modem has restarted
	counts  Counts
	orphans int   // final results that no command waited for
	cause   error // why the port was given up
}

// New makes an engine over an open port; the engine closes it.
func New(port io.ReadWriteCloser, opt Options) *Engine {
	opt = opt.withDefaults()
	return &Engine{port: port, opt: opt, urcs: make(chan URC, opt.Queue), dead: make(chan struct{}), first: true, opened: time.Now()}
}

// Run reads from the port until ctx ends, the port breaks or the engine gives it up. It closes the port, and returns when nothing of it
// runs any more, with the cause: never nil.
func (e *Engine) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { e.giveUp(ctx.Err()) })
	err := e.read()
	stop()
	e.giveUp(err)
	close(e.dead)
	close(e.urcs)
	return e.reason()
}

// URCs gives the unsolicited results in the order of their coming; it is closed when Run ends. Somebody must take them: what does not
// fit the queue is dropped.
func (e *Engine) URCs() <-chan URC { return e.urcs }

// Dead is closed when the engine has ended.
func (e *Engine) Dead() <-chan struct{} { return e.dead }

// LastAnswer tells when the modem last completed a command.
func (e *Engine) LastAnswer() time.Time { return time.Unix(0, e.used.Load()) }

// Counts tells what was lost so far.
func (e *Engine) Counts() Counts {
	e.mu.Lock()
	defer e.mu.Unlock()
	c := e.counts
	c.Overlong = e.scan.overlong
	return c
}

// GuardEcho says that echo is off: from now on an echo means that the modem has restarted and forgotten its settings. The command that
// was echoed fails with ErrRestarted and the URCs say KindRestart.
func (e *Engine) GuardEcho() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.guard = true
}

// Chatter names lines that the modem says all the time, "^RSSI:": they are not recorded, for they would drive out what tells something.
func (e *Engine) Chatter(names []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.chatter = names
}

// chats tells whether a line is chatter; one that a command waits for is not.
func (e *Engine) chats(line string) bool {
	if len(e.chatter) == 0 || e.cur != nil && e.cur.cmd.Accept != nil && e.cur.cmd.Accept(line) {
		return false
	}
	return slices.ContainsFunc(e.chatter, func(name string) bool { return hasPrefixFold(line, name) })
}

// giveUp closes the port, once, with a reason.
func (e *Engine) giveUp(cause error) {
	e.mu.Lock()
	again := e.cause != nil
	if !again {
		e.cause = cause
	}
	e.mu.Unlock()
	if !again {
		e.port.Close()
	}
}

func (e *Engine) reason() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.cause
}

// read is the reader: it takes the port's octets apart until the port ends.
func (e *Engine) read() error {
	buf := make([]byte, 1024)
	for {
		n, err := e.port.Read(buf)
		urcs, lines := e.take(buf[:n])
		for _, line := range lines {
			e.trace(FromModem, line)
		}
		for _, u := range urcs {
			e.push(u)
		}
		switch {
		case errors.Is(err, io.EOF):
			return fmt.Errorf("%w: %w", ErrClosed, err)
		case err != nil:
			return fmt.Errorf("read: %w", err)
		}
	}
}

// take feeds octets to the scanner and its lines to whom they are for; it returns the URCs, and the lines when they are traced.
func (e *Engine) take(octets []byte) (out []URC, lines []string) {
	traced := e.opt.Log.Enabled(context.Background(), LevelTrace)
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, b := range octets {
		waits := e.cur != nil && e.cur.wantsPrompt()
		e.scan.raw = e.head != nil && e.head.quoted
		switch kind, line := e.scan.feed(b, waits); kind {
		case tokenPrompt:
			e.opt.Record.add(FromModem, ">")
			e.cur.prompt()
		case tokenLine:
			if !e.chats(line) {
				e.opt.Record.add(FromModem, line) // before who waits for it can say more
			}
			out = append(out, e.line(line)...)
			if traced {
				lines = append(lines, line)
			}
		}
	}
	return out, lines
}

// line gives one line to the first that wants it: the header that waits for its PDU, the command under way, the URCs.
func (e *Engine) line(line string) []URC {
	out, taken := e.second(line)
	if taken {
		return out
	}
	return append(out, e.fresh(line)...)
}

// fresh gives a line that no header wants to the first that wants it.
func (e *Engine) fresh(line string) []URC {
	if e.late.swallow(line) {
		return nil
	}
	if x := e.cur; x != nil {
		if x.echoes(line) {
			return e.echoed(x)
		}
		if e.late.stranger(x, line) {
			e.settle(x)
			return nil
		}
		if x.take(line) {
			e.settle(x)
			return nil
		}
	}
	return e.unsolicited(line)
}

// second offers a line to the header that waits; out is the URC when that is whole, or will never be.
func (e *Engine) second(line string) (out []URC, taken bool) {
	h := e.head
	if h == nil {
		return nil, false
	}
	taken, over := h.body(line, time.Now())
	if !over {
		return nil, taken
	}
	e.head = nil
	if !taken && !h.quoted {
		e.counts.Broken++
		return nil, false
	}
	return []URC{h.urc}, taken
}

// echoed handles a command that came back: nothing to say while echo is on, a restart once it was turned off.
func (e *Engine) echoed(x *exchange) []URC {
	if !e.guard || !hasPrefixFold(x.echo, "AT") { // some show a PDU whatever ATE says
		return nil
	}
	return e.restarted(URC{Kind: KindRestart, Name: "echo"}, x)
}

// restarted ends the command under way: its answer will never come.
func (e *Engine) restarted(u URC, x *exchange) []URC {
	e.guard = false
	if x != nil {
		x.finish(ErrRestarted)
		e.settle(x)
	}
	return []URC{u}
}

// settle forgets an exchange that has ended, and remembers the message reference it brought.
func (e *Engine) settle(x *exchange) {
	if !x.over {
		return
	}
	e.cur = nil
	e.used.Store(time.Now().UnixNano())
	if x.submit && x.err == nil {
		e.late.sent(x.mr)
	}
}

// unsolicited handles a line that no command wanted.
func (e *Engine) unsolicited(line string) []URC {
	if mr, is := messageReference(line); is {
		e.late.arrived(mr)
		return nil
	}
	if _, is := final(line, "", false); is {
		e.orphans++
	}
	kind, name := kindOf(line)
	if kind == KindNone {
		e.counts.Foreign++
		e.wakes(line)
		return nil
	}
	u := URC{Kind: kind, Name: name, Args: strings.TrimSpace(strings.TrimPrefix(line[len(name):], ":"))}
	switch kind {
	case KindMessage:
		if e.head != nil {
			e.counts.Broken++
		}
		if e.head = newHeader(u); e.head.whole() {
			e.head = nil
			return []URC{u}
		}
		return nil
	case KindUSSD:
		if e.head == nil && !quoteEnds(u.Args) {
			e.head = newQuote(u, time.Now())
			return nil
		}
	case KindRestart:
		return e.restarted(u, e.cur)
	}
	return []URC{u}
}

// wakes notes what a modem says some seconds after it has started. In the midst of a submit the answer is hardly to come any more, unless
// the modem has only just been opened.
func (e *Engine) wakes(line string) {
	if x := e.cur; x != nil && x.sent && starting(line) && time.Since(e.opened) > settleTime {
		x.woken = true
		x.nudge()
	}
}

// push queues a URC without ever waiting: a reader that waits cannot bring the answer which the receiver of the URCs waits for. The
// last quarter of the queue is for messages and restarts.
func (e *Engine) push(u URC) {
	weighty := u.Kind == KindMessage || u.Kind == KindStored || u.Kind == KindRestart
	if weighty || len(e.urcs) < cap(e.urcs)*3/4 {
		select {
		case e.urcs <- u:
			return
		default:
		}
	}
	e.mu.Lock()
	e.counts.Dropped++
	e.mu.Unlock()
}

// write gives octets to the modem. A write that fails or does not end in time closes the port.
func (e *Engine) write(s string) (int, error) {
	if cause := e.reason(); cause != nil {
		return 0, fmt.Errorf("%w: %w", ErrClosed, cause)
	}
	if port, ok := e.port.(interface{ SetWriteDeadline(time.Time) error }); !ok || port.SetWriteDeadline(time.Now().Add(e.opt.Write)) != nil {
		watch := time.AfterFunc(e.opt.Write, func() { e.giveUp(fmt.Errorf("write: %w", ErrTimeout)) })
		defer watch.Stop()
	}
	n, err := e.port.Write([]byte(s))
	if err != nil {
		e.giveUp(fmt.Errorf("write: %w", err))
		return n, fmt.Errorf("write: %w", err)
	}
	return n, nil
}

// say records and traces what is about to be written.
func (e *Engine) say(line string) {
	e.opt.Record.add(ToModem, line)
	e.trace(ToModem, line)
}

// trace logs a line at a level that is off: never a PIN.
func (e *Engine) trace(way Way, line string) {
	if e.opt.Log.Enabled(context.Background(), LevelTrace) {
		e.opt.Log.Log(context.Background(), LevelTrace, "at", "way", string(rune(way)), "line", withoutSecret(line))
	}
}

// messageReference reads "+CMGS: 17".                                                                              [27.005 3.5.1]
func messageReference(line string) (mr uint8, is bool) {
	if !hasPrefixFold(line, "+CMGS:") {
		return 0, false
	}
	n, err := strconv.ParseUint(Fields(Params(line))[0], 10, 8)
	return uint8(n), err == nil
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}
