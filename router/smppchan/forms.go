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
	mostSent  = 255   // parts of one message [SMPP34 5.3.2.23]
)

// habits are how a client reads messages. The zero value is that of a new user.
type habits struct {
	alphabet smpp.Alphabet // of data_coding 0
	longForm string
	receipts string // what they hold
}

// What a receipt holds, when it is not both.
const (
	onlyText = "text"
	onlyTLVs = "tlvs"
)

// habits looks a user up: a change of it holds for the next message.
func (ch *Channel) habits(user string) habits {
	if ch.router == nil {
		return habits{}
	}
	u, _ := ch.router.UserRecord(user)
	return habitsOf(u)
}

func habitsOf(u storage.User) habits {
	h := habits{alphabet: alphabetOf(&u), receipts: u.ReceiptForm}
	if u.LongForm == byUDH || u.LongForm == bySAR {
		h.longForm = u.LongForm
	}
	return h
}

// userData gives an MO text in the client's default alphabet when that holds
// it, else in UCS-2; septets one an octet.
func (h habits) userData(d *smpp.DeliverSM, m *storage.Message) ([]byte, error) {
	text := m.Text
	if len(m.Data) > 0 {
		d.DataCoding = smpp.DataCoding(m.DataCoding)
		if !d.DataCoding.Default() || h.alphabet.Unpacked() == smpp.GSM0338 {
			return m.Data, nil
		}
		// septets that are not quite a text, for a client that reads no septets
		text, _ = smpp.DecodeText(smpp.CodingDefault, smpp.GSM0338, m.Data)
		text = strings.ReplaceAll(text, "\uFFFD", "?")
	}
	d.DataCoding = smpp.CodingDefault
	data, err := smpp.EncodeText(d.DataCoding, h.alphabet.Unpacked(), text)
	if err != nil {
		d.DataCoding = smpp.CodingUCS2
		data, err = smpp.EncodeText(d.DataCoding, smpp.GSM0338, text)
	}
	return data, err
}

// inSegments cuts user data as a handset would have sent it: each part has a
// header with a concatenation element [23.040 9.2.3.24.1], or sar_* in place of
// that. The reference is that of the message, so that a part that comes again is
// known again.
func (h habits) inSegments(d smpp.DeliverSM, m *storage.Message, data []byte, sar bool) ([]*smpp.DeliverSM, error) {
	pieces := smpp.Cut(d.DataCoding, data, smpp.Room(d.DataCoding, max(len(m.UDH), 1)+smpp.ConcatOctets))
	if len(pieces) == 0 || len(pieces) > mostSent {
		return nil, fmt.Errorf("a message that does not fit %d segments", mostSent)
	}
	all := make([]*smpp.DeliverSM, len(pieces))
	for i, piece := range pieces {
		part := d
		header := m.UDH
		if sar {
			part.TLVs = part.TLVs.AppendSAR(uint16(m.ID), uint8(len(pieces)), uint8(i+1))
		} else {
			part.ESMClass |= udhi
			header = smpp.Concat(m.UDH, uint8(m.ID), uint8(len(pieces)), uint8(i+1))
		}
		part.ShortMessage = append(header[:len(header):len(header)], h.alphabet.Pack(d.DataCoding, piece, len(header))...)
		all[i] = &part
	}
	return all, nil
}
