package provisioning

import (
	"time"

	"gsmgate/storage"
)

// Status is the gateway at a glance.
type Status struct {
	Version   string    `json:"version"`
	UptimeS   int64     `json:"uptime_s" doc:"seconds since the start"`
	Memory    Memory    `json:"memory"`
	Listeners []string  `json:"listeners" doc:"URLs with the address each one got"`
	Sessions  []Session `json:"sessions" doc:"bound SMPP sessions"`
	Binds     Binds     `json:"binds"`

	Connections Connections `json:"connections" doc:"of SMPP"`

	Channels []Channel `json:"channels"`
	Modems   []Modem   `json:"modems"`
	Users    int       `json:"users"`
	Queued   int       `json:"queued" doc:"messages that wait in any queue"`

	Money []string `json:"money" doc:"what of the money did not add up at the start; verify looks again"`

	NotTaken map[string]uint64 `json:"not_taken" doc:"messages since the start that were refused because of what waits, by reason: gateway_full, user_full, gateway_old, user_old, too_late"`
}

// Session is one bound SMPP session.
type Session struct {
	ID       string    `json:"id"`
	User     string    `json:"user" doc:"system_id"`
	Bind     string    `json:"bind" example:"transceiver"`
	Version  string    `json:"version" example:"3.4" doc:"interface_version of the bind"`
	Remote   string    `json:"remote" doc:"address and port"`
	TLS      string    `json:"tls" doc:"such as TLS 1.3; empty without TLS"`
	CertName string    `json:"cert_name" doc:"the first name on the client certificate; empty without one"`
	Since    time.Time `json:"since"`
	LastSeen time.Time `json:"last_seen" doc:"when the last PDU came"`
	Rate     float64   `json:"rate" doc:"messages a second that the client submits now"`
	RateMost int       `json:"rate_most" doc:"messages a second that all sessions of the user may submit; 0: no limit"`
	Busy     int       `json:"busy" doc:"requests without an answer now"`
	Window   int       `json:"window" doc:"requests without an answer at most"`
	Received uint64    `json:"received" doc:"submit_sm taken in"`
	Sent     uint64    `json:"sent" doc:"deliver_sm sent"`
	Refused  uint64    `json:"refused" doc:"requests that were malformed, or not allowed"`

	DeliverBusy   int     `json:"deliver_busy" doc:"deliver_sm without an answer now"`
	DeliverWindow int     `json:"deliver_window" doc:"deliver_sm without an answer at most"`
	DeliverRate   float64 `json:"deliver_rate" doc:"deliver_sm a second now"`
	OctetsIn      uint64  `json:"octets_in" doc:"of PDUs from the client"`
	OctetsOut     uint64  `json:"octets_out" doc:"of PDUs to the client"`

	LastError   string     `json:"last_error"`
	LastErrorAt *time.Time `json:"last_error_at"`
}

// SessionFilter picks sessions; without a user it picks all.
type SessionFilter struct {
	User string `query:"user" doc:"system_id"`
}

// Connections counts those of SMPP: now, and since the start.
type Connections struct {
	Bound            int    `json:"bound"`
	Unbound          int    `json:"unbound" doc:"that have not bound yet"`
	Accepted         uint64 `json:"accepted"`
	HandshakesFailed uint64 `json:"handshakes_failed"`
	Forbidden        uint64 `json:"forbidden" doc:"closed at once: the address may not connect"`
	Crowded          uint64 `json:"crowded" doc:"closed at once: too many of the address had not bound"`
}

// Closed says how many sessions were told to unbind.
type Closed struct {
	Closed int `json:"closed"`
}

// Binds counts what became of binds since the start.
type Binds struct {
	Accepted         uint64            `json:"accepted"`
	Refused          map[string]uint64 `json:"refused" doc:"by reason: address_waits, user_waits, address, certificate, unknown_user, password, disabled, sessions, busy, internal"`
	Hashes           uint64            `json:"hashes" doc:"verifications that cost a password hash"`
	WaitingAddresses int               `json:"waiting_addresses" doc:"addresses that may not try now, after failures"`
	WaitingUsers     int               `json:"waiting_users" doc:"system_ids that may not be tried now, after failures"`
}

// Channel is one far end that messages leave by.
type Channel struct {
	Name   string `json:"name"`
	Ready  bool   `json:"ready"`
	Reason string `json:"reason,omitempty" doc:"why it is not ready"`
	Queued int    `json:"queued"`
	Lanes  []Lane `json:"lanes"`

	Queues []Queue `json:"queues" doc:"of messages to handsets"`
}

// Queue is what waits for a channel, or for a pool or a lane of it.
type Queue struct {
	Name      string   `json:"name" example:"gsm/vip"`
	Queued    int      `json:"queued"`
	PerMinute *float64 `json:"per_minute" doc:"messages that leave in a minute, as it was measured; null: not known yet"`
	EmptyInS  *int64   `json:"empty_in_s" doc:"seconds until what is queued has left, by rate and limits; null: not known yet"`
}

// Lane is one path out of a channel.
type Lane struct {
	ID     string `json:"id" example:"sim:8931440000000000001"`
	Queue  string `json:"queue" doc:"that it drains"`
	Busy   int    `json:"busy" doc:"messages on their way"`
	Window int    `json:"window" doc:"most messages on their way at once"`

	RestsUntil *time.Time `json:"rests_until,omitempty" doc:"it takes no message before"`
	Reason     string     `json:"reason,omitempty" doc:"why it rests, or takes nothing"`
}

// ModemUSB is the USB device that a modem is, or hangs on.
type ModemUSB struct {
	Path      string `json:"path" doc:"the socket, such as 1-1.4"`
	Vendor    string `json:"vendor" doc:"four hex digits"`
	Product   string `json:"product" doc:"four hex digits"`
	Serial    string `json:"serial" doc:"empty when it has none"`
	Driver    string `json:"driver"`
	Interface *int   `json:"interface" doc:"number of the interface whose port is used; null when none is"`
}

// ModemCell is where a modem is registered; an element is empty where the modem does not tell it.
type ModemCell struct {
	Area   string `json:"area" doc:"location or tracking area code, in hex"`
	ID     string `json:"id" doc:"cell identity, in hex"`
	Access string `json:"access" doc:"such as GSM, UTRAN or E-UTRAN"`
}

// ModemReset is a reset that was tried, or several in a row that went alike.
type ModemReset struct {
	Reset   string    `json:"reset" doc:"at, radio, modem, port, usb or power"`
	At      time.Time `json:"at" doc:"of the newest"`
	Times   int       `json:"times"`
	Why     string    `json:"why"`
	Outcome string    `json:"outcome" doc:"done, or what went wrong"`
}

// Modem is one device of the bank.
type Modem struct {
	Path   string    `json:"path" doc:"as it is configured, or usb: and the socket where it was found"`
	State  string    `json:"state" doc:"absent, opening, initialising, pin, searching, ready or failed"`
	Reason string    `json:"reason" doc:"why it is not ready"`
	Hint   string    `json:"hint" doc:"what a person can do about it"`
	Since  time.Time `json:"since" doc:"of the state"`
	Node   string    `json:"node" doc:"device in use now, or last"`
	USB    *ModemUSB `json:"usb" doc:"null for what is not on USB, or was never seen"`

	IMEI         string `json:"imei"`
	Manufacturer string `json:"manufacturer"`
	Model        string `json:"model"`
	Revision     string `json:"revision"`

	Profile string `json:"profile" doc:"the row of the table of models by which it is handled; empty before it has told what it is"`

	ICCID      string `json:"iccid"`
	IMSI       string `json:"imsi"`
	Number     string `json:"number" doc:"the SIM's own, when it knows it"`
	SMSC       string `json:"smsc" doc:"service-centre address of the SIM"`
	SMSCReason string `json:"smsc_reason" doc:"what is wrong with it; empty when nothing is"`

	Registration string    `json:"registration" doc:"home, roaming, searching, denied, emergency, off or unknown; empty before it was asked"`
	Operator     string    `json:"operator"`
	PLMN         string    `json:"plmn" doc:"the operator's number: country and network code"`
	Roaming      bool      `json:"roaming"`
	Cell         ModemCell `json:"cell"`

	ReportWay    string `json:"report_way" doc:"how status reports come: straight, stored or none; empty before it was tried"`
	ReportReason string `json:"report_reason" doc:"why none come"`

	Signal    *int `json:"signal" minimum:"0" maximum:"31" doc:"as the modem tells it [27.007 8.5]; null when not known"`
	SignalDBM *int `json:"signal_dbm" doc:"received power in dBm, by AT+CESQ where the modem knows that; null when not known"`

	Sent     uint64 `json:"sent" doc:"parts that the network took"`
	Refused  uint64 `json:"refused" doc:"parts that were refused"`
	Unknown  uint64 `json:"unknown" doc:"parts of which nobody knows whether they went out"`
	Received uint64 `json:"received" doc:"incoming parts"`
	Reports  uint64 `json:"reports" doc:"status reports"`
	Sessions uint64 `json:"sessions" doc:"how often the port was opened"`
	Calls    uint64 `json:"calls" doc:"calls hung up"`

	Sends       string     `json:"sends" enum:"yes,no,disabled,draining,parked,trial" doc:"whether messages leave by it: no is not ready, trial one message after a park"`
	SendsReason string     `json:"sends_reason" doc:"why not"`
	ParkedUntil *time.Time `json:"parked_until" doc:"null when it is not parked"`
	Health      int        `json:"health" minimum:"0" maximum:"100" doc:"percent of the latest sends that went well"`

	Resets      []ModemReset      `json:"resets" doc:"the newest resets, the oldest of them first"`
	ResetCounts map[string]uint64 `json:"reset_counts" doc:"how often each rung was taken since the gateway runs, by at, radio, modem, port, usb and power"`
	Suspicion   string            `json:"suspicion" doc:"what looks wrong though the modem says it is well"`

	Undecoded    uint64         `json:"undecoded" doc:"incoming PDUs that could not be read; /v1/undecoded lists them"`
	LastCaller   string         `json:"last_caller" doc:"empty when it is not known"`
	LastCallAt   *time.Time     `json:"last_call_at"`
	Waiting      map[string]int `json:"waiting" doc:"messages that wait elsewhere, as the network said last: voicemail, fax, email, other"`
	Memories     []ModemMemory  `json:"memories" doc:"that hold messages, as the last sweep left them"`
	StorageAlarm string         `json:"storage_alarm" doc:"which of them stays nearly full and why; empty when none does"`
	StorageHint  string         `json:"storage_hint" doc:"what a person can do about it"`

	LastError   string     `json:"last_error"`
	LastErrorAt *time.Time `json:"last_error_at"`
}

// ModemMemory is one memory of a modem.
type ModemMemory struct {
	Name    string `json:"name" example:"SM"`
	Used    int    `json:"used"`
	Total   int    `json:"total"`
	Foreign int    `json:"foreign" doc:"messages that somebody wrote there to be sent: they are not ours, and stay"`
	Stuck   int    `json:"stuck" doc:"messages that are stored here and that the modem refuses to delete"`
}

// User is who binds, and what it owns.
type User struct {
	Name          string    `json:"name" doc:"system_id"`
	Enabled       bool      `json:"enabled"`
	AddressRanges []string  `json:"address_ranges"`
	Alphabet      string    `json:"alphabet" enum:"gsm,latin1,ascii,gsm-packed" doc:"of data_coding 0"`
	LongForm      string    `json:"long_form" enum:"payload,udh,sar" doc:"of long messages to the client"`
	ReceiptForm   string    `json:"receipt_form" enum:"both,text,tlvs" doc:"what delivery receipts to the client hold: the text of Appendix B, the TLVs of SMPP 3.4, or both"`
	MaxSessions   int       `json:"max_sessions" doc:"bound at once; 0: no limit"`
	Window        int       `json:"window" doc:"requests of one session without an answer; 0: the server's"`
	Rate          int       `json:"rate" doc:"messages a second over all sessions; 0: no limit"`
	KeepCount     int       `json:"keep_count" doc:"receipts and incoming messages kept until the client takes them; 0: no limit"`
	Pool          string    `json:"pool" doc:"of SIMs that its messages go by; empty: the default one"`
	KeepHours     int       `json:"keep_hours" doc:"for how long; 0: no limit"`
	AllowedFrom   []string  `json:"allowed_from" doc:"CIDRs; none: from anywhere"`
	CertNames     []string  `json:"cert_names" doc:"common names and subject alternative names of its client certificates"`
	CertAuth      string    `json:"cert_auth" enum:",either,both" doc:"either: a certificate stands in for an empty password; both: it is needed beside the password"`
	CreditLimit   int64     `json:"credit_limit" doc:"millicredits that it may owe; 0: it pays before it sends"`
	Refund        string    `json:"refund" enum:"whole,parts,unsent" doc:"what it gets back of a message that does not arrive: whole: all; parts: the parts that did not go out or that were reported as failed; unsent: those that did not go out"`
	Sources       []string  `json:"sources" doc:"source addresses that it may use; none: any"`
	Destinations  []string  `json:"destinations" doc:"destinations that it may send to; none: any"`
	DefaultSource string    `json:"default_source" doc:"of a message that has none"`
	ForcedSource  string    `json:"forced_source" doc:"of every message"`
	Weight        int       `json:"weight" doc:"its share of a queue beside other users; 1 unless set"`
	AnyOrder      bool      `json:"any_order" doc:"its messages to one recipient may overtake each other"`
	QueueCount    int       `json:"queue_count" doc:"messages that may wait to be sent; 0: no limit of its own"`
	QueueMinutes  int       `json:"queue_minutes" doc:"no more are taken while one has waited longer; 0: no limit of its own"`
	WhenFull      string    `json:"when_full" enum:",queue-full,throttled" doc:"what its client hears when no more are taken: ESME_RMSGQFUL or ESME_RTHROTTLED; empty: as serve says"`
	National      string    `json:"national" doc:"language whose tables texts may use over GSM where that takes fewer parts; empty: none, auto: any"`
	PriceList     string    `json:"price_list" doc:"what it pays; empty: one credit a part"`
	Region        string    `json:"region" doc:"of its national numbers, such as NL; empty: the server's"`
	PasswordForm  string    `json:"password_form" enum:"argon2id,sha1" doc:"sha1: imported, and not yet used"`
	Balance       Balance   `json:"balance"`
	CreatedAt     time.Time `json:"created_at"`
	Deliver       string    `json:"deliver" enum:"smpp,callback,both" doc:"how its receipts and incoming messages reach it"`
	Callback      *Callback `json:"callback" doc:"null when it has none"`
	Waiting       Waiting   `json:"waiting"`
}

// UserSettings are what may be set when a user is added and later. What is not
// named is the default, or stays.
type UserSettings struct {
	Alphabet    *string   `json:"alphabet,omitempty" doc:"of data_coding 0: gsm (default), latin1, ascii or gsm-packed"`
	LongForm    *string   `json:"long_form,omitempty" doc:"of long messages to the client: payload (default), udh or sar"`
	ReceiptForm *string   `json:"receipt_form,omitempty" doc:"what delivery receipts to the client hold: both (default), text or tlvs; a client of SMPP 3.3 always gets the text alone"`
	MaxSessions *int      `json:"max_sessions,omitempty" doc:"0 to 10000; 0: no limit"`
	Window      *int      `json:"window,omitempty" doc:"0 to 10000; 0: the server's"`
	Rate        *int      `json:"rate,omitempty" doc:"0 to 100000 messages a second; 0: no limit"`
	KeepCount   *int      `json:"keep_count,omitempty" doc:"0: no limit"`
	KeepHours   *int      `json:"keep_hours,omitempty" doc:"0: no limit"`
	AllowedFrom *[]string `json:"allowed_from,omitempty" doc:"CIDRs or addresses; replaces all of them"`
	CertNames   *[]string `json:"cert_names,omitempty" doc:"replaces all of them"`
	CertAuth    *string   `json:"cert_auth,omitempty" doc:"empty, either or both"`
	PriceList   *string   `json:"price_list,omitempty" doc:"what it pays; empty: one credit a part"`
	Region      *string   `json:"region,omitempty" doc:"of its national numbers, two capital letters; empty: the server's"`
	CreditLimit *int64    `json:"credit_limit,omitempty" doc:"millicredits that it may owe; 0: it pays before it sends"`
	Refund      *string   `json:"refund,omitempty" doc:"of a message that does not arrive: whole (default), parts or unsent"`

	Sources       *[]string `json:"sources,omitempty" doc:"+31612345678, +3169*, +31699000000-+31699999999, or a name such as Acme*; ! before it forbids; replaces all of them"`
	Destinations  *[]string `json:"destinations,omitempty" doc:"the same for destinations"`
	DefaultSource *string   `json:"default_source,omitempty" doc:"of a message that has none; empty: none"`
	ForcedSource  *string   `json:"forced_source,omitempty" doc:"of every message, instead of its own; empty: none"`

	Weight       *int    `json:"weight,omitempty" doc:"its share of a queue beside other users: 1 (default) to 1000"`
	AnyOrder     *bool   `json:"any_order,omitempty" doc:"its messages to one recipient may overtake each other"`
	QueueCount   *int    `json:"queue_count,omitempty" doc:"messages that may wait to be sent; 0: no limit of its own"`
	QueueMinutes *int    `json:"queue_minutes,omitempty" doc:"no more are taken while one has waited longer; 0: no limit of its own"`
	WhenFull     *string `json:"when_full,omitempty" doc:"queue-full or throttled: ESME_RMSGQFUL or ESME_RTHROTTLED when no more are taken; empty (default): as serve says"`

	Pool     *string `json:"pool,omitempty" doc:"of SIMs that its messages go by; empty: the default one"`
	National *string `json:"national,omitempty" doc:"empty (default), turkish, spanish, portuguese, bengali, gujarati, hindi, kannada, malayalam, oriya, punjabi, tamil, telugu, urdu or auto"`

	Callback       *string         `json:"callback,omitempty" doc:"http or https URL that receipts and incoming messages are posted to; empty: none, and nothing else of one"`
	CallbackSecret *storage.Secret `json:"callback_secret,omitempty" doc:"what is posted is signed with it; never given back; empty: it is not signed"`
	CallbackFor    *[]string       `json:"callback_for,omitempty" doc:"mo, receipts; none: both"`
	CallbackWindow *int            `json:"callback_window,omitempty" doc:"posts without an answer at most, 1 to 64; 0: 4"`
	Deliver        *string         `json:"deliver,omitempty" doc:"smpp, callback or both; empty: by callback where there is one"`
}

// Balance is a user's money in millicredits: granted = available + held + spent.
type Balance struct {
	Granted   int64 `json:"granted"`
	Available int64 `json:"available"`
	Held      int64 `json:"held" doc:"set aside for messages that have not ended"`
	Spent     int64 `json:"spent"`
}

// Amount is money in a request: one of the two.
type Amount struct {
	Millicredits *int64   `json:"millicredits,omitempty" doc:"thousandths of a credit"`
	Credits      *float64 `json:"credits,omitempty" doc:"credits, with at most three decimals"`
}

// NewUser asks for a user, with exactly one of the two forms of a password.
type NewUser struct {
	Name          string   `json:"name" doc:"system_id, 1 to 15 characters"`
	Password      string   `json:"password,omitempty" doc:"1 to 8 characters"`
	PasswordSHA1  string   `json:"password_sha1,omitempty" doc:"40 hexadecimal digits: SHA-1 of the password in UTF-16LE; replaced at the first bind"`
	Enabled       *bool    `json:"enabled,omitempty" doc:"true unless named"`
	AddressRanges []string `json:"address_ranges,omitempty" required:"false" doc:"+31612345678, +3169*, or +31699000000-+31699999999"`
	Amount
	UserSettings
}

// UserPatch changes what it names and leaves the rest.
type UserPatch struct {
	Password      *string   `json:"password,omitempty"`
	PasswordSHA1  *string   `json:"password_sha1,omitempty" doc:"instead of password, see NewUser"`
	Enabled       *bool     `json:"enabled,omitempty"`
	AddressRanges *[]string `json:"address_ranges,omitempty" doc:"replaces all of them"`
	UserSettings
}

// UserImport asks for many users, all or none.
type UserImport struct {
	Users        []NewUser `json:"users" maxItems:"10000"`
	SkipExisting bool      `json:"skip_existing,omitempty" doc:"leave users that are there as they are, instead of refusing"`
	DryRun       bool      `json:"dry_run,omitempty" doc:"only check"`
}

// UsersImported says what an import did, or would do.
type UsersImported struct {
	Added   int `json:"added"`
	Skipped int `json:"skipped"`
}

// NewCredit tops a user up, or corrects downwards when negative.
type NewCredit struct {
	Amount
	Note string `json:"note,omitempty" maxLength:"200"`
}

// NewMessage asks for a message to be sent in a user's name and at its price.
type NewMessage struct {
	User string `json:"user"`
	From string `json:"from,omitempty"`
	To   string `json:"to" minLength:"1"`
	Text string `json:"text"`

	Priority uint8 `json:"priority,omitempty" maximum:"3" doc:"priority_flag: the higher leaves first"`

	At         string `json:"at,omitempty" doc:"RFC 3339: not sent before then; at once unless named"`
	ValidUntil string `json:"valid_until,omitempty" doc:"RFC 3339: not sent after that; the gateway's validity unless named"`
}

// Assignment says who gets an incoming message.
type Assignment struct {
	User string `json:"user" minLength:"1" doc:"system_id"`
}

// MessageID answers a message that is on disk.
type MessageID struct {
	ID string `json:"id"`
}

// Message is one entry of the queue with its timeline.
type Message struct {
	ID         string     `json:"id"`
	ClientID   string     `json:"client_id,omitempty" doc:"the message_id that the client knows it by, when it is another: that of a submit_multi"`
	Kind       string     `json:"kind" enum:"MT,MO,receipt"`
	User       string     `json:"user"`
	State      string     `json:"state" doc:"message_state of SMPP 3.4, or SCHEDULED"`
	Source     string     `json:"source"`
	SentAs     string     `json:"sent_as,omitempty" doc:"the source address on the way out, when it is not the client's"`
	Dest       string     `json:"dest"`
	Text       string     `json:"text"`
	Data       string     `json:"data,omitempty" doc:"hexadecimal: the user data when it is no text"`
	Parts      []Part     `json:"parts"`
	Price      int64      `json:"price" doc:"millicredits held and spent"`
	Cost       int64      `json:"cost" doc:"millicredits that its channel takes of us; 0 when that is not known"`
	Ways       []string   `json:"ways,omitempty" doc:"channels that may carry it, when there are several, the best first"`
	Priority   uint8      `json:"priority" doc:"priority_flag, 0 to 3"`
	Route      string     `json:"route,omitempty" doc:"the route by which it was accepted"`
	Bare       bool       `json:"bare,omitempty" doc:"it has ended, and what it said was dropped"`
	Resent     int        `json:"resent,omitempty" doc:"how often it was sent again though it may have been sent; receipts say so too"`
	Reason     string     `json:"reason"`
	Waits      []Wait     `json:"waits" doc:"why it waits now; none when it has ended"`
	Pool       string     `json:"pool,omitempty" doc:"of SIMs that it goes by; absent: the default one"`
	About      string     `json:"about,omitempty" doc:"receipt: the id of its message"`
	Queue      string     `json:"queue,omitempty"`
	AcceptedAt time.Time  `json:"accepted_at"`
	ExpiresAt  *time.Time `json:"expires_at,omitempty"`
	EndedAt    *time.Time `json:"ended_at,omitempty"`
	Events     []Event    `json:"events"`
}

// Wait is one reason for which a message waits.
type Wait struct {
	Reason string     `json:"reason"`
	Until  *time.Time `json:"until,omitempty" doc:"when it ends by itself"`
	Lane   string     `json:"lane,omitempty" doc:"which it is about"`
}

// Part is one unit on the wire of the channel that carries the message.
type Part struct {
	State    string     `json:"state" enum:"waiting,trying,sent,unknown,done,failed"`
	Lane     string     `json:"lane,omitempty"`
	Ref      string     `json:"ref,omitempty" doc:"the next hop's reference: TP-MR of a SIM, message_id of an SMSC"`
	Attempts int        `json:"attempts"`
	TriedAt  *time.Time `json:"tried_at,omitempty"`
	EndedAt  *time.Time `json:"ended_at,omitempty"`
	Cause    uint32     `json:"cause,omitempty" doc:"the network's cause"`
}

// Event is one line of a timeline.
type Event struct {
	At   time.Time `json:"at"`
	What string    `json:"what"`
	Text string    `json:"text"`
}

// Verdict is what a check of the whole file found.
type Verdict struct {
	OK       bool     `json:"ok"`
	Findings []string `json:"findings"`
}

// Version names the program.
type Version struct {
	Version string `json:"version"`
	Go      string `json:"go"`
}

// MessageFilter picks messages, newest first; zero fields pick all.
type MessageFilter struct {
	User   string `query:"user" doc:"system_id"`
	State  string `query:"state" doc:"a message_state such as DELIVERED"`
	Kind   string `query:"kind" enum:"MT,MO,receipt" doc:"which way"`
	NoUser bool   `query:"no_user" doc:"only incoming messages that no user owns"`
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
	Before string `query:"before" doc:"id: only messages older than this one"`
}
