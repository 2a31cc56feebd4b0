package price

import (
	"errors"
	"strconv"
	"strings"

	"gsmgate/storage"
)

// Most is the greatest price of a part: a million credits.
const Most = 1_000_000 * storage.Credit

var errCredits = errors.New("the price is no amount of credits such as 0.035, with at most three decimals")

// ParseCredits reads credits as people write them, 12, 0.035 or .5, as
// millicredits. Zeros behind the third decimal mean nothing.
func ParseCredits(s string) (storage.Millicredits, error) {
	whole, decimals, _ := strings.Cut(s, ".")
	decimals = strings.TrimRight(decimals, "0")
	if whole+decimals == "" && !strings.Contains(s, "0") || len(decimals) > 3 || strings.Trim(whole+decimals, "0123456789") != "" {
		return 0, errCredits
	}
	n, err := strconv.ParseInt(whole+(decimals + "000")[:3], 10, 64)
	if err != nil || storage.Millicredits(n) > Most {
		return 0, errCredits
	}
	return storage.Millicredits(n), nil
}

// Credits writes millicredits as people read them: 100, 2.5, -0.125.
func Credits(m storage.Millicredits) string { return string(AppendCredits(nil, m)) }

// AppendCredits appends what Credits gives.
func AppendCredits(b []byte, m storage.Millicredits) []byte {
	if m < 0 {
		b, m = append(b, '-'), -m
	}
	b = strconv.AppendInt(b, int64(m/1000), 10)
	rest := m % 1000
	if rest == 0 {
		return b
	}
	b = append(b, '.', byte('0'+rest/100))
	if rest %= 100; rest > 0 {
		b = append(b, byte('0'+rest/10))
	}
	if rest %= 10; rest > 0 {
		b = append(b, byte('0'+rest))
	}
	return b
}
