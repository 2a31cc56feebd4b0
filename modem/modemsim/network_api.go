package modemsim

import "time"

// Rule says what becomes of messages to the numbers it matches. The rule added last that matches wins; without one, a message is delivered
// and reported with status 0.
type Rule struct {
	Match string // a number, a prefix and '*', or "*"

	Refuse       int           // +CMS ERROR at submission; the message is not taken
	RefuseCME    int           // a +CME ERROR at submission, counted from 1; 0: none
	Delay        time.Duration // more delay before delivery (or before the failure is known)
	ST           byte          // TP-ST of the final report; 0x00–0x1F delivers, anything else does not [23.040 9.2.3.15]
	Temporary    byte          // when not 0: a report with this ST (0x20–0x3F) goes ahead of the final one
	Never        bool          // taken, and then nothing: neither delivered nor reported
	NoReport     bool          // no report although asked for
	ReportDelay  time.Duration // more delay before the report
	DoubleReport bool          // the report comes twice
	WrongMR      bool          // the report has another TP-MR than the message
	SwapReport   bool          // the report comes after the next one of this SIM, or after a minute
}

// Submission is one SMS-SUBMIT that a modem gave to the network.
type Submission struct {
	At      time.Time
	Modem   int    // index in the bank
	From    string // number of the SIM
	Segment Segment
	Code    int // +CMS ERROR or +CME ERROR that the network gave; 0: taken
}

// Count says how often one segment reached the network: same recipient, content and place in its message, whatever its references.
type Count struct {
	To         string
	Text       string // of this segment
	Seq, Total int    // 1 of 1 for a single one
	Times      int
}

// Alphabet of a segment [23.038 4].
type Alphabet int

// The alphabets.
const (
	GSM7 Alphabet = iota
	Data8
	UCS2
)

// Element is one information element of a user data header.
type Element struct {
	ID   byte
	Data []byte
}

// Segment is one TPDU as it came, and what a strict reader finds in it.
type Segment struct {
	Raw      []byte // the TPDU, without the service-centre address
	To       string // TP-DA (or the sender, in an SMS-DELIVER), '+' when the type of number is international
	TOA      byte   // its type-of-address octet
	MR       byte   // TP-MR as the network got it
	PID, DCS byte
	SRR      bool // a status report is asked for
	UDHI     bool
	VP       []byte // as it came: none, 1 or 7 octets
	UDL      int
	UDH      []Element
	Alphabet Alphabet
	Class    int    // 0 to 3, -1 for none
	UserData []byte // without the header: septets, octets, or big-endian UTF-16
	Text     string // of this segment on its own; "" for Data8

	Ref, Seq, Total int  // concatenation; Total 1 and Seq 1 without
	Wide            bool // 16-bit reference
	DestPort        int  // -1 without
	SrcPort         int

	Warnings []string // where the specification is bent, e.g. "fill bits not zero"

	address []byte // TP-DA in its own octets, for the report
}

// Received is a message on a handset, put together from its segments.
type Received struct {
	From     string
	Text     string
	Data     []byte // of a Data8 message
	Segments []Segment
	Complete bool // all segments are here
	Doubles  int  // segments that came again while it was put together
	Class    int  // -1 for none
	At       time.Time
}

// SendOptions changes how a handset sends.
type SendOptions struct {
	Reference int           // concatenation reference; 0: the next one
	Wide      bool          // 16-bit reference
	Order     []int         // segments to send, counted from 1, in this order: {2, 1}, {1, 1, 2}, {1, 3}; nil: all in order
	UCS2      bool          // although GSM-7 would do
	Class     int           // message class 1 to 3; 0 none; Flash for class 0
	PID       byte          // TP-PID
	From      string        // another sender: digits, or an alphanumeric one
	Gap       time.Duration // between segments
}

// Flash is the Class of SendOptions for a message of class 0.
const Flash = -1
