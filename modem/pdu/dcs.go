package pdu

// Alphabet says how user data is coded.
type Alphabet uint8

// The alphabets of TP-DCS. [23.038 4]
const (
	GSM7  Alphabet = iota // septets of the GSM 7 bit default alphabet, or of a national table
	Data8                 // octets
	UCS2                  // UTF-16, big endian
)

// String gives the alphabet's usual name.
func (a Alphabet) String() string {
	switch a {
	case GSM7:
		return "GSM7"
	case Data8:
		return "8-bit"
	case UCS2:
		return "UCS2"
	}
	return "unknown"
}

// Class is the message class of TP-DCS; the zero value means that there is none. [23.038 4]
type Class uint8

// The message classes.
const (
	NoClass Class = iota
	Class0        // flash: shown at once, not stored
	Class1        // mobile equipment
	Class2        // SIM
	Class3        // terminal equipment
)

// ClassOf gives the class with the standard's number 0 to 3.
func ClassOf(n uint8) Class { return Class(n&3) + Class0 }

// Number gives the standard's number 0 to 3; ok is false when there is no class.
func (c Class) Number() (n uint8, ok bool) {
	if c < Class0 || c > Class3 {
		return 0, false
	}
	return uint8(c - Class0), true
}

// Waiting is a message waiting indication carried by TP-DCS. [23.038 4]
type Waiting struct {
	Present bool  // the DCS is of a message waiting group
	Active  bool  // set the indication; false clears it
	Store   bool  // keep the message; false allows to discard it
	Kind    uint8 // 0 voicemail, 1 fax, 2 e-mail, 3 other
}

// DCSInfo is what an octet TP-DCS says.
type DCSInfo struct {
	Alphabet   Alphabet
	Class      Class
	Compressed bool // user data is octets of compressed text, whatever the alphabet
	AutoDelete bool // marked for automatic deletion
	Waiting    Waiting
	Reserved   bool // a reserved coding, to be read as GSM7
}

// ParseDCS reads any value of TP-DCS; reserved ones are read as GSM7. [23.038 4]
func ParseDCS(b uint8) DCSInfo {
	switch {
	case b < 0x80:
		return generalDCS(b)
	case b < 0xC0:
		return DCSInfo{Alphabet: GSM7, Reserved: true}
	case b < 0xF0:
		return waitingDCS(b)
	}
	d := DCSInfo{Alphabet: GSM7, Class: ClassOf(b)} // bit 3 is reserved and set to 0; it changes nothing
	if b&0x04 != 0 {
		d.Alphabet = Data8
	}
	return d
}

// generalDCS reads coding groups 00xx and 01xx.
func generalDCS(b uint8) DCSInfo {
	d := DCSInfo{Compressed: b&0x20 != 0, AutoDelete: b&0x40 != 0}
	if b&0x10 != 0 {
		d.Class = ClassOf(b)
	}
	switch b >> 2 & 3 {
	case 1:
		d.Alphabet = Data8
	case 2:
		d.Alphabet = UCS2
	case 3:
		d.Reserved = true
	}
	return d
}

// waitingDCS reads coding groups 1100, 1101 and 1110.
func waitingDCS(b uint8) DCSInfo {
	d := DCSInfo{Waiting: Waiting{Present: true, Active: b&0x08 != 0, Store: b >= 0xD0, Kind: b & 3}}
	if b >= 0xE0 {
		d.Alphabet = UCS2
	}
	return d
}

// layout says how the octets of TP-UD are to be cut: compressed text is octets. [23.040 9.2.3.16]
func (d DCSInfo) layout() Alphabet {
	if d.Compressed {
		return Data8
	}
	return d.Alphabet
}

// textDCS gives the general TP-DCS of an alphabet and a class.
func textDCS(a Alphabet, c Class) uint8 {
	dcs := uint8(a) << 2
	if n, ok := c.Number(); ok {
		dcs |= 0x10 | n
	}
	return dcs
}
