package smppd

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"

	"gsmgate/smppd/smpp"
)

// idleSessions is how many sessions BenchmarkIdleSessions opens.
const idleSessions = 1000

// idleAddr is set in the process that plays the clients of BenchmarkIdleSessions.
const idleAddr = "SMPPD_IDLE_ADDR"

// BenchmarkIdleSessions reports the memory of this process for 1,000 bound, idle TLS sessions
// beyond that of the server without any, a session: what Go holds (heap and stacks in use), and what
// the system counts as resident. The clients are another process.
func BenchmarkIdleSessions(b *testing.B) {
	r := startTLS(b, Config{}, newBackend())
	one, err := tls.Dial("tcp", r.addr, &tls.Config{InsecureSkipVerify: true}) // what is made once is made
	if err != nil {
		b.Fatal(err)
	}
	if err := bindAndSubmit(one, 100); err != nil {
		b.Fatal(err)
	}
	one.Close()
	heap, resident := memory(b)
	stop := idleClients(b, r.addr)
	for b.Loop() {
		runtime.GC()
	}
	heapNow, residentNow := memory(b)
	b.ReportMetric(float64(heapNow-heap)/idleSessions/1024, "KiB/session")
	b.ReportMetric(float64(residentNow-resident)/idleSessions/1024, "KiB-resident/session")
	if n := r.srv.Stats().Bound; n != idleSessions {
		b.Errorf("%d sessions are bound, want %d", n, idleSessions)
	}
	stop()
	r.stop()
}

// idleClients runs the clients in a process of their own until stop is called.
func idleClients(b *testing.B, addr string) (stop func()) {
	b.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestIdleClients$", "-test.v")
	cmd.Env = append(os.Environ(), idleAddr+"="+addr)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() && !strings.Contains(lines.Text(), "all are bound") {
	}
	return func() {
		in.Close()
		_, _ = io.Copy(io.Discard, out)
		if err := cmd.Wait(); err != nil {
			b.Errorf("the clients: %v", err)
		}
	}
}

// TestIdleClients is no test, but the clients of BenchmarkIdleSessions.
func TestIdleClients(t *testing.T) {
	addr := os.Getenv(idleAddr)
	if addr == "" {
		t.Skip("the clients of BenchmarkIdleSessions")
	}
	var peers []*peer
	for range idleSessions {
		c, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		p := &peer{t: t, conn: c, r: smpp.NewReader(c, 0)}
		p.expect(smpp.IDBindTransceiverResp, smpp.StatusOK, p.send(bindPDU(TRX)))
		p.expect(smpp.IDSubmitSMResp, smpp.StatusOK, p.send(message("31612345678")))
		p.alive()
		peers = append(peers, p)
	}
	fmt.Println("all are bound:", len(peers))
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// memory is what Go holds after a collection, and what of the process is resident, in octets.
func memory(b *testing.B) (inUse, resident int64) {
	b.Helper()
	for range 4 { // each halves stacks that have grown too large
		runtime.GC()
	}
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		b.Fatal(err)
	}
	pages, err := strconv.ParseInt(strings.Fields(string(statm))[1], 10, 64)
	if err != nil {
		b.Fatal(err)
	}
	return int64(m.HeapAlloc + m.StackInuse), pages * int64(os.Getpagesize())
}
