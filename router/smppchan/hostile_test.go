package smppchan_test

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"net"
	"sync"
	"testing"
	"time"

	"gsmgate/router"
	"gsmgate/smppd"
)

// burst is n submit_sm with the sequence_numbers first, first+step, …
func burst(n int, first, step uint32) []byte {
	var b []byte
	for range n {
		p := submit()
		binary.BigEndian.PutUint32(p[12:], first)
		b = append(b, p...)
		first += step
	}
	return b
}

// answers reads n positive submit_sm_resp and returns how often each sequence_number and each
// message_id came.
func (l *link) answers(n int) (seqs map[uint32]int, ids map[string]int) {
	l.t.Helper()
	seqs, ids = map[uint32]int{}, map[string]int{}
	for i := range n {
		a, err := l.recv()
		if err != nil || a.id != submitSM|resp || a.status != rOK {
			l.t.Fatalf("answer %d of %d: %v, %v", i+1, n, a, err)
		}
		seqs[a.seq]++
		ids[string(a.body)]++
	}
	return seqs, ids
}

// Handshakes that stop midway take no more places than there are for unbound connections, are
// closed by the session-init timer, and cost bound sessions nothing.
func TestHostile_TLSHandshakesStopMidway_ClosedAndOthersGoOn(t *testing.T) {
	const places, peers = 8, 40
	f := openOffice(t, router.Options{}, smppd.Config{MaxUnbound: places, MaxUnboundPerAddress: places, SessionInit: 300 * time.Millisecond})
	others := f.bystand()
	others.noticedNothing(t)
	var stalled sync.WaitGroup
	for range peers {
		conn, err := net.Dial("tcp", f.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := conn.Write([]byte{0x16, 3, 1, 0x02, 0, 1, 0, 1, 0xFC, 3, 3}); err != nil { // a ClientHello begins
			t.Fatal(err)
		}
		stalled.Go(func() {
			_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
			if _, err := conn.Read(make([]byte, 1)); err == nil || isTimeout(err) {
				t.Errorf("the end of a stalled handshake: %v", err)
			}
		})
	}
	for range 20 {
		others.noticedNothing(t)
		if n := f.srv.Stats().Unbound; n > places {
			t.Errorf("%d unbound connections are served, want %d at most", n, places)
		}
	}
	stalled.Wait()
	if f.srv.Stats().HandshakesFailed == 0 {
		t.Error("no failed handshake is counted")
	}
	for limit := time.Now().Add(20 * time.Second); f.srv.Stats().Unbound > 0 && time.Now().Before(limit); {
		others.noticedNothing(t)
	}
	f.bound(t, "acme", bindTRX).usable()
}

func isTimeout(err error) bool {
	n, ok := err.(net.Error)
	return ok && n.Timeout()
}

// Who closes its side for writing still hears all answers.
func TestHostile_HalfClosed_AllAnswersAreSent(t *testing.T) {
	f := openOffice(t, router.Options{}, smppd.Config{})
	others := f.bystand()
	l := f.bound(t, "acme", bindTX)
	l.write(burst(50, 1, 1))
	if err := l.conn.(*tls.Conn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if seqs, _ := l.answers(50); len(seqs) != 50 {
		t.Errorf("answers to %d requests", len(seqs))
	}
	l.closed()
	others.noticedNothing(t)
}

// Ten thousand enquire_links in one go are answered, each with its sequence_number.
func TestHostile_TenThousandEnquireLinks_AllAnswered(t *testing.T) {
	f := openOffice(t, router.Options{}, smppd.Config{})
	others := f.bystand()
	l := f.bound(t, "acme", bindTRX)
	const count = 10_000
	var all []byte
	for i := range uint32(count) {
		all = append(all, withLength(16, enquireLink, i+1)...)
	}
	var sending sync.WaitGroup
	sending.Go(func() {
		if _, err := l.conn.Write(all); err != nil {
			t.Error(err)
		}
	})
	for i := range uint32(count) {
		l.expect(enquireLink|resp, i+1, rOK)
	}
	sending.Wait()
	others.noticedNothing(t)
}

// A sequence_number that comes again, or is 0, is echoed; each message is taken once.
func TestHostile_SequenceRepeatedOrZero_EachAnsweredWithItsOwn(t *testing.T) {
	f := openOffice(t, router.Options{}, smppd.Config{})
	others := f.bystand()
	l := f.bound(t, "acme", bindTRX)
	for _, sequence := range []uint32{0, 7, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF} {
		l.write(burst(60, sequence, 0))
		seqs, ids := l.answers(60)
		if seqs[sequence] != 60 || len(ids) != 60 {
			t.Errorf("sequence_number %08X: %d answers with it, %d message_ids", sequence, seqs[sequence], len(ids))
		}
	}
	others.noticedNothing(t)
}

// unbind while submits are outstanding: they are answered first.
func TestHostile_UnbindWithSubmitsOutstanding_AnsweredFirst(t *testing.T) {
	f := openOffice(t, router.Options{}, smppd.Config{})
	others := f.bystand()
	l := f.bound(t, "acme", bindTX)
	l.write(append(burst(200, 1, 1), withLength(16, unbind, 999)...))
	if seqs, ids := l.answers(200); len(seqs) != 200 || len(ids) != 200 {
		t.Errorf("%d requests answered with %d message_ids", len(seqs), len(ids))
	}
	l.expect(unbind|resp, 999, rOK)
	l.closed()
	others.noticedNothing(t)
}

// Who reads nothing is read from no more once its answers wait: the rest of what it sends stays in
// the network's buffers, and others go on.
func TestHostile_SlowReader_NoMoreThanItsShareIsTaken(t *testing.T) {
	const window = 16
	f := openOffice(t, router.Options{}, smppd.Config{Window: window})
	others := f.bystand()
	l := f.bound(t, "acme", bindTX)
	l.write(burst(2000, 1, 1))
	for range 50 {
		others.noticedNothing(t)
		for _, s := range f.srv.Sessions() {
			if s.WindowInUse > window {
				t.Errorf("%d submit_sm are outstanding, want %d at most", s.WindowInUse, window)
			}
		}
	}
	if seqs, ids := l.answers(2000); len(seqs) != 2000 || len(ids) != 2000 {
		t.Errorf("%d requests answered with %d message_ids", len(seqs), len(ids))
	}
}

// Half a PDU holds up nobody but the session that sent it, and the rest may come later.
func TestHostile_HalfAPDU_OthersGoOn(t *testing.T) {
	f := openOffice(t, router.Options{}, smppd.Config{})
	others := f.bystand()
	l, second := f.bound(t, "acme", bindTX), f.bound(t, "acme", bindTX)
	whole := submit()
	binary.BigEndian.PutUint32(whole[12:], 77)
	l.write(whole[:20])
	second.ask(submit(), submitSM|resp, rOK)
	others.noticedNothing(t)
	l.write(whole[20:])
	l.expect(submitSM|resp, 77, rOK)
}

// Octets that are no SMPP at all end in generic_nack and the end of that connection.
func TestHostile_NoSMPPAtAll_NackedAndClosed(t *testing.T) {
	f := openOffice(t, router.Options{}, smppd.Config{})
	others := f.bystand()
	for _, bind := range everyBind {
		l := f.bound(t, "acme", bind)
		l.write([]byte("GET / HTTP/1.1\r\nHost: smsc\r\n\r\n"))
		a, err := l.recv()
		if err != nil || a.id != genericNack || a.status != rInvCmdLen || !bytes.Equal(a.body, nil) {
			t.Errorf("got %v, %v", a, err)
		}
		l.closed()
		others.noticedNothing(t)
	}
}
