package pdu

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

var vectorFiles = []string{"deliver.txt", "submit.txt", "report.txt", "field.txt", "refuse.txt"}

// FuzzDecode decodes anything; what is by the book must come back the same from its own encoding.
func FuzzDecode(f *testing.F) {
	for _, file := range vectorFiles {
		for _, v := range vectors(f, file) {
			if _, tpdu, err := ParseLine(v.line); err == nil {
				f.Add(tpdu)
			}
		}
	}
	f.Fuzz(func(t *testing.T, tpdu []byte) {
		kept := bytes.Clone(tpdu)
		m, err := Decode(tpdu)
		if !bytes.Equal(tpdu, kept) {
			t.Fatal("the input was written to")
		}
		if err != nil {
			if m != nil {
				t.Fatalf("%v with %v", m, err)
			}
			return
		}
		if !bytes.Equal(raw(m), kept) {
			t.Fatalf("raw is %x", raw(m))
		}
		checkText(t, m)
		checkAgain(t, m)
	})
}

func checkText(t *testing.T, m any) {
	d, ok := m.(*Deliver)
	if !ok {
		return
	}
	if text := d.Text(); !utf8.ValidString(text) || JoinText([]*Deliver{d}) != text {
		t.Fatalf("text %q, joined %q", text, JoinText([]*Deliver{d}))
	}
	if c := d.Concat; c != nil && (c.Number == 0 || c.Number > c.Total) {
		t.Fatalf("%+v", c)
	}
}

// checkAgain encodes m, when it is by the book, and decodes it again.
func checkAgain(t *testing.T, m any) {
	before := fields(t, m)
	if before["lenient"] != "" {
		return
	}
	if r, ok := m.(*StatusReport); ok { // the optional part is not encoded
		r.PID, r.DCS, r.UserData = 0, 0, UserData{}
		before = fields(t, r)
	}
	b, err := encode(m)
	if err != nil {
		t.Fatalf("cannot be encoded again: %v", err)
	}
	again, err := Decode(b)
	if err != nil {
		t.Fatalf("%x: %v", b, err)
	}
	if after := fields(t, again); !reflect.DeepEqual(after, before) {
		t.Fatalf("before %v\nafter %v", before, after)
	}
}

// FuzzParseLine reads any line; what is read is written the same, in upper case.
func FuzzParseLine(f *testing.F) {
	for _, file := range vectorFiles {
		for _, v := range vectors(f, file) {
			f.Add(v.line)
		}
	}
	f.Fuzz(func(t *testing.T, line string) {
		sca, tpdu, err := ParseLine(line)
		if err != nil {
			return
		}
		again, n, err := Line(sca, tpdu)
		if sca.TON == TONAlphanumeric {
			return // no SCA of the field; read, not written
		}
		if err != nil || n != len(tpdu) {
			t.Fatalf("%+v: %d octets, %v", sca, n, err)
		}
		back, same, err := ParseLine(again)
		if err != nil || back != sca && sca != (Address{}) || !bytes.Equal(same, tpdu) {
			t.Fatalf("%q became %q, %+v became %+v (%v)", line, again, sca, back, err)
		}
	})
}

// FuzzSplitText sends any text and reads it back, with the library and with our own decoder.
func FuzzSplitText(f *testing.F) {
	for _, text := range []string{"", "hello", strings.Repeat("€", 81), strings.Repeat("😀", 36), "\x00", "\xff", "\xed\xa0\xbd", "\ufffd"} {
		f.Add(text, false, uint8(0))
		f.Add(text, true, uint8(6))
	}
	f.Fuzz(func(t *testing.T, text string, wide bool, udhLen uint8) {
		o := Options{Dest: dest, WideReference: wide, Reference: 0xABCD}
		if udhLen >= 2 {
			o.UDH = element(int(udhLen))
		}
		alphabet, n := o.Fit(text)
		segments, err := SplitText(text, alphabet, o)
		if (err == nil) != (n > 0 && n <= 255) || err == nil && len(segments) != n {
			t.Fatalf("Fit says %d, split gives %d, %v", n, len(segments), err)
		}
		if err != nil {
			return
		}
		want := string([]rune(text)) // each octet that is no UTF-8 becomes U+FFFD
		if got := oracleText(t, segments); got != want {
			t.Fatalf("library reads %q, want %q", got, want)
		}
		parts := make([]*Deliver, n)
		for i, s := range segments {
			parts[i] = deliver(t, s)
		}
		if got := JoinText(parts); got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
	})
}

// FuzzSeptets reads any septets in any language; text of the default alphabet comes back.
func FuzzSeptets(f *testing.F) {
	f.Add([]byte("hello\x1b\x65"), uint8(0), uint8(0), uint8(1))
	f.Add([]byte{0x00, 0x01, 0x02, esc}, uint8(6), uint8(13), uint8(6))
	f.Fuzz(func(t *testing.T, septets []byte, locking, single, fillBits uint8) {
		if text := DecodeNational(septets, Language(locking), Language(single)); !utf8.ValidString(text) {
			t.Fatalf("%q", text)
		}
		text := DecodeSeptets(septets)
		again, ok := EncodeSeptets(text)
		if !ok || DecodeSeptets(again) != text {
			t.Fatalf("%q became %x", text, again)
		}
		bits := int(fillBits % 7)
		if got := Unpack(Pack(again, bits), bits, len(again)); !bytes.Equal(got, again) {
			t.Fatalf("%x became %x", again, got)
		}
		_ = fmt.Sprint(Unpack(septets, bits, int(locking)))
	})
}

// FuzzIdentity: a message is the same whatever surrounds it, and a header without our own elements can still be taken apart.
func FuzzIdentity(f *testing.F) {
	f.Add([]byte{0x04, 0x0B, 0x91, 0x13, 0x16, 0x32, 0x54, 0x76, 0xF8, 0x00, 0x00, 0x62, 0x10, 0x10, 0x30, 0x40, 0x50, 0x00, 0x02, 0xC8, 0x34})
	f.Add([]byte{0x44, 0x0B, 0x91, 0x13, 0x16, 0x32, 0x54, 0x76, 0xF8, 0x00, 0x15, 0x62, 0x10, 0x10, 0x30, 0x40, 0x50, 0x00, 0x0D, 0x0B, 0x00, 0x03, 0x09, 0x02, 0x01,
		0x05, 0x04, 0x0B, 0x84, 0x23, 0xF0, 0x61})
	f.Fuzz(func(t *testing.T, tpdu []byte) {
		d, err := DecodeDeliver(tpdu)
		if err != nil {
			return
		}
		again, err := DecodeDeliver(append(bytes.Clone(tpdu), 0xFF))
		if err != nil {
			t.Fatalf("padding: %v", err)
		}
		one, _ := d.Identity()
		if two, _ := again.Identity(); !bytes.Equal(one, two) || !d.Same(again) {
			t.Error("padding makes another message")
		}
		for _, i := range d.Indications() {
			if i.Kind > 3 {
				t.Errorf("%+v", i)
			}
		}
		for _, text := range []bool{false, true} {
			es, err := Elements(WithoutOwn(d.UDH, text))
			for _, e := range es {
				if err != nil || e.ID == ieiConcat8 || e.ID == ieiConcat16 || text && (e.ID == ieiSingle || e.ID == ieiLocking || e.ID == ieiSpecial) {
					t.Errorf("%v, element %+v", err, e)
				}
			}
		}
	})
}
