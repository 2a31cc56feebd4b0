package smppd

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"gsmgate/smppd/smpp"
)

func TestInfo_RateAndOctets(t *testing.T) {
	bubble(t, Config{}, newBackend(), func(t *testing.T, r *running) {
		p := r.bound(TRX)
		s := r.session()
		octets := s.Info().OctetsIn
		one := frame(t, 2, message("316"))
		for range 100 {
			time.Sleep(100 * time.Millisecond)
			p.write(one)
			p.expect(smpp.IDSubmitSMResp, smpp.StatusOK, 2)
		}
		p.expect(smpp.IDSubmitMultiResp, smpp.StatusOK, p.send(multi(5)))
		info := s.Info()
		if info.Submits != 105 || info.SubmitRate < 9 || info.SubmitRate > 12 {
			t.Errorf("%d messages, %.1f a second, want 105, about 10.5", info.Submits, info.SubmitRate)
		}
		if got := info.OctetsIn - octets; got < uint64(100*len(one)) || info.OctetsOut < 100*smpp.HeaderLen {
			t.Errorf("octets %d in, %d out", got, info.OctetsOut)
		}
		done := deliver(context.Background(), s, "x")
		seq, _ := p.expectRequest(smpp.IDDeliverSM)
		if info := s.Info(); info.DeliverInUse != 1 || info.Delivers != 1 || info.DeliverRate == 0 {
			t.Errorf("listed as %+v", info)
		}
		p.reply(smpp.StatusOK, seq, &smpp.DeliverSMResp{})
		<-done
		time.Sleep(10 * time.Second)
		if now := s.Info().SubmitRate; now >= info.SubmitRate {
			t.Errorf("still %.1f a second after silence", now)
		}
	})
}

func TestDisconnect_OneAndAllOfAUser_InOrder(t *testing.T) {
	r := start(t, Config{}, newBackend())
	bind := func(systemID string) (*peer, *Session) {
		p := r.connect()
		b := bindPDU(TRX)
		b.SystemID = systemID
		p.expect(smpp.IDBindTransceiverResp, smpp.StatusOK, p.send(b))
		return p, r.session() // one after the other: Bound is called after the bind_resp
	}
	a1, first := bind("a")
	a2, _ := bind("a")
	a3, _ := bind("a")
	b1, _ := bind("b")
	unbound := func(p *peer) {
		seq, _ := p.expectRequest(smpp.IDUnbind)
		p.reply(smpp.StatusOK, seq, &smpp.UnbindResp{})
		p.expectEnd()
	}
	if r.srv.Disconnect("nobody", "test") || !r.srv.Disconnect(first.ID(), "test") {
		t.Error("a session was not found, or one too many")
	}
	unbound(a1)
	<-first.Done()
	for len(r.srv.SessionsOf("a")) != 2 {
		time.Sleep(time.Millisecond)
	}
	if n := r.srv.DisconnectUser("a", "test"); n != 2 || len(r.srv.SessionsOf("c")) != 0 {
		t.Errorf("%d disconnected, want 2", n)
	}
	unbound(a2)
	unbound(a3)
	b1.alive()
}

func TestAlert_ToReceiversOf34_Others_NotSent(t *testing.T) {
	r := start(t, Config{}, newBackend())
	alert := &smpp.AlertNotification{Source: smpp.Address{TON: 1, NPI: 1, Addr: "31612345678"}}
	for _, c := range []struct {
		typ     BindType
		version uint8
		sent    bool
	}{{RX, smpp.Version34, true}, {TRX, smpp.Version50, true}, {TX, smpp.Version34, false}, {RX, smpp.Version33, false}} {
		p := r.connect()
		b := bindPDU(c.typ)
		b.InterfaceVersion = c.version
		p.expect(b.ID.Response(), smpp.StatusOK, p.send(b))
		err := r.session().Alert(alert)
		if c.sent {
			if _, pdu := p.expectRequest(smpp.IDAlertNotification); err != nil || pdu.(*smpp.AlertNotification).Source != alert.Source {
				t.Errorf("%v %#x: %v, %+v", c.typ, c.version, err, pdu)
			}
		} else if !errors.Is(err, ErrNotSent) {
			t.Errorf("%v %#x: %v, want ErrNotSent", c.typ, c.version, err)
		}
		p.alive()
	}
}

func TestAlert_PeerDoesNotRead_BoundedThenNotSent(t *testing.T) {
	bubble(t, Config{}, newBackend(), func(t *testing.T, r *running) {
		p := r.bound(RX)
		s := r.session()
		synctest.Wait()
		sent := 0
		for sent < 100_000 && s.Alert(&smpp.AlertNotification{}) == nil {
			sent++
		}
		if sent == 0 || sent > 2*outboundHigh/smpp.HeaderLen {
			t.Errorf("%d alerts wait for a peer that reads none", sent)
		}
		for range sent {
			p.expectRequest(smpp.IDAlertNotification)
		}
		s.Close("test")
		wantErr(t, s.Alert(&smpp.AlertNotification{}), ErrNotSent)
		p.expectRequest(smpp.IDUnbind)
	})
}

func TestPeerCertificate_VerifiedLeafOrNil(t *testing.T) {
	server, client := mustCert(t, t.TempDir(), "", "", discardLog()), clientCert(t)
	roots := x509.NewCertPool()
	roots.AddCert(client.Leaf)
	config := server.TLSConfig()
	config.ClientAuth, config.ClientCAs = tls.VerifyClientCertIfGiven, roots
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	r := startOn(t, Config{}, newBackend(), tls.NewListener(l, config), nil)
	for _, with := range []bool{true, false} {
		conf := &tls.Config{InsecureSkipVerify: true}
		if with {
			conf.Certificates = []tls.Certificate{client}
		}
		c, err := tls.Dial("tcp", addr, conf)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		p := &peer{t: t, conn: c, r: smpp.NewReader(c, 0)}
		p.expect(smpp.IDBindTransceiverResp, smpp.StatusOK, p.send(bindPDU(TRX)))
		got := r.session().PeerCertificate()
		if with && (got == nil || !got.Equal(client.Leaf)) || !with && got != nil {
			t.Errorf("with a certificate %v: got %v", with, got)
		}
	}
}

// clientCert is a self-signed certificate of an ESME.
func clientCert(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "esme"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}
