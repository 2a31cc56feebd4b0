package pdu

import "time"

// Submit is an SMS-SUBMIT. [23.040 9.2.2.2]
type Submit struct {
	RD  bool           // TP-RD: the SMSC is to reject duplicates
	SRR bool           // TP-SRR: a status report is asked for
	RP  bool           // TP-RP
	MR  uint8          // TP-MR; most modems put in their own
	DA  Address        // TP-DA
	PID uint8          // TP-PID
	DCS uint8          // TP-DCS
	VP  ValidityPeriod // TP-VPF and TP-VP
	UDH []byte         // with UDHL; nil when there is none
	UD  []byte         // septets one an octet when DCS says GSM7, octets otherwise

	Lenient []string // set by DecodeSubmit: what had to be forgiven
	Raw     []byte   // set by DecodeSubmit
}

// TPDU gives the octets of the SMS-SUBMIT. Its length is what AT+CMGS takes. Errors: ErrDigit, ErrLength (address),
// ErrHeader, ErrAlphabet (a septet over 0x7F), ErrTooLong (user data over 140 octets).
func (s Submit) TPDU() ([]byte, error) { return nil, refuse("TPDU", ErrType) }

// UserData reads the submit's header and data.
func (s *Submit) UserData() (UserData, error) { return UserData{}, refuse("TP-UD", ErrType) }

// DecodeSubmit reads an SMS-SUBMIT, as a memory of sent messages holds it.
func DecodeSubmit(tpdu []byte) (*Submit, error) { return nil, refuse("TP-MTI", ErrType) }

// ValidityPeriod is TP-VPF with TP-VP; the zero value is none. [23.040 9.2.3.12]
type ValidityPeriod struct {
	Format VPFormat
	Octets [7]byte // the first one only when relative
}

// VPFormat is TP-VPF. [23.040 9.2.3.3]
type VPFormat uint8

// The formats of TP-VP.
const (
	VPNone VPFormat = iota
	VPEnhanced
	VPRelative
	VPAbsolute
)

// RelativeVP gives the shortest relative validity not under d: steps of 5 minutes to 12 hours, 30 minutes to 24 hours,
// a day to 30 days, a week to 63 weeks (also for anything longer). d of 0 or less gives none. [23.040 9.2.3.12.1]
func RelativeVP(d time.Duration) ValidityPeriod { return ValidityPeriod{} }

// AbsoluteVP gives a validity that ends at t, in t's zone, to the second. [23.040 9.2.3.12.2]
func AbsoluteVP(t time.Time) ValidityPeriod { return ValidityPeriod{} }

// Duration gives the length of a relative period; ok is false for other formats. [23.040 9.2.3.12.1]
func (v ValidityPeriod) Duration() (d time.Duration, ok bool) { return 0, false }

// Time gives the end of an absolute period; ok is false for other formats and unreadable times. [23.040 9.2.3.12.2]
func (v ValidityPeriod) Time() (t time.Time, ok bool) { return time.Time{}, false }
