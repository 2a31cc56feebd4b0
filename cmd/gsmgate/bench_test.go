package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"text/tabwriter"
	"time"

	"gsmgate/modem/modemsim"
	"gsmgate/router"
	"gsmgate/smppd"
	"gsmgate/smppd/esme"
	"gsmgate/smppd/smpp"
	"gsmgate/storage"
	"gsmgate/storage/storagetest"
)

// measured is what clients saw of a time under load.
type measured struct {
	rate     float64 // submits answered ESME_ROK a second
	p50, p99 time.Duration
	cpu      time.Duration // processor time of this process for a message: what others do does not lengthen it much
	refused  int
}

const (
	benchSessions = 16
	benchWindow   = 100
	benchTime     = 5 * time.Second
)

// anyCertificate is the TLS of a client that measures.
var anyCertificate = &tls.Config{InsecureSkipVerify: true}

// submitFor keeps the windows of all sessions full for a while, over TLS.
func submitFor(b *testing.B, address string, d time.Duration) measured {
	b.Helper()
	return submitOver(b, address, anyCertificate, benchWindow, d)
}

// submitOver is submitFor with another window, and without TLS where secured
// is nil.
func submitOver(b *testing.B, address string, secured *tls.Config, window int, d time.Duration) measured {
	b.Helper()
	ctx := context.Background()
	var sessions []*esme.Session
	for range benchSessions {
		s, err := esme.Dial(ctx, esme.Config{
			Address: address, TLS: secured, SystemID: "load", Password: "load", BindType: smpp.IDBindTransmitter, Window: window,
		})
		if err != nil {
			b.Fatal(err)
		}
		sessions = append(sessions, s)
	}
	var mu sync.Mutex
	var all []time.Duration
	refused := 0
	start, used := time.Now(), processorTime(b)
	var wg sync.WaitGroup
	for n, s := range sessions {
		wg.Go(func() {
			took, bad := submitOn(ctx, s, n, start.Add(d))
			mu.Lock()
			defer mu.Unlock()
			all = append(all, took...)
			refused += bad
		})
	}
	wg.Wait()
	elapsed, used := time.Since(start), processorTime(b)-used
	for _, s := range sessions {
		s.Close(ctx)
	}
	if len(all) == 0 {
		b.Fatal("nothing was accepted")
	}
	slices.Sort(all)
	return measured{float64(len(all)) / elapsed.Seconds(), all[len(all)/2], all[len(all)*99/100], used / time.Duration(len(all)), refused}
}

// processorTime is what this process has used until now.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// submitOn submits on one session until the end and gives the times of the
// answers.
func submitOn(ctx context.Context, s *esme.Session, n int, end time.Time) (took []time.Duration, refused int) {
	text := []byte("The quick brown fox jumps over the lazy dog, 0123456789 times or so, and then once more for good measure.")
	took = make([]time.Duration, 0, 1<<17)
	for i := 0; ; i++ {
		sent := time.Now()
		if sent.After(end) {
			break
		}
		sm := &smpp.SubmitSM{
			Source: smpp.Address{Addr: "1234"}, RegisteredDelivery: 1, ShortMessage: text,
			Dest: smpp.Address{TON: 1, NPI: 1, Addr: fmt.Sprintf("316%02d%06d", n, i%1_000_000)},
		}
		err := s.SubmitAsync(ctx, sm, func(_ string, _ smpp.CommandStatus, err error) {
			if err != nil {
				refused++ // done runs on the session's reader only
				return
			}
			took = append(took, time.Since(sent))
		})
		if err != nil {
			break
		}
	}
	s.Close(ctx) // waits for what is in flight
	return took, refused
}

// storing starts a gateway with one rich user. Its plain listener, which comes
// after the one with TLS in its Listeners, is for comparison.
func storing(b *testing.B) (address string, app *App) {
	b.Helper()
	collectLess() // as serve does
	listen := []listenURL{{"smpps", "127.0.0.1:0"}, {"smpp", "127.0.0.1:0"}}
	app = New(Options{Dir: filepath.Join(b.TempDir(), "data"), Listen: listen, Version: "bench"})
	if err := app.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { app.Stop() })
	_, err := app.Router().AddUser(context.Background(), router.UserSpec{SystemID: "load", Password: "load", Credits: 1e9 * storage.Credit})
	if err != nil {
		b.Fatal(err)
	}
	return strings.TrimPrefix(app.Listeners()[0], "smpps://"), app
}

// answering is a server that says yes and stores nothing.
type answering struct{}

func (answering) Bind(context.Context, *smppd.Session, *smpp.Bind) error { return nil }
func (answering) Bound(*smppd.Session)                                   {}
func (answering) Closed(*smppd.Session)                                  {}
func (answering) Submit(_ *smppd.Session, _ *smpp.SubmitSM, reply func(string, error)) {
	reply("10000000", nil)
}

func (answering) Request(_ *smppd.Session, _ smpp.PDU, reply func(smpp.PDU, error)) { reply(nil, nil) }
func (answering) Fault(*smppd.Session, smppd.Fault)                                 {}

func notStoring(b *testing.B) (address string) {
	quiet := slog.New(slog.DiscardHandler)
	b.Helper()
	source, err := smppd.Certificate(b.TempDir(), "", "", quiet)
	if err != nil {
		b.Fatal(err)
	}
	l, err := smppd.ListenTLS("127.0.0.1:0", source.TLSConfig())
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		smppd.New(smppd.Config{}, answering{}, quiet).Serve(ctx, l)
	}()
	b.Cleanup(func() { cancel(); <-done })
	return l.Addr().String()
}

// BenchmarkAccept prints how fast messages are accepted: answered after they
// are on disk, beside the same server that stores nothing and beside bbolt that
// stores the same octets with nothing around it.
func BenchmarkAccept(b *testing.B) {
	for b.Loop() {
		idle := submitFor(b, notStoring(b), benchTime)
		address, app := storing(b)
		stored := submitFor(b, address, benchTime)
		if err := app.Stop(); err != nil {
			b.Fatal(err)
		}
		raw := storagetest.RawRate(b, filepath.Join(app.Dir, storeFile), benchSessions*benchWindow, 200_000)
		printTable("accepting over TLS, 16 sessions, window 100, client in the same process", [][]string{
			{"", "messages/s", "p50 ms", "p99 ms", "of raw bbolt"},
			{"submit_sm to submit_sm_resp, on disk", whole(stored.rate), ms(stored.p50), ms(stored.p99), ratio(stored.rate, raw)},
			{"the same server, nothing stored", whole(idle.rate), ms(idle.p50), ms(idle.p99), ratio(idle.rate, raw)},
			{"raw bbolt, groups of 1,600 of the same octets", whole(raw), "", "", ""},
		})
		b.ReportMetric(stored.rate, "msgs/s")
		b.ReportMetric(stored.rate/raw, "of-raw")
		if stored.refused > 0 {
			b.Errorf("%d messages were refused", stored.refused)
		}
	}
}

func whole(v float64) string       { return fmt.Sprintf("%.0f", v) }
func ms(d time.Duration) string    { return fmt.Sprintf("%.1f", float64(d.Microseconds())/1000) }
func ratio(v, of float64) string   { return fmt.Sprintf("%.2f", v/of) }
func mebibytes(kib float64) string { return fmt.Sprintf("%.1f MiB", kib/1024) }

// printTable prints to standard output what a benchmark found: make bench shows
// it among go test's own lines.
func printTable(title string, rows [][]string) {
	fmt.Printf("\n%s\n", title)
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, r := range rows {
		fmt.Fprintln(w, strings.Join(r, "\t")+"\t")
	}
	w.Flush()
	fmt.Println()
}

// bankOf starts the real program on n simulated modems, which live here.
func bankOf(b *testing.B, n int, latency time.Duration, args ...string) (*gateway, *modemsim.Bank) {
	b.Helper()
	bank := simulate(b, modemsim.Config{Count: n, Latency: latency, Keep: 1000})
	g := newGateway(b, append(modemArgs(bank), args...)...)
	g.start()
	g.addUser("load", "load", 1e7)
	g.waitReady()
	return g, bank
}

// enqueue submits n short messages over one session.
func enqueue(b *testing.B, address string, n int) {
	b.Helper()
	ctx := context.Background()
	s, err := esme.Dial(ctx, esme.Config{
		Address: address, TLS: anyCertificate, SystemID: "load", Password: "load",
		BindType: smpp.IDBindTransmitter, Window: benchWindow,
	})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close(ctx)
	refused := 0
	for i := range n {
		sm := &smpp.SubmitSM{
			Dest: smpp.Address{TON: 1, NPI: 1, Addr: fmt.Sprintf("3162%07d", i)}, RegisteredDelivery: 1,
			ShortMessage: fmt.Appendf(nil, "message %d of a queue for the bank", i),
		}
		err := s.SubmitAsync(ctx, sm, func(_ string, _ smpp.CommandStatus, err error) {
			if err != nil {
				refused++
			}
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	s.Close(ctx) // waits for what is in flight
	if refused > 0 {
		b.Fatalf("%d of %d messages were refused", refused, n)
	}
}

// BenchmarkBank prints how much of what the modems could send they do send.
func BenchmarkBank(b *testing.B) {
	const modems, latency, measure = 16, 50 * time.Millisecond, 10 * time.Second
	for b.Loop() {
		g, bank := bankOf(b, modems, latency)
		enqueue(b, g.smpps, int(float64(modems)*(measure+5*time.Second).Seconds()/latency.Seconds()))
		first, start := bank.Network().Total(), time.Now()
		time.Sleep(measure)
		rate := float64(bank.Network().Total()-first) / time.Since(start).Seconds()
		could := modems / latency.Seconds()
		printTable("16 simulated modems at 50 ms a send", [][]string{
			{"", "messages/s", "of what they could"},
			{"sent", whole(rate), ratio(rate, could)},
			{"16 / 50 ms", whole(could), ""},
		})
		b.ReportMetric(rate/could, "of-possible")
		g.stop()
	}
}

// BenchmarkMemory prints what the gateway's process keeps in memory with 64
// modems at work and 10,000 messages queued.
func BenchmarkMemory(b *testing.B) {
	const modems, queued = 64, 10_000
	for b.Loop() {
		g, _ := bankOf(b, modems, 3*time.Second)
		enqueue(b, g.smpps, queued)
		time.Sleep(5 * time.Second)
		now, peak := residentKiB(b, g.run.cmd.Process.Pid)
		printTable("64 simulated modems at 3 s a send, 10,000 messages queued", [][]string{
			{"resident memory of the gateway", ""},
			{"now", mebibytes(now)},
			{"peak", mebibytes(peak)},
		})
		b.ReportMetric(now/1024, "MiB-resident")
		g.stop()
	}
}

// residentKiB reads VmRSS and VmHWM of a process.
func residentKiB(b *testing.B, pid int) (now, peak float64) {
	b.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Fatal(err)
	}
	for _, line := range strings.Split(string(raw), "\n") {
		fmt.Sscanf(line, "VmRSS: %f kB", &now)
		fmt.Sscanf(line, "VmHWM: %f kB", &peak)
	}
	return now, peak
}
