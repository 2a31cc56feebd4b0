package smpp

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestEncodeText_FarEast_ReadBack(t *testing.T) {
	for _, c := range []struct {
		dc   DataCoding
		text string
	}{
		{CodingJIS, "日本語 ok"}, {CodingMusic, "日本語 ok"}, {CodingKanji, "日本語 ok"}, {CodingKorean, "한글 ok"},
	} {
		octets, err := EncodeText(c.dc, GSM0338, c.text)
		if err != nil {
			t.Errorf("data_coding %d: %v", c.dc, err)
			continue
		}
		if got, err := DecodeText(c.dc, GSM0338, octets); err != nil || got != c.text {
			t.Errorf("data_coding %d: % x was read as %q, %v", c.dc, octets, got, err)
		}
	}
	_, err := EncodeText(CodingKorean, GSM0338, "ok 😀")
	var e *TextError
	if !errors.As(err, &e) || e.Offset != 3 {
		t.Errorf("a character that KS C 5601 lacks: %v", err)
	}
}

func TestUnpack_AfterAHeader(t *testing.T) {
	septets := []byte("hello")
	for udhLen := range 10 {
		if got := GSM0338Packed.Unpack(CodingDefault, packGSM(septets, fillBits(udhLen)), udhLen); !bytes.Equal(got, septets) {
			t.Errorf("header of %d octets: %q", udhLen, got)
		}
	}
}

// FuzzDecodeText holds that a text is valid UTF-8, that what was replaced was
// told, and that an error names an octet of the input.
func FuzzDecodeText(f *testing.F) {
	f.Add(uint8(CodingJIS), uint8(0), []byte("\x93\xfa\x1b$BF"))
	f.Add(uint8(CodingKanji), uint8(0), []byte("\x8f\xb0\xa1\xff"))
	f.Add(uint8(CodingDefault), uint8(GSM0338Packed), []byte("\xe8\x32\x9b\xfd\x06"))
	f.Fuzz(func(t *testing.T, dc, def uint8, octets []byte) {
		text, err := DecodeText(DataCoding(dc), Alphabet(def%4), octets)
		var e *TextError
		switch {
		case err == nil && !utf8.ValidString(text):
			t.Errorf("%q is no UTF-8", text)
		case errors.As(err, &e) && !e.Unknown && (e.Offset >= max(len(octets), 1) && Alphabet(def%4) != GSM0338Packed || !strings.ContainsRune(text, utf8.RuneError)):
			t.Errorf("%v of %d octets, text %q", err, len(octets), text)
		}
	})
}
