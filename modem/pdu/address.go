package pdu

import "strings"

// Types of number. [23.040 9.2.3.5]
const (
	TONUnknown       = 0
	TONInternational = 1
	TONNational      = 2
	TONAlphanumeric  = 5
)

// NPIISDN is the numbering plan of telephone numbers, E.164. [23.040 9.2.3.5]
const NPIISDN = 1

const (
	maxDigits  = 20 // semi-octets of an address [23.040 9.1.2.5]
	addrDigits = "0123456789*#abc"
	filler     = 0xF
)

// Address is TP-OA, TP-DA, TP-RA or the SCA. It is comparable. The zero value is no address.
type Address struct {
	TON, NPI uint8
	Addr     string // 0 to 20 of the digits 0-9 * # a b c, without '+'; with TON 5 a text of up to 11 characters of the default alphabet
}

// NewAddress makes an address of a number as people write it: a leading '+' means international, digits without it keep TON
// unknown (short codes), and anything else is an alphanumeric text. The result is checked when it is encoded.
func NewAddress(s string) Address {
	digits, international := strings.CutPrefix(s, "+")
	switch {
	case s == "":
		return Address{}
	case strings.Trim(digits, addrDigits) != "" || digits == "":
		return Address{TON: TONAlphanumeric, Addr: s}
	case international:
		return Address{TONInternational, NPIISDN, digits}
	}
	return Address{TONUnknown, NPIISDN, digits}
}

// String gives "+digits" for international numbers and the bare digits or text otherwise.
func (a Address) String() string {
	if a.TON == TONInternational && a.Addr != "" {
		return "+" + a.Addr
	}
	return a.Addr
}

// typeOctet gives the type-of-address octet. [23.040 9.1.2.5]
func (a Address) typeOctet() byte { return 0x80 | a.TON&7<<4 | a.NPI&0xF }

// append appends the address with its length in semi-octets. Errors: ErrDigit, ErrAlphabet, ErrLength. [23.040 9.1.2.5]
func (a Address) append(dst []byte, field string) ([]byte, error) {
	if a.TON == TONAlphanumeric {
		return a.appendText(dst, field)
	}
	if len(a.Addr) > maxDigits {
		return nil, refuse(field, ErrLength)
	}
	return a.appendDigits(append(dst, byte(len(a.Addr)), a.typeOctet()), field)
}

// appendText appends an alphanumeric address; its length counts the semi-octets that the septets use. [23.040 9.1.2.5]
func (a Address) appendText(dst []byte, field string) ([]byte, error) {
	septets, ok := EncodeSeptets(a.Addr)
	if !ok {
		return nil, refuse(field, ErrAlphabet)
	}
	n := (len(septets)*7 + 3) / 4
	if n > maxDigits {
		return nil, refuse(field, ErrLength)
	}
	return appendPacked(append(dst, byte(n), a.typeOctet()), septets, 0), nil
}

// appendDigits appends the semi-octets of a number, swapped, with a filler after an odd one. [23.040 9.1.2.3]
func (a Address) appendDigits(dst []byte, field string) ([]byte, error) {
	for i := 0; i < len(a.Addr); i++ {
		d := strings.IndexByte(addrDigits, a.Addr[i])
		switch {
		case d < 0:
			return nil, refuse(field, ErrDigit)
		case i%2 == 0:
			dst = append(dst, filler<<4|byte(d))
		default:
			dst[len(dst)-1] = byte(d)<<4 | dst[len(dst)-1]&0xF
		}
	}
	return dst, nil
}

// address reads an address with its length in semi-octets.
func (d *decoder) address(field string) (a Address) {
	at := d.at
	n := int(d.octet(field))
	if d.err == nil && n > maxDigits {
		d.fail(field, at, ErrLength)
	}
	t := d.octet(field)
	value := d.take(field, (n+1)/2)
	if d.err != nil {
		return Address{}
	}
	a = Address{TON: t >> 4 & 7, NPI: t & 0xF}
	if t&0x80 == 0 {
		d.forgive(field + ": extension bit of the type octet is 0")
	}
	if a.TON == TONAlphanumeric {
		a.Addr = d.alphanumeric(field, value, n)
		return a
	}
	a.Addr = d.digits(field, value, n)
	return a
}

// alphanumeric reads the text of an address of n semi-octets. Senders that count whole octets write 7 characters as 14 semi-octets, which
// reads as an '@' more: no name of 8 characters that ends in '@' has been seen. [23.040 9.1.2.5]
func (d *decoder) alphanumeric(field string, value []byte, n int) string {
	septets := Unpack(value, 0, n*4/7)
	if n%14 == 0 && n > 0 && septets[len(septets)-1] == 0 {
		d.forgive(field + ": length of an alphanumeric address counts whole octets")
		septets = septets[:len(septets)-1]
	}
	return DecodeSeptets(septets)
}

// digits reads n swapped semi-octets. [23.040 9.1.2.3]
func (d *decoder) digits(field string, value []byte, n int) string {
	b := make([]byte, n)
	for i := range b {
		nibble := value[i/2] >> (i % 2 * 4) & 0xF
		if nibble == filler {
			d.fail(field, d.at-len(value)+i/2, ErrDigit)
			return ""
		}
		b[i] = addrDigits[nibble]
	}
	if n%2 == 1 && value[len(value)-1]>>4 != filler {
		d.forgive(field + ": no filler after an odd number of digits")
	}
	return string(b)
}
