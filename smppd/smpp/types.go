package smpp

import (
	"fmt"
	"strconv"
)

// HeaderLen is the number of octets of a PDU header. [SMPP34 3.2]
const HeaderLen = 16

// MaxSequence is the greatest sequence_number that a request may carry; the
// smallest is 1. [SMPP34 5.1.4]
const MaxSequence = 0x7FFFFFFF

// Interface versions as they stand in bind_* and sc_interface_version. [SMPP34 5.2.4]
const (
	Version33 uint8 = 0x33
	Version34 uint8 = 0x34
	Version50 uint8 = 0x50
)

// VersionName reads an interface_version: 0x34 is 3.4. [SMPP34 5.2.4]
func VersionName(v uint8) string { return fmt.Sprintf("%d.%d", v>>4, v&15) }

// CommandID is a command_id. [SMPP34 5.1.2.1]
type CommandID uint32

// The command_ids of SMPP 3.4, and those that SMPP 5.0 adds.
const (
	IDGenericNack         CommandID = 0x80000000
	IDBindReceiver        CommandID = 0x00000001
	IDBindReceiverResp    CommandID = 0x80000001
	IDBindTransmitter     CommandID = 0x00000002
	IDBindTransmitterResp CommandID = 0x80000002
	IDQuerySM             CommandID = 0x00000003
	IDQuerySMResp         CommandID = 0x80000003
	IDSubmitSM            CommandID = 0x00000004
	IDSubmitSMResp        CommandID = 0x80000004
	IDDeliverSM           CommandID = 0x00000005
	IDDeliverSMResp       CommandID = 0x80000005
	IDUnbind              CommandID = 0x00000006
	IDUnbindResp          CommandID = 0x80000006
	IDReplaceSM           CommandID = 0x00000007
	IDReplaceSMResp       CommandID = 0x80000007
	IDCancelSM            CommandID = 0x00000008
	IDCancelSMResp        CommandID = 0x80000008
	IDBindTransceiver     CommandID = 0x00000009
	IDBindTransceiverResp CommandID = 0x80000009
	IDOutbind             CommandID = 0x0000000B
	IDEnquireLink         CommandID = 0x00000015
	IDEnquireLinkResp     CommandID = 0x80000015
	IDSubmitMulti         CommandID = 0x00000021
	IDSubmitMultiResp     CommandID = 0x80000021
	IDAlertNotification   CommandID = 0x00000102
	IDDataSM              CommandID = 0x00000103
	IDDataSMResp          CommandID = 0x80000103

	// Known by name only: Parse answers them with StatusInvCmdID. [SMPP50 4.7.5]
	IDBroadcastSM           CommandID = 0x00000111
	IDBroadcastSMResp       CommandID = 0x80000111
	IDQueryBroadcastSM      CommandID = 0x00000112
	IDQueryBroadcastSMResp  CommandID = 0x80000112
	IDCancelBroadcastSM     CommandID = 0x00000113
	IDCancelBroadcastSMResp CommandID = 0x80000113
)

const respBit CommandID = 0x80000000

// IsResponse reports whether id is that of a response (generic_nack is one).
func (id CommandID) IsResponse() bool { return id&respBit != 0 }

// IsBind reports whether id is bind_receiver, bind_transmitter or bind_transceiver.
func (id CommandID) IsBind() bool {
	return id == IDBindReceiver || id == IDBindTransmitter || id == IDBindTransceiver
}

// Response returns the id that answers a request with id: its own response, or
// generic_nack where the specification defines none. A response returns itself.
func (id CommandID) Response() CommandID {
	if r := id | respBit; r.known() {
		return r
	}
	return IDGenericNack
}

func (id CommandID) known() bool { return id.name() != "" }

// String returns the name of the specification, such as "submit_sm", or the
// number in hexadecimal.
func (id CommandID) String() string {
	if s := id.name(); s != "" {
		return s
	}
	return fmt.Sprintf("command_id(0x%08X)", uint32(id))
}

func (id CommandID) name() string {
	switch id {
	case IDGenericNack:
		return "generic_nack"
	case IDOutbind:
		return "outbind"
	case IDAlertNotification:
		return "alert_notification"
	}
	base := (id &^ respBit).requestName()
	if base == "" || !id.IsResponse() {
		return base
	}
	return base + "_resp"
}

// requestName names the requests that have a response.
func (id CommandID) requestName() string {
	switch id {
	case IDBindReceiver:
		return "bind_receiver"
	case IDBindTransmitter:
		return "bind_transmitter"
	case IDBindTransceiver:
		return "bind_transceiver"
	case IDQuerySM:
		return "query_sm"
	case IDSubmitSM:
		return "submit_sm"
	case IDDeliverSM:
		return "deliver_sm"
	case IDUnbind:
		return "unbind"
	case IDReplaceSM:
		return "replace_sm"
	case IDCancelSM:
		return "cancel_sm"
	case IDEnquireLink:
		return "enquire_link"
	case IDSubmitMulti:
		return "submit_multi"
	case IDDataSM:
		return "data_sm"
	case IDBroadcastSM:
		return "broadcast_sm"
	case IDQueryBroadcastSM:
		return "query_broadcast_sm"
	case IDCancelBroadcastSM:
		return "cancel_broadcast_sm"
	}
	return ""
}

// Header is the header of a PDU. [SMPP34 3.2]
type Header struct {
	Length   uint32 // command_length, with the header itself
	ID       CommandID
	Status   CommandStatus // 0 in a request
	Sequence uint32
}

// Address is a TON, an NPI and the address itself. An Addr takes at most 20
// octets, or 64 in data_sm.
type Address struct {
	TON, NPI uint8
	Addr     string
}

// String returns ton:npi:addr. It is a number of a person: keep it out of logs.
func (a Address) String() string {
	return strconv.Itoa(int(a.TON)) + ":" + strconv.Itoa(int(a.NPI)) + ":" + a.Addr
}

// Types of number. [SMPP34 5.2.5]
const (
	TONUnknown          uint8 = 0
	TONInternational    uint8 = 1
	TONNational         uint8 = 2
	TONNetworkSpecific  uint8 = 3
	TONSubscriberNumber uint8 = 4
	TONAlphanumeric     uint8 = 5
	TONAbbreviated      uint8 = 6
)

// Numbering plans that matter here. [SMPP34 5.2.6]
const (
	NPIUnknown    uint8 = 0
	NPIISDN       uint8 = 1 // E.163, E.164
	NPIData       uint8 = 3
	NPITelex      uint8 = 4
	NPILandMobile uint8 = 6
	NPINational   uint8 = 8
	NPIPrivate    uint8 = 9
	NPIERMES      uint8 = 10
	NPIInternet   uint8 = 14
	NPIWAP        uint8 = 18
)

// ESMClass is esm_class: mode in bits 1-0, type in bits 5-2, features in bits
// 7-6. [SMPP34 5.2.12]
type ESMClass uint8

// Values and flags of ESMClass.
const (
	ModeDefault      ESMClass = 0x00
	ModeDatagram     ESMClass = 0x01
	ModeForward      ESMClass = 0x02
	ModeStoreForward ESMClass = 0x03

	TypeDefault              ESMClass = 0x00
	TypeDeliveryReceipt      ESMClass = 0x04 // deliver_sm, data_sm from the SMSC
	TypeDeliveryAck          ESMClass = 0x08
	TypeManualAck            ESMClass = 0x10
	TypeConversationAbort    ESMClass = 0x18
	TypeIntermediateNotified ESMClass = 0x20

	FlagUDHI      ESMClass = 0x40
	FlagReplyPath ESMClass = 0x80
)

// Mode returns the messaging mode, ModeDefault to ModeStoreForward.
func (e ESMClass) Mode() ESMClass { return e & 0x03 }

// MessageType returns one of the Type constants, or a reserved pattern.
func (e ESMClass) MessageType() ESMClass { return e & 0x3C }

// UDHI reports whether the user data begins with a user data header.
func (e ESMClass) UDHI() bool { return e&FlagUDHI != 0 }

// ReplyPath reports whether a reply path is asked for.
func (e ESMClass) ReplyPath() bool { return e&FlagReplyPath != 0 }

// IsReceipt reports whether a message to the ESME is a delivery receipt or an
// intermediate notification.
func (e ESMClass) IsReceipt() bool {
	return e.MessageType() == TypeDeliveryReceipt || e.MessageType() == TypeIntermediateNotified
}

// RegisteredDelivery is registered_delivery. [SMPP34 5.2.17]
type RegisteredDelivery uint8

// Values and flags of RegisteredDelivery.
const (
	ReceiptNone         RegisteredDelivery = 0x00
	ReceiptFinal        RegisteredDelivery = 0x01 // success or failure
	ReceiptFailure      RegisteredDelivery = 0x02
	ReceiptSuccess      RegisteredDelivery = 0x03 // [SMPP50 4.7.21]; reserved in 3.4
	AckDelivery         RegisteredDelivery = 0x04
	AckManual           RegisteredDelivery = 0x08
	IntermediateNotices RegisteredDelivery = 0x10
)

// Receipt returns which receipts are wanted: one of the Receipt constants.
func (r RegisteredDelivery) Receipt() RegisteredDelivery { return r & 0x03 }

// FinalReceipt reports whether the end of a message in state s is to be told.
// A state that is not final never is; cancelled counts as failure. [SMPP50 4.7.21]
func (r RegisteredDelivery) FinalReceipt(s MessageState) bool {
	switch r.Receipt() {
	case ReceiptFinal:
		return s.Final()
	case ReceiptFailure:
		return s.Final() && !s.success()
	case ReceiptSuccess:
		return s.success()
	}
	return false
}

// Intermediate reports whether intermediate notifications are wanted. The text
// of 3.4 names bit 5, its pattern xxx1xxxx is bit 4, which is what is in use.
func (r RegisteredDelivery) Intermediate() bool { return r&IntermediateNotices != 0 }

// Acks returns which acknowledgements of the handset are wanted, bits 3-2.
func (r RegisteredDelivery) Acks() RegisteredDelivery { return r & 0x0C }
