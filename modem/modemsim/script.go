package modemsim

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

// Bounds of a script.
const (
	maxScriptLines = 10_000
	maxScriptLine  = 4096
)

// Script is a time-line of what goes wrong; ScriptHelp describes its lines.
type Script struct {
	seed    uint64
	entries []scriptEntry
}

// scriptEntry is one line.
type scriptEntry struct {
	line        int
	low, high   time.Duration // when: at some time between, or again and again with a pause between
	repeats     bool
	from, until time.Duration // of one that repeats; until 0: for ever
	act         []scriptAct   // one of them, at random
}

// scriptAct is what a line does.
type scriptAct struct {
	text string
	do   func(b *Bank, r *rand.Rand) (what string, err error)
}

// ScriptHelp describes the lines of a script.
func ScriptHelp() []string {
	return []string{
		"at TIME WHAT                       once; TIME is 90s, 1h30m, 2d, or A..B for some time between",
		"every TIME [from T] [until T] WHAT again and again; A..B for pauses of a random length",
		"random seed N                      other times and choices; the same seed gives the same ones",
		"# …                                a comment",
		"WHAT is modem WHICH FAULT, or handset NUMBER sends WHICH TEXT; several parted by | : one of them, at random; modem WHICH need not be said again",
		"WHICH is a number from 0, a list such as 0,3-5, all, or any",
	}
}

// ParseScript reads a script. An error tells the line.
func ParseScript(in io.Reader) (*Script, error) {
	s := &Script{seed: 1}
	scanner := bufio.NewScanner(in)
	scanner.Buffer(make([]byte, maxScriptLine), maxScriptLine)
	n := 0
	for scanner.Scan() {
		if n++; n > maxScriptLines {
			return nil, fmt.Errorf("line %d: a script has %d lines at most", n, maxScriptLines)
		}
		if err := s.add(n, strings.TrimSpace(scanner.Text())); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
	}
	if err := scanner.Err(); err != nil {
		return nil, fmt.Errorf("line %d: %w", n+1, err)
	}
	return s, nil
}

func (s *Script) add(number int, line string) (err error) {
	words := strings.Fields(line)
	if len(words) == 0 || strings.HasPrefix(words[0], "#") {
		return nil
	}
	e := scriptEntry{line: number}
	switch words[0] {
	case "random":
		return s.random(words[1:])
	case "at", "every":
		e.repeats = words[0] == "every"
	default:
		return fmt.Errorf("%q is none of at, every, random", words[0])
	}
	rest := line
	if e.low, e.high, err = between(word(&rest, 2)); err != nil {
		return err
	}
	if e.repeats {
		if e.high <= 0 {
			return fmt.Errorf("every %v would never pause", e.high)
		}
		if err := e.bounds(&rest); err != nil {
			return err
		}
	}
	modem := ""
	for choice := range strings.SplitSeq(rest, "|") {
		choice = strings.TrimSpace(choice)
		if words := strings.Fields(choice); len(words) > 1 && words[0] == "modem" {
			modem = "modem " + words[1] + " "
		} else if modem != "" && len(words) > 0 && words[0] != "handset" { // the same modems
			choice = modem + choice
		}
		act, err := parseAct(choice)
		if err != nil {
			return err
		}
		e.act = append(e.act, act)
	}
	s.entries = append(s.entries, e)
	return nil
}

// word takes n words off a line and gives the last of them.
func word(line *string, n int) (w string) {
	for range n {
		w, *line, _ = strings.Cut(strings.TrimLeft(*line, " \t"), " ")
	}
	*line = strings.TrimLeft(*line, " \t")
	return strings.TrimSpace(w)
}

func (s *Script) random(words []string) error {
	if len(words) != 2 || words[0] != "seed" {
		return fmt.Errorf("want random seed N")
	}
	n, err := strconv.ParseUint(words[1], 10, 64)
	if err != nil {
		return fmt.Errorf("%q is not a seed", words[1])
	}
	s.seed = n
	return nil
}

// between reads a time, or two with dots between them.
func between(w string) (low, high time.Duration, err error) {
	first, second, isRange := strings.Cut(w, "..")
	if low, err = parseTime(first); err != nil {
		return 0, 0, err
	}
	if high = low; isRange {
		if high, err = parseTime(second); err != nil {
			return 0, 0, err
		}
	}
	if low < 0 || high < low {
		return 0, 0, fmt.Errorf("%q is not a time, or two in their order", w)
	}
	return low, high, nil
}

// bounds takes "from T" and "until T" off a line.
func (e *scriptEntry) bounds(rest *string) (err error) {
	for {
		var to *time.Duration
		switch {
		case strings.HasPrefix(*rest, "from "):
			to = &e.from
		case strings.HasPrefix(*rest, "until "):
			to = &e.until
		default:
			return nil
		}
		if *to, err = parseTime(word(rest, 2)); err != nil {
			return err
		}
		if *to < 0 {
			return fmt.Errorf("%v is before the beginning", *to)
		}
	}
}

func parseAct(text string) (scriptAct, error) {
	rest := text
	switch subject := word(&rest, 1); subject {
	case "modem":
		which, err := parseWhich(word(&rest, 1))
		if err != nil {
			return scriptAct{}, err
		}
		f, err := ParseFault(rest)
		return scriptAct{text, func(b *Bank, r *rand.Rand) (string, error) { return which.each(b, r, f.String(), f.Do) }}, err
	case "handset":
		return parseSends(text, rest)
	default:
		return scriptAct{}, fmt.Errorf("%q is neither modem nor handset", subject)
	}
}

func parseSends(text, rest string) (scriptAct, error) {
	number, verb := word(&rest, 1), word(&rest, 1)
	which, err := parseWhich(word(&rest, 1))
	switch {
	case verb != "sends" || rest == "":
		return scriptAct{}, fmt.Errorf("want handset NUMBER sends WHICH TEXT")
	case err != nil:
		return scriptAct{}, err
	}
	return scriptAct{text, func(b *Bank, r *rand.Rand) (string, error) {
		return which.each(b, r, number+" sends", func(m *Modem) error { return b.network.Handset(number).Send(m.Number(), rest) })
	}}, nil
}

// which says which modems a line is about.
type which struct {
	all, any bool
	list     [][2]int
}

func parseWhich(w string) (which, error) {
	switch w {
	case "all":
		return which{all: true}, nil
	case "any":
		return which{any: true}, nil
	}
	var out which
	for item := range strings.SplitSeq(w, ",") {
		first, last, isRange := strings.Cut(item, "-")
		low, err := strconv.Atoi(first)
		high := low
		if isRange && err == nil {
			high, err = strconv.Atoi(last)
		}
		if err != nil || low < 0 || high < low || high >= maxModems {
			return which{}, fmt.Errorf("no modem is called %q", w)
		}
		out.list = append(out.list, [2]int{low, high})
	}
	return out, nil
}

// of gives the modems that are meant; any draws one.
func (w which) of(b *Bank, r *rand.Rand) (out []*Modem) {
	if w.any {
		return []*Modem{b.modems[r.IntN(len(b.modems))]}
	}
	for i, m := range b.modems {
		in := w.all
		for _, span := range w.list {
			in = in || span[0] <= i && i <= span[1]
		}
		if in {
			out = append(out, m)
		}
	}
	return out
}

func (w which) each(b *Bank, r *rand.Rand, text string, do func(*Modem) error) (what string, err error) {
	modems := w.of(b, r)
	if len(modems) == 0 {
		return "", fmt.Errorf("no such modem in a bank of %d", len(b.modems))
	}
	for _, m := range modems {
		what += strconv.Itoa(m.index) + " "
		if e := do(m); e != nil && err == nil {
			err = e
		}
	}
	return "modem " + what + text, err
}
