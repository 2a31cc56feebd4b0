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
	back, replies := held(loadSessions * loadWindow)
	r := begin(b, Config{Window: loadWindow}, back)
	go func() {
		for reply := range replies {
			reply("0123456789abcdef", nil)
			for range len(replies) {
				(<-replies)("0123456789abcdef", nil)
			}
		}
	}()
	defer close(replies)
	var peers []*peer
	for range loadSessions {
		peers = append(peers, r.bound(TRX))
	}
	b.ReportAllocs()
	b.ResetTimer()
	cpu := cpuTime(b)
	var wg sync.WaitGroup
	for _, p := range peers {
		wg.Go(func() { load(b, p, b.N/loadSessions+1) })
	}
	wg.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "submits/s")
	b.ReportMetric(float64(cpuTime(b)-cpu)/float64(b.N), "cpu-ns/op")
	for _, p := range peers {
		p.conn.Close()
	}
	r.stop()
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
