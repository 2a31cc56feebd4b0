package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"gsmgate/modem/modemsim"
)

// modemsCmd is gsmgate-sim modems.
type modemsCmd struct {
	Count       int           `default:"1" help:"Number of modems."`
	Dir         string        `required:"" type:"path" help:"Directory for the links modem00, modem01 …"`
	Latency     time.Duration `default:"50ms" help:"Network time of one send, from Ctrl-Z to +CMGS."`
	ReportDelay time.Duration `help:"From delivery to the status report."`
	PIN         string        `help:"PIN of every SIM; without, the SIMs are open."`
	SMSC        string        `default:"+31653131314" help:"Service-centre address on the SIMs; \"none\" for an empty record."`
	Storage     int           `default:"50" help:"Messages that a SIM stores."`
	Fail        []string      `placeholder:"NUMBER=ST" help:"Messages to NUMBER (or PREFIX*) fail with this TP-ST, hexadecimal, e.g. +3169*=46."`
	Refuse      []string      `placeholder:"NUMBER=CMS" help:"The network refuses messages to NUMBER (or PREFIX*) with +CMS ERROR."`
	Script      string        `type:"existingfile" help:"A time-line of faults; its lines are listed below."`
	Show        bool          `help:"Show what handsets receive."`
}

// Help is shown below the flags.
func (c *modemsCmd) Help() string {
	return "Type help for the commands that are read from standard input.\n\nLines of a script, which may also be typed:\n\n  " +
		strings.Join(modemsim.ScriptHelp(), "\n  ") + "\n\nFaults:\n\n  " + strings.Join(modemsim.FaultHelp(), "\n  ")
}

// Run serves until ctx is done.
func (c *modemsCmd) Run(ctx context.Context, s streams) error {
	rules, err := c.rules()
	if err != nil {
		return err
	}
	script, err := readScript(c.Script)
	if err != nil {
		return err
	}
	out := &lines{w: s.out}
	cfg := modemsim.Config{Count: c.Count, Dir: c.Dir, Latency: c.Latency, ReportDelay: c.ReportDelay, Rules: rules, Each: c.each}
	if c.Show {
		cfg.OnReceive = out.received
	}
	bank, err := modemsim.New(cfg)
	if err != nil {
		return fail("see --count and --dir; the directory must be writable, and its modemNN free or links", "%w", err)
	}
	for i, path := range bank.Paths() {
		m := bank.Modem(i)
		out.printf("%s imei %s iccid %s number %s\n", path, m.IMEI(), m.ICCID(), m.Number())
	}
	console := &console{bank: bank, out: out, play: make(chan *modemsim.Script)}
	go console.read(ctx, s.in) // ends with its input, at the latest with the process
	return console.run(ctx, script)
}

// readScript reads a script file; without one it is empty.
func readScript(path string) (*modemsim.Script, error) {
	if path == "" {
		return modemsim.ParseScript(strings.NewReader(""))
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fail("a script is a text file; gsmgate-sim modems --help lists its lines", "%w", err)
	}
	defer f.Close()
	s, err := modemsim.ParseScript(f)
	if err != nil {
		return nil, fail("gsmgate-sim modems --help lists the lines of a script", "%s: %w", path, err)
	}
	return s, nil
}

func (c *modemsCmd) each(_ int, m *modemsim.ModemConfig) {
	m.SIM.PIN, m.SIM.Size, m.SIM.SMSC = c.PIN, max(1, c.Storage), c.SMSC
	if c.SMSC == "none" {
		m.SIM.SMSC = ""
	}
}

func (c *modemsCmd) rules() ([]modemsim.Rule, error) {
	var out []modemsim.Rule
	for _, f := range c.Fail {
		number, st, _ := strings.Cut(f, "=")
		v, err := strconv.ParseUint(st, 16, 8)
		if err != nil {
			return nil, fail("such as --fail '+3169*=46'", "--fail %q has no status", f)
		}
		out = append(out, modemsim.Rule{Match: number, ST: byte(v)})
	}
	for _, r := range c.Refuse {
		number, code, _ := strings.Cut(r, "=")
		v, err := strconv.ParseUint(code, 10, 16)
		if err != nil || v == 0 {
			return nil, fail("such as --refuse '+3168*=38'", "--refuse %q has no error code", r)
		}
		out = append(out, modemsim.Rule{Match: number, Refuse: int(v)})
	}
	return out, nil
}

// lines writes whole lines from several goroutines.
type lines struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lines) printf(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	l.mu.Lock()
	defer l.mu.Unlock()
	io.WriteString(l.w, text)
}

func (l *lines) received(number string, r modemsim.Received) {
	n := len(r.Segments)
	plural := "s"
	if n == 1 {
		plural = ""
	}
	l.printf("handset %s got %q from %s in %d segment%s\n", number, r.Text, r.From, n, plural)
}

const commandHelp = `answer NUMBER TEXT      the handset NUMBER answers the SIM that wrote to it last
send NUMBER SIM TEXT    the handset NUMBER sends TEXT to the number of a SIM
inbox NUMBER            what the handset NUMBER has received
transcript MODEM        the last AT lines of a modem
submissions             how many messages the network took, and which came twice
script FILE             lets a script go by from now on; a line of one may be typed, too
fault MODEM FAULT …     MODEM is a number from 0, or all; FAULT is one of:
`

// console is what a person types, and the scripts that go by.
type console struct {
	bank *modemsim.Bank
	out  *lines
	play chan *modemsim.Script
}

// run runs the bank and plays scripts until ctx is done.
func (c *console) run(ctx context.Context, first *modemsim.Script) error {
	var all sync.WaitGroup
	defer all.Wait()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	all.Go(func() {
		for next := first; ; {
			all.Go(func() { c.bank.Play(ctx, next, c.did) })
			select {
			case next = <-c.play:
			case <-ctx.Done():
				return
			}
		}
	})
	return c.bank.Run(ctx)
}

// did tells what a script has done.
func (c *console) did(what string, err error) {
	if err != nil {
		c.out.printf("error: %s: %s\n", what, strings.TrimPrefix(err.Error(), "modemsim: "))
		return
	}
	c.out.printf("script: %s\n", what)
}

func (c *console) read(ctx context.Context, in io.Reader) {
	typed(in, c.out, func(line string) error { return c.command(ctx, line) })
}

// typed does what a person types, line by line; nil: nobody does.
func typed(in io.Reader, out *lines, do func(line string) error) {
	if in == nil {
		return
	}
	scanner := bufio.NewScanner(in)
	scanner.Buffer(nil, 64<<10)
	for scanner.Scan() {
		line := strings.TrimSpace(scanner.Text())
		if line == "" {
			continue
		}
		if err := do(line); err != nil {
			out.printf("error: %s\nhint: type help\n", strings.TrimPrefix(err.Error(), "modemsim: "))
		}
	}
}

func (c *console) command(ctx context.Context, line string) error {
	verb, rest, _ := strings.Cut(line, " ")
	switch verb {
	case "at", "every", "random":
		return c.plays(ctx, func() (*modemsim.Script, error) { return modemsim.ParseScript(strings.NewReader(line)) })
	case "script":
		return c.plays(ctx, func() (*modemsim.Script, error) { return readScript(strings.TrimSpace(rest)) })
	}
	return command(c.bank, line, c.out)
}

func (c *console) plays(ctx context.Context, read func() (*modemsim.Script, error)) error {
	s, err := read()
	if err != nil {
		return err
	}
	select {
	case c.play <- s:
	case <-ctx.Done():
	}
	return nil
}

func command(bank *modemsim.Bank, line string, out *lines) error {
	verb, rest, _ := strings.Cut(line, " ")
	rest = strings.TrimSpace(rest)
	switch verb {
	case "answer":
		return answer(bank, rest)
	case "send":
		number, rest, _ := strings.Cut(rest, " ")
		sim, text, _ := strings.Cut(strings.TrimSpace(rest), " ")
		return bank.Network().Handset(number).Send(sim, text)
	case "inbox":
		for _, r := range bank.Network().Handset(rest).Inbox() {
			out.received(rest, r)
		}
		return nil
	case "transcript":
		ms, err := pick(bank, rest)
		for _, m := range ms {
			out.printf("%s\n", strings.Join(m.Transcript(), "\n"))
		}
		return err
	case "submissions":
		return submissions(bank, out)
	case "fault":
		return fault(bank, rest)
	case "help":
		out.printf("%s  %s\nscript lines:\n  %s\n", commandHelp, strings.Join(modemsim.FaultHelp(), "\n  "), strings.Join(modemsim.ScriptHelp(), "\n  "))
		return nil
	}
	return fmt.Errorf("no command is called %q", verb)
}

// answer sends to the SIM that wrote to the handset last.
func answer(bank *modemsim.Bank, rest string) error {
	number, text, _ := strings.Cut(rest, " ")
	h := bank.Network().Handset(number)
	inbox := h.Inbox()
	if len(inbox) == 0 {
		return fmt.Errorf("nobody has written to %s; send says to which SIM", number)
	}
	return h.Send(inbox[len(inbox)-1].From, strings.TrimSpace(text))
}

func submissions(bank *modemsim.Bank, out *lines) error {
	out.printf("%d segments taken\n", bank.Network().Total())
	for _, c := range bank.Network().Counts() {
		if c.Times > 1 {
			out.printf("%d times to %s: %q (%d of %d)\n", c.Times, c.To, c.Text, c.Seq, c.Total)
		}
	}
	return nil
}

func fault(bank *modemsim.Bank, rest string) error {
	which, rest, _ := strings.Cut(rest, " ")
	ms, err := pick(bank, which)
	if err != nil {
		return err
	}
	for _, m := range ms {
		if err := m.Command(rest); err != nil {
			return err
		}
	}
	return nil
}

// pick finds the modems that a word names.
func pick(bank *modemsim.Bank, which string) ([]*modemsim.Modem, error) {
	var out []*modemsim.Modem
	for i := range bank.Len() {
		if which == "all" || which == strconv.Itoa(i) {
			out = append(out, bank.Modem(i))
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("no modem is called %q", which)
	}
	return out, nil
}
