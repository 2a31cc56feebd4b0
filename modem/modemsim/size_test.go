package modemsim

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// cpu is the processor time of this process.
func cpu() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func inUse() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse
}

// A bank of 256 on ptys is small enough to measure others with: what an idle modem costs in memory and, all of them open, in time.
func TestBank_256Modems_CheapEnough(t *testing.T) {
	if testing.Short() {
		t.Skip("takes two seconds")
	}
	const count = 256
	before := inUse()
	b := startBank(t, Config{Count: count})
	var clients []*os.File
	for _, path := range b.Paths() {
		f, err := os.OpenFile(path, os.O_RDWR|syscall.O_NOCTTY, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		clients = append(clients, f)
	}
	for i, f := range clients {
		if _, err := fmt.Fprintf(f, "AT+CSQ\r"); err != nil {
			t.Fatalf("modem %d: %v", i, err)
		}
	}
	time.Sleep(time.Second)
	each := (inUse() - before) / count
	began := cpu()
	time.Sleep(time.Second)
	share := (cpu() - began).Seconds()
	t.Logf("%d KiB a modem; %.1f %% of a processor for all while idle", each>>10, 100*share)
	if each > 64<<10 || share > 0.2 {
		t.Errorf("%d octets a modem, %.2f of a processor", each, share)
	}
}

// What a send costs the bank, both ends in one process: 3 s a send on 256 modems are 85 sends a second.
func BenchmarkSend(b *testing.B) {
	bank, err := New(Config{Count: 1, InMemory: true})
	if err != nil {
		b.Fatal(err)
	}
	go bank.Run(b.Context())
	p, err := bank.Open("modem00")
	if err != nil {
		b.Fatal(err)
	}
	buf := make([]byte, 4096)
	until := func(end string) {
		for got := ""; !strings.HasSuffix(got, end); {
			n, err := p.Read(buf)
			if err != nil {
				b.Fatal(err)
			}
			got += string(buf[:n])
		}
	}
	fmt.Fprint(p, "ATE0\r")
	until("OK\r\n")
	for b.Loop() {
		fmt.Fprint(p, "AT+CMGS=19\r")
		until("> ")
		fmt.Fprint(p, helloPDU+"\x1a")
		until("OK\r\n")
	}
}
