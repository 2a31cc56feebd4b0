package at

import (
	"strconv"
	"strings"
)

// Prefix accepts the lines that begin with one of the names, colon included: Prefix("+CSQ:").
func Prefix(names ...string) func(string) bool {
	return func(line string) bool {
		for _, name := range names {
			if hasPrefixFold(line, name) {
				return true
			}
		}
		return false
	}
}

// RegistrationAnswer accepts the answer of AT+CREG?, AT+CGREG? or AT+CEREG? and not the URC of the same name. The answer has the mode
// before the state, "+CREG: 2,1,…", the URC has the state alone, followed by a quoted area if by anything: "+CREG: 1,\"00C3\",…". Some put
// quotes around the state, too: behind mode 2 with an area, and without one in any mode.
//
//	[27.007 7.2, 10.1.20, 10.1.22]
func RegistrationAnswer(name string) func(string) bool {
	return func(line string) bool {
		if !hasPrefixFold(line, name+":") {
			return false
		}
		mode, second, ok := strings.Cut(Params(line), ",")
		if !ok {
			return false
		}
		state, _, area := strings.Cut(second, ",")
		state = strings.TrimSpace(state)
		if bare := unquote(state); bare != state && (!area || strings.Trim(mode, `" `) == "2") {
			state = bare
		}
		n, err := strconv.Atoi(state)
		return err == nil && n >= 0 && n <= 11 && len(state) <= 2
	}
}

// Digits accepts a line that holds a number of min to max digits, bare or after one of the names, quoted or not: IMEI, IMSI, ICCID.
func Digits(min, max int, names ...string) func(string) bool {
	return func(line string) bool {
		return len(DigitsOf(line, names...)) >= min && len(DigitsOf(line, names...)) <= max
	}
}

// DigitsOf returns the number that [Digits] accepts, or "". The filler F at the end of an ICCID is cut off.
func DigitsOf(line string, names ...string) string {
	for _, name := range names {
		if hasPrefixFold(line, name) {
			line = line[len(name):]
			break
		}
	}
	s := strings.TrimRight(unquote(strings.TrimSpace(line)), "Ff")
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return ""
	}
	return s
}

// ICCID accepts a line that holds the number of a card, bare or after one of the names, quoted or not.
func ICCID(names ...string) func(string) bool {
	return func(line string) bool { return ICCIDOf(line, names...) != "" }
}

// ICCIDOf returns the number that [ICCID] accepts, or "": 18 to 20 digits, among which some issuers have put A to F. Modems that show
// the octets of the card as they lie there have the halves of each swapped: every ICCID begins with 89, so 98 tells.                      [31.101 13.2]
func ICCIDOf(line string, names ...string) string {
	for _, name := range names {
		if hasPrefixFold(line, name) {
			line = line[len(name):]
			break
		}
	}
	s := strings.ToUpper(unquote(strings.TrimSpace(line)))
	if strings.HasPrefix(s, "98") && len(s)%2 == 0 {
		s = swapped(s)
	}
	s = strings.TrimRight(s, "F")
	if len(s) < 18 || len(s) > 20 || s[0] < '0' || s[0] > '9' || strings.Trim(s, "0123456789ABCDEF") != "" {
		return ""
	}
	return s
}

// swapped exchanges the two digits of each pair.
func swapped(s string) string {
	b := []byte(s)
	for i := 0; i+1 < len(b); i += 2 {
		b[i], b[i+1] = b[i+1], b[i]
	}
	return string(b)
}

// Words accepts a line of free words, as the identification commands answer: not a known URC, not another line with a name of its own.
func Words(names ...string) func(string) bool {
	own := Prefix(names...)
	return func(line string) bool {
		if own(line) {
			return true
		}
		kind, _ := kindOf(line)
		return kind == KindNone && nameOf(line) == "" && !hasPrefixFold(line, "AT+") && !waking(line)
	}
}

// waking knows the words that modems say by themselves while they start and after calls.
func waking(line string) bool {
	switch strings.ToUpper(line) {
	case "NORMAL POWER DOWN", "NO CARRIER", "BUSY", "NO ANSWER":
		return true
	}
	return starting(line)
}

// starting knows those that they say when they have started, SIMCom's and Quectel's above all.
func starting(line string) bool {
	switch strings.TrimPrefix(strings.ToUpper(line), "+QIND: ") {
	case "CALL READY", "SMS READY", "SMS DONE", "PB DONE":
		return true
	}
	return false
}
