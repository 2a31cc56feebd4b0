package provisioning

import "time"

// Status is the gateway at a glance.
type Status struct {
	Version   string    `json:"version"`
	UptimeS   int64     `json:"uptime_s" doc:"seconds since the start"`
	Memory    Memory    `json:"memory"`
	Listeners []string  `json:"listeners" doc:"URLs with the address each one got"`
	Sessions  []Session `json:"sessions" doc:"bound SMPP sessions"`
	Channels  []Channel `json:"channels"`
	Modems    []Modem   `json:"modems"`
	Users     int       `json:"users"`
	Queued    int       `json:"queued" doc:"messages that wait in any queue"`
}

// Session is one bound SMPP session.
type Session struct {
	ID       string    `json:"id"`
	User     string    `json:"user" doc:"system_id"`
	Bind     string    `json:"bind" example:"transceiver"`
	Remote   string    `json:"remote"`
	TLS      string    `json:"tls" doc:"such as TLS 1.3; empty without TLS"`
	Since    time.Time `json:"since"`
	Busy     int       `json:"busy" doc:"submit_sm without an answer now"`
	Window   int       `json:"window" doc:"submit_sm without an answer at most"`
	Received uint64    `json:"received" doc:"submit_sm taken in"`
	Sent     uint64    `json:"sent" doc:"deliver_sm sent"`
}

// Channel is one far end that messages leave by.
type Channel struct {
	Name   string `json:"name"`
	Ready  bool   `json:"ready"`
	Reason string `json:"reason,omitempty" doc:"why it is not ready"`
	Queued int    `json:"queued"`
	Lanes  []Lane `json:"lanes"`
}

// Lane is one path out of a channel.
type Lane struct {
	ID     string `json:"id" example:"sim:8931440000000000001"`
	Busy   int    `json:"busy" doc:"messages on their way"`
	Window int    `json:"window" doc:"most messages on their way at once"`

	RestsUntil *time.Time `json:"rests_until,omitempty" doc:"it takes no message before"`
	Reason     string     `json:"reason,omitempty" doc:"why it rests"`
}

// Modem is one device of the bank.
type Modem struct {
	Path   string    `json:"path"`
	State  string    `json:"state" doc:"absent, opening, initialising, pin, searching, ready or failed"`
	Reason string    `json:"reason" doc:"why it is not ready"`
	Since  time.Time `json:"since" doc:"of the state"`

	IMEI         string `json:"imei"`
	Manufacturer string `json:"manufacturer"`
	Model        string `json:"model"`
	Revision     string `json:"revision"`

	ICCID    string `json:"iccid"`
	IMSI     string `json:"imsi"`
	Number   string `json:"number" doc:"the SIM's own, when it knows it"`
	SMSC     string `json:"smsc" doc:"service-centre address of the SIM"`
	Operator string `json:"operator"`
	Roaming  bool   `json:"roaming"`

	Signal    *int `json:"signal" minimum:"0" maximum:"31" doc:"as the modem tells it [27.007 8.5]; null when not known"`
	SignalDBM *int `json:"signal_dbm" doc:"null when not known"`

	Sent     uint64 `json:"sent" doc:"parts that the network took"`
	Refused  uint64 `json:"refused" doc:"parts that were refused"`
	Unknown  uint64 `json:"unknown" doc:"parts of which nobody knows whether they went out"`
	Received uint64 `json:"received" doc:"incoming parts"`
	Reports  uint64 `json:"reports" doc:"status reports"`
	Sessions uint64 `json:"sessions" doc:"how often the port was opened"`

	LastError   string     `json:"last_error"`
	LastErrorAt *time.Time `json:"last_error_at"`
}

// User is who binds, and what it owns.
type User struct {
	Name          string    `json:"name" doc:"system_id"`
	Enabled       bool      `json:"enabled"`
	AddressRanges []string  `json:"address_ranges"`
	Balance       Balance   `json:"balance"`
	CreatedAt     time.Time `json:"created_at"`
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

// NewUser asks for a user.
type NewUser struct {
	Name          string   `json:"name" doc:"system_id, 1 to 15 characters"`
	Password      string   `json:"password" doc:"1 to 8 characters"`
	AddressRanges []string `json:"address_ranges,omitempty" required:"false" doc:"+31612345678, +3169*, or +31699000000-+31699999999"`
	Amount
}

// UserPatch changes what it names and leaves the rest.
type UserPatch struct {
	Password      *string   `json:"password,omitempty"`
	Enabled       *bool     `json:"enabled,omitempty"`
	AddressRanges *[]string `json:"address_ranges,omitempty" doc:"replaces all of them"`
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
	Dest       string     `json:"dest"`
	Text       string     `json:"text"`
	Data       string     `json:"data,omitempty" doc:"hexadecimal: the user data when it is no text"`
	Parts      []Part     `json:"parts"`
	Price      int64      `json:"price" doc:"millicredits held and spent"`
	Priority   uint8      `json:"priority" doc:"priority_flag, 0 to 3"`
	Reason     string     `json:"reason"`
	About      string     `json:"about,omitempty" doc:"receipt: the id of its message"`
	Queue      string     `json:"queue,omitempty"`
	AcceptedAt time.Time  `json:"accepted_at"`
	ExpiresAt  *time.Time `json:"expires_at,omitempty"`
	EndedAt    *time.Time `json:"ended_at,omitempty"`
	Events     []Event    `json:"events"`
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
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
	Before string `query:"before" doc:"id: only messages older than this one"`
}
