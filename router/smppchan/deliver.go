package smppchan

import (
	"strings"

	"gsmgate/router"
	"gsmgate/smppd/smpp"
	"gsmgate/storage"
)

// maxShortMessage is the most octets of short_message [SMPP34 5.2.21].
const maxShortMessage = 254

// deliverSM makes the deliver_sm of an MO message or a receipt, for a client
// of the given interface_version and habits [SMPP34 4.6.1]. A long message may
// take several: each has a part of it.
func deliverSM(m *storage.Message, version uint8, h habits) ([]*smpp.DeliverSM, error) {
	d := smpp.DeliverSM{
		ServiceType: m.ServiceType,
		Source:      smpp.Address(m.Source), Dest: smpp.Address(m.Dest),
		ProtocolID: m.ProtocolID,
	}
	if m.Kind == storage.Receipt {
		receipt(&d, m.About, version)
		h.shorten(&d, version)
		d.ShortMessage = h.alphabet.Pack(d.DataCoding, d.ShortMessage, 0)
		return []*smpp.DeliverSM{&d}, nil
	}
	data, err := h.userData(&d, m)
	if err != nil {
		return nil, err
	}
	if len(m.UDH) > 0 {
		d.ESMClass |= udhi
	}
	whole := append(m.UDH[:len(m.UDH):len(m.UDH)], h.alphabet.Pack(d.DataCoding, data, len(m.UDH))...)
	switch {
	case h.longForm != byPayload && len(data) > smpp.Room(d.DataCoding, len(m.UDH)):
		return h.inSegments(d, m, data, h.longForm == bySAR && version >= smpp.Version34)
	case len(whole) <= maxShortMessage:
		d.ShortMessage = whole
	case version >= smpp.Version34:
		d.TLVs = d.TLVs.Append(smpp.TagMessagePayload, whole) // [SMPP34 5.3.2.32]
	default:
		return h.inSegments(d, m, data, false)
	}
	return []*smpp.DeliverSM{&d}, nil
}

// udhi is the UDHI bit of esm_class [SMPP34 5.2.12].
const udhi = smpp.FlagUDHI

// receipt fills in what tells of another message: the text that all clients
// read and, from 3.4 on, the TLVs [SMPP34 Appendix B] [SMPP34 5.3.2.12]
// [SMPP34 5.3.2.35].
func receipt(d *smpp.DeliverSM, a *storage.About, version uint8) {
	if d.ESMClass = smpp.TypeDeliveryReceipt; a.Intermediate { // [SMPP34 5.2.12]
		d.ESMClass = smpp.TypeIntermediateNotified
	}
	state := smpp.MessageState(a.State)
	text := smpp.Receipt{
		ID: a.ID.String(), Sub: a.Submitted, Dlvrd: a.Delivered,
		SubmitDate: a.SubmitDate.Time().Local(), DoneDate: a.DoneDate.Time().Local(),
		State: state, Err: router.ErrOf(a.Cause), Text: plain(a.Text),
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
	if a.Resent > 0 {
		d.TLVs = d.TLVs.AppendUint8(tagResent, a.Resent)
	}
	if a.UserReference != nil {
		d.TLVs = d.TLVs.AppendUint16(smpp.TagUserMessageReference, *a.UserReference) // [SMPP34 5.3.2.17]
	}
}

// shorten leaves of a receipt what the client reads. One of before 3.4 has the text
// alone in any case.
func (h habits) shorten(d *smpp.DeliverSM, version uint8) {
	switch {
	case h.receipts == onlyText:
		d.TLVs = nil
	case h.receipts == onlyTLVs && version >= smpp.Version34:
		d.ShortMessage = nil
	}
}

// tagResent says in a receipt how often the message was sent again though nobody knew
// whether it had been sent: its recipient may have it twice. It is ours, among the
// tags that are left to vendors [SMPP34 5.3.2].
const tagResent smpp.Tag = 0x1480

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
