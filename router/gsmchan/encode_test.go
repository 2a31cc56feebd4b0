package gsmchan

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"gsmgate/modem/pdu"
	"gsmgate/router"
	"gsmgate/storage"
)

func mt(edit func(*storage.Message)) *storage.Message {
	m := &storage.Message{Kind: storage.MT, Dest: storage.Address{TON: 1, NPI: 1, Addr: "31612345678"}, Text: "Hello"}
	edit(m)
	return m
}

func TestCountSegments_AgreesWithWhatIsSent(t *testing.T) {
	for name, c := range map[string]struct {
		m    *storage.Message
		want int
	}{
		"empty":                  {mt(func(m *storage.Message) { m.Text = "" }), 1},
		"160":                    {mt(func(m *storage.Message) { m.Text = strings.Repeat("a", 160) }), 1},
		"161":                    {mt(func(m *storage.Message) { m.Text = strings.Repeat("a", 161) }), 2},
		"70 Chinese":             {mt(func(m *storage.Message) { m.Text, m.DataCoding = strings.Repeat("你", 70), 8 }), 1},
		"71 Chinese":             {mt(func(m *storage.Message) { m.Text, m.DataCoding = strings.Repeat("你", 71), 8 }), 2},
		"160 ASCII called UCS-2": {mt(func(m *storage.Message) { m.Text, m.DataCoding = strings.Repeat("a", 160), 8 }), 1},
		"Latin-1 outside GSM":    {mt(func(m *storage.Message) { m.Text, m.DataCoding = strings.Repeat("ç", 71), 3 }), 2},
		"140 octets":             {mt(func(m *storage.Message) { m.Text, m.Data, m.DataCoding = "", make([]byte, 140), 4 }), 1},
		"141 octets":             {mt(func(m *storage.Message) { m.Text, m.Data, m.DataCoding = "", make([]byte, 141), 4 }), 2},
		"already a segment":      {mt(func(m *storage.Message) { m.UDH, m.Text = []byte{5, 0, 3, 1, 2, 1}, strings.Repeat("a", 153) }), 1},
		"a segment of UCS-2": {mt(func(m *storage.Message) {
			m.UDH, m.DataCoding, m.Text = []byte{5, 0, 3, 1, 2, 1}, 8, strings.Repeat("a", 67)
		}), 1},
		"septets with a cut escape": {mt(func(m *storage.Message) {
			m.UDH, m.Text, m.Data = []byte{5, 0, 3, 1, 2, 1}, "", append(bytes.Repeat([]byte("a"), 152), 0x1b)
		}), 1},
		"UCS-2 with a cut surrogate": {mt(func(m *storage.Message) { m.DataCoding, m.Text, m.Data = 8, "", []byte{0, 'a', 0xD8, 0x3D} }), 1},
	} {
		n, err := countSegments(c.m)
		if err != nil || n != c.want {
			t.Errorf("%s: %d segments, %v; want %d", name, n, err, c.want)
			continue
		}
		subs, err := segments(c.m, 7, time.Now())
		if err != nil || len(subs) != n {
			t.Errorf("%s: counted %d, made %d, %v", name, n, len(subs), err)
		}
		for _, s := range subs {
			if tpdu, err := s.TPDU(); err != nil || len(tpdu) == 0 {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestCountSegments_TooLong_IsARefusalOfTheText(t *testing.T) {
	for name, m := range map[string]*storage.Message{
		"256 segments":       mt(func(m *storage.Message) { m.Text = strings.Repeat("a", 153*255+1) }),
		"too long a segment": mt(func(m *storage.Message) { m.UDH, m.Text = []byte{5, 0, 3, 1, 2, 1}, strings.Repeat("a", 154) }),
		"header of nonsense": mt(func(m *storage.Message) { m.UDH = bytes.Repeat([]byte{200}, 201) }),
	} {
		if n, err := countSegments(m); err == nil {
			t.Errorf("%s: taken as %d segments", name, n)
		}
	}
}

func TestOptions_ShortCodeKeepsItsType(t *testing.T) {
	for _, c := range []struct {
		in   storage.Address
		want pdu.Address
	}{
		{storage.Address{TON: 0, Addr: "7000"}, pdu.Address{TON: 0, NPI: 1, Addr: "7000"}},
		{storage.Address{TON: 1, NPI: 1, Addr: "31612345678"}, pdu.Address{TON: 1, NPI: 1, Addr: "31612345678"}},
		{storage.Address{TON: 0, Addr: "+31612345678"}, pdu.Address{TON: 1, NPI: 1, Addr: "31612345678"}},
		{storage.Address{TON: 2, NPI: 1, Addr: "0612345678"}, pdu.Address{TON: 2, NPI: 1, Addr: "0612345678"}},
		{storage.Address{TON: 1, NPI: 1, Addr: "0031612345678"}, pdu.Address{TON: 1, NPI: 1, Addr: "31612345678"}},
		{storage.Address{TON: 3, Addr: "7000"}, pdu.Address{TON: 0, NPI: 1, Addr: "7000"}},
	} {
		if got := address(c.in); got != c.want {
			t.Errorf("address(%v) = %v, want %v", c.in, got, c.want)
		}
	}
}

func TestSegments_FlashKeepsItsClass(t *testing.T) {
	for dc, want := range map[uint8]uint8{0x10: 0x10, 0xF0: 0x10, 0x18: 0x10, 0xF2: 0x12, 0: 0} {
		subs, err := segments(mt(func(m *storage.Message) { m.DataCoding = dc }), 0, time.Time{})
		if err != nil || subs[0].DCS != want {
			t.Errorf("data_coding %#x: DCS %#x, %v; want %#x", dc, subs[0].DCS, err, want)
		}
	}
}

// dest_addr_subunit says it beside data_coding, which may name a class itself.
func TestSegments_Flash_IsClass0(t *testing.T) {
	for dc, want := range map[uint8]uint8{0: 0x10, 3: 0x10, 8: 0x10, 4: 0x14, 0xF2: 0x12, 0xD0: 0xD0} {
		m := mt(func(m *storage.Message) { m.DataCoding, m.Flash = dc, true })
		if dc == 4 {
			m.Text, m.Data = "", []byte{1}
		}
		subs, err := segments(m, 0, time.Time{})
		if err != nil || subs[0].DCS != want {
			t.Errorf("data_coding %#x: DCS %#x, %v; want %#x", dc, subs[0].DCS, err, want)
		}
	}
}

func TestSegments_ReplyPath_InEverySegment(t *testing.T) {
	for _, m := range []*storage.Message{
		mt(func(m *storage.Message) { m.Text = strings.Repeat("a", 200) }),
		mt(func(m *storage.Message) { m.UDH = []byte{5, 0, 3, 1, 2, 1} }),
		mt(func(m *storage.Message) { m.Text, m.Data, m.DataCoding = "", make([]byte, 200), 4 }),
	} {
		for _, esm := range []uint8{0, 0x80} {
			m.ESMClass = esm
			subs, err := segments(m, 0, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			for i, s := range subs {
				tpdu, err := s.TPDU()
				if err != nil || tpdu[0]&0x80 != esm {
					t.Errorf("segment %d of esm_class %#x: first octet %#x, %v", i, esm, tpdu[0], err)
				}
			}
		}
	}
}

// The client hears which field is wrong.
func TestCountSegments_TextThatItsCodingHasNot_IsOfDataCoding(t *testing.T) {
	for _, m := range []*storage.Message{
		mt(func(m *storage.Message) { m.DataCoding, m.Text = 0xC8, "你" }),
		mt(func(m *storage.Message) { m.DataCoding, m.Text, m.UDH = 0x10, "你", []byte{5, 0, 3, 1, 2, 1} }),
	} {
		_, err := countSegments(m)
		var e *router.Error
		if !errors.As(err, &e) || e.Field != "data_coding" {
			t.Errorf("data_coding %#x: %v", m.DataCoding, err)
		}
	}
}

func TestSegments_MessageWaiting_KeepsItsCoding(t *testing.T) {
	for dc, text := range map[uint8]string{0xC8: "", 0xD0: "Voicemail: 2 new", 0xE8: "留言"} {
		m := mt(func(m *storage.Message) { m.DataCoding, m.Text = dc, text })
		n, err := countSegments(m)
		subs, err2 := segments(m, 0, time.Time{})
		if err != nil || err2 != nil || n != 1 || len(subs) != 1 || subs[0].DCS != dc {
			t.Errorf("data_coding %#x: %d segments, %v, %v, %+v", dc, n, err, err2, subs)
		}
	}
}

// ms_msg_wait_facilities says it beside data_coding, which may name a coding
// group itself, or one that has no place for it.
func TestSegments_Waiting_BesideTheText(t *testing.T) {
	const email, off = 0xCA, 0xC0 // e-mail waits; no voicemail waits any more
	for name, c := range map[string]struct {
		edit func(*storage.Message)
		want []uint8
	}{
		"text":                {func(m *storage.Message) { m.Waiting = email }, []uint8{0xDA}},
		"off":                 {func(m *storage.Message) { m.Waiting = off }, []uint8{0xD0}},
		"no text":             {func(m *storage.Message) { m.Waiting, m.Text = email, "" }, []uint8{0xCA}},
		"no text, off":        {func(m *storage.Message) { m.Waiting, m.Text = off, "" }, []uint8{0xC0}},
		"Chinese":             {func(m *storage.Message) { m.Waiting, m.Text, m.DataCoding = email, "你", 8 }, []uint8{0xEA}},
		"Latin-1 of no GSM":   {func(m *storage.Message) { m.Waiting, m.Text, m.DataCoding = email, "ý", 3 }, []uint8{0xEA}},
		"long":                {func(m *storage.Message) { m.Waiting, m.Text = email, strings.Repeat("a", 161) }, []uint8{0xDA, 0xDA}},
		"segment of a client": {func(m *storage.Message) { m.Waiting, m.UDH = email, []byte{5, 0, 3, 1, 2, 1} }, []uint8{0xDA}},
		"octets":              {func(m *storage.Message) { m.Waiting, m.Text, m.Data, m.DataCoding = email, "", []byte{1}, 4 }, []uint8{0x04}},
		"a class":             {func(m *storage.Message) { m.Waiting, m.DataCoding = email, 0x11 }, []uint8{0x11}},
		"display":             {func(m *storage.Message) { m.Waiting, m.Flash = email, true }, []uint8{0x10}},
		"data_coding has it":  {func(m *storage.Message) { m.Waiting, m.DataCoding = email, 0xD8 }, []uint8{0xD8}},
	} {
		m := mt(c.edit)
		n, err := countSegments(m)
		subs, err2 := segments(m, 0, time.Time{})
		var got []uint8
		for _, s := range subs {
			got = append(got, s.DCS)
		}
		if err != nil || err2 != nil || n != len(subs) || !bytes.Equal(got, c.want) {
			t.Errorf("%s: %d segments with DCS % x, %v, %v; want % x", name, n, got, err, err2, c.want)
		}
	}
}

func TestMatchKey_NationalAndInternationalAreOne(t *testing.T) {
	for _, s := range []string{"31612345678", "+31612345678", "0612345678", "0031612345678"} {
		if got := matchKey(s); got != "12345678" {
			t.Errorf("matchKey(%s) = %s", s, got)
		}
	}
	if matchKey("7000") != "7000" || matchKey("+7000") != "7000" {
		t.Error("a short code is itself")
	}
}

func TestConcatenation_OfSegmentsThatTheClientCut(t *testing.T) {
	of := func(udh string) string {
		return concatenation(&storage.Message{User: "a", Dest: storage.Address{Addr: "1"}, UDH: []byte(udh)})
	}
	first, second := of("\x05\x00\x03\x07\x02\x01"), of("\x05\x00\x03\x07\x02\x02")
	if first == "" || first != second {
		t.Errorf("segments of one message: %q and %q", first, second)
	}
	if wide := of("\x06\x08\x04\x00\x07\x02\x01"); wide == "" || wide == first {
		t.Errorf("16-bit reference: %q", wide)
	}
	if other := of("\x05\x00\x03\x08\x02\x01"); other == first {
		t.Error("two references are one")
	}
	for _, none := range []string{"", "\x06\x05\x04\x00\x01\x00\x02", "\x09\x00"} {
		if key := of(none); key != "" {
			t.Errorf("%x belongs to %q", none, key)
		}
	}
}

// inbox has messages of a process before this one.
type inbox struct {
	router.Inbox
	waiting []*storage.Message
}

func (in inbox) Awaiting(string, string) ([]*storage.Message, error) { return in.waiting, nil }

func TestPrepare_AfterARestart_ReferencesGoOn(t *testing.T) {
	old := func(ref byte, tried storage.Time) *storage.Message {
		return &storage.Message{Parts: []storage.Part{{Wire: []byte{ref}, Tried: tried}, {Wire: []byte{ref}}}}
	}
	ch := New(Config{})
	ch.in = inbox{waiting: []*storage.Message{old(9, 10), old(255, 30), old(77, 20), {Parts: make([]storage.Part, 1)}}}
	for _, want := range []byte{0, 1} {
		m := &storage.Message{Dest: storage.Address{Addr: "31612345678"}, Parts: make([]storage.Part, 2)}
		ch.prepare("sim:1", m)
		if got := m.Parts[0].Wire; len(got) != 1 || got[0] != want {
			t.Errorf("reference % x, want %02x", got, want)
		}
	}
}
