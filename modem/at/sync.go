package at

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// Finding the step again. After a time-out the answer may still come, and it looks like any other answer. So before the next command the
// engine asks something whose information line nothing else can have written: a query whose name differs from that of the command that
// is owed an answer, and from the probe before. A modem works its commands off in order [V.250 5.6], so once that line has come all that
// is older lies behind. Final results before it are nobody's.

// probe is a query that does so: read-only, and without use of the network.
type probe struct{ command, name string }

func probes() []probe {
	return []probe{{"AT+CMEE?", "+CMEE"}, {"AT+CMGF?", "+CMGF"}, {"AT+CREG?", "+CREG"}, {"AT+CSQ", "+CSQ"}, {"AT+CSMS?", "+CSMS"},
		{"AT+CPMS?", "+CPMS"}, {"AT+CNMI?", "+CNMI"}}
}

const (
	drain     = 80 * time.Millisecond  // quiet after ESC
	probeWait = 2 * time.Second        // for a probe's line
	strayWait = 300 * time.Millisecond // more, after a result without the line: the modem may not know the query; longer each time
)

// Sync finds the step with a modem of which nothing is known yet; a command does so by itself. It fails with ErrHung after Options.Sync,
// and then the engine has given the port up.
func (e *Engine) Sync(ctx context.Context) error {
	if err := e.turn.take(ctx, false); err != nil {
		return err
	}
	defer e.turn.release()
	return e.sync(ctx)
}

// Resync is Sync for a modem that answers, and maybe not to what it was asked.
func (e *Engine) Resync(ctx context.Context) error {
	if err := e.turn.take(ctx, false); err != nil {
		return err
	}
	defer e.turn.release()
	e.synced = false
	return e.sync(ctx)
}

// sync is Sync for who has the turn.
func (e *Engine) sync(ctx context.Context) error {
	if e.synced {
		return nil
	}
	limit, cancel := context.WithTimeout(ctx, e.opt.Sync)
	defer cancel()
	err := e.seek(limit)
	switch {
	case err == nil:
		e.synced, e.avoid = true, ""
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	}
	if e.reason() != nil {
		return e.gone()
	}
	e.giveUp(ErrHung)
	return ErrHung
}

// seek asks one probe after the other until one is answered.
func (e *Engine) seek(ctx context.Context) error {
	if err := e.hello(ctx); err != nil {
		return err
	}
	asked, refused := 0, 0
	for {
		if err := e.escape(); err != nil {
			return err
		}
		if err := sleep(ctx, drain); err != nil {
			return err
		}
		patience := strayWait
		if e.marked { // it knows the queries, so the results are of older commands, each of the probe before when it is slow
			patience = min(strayWait<<min(asked, 3), probeWait)
		}
		found, strays, err := e.ask(ctx, patience)
		if found && err == nil && !e.marked && asked < maxAsked {
			found, err = e.alone(ctx)
		}
		if found || err != nil {
			e.marked = e.marked || found
			return err
		}
		asked++
		refused += strays
		if n := len(probes()); !e.marked && asked >= n && refused >= n {
			return e.plain(ctx)
		}
	}
}

// maxAsked is how often a modem that sends results for nothing is asked before the first step.
const maxAsked = 10

// alone tells whether the mark that was just found is ours: a modem that hung works off what earlier sessions have asked it, the same
// probes among them, and then goes on with answers to nothing.
func (e *Engine) alone(ctx context.Context) (bool, error) {
	before := e.strays()
	err := sleep(ctx, strayWait)
	return e.strays() == before, err
}

func (e *Engine) strays() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.orphans
}

// hello opens the talk with a modem that may be in any mode: results in words, none suppressed, no echo.         [V.250 6.2.4-6.2.6]
func (e *Engine) hello(ctx context.Context) error {
	if !e.first {
		return nil
	}
	if err := e.escape(); err != nil {
		return err
	}
	if err := sleep(ctx, drain); err != nil {
		return err
	}
	x := newExchange(Command{Text: "ATE0Q0V1"})
	if err := e.begin(x); err != nil {
		return err
	}
	_ = e.await(ctx, x, time.Second) // whatever it says: the probes tell
	e.first = false
	return ctx.Err()
}

// ask puts the next probe; patience is how long its line may take after a result that is not its own.
func (e *Engine) ask(ctx context.Context, patience time.Duration) (found bool, strays int, err error) {
	p := e.nextProbe()
	x := newExchange(Command{Text: p.command, Accept: reads(p.name)})
	x.marker = true
	if err := e.begin(x); err != nil {
		return false, 0, err
	}
	err = e.awaitMark(ctx, x, patience)
	return err == nil && len(x.records) > 0, x.strays, ctx.Err()
}

// reads accepts the answer of a read command and not the URC of the same name, where there is one.
func reads(name string) func(string) bool {
	if name == "+CREG" {
		return RegistrationAnswer(name)
	}
	return Prefix(name + ":")
}

// awaitMark is await for a probe: once a result came that is not its own, only patience is left for it.
func (e *Engine) awaitMark(ctx context.Context, x *exchange, patience time.Duration) error {
	short, cancel := context.WithTimeout(ctx, 2*probeWait) // whatever the flood
	defer cancel()
	timer := time.NewTimer(probeWait)
	defer timer.Stop()
	for {
		select {
		case <-x.hint:
			timer.Reset(patience)
			continue
		case <-timer.C:
			cancel()
		case <-x.done:
		case <-short.Done():
		case <-e.dead:
		}
		return e.await(short, x, probeWait)
	}
}

// nextProbe goes round the probes, past the one whose answer is owed.
func (e *Engine) nextProbe() probe {
	all := probes()
	for {
		p := all[e.probe%len(all)]
		e.probe++
		if !strings.EqualFold("AT"+p.name, e.avoid) {
			e.avoid = "AT" + p.name
			return p
		}
	}
}

// plain is for a modem that answers no probe with more than a result: silence, then AT, one OK, and silence.
func (e *Engine) plain(ctx context.Context) error {
	if err := sleep(ctx, time.Second); err != nil {
		return err
	}
	x := newExchange(Command{Text: "AT"})
	if err := e.begin(x); err != nil {
		return err
	}
	if err := e.await(ctx, x, probeWait); err != nil {
		return fmt.Errorf("%w: %w", ErrHung, err)
	}
	return sleep(ctx, strayWait)
}

func (e *Engine) escape() error {
	e.opt.Record.add(ToModem, esc)
	_, err := e.write(esc)
	return err
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
