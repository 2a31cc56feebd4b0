package pdu

import "time"

// StatusReport is an SMS-STATUS-REPORT. [23.040 9.2.2.3]
type StatusReport struct {
	SCA  Address   // from the line, set by DecodeLine; not part of the TPDU
	MR   uint8     // TP-MR of the submit
	RA   Address   // TP-RA: the recipient of the submit
	SCTS time.Time // TP-SCTS: when the SMSC took the submit; zero when it cannot be read
	DT   time.Time // TP-DT: when it was delivered, or last tried; zero when it cannot be read
	ST   uint8     // TP-ST
	More bool      // more messages wait: TP-MMS, which says so with 0
	LP   bool      // TP-LP
	SRQ  bool      // TP-SRQ: the report answers an SMS-COMMAND
	PID  uint8     // TP-PID; 0 when absent
	DCS  uint8     // TP-DCS; 0 when absent
	UserData

	Lenient []string // what had to be forgiven; empty for a PDU by the book
	Raw     []byte   // the TPDU as it came
}

// DecodeStatusReport reads an SMS-STATUS-REPORT. The octets are copied. What follows TP-ST is optional, and when it is damaged it is left
// out with a note. Errors: ErrTruncated, ErrType, ErrLength, ErrDigit.
func DecodeStatusReport(tpdu []byte) (*StatusReport, error) {
	d := newDecoder(tpdu)
	fo := d.octet("TP-MTI")
	if d.err == nil && fo&3 != mtiStatusReport {
		d.fail("TP-MTI", 0, ErrType)
	}
	r := &StatusReport{More: fo&foMMS == 0, LP: fo&foLP != 0, SRQ: fo&foSRR != 0, Raw: d.b}
	r.MR = d.octet("TP-MR")
	r.RA = d.address("TP-RA")
	r.SCTS = d.timestamp("TP-SCTS")
	r.DT = d.timestamp("TP-DT")
	r.ST = d.octet("TP-ST")
	if d.err != nil {
		return nil, d.err
	}
	r.optional(d, fo&foUDHI != 0)
	r.Lenient = d.notes
	return r, nil
}

// Bits of TP-PI. [23.040 9.2.3.27]
const (
	piPID       = 0x01
	piDCS       = 0x02
	piUDL       = 0x04
	piExtension = 0x80
)

// optional reads TP-PI and what it announces. [23.040 9.2.2.3]
func (r *StatusReport) optional(d *decoder, udhi bool) {
	if !d.more() {
		return
	}
	pi := d.octet("TP-PI")
	for next := pi; next&piExtension != 0 && d.err == nil; {
		next = d.octet("TP-PI")
	}
	var pid, dcs byte
	var u UserData
	if pi&piPID != 0 {
		pid = d.octet("TP-PID")
	}
	if pi&piDCS != 0 {
		dcs = d.octet("TP-DCS")
	}
	if pi&piUDL != 0 {
		u = d.userData(dcs, udhi)
	}
	if d.err != nil {
		d.forgive("optional part left out: " + d.err.Error())
		return
	}
	d.rest()
	r.PID, r.DCS, r.UserData = pid, dcs, u
}

// TPDU gives the octets of the SMS-STATUS-REPORT, as a network would send it, without the optional part. Errors as for Submit.TPDU.
func (r *StatusReport) TPDU() ([]byte, error) {
	fo := mtiStatusReport | flag(!r.More, foMMS) | flag(r.LP, foLP) | flag(r.SRQ, foSRR)
	dst, err := r.RA.append([]byte{fo, r.MR}, "TP-RA")
	if err != nil {
		return nil, err
	}
	return append(appendTime(appendTime(dst, r.SCTS), r.DT), r.ST), nil
}

// Outcome reads TP-ST: whether the SMSC is done with the message, and if so whether it was delivered. Reserved values count as
// service rejected, 0x63. [23.040 9.2.3.15]
func (r *StatusReport) Outcome() (final, delivered bool) {
	switch {
	case reservedStatus(r.ST):
		return true, false
	case r.ST < 0x20:
		return true, true
	case r.ST < 0x40:
		return false, false
	}
	return true, false
}

// reservedStatus tells whether the standard keeps the value for later. The upper half of each group is for the SMSC's own. [23.040 9.2.3.15]
func reservedStatus(st uint8) bool {
	last := [...]uint8{0x02, 0x25, 0x49, 0x65}
	return st >= 0x80 || st&0x10 == 0 && st > last[st>>5]
}

// statusTexts hold the values that the standard names. [23.040 9.2.3.15]
var statusTexts = map[uint8]string{
	0x00: "delivered",
	0x01: "forwarded, delivery cannot be confirmed",
	0x02: "replaced by a later message",
	0x40: "remote procedure error",
	0x41: "incompatible destination",
	0x42: "connection rejected by the recipient",
	0x43: "recipient not obtainable",
	0x44: "quality of service not available",
	0x45: "no interworking available",
	0x46: "validity period expired",
	0x47: "deleted by the sender",
	0x48: "deleted by the SMSC's administration",
	0x49: "message does not exist",
}

// transientTexts hold the reasons that are the same while the SMSC tries (0x20) and when it gives up (0x60).
var transientTexts = [...]string{
	"congestion", "recipient busy", "no response from the recipient", "service rejected", "quality of service not available",
	"error in the recipient",
}

// StatusText gives words for a TP-ST. [23.040 9.2.3.15]
func StatusText(st uint8) string {
	if text, ok := statusTexts[st]; ok {
		return text
	}
	if reservedStatus(st) {
		return "reserved, read as service rejected, given up"
	}
	reason := "reason of the SMSC's own"
	if i := int(st & 0x1F); i < len(transientTexts) {
		reason = transientTexts[i]
	}
	switch st >> 5 {
	case 0:
		return "delivered, in a way of the SMSC's own"
	case 1:
		return reason + ", still trying"
	case 2:
		return "failed, reason of the SMSC's own"
	}
	return reason + ", given up"
}
