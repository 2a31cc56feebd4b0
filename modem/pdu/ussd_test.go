package pdu

import (
	"encoding/hex"
	"os"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

// ussdTexts are such as networks send.
func ussdTexts() []string {
	return []string{
		"Balance 12.34 EUR", "Your balance is 5.20 GBP. Valid until 12/03/2027.", "1. Balance\n2. Top up\n3. Bundles\n0. Exit",
		"Ihr Guthaben beträgt 9,85 Euro. Gültig bis 31.12.2026", "Saldo: R$ 10,00", "Votre crédit est de 4,20€ valable jusqu'au 05/06/2027",
		"Dear Customer, service not available", "OK", "Su saldo es $1.234,50", "Solde 12 500 FCFA", "Ваш баланс 123.45 руб.", "رصيدك 12.50 ريال",
		"Υπόλοιπο 3,20 ευρώ", "您的余额是12.50元", "ยอดเงินคงเหลือ 25.00 บาท", "आपका बैलेंस 15.00 रुपये है", "Saldo Anda Rp 10.000 aktif s/d 31-12-2026",
		"Balance:25.50 LKR", "Welcome to *100# menu", "MTN: You have 0.00 NGN", "Your number is 2348031234567",
	}
}

func TestDecodeUSSD_EveryFormWithTrueDCS_TextComesBack(t *testing.T) {
	for _, text := range ussdTexts() {
		for _, form := range []USSDForm{USSDPlain, USSDSeptet, USSDPacked, USSDUCS2} {
			for _, hint := range []USSDForm{"", form} {
				s, dcs, ok := EncodeUSSD(text, form)
				if !ok {
					continue
				}
				if got := DecodeUSSD(s, dcs, hint); got != text {
					t.Errorf("%s as %s with dcs %d, hint %q: %q (%s)", text, form, dcs, hint, got, s)
				}
				if got := DecodeUSSD(strings.ToLower(s), dcs, hint); form != USSDPlain && got != text {
					t.Errorf("%s as %s in lower case: %q", text, form, got)
				}
			}
		}
	}
}

func TestDecodeUSSD_UCS2WithWrongOrNoDCS_TextComesBack(t *testing.T) {
	for _, text := range ussdTexts() {
		s := upperHex(encodeUTF16(text))
		for _, dcs := range []int{15, NoDCS, 8, 72, 0x48, 0} {
			if got := DecodeUSSD(s, dcs, ""); got != text && (dcs == 72 || !strings.HasPrefix(text, "您")) {
				t.Errorf("%s with dcs %d: %q", text, dcs, got)
			}
		}
	}
}

func TestEncodeUSSD_PackedByTheBook(t *testing.T) {
	for text, want := range map[string]string{ // [23.038 6.1.2.3.1]
		"*100#": "AA180C3602", "*#21#": "AA912C3602", "1234567": "31D98C56B3DD1A", "12345678": "31D98C56B3DD70",
	} {
		if s, dcs, ok := EncodeUSSD(text, USSDPacked); s != want || dcs != 15 || !ok {
			t.Errorf("%s: %s, %d, %v", text, s, dcs, ok)
		}
	}
	for _, text := range []string{"", strings.Repeat("1", MaxUSSD+1), "ж"} {
		if s, _, ok := EncodeUSSD(text, USSDPacked); ok {
			t.Errorf("%q was taken: %s", text, s)
		}
	}
	if _, _, ok := EncodeUSSD(`a"b`, USSDPlain); ok {
		t.Error("a quote within quotes was taken")
	}
	if s, dcs, ok := EncodeUSSD("ж", USSDUCS2); s != "0436" || dcs != 72 || !ok {
		t.Errorf("%s, %d, %v", s, dcs, ok)
	}
}

func TestUSSD_PaddingOfEachLength_ComesOff(t *testing.T) {
	for n := 1; n <= MaxUSSD; n++ {
		text := strings.Repeat("x", n-1) + "y"
		septets, _ := EncodeSeptets(text)
		if got := UnpackUSSD(PackUSSD(septets)); got != text {
			t.Errorf("%d septets: %q", n, got)
		}
		if got := UnpackUSSD(Pack(septets, 0)); got != text { // zeros instead of a CR
			t.Errorf("%d septets without padding: %q", n, got)
		}
	}
}

// The vectors are lines as modems have shown them: "<form> <dcs> <str in hex> | <text>".
func TestDecodeUSSD_FieldVectors(t *testing.T) {
	raw, err := os.ReadFile("testdata/ussd.txt")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(string(raw)) {
		line = strings.TrimRight(line, "\n")
		if line == "" || line[0] == '#' {
			continue
		}
		n++
		given, want, _ := strings.Cut(line, " | ")
		fields := strings.Fields(given)
		dcs, err := strconv.Atoi(fields[1])
		if err != nil {
			t.Fatal(line)
		}
		want = strings.ReplaceAll(want, `\n`, "\n")
		shown := fields[2]
		if octets, found := strings.CutPrefix(shown, "x:"); found {
			b, err := hex.DecodeString(octets)
			if err != nil {
				t.Fatal(line)
			}
			shown = string(b)
		}
		if got := DecodeUSSD(shown, dcs, USSDForm(strings.TrimPrefix(fields[0], "-"))); got != want {
			t.Errorf("%s\n got %q", line, got)
		}
	}
	if n < 12 {
		t.Errorf("only %d vectors", n)
	}
}

func FuzzDecodeUSSD(f *testing.F) {
	for _, text := range ussdTexts() {
		for _, form := range []USSDForm{USSDPlain, USSDSeptet, USSDPacked, USSDUCS2} {
			if s, dcs, ok := EncodeUSSD(text, form); ok {
				f.Add(s, dcs, string(form))
			}
		}
	}
	f.Add("\x00\x80\xff", 300, "")
	f.Add("C", 17, "ucs2-hex")
	f.Fuzz(func(t *testing.T, s string, dcs int, form string) {
		got := DecodeUSSD(s, dcs, USSDForm(form))
		if !utf8.ValidString(got) && utf8.ValidString(s) {
			t.Errorf("%q gave %q", s, got)
		}
		if len(got) > 4*len(s)+4 {
			t.Errorf("%d octets became %d", len(s), len(got))
		}
		for _, form := range []USSDForm{USSDSeptet, USSDPacked, USSDUCS2} {
			if coded, _, ok := EncodeUSSD(s, form); ok && len(coded) > 2*MaxUSSD {
				t.Errorf("%s of %d digits", form, len(coded))
			}
		}
	})
}
