package smppd

import (
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gsmgate/smppd/smpp"
)

const (
	loadSessions = 16
	loadWindow   = 100
)

// BenchmarkSubmit is one submit_sm to its answer, 16 sessions with a window of 100 each, against
// a Backend that answers from another goroutine in bursts, as a store's group commits do.
func BenchmarkSubmit(b *testing.B) {
	for name, begin := range map[string]func(testing.TB, Config, *backend) *running{"TLS": startTLS, "plain": startTCP} {
		b.Run(name, func(b *testing.B) { benchmarkSubmit(b, begin) })
	}
}

func benchmarkSubmit(b *testing.B, begin func(testing.TB, Config, *backend) *running) {
	l := newLoader(b, begin, Config{})
	b.ReportAllocs()
	b.ResetTimer()
	cpu := cpuTime(b)
	l.run(b, b.N)
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "submits/s")
	b.ReportMetric(float64(cpuTime(b)-cpu)/float64(b.N), "cpu-ns/op")
	l.stop()
}

// BenchmarkTLSRatio is the rate of BenchmarkSubmit over TLS as a share of that over plain TCP.
func BenchmarkTLSRatio(b *testing.B) {
	compare(b, "plain", newLoader(b, startTCP, Config{}), "TLS", newLoader(b, startTLS, Config{}))
}

// BenchmarkTraceRatio is the rate of BenchmarkSubmit over TLS as a share of that without tracing.
func BenchmarkTraceRatio(b *testing.B) {
	compare(b, "untraced", newLoader(b, startTLS, Config{Trace: -1}), "traced", newLoader(b, startTLS, Config{}))
}

// compare reports the rates of two servers, and the second's as a share of the first's: by the
// clock, and by processor time. They take turns, so that what else the machine does slows both.
func compare(b *testing.B, nameA string, a *loader, nameB string, second *loader) {
	const turn = 20_000 // submits
	a.run(b, turn)
	second.run(b, turn)
	var took, cpu [2]time.Duration
	for b.Loop() {
		for i, l := range []*loader{a, second} {
			begin, used := time.Now(), cpuTime(b)
			l.run(b, turn)
			took[i] += time.Since(begin)
			cpu[i] += cpuTime(b) - used
		}
	}
	b.ReportMetric(turn*float64(b.N)/took[0].Seconds(), nameA+"-submits/s")
	b.ReportMetric(turn*float64(b.N)/took[1].Seconds(), nameB+"-submits/s")
	b.ReportMetric(took[0].Seconds()/took[1].Seconds(), "ratio")
	b.ReportMetric(cpu[0].Seconds()/cpu[1].Seconds(), "cpu-ratio")
	a.stop()
	second.stop()
}

// loader is a server with bound sessions to load.
type loader struct {
	peers []*peer
	stop  func()
}

func newLoader(b *testing.B, begin func(testing.TB, Config, *backend) *running, cfg Config) *loader {
	back, replies := held(loadSessions * loadWindow)
	cfg.Window = loadWindow
	r := begin(b, cfg, back)
	go func() {
		for reply := range replies {
			reply("0123456789abcdef", nil)
			for range len(replies) {
				(<-replies)("0123456789abcdef", nil)
			}
		}
	}()
	l := &loader{}
	for range loadSessions {
		l.peers = append(l.peers, r.bound(TRX))
	}
	l.stop = func() {
		for _, p := range l.peers {
			p.conn.Close()
		}
		r.stop()
		close(replies)
	}
	return l
}

// run sends n messages over all sessions at once and waits for the answers.
func (l *loader) run(b *testing.B, n int) {
	var wg sync.WaitGroup
	for _, p := range l.peers {
		wg.Go(func() { load(b, p, n/loadSessions+1) })
	}
	wg.Wait()
}

// load sends n messages, a window's half at a time.
func load(b testing.TB, p *peer, n int) {
	var window []byte
	for i := range loadWindow {
		window = append(window, frame(b, uint32(i+1), &smpp.SubmitSM{Dest: smpp.Address{TON: 1, NPI: 1, Addr: "31612345678"}, ShortMessage: make([]byte, 140)})...)
	}
	one := len(window) / loadWindow
	_ = p.conn.SetDeadline(time.Now().Add(time.Hour))
	outstanding := 0
	for sent := 0; outstanding > 0 || sent < n; {
		if sent < n && outstanding <= loadWindow/2 {
			k := min(loadWindow/2, n-sent)
			at := sent % loadWindow * one // 0, or the second half
			if _, err := p.conn.Write(window[at : at+k*one]); err != nil {
				b.Error(err)
				return
			}
			sent, outstanding = sent+k, outstanding+k
			continue
		}
		if _, err := p.r.ReadFrame(); err != nil {
			b.Error(err)
			return
		}
		outstanding--
	}
}

// cpuTime is the time that the processors have spent on this process, clients included: unlike the
// clock it hardly depends on what else the machine does.
func cpuTime(b testing.TB) time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
