package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gsmgate/provisioning"
	"gsmgate/smppd/esme"
	"gsmgate/smppd/smpp"
	"gsmgate/smppd/smppsim"
)

// The aims of the SMPP server; make bench prints what there is beside them.
const (
	aimSessionKiB = 40.0 // resident memory of an idle session, less than
	aimTLS        = 0.80 // of the rate over plain TCP, at least
	aimDepth      = 0.80 // of the rate with 1,000 queued, at a million, at least
	aimHeap       = 1.20 // of the heap at the beginning, at the end, at most
)

// BenchmarkIdleSessions prints what the gateway's process takes for a bound
// session over TLS that does nothing.
func BenchmarkIdleSessions(b *testing.B) {
	const sessions = 1000
	for b.Loop() {
		g := newGateway(b)
		g.start()
		g.addUser("load", "load", 1)
		closeSessions(bindSessions(b, g, 4)) // what the first bind needs is no session's
		before := collected(g)
		bound := bindSessions(b, g, sessions)
		busy := collected(g)
		after := rested(b, g)
		each, heap := (after.rss-before.rss)/sessions, (after.heap-before.heap)/sessions
		if got := len(g.status().Sessions); got != sessions {
			b.Errorf("%d sessions are bound, %d were opened", got, sessions)
		}
		printTable("1,000 bound TLS sessions, idle", [][]string{
			{"", "resident", "a session", "heap", "goroutines"},
			{"no session", mebibytes(before.rss), "", mebibytes(before.heap), whole(before.goroutines)},
			{"1,000, just bound, the API asked without a pause", mebibytes(busy.rss), kibibytes((busy.rss - before.rss) / sessions), mebibytes(busy.heap), whole(busy.goroutines)},
			{"1,000, four minutes later", mebibytes(after.rss), kibibytes(each), mebibytes(after.heap), whole(after.goroutines)},
			{"aim", "", "< " + kibibytes(aimSessionKiB), "", ""},
		})
		b.ReportMetric(each, "KiB/session")
		b.ReportMetric(heap, "heap-KiB/session")
		closeSessions(bound)
		g.stop()
	}
}

func kibibytes(kib float64) string { return fmt.Sprintf("%.1f KiB", kib) }

// bindSessions binds so many, some at a time, and leaves them alone.
func bindSessions(b *testing.B, g *gateway, n int) []*esme.Session {
	b.Helper()
	sessions := make([]*esme.Session, n)
	gate := make(chan struct{}, 8)
	var wg sync.WaitGroup
	for i := range sessions {
		gate <- struct{}{}
		wg.Go(func() {
			defer func() { <-gate }()
			s, err := esme.Dial(context.Background(), esme.Config{
				Address: g.smpps, TLS: anyCertificate, SystemID: "load", Password: "load", EnquireLink: -1, ResponseTimeout: patience,
			})
			if err != nil {
				b.Errorf("session %d: %v", i, err)
				return
			}
			sessions[i] = s
		})
	}
	wg.Wait()
	if b.Failed() {
		b.FailNow()
	}
	return sessions
}

func closeSessions(sessions []*esme.Session) {
	var wg sync.WaitGroup
	for _, s := range sessions {
		wg.Go(func() { s.Close(context.Background()) })
	}
	wg.Wait()
}

// status is what the running gateway tells of itself.
func (g *gateway) status() provisioning.Status {
	g.t.Helper()
	s, err := g.api.Status(context.Background())
	if err != nil {
		g.t.Fatalf("status: %v", err)
	}
	return s
}

// taken is what a process takes, in KiB, and its goroutines.
type taken struct{ rss, heap, file, goroutines float64 }

func takenNow(g *gateway) taken {
	m := g.status().Memory
	now := taken{rss: float64(m.RSS) / 1024, heap: float64(m.Heap) / 1024, goroutines: float64(m.Goroutines)}
	if info, err := os.Stat(filepath.Join(g.dir, storeFile)); err == nil {
		now.file = float64(info.Size()) / 1024
	}
	return now
}

// collected asks without a pause, which makes garbage, until what was garbage
// before is collected; what it takes is told then.
func collected(g *gateway) taken {
	for start := time.Now(); time.Since(start) < 5*time.Second; {
		takenNow(g)
	}
	return takenNow(g)
}

// rested leaves the gateway alone for as long as its runtime needs to give back
// the memory of what was done: it collects every two minutes when nothing
// happens, and keeps until the next time what was in use at the last.
func rested(b *testing.B, g *gateway) taken {
	b.Helper()
	time.Sleep(4*time.Minute + 20*time.Second)
	resident, _ := residentKiB(b, g.run.cmd.Process.Pid)
	now := takenNow(g)
	now.rss = resident
	return now
}

// BenchmarkTLSAgainstPlain prints how much of the rate over plain TCP is left
// over TLS. They take turns, so that a busy machine is busy for both; the
// client, whose TLS costs as much, runs in the same process.
func BenchmarkTLSAgainstPlain(b *testing.B) {
	const turns, each = 6, 600 * time.Millisecond // together far from a full queue
	for b.Loop() {
		secured, app := storing(b)
		plain := strings.TrimPrefix(app.Listeners()[1], "smpp://")
		submitOver(b, plain, nil, benchWindow, each) // the first fills an empty file
		var over, without []measured
		for range turns {
			over = append(over, submitOver(b, secured, anyCertificate, benchWindow, each))
			without = append(without, submitOver(b, plain, nil, benchWindow, each))
		}
		if err := app.Stop(); err != nil {
			b.Fatal(err)
		}
		share := medianRate(over) / medianRate(without)
		printTable("accepting, 16 sessions, window 100, on disk, medians of 6 turns of 0.6 s", [][]string{
			{"", "messages/s", "of plain", "aim", "processor µs/message", "plain's part of it"},
			{"TLS", whole(medianRate(over)), ratio(share, 1), ratio(aimTLS, 1), whole(medianCPU(over)), ratio(medianCPU(without), medianCPU(over))},
			{"plain TCP", whole(medianRate(without)), "", "", whole(medianCPU(without)), ""},
		})
		b.ReportMetric(share, "of-plain")
		b.ReportMetric(medianCPU(without)/medianCPU(over), "cpu-of-plain")
		noneRefused(b, slices.Concat(over, without))
	}
}

func median(v []float64) float64 {
	sorted := slices.Sorted(slices.Values(v))
	return sorted[len(sorted)/2]
}

func medianRate(all []measured) float64 {
	var v []float64
	for _, m := range all {
		v = append(v, m.rate)
	}
	return median(v)
}

// medianCPU is in microseconds for a message.
func medianCPU(all []measured) float64 {
	var v []float64
	for _, m := range all {
		v = append(v, float64(m.cpu.Nanoseconds())/1000)
	}
	return median(v)
}

func noneRefused(b *testing.B, all []measured) {
	b.Helper()
	for _, m := range all {
		if m.refused > 0 {
			b.Errorf("%d messages were refused", m.refused)
		}
	}
}

// BenchmarkQueueDepth prints what a million queued messages do to the rate of
// accepting: no modem is there, so that all wait. Shallow and deep take turns.
func BenchmarkQueueDepth(b *testing.B) {
	const shallow, deep, turns, each = 1000, 1_000_000, 5, 2 * time.Second
	for b.Loop() {
		full, app := storing(b)
		filling := time.Now()
		fill(b, app, full, deep)
		filled := time.Since(filling)
		var many, few []measured
		for range turns {
			many = append(many, submitFor(b, full, each))
			address, fresh := storing(b)
			fill(b, fresh, address, shallow)
			few = append(few, submitFor(b, address, each))
			if err := fresh.Stop(); err != nil {
				b.Fatal(err)
			}
		}
		queued := depth(app)
		if err := app.Stop(); err != nil {
			b.Fatal(err)
		}
		share := medianRate(many) / medianRate(few)
		printTable("accepting into a queue that nobody empties, 16 sessions, window 100, medians of 6 turns of 0.6 s", [][]string{
			{"queued before", "messages/s", "of shallow", "aim", "processor µs/message", "shallow's part of it"},
			{"1,000", whole(medianRate(few)), "", "", whole(medianCPU(few)), ""},
			{"1,000,000", whole(medianRate(many)), ratio(share, 1), ratio(aimDepth, 1), whole(medianCPU(many)), ratio(medianCPU(few), medianCPU(many))},
			{fmt.Sprintf("%d after it; the million took %s", queued, filled.Round(time.Second)), "", "", "", "", ""},
		})
		b.ReportMetric(share, "of-shallow")
		b.ReportMetric(medianCPU(few)/medianCPU(many), "cpu-of-shallow")
		noneRefused(b, slices.Concat(many, few))
	}
}

// depth is the number of messages that wait.
func depth(app *App) (n int) {
	for _, c := range app.Router().Channels() {
		n += c.Queued
	}
	return n
}

// fill submits until n messages wait.
func fill(b *testing.B, app *App, address string, n int) {
	b.Helper()
	result, err := smppsim.Load(context.Background(), smppsim.LoadConfig{
		Config: esme.Config{
			Address: address, TLS: anyCertificate, SystemID: "load", Password: "load", BindType: smpp.IDBindTransmitter,
			Window: min(1000, max(n/benchSessions, 1)), ResponseTimeout: patience,
		},
		Sessions: benchSessions, Count: n, Dest: "3162#######", Texts: []string{"one of very many messages that wait for a modem"},
	})
	if err != nil {
		b.Fatal(err)
	}
	if result.Accepted != n || depth(app) < n {
		b.Fatalf("%d of %d were accepted, %d wait: %v", result.Accepted, n, depth(app), result.Statuses)
	}
}

// soakIdle is how many clients are bound beside those that submit.
const soakIdle = 500

// BenchmarkHeapUnderLoad prints whether memory grows while clients submit over
// TLS, simulated modems send and receipts go back, and others are bound and
// silent. Ended messages are kept for a short time, so that the file has its
// size soon, but for the ledger. make soak runs it for longer.
func BenchmarkHeapUnderLoad(b *testing.B) {
	for b.Loop() {
		d := soakTime(b)
		g, bank := bankOf(b, 16, 5*time.Millisecond, "--retention", "20s")
		idle := bindSessions(b, g, soakIdle)
		ended := make(chan smppsim.LoadResult, 1)
		go func() { ended <- soakLoad(b, g, d) }()
		sent := bank.Network().Total()
		time.Sleep(min(d/10, time.Minute))
		first := watch(g, d/10)
		time.Sleep(d - 2*(d/10) - min(d/10, time.Minute))
		last := watch(g, d/10)
		result := <-ended
		growth := last.heap / first.heap
		printTable(fmt.Sprintf("%s of load over TLS: %.0f messages/s accepted, sent by 16 simulated modems, receipts back, %d clients silent", d, result.PerSecond(), soakIdle), [][]string{
			{"", "heap", "resident", "file", "goroutines"},
			{"after the first minute, or tenth", mebibytes(first.heap), mebibytes(first.rss), mebibytes(first.file), whole(first.goroutines)},
			{"at the end", mebibytes(last.heap), mebibytes(last.rss), mebibytes(last.file), whole(last.goroutines)},
			{"end / beginning", ratio(growth, 1), ratio(last.rss, first.rss), ratio(last.file, first.file), ratio(last.goroutines, first.goroutines)},
			{"aim", "<= " + ratio(aimHeap, 1), "", "", "1.00"},
		})
		if grown := last.file - first.file; grown > 0 {
			b.ReportMetric((last.heap-first.heap)/grown*1024, "heap-KiB/file-MiB")
		}
		b.ReportMetric(growth, "heap-growth")
		b.ReportMetric(last.goroutines-first.goroutines, "more-goroutines")
		closeSessions(idle)
		holdSoak(b, result, bank.Network().Total()-sent)
		g.stop()
	}
}

// soakTime is GSMGATE_SOAK, or a minute.
func soakTime(b *testing.B) time.Duration {
	b.Helper()
	word := os.Getenv("GSMGATE_SOAK")
	if word == "" {
		return time.Minute
	}
	d, err := time.ParseDuration(word)
	if err != nil || d < 10*time.Second {
		b.Fatalf("GSMGATE_SOAK=%s is no time of 10s or more", word)
	}
	return d
}

// soakLoad submits less than the modems can send, so that nothing piles up.
func soakLoad(b *testing.B, g *gateway, d time.Duration) smppsim.LoadResult {
	result, err := smppsim.Load(context.Background(), smppsim.LoadConfig{
		Config:   esme.Config{Address: g.smpps, TLS: anyCertificate, SystemID: "load", Password: "load", Window: benchWindow, ResponseTimeout: patience},
		Sessions: benchSessions, Duration: d, Rate: 200, Dest: "316200000##", RegisteredDelivery: smpp.ReceiptFinal, ReceiptWait: patience,
		Texts: []string{"a short text", strings.Repeat("a text of several parts ", 12), "текст не из GSM"},
	})
	if err != nil {
		b.Errorf("the load broke off: %v", err)
	}
	return result
}

// watch takes the medians of a while. The file is mapped, and so counts as
// resident; bbolt remembers every page that it has written since it was opened
// and that is in use, some 30 octets each, so that the heap follows a file that
// grows.
func watch(g *gateway, d time.Duration) taken {
	var rss, heap, goroutines []float64
	for start := time.Now(); time.Since(start) < d; time.Sleep(250 * time.Millisecond) {
		now := takenNow(g)
		rss, heap, goroutines = append(rss, now.rss), append(heap, now.heap), append(goroutines, now.goroutines)
	}
	return taken{rss: median(rss), heap: median(heap), file: takenNow(g).file, goroutines: median(goroutines)}
}

// holdSoak wants every message accepted, sent and receipted.
func holdSoak(b *testing.B, r smppsim.LoadResult, segments int) {
	b.Helper()
	if r.Accepted == 0 || r.Accepted != r.Sent || r.ReceiptsMissing > 0 || r.ReceiptsStrange > 0 {
		b.Errorf("of %d messages %d were accepted: %v; %d receipts are missing, %d are strange", r.Sent, r.Accepted, r.Statuses, r.ReceiptsMissing, r.ReceiptsStrange)
	}
	if done := r.Receipts[smpp.StateDelivered]; done != r.Accepted || segments < r.Accepted {
		b.Errorf("%d were accepted, %d delivered in %d segments: %v", r.Accepted, done, segments, r.Receipts)
	}
}
