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

// DecodeDeliver reads an SMS-DELIVER. The octets are copied.
func DecodeDeliver(tpdu []byte) (*Deliver, error) { return nil, refuse("TP-MTI", ErrType) }

// TPDU gives the octets of the SMS-DELIVER, as a network would send it. UDH and Data are used; Concat, Ports and languages are not.
func (d *Deliver) TPDU() ([]byte, error) { return nil, refuse("TP-MTI", ErrType) }

// Decode reads a TPDU that came from the modem: *Deliver, *StatusReport, or *Submit (from a memory of sent messages).
func Decode(tpdu []byte) (any, error) { return nil, refuse("TP-MTI", ErrType) }

// StatusReport is an SMS-STATUS-REPORT. [23.040 9.2.2.3]
type StatusReport struct {
	SCA  Address   // from the line, set by DecodeLine; not part of the TPDU
	MR   uint8     // TP-MR of the submit
	RA   Address   // TP-RA: the recipient of the submit
	SCTS time.Time // TP-SCTS: when the SMSC took the submit
	DT   time.Time // TP-DT: when it was delivered, or last tried
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

// DecodeStatusReport reads an SMS-STATUS-REPORT. The octets are copied.
func DecodeStatusReport(tpdu []byte) (*StatusReport, error) { return nil, refuse("TP-MTI", ErrType) }

// TPDU gives the octets of the SMS-STATUS-REPORT, as a network would send it, without the optional part.
func (r *StatusReport) TPDU() ([]byte, error) { return nil, refuse("TP-MTI", ErrType) }

// Outcome reads TP-ST: whether the SMSC is done with the message, and if so whether it was delivered. [23.040 9.2.3.15]
func (r *StatusReport) Outcome() (final, delivered bool) { return false, false }

// StatusText gives words for a TP-ST. [23.040 9.2.3.15]
func StatusText(st uint8) string { return "" }
