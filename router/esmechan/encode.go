package esmechan

import (
	"errors"
	"fmt"
	"time"

	"gsmgate/router"
	"gsmgate/smppd/smpp"
	"gsmgate/storage"
)

// The forms of a message that does not fit one short message.
const (
	LongUDH     = "udh"     // parts with a user data header
	LongSAR     = "sar"     // parts told apart by sar_*
	LongPayload = "payload" // whole, in message_payload
)

const (
	mostParts       = 255 // of one message [SMPP34 5.3.2.23]
	maxShortMessage = 254 // octets of short_message [SMPP34 5.2.21]
)

// form is how the provider reads messages.
type form struct {
	alphabet     smpp.Alphabet // of data_coding 0
	long         string
	validity     bool // validity_period is sent
	intermediate bool // notifications are asked for when the client asked for them
	source, dest numbering
	serviceType  string // "": that of the client
	pass         []smpp.Tag
}

// numbering sets TON and NPI of addresses.
type numbering struct {
	fixed    bool
	ton, npi uint8
}

// content is what one message has to carry.
type content struct {
	dc   smpp.DataCoding
	udh  []byte
	data []byte // septets one an octet
}

// content brings a message into an alphabet of the provider: its default one when
// that holds the text, else UCS-2. What the client sent as octets stays.
func (f *form) content(m *storage.Message) (content, error) {
	c := content{dc: smpp.DataCoding(m.DataCoding), udh: m.UDH, data: m.Data}
	if len(m.Data) > 0 || m.Text == "" {
		return c, nil
	}
	c.dc = classed(m, smpp.CodingDefault)
	var err error
	if c.data, err = smpp.EncodeText(c.dc, f.alphabet.Unpacked(), m.Text); err == nil {
		return c, nil
	}
	c.dc = classed(m, smpp.CodingUCS2)
	c.data, err = smpp.EncodeText(c.dc, smpp.GSM0338, m.Text)
	return c, err
}

// classed adds what the client said beside the alphabet: a message class, or a
// message waiting indication [23.038 4].
func classed(m *storage.Message, dc smpp.DataCoding) smpp.DataCoding {
	asked := smpp.DataCoding(m.DataCoding)
	class, ok := asked.Class()
	if !ok && m.Flash {
		class, ok = 0, true
	}
	switch {
	case asked >= 0xC0 && asked < 0xF0 && dc.UCS2():
		return 0xE0 | asked&0x0F
	case asked >= 0xC0 && asked < 0xF0:
		return 0xD0 | asked&0x0F
	case ok && dc.UCS2():
		return 0x18 | smpp.DataCoding(class)
	case ok:
		return 0x10 | smpp.DataCoding(class)
	}
	return dc
}

// pieces cuts c as a handset would have it. A message that has a header with a
// concatenation element is a part already.
func (f *form) pieces(c content) ([][]byte, error) {
	if len(c.data) <= smpp.Room(c.dc, len(c.udh)) {
		return [][]byte{c.data}, nil
	}
	pieces := smpp.Cut(c.dc, c.data, smpp.Room(c.dc, max(len(c.udh), 1)+smpp.ConcatOctets))
	if len(pieces) == 0 || len(pieces) > mostParts {
		return nil, errTooLong
	}
	return pieces, nil
}

var errTooLong = errors.New("the message takes more than 255 segments")

// cutting is all of a form that parts looks at.
type cutting struct {
	alphabet smpp.Alphabet
	long     string
}

// parts says in how many submits m goes, and how many segments of a handset each
// stands for.
func (f *form) parts(m *storage.Message) ([]storage.Part, error) {
	c, err := f.content(m)
	var pieces [][]byte
	if err == nil {
		pieces, err = f.pieces(c)
	}
	if err != nil {
		return nil, &router.Error{Code: router.Invalid, Field: "text", Message: "the message cannot be sent over SMPP: " + err.Error(), Err: err}
	}
	if f.long == LongPayload && len(pieces) > 1 {
		return []storage.Part{{Segments: uint8(len(pieces))}}, nil
	}
	return make([]storage.Part, len(pieces)), nil
}

// submit makes the submit_sm of part i [SMPP34 4.4.1].
func (f *form) submit(m *storage.Message, i int, now time.Time) (*smpp.SubmitSM, error) {
	c, err := f.content(m)
	if err != nil {
		return nil, err
	}
	pieces, err := f.pieces(c)
	if err != nil {
		return nil, err
	}
	sm := f.envelope(m, c.dc, now)
	switch {
	case len(pieces) == 1 || f.long == LongPayload:
		f.whole(sm, c)
		return sm, nil
	case i >= len(pieces):
		return nil, fmt.Errorf("part %d of a message of %d segments", i+1, len(pieces))
	}
	f.piece(sm, c, pieces, i, reference(m, i))
	return sm, nil
}

// reference is the concatenation reference that was given to the message.
func reference(m *storage.Message, i int) uint8 {
	if i < len(m.Parts) && len(m.Parts[i].Wire) == 1 {
		return m.Parts[i].Wire[0]
	}
	return uint8(m.ID)
}

// featureBits of esm_class are the client's; the mode is store and forward, for we
// do keep it [SMPP34 5.2.12].
const featureBits = smpp.FlagReplyPath

func (f *form) envelope(m *storage.Message, dc smpp.DataCoding, now time.Time) *smpp.SubmitSM {
	sm := &smpp.SubmitSM{
		ServiceType: m.ServiceType, Source: f.source.of(m.From()), Dest: f.dest.of(m.Dest),
		ESMClass: smpp.ESMClass(m.ESMClass) & featureBits, ProtocolID: m.ProtocolID, PriorityFlag: m.Priority,
		RegisteredDelivery: smpp.ReceiptFinal, DataCoding: dc, // a receipt always: it is how we learn what became of the message
	}
	if f.serviceType != "" {
		sm.ServiceType = f.serviceType
	}
	if f.intermediate && smpp.RegisteredDelivery(m.RegisteredDelivery)&smpp.IntermediateNotices != 0 {
		sm.RegisteredDelivery |= smpp.IntermediateNotices
	}
	if left := m.ExpiresAt.Time().Sub(now); f.validity && m.ExpiresAt != 0 {
		sm.ValidityPeriod = smpp.FormatTime(now.Add(max(left, time.Minute)).UTC())
	}
	for _, tag := range f.pass { // vendors' and others', which the client sent
		if v, ok := smpp.TLVs(m.TLVs).Get(tag); ok {
			sm.TLVs = sm.TLVs.Append(tag, v)
		}
	}
	return sm
}

// of gives an address the numbering that the provider wants.
func (n numbering) of(a storage.Address) smpp.Address {
	if n.fixed && a.TON != smpp.TONAlphanumeric {
		a.TON, a.NPI = n.ton, n.npi
	}
	return smpp.Address(a)
}

// whole puts all of it into one submit.
func (f *form) whole(sm *smpp.SubmitSM, c content) {
	if len(c.udh) > 0 {
		sm.ESMClass |= smpp.FlagUDHI
	}
	data := append(c.udh[:len(c.udh):len(c.udh)], f.alphabet.Pack(c.dc, c.data, len(c.udh))...)
	if len(data) > maxShortMessage || f.long == LongPayload && len(c.data) > smpp.Room(c.dc, len(c.udh)) {
		sm.TLVs = sm.TLVs.Append(smpp.TagMessagePayload, data) // [SMPP34 5.3.2.32]
		return
	}
	sm.ShortMessage = data
}

// piece puts one of several pieces into a submit.
func (f *form) piece(sm *smpp.SubmitSM, c content, pieces [][]byte, i int, ref uint8) {
	total, number := uint8(len(pieces)), uint8(i+1)
	header := c.udh
	if f.long == LongSAR && len(header) == 0 {
		sm.TLVs = sm.TLVs.AppendSAR(uint16(ref), total, number)
	} else {
		header = smpp.Concat(c.udh, ref, total, number)
	}
	if len(header) > 0 {
		sm.ESMClass |= smpp.FlagUDHI
	}
	sm.ShortMessage = append(header[:len(header):len(header)], f.alphabet.Pack(c.dc, pieces[i], len(header))...)
}
