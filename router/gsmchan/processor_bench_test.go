package gsmchan

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"gsmgate/modem/modemsim"
)

// Of a simulator in a process of its own: where its ports are, and how many.
const (
	simulatorDir    = "GSMGATE_BENCH_SIMULATOR"
	simulatorModems = "GSMGATE_BENCH_MODEMS"
)

// benchLatency is that of a send in BenchmarkBankProcessor.
const benchLatency = 50 * time.Millisecond

// TestSimulatorProcess is no test: it is the process of BenchmarkBankProcessor's
// modems. It ends with its standard input.
func TestSimulatorProcess(t *testing.T) {
	dir := os.Getenv(simulatorDir)
	if dir == "" {
		t.Skip("only BenchmarkBankProcessor starts it")
	}
	n, err := strconv.Atoi(os.Getenv(simulatorModems))
	if err != nil {
		t.Fatal(err)
	}
	sim, err := modemsim.New(modemsim.Config{Dir: dir, Count: n, Latency: benchLatency, Keep: 1000, Rules: []modemsim.Rule{{Match: "*", NoReport: true}}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	_ = sim.Run(ctx)
}

// simulateApart runs simulated modems in another process until the benchmark ends.
func simulateApart(b *testing.B, modems int) (paths []string, process *os.Process) {
	b.Helper()
	dir := b.TempDir()
	c := exec.Command(os.Args[0], "-test.run=^TestSimulatorProcess$")
	c.Env = append(os.Environ(), simulatorDir+"="+dir, fmt.Sprintf("%s=%d", simulatorModems, modems))
	hold, err := c.StdinPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { hold.Close(); _ = c.Wait() })
	for i := range modems {
		paths = append(paths, filepath.Join(dir, fmt.Sprintf("modem%02d", i)))
	}
	within(b, "the modems are there", func() bool { _, err := os.Lstat(paths[modems-1]); return err == nil })
	return paths, c.Process
}

// BenchmarkBankProcessor prints what processor time a message takes: the gateway's,
// with its disk and its ends of the ports, and the simulator's, which shares the
// processors with it in BenchmarkBank and is another process here.
func BenchmarkBankProcessor(b *testing.B) {
	const each = 100
	for _, modems := range []int{1, 16, 64, 256} {
		b.Run(fmt.Sprintf("latency=%v/modems=%d", benchLatency, modems), func(b *testing.B) {
			paths, process := simulateApart(b, modems)
			s := stackOver(b, paths, Config{tune: quiet})
			time.Sleep(2 * time.Second) // the first sweeps
			for b.Loop() {
				n := float64(each * modems)
				ours, theirs, from := spent(b, os.Getpid()), spent(b, process.Pid), time.Now()
				s.queue(each * modems)
				within(b, "all are sent", func() bool { time.Sleep(20 * time.Millisecond); return s.sent() >= each*modems })
				took := time.Since(from)
				b.ReportMetric(float64((spent(b, os.Getpid())-ours).Microseconds())/n, "gateway-µs/message")
				b.ReportMetric(float64((spent(b, process.Pid)-theirs).Microseconds())/n, "simulator-µs/message")
				b.ReportMetric(100*each*benchLatency.Seconds()/took.Seconds(), "%-of-network")
			}
		})
	}
}

// sent is how many messages the modems have sent.
func (s *stack) sent() (n int) {
	for _, i := range s.ch.Modems() {
		n += int(i.Sent)
	}
	return n
}

// spent is the processor time of a process so far, to 10 ms.
func spent(b *testing.B, pid int) (d time.Duration) {
	b.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		b.Skip("no processor times here:", err)
	}
	_, fields, _ := strings.Cut(string(stat), ") ")   // behind the name, from the 3rd on
	for _, f := range strings.Fields(fields)[11:13] { // utime and stime, in ticks of 10 ms: proc(5)
		n, err := strconv.Atoi(f)
		if err != nil {
			b.Fatal(err)
		}
		d += time.Duration(n) * 10 * time.Millisecond
	}
	return d
}
