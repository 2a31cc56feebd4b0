package modemsim

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// faultCommand is a fault that a person can name.
type faultCommand struct {
	name, usage string
	run         func(m *Modem, a *faultArgs) error
}

// faultArgs takes words off a line and remembers the first that was wrong.
type faultArgs struct {
	words []string
	err   error
}

func (a *faultArgs) next(otherwise string) string {
	if len(a.words) == 0 {
		return otherwise
	}
	w := a.words[0]
	a.words = a.words[1:]
	return w
}

func (a *faultArgs) number(otherwise int) int {
	w := a.next(strconv.Itoa(otherwise))
	n, err := strconv.Atoi(w)
	if err != nil || n < 0 {
		a.err = fmt.Errorf("%q is not a number", w)
	}
	return n
}

func (a *faultArgs) duration(otherwise string) time.Duration {
	w := a.next(otherwise)
	d, err := time.ParseDuration(w)
	if err != nil || d < 0 {
		a.err = fmt.Errorf("%q is not a time such as 30s", w)
	}
	return d
}

func (a *faultArgs) onOff() bool {
	w := a.next("on")
	if w != "on" && w != "off" {
		a.err = fmt.Errorf("%q is neither on nor off", w)
	}
	return w == "on"
}

func do(f func()) error { f(); return nil }

// faultCommands are all faults by name.
func faultCommands() []faultCommand {
	return []faultCommand{
		{"hang", "hang [TIME]", func(m *Modem, a *faultArgs) error { d := a.duration("0s"); return a.then(func() { m.Hang(d) }) }},
		{"fail", "fail N CMS", func(m *Modem, a *faultArgs) error {
			n, code := a.number(1), a.number(500)
			return a.then(func() { m.FailSends(n, code) })
		}},
		{"failcme", "failcme N CME", func(m *Modem, a *faultArgs) error {
			n, code := a.number(1), a.number(cmeUnknown)
			return a.then(func() { m.FailSendsCME(n, code) })
		}},
		{"lose-answer", "lose-answer [N]", func(m *Modem, a *faultArgs) error { n := a.number(1); return a.then(func() { m.LoseAnswers(n) }) }},
		{"late", "late N TIME [busy]", func(m *Modem, a *faultArgs) error {
			n, d, busy := a.number(1), a.duration("30s"), a.next("") == "busy"
			return a.then(func() { m.LateAnswers(n, d, busy) })
		}},
		{"lose-prompt", "lose-prompt [N]", func(m *Modem, a *faultArgs) error { n := a.number(1); return a.then(func() { m.LosePrompts(n) }) }},
		{"report-first", "report-first [N]", func(m *Modem, a *faultArgs) error { n := a.number(1); return a.then(func() { m.ReportsFirst(n) }) }},
		{"urc-inside", "urc-inside [N]", func(m *Modem, a *faultArgs) error { n := a.number(1); return a.then(func() { m.URCInsideAnswers(n) }) }},
		{"cr-only", "cr-only [on|off]", func(m *Modem, a *faultArgs) error { on := a.onOff(); return a.then(func() { m.CROnly(on) }) }},
		{"bare-prompt", "bare-prompt [on|off]", func(m *Modem, a *faultArgs) error {
			on := a.onOff()
			return a.then(func() { m.PromptWithoutSpace(on) })
		}},
		{"garbage", "garbage [N]", func(m *Modem, a *faultArgs) error { n := a.number(100); return a.then(func() { m.Garbage(n) }) }},
		{"urc", "urc LINE", func(m *Modem, a *faultArgs) error { m.URC(strings.Join(a.words, " ")); return nil }},
		{"reboot", "reboot [TIME]", func(m *Modem, a *faultArgs) error { d := a.duration("10s"); return a.then(func() { m.Reboot(d) }) }},
		{"unplug", "unplug", func(m *Modem, _ *faultArgs) error { return do(m.Unplug) }},
		{"replug", "replug", func(m *Modem, _ *faultArgs) error { return m.Replug() }},
		{"no-network", "no-network [TIME]", func(m *Modem, a *faultArgs) error {
			d := a.duration("0s")
			return a.then(func() { m.LoseNetwork(d) })
		}},
		{"fill", "fill SM|ME [FREE]", func(m *Modem, a *faultArgs) error {
			mem, leave := strings.ToUpper(a.next("SM")), a.number(0)
			return a.then(func() { m.FillStorage(mem, leave) })
		}},
		{"pin", "pin PIN [TRIES]", func(m *Modem, a *faultArgs) error {
			pin, tries := a.next("1234"), a.number(pinTries)
			return a.then(func() { m.AskPIN(pin, tries) })
		}},
		{"ring", "ring NUMBER [TIMES]", func(m *Modem, a *faultArgs) error {
			from, n := a.next("+31600000000"), a.number(3)
			return a.then(func() { m.Ring(from, n) })
		}},
		{"latency", "latency TIME", func(m *Modem, a *faultArgs) error { d := a.duration("50ms"); return a.then(func() { m.SetLatency(d) }) }},
		{"signal", "signal RSSI", func(m *Modem, a *faultArgs) error { n := a.number(20); return a.then(func() { m.SetSignal(n) }) }},
		{"clear", "clear", func(m *Modem, _ *faultArgs) error { return do(m.Clear) }},
	}
}

// then does it if all words were right.
func (a *faultArgs) then(f func()) error {
	if a.err != nil {
		return a.err
	}
	f()
	return nil
}

// Command injects a fault by a line such as "hang 60s" or "fail 3 38"; FaultHelp lists them.
func (m *Modem) Command(line string) error {
	words := strings.Fields(line)
	if len(words) == 0 {
		return fmt.Errorf("no fault named")
	}
	for _, f := range faultCommands() {
		if f.name == words[0] {
			return f.run(m, &faultArgs{words: words[1:]})
		}
	}
	return fmt.Errorf("no fault is called %q", words[0])
}

// FaultHelp has a line for each fault that Modem.Command knows.
func FaultHelp() []string {
	var out []string
	for _, f := range faultCommands() {
		out = append(out, f.usage)
	}
	return out
}
