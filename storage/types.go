package storage

import (
	"fmt"
	"slices"
	"strconv"
	"time"
)

// ID numbers messages in the order of acceptance. Its text form is the
// message_id that clients see: lower-case hexadecimal, at least eight digits,
// so that a 3.3 peer can hold it [SMPP34 3.4].
type ID uint64

// FirstID is the first ID given out: eight hexadecimal digits without a
// leading zero, because some clients strip those from a message_id.
const FirstID ID = 0x10000000

func (id ID) String() string { return fmt.Sprintf("%08x", uint64(id)) }

// ParseID reads what ID.String wrote.
func ParseID(s string) (ID, error) {
	n, err := strconv.ParseUint(s, 16, 64)
	if err != nil {
		return 0, fmt.Errorf("message_id %q is not a hexadecimal number", s)
	}
	return ID(n), nil
}

// Time is milliseconds since the Unix epoch, UTC; 0 is "not set".
type Time int64

func TimeOf(t time.Time) Time {
	if t.IsZero() {
		return 0
	}
	return Time(t.UnixMilli())
}

func (t Time) Time() time.Time {
	if t == 0 {
		return time.Time{}
	}
	return time.UnixMilli(int64(t)).UTC()
}

// Millicredits is money: whole thousandths of a credit.
type Millicredits int64

// Credit is one credit.
const Credit Millicredits = 1000

// Kind says which way a message goes.
type Kind uint8

const (
	MT      Kind = 1 // mobile terminated: from a client towards a handset
	MO      Kind = 2 // mobile originated: from a handset towards a client
	Receipt Kind = 3 // delivery receipt of an MT message, towards its client
)

// State is SMPP's message_state [SMPP34 5.2.28]; 0 is 5.0's SCHEDULED.
type State uint8

const (
	Scheduled     State = 0
	Enroute       State = 1
	Delivered     State = 2
	Expired       State = 3
	Deleted       State = 4
	Undeliverable State = 5
	Accepted      State = 6
	Unknown       State = 7
	Rejected      State = 8
)

// PartState is where one part stands.
type PartState uint8

const (
	PartWaiting PartState = 0 // not sent, or refused for now
	PartTrying  PartState = 1 // the attempt is on disk, its outcome is not
	PartSent    PartState = 2 // the next hop has it; a report may come
	PartUnknown PartState = 3 // may have been sent: the outcome never came
	PartDone    PartState = 4 // reported delivered, or sent and no report wanted
	PartFailed  PartState = 5 // refused for good, or reported so
)

// DPF is the delivery pending flag of an MT message [SMPP34 5.3.2.29]. It goes
// with the message, at the latest. One that is raised (DPFSet, DPFOwed) is found
// by DB.Flagged.
type DPF uint8

const (
	DPFNone  DPF = 0 // nobody asked for it
	DPFAsked DPF = 1 // to be set should the message not reach its recipient
	DPFSet   DPF = 2 // set: the recipient could not be reached
	DPFOwed  DPF = 3 // the recipient was heard of again, and the client does not know yet
)

// Turn says how an MT message stands to the others of its Talk.
type Turn uint8

const (
	TurnFree   Turn = 0 // nothing is known to be before it
	TurnBehind Turn = 1 // it waits for one before it: it is due when its turn comes, see DB.NextTurn
	TurnNext   Turn = 2 // it waited, and is the next one
	TurnAny    Turn = 3 // no order is kept for it
)

// Raised says whether the client is still to hear of the recipient.
func (f DPF) Raised() bool { return f >= DPFSet }

// Address is an SMPP address [SMPP34 5.2.5 to 5.2.9].
type Address struct {
	TON  uint8  `cbor:"1,keyasint,omitempty"`
	NPI  uint8  `cbor:"2,keyasint,omitempty"`
	Addr string `cbor:"3,keyasint,omitempty"`
}

// Part is one unit on the wire of the channel that carries the message.
type Part struct {
	State    PartState `cbor:"1,keyasint,omitempty"`
	Lane     string    `cbor:"2,keyasint,omitempty"` // the lane of the last attempt, "sim:8931…"
	Match    string    `cbor:"3,keyasint,omitempty"` // what a report is looked up by within the lane: the recipient's digits for a SIM
	Ref      string    `cbor:"4,keyasint,omitempty"` // the next hop's reference: TP-MR in decimal, an upstream message_id
	Attempts int       `cbor:"5,keyasint,omitempty"`
	Tried    Time      `cbor:"6,keyasint,omitempty"`  // when the last attempt began
	Ended    Time      `cbor:"7,keyasint,omitempty"`  // when the part was reported or failed
	Cause    uint32    `cbor:"8,keyasint,omitempty"`  // the network's cause: TP-ST or +CMS error
	Final    State     `cbor:"10,keyasint,omitempty"` // what a report said of it at last
	Refused  int       `cbor:"15,keyasint,omitempty"` // attempts that were refused for what may be the message's own fault
	Wire     []byte    `cbor:"9,keyasint,omitempty"`  // what the channel needs to send this part again unchanged, e.g. its concatenation reference
	Segments uint8     `cbor:"20,keyasint,omitempty"` // how many of a handset it stands for, when that is more than one
}

// Units is how many segments of a handset the parts stand for: what is paid for.
func Units(parts []Part) (n int) {
	for i := range parts {
		n += max(1, int(parts[i].Segments))
	}
	return n
}

// awaitsReport says whether a report may still settle the part. One that is
// being tried is among them: a status report may overtake the answer of the
// modem, and then there is nothing more to tell.
func (p *Part) awaitsReport() bool {
	return p.State == PartTrying && !p.Told() || p.State == PartSent || p.State == PartUnknown
}

// Told says whether a report has told how the part ended while the answer of its
// send is still to come.
func (p *Part) Told() bool { return p.State == PartTrying && p.Final != 0 }

// Event is one line of a message's timeline.
type Event struct {
	At   Time   `cbor:"1,keyasint"`
	What string `cbor:"2,keyasint"` // accepted, route, attempt, sent, report, receipt, …
	Text string `cbor:"3,keyasint,omitempty"`
}

// About is what a receipt tells of its message, copied so that the receipt
// outlives it.
type About struct {
	ID         ID     `cbor:"1,keyasint"`
	State      State  `cbor:"2,keyasint"`
	Cause      uint32 `cbor:"3,keyasint,omitempty"`
	Submitted  int    `cbor:"4,keyasint,omitempty"` // parts
	Delivered  int    `cbor:"5,keyasint,omitempty"` // parts
	SubmitDate Time   `cbor:"6,keyasint,omitempty"`
	DoneDate   Time   `cbor:"7,keyasint,omitempty"`
	Text       string `cbor:"8,keyasint,omitempty"` // the first 20 characters
	// Intermediate: the message has not ended, and State is how it stands.
	Intermediate bool `cbor:"9,keyasint,omitempty"`
	// Message is the ID of the message itself when it is Intermediate: ID is what
	// its client knows it by.
	Message ID `cbor:"11,keyasint,omitempty"`
	// Resent is how often the message was sent again though it may have been sent.
	Resent uint8 `cbor:"12,keyasint,omitempty"`
	// UserReference is what its client calls the message, see Message.
	UserReference *uint16 `cbor:"10,keyasint,omitempty"`
}

// Message is one entry of the queue.
type Message struct {
	ID   ID   `cbor:"-"` // the key it is stored under, given by Accept
	Kind Kind `cbor:"2,keyasint"`

	User    string `cbor:"3,keyasint,omitempty"` // MT: who sent and pays. MO, Receipt: who gets it; "" while no user owns the address
	Session string `cbor:"4,keyasint,omitempty"` // MT: the session that submitted. Receipt: the session it should go to first
	Origin  string `cbor:"5,keyasint,omitempty"` // MO: the lane it came by
	About   *About `cbor:"6,keyasint,omitempty"` // Receipt: the message it is about

	// Batch is the place of an MT message among those of one submit_multi. Its
	// client knows all of them by the ID of the first, see ClientID.
	Batch uint8 `cbor:"7,keyasint,omitempty"`

	Source             Address  `cbor:"10,keyasint,omitempty"`
	SentAs             *Address `cbor:"91,keyasint,omitempty"` // the source on the way out, when it is not Source, which the client gave
	Dest               Address  `cbor:"11,keyasint,omitempty"`
	ServiceType        string   `cbor:"12,keyasint,omitempty"`
	ESMClass           uint8    `cbor:"13,keyasint,omitempty"`
	ProtocolID         uint8    `cbor:"14,keyasint,omitempty"`
	Priority           uint8    `cbor:"15,keyasint,omitempty"`
	RegisteredDelivery uint8    `cbor:"16,keyasint,omitempty"`
	DataCoding         uint8    `cbor:"17,keyasint,omitempty"`
	UDH                []byte   `cbor:"18,keyasint,omitempty"` // with its length octet; nil when there is none
	Data               []byte   `cbor:"19,keyasint,omitempty"` // user data after the UDH as it came, when Text does not stand for it: binary, or octets that Text would not give back
	TLVs               []byte   `cbor:"20,keyasint,omitempty"` // other optional parameters, as on the wire
	Text               string   `cbor:"21,keyasint,omitempty"` // user data as UTF-8, when it is text
	Flash              bool     `cbor:"22,keyasint,omitempty"` // to be shown at once and not kept, beside what DataCoding says
	UserReference      *uint16  `cbor:"23,keyasint,omitempty"` // user_message_reference: comes back in receipts [SMPP34 5.3.2.17]
	Waiting            uint8    `cbor:"25,keyasint,omitempty"` // a message waiting indication beside the text, as TP-DCS 0xC0 to 0xCF; 0: none [23.038 4]
	National           uint8    `cbor:"29,keyasint,omitempty"` // the language whose tables the text may use; 0: none, 255: any [23.038 6.2.1.2.4]
	DPF                DPF      `cbor:"24,keyasint,omitempty"` // MT: whether its client is to hear when its recipient can be reached

	State  State  `cbor:"30,keyasint,omitempty"`
	Cause  uint32 `cbor:"31,keyasint,omitempty"` // the err: of the receipt
	Reason string `cbor:"32,keyasint,omitempty"` // why it waits or how it ended, in words

	// Notices is how many intermediate notifications were made, Noticed what the
	// last one told.
	Notices uint8  `cbor:"33,keyasint,omitempty"`
	Noticed string `cbor:"34,keyasint,omitempty"`

	AcceptedAt Time `cbor:"40,keyasint,omitempty"`
	ExpiresAt  Time `cbor:"41,keyasint,omitempty"` // validity_period, absolute
	EndedAt    Time `cbor:"42,keyasint,omitempty"` // when a final state was reached

	// Queue names the channel whose lanes may take the message, from DueAt on.
	// DueAt 0: it waits for no lane.
	Queue string `cbor:"50,keyasint,omitempty"`
	// Pool is the pool of the channel that the message goes by; "": the default
	// one.
	Pool string `cbor:"53,keyasint,omitempty"`
	// Prefer is the lane that the message should leave by, in whose own queue it
	// waits. It goes by others when that takes too long. "" when nothing prefers
	// one, and when part of it has left.
	Prefer string `cbor:"54,keyasint,omitempty"`
	// Turn says how an MT message stands to others of its Talk.
	Turn  Turn `cbor:"56,keyasint,omitempty"`
	DueAt Time `cbor:"51,keyasint,omitempty"`
	// Twinned: MO, Receipt: its user gets it by SMPP and by callback, each as a
	// record that ends by itself. Twin is the other one of a message that is not
	// stored yet: Accept, and those that make one of segments, store both in one
	// commit.
	Twinned bool     `cbor:"55,keyasint,omitempty"`
	Twin    *Message `cbor:"-"`
	// Room: MT that is accepted: how many may wait then. It is not stored.
	Room Room `cbor:"-"`
	// Deadline is when the router looks at the message whatever happened:
	// validity over, no report in time, retention over. 0: never.
	Deadline Time `cbor:"52,keyasint,omitempty"`

	Parts []Part `cbor:"60,keyasint,omitempty"`

	// Incomplete: MO: parts of it never came.
	Incomplete bool `cbor:"92,keyasint,omitempty"`

	// Held is what is set aside for this message, Spent what it has cost. The
	// ledger entries are made from how these two change.
	Held  Millicredits `cbor:"70,keyasint,omitempty"`
	Spent Millicredits `cbor:"71,keyasint,omitempty"`

	// Cost is what the channel that carries the message, or is to, takes of us.
	Cost Millicredits `cbor:"72,keyasint,omitempty"`

	// Ways are the queues of the channels that may carry an MT message, the best
	// first, and Way is that of Queue among them. Moves counts how often another
	// one was taken.
	Ways  []string `cbor:"73,keyasint,omitempty"`
	Way   uint8    `cbor:"74,keyasint,omitempty"`
	Moves uint8    `cbor:"75,keyasint,omitempty"`

	// Route is the route by which an MT message was accepted; "": there were none.
	// Resent counts how often it was sent again though it may have been sent.
	Route  string `cbor:"76,keyasint,omitempty"`
	Resent uint8  `cbor:"77,keyasint,omitempty"`

	// Bare: it has ended, and what it said was dropped.
	Bare bool `cbor:"78,keyasint,omitempty"`

	// Dedupe are keys under which a second message is refused with
	// ErrDuplicate while this one is kept (hashes of MO segments, of the
	// reports on its parts).
	Dedupe []string `cbor:"80,keyasint,omitempty"`

	Events []Event `cbor:"90,keyasint,omitempty"`
}

// From is the source address on the way out.
func (m *Message) From() Address {
	if m.SentAs != nil {
		return *m.SentAs
	}
	return m.Source
}

// ClientID is the message_id that the client knows the message by.
func (m *Message) ClientID() ID { return m.ID - ID(m.Batch) }

// maxEvents bounds the timeline of one message; half of it is for how the
// message began, the other half for what happened last.
const maxEvents = 200

// Note adds a line to the timeline. A full timeline loses a line of its middle.
func (m *Message) Note(at Time, what, text string) {
	if len(m.Events) >= maxEvents {
		m.Events = slices.Delete(m.Events, maxEvents/2, len(m.Events)-maxEvents+maxEvents/2+1)
	}
	m.Events = append(m.Events, Event{At: at, What: what, Text: text})
}

// Final says whether the state is one that a message never leaves.
func (s State) Final() bool {
	switch s {
	case Scheduled, Enroute, Accepted:
		return false
	}
	return true
}

// User is who binds. Names are case-sensitive [SMPP34 5.2.1].
type User struct {
	SystemID      string   `cbor:"1,keyasint"`
	Password      string   `cbor:"2,keyasint,omitempty"` // $argon2id$v=19$m=…,t=…,p=…$salt$hash, or imported: $sha1-utf16le$hex
	Enabled       bool     `cbor:"3,keyasint,omitempty"`
	AddressRanges []string `cbor:"4,keyasint,omitempty"` // "+3161", "+3169*", "+31699000-+31699999"
	Created       Time     `cbor:"5,keyasint,omitempty"`

	// How its client writes and reads SMPP. "" is the default of each.
	Alphabet string `cbor:"6,keyasint,omitempty"` // of data_coding 0: "gsm" (default), "latin1", "ascii", "gsm-packed"
	LongForm string `cbor:"7,keyasint,omitempty"` // of long messages to it: "payload" (default), "udh", "sar"
	// ReceiptForm is what receipts to it hold: "both" (default) "text", "tlvs".
	ReceiptForm string `cbor:"36,keyasint,omitempty"`

	// Limits; 0: the server's default, or none.
	MaxSessions int `cbor:"8,keyasint,omitempty"`  // bound at once
	Window      int `cbor:"9,keyasint,omitempty"`  // requests of one session without an answer
	Rate        int `cbor:"10,keyasint,omitempty"` // messages a second, over all its sessions
	KeepCount   int `cbor:"11,keyasint,omitempty"` // receipts and MO kept until it takes them
	KeepHours   int `cbor:"12,keyasint,omitempty"` // for how long

	// Who may bind. CertNames are common names and subject alternative names
	// of client certificates; CertAuth says what one is good for.
	AllowedFrom []string `cbor:"13,keyasint,omitempty"` // CIDRs; none: from anywhere
	CertNames   []string `cbor:"14,keyasint,omitempty"`
	CertAuth    string   `cbor:"15,keyasint,omitempty"` // "": nothing, "either": stands in for the password, "both": is needed beside it

	// How its messages are priced and its destinations read.
	PriceList string `cbor:"42,keyasint,omitempty"` // "": one credit a part
	Region    string `cbor:"43,keyasint,omitempty"` // of national numbers, "NL"; "": the server's

	// BoundFrom are the addresses that it bound from last, IPv6 by /64; the
	// newest comes last.
	BoundFrom []string `cbor:"16,keyasint,omitempty"`

	// CreditLimit is how far below zero the available credit may go: it pays
	// afterwards. 0: it pays before.
	CreditLimit Millicredits `cbor:"30,keyasint,omitempty"`

	// Which addresses its messages may have, see package router. None: any.
	Sources       []string `cbor:"31,keyasint,omitempty"`
	Destinations  []string `cbor:"32,keyasint,omitempty"`
	DefaultSource string   `cbor:"33,keyasint,omitempty"` // of a message that has none
	ForcedSource  string   `cbor:"34,keyasint,omitempty"` // of every message, whatever its client says

	// Refund is what it gets back of a message that did not arrive: "" "whole",
	// "parts", "unsent"; see package router.
	Refund string `cbor:"35,keyasint,omitempty"`

	// Pool is that of its messages to handsets; "": the default one.
	Pool string `cbor:"17,keyasint,omitempty"`

	// How its messages wait for their way.
	Weight       int    `cbor:"60,keyasint,omitempty"` // its share of a queue beside others; 0: 1
	AnyOrder     bool   `cbor:"61,keyasint,omitempty"` // those to one recipient may overtake each other
	QueueCount   int    `cbor:"62,keyasint,omitempty"` // messages that may wait; 0: no limit of its own
	QueueMinutes int    `cbor:"63,keyasint,omitempty"` // no more are taken while one has waited longer; 0: no limit of its own
	WhenFull     string `cbor:"64,keyasint,omitempty"` // what its client hears then: "" "queue-full", "throttled"

	// National is the language whose tables its texts may use, in words: "" for
	// none, "turkish", "auto" … [23.038 6.2.1.2].
	National string `cbor:"40,keyasint,omitempty"`

	// Where its receipts and MO are posted to, beside SMPP or instead of it.
	Callback       string `cbor:"50,keyasint,omitempty"` // URL; "": nowhere
	CallbackSecret Secret `cbor:"51,keyasint,omitempty"` // what is posted is signed with it; "": it is not signed
	CallbackFor    string `cbor:"52,keyasint,omitempty"` // "": for both, "mo", "receipts"
	CallbackWindow int    `cbor:"53,keyasint,omitempty"` // posts without an answer; 0: the default
	Deliver        string `cbor:"54,keyasint,omitempty"` // "smpp", "callback", "both"; "": by callback where there is one
}

// Secret is a text that is stored in clear, for it is needed so, and that goes to
// no log.
type Secret string

func (Secret) String() string   { return "***" }
func (Secret) GoString() string { return "***" }

// Balance is a user's money. Granted = Available + Held + Spent, always.
type Balance struct {
	Granted   Millicredits `cbor:"1,keyasint,omitempty"` // sum of top-ups and corrections
	Available Millicredits `cbor:"2,keyasint,omitempty"`
	Held      Millicredits `cbor:"3,keyasint,omitempty"`
	Spent     Millicredits `cbor:"4,keyasint,omitempty"`
}

// EntryKind says why money moved.
type EntryKind uint8

const (
	TopUp  EntryKind = 1 // world → available (negative: correction)
	Hold   EntryKind = 2 // available → held
	Spend  EntryKind = 3 // held → spent
	Refund EntryKind = 4 // held → available
)

// Entry is one line of the ledger, never changed once written.
type Entry struct {
	Seq     uint64       `cbor:"-"`          // the key it is stored under: 1, 2, 3 …
	At      Time         `cbor:"2,keyasint"` // never before that of the entry before it
	User    string       `cbor:"3,keyasint"`
	Kind    EntryKind    `cbor:"4,keyasint"`
	Amount  Millicredits `cbor:"5,keyasint"`
	Message ID           `cbor:"6,keyasint,omitempty"`
	Note    string       `cbor:"7,keyasint,omitempty"`
}

// Segment is one part of a long MO message that waits for the others.
type Segment struct {
	Lane       string  `cbor:"1,keyasint"` // the SIM it came to
	Source     Address `cbor:"2,keyasint"`
	Dest       Address `cbor:"3,keyasint"`
	Reference  uint16  `cbor:"4,keyasint"`           // concatenation reference [23.040 9.2.3.24.1]
	Wide       bool    `cbor:"5,keyasint,omitempty"` // 16-bit reference [23.040 9.2.3.24.8]
	Total      uint8   `cbor:"6,keyasint"`
	Number     uint8   `cbor:"7,keyasint"` // 1..Total
	DataCoding uint8   `cbor:"8,keyasint,omitempty"`
	ProtocolID uint8   `cbor:"9,keyasint,omitempty"`
	UDH        []byte  `cbor:"10,keyasint,omitempty"`
	Data       []byte  `cbor:"11,keyasint,omitempty"` // septets unpacked one an octet for GSM-7, else the octets
	Raw        []byte  `cbor:"12,keyasint,omitempty"` // the TPDU as it came
	Stamp      Time    `cbor:"13,keyasint,omitempty"` // TP-SCTS
	Received   Time    `cbor:"14,keyasint"`
	Dedupe     string  `cbor:"15,keyasint"` // tells the segment from all others: a hash of what it says

	// Late, told to who assembles: the others were delivered without this one.
	Late bool `cbor:"-"`
}

// Report is what a next hop says about a part: a GSM status report, an
// upstream delivery receipt, an HTTP callback.
type Report struct {
	Lane  string
	Match string // see Part.Match
	Ref   string // see Part.Ref
	// Refs, when there are any, are the forms that the reference of the part may
	// have, likeliest first; it alone tells the part, see router.Lane.
	Refs  []string
	At    Time  // when the network says it ended (TP-DT)
	State State // Delivered, Undeliverable, Expired, Deleted, Rejected, or Enroute while still trying
	Cause uint32
	Text  string // for the timeline: "TP-ST 0x00 delivered"
	// Absent, with Enroute: the recipient cannot be reached for now.
	Absent bool
	// Submitted is when the network says it took the part (TP-SCTS), to the
	// second; 0: it does not say.
	Submitted Time
	// Dedupe tells the report from all others: one that comes again with the
	// same key changes nothing. See Message.Dedupe.
	Dedupe string
}
