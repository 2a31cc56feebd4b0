package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"gsmgate/router/price"
	"gsmgate/storage"
)

// amount is credits as people write them: 100, +2.5, -0.125.
type amount storage.Millicredits

const amountHint = "write credits as 100, +2.5 or -0.125, with at most three decimals"

var errAmount = errors.New("is not an amount of credits")

// maxAmount is a billion credits.
const maxAmount = 1_000_000_000

// UnmarshalText is called by kong. A minus may be the one of keepNegative.
func (a *amount) UnmarshalText(text []byte) error {
	s := strings.Replace(string(text), minus, "-", 1)
	v, err := parseAmount(s)
	if err != nil {
		return fmt.Errorf("%q %w", s, errAmount)
	}
	*a = amount(v)
	return nil
}

func parseAmount(s string) (storage.Millicredits, error) {
	digits := strings.TrimPrefix(s, "+")
	negative := strings.HasPrefix(s, "-")
	if negative {
		digits = s[1:]
	}
	whole, decimals, _ := strings.Cut(digits, ".")
	if len(decimals) > 3 || strings.ContainsAny(digits, "+-_") {
		return 0, strconv.ErrSyntax
	}
	credits, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return 0, err
	}
	thousandths, err := strconv.ParseInt((decimals + "000")[:3], 10, 64)
	if err != nil {
		return 0, err
	}
	if credits > maxAmount {
		return 0, strconv.ErrRange
	}
	v := storage.Millicredits(credits)*storage.Credit + storage.Millicredits(thousandths)
	if negative {
		v = -v
	}
	return v, nil
}

// credits writes millicredits as people read them: 100, 2.5, -0.125.
func credits(millicredits int64) string { return price.Credits(storage.Millicredits(millicredits)) }
