package modemsim

import (
	"errors"
	"strings"
)

// operation is what a command line asks a command to do [V.250 5.4].
type operation int

const (
	opExec operation = iota // AT+X
	opSet                   // AT+X=…
	opRead                  // AT+X?
	opTest                  // AT+X=?
)

// command is one command of a line.
type command struct {
	name string // upper case: "+CSQ", "E", "&F", "S3", "D"
	op   operation
	args string // what is behind '=', or the number behind a basic command, or the dial string
}

var errCommand = errors.New("modemsim: not a command line")

// maxCommands bounds a line.
const maxCommands = 64

// parseLine takes apart what is behind AT in a command line [V.250 5.2.1, 5.3, 5.4].
func parseLine(line string) ([]command, error) {
	var out []command
	for rest := strings.TrimLeft(line, " ;"); rest != ""; rest = strings.TrimLeft(rest, " ;") {
		if len(out) == maxCommands {
			return nil, errCommand
		}
		var c command
		var err error
		if strings.IndexByte("+^*$#!%\\", rest[0]) >= 0 {
			c, rest, err = parseExtended(rest)
		} else {
			c, rest, err = parseBasic(rest)
		}
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

func parseExtended(s string) (c command, rest string, err error) {
	end := 1
	for end < len(s) && isNameChar(s[end]) {
		end++
	}
	if end == 1 {
		return c, "", errCommand
	}
	c.name = strings.ToUpper(s[:end])
	args, rest := cutUnquoted(s[end:])
	args = strings.TrimSpace(args)
	switch {
	case args == "":
		c.op = opExec
	case args == "?":
		c.op = opRead
	case args == "=?":
		c.op = opTest
	case args[0] == '=':
		c.op, c.args = opSet, strings.TrimSpace(args[1:])
	default:
		return c, "", errCommand
	}
	return c, rest, nil
}

func isNameChar(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || strings.IndexByte("!%-./:_", b) >= 0
}

// cutUnquoted cuts at the first semicolon outside quotes.
func cutUnquoted(s string) (before, after string) {
	quoted := false
	for i := range len(s) {
		switch {
		case s[i] == '"':
			quoted = !quoted
		case s[i] == ';' && !quoted:
			return s[:i], s[i+1:]
		}
	}
	return s, ""
}

func parseBasic(s string) (c command, rest string, err error) {
	n := 1
	if s[0] == '&' {
		n = 2
	}
	if len(s) < n || !isLetter(s[n-1]) {
		return c, "", errCommand
	}
	c.name, rest = strings.ToUpper(s[:n]), s[n:]
	switch c.name {
	case "D": // takes the rest of the line; a semicolon at its end means voice
		c.args, c.op = strings.TrimSpace(rest), opSet
		return c, "", nil
	case "S":
		return parseRegister(rest)
	}
	digits := leadingDigits(rest)
	c.args, rest = digits, rest[len(digits):]
	if strings.HasPrefix(rest, "?") {
		c.op, rest = opRead, rest[1:]
	}
	return c, rest, nil
}

func parseRegister(s string) (c command, rest string, err error) {
	number := leadingDigits(s)
	c.name, rest = "S"+number, s[len(number):]
	switch {
	case number == "":
		return c, "", errCommand
	case strings.HasPrefix(rest, "=?"):
		c.op, rest = opTest, rest[2:]
	case strings.HasPrefix(rest, "="):
		c.op, c.args = opSet, leadingDigits(rest[1:])
		rest = rest[1+len(c.args):]
	case strings.HasPrefix(rest, "?"):
		c.op, rest = opRead, rest[1:]
	}
	return c, rest, nil
}

func isLetter(b byte) bool { return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' }

func leadingDigits(s string) string {
	return s[:len(s)-len(strings.TrimLeft(s, "0123456789"))]
}

// argument is one parameter; given is false for an empty place between commas.
type argument struct {
	text   string
	given  bool
	quoted bool
}

// arguments takes parameters apart at commas outside quotes.
func arguments(s string) []argument {
	if s == "" {
		return nil
	}
	var out []argument
	for more := true; more; {
		var a argument
		quoted, i := false, 0
		for i < len(s) && (quoted || s[i] != ',') {
			if s[i] == '"' {
				quoted = !quoted
			}
			i++
		}
		a.text = strings.TrimSpace(s[:i])
		more = i < len(s)
		if more {
			s = s[i+1:]
		}
		a.given = a.text != ""
		if len(a.text) >= 2 && a.text[0] == '"' && a.text[len(a.text)-1] == '"' {
			a.text, a.quoted = a.text[1:len(a.text)-1], true
		}
		out = append(out, a)
	}
	return out
}

// number gives argument i as a number; without it, otherwise; ok is false when it is none.
func number(args []argument, i, otherwise int) (n int, ok bool) {
	if i >= len(args) || !args[i].given {
		return otherwise, true
	}
	if len(args[i].text) > 9 || leadingDigits(args[i].text) != args[i].text || args[i].text == "" {
		return 0, false
	}
	for _, d := range args[i].text {
		n = n*10 + int(d-'0')
	}
	return n, true
}

// text gives argument i, or otherwise.
func text(args []argument, i int, otherwise string) string {
	if i >= len(args) || !args[i].given {
		return otherwise
	}
	return args[i].text
}
