package smppd

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"
)

// Names of the certificate that this package makes for itself, inside the data directory.
const (
	CertFile = "tls-cert.pem"
	KeyFile  = "tls-key.pem"
)

// certCheckEvery is how often, at most, handshakes look whether the files have changed.
const certCheckEvery = time.Second

// A CertSource holds the server's certificate and follows its files: a changed pair is taken up
// without a restart, a broken one leaves the old in use. All methods are safe for concurrent use.
type CertSource struct {
	certPath, keyPath string
	log               *slog.Logger

	current   atomic.Pointer[loadedCert]
	checking  atomic.Bool  // one handshake at a time looks at the files
	lastCheck atomic.Int64 // Unix nanoseconds

	failed filePair // the pair that could not be read; only touched while checking is held
}

// loadedCert is a certificate with the state of the files it was read from.
type loadedCert struct {
	cert  *tls.Certificate
	files filePair
}

// filePair is what tells whether the two files changed. A nil entry is a file that is not there.
type filePair struct{ cert, key fs.FileInfo }

// Certificate returns the source of the server's certificate. With certPath and keyPath (PEM,
// both or none) it is the owner's own. With none, it is the self-signed one in dir, which is made
// when it is not there: ECDSA P-256, the host's names and addresses as SANs, the key readable by
// its owner only.
func Certificate(dir, certPath, keyPath string, log *slog.Logger) (*CertSource, error) {
	if (certPath == "") != (keyPath == "") {
		return nil, errors.New("a certificate needs both of its files: the certificate and its key")
	}
	if certPath == "" {
		certPath, keyPath = filepath.Join(dir, CertFile), filepath.Join(dir, KeyFile)
		if err := ensureSelfSigned(dir, certPath, keyPath, log); err != nil {
			return nil, fmt.Errorf("make the TLS certificate: %w", err)
		}
	}
	c := &CertSource{certPath: certPath, keyPath: keyPath, log: log}
	loaded, err := c.load(c.stat())
	if err != nil {
		return nil, err
	}
	c.current.Store(loaded)
	c.lastCheck.Store(time.Now().UnixNano())
	c.warn(loaded)
	return c, nil
}

// TLSConfig returns a new server configuration, TLS 1.2 at least, that always shows the newest
// certificate. The caller may change what it got.
func (c *CertSource) TLSConfig() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			c.refresh()
			return c.current.Load().cert, nil
		},
		// Responses leave in batches: small first records would only cost CPU and packets.
		DynamicRecordSizingDisabled: true,
	}
}

// Fingerprint is the SHA-256 of the certificate in use, as upper-case hex octets joined by colons.
func (c *CertSource) Fingerprint() string {
	sum := sha256.Sum256(c.Leaf().Raw)
	return strings.ReplaceAll(fmt.Sprintf("% X", sum[:]), " ", ":")
}

// Leaf is the parsed certificate in use; it must not be changed.
func (c *CertSource) Leaf() *x509.Certificate { return c.current.Load().cert.Leaf }

// Files are the paths of the certificate and of its key.
func (c *CertSource) Files() (certPath, keyPath string) { return c.certPath, c.keyPath }

// refresh rereads the pair when its files changed since they were read. It costs two stat calls
// a second at most, on one handshake; the others go on with what is there.
func (c *CertSource) refresh() {
	now := time.Now().UnixNano()
	if now-c.lastCheck.Load() < int64(certCheckEvery) || !c.checking.CompareAndSwap(false, true) {
		return
	}
	defer c.checking.Store(false)
	c.lastCheck.Store(now)
	files := c.stat() // before reading: a change during the read is seen by the next check
	if files.same(c.current.Load().files) || files.same(c.failed) {
		return
	}
	loaded, err := c.load(files)
	if err != nil {
		c.failed = files
		c.log.Error("the changed TLS certificate cannot be used, the old one stays", "err", err)
		return
	}
	c.failed = filePair{}
	c.current.Store(loaded)
	c.log.Info("TLS certificate reread", "cert", c.certPath, "sha256", c.Fingerprint())
	c.warn(loaded)
}

func (c *CertSource) load(files filePair) (*loadedCert, error) {
	cert, err := tls.LoadX509KeyPair(c.certPath, c.keyPath)
	if err != nil {
		return nil, fmt.Errorf("TLS certificate %s with key %s: %w", c.certPath, c.keyPath, err)
	}
	return &loadedCert{cert: &cert, files: files}, nil
}

// warn tells of what works but should be mended.
func (c *CertSource) warn(l *loadedCert) {
	if l.files.key != nil && l.files.key.Mode().Perm()&0o007 != 0 {
		c.log.Warn("the TLS key can be read by everyone on this host", "key", c.keyPath)
	}
	if left := time.Until(l.cert.Leaf.NotAfter); left < 30*24*time.Hour {
		c.log.Warn("the TLS certificate ends soon or has ended", "cert", c.certPath, "not_after", l.cert.Leaf.NotAfter)
	}
}

func (c *CertSource) stat() filePair {
	var p filePair
	p.cert, _ = os.Stat(c.certPath)
	p.key, _ = os.Stat(c.keyPath)
	return p
}

func (p filePair) same(q filePair) bool { return sameFile(p.cert, q.cert) && sameFile(p.key, q.key) }

func sameFile(a, b fs.FileInfo) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return os.SameFile(a, b) && a.ModTime().Equal(b.ModTime()) && a.Size() == b.Size()
}

// ListenTLS listens for SMPP over TLS at addr ("HOST:PORT"; an empty host is every address, IPv4
// and IPv6). Its connections do their handshake inside Serve, under the session-init timer.
func ListenTLS(addr string, config *tls.Config) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	return tls.NewListener(l, config), nil
}
