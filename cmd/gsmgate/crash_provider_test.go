package main

import (
	"bytes"
	"context"
	"encoding/json"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// gatewayOutside is what the provider is told as the gateway's URL; it knows where
// that is.
const gatewayOutside = "http://gateway.example"

// httpProvider is a provider over HTTP that may be killed at any moment. What it has
// taken, and the reports that it owes, outlive it.
type httpProvider struct {
	t       *testing.T
	address string
	gateway string

	ctx  context.Context // of this life
	end  context.CancelFunc
	all  sync.WaitGroup
	http *http.Server

	mu    sync.Mutex
	alive bool
	taken map[string]int // times, by recipient
	known map[string]bool
	owed  []owedReport
	names int
}

type owedReport struct {
	url, id, to string
	due         time.Time
}

const (
	reporters   = 4
	reportDelay = 100 * time.Millisecond
)

func newHTTPProvider(t *testing.T) *httpProvider {
	t.Helper()
	p := &httpProvider{t: t, address: "127.0.0.1:0", taken: map[string]int{}, known: map[string]bool{}}
	p.start()
	t.Cleanup(p.kill)
	return p
}

// calls says where the gateway is.
func (p *httpProvider) calls(address string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gateway = address
}

// start begins a life, at the port of the last one.
func (p *httpProvider) start() {
	p.t.Helper()
	l, err := net.Listen("tcp", p.address)
	if err != nil {
		p.t.Fatal(err)
	}
	p.address = l.Addr().String()
	p.ctx, p.end = context.WithCancel(context.Background())
	ctx := p.ctx
	server := &http.Server{Handler: p, BaseContext: func(net.Listener) context.Context { return ctx }}
	p.http = server
	p.mu.Lock()
	p.alive = true
	p.mu.Unlock()
	p.all.Go(func() { _ = server.Serve(l) })
	for range reporters {
		p.all.Go(func() { p.report(ctx) })
	}
}

// kill ends it in the middle of whatever it does: nothing is taken after that, and no
// answer goes out.
func (p *httpProvider) kill() {
	p.mu.Lock()
	p.alive = false
	p.mu.Unlock()
	p.end()
	_ = p.http.Close()
	p.all.Wait()
}

func (p *httpProvider) copies(to string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.taken[to]
}

// ServeHTTP takes a message, and may die before, while it answers, and after.
func (p *httpProvider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var m struct{ To, ID, Report string }
	if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
		return // who asked is dead
	}
	work(r.Context())
	id, ok := p.take(strings.TrimPrefix(r.URL.Path, "/"), m.To, m.ID, m.Report)
	work(r.Context())
	if !ok || r.Context().Err() != nil {
		panic(http.ErrAbortHandler)
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"ok": true, "id": id})
}

// work takes its time.
func work(ctx context.Context) {
	select {
	case <-time.After(time.Duration(rand.Int64N(int64(5 * time.Millisecond)))):
	case <-ctx.Done():
	}
}

// take stores a message; false: it is dead.
func (p *httpProvider) take(way, to, ours, url string) (id string, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.alive {
		return "", false
	}
	if way == "again" && p.known[ours] {
		return ours, true
	}
	p.known[ours] = true
	p.taken[to]++
	p.names++
	id = strconv.Itoa(p.names)
	if way == "ours" || way == "again" {
		id = ours
	}
	url = strings.Replace(url, gatewayOutside, "http://"+p.gateway, 1)
	p.owed = append(p.owed, owedReport{url, id, to, time.Now().Add(reportDelay)})
	return id, true
}

// report sends what is owed until it is taken.
func (p *httpProvider) report(ctx context.Context) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1}}
	defer client.CloseIdleConnections()
	for ctx.Err() == nil {
		r, ok := p.due()
		if ok && p.post(ctx, client, r) {
			continue
		}
		if ok {
			p.mu.Lock()
			p.owed = append(p.owed, r)
			p.mu.Unlock()
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

func (p *httpProvider) due() (r owedReport, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.owed) == 0 || p.owed[0].due.After(time.Now()) {
		return r, false
	}
	r, p.owed = p.owed[0], p.owed[1:]
	return r, true
}

func (p *httpProvider) post(ctx context.Context, client *http.Client, r owedReport) bool {
	body, _ := json.Marshal(map[string]string{"id": r.id, "to": r.to, "status": "delivered"})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url, bytes.NewReader(body))
	if err != nil {
		p.t.Errorf("the gateway's URL for reports: %v", err)
		return true
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode/100 == 2
}
