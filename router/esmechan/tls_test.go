package esmechan

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"math/big"
	"net"
	"testing"
	"time"

	"gsmgate/smppd/smppsim"
	"gsmgate/storage"
	"gsmgate/storage/storagetest"
)

const providerName = "provider.example" // that the channel connects to

// authority is a CA.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T, name string) *authority {
	t.Helper()
	a := &authority{t: t}
	var raw []byte
	raw, a.key = issue(t, certificate(name, time.Hour, func(c *x509.Certificate) {
		c.IsCA, c.BasicConstraintsValid, c.KeyUsage = true, true, x509.KeyUsageCertSign
	}), nil, nil)
	var err error
	if a.cert, err = x509.ParseCertificate(raw); err != nil {
		t.Fatal(err)
	}
	return a
}

// certificate is for a name, and ends so much later.
func certificate(name string, lasts time.Duration, change ...func(*x509.Certificate)) *x509.Certificate {
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-24 * time.Hour), NotAfter: time.Now().Add(lasts),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	for _, f := range change {
		f(c)
	}
	return c
}

// issue signs a certificate by the CA, or by itself when that is nil.
func issue(t *testing.T, c, ca *x509.Certificate, by *ecdsa.PrivateKey) ([]byte, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if ca == nil {
		ca, by = c, key
	}
	raw, err := x509.CreateCertificate(rand.Reader, c, ca, &key.PublicKey, by)
	if err != nil {
		t.Fatal(err)
	}
	return raw, key
}

// pair issues a certificate and its key.
func (a *authority) pair(c *x509.Certificate) tls.Certificate {
	a.t.Helper()
	raw, key := issue(a.t, c, a.cert, a.key)
	return tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key}
}

func (a *authority) pem() string { return pemOf("CERTIFICATE", a.cert.Raw) }

func pemOf(kind string, raw []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: raw}))
}

// files are the PEM files of a pair.
func files(t *testing.T, p tls.Certificate) (cert, key string) {
	t.Helper()
	raw, err := x509.MarshalPKCS8PrivateKey(p.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	return pemOf("CERTIFICATE", p.Certificate[0]), pemOf("PRIVATE KEY", raw)
}

// pinOf is what an operator sets for a pair.
func pinOf(t *testing.T, p tls.Certificate) string {
	t.Helper()
	c, err := x509.ParseCertificate(p.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(c.RawSubjectPublicKeyInfo)
	return hex.EncodeToString(sum[:])
}

// tlsCase is a provider with TLS, and how the channel is set to meet it.
type tlsCase struct {
	name   string
	server func(a *authority) *tls.Config
	set    func(t *testing.T, a *authority, server *tls.Config, c *storage.SMPPChannel)
	fate   look
}

func TestTLS(t *testing.T) {
	for _, c := range append(tlsNames(), tlsKeys()...) {
		t.Run(c.name, func(t *testing.T) {
			p := overTLS(t, c)
			id := p.Submit("31612345678", "Hello")
			if c.fate.ready {
				p.Ends(id, c.fate.state)
			} else {
				p.Until("it was tried", func() bool { return p.ch.Binds()[0].Tries > 0 })
			}
			c.fate.check(t, "with TLS", p, id)
		})
	}
}

// overTLS has the provider at a port of this machine, under its name.
func overTLS(t *testing.T, c tlsCase) *post {
	t.Helper()
	a := newAuthority(t, "the provider's CA")
	server := c.server(a)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, l.Addr().String())
	}
	return postOver(t, storagetest.Open(t), l, dial, smppsim.SMSCConfig{TLS: server}, func(r *storage.SMPPChannel) {
		r.Address, r.TLS, r.CA = providerName+":2776", true, a.pem()
		if c.set != nil {
			c.set(t, a, server, r)
		}
	})
}

func certified(name string, lasts time.Duration) func(*authority) *tls.Config {
	return func(a *authority) *tls.Config {
		return &tls.Config{Certificates: []tls.Certificate{a.pair(certificate(name, lasts))}}
	}
}

func tlsNames() []tlsCase {
	good := certified(providerName, time.Hour)
	return []tlsCase{
		{"OwnCA_Bound", good, nil, arrived()},
		{"CAOfNobody_Refused", good, func(t *testing.T, _ *authority, _ *tls.Config, c *storage.SMPPChannel) {
			c.CA = newAuthority(t, "another CA").pem()
		}, down("unknown authority")},
		{"CAsOfTheMachine_Refused", good, func(_ *testing.T, _ *authority, _ *tls.Config, c *storage.SMPPChannel) { c.CA = "" },
			down("unknown authority|certificate is not trusted")},
		{"WrongName_Refused", certified("other.example", time.Hour), nil, down("certificate is valid for other.example, not " + providerName)},
		{"WrongName_ButTold_Bound", certified("other.example", time.Hour), func(_ *testing.T, _ *authority, _ *tls.Config, c *storage.SMPPChannel) {
			c.Host = "other.example"
		}, arrived()},
		{"Expired_Refused", certified(providerName, -time.Minute), nil, down("certificate has expired")},
		{"OldVersion_Refused", func(a *authority) *tls.Config {
			s := good(a)
			s.MaxVersion = tls.VersionTLS11
			return s
		}, nil, down("protocol version")},
	}
}

func tlsKeys() []tlsCase {
	pinned := func(t *testing.T, _ *authority, server *tls.Config, c *storage.SMPPChannel) {
		c.CA, c.Pin = "", pinOf(t, server.Certificates[0])
	}
	asks := func(a *authority) *tls.Config {
		s := certified(providerName, time.Hour)(a)
		s.ClientAuth, s.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool()
		s.ClientCAs.AddCert(a.cert)
		return s
	}
	return []tlsCase{
		{"PinnedKey_Bound", certified(providerName, time.Hour), pinned, arrived()},
		{"PinnedKey_WhateverTheCertificateSays_Bound", certified("other.example", -time.Minute), pinned, arrived()},
		{"PinnedKey_AnotherKey_Refused", certified(providerName, time.Hour), func(t *testing.T, a *authority, _ *tls.Config, c *storage.SMPPChannel) {
			c.CA, c.Pin = "", pinOf(t, a.pair(certificate(providerName, time.Hour)))
		}, down("another one is pinned")},
		{"ClientCertificate_Bound", asks, func(t *testing.T, a *authority, _ *tls.Config, c *storage.SMPPChannel) {
			c.Cert, c.Key = files(t, a.pair(certificate("gate", time.Hour)))
		}, arrived()},
		{"ClientCertificate_Missing_Refused", asks, nil, down("certificate required")},
		{"ClientCertificate_OfAnotherCA_Refused", asks, func(t *testing.T, _ *authority, _ *tls.Config, c *storage.SMPPChannel) {
			c.Cert, c.Key = files(t, newAuthority(t, "another CA").pair(certificate("gate", time.Hour)))
		}, down("certificate authority|certificate required|bad certificate")},
	}
}

// A provider that speaks no TLS is never spoken to in the clear instead.
func TestTLS_ProviderWithout_Refused(t *testing.T) {
	inBubble(t, smppsim.SMSCConfig{}, func(c *storage.SMPPChannel) { c.TLS = true }, func(t *testing.T, p *post) {
		id := p.Submit("31612345678", "Hello")
		after(40 * time.Second)
		down("TLS handshake|deadline exceeded|EOF").check(t, "without TLS", p, id)
		if n := p.smsc.Counts().Sessions; n != 0 {
			t.Errorf("%d sessions", n)
		}
	})
}

// Binds come back over TLS when the connection was cut.
func TestTLS_Cut_BoundAgain(t *testing.T) {
	p := overTLS(t, tlsCase{server: certified(providerName, time.Hour)})
	p.Ends(p.Submit("31612345678", "One"), storage.Delivered)
	p.smsc.Drop()
	p.Until("it is noticed", func() bool { return !p.ch.Status().Ready })
	p.Ends(p.Submit("31612345678", "Two"), storage.Delivered)
}
