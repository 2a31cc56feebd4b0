package modemsim

import (
	"sync"
	"unicode/utf16"

	"github.com/warthog618/sms/encoding/gsm7/charset"
)

const esc = 0x1b

// languages is the number of national language identifiers, 0 being the default alphabet [23.038 6.2.1.2.4].
const languages = 14

// gsmDefault is the GSM 7 bit default alphabet [23.038 6.2.1]; ESC is at 0x1b.
const gsmDefault = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"

// alphabets are the tables of all national languages, made once for a network and only read afterwards.
type alphabets struct {
	base [languages][128]rune
	ext  [languages][128]rune // 0: undefined
	rev  map[rune]byte        // default alphabet; extension characters with the high bit set
}

func newAlphabets() *alphabets {
	a := &alphabets{rev: make(map[rune]byte, 160)}
	for i, r := range []rune(gsmDefault) {
		a.base[0][i] = r
	}
	for c, r := range map[byte]rune{0x0a: '\f', 0x14: '^', 0x28: '{', 0x29: '}', 0x2f: '\\', 0x3c: '[', 0x3d: '~', 0x3e: ']', 0x40: '|', 0x65: '€'} {
		a.ext[0][c] = r // [23.038 6.2.1.1]
		a.rev[r] = c | 0x80
	}
	for c, r := range a.base[0] {
		if c != esc {
			a.rev[r] = byte(c)
		}
	}
	a.loadNational()
	return a
}

// building is held while the library is asked for its tables: it makes them when first used, without a lock of its own.
var building sync.Mutex

func (a *alphabets) loadNational() {
	building.Lock()
	defer building.Unlock()
	for lang := 1; lang < languages; lang++ {
		copyTable(&a.base[lang], charset.NewDecoder(lang))
		copyTable(&a.ext[lang], charset.NewExtDecoder(lang))
	}
	// The library's Hindi locking table begins with three Bengali signs [23.038 A.3.6].
	a.base[6][0], a.base[6][1], a.base[6][2] = 'ँ', 'ं', 'ः'
}

func copyTable(to *[128]rune, from charset.Decoder) {
	for c, r := range from {
		if c < 128 {
			to[c] = r
		}
	}
}

// text decodes septets with a locking and a single shift table. An ESC before an undefined code gives the basic character, ESC ESC and an ESC
// at the end give a space [23.038 6.2.1.1 Note].
func (a *alphabets) text(septets []byte, locking, single int) string {
	out := make([]rune, 0, len(septets))
	for i := 0; i < len(septets); i++ {
		c := septets[i]
		if c != esc {
			out = append(out, a.base[locking][c])
			continue
		}
		i++
		switch {
		case i == len(septets) || septets[i] == esc:
			out = append(out, ' ')
		case a.ext[single][septets[i]] != 0:
			out = append(out, a.ext[single][septets[i]])
		default:
			out = append(out, a.base[locking][septets[i]])
		}
	}
	return string(out)
}

// septets gives the code of r in the default alphabet, one or two of them; ok is false when it has none.
func (a *alphabets) septets(r rune) (codes []byte, ok bool) {
	c, ok := a.rev[r]
	if !ok {
		return nil, false
	}
	if c&0x80 != 0 {
		return []byte{esc, c &^ 0x80}, true
	}
	return []byte{c}, true
}

func ucs2Text(octets []byte) string {
	units := make([]uint16, len(octets)/2)
	for i := range units {
		units[i] = uint16(octets[2*i])<<8 | uint16(octets[2*i+1])
	}
	return string(utf16.Decode(units))
}

func ucs2Octets(text string) []byte {
	var out []byte
	for _, u := range utf16.Encode([]rune(text)) {
		out = append(out, byte(u>>8), byte(u))
	}
	return out
}

// unpack takes n septets out of packed octets, after skipping skip septets [23.038 6.1.2.1].
func unpack(octets []byte, skip, n int) []byte {
	out := make([]byte, 0, n)
	for i := skip; i < skip+n; i++ {
		bit := i * 7
		v := uint16(octets[bit/8])
		if bit/8+1 < len(octets) {
			v |= uint16(octets[bit/8+1]) << 8
		}
		out = append(out, byte(v>>(bit%8))&0x7f)
	}
	return out
}

// pack puts septets into octets behind a header that is there already, from the next septet border on.
func pack(header, septets []byte) []byte {
	skip := headerSeptets(len(header))
	out := make([]byte, ((skip+len(septets))*7+7)/8)
	copy(out, header)
	for i, s := range septets {
		bit := (skip + i) * 7
		v := uint16(s&0x7f) << (bit % 8)
		out[bit/8] |= byte(v)
		if v>>8 != 0 {
			out[bit/8+1] |= byte(v >> 8)
		}
	}
	return out
}

// headerSeptets is the number of septets that a header of n octets, its length octet included, takes up.
func headerSeptets(n int) int { return (n*8 + 6) / 7 }
