package pdu

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/warthog618/sms/encoding/tpdu"
	"pgregory.net/rapid"
)

var dest = Address{TONInternational, NPIISDN, "31612345678"}

// oracle decodes an SMS-SUBMIT with the library: text, and total and number of the segment.
func oracle(t interface{ Fatalf(string, ...any) }, s Submit) (d tpdu.TPDU, total, number int) {
	b, err := s.TPDU()
	if err != nil {
		t.Fatalf("%v", err)
	}
	d.Direction = tpdu.MO
	if err := d.UnmarshalBinary(b); err != nil {
		t.Fatalf("library refuses %x: %v", b, err)
	}
	total, number, _, ok := d.ConcatInfo()
	if !ok {
		total, number = 1, 1
	}
	return d, total, number
}

// oracleText decodes all segments one by one with the library; each must be decodable alone.
func oracleText(t interface{ Fatalf(string, ...any) }, segments []Submit) string {
	var text strings.Builder
	for i, s := range segments {
		d, total, number := oracle(t, s)
		if total != len(segments) || number != i+1 {
			t.Fatalf("segment %d of %d says %d of %d", i+1, len(segments), number, total)
		}
		alphabet, _ := d.Alphabet()
		part, err := tpdu.DecodeUserData(d.UD, d.UDH, alphabet)
		if err != nil {
			t.Fatalf("library cannot decode segment %d: %v", i+1, err)
		}
		text.Write(part)
	}
	return text.String()
}

// leastSegments finds the least number of segments by trying every cut.
func leastSegments(widths []int, r room) int {
	sum := 0
	for _, w := range widths {
		sum += w
	}
	if sum <= r.single {
		return 1
	}
	best := make([]int, len(widths)+1)
	for i := 1; i <= len(widths); i++ {
		best[i] = 1 << 30
		for j, used := i-1, 0; j >= 0; j-- {
			if used += widths[j]; used > r.multi {
				break
			}
			best[i] = min(best[i], best[j]+1)
		}
	}
	return best[len(widths)]
}

// widths gives the widths of the characters in the alphabet, counted anew.
func widths(text string, a Alphabet) (w []int) {
	for _, r := range text {
		n := 1
		if a == GSM7 && strings.ContainsRune("\f^{}\\[~]|€", r) || a == UCS2 && r > 0xFFFF {
			n = 2
		}
		w = append(w, n)
	}
	return w
}

var (
	basicRunes = []rune(strings.ReplaceAll(basicTable, "\x1b", ""))
	anyRune    = rapid.OneOf(rapid.SampledFrom(basicRunes), rapid.SampledFrom([]rune("\f^{}\\[~]|€")),
		rapid.SampledFrom([]rune("çêж中\u0000\ufffd\uffff😀🇳🇱𝄞")), rapid.Rune())
	gsmRune = rapid.OneOf(rapid.SampledFrom(basicRunes), rapid.SampledFrom([]rune("\f^{}\\[~]|€")))
	texts   = rapid.OneOf(rapid.StringOfN(gsmRune, 0, 700, -1), rapid.StringOfN(anyRune, 0, 300, -1),
		rapid.StringOfN(rapid.SampledFrom([]rune("a€")), 140, 320, -1), rapid.StringOfN(rapid.SampledFrom([]rune("ж😀")), 60, 140, -1))
)

func TestSplitText_ExactTextInTheLeastSegments(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := texts.Draw(t, "text")
		o := Options{Dest: dest, Reference: rapid.Uint16().Draw(t, "reference"), WideReference: rapid.Bool().Draw(t, "wide")}
		concat := 5
		if o.WideReference {
			concat = 6
		}
		if rapid.Bool().Draw(t, "ports") {
			o.UDH = AppendPorts(nil, Ports{Dest: 2948, Source: 9200, Wide: true})
		}
		alphabet, n := o.Fit(text)
		segments, err := SplitText(text, alphabet, o)
		if err != nil {
			t.Fatalf("%v", err)
		}
		r := roomFor(alphabet, len(o.UDH), concat)
		if least := leastSegments(widths(text, alphabet), r); len(segments) != least || n != least {
			t.Fatalf("%d segments, Fit says %d, least is %d", len(segments), n, least)
		}
		if got := oracleText(t, segments); got != text {
			t.Fatalf("got %q, want %q", got, text)
		}
	})
}

func TestSplitText_JoinedAgain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := texts.Draw(t, "text")
		alphabet, _ := Fit(text, 0)
		segments, err := SplitText(text, alphabet, Options{Dest: dest, Reference: 7})
		if err != nil {
			t.Fatalf("%v", err)
		}
		parts := make([]*Deliver, len(segments))
		order := rapid.Permutation(segments).Draw(t, "order")
		for _, s := range order {
			d := deliver(t, s)
			n := 1
			if d.Concat != nil {
				n = int(d.Concat.Number)
			}
			parts[n-1] = d
		}
		if got := JoinText(parts); got != text {
			t.Fatalf("got %q, want %q", got, text)
		}
	})
}

// deliver is what a handset gets of a submit, over the wire.
func deliver(t interface{ Fatalf(string, ...any) }, s Submit) *Deliver {
	wire, err := s.TPDU()
	if err != nil {
		t.Fatalf("%v", err)
	}
	got, err := DecodeSubmit(wire)
	if err != nil {
		t.Fatalf("%v", err)
	}
	d := &Deliver{OA: got.DA, PID: got.PID, DCS: got.DCS, SCTS: time.Date(2026, 2, 28, 23, 59, 59, 0, time.UTC)}
	d.UDH, d.Data = got.UDH, got.UD
	if wire, err = d.TPDU(); err != nil {
		t.Fatalf("%v", err)
	}
	if d, err = DecodeDeliver(wire); err != nil || len(d.Lenient) > 0 {
		t.Fatalf("%v %v", err, d)
	}
	return d
}

// lengths gives the length of each segment's data in units of its alphabet.
func lengths(segments []Submit) (n []int) {
	for _, s := range segments {
		n = append(n, len(s.UD)/unit(ParseDCS(s.DCS).Alphabet))
	}
	return n
}

func TestSplitText_Boundaries(t *testing.T) {
	ports := AppendPorts(nil, Ports{Dest: 2948, Source: 9200, Wide: true})
	for _, c := range []struct {
		name     string
		text     string
		o        Options
		alphabet Alphabet
		want     []int
	}{
		{"empty", "", Options{}, GSM7, []int{0}},
		{"160", strings.Repeat("x", 160), Options{}, GSM7, []int{160}},
		{"161", strings.Repeat("x", 161), Options{}, GSM7, []int{153, 8}},
		{"306", strings.Repeat("x", 306), Options{}, GSM7, []int{153, 153}},
		{"307", strings.Repeat("x", 307), Options{}, GSM7, []int{153, 153, 1}},
		{"16 bit reference", strings.Repeat("x", 161), Options{WideReference: true}, GSM7, []int{152, 9}},
		{"ports 152", strings.Repeat("x", 152), Options{UDH: ports}, GSM7, []int{152}},
		{"ports 153", strings.Repeat("x", 153), Options{UDH: ports}, GSM7, []int{146, 7}},
		{"UCS2 70", strings.Repeat("ж", 70), Options{}, UCS2, []int{70}},
		{"UCS2 71", strings.Repeat("ж", 71), Options{}, UCS2, []int{67, 4}},
		{"UCS2 16 bit reference", strings.Repeat("ж", 71), Options{WideReference: true}, UCS2, []int{66, 5}},
		{"UCS2 ports 66", strings.Repeat("ж", 66), Options{UDH: ports}, UCS2, []int{66}},
		{"UCS2 ports 67", strings.Repeat("ж", 67), Options{UDH: ports}, UCS2, []int{64, 3}},
		{"extension character at 160", strings.Repeat("x", 159) + "€", Options{}, GSM7, []int{153, 8}},
		{"extension character over 153", strings.Repeat("x", 152) + "€" + strings.Repeat("x", 10), Options{}, GSM7, []int{152, 12}},
		{"only extension characters", strings.Repeat("€", 153), Options{}, GSM7, []int{152, 152, 2}},
		{"80 extension characters", strings.Repeat("€", 80), Options{}, GSM7, []int{160}},
		{"surrogate pair over 67", strings.Repeat("ж", 66) + "😀" + strings.Repeat("ж", 10), Options{}, UCS2, []int{66, 12}},
		{"35 emoji", strings.Repeat("😀", 35), Options{}, UCS2, []int{70}},
		{"36 emoji", strings.Repeat("😀", 36), Options{}, UCS2, []int{66, 6}},
		{"one odd character in 160", strings.Repeat("x", 80) + "ç" + strings.Repeat("x", 79), Options{}, UCS2, []int{67, 67, 26}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.o.Dest = dest
			alphabet, n := c.o.Fit(c.text)
			segments, err := SplitText(c.text, alphabet, c.o)
			if err != nil {
				t.Fatal(err)
			}
			if got := lengths(segments); alphabet != c.alphabet || n != len(c.want) || fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("%v, Fit %d, lengths %v; want %v, %v", alphabet, n, got, c.alphabet, c.want)
			}
			if got := oracleText(t, segments); got != c.text {
				t.Errorf("got %q", got)
			}
		})
	}
}

func TestSplitOctets_Boundaries(t *testing.T) {
	ports := AppendPorts(nil, Ports{Dest: 2948, Source: 9200, Wide: true})
	for _, c := range []struct {
		name string
		n    int
		o    Options
		want []int
	}{
		{"140", 140, Options{}, []int{140}},
		{"141", 141, Options{}, []int{134, 7}},
		{"16 bit reference", 141, Options{WideReference: true}, []int{133, 8}},
		{"ports 133", 133, Options{UDH: ports}, []int{133}},
		{"ports 134", 134, Options{UDH: ports}, []int{128, 6}},
	} {
		t.Run(c.name, func(t *testing.T) {
			data := bytes.Repeat([]byte{0xFF, 0x00, 0x1B, 0xD8}, 36)[:c.n]
			segments, err := SplitOctets(data, 0x04, c.o)
			if err != nil {
				t.Fatal(err)
			}
			if got := lengths(segments); fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
			var joined []byte
			for _, s := range segments {
				d, _, _ := oracle(t, s)
				joined = append(joined, d.UD...)
			}
			if !bytes.Equal(joined, data) {
				t.Error("other octets")
			}
		})
	}
}

func TestSplitOctets_KeepsPairsOfItsAlphabet(t *testing.T) {
	septets := append(bytes.Repeat([]byte{'x'}, 152), esc, 0x65, 'x', 'x', 'x', 'x', 'x', 'x', 'x')
	segments, err := SplitOctets(septets, 0xF0, Options{Dest: dest})
	if err != nil || len(segments) != 2 || len(segments[0].UD) != 152 || segments[0].DCS != 0xF0 {
		t.Errorf("septets: %v, %v", lengths(segments), err)
	}
	utf16 := append(bytes.Repeat([]byte{0, 'x'}, 66), 0xD8, 0x3D, 0xDE, 0x00, 0, 'x', 0, 'x', 0, 'x')
	segments, err = SplitOctets(utf16, 0x08, Options{Dest: dest})
	if err != nil || len(segments) != 2 || len(segments[0].UD) != 132 {
		t.Errorf("UTF-16: %v, %v", lengths(segments), err)
	}
	lone := bytes.Repeat([]byte{0xD8, 0x3D}, 71)
	if segments, err = SplitOctets(lone, 0x08, Options{Dest: dest}); err != nil || len(segments) != 2 {
		t.Errorf("lone surrogates: %v, %v", lengths(segments), err)
	}
}

func TestSplit_MostSegments(t *testing.T) {
	most := strings.Repeat("x", 255*153)
	segments, err := SplitText(most, GSM7, Options{Dest: dest})
	if err != nil || len(segments) != 255 {
		t.Fatalf("%d segments, %v", len(segments), err)
	}
	if got := oracleText(t, segments); got != most {
		t.Error("other text")
	}
	if _, n := Fit(most+"x", 0); n != 256 {
		t.Errorf("Fit says %d", n)
	}
	if _, err := SplitText(most+"x", GSM7, Options{Dest: dest}); !errors.Is(err, ErrTooLong) {
		t.Errorf("got %v", err)
	}
}

func TestSplitText_FieldsOfEverySegment(t *testing.T) {
	o := Options{
		Dest: NewAddress("1234"), ProtocolID: 0x41, Class: Class0, StatusReport: true, RejectDuplicates: true, Validity: time.Hour,
		Reference: 0x1FF, MessageReference: 255,
	}
	segments, err := SplitText(strings.Repeat("x", 200), GSM7, o)
	if err != nil || len(segments) != 2 {
		t.Fatal(len(segments), err)
	}
	for i, s := range segments {
		d, _, _ := oracle(t, s)
		if d.PID != 0x41 || d.DCS != 0x10 || !d.FirstOctet.SRR() || !d.FirstOctet.RD() || d.VP.Duration != time.Hour {
			t.Errorf("segment %d: %+v", i, d)
		}
		if d.DA.TypeOfNumber() != tpdu.TonUnknown || d.DA.Addr != "1234" {
			t.Errorf("short code became %+v", d.DA)
		}
		if want := uint8(255 + i); d.MR != want {
			t.Errorf("TP-MR %d, want %d", d.MR, want)
		}
		if _, _, ref, _ := d.ConcatInfo(); ref != 0xFF {
			t.Errorf("reference %d", ref)
		}
	}
}

func TestSplitText_ClassAndAlphabetInDCS(t *testing.T) {
	for _, c := range []struct {
		alphabet Alphabet
		class    Class
		want     uint8
	}{{GSM7, NoClass, 0x00}, {GSM7, Class0, 0x10}, {UCS2, NoClass, 0x08}, {UCS2, Class0, 0x18}, {GSM7, Class2, 0x12}, {UCS2, Class3, 0x1B}} {
		s, err := SplitText("x", c.alphabet, Options{Dest: dest, Class: c.class})
		if err != nil || s[0].DCS != c.want {
			t.Errorf("%v class %d: DCS %02X, %v", c.alphabet, c.class, s[0].DCS, err)
		}
	}
}

func TestSplit_Refused(t *testing.T) {
	long := strings.Repeat("x", 161)
	for _, c := range []struct {
		name string
		err  error
		call func() error
	}{
		{"not in GSM7", ErrAlphabet, func() error { _, err := SplitText("ç", GSM7, Options{}); return err }},
		{"escape in GSM7", ErrAlphabet, func() error { _, err := SplitText("\x1b", GSM7, Options{}); return err }},
		{"text as 8-bit", ErrAlphabet, func() error { _, err := SplitText("x", Data8, Options{}); return err }},
		{"header of 139", ErrTooLong, func() error { _, err := SplitText(long, GSM7, Options{UDH: element(139)}); return err }},
		{"header of 140", ErrTooLong, func() error { _, err := SplitText("", GSM7, Options{UDH: element(140)}); return err }},
		{"header of 250", ErrTooLong, func() error { _, err := SplitOctets(nil, 4, Options{UDH: element(250)}); return err }},
		{"half an element", ErrHeader, func() error { _, err := SplitText("x", GSM7, Options{UDH: []byte{5, 4, 1}}); return err }},
		{"second concatenation", ErrHeader, func() error { _, err := SplitText("x", GSM7, Options{UDH: []byte{0, 3, 1, 1, 1}}); return err }},
		{"septet of 8 bits", ErrAlphabet, func() error { _, err := SplitOctets([]byte{0x80}, 0, Options{}); return err }},
		{"odd UCS2", ErrLength, func() error { _, err := SplitOctets([]byte{0, 0x41, 0}, 8, Options{}); return err }},
	} {
		if err := c.call(); !errors.Is(err, c.err) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.err)
		}
	}
}

// element gives one element of n octets in all.
func element(n int) []byte { return append([]byte{0x77, byte(n - 2)}, make([]byte, n-2)...) }

func TestFit_AgreesOnHeadersOfAnyLength(t *testing.T) {
	for n := 0; n <= 142; n++ {
		for _, text := range []string{"", "x", "€", strings.Repeat("x", 20), strings.Repeat("€", 90), "ж", "😀", strings.Repeat("😀ж", 60)} {
			o := Options{Dest: dest}
			if n >= 2 {
				o.UDH = element(n)
			} else if n == 1 {
				continue
			}
			alphabet, segments := Fit(text, n)
			got, err := SplitText(text, alphabet, o)
			switch {
			case err == nil && len(got) != segments:
				t.Errorf("header %d, %d octets of text: Fit %d, split %d", n, len(text), segments, len(got))
			case err != nil && segments != 0:
				t.Errorf("header %d, %d octets of text: Fit %d, split %v", n, len(text), segments, err)
			}
			for _, s := range got {
				oracle(t, s)
			}
		}
	}
}

func TestRaw_KeepsTheHeader(t *testing.T) {
	for _, c := range []struct {
		name string
		udh  []byte
		dcs  uint8
		data []byte
	}{
		{"concatenation of a client", []byte{5, 0, 3, 0xAB, 2, 1}, 0, bytes.Repeat([]byte{'x'}, 153)},
		{"ports and unknown elements", append([]byte{10, 5, 4, 0x0B, 0x84, 0x23, 0xF0}, 0x77, 2, 1, 2), 4, bytes.Repeat([]byte{0xFF}, 129)},
		{"UCS2", []byte{6, 8, 4, 1, 2, 2, 1}, 8, bytes.Repeat([]byte{0x04, 0x16}, 66)},
		{"no header", nil, 0xF0, bytes.Repeat([]byte{'x'}, 160)},
		{"header only", []byte{3, 0x70, 1, 0}, 4, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := Raw(c.udh, c.data, c.dcs, Options{Dest: dest})
			if err != nil {
				t.Fatal(err)
			}
			b, err := s.TPDU()
			if err != nil {
				t.Fatal(err)
			}
			got, err := DecodeSubmit(b)
			if err != nil || !bytes.Equal(got.UDH, c.udh) || !bytes.Equal(got.UD, c.data) || len(got.Lenient) > 0 {
				t.Errorf("got %x %x, %v %v", got.UDH, got.UD, got.Lenient, err)
			}
			if _, err := Raw(c.udh, append(c.data, bytes.Repeat([]byte{0, 'x'}, 80)...), c.dcs, Options{Dest: dest}); !errors.Is(err, ErrTooLong) {
				t.Errorf("too much data: %v", err)
			}
		})
	}
}

func TestRaw_Refused(t *testing.T) {
	for _, c := range []struct {
		name      string
		udh, data []byte
		dcs       uint8
		err       error
	}{
		{"wrong UDHL", []byte{5, 0, 3, 1, 2}, nil, 0, ErrHeader},
		{"element beyond", []byte{3, 0, 3, 1}, nil, 0, ErrHeader},
		{"septet of 8 bits", nil, []byte{0xC3}, 0, ErrAlphabet},
		{"odd UCS2", nil, []byte{0}, 8, ErrLength},
		{"UCS2 of 141 octets", []byte{0}, make([]byte, 140), 8, ErrTooLong},
		{"154 septets", []byte{5, 0, 3, 0xAB, 2, 1}, make([]byte, 154), 0, ErrTooLong},
		{"long header", header(element(200)), nil, 4, ErrTooLong},
		{"header of 140 and UDHL", header(element(140)), nil, 4, ErrTooLong},
	} {
		if _, err := Raw(c.udh, c.data, c.dcs, Options{Dest: dest}); !errors.Is(err, c.err) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.err)
		}
	}
}
