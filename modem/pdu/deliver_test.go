package pdu

import (
	"bytes"
	"testing"
	"time"

	"github.com/warthog618/sms/encoding/tpdu"
	"pgregory.net/rapid"
)

var addresses = rapid.Custom(func(t *rapid.T) Address {
	digits := rapid.StringOfN(rapid.SampledFrom([]rune(addrDigits)), 0, 20, -1).Draw(t, "digits")
	return Address{rapid.SampledFrom([]uint8{0, 1, 2, 3, 4, 6, 7}).Draw(t, "ton"), rapid.Uint8Range(0, 15).Draw(t, "npi"), digits}
})

// delivers makes messages that a network could send.
var delivers = rapid.Custom(func(t *rapid.T) *Deliver {
	d := &Deliver{
		OA: addresses.Draw(t, "oa"), PID: rapid.Uint8().Draw(t, "pid"), DCS: rapid.Uint8().Draw(t, "dcs"),
		SCTS: time.Unix(rapid.Int64Range(946684800, 3e9).Draw(t, "scts"), 0).In(time.FixedZone("", 900*rapid.IntRange(-48, 56).Draw(t, "zone"))),
		More: rapid.Bool().Draw(t, "more"), LP: rapid.Bool().Draw(t, "lp"), SRI: rapid.Bool().Draw(t, "sri"), RP: rapid.Bool().Draw(t, "rp"),
	}
	if n := rapid.IntRange(0, 40).Draw(t, "header"); n >= 2 {
		d.UDH = header(element(n))
	}
	layout := ParseDCS(d.DCS).layout()
	data := rapid.SliceOfN(rapid.Byte(), 0, capacity(layout, len(d.UDH))*unit(layout)).Draw(t, "data")
	if layout == UCS2 {
		data = data[:len(data)&^1]
	}
	for i := range data {
		if layout == GSM7 {
			data[i] &= 0x7F
		}
	}
	d.Data = data
	return d
})

func TestDeliver_RoundTripAndLibrary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := delivers.Draw(t, "deliver")
		b, err := want.TPDU()
		if err != nil {
			t.Fatalf("%v", err)
		}
		got, err := DecodeDeliver(b)
		if err != nil {
			t.Fatalf("%v", err)
		}
		if !got.Same(want) || got.More != want.More || got.LP != want.LP || got.SRI != want.SRI || got.RP != want.RP {
			t.Fatalf("got %+v, want %+v", got, want)
		}
		if reserved := ParseDCS(want.DCS).Reserved; reserved != (len(got.Lenient) > 0) {
			t.Fatalf("forgave %v", got.Lenient)
		}
		checkLibrary(t, b, want)
	})
}

// checkLibrary compares with what the library reads; it knows neither reserved DCS nor compressed text.
func checkLibrary(t *rapid.T, b []byte, want *Deliver) {
	if info := ParseDCS(want.DCS); info.Reserved || info.Compressed {
		return
	}
	var l tpdu.TPDU
	if err := l.UnmarshalBinary(b); err != nil {
		t.Fatalf("library refuses %x: %v", b, err)
	}
	udh, err := l.UDH.MarshalBinary()
	if err != nil || !bytes.Equal(udh, want.UDH) || !bytes.Equal(l.UD, want.Data) || !l.SCTS.Equal(want.SCTS) {
		t.Fatalf("library reads %+v", l)
	}
}

func TestStatusReport_RoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := delivers.Draw(t, "times and address")
		want := &StatusReport{MR: d.PID, RA: d.OA, SCTS: d.SCTS, DT: d.SCTS.Add(time.Hour), ST: d.DCS, More: d.More, LP: d.LP, SRQ: d.SRI}
		b, err := want.TPDU()
		if err != nil {
			t.Fatalf("%v", err)
		}
		got, err := DecodeStatusReport(b)
		if err != nil || len(got.Lenient) > 0 {
			t.Fatalf("%+v %v", got, err)
		}
		if got.MR != want.MR || got.RA != want.RA || !got.SCTS.Equal(want.SCTS) || !got.DT.Equal(want.DT) || got.ST != want.ST ||
			got.More != want.More || got.LP != want.LP || got.SRQ != want.SRQ {
			t.Fatalf("got %+v, want %+v", got, want)
		}
	})
}

func TestDecode_TypeByType(t *testing.T) {
	submit := Submit{DA: dest}
	b, _ := submit.TPDU()
	if _, err := DecodeDeliver(b); err == nil {
		t.Error("a submit was taken for a deliver")
	}
	if _, err := DecodeStatusReport(b); err == nil {
		t.Error("a submit was taken for a status report")
	}
	if m, err := Decode(b); err != nil {
		t.Error(err)
	} else if _, ok := m.(*Submit); !ok {
		t.Errorf("a stored submit became %T", m)
	}
	b[0] = b[0]&^3 | mtiDeliver
	if _, err := DecodeSubmit(b); err == nil {
		t.Error("a deliver was taken for a submit")
	}
	if m, err := Decode(nil); err == nil || m != nil {
		t.Errorf("nothing became %v", m)
	}
}

func TestDecode_OwnsItsOctets(t *testing.T) {
	b, _ := (&Deliver{OA: dest, DCS: 4, UserData: UserData{Data: []byte{1, 2, 3}}}).TPDU()
	d, err := DecodeDeliver(b)
	if err != nil {
		t.Fatal(err)
	}
	clear(b)
	if !bytes.Equal(d.Data, []byte{1, 2, 3}) || d.Raw[0] == 0 {
		t.Errorf("changed with the caller's buffer: %x %x", d.Data, d.Raw)
	}
	_ = append(d.UDH, 0xFF)
	_ = append(d.Data, 0xFF)
	if d.Raw[len(d.Raw)-1] != 3 {
		t.Error("appending to Data wrote into Raw")
	}
}

func TestDeliver_WhatAllPIDsSay(t *testing.T) {
	for pid := range 256 {
		d := &Deliver{PID: uint8(pid)}
		n, replaces := d.Replaces()
		if d.TypeZero() != (pid == 0x40) || replaces != (pid >= 0x41 && pid <= 0x47) || replaces && int(n) != pid&7 {
			t.Errorf("%02X: type 0 %v, replaces %d %v", pid, d.TypeZero(), n, replaces)
		}
	}
}
