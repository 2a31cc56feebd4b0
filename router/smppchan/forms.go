package smppchan

import (
	"fmt"
	"strings"

	"gsmgate/smppd/smpp"
	"gsmgate/storage"
)

// The forms of a message that does not fit one short message.
const (
	byPayload = ""    // whole, in message_payload from 254 octets on
	byUDH     = "udh" // parts with a user data header, as a handset would send them
	bySAR     = "sar" // the same parts, told apart by sar_*
	concat    = 5     // octets of the concatenation element [23.040 9.2.3.24.1]
	mostSent  = 255   // parts of one message [SMPP34 5.3.2.23]
)

// habits are how a client reads messages. The zero value is that of a new user.
type habits struct {
	alphabet smpp.Alphabet // of data_coding 0
	longForm string
}

// habits looks a user up: a change of it holds for the next message.
func (ch *Channel) habits(user string) habits {
	if ch.router == nil {
		return habits{}
	}
	u, _ := ch.router.UserRecord(user)
	return habitsOf(u)
}

func habitsOf(u storage.User) habits {
	h := habits{alphabet: alphabetNamed(u.Alphabet)}
	if u.LongForm == byUDH || u.LongForm == bySAR {
		h.longForm = u.LongForm
	}
	return h
}

// unpacked is the alphabet of one character an octet: in it texts are cut.
func (h habits) unpacked() smpp.Alphabet {
	if h.alphabet == smpp.GSM0338Packed {
		return smpp.GSM0338
	}
	return h.alphabet
}

// userData gives an MO text in the client's default alphabet when that holds
// it, else in UCS-2; septets one an octet.
func (h habits) userData(d *smpp.DeliverSM, m *storage.Message) ([]byte, error) {
	text := m.Text
	if len(m.Data) > 0 {
		d.DataCoding = smpp.DataCoding(m.DataCoding)
		if !d.DataCoding.Default() || h.unpacked() == smpp.GSM0338 {
			return m.Data, nil
		}
		// septets that are not quite a text, for a client that reads no septets
		text, _ = smpp.DecodeText(smpp.CodingDefault, smpp.GSM0338, m.Data)
		text = strings.ReplaceAll(text, "\uFFFD", "?")
	}
	d.DataCoding = smpp.CodingDefault
	data, err := smpp.EncodeText(d.DataCoding, h.unpacked(), text)
	if err != nil {
		d.DataCoding = smpp.CodingUCS2
		data, err = smpp.EncodeText(d.DataCoding, smpp.GSM0338, text)
	}
	return data, err
}

// wire packs septets for a client that wants them so, on a septet boundary after
// a header of so many octets.
func (h habits) wire(dc smpp.DataCoding, data []byte, header int) []byte {
	if h.alphabet == smpp.GSM0338Packed && dc.Default() {
		return smpp.Pack(data, header)
	}
	return data
}

// inSegments cuts user data as a handset would have sent it: each part has a
// header with a concatenation element [23.040 9.2.3.24.1], or sar_* in place of
// that. The reference is that of the message, so that a part that comes again is
// known again.
func (h habits) inSegments(d smpp.DeliverSM, m *storage.Message, data []byte, sar bool) ([]*smpp.DeliverSM, error) {
	var own []byte // elements that the message has of itself
	if len(m.UDH) > 0 {
		own = m.UDH[1:]
	}
	pieces := smpp.Cut(d.DataCoding, data, smpp.Room(d.DataCoding, 1+len(own)+concat))
	if len(pieces) == 0 || len(pieces) > mostSent {
		return nil, fmt.Errorf("a message that does not fit %d segments", mostSent)
	}
	all := make([]*smpp.DeliverSM, len(pieces))
	for i, piece := range pieces {
		part := d
		header := m.UDH
		if sar {
			part.TLVs = sarOf(part.TLVs, m.ID, len(pieces), i+1)
		} else {
			part.ESMClass |= udhi
			header = append([]byte{byte(len(own) + concat)}, own...)
			header = append(header, 0, 3, byte(m.ID), byte(len(pieces)), byte(i+1))
		}
		part.ShortMessage = append(header[:len(header):len(header)], h.wire(d.DataCoding, piece, len(header))...)
		all[i] = &part
	}
	return all, nil
}

// sarOf adds what tells parts apart [SMPP34 5.3.2.22 to 5.3.2.24].
func sarOf(t smpp.TLVs, id storage.ID, total, number int) smpp.TLVs {
	return t.AppendUint16(smpp.TagSARMsgRefNum, uint16(id)).AppendUint8(smpp.TagSARTotalSegments, uint8(total)).
		AppendUint8(smpp.TagSARSegmentSeqnum, uint8(number))
}
