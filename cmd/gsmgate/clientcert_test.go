package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"gsmgate/router"
	"gsmgate/smppd/smpp"
	"gsmgate/storage"
)

func rich(name string) router.UserSpec {
	return router.UserSpec{SystemID: name, Password: "secret", Credits: 1e6 * storage.Credit}
}

// testCA issues certificates for clients.
type testCA struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	path string // of its PEM file
}

func newTestCA(t *testing.T) *testCA {
	t.Helper()
	ca := &testCA{t: t, path: filepath.Join(t.TempDir(), "ca.pem")}
	ca.cert = &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test CA"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	ca.key = newKey(t)
	raw, err := x509.CreateCertificate(rand.Reader, ca.cert, ca.cert, &ca.key.PublicKey, ca.key)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(ca.path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	return ca
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// issue makes a certificate with the names of template.
func (ca *testCA) issue(template x509.Certificate) []tls.Certificate {
	ca.t.Helper()
	template.SerialNumber, template.NotBefore, template.NotAfter = big.NewInt(2), time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	key := newKey(ca.t)
	raw, err := x509.CreateCertificate(rand.Reader, &template, ca.cert, &key.PublicKey, ca.key)
	if err != nil {
		ca.t.Fatal(err)
	}
	return []tls.Certificate{{Certificate: [][]byte{raw}, PrivateKey: key}}
}

// Common name and every kind of subject alternative name map to a system_id.
func TestClientCert_NamesLetIn(t *testing.T) {
	ca := newTestCA(t)
	app := startApp(t, Options{ClientCA: ca.path, ClientCert: certAsk}, "smpps://127.0.0.1:0", "https://127.0.0.1:0")
	spec := rich("acme")
	auth := "either"
	spec.CertAuth, spec.CertNames = &auth, &[]string{"Acme Ltd", "acme.example", "ops@acme.example", "spiffe://acme/esme", "192.0.2.9"}
	if _, err := app.Router().AddUser(t.Context(), spec); err != nil {
		t.Fatal(err)
	}
	uri, _ := url.Parse("spiffe://acme/esme")
	for _, tc := range []struct {
		name     string
		certs    []tls.Certificate
		password string
		want     smpp.CommandStatus
	}{
		{"common name", ca.issue(x509.Certificate{Subject: pkix.Name{CommonName: "Acme Ltd"}}), "", smpp.StatusOK},
		{"DNS name", ca.issue(x509.Certificate{DNSNames: []string{"other.example", "acme.example"}}), "", smpp.StatusOK},
		{"email", ca.issue(x509.Certificate{EmailAddresses: []string{"ops@acme.example"}}), "", smpp.StatusOK},
		{"URI", ca.issue(x509.Certificate{URIs: []*url.URL{uri}}), "", smpp.StatusOK},
		{"IP address", ca.issue(x509.Certificate{IPAddresses: []net.IP{net.ParseIP("192.0.2.9")}}), "", smpp.StatusOK},
		{"another name", ca.issue(x509.Certificate{Subject: pkix.Name{CommonName: "Acme"}}), "", smpp.StatusBindFail},
		{"none, with the password", nil, "secret", smpp.StatusOK},
		{"none, without the password", nil, "", smpp.StatusBindFail},
		{"right one, with a wrong password", ca.issue(x509.Certificate{DNSNames: []string{"acme.example"}}), "wrong", smpp.StatusBindFail},
	} {
		e, err := dialDoor(address(app, 0), &tls.Config{InsecureSkipVerify: true, Certificates: tc.certs}, "acme", tc.password)
		if err != nil {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		if e.status != tc.want {
			t.Errorf("%s: %s, want %s", tc.name, e.status, tc.want)
		}
		if s := app.sessions(); tc.name == "common name" && (len(s) != 1 || s[0].CertName != "Acme Ltd") {
			t.Errorf("the session shows %+v", s)
		}
		e.close()
	}
	// The API asks for none.
	conn, err := tls.Dial("tcp", address(app, 1), &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
}

// When the certificate is no longer the user's, sessions that came in by it end.
func TestClientCert_NameTakenAway_SessionEnds(t *testing.T) {
	ca := newTestCA(t)
	app := startApp(t, Options{ClientCA: ca.path, ClientCert: certRequire}, "smpps://127.0.0.1:0")
	spec := rich("acme")
	auth := "either"
	spec.CertAuth, spec.CertNames = &auth, &[]string{"a", "b"}
	if _, err := app.Router().AddUser(t.Context(), spec); err != nil {
		t.Fatal(err)
	}
	enter := func(cn, password string) *doorESME {
		t.Helper()
		e, err := dialDoor(address(app, 0), &tls.Config{InsecureSkipVerify: true, Certificates: ca.issue(x509.Certificate{Subject: pkix.Name{CommonName: cn}})}, "acme", password)
		if err != nil || e.status != smpp.StatusOK {
			t.Fatalf("%s: %v", cn, err)
		}
		t.Cleanup(e.close)
		return e
	}
	byA, byB, byPassword := enter("a", ""), enter("b", ""), enter("a", "secret")
	if _, err := app.Router().SetUser(t.Context(), "acme", router.UserChange{UserSettings: router.UserSettings{CertNames: &[]string{"b"}}}); err != nil {
		t.Fatal(err)
	}
	<-byA.unbound
	for name, e := range map[string]*doorESME{"by its certificate": byB, "by password": byPassword} {
		select {
		case status := <-e.ask(&smpp.EnquireLink{}):
			if status != smpp.StatusOK {
				t.Errorf("%s: %s", name, status)
			}
		case <-e.ended:
			t.Errorf("%s: the session has ended", name)
		}
	}
	if _, err := dialDoor(address(app, 0), &tls.Config{InsecureSkipVerify: true}, "acme", "secret"); err == nil {
		t.Error("a client without a certificate came as far as a bind")
	}
}
