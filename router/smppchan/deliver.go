package smppchan

import (
	"fmt"
	"strings"

	"gsmgate/smppd/smpp"
	"gsmgate/storage"
)

// maxShortMessage is the most octets of short_message [SMPP34 5.2.21].
const maxShortMessage = 254

// deliverSM makes the deliver_sm of an MO message or a receipt, for a client
// of the given interface_version [SMPP34 4.6.1]. It is one, but for a long
// message to a client older than 3.4: that gets its segments.
func deliverSM(m *storage.Message, version uint8) ([]*smpp.DeliverSM, error) {
	d := smpp.DeliverSM{
		ServiceType: m.ServiceType,
		Source:      smpp.Address(m.Source), Dest: smpp.Address(m.Dest),
		ProtocolID: m.ProtocolID,
	}
	if m.Kind == storage.Receipt {
		receipt(&d, m.About, version)
		return []*smpp.DeliverSM{&d}, nil
	}
	data, err := userData(&d, m)
	if err != nil {
		return nil, err
	}
	whole := data
	if len(m.UDH) > 0 {
		d.ESMClass |= udhi
		whole = append(m.UDH[:len(m.UDH):len(m.UDH)], data...)
	}
	switch {
	case len(whole) <= maxShortMessage:
		d.ShortMessage = whole
	case version >= smpp.Version34:
		d.TLVs = d.TLVs.Append(smpp.TagMessagePayload, whole) // [SMPP34 5.3.2.32]
	default:
		return inSegments(d, m, data)
	}
	return []*smpp.DeliverSM{&d}, nil
}

// inSegments cuts user data as a handset would have sent it: each part has a
// header with a concatenation element [23.040 9.2.3.24.1]. The reference is
// that of the message, so that a part that comes again is known again.
func inSegments(d smpp.DeliverSM, m *storage.Message, data []byte) ([]*smpp.DeliverSM, error) {
	var own []byte // elements that the message has of itself
	if len(m.UDH) > 0 {
		own = m.UDH[1:]
	}
	const concat = 5
	room := 140 - 1 - len(own) - concat // octets of a TPDU [23.040 9.2.3.24]
	if d.DataCoding == smpp.CodingDefault {
		room = room * 8 / 7
	}
	var pieces [][]byte
	for len(data) > 0 && room > 2 {
		n := pieceOf(data, room, d.DataCoding)
		pieces, data = append(pieces, data[:n]), data[n:]
	}
	if len(data) > 0 || len(pieces) > 255 {
		return nil, fmt.Errorf("a message that does not fit 255 segments for a client of SMPP 3.3")
	}
	all := make([]*smpp.DeliverSM, len(pieces))
	for i, piece := range pieces {
		part := d
		part.ESMClass |= udhi
		sm := append([]byte{byte(len(own) + concat)}, own...)
		sm = append(sm, 0, 3, byte(m.ID), byte(len(pieces)), byte(i+1))
		part.ShortMessage = append(sm, piece...)
		all[i] = &part
	}
	return all, nil
}

// pieceOf is how much of data goes into one segment: no character is cut.
func pieceOf(data []byte, room int, dc smpp.DataCoding) int {
	const escape = 0x1B
	if len(data) <= room {
		return len(data)
	}
	switch {
	case dc.UCS2():
		room -= room % 2
		if data[room-2]&0xFC == 0xD8 { // the first half of a surrogate pair
			room -= 2
		}
	case dc == smpp.CodingDefault && data[room-1] == escape:
		room--
	}
	return room
}

// udhi is the UDHI bit of esm_class [SMPP34 5.2.12].
const udhi smpp.ESMClass = 0x40

// isReceipt is esm_class of a delivery receipt [SMPP34 5.2.12].
const isReceipt smpp.ESMClass = 0x04

// userData gives an MO text in the default alphabet when that holds it, else
// in UCS-2.
func userData(d *smpp.DeliverSM, m *storage.Message) ([]byte, error) {
	if len(m.Data) > 0 {
		d.DataCoding = smpp.DataCoding(m.DataCoding)
		return m.Data, nil
	}
	d.DataCoding = smpp.CodingDefault
	data, err := smpp.EncodeText(d.DataCoding, smpp.GSM0338, m.Text)
	if err != nil {
		d.DataCoding = smpp.CodingUCS2
		data, err = smpp.EncodeText(d.DataCoding, smpp.GSM0338, m.Text)
	}
	return data, err
}

// isIntermediate is esm_class of an intermediate notification [SMPP34 5.2.12].
const isIntermediate smpp.ESMClass = 0x20

// receipt fills in what tells of another message: the text that all clients
// read and, from 3.4 on, the TLVs [SMPP34 Appendix B] [SMPP34 5.3.2.12]
// [SMPP34 5.3.2.35].
func receipt(d *smpp.DeliverSM, a *storage.About, version uint8) {
	if d.ESMClass = isReceipt; a.Intermediate {
		d.ESMClass = isIntermediate
	}
	state := smpp.MessageState(a.State)
	text := smpp.Receipt{
		ID: a.ID.String(), Sub: a.Submitted, Dlvrd: a.Delivered,
		SubmitDate: a.SubmitDate.Time().Local(), DoneDate: a.DoneDate.Time().Local(),
		State: state, Err: fmt.Sprintf("%03d", a.Cause%1000), Text: plain(a.Text),
	}.Format()
	d.ShortMessage = []byte(text)
	if version < smpp.Version34 {
		return
	}
	d.TLVs = d.TLVs.AppendCString(smpp.TagReceiptedMessageID, a.ID.String()).
		AppendUint8(smpp.TagMessageState, uint8(state))
	if a.Cause != 0 {
		d.TLVs = d.TLVs.Append(smpp.TagNetworkErrorCode, []byte{networkGSM, byte(a.Cause >> 8), byte(a.Cause)}) // [SMPP34 5.3.2.31]
	}
	if a.UserReference != nil {
		d.TLVs = d.TLVs.AppendUint16(smpp.TagUserMessageReference, *a.UserReference) // [SMPP34 5.3.2.17]
	}
}

// networkGSM is the network type GSM of network_error_code [SMPP34 5.3.2.31].
const networkGSM = 3

// plain keeps of a text what every alphabet writes alike: a receipt is read
// by programs.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > 'z' || strings.ContainsRune("@$[\\]^_`", r) {
			return '?'
		}
		return r
	}, s)
}
