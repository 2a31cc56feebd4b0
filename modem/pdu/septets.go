package pdu

import (
	"strings"
	"unicode/utf8"
)

const (
	esc = 0x1B // the escape to the extension table [23.038 6.2.1]

	basicTable = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?" +
		"¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà" // [23.038 6.2.1]
	extensionCodes = "\x0A\x14\x28\x29\x2F\x3C\x3D\x3E\x40\x65" // [23.038 6.2.1.1]
	extensionChars = "\f^{}\\[~]|€"

	notGSM7   = 0xFF // in septetOf: no septet
	extendBit = 0x80 // in septetOf: follows an escape
)

// charset holds a character for each septet; 0 where there is none.
type charset [128]rune

// The default alphabet both ways. Filled once, before anything runs, and never changed.
var (
	defaultBasic     = basicCharset()
	defaultExtension = extensionCharset()
	septetOf         = septetTable() // by rune; the euro sign stands apart
)

func basicCharset() (c charset) {
	i := 0
	for _, r := range basicTable {
		c[i] = r
		i++
	}
	return c
}

func extensionCharset() (c charset) {
	i := 0
	for _, r := range extensionChars {
		c[extensionCodes[i]] = r
		i++
	}
	return c
}

func septetTable() (t [0x400]uint8) {
	for i := range t {
		t[i] = notGSM7
	}
	for s, r := range defaultBasic {
		if s != esc {
			t[r] = uint8(s)
		}
	}
	for s, r := range defaultExtension {
		if r != 0 && int(r) < len(t) {
			t[r] = extendBit | uint8(s)
		}
	}
	return t
}

// septetFor gives the septet of r, with extendBit when it needs an escape, or notGSM7.
func septetFor(r rune) uint8 {
	if uint32(r) < uint32(len(septetOf)) {
		return septetOf[r]
	}
	if r == '€' {
		return extendBit | 0x65
	}
	return notGSM7
}

// EncodeSeptets gives a text in the GSM 7 bit default alphabet with its extension table, one septet an octet; false when a
// character is in neither. [23.038 6.2.1]
func EncodeSeptets(text string) ([]byte, bool) {
	b := make([]byte, 0, len(text))
	for _, r := range text {
		s := septetFor(r)
		if s == notGSM7 {
			return nil, false
		}
		if s&extendBit != 0 {
			b = append(b, esc)
		}
		b = append(b, s&0x7F)
	}
	return b, true
}

// DecodeSeptets reads septets, one an octet, of the default alphabet with its extension table. [23.038 6.2.1]
func DecodeSeptets(septets []byte) string {
	return decodeSeptets(septets, &defaultBasic, &defaultExtension)
}

// DecodeNational reads septets with a locking and a single shift table; 0 or an unknown language means the default. [23.038 6.2.1.2]
func DecodeNational(septets []byte, locking, single Language) string {
	return decodeSeptets(septets, lockingCharset(locking), singleCharset(single))
}

// decodeSeptets reads septets with two tables. An escape before a septet that the extension table lacks is skipped, two escapes are a
// space, and so is one that nothing follows. [23.038 6.2.1.1]
func decodeSeptets(septets []byte, basic, extension *charset) string {
	var b strings.Builder
	b.Grow(len(septets))
	escaped := false
	for _, s := range septets {
		s &= 0x7F
		switch {
		case s == esc && !escaped:
			escaped = true
			continue
		case s == esc:
			b.WriteByte(' ')
		case escaped && extension[s] != 0:
			b.WriteRune(extension[s])
		case basic[s] != 0:
			b.WriteRune(basic[s])
		default:
			b.WriteByte(' ')
		}
		escaped = false
	}
	if escaped {
		b.WriteByte(' ')
	}
	return b.String()
}

// Pack packs septets, one an octet, after fillBits (0 to 6) zero bits; the bits left at the end are zero. [23.038 6.1.2.1]
func Pack(septets []byte, fillBits int) []byte {
	return appendPacked(make([]byte, 0, (len(septets)*7+fillBits+7)/8), septets, fillBits)
}

// appendPacked appends what Pack gives to dst.
func appendPacked(dst, septets []byte, fillBits int) []byte {
	acc, bits := uint32(0), fillBits
	for _, s := range septets {
		acc |= uint32(s&0x7F) << bits
		bits += 7
		if bits >= 8 {
			dst = append(dst, byte(acc))
			acc >>= 8
			bits -= 8
		}
	}
	if bits > 0 {
		dst = append(dst, byte(acc))
	}
	return dst
}

// Unpack gives n septets, one an octet, that follow fillBits (0 to 6) bits; fewer when octets end earlier.
func Unpack(octets []byte, fillBits, n int) []byte {
	n = max(0, min(n, (len(octets)*8-fillBits)/7))
	septets := make([]byte, n)
	for i := range septets {
		at := fillBits + i*7
		v := uint16(octets[at/8])
		if at/8+1 < len(octets) {
			v |= uint16(octets[at/8+1]) << 8
		}
		septets[i] = byte(v>>(at%8)) & 0x7F
	}
	return septets
}

// fill gives the number of bits that bring the text after a header of n octets (UDHL included) to a septet boundary, and the
// number of septets that the header takes with them. [23.040 9.2.3.24]
func fill(n int) (bits, septets int) {
	septets = (n*8 + 6) / 7
	return septets*7 - n*8, septets
}

// septetWidth is 1, or 2 with an escape.
func septetWidth(s uint8) int { return 1 + int(s>>7) }

// utf16Width is the number of UTF-16 units of r.
func utf16Width(r rune) int {
	if r > 0xFFFF {
		return 2
	}
	return 1
}

// appendUTF16 appends r, big endian.
func appendUTF16(b []byte, r rune) []byte {
	if r <= 0xFFFF {
		return append(b, byte(r>>8), byte(r))
	}
	r -= 0x10000
	return append(b, 0xD8|byte(r>>18), byte(r>>10), 0xDC|byte(r>>8)&3, byte(r))
}

// decodeUTF16 reads big endian UTF-16; a surrogate alone becomes U+FFFD, an octet left over is dropped.
func decodeUTF16(octets []byte) string {
	var b strings.Builder
	b.Grow(len(octets))
	for ; len(octets) >= 2; octets = octets[2:] {
		u := rune(octets[0])<<8 | rune(octets[1])
		if isHigh(u) && len(octets) >= 4 {
			if low := rune(octets[2])<<8 | rune(octets[3]); isLow(low) {
				b.WriteRune((u-0xD800)<<10 + low - 0xDC00 + 0x10000)
				octets = octets[2:]
				continue
			}
		}
		if isHigh(u) || isLow(u) {
			u = utf8.RuneError
		}
		b.WriteRune(u)
	}
	return b.String()
}

func isHigh(u rune) bool { return u&0xFC00 == 0xD800 }
func isLow(u rune) bool  { return u&0xFC00 == 0xDC00 }
