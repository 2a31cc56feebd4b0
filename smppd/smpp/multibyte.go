package smpp

import (
	"bytes"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
)

// encodingOf returns how the octets of a data_coding of the Far East are read,
// nil for all others. [SMPP34 5.2.19]
//
// The specification names the character sets and not how their two octets are
// written. JIS (5) is ISO-2022-JP where there is an escape sequence, else Shift
// JIS, both of which hold ASCII as it is; JIS X 0212 (13) is known to EUC-JP
// only; KS C 5601 (14) is EUC-KR.
func encodingOf(c charset, octets []byte) encoding.Encoding {
	const escape = 0x1B
	switch c {
	case charsetJIS:
		if bytes.IndexByte(octets, escape) < 0 {
			return japanese.ShiftJIS
		}
		return japanese.ISO2022JP
	case charsetISO2022JP:
		return japanese.ISO2022JP
	case charsetKanji:
		return japanese.EUCJP
	case charsetKorean:
		return korean.EUCKR
	}
	return nil
}

// readEncoded reads octets of an encoding. None of them can write U+FFFD, which
// stands for what could not be read; where that was is not known.
func (d *decoding) readEncoded(e encoding.Encoding, octets []byte) {
	text, err := e.NewDecoder().Bytes(octets)
	text = bytes.ReplaceAll(text, []byte("\u0080"), []byte("\uFFFD")) // 0x80, which Shift JIS has no character for and browsers keep
	if err != nil || bytes.ContainsRune(text, utf8.RuneError) {
		d.where = 0
	}
	d.text.Write(text)
}

// encodeWith writes a text in an encoding.
func encodeWith(e encoding.Encoding, dc DataCoding, text string) ([]byte, error) {
	out, err := e.NewEncoder().Bytes([]byte(text))
	if err == nil {
		return out, nil
	}
	for i, r := range text {
		if _, err := e.NewEncoder().String(string(r)); err != nil || isBroken(text, i, r) {
			return nil, &TextError{DataCoding: dc, Offset: i}
		}
	}
	return nil, &TextError{DataCoding: dc}
}
