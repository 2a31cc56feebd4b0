package esmechan

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"time"

	"gsmgate/router"
	"gsmgate/smppd/smpp"
	"gsmgate/storage"
)

// intake is how what the provider sends is read.
type intake struct {
	lane     string
	alphabet smpp.Alphabet  // of data_coding 0
	zone     *time.Location // of the dates in receipts
	byText   bool           // receipts may come without their bit in esm_class
	submits  string         // form of ids in answers to submits
	receipts string         // and in receipts
	now      func() time.Time
}

// userData is what is in short_message or in message_payload.
func userData(d *smpp.DeliverSM) []byte {
	if payload, ok := d.TLVs.Get(smpp.TagMessagePayload); ok && len(d.ShortMessage) == 0 {
		return payload // [SMPP34 5.3.2.32]
	}
	return d.ShortMessage
}

// report reads a delivery receipt or an intermediate notification; ok is false
// for a message of a handset [SMPP34 Appendix B] [SMPP34 5.3.2.12].
func (in *intake) report(d *smpp.DeliverSM) (rep storage.Report, ok bool) {
	id, named := d.TLVs.CString(smpp.TagReceiptedMessageID)
	if !d.ESMClass.IsReceipt() && !in.byText && !named {
		return rep, false // whoever writes "stat:DELIVRD" to us is no SMSC
	}
	_, text, _ := smpp.DecodeUserData(d.ESMClass, d.DataCoding, in.alphabet, userData(d))
	r, err := smpp.ParseReceipt(text, in.zone)
	state, told := d.TLVs.Uint8(smpp.TagMessageState)
	if !named && err != nil || !told && err != nil {
		return rep, d.ESMClass.IsReceipt()
	}
	if !named {
		id = r.ID
	}
	if told {
		r.State = smpp.MessageState(state)
	}
	rep = storage.Report{
		Lane: in.lane, Match: tail(d.Source.Addr), State: stateOf(r.State), Cause: causeOf(d, r.Err),
		At: storage.TimeOf(r.DoneDate), Submitted: storage.TimeOf(r.SubmitDate),
		Text: fmt.Sprintf("%s, id %s, err %s", r.State, id, cmp.Or(r.Err, "none")),
	}
	ids := candidates(id, in.receipts, in.submits)
	rep.Ref, rep.Refs = ids[0], ids
	if d.ESMClass.MessageType() == smpp.TypeIntermediateNotified && rep.State.Final() {
		rep.State = storage.Enroute // it says so of itself: the final one is still to come
	}
	if rep.State == storage.Delivered {
		rep.Cause = 0
	}
	if rep.State.Final() {
		rep.Dedupe = fingerprint(in.lane, "receipt", ids[0])
	}
	return rep, true
}

// stateOf is the state of a message for that of a receipt. ACCEPTD is no end:
// providers send it when the next network has the message.
func stateOf(s smpp.MessageState) storage.State {
	switch s {
	case smpp.StateDelivered:
		return storage.Delivered
	case smpp.StateExpired:
		return storage.Expired
	case smpp.StateDeleted:
		return storage.Deleted
	case smpp.StateUndeliverable, smpp.StateSkipped:
		return storage.Undeliverable
	case smpp.StateRejected:
		return storage.Rejected
	case smpp.StateUnknown:
		return storage.Unknown
	}
	return storage.Enroute
}

// CauseUpstream is added to an error of the provider's own that is the cause of a
// failure, to tell it from causes of GSM.
const CauseUpstream = 3 << 16

// causeOf is the network's cause, as the TLV or the err: of the text has it; 0 for
// none, or one that is no number.
func causeOf(d *smpp.DeliverSM, text string) uint32 {
	const gsm = 3 // [SMPP34 5.3.2.31]
	if v, ok := d.TLVs.Get(smpp.TagNetworkErrorCode); ok && len(v) == 3 && (v[1] != 0 || v[2] != 0) {
		cause := uint32(v[1])<<8 | uint32(v[2])
		if v[0] != gsm {
			cause += CauseUpstream
		}
		return cause
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || n == 0 {
		return 0
	}
	return CauseUpstream + uint32(n)
}

// tail is what a recipient is looked up by: providers write a number with and
// without its country.
func tail(addr string) string {
	if len(addr) > 8 {
		return addr[len(addr)-8:]
	}
	return addr
}

func fingerprint(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil)[:12])
}

// incoming is a message of a handset, or a segment of one.
type incoming struct {
	m       *storage.Message
	segment *storage.Segment // nil: whole
}

// message reads a message of a handset. What cannot be read as its alphabet says
// is kept as octets.
func (in *intake) message(d *smpp.DeliverSM) incoming {
	udh, data, err := smpp.SplitUDH(d.ESMClass, userData(d))
	if err != nil {
		udh = nil
	}
	m := &storage.Message{
		Kind: storage.MO, Origin: in.lane, Source: storage.Address(d.Source), Dest: storage.Address(d.Dest),
		ServiceType: d.ServiceType, ProtocolID: d.ProtocolID,
	}
	ref, rest, ok := concatOf(udh, d.TLVs)
	if !ok {
		m.UDH = udh
		in.body(m, d.DataCoding, data, len(udh))
		return incoming{m: m}
	}
	data = in.alphabet.Unpack(d.DataCoding, data, len(udh))
	return incoming{segment: &storage.Segment{
		Lane: in.lane, Source: m.Source, Dest: m.Dest, Reference: ref.reference, Wide: ref.wide, Total: ref.total, Number: ref.number,
		DataCoding: uint8(d.DataCoding), ProtocolID: d.ProtocolID, UDH: rest, Data: data, Received: storage.TimeOf(in.now()),
		Dedupe: fingerprint(in.lane, m.Source.Addr, m.Dest.Addr, fmt.Sprint(ref), string(data)),
	}}
}

// body puts user data into m: text as text, octets as octets.
func (in *intake) body(m *storage.Message, dc smpp.DataCoding, data []byte, header int) {
	in.unpackedBody(m, dc, in.alphabet.Unpack(dc, data, header))
}

func (in *intake) unpackedBody(m *storage.Message, dc smpp.DataCoding, data []byte) {
	text, err := smpp.DecodeText(dc, in.alphabet.Unpacked(), data)
	switch {
	case err != nil || dc.Binary():
		m.DataCoding, m.Data = uint8(smpp.CodingBinary8), data
	case dc.UCS2():
		m.DataCoding, m.Text = uint8(smpp.CodingUCS2), text
	default:
		m.Text = text
	}
}

// concatenation tells the segments of a long message apart.
type concatenation struct {
	reference     uint16
	wide          bool
	total, number uint8
}

func (c concatenation) valid() bool { return c.total >= 2 && c.number >= 1 && c.number <= c.total }

// concatOf reads the concatenation element of a header, or sar_*; rest is the
// header without it, nil when nothing is left [23.040 9.2.3.24.1, 9.2.3.24.8]
// [SMPP34 5.3.2.22 to 5.3.2.24].
func concatOf(udh []byte, t smpp.TLVs) (c concatenation, rest []byte, ok bool) {
	var kept []byte
	for left := udh[min(1, len(udh)):]; len(left) >= 2 && 2+int(left[1]) <= len(left); left = left[2+int(left[1]):] {
		e := left[: 2+int(left[1]) : 2+int(left[1])]
		switch {
		case e[0] == 0x00 && len(e) == 5:
			c = concatenation{uint16(e[2]), false, e[3], e[4]}
		case e[0] == 0x08 && len(e) == 6:
			c = concatenation{uint16(e[2])<<8 | uint16(e[3]), true, e[4], e[5]}
		default:
			kept = append(kept, e...)
		}
	}
	if len(kept) > 0 {
		rest = append([]byte{uint8(len(kept))}, kept...)
	}
	if c.valid() {
		return c, rest, true
	}
	ref, ok1 := t.Uint16(smpp.TagSARMsgRefNum)
	total, ok2 := t.Uint8(smpp.TagSARTotalSegments)
	number, ok3 := t.Uint8(smpp.TagSARSegmentSeqnum)
	c = concatenation{ref, true, total, number}
	return c, udh, ok1 && ok2 && ok3 && c.valid()
}

// assemble joins the segments that came. Those that did not leave a mark.
func (in *intake) assemble(set []storage.Segment) (*storage.Message, error) {
	if len(set) == 0 {
		return nil, errors.New("no segments to assemble")
	}
	first := &set[0]
	m := &storage.Message{
		Kind: storage.MO, Origin: first.Lane, Source: first.Source, Dest: first.Dest, ProtocolID: first.ProtocolID, UDH: first.UDH,
	}
	if len(set) == int(first.Total) {
		var data []byte
		for i := range set {
			data = append(data, set[i].Data...)
		}
		in.unpackedBody(m, smpp.DataCoding(first.DataCoding), data)
	} else {
		in.gaps(m, set)
		m.Incomplete = true
	}
	m.Note(storage.TimeOf(in.now()), "assembled", fmt.Sprintf("%d of %d segments came", len(set), first.Total))
	return m, nil
}

// missing stands where a segment of a text never came.
const missing = "[…]"

// gaps joins what there is of a text; octets with a gap are of no use to anybody
// and are joined as they are.
func (in *intake) gaps(m *storage.Message, set []storage.Segment) {
	next := uint8(1)
	for i := range set {
		s := &set[i]
		var part storage.Message
		in.unpackedBody(&part, smpp.DataCoding(s.DataCoding), s.Data)
		if s.Number > next && part.Data == nil {
			m.Text += missing
		}
		next = s.Number + 1
		m.Text, m.Data, m.DataCoding = m.Text+part.Text, append(m.Data, part.Data...), part.DataCoding
	}
	if m.Data == nil && next <= set[0].Total {
		m.Text += missing
	}
}

var _ router.Assemble = (*intake)(nil).assemble
