package pdu

import (
	"strings"
	"testing"
)

func BenchmarkFit160(b *testing.B) {
	text := strings.Repeat("Hello World ", 14)[:160]
	b.ReportAllocs()
	for b.Loop() {
		if _, n := Fit(text, 0); n != 1 {
			b.Fatal(n)
		}
	}
}

func BenchmarkFitUCS2(b *testing.B) {
	text := strings.Repeat("Привет мир ", 12)
	b.ReportAllocs()
	for b.Loop() {
		if _, n := Fit(text, 0); n != 2 {
			b.Fatal(n)
		}
	}
}

func BenchmarkSplitText160(b *testing.B) {
	text := strings.Repeat("Hello World ", 14)[:160]
	b.ReportAllocs()
	for b.Loop() {
		if _, err := SplitText(text, GSM7, Options{Dest: dest}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSplitTextAndTPDU160(b *testing.B) {
	text := strings.Repeat("Hello World ", 14)[:160]
	b.ReportAllocs()
	for b.Loop() {
		s, err := SplitText(text, GSM7, Options{Dest: dest})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := s[0].TPDU(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeLine(b *testing.B) {
	const line = "07911326040000F0040B911346610089F60000208062917314480CC8F71D14969741F977FD07"
	b.ReportAllocs()
	for b.Loop() {
		if _, err := DecodeLine(line); err != nil {
			b.Fatal(err)
		}
	}
}
