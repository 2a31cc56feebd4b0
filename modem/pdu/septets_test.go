package pdu

import (
	"bytes"
	"encoding/hex"
	"math/rand/v2"
	"testing"
	"unicode/utf8"

	"github.com/warthog618/sms/encoding/gsm7"
	"pgregory.net/rapid"
)

func TestSeptets_AllCharactersBothWays(t *testing.T) {
	n := 0
	for r := rune(0); r <= 0x10FFFF; r++ {
		text := string(r)
		if !utf8.ValidRune(r) {
			continue
		}
		got, ok := EncodeSeptets(text)
		want, err := gsm7.Encode([]byte(text))
		if r == esc { // the library sends it; by the standard it is the escape and no character
			if ok {
				t.Error("U+001B was encoded")
			}
			continue
		}
		if ok != (err == nil) || !bytes.Equal(got, want) {
			t.Fatalf("%U: got %x, library %x %v", r, got, want, err)
		}
		if ok {
			n++
			if back := DecodeSeptets(got); back != text {
				t.Errorf("%U came back as %q", r, back)
			}
		}
	}
	if n != 127+10 {
		t.Errorf("%d characters, want 137", n)
	}
}

func TestSeptets_Pitfalls(t *testing.T) {
	for text, want := range map[string]string{
		"Ç": "09", "\f": "1b0a", "€": "1b65", "[": "1b3c", "@": "00", "\n": "0a", "\r": "0d", "Å": "0e", "É": "1f", "à": "7f", "¡": "40",
	} {
		if got, ok := EncodeSeptets(text); !ok || hex.EncodeToString(got) != want {
			t.Errorf("%q: got %x", text, got)
		}
	}
	for _, text := range []string{"ç", "`", "´", "ê", "ô", "ă", "š", "\x00", "\x1b", "Α", "\t", "µ", "’"} {
		if got, ok := EncodeSeptets(text); ok {
			t.Errorf("%q was encoded as %x", text, got)
		}
	}
}

func TestDecodeSeptets_Escapes(t *testing.T) {
	for in, want := range map[string]string{
		"1b":       " ",
		"411b":     "A ",
		"1b1b":     " ",
		"1b1b1b65": " €",
		"1b1b65":   " e",
		"1b41":     "A", // nothing there in the extension table: the basic character
		"1b00":     "@",
		"1b0d":     "\r",
		"1b0a":     "\f",
		"c1":       "A", // bit 8 does not count
	} {
		septets, _ := hex.DecodeString(in)
		if got := DecodeSeptets(septets); got != want {
			t.Errorf("%s: got %q, want %q", in, got, want)
		}
	}
}

func TestPack_EveryLengthAndFill(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for fillBits := range 7 {
		for n := range 161 {
			septets := make([]byte, n)
			for i := range septets {
				septets[i] = byte(random.UintN(128))
			}
			packed := Pack(septets, fillBits)
			if len(packed) != (fillBits+7*n+7)/8 {
				t.Fatalf("%d septets after %d bits: %d octets", n, fillBits, len(packed))
			}
			if got := Unpack(packed, fillBits, n); !bytes.Equal(got, septets) {
				t.Fatalf("%d septets after %d bits came back as %x", n, fillBits, got)
			}
			if want := gsm7.Pack7Bit(septets, fillBits); n > 0 && !bytes.Equal(packed, want) {
				t.Fatalf("%d septets after %d bits: %x, library %x", n, fillBits, packed, want)
			}
			checkZero(t, packed, 0, fillBits)
			checkZero(t, packed, fillBits+7*n, len(packed)*8)
		}
	}
}

func checkZero(t *testing.T, b []byte, from, to int) {
	t.Helper()
	for i := from; i < to; i++ {
		if b[i/8]>>(i%8)&1 != 0 {
			t.Fatalf("bit %d of %x is set", i, b)
		}
	}
}

func TestFill_ByHeaderLength(t *testing.T) {
	for udhl, want := range map[int]int{5: 1, 6: 0, 11: 2, 4: 2, 3: 3, 2: 4} {
		bits, septets := fill(udhl + 1)
		if bits != want || septets*7 != (udhl+1)*8+bits {
			t.Errorf("UDHL %d: %d bits, %d septets", udhl, bits, septets)
		}
	}
}

func TestUnpack_ShortInput(t *testing.T) {
	for _, c := range []struct{ octets, fillBits, n, want int }{{0, 0, 5, 0}, {0, 6, 5, 0}, {1, 0, 5, 1}, {1, 2, 5, 0}, {7, 0, 9, 8}, {7, 0, -1, 0}} {
		if got := Unpack(make([]byte, c.octets), c.fillBits, c.n); len(got) != c.want {
			t.Errorf("%+v: %d septets", c, len(got))
		}
	}
}

func TestUTF16_LoneSurrogates(t *testing.T) {
	for in, want := range map[string]string{
		"d83d":         "\ufffd",
		"d83d0041":     "\ufffdA",
		"de000041":     "\ufffdA",
		"d83dd83dde00": "\ufffd😀",
		"de00d83d":     "\ufffd\ufffd",
		"d83dde00":     "😀",
		"004100":       "A",
		"fffe0041":     "\ufffeA",
		"feff0041":     "\ufeffA",
		"0000":         "\x00",
		"":             "",
	} {
		octets, _ := hex.DecodeString(in)
		if got := decodeUTF16(octets); got != want {
			t.Errorf("%s: got %q, want %q", in, got, want)
		}
	}
}

func TestUTF16_RoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		var b []byte
		for _, r := range text {
			b = appendUTF16(b, r)
		}
		if got := decodeUTF16(b); got != text {
			t.Fatalf("got %q, want %q", got, text)
		}
	})
}
