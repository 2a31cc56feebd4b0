package prefix

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func entries(prefixes ...string) (all []Entry[string]) {
	for _, p := range prefixes {
		k, ok := Of(p)
		if !ok {
			panic(p)
		}
		all = append(all, Entry[string]{k, p})
	}
	return all
}

func find(t *Table[string], number string) string {
	k, _ := Number(number)
	if _, v, ok := t.Lookup(k); ok {
		return v
	}
	return "none"
}

func TestLookup_LongestPrefixWins(t *testing.T) {
	table := New(entries("31", "316", "3161234", "44", "1", "1876"))
	for number, want := range map[string]string{
		"31612345678": "3161234", "31612399999": "316", "31201234567": "31", "44770090": "44",
		"18765550100": "1876", "18755550100": "1", "49": "none", "3": "none", "": "none", "+31612345678": "none",
		"31": "31", "316123": "316", "*100#": "none",
	} {
		if got := find(table, number); got != want {
			t.Errorf("%q: %s, want %s", number, got, want)
		}
	}
}

func TestLookup_EmptyPrefix_HoldsForAll(t *testing.T) {
	table := New(entries("", "31"))
	if got := find(table, "44770090") + "/" + find(table, "31") + "/" + find(table, "*100#"); got != "/31/" {
		t.Errorf("found %s", got)
	}
}

func TestLookup_EmptyTable_FindsNothing(t *testing.T) {
	if k, ok := Of("31"); !ok || New[string](nil).Find(k) != -1 || new(Table[string]).Find(k) != -1 {
		t.Error("something was found in an empty table")
	}
}

func TestNew_SamePrefixTwice_LastCounts(t *testing.T) {
	k, _ := Of("31")
	table := New([]Entry[int]{{k, 1}, {k, 2}})
	if _, v, _ := table.Lookup(k); v != 2 || table.Len() != 1 {
		t.Errorf("value %d of %d", v, table.Len())
	}
}

func TestUp_GivesShorterOnes(t *testing.T) {
	table := New(entries("3", "31", "316", "32", "3161"))
	k, _ := Number("31612345678")
	var chain []string
	for i := table.Find(k); i >= 0; i = table.Up(i) {
		_, v := table.At(i)
		chain = append(chain, v)
	}
	if got := strings.Join(chain, " "); got != "3161 316 31 3" {
		t.Errorf("chain %s", got)
	}
}

func TestKey_TooLongOrStrange_Refused(t *testing.T) {
	for _, s := range []string{"12345678901234567", "+31", "31x", " "} {
		if k, ok := Of(s); ok {
			t.Errorf("%q became %s", s, k)
		}
	}
	if k, n := Number("12345678901234567890"); n != 16 || k.String() != "1234567890123456" {
		t.Errorf("%s of %d characters", k, n)
	}
}

// digitText draws few digits, so that prefixes meet.
func digitText(most int) *rapid.Generator[string] {
	return rapid.StringOfN(rapid.RuneFrom([]rune("0129*#")), 0, most, -1)
}

func TestLookup_EqualsNaive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOf(digitText(8)).Draw(t, "prefixes")
		number := digitText(20).Draw(t, "number")
		want := "none"
		for _, p := range list {
			if strings.HasPrefix(number, p) && (want == "none" || len(p) >= len(want)) {
				want = p
			}
		}
		if got := find(New(entries(list...)), number); got != want {
			t.Fatalf("%q in %q: %q, want %q", number, list, got, want)
		}
	})
}

// Many prefixes are searched another way than few.
func TestLookup_Large_EqualsNaive(t *testing.T) {
	list := many(2000)
	table := New(list)
	for _, number := range numbers(5000) {
		k, _ := Number(number)
		want, longest := int32(-1), -1
		for _, e := range list {
			if e.Key.Begins(k) && e.Key.Len() >= longest {
				want, longest = e.Value, e.Key.Len()
			}
		}
		if _, v, ok := table.Lookup(k); ok != (longest >= 0) || ok && v != want {
			t.Fatalf("%s: %d %v, want %d", number, v, ok, want)
		}
	}
}

func TestSpan_HoldsExactlyTheRange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 4).Draw(t, "digits")
		top := 1
		for range n {
			top *= 10
		}
		lo := rapid.IntRange(0, top-1).Draw(t, "lo")
		hi := rapid.IntRange(lo, top-1).Draw(t, "hi")
		keys := Span(fmt.Sprintf("%0*d", n, lo), fmt.Sprintf("%0*d", n, hi))
		for i := range top {
			number, _ := Number(fmt.Sprintf("%0*d", n, i))
			holds := 0
			for _, k := range keys {
				if k.Begins(number) {
					holds++
				}
			}
			want := 0
			if i >= lo && i <= hi {
				want = 1
			}
			if holds != want {
				t.Fatalf("%0*d-%0*d as %v: %d is held %d times", n, lo, n, hi, keys, i, holds)
			}
		}
	})
}

func TestSpan_Few(t *testing.T) {
	for _, c := range []struct{ lo, hi, want string }{
		{"31600000000", "31699999999", "[316]"},
		{"31612345678", "31612345678", "[31612345678]"},
		{"100", "299", "[1 2]"},
		{"198", "201", "[198 199 200 201]"},
		{"000", "999", "[]"},
		{"5", "1", "none"}, {"1", "10", "none"}, {"", "", "none"}, {"1*", "2*", "none"},
	} {
		got := "none"
		if keys := Span(c.lo, c.hi); keys != nil {
			got = fmt.Sprint(keys)
		}
		if got != c.want {
			t.Errorf("%s-%s: %s, want %s", c.lo, c.hi, got, c.want)
		}
	}
}

func FuzzKey(f *testing.F) {
	for _, s := range []string{"", "31612345678", "*100#", "12345678901234567890", "+31", "3\x00"} {
		f.Add(s, "31")
	}
	f.Fuzz(func(t *testing.T, number, p string) {
		k, n := Number(number)
		if k.String() != number[:n] || k.Len() != n {
			t.Fatalf("%q: %s of %d", number, k, n)
		}
		if pk, ok := Of(p); ok && pk.Begins(k) != strings.HasPrefix(number[:n], p) {
			t.Fatalf("%q begins with %q: %v", number, p, pk.Begins(k))
		}
	})
}

// many gives n prefixes of 3 to 9 digits, always the same.
func many(n int) (all []Entry[int32]) {
	r := rand.New(rand.NewPCG(1, 2))
	for i := range n {
		s := fmt.Sprint(100 + r.IntN(999_999_900))
		k, _ := Of(s[:3+r.IntN(len(s)-2)])
		all = append(all, Entry[int32]{k, int32(i)})
	}
	return all
}

func numbers(n int) []string {
	r := rand.New(rand.NewPCG(3, 4))
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprint(10_000_000_000 + r.IntN(89_999_999_999))
	}
	return all
}

func TestLookup_AllocatesNothing(t *testing.T) {
	table, list := New(many(10_000)), numbers(100)
	got := testing.AllocsPerRun(100, func() {
		for _, s := range list {
			k, _ := Number(s)
			table.Lookup(k)
		}
	})
	if got != 0 {
		t.Errorf("%v allocations", got)
	}
}

func BenchmarkLookup_100kPrefixes(b *testing.B) {
	table, list := New(many(120_000)), numbers(1<<16)
	b.ReportMetric(float64(table.Len()), "prefixes")
	b.ReportAllocs()
	b.ResetTimer()
	found := 0
	for i := range b.N {
		k, _ := Number(list[i&(1<<16-1)])
		if table.Find(k) >= 0 {
			found++
		}
	}
	if found == 0 && b.N > 1000 {
		b.Fatal("nothing was found")
	}
}

func BenchmarkNew_100kPrefixes(b *testing.B) {
	list := many(120_000)
	for b.Loop() {
		New(list)
	}
}

func TestAll_InOrder(t *testing.T) {
	var got []string
	for k, v := range New(entries("44", "316", "31", "1")).All() {
		got = append(got, k.String()+"="+v)
	}
	if want := []string{"1=1", "31=31", "316=316", "44=44"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
