package httpchan

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"gsmgate/router"
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

// post is a gateway with one provider: store, router and the channel.
type post struct {
	t    testing.TB
	db   *storage.DB
	r    *router.Router
	ch   *Channel
	stop func()
}

// newPost has user acme, of 100 credits, who owns +3161*.
func newPost(t testing.TB, rec storage.HTTPChannel) *post {
	t.Helper()
	p := &post{t: t, db: storagetest.Open(t)}
	p.r = router.New(p.db, router.Options{})
	if _, err := p.r.AddUser(t.Context(), router.UserSpec{SystemID: "acme", Password: "secret", Credits: 100 * storage.Credit, AddressRanges: []string{"+3161*"}}); err != nil {
		t.Fatal(err)
	}
	var err error
	if p.ch, err = New(Config{Record: storage.Channel{Name: "up", Kind: "http", HTTP: &rec}, BaseURL: "https://sms.example.net/in", Awaiting: p.r.AwaitedRefs}); err != nil {
		t.Fatal(err)
	}
	if err := p.r.Add(p.ch); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = p.r.Run(ctx) }()
	p.stop = sync.OnceFunc(func() { cancel(); <-ended })
	t.Cleanup(p.stop)
	return p
}

// benchPost has the plain description and many connections, and acme has money.
func benchPost(t testing.TB, url string) *post {
	t.Helper()
	p := newPost(t, storage.HTTPChannel{Description: described(t, nil), Settings: map[string]string{"base": url}, Window: benchConnections, TimeoutS: 300})
	if _, err := p.r.Credit(t.Context(), "acme", 1_000_000*storage.Credit, "bench"); err != nil {
		t.Fatal(err)
	}
	return p
}

// plainPost has the plain description, or a changed one.
func plainPost(t *testing.T, url string, change func(d map[string]any)) *post {
	t.Helper()
	return newPost(t, storage.HTTPChannel{Description: described(t, change), Settings: map[string]string{"base": url}, TimeoutS: 2})
}

// submit takes a text of acme to that number.
func (p *post) submit(to, text string, change ...func(*storage.Message)) storage.ID {
	p.t.Helper()
	m := &storage.Message{Kind: storage.MT, User: "acme", Text: text, RegisteredDelivery: 1,
		Source: storage.Address{TON: 5, Addr: "Acme"}, Dest: storage.Address{TON: 1, NPI: 1, Addr: to}}
	for _, f := range change {
		f(m)
	}
	id, err := p.r.SubmitSync(p.t.Context(), m)
	if err != nil {
		p.t.Fatal(err)
	}
	return id
}

// patience is for what takes no time, on a machine with much else to do.
const patience = 20 * time.Second

// until waits for something, and says what was missed.
func (p *post) until(what string, is func() bool) {
	p.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		if is() {
			return
		}
	}
	p.t.Fatalf("never: %s", what)
}

func (p *post) message(id storage.ID) *storage.Message {
	p.t.Helper()
	m, err := p.r.Message(id)
	if err != nil {
		p.t.Fatal(err)
	}
	return m
}

// ends waits for the final state of a message.
func (p *post) ends(id storage.ID, want storage.State) *storage.Message {
	p.t.Helper()
	var m *storage.Message
	p.until(fmt.Sprintf("%s in state %s", id, router.StateWord(want)), func() bool {
		m = p.message(id)
		return m.State == want && (m.EndedAt != 0) == (want.Final() && want != storage.Unknown)
	})
	return m
}

// sent waits until the provider has given the message a name.
func (p *post) sent(id storage.ID) *storage.Message {
	p.t.Helper()
	var m *storage.Message
	p.until(fmt.Sprintf("%s sent", id), func() bool {
		m = p.message(id)
		return m.Parts[0].State == storage.PartSent
	})
	return m
}

// balance is what acme has, in credits.
func (p *post) balance() storage.Balance {
	p.t.Helper()
	b, err := p.db.Balance("acme")
	if err != nil {
		p.t.Fatal(err)
	}
	return b
}
