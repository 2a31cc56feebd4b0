package pdu

import "testing"

// wantDCS reads the coding groups of 23.038 clause 4 bit by bit, apart from ParseDCS.
func wantDCS(b int) DCSInfo {
	class := []Class{Class0, Class1, Class2, Class3}[b%4]
	switch group := b / 16; {
	case group < 8:
		alphabets := []Alphabet{GSM7, Data8, UCS2, GSM7}
		d := DCSInfo{Alphabet: alphabets[b/4%4], Reserved: b/4%4 == 3, Compressed: group%4 >= 2, AutoDelete: group >= 4}
		if group%2 == 1 {
			d.Class = class
		}
		return d
	case group < 12:
		return DCSInfo{Reserved: true}
	case group == 15:
		d := DCSInfo{Class: class}
		if b&4 == 4 {
			d.Alphabet = Data8
		}
		return d
	default:
		d := DCSInfo{Waiting: Waiting{Present: true, Active: b%16 >= 8, Store: group > 12, Kind: uint8(b % 4)}}
		if group == 14 {
			d.Alphabet = UCS2
		}
		return d
	}
}

func TestParseDCS_All256(t *testing.T) {
	for b := range 256 {
		if got, want := ParseDCS(uint8(b)), wantDCS(b); got != want {
			t.Errorf("%02X: got %+v, want %+v", b, got, want)
		}
	}
}

func TestParseDCS_KnownValues(t *testing.T) {
	for _, c := range []struct {
		dcs  uint8
		want DCSInfo
	}{
		{0x00, DCSInfo{}},
		{0x04, DCSInfo{Alphabet: Data8}},
		{0x08, DCSInfo{Alphabet: UCS2}},
		{0x10, DCSInfo{Class: Class0}},
		{0x14, DCSInfo{Alphabet: Data8, Class: Class0}},
		{0x18, DCSInfo{Alphabet: UCS2, Class: Class0}},
		{0xF0, DCSInfo{Class: Class0}},
		{0xF4, DCSInfo{Alphabet: Data8, Class: Class0}},
		{0xC8, DCSInfo{Waiting: Waiting{Present: true, Active: true}}},
		{0xD1, DCSInfo{Waiting: Waiting{Present: true, Store: true, Kind: 1}}},
		{0xE8, DCSInfo{Alphabet: UCS2, Waiting: Waiting{Present: true, Active: true, Store: true}}},
		{0x28, DCSInfo{Alphabet: UCS2, Compressed: true}},
		{0x55, DCSInfo{Alphabet: Data8, Class: Class1, AutoDelete: true}},
	} {
		if got := ParseDCS(c.dcs); got != c.want {
			t.Errorf("%02X: got %+v, want %+v", c.dcs, got, c.want)
		}
	}
}

func TestClass_Number(t *testing.T) {
	for n := range uint8(4) {
		if got, ok := ClassOf(n).Number(); !ok || got != n {
			t.Errorf("class %d came back as %d, %v", n, got, ok)
		}
	}
	for _, c := range []Class{NoClass, Class3 + 1} {
		if _, ok := c.Number(); ok {
			t.Errorf("%d has a number", c)
		}
	}
}
