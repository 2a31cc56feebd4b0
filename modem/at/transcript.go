package at

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Way says what an entry of a transcript is.
type Way byte

// The ways of an entry, as they stand in the file.
const (
	ToModem   Way = '>' // a command line, or a PDU with its Ctrl-Z, or ESC
	FromModem Way = '<' // a line of the modem; ">" is its prompt
	Mark      Way = '=' // neither: the port was opened or closed
)

// Entry is one line of a conversation.
type Entry struct {
	At   time.Duration // since the first entry; milliseconds survive in a file
	Way  Way
	Text string // without line end
}

// Printable gives the text as it stands in a file: one line of printable ASCII.
func (e Entry) Printable() string { return escapeText(e.Text) }

// Field is a line of the header.
type Field struct{ Key, Value string }

// Transcript is a conversation with a modem.
//
// As a file it is lines of ASCII that people can read and edit, and that a simulator can play:
//
//	gsmgate transcript 1
//	modem: huawei E173
//	firmware: 11.126.85.00.209
//	recorded: 2026-11-26T03:20:00Z
//	redacted: yes
//
//	    0.000 = opened
//	    0.081 > AT+CPIN?
//	    0.093 < +CPIN: READY
//	    0.093 < OK
//	    1.204 > AT+CMGS=19
//	    1.215 < >
//	    1.215 > 0031000B910000000000F00000A7050000000000\x1a
//
// The first line tells the format. The header follows, "key: value", up to an empty line; the keys in use are modem, firmware, path,
// imei, recorded (RFC 3339), redacted (yes or no) and note, and others are kept. Then each line has seconds since the first, which
// never go back and may be left out for "at once", the way, one blank, and the text. In a text a backslash is \\, and what is no
// printable ASCII, and a blank at either end, is \xNN. Lines that begin with # are for people; they and empty lines are skipped.
type Transcript struct {
	Header  []Field
	Entries []Entry
}

const transcriptTitle = "gsmgate transcript 1"

// Bounds of a transcript that is parsed.
const (
	maxTranscript = 4 << 20 // octets
	maxFields     = 64
	maxSeconds    = 1_000_000_000
)

// Get returns the value of the first field of that name, or "".
func (t Transcript) Get(key string) string {
	for _, f := range t.Header {
		if f.Key == key {
			return f.Value
		}
	}
	return ""
}

// MarshalText gives the file. Keys and values lose what would not be read back: line ends, and blanks at the ends.
func (t Transcript) MarshalText() ([]byte, error) {
	var b bytes.Buffer
	fmt.Fprintln(&b, transcriptTitle)
	for _, f := range t.Header {
		fmt.Fprintf(&b, "%s: %s\n", headerWord(strings.ReplaceAll(f.Key, ":", "")), headerWord(f.Value))
	}
	fmt.Fprintln(&b)
	for _, e := range t.Entries {
		ms := e.At.Milliseconds()
		fmt.Fprintf(&b, "%5d.%03d %c %s\n", ms/1000, ms%1000, e.Way, escapeText(e.Text))
	}
	return b.Bytes(), nil
}

// headerWord makes one line of printable ASCII.
func headerWord(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return ' '
		}
		return r
	}, s))
}

// escapeText makes one line of printable ASCII, with nothing at its ends that an editor would take off.
func escapeText(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '\\':
			b.WriteString(`\\`)
		case c < ' ' || c > '~' || c == ' ' && (i == 0 || i == len(s)-1):
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

func unescapeText(s string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			b.WriteByte(s[i])
			continue
		}
		rest := s[i+1:]
		switch {
		case strings.HasPrefix(rest, `\`):
			b.WriteByte('\\')
			i++
		case strings.HasPrefix(rest, "x") && len(rest) >= 3:
			c, err := strconv.ParseUint(rest[1:3], 16, 8)
			if err != nil {
				return "", fmt.Errorf(`%q is not \xNN`, `\`+rest[:3])
			}
			b.WriteByte(byte(c))
			i += 3
		default:
			return "", fmt.Errorf(`a backslash is followed by another or by xNN`)
		}
	}
	return b.String(), nil
}

// UnmarshalText reads the file. Errors name the line, counted from 1.
func (t *Transcript) UnmarshalText(file []byte) error {
	if len(file) > maxTranscript {
		return fmt.Errorf("transcript: %d octets, more than %d", len(file), maxTranscript)
	}
	var out Transcript
	header := true
	for n, line := range strings.Split(string(file), "\n") {
		line = strings.TrimRight(line, "\r")
		var err error
		switch blank := strings.TrimSpace(line) == ""; {
		case n == 0 && line != transcriptTitle:
			err = fmt.Errorf("the file does not begin with %q", transcriptTitle)
		case n == 0 || strings.HasPrefix(line, "#"):
		case blank:
			header = false
		case header:
			err = out.field(line)
		default:
			err = out.entry(line)
		}
		if err != nil {
			return fmt.Errorf("transcript, line %d: %w", n+1, err)
		}
	}
	*t = out
	return nil
}

// field reads a line of the header.
func (t *Transcript) field(line string) error {
	key, value, ok := strings.Cut(line, ":")
	key, value = headerWord(key), headerWord(value)
	switch {
	case !ok || key == "" || key[0] == '#':
		return fmt.Errorf("a line of the header is %q; an empty line ends it", "key: value")
	case len(t.Header) == maxFields:
		return fmt.Errorf("more than %d lines of header", maxFields)
	}
	t.Header = append(t.Header, Field{key, value})
	return nil
}

// entry reads a line of the conversation.
func (t *Transcript) entry(line string) error {
	e, line := Entry{}, strings.TrimLeft(line, " \t")
	if n := len(t.Entries); n > 0 {
		e.At = t.Entries[n-1].At
	}
	if number := line[:len(line)-len(strings.TrimLeft(line, "0123456789."))]; number != "" {
		at, err := parseSeconds(number)
		if err != nil {
			return err
		}
		if at < e.At {
			return fmt.Errorf("time goes back to %s", number)
		}
		e.At, line = at, strings.TrimLeft(line[len(number):], " \t")
	}
	if line == "" || !strings.ContainsRune("><=", rune(line[0])) {
		return fmt.Errorf("neither >, < nor = after the time")
	}
	e.Way = Way(line[0])
	text, spaced := strings.CutPrefix(line[1:], " ")
	if !spaced && text != "" {
		return fmt.Errorf("no blank after %c", e.Way)
	}
	var err error
	if e.Text, err = unescapeText(strings.TrimRight(text, " \t")); err != nil {
		return err
	}
	t.Entries = append(t.Entries, e)
	return nil
}

// parseSeconds reads "12", "12.3" or "12.345".
func parseSeconds(s string) (time.Duration, error) {
	whole, part, dotted := strings.Cut(s, ".")
	seconds, err := strconv.ParseUint(whole, 10, 32)
	if err != nil || seconds > maxSeconds || dotted && part == "" || len(part) > 3 {
		return 0, fmt.Errorf("%q is not a time in seconds, with at most three decimals", s)
	}
	ms, err := strconv.ParseUint((part + "000")[:3], 10, 16)
	if err != nil {
		return 0, fmt.Errorf("%q is not a time in seconds, with at most three decimals", s)
	}
	return time.Duration(seconds)*time.Second + time.Duration(ms)*time.Millisecond, nil
}
