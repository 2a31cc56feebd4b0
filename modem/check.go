package modem

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"time"

	"gsmgate/modem/at"
	"gsmgate/modem/pdu"
)

// Verdict says how a step of a check went.
type Verdict string

// The verdicts. With a warning the modem can be used, though not with everything.
const (
	CheckOK   Verdict = "ok"
	CheckWarn Verdict = "warn"
	CheckFail Verdict = "fail"
)

// Finding is what a step of a check has found.
type Finding struct {
	Step    string // "port", "answers", "identity", "PIN", "card", "SMSC", …
	Verdict Verdict
	Text    string
	Mend    string // what to do about it; "" when all is well
}

// CheckConfig says what to check; a zero takes the default that stands beside it.
type CheckConfig struct {
	Port    string    // a path, or what Open takes
	Open    Opener    // OpenSerial
	PIN     string    // "" to try none
	Refused PINMemory // for as long as the check takes: give one that lasts, or each check may burn a try
	To      string    // number that gets a message; "": none is sent
	Text    string    // "gsmgate modem check"
	AT      at.Options
	Network time.Duration // 90 s: to be registered
	Report  time.Duration // 60 s: for the status report
	Log     *slog.Logger
	Step    func(Finding) // is told each finding as it comes; nobody
}

// CheckResult is what a check has found.
type CheckResult struct {
	Findings []Finding
	Info     Info

	record *at.Recorder
}

// Usable tells whether messages can be sent: no step has failed.
func (r *CheckResult) Usable() bool {
	return !slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Verdict == CheckFail })
}

// Transcript gives what was said; see Modem.Transcript.
func (r *CheckResult) Transcript(full bool) at.Transcript {
	began, entries := r.record.Entries()
	return transcript(r.Info, began, entries, full)
}

// Check proves a modem step by step, by the same code that brings it up in a bank. It needs the port for itself. What is stored on the
// SIM stays there, messages that come in meanwhile are left to the network, and when it returns, also because ctx has ended, the modem
// tells of messages as it did before. A step that fails ends it, when those after it cannot be taken.
func Check(ctx context.Context, cfg CheckConfig) *CheckResult {
	c := newChecker(cfg)
	c.run(ctx)
	return &CheckResult{Findings: c.findings, Info: c.m.Info(), record: c.m.record}
}

// checker is a check under way. But for reports all is touched by the goroutine of run, or by that of Ready while run waits for it.
type checker struct {
	cfg      CheckConfig
	m        *Modem
	s        *session
	findings []Finding
	taken    int      // steps of bringUp
	restore  []string // commands that put the modem's settings back
	reports  chan *pdu.StatusReport
	done     func() // ends the session
}

func newChecker(cfg CheckConfig) *checker {
	for _, d := range []struct {
		at   *time.Duration
		then time.Duration
	}{{&cfg.Network, 90 * time.Second}, {&cfg.Report, time.Minute}} {
		if *d.at <= 0 {
			*d.at = d.then
		}
	}
	if cfg.Text == "" {
		cfg.Text = "gsmgate modem check"
	}
	c := &checker{cfg: cfg, reports: make(chan *pdu.StatusReport, 8)}
	b := NewBank(Config{
		Ports: []string{cfg.Port}, Open: cfg.Open, Handler: checkHandler{c}, Log: cfg.Log, PIN: cfg.PIN, Refused: cfg.Refused, AT: cfg.AT,
		Again: time.Hour, // what the check does not take is left alone
	})
	c.m = b.modems[0]
	return c
}

func (c *checker) add(f Finding) {
	c.findings = append(c.findings, f)
	if c.cfg.Step != nil {
		c.cfg.Step(f)
	}
}

func (c *checker) ok(step, text string)         { c.add(Finding{step, CheckOK, text, ""}) }
func (c *checker) warn(step, text, mend string) { c.add(Finding{step, CheckWarn, text, mend}) }
func (c *checker) fail(step, text, mend string) { c.add(Finding{step, CheckFail, text, mend}) }

func (c *checker) run(ctx context.Context) {
	port, err := c.m.cfg.Open(ctx, c.cfg.Port)
	if err != nil {
		c.m.mark("not opened: " + err.Error())
		c.fail("port", err.Error(), mendPort(err))
		return
	}
	c.m.mark("opened")
	c.ok("port", c.opened(port))
	c.s = newSession(c.m, port)
	c.s.observe, c.s.resign = c.observe, resign
	err = c.s.serve(ctx, c.live)
	c.m.mark("closed")
	switch {
	case ctx.Err() != nil:
		c.fail("check", "interrupted", "")
	case err != nil && !errors.Is(err, errChecked):
		c.ended(err)
	}
}

// opened says what was opened, where the place does not.
func (c *checker) opened(port io.ReadWriteCloser) string {
	p, told := port.(interface{ Place() Place })
	switch scheme, _ := split(c.cfg.Port); {
	case scheme == tcpPrefix || scheme == rfc2217Prefix:
		return "connected"
	case told && p.Place().Node != c.cfg.Port:
		return p.Place().Node + " opened, and nobody else has it"
	}
	return "opened, and nobody else has it"
}

// errChecked ends the session of a check that has come to its end.
var errChecked = errors.New("the check is over")

// live takes all steps.
func (c *checker) live(ctx context.Context) error {
	defer c.tidy(ctx)
	if err := c.s.bringUp(ctx); err != nil {
		return err
	}
	if err := c.network(ctx); err != nil {
		return err
	}
	if c.cfg.To == "" {
		return errChecked
	}
	if !(&CheckResult{Findings: c.findings}).Usable() {
		c.warn("message", "not sent, for a step before has failed", "mend that first")
		return errChecked
	}
	c.s.receiving.allow()
	over, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	c.done = func() { cancel(errChecked) }
	err := c.s.ready(over)
	if err == nil && ctx.Err() == nil {
		c.fail("message", "the network was lost", "look at the aerial and its place, then try again")
	}
	return err
}

// resign says how long a SIM that cannot be used is waited for: one that is busy starting for some time, the others a moment, for some
// modems say so while they start.
func resign(word string, waited time.Duration) bool {
	switch word {
	case "busy":
		return waited >= simAccept
	case "none", "failure":
		return waited >= simPoll
	}
	return true
}

// tidyWait is for putting the modem's settings back, in a modem that may have stopped to answer.
const tidyWait = 5 * time.Second

// tidy puts the settings back that would lose messages when nobody is there to take them.
func (c *checker) tidy(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tidyWait)
	defer cancel()
	for _, command := range c.restore {
		if taken, err := c.s.tell(ctx, command); err != nil || !taken {
			c.m.log.Warn("a setting was not put back", "command", command, "err", err)
		}
	}
}
