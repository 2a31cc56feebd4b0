package smppchan_test

import (
	"encoding/binary"
	"testing"

	"gsmgate/router"
	"gsmgate/smppd"
)

// A queue that is full says so to who submits; the session and those of others go on.
func TestErrorTable_QueueFull(t *testing.T) {
	f := openOffice(t, router.Options{MaxQueued: 1}, smppd.Config{})
	other := f.bound(t, "neighbour", bindTRX)
	for _, user := range []string{"acme", "neighbour"} {
		l := f.bound(t, user, bindTX)
		status := uint32(rMsgQFul)
		if user == "acme" {
			l.ask(submit(), submitSM|resp, rOK)
		}
		for range 3 {
			l.ask(submit(), submitSM|resp, status)
		}
		l.usable()
		other.usable()
	}
}

// What is sent beyond the window is read later: all of it is answered, and a session of the same
// user does not wait for it.
func TestErrorTable_MoreOutstandingThanTheWindow(t *testing.T) {
	f := openOffice(t, router.Options{}, smppd.Config{Window: 4})
	others := f.bystand()
	l, second := f.bound(t, "acme", bindTX), f.bound(t, "acme", bindTX)
	const count = 300
	var burst []byte
	want := map[uint32]bool{}
	for i := range uint32(count) {
		p := submit()
		binary.BigEndian.PutUint32(p[12:], i+1)
		burst = append(burst, p...)
		want[i+1] = true
	}
	l.write(burst)
	second.ask(submit(), submitSM|resp, rOK)
	for range count {
		a, err := l.recv()
		if err != nil || a.id != submitSM|resp || a.status != rOK || !want[a.seq] {
			t.Fatalf("got %v, %v", a, err)
		}
		delete(want, a.seq)
	}
	l.usable()
	others.noticedNothing(t)
}

// A message_id is 8 octets, which an ESME of version 3.3 has room for, and another one each time.
func TestErrorTable_MessageID_EightOctets(t *testing.T) {
	f := openOffice(t, router.Options{}, smppd.Config{})
	l := f.dial(t)
	l.ask(bindPDU(bindTX, "interface_version", "\x33"), bindTX|resp, rOK)
	seen := map[string]bool{}
	for range 20 {
		l.ask(submit(), submitSM|resp, rOK)
		if len(l.id) != 8 || seen[l.id] {
			t.Errorf("message_id %q", l.id)
		}
		seen[l.id] = true
	}
}
