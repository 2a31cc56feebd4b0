package httpchan

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"gsmgate/storage"
)

const (
	benchConnections = 50
	atOnce           = 5000 // submits
	aimOfBare        = 0.60 // of the rate of a bare client, at least
)

// BenchmarkAgainstBareClient prints how much of the rate of a bare net/http client,
// with as many connections to the same server, is left when each message comes out
// of the store, is written as tried before it goes, and as sent after. The server
// answers at once, or as a provider that is near, or as one that is far. Processor
// time is that of the server too, and tells more where other programs run.
func BenchmarkAgainstBareClient(b *testing.B) {
	defer debug.SetGCPercent(debug.SetGCPercent(200)) // as in serve
	for _, c := range []struct {
		name  string
		delay time.Duration
		n     int
	}{{"at once", 0, 20_000}, {"after 5 ms", 5 * time.Millisecond, 10_000}, {"after 50 ms", 50 * time.Millisecond, 5_000}} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				server := newBenchServer(b, c.delay)
				bare := speedOf(b, c.n, server.bare)
				through := speedOf(b, c.n, server.through)
				share := 100 * through.rate / bare.rate
				fmt.Fprintf(os.Stdout, "HTTP upstream, %d connections, answers %-11s bare client %6.0f/s, %3.0f µs of processor; gateway %6.0f/s, %3.0f µs: %3.0f %% (aim %.0f %%)\n",
					benchConnections, c.name+":", bare.rate, bare.cpu, through.rate, through.cpu, share, 100*aimOfBare)
				b.ReportMetric(share, "%-of-bare")
				b.ReportMetric(through.cpu, "cpu-µs/msg")
			}
		})
	}
}

// speed is what a run came to.
type speed struct {
	rate float64 // messages a second
	cpu  float64 // microseconds of processor a message
}

func speedOf(b *testing.B, n int, run func(b *testing.B, n int) (took, used time.Duration)) speed {
	b.Helper()
	took, used := run(b, n)
	return speed{float64(n) / took.Seconds(), float64(used.Microseconds()) / float64(n)}
}

// clock begins to measure; what it gives ends that.
func clock(b *testing.B) func() (took, used time.Duration) {
	cpu := func() time.Duration {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			b.Fatal(err)
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	before, began := cpu(), time.Now()
	return func() (took, used time.Duration) { return time.Since(began), cpu() - before }
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
func (s *benchServer) bare(b *testing.B, n int) (took, used time.Duration) {
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
	stop := clock(b)
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
	return stop()
}

// through sends as many messages through the gateway, each to another recipient: those
// to one keep their order. All are in its queue before the first is answered.
func (s *benchServer) through(b *testing.B, n int) (took, used time.Duration) {
	s.open = make(chan struct{})
	s.until.Store(s.seen.Load() + int64(n))
	p := benchPost(b, s.URL)
	var wg sync.WaitGroup
	for i := range n {
		if i%atOnce == 0 {
			wg.Wait() // a store takes so much that is not on disk, and no more
		}
		wg.Add(1)
		m := &storage.Message{Kind: storage.MT, User: "acme", Text: "Hello", Source: storage.Address{TON: 5, Addr: "Acme"}, Dest: storage.Address{TON: 1, NPI: 1, Addr: fmt.Sprintf("316%08d", i)}}
		p.R.Submit(m, func(_ storage.ID, err error) {
			if err != nil {
				b.Error(err)
			}
			wg.Done()
		})
	}
	wg.Wait()
	stop := clock(b)
	close(s.open)
	select {
	case <-s.last:
	case <-time.After(5 * time.Minute):
		b.Fatal("not all were sent")
	}
	took, used = stop()
	p.stop()
	return took, used
}
