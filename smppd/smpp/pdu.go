package smpp

// PDU is the body of a protocol data unit; the header stands beside it. It is
// one of the pointer types of this package. Every PDU keeps what follows its
// mandatory fields in TLVs, also where the specification defines none there,
// because unknown and misplaced parameters are to be ignored. [SMPP34 3.3]
type PDU interface {
	CommandID() CommandID
	fields(c *coder)
}

// Bind is bind_receiver, bind_transmitter or bind_transceiver. [SMPP34 4.1]
type Bind struct {
	ID               CommandID // IDBindReceiver, IDBindTransmitter or IDBindTransceiver
	SystemID         string    // at most 15 octets
	Password         string    // at most 8 octets, see LongPassword
	SystemType       string    // at most 12 octets
	InterfaceVersion uint8
	AddrTON, AddrNPI uint8
	AddressRange     string // at most 40 octets
	TLVs             TLVs

	// LongPassword lets up to 64 octets of password be written: some SMSCs give out
	// such, beyond the specification. What is read has the room that it gives.
	LongPassword bool
}

// BindResp answers a Bind; it has no body when its status is not StatusOK.
type BindResp struct {
	ID       CommandID // that of the response
	SystemID string
	TLVs     TLVs // sc_interface_version
}

// Outbind asks an ESME to bind. [SMPP34 4.1.7]
type Outbind struct {
	SystemID, Password string
	TLVs               TLVs
}

// Unbind ends a session. [SMPP34 4.2]
type Unbind struct{ TLVs TLVs }

// UnbindResp answers an Unbind.
type UnbindResp struct{ TLVs TLVs }

// EnquireLink asks for a sign of life. [SMPP34 4.11]
type EnquireLink struct{ TLVs TLVs }

// EnquireLinkResp answers an EnquireLink.
type EnquireLinkResp struct{ TLVs TLVs }

// GenericNack answers what could not be understood. [SMPP34 4.3]
type GenericNack struct{ TLVs TLVs }

// SubmitSM hands over a message to the SMSC. [SMPP34 4.4]
type SubmitSM struct {
	ServiceType          string // at most 5 octets
	Source, Dest         Address
	ESMClass             ESMClass
	ProtocolID           uint8
	PriorityFlag         uint8
	ScheduleDeliveryTime string // "" or 16 characters, see ParseTime
	ValidityPeriod       string // "" or 16 characters
	RegisteredDelivery   RegisteredDelivery
	ReplaceIfPresent     uint8
	DataCoding           DataCoding
	SMDefaultMsgID       uint8
	ShortMessage         []byte // at most 254 octets; longer ones go into message_payload
	TLVs                 TLVs
}

// SubmitSMResp answers a SubmitSM; it has no body when its status is not
// StatusOK. [SMPP34 4.4.2]
type SubmitSMResp struct {
	MessageID string // at most 64 octets, 8 to an ESME of version 3.3
	TLVs      TLVs
}

// DeliverSM hands over a message or a receipt to the ESME. [SMPP34 4.6]
type DeliverSM SubmitSM

// DeliverSMResp answers a DeliverSM. [SMPP34 4.6.2]
type DeliverSMResp struct {
	MessageID string // unused: ""
	TLVs      TLVs
}

// DataSM is the short form of both directions; its text is in message_payload.
// [SMPP34 4.7]
type DataSM struct {
	ServiceType        string
	Source, Dest       Address // at most 64 octets each
	ESMClass           ESMClass
	RegisteredDelivery RegisteredDelivery
	DataCoding         DataCoding
	TLVs               TLVs
}

// DataSMResp answers a DataSM.
type DataSMResp struct {
	MessageID string
	TLVs      TLVs // delivery_failure_reason and others
}

// SubmitMulti is a SubmitSM to several destinations. [SMPP34 4.5]
type SubmitMulti struct {
	ServiceType          string
	Source               Address
	Dests                []MultiDest // 1 to 254
	ESMClass             ESMClass
	ProtocolID           uint8
	PriorityFlag         uint8
	ScheduleDeliveryTime string
	ValidityPeriod       string
	RegisteredDelivery   RegisteredDelivery
	ReplaceIfPresent     uint8 // reserved
	DataCoding           DataCoding
	SMDefaultMsgID       uint8
	ShortMessage         []byte
	TLVs                 TLVs
}

// MultiDest is one destination of a SubmitMulti: the distribution list DLName
// when that is not empty, else Address.
type MultiDest struct {
	Address Address
	DLName  string // at most 20 octets
}

// SubmitMultiResp answers a SubmitMulti.
type SubmitMultiResp struct {
	MessageID string
	Unsuccess []UnsuccessSME // at most 255
	TLVs      TLVs
}

// UnsuccessSME is a destination that could not be accepted, and why.
type UnsuccessSME struct {
	Address Address
	Status  CommandStatus
}

// QuerySM asks for the state of a message. [SMPP34 4.8]
type QuerySM struct {
	MessageID string
	Source    Address
	TLVs      TLVs
}

// QuerySMResp answers a QuerySM.
type QuerySMResp struct {
	MessageID    string
	FinalDate    string // "" while not final; see ParseTime
	MessageState MessageState
	ErrorCode    uint8
	TLVs         TLVs
}

// CancelSM takes back one message, or all pending ones of a source and
// destination when MessageID is "". [SMPP34 4.9]
type CancelSM struct {
	ServiceType  string
	MessageID    string
	Source, Dest Address
	TLVs         TLVs
}

// CancelSMResp answers a CancelSM.
type CancelSMResp struct{ TLVs TLVs }

// ReplaceSM replaces the text of a pending message. [SMPP34 4.10]
type ReplaceSM struct {
	MessageID            string
	Source               Address
	ScheduleDeliveryTime string
	ValidityPeriod       string
	RegisteredDelivery   RegisteredDelivery
	SMDefaultMsgID       uint8
	ShortMessage         []byte
	TLVs                 TLVs
}

// ReplaceSMResp answers a ReplaceSM.
type ReplaceSMResp struct{ TLVs TLVs }

// AlertNotification says that a subscriber can be reached; nothing answers it.
// [SMPP34 4.12]
type AlertNotification struct {
	Source Address // at most 64 octets
	ESME   Address // at most 64 octets
	TLVs   TLVs
}
