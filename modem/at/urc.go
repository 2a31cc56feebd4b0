package at

import (
	"strings"
	"time"
)

// Kind says what an unsolicited line is about.
type Kind uint8

// The kinds of URC that reach [Engine.URCs]; all other lines of a modem are counted and forgotten.
const (
	KindNone         Kind = iota
	KindMessage           // +CMT, +CDS, +CBM with a PDU                            [27.005 3.4.1]
	KindStored            // +CMTI, +CDSI: a message lies in a memory               [27.005 3.4.1]
	KindRegistration      // +CREG, +CGREG, +CEREG                                  [27.007 7.2, 10.1.20, 10.1.22]
	KindSIM               // +CPIN: the SIM changed its state                       [27.007 8.3]
	KindCard              // ^SIMST, #QSS …: a card was put in or drawn; see [URC.CardGone]
	KindUSSD              // +CUSD                                                  [27.007 7.15]
	KindCall              // RING, +CRING, +CLIP                                    [V.250 6.3.1] [27.007 6.11]
	KindFull              // ^SMMEMFULL, +CIEV-like: the message memory is full
	KindRestart           // RDY, ^SYSSTART …: all settings are gone
)

// URC is one unsolicited result code.
type URC struct {
	Kind Kind
	Name string // "+CMTI", "RING"
	Args string // what follows the name; of a +CUSD of several lines all of them, with \n between
	PDU  string // the second line of +CMT, +CDS and +CBM: hex in PDU mode, text in text mode, where +CDS has none
}

// kindOf classes a line by its name.
func kindOf(line string) (Kind, string) {
	name := nameOf(line)
	if name == "" {
		name = line
	}
	switch strings.ToUpper(name) {
	case "+CMT", "+CDS", "+CBM":
		return KindMessage, name
	case "+CMTI", "+CDSI":
		return KindStored, name
	case "+CREG", "+CGREG", "+CEREG", "+C5GREG":
		return KindRegistration, name
	case "+CPIN":
		return KindSIM, name
	case "^SIMST", "#QSS", "+QSIMSTAT", "+CSMINS", "^SCKS", "+UUSIMSTAT":
		return KindCard, name
	case "+CUSD":
		return KindUSSD, name
	case "RING", "+CRING", "+CLIP":
		return KindCall, name
	case "^SMMEMFULL", "+SMFULL", "+ZSMGS", "^SMSFULL", "+SMS FULL", "+SMSFULL":
		return KindFull, name
	case "+CIEV", "+QIND": // an indicator by its name; by number none was asked for [27.007 8.10]
		if says := strings.ToLower(line); strings.Contains(says, "smsfull") && !strings.HasSuffix(says, ",0") || strings.Contains(says, "sms full") {
			return KindFull, name
		}
	case "RDY", "^SYSSTART", "START", "MODEM:STARTUP", "^MODE: STARTUP":
		return KindRestart, name
	}
	return KindNone, name
}

// CardGone tells whether a KindCard says that no card is there any more. Makers differ: ^SIMST (Huawei) counts 255 and 0 as none, #QSS
// (Telit) and ^SCKS (Cinterion) 0, and +QSIMSTAT (Quectel) and +CSMINS (SIMCom) have their setting before the state.
func (u URC) CardGone() bool {
	fields := Fields(u.Args)
	last := fields[min(len(fields)-1, 1)]
	switch strings.ToUpper(u.Name) {
	case "^SIMST":
		return fields[0] == "255" || fields[0] == "0"
	case "#QSS", "^SCKS", "+QSIMSTAT", "+CSMINS":
		return last == "0"
	case "+UUSIMSTAT":
		return fields[0] == "0"
	}
	return false
}

// header is a +CMT, +CDS or +CBM that waits for its second line, or a +CUSD whose text goes on.
type header struct {
	urc    URC
	text   bool // text mode: whatever comes next is the message
	lines  int  // lines that came between, or that were taken
	quoted bool // +CUSD: the text ends where its quote does
	until  time.Time
}

// maxBetween is how many foreign lines may stand between a header and its PDU before the header is given up.
const maxBetween = 4

// Bounds of a +CUSD of several lines. All of it comes in one go: at 9600 bit/s the longest takes half a second.
const (
	maxQuoted  = 64
	quoteTime  = 2 * time.Second
	quoteBound = 2 * maxLine
)

// newHeader reads the first line of a message URC. In PDU mode it has one or two fields, "+CMT: ,24" and "+CDS: 25", in text mode three
// and more.                                                                                                          [27.005 3.4.1]
func newHeader(u URC) *header {
	return &header{urc: u, text: len(Fields(u.Args)) > 2}
}

// whole tells whether nothing follows: in text mode +CDS is one line.                                                [27.005 3.4.1]
func (h *header) whole() bool { return h.text && strings.EqualFold(h.urc.Name, "+CDS") }

// newQuote is for a +CUSD whose quote is open at the end of its line: a menu has line ends in it.               [27.007 7.15]
func newQuote(u URC, now time.Time) *header {
	return &header{urc: u, quoted: true, until: now.Add(quoteTime)}
}

// body offers a line to the header: taken says that the line was its second, and over that the header is done with, taken or not.
func (h *header) body(line string, now time.Time) (taken, over bool) {
	if h.quoted {
		return h.quote(line, now)
	}
	if h.text || isHex(line) {
		h.urc.PDU = line
		return true, true
	}
	h.lines++
	return false, h.lines > maxBetween
}

// quote takes a line of a text, unless the end of the text was lost: a line that came later, or has a name, is another's.
func (h *header) quote(line string, now time.Time) (taken, over bool) {
	if now.After(h.until) || h.lines == maxQuoted || len(h.urc.Args) > quoteBound || named(line) {
		return false, true
	}
	h.lines++
	h.urc.Args += "\n" + line
	return true, quoteEnds(h.urc.Args)
}

// named tells whether a line opens as a result code does; "*1: back" is a line of a menu.
func named(line string) bool { return (line[0] == '+' || line[0] == '^') && nameOf(line) != "" }

// quoteEnds tells whether the parameters of a +CUSD are whole: no text, or one whose quote is closed, with <dcs> behind it or without.
func quoteEnds(args string) bool {
	_, rest, opened := strings.Cut(args, `"`)
	rest = strings.TrimRight(rest, "0123456789 ")
	rest = strings.TrimRight(strings.TrimSuffix(rest, ","), " ")
	return !opened || strings.HasSuffix(rest, `"`)
}
