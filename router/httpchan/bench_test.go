package httpchan

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gsmgate/storage"
)

const (
	benchConnections = 50
	aimOfBare        = 0.60 // of the rate of a bare client, at least
)

// BenchmarkAgainstBareClient prints how much of the rate of a bare net/http client,
// with as many connections to the same server, is left when each message comes out
// of the store, is written as tried before it goes, and as sent after. The server
// answers at once, or as a provider that is near, or as one that is far.
func BenchmarkAgainstBareClient(b *testing.B) {
	for b.Loop() {
		for _, c := range []struct {
			name  string
			delay time.Duration
			n     int
		}{{"an answer at once", 0, 10_000}, {"after 5 ms", 5 * time.Millisecond, 10_000}, {"after 50 ms", 50 * time.Millisecond, 5_000}} {
			server := newBenchServer(b, c.delay)
			bare := server.bare(b, c.n)
			through := server.through(b, c.n)
			share := through / bare
			fmt.Fprintf(os.Stdout, "HTTP upstream, %d connections, %-18s bare client %7.0f/s, gateway %7.0f/s: %3.0f %% (aim %.0f %%)\n",
				benchConnections, c.name+":", bare, through, 100*share, 100*aimOfBare)
			b.ReportMetric(100*share, "%-of-bare-"+fmt.Sprint(c.delay))
		}
	}
}

// benchServer answers as a provider does, and counts.
type benchServer struct {
	*provider
	open  chan struct{} // closed when answers are given
	seen  atomic.Int64
	until atomic.Int64 // which one is the last
	last  chan struct{}
}

func newBenchServer(b *testing.B, delay time.Duration) *benchServer {
	s := &benchServer{open: make(chan struct{}), last: make(chan struct{}, 1)}
	s.provider = &provider{}
	s.Server = newServer(b, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-s.open
		time.Sleep(delay)
		n := s.seen.Add(1)
		fmt.Fprintf(w, `{"ok": true, "id": %d}`, n)
		if n == s.until.Load() {
			s.last <- struct{}{}
		}
	})
	return s
}

// bare sends so many requests as a program would that does nothing else.
func (s *benchServer) bare(b *testing.B, n int) float64 {
	close(s.open)
	body, err := json.Marshal(map[string]string{"to": "31612345678", "from": "Acme", "text": "Hello", "id": "0123abcd-10000001-1-1"})
	if err != nil {
		b.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{MaxConnsPerHost: benchConnections, MaxIdleConnsPerHost: benchConnections}}
	defer client.CloseIdleConnections()
	var left atomic.Int64
	left.Store(int64(n))
	var wg sync.WaitGroup
	began := time.Now()
	for range benchConnections {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				resp, err := client.Post(s.URL+"/send", "application/json", bytes.NewReader(body))
				if err != nil {
					b.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
		})
	}
	wg.Wait()
	return float64(n) / time.Since(began).Seconds()
}

// through sends as many messages through the gateway, each to another recipient: those
// to one keep their order. All are in its queue before the first is answered.
func (s *benchServer) through(b *testing.B, n int) float64 {
	s.open = make(chan struct{})
	s.until.Store(s.seen.Load() + int64(n))
	p := benchPost(b, s.URL)
	var wg sync.WaitGroup
	for i := range n {
		wg.Add(1)
		m := &storage.Message{Kind: storage.MT, User: "acme", Text: "Hello", Source: storage.Address{TON: 5, Addr: "Acme"}, Dest: storage.Address{TON: 1, NPI: 1, Addr: fmt.Sprintf("316%08d", i)}}
		p.r.Submit(m, func(_ storage.ID, err error) {
			if err != nil {
				b.Error(err)
			}
			wg.Done()
		})
	}
	wg.Wait()
	began := time.Now()
	close(s.open)
	select {
	case <-s.last:
	case <-time.After(5 * time.Minute):
		b.Fatal("not all were sent")
	}
	rate := float64(n) / time.Since(began).Seconds()
	p.stop()
	return rate
}
