package smppd

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io/fs"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// selfSignedYears is how long a certificate of ours is valid.
const selfSignedYears = 10

// ensureSelfSigned makes the pair of files when one of them is not there.
func ensureSelfSigned(dir, certPath, keyPath string, log *slog.Logger) error {
	if exists(certPath) && exists(keyPath) {
		return nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	names, addrs := hostNames(), hostAddrs()
	certPEM, keyPEM, err := makeSelfSigned(names, addrs, time.Now())
	if err != nil {
		return err
	}
	// The key first: a stop in between leaves no certificate, and both are made anew.
	if err := os.Remove(certPath); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := writeFileAtomic(keyPath, keyPEM, 0o600); err != nil {
		return err
	}
	if err := writeFileAtomic(certPath, certPEM, 0o644); err != nil {
		return err
	}
	log.Info("TLS certificate made", "cert", certPath, "names", names, "addresses", len(addrs))
	return nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// makeSelfSigned returns a new certificate for these names and addresses and its key, as PEM.
func makeSelfSigned(names []string, addrs []net.IP, now time.Time) (certPEM, keyPEM []byte, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template, err := selfSignedTemplate(&key.PublicKey, names, addrs, now)
	if err != nil {
		return nil, nil, err
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, nil, err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, nil, err
	}
	certPEM = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	keyPEM = pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
	return certPEM, keyPEM, nil
}

func selfSignedTemplate(pub *ecdsa.PublicKey, names []string, addrs []net.IP, now time.Time) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	pubDER, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return nil, err
	}
	keyID := sha256.Sum256(pubDER)
	from, until := validity(now)
	return &x509.Certificate{
		SerialNumber:          serial.Add(serial, big.NewInt(1)),
		Subject:               pkix.Name{CommonName: names[0], Organization: []string{"gsmgate"}},
		NotBefore:             from,
		NotAfter:              until,
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
		SubjectKeyId:          keyID[:20],
		AuthorityKeyId:        keyID[:20],
		DNSNames:              names,
		IPAddresses:           addrs,
	}, nil
}

// validity is generous to boxes without a battery-backed clock: made in 1970, a certificate must
// still hold when the clock has been set, and the other way round.
func validity(now time.Time) (from, until time.Time) {
	written := time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)
	from, until = written, written
	if yesterday := now.Add(-24 * time.Hour); yesterday.Before(from) {
		from = yesterday
	}
	if now.After(until) {
		until = now
	}
	return from.UTC(), until.AddDate(selfSignedYears, 0, 0).UTC()
}

// hostNames are the names this box may be called by: localhost at least, the best one first.
func hostNames() []string {
	var names []string
	if host, err := os.Hostname(); err == nil && isDNSName(host) {
		short, _, _ := strings.Cut(host, ".")
		names = append(names, host, short, short+".local")
	}
	names = append(names, "localhost")
	var out []string
	for _, n := range names {
		if !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out
}

func isDNSName(s string) bool {
	if s == "" || len(s) > 253 || strings.HasPrefix(s, ".") || strings.HasSuffix(s, ".") {
		return false
	}
	return strings.IndexFunc(s, func(r rune) bool {
		return r != '-' && r != '_' && r != '.' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	}) < 0
}

// hostAddrs are the addresses of this box, the loopback ones always among them.
func hostAddrs() []net.IP {
	ips := []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return ips // the loopback addresses are worth a certificate too
	}
	for _, a := range addrs {
		n, ok := a.(*net.IPNet)
		if ok && !slices.ContainsFunc(ips, n.IP.Equal) {
			ips = append(ips, n.IP)
		}
	}
	return ips
}

// writeFileAtomic puts data at path so that a reader, or a crash, sees the whole of it or nothing.
func writeFileAtomic(path string, data []byte, mode fs.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*") // made with 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone already when all went well
	_, err = f.Write(data)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
