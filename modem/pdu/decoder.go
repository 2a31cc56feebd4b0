package pdu

import "bytes"

// Message types, bits 1 and 0 of the first octet. [23.040 9.2.3.1]
const (
	mtiDeliver      = 0
	mtiSubmit       = 1
	mtiStatusReport = 2
	mtiReserved     = 3
)

// Bits of the first octet. [23.040 9.2.2]
const (
	foRD   = 0x04 // SUBMIT
	foMMS  = 0x04 // DELIVER, STATUS-REPORT: 0 says that more messages wait
	foLP   = 0x08 // DELIVER, STATUS-REPORT
	foVPF  = 3    // SUBMIT: the place of two bits
	foSRR  = 0x20 // SUBMIT; SRI in DELIVER, SRQ in STATUS-REPORT
	foUDHI = 0x40
	foRP   = 0x80 // SUBMIT, DELIVER
)

// decoder reads a TPDU; after the first error it reads zeros. It holds a copy of the octets.
type decoder struct {
	b     []byte
	at    int
	err   error
	notes []string
}

func newDecoder(tpdu []byte) *decoder { return &decoder{b: bytes.Clone(tpdu)} }

// fail keeps the first error.
func (d *decoder) fail(field string, at int, err error) {
	if d.err == nil {
		d.err = &Error{field, at, err}
	}
}

// forgive notes a deviation that is read nevertheless.
func (d *decoder) forgive(note string) { d.notes = append(d.notes, note) }

// octet reads one octet.
func (d *decoder) octet(field string) byte {
	if b := d.take(field, 1); b != nil {
		return b[0]
	}
	return 0
}

// take reads n octets; nil when they are not there.
func (d *decoder) take(field string, n int) []byte {
	if d.err != nil || n > len(d.b)-d.at {
		d.fail(field, len(d.b), ErrTruncated)
		return nil
	}
	d.at += n
	return d.b[d.at-n : d.at : d.at]
}

// more tells whether octets are left.
func (d *decoder) more() bool { return d.err == nil && d.at < len(d.b) }

// userData reads TP-UDL and TP-UD. [23.040 9.2.3.16] [23.040 9.2.3.24]
func (d *decoder) userData(dcs uint8, udhi bool) (u UserData) {
	info := ParseDCS(dcs)
	if info.Reserved {
		d.forgive("TP-DCS: reserved value, read as GSM 7 bit")
	}
	at := d.at
	udl := int(d.octet("TP-UDL"))
	limit, octets := maxUD, udl
	if info.layout() == GSM7 {
		limit, octets = maxUDSeptets, (udl*7+7)/8
	}
	if udl > limit {
		d.fail("TP-UDL", at, ErrLength)
	}
	ud := d.take("TP-UD", octets)
	if d.err != nil {
		return UserData{}
	}
	header := d.header(ud, udhi)
	if d.err != nil {
		return UserData{}
	}
	u, err := newUserData(dcs, header, d.data(info.layout(), ud, len(header), udl))
	if err != nil {
		d.fail("TP-UDH", at+1, ErrHeader)
	}
	return u
}

// header gives the user data header at the start of ud. [23.040 9.2.3.24]
func (d *decoder) header(ud []byte, udhi bool) []byte {
	if !udhi {
		return nil
	}
	if len(ud) == 0 || int(ud[0]) >= len(ud) {
		d.fail("TP-UDHL", d.at-len(ud), ErrHeader)
		return nil
	}
	n := 1 + int(ud[0])
	return ud[:n:n]
}

// data gives what follows the header.
func (d *decoder) data(layout Alphabet, ud []byte, header, udl int) []byte {
	if layout != GSM7 {
		if layout == UCS2 && (len(ud)-header)%2 != 0 {
			d.forgive("TP-UD: odd number of UCS2 octets")
		}
		return ud[header:]
	}
	bits, used := fill(header)
	if used > udl {
		d.fail("TP-UDHL", d.at-len(ud), ErrHeader)
		return nil
	}
	if spare := len(ud)*8 - udl*7; spare > 0 && ud[len(ud)-1]>>(8-spare) != 0 {
		d.forgive("TP-UD: padding is not zero") // CR as USSD pads, say: not text [23.038 6.1.2.3.1]
	}
	return Unpack(ud[header:], bits, udl-used)
}

// rest notes octets behind the last field.
func (d *decoder) rest() {
	if d.more() {
		d.forgive("octets behind the end")
	}
}

// Decode reads a TPDU that came from the modem: *Deliver, *StatusReport, or *Submit (from a memory of sent messages). A reserved
// message type is read as a Deliver. [23.040 9.2.3.1]
func Decode(tpdu []byte) (any, error) {
	if len(tpdu) == 0 {
		return nil, &Error{"TP-MTI", 0, ErrTruncated}
	}
	switch tpdu[0] & 3 {
	case mtiStatusReport:
		return asAny(DecodeStatusReport(tpdu))
	case mtiSubmit:
		return asAny(DecodeSubmit(tpdu))
	}
	return asAny(DecodeDeliver(tpdu))
}

// asAny keeps a nil pointer from becoming a value.
func asAny[T any](v *T, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return v, nil
}
