package modemsim

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Fault is something that a line makes go wrong with a modem.
type Fault struct {
	text string
	do   func(m *Modem) error
}

// String is the line.
func (f Fault) String() string { return f.text }

// Do makes it go wrong.
func (f Fault) Do(m *Modem) error { return f.do(m) }

// ParseFault reads a line such as "hang 60s" or "fail 3 38"; FaultHelp lists them.
func ParseFault(line string) (Fault, error) {
	words := strings.Fields(line)
	if len(words) == 0 {
		return Fault{}, fmt.Errorf("no fault named")
	}
	all := faultCommands()
	i := slices.IndexFunc(all, func(f faultCommand) bool { return f.name() == words[0] })
	if i < 0 {
		return Fault{}, fmt.Errorf("no fault is called %q", words[0])
	}
	a := &faultArgs{words: words[1:]}
	do := all[i].read(a)
	if a.err == nil && len(a.words) > 0 {
		a.err = fmt.Errorf("%q is too much: %s", strings.Join(a.words, " "), all[i].usage)
	}
	return Fault{strings.Join(words, " "), do}, a.err
}

// Command injects a fault by a line.
func (m *Modem) Command(line string) error {
	f, err := ParseFault(line)
	if err != nil {
		return err
	}
	return f.Do(m)
}

// FaultHelp has a line for each fault that ParseFault knows.
func FaultHelp() []string {
	var out []string
	for _, f := range faultCommands() {
		out = append(out, fmt.Sprintf("%-28s %s", f.usage, f.help))
	}
	return out
}

// action is what a fault does.
type action func(m *Modem) error

// faultCommand is a fault that a person can name. read takes its words off and returns what it does.
type faultCommand struct {
	usage, help string
	read        func(a *faultArgs) action
}

func (f faultCommand) name() string {
	name, _, _ := strings.Cut(f.usage, " ")
	return name
}

// Each of these makes a reader of the words that a method takes.

func plain(do func(*Modem)) func(*faultArgs) action {
	return func(*faultArgs) action { return func(m *Modem) error { do(m); return nil } }
}

func counted(do func(*Modem, int), otherwise int) func(*faultArgs) action {
	return func(a *faultArgs) action {
		n := a.number(otherwise)
		return func(m *Modem) error { do(m, n); return nil }
	}
}

func lasting(do func(*Modem, time.Duration), otherwise string) func(*faultArgs) action {
	return func(a *faultArgs) action {
		d := a.duration(otherwise)
		return func(m *Modem) error { do(m, d); return nil }
	}
}

func switched(do func(*Modem, bool)) func(*faultArgs) action {
	return func(a *faultArgs) action {
		on := a.onOff()
		return func(m *Modem) error { do(m, on); return nil }
	}
}

func coded(do func(*Modem, int, int), otherwise int) func(*faultArgs) action {
	return func(a *faultArgs) action {
		n, code := a.number(1), a.number(otherwise)
		return func(m *Modem) error { do(m, n, code); return nil }
	}
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

func (a *faultArgs) rest() []string {
	rest := a.words
	a.words = nil
	return rest
}

func (a *faultArgs) wrong(format string, args ...any) {
	if a.err == nil {
		a.err = fmt.Errorf(format, args...)
	}
}

// most bounds a number in a fault.
const most = 1_000_000

func (a *faultArgs) number(otherwise int) int {
	w := a.next(strconv.Itoa(otherwise))
	n, err := strconv.Atoi(w)
	if err != nil || n < 0 || n > most {
		a.wrong("%q is not a number from 0 to %d", w, most)
	}
	return n
}

func (a *faultArgs) duration(otherwise string) time.Duration {
	d := a.offset(otherwise)
	if d < 0 {
		a.wrong("%v is less than nothing", d)
	}
	return d
}

// offset is a time that may be negative.
func (a *faultArgs) offset(otherwise string) time.Duration {
	w := a.next(otherwise)
	d, err := parseTime(w)
	if err != nil {
		a.wrong("%v", err)
	}
	return d
}

// parseTime reads "30s", "1h30m" or, besides Go's units, "2d".
func parseTime(w string) (time.Duration, error) {
	text, days := w, time.Duration(0)
	if before, after, found := strings.Cut(w, "d"); found {
		n, err := strconv.Atoi(before)
		if err != nil || n < 0 || n > 1000 {
			return 0, fmt.Errorf("%q is not a time such as 30s", w)
		}
		days, text = time.Duration(n)*24*time.Hour, after
		if text == "" {
			return days, nil
		}
	}
	d, err := time.ParseDuration(text)
	if err != nil || d > 1000*24*time.Hour || d < -1000*24*time.Hour {
		return 0, fmt.Errorf("%q is not a time such as 30s", w)
	}
	return days + d, nil
}

func (a *faultArgs) onOff() bool { return a.flag("on", "off", "on") }

// flag is whether the next word is yes.
func (a *faultArgs) flag(yes, no, otherwise string) bool {
	w := a.next(otherwise)
	if w != yes && w != no {
		a.wrong("%q is neither %s nor %s", w, yes, no)
	}
	return w == yes
}
