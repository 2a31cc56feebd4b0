package httpback

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"gsmgate/router"
	"gsmgate/storage"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pipes is a network in memory: who listens at an address, such as a:80, gets
// what is dialled there.
type pipes struct {
	mu    sync.Mutex
	peers map[string]*pipeListener
}

type pipeListener struct {
	conns chan net.Conn
	once  sync.Once
	done  chan struct{}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error   { l.once.Do(func() { close(l.done) }); return nil }
func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{} }

func (p *pipes) dial(ctx context.Context, _, address string) (net.Conn, error) {
	p.mu.Lock()
	l := p.peers[address]
	p.mu.Unlock()
	if l == nil {
		return nil, errors.New("connection refused")
	}
	ours, theirs := net.Pipe()
	select {
	case l.conns <- theirs:
		return ours, nil
	case <-l.done:
		return nil, errors.New("connection refused")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// post is what a receiver got.
type post struct {
	header http.Header
	body   string
	event  CallbackEvent
	at     time.Time
}

// receiver takes posts, and answers as its function says.
type receiver struct {
	answer func(w http.ResponseWriter, p post)

	mu       sync.Mutex
	got      []post
	now, top int // at once
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, _ := io.ReadAll(req.Body)
	p := post{header: req.Header.Clone(), body: string(body), at: time.Now()}
	_ = json.Unmarshal(body, &p.event)
	r.mu.Lock()
	r.got = append(r.got, p)
	r.now++
	r.top = max(r.top, r.now)
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		r.now--
		r.mu.Unlock()
	}()
	if r.answer != nil {
		r.answer(w, p)
	}
}

func (r *receiver) posts() []post {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.got)
}

// texts is what came, in its order.
func (r *receiver) texts() string {
	var all []string
	for _, p := range r.posts() {
		all = append(all, p.event.Text)
	}
	return strings.Join(all, " ")
}

// status answers with these, one after the other, then with 204.
func status(codes ...int) func(http.ResponseWriter, post) {
	var mu sync.Mutex
	return func(w http.ResponseWriter, _ post) {
		mu.Lock()
		defer mu.Unlock()
		code := http.StatusNoContent
		if len(codes) > 0 {
			code, codes = codes[0], codes[1:]
		}
		w.WriteHeader(code)
	}
}

// house is a gateway that only posts, in a bubble. User acme owns +3161*, and its
// callback is http://acme/sms.
type house struct {
	t    *testing.T
	net  *pipes
	db   *storage.DB
	r    *router.Router
	ch   *Channel
	log  *bytes.Buffer
	stop func()
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := openHouse(t, filepath.Join(t.TempDir(), "db"), &pipes{peers: map[string]*pipeListener{}})
	h.user("acme", "+3161*", router.UserSettings{})
	return h
}

func openHouse(t *testing.T, path string, n *pipes) *house {
	t.Helper()
	db, err := storage.Open(path, storage.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	h := &house{t: t, net: n, db: db, r: router.New(db, router.Options{}), log: &bytes.Buffer{}}
	h.ch = New(Config{Router: h.r, Log: slog.New(slog.NewTextHandler(h.log, nil)), Dial: n.dial})
	if err := h.r.Add(h.ch); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- h.r.Run(ctx) }()
	h.stop = sync.OnceFunc(func() {
		cancel()
		if err := errors.Join(<-done, db.Check(context.Background()), db.Close()); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(h.stop)
	return h
}

// user adds one whose callback is at its name.
func (h *house) user(name, addresses string, s router.UserSettings) {
	h.t.Helper()
	url := "http://" + name + "/sms?token=hidden"
	if s.Callback == nil {
		s.Callback = &url
	}
	if _, err := h.r.AddUser(h.t.Context(), router.UserSpec{SystemID: name, Password: "secret", AddressRanges: []string{addresses}, UserSettings: s}); err != nil {
		h.t.Fatal(err)
	}
	h.set(name, router.UserSettings{}) // which tells the channel
}

func (h *house) set(name string, s router.UserSettings) {
	h.t.Helper()
	if _, err := h.r.SetUser(h.t.Context(), name, router.UserChange{UserSettings: s}); err != nil {
		h.t.Fatal(err)
	}
}

// listen lets somebody listen at host:80 until the function is called.
func (h *house) listen(host string, r *receiver) (down func()) {
	l := &pipeListener{conns: make(chan net.Conn), done: make(chan struct{})}
	h.net.mu.Lock()
	h.net.peers[host+":80"] = l
	h.net.mu.Unlock()
	server := &http.Server{Handler: r, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0)}
	var all sync.WaitGroup
	all.Go(func() { _ = server.Serve(l) })
	down = sync.OnceFunc(func() {
		_ = server.Close()
		all.Wait()
		h.net.mu.Lock()
		delete(h.net.peers, host+":80")
		h.net.mu.Unlock()
	})
	h.t.Cleanup(func() { h.stop(); down() })
	return down
}

// mo stores messages from a handset whose number ends in the first character.
func (h *house) mo(texts ...string) (ids []storage.ID) {
	h.t.Helper()
	for _, text := range texts {
		ids = append(ids, h.mo1("31610000000", text))
	}
	return ids
}

func (h *house) mo1(to, text string) storage.ID {
	h.t.Helper()
	id, err := h.r.SubmitSync(h.t.Context(), &storage.Message{Kind: storage.MO, Text: text,
		Source: storage.Address{TON: 1, NPI: 1, Addr: "4915" + text[:1]}, Dest: storage.Address{TON: 1, NPI: 1, Addr: to}})
	if err != nil {
		h.t.Fatal(err)
	}
	return id
}

func (h *house) state(id storage.ID) *storage.Message {
	h.t.Helper()
	m, err := h.r.Message(id)
	if err != nil {
		h.t.Fatal(err)
	}
	return m
}

func (h *house) want(id storage.ID, state storage.State, reason string) {
	h.t.Helper()
	if m := h.state(id); m.State != state || reason != "" && m.Reason != reason {
		h.t.Errorf("message %q is %s: %q, want %s: %q", m.Text, router.StateWord(m.State), m.Reason, router.StateWord(state), reason)
	}
}

// pass lets time go by until everything has come to rest.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func ptr[T any](v T) *T { return &v }
