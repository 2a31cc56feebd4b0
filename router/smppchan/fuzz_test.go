package smppchan

import (
	"errors"
	"testing"
	"unicode/utf8"

	"gsmgate/smppd/smpp"
	"gsmgate/storage"
)

// FuzzRequests reads what any client may send: a message, or an error with a
// command_status, and nothing in between.
func FuzzRequests(f *testing.F) {
	for _, p := range []smpp.PDU{
		submit(func(s *smpp.SubmitSM) { s.ESMClass, s.ShortMessage = udhi, []byte("\x05\x00\x03\x01\x02\x01abc") }),
		submit(func(s *smpp.SubmitSM) { s.DataCoding, s.ShortMessage = 5, []byte("\x1b$BF|K\\\x1b(B") }),
		submit(func(s *smpp.SubmitSM) {
			s.TLVs = s.TLVs.AppendUint16(smpp.TagSARMsgRefNum, 1).AppendUint8(smpp.TagSARTotalSegments, 2).AppendUint8(smpp.TagSARSegmentSeqnum, 1)
		}),
		multi("31612345678", "31612345679"),
		&smpp.DataSM{Source: shop(), Dest: handset(), TLVs: payload("Hello").AppendUint32(smpp.TagQoSTimeToLive, 60)},
		&smpp.ReplaceSM{MessageID: "10000000", ValidityPeriod: "000001000000000R", ShortMessage: []byte("New")},
	} {
		frame, err := smpp.Append(nil, smpp.StatusOK, 1, p)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(frame, uint8(0))
	}
	f.Fuzz(func(t *testing.T, frame []byte, alphabet uint8) {
		h, p, err := smpp.Parse(frame)
		if err != nil {
			return
		}
		r := reader{command: h.ID, alphabet: smpp.Alphabet(alphabet % 4), now: now}
		ms, err := r.any(p)
		var e *smpp.Error
		if err != nil && (!errors.As(err, &e) || e.Status == smpp.StatusOK || e.Field == "") {
			t.Errorf("%s: %#v", h.ID, err)
		}
		for _, m := range ms {
			dc := smpp.DataCoding(m.DataCoding)
			if m.Text != "" && len(m.Data) > 0 || !utf8.ValidString(m.Text) || dc.Binary() && m.Text != "" {
				t.Errorf("data_coding %#x: text %q and data % x", m.DataCoding, m.Text, m.Data)
			}
			if len(m.Data) > 0 && !dc.Binary() && !dc.UCS2() && !septets(m.Data) {
				t.Errorf("data_coding %#x: data % x cannot go on the air", m.DataCoding, m.Data)
			}
		}
	})
}

// any reads a request of any kind.
func (r reader) any(p smpp.PDU) (ms []*storage.Message, err error) {
	m := &storage.Message{DataCoding: 3}
	switch p := p.(type) {
	case *smpp.SubmitSM:
		m, err = r.message(p)
	case *smpp.DataSM:
		m, err = r.data(p)
	case *smpp.SubmitMulti:
		return r.multi(p)
	case *smpp.ReplaceSM:
		c, err := r.replacement(p)
		if err != nil {
			return nil, err
		}
		return []*storage.Message{m}, c.Body(m)
	default:
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return []*storage.Message{m}, nil
}

func septets(data []byte) bool {
	for _, b := range data {
		if b > 0x7F {
			return false
		}
	}
	return true
}
