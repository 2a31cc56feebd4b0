package pdu

// Types of number. [23.040 9.2.3.5]
const (
	TONUnknown       = 0
	TONInternational = 1
	TONNational      = 2
	TONAlphanumeric  = 5
)

// NPIISDN is the numbering plan of telephone numbers, E.164. [23.040 9.2.3.5]
const NPIISDN = 1

// Address is TP-OA, TP-DA, TP-RA or the SCA. It is comparable. The zero value is no address.
type Address struct {
	TON, NPI uint8
	Addr     string // 0 to 20 of the digits 0-9 * # a b c, without '+'; with TON 5 a text of up to 11 characters of the default alphabet
}

// NewAddress makes an address of a number as people write it: a leading '+' means international, digits without it keep TON
// unknown (short codes), and anything else is an alphanumeric text. The result is checked when it is encoded.
func NewAddress(s string) Address {
	return Address{}
}

// String gives "+digits" for international numbers and the bare digits or text otherwise.
func (a Address) String() string {
	if a.TON == TONInternational && a.Addr != "" {
		return "+" + a.Addr
	}
	return a.Addr
}
