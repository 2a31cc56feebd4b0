package at

import "strings"

// maxLine bounds a line of a modem, in octets. The longest that mean something are USSD answers in UCS-2, some 800; a line beyond the
// bound is dropped whole.
const maxLine = 4096

// keepLine is the size of line buffer that is kept between lines: a PDU of 176 octets in hex fits.
const keepLine = 512

type tokenKind uint8

const (
	tokenNone tokenKind = iota
	tokenLine
	tokenPrompt
)

// scanner cuts a modem's octets into lines. Lines end with CR, LF, or any row of them [V.250 5.7.1]; empty lines are no lines. Only
// touched by the reader.
type scanner struct {
	buf      []byte
	skip     bool // the line is overlong: wait for its end
	raw      bool // the line goes on with a text, which may open with any octet
	overlong int  // lines dropped for their length
}

// feed takes one octet and says what it completed. With prompt set, a ">" that opens a line is a token by itself, for no line end
// follows it.
func (s *scanner) feed(b byte, prompt bool) (tokenKind, string) {
	switch {
	case b == '\r' || b == '\n':
		return s.end()
	case s.skip:
	case b == '>' && prompt && len(s.buf) == 0:
		return tokenPrompt, ""
	case len(s.buf) == 0 && !s.raw && (b <= ' ' || b >= 0x7F): // noise before a line, and the space after a prompt
	case (b < ' ' || b == 0x7F) && !s.keeps(): // echoed Ctrl-Z and ESC, NUL of a waking UART
	case len(s.buf) == maxLine:
		s.skip = true
		s.overlong++
	default:
		s.buf = append(s.buf, b)
	}
	return tokenNone, ""
}

// keeps tells whether control characters belong to the line: in the text of a +CUSD they may be letters of the GSM alphabet, which begins
// at 0, or packed septets.                                                                                             [27.007 7.15]
func (s *scanner) keeps() bool {
	return s.raw || len(s.buf) > len(ussdName) && hasPrefixFold(string(s.buf[:len(ussdName)]), ussdName)
}

const ussdName = "+CUSD:"

// end closes the line. A prompt that nobody waited for sticks to the head of the next line; no line of a modem opens with ">".
func (s *scanner) end() (tokenKind, string) {
	line := strings.Trim(strings.TrimLeft(string(s.buf), "> "), " ")
	if s.skip {
		line = ""
	}
	s.skip = false
	s.buf = s.buf[:0]
	if cap(s.buf) > keepLine {
		s.buf = nil
	}
	if line == "" {
		return tokenNone, ""
	}
	return tokenLine, line
}
