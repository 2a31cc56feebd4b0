package modem

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"gsmgate/modem/modemsim"
)

// BenchmarkSubmit sends over simulated modems, and shows what part of the network's rate they reach; at no latency the time of a send is
// that of gateway, ptys and simulator together.
func BenchmarkSubmit(b *testing.B) {
	for _, c := range []struct {
		modems  int
		latency time.Duration
	}{{1, 0}, {1, 50 * time.Millisecond}, {16, 50 * time.Millisecond}} {
		b.Run(fmt.Sprintf("modems=%d/latency=%v", c.modems, c.latency), func(b *testing.B) {
			s := onPTYs(b, modemsim.Config{Count: c.modems, Latency: c.latency}, Config{})
			for i := range c.modems {
				s.untilReady(b, i)
			}
			time.Sleep(time.Second) // the first sweep
			tpdu := submitOf(b, "+31600000000", "benchmark")
			b.ResetTimer()
			var all sync.WaitGroup
			for _, m := range s.modems {
				all.Go(func() {
					for range b.N {
						if _, err := m.Submit(b.Context(), tpdu); err != nil {
							b.Error(err)
						}
					}
				})
			}
			all.Wait()
			b.ReportMetric(100*float64(b.N)*c.latency.Seconds()/b.Elapsed().Seconds(), "%")
		})
	}
}
