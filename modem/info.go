package modem

import (
	"fmt"
	"time"
)

// State is where a modem is on its way to sending.
type State uint8

// The states of a modem.
const (
	Absent       State = iota // nothing is at the path
	Opening                   // the port is being opened, or will be again in a moment
	Initialising              // the modem is asked what it is and told how to behave
	PIN                       // the SIM wants a code that we do not have
	Searching                 // not registered to a network
	Ready                     // messages can go
	Failed                    // several attempts went wrong; it is tried on, slowly
)

// String gives the state in lower case: "absent", "pin", "ready".
func (s State) String() string {
	if s > Failed {
		return fmt.Sprintf("state %d", uint8(s))
	}
	return [...]string{"absent", "opening", "initialising", "pin", "searching", "ready", "failed"}[s]
}

// MarshalText gives String, for JSON.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// SIM says whose card is in a modem. Counters and limits follow it from modem to modem.
type SIM struct {
	ICCID  string // of the card; where the modem does not tell it the IMSI, else the IMEI, else the path
	IMSI   string // of the subscription
	Number string // its own number as the SIM has it, "" when it has none                       [27.007 7.1]
}

// Cell is where a modem is registered; a field is "" where the modem does not tell it.                   [27.007 7.2, 10.1.22]
type Cell struct {
	Area   string // location or tracking area code, in hex
	ID     string // cell identity, in hex
	Access string // "GSM", "UTRAN", "E-UTRAN" …
}

// NoSignal is the Signal of a modem that does not know it.                                       [27.007 8.5]
const NoSignal = 99

// Info is what is known of a modem at a moment.
type Info struct {
	Path   string
	State  State
	Reason string    // why it is not ready, "" when it is
	Hint   string    // what a person can do about it, "" where nothing is known
	Since  time.Time // of the state
	Place  Place     // where it is now, or was last

	IMEI, Manufacturer, Model, Revision string
	Profile                             string // the row of the table of models by which it is handled
	SIM                                 SIM
	SMSC                                string // service-centre address of the SIM
	SMSCReason                          string // what is wrong with it, "" when nothing is
	Registration                        string // "home", "roaming", "searching", "denied", "emergency", "off" or "unknown"; "" before it was asked
	Operator                            string
	PLMN                                string // the operator's number: country and network code, five or six digits
	Roaming                             bool
	Cell                                Cell
	Signal                              int // 0 to 31, or NoSignal
	SignalDBM                           int // received power; 0 when it is not known

	ReportWay    string // how status reports come: "straight", "stored" or "none"; "" before it was tried
	ReportReason string // why none come

	StoredUsed, StoredTotal int // of the memory for incoming messages

	Memories     []Memory // all that are swept, as the last sweep left them; replaced, never changed
	StorageAlarm string   // which of them stays nearly full and why, "" when none does
	StorageHint  string   // what a person can do about it

	Waiting [4]uint8 // messages that wait elsewhere, as the network said last: voicemail, fax, e-mail, other

	Sent      uint64 // messages handed over and answered with a TP-MR
	Refused   uint64 // refusals of a message
	Unknown   uint64 // messages of which nobody knows whether they went out
	Received  uint64 // SMS-DELIVERs stored by the handler
	Reports   uint64 // status reports stored by the handler
	Undecoded uint64 // PDUs that could not be read, stored by the handler
	Calls     uint64 // calls hung up

	LastCaller string    // who called last, "" when that is not known
	LastCallAt time.Time // when

	Sessions uint64 // times that the port was opened

	// Parked: the modem is there and can receive, and nothing is to be sent by it until then, for the reason given; when that is past,
	// one message is tried. The zero time: it is not parked.
	ParkedUntil  time.Time
	ParkedReason string
	Health       int // percent of the latest sends that went well, 100 when there were none

	Resets      []Reset       // the newest, the oldest of them first; never changed in place
	ResetCounts [rungs]uint64 // how often each rung was taken

	// Parts sent with a report asked for since the newest report came, and when the first of them was: SIMs are known whose messages are
	// taken and go nowhere.
	Unreported      uint64
	UnreportedSince time.Time
	ReportAt        time.Time // of the newest report

	LastError   string // the newest thing that went wrong
	LastErrorAt time.Time
}

// statusReportBit is TP-SRR in the first octet of an SMS-SUBMIT.                                              [23.040 9.2.3.5]
const statusReportBit = 0x20

// sent counts a part that was handed over.
func (i *Info) sent(tpdu []byte, now time.Time) {
	i.Sent++
	if len(tpdu) == 0 || tpdu[0]&statusReportBit == 0 {
		return
	}
	if i.Unreported == 0 {
		i.UnreportedSince = now
	}
	i.Unreported++
}

func (i *Info) reported(now time.Time) {
	i.Reports++
	i.Unreported, i.ReportAt = 0, now
}

// Bounds of Suspicion: handsets that are off for a night have no reports either, but not ten in a row, by one SIM, while others' come.
const (
	suspectParts = 10
	suspectAfter = 30 * time.Minute
)

// Suspicion says what looks wrong with a modem that says it is well; "" for nothing. others are all modems of the bank: when none of
// them gets reports, that is the network's doing.
func (i *Info) Suspicion(others []Info, now time.Time) string {
	if i.Unreported < suspectParts || now.Sub(i.UnreportedSince) < suspectAfter {
		return ""
	}
	for _, o := range others {
		if o.SIM.ICCID != i.SIM.ICCID && o.ReportAt.After(i.UnreportedSince) {
			return fmt.Sprintf("the network took %d parts since %s and has reported on none of them, while it reports on those of other SIMs: they may go nowhere",
				i.Unreported, i.UnreportedSince.Format(time.DateTime))
		}
	}
	return ""
}
