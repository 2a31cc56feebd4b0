package smpp

import "fmt"

// The tags of SMPP 3.4, and congestion_state of 5.0. [SMPP34 5.3.2]
const (
	TagDestAddrSubunit          Tag = 0x0005 // [SMPP34 5.3.2.1]
	TagDestNetworkType          Tag = 0x0006 // [SMPP34 5.3.2.3]
	TagDestBearerType           Tag = 0x0007 // [SMPP34 5.3.2.5]
	TagDestTelematicsID         Tag = 0x0008 // [SMPP34 5.3.2.7]
	TagSourceAddrSubunit        Tag = 0x000D // [SMPP34 5.3.2.2]
	TagSourceNetworkType        Tag = 0x000E // [SMPP34 5.3.2.4]
	TagSourceBearerType         Tag = 0x000F // [SMPP34 5.3.2.6]
	TagSourceTelematicsID       Tag = 0x0010 // [SMPP34 5.3.2.8]
	TagQoSTimeToLive            Tag = 0x0017 // [SMPP34 5.3.2.9]
	TagPayloadType              Tag = 0x0019 // [SMPP34 5.3.2.10]
	TagAdditionalStatusInfoText Tag = 0x001D // [SMPP34 5.3.2.11]
	TagReceiptedMessageID       Tag = 0x001E // [SMPP34 5.3.2.12]
	TagMsMsgWaitFacilities      Tag = 0x0030 // [SMPP34 5.3.2.13]
	TagPrivacyIndicator         Tag = 0x0201 // [SMPP34 5.3.2.14]
	TagSourceSubaddress         Tag = 0x0202 // [SMPP34 5.3.2.15]
	TagDestSubaddress           Tag = 0x0203 // [SMPP34 5.3.2.16]
	TagUserMessageReference     Tag = 0x0204 // [SMPP34 5.3.2.17]
	TagUserResponseCode         Tag = 0x0205 // [SMPP34 5.3.2.18]
	TagSourcePort               Tag = 0x020A // [SMPP34 5.3.2.20]
	TagDestinationPort          Tag = 0x020B // [SMPP34 5.3.2.21]
	TagSARMsgRefNum             Tag = 0x020C // [SMPP34 5.3.2.22]
	TagLanguageIndicator        Tag = 0x020D // [SMPP34 5.3.2.19]
	TagSARTotalSegments         Tag = 0x020E // [SMPP34 5.3.2.23]
	TagSARSegmentSeqnum         Tag = 0x020F // [SMPP34 5.3.2.24]
	TagSCInterfaceVersion       Tag = 0x0210 // [SMPP34 5.3.2.25]
	TagCallbackNumPresInd       Tag = 0x0302 // [SMPP34 5.3.2.37]
	TagCallbackNumAtag          Tag = 0x0303 // [SMPP34 5.3.2.38]
	TagNumberOfMessages         Tag = 0x0304 // [SMPP34 5.3.2.39]
	TagCallbackNum              Tag = 0x0381 // [SMPP34 5.3.2.36]
	TagDPFResult                Tag = 0x0420 // [SMPP34 5.3.2.28]
	TagSetDPF                   Tag = 0x0421 // [SMPP34 5.3.2.29]
	TagMsAvailabilityStatus     Tag = 0x0422 // [SMPP34 5.3.2.30]
	TagNetworkErrorCode         Tag = 0x0423 // [SMPP34 5.3.2.31]
	TagMessagePayload           Tag = 0x0424 // [SMPP34 5.3.2.32]
	TagDeliveryFailureReason    Tag = 0x0425 // [SMPP34 5.3.2.33]
	TagMoreMessagesToSend       Tag = 0x0426 // [SMPP34 5.3.2.34]
	TagMessageState             Tag = 0x0427 // [SMPP34 5.3.2.35]
	TagCongestionState          Tag = 0x0428 // [SMPP50 4.8.4.18]
	TagUSSDServiceOp            Tag = 0x0501 // [SMPP34 5.3.2.44]
	TagDisplayTime              Tag = 0x1201 // [SMPP34 5.3.2.26]
	TagSMSSignal                Tag = 0x1203 // [SMPP34 5.3.2.40]
	TagMsValidity               Tag = 0x1204 // [SMPP34 5.3.2.27]
	TagAlertOnMessageDelivery   Tag = 0x130C // [SMPP34 5.3.2.41]
	TagITSReplyType             Tag = 0x1380 // [SMPP34 5.3.2.42]
	TagITSSessionInfo           Tag = 0x1383 // [SMPP34 5.3.2.43]
)

// commands is a set of the PDUs for which a tag is defined.
type commands uint16

const (
	inSubmit commands = 1 << iota
	inMulti
	inData
	inDeliver
	inDataResp
	inBindResp
	inAlert

	inSMDV = inSubmit | inMulti | inData | inDeliver
	inSMD  = inSubmit | inMulti | inData
	inSDV  = inSubmit | inData | inDeliver
	inSD   = inSubmit | inData
	inDV   = inData | inDeliver
)

func commandsOf(id CommandID) commands {
	switch id {
	case IDSubmitSM:
		return inSubmit
	case IDSubmitMulti:
		return inMulti
	case IDDataSM:
		return inData
	case IDDeliverSM:
		return inDeliver
	case IDDataSMResp:
		return inDataResp
	case IDBindReceiverResp, IDBindTransmitterResp, IDBindTransceiverResp:
		return inBindResp
	case IDAlertNotification:
		return inAlert
	}
	return 0
}

const anyLength = 0xFFFF

// tagRule says where a tag is defined, how long its value is and, for integers
// of one octet, which values the specification gives a meaning.
type tagRule struct {
	name             string
	in               commands
	min, max         int
	lowest, greatest uint8 // of a value of one octet
}

func sized(name string, in commands, least, most int) tagRule {
	return tagRule{name: name, in: in, min: least, max: most, greatest: 255}
}

func one(name string, in commands) tagRule { return sized(name, in, 1, 1) }

func two(name string, in commands) tagRule { return sized(name, in, 2, 2) }

func ranged(name string, in commands, lowest, greatest uint8) tagRule {
	return tagRule{name: name, in: in, min: 1, max: 1, lowest: lowest, greatest: greatest}
}

// rule returns the rule of a tag; its name is "" for an unknown one.
func (t Tag) rule() tagRule {
	if t < TagUserMessageReference {
		return t.ruleOfAddressing()
	}
	if t >= TagDPFResult {
		return t.ruleOfService()
	}
	return t.ruleOfMessage()
}

func (t Tag) ruleOfAddressing() tagRule {
	switch t {
	case TagDestAddrSubunit:
		return one("dest_addr_subunit", inSMD)
	case TagDestNetworkType:
		return one("dest_network_type", inData)
	case TagDestBearerType:
		return one("dest_bearer_type", inData)
	case TagDestTelematicsID:
		return two("dest_telematics_id", inData)
	case TagSourceAddrSubunit:
		return one("source_addr_subunit", inSMD)
	case TagSourceNetworkType:
		return one("source_network_type", inData)
	case TagSourceBearerType:
		return one("source_bearer_type", inData)
	case TagSourceTelematicsID:
		return one("source_telematics_id", inData)
	case TagQoSTimeToLive:
		return sized("qos_time_to_live", inData, 4, 4)
	case TagPayloadType:
		return one("payload_type", inSMDV)
	case TagAdditionalStatusInfoText:
		return sized("additional_status_info_text", inDataResp, 1, 256)
	case TagReceiptedMessageID:
		return sized("receipted_message_id", inDV, 1, 65)
	case TagMsMsgWaitFacilities:
		return one("ms_msg_wait_facilities", inSMD)
	case TagPrivacyIndicator:
		return ranged("privacy_indicator", inSMDV, 0, 3)
	case TagSourceSubaddress:
		return sized("source_subaddress", inSMDV, 2, 23)
	case TagDestSubaddress:
		return sized("dest_subaddress", inSMDV, 2, 23)
	}
	return tagRule{}
}

func (t Tag) ruleOfMessage() tagRule {
	switch t {
	case TagUserMessageReference:
		return two("user_message_reference", inSMDV)
	case TagUserResponseCode:
		return one("user_response_code", inSDV)
	case TagSourcePort:
		return two("source_port", inSMDV)
	case TagDestinationPort:
		return two("destination_port", inSMDV)
	case TagSARMsgRefNum:
		return two("sar_msg_ref_num", inSMDV)
	case TagLanguageIndicator:
		return one("language_indicator", inSMDV)
	case TagSARTotalSegments:
		return ranged("sar_total_segments", inSMDV, 1, 255)
	case TagSARSegmentSeqnum:
		return ranged("sar_segment_seqnum", inSMDV, 1, 255)
	case TagSCInterfaceVersion:
		return one("sc_interface_version", inBindResp)
	case TagCallbackNumPresInd:
		return one("callback_num_pres_ind", inSMD)
	case TagCallbackNumAtag:
		return sized("callback_num_atag", inSMD, 0, 65)
	case TagNumberOfMessages:
		return ranged("number_of_messages", inSD, 0, 99)
	case TagCallbackNum:
		return sized("callback_num", inSMDV, 4, 19)
	}
	return tagRule{}
}

func (t Tag) ruleOfService() tagRule {
	switch t {
	case TagDPFResult:
		return ranged("dpf_result", inDataResp, 0, 1)
	case TagSetDPF:
		return ranged("set_dpf", inData, 0, 1)
	case TagMsAvailabilityStatus:
		return one("ms_availability_status", inAlert)
	case TagNetworkErrorCode:
		return sized("network_error_code", inDV|inDataResp, 3, 3)
	case TagMessagePayload:
		return sized("message_payload", inSMDV, 0, anyLength)
	case TagDeliveryFailureReason:
		return one("delivery_failure_reason", inDataResp)
	case TagMoreMessagesToSend:
		return ranged("more_messages_to_send", inSD, 0, 1)
	case TagMessageState:
		return ranged("message_state", inDV, 0, uint8(StateSkipped))
	case TagCongestionState:
		return one("congestion_state", inDataResp|inBindResp)
	case TagUSSDServiceOp:
		return one("ussd_service_op", inSubmit)
	case TagDisplayTime:
		return one("display_time", inSMD)
	case TagSMSSignal:
		return two("sms_signal", inSMD)
	case TagMsValidity:
		return sized("ms_validity", inSMD, 1, 4) // 1 or 4 [SMPP50 4.8.4.37]
	case TagAlertOnMessageDelivery:
		return sized("alert_on_message_delivery", inSMD, 0, 0)
	case TagITSReplyType:
		return one("its_reply_type", inSD)
	case TagITSSessionInfo:
		return two("its_session_info", inSDV)
	}
	return tagRule{}
}

// String returns the name of the specification, or the number in hexadecimal.
func (t Tag) String() string {
	if name := t.rule().name; name != "" {
		return name
	}
	return fmt.Sprintf("tag(0x%04X)", uint16(t))
}

// DefinedIn reports whether the specification defines the parameter for the PDU id. Elsewhere it is
// ignored. [SMPP34 3.3]
func (t Tag) DefinedIn(id CommandID) bool { return t.rule().in&commandsOf(id) != 0 }

// Check looks at the parameters that the specification defines for the PDU id:
// a wrong length is an *Error with StatusInvParLen, a value without a meaning
// one with StatusInvOptParamVal. Parameters that are unknown, or known but not
// for this PDU, are ignored. [SMPP34 3.3, SMPP50 4.7.6]
//
// The Error has no Header, and its Offset counts from the start of t.
func (t TLVs) Check(id CommandID) error {
	in, offset := commandsOf(id), 0
	for tag, v := range t.All() {
		if r := tag.rule(); r.in&in != 0 {
			if status, reason := r.check(v); status != StatusOK {
				return &Error{Status: status, Field: r.name, Offset: offset, Reason: reason}
			}
		}
		offset += tlvHeader + len(v)
	}
	return nil
}

func (r *tagRule) check(v []byte) (CommandStatus, string) {
	if len(v) < r.min || len(v) > r.max {
		return StatusInvParLen, fmt.Sprintf("%d octets, not %d to %d", len(v), r.min, r.max)
	}
	if r.max == 1 && (v[0] < r.lowest || v[0] > r.greatest) {
		return StatusInvOptParamVal, "a value without a meaning"
	}
	return StatusOK, ""
}
