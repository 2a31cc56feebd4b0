package smppd

import (
	"bytes"
	"crypto/tls"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gsmgate/smppd/smpp"
)

func prefixes(all ...string) (out []netip.Prefix) {
	for _, p := range all {
		out = append(out, netip.MustParsePrefix(p))
	}
	return out
}

func TestDoor_Allow_Addresses(t *testing.T) {
	for _, c := range []struct {
		allow []netip.Prefix
		from  string
		want  bool
	}{
		{nil, "203.0.113.9", true},
		{prefixes("203.0.113.0/24"), "203.0.113.9", true},
		{prefixes("203.0.113.0/24"), "::ffff:203.0.113.9", true},
		{prefixes("::ffff:203.0.113.0/120"), "203.0.113.9", true},
		{prefixes("203.0.113.77/24"), "203.0.113.9", true},
		{prefixes("203.0.113.0/24"), "203.0.114.9", false},
		{prefixes("203.0.113.0/24", "2001:db8::/32"), "2001:db8:1::5", true},
		{prefixes("2001:db8::/32"), "2001:db9::5", false},
		{prefixes("fe80::/10"), "fe80::1%eth0", true},
		{prefixes("0.0.0.0/0"), "2001:db8::1", false},
	} {
		d := newDoor(Config{Allow: c.allow}, discardLog())
		from := addressOf(net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(c.from), 5)))
		if got := d.allowed(from); got != c.want {
			t.Errorf("%s with %v: %v", c.from, c.allow, got)
		}
	}
	if newDoor(Config{Allow: prefixes("0.0.0.0/0")}, discardLog()).allowed(addressOf(&net.UnixAddr{})) {
		t.Error("what has no address is let in by a list of addresses")
	}
}

// dialFrom connects from an address of the loopback net.
func dialFrom(t *testing.T, from, to string) net.Conn {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: 10 * time.Second}
	c, err := d.Dial("tcp", to)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// listenOn runs a server on the loopback address, with TLS when cert is true.
func listenOn(t *testing.T, cfg Config, b *backend, withTLS bool) (r *running, addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr = l.Addr().String()
	if withTLS {
		l = tls.NewListener(l, mustCert(t, t.TempDir(), "", "", discardLog()).TLSConfig())
	}
	return startOn(t, cfg, b, l, nil), addr
}

func closedAtOnce(t *testing.T, c net.Conn) {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
	if n, err := c.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("read %d octets, %v, want a closed connection", n, err)
	} else if ne, ok := err.(net.Error); ok && ne.Timeout() {
		t.Error("the connection was not closed")
	}
}

func TestAllow_OtherAddress_ClosedBeforeTLS(t *testing.T) {
	r, addr := listenOn(t, Config{Allow: prefixes("127.0.0.2/32")}, newBackend(), true)
	closedAtOnce(t, dialFrom(t, "127.0.0.1", addr))
	c := tls.Client(dialFrom(t, "127.0.0.2", addr), &tls.Config{InsecureSkipVerify: true})
	if err := bindAndSubmit(c, 1); err != nil {
		t.Error(err)
	}
	c.Close()
	if st := r.srv.Stats(); st.Forbidden != 1 || st.Connections != 1 || st.HandshakesFailed != 0 {
		t.Errorf("counted %+v", st)
	}
}

func TestFlood_300SilentConnectionsOfOneAddress_OthersBindAtOnce(t *testing.T) {
	r, addr := listenOn(t, Config{SessionInit: time.Minute}, newBackend(), true)
	var wg sync.WaitGroup
	for range 300 {
		c := dialFrom(t, "127.0.0.2", addr)
		wg.Go(func() { // held open to the end of the test, silent
			_ = c.SetReadDeadline(time.Now().Add(time.Minute))
			_, _ = c.Read(make([]byte, 1))
		})
	}
	begin := time.Now()
	c := tls.Client(dialFrom(t, "127.0.0.3", addr), &tls.Config{InsecureSkipVerify: true})
	if err := bindAndSubmit(c, 1); err != nil {
		t.Error(err)
	}
	c.Close()
	if took := time.Since(begin); took > 30*time.Second {
		t.Errorf("the bind of another address took %v", took)
	}
	if st, waiting := r.srv.Stats(), r.srv.lobby.count(); st.Crowded != 0 || st.Unbound > 65 || waiting != 300-64 {
		t.Errorf("counted %+v, %d wait, want 64 let in", st, waiting)
	}
	r.stop()
	wg.Wait()
}

func TestMaxUnboundPerAddress_Bound_GivesItsPlaceBack(t *testing.T) {
	r, addr := listenOn(t, Config{MaxUnboundPerAddress: 1}, newBackend(), false)
	for range 5 { // one after the other they all have their turn
		p := &peer{t: t, conn: dialFrom(t, "127.0.0.1", addr)}
		p.r = smpp.NewReader(p.conn, 0)
		p.expect(smpp.IDBindTransceiverResp, smpp.StatusOK, p.send(bindPDU(TRX)))
	}
	if st := r.srv.Stats(); st.Bound != 5 || st.Crowded != 0 {
		t.Errorf("counted %+v", st)
	}
}

func TestMaxBindTries_Refused_ClosedAfterTheAnswer(t *testing.T) {
	r := start(t, Config{}, newBackend())
	p := r.connect()
	wrong := bindPDU(TRX)
	wrong.Password = "wrong"
	for range 2 {
		p.expect(smpp.IDBindTransceiverResp, smpp.StatusBindFail, p.send(wrong))
	}
	p.write(body(smpp.IDBindReceiver, 9, "1234567890123456\x00\x00\x00\x00\x00\x00\x00"))
	p.expect(smpp.IDBindReceiverResp, smpp.StatusInvSysID, 9) // one that is malformed counts, too
	p.expectEnd()
	again := r.connect()
	again.expect(smpp.IDBindTransceiverResp, smpp.StatusBindFail, again.send(wrong))
	again.expect(smpp.IDBindTransceiverResp, smpp.StatusOK, again.send(bindPDU(TRX)))
	for range 5 { // bound, it only hears that it is
		again.expect(smpp.IDBindTransceiverResp, smpp.StatusAlyBnd, again.send(wrong))
	}
}

func TestDoor_Complain_LoggedAtMostEvery10s(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		d := newDoor(Config{}, slog.New(slog.NewTextHandler(&out, nil)))
		for range 25 { // seconds
			for range 100 {
				d.complain("test", &net.TCPAddr{})
			}
			time.Sleep(time.Second)
		}
		if n := bytes.Count(out.Bytes(), []byte("turned away")); n != 3 {
			t.Errorf("%d lines in 25 s, want 3", n)
		}
	})
}
