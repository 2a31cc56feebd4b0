package smppd

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gsmgate/smppd/smpp"
)

// authority is a CA of a test.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T, name string) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{t, cert, key}
}

// issue makes a client's certificate that is valid for so long from now.
func (a *authority) issue(name string, valid time.Duration) tls.Certificate {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(valid),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key}
}

// write puts the authorities into a bundle.
func write(t *testing.T, path string, all ...*authority) {
	t.Helper()
	var bundle []byte
	for _, a := range all {
		bundle = append(bundle, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})...)
	}
	if err := writeFileAtomic(path, bundle, 0o600); err != nil {
		t.Fatal(err)
	}
}

// mutualTLS is a server that asks for certificates. Its bind says on certs which one it saw.
func mutualTLS(t *testing.T, cas *ClientCAs, must bool) (dial func(...tls.Certificate) *peer, seen func() *x509.Certificate) {
	t.Helper()
	l, err := ListenTLS("127.0.0.1:0", cas.Require(mustCert(t, t.TempDir(), "", "", discardLog()).TLSConfig(), must))
	if err != nil {
		t.Fatal(err)
	}
	var certs []tls.Certificate
	cache := tls.NewLRUClientSessionCache(8)
	b := newBackend()
	r := startOn(t, Config{}, b, l, func() net.Conn {
		config := &tls.Config{InsecureSkipVerify: true, ClientSessionCache: cache}
		if len(certs) > 0 { // shown also when the server does not name its authority
			shown := certs[0]
			config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &shown, nil }
		}
		c, err := tls.Dial("tcp", l.Addr().String(), config)
		if err != nil {
			t.Fatal(err)
		}
		return c
	})
	dial = func(shown ...tls.Certificate) *peer {
		certs = shown
		return r.connect()
	}
	return dial, func() *x509.Certificate { return (<-b.bounds).PeerCertificate() }
}

// binds says whether the connection comes as far as a bind.
func binds(p *peer) bool {
	p.t.Helper()
	b, err := smpp.Append(nil, smpp.StatusOK, 1, bindPDU(TRX))
	if err != nil {
		p.t.Fatal(err)
	}
	_ = p.conn.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := p.conn.Write(b); err != nil {
		return false
	}
	_, err = p.r.ReadFrame()
	return err == nil
}

func TestClientCAs_AskedAndRequired(t *testing.T) {
	ca, other := newAuthority(t, "ca"), newAuthority(t, "other")
	path := filepath.Join(t.TempDir(), "ca.pem")
	write(t, path, ca)
	cas, err := LoadClientCAs(path, discardLog())
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name  string
		must  bool
		shown []tls.Certificate
		binds bool
		cn    string
	}{
		{"asked, none shown", false, nil, true, ""},
		{"asked, right one", false, []tls.Certificate{ca.issue("acme", time.Hour)}, true, "acme"},
		{"asked, of another authority", false, []tls.Certificate{other.issue("acme", time.Hour)}, false, ""},
		{"asked, ended", false, []tls.Certificate{ca.issue("acme", -time.Hour)}, false, ""},
		{"required, none shown", true, nil, false, ""},
		{"required, right one", true, []tls.Certificate{ca.issue("acme", time.Hour)}, true, "acme"},
		{"required, of another authority", true, []tls.Certificate{other.issue("acme", time.Hour)}, false, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dial, seen := mutualTLS(t, cas, tc.must)
			if got := binds(dial(tc.shown...)); got != tc.binds {
				t.Fatalf("binds: %v, want %v", got, tc.binds)
			}
			if !tc.binds {
				return
			}
			if c := seen(); (c != nil) != (tc.cn != "") || c != nil && c.Subject.CommonName != tc.cn {
				t.Errorf("the session shows %v, want %q", c, tc.cn)
			}
		})
	}
}

// An authority that is taken out of the bundle is believed no more, also by a client that could
// resume its session of TLS; one that is put in is believed at once.
func TestClientCAs_BundleReplaced_RereadWithoutRestart(t *testing.T) {
	first, second := newAuthority(t, "first"), newAuthority(t, "second")
	path := filepath.Join(t.TempDir(), "ca.pem")
	write(t, path, first)
	var logged lockedBuffer
	cas, err := LoadClientCAs(path, slog.New(slog.NewTextHandler(&logged, nil)))
	if err != nil {
		t.Fatal(err)
	}
	dial, _ := mutualTLS(t, cas, true)
	one, two := first.issue("one", time.Hour), second.issue("two", time.Hour)
	check := func(when string, wantOne, wantTwo bool) {
		t.Helper()
		cas.lastCheck.Store(0) // the pause between checks is over
		if got := binds(dial(one)); got != wantOne {
			t.Errorf("%s: the first authority's client binds: %v", when, got)
		}
		if got := binds(dial(two)); got != wantTwo {
			t.Errorf("%s: the second authority's client binds: %v", when, got)
		}
	}
	check("at first", true, false)
	write(t, path, first, second)
	check("both", true, true)
	write(t, path, second)
	check("the second alone", false, true)
	for range 3 {
		if err := os.WriteFile(path, []byte("broken"), 0o600); err != nil {
			t.Fatal(err)
		}
		check("broken", false, true)
	}
	if n := strings.Count(logged.String(), "level=ERROR"); n < 1 || n > 3 {
		t.Errorf("logged %d errors:\n%s", n, logged.String())
	}
	write(t, path, first)
	check("mended", true, false)
}

func TestLoadClientCAs_NothingThere_ErrorNamesTheFile(t *testing.T) {
	dir := t.TempDir()
	empty := filepath.Join(dir, "empty.pem")
	if err := os.WriteFile(empty, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{empty, filepath.Join(dir, "missing.pem")} {
		if _, err := LoadClientCAs(path, discardLog()); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestPeerCertificate_WithoutTLS_None(t *testing.T) {
	r := start(t, Config{}, newBackend())
	r.bound(TRX)
	if c := (<-r.b.bounds).PeerCertificate(); c != nil {
		t.Errorf("%v", c.Subject)
	}
}
