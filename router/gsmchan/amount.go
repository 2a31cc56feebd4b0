package gsmchan

import (
	"fmt"
	"math/big"
	"regexp"
	"strings"
)

// readBalance finds the amount in an answer: the first group of the pattern,
// and behind a point the second, when there is one. It is a decimal number with
// a point and without separators of thousands.
func readBalance(pattern, answer string) (string, error) {
	if pattern == "" {
		return "", fmt.Errorf("no pattern is set that finds the amount in it")
	}
	re, err := regexp.Compile(pattern)
	if err != nil {
		return "", fmt.Errorf("the pattern is no regular expression: %w", err)
	}
	m := re.FindStringSubmatch(answer)
	switch {
	case re.NumSubexp() == 0:
		return "", fmt.Errorf("the pattern has no group for the amount")
	case m == nil:
		return "", fmt.Errorf("the pattern does not match it")
	}
	amount, ok := decimal(m[1])
	if len(m) > 2 && m[2] != "" {
		amount, ok = decimalOf(m[1], m[2])
	}
	if !ok {
		return "", fmt.Errorf("what the pattern finds is no amount")
	}
	return amount, nil
}

// decimal reads "1.234,56", "1,234.56", "1 234,5", "1'234.50", "12,5" and "12".
// The last separator is the decimal one, unless it comes more than once, or
// three digits follow the only one: "1.234" is more than a thousand. "0.123" is
// less than one.
func decimal(s string) (string, bool) {
	s = strings.TrimSpace(s)
	s = strings.Map(func(r rune) rune {
		switch r {
		case ' ', '\u00a0', '\u202f', '\u2009', '\'', '\u2019':
			return -1
		case '\u2212':
			return '-'
		}
		return r
	}, s)
	i := strings.LastIndexAny(s, ".,")
	if i < 0 {
		return decimalOf(s, "")
	}
	whole, fraction := s[:i], s[i+1:]
	many := strings.Count(s, s[i:i+1]) > 1
	alone := !strings.ContainsAny(whole, ".,")
	if many || alone && len(fraction) == 3 && strings.Trim(whole, "+-0") != "" {
		whole, fraction = s, ""
	}
	return decimalOf(whole, fraction)
}

// decimalOf joins the digits before the decimal separator with those behind it.
func decimalOf(whole, fraction string) (string, bool) {
	sign := ""
	if rest, minus := strings.CutPrefix(strings.TrimSpace(whole), "-"); minus {
		sign, whole = "-", rest
	}
	whole = strings.Map(func(r rune) rune {
		if strings.ContainsRune("., '+", r) {
			return -1
		}
		return r
	}, whole)
	if strings.Trim(whole+fraction, "0123456789") != "" || whole+fraction == "" || len(whole)+len(fraction) > 30 {
		return "", false
	}
	if whole = strings.TrimLeft(whole, "0"); whole == "" {
		whole = "0"
	}
	if fraction != "" {
		whole += "." + fraction
	}
	return sign + whole, true
}

// below tells whether an amount is lower than a limit; false when one of them
// is not known.
func below(amount, limit string) bool {
	a, ok1 := new(big.Rat).SetString(amount)
	l, ok2 := decimal(limit)
	if !ok1 || !ok2 {
		return false
	}
	b, ok := new(big.Rat).SetString(l)
	return ok && a.Cmp(b) < 0
}
