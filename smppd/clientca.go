package smppd

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync/atomic"
	"time"
)

// ClientCAs are the authorities whose client certificates are believed: a bundle of PEM
// certificates that follows its file, like a CertSource. All methods are safe for concurrent use.
type ClientCAs struct {
	path string
	log  *slog.Logger

	current   atomic.Pointer[loadedCAs]
	checking  atomic.Bool  // one handshake at a time looks at the file
	lastCheck atomic.Int64 // Unix nanoseconds

	failed fs.FileInfo // the bundle that could not be read; only touched while checking is held
}

// loadedCAs is a bundle with the state of the file it was read from.
type loadedCAs struct {
	pool *x509.CertPool
	file fs.FileInfo
}

// LoadClientCAs reads the bundle at path.
func LoadClientCAs(path string, log *slog.Logger) (*ClientCAs, error) {
	c := &ClientCAs{path: path, log: log}
	file, _ := os.Stat(path)
	loaded, err := c.load(file)
	if err != nil {
		return nil, err
	}
	c.current.Store(loaded)
	c.lastCheck.Store(time.Now().UnixNano())
	return c, nil
}

// Require returns a configuration that asks clients for a certificate of these authorities: one
// that is shown is verified, and with must one has to be shown. base is not changed.
//
// Sessions of TLS are not resumed: a resumed one would be believed by what was verified then.
func (c *ClientCAs) Require(base *tls.Config, must bool) *tls.Config {
	config := base.Clone()
	config.SessionTicketsDisabled = true
	config.ClientAuth = tls.VerifyClientCertIfGiven
	if must {
		config.ClientAuth = tls.RequireAndVerifyClientCert
	}
	var newest atomic.Pointer[tls.Config]
	config.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		c.refresh()
		pool := c.current.Load().pool
		if with := newest.Load(); with != nil && with.ClientCAs == pool {
			return with, nil
		}
		with := config.Clone()
		with.ClientCAs, with.GetConfigForClient = pool, nil
		newest.Store(with)
		return with, nil
	}
	return config
}

// refresh rereads the bundle when its file changed: one stat call a second at most, on one
// handshake; the others go on with what is there.
func (c *ClientCAs) refresh() {
	now := time.Now().UnixNano()
	if now-c.lastCheck.Load() < int64(certCheckEvery) || !c.checking.CompareAndSwap(false, true) {
		return
	}
	defer c.checking.Store(false)
	c.lastCheck.Store(now)
	file, _ := os.Stat(c.path) // before reading: a change during the read is seen by the next check
	if sameFile(file, c.current.Load().file) || sameFile(file, c.failed) && c.failed != nil {
		return
	}
	loaded, err := c.load(file)
	if err != nil {
		c.failed = file
		c.log.Error("the changed bundle of client CAs cannot be used, the old one stays", "err", err)
		return
	}
	c.failed = nil
	c.current.Store(loaded)
	c.log.Info("client CAs reread", "file", c.path)
}

func (c *ClientCAs) load(file fs.FileInfo) (*loadedCAs, error) {
	raw, err := os.ReadFile(c.path)
	if err != nil {
		return nil, fmt.Errorf("client CAs: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(raw) {
		return nil, fmt.Errorf("client CAs: no certificate in %s", c.path)
	}
	return &loadedCAs{pool: pool, file: file}, nil
}
