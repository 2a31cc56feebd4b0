package at

import (
	"strconv"
	"strings"
)

// Params returns what follows the name of a line: "0,1" of "+CREG: 0,1", and the whole line when it has no name.
func Params(line string) string {
	if name := nameOf(line); name != "" {
		return strings.TrimSpace(line[len(name)+1:])
	}
	return line
}

// Fields splits the parameters of a line at its commas, those inside quotes and brackets excepted, and takes the quotes off. At most 32
// fields come back.                                                                                                    [V.250 5.4.2]
func Fields(s string) []string {
	var out []string
	depth, quoted, from := 0, false, 0
	for i := 0; i < len(s) && len(out) < 31; i++ {
		switch c := s[i]; {
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == ',' && depth <= 0:
			out = append(out, unquote(s[from:i]))
			from = i + 1
		}
	}
	return append(out, unquote(s[from:]))
}

func unquote(s string) string {
	s = strings.TrimSpace(s)
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		return s[1 : len(s)-1]
	}
	return s
}

// InRange tells whether a set of values as a test command shows it, "(0-2)", "(0,1,3)" or "2", holds v.      [V.250 5.7.3.1]
func InRange(set string, v int) bool {
	for _, part := range strings.Split(strings.Trim(set, "() "), ",") {
		lo, hi, ranged := strings.Cut(strings.TrimSpace(part), "-")
		a, err := strconv.Atoi(lo)
		if err != nil {
			continue
		}
		b := a
		if ranged {
			if b, err = strconv.Atoi(hi); err != nil {
				continue
			}
		}
		if a <= v && v <= b {
			return true
		}
	}
	return false
}

// nameOf returns the name that opens a line, "+CREG" of "+CREG: 1", or "". Names begin with a sign and hold letters and digits.
func nameOf(line string) string {
	if line == "" || !strings.ContainsRune("+^*#%$&@_!", rune(line[0])) {
		return ""
	}
	for i := 1; i < len(line); i++ {
		switch c := line[i]; {
		case c == ':':
			return line[:i]
		case c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == ' ', c == '_':
		default:
			return ""
		}
	}
	return ""
}

// isHex tells whether a line can be a PDU: hexadecimal octets and nothing else.
func isHex(line string) bool {
	if len(line) < 2 || len(line)%2 != 0 {
		return false
	}
	for i := 0; i < len(line); i++ {
		c := line[i] | 0x20
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
