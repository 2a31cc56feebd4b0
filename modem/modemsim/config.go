package modemsim

import "time"

// Config describes a bank. The zero value of each field means the default named with it.
type Config struct {
	Count int    // number of modems, at least 1
	Dir   string // where the links modem00, modem01 … are made; created if missing
	// InMemory makes no ptys: Bank.Open opens a path. Nothing but channels and timers is waited for then, so that a testing/synctest
	// bubble can let days go by.
	InMemory bool
	Seed     uint64        // of what happens at random; 0 is a seed like others
	Latency  time.Duration // network time of one send, from Ctrl-Z to +CMGS; 0 is at once
	// Exact makes the modems sleep the last millisecond before something falls due by the system's clock: Go's timers are late by half a
	// millisecond on average in a process that is idle, which is much of a short Latency. For measuring; not inside a testing/synctest bubble.
	Exact bool

	DeliveryDelay time.Duration // from the network taking a message to the handset having it
	ReportDelay   time.Duration // from the handset having it to the status report setting out
	AckTimeout    time.Duration // how long a phase 2+ modem waits for +CNMA; default 15 s
	RetryInterval time.Duration // first wait of the service centre before it delivers to a SIM again, doubling up to 30 s; default 1 s
	RegisterDelay time.Duration // from power-on (or PIN) to registered
	BootTime      time.Duration // of a reboot by AT+CFUN=1,1; default 2 s

	Rules []Rule // see Network.AddRule

	// Keep bounds the submissions and the inbox of a handset that are remembered; default 100,000. Counts are kept for all.
	Keep int

	// OnReceive is called from the network's goroutine for each message that a handset has received whole.
	OnReceive func(number string, r Received)

	// Each is called with the defaults of modem i before it is made, to change them.
	Each func(i int, m *ModemConfig)
}

// ModemConfig describes one modem and the SIM in it. New fills it with working defaults, Config.Each may change it.
type ModemConfig struct {
	Manufacturer, Model, Revision string
	IMEI                          string // 15 digits
	SIM                           SIMConfig
	NoSIM                         bool // the slot is empty

	Operator string // long name, as +COPS: 0,0 shows it
	PLMN     string // MCC and MNC digits
	Roaming  bool   // registered as +CREG: n,5
	Signal   int    // 0 to 31, or 99; the rssi of +CSQ

	Latency time.Duration

	// CNMIRanges are the values that +CNMI takes, one set per parameter, e.g. {"0-2", "0-3", "0,2", "0-2", "0,1"}.
	CNMIRanges [5]string
	// EarlyICCID makes the modem tell the ICCID before the PIN, as the card would; many modems do not [31.102 4.1: EF_ICCID is read always].
	EarlyICCID bool
	// NoPhase2 makes the modem refuse AT+CSMS=1.
	NoPhase2 bool
	// URCWhileBusy lets unsolicited lines out while a command waits for the network; otherwise they are held back until its result.
	URCWhileBusy bool
	// NoEcho starts the modem with E0.
	NoEcho bool
	// Chatter is how often the modem tells of its signal by itself (^RSSI), as many sticks do; 0 is never.
	Chatter time.Duration
	// BootLines are sent after a reboot, each as a line of its own.
	BootLines []string
	// USSD answers by code; an unknown code gets "+CUSD: 4". Behind the codes of an open session stands the next one, with '>' between.
	// An answer that begins with '?' keeps the session open, "=3" is a status alone, "=2 text" one with a text, "" is none at all.
	USSD     map[string]string
	USSDForm string        // "": in the character set; "packed", "septets", "ucs2": in hex both ways; "raw": answers packed as they are
	USSDTime time.Duration // until the answer, instead of Latency
	USSDLast bool          // OK comes behind the answer
	// MESize is the number of messages that the modem's own memory ("ME") holds.
	MESize int
}

// SIMConfig describes a SIM.
type SIMConfig struct {
	ICCID  string // 19 digits
	IMSI   string // 15 digits
	MSISDN string // own number, international with +
	PIN    string // empty: not locked
	PUK    string
	SMSC   string // service-centre address with +; empty: the record is empty and sends fail with +CMS ERROR: 330
	Size   int    // messages that it stores ("SM")
}
