package smppchan

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"

	"gsmgate/smppd/smpp"
)

// inspect says what is wrong with how a message is written. It allocates nothing. alphabet is what
// data_coding 0 means to the user.
func inspect(sm *smpp.SubmitSM, alphabet smpp.Alphabet) (found mistakes) {
	data := sm.ShortMessage
	if len(sm.TLVs) > 0 {
		found = inspectSAR(sm.TLVs)
		if payload, ok := sm.TLVs.Get(smpp.TagMessagePayload); ok && len(data) == 0 {
			data = payload
		}
	}
	udh := 0
	switch {
	case sm.ESMClass.UDHI():
		if udh = headerLength(data); udh == 0 {
			found.add(udhiWithoutUDH)
		}
	case beginsWithHeader(data):
		found.add(udhWithoutUDHI)
		udh = headerLength(data)
	}
	return found | inspectText(sm.DataCoding, alphabet, data[udh:], udh)
}

// inspectText looks at a text behind a header of udh octets.
func inspectText(dc smpp.DataCoding, alphabet smpp.Alphabet, text []byte, udh int) (found mistakes) {
	switch {
	case dc.UCS2():
		found = inspectUCS2(text)
	case isDefault(dc) && alphabet == smpp.GSM0338 && strange(text):
		found = inspectStrange(text, udh)
	case (dc == smpp.CodingLatin1 || dc == smpp.CodingIA5) && hasTopBit(text) && isUTF8(text):
		found.add(utf8AsText)
	}
	if udh > 0 && len(text) > roomBehind(udh, dc, alphabet) {
		found.add(segmentTooLong)
	}
	return found
}

// isDefault reports whether a text is of the default alphabet: data_coding 0 and, from 0x10 on, the
// groups of GSM that are not UCS-2 [23.038 4].
func isDefault(dc smpp.DataCoding) bool {
	return dc == smpp.CodingDefault || dc >= 0x10 && dc.Text() && !dc.UCS2()
}

// roomBehind is how many octets one short message carries behind a header of udh octets: septets are
// packed on the way, when the client has not done so [23.040 9.2.3.24].
func roomBehind(udh int, dc smpp.DataCoding, alphabet smpp.Alphabet) int {
	room := 140 - udh
	if dc.UCS2() || dc.Binary() || isDefault(dc) && alphabet == smpp.GSM0338Packed {
		return room
	}
	return room * 8 / 7
}

// inspectSAR wants all three sar_* or none [SMPP34 5.3.2.22 to 5.3.2.24].
func inspectSAR(t smpp.TLVs) (found mistakes) {
	_, ref := t.Uint16(smpp.TagSARMsgRefNum)
	total, ok1 := t.Uint8(smpp.TagSARTotalSegments)
	number, ok2 := t.Uint8(smpp.TagSARSegmentSeqnum)
	if any, all := ref || ok1 || ok2, ref && ok1 && ok2; any && (!all || number < 1 || number > total) {
		found.add(sarIncomplete)
	}
	return found
}

// headerLength is the length of the user data header that data begins with, its length octet
// included; 0 when its elements do not fill it [23.040 9.2.3.24].
func headerLength(data []byte) int {
	if len(data) < 3 {
		return 0
	}
	end := 1 + int(data[0])
	if end > len(data) || end < 3 {
		return 0
	}
	at := 1
	for at+1 < end {
		at += 2 + int(data[at+1])
	}
	if at != end {
		return 0
	}
	return end
}

// beginsWithHeader reports whether data begins with a header of parts or ports that no text begins
// with [23.040 9.2.3.24.1, 9.2.3.24.4, 9.2.3.24.8].
func beginsWithHeader(data []byte) bool {
	if len(data) < 7 || data[0] < 5 || data[0] > 12 || headerLength(data) == 0 {
		return false
	}
	switch element := data[1:]; {
	case element[0] == 0 && element[1] == 3:
		return element[4] >= 1 && element[4] <= element[3]
	case element[0] == 8 && element[1] == 4:
		return element[5] >= 1 && element[5] <= element[4]
	default:
		return element[0] == 5 && element[1] == 4
	}
}

const tops = 0x8080808080808080

// hasTopBit looks at eight octets at once.
func hasTopBit(b []byte) bool {
	for ; len(b) >= 8; b = b[8:] {
		if binary.LittleEndian.Uint64(b)&tops != 0 {
			return true
		}
	}
	for _, c := range b {
		if c >= 0x80 {
			return true
		}
	}
	return false
}

// strange reports whether octets of data_coding 0 need a closer look: one is above 0x7F or below a
// space. Most texts have neither.
func strange(b []byte) bool {
	const spaces = 0x2020202020202020
	for ; len(b) >= 8; b = b[8:] {
		if v := binary.LittleEndian.Uint64(b); (v|(v-spaces)&^v)&tops != 0 {
			return true
		}
	}
	for _, c := range b {
		if c >= 0x80 || c < ' ' {
			return true
		}
	}
	return false
}

// isUTF8 reports whether octets, some above 0x7F, are UTF-8: other alphabets are hardly ever by
// chance.
func isUTF8(b []byte) bool { return utf8.Valid(b) }

// inspectStrange says what octets of data_coding 0 are that do not look like it at first sight.
func inspectStrange(text []byte, udh int) (found mistakes) {
	top, control := hasTopBit(text), controls(text)
	switch {
	case top && isUTF8(text):
		found.add(utf8AsText)
	case manyNULs(text):
		found.add(ucs2AsDefault)
	case (top || 4*control > len(text)) && looksPacked(text, (7-8*udh%7)%7):
		found.add(packedAsDefault)
	case top:
		found.add(latin1AsDefault)
	}
	return found
}

// controls counts octets below a space that end no line.
func controls(b []byte) (n int) {
	for _, c := range b {
		if c < ' ' && c != '\n' && c != '\r' {
			n++
		}
	}
	return n
}

// manyNULs reports whether about every other octet is 0: no text of the GSM alphabet has so many @.
func manyNULs(b []byte) bool {
	if len(b) < 4 || len(b)%2 != 0 {
		return false
	}
	n := 0
	for i := 0; i < len(b); i += 2 {
		if b[i] == 0 && b[i+1] != 0 || b[i] != 0 && b[i+1] == 0 {
			n++
		}
	}
	return 4*n >= 3*len(b)/2
}

// minSeptets is the shortest packed text that can be told from others.
const minSeptets = 8

// looksPacked reports whether octets, unpacked after fill bits, are nearly all letters, digits and
// signs of ordinary texts, and more so than as they are. Octets of another kind unpack to chance:
// four of ten septets would be a letter or a space [23.038 6.1.2.1].
func looksPacked(b []byte, fill int) bool {
	n := (8*len(b) - fill) / 7
	if len(b) == 0 || n < minSeptets {
		return false
	}
	letters, signs, rare := 0, 0, 0
	for i := range n {
		switch c := septet(b, fill+7*i); {
		case isLetter(c) || c == ' ':
			letters++
		case c >= '!' && c <= '?' || c == '\n' || c == '\r':
			signs++
		case c < 0x12 || c >= '[': // letters with accents, @ and _
			rare++
		}
	}
	rare = min(rare, n/8)
	return 10*(letters+signs+rare) >= 9*n && 20*letters >= 13*n && !readable(b)
}

// septet is the one that begins at a bit.
func septet(b []byte, bit int) byte {
	v := uint16(b[bit/8])
	if bit/8+1 < len(b) {
		v |= uint16(b[bit/8+1]) << 8
	}
	return byte(v>>(bit%8)) & 0x7F
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// readable reports whether octets are a text of Latin-1 or of another alphabet that keeps ASCII and
// has its letters from 0xC0 on: letters and spaces make up most of it, and there are no octets that
// such alphabets leave to controls.
func readable(b []byte) bool {
	letters := 0
	for _, c := range b {
		if isLetter(c) || c == ' ' || c >= 0xC0 {
			letters++
		}
		if c >= 0x80 && c < 0xA0 || c < ' ' && c != '\n' && c != '\r' {
			return false
		}
	}
	return 10*letters >= 7*len(b)
}

// inspectUCS2 looks at a text that should be UTF-16 with the big end first.
func inspectUCS2(b []byte) (found mistakes) {
	if len(b) < 2 {
		if len(b) == 1 {
			found.add(ucs2OddLength)
		}
		return found
	}
	switch first := binary.BigEndian.Uint16(b); {
	case first == 0xFFFE:
		found.add(ucs2LittleEndian)
		found.add(ucs2ByteOrderMark)
	case first == 0xFEFF:
		found.add(ucs2ByteOrderMark)
	case allASCII(b):
		found.add(asciiAsUCS2)
		return found
	case swapped(b):
		found.add(ucs2LittleEndian)
	}
	if len(b)%2 != 0 {
		found.add(ucs2OddLength)
	}
	return found
}

// allASCII reports whether octets are an ordinary text of one octet a character. In UCS-2 they would
// be rare signs of East Asia; a few of them prove nothing.
func allASCII(b []byte) bool {
	letters := 0
	for _, c := range b {
		if c < ' ' && c != '\n' && c != '\r' || c > '~' {
			return false
		}
		if isLetter(c) || c == ' ' {
			letters++
		}
	}
	return len(b)%2 != 0 && len(b) >= 3 || len(b) >= 12 && 10*letters >= 8*len(b)
}

// swapped reports whether UTF-16 has the little end first: ASCII characters, at least two, come out
// when the octets are swapped and hardly any when not, and what should be the upper octets differ
// more than the lower ones.
func swapped(b []byte) bool {
	var upper, lower [4]uint64
	right, wrong := 0, 0
	for i := 0; i+1 < len(b); i += 2 {
		hi, lo := b[i], b[i+1]
		upper[hi/64] |= 1 << (hi % 64)
		lower[lo/64] |= 1 << (lo % 64)
		switch {
		case hi == 0 && lo < 0x7F:
			right++
		case lo == 0 && hi < 0x7F:
			wrong++
		}
	}
	return wrong >= 2 && wrong > 3*right && distinct(&lower) < distinct(&upper)
}

func distinct(set *[4]uint64) (n int) {
	for _, w := range set {
		n += bits.OnesCount64(w)
	}
	return n
}
