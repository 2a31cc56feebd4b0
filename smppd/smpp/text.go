package smpp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// DataCoding is data_coding. [SMPP34 5.2.19]
type DataCoding uint8

// Values of DataCoding below the groups that follow GSM 03.38.
const (
	CodingDefault   DataCoding = 0x00 // the alphabet of the SMSC, see Alphabet
	CodingIA5       DataCoding = 0x01
	CodingBinary    DataCoding = 0x02
	CodingLatin1    DataCoding = 0x03
	CodingBinary8   DataCoding = 0x04
	CodingJIS       DataCoding = 0x05
	CodingCyrillic  DataCoding = 0x06 // ISO 8859-5
	CodingHebrew    DataCoding = 0x07 // ISO 8859-8
	CodingUCS2      DataCoding = 0x08
	CodingPictogram DataCoding = 0x09
	CodingMusic     DataCoding = 0x0A // ISO-2022-JP
	CodingKanji     DataCoding = 0x0D
	CodingKorean    DataCoding = 0x0E // KS C 5601
)

// Alphabet says what data_coding 0 means to a peer.
type Alphabet uint8

// The alphabets that are in use as default of an SMSC.
const (
	GSM0338       Alphabet = iota // GSM 7 bit default alphabet, one character an octet
	Latin1                        // ISO 8859-1
	ASCII                         // IA5
	GSM0338Packed                 // GSM 7 bit default alphabet, eight characters in seven octets
)

// charset is what the octets of a text are.
type charset uint8

const (
	charsetNone charset = iota // not a text, or of an alphabet that is not known here
	charsetDefault
	charsetIA5
	charsetLatin1
	charsetCyrillic
	charsetHebrew
	charsetUCS2
	charsetBinary
	charsetJIS
	charsetISO2022JP
	charsetKanji
	charsetKorean
)

// charset follows SMPP below 0x10 [SMPP34 5.2.19] and 23.038 clause 4 above it.
func (d DataCoding) charset() charset {
	switch {
	case d < 0x10:
		return d.charsetOfTable()
	case d < 0x40 && d&0x20 == 0: // general group, not compressed
		return [...]charset{charsetDefault, charsetBinary, charsetUCS2, charsetNone}[d>>2&3]
	case d >= 0xC0 && d < 0xE0: // message waiting
		return charsetDefault
	case d >= 0xE0 && d < 0xF0:
		return charsetUCS2
	case d >= 0xF0 && d&0x04 == 0: // message class
		return charsetDefault
	case d >= 0xF0:
		return charsetBinary
	}
	return charsetNone
}

func (d DataCoding) charsetOfTable() charset {
	switch d {
	case CodingDefault:
		return charsetDefault
	case CodingIA5:
		return charsetIA5
	case CodingBinary, CodingBinary8:
		return charsetBinary
	case CodingLatin1:
		return charsetLatin1
	case CodingCyrillic:
		return charsetCyrillic
	case CodingHebrew:
		return charsetHebrew
	case CodingUCS2:
		return charsetUCS2
	case CodingJIS:
		return charsetJIS
	case CodingMusic:
		return charsetISO2022JP
	case CodingKanji:
		return charsetKanji
	case CodingKorean:
		return charsetKorean
	}
	return charsetNone // pictograms, and what is reserved
}

// Binary reports whether the user data is octets and no text.
func (d DataCoding) Binary() bool { return d.charset() == charsetBinary }

// UCS2 reports whether the text is UTF-16, big end first.
func (d DataCoding) UCS2() bool { return d.charset() == charsetUCS2 }

// Default reports whether the text is in the alphabet that the user has chosen
// for data_coding 0: that of the table and of the groups of 23.038 which name
// the default alphabet.
func (d DataCoding) Default() bool { return d.charset() == charsetDefault }

// Text reports whether DecodeText knows the alphabet of d.
func (d DataCoding) Text() bool {
	c := d.charset()
	return c != charsetNone && c != charsetBinary
}

// Class returns the message class, 0 to 3, where d names one. Class 0 is shown
// at once. [23.038 4]
func (d DataCoding) Class() (class uint8, ok bool) {
	if d >= 0xF0 || d >= 0x10 && d < 0x20 {
		return uint8(d & 3), true
	}
	return 0, false
}

// TextError says that octets are no text in their data_coding, or that a text
// cannot be written in one.
type TextError struct {
	DataCoding DataCoding
	Offset     int // of the first octet that cannot be read, or character in UTF-8 that cannot be written
	Unknown    bool
}

// Error tells the data_coding and the offset, not the text.
func (e *TextError) Error() string {
	if e.Unknown {
		return fmt.Sprintf("smpp: data_coding 0x%02X is no text", uint8(e.DataCoding))
	}
	return fmt.Sprintf("smpp: octet %d is not possible in data_coding 0x%02X", e.Offset, uint8(e.DataCoding))
}

// decoding gathers a text; what cannot be read becomes U+FFFD.
type decoding struct {
	text  strings.Builder
	where int // of the first bad octet, -1: none
	fill  int // bits before the first packed septet
}

func (d *decoding) add(r rune) { d.text.WriteRune(r) }

func (d *decoding) bad(offset int) {
	if d.where < 0 {
		d.where = offset
	}
	d.text.WriteRune(utf8.RuneError)
}

// DecodeText returns octets (without user data header) as UTF-8. Where some
// cannot be read it returns what can, with U+FFFD in between, and a *TextError.
//
// Under data_coding 1 some ESMEs send the GSM alphabet; where the octets look
// like that they are read so (see looksGSM), unless def says that the ESME knows
// the difference: with Latin1 and ASCII they are IA5 whatever they look like.
func DecodeText(dc DataCoding, def Alphabet, octets []byte) (string, error) {
	return decodeText(dc, def, octets, 0)
}

// DecodeUserData does the same for user data with or without a header, which it
// also returns. Packed septets begin on a septet boundary after the header.
// [23.040 9.2.3.24]
func DecodeUserData(esm ESMClass, dc DataCoding, def Alphabet, userData []byte) (udh []byte, text string, err error) {
	udh, rest, err := SplitUDH(esm, userData)
	if err != nil {
		return nil, "", err
	}
	text, err = decodeText(dc, def, rest, fillBits(len(udh)))
	return udh, text, err
}

// fillBits returns how many bits follow a header of n octets up to the next
// multiple of seven.
func fillBits(n int) int { return (7 - 8*n%7) % 7 }

func decodeText(dc DataCoding, def Alphabet, octets []byte, fill int) (string, error) {
	d := decoding{where: -1, fill: fill}
	d.text.Grow(len(octets))
	if !d.read(dc, def, octets) {
		return "", &TextError{DataCoding: dc, Unknown: true}
	}
	if d.where >= 0 {
		return d.text.String(), &TextError{DataCoding: dc, Offset: d.where}
	}
	return d.text.String(), nil
}

// read reports whether the alphabet is known.
func (d *decoding) read(dc DataCoding, def Alphabet, octets []byte) bool {
	switch dc.charset() {
	case charsetDefault:
		d.readDefault(def, octets)
	case charsetIA5:
		if def != Latin1 && def != ASCII && looksGSM(octets) {
			decodeGSM(d, octets)
		} else {
			d.readBytes(octets, asciiRune)
		}
	case charsetLatin1:
		d.readBytes(octets, latin1Rune)
	case charsetCyrillic:
		d.readBytes(octets, charmap.ISO8859_5.DecodeByte)
	case charsetHebrew:
		d.readBytes(octets, charmap.ISO8859_8.DecodeByte)
	case charsetUCS2:
		decodeUTF16(d, octets)
	default:
		e := encodingOf(dc.charset(), octets)
		if e == nil {
			return false
		}
		d.readEncoded(e, octets)
	}
	return true
}

func (d *decoding) readDefault(def Alphabet, octets []byte) {
	switch def {
	case Latin1:
		d.readBytes(octets, latin1Rune)
	case ASCII:
		d.readBytes(octets, asciiRune)
	case GSM0338Packed:
		decodeGSM(d, unpackGSM(octets, d.fill))
	default:
		decodeGSM(d, octets)
	}
}

func (d *decoding) readBytes(octets []byte, of func(byte) rune) {
	for i, b := range octets {
		if r := of(b); r != utf8.RuneError {
			d.add(r)
		} else {
			d.bad(i)
		}
	}
}

func asciiRune(b byte) rune {
	if b >= utf8.RuneSelf {
		return utf8.RuneError
	}
	return rune(b)
}

func latin1Rune(b byte) rune { return rune(b) }

func decodeUTF16(d *decoding, octets []byte) {
	for i := 0; i+1 < len(octets); i += 2 {
		r := rune(binary.BigEndian.Uint16(octets[i:]))
		if !utf16.IsSurrogate(r) {
			d.add(r)
			continue
		}
		var low rune
		if i+3 < len(octets) {
			low = rune(binary.BigEndian.Uint16(octets[i+2:]))
		}
		if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
			d.add(pair)
			i += 2
		} else {
			d.bad(i)
		}
	}
	if len(octets)%2 != 0 {
		d.bad(len(octets) - 1)
	}
}

// EncodeText returns text in a data_coding, for a peer to whom data_coding 0
// means def. A character that the alphabet lacks is a *TextError with its
// offset; nothing is put in its place.
func EncodeText(dc DataCoding, def Alphabet, text string) ([]byte, error) {
	if e := encodingOf(dc.charset(), nil); e != nil {
		return encodeWith(e, dc, text)
	}
	add := adder(dc, def)
	if add == nil {
		return nil, &TextError{DataCoding: dc, Unknown: true}
	}
	out := make([]byte, 0, len(text))
	for i, r := range text {
		var ok bool
		if out, ok = add(out, r); !ok || isBroken(text, i, r) {
			return nil, &TextError{DataCoding: dc, Offset: i}
		}
	}
	if dc.charset() == charsetDefault && def == GSM0338Packed {
		return packGSM(out, 0), nil
	}
	return out, nil
}

// isBroken reports whether r stands for octets at i that are no UTF-8.
func isBroken(text string, i int, r rune) bool {
	if r != utf8.RuneError {
		return false
	}
	_, size := utf8.DecodeRuneInString(text[i:])
	return size == 1
}

// adder returns the function that appends one character, nil for no text.
func adder(dc DataCoding, def Alphabet) func([]byte, rune) ([]byte, bool) {
	switch dc.charset() {
	case charsetDefault:
		switch def {
		case Latin1:
			return appendLatin1
		case ASCII:
			return appendASCII
		}
		return appendGSM
	case charsetIA5:
		return appendASCII
	case charsetLatin1:
		return appendLatin1
	case charsetCyrillic:
		return appendCharmap(charmap.ISO8859_5)
	case charsetHebrew:
		return appendCharmap(charmap.ISO8859_8)
	case charsetUCS2:
		return appendUTF16
	}
	return nil
}

func appendASCII(dst []byte, r rune) ([]byte, bool) {
	return append(dst, byte(r)), r < utf8.RuneSelf
}

func appendLatin1(dst []byte, r rune) ([]byte, bool) { return append(dst, byte(r)), r <= 0xFF }

func appendCharmap(m *charmap.Charmap) func([]byte, rune) ([]byte, bool) {
	return func(dst []byte, r rune) ([]byte, bool) {
		b, ok := m.EncodeRune(r)
		return append(dst, b), ok
	}
}

func appendUTF16(dst []byte, r rune) ([]byte, bool) {
	if r > 0xFFFF {
		high, low := utf16.EncodeRune(r)
		dst = binary.BigEndian.AppendUint16(dst, uint16(high))
		return binary.BigEndian.AppendUint16(dst, uint16(low)), true
	}
	return binary.BigEndian.AppendUint16(dst, uint16(r)), true
}

// ErrUDH is the error of user data whose header is longer than itself.
var ErrUDH = errors.New("smpp: the user data header overruns the user data")

// SplitUDH cuts user data into its header, with the length octet, and the rest.
// Without the UDHI flag all is rest. [23.040 9.2.3.24]
func SplitUDH(esm ESMClass, userData []byte) (udh, rest []byte, err error) {
	if !esm.UDHI() {
		return nil, userData, nil
	}
	if len(userData) == 0 || 1+int(userData[0]) > len(userData) {
		return nil, userData, ErrUDH
	}
	n := 1 + int(userData[0])
	return userData[:n:n], userData[n:], nil
}
