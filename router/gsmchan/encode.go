package gsmchan

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf16"

	"gsmgate/modem/pdu"
	"gsmgate/router"
	"gsmgate/storage"
)

// countSegments says how many TPDUs carry m, without making them where it can.
func countSegments(m *storage.Message) (int, error) {
	if len(m.UDH) == 0 && len(m.Data) == 0 && !waiting(m) {
		_, n := new(pdu.Options).FitNational(m.Text, pdu.Language(m.National))
		if n > 255 {
			return 0, tooLong()
		}
		return n, nil
	}
	subs, err := segments(m, 0, time.Time{})
	if err != nil {
		return 0, refusal(err)
	}
	return len(subs), nil
}

func tooLong() error {
	return &router.Error{Code: router.Invalid, Field: "text", Message: "the text is too long: it takes more than 255 segments"}
}

// refusal is what the client hears of a message that no TPDU can carry.
func refusal(err error) error {
	if errors.Is(err, pdu.ErrTooLong) {
		return &router.Error{Code: router.Invalid, Field: "text", Message: "the message is too long for the network", Err: err}
	}
	if errors.Is(err, pdu.ErrAlphabet) {
		return &router.Error{Code: router.Invalid, Field: "data_coding", Message: "the text has characters that its data_coding has no place for", Err: err}
	}
	return &router.Error{Code: router.Invalid, Field: "text", Message: "the message cannot be sent over GSM: " + err.Error(), Err: err}
}

// segments makes the TPDUs of m. now gives the validity that is left; the zero
// time leaves it to the network.
func segments(m *storage.Message, reference uint16, now time.Time) ([]pdu.Submit, error) {
	o := options(m, reference, now)
	alphabet := alphabetOf(m)
	switch {
	case len(m.UDH) > 0:
		return one(m, alphabet, o)
	case len(m.Data) > 0 && alphabet == pdu.Data8:
		return pdu.SplitOctets(m.Data, dcs(m, alphabet, o.Class), o)
	case len(m.Data) > 0:
		return one(m, alphabet, o)
	case waiting(m):
		data, err := encode(m.Text, alphabet)
		if err != nil {
			return nil, err
		}
		return pdu.SplitOctets(data, dcs(m, alphabet, o.Class), o)
	}
	e, _ := o.FitNational(m.Text, pdu.Language(m.National))
	return pdu.SplitEncoded(m.Text, e, o)
}

// replyPath is the bit of esm_class that asks the recipient's answer to come by
// the same service centre: TP-RP [SMPP34 5.2.12] [23.040 9.2.3.17].
const replyPath = 0x80

func options(m *storage.Message, reference uint16, now time.Time) pdu.Options {
	o := pdu.Options{
		Dest:       address(m.Dest),
		ProtocolID: m.ProtocolID,
		// asked for always: it is how we learn what became of the message
		StatusReport: true,
		Reference:    reference,
		ReplyPath:    m.ESMClass&replyPath != 0,
	}
	if m.DataCoding >= 0x10 {
		o.Class = pdu.ParseDCS(m.DataCoding).Class
	}
	if m.Flash && o.Class == pdu.NoClass && !waiting(m) {
		o.Class = pdu.Class0 // [SMPP34 5.3.2.1]
	}
	if !now.IsZero() && m.ExpiresAt != 0 {
		o.Validity = max(m.ExpiresAt.Time().Sub(now), time.Minute)
	}
	return o
}

// one makes the single TPDU of a message that the client has segmented itself
// or whose octets are no text: the header stays as it is, byte for byte.
func one(m *storage.Message, alphabet pdu.Alphabet, o pdu.Options) ([]pdu.Submit, error) {
	data := m.Data
	if len(data) == 0 && m.Text != "" {
		var err error
		if data, err = encode(m.Text, alphabet); err != nil {
			return nil, err
		}
	}
	sub, err := pdu.Raw(m.UDH, data, dcs(m, alphabet, o.Class), o)
	if err != nil {
		return nil, err
	}
	return []pdu.Submit{sub}, nil
}

// alphabetOf is the alphabet the client chose [SMPP34 5.2.19].
func alphabetOf(m *storage.Message) pdu.Alphabet {
	switch dc := m.DataCoding; {
	case dc == 2, dc == 4:
		return pdu.Data8
	case dc == 8:
		return pdu.UCS2
	case dc >= 0x10:
		return pdu.ParseDCS(dc).Alphabet
	}
	if _, ok := pdu.EncodeSeptets(m.Text); !ok {
		return pdu.UCS2 // Latin-1, Cyrillic, … : GSM-7 has no room for it
	}
	return pdu.GSM7
}

func encode(text string, alphabet pdu.Alphabet) ([]byte, error) {
	switch alphabet {
	case pdu.GSM7:
		septets, ok := pdu.EncodeSeptets(text)
		if !ok {
			return nil, pdu.ErrAlphabet
		}
		return septets, nil
	case pdu.UCS2:
		var b []byte
		for _, u := range utf16.Encode([]rune(text)) {
			b = append(b, byte(u>>8), byte(u))
		}
		return b, nil
	}
	return []byte(text), nil
}

// The coding groups of message waiting indications [23.038 4].
const (
	discard   = 0xC0 // the handset may throw the text away
	store     = 0xD0
	storeUCS2 = 0xE0
)

// waiting says whether m is a message waiting indication, by its data_coding or
// by ms_msg_wait_facilities. The latter cannot be said beside a class, nor of
// octets: no coding group has both.
func waiting(m *storage.Message) bool {
	switch {
	case m.DataCoding >= discard && m.DataCoding < 0xF0:
		return true
	case m.Waiting == 0, m.DataCoding >= 0x10, m.Flash:
		return false
	}
	return alphabetOf(m) != pdu.Data8
}

// indication is TP-DCS of a message waiting indication: that of the client, for
// it is the message, or that of its alphabet. Without a text there is nothing to
// store [23.038 4].
func indication(m *storage.Message, alphabet pdu.Alphabet) uint8 {
	switch {
	case m.DataCoding >= discard:
		return m.DataCoding
	case alphabet == pdu.UCS2:
		return storeUCS2 | m.Waiting&0x0F
	case m.Text == "" && len(m.Data) == 0:
		return discard | m.Waiting&0x0F
	}
	return store | m.Waiting&0x0F
}

// dcs is TP-DCS: that of a message waiting indication, else of the general
// group, with a class when there is one [23.038 4].
func dcs(m *storage.Message, alphabet pdu.Alphabet, class pdu.Class) uint8 {
	if waiting(m) {
		return indication(m, alphabet)
	}
	d := map[pdu.Alphabet]uint8{pdu.GSM7: 0x00, pdu.Data8: 0x04, pdu.UCS2: 0x08}[alphabet]
	if n, ok := class.Number(); ok {
		d |= 0x10 | n
	}
	return d
}

// address keeps the type of number: a short code must not become
// international.
func address(a storage.Address) pdu.Address {
	if digits, ok := strings.CutPrefix(a.Addr, "+"); ok {
		return pdu.Address{TON: pdu.TONInternational, NPI: pdu.NPIISDN, Addr: digits}
	}
	switch a.TON {
	case pdu.TONInternational: // some clients keep the prefix that the type stands for
		return pdu.Address{TON: a.TON, NPI: pdu.NPIISDN, Addr: strings.TrimPrefix(a.Addr, "00")}
	case pdu.TONNational:
		return pdu.Address{TON: a.TON, NPI: pdu.NPIISDN, Addr: a.Addr}
	}
	return pdu.Address{TON: pdu.TONUnknown, NPI: pdu.NPIISDN, Addr: a.Addr}
}

// concatenation names the long message of which the client has cut m itself;
// "" when m is whole [23.040 9.2.3.24.1] [23.040 9.2.3.24.8].
func concatenation(m *storage.Message) string {
	if len(m.UDH) == 0 {
		return ""
	}
	elements, err := pdu.Elements(m.UDH)
	if err != nil {
		return ""
	}
	for _, e := range elements {
		if e.ID == 0x00 && len(e.Data) == 3 || e.ID == 0x08 && len(e.Data) == 4 {
			return fmt.Sprintf("%s\x00%s\x00%s\x00%x", m.User, m.Source.Addr, m.Dest.Addr, e.Data[:len(e.Data)-1])
		}
	}
	return ""
}
