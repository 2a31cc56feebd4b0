package replay

import (
	"strings"
	"time"

	"gsmgate/modem/at"
)

// turn is a command, and all that the modem said from then to the next.
type turn struct {
	key   string // what the command is known by; "" for what came before any
	lines []line
	used  bool
}

type line struct {
	after time.Duration // since the command or the line before
	text  string
}

// dataKey is the key of a PDU or text behind a prompt.
const dataKey = "\x1a"

// keyOf makes one key of all forms of a command that a recording without numbers cannot tell apart.
func keyOf(command string) string {
	if strings.HasSuffix(command, "\x1a") {
		return dataKey
	}
	command = strings.ToUpper(at.RedactCommand(strings.TrimSpace(command)))
	for _, name := range []string{"AT+CMGS=", "AT+CMGW=", "AT+CPIN=", "AT+CPWD=", "AT+CLCK="} {
		if strings.HasPrefix(command, name) {
			return name
		}
	}
	return command
}

// isQuery tells whether a command only asks, so that it may be asked again or not at all.
func isQuery(key string) bool {
	switch key {
	case "", "AT", "AT+CSQ", "AT+CGMI", "AT+CGMM", "AT+CGMR", "AT+CGSN", "AT+CIMI", "AT+CNUM", "AT+CCID", "AT+CMGL=4":
		return true
	}
	return strings.HasSuffix(key, "?")
}

// sessions takes a recording apart: the turns between two borders, without sessions in which nothing was said.
func sessions(t at.Transcript) [][]*turn {
	var all [][]*turn
	open := false
	last := time.Duration(0)
	for _, e := range t.Entries {
		if e.Way == at.Mark {
			open = false
			continue
		}
		if !open {
			all = append(all, []*turn{{}})
			open, last = true, e.At
		}
		s := &all[len(all)-1]
		now := (*s)[len(*s)-1]
		switch {
		case e.Way == at.FromModem:
			now.lines = append(now.lines, line{e.At - last, e.Text})
		case strings.Trim(e.Text, "\x1b") == "": // the line is kept clean with ESC; nothing answers it
		default:
			*s = append(*s, &turn{key: keyOf(e.Text)})
		}
		last = e.At
	}
	return all
}
