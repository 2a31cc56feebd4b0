package pdu

import (
	"encoding/hex"
	"strings"
	"unicode"
	"unicode/utf8"
)

// NoDCS says that a modem told no <dcs>.
const NoDCS = -1

// USSDForm is the form in which a modem takes and shows the text of AT+CUSD.                                     [27.007 7.15]
type USSDForm string

// The forms of USSD texts.
const (
	USSDPlain  USSDForm = "plain"           // the characters as they are
	USSDSeptet USSDForm = "gsm7-hex"        // two hex digits a septet, as with AT+CSCS="HEX"
	USSDPacked USSDForm = "gsm7-packed-hex" // the septets packed, in hex: Huawei
	USSDUCS2   USSDForm = "ucs2-hex"        // UTF-16 in hex, as with AT+CSCS="UCS2"
)

// MaxUSSD is the most septets that a USSD string has room for: 160 octets, packed.                                    [24.080 4.5]
const MaxUSSD = 182

// EncodeUSSD gives a text in a form, and the <dcs> to go with it. false: the form does not hold the text, or it is too long.
func EncodeUSSD(text string, form USSDForm) (s string, dcs int, ok bool) {
	const general7, ucs2 = 15, 72 // [23.038 5]
	septets, inAlphabet := EncodeSeptets(text)
	if text == "" || len(septets) > MaxUSSD || form != USSDUCS2 && !inAlphabet {
		return "", 0, false
	}
	switch form {
	case USSDSeptet:
		return upperHex(septets), general7, true
	case USSDPacked:
		return upperHex(PackUSSD(septets)), general7, true
	case USSDUCS2:
		octets := encodeUTF16(text)
		if len(octets) > 160 {
			return "", 0, false
		}
		if !inAlphabet {
			return upperHex(octets), ucs2, true
		}
		return upperHex(octets), general7, true
	}
	if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' || r == '"' }) {
		return "", 0, false
	}
	return text, general7, true
}

func upperHex(b []byte) string { return strings.ToUpper(hex.EncodeToString(b)) }

func encodeUTF16(text string) (b []byte) {
	for _, r := range text {
		b = appendUTF16(b, r)
	}
	return b
}

// PackUSSD packs septets as USSD wants them: seven bits that are left over hold a CR, and a text that ends with a CR at the end of an
// octet gets another.                                                                                          [23.038 6.1.2.3.1]
func PackUSSD(septets []byte) []byte {
	n := len(septets)
	if n%8 == 7 || n > 0 && n%8 == 0 && septets[n-1] == '\r' {
		septets = append(septets[:n:n], '\r')
	}
	return Pack(septets, 0)
}

// UnpackUSSD reads packed septets; CRs at the end are padding, and so is a last @ where seven zero bits were left.
func UnpackUSSD(octets []byte) string {
	septets := Unpack(octets, 0, len(octets)*8/7)
	n := len(septets)
	if n > 0 && n%8 == 0 && septets[n-1] == 0 {
		septets = septets[:n-1]
	}
	return strings.TrimRight(DecodeSeptets(septets), "\r")
}

// DecodeUSSD reads the text of a +CUSD, whatever the modem made of it. form is how the modem takes texts, "" when that is not known:
// modems show them as they take them, most of the time. dcs is that of cell broadcast, or [NoDCS].            [27.007 7.15] [23.038 5]
func DecodeUSSD(s string, dcs int, form USSDForm) string {
	coding := cellDCS(dcs)
	octets, err := hex.DecodeString(s)
	if err != nil || len(octets) == 0 {
		return tidy(coding.strip(rawUSSD(s)))
	}
	best, most := s, plainScore(s, form)
	for _, c := range []struct {
		form USSDForm
		text string
		odd  int
	}{
		{USSDUCS2, ucs2USSD(octets, coding), coding.against(UCS2)},
		{USSDSeptet, DecodeSeptets(octets), coding.against(GSM7) + highOctets(octets)},
		{USSDPacked, UnpackUSSD(octets), coding.against(GSM7)},
		{"8-bit", octetUSSD(octets), 20 + coding.against(Data8)},
	} {
		score := plausible(c.text) - c.odd
		if c.form == form {
			score += 25
		}
		if score > most {
			best, most = c.text, score
		}
	}
	return tidy(coding.strip(best))
}

// tidy drops what pads a text, and makes one kind of line ends.
func tidy(s string) string {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	s = strings.ReplaceAll(s, "\r", "\n")
	return strings.TrimRight(s, "\n\x00")
}

// cell is what a DCS of cell broadcast and USSD says.
type cell struct {
	alphabet Alphabet
	known    bool
	language bool // the text opens with a language
}

// cellDCS reads a <dcs>.                                                                                               [23.038 5]
func cellDCS(dcs int) cell {
	switch {
	case dcs < 0 || dcs > 255:
		return cell{}
	case dcs == 0x10:
		return cell{GSM7, true, true}
	case dcs == 0x11:
		return cell{UCS2, true, true}
	case dcs == 8: // TP-DCS of UCS-2, shown by modems that mix the two up
		return cell{UCS2, false, false}
	case dcs < 0x40:
		return cell{alphabet: GSM7, known: true}
	case dcs < 0x80, dcs >= 0x90 && dcs < 0xA0:
		return cell{alphabet: []Alphabet{GSM7, Data8, UCS2, GSM7}[dcs>>2&3], known: true}
	case dcs >= 0xF0 && dcs&4 != 0:
		return cell{alphabet: Data8, known: true}
	}
	return cell{alphabet: GSM7, known: dcs >= 0xF0}
}

// against is how much the DCS speaks against an alphabet. Modems lie: a text in UCS-2 with <dcs> 15 is what AT+CSCS="UCS2" makes.
func (c cell) against(a Alphabet) int {
	switch {
	case !c.known || c.alphabet == a:
		return 0
	case a == UCS2:
		return 10
	case c.alphabet == UCS2:
		return 45
	}
	return 25
}

// strip cuts the language off, two letters and a CR.                                                                   [23.038 5]
func (c cell) strip(text string) string {
	if c.language && len(text) > 2 && (text[2] == '\r' || text[2] == '\n') {
		return text[3:]
	}
	return text
}

// ucs2USSD reads UTF-16, behind a language in septets where the DCS says so. Half a character, and what is no character, spoil it.
func ucs2USSD(octets []byte, c cell) string {
	if c.language && c.alphabet == UCS2 && len(octets) >= 2 && len(octets)%2 == 0 {
		if plain := decodeUTF16(octets[2:]); plausible(plain) > plausible(decodeUTF16(octets)) {
			return plain
		}
	}
	if len(octets)%2 != 0 {
		return ""
	}
	return decodeUTF16(octets)
}

// octetUSSD reads octets as UTF-8, or else as Latin-1.
func octetUSSD(octets []byte) string {
	if utf8.Valid(octets) {
		return string(octets)
	}
	return latin1(octets)
}

func latin1(octets []byte) string {
	runes := make([]rune, len(octets))
	for i, b := range octets {
		runes[i] = rune(b)
	}
	return string(runes)
}

// highOctets is how much octets speak against being septets.
func highOctets(octets []byte) int {
	n := 0
	for _, b := range octets {
		if b >= 0x80 {
			n++
		}
	}
	return 200 * n / len(octets)
}

// rawUSSD reads what is no hex: text in ASCII or UTF-8; septets of the GSM alphabet, which shows by its control characters; packed
// septets; or Latin-1.
func rawUSSD(s string) string {
	control, high := 0, 0
	for i := range len(s) {
		switch b := s[i]; {
		case b >= 0x80:
			high++
		case b < ' ' && b != '\n' && b != '\r' && b != '\t' || b == 0x7F:
			control++
		}
	}
	switch {
	case control == 0 && utf8.ValidString(s):
		return s
	case high == 0:
		return DecodeSeptets([]byte(s))
	}
	best := latin1([]byte(s))
	if packed := UnpackUSSD([]byte(s)); plausible(packed) > plausible(best) {
		best = packed
	}
	return best
}

// plainScore is how much speaks for a text of hex digits being meant as it is: a number is.
func plainScore(s string, form USSDForm) int {
	switch {
	case form == USSDPlain && len(s) < 6:
		return 95
	case strings.Trim(s, "0123456789") != "":
		return 40
	case zeroPairs(s):
		return 60
	case form == USSDPlain || form == "":
		return 97
	}
	return 60
}

// zeroPairs tells whether each fourth digit begins with two zeros, as UTF-16 of digits does.
func zeroPairs(s string) bool {
	for ; len(s) >= 4 && s[:2] == "00"; s = s[4:] {
	}
	return s == ""
}

// plausible tells how much a text looks like one that a network sends to people, from 0 to 100.
func plausible(text string) int {
	if text == "" {
		return 0
	}
	score, n, before := 0, 0, ' '
	pages := map[rune]bool{}
	for _, r := range text {
		n++
		score += worth(r) - jolt(before, r)
		before = r
		if r >= 0x2E80 || r >= 0x370 && r < 0x2000 {
			pages[r>>8] = true
		}
	}
	return score/n - 10*min(3, max(0, len(pages)-2))
}

// jolt is how unlikely a character is behind another: septets read at the wrong place go up and down within words.
func jolt(before, r rune) int {
	switch {
	case before == '@' || r == '@': // a zero
		return 30
	case unicode.IsLower(before) && unicode.IsUpper(r):
		return 80
	case unicode.IsLetter(before) && unicode.IsDigit(r), unicode.IsDigit(before) && unicode.IsLetter(r):
		return 10
	case unicode.IsLetter(before) && unicode.IsLetter(r) && (before < 0x250) != (r < 0x250):
		return 60
	}
	return 0
}

// worth is how likely a character is in a USSD text. Letters of the alphabets of the East stand in the middle of UTF-16, where packed
// septets read as UTF-16 fall too: a text of them needs spaces and digits to be believed.
func worth(r rune) int {
	switch {
	case r == '\n' || r == '\r':
		return 80
	case r == utf8.RuneError, r < ' ', r >= 0x7F && r < 0xA0, r >= 0xE000 && r < 0xF900:
		return -200
	case r < 0x7F && (unicode.IsLetter(r) || unicode.IsDigit(r) || r == ' '):
		return 100
	case r < 0x7F:
		return 85
	case r < 0x250 && unicode.IsLetter(r):
		return 75
	case r < 0x700 && unicode.IsPrint(r):
		return 92
	case r >= 0x2010 && r < 0x20D0:
		return 80
	case r >= 0x900 && r < 0x1200 && unicode.IsPrint(r):
		return 88
	case unicode.IsPrint(r):
		return 62
	}
	return -100
}
