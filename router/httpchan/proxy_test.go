package httpchan

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	"gsmgate/router"
	"gsmgate/storage"
)

// proxy is a stand-in behind which there is one server, whatever the name of it.
type proxy struct {
	*httptest.Server
	behind string // HOST:PORT
	refuse int    // the status of all answers; 0: it takes part

	mu   sync.Mutex
	seen []string // "METHOD URL credentials", "CONNECT HOST:PORT credentials"
}

func newProxy(t *testing.T, behind string) *proxy {
	t.Helper()
	p := &proxy{behind: behind}
	p.Server = newServer(t, p.serve)
	return p
}

func (p *proxy) note(what ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen = append(p.seen, strings.TrimSpace(fmt.Sprintln(what...)))
}

func (p *proxy) requests() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.seen)
}

func (p *proxy) serve(w http.ResponseWriter, r *http.Request) {
	q := http.Request{Header: http.Header{"Authorization": r.Header["Proxy-Authorization"]}}
	user, word, _ := q.BasicAuth()
	p.note(r.Method, r.RequestURI, user+":"+word)
	switch {
	case p.refuse != 0:
		w.WriteHeader(p.refuse)
	case r.Method == http.MethodConnect:
		p.tunnel(w)
	default:
		p.forward(w, r)
	}
}

// forward asks the server itself [RFC 9112 3.2.2].
func (p *proxy) forward(w http.ResponseWriter, r *http.Request) {
	q := r.Clone(r.Context())
	q.URL.Host, q.RequestURI = p.behind, ""
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(q)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer resp.Body.Close()
	w.WriteHeader(resp.StatusCode)
	_, _ = io.Copy(w, resp.Body)
}

// tunnel joins both ends [RFC 9110 9.3.6].
func (p *proxy) tunnel(w http.ResponseWriter) {
	conn, in, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n")
	p.join(conn, in.Reader)
}

// join carries octets between the one who asks and the server, until one of them
// has had enough.
func (p *proxy) join(conn net.Conn, in io.Reader) {
	defer conn.Close()
	server, err := net.Dial("tcp", p.behind)
	if err != nil {
		return
	}
	var back sync.WaitGroup
	back.Go(func() { _, _ = io.Copy(conn, server); conn.Close() })
	_, _ = io.Copy(server, in)
	server.Close()
	back.Wait()
}

// newSOCKS is a proxy of the other kind [RFC 1928], with user and password
// [RFC 1929].
func newSOCKS(t *testing.T, behind string) (p *proxy, url string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p = &proxy{behind: behind}
	var all sync.WaitGroup
	all.Go(func() {
		for conn, err := l.Accept(); err == nil; conn, err = l.Accept() {
			all.Go(func() { p.socks(conn) })
		}
	})
	t.Cleanup(func() { l.Close(); all.Wait() })
	return p, l.Addr().String()
}

func (p *proxy) socks(conn net.Conn) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	field := func(before int) string { // octets that are skipped, a length, and so many
		head := make([]byte, before+1)
		if _, err := io.ReadFull(in, head); err != nil {
			return ""
		}
		text := make([]byte, head[before])
		_, _ = io.ReadFull(in, text)
		return string(text)
	}
	field(1) // methods
	_, _ = conn.Write([]byte{5, 2})
	user, word := field(1), field(0)
	_, _ = conn.Write([]byte{1, 0})
	host := field(4) // of address type 3, a name
	port := make([]byte, 2)
	_, _ = io.ReadFull(in, port)
	p.note("SOCKS", fmt.Sprintf("%s:%d", host, int(port[0])<<8|int(port[1])), user+":"+word)
	_, _ = conn.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0})
	p.join(conn, in)
}

// nowhere is a host that only the proxy finds [RFC 6761 6.4].
const nowhere = "provider.invalid"

// What a channel with a proxy sends goes through it, and the proxy sees no more than
// it must.
func TestProxy_Set_AllGoesThroughIt(t *testing.T) {
	taken := says(200, `{"ok": true, "id": 7}`)
	for name, c := range map[string]struct {
		tls, socks bool
		want       string
	}{
		"plain":          {false, false, "POST http://" + nowhere + "/send gate:pr0xy-word"},
		"CONNECT":        {true, false, "CONNECT " + nowhere + ":443 gate:pr0xy-word"},
		"SOCKS":          {false, true, "SOCKS " + nowhere + ":80 gate:pr0xy-word"},
		"TLS over SOCKS": {true, true, "SOCKS " + nowhere + ":443 gate:pr0xy-word"},
	} {
		t.Run(name, func(t *testing.T) {
			up, rec := behindProxy(t, c.tls, taken)
			px, scheme, at := (*proxy)(nil), "http", ""
			if c.socks {
				scheme = "socks5"
				px, at = newSOCKS(t, up.Listener.Addr().String())
			} else {
				px = newProxy(t, up.Listener.Addr().String())
				at = px.Listener.Addr().String()
			}
			rec.Proxy = scheme + "://gate:pr0xy-word@" + at
			p := newPost(t, rec)
			p.sent(p.Submit("31612345678", "Hello"))
			p.sent(p.Submit("31612345678", "and again"))
			p.stop()
			if r := up.requests(); len(r) != 2 || r[0].header.Get("Proxy-Authorization") != "" && !strings.HasPrefix(c.want, "POST") {
				t.Errorf("the provider got %+v", r)
			}
			got := px.requests()
			if want := map[bool]int{true: 2, false: 1}[name == "plain"]; len(got) != want || got[0] != c.want || got[len(got)-1] != c.want {
				t.Errorf("the proxy saw %q, want %d of %q", got, want, c.want)
			}
		})
	}
}

// behindProxy is a provider, and a channel to it by a name that nobody knows.
func behindProxy(t *testing.T, secure bool, answer http.HandlerFunc) (*provider, storage.HTTPChannel) {
	t.Helper()
	up, base := newProvider(t, answer), "http://"+nowhere
	rec := storage.HTTPChannel{Description: described(t, nil), TimeoutS: 5}
	if secure {
		up.Server = httptest.NewTLSServer(up.keep(answer))
		t.Cleanup(up.Close)
		base = "https://" + nowhere
		rec.CA, rec.Host = pemOf(up.Certificate()), "example.com" // whom the certificate is for
	}
	rec.Settings = map[string]string{"base": base}
	return up, rec
}

// A proxy that is not there, or does not let us through, has no message of ours:
// nothing is in doubt, and nothing goes past it.
func TestProxy_Refuses_NothingLeft(t *testing.T) {
	for name, c := range map[string]struct {
		tls  bool
		with func(*proxy)
	}{
		"down":        {false, func(p *proxy) { p.Close() }},
		"no CONNECT":  {true, func(p *proxy) { p.refuse = http.StatusForbidden }},
		"who are you": {true, func(p *proxy) { p.refuse = http.StatusProxyAuthRequired }},
		"the same":    {false, func(p *proxy) { p.refuse = http.StatusProxyAuthRequired }},
	} {
		t.Run(name, func(t *testing.T) {
			up, rec := behindProxy(t, c.tls, says(200, `{"ok": true, "id": 7}`))
			px := newProxy(t, up.Listener.Addr().String())
			rec.Proxy = strings.Replace(px.URL, "http://", "http://gate:pr0xy-word@", 1)
			c.with(px)
			p := newPost(t, rec)
			id := p.Submit("31612345678", "Hello")
			p.Until("refused for now", func() bool {
				m := p.Message(id)
				return m.Parts[0].Attempts == 1 && m.Parts[0].State == storage.PartWaiting && m.DueAt != 0
			})
			if m := p.Message(id); m.State != storage.Enroute || strings.Contains(m.Reason, "pr0xy-word") || p.ch.Status().Ready {
				t.Errorf("%s: %s, channel %+v", router.StateWord(m.State), m.Reason, p.ch.Status())
			}
			if r := up.requests(); len(r) > 0 {
				t.Errorf("the provider got %+v", r)
			}
		})
	}
}

// A channel without a proxy uses none, whatever the environment of the gateway says.
// net/http reads that once in a process, hence one of its own.
func TestProxy_None_EnvironmentNotAsked(t *testing.T) {
	const own = "GSMGATE_TEST_OWN_PROCESS"
	if os.Getenv(own) == "" {
		px := newProxy(t, "127.0.0.1:1")
		cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
		cmd.Env = append(os.Environ(), own+"=1", "NO_PROXY=", "no_proxy=")
		for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"} {
			cmd.Env = append(cmd.Env, name+"="+px.URL)
		}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		if got := px.requests(); len(got) > 0 {
			t.Errorf("the proxy saw %q", got)
		}
		return
	}
	up := newProvider(t, says(200, `{"ok": true, "id": 7}`))
	url := strings.Replace(up.URL, "127.0.0.1", "0.0.0.0", 1) // for a loopback address net/http asks no proxy at all
	r, err := http.NewRequest(http.MethodPost, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if through, err := http.ProxyFromEnvironment(r); err != nil || through == nil {
		t.Fatalf("the environment names no proxy for %s: %v", url, err)
	}
	p := plainPost(t, url, nil)
	p.sent(p.Submit("31612345678", "Hello"))
}

// What was written is counted below all TLS: a proxy may speak it too.
func TestWrittenTo_TLSInTLS_Counted(t *testing.T) {
	conn := &counted{Conn: failing{}}
	inner := tls.Client(tls.Client(conn, &tls.Config{ServerName: "proxy"}), &tls.Config{ServerName: "provider"})
	before := writtenTo(inner)
	_ = inner.Handshake()
	if after := writtenTo(inner); before != 0 || after == 0 || after != conn.written.Load() {
		t.Errorf("%d before, %d after, written %d", before, after, conn.written.Load())
	}
}

// failing is a connection that takes all and gives nothing.
type failing struct{ net.Conn }

func (failing) Write(p []byte) (int, error) { return len(p), nil }
func (failing) Read([]byte) (int, error)    { return 0, errors.New("nothing comes") }
