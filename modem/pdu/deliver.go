package pdu

import "time"

// Deliver is an SMS-DELIVER. [23.040 9.2.2.1]
type Deliver struct {
	SCA  Address   // from the line, set by DecodeLine; not part of the TPDU
	OA   Address   // TP-OA
	PID  uint8     // TP-PID
	DCS  uint8     // TP-DCS
	SCTS time.Time // TP-SCTS with its zone; zero when it cannot be read
	More bool      // more messages wait: TP-MMS, which says so with 0
	LP   bool      // TP-LP
	SRI  bool      // TP-SRI: a status report will go back to the sender
	RP   bool      // TP-RP
	UserData

	Lenient []string // what had to be forgiven; empty for a PDU by the book
	Raw     []byte   // the TPDU as it came
}

// DecodeDeliver reads an SMS-DELIVER; the reserved message type is read as one too. The octets are copied. Errors: ErrTruncated,
// ErrType, ErrLength, ErrDigit, ErrHeader. [23.040 9.2.3.1]
func DecodeDeliver(tpdu []byte) (*Deliver, error) {
	d := newDecoder(tpdu)
	fo := d.octet("TP-MTI")
	switch fo & 3 {
	case mtiDeliver:
	case mtiReserved:
		d.forgive("TP-MTI: reserved, read as SMS-DELIVER")
	default:
		d.fail("TP-MTI", 0, ErrType)
	}
	m := &Deliver{More: fo&foMMS == 0, LP: fo&foLP != 0, SRI: fo&foSRR != 0, RP: fo&foRP != 0, Raw: d.b}
	m.OA = d.address("TP-OA")
	m.PID = d.octet("TP-PID")
	m.DCS = d.octet("TP-DCS")
	m.SCTS = d.timestamp("TP-SCTS")
	m.UserData = d.userData(m.DCS, fo&foUDHI != 0)
	d.rest()
	m.Lenient = d.notes
	if d.err != nil {
		return nil, d.err
	}
	return m, nil
}

// Values of TP-PID that say what to do with a message. [23.040 9.2.3.9]
const (
	pidTypeZero     = 0x40
	pidReplaceFirst = 0x41
	pidReplaceLast  = 0x47
	pidReturnCall   = 0x5F
	pidOthersFirst  = 0x7C // ANSI-136 R-DATA, ME data download, ME de-personalisation, (U)SIM data download
	pidOthersLast   = 0x7F
)

// ForDevice tells whether the message is for the card or the modem and for no person, and in words for whom. [23.040 9.2.3.9]
func (d *Deliver) ForDevice() (words string, ok bool) {
	if d.PID < pidOthersFirst || d.PID > pidOthersLast {
		return "", false
	}
	return [...]string{"ANSI-136 R-DATA", "ME data download", "ME de-personalisation", "SIM data download"}[d.PID-pidOthersFirst], true
}

// TypeZero tells whether the message is to be acknowledged and thrown away, without a word to anybody. [23.040 9.2.3.9]
func (d *Deliver) TypeZero() bool { return d.PID == pidTypeZero }

// Replaces gives the number 1 to 7 of a message that takes the place of an earlier one with the same TP-PID, TP-OA and SCA; ok is
// false for any other. [23.040 9.2.3.9]
func (d *Deliver) Replaces() (n uint8, ok bool) {
	if d.PID < pidReplaceFirst || d.PID > pidReplaceLast {
		return 0, false
	}
	return d.PID - pidTypeZero, true
}

// TPDU gives the octets of the SMS-DELIVER, as a network would send it. Of the user data UDH and Data count, laid out as DCS says;
// what was read from the header (Concat, Ports, …) does not. Errors as for Submit.TPDU.
func (d *Deliver) TPDU() ([]byte, error) {
	fo := mtiDeliver | flag(!d.More, foMMS) | flag(d.LP, foLP) | flag(d.SRI, foSRR) | flag(len(d.UDH) > 0, foUDHI) | flag(d.RP, foRP)
	dst, err := d.OA.append(append(make([]byte, 0, 176), fo), "TP-OA")
	if err != nil {
		return nil, err
	}
	dst = appendTime(append(dst, d.PID, d.DCS), d.SCTS)
	return appendUD(dst, ParseDCS(d.DCS).layout(), d.UDH, d.Data)
}
