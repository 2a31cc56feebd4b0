package smppchan

import (
	"errors"
	"fmt"

	"gsmgate/smppd/smpp"
)

// mistake is a kind of thing that a client does wrong.
type mistake uint8

const (
	// Of how a text is written; see inspect.
	packedAsDefault mistake = iota
	latin1AsDefault
	utf8AsText
	ucs2AsDefault
	udhWithoutUDHI
	udhiWithoutUDH
	ucs2LittleEndian
	ucs2ByteOrderMark
	ucs2OddLength
	asciiAsUCS2
	segmentTooLong
	sarIncomplete

	// Of a submit_sm in its session.
	tlvFrom33
	receiptsUnheard

	// Of sessions.
	malformed
	oversized
	beforeBind
	wrongBind
	windowOverrun
	tooFast
	badSequence
	repeatedSequence
	unsolicited
	noDeliverResp
	noEnquireLink
	enquireIgnored
	noUnbind
	reconnects
	unknownMessage
	refusedField

	otherMistake // the last one
)

// mistakes is a set of them.
type mistakes uint64

func (m *mistakes) add(k mistake) { *m |= 1 << k }

func (m mistakes) has(k mistake) bool { return m>>k&1 != 0 }

// words are the stable word of a mistake and the sentence on how to mend it.
type words struct{ word, mend string }

// String gives the stable word.
func (m mistake) String() string { return m.words().word }

// mend says what is to change. reason is what the codec found wrong with a field.
func (m mistake) mend(field, reason string) string {
	mend := m.words().mend
	switch {
	case m == oversized && field != "", m == malformed && field != "":
		return fmt.Sprintf("%s: %s. %s", field, reason, mend)
	case m == refusedField && field != "":
		return fmt.Sprintf("Look at %s. %s", field, mend)
	}
	return mend
}

func (m mistake) words() words {
	switch {
	case m <= sarIncomplete:
		return m.ofText()
	case m <= wrongBind:
		return m.ofPDU()
	}
	return m.ofSession()
}

func (m mistake) ofText() words {
	switch m {
	case packedAsDefault:
		return words{"packed-as-default", "The text is packed, eight characters in seven octets. SMPP wants one character an octet: turn packing off in the client, or set the user's alphabet to gsm-packed."}
	case latin1AsDefault:
		return words{"latin1-as-default", "The text has octets above 0x7F under data_coding 0, which means GSM 03.38 here. Send it as data_coding 3 (Latin-1) or 8 (UCS-2), or set the user's alphabet to latin1."}
	case utf8AsText:
		return words{"utf8-as-text", "The text is UTF-8, which no data_coding names. Convert it to UCS-2 and send it as data_coding 8."}
	case ucs2AsDefault:
		return words{"ucs2-as-default", "The text is UCS-2 but data_coding does not say so. Set data_coding to 8."}
	case udhWithoutUDHI:
		return words{"udh-without-udhi", "The text begins with a user data header and esm_class does not say so: handsets show it as rubbish. Set bit 6 (0x40) of esm_class."}
	case udhiWithoutUDH:
		return words{"udhi-without-udh", "esm_class announces a user data header and the text does not begin with one. Clear bit 6 (0x40) of esm_class."}
	case ucs2LittleEndian:
		return words{"ucs2-little-endian", "The octets of each UCS-2 character are in the wrong order. Encode as UTF-16 with the big end first (UTF-16BE)."}
	case ucs2ByteOrderMark:
		return words{"ucs2-byte-order-mark", "The UCS-2 text begins with a byte order mark, which costs a character and may be shown. Encode as UTF-16BE without a mark."}
	case ucs2OddLength:
		return words{"ucs2-odd-length", "A UCS-2 text has an odd number of octets: a character was cut. Cut texts between characters, and count sm_length in octets."}
	case asciiAsUCS2:
		return words{"ascii-as-ucs2", "The text is one octet a character, but data_coding 8 says two. Convert it to UTF-16BE, or send it as data_coding 0."}
	case segmentTooLong:
		return words{"segment-too-long", "A part with a header is longer than a short message can carry (153 characters of GSM 03.38, 67 of UCS-2 with the usual header). Cut into shorter parts, or send the whole text as message_payload."}
	case sarIncomplete:
		return words{"sar-incomplete", "sar_msg_ref_num, sar_total_segments and sar_segment_seqnum work only together, with numbers from 1 to the total. Send all three, or none."}
	}
	return words{}
}

func (m mistake) ofPDU() words {
	switch m {
	case tlvFrom33:
		return words{"tlv-from-3.3", "The client bound as SMPP 3.3, which has no optional parameters, and sends some. Set interface_version to 0x34."}
	case receiptsUnheard:
		return words{"receipts-unheard", "Receipts are asked for by a transmitter, and the user has had no session that could get them for 10 minutes. Bind as transceiver, or a receiver beside it."}
	case malformed:
		return words{"malformed", "Send the field as the specification says; length, NUL at the end and order count."}
	case oversized:
		return words{"oversized-field", "Shorten the field: the length counts octets, the NUL among them."}
	case beforeBind:
		return words{"request-before-bind", "Wait for a positive bind response before the first request."}
	case wrongBind:
		return words{"request-on-wrong-bind", "The kind of session does not allow the request: receivers do not submit, and only an SMSC sends deliver_sm. Bind as transceiver."}
	}
	return words{}
}

func (m mistake) ofSession() words {
	switch m {
	case windowOverrun:
		return words{"window-overrun", "More requests are outstanding than the window: they are read late. Wait for responses, or ask for a larger window."}
	case tooFast:
		return words{"too-fast", "More messages a second than the user may send. After ESME_RTHROTTLED wait a second, then send slower."}
	case badSequence:
		return words{"bad-sequence", "sequence_number goes from 1 to 0x7FFFFFFF. Start with 1, add 1 for each request and begin anew after the last."}
	case repeatedSequence:
		return words{"repeated-sequence", "A sequence_number is used again while its request is outstanding: responses cannot be told apart. Add 1 for each request."}
	case unsolicited:
		return words{"unsolicited-response", "A response came to nothing that was asked. Answer each request once, on its session, with the sequence_number that it has."}
	case noDeliverResp:
		return words{"no-deliver-resp", "deliver_sm was not answered in time, so the message comes again. Answer with deliver_sm_resp and the same sequence_number, before the message is worked on."}
	case noEnquireLink:
		return words{"no-enquire-link", "The client is silent for long and sends no enquire_link. Send one every 30 seconds, so that a dead connection is noticed on both sides."}
	case enquireIgnored:
		return words{"enquire-ignored", "enquire_link was not answered, and the session was dropped. Answer with enquire_link_resp at once, also while waiting for something else."}
	case noUnbind:
		return words{"no-unbind", "Connections end without unbind. Send unbind and wait for unbind_resp before closing, so that no message is sent into a closing connection."}
	case reconnects:
		return words{"reconnects", "Sessions are opened and closed all the time. Keep a session open and send enquire_link; after a failure wait before the next bind."}
	case unknownMessage:
		return words{"unknown-message-id", "A message is asked for that this user did not send, or that ended. Use the message_id of submit_sm_resp as it is, and the source_addr of the message."}
	case refusedField:
		return words{"refused-request", "The command_status says what is wrong with it; do not send the same request again unchanged."}
	}
	return words{"other", "More kinds of mistakes were seen than are kept apart. Mend those above, and reset."}
}

// refusalOf is the command_status and the field of a refusal.
func refusalOf(err error) (status smpp.CommandStatus, field string) {
	var e *smpp.Error
	if errors.As(err, &e) {
		return e.Status, e.Field
	}
	return smpp.StatusSysErr, ""
}
