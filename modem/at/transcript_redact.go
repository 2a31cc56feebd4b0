package at

import (
	"slices"
	"strings"
)

// Redact gives a copy of the entries without texts and numbers, in the same form: letters become x and digits 0, so that the lines are
// read as before. Of IMEI, IMSI and ICCID the maker, the network and the issuer stay. mask does the same for a PDU in hex; nil makes
// zeros of all of it. What is not known to be harmless is masked.
func Redact(entries []Entry, mask func(pdu string) string) []Entry {
	if mask == nil {
		mask = func(pdu string) string { return strings.Repeat("0", len(pdu)) }
	}
	r := redactor{mask: mask}
	out := make([]Entry, len(entries))
	for i, e := range entries {
		switch e.Way {
		case ToModem:
			e.Text = r.toModem(e.Text)
		case FromModem:
			e.Text = r.fromModem(e.Text)
		}
		out[i] = e
	}
	return out
}

// RedactCommand is Redact for one line to the modem, apart from PDUs, which become "".
func RedactCommand(text string) string {
	r := redactor{mask: func(string) string { return "" }}
	return r.toModem(text)
}

// redactor goes through a conversation.
type redactor struct {
	mask    func(string) string
	spoken  string // the newest command line as it was
	command string // its name in upper case
	body    bool   // the header of a message in text mode was seen: its text follows
	pdu     bool   // the header of a message was seen: its PDU follows
}

// longestBare is the longest hexadecimal line that may be something else than a PDU: an ICCID. No PDU is as short.  [23.040 9.2.2.1]
const longestBare = 20

func (r *redactor) toModem(text string) string {
	core := strings.TrimRight(text, "\x1a\x1b")
	tail := text[len(core):]
	switch {
	case isHex(core) && len(core) > longestBare:
		return r.mask(core) + tail
	case core == "":
		return text
	case !hasPrefixFold(core, "AT"):
		return maskWords(core) + tail
	}
	r.spoken, r.command = core, strings.ToUpper(nameOfCommand(core))
	r.body, r.pdu = false, false
	return maskCommand(core) + tail
}

// maskCommand masks the parameters of a command line.
func maskCommand(line string) string {
	upper := strings.ToUpper(line)
	switch {
	case strings.HasPrefix(upper, "ATD"):
		return line[:3] + maskWords(line[3:])
	case strings.Contains(upper, "+CUSD="):
		at := strings.Index(upper, "+CUSD=") + len("+CUSD=")
		return line[:at] + maskAfterComma(line[at:])
	}
	return maskIDs(maskQuoted(line, plainCommand(upper)), strings.Contains(upper, "IMEI"), shortRun)
}

// plainCommand tells whether what stands in quotes behind a command is no text and no number.
func plainCommand(upper string) bool {
	for _, name := range []string{"CMGS", "CMGW", "CMSS", "CMGC", "CSCA", "CNUM", "CPB", "CLIP", "CNAP", "CCFC", "CRSM", "CSIM", "CRLA"} {
		if strings.Contains(upper, name) {
			return false
		}
	}
	return true
}

func (r *redactor) fromModem(text string) string {
	if _, is := final(text, "", true); is {
		r.body, r.pdu = false, false
		return text
	}
	name := strings.ToUpper(nameOf(text))
	switch {
	case isHex(text) && (len(text) > longestBare || r.pdu):
		r.pdu = false
		return r.mask(text)
	case r.body && !isMessageHeader(name):
		return maskWords(text)
	case text == ">":
		return text
	case text == r.spoken: // echo
		return maskCommand(text)
	case name == "":
		return r.words(text)
	case isMessageHeader(name):
		r.pdu = true
		r.body = strings.Contains(name, "CMGL") || strings.Contains(name, "CMGR") || len(Fields(Params(text))) > 2
		if r.body && strings.Count(text, `"`) < 4 { // the form of PDU mode: <stat>,["name"],<length>
			r.body = false
		}
		return maskIDs(maskQuoted(text, false), false, shortRun)
	case name == "+CUSD":
		return text[:len(name)] + maskAfterComma(text[len(name):])
	}
	return r.named(name, text)
}

// isMessageHeader knows the lines behind which a message stands.
func isMessageHeader(name string) bool {
	return slices.Contains([]string{"+CMT", "+CDS", "+CBM", "+CMGR", "+CMGL"}, name)
}

// named masks a line with a name. In quotes stand numbers and texts, but for the names whose words are known.
func (r *redactor) named(name, text string) string {
	plain := []string{"+COPS", "+CPMS", "+CREG", "+CGREG", "+CEREG", "+C5GREG", "+CSCS", "+CPIN", "+CPINR", "^CPIN", "+QPINC", "+CMTI", "+CDSI",
		"+CGMI", "+CGMM", "+CGMR", "+CIND", "+CNMI", "+CSMS", "+CMGF", "+CPBS", "+QNWINFO", "+QCSQ", "^SYSINFOEX", "+CLAC", "+GCAP"}
	return maskIDs(maskQuoted(text, slices.Contains(plain, name)), r.serial(text), r.run())
}

// words masks a line without a name: the answer to a question of who the modem is, a word that modems say, or anything.
func (r *redactor) words(text string) string {
	kind, _ := kindOf(text)
	if kind != KindNone || waking(text) {
		return text
	}
	if n, _ := run([]byte(text)); r.run() == 0 && (!r.bare() || n < len(text)) {
		return maskWords(text)
	}
	return maskIDs(text, r.serial(text), idRun)
}

// serial tells whether a long number in an answer is that of the modem.
func (r *redactor) serial(text string) bool {
	return strings.HasSuffix(r.command, "GSN") || strings.Contains(strings.ToUpper(text), "IMEI")
}

// bare tells whether the command asks for a number that comes without a name.
func (r *redactor) bare() bool {
	return strings.HasSuffix(r.command, "GSN") || strings.HasSuffix(r.command, "CIMI") || strings.Contains(r.command, "CCID")
}

// Runs of digits shorter than these stay.
const (
	shortRun = 7  // a telephone number
	idRun    = 14 // an IMEI; dates in the names of firmware stay
)

// run is the bound that holds for the answer to the newest command: 0 unless it asks who made the modem.
func (r *redactor) run() int {
	switch r.command {
	case "AT+CGMI", "AT+CGMM", "AT+CGMR", "AT+GMI", "AT+GMM", "AT+GMR", "ATI", "AT+CLAC", "AT+CGSN", "AT+GSN":
		return idRun
	}
	return 0
}

// maskWords masks all letters, digits, and what is not ASCII.
func maskWords(s string) string {
	b := []byte(s)
	for i, c := range b {
		switch {
		case c >= '0' && c <= '9':
			b[i] = '0'
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= 0x80:
			b[i] = 'x'
		}
	}
	return string(b)
}

// maskAfterComma leaves the first parameter.
func maskAfterComma(s string) string {
	first, rest, ok := strings.Cut(s, ",")
	if !ok {
		return s
	}
	return first + "," + maskWords(rest)
}

// maskQuoted masks what stands in quotes, also behind one that never closes.
func maskQuoted(s string, plain bool) string {
	if plain {
		return s
	}
	parts := strings.Split(s, `"`)
	for i := 1; i < len(parts); i += 2 {
		parts[i] = maskWords(parts[i])
	}
	return strings.Join(parts, `"`)
}

// maskIDs masks runs of digits: all of a telephone number, and of an identity what is not its maker, its network or its issuer. Runs of
// less than shortest stay; 0 means a telephone number's.
func maskIDs(s string, serial bool, shortest int) string {
	if shortest == 0 {
		shortest = shortRun
	}
	b := []byte(s)
	for i := 0; i < len(b); {
		n, digits := run(b[i:])
		if n == 0 {
			i++
			continue
		}
		keep := n
		switch {
		case n >= 18 && n <= longestBare && digits >= idRun: // ICCID: 89, country and issuer
			keep = 7
		case digits == n && n >= idRun && serial: // IMEI: the type allocation code
			keep = 8
		case digits == n && n >= idRun: // IMSI: country and network
			keep = 5
		case digits >= shortest:
			keep = 0
		}
		for j := i + keep; j < i+n; j++ {
			if b[j] != 'F' && b[j] != 'f' {
				b[j] = '0'
			}
		}
		i += n
	}
	return string(b)
}

// run measures the hexadecimal digits that open b, and how many of them are decimal; without any it is that of a word.
func run(b []byte) (n, digits int) {
	for n < len(b) && strings.IndexByte("0123456789ABCDEFabcdef", b[n]) >= 0 {
		if b[n] <= '9' {
			digits++
		}
		n++
	}
	return n, digits
}
