package pdu

import (
	"encoding/hex"
	"strings"
)

// maxSCA is the longest SCA in octets, the type included. [24.011 8.2.5.1]
const maxSCA = 11

// Line gives what AT+CMGS and AT+CMGW take in PDU mode: upper-case hexadecimal with the SCA first (the zero Address means the stored
// one, "00"), and the length in octets without the SCA. Errors: ErrDigit, ErrLength, of the SCA. [27.005 4.3]
func Line(sca Address, tpdu []byte) (line string, length int, err error) {
	b := make([]byte, 1, 1+maxSCA+len(tpdu))
	if sca != (Address{}) {
		if len(sca.Addr) > maxDigits {
			return "", 0, refuse("SCA", ErrLength)
		}
		if b, err = sca.appendDigits(append(b, sca.typeOctet()), "SCA"); err != nil {
			return "", 0, err
		}
		b[0] = byte(len(b) - 1)
	}
	return strings.ToUpper(hex.EncodeToString(append(b, tpdu...))), len(tpdu), nil
}

// ParseLine takes a hexadecimal line of +CMT, +CMGR, +CMGL or +CDS apart. Blanks around it are ignored, either case is read. Errors:
// ErrHex, ErrTruncated, ErrLength, ErrDigit, of the SCA.
func ParseLine(line string) (sca Address, tpdu []byte, err error) {
	b, err := hex.DecodeString(strings.TrimSpace(line))
	if err != nil {
		return Address{}, nil, refuse("PDU", ErrHex)
	}
	if len(b) == 0 {
		return Address{}, nil, &Error{"SCA", 0, ErrTruncated}
	}
	n := int(b[0])
	switch {
	case n > maxSCA:
		return Address{}, nil, &Error{"SCA", 0, ErrLength}
	case n >= len(b):
		return Address{}, nil, &Error{"SCA", len(b), ErrTruncated}
	case n == 0:
		return Address{}, b[1:], nil
	}
	sca, err = readSCA(b[1 : 1+n])
	return sca, b[1+n:], err
}

// readSCA reads type and digits; its length counts octets, so that the filler tells an odd number. [24.011 8.2.5.1]
func readSCA(b []byte) (Address, error) {
	d := &decoder{b: b, at: len(b)}
	a := Address{TON: b[0] >> 4 & 7, NPI: b[0] & 0xF}
	value := b[1:]
	for len(value) > 0 && value[len(value)-1] == filler<<4|filler { // some memories keep the field at full length
		value = value[:len(value)-1]
	}
	n := 2 * len(value)
	if n > 0 && value[len(value)-1]>>4 == filler {
		n--
	}
	if a.TON == TONAlphanumeric {
		a.Addr = d.alphanumeric("SCA", value, n)
	} else {
		a.Addr = d.digits("SCA", value, n)
	}
	return a, d.err
}

// DecodeLine is ParseLine and Decode in one, with SCA filled in.
func DecodeLine(line string) (any, error) {
	sca, tpdu, err := ParseLine(line)
	if err != nil {
		return nil, err
	}
	m, err := Decode(tpdu)
	switch m := m.(type) {
	case *Deliver:
		m.SCA = sca
	case *StatusReport:
		m.SCA = sca
	}
	return m, err
}
