package httpchan

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"gsmgate/router/routertest"
	"gsmgate/storage"
	"gsmgate/storage/storagetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// seen is a request that the provider got.
type seen struct {
	method, path, query, body string
	header                    http.Header
}

// provider is a stand-in that keeps what it is sent.
type provider struct {
	*httptest.Server
	mu   sync.Mutex
	seen []seen
}

func newProvider(t *testing.T, answer http.HandlerFunc) *provider {
	t.Helper()
	p := &provider{}
	p.Server = newServer(t, p.keep(answer))
	return p
}

func newServer(t testing.TB, answer http.HandlerFunc) *httptest.Server {
	s := httptest.NewServer(answer)
	t.Cleanup(s.Close)
	return s
}

func (p *provider) keep(answer http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		p.mu.Lock()
		p.seen = append(p.seen, seen{r.Method, r.URL.Path, r.URL.RawQuery, string(body), r.Header})
		p.mu.Unlock()
		answer(w, r)
	}
}

func (p *provider) requests() []seen {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]seen(nil), p.seen...)
}

// says answers every request alike.
func says(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

// plainDescription is of a provider that nobody knows.
const plainDescription = `{
	"name": "plain", "title": "Plain",
	"settings": [{"name": "base", "about": "URL"}, {"name": "key", "about": "key", "secret": true, "default": "k3y-of-plain"}, {"name": "from", "about": "sender", "optional": true}],
	"send": {"method": "POST", "url": "{base}/send", "auth": {"kind": "bearer", "token": "{key}"},
		"json": {"to": "{to}", "from": "{from?}", "text": "{text}", "id": "{id}"}},
	"answer": {"format": "json", "success": [{"path": "ok", "is": ["true"]}], "id": "id", "code": "code", "reason": ["error"]}
}`

// described changes the plain description.
func described(t testing.TB, change func(d map[string]any)) []byte {
	t.Helper()
	var d map[string]any
	if err := json.Unmarshal([]byte(plainDescription), &d); err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(d)
	}
	raw, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// post is a gateway with one provider.
type post struct {
	*routertest.House
	ch   *Channel
	stop func()
}

// newPost has user acme, see routertest.House.
func newPost(t testing.TB, rec storage.HTTPChannel) *post {
	t.Helper()
	p := &post{House: routertest.New(t, storagetest.Open(t))}
	var err error
	if p.ch, err = New(Config{Record: storage.Channel{Name: "up", Kind: "http", HTTP: &rec}, BaseURL: "https://sms.example.net/in", Awaiting: p.R.AwaitedRefs}); err != nil {
		t.Fatal(err)
	}
	if err := p.R.Add(p.ch); err != nil {
		t.Fatal(err)
	}
	p.stop = routertest.Run(t, p.R)
	return p
}

// benchPost has the plain description and many connections, and acme has money.
func benchPost(t testing.TB, url string) *post {
	t.Helper()
	p := newPost(t, storage.HTTPChannel{Description: described(t, nil), Settings: map[string]string{"base": url}, Window: benchConnections, TimeoutS: 300})
	if _, err := p.R.Credit(t.Context(), "acme", 1_000_000*storage.Credit, "bench"); err != nil {
		t.Fatal(err)
	}
	return p
}

// plainPost has the plain description, or a changed one.
func plainPost(t *testing.T, url string, change func(d map[string]any)) *post {
	t.Helper()
	return newPost(t, storage.HTTPChannel{Description: described(t, change), Settings: map[string]string{"base": url}, TimeoutS: 2})
}

// sent waits until the provider has given the message a name.
func (p *post) sent(id storage.ID) *storage.Message {
	p.T.Helper()
	var m *storage.Message
	p.Until(fmt.Sprintf("%s sent", id), func() bool {
		m = p.Message(id)
		return m.Parts[0].State == storage.PartSent
	})
	return m
}
