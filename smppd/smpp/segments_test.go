package smpp

import (
	"bytes"
	"testing"
	"unicode/utf8"
)

func TestCut_NoCharacterIsCut(t *testing.T) {
	for _, c := range []struct {
		name string
		dc   DataCoding
		data []byte
		room int
		want []int
	}{
		{"fits", CodingDefault, make([]byte, 160), 160, []int{160}},
		{"two", CodingDefault, make([]byte, 161), 153, []int{153, 8}},
		{"escape at the border", CodingDefault, append(bytes.Repeat([]byte{'a'}, 152), 0x1B, 'e', 'b'), 153, []int{152, 3}},
		{"pair at the border", CodingUCS2, append(bytes.Repeat([]byte{0, 'a'}, 66), 0xD8, 0x3D, 0xDE, 0), 134, []int{132, 4}},
		{"odd room", CodingUCS2, bytes.Repeat([]byte{0, 'a'}, 67), 133, []int{132, 2}},
		{"octets", CodingBinary, bytes.Repeat([]byte{0x1B}, 135), 134, []int{134, 1}},
		{"nothing", CodingDefault, nil, 153, nil},
		{"no room", CodingUCS2, make([]byte, 10), 3, nil},
	} {
		pieces := Cut(c.dc, c.data, c.room)
		if len(pieces) != len(c.want) {
			t.Fatalf("%s: %d pieces, want %v", c.name, len(pieces), c.want)
		}
		for i, p := range pieces {
			if len(p) != c.want[i] {
				t.Errorf("%s: piece %d has %d, want %d", c.name, i, len(p), c.want[i])
			}
		}
	}
}

func TestRoom(t *testing.T) {
	for dc, want := range map[DataCoding][2]int{CodingDefault: {160, 153}, CodingUCS2: {140, 134}, CodingBinary8: {140, 134}, 0xF1: {160, 153}} {
		if got := [2]int{Room(dc, 0), Room(dc, 6)}; got != want {
			t.Errorf("0x%02X: %v, want %v", uint8(dc), got, want)
		}
	}
}

func FuzzCut(f *testing.F) {
	f.Add("Long texts €€ 😀", uint8(8), 10)
	f.Fuzz(func(t *testing.T, text string, coding uint8, room int) {
		dc := DataCoding(coding)
		data, err := EncodeText(dc, GSM0338, text)
		if known := dc.Default() || dc.UCS2() || dc == CodingLatin1; !known || err != nil || room < 4 || room > 1000 || !utf8.ValidString(text) {
			return
		}
		whole := ""
		for _, p := range Cut(dc, data, room) {
			s, err := DecodeText(dc, GSM0338, p)
			if err != nil || len(p) > room {
				t.Fatalf("%q: %v in a piece of %d", text, err, len(p))
			}
			whole += s
		}
		if want, _ := DecodeText(dc, GSM0338, data); whole != want {
			t.Errorf("%q became %q", want, whole)
		}
	})
}
