package price

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"gsmgate/router/prefix"
	"gsmgate/storage"
)

func lookup(l *List, number string, at storage.Time) string {
	k, _ := prefix.Number(number)
	p, amount, found := l.Find(k, at)
	switch found {
	case None:
		return "none"
	case Blocked:
		return "blocked by " + p.String()
	}
	return p.String() + "=" + Credits(amount)
}

func TestList_LongestPrefixThatHolds(t *testing.T) {
	l := Compile([]storage.Price{
		{Prefix: "", Amount: 1000}, {Prefix: "31", Amount: 50}, {Prefix: "316", Amount: 30, Start: 100, End: 200},
		{Prefix: "1", Amount: 10}, {Prefix: "1876", Blocked: true, Start: 100},
	})
	for _, c := range []struct {
		number string
		at     storage.Time
		want   string
	}{
		{"31612345678", 99, "31=0.05"}, {"31612345678", 100, "316=0.03"}, {"31612345678", 199, "316=0.03"}, {"31612345678", 200, "31=0.05"},
		{"18765550100", 99, "1=0.01"}, {"18765550100", 100, "blocked by 1876"}, {"4477", 1, "=1"}, {"", 1, "=1"},
	} {
		if got := lookup(l, c.number, c.at); got != c.want {
			t.Errorf("%s at %d: %s, want %s", c.number, c.at, got, c.want)
		}
	}
}

func TestList_NextStartEndsThePriceBefore(t *testing.T) {
	l := Compile([]storage.Price{{Prefix: "31", Amount: 3, Start: 300}, {Prefix: "31", Amount: 1}, {Prefix: "31", Amount: 2, Start: 200, End: 250}})
	for at, want := range map[storage.Time]string{0: "31=0.001", 199: "31=0.001", 200: "31=0.002", 250: "none", 299: "none", 300: "31=0.003", 1 << 50: "31=0.003"} {
		if got := lookup(l, "31", at); got != want {
			t.Errorf("at %d: %s, want %s", at, got, want)
		}
	}
}

func TestList_Empty_HasNone(t *testing.T) {
	if got := lookup(Compile(nil), "31", 1) + lookup(&List{}, "31", 1); got != "nonenone" {
		t.Error(got)
	}
}

// naive looks at every price.
func naive(prices []storage.Price, number string, at storage.Time) string {
	for n := min(len(number), 16); n >= 0; n-- {
		var best *storage.Price
		for i := range prices {
			if p := &prices[i]; p.Prefix == number[:n] && p.Start <= at && (best == nil || p.Start >= best.Start) {
				best = p
			}
		}
		switch {
		case best == nil || best.End != 0 && best.End <= at:
		case best.Blocked:
			return "blocked by " + best.Prefix
		default:
			return best.Prefix + "=" + Credits(best.Amount)
		}
	}
	return "none"
}

func genPrices(t *rapid.T) []storage.Price {
	return rapid.SliceOf(rapid.Custom(func(t *rapid.T) storage.Price {
		p := storage.Price{
			Prefix:  rapid.StringOfN(rapid.RuneFrom([]rune("012")), 0, 4, -1).Draw(t, "prefix"),
			Amount:  storage.Millicredits(rapid.IntRange(0, 5000).Draw(t, "amount")),
			Start:   storage.Time(rapid.IntRange(0, 5).Draw(t, "start")),
			Blocked: rapid.IntRange(0, 5).Draw(t, "blocked") == 0,
		}
		if rapid.Bool().Draw(t, "ends") {
			p.End = p.Start + storage.Time(rapid.IntRange(1, 4).Draw(t, "length"))
		}
		return p
	})).Draw(t, "prices")
}

func TestList_EqualsNaive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		prices := genPrices(t)
		number := rapid.StringOfN(rapid.RuneFrom([]rune("012")), 0, 6, -1).Draw(t, "number")
		at := storage.Time(rapid.IntRange(0, 10).Draw(t, "at"))
		if got, want := lookup(Compile(prices), number, at), naive(prices, number, at); got != want {
			t.Fatalf("%s at %d in %+v: %s, want %s", number, at, prices, got, want)
		}
	})
}

func TestLookup_AllocatesNothing(t *testing.T) {
	l := Compile(manyPrices(5000))
	k, _ := prefix.Number("31612345678")
	if n := testing.AllocsPerRun(100, func() { l.Lookup(k, 150) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestCredits_WrittenAndRead(t *testing.T) {
	for text, want := range map[string]storage.Millicredits{
		"0.035": 35, "1": 1000, "12.5": 12500, ".5": 500, "0": 0, "0.0350": 35, "1.": 1000, "1000000": 1e9, "0.000": 0,
	} {
		if got, err := ParseCredits(text); err != nil || got != want {
			t.Errorf("%q: %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", ".", "-1", "+1", "0.0355", "1,5", "1e3", "1000000.001", "99999999999999999999", "€1", "1.2.3", "0x1"} {
		if got, err := ParseCredits(text); err == nil {
			t.Errorf("%q was read as %d", text, got)
		}
	}
	for m, want := range map[storage.Millicredits]string{0: "0", 35: "0.035", 1000: "1", 2500: "2.5", -125: "-0.125", 1010: "1.01", 30: "0.03"} {
		if got := Credits(m); got != want {
			t.Errorf("%d: %s, want %s", m, got, want)
		}
		if back, err := ParseCredits(Credits(m)); m >= 0 && (err != nil || back != m) {
			t.Errorf("%d came back as %d, %v", m, back, err)
		}
	}
}

func manyPrices(n int) []storage.Price {
	r := rand.New(rand.NewPCG(1, 2))
	all := make([]storage.Price, n)
	for i := range all {
		s := fmt.Sprint(100_000_000 + r.IntN(899_999_999))
		all[i] = storage.Price{Prefix: s[:3+r.IntN(7)], Amount: storage.Millicredits(r.IntN(200)), Start: storage.Time(r.IntN(3)) * 100}
	}
	return all
}

func BenchmarkLookup_100kPrices(b *testing.B) {
	l := Compile(manyPrices(115_000))
	r := rand.New(rand.NewPCG(3, 4))
	keys := make([]prefix.Key, 1<<16)
	for i := range keys {
		keys[i], _ = prefix.Number(fmt.Sprint(10_000_000_000 + r.IntN(89_999_999_999)))
	}
	b.ReportMetric(float64(l.table.Len()), "prefixes")
	b.ReportAllocs()
	b.ResetTimer()
	found := 0
	for i := range b.N {
		if _, f := l.Lookup(keys[i&(1<<16-1)], 150); f == Priced {
			found++
		}
	}
	if found == 0 && b.N > 1000 {
		b.Fatal("nothing was found")
	}
}

// list writes prices in one line each.
func list(prices []storage.Price) string {
	var lines []string
	for _, p := range prices {
		line := p.Prefix + "=" + Credits(p.Amount)
		if p.Blocked {
			line = p.Prefix + " blocked"
		}
		if p.Start != 0 {
			line += " from " + p.Start.Time().Format("2006-01-02T15:04")
		}
		if p.End != 0 {
			line += " to " + p.End.Time().Format("2006-01-02T15:04")
		}
		if p.Note != "" {
			line += " (" + p.Note + ")"
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "; ")
}

func TestParse_Forms(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"plain":            {"31,0.035\n44,0.04\n", "31=0.035; 44=0.04"},
		"with a head":      {"Prefix,Price,Start,End,Note\n316,0.035,2026-12-01,2026-12-31,NL mobile\n", "316=0.035 from 2026-12-01T00:00 to 2027-01-01T00:00 (NL mobile)"},
		"other words":      {"Country,Dial Code,Rate,Effective Date\nNetherlands,31,0.05,2026-12-01 15:00\n", "31=0.05 from 2026-12-01T15:00 (Netherlands)"},
		"semicolons":       {"code;rate\n31;0,035\n1-876;1,5\n", "1876=1.5; 31=0.035"},
		"tabs":             {"prefix\tprice\tnote\n31\t0.035\t\n", "31=0.035"},
		"mark and remarks": {"\xEF\xBB\xBF# prices of May\nprefix,price\n# more\n31,1\n\n  \n32,2\n", "31=1; 32=2"},
		"windows ends":     {"prefix,price\r\n31,1\r\n", "31=1"},
		"signs":            {"+31,1\n0044,2\n49*,3\n*,9\n", "=9; 31=1; 44=2; 49=3"},
		"a range":          {"31600-31619,1\n", "3160=1; 3161=1"},
		"a whole range":    {"3160-3169,1\n", "316=1"},
		"blocked":          {"1876,blocked\n", "1876 blocked"},
		"twice the same":   {"31,1\n31,1.0\n", "31=1"},
		"two starts":       {"31,1\n31,2,2026-12-01\n", "31=1; 31=2 from 2026-12-01T00:00"},
		"quoted":           {"prefix,price,note\n31,1,\"Netherlands, all\"\n", "31=1 (Netherlands, all)"},
		"german":           {"prefix;price;start\n31;1,5;01.12.2026\n", "31=1.5 from 2026-12-01T00:00"},
	} {
		s := Parse([]byte(c.text), 0)
		if got := list(s.Prices); got != c.want || len(s.Problems) != 0 {
			t.Errorf("%s: %s, want %s; problems %v", name, got, c.want, s.Problems)
		}
	}
}

func TestParse_StartOfTheImport_WhereNoneIsNamed(t *testing.T) {
	s := Parse([]byte("31,1\n32,1,2026-12-01\n"), 86_400_000)
	if got := list(s.Prices); got != "31=1 from 1970-01-02T00:00; 32=1 from 2026-12-01T00:00" {
		t.Error(got)
	}
}

func TestParse_Problems_NameTheirLines(t *testing.T) {
	text := "prefix,price,start,end,Country,Operator,colour\n" +
		"31,0.035\n" + // 2
		"x,1\n" + // 3
		",1\n" + // 4
		"32,\n" + // 5
		"33,0.0355\n" + // 6
		"34,1,01/02/2026\n" + // 7
		"35,1,2026-12-01,2026-11-30\n" + // 8
		"31,2\n" + // 9
		"36,\"1\n" // 10: an open quote
	s := Parse([]byte(text), 0)
	var got []string
	for _, p := range s.Problems {
		got = append(got, fmt.Sprintf("%d: %s", p.Line, p.Message))
	}
	want := []string{
		"3: " + errPrefix.Error(), "4: " + errPrefix.Error(), "5: " + errCredits.Error(), "6: " + errCredits.Error(), "7: " + errDate.Error(),
		"8: the price ends before it starts", "9: another price for the same prefix and start is in line 2", "10: extraneous or missing \" in quoted-field",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if list(s.Prices) != "31=0.035" || !slices.Equal(s.Ignored, []string{"Operator", "colour"}) {
		t.Errorf("prices %s, ignored %q", list(s.Prices), s.Ignored)
	}
}

// What stands behind a quote that is never closed is read, and has its lines.
func TestParse_OpenQuote_TakesItsLineAlone(t *testing.T) {
	for text, want := range map[string]string{
		"31,1\n\"32,2\n33,3\nx,4\n35,5\n":                    "31=1; 33=3; 35=5 2 4",
		"prefix,price,note\n31,1,\"a\nb\"\n32,2,\"c\n33,3\n": "31=1 (a\nb); 33=3 4",
		"\"31,1\n\"32,2\n33,3\n":                             "33=3 1 2",
		"31,1\n32,\"2":                                       "31=1 2",
	} {
		s := Parse([]byte(text), 0)
		got := list(s.Prices)
		for _, p := range s.Problems {
			got += fmt.Sprintf(" %d", p.Line)
		}
		if got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	many := Parse([]byte(strings.Repeat("\"31,1\n", 100_000)), 0) // each one takes all behind it along
	if n := len(many.Problems); n != mostProblems || len(many.Prices) != 0 {
		t.Errorf("%d problems, %d prices", n, len(many.Prices))
	}
}

func TestParse_NoTable_OneProblem(t *testing.T) {
	for name, text := range map[string]string{"nothing": "", "remarks": "# x\n", "words": "hello there\nhow are you\n", "no price": "prefix,note\n31,x\n", "a head": "prefix,price\n"} {
		if s := Parse([]byte(text), 0); len(s.Problems) != 1 || len(s.Prices) != 0 {
			t.Errorf("%s: %v, %v", name, s.Problems, s.Prices)
		}
	}
}

func TestParse_OtherFile_ProblemsAreBounded(t *testing.T) {
	if s := Parse([]byte("prefix,price\n"+strings.Repeat("a,b\n", 10_000)), 0); len(s.Problems) != mostProblems {
		t.Errorf("%d problems", len(s.Problems))
	}
}

func TestMerge_SaysWhatChanges(t *testing.T) {
	old := Parse([]byte("31,1\n32,2\n33,3\n"), 0).Prices
	fresh := Parse([]byte("31,1\n32,2.5\n34,4\n"), 0).Prices
	for _, c := range []struct {
		replace       bool
		want, changes string
	}{
		{false, "31=1; 32=2.5; 33=3; 34=4", "changed 2 2.5; added 4; 1 unchanged, 1 kept"},
		{true, "31=1; 32=2.5; 34=4", "changed 2 2.5; removed 3; added 4; 1 unchanged, 0 kept"},
	} {
		merged, r := Merge(old, fresh, c.replace)
		var changes []string
		for _, ch := range r.Changes {
			text := ch.Kind.String()
			for _, p := range []*storage.Price{ch.From, ch.To} {
				if p != nil {
					text += " " + Credits(p.Amount)
				}
			}
			changes = append(changes, text)
		}
		changes = append(changes, fmt.Sprintf("%d unchanged, %d kept", r.Unchanged, r.Kept))
		if got := strings.Join(changes, "; "); list(merged) != c.want || got != c.changes {
			t.Errorf("replace %v: %s; %s\nwant %s; %s", c.replace, list(merged), got, c.want, c.changes)
		}
	}
}

// A merge is what a map makes of the two, and its counts add up.
func TestMerge_EqualsMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		unique := func(prices []storage.Price) []storage.Price {
			m := map[place]storage.Price{}
			for _, p := range prices {
				m[place{p.Prefix, p.Start}] = p
			}
			return sorted(m)
		}
		old, fresh := unique(genPrices(t)), unique(genPrices(t))
		replace := rapid.Bool().Draw(t, "replace")
		m := map[place]storage.Price{}
		for _, p := range old {
			if !replace {
				m[place{p.Prefix, p.Start}] = p
			}
		}
		for _, p := range fresh {
			m[place{p.Prefix, p.Start}] = p
		}
		merged, r := Merge(old, fresh, replace)
		if !slices.Equal(merged, sorted(m)) {
			t.Fatalf("merged %v, want %v", merged, sorted(m))
		}
		if r.Added+r.Changed+r.Unchanged != len(fresh) || r.Removed+r.Changed+r.Unchanged+r.Kept != len(old) || len(r.Changes) != r.Added+r.Changed+r.Removed {
			t.Fatalf("%+v of %d and %d", r, len(old), len(fresh))
		}
	})
}

func sorted(m map[place]storage.Price) (all []storage.Price) {
	for _, p := range m {
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b storage.Price) int { return storage.ComparePrices(&a, &b) })
	return all
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"31,0.035\n", "prefix;price;start;end\n31;0,1;2026-01-01;2026-02-01\n", "\xEF\xBB\xBFcode\trate\n*\t.5\n", "31600-31650,1\n", "\"", "1-876,blocked"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		s := Parse(text, 0)
		for i := range s.Prices {
			p := &s.Prices[i]
			if _, ok := prefix.Of(p.Prefix); !ok || p.Amount < 0 || p.Amount > Most || p.End != 0 && p.End <= p.Start || len(p.Note) > mostNote {
				t.Fatalf("%+v", p)
			}
			if i > 0 && storage.ComparePrices(&s.Prices[i-1], p) >= 0 {
				t.Fatalf("%+v behind %+v", p, s.Prices[i-1])
			}
		}
		if len(s.Prices) == 0 && len(s.Problems) == 0 {
			t.Fatal("neither prices nor problems")
		}
	})
}
