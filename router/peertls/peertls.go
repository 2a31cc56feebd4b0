// Package peertls makes what a channel needs to trust its provider over TLS, and
// nobody else: CAs of the machine or of its own, or one pinned key.
package peertls

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"strings"

	"gsmgate/router"
)

// Spec is what a record says of TLS. Empty fields are the default of each.
type Spec struct {
	Host string // that the certificate is for
	CA   string // PEM; "": those of the machine
	Pin  string // SHA-256 of the peer's public key, hexadecimal; instead of a CA
	Cert string // PEM, of us
	Key  string
}

func bad(field, message, hint string) error {
	return &router.Error{Code: router.Invalid, Field: field, Message: message, Hint: hint}
}

// Config makes the configuration of a client. A *router.Error names the field that
// is wrong.
func Config(s Spec) (*tls.Config, error) {
	conf := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: s.Host}
	if s.CA != "" {
		conf.RootCAs = x509.NewCertPool()
		if !conf.RootCAs.AppendCertsFromPEM([]byte(s.CA)) {
			return nil, bad("ca", "no certificate in it", "give a PEM file with the certificate of the provider's CA, or the provider's own")
		}
	}
	if (s.Cert == "") != (s.Key == "") {
		return nil, bad("cert", "a certificate and its key go together", "")
	}
	if s.Cert != "" {
		pair, err := tls.X509KeyPair([]byte(s.Cert), []byte(s.Key))
		if err != nil {
			return nil, bad("cert", "the certificate and its key cannot be used: "+err.Error(), "give PEM files")
		}
		conf.Certificates = []tls.Certificate{pair}
	}
	return conf, pin(conf, s.Pin)
}

// pin lets through the one public key, whoever has signed its certificate.
func pin(conf *tls.Config, text string) error {
	if text == "" {
		return nil
	}
	want, err := hex.DecodeString(strings.ReplaceAll(text, ":", ""))
	if err != nil || len(want) != sha256.Size {
		return bad("pin", "not the SHA-256 of a public key", "64 hexadecimal digits, of the DER form of SubjectPublicKeyInfo")
	}
	conf.InsecureSkipVerify = true // the pin stands in for the chain
	conf.VerifyConnection = func(cs tls.ConnectionState) error {
		sum := sha256.Sum256(cs.PeerCertificates[0].RawSubjectPublicKeyInfo)
		if !bytes.Equal(sum[:], want) {
			return fmt.Errorf("the provider's key is %x, and another one is pinned", sum)
		}
		return nil
	}
	return nil
}
