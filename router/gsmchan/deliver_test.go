package gsmchan

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"gsmgate/modem"
	"gsmgate/modem/pdu"
	"gsmgate/router"
	"gsmgate/storage"
	"gsmgate/storage/storagetest"
)

// inbound is a router with one user who owns the SIM's number, and a channel
// that was given it. Nothing of it runs.
type inbound struct {
	handler
	t   *testing.T
	r   *router.Router
	db  *storage.DB
	now time.Time
}

var theSIM = modem.SIM{ICCID: "8931", Number: "+31653000001"}

func newInbound(t *testing.T) *inbound {
	in := &inbound{t: t, db: storagetest.Open(t), now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	in.r = router.New(in.db, router.Options{Now: func() time.Time { return in.now }})
	if _, err := in.r.AddUser(t.Context(), router.UserSpec{SystemID: "acme", Password: "secret", AddressRanges: []string{"+31653*"}}); err != nil {
		t.Fatal(err)
	}
	in.handler = handler{New(Config{Now: func() time.Time { return in.now }})}
	in.in = in.r
	return in
}

// text is an SMS-DELIVER in the default alphabet.
func text(s string, edit ...func(*pdu.Deliver)) *pdu.Deliver {
	d := &pdu.Deliver{OA: pdu.NewAddress("+31612345678"), SCTS: time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC)}
	d.Data, _ = pdu.EncodeSeptets(s)
	for _, e := range edit {
		e(d)
	}
	return d
}

// part is part n of total with reference 7.
func part(n, total uint8, s string, edit ...func(*pdu.Deliver)) *pdu.Deliver {
	return text(s, append([]func(*pdu.Deliver){func(d *pdu.Deliver) { d.UDH = []byte{5, 0, 3, 7, total, n} }}, edit...)...)
}

func udh(b ...byte) func(*pdu.Deliver) { return func(d *pdu.Deliver) { d.UDH = b } }
func coded(b byte) func(*pdu.Deliver)  { return func(d *pdu.Deliver) { d.DCS = b } }
func pid(b byte) func(*pdu.Deliver)    { return func(d *pdu.Deliver) { d.PID = b } }
func later(after time.Duration) func(*pdu.Deliver) {
	return func(d *pdu.Deliver) { d.SCTS = d.SCTS.Add(after) }
}

// comes hands them over as the modem would, decoded from their octets.
func (in *inbound) comes(ds ...*pdu.Deliver) {
	in.t.Helper()
	for _, d := range ds {
		tpdu, err := d.TPDU()
		if err != nil {
			in.t.Fatal(err)
		}
		got, err := pdu.DecodeDeliver(tpdu)
		if err != nil {
			in.t.Fatal(err)
		}
		if err := in.Deliver(in.t.Context(), theSIM, got); err != nil {
			in.t.Fatal(err)
		}
	}
}

// got gives the messages, oldest first.
func (in *inbound) got() []*storage.Message {
	in.t.Helper()
	ms, err := in.db.Messages(storage.Filter{Limit: 1000})
	if err != nil {
		in.t.Fatal(err)
	}
	slices.Reverse(ms)
	return ms
}

func (in *inbound) expect(want ...string) {
	in.t.Helper()
	var texts []string
	for _, m := range in.got() {
		if m.Kind != storage.MO || m.User != "acme" {
			in.t.Errorf("%+v is not for the user", m)
		}
		texts = append(texts, m.Text)
	}
	if !slices.Equal(texts, want) {
		in.t.Errorf("got %q, want %q", texts, want)
	}
}

func (in *inbound) stale(after time.Duration) {
	in.t.Helper()
	in.now = in.now.Add(after)
	if err := in.r.Stale(in.t.Context(), ofSIM, in.now.Add(-24*time.Hour), in.assemble); err != nil {
		in.t.Fatal(err)
	}
}

// What lay in the SIM and came by +CMT too, and what the network sends again,
// changes around what it says.
func TestDeliver_SameMessageInOtherOctets_Once(t *testing.T) {
	in := newInbound(t)
	in.comes(text("hello"), text("hello", func(d *pdu.Deliver) { d.More, d.RP, d.LP, d.SRI = true, true, true, true }))
	again := text("hello")
	again.SCA = pdu.NewAddress("+31653131399")
	tpdu, _ := again.TPDU()
	padded, err := pdu.DecodeDeliver(append(tpdu, 0xFF, 0xFF, 0xFF))
	if err == nil {
		err = in.Deliver(t.Context(), theSIM, padded)
	}
	if err != nil {
		t.Fatal(err)
	}
	in.expect("hello")
	in.comes(part(1, 2, "long "), part(1, 2, "long ", func(d *pdu.Deliver) { d.More = true }), part(2, 2, "text"), part(2, 2, "text", func(d *pdu.Deliver) { d.SRI = true }))
	in.expect("hello", "long text")
}

func TestDeliver_OtherTimeSenderContentOrReference_AnotherMessage(t *testing.T) {
	in := newInbound(t)
	in.comes(text("hello"), text("hello", later(time.Second)), text("hello!"), text("hello", pid(0x41)),
		text("hello", func(d *pdu.Deliver) { d.OA = pdu.NewAddress("+31612345679") }))
	in.expect("hello", "hello", "hello!", "hello", "hello")
	// Of one second, and with the same words: the references tell.
	other := func(d *pdu.Deliver) { d.UDH[3] = 8 }
	in.comes(part(1, 2, "x"), part(1, 2, "x", other), part(2, 2, "x"), part(2, 2, "x", other))
	in.expect("hello", "hello", "hello!", "hello", "hello", "xx", "xx")
}

// Two SIMs get the same text from one sender: each has its own.
func TestDeliver_ToTwoSIMs_TwoMessages(t *testing.T) {
	in := newInbound(t)
	for _, iccid := range []string{"8931", "8932"} {
		if err := in.Deliver(t.Context(), modem.SIM{ICCID: iccid, Number: "+31653000001"}, text("hello")); err != nil {
			t.Fatal(err)
		}
	}
	in.expect("hello", "hello")
}

// A service centre without a clock gives every message the same time.
func TestDeliver_WithoutATime_SameWordsLaterAreAnotherMessage(t *testing.T) {
	for _, none := range []time.Time{{}, time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC)} {
		in := newInbound(t)
		d := text("hello", func(d *pdu.Deliver) { d.SCTS = none })
		for _, wait := range []time.Duration{0, time.Minute, 58 * time.Minute, 3 * time.Hour} {
			in.now = in.now.Add(wait)
			if err := in.Deliver(t.Context(), theSIM, d); err != nil {
				t.Fatal(err)
			}
		}
		in.expect("hello", "hello")
	}
}

func TestDeliver_NumberOnlyOnRecord_Dest(t *testing.T) {
	in := newInbound(t)
	in.card = func(string) storage.SIM { return storage.SIM{Learnt: "+31653000009"} }
	if err := in.Deliver(t.Context(), modem.SIM{ICCID: "8931"}, text("hello")); err != nil {
		t.Fatal(err)
	}
	if m := in.got()[0]; m.Dest.Addr != "31653000009" || m.User != "acme" {
		t.Errorf("%+v", m)
	}
}

func TestSegments_NeverComplete_DeliveredWithMarks_AndLateOnesAlone(t *testing.T) {
	in := newInbound(t)
	in.comes(part(1, 4, "one "), part(3, 4, "three "))
	in.stale(23 * time.Hour)
	in.expect()
	in.stale(2 * time.Hour)
	in.expect("one [...]three [...]")
	in.comes(part(4, 4, "four"), part(4, 4, "four")) // the second is the same again
	in.expect("one [...]three [...]", "[part 4 of 4] four")
	// The reference comes round again: nothing of the old message gets into the new one.
	day := later(25 * time.Hour)
	in.comes(part(2, 4, "b", day), part(1, 4, "a", day), part(4, 4, "d", day), part(2, 4, "two "), part(3, 4, "c", day))
	in.expect("one [...]three [...]", "[part 4 of 4] four", "[part 2 of 4] two ", "abcd")
	for _, m := range in.got() {
		if m.Incomplete != (m.Text != "abcd") {
			t.Errorf("%q is marked %v", m.Text, m.Incomplete)
		}
	}
}

func TestSegments_ReferenceUsedAnewWhileASetWaits_NewSet(t *testing.T) {
	in := newInbound(t)
	soon := later(time.Minute)
	in.comes(part(1, 3, "old "), part(1, 2, "total ", soon), part(1, 3, "number ", soon), part(2, 2, "differs", soon))
	in.expect("total differs")
	in.comes(part(2, 3, "is ", soon), part(3, 3, "taken", soon))
	in.expect("total differs", "number is taken")
	in.stale(25 * time.Hour)
	in.expect("total differs", "number is taken", "old [...][...]")
}

// A sender that begins long messages and never ends them.
func TestSegments_FloodOfIncompleteOnes_OldestDelivered(t *testing.T) {
	in := newInbound(t)
	const begun = 200
	for i := range begun {
		in.comes(part(1, 2, fmt.Sprint("begin ", i), func(d *pdu.Deliver) { d.UDH[3] = byte(i) }))
	}
	in.comes(part(1, 2, "another sender's ", func(d *pdu.Deliver) { d.OA.Addr = "31612345679" }))
	sets, err := in.db.StaleSegments(ofSIM, 1<<60, 1000)
	if err != nil || len(sets) != 64+1 {
		t.Errorf("%d sets wait, %v", len(sets), err)
	}
	got := in.got()
	if len(got) != begun-64 || got[0].Text != "begin 0[...]" {
		t.Errorf("%d delivered, the first is %q", len(got), got[0].Text)
	}
	in.comes(part(2, 2, "late", func(d *pdu.Deliver) { d.UDH[3] = 0 }))
	if got := in.got(); got[len(got)-1].Text != "[part 2 of 2] late" {
		t.Errorf("got %q", got[len(got)-1].Text)
	}
}

// MMS notifications and other pushes are for programs that know them by port
// 2948.
func TestDeliver_WAPPush_PortsKept(t *testing.T) {
	ports := []byte{0x05, 0x04, 0x0B, 0x84, 0x23, 0xF0}
	push := func(b string, header ...byte) *pdu.Deliver {
		return text("", coded(0x15), udh(append([]byte{byte(len(header))}, header...)...), func(d *pdu.Deliver) { d.Data = []byte(b) })
	}
	in := newInbound(t)
	in.comes(push("whole", ports...))
	in.comes(push("in two", append([]byte{0, 3, 9, 2, 1}, ports...)...), push(" parts", append([]byte{0, 3, 9, 2, 2}, ports...)...))
	want := append([]byte{6}, ports...)
	for i, data := range []string{"whole", "in two parts"} {
		if m := in.got()[i]; string(m.Data) != data || !bytes.Equal(m.UDH, want) || m.DataCoding != 4 {
			t.Errorf("%q with header %X, data_coding %d", m.Data, m.UDH, m.DataCoding)
		}
	}
	// One part alone says itself which it is.
	lone := append([]byte{0, 3, 10, 2, 2}, ports...)
	in.comes(push("lone", lone...))
	in.stale(25 * time.Hour)
	if m := in.got()[2]; string(m.Data) != "lone" || !bytes.Equal(m.UDH, append([]byte{11}, lone...)) {
		t.Errorf("%q with header %X", m.Data, m.UDH)
	}
}

// What the client's text is coded in anew has no header that says otherwise.
func TestDeliver_HeaderOfText_OnlyWhatIsStillTrue(t *testing.T) {
	for name, c := range map[string]struct{ in, want []byte }{
		"national language":    {[]byte{3, 0x25, 1, 1}, nil},
		"language and ports":   {[]byte{9, 0x24, 1, 1, 5, 4, 0, 1, 0, 2}, []byte{6, 5, 4, 0, 1, 0, 2}},
		"waiting indication":   {[]byte{4, 1, 2, 0x80, 3}, nil},
		"one of one":           {[]byte{5, 0, 3, 1, 1, 1}, nil},
		"an element of others": {[]byte{3, 0x0A, 1, 9}, []byte{3, 0x0A, 1, 9}},
	} {
		t.Run(name, func(t *testing.T) {
			in := newInbound(t)
			in.comes(text("hello", udh(c.in...)))
			if m := in.got()[0]; !bytes.Equal(m.UDH, c.want) || m.Text == "" {
				t.Errorf("header %X", m.UDH)
			}
		})
	}
}

func TestDeliver_KindsOfMessages(t *testing.T) {
	for name, c := range map[string]struct {
		d       *pdu.Deliver
		to      string // who gets it: "client", "nobody", "list"
		waiting uint8
	}{
		"text of the SIM (class 2)":   {text("hello", coded(0xF2)), "client", 0},
		"flash":                       {text("hello", coded(0x10)), "client", 0},
		"return call":                 {text("call me", pid(0x5F)), "client", 0xC8},
		"type 0":                      {text("", pid(0x40)), "nobody", 0},
		"type 0 with a text":          {text("are you there", pid(0x40)), "nobody", 0},
		"replaces another":            {text("hello", pid(0x42)), "client", 0},
		"voicemail, to be discarded":  {text("", coded(0xC8)), "nobody", 0},
		"voicemail with a text":       {text("you have voicemail", coded(0xC8)), "client", 0xC8},
		"voicemail, to be kept":       {text("", coded(0xD8)), "client", 0xC8},
		"no voicemail any more":       {text("", coded(0xC0)), "nobody", 0},
		"voicemail by header":         {text("", udh(4, 1, 2, 0, 3)), "nobody", 0},
		"fax by header, to be kept":   {text("2 faxes", udh(4, 1, 2, 0x81, 2)), "client", 0xC9},
		"SIM data download":           {text("\x02p", pid(0x7F), coded(0xF6), udh(2, 0x70, 0)), "list", 0},
		"part of a SIM data download": {part(1, 3, "x", pid(0x7F), coded(0xF6)), "list", 0},
		"ME data download":            {text("x", pid(0x7D)), "list", 0},
		"empty text":                  {text(""), "client", 0},
		"reserved data coding":        {text("hello", coded(0x8F)), "client", 0},
	} {
		t.Run(name, func(t *testing.T) {
			in := newInbound(t)
			in.comes(c.d)
			got, aside := in.got(), in.db.Undecoded()
			if (len(got) == 1) != (c.to == "client") || (len(aside) == 1) != (c.to == "list") {
				t.Fatalf("%d messages, %d set aside", len(got), len(aside))
			}
			if len(got) == 1 && (got[0].User != "acme" || got[0].ProtocolID != c.d.PID || got[0].Waiting != c.waiting) {
				t.Errorf("%+v", got[0])
			}
			if len(aside) == 1 && (!aside[0].Aside || !strings.Contains(aside[0].Cause, "data download")) {
				t.Errorf("%+v", aside[0])
			}
		})
	}
}

// What cannot be read is kept for a person, and never reaches a client.
func TestUndecoded_KeptAndReadAgain(t *testing.T) {
	in := newInbound(t)
	tpdu, _ := text("readable after an upgrade").TPDU()
	line, _, _ := pdu.Line(pdu.Address{}, tpdu)
	for range 3 {
		for _, raw := range []string{"00FF", line} {
			if err := in.Undecoded(t.Context(), theSIM, raw, errors.New("TP-MTI: no")); err != nil {
				t.Fatal(err)
			}
		}
	}
	all := in.db.Undecoded()
	if len(all) != 2 || all[0].Times != 3 || all[0].Lane != "sim:8931" || all[0].Dest.Addr != "31653000001" || all[0].Cause != "TP-MTI: no" || len(in.got()) != 0 {
		t.Fatalf("%+v", all)
	}
	for _, u := range all {
		done, err := in.DecodeAgain(t.Context(), u)
		if done != (u.Raw == line) || done != (err == nil) {
			t.Errorf("%s: %v, %v", u.Raw, done, err)
		}
	}
	in.expect("readable after an upgrade")
}
