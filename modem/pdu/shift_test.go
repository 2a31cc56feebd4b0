package pdu

import (
	"encoding/hex"
	"strings"
	"testing"
)

// joined is what a handset makes of the segments.
func joined(t testing.TB, segments []Submit) string {
	t.Helper()
	parts := make([]*Deliver, len(segments))
	for i, s := range segments {
		parts[i] = deliver(t, s)
	}
	return JoinText(parts)
}

func TestFitNational_FewerSegmentsOnly_PlainestFirst(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		l    Language
		want Encoding
		n    int
	}{
		"default alphabet":                     {"Hello", Turkish, Encoding{Alphabet: GSM7}, 1},
		"not asked for":                        {strings.Repeat("ğ", 71), 0, Encoding{Alphabet: UCS2}, 2},
		"as few by UCS2":                       {strings.Repeat("ğ", 70), Turkish, Encoding{Alphabet: UCS2}, 1},
		"Turkish, single":                      {strings.Repeat("ığ12345678", 12), Turkish, Encoding{GSM7, 0, Turkish}, 1},
		"Turkish, locking":                     {strings.Repeat("ığ", 77), Turkish, Encoding{GSM7, Turkish, 0}, 1},
		"Portuguese, both":                     {strings.Repeat("ã", 80) + strings.Repeat("Â", 30), Portuguese, Encoding{GSM7, Portuguese, 0}, 1},
		"Spanish has a single table alone":     {strings.Repeat("á", 75), Spanish, Encoding{GSM7, 0, Spanish}, 1},
		"in another language":                  {strings.Repeat("ğ", 80), Spanish, Encoding{Alphabet: UCS2}, 2},
		"auto finds it":                        {strings.Repeat("ığ12345678", 12), AutoLanguage, Encoding{GSM7, 0, Turkish}, 1},
		"auto, Hindi":                          {strings.Repeat("क", 100), AutoLanguage, Encoding{GSM7, Hindi, 0}, 1},
		"auto, no table has it":                {strings.Repeat("你", 80), AutoLanguage, Encoding{Alphabet: UCS2}, 2},
		"an unknown language":                  {strings.Repeat("ğ", 80), 99, Encoding{Alphabet: UCS2}, 2},
		"155 of 160 septets beside one table":  {strings.Repeat("a", 153) + "ğ", Turkish, Encoding{GSM7, 0, Turkish}, 1},
		"one more, and the locking table wins": {strings.Repeat("a", 154) + "ğ", Turkish, Encoding{GSM7, Turkish, 0}, 1},
	} {
		o := Options{Dest: dest, Reference: 7}
		e, n := o.FitNational(c.text, c.l)
		if e != c.want || n != c.n {
			t.Errorf("%s: %+v in %d, want %+v in %d", name, e, n, c.want, c.n)
			continue
		}
		segments, err := SplitEncoded(c.text, e, o)
		if err != nil || len(segments) != n {
			t.Errorf("%s: %d segments, %v", name, len(segments), err)
			continue
		}
		if got := joined(t, segments); got != c.text {
			t.Errorf("%s: came back as %q", name, got)
		}
	}
}

// Octet for octet: the elements stand in each segment, and the text begins on a septet boundary behind them. [23.040 9.2.3.24.15]
func TestSplitEncoded_Vectors(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		e    Encoding
		want []string
	}{
		"Turkish single":  {"aş", Encoding{GSM7, 0, Turkish}, []string{"4100" + "0B911316325476F8" + "0000" + "08" + "03240101" + "086FE6"}},
		"Turkish locking": {"aş", Encoding{GSM7, Turkish, 0}, []string{"4100" + "0B911316325476F8" + "0000" + "07" + "03250101" + "087700"}},
		"Turkish both":    {"aş", Encoding{GSM7, Turkish, Turkish}, []string{"4100" + "0B911316325476F8" + "0000" + "0A" + "06240101250101" + "E10E"}},
	} {
		segments, err := SplitEncoded(c.text, c.e, Options{Dest: NewAddress("+31612345678")})
		if err != nil || len(segments) != len(c.want) {
			t.Errorf("%s: %d segments, %v", name, len(segments), err)
			continue
		}
		for i, s := range segments {
			tpdu, err := s.TPDU()
			if got := strings.ToUpper(hex.EncodeToString(tpdu)); err != nil || got != c.want[i] {
				t.Errorf("%s, segment %d: %s, %v; want %s", name, i+1, got, err, c.want[i])
			}
		}
	}
}

func TestSplitEncoded_Long_EverySegmentNamesTheTables(t *testing.T) {
	text := strings.Repeat("Şu köşe yaz köşesi, şu köşe kış köşesi. ", 12)
	o := Options{Dest: dest, Reference: 7}
	e, n := o.FitNational(text, Turkish)
	segments, err := SplitEncoded(text, e, o)
	if err != nil || len(segments) != n || n < 3 || e.Alphabet != GSM7 {
		t.Fatalf("%+v, %d of %d segments, %v", e, len(segments), n, err)
	}
	for i, s := range segments {
		u, err := s.UserData()
		if err != nil || u.Locking != e.Locking || u.Single != e.Single || u.Concat == nil || int(u.Concat.Number) != i+1 || int(u.Concat.Total) != n {
			t.Errorf("segment %d: %+v, %v", i+1, u, err)
		}
		if u.Text() == "" || strings.ContainsRune(u.Text(), '\uFFFD') {
			t.Errorf("segment %d alone reads %q", i+1, u.Text())
		}
	}
	if got := joined(t, segments); got != text {
		t.Errorf("came back as %q", got)
	}
}

// FuzzNational sends any text in any language and reads it back.
func FuzzNational(f *testing.F) {
	for _, text := range []string{"", "ığüşöç", strings.Repeat("ã", 161), strings.Repeat("ΩÂ", 99), "कखग", "\x1b", "\x00ğ", "\xffş", "ğ😀", "ğ\r\n\f€"} {
		f.Add(text, uint8(Turkish))
		f.Add(text, uint8(AutoLanguage))
		f.Add(text, uint8(Hindi))
	}
	f.Fuzz(func(t *testing.T, text string, l uint8) {
		o := Options{Dest: dest, Reference: 0xCD}
		e, n := o.FitNational(text, Language(l))
		_, plain := o.Fit(text)
		if plain > 0 && n > plain {
			t.Fatalf("%d segments, and %d without", n, plain)
		}
		segments, err := SplitEncoded(text, e, o)
		if (err == nil) != (n > 0 && n <= 255) || err == nil && len(segments) != n {
			t.Fatalf("Fit says %d, split gives %d, %v", n, len(segments), err)
		}
		if err != nil {
			return
		}
		if got, want := joined(t, segments), string([]rune(text)); got != want {
			t.Fatalf("%+v: got %q, want %q", e, got, want)
		}
	})
}
