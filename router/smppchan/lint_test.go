package smppchan_test

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"
	"time"

	"gsmgate/router"
	"gsmgate/router/smppchan"
	"gsmgate/smppd"
	"gsmgate/smppd/smpp"
)

// found waits until the user's findings hold this many of a kind.
func (f *office) found(t *testing.T, user, kind string, count uint64) smppchan.Finding {
	t.Helper()
	for limit := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		all := f.ch.Lint(user)
		i := slices.IndexFunc(all, func(g smppchan.Finding) bool { return g.Kind == kind })
		if i >= 0 && all[i].Count == count {
			return all[i]
		}
		if time.Now().After(limit) {
			t.Fatalf("%q: %+v, want %d of %s", user, all, count, kind)
		}
	}
}

// leave unbinds and waits for the end.
func (l *link) leave() {
	l.t.Helper()
	l.ask(pdu(unbind), unbind|resp, rOK)
	l.closed()
}

func TestLint_Messages_CountedOverSessionsWithoutContent(t *testing.T) {
	f := openOffice(t, router.Options{}, smppd.Config{})
	for range 2 {
		l := f.bound(t, "acme", bindTX)
		l.ask(submit("short_message", "caf\xe9s"), submitSM|resp, rInvDCS)
		l.leave()
	}
	g := f.found(t, "acme", "latin1-as-default", 2)
	if g.Mend == "" || g.Session == "" || g.Remote == "" || g.Example != "submit_sm" || !g.Last.After(g.First) {
		t.Errorf("%+v", g)
	}
	for _, g := range f.ch.Lint("acme") { // the refusal itself may be told, too
		if g.Kind != "latin1-as-default" && g.Field != "data_coding" {
			t.Errorf("found %+v", g)
		}
	}
	if all := f.ch.Lint("neighbour"); len(all) != 0 {
		t.Errorf("of another user: %+v", all)
	}
	if f.ch.ResetLint("acme"); len(f.ch.Lint("acme")) != 0 {
		t.Error("found again after the reset")
	}
}

func TestLint_CleanClient_NothingFound(t *testing.T) {
	f := openOffice(t, router.Options{}, smppd.Config{})
	l := f.bound(t, "acme", bindTRX)
	for range 20 {
		l.ask(submit("registered_delivery", "\x01"), submitSM|resp, rOK)
	}
	l.usable()
	l.leave()
	f.bound(t, "acme", bindTRX) // Closed of the first session may come later than this, and finds nothing
	if all := f.ch.Lint("acme"); len(all) != 0 {
		t.Errorf("%+v", all)
	}
}

// Texts of data_sm and submit_multi are looked at like those of submit_sm.
func TestLint_OtherRequests_TextsFound(t *testing.T) {
	f := openOffice(t, router.Options{}, smppd.Config{})
	l := f.bound(t, "acme", bindTX)
	for _, p := range [][]byte{data("tlvs", "\x04\x24\x00\x05caf\xe9s"), multi("short_message", "caf\xe9s")} {
		l.seq++
		binary.BigEndian.PutUint32(p[12:], l.seq)
		l.write(p)
		if a, err := l.recv(); err != nil || a.seq != l.seq {
			t.Fatalf("%v, %v", a, err)
		}
	}
	f.found(t, "acme", "latin1-as-default", 2)
}

func TestLint_TLVsFromVersion33_Found(t *testing.T) {
	f := openOffice(t, router.Options{}, smppd.Config{})
	l := f.dial(t)
	l.ask(bindPDU(bindTX, "interface_version", "\x33"), bindTX|resp, rOK)
	l.ask(submit("tlvs", "\x02\x04\x00\x02\x00\x01"), submitSM|resp, rOK)
	f.found(t, "acme", "tlv-from-3.3", 1)
}

// What smppd tells has a finding each, under the user, or under nobody before the bind.
func TestLint_Faults_EachHasItsFinding(t *testing.T) {
	f := openOffice(t, router.Options{}, smppd.Config{})
	f.bound(t, "acme", bindTRX)
	s, ok := f.srv.Session(f.srv.Sessions()[0].ID)
	if !ok {
		t.Fatal("no session")
	}
	_, long, err := smpp.Parse(withSequence(submit("service_type", "123456\x00")))
	bad, _ := err.(*smpp.Error)
	if bad == nil {
		t.Fatalf("%v, %v", long, err)
	}
	for kind, want := range map[smppd.FaultKind]string{
		smppd.FaultState: "request-on-wrong-bind", smppd.FaultWindow: "window-overrun", smppd.FaultThrottled: "too-fast",
		smppd.FaultSequence: "bad-sequence", smppd.FaultRepeated: "repeated-sequence", smppd.FaultUnsolicited: "unsolicited-response",
		smppd.FaultNoDeliverResp: "no-deliver-resp", smppd.FaultNoEnquireLink: "no-enquire-link", smppd.FaultEnquireIgnored: "enquire-ignored",
	} {
		f.ch.Fault(s, smppd.Fault{Kind: kind})
		f.found(t, "acme", want, 1)
	}
	f.ch.Fault(s, smppd.Fault{Kind: smppd.FaultMalformed, Err: bad})
	g := f.found(t, "acme", "oversized-field", 1)
	if g.Field != "service_type" || g.Example != "submit_sm: service_type: ESME_RINVSERTYP" || !strings.HasPrefix(g.Mend, "service_type: longer than 6 octets") {
		t.Errorf("%+v", g)
	}
	f.ch.Fault(s, smppd.Fault{Kind: smppd.FaultMalformed})
	f.found(t, "acme", "malformed", 1)
}

func withSequence(p []byte) []byte {
	binary.BigEndian.PutUint32(p[12:], 1)
	return p
}

func TestLint_ConnectionDroppedWithoutUnbind_Found(t *testing.T) {
	f := openOffice(t, router.Options{}, smppd.Config{})
	l := f.bound(t, "acme", bindTRX)
	l.conn.Close()
	f.found(t, "acme", "no-unbind", 1)
}

func TestLint_SessionsThatLiveShort_Found(t *testing.T) {
	f := openOffice(t, router.Options{}, smppd.Config{})
	for range 10 {
		f.bound(t, "acme", bindTX).leave()
	}
	f.found(t, "acme", "reconnects", 1)
}

// What connections do wrong that never bind is told of nobody.
func TestLint_ConnectionsThatNeverBind_UnderNobody(t *testing.T) {
	f := openOffice(t, router.Options{}, smppd.Config{})
	l := f.dial(t)
	l.ask(submit(), submitSM|resp, rInvBndSts)
	l.ask(bindPDU(bindTX, "password", "123456789"), bindTX|resp, rInvPaswd)
	f.found(t, "", "request-before-bind", 1)
	if g := f.found(t, "", "oversized-field", 1); g.Field != "password" {
		t.Errorf("%+v", g)
	}
}

// What smppd sees of a bound session is told of its user.
func TestLint_WhatSMPPDSees_UnderTheUser(t *testing.T) {
	f := openOffice(t, router.Options{}, smppd.Config{})
	l := f.bound(t, "acme", bindRX)
	l.ask(submit(), submitSM|resp, rInvBndSts)
	l.write(withLength(16, submitSM|resp, 4711))
	l.usable()
	f.found(t, "acme", "request-on-wrong-bind", 1)
	f.found(t, "acme", "unsolicited-response", 1)
}
