package esmechan

import (
	"math/big"
	"slices"
	"strings"
)

// The forms in which a provider may write its message_id. Some answer a submit
// with a hexadecimal one and name it in decimal in the receipt.
const (
	formAuto    = "" // told by what fits
	formAsIs    = "text"
	formHex     = "hex"
	formDecimal = "decimal"
)

// mostDigits bounds what is read as a number: message_id has at most 64 octets
// [SMPP34 5.2.23].
const mostDigits = 64

// canonical is the form under which an id is kept: without blanks and leading
// zeros, in lower case; a decimal one as hexadecimal when form says that it is
// decimal.
func canonical(id, form string) string {
	id = strings.ToLower(strings.TrimSpace(id))
	switch form {
	case formAsIs:
		return id
	case formDecimal:
		if n, ok := number(id, 10); ok {
			return n.Text(16)
		}
	}
	return stripZeros(id)
}

// stripZeros leaves one digit, and all of what is no number.
func stripZeros(id string) string {
	rest := strings.TrimLeft(id, "0")
	if rest == "" && id != "" {
		return "0"
	}
	if strings.Trim(rest, "0123456789abcdef") != "" {
		return id // a UUID, or a word
	}
	return rest
}

func number(id string, base int) (*big.Int, bool) {
	if id == "" || len(id) > mostDigits || id[0] == '+' || id[0] == '-' || strings.Contains(id, "_") {
		return nil, false
	}
	return new(big.Int).SetString(id, base)
}

// candidates are the canonical forms that the id of a receipt may be kept under,
// the likeliest first. submits is the form of ids in answers to submits.
func candidates(id, receipts, submits string) []string {
	all := []string{canonical(id, receipts)}
	if receipts != formAuto || submits == formAsIs {
		return all
	}
	plain := strings.ToLower(strings.TrimSpace(id))
	if n, ok := number(plain, 10); ok { // decimal here, hexadecimal there
		all = append(all, n.Text(16))
	}
	if n, ok := number(plain, 16); ok { // the other way round
		all = append(all, n.Text(10))
	}
	return compact(all)
}

// compact drops what is there already; the order stays.
func compact(all []string) (out []string) {
	for _, s := range all {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}
