package smpp

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/warthog618/sms/encoding/gsm7"
	"pgregory.net/rapid"
)

// gsmText is every character of the GSM alphabet and its extension.
func gsmText() string {
	return strings.ReplaceAll(gsmBasic, "\x00", "") + "\f^{}\\[~]|€"
}

func TestGSM0338_AgreesWithAnotherCodec(t *testing.T) {
	for _, r := range gsmText() {
		want, err := gsm7.Encode([]byte(string(r)))
		if err != nil {
			t.Fatalf("%q: %v", r, err)
		}
		got, err := EncodeText(CodingDefault, GSM0338, string(r))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%q: got %X, %v, want %X", r, got, err, want)
		}
	}
	for b := range 0x80 {
		if b == gsmEscape {
			continue
		}
		want, err := gsm7.Decode([]byte{byte(b)})
		if err != nil {
			t.Fatalf("%#x: %v", b, err)
		}
		if got, err := DecodeText(CodingDefault, GSM0338, []byte{byte(b)}); err != nil || got != string(want) {
			t.Errorf("%#x: got %q, %v, want %q", b, got, err, want)
		}
	}
}

func TestGSM0338Packed_AgreesWithAnotherCodec(t *testing.T) {
	for n := range 40 {
		text := string([]rune(strings.Repeat("Grüße, Ωmega ", 4))[:n])
		septets, err := gsm7.Encode([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		for fill := range 7 {
			got := unpackGSM(packGSM(septets, fill), fill)
			if want := gsm7.Unpack7Bit(gsm7.Pack7Bit(septets, fill), fill); !bytes.Equal(bytes.TrimRight(want, "\x00\r"), septets) || !bytes.Equal(got, septets) {
				t.Errorf("%d septets, fill %d: got %X, other %X, want %X", n, fill, got, want, septets)
			}
		}
	}
}

func TestDecodeText_ByDataCoding(t *testing.T) {
	for _, c := range []struct {
		name   string
		dc     DataCoding
		def    Alphabet
		octets string
		want   string
	}{
		{"GSM", CodingDefault, GSM0338, "\x00Gr\x7e\x1e \x1b\x65\x1b\x3c", "@Grüß €["},
		{"GSM, escape to nothing", CodingDefault, GSM0338, "a\x1bbc", "abc"},
		{"GSM, two escapes", CodingDefault, GSM0338, "a\x1b\x1bb", "a b"},
		{"GSM, escape at the end", CodingDefault, GSM0338, "a\x1b", "a "},
		{"default is Latin-1", CodingDefault, Latin1, "\xa3\xe9@", "£é@"},
		{"default is ASCII", CodingDefault, ASCII, "a@$", "a@$"},
		{"default is packed", CodingDefault, GSM0338Packed, "\xe8\x32\x9b\xfd\x06", "hello"},
		{"packed, padded with CR", CodingDefault, GSM0338Packed, "\x31\xd9\x8c\x56\xb3\xdd\x1a", "1234567"},
		{"IA5", CodingIA5, GSM0338, "a@$_[]\r\n", "a@$_[]\r\n"},
		{"IA5 that is GSM 03.38", CodingIA5, GSM0338, "\x00 \x1b\x65\x02", "@ €$"},
		{"IA5 of one who knows it", CodingIA5, Latin1, "\x02[Gr{~e]", "\x02[Gr{~e]"},
		{"JIS as Shift JIS", CodingJIS, GSM0338, "\x93\xfa\x96\x7b \xb1 ok", "日本 ｱ ok"},
		{"JIS with escapes", CodingJIS, GSM0338, "\x1b$BF|K\\\x1b(B ok", "日本 ok"},
		{"ISO-2022-JP", CodingMusic, GSM0338, "\x1b$BF|K\\\x1b(B", "日本"},
		{"extended kanji", CodingKanji, GSM0338, "\xc6\xfc \x8f\xb0\xa1", "日 丂"},
		{"Korean", CodingKorean, GSM0338, "\xc7\xd1\xb1\xdb ok", "한글 ok"},
		{"Latin-1", CodingLatin1, GSM0338, "\xdf\xff", "ßÿ"},
		{"Cyrillic", CodingCyrillic, GSM0338, "\xbf\xe0\xd8\xd2\xd5\xe2", "Привет"},
		{"Hebrew", CodingHebrew, GSM0338, "\xf9\xec\xe5\xed", "שלום"},
		{"UCS-2", CodingUCS2, GSM0338, "\x4f\x60\x59\x7d\xd8\x3d\xde\x00", "你好😀"},
		{"flash, GSM", 0xF0, GSM0338, "\x00", "@"},
		{"flash, general group", 0x10, GSM0338, "\x00", "@"},
		{"flash, UCS-2", 0x18, GSM0338, "\x00A", "A"},
		{"message waiting", 0xC8, GSM0338, "\x00", "@"},
		{"message waiting, UCS-2", 0xE0, GSM0338, "\x00A", "A"},
	} {
		if got, err := DecodeText(c.dc, c.def, []byte(c.octets)); err != nil || got != c.want {
			t.Errorf("%s: got %q, %v, want %q", c.name, got, err, c.want)
		}
	}
}

func TestDecodeText_NotDecodable(t *testing.T) {
	for _, c := range []struct {
		name    string
		dc      DataCoding
		octets  string
		want    string
		unknown bool
		offset  int
	}{
		{"GSM above 0x7F", CodingDefault, "ab\x80c", "ab\uFFFDc", false, 2},
		{"IA5 above 0x7F", CodingIA5, "a\xe9", "a\uFFFD", false, 1},
		{"odd UCS-2", CodingUCS2, "\x00a\x00", "a\uFFFD", false, 2},
		{"lone high surrogate", CodingUCS2, "\xd8\x3d\x00a", "\uFFFDa", false, 0},
		{"lone low surrogate", CodingUCS2, "\x00a\xde\x00", "a\uFFFD", false, 2},
		{"high surrogate at the end", CodingUCS2, "\x00a\xd8\x3d", "a\uFFFD", false, 2},
		{"binary", CodingBinary, "ab", "", true, 0},
		{"8 bit of class 1", 0xF5, "ab", "", true, 0},
		{"half a character of JIS", CodingJIS, "\x93", "\uFFFD", false, 0},
		{"octet that Shift JIS has not", CodingJIS, "\x80", "\uFFFD", false, 0},
		{"half a character of ISO-2022-JP", CodingMusic, "\x1b$BF", "\uFFFD", false, 0},
		{"octet that EUC-JP has not", CodingKanji, "\xff", "\uFFFD", false, 0},
		{"octet that EUC-KR has not", CodingKorean, "\xff", "\uFFFD", false, 0},
		{"pictograms", CodingPictogram, "ab", "", true, 0},
		{"reserved", 0x80, "ab", "", true, 0},
		{"compressed", 0x20, "ab", "", true, 0},
	} {
		got, err := DecodeText(c.dc, GSM0338, []byte(c.octets))
		var e *TextError
		if !errors.As(err, &e) || e.Unknown != c.unknown || e.Offset != c.offset || e.DataCoding != c.dc || got != c.want {
			t.Errorf("%s: got %q, %v", c.name, got, err)
		}
	}
}

func TestDecodeText_IA5ThatIsGSM(t *testing.T) {
	for _, text := range []string{"Würde", "Über allen Gipfeln ist Ruh", "Jag är för det", "SMÖRGÅSBORD", "FÜR ALLE", "hyvää päivää!",
		"Mañana, señor", "¿Quien viene?", "¿Que? ¿Cuando?", "città", "più", "(ähnlich)", "schön, schöner; am schönsten", "Öl-Äpfel",
		"à", "{x} [y] 5€", "mail: a@b.nl", "a_b $5", "line\r\nzweite Zeile für dich", "l'été"} {
		octets, err := EncodeText(CodingDefault, GSM0338, text)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if got, err := DecodeText(CodingIA5, GSM0338, octets); err != nil || got != text {
			t.Errorf("%q was read as %q, %v", text, got, err)
		}
	}
}

func TestDecodeText_IA5ThatIsIA5(t *testing.T) {
	for _, text := range []string{"Hello, world", "a@b.nl", "Price: $5_00", "[info] disk 90% full", "Dear {name}, your code is {code}", "{code}",
		"x[1] = y[2];", "C:\\dir\\file", "a\\nb and 2^3", "foo\\nbar Next", "~5 min", "http://x.nl/~user", "a || b", "^_^", ":-] ok", ";-}", "~~~",
		"A|B|C", "`code`", "it`s", "#[tag]", "line one\r\nline two\ttab", "{\"a\":[1,2]}", "x^y^2", ""} {
		if got, err := DecodeText(CodingIA5, GSM0338, []byte(text)); err != nil || got != text {
			t.Errorf("%q was read as %q, %v", text, got, err)
		}
	}
}

func TestEncodeText_NotPossible(t *testing.T) {
	for _, c := range []struct {
		name   string
		dc     DataCoding
		def    Alphabet
		text   string
		offset int
	}{
		{"Chinese in GSM", CodingDefault, GSM0338, "ab你", 2},
		{"NUL in GSM", CodingDefault, GSM0338, "\x00", 0},
		{"escape in GSM", CodingDefault, GSM0338, "\x1b", 0},
		{"euro in Latin-1", CodingLatin1, GSM0338, "é€", 2},
		{"é in IA5", CodingIA5, GSM0338, "é", 0},
		{"Latin in Hebrew", CodingHebrew, GSM0338, "é", 0},
		{"no UTF-8 in UCS-2", CodingUCS2, GSM0338, "a\xff", 1},
	} {
		out, err := EncodeText(c.dc, c.def, c.text)
		var e *TextError
		if !errors.As(err, &e) || e.Offset != c.offset || out != nil {
			t.Errorf("%s: got %X, %v", c.name, out, err)
		}
	}
	if _, err := EncodeText(CodingBinary, GSM0338, "x"); err == nil {
		t.Error("a text as binary")
	}
	if got, err := EncodeText(CodingUCS2, GSM0338, "\uFFFD"); err != nil || !bytes.Equal(got, []byte{0xFF, 0xFD}) {
		t.Errorf("U+FFFD itself: %X, %v", got, err)
	}
}

func TestText_RoundTrip(t *testing.T) {
	gsmRunes, latin := []rune(gsmText()), []rune("aé£ÿ@ \x00")
	for _, c := range []struct {
		name string
		dc   DataCoding
		def  Alphabet
		from *rapid.Generator[rune]
	}{
		{"GSM", CodingDefault, GSM0338, rapid.SampledFrom(gsmRunes)},
		{"Latin-1 as default", CodingDefault, Latin1, rapid.SampledFrom(latin)},
		{"Latin-1", CodingLatin1, GSM0338, rapid.SampledFrom(latin)},
		{"IA5", CodingIA5, GSM0338, rapid.RuneFrom([]rune{'a', '@', '\n'})},
		{"UCS-2", CodingUCS2, GSM0338, rapid.Rune()},
		{"Cyrillic", CodingCyrillic, GSM0338, rapid.SampledFrom([]rune("жЯё№a§"))},
		{"Hebrew", CodingHebrew, GSM0338, rapid.SampledFrom([]rune("אתa×÷"))},
	} {
		t.Run(c.name, rapid.MakeCheck(func(t *rapid.T) {
			text := rapid.StringOf(c.from).Draw(t, "text")
			octets, err := EncodeText(c.dc, c.def, text)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := DecodeText(c.dc, c.def, octets); err != nil || got != text {
				t.Fatalf("got %q, %v, want %q", got, err, text)
			}
		}))
	}
}

func TestDecodeUserData_PackedAfterHeader(t *testing.T) {
	udh := []byte{5, 0, 3, 7, 2, 1}
	septets, _ := EncodeText(CodingDefault, GSM0338, "hello [€]")
	userData := append(bytes.Clone(udh), packGSM(septets, 1)...)
	gotUDH, text, err := DecodeUserData(FlagUDHI, CodingDefault, GSM0338Packed, userData)
	if err != nil || text != "hello [€]" || !bytes.Equal(gotUDH, udh) {
		t.Errorf("%X, %q, %v", gotUDH, text, err)
	}
}

func TestSplitUDH(t *testing.T) {
	for _, c := range []struct {
		name      string
		esm       ESMClass
		in        string
		udh, rest string
		err       error
	}{
		{"none", 0, "\x05ab", "", "\x05ab", nil},
		{"some", FlagUDHI, "\x02abcd", "\x02ab", "cd", nil},
		{"all", FlagUDHI, "\x02ab", "\x02ab", "", nil},
		{"empty", FlagUDHI | TypeDeliveryReceipt, "", "", "", ErrUDH},
		{"too long", FlagUDHI, "\x03ab", "", "\x03ab", ErrUDH},
	} {
		udh, rest, err := SplitUDH(c.esm, []byte(c.in))
		if string(udh) != c.udh || string(rest) != c.rest || err != c.err {
			t.Errorf("%s: %q, %q, %v", c.name, udh, rest, err)
		}
	}
}

func TestDataCoding_Class(t *testing.T) {
	for dc, want := range map[DataCoding]int{0: -1, 8: -1, 0x10: 0, 0x13: 3, 0x18: 0, 0xF0: 0, 0xF5: 1, 0xC0: -1, 0xE0: -1} {
		class, ok := dc.Class()
		if ok != (want >= 0) || ok && int(class) != want {
			t.Errorf("%#x: %d, %v", uint8(dc), class, ok)
		}
	}
}

func FuzzText(f *testing.F) {
	f.Add(uint8(0), uint8(0), []byte("\x00\x1b\x65hello\x80"))
	f.Add(uint8(8), uint8(0), []byte("\xd8\x3d\xde\x00\x00"))
	f.Add(uint8(0), uint8(3), []byte("\x31\xd9\x8c\x56\xb3\xdd\x1a"))
	f.Add(uint8(1), uint8(0), []byte("a\x1b\x3c"))
	f.Fuzz(func(t *testing.T, dc, def uint8, octets []byte) {
		text, err := DecodeText(DataCoding(dc), Alphabet(def%4), octets)
		if !utf8.ValidString(text) {
			t.Fatalf("%q is no UTF-8", text)
		}
		if err != nil {
			return
		}
		again, err := EncodeText(DataCoding(dc), Alphabet(def%4), text)
		if err != nil {
			if DataCoding(dc) == CodingIA5 {
				return // read as GSM 03.38
			}
			t.Fatalf("%q was read and cannot be written: %v", text, err)
		}
		if got, _ := DecodeText(DataCoding(dc), Alphabet(def%4), again); got != text && def%4 != uint8(GSM0338Packed) && DataCoding(dc) != CodingIA5 {
			t.Errorf("%q, then %q", text, got)
		}
	})
}
