package gsmchan

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"gsmgate/modem"
	"gsmgate/modem/modemsim"
	"gsmgate/storage"
)

// The aims of the bank; make bench prints what there is beside them.
const (
	aimEfficiency = 97.0  // percent of N/latency, up to 64 modems
	aimLarge      = 90.0  // at 256
	aimAdded      = 3.0   // ms that the gateway adds to a send beside the port's, at most
	aimModemKiB   = 200.0 // memory a modem, at most
	aimDead       = 0.97  // of the rate, when one modem more is there that is dead

	fewEach = 20 // messages a modem that make a short queue
)

// queue submits n short messages to as many recipients.
func (s *stack) queue(n int) {
	for n > 0 {
		ms := make([]*storage.Message, min(n, 250))
		for i := range ms {
			ms[i] = &storage.Message{Kind: storage.MT, User: "acme", Source: storage.Address{Addr: "100"}, Text: "a message of a queue for the bank",
				Dest: storage.Address{TON: 1, NPI: 1, Addr: fmt.Sprintf("3162%07d", n-i)}}
		}
		done := make(chan error, 1)
		s.r.SubmitBatch(ms, func(_ []storage.ID, errs []error) {
			for _, err := range errs {
				if err != nil {
					done <- err
					return
				}
			}
			done <- nil
		})
		if err := <-done; err != nil {
			s.t.Fatal(err)
		}
		n -= len(ms)
	}
}

// drained is how long the network takes to get n messages more.
func (s *stack) drained(n int) time.Duration {
	took, _ := s.watched(n)
	return took
}

// watched is drained, and how many messages a second there were in the midst: not
// while they are still accepted, nor while some modems have none left.
func (s *stack) watched(n int) (took time.Duration, rate float64) {
	from, before := time.Now(), s.sim.Network().Total()
	s.queue(n)
	var began, now time.Time
	var first, got int
	for got < n {
		time.Sleep(time.Millisecond)
		if now, got = time.Now(), s.sim.Network().Total()-before; now.Sub(from) > time.Minute {
			s.t.Fatalf("%d of %d messages after a minute", got, n)
		}
		switch {
		case began.IsZero() && got >= n/10:
			began, first = now, got
		case rate == 0 && got >= n-n/10:
			rate = float64(got-first) / now.Sub(began).Seconds()
		}
	}
	return now.Sub(from), rate
}

// quiet has modems that say nothing while they are measured.
func quiet(c *modem.Config) { c.Stagger = time.Millisecond }

// BenchmarkBank prints what part of the rate that the network allows a bank
// reaches: in the midst of a queue, or over all of a short one, whose modems go in
// step. Of the time that a send takes over that, sim-late-ms are the simulator's, whose
// network is late.
func BenchmarkBank(b *testing.B) {
	defer debug.SetGCPercent(debug.SetGCPercent(200)) // as in serve
	for _, latency := range []time.Duration{50 * time.Millisecond, 3 * time.Second} {
		for _, modems := range []int{1, 4, 16, 64, 256} {
			each := int(max(4, 5*time.Second/latency)) // of messages a modem
			b.Run(fmt.Sprintf("latency=%v/modems=%d", latency, modems), func(b *testing.B) {
				s := onStack(b, modemsim.Config{Count: modems, Latency: latency, Exact: true, Keep: 1000, Rules: []modemsim.Rule{{Match: "*", NoReport: true}}}, Config{tune: quiet})
				time.Sleep(2 * time.Second) // the first sweeps
				for b.Loop() {
					n, before, late := float64(each*modems), s.db.Stats().Commits, s.sim.Network().Late()
					took, rate := s.watched(each * modems)
					if each < fewEach {
						rate = float64(each*modems) / took.Seconds()
					}
					b.ReportMetric(float64(s.db.Stats().Commits-before)/n, "commits/message")
					b.ReportMetric((s.sim.Network().Late()-late).Seconds()*1000/n, "sim-late-ms/send")
					b.ReportMetric(1000*(float64(modems)/rate-latency.Seconds()), "over-ms/send")
					aim := aimEfficiency
					if modems > 64 {
						aim = aimLarge
					}
					b.ReportMetric(100*rate*latency.Seconds()/float64(modems), "%-of-network")
					b.ReportMetric(aim, "%-aim")
					b.ReportMetric(rate, "messages/s")
				}
			})
		}
	}
}

// BenchmarkBankAdds prints what the gateway adds to a send: the time of a
// message through all of it, less that of the same AT commands written to the
// port by hand.
func BenchmarkBankAdds(b *testing.B) {
	const messages = 500
	for b.Loop() {
		s := onStack(b, modemsim.Config{Count: 1, Keep: 1000, Rules: []modemsim.Rule{{Match: "*", NoReport: true}}}, Config{tune: quiet})
		time.Sleep(time.Second)
		whole := s.drained(messages).Seconds() * 1000 / messages
		port := byHand(b, messages).Seconds() * 1000 / messages
		b.ReportMetric(whole, "ms/send")
		b.ReportMetric(port, "port-ms/send")
		b.ReportMetric(whole-port, "added-ms/send")
		b.ReportMetric(aimAdded, "aim-ms")
		s.stop()
	}
}

// byHand is how long the modem takes when nothing stands before its port.
func byHand(b *testing.B, n int) time.Duration {
	sim := simulate(b, modemsim.Config{Count: 1, Keep: 1000})
	port, err := modem.OpenSerial(context.Background(), sim.Paths()[0])
	if err != nil {
		b.Fatal(err)
	}
	defer port.Close()
	in := bufio.NewReader(port)
	say(b, port, in, "ATE0\r", "OK")
	say(b, port, in, "AT+CMGF=0\r", "OK")
	from := time.Now()
	for range n {
		say(b, port, in, "AT+CMGS=15\r", ">")
		say(b, port, in, "0011000B911326000000F00000AA0161\x1a", "OK")
	}
	return time.Since(from)
}

// say writes and reads up to a word.
func say(b *testing.B, out io.Writer, in *bufio.Reader, what, until string) {
	b.Helper()
	if _, err := io.WriteString(out, what); err != nil {
		b.Fatal(err)
	}
	for got := ""; !strings.Contains(got, until); {
		c, err := in.ReadByte()
		if err != nil || strings.Contains(got, "ERROR") {
			b.Fatalf("%q: %q, %v", what, got, err)
		}
		got += string(rune(c))
	}
}

// BenchmarkBankMemory prints what the gateway takes for a modem that is ready
// and has sent; what the simulated modem keeps of the talk is in it.
func BenchmarkBankMemory(b *testing.B) {
	const modems = 64
	for b.Loop() {
		sim := simulate(b, modemsim.Config{Count: modems, Keep: 1000, Rules: []modemsim.Rule{{Match: "*", NoReport: true}}})
		one := simulate(b, modemsim.Config{Count: 1})
		alone := stackOn(b, one, Config{tune: quiet}) // what is there whatever the number of modems
		time.Sleep(time.Second)
		before := inUse()
		s := stackOn(b, sim, Config{tune: quiet})
		s.drained(modems)
		time.Sleep(2 * time.Second)
		b.ReportMetric(float64(inUse()-before)/1024/modems, "KiB/modem")
		b.ReportMetric(aimModemKiB, "aim-KiB")
		alone.stop()
		s.stop()
	}
}

// inUse is memory that is in use, in octets: heap and stacks.
func inUse() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}

// BenchmarkBankDead prints what a modem that hangs costs the others.
func BenchmarkBankDead(b *testing.B) {
	const modems, each, latency = 4, 100, 50 * time.Millisecond
	quietly := []modemsim.Rule{{Match: "*", NoReport: true}}
	for b.Loop() {
		s := onStack(b, modemsim.Config{Count: modems, Latency: latency, Exact: true, Keep: 1000, Rules: quietly}, Config{tune: quiet})
		time.Sleep(time.Second)
		well := s.drained(modems * each)
		s.stop()
		s = onStack(b, modemsim.Config{Count: modems + 1, Latency: latency, Keep: 1000, Rules: quietly}, Config{tune: quiet})
		time.Sleep(time.Second)
		s.sim.Modem(modems).Hang(0)
		s.queue(1 + modems) // one of them is the dead one's
		time.Sleep(time.Second)
		beside := s.drained(modems * each)
		b.ReportMetric(well.Seconds()/beside.Seconds(), "of-the-rate")
		b.ReportMetric(aimDead, "aim")
		s.stop()
	}
}
