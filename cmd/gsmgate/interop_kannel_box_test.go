//go:build interop

package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
)

// kannel is Debian's bearerbox, bound to the gateway over TLS, and its smsbox,
// which offers HTTP to us and calls us back.
type kannel struct {
	t       *testing.T
	dir     string
	sendsms string            // base URL of smsbox
	admin   string            // URL of bearerbox's status
	hears   string            // base URL of our listener
	reports *pile[kannelDLR]  // what came to dlr-url
	texts   *pile[kannelText] // what came to get-url
	next    int
}

// kannelDLR is a call of a dlr-url.
type kannelDLR struct {
	n    int
	kind int    // 1 delivered, 2 failed, 4 queued, 8 taken by the SMSC, 16 refused by it
	id   string // message_id
	text string // of the receipt, or of the refusal
}

// kannelText is a call of an sms-service's get-url.
type kannelText struct{ from, to, text string }

// Kinds of a DLR.
const (
	kannelDelivered = 1
	kannelTaken     = 8
	kannelRefused   = 16
)

// freePort is one that nobody listened on a moment ago.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// bindKannel has Kannel bound to the gateway. binds are the lines of its
// configuration that say how.
func bindKannel(t *testing.T, g *gateway, user, password string, binds []string) *kannel {
	t.Helper()
	host, port, _ := net.SplitHostPort(g.smpps)
	groups := ""
	for _, bind := range binds {
		groups += strings.NewReplacer("BIND", strings.ReplaceAll(bind, "PORT", port), "HOST", host, "USER", user, "PASSWORD", password).Replace(kannelBind)
	}
	return startKannel(t, `ssl-trusted-ca-file = "`+g.certificate()+`"`, groups, len(binds))
}

// startKannel starts both boxes and waits until all SMSCs of these groups are
// online. trust is the line that says whose certificates are good.
func startKannel(t *testing.T, trust, groups string, online int) *kannel {
	t.Helper()
	bearerbox, smsbox := debianProgram(t, "bearerbox"), debianProgram(t, "smsbox")
	k := &kannel{t: t, dir: t.TempDir(), reports: newPile[kannelDLR](), texts: newPile[kannelText]()}
	hears := httptest.NewServer(http.HandlerFunc(k.hear))
	t.Cleanup(hears.Close)
	k.hears = hears.URL
	conf := k.configure(trust, groups)
	k.until(runProgram(t, k.dir, bearerbox, conf), "bearerbox is online", func() error { return k.get(k.admin, "(online", online) })
	// It opens its port before it knows who may send, and may die of a request then: it is ready when it is connected.
	box := runProgram(t, k.dir, smsbox, conf)
	k.until(box, "smsbox is connected", func() error { return k.get(k.admin, "smsbox:", 1) })
	k.until(box, "smsbox lets us send", func() error { return k.get(k.sendsms+"?username=test&password=test", "Missing ", 1) })
	return k
}

func (k *kannel) configure(trust, groups string) (path string) {
	k.t.Helper()
	admin, box, sendsms := freePort(k.t), freePort(k.t), freePort(k.t)
	k.sendsms = fmt.Sprintf("http://127.0.0.1:%d/cgi-bin/sendsms", sendsms)
	k.admin = fmt.Sprintf("http://127.0.0.1:%d/status.txt?password=secret", admin)
	path = filepath.Join(k.dir, "kannel.conf")
	conf := strings.NewReplacer(
		"ADMIN", strconv.Itoa(admin), "BOX", strconv.Itoa(box), "SENDSMS", strconv.Itoa(sendsms), "TRUST", trust, "OWN", certificateOf(k.t, k.dir),
		"HEARS", k.hears,
	).Replace(kannelConf)
	if err := os.WriteFile(path, []byte(conf+groups), 0o600); err != nil {
		k.t.Fatal(err)
	}
	return path
}

// kannelConf has Kannel's groups; what is in capitals is put in.
const kannelConf = `
group = core
admin-port = ADMIN
admin-interface = 127.0.0.1
admin-password = secret
smsbox-port = BOX
smsbox-interface = 127.0.0.1
box-deny-ip = "*.*.*.*"
box-allow-ip = "127.0.0.1"
dlr-storage = internal
log-level = 1
ssl-client-certkey-file = "OWN"
TRUST

group = smsbox
bearerbox-host = 127.0.0.1
bearerbox-port = BOX
sendsms-port = SENDSMS
sendsms-interface = 127.0.0.1
log-level = 1

group = sendsms-user
username = test
password = test
max-messages = 30
concatenation = true

group = sms-service
keyword = default
catch-all = true
max-messages = 0
get-url = "HEARS/mo?from=%p&to=%P&coding=%c&charset=%C&text=%b"
`

// kannelBind is a group for each session. They share an smsc-id, so that
// a receipt on one is matched with what was sent on the other.
const kannelBind = `
group = smsc
smsc = smpp
smsc-id = gsmgate
host = HOST
BIND
use-ssl = true
smsc-username = "USER"
smsc-password = "PASSWORD"
system-type = ""
interface-version = 34
enquire-link-interval = 5
reconnect-delay = 1
`

// certificateOf makes what an ESME shows that has a certificate of its own.
func certificateOf(t *testing.T, dir string) (path string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "kannel"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	both := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: private})...)
	path = filepath.Join(dir, "kannel.pem")
	if err := os.WriteFile(path, both, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// base is where smsbox listens.
func (k *kannel) base() string { return strings.TrimSuffix(k.sendsms, "/cgi-bin/sendsms") }

// get wants an answer that has these words in it so many times.
func (k *kannel) get(url, words string, times int) error {
	client := http.Client{Timeout: 5 * time.Second}
	resp, err := client.Get(url)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err == nil && strings.Count(string(raw), words) < times {
		err = fmt.Errorf("Kannel says %s", raw)
	}
	return err
}

// until tries until check is content or the box has ended.
func (k *kannel) until(ended <-chan struct{}, what string, check func() error) {
	k.t.Helper()
	late := time.After(patience)
	for {
		err := check()
		if err == nil {
			return
		}
		select {
		case <-ended:
			k.t.Fatalf("the box has ended before %s", what)
		case <-late:
			k.t.Fatalf("never: %s: %v", what, err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// hear takes both callbacks.
func (k *kannel) hear(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	switch r.URL.Path {
	case "/dlr":
		n, _ := strconv.Atoi(q.Get("n"))
		kind, _ := strconv.Atoi(q.Get("type"))
		k.reports.add(kannelDLR{n: n, kind: kind, id: q.Get("id"), text: q.Get("text")})
	case "/mo":
		text, err := kannelString(q.Get("text"), q.Get("charset"))
		if err != nil {
			k.t.Errorf("Kannel hands over %q: %v", q, err)
		}
		k.texts.add(kannelText{from: q.Get("from"), to: q.Get("to"), text: text})
	default:
		k.t.Errorf("Kannel calls %s", r.URL)
	}
	w.WriteHeader(http.StatusOK)
}

func kannelString(raw, charset string) (string, error) {
	switch strings.ToUpper(charset) {
	case "UTF-8", "":
		return raw, nil
	case "UTF-16BE":
		units := make([]uint16, len(raw)/2)
		for i := range units {
			units[i] = binary.BigEndian.Uint16([]byte(raw[2*i:]))
		}
		return string(utf16.Decode(units)), nil
	}
	return raw, fmt.Errorf("in the character set %q", charset)
}
