package smppd

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"gsmgate/smppd/smpp"
)

func mustCert(t *testing.T, dir, certPath, keyPath string, log *slog.Logger) *CertSource {
	t.Helper()
	c, err := Certificate(dir, certPath, keyPath, log)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCertificate_FirstStart_MadeWithHostNamesAndKept(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	c := mustCert(t, dir, "", "", discardLog())
	leaf := c.Leaf()
	host, _ := os.Hostname()
	for _, name := range []string{"localhost", "127.0.0.1", "::1", host, strings.Split(host, ".")[0] + ".local"} {
		if err := leaf.VerifyHostname(name); err != nil {
			t.Errorf("not valid for %s: %v", name, err)
		}
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: "localhost"}); err != nil {
		t.Errorf("not usable as its own root: %v", err)
	}
	if again := mustCert(t, dir, "", "", discardLog()); again.Fingerprint() != c.Fingerprint() {
		t.Error("the second start made a new certificate")
	}
	if want := 32*3 - 1; len(c.Fingerprint()) != want {
		t.Errorf("fingerprint %q has %d characters, want %d", c.Fingerprint(), len(c.Fingerprint()), want)
	}
}

func TestCertificate_FirstStart_KeyReadableByOwnerOnly(t *testing.T) {
	dir := t.TempDir()
	mustCert(t, dir, "", "", discardLog())
	for name, want := range map[string]os.FileMode{KeyFile: 0o600, CertFile: 0o644} {
		fi, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if fi.Mode().Perm() != want {
			t.Errorf("%s has mode %v, want %v", name, fi.Mode().Perm(), want)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 {
		t.Errorf("temporary files stayed: %v %v", entries, err)
	}
}

func TestCertificate_StopBetweenKeyAndCert_MadeAnew(t *testing.T) {
	dir := t.TempDir()
	first := mustCert(t, dir, "", "", discardLog()).Fingerprint()
	if err := os.Remove(filepath.Join(dir, CertFile)); err != nil {
		t.Fatal(err)
	}
	if mustCert(t, dir, "", "", discardLog()).Fingerprint() == first {
		t.Error("the lost certificate came back")
	}
}

func TestCertificate_OneOfTwoPaths_Refused(t *testing.T) {
	for _, p := range [][2]string{{"cert.pem", ""}, {"", "key.pem"}} {
		if _, err := Certificate(t.TempDir(), p[0], p[1], discardLog()); err == nil {
			t.Errorf("%q and %q were accepted", p[0], p[1])
		}
	}
}

func TestCertificate_OwnFilesMissing_ErrorNamesThem(t *testing.T) {
	_, err := Certificate(t.TempDir(), "/nowhere/cert.pem", "/nowhere/key.pem", discardLog())
	if err == nil || !strings.Contains(err.Error(), "/nowhere/cert.pem") {
		t.Errorf("error %v does not name the file", err)
	}
}

func TestValidity_ClockNotSet_StillValidWhenItIs(t *testing.T) {
	for _, made := range []time.Time{time.Unix(0, 0), time.Date(2027, 5, 1, 0, 0, 0, 0, time.UTC)} {
		from, until := validity(made)
		for _, at := range []time.Time{made, time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC), time.Date(2035, 6, 1, 0, 0, 0, 0, time.UTC)} {
			if at.Before(from) || at.After(until) {
				t.Errorf("made %v: not valid at %v", made, at)
			}
		}
	}
}

// writePair puts a new self-made pair at the two paths and returns its certificate.
func writePair(t *testing.T, certPath, keyPath string) {
	t.Helper()
	certPEM, keyPEM, err := makeSelfSigned([]string{"localhost"}, nil, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for path, data := range map[string][]byte{certPath: certPEM, keyPath: keyPEM} {
		if err := writeFileAtomic(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// shown is the certificate that a handshake shows now, the pause between checks taken as over.
func shown(t *testing.T, c *CertSource) string {
	t.Helper()
	c.lastCheck.Store(0)
	near, far := net.Pipe()
	defer near.Close()
	defer far.Close()
	go tls.Server(far, c.TLSConfig()).Handshake()
	client := tls.Client(near, &tls.Config{InsecureSkipVerify: true})
	if err := client.Handshake(); err != nil {
		t.Fatal(err)
	}
	return string(client.ConnectionState().PeerCertificates[0].Raw)
}

func TestCertSource_FilesReplaced_RereadWithoutRestart(t *testing.T) {
	dir := t.TempDir()
	certPath, keyPath := filepath.Join(dir, "c.pem"), filepath.Join(dir, "k.pem")
	writePair(t, certPath, keyPath)
	c := mustCert(t, dir, certPath, keyPath, discardLog())
	before := shown(t, c)
	if shown(t, c) != before {
		t.Fatal("the certificate changed by itself")
	}
	writePair(t, certPath, keyPath)
	if shown(t, c) == before {
		t.Error("the old certificate is still shown")
	}
	if got := string(c.Leaf().Raw); got != shown(t, c) {
		t.Error("Leaf is not the certificate in use")
	}
}

func TestCertSource_BrokenPair_OldOneStaysAndIsLoggedOnce(t *testing.T) {
	dir := t.TempDir()
	certPath, keyPath := filepath.Join(dir, "c.pem"), filepath.Join(dir, "k.pem")
	writePair(t, certPath, keyPath)
	var logged lockedBuffer
	c := mustCert(t, dir, certPath, keyPath, slog.New(slog.NewTextHandler(&logged, nil)))
	before := shown(t, c)
	if err := os.WriteFile(certPath, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if shown(t, c) != before {
			t.Fatal("a broken pair replaced the good one")
		}
	}
	if n := strings.Count(logged.String(), "level=ERROR"); n != 1 {
		t.Errorf("logged %d errors, want 1:\n%s", n, logged.String())
	}
	writePair(t, certPath, keyPath)
	if shown(t, c) == before {
		t.Error("the mended pair was not taken up")
	}
}

func TestTLSConfig_TLS11_Refused(t *testing.T) {
	c := mustCert(t, t.TempDir(), "", "", discardLog())
	near, far := net.Pipe()
	defer near.Close()
	defer far.Close()
	go tls.Server(far, c.TLSConfig()).Handshake()
	client := tls.Client(near, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11})
	if err := client.Handshake(); err == nil {
		t.Error("TLS 1.1 was accepted")
	}
}

func TestListenTLS_NoHost_IPv4AndIPv6(t *testing.T) {
	c := mustCert(t, t.TempDir(), "", "", discardLog())
	l, err := ListenTLS(":0", c.TLSConfig())
	if err != nil {
		t.Fatal(err)
	}
	hosts := []string{"127.0.0.1"}
	if probe, err := net.Listen("tcp6", "[::1]:0"); err == nil {
		probe.Close()
		hosts = append(hosts, "::1")
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	roots := x509.NewCertPool()
	roots.AddCert(c.Leaf())
	i := 0
	r := startOn(t, Config{}, newBackend(), l, func() net.Conn {
		conn, err := tls.Dial("tcp", net.JoinHostPort(hosts[i], port), &tls.Config{RootCAs: roots})
		if err != nil {
			t.Fatalf("%s: %v", hosts[i], err)
		}
		return conn
	})
	for i = range hosts {
		p := r.bound(TRX)
		p.expect(smpp.IDUnbindResp, smpp.StatusOK, p.send(&smpp.Unbind{}))
		p.expectEnd()
	}
}

// lockedBuffer is a log that several goroutines may write.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
