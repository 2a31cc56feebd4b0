package gsmchan

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"gsmgate/modem/pdu"
	"gsmgate/storage"
)

// Each form that a client can ask for, as the first octets of its TPDU, its PID, DCS and VP have it.
func TestSegments_EveryForm(t *testing.T) {
	now := time.Now()
	expires := func(d time.Duration) storage.Time { return storage.TimeOf(now.Add(d)) }
	for name, c := range map[string]struct {
		m        *storage.Message
		pid, dcs uint8
		vp       []byte
		udh      []byte
		da       string // length, type and digits, in hex as they go out
	}{
		"plain":  {m: mt(func(m *storage.Message) {}), da: "0b911316325476f8"},
		"binary": {m: mt(func(m *storage.Message) { m.Text, m.Data, m.DataCoding = "", []byte{0, 255}, 4 }), dcs: 0x04},
		"16 bit ports": {m: mt(func(m *storage.Message) {
			m.Text, m.Data, m.DataCoding, m.UDH = "", []byte{1}, 4, []byte{6, 5, 4, 0x0B, 0x84, 0x23, 0xF0}
		}), dcs: 0x04, udh: []byte{6, 5, 4, 0x0B, 0x84, 0x23, 0xF0}},
		"8 bit ports": {m: mt(func(m *storage.Message) {
			m.Text, m.Data, m.DataCoding, m.UDH = "", []byte{1}, 4, []byte{4, 4, 2, 0xE2, 0}
		}), dcs: 0x04, udh: []byte{4, 4, 2, 0xE2, 0}},
		"flash by data_coding":   {m: mt(func(m *storage.Message) { m.DataCoding = 0x10 }), dcs: 0x10},
		"flash UCS-2":            {m: mt(func(m *storage.Message) { m.DataCoding, m.Text = 0x18, "你" }), dcs: 0x18},
		"flash by class group":   {m: mt(func(m *storage.Message) { m.DataCoding = 0xF0 }), dcs: 0x10},
		"flash by the subunit":   {m: mt(func(m *storage.Message) { m.Flash = true }), dcs: 0x10},
		"SIM's own (class 2)":    {m: mt(func(m *storage.Message) { m.DataCoding = 0x12 }), dcs: 0x12},
		"replace type 1":         {m: mt(func(m *storage.Message) { m.ProtocolID = 0x41 }), pid: 0x41},
		"replace type 7":         {m: mt(func(m *storage.Message) { m.ProtocolID = 0x47 }), pid: 0x47},
		"return call":            {m: mt(func(m *storage.Message) { m.ProtocolID = 0x5F }), pid: 0x5F},
		"type 0":                 {m: mt(func(m *storage.Message) { m.ProtocolID = 0x40 }), pid: 0x40},
		"valid for 10 min":       {m: mt(func(m *storage.Message) { m.ExpiresAt = expires(10 * time.Minute) }), vp: []byte{1}},
		"valid for a day":        {m: mt(func(m *storage.Message) { m.ExpiresAt = expires(24 * time.Hour) }), vp: []byte{167}},
		"valid for 3 days":       {m: mt(func(m *storage.Message) { m.ExpiresAt = expires(72 * time.Hour) }), vp: []byte{169}},
		"short code":             {m: mt(func(m *storage.Message) { m.Dest = storage.Address{Addr: "1234"} }), da: "04812143"},
		"network-specific short": {m: mt(func(m *storage.Message) { m.Dest = storage.Address{TON: 3, NPI: 1, Addr: "123"} }), da: "038121f3"},
		"* and #":                {m: mt(func(m *storage.Message) { m.Dest = storage.Address{Addr: "*100#"} }), da: "05811a00fb"},
		"national prefix kept":   {m: mt(func(m *storage.Message) { m.Dest = storage.Address{TON: 2, NPI: 1, Addr: "0612345678"} }), da: "0aa16021436587"},
		"20 digits":              {m: mt(func(m *storage.Message) { m.Dest = storage.Address{TON: 1, NPI: 1, Addr: strings.Repeat("12", 10)} }), da: "1491" + strings.Repeat("21", 10)},
		"Turkish, asked for": {m: mt(func(m *storage.Message) {
			m.Text, m.National, m.DataCoding = strings.Repeat("ığ12345678", 12), uint8(pdu.Turkish), 8
		}),
			udh: []byte{3, 0x24, 1, 1}},
		"Turkish, flash": {m: mt(func(m *storage.Message) {
			m.Text, m.National, m.Flash = strings.Repeat("ığ12345678", 12), uint8(pdu.Turkish), true
		}), dcs: 0x10, udh: []byte{3, 0x24, 1, 1}},
		"Turkish, not asked for": {m: mt(func(m *storage.Message) { m.Text = "ığ" }), dcs: 0x08},
	} {
		subs, err := segments(c.m, 7, now)
		if err != nil || len(subs) != 1 {
			t.Errorf("%s: %d segments, %v", name, len(subs), err)
			continue
		}
		s := subs[0]
		tpdu, err := s.TPDU()
		if err != nil || s.PID != c.pid || s.DCS != c.dcs || !bytes.Equal(s.UDH, c.udh) {
			t.Errorf("%s: PID %#x, DCS %#x, UDH %x, %v", name, s.PID, s.DCS, s.UDH, err)
		}
		if c.vp != nil && !bytes.Equal(s.VP.Octets[:1], c.vp) {
			t.Errorf("%s: TP-VP %x, want %x", name, s.VP.Octets, c.vp)
		}
		if c.da != "" && !bytes.HasPrefix(tpdu[2:], hexOf(t, c.da)) {
			t.Errorf("%s: TP-DA in %x, want %s", name, tpdu[2:14], c.da)
		}
	}
}

func TestNational_CountAndPriceAreOfTheEncoding(t *testing.T) {
	text := strings.Repeat("Şu köşe yaz köşesi. ", 20)
	plain, err := countSegments(mt(func(m *storage.Message) { m.Text = text }))
	if err != nil {
		t.Fatal(err)
	}
	m := mt(func(m *storage.Message) { m.Text, m.National = text, uint8(pdu.Turkish) })
	n, err := countSegments(m)
	if err != nil || n >= plain {
		t.Errorf("%d segments, %d without, %v", n, plain, err)
	}
	subs, err := segments(m, 7, time.Now())
	if err != nil || len(subs) != n {
		t.Errorf("counted %d, made %d, %v", n, len(subs), err)
	}
}

func hexOf(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
