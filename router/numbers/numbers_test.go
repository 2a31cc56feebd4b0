package numbers

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/nyaruka/phonenumbers"

	"gsmgate/storage"
)

var update = flag.Bool("update", false, "write regions.tsv")

// regions writes the table of the library's data.
func regions(t *testing.T) string {
	t.Helper()
	all, err := phonenumbers.MetadataCollection()
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, m := range all.GetMetadata() {
		if len(m.GetId()) != 2 || m.GetId() == "ZZ" {
			continue
		}
		var lengths []string
		for _, n := range m.GetGeneralDesc().GetPossibleLength() {
			lengths = append(lengths, fmt.Sprint(n))
		}
		fields := []string{m.GetId(), fmt.Sprint(m.GetCountryCode()), m.GetInternationalPrefix(), m.GetNationalPrefixForParsing(),
			strings.ReplaceAll(strings.ReplaceAll(m.GetNationalPrefixTransformRule(), "$1", "${1}"), "$2", "${2}"),
			strings.Join(lengths, ","), m.GetGeneralDesc().GetNationalNumberPattern()}
		lines = append(lines, strings.Join(fields, "\t"))
	}
	slices.Sort(lines)
	return "# region, country code, international prefix, national prefix, what replaces it, lengths, form: of libphonenumber, Apache License 2.0\n" + strings.Join(lines, "\n") + "\n"
}

func TestRegions_AreThoseOfTheLibrary(t *testing.T) {
	want := regions(t)
	if *update {
		if err := os.WriteFile("regions.tsv", []byte(want), 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	if table != want {
		t.Error("regions.tsv is not what the library says: run go test ./router/numbers -run Regions -update")
	}
}

func of(t testing.TB, region string) *Region {
	t.Helper()
	r, err := For(region)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestInternational_ByTypeAndRegion(t *testing.T) {
	for _, c := range []struct {
		region string
		ton    uint8
		addr   string
		want   string // with its TON in front
	}{
		{"NL", 0, "0612345678", "1 31612345678"}, {"NL", 2, "0612345678", "1 31612345678"}, {"NL", 2, "612345678", "1 31612345678"},
		{"NL", 0, "0031612345678", "1 31612345678"}, {"NL", 0, "+31612345678", "1 31612345678"}, {"NL", 1, "31612345678", "1 31612345678"},
		{"NL", 1, "0031612345678", "1 31612345678"}, {"NL", 1, "+0031612345678", "1 31612345678"}, {"NL", 0, "31612345678", "0 31612345678"},
		{"NL", 0, "004477009012345", "1 4477009012345"}, {"NL", 0, "447700901234", "0 447700901234"},
		{"NL", 0, "1234", "0 1234"}, {"NL", 0, "112", "0 112"}, {"NL", 3, "1008", "3 1008"}, {"NL", 5, "Acme", "5 Acme"}, {"NL", 0, "*100#", "0 *100#"},
		{"NL", 6, "0612345678", "6 0612345678"}, {"NL", 0, "", "0 "}, {"NL", 0, "+", "0 +"},
		{"US", 0, "2025550123", "1 12025550123"}, {"US", 0, "12025550123", "1 12025550123"}, {"US", 0, "01131612345678", "1 31612345678"},
		{"IT", 0, "0612345678", "1 390612345678"}, {"IT", 0, "3123456789", "1 393123456789"}, // the 0 of Italy stays
		{"DE", 0, "015123456789", "1 4915123456789"}, {"GB", 0, "07700900123", "1 447700900123"},
		{"AR", 0, "0111523456789", "1 5491123456789"},  // 0, area, 15 and number become 9, area and number
		{"BR", 0, "01511961234567", "1 5511961234567"}, // 0, carrier, area
		{"HU", 0, "06201234567", "1 36201234567"}, {"RU", 0, "89123456789", "1 79123456789"},
		{"", 0, "0612345678", "0 0612345678"}, {"", 1, "0031612345678", "1 31612345678"}, {"", 0, "+31612345678", "1 31612345678"}, {"", 2, "0612345678", "2 0612345678"},
		{"", 1, "1234567890123456", "1 1234567890123456"},
	} {
		var r *Region
		if c.region != "" {
			r = of(t, c.region)
		}
		got := r.International(storage.Address{TON: c.ton, Addr: c.addr})
		if text := fmt.Sprintf("%d %s", got.TON, got.Addr); text != c.want {
			t.Errorf("%s, type %d, %s: %s, want %s", c.region, c.ton, c.addr, text, c.want)
		}
		if again := r.International(got); again != got {
			t.Errorf("%s: %+v becomes %+v", c.region, got, again)
		}
	}
}

// Numbers as people of each region write them become what the library makes of
// them.
func TestInternational_EqualsTheLibrary(t *testing.T) {
	types := []phonenumbers.PhoneNumberType{phonenumbers.MOBILE, phonenumbers.FIXED_LINE, phonenumbers.PREMIUM_RATE, phonenumbers.VOIP}
	seen := 0
	for region := range phonenumbers.GetSupportedRegions() {
		r := of(t, region)
		for _, typ := range types {
			example := phonenumbers.GetExampleNumberForType(region, typ)
			if example == nil {
				continue
			}
			for _, form := range []phonenumbers.PhoneNumberFormat{phonenumbers.NATIONAL, phonenumbers.INTERNATIONAL} {
				addr := strings.Map(func(c rune) rune {
					if c == '+' || c >= '0' && c <= '9' {
						return c
					}
					return -1
				}, phonenumbers.Format(example, form))
				parsed, err := phonenumbers.Parse(addr, region) // of what it writes itself it does not read all
				if err != nil || !phonenumbers.IsValidNumber(parsed) {
					continue
				}
				want := strings.TrimPrefix(phonenumbers.Format(parsed, phonenumbers.E164), "+")
				if got := r.International(storage.Address{TON: 2, Addr: addr}); got.Addr != want {
					t.Errorf("%s: %s becomes %s, want %s", region, addr, got.Addr, want)
				}
				seen++
			}
		}
	}
	if seen < 1000 {
		t.Errorf("only %d numbers were looked at", seen)
	}
}

func TestFor_NoSuchRegion_Error(t *testing.T) {
	for _, region := range []string{"", "nl", "XX", "N", "NLD", "\n", "# ", "01"} {
		if _, err := For(region); err == nil || Known(region) {
			t.Errorf("%q is a region", region)
		}
	}
	if !Known("NL") {
		t.Error("NL is none")
	}
}

func FuzzInternational(f *testing.F) {
	for _, s := range []string{"0612345678", "+31612345678", "0031612345678", "1234", "*100#", "Acme", ""} {
		f.Add("NL", uint8(0), s)
	}
	f.Add("AR", uint8(2), "0111523456789")
	f.Fuzz(func(t *testing.T, region string, ton uint8, addr string) {
		r, err := For(region)
		if err != nil {
			r = nil
		}
		a := storage.Address{TON: ton, Addr: addr}
		got := r.International(a)
		if got == a {
			return
		}
		if got.TON != 1 || len(got.Addr) > 15 || got.Addr == "" || got.Addr[0] == '0' || strings.Trim(got.Addr, "0123456789") != "" {
			t.Fatalf("%s: %+v becomes %+v", region, a, got)
		}
		if again := r.International(got); again != got {
			t.Fatalf("%s: %+v, %+v, %+v", region, a, got, again)
		}
	})
}

func BenchmarkInternational(b *testing.B) {
	r := of(b, "NL")
	for b.Loop() {
		r.International(storage.Address{Addr: "0612345678"})
	}
}
