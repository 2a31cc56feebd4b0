package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
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
	Show        bool          `help:"Show what handsets receive."`
}

// Run serves until ctx is done.
func (c *modemsCmd) Run(ctx context.Context, s streams) error {
	rules, err := c.rules()
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
	go readCommands(bank, s.in, out) // ends with its input, at the latest with the process
	return bank.Run(ctx)
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
fault MODEM FAULT …     MODEM is a number from 0, or all; FAULT is one of:
`

// readCommands does what a person types.
func readCommands(bank *modemsim.Bank, in io.Reader, out *lines) {
	scanner := bufio.NewScanner(in)
	scanner.Buffer(nil, 64<<10)
	for scanner.Scan() {
		line := strings.TrimSpace(scanner.Text())
		if line == "" {
			continue
		}
		if err := command(bank, line, out); err != nil {
			out.printf("error: %s\nhint: type help\n", strings.TrimPrefix(err.Error(), "modemsim: "))
		}
	}
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
		out.printf("%s  %s\n", commandHelp, strings.Join(modemsim.FaultHelp(), "\n  "))
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
