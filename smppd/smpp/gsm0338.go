package smpp

// The GSM 7 bit default alphabet [23.038 6.2.1] and its extension table
// [23.038 6.2.1.1], one character an octet ("unpacked") as SMPP carries it. The
// character at 0x1B is the escape; it is written as NUL here, which neither
// table holds.
const (
	gsmEscape = 0x1B

	gsmBasic = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x00ÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?" +
		"¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)

// gsmTables are the two directions of the alphabet; they are never written
// after they were made.
type gsmTables struct {
	basic [128]rune
	low   [256]byte     // of the characters up to ÿ, noOctet for those that are not in it
	high  map[rune]byte // of the others, which are Greek
}

const noOctet = 0xFF

var gsm = makeGSMTables()

func makeGSMTables() gsmTables {
	t := gsmTables{high: map[rune]byte{}}
	for i := range t.low {
		t.low[i] = noOctet
	}
	for n, r := range []rune(gsmBasic) {
		t.basic[n] = r
		if int(r) < len(t.low) {
			t.low[r] = byte(n)
		} else {
			t.high[r] = byte(n)
		}
	}
	t.low[0] = noOctet
	return t
}

// octet gives what stands for r; false when the table, without its extension, lacks
// it.
func (t *gsmTables) octet(r rune) (byte, bool) {
	if r >= 0 && int(r) < len(t.low) {
		return t.low[r], t.low[r] != noOctet
	}
	b, ok := t.high[r]
	return b, ok
}

// gsmExtension returns what an octet means after an escape; 0 for nothing.
func gsmExtension(b byte) rune {
	switch b {
	case 0x0A:
		return '\f'
	case 0x14:
		return '^'
	case 0x28:
		return '{'
	case 0x29:
		return '}'
	case 0x2F:
		return '\\'
	case 0x3C:
		return '['
	case 0x3D:
		return '~'
	case 0x3E:
		return ']'
	case 0x40:
		return '|'
	case 0x65:
		return '€'
	}
	return 0
}

// gsmEscaped is the way back of gsmExtension; 0 for nothing.
func gsmEscaped(r rune) byte {
	switch r {
	case '\f':
		return 0x0A
	case '^':
		return 0x14
	case '{':
		return 0x28
	case '}':
		return 0x29
	case '\\':
		return 0x2F
	case '[':
		return 0x3C
	case '~':
		return 0x3D
	case ']':
		return 0x3E
	case '|':
		return 0x40
	case '€':
		return 0x65
	}
	return 0
}

// decodeGSM reads unpacked octets. An octet above 0x7F is an error; after an
// escape, an octet of no meaning is that of the default table. [23.038 6.2.1.1]
func decodeGSM(d *decoding, octets []byte) {
	for i := 0; i < len(octets); i++ {
		switch b := octets[i]; {
		case b > 0x7F:
			d.bad(i)
		case b != gsmEscape:
			d.add(gsm.basic[b])
		case i+1 == len(octets) || octets[i+1] == gsmEscape:
			// A receiver that does not know what it escapes to shows a space.
			d.add(' ')
			i++
		case gsmExtension(octets[i+1]) != 0:
			i++
			d.add(gsmExtension(octets[i]))
		}
	}
}

// appendGSM appends the octets of r; false when the alphabet lacks it.
func appendGSM(dst []byte, r rune) ([]byte, bool) {
	if b, ok := gsm.octet(r); ok {
		return append(dst, b), true
	}
	if b := gsmEscaped(r); b != 0 {
		return append(dst, gsmEscape, b), true
	}
	return dst, false
}

// packGSM packs septets, one an octet, after fill bits of zero. Seven free bits
// at the end become a CR, lest they read as an @. [23.038 6.1.2.1.1]
func packGSM(septets []byte, fill int) []byte {
	if (fill+7*len(septets))%8 == 1 {
		septets = append(septets[:len(septets):len(septets)], '\r')
	}
	out := make([]byte, (fill+7*len(septets)+7)/8)
	for i, s := range septets {
		at := fill + 7*i
		v := uint16(s&0x7F) << (at % 8)
		out[at/8] |= byte(v)
		if v > 0xFF {
			out[at/8+1] |= byte(v >> 8)
		}
	}
	return out
}

// unpackGSM is the way back of packGSM. Whether a CR at the end of a full octet
// is padding or meant cannot be told: it is taken as padding.
func unpackGSM(packed []byte, fill int) []byte {
	n := max(8*len(packed)-fill, 0) / 7
	out := make([]byte, n)
	for i := range out {
		at := fill + 7*i
		v := uint16(packed[at/8])
		if at/8+1 < len(packed) {
			v |= uint16(packed[at/8+1]) << 8
		}
		out[i] = byte(v>>(at%8)) & 0x7F
	}
	if n > 0 && (fill+7*n)%8 == 0 && out[n-1] == '\r' {
		return out[:n-1]
	}
	return out
}
