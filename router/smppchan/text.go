package smppchan

import (
	"bytes"

	"gsmgate/smppd/smpp"
	"gsmgate/storage"
)

// text keeps user data as UTF-8, or as octets where they are no text or the
// text would not give them back. What could not be put on the air as the client
// means it is refused: an alphabet that is not known, and octets that are none of
// its characters [SMPP50 4.7.6].
//
// Before the data there was a header of udhLen octets.
func (r reader) text(m *storage.Message, data []byte, udhLen int) error {
	dc := smpp.DataCoding(m.DataCoding)
	switch {
	case !dc.Text() && !dc.Binary(): // a handset would show something else
		return refuse(smpp.StatusInvDCS, "data_coding", "an alphabet that GSM has no place for")
	case len(data) == 0:
		return nil
	case dc.Binary():
		m.Data = data
		return nil
	case dc.Default() && r.alphabet.Unpacked() == smpp.GSM0338:
		return gsmText(m, r.alphabet.Unpack(dc, data, udhLen))
	case dc.UCS2() && keep(m, dc, data):
		return nil
	case dc.UCS2():
		m.Data = data // half a character at the end of a segment that the client has cut
		return nil
	case dc == smpp.CodingIA5 && r.alphabet != smpp.Latin1 && r.alphabet != smpp.ASCII:
		return ia5Text(m, data)
	}
	s, err := smpp.DecodeText(dc, r.alphabet, data)
	if err != nil {
		return notInAlphabet()
	}
	m.Text = s
	return nil
}

func notInAlphabet() error {
	return refuse(smpp.StatusInvDCS, "data_coding", "octets that its alphabet does not have")
}

// gsmText keeps septets of the default alphabet, one an octet. An escape that
// the client has cut from what it escapes is no text [23.038 6.2.1].
func gsmText(m *storage.Message, septets []byte) error {
	switch {
	case keep(m, smpp.CodingDefault, septets):
	case bytes.ContainsFunc(septets, func(r rune) bool { return r > 0x7F }):
		return notInAlphabet()
	default:
		m.Data = septets
	}
	return nil
}

// ia5Text keeps what a client sends as data_coding 1 that may mean the default
// alphabet by it, see smpp.DecodeText.
func ia5Text(m *storage.Message, data []byte) error {
	if keep(m, smpp.CodingIA5, data) {
		return nil
	}
	if err := gsmText(m, data); err != nil {
		return err
	}
	if m.Text != "" {
		m.DataCoding = uint8(smpp.CodingDefault) // IA5 in name, GSM 03.38 in fact
	}
	return nil
}

// keep keeps data as a text in dc when that gives the same octets back.
func keep(m *storage.Message, dc smpp.DataCoding, data []byte) bool {
	s, err := smpp.DecodeText(dc, smpp.GSM0338, data)
	if err != nil {
		return false
	}
	back, err := smpp.EncodeText(dc, smpp.GSM0338, s)
	if err != nil || !bytes.Equal(back, data) {
		return false
	}
	m.Text = s
	return true
}
