package modem

import (
	"context"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"gsmgate/modem/at"
	"gsmgate/modem/modemsim"
)

// talk says what a program before us said to the modem, and reads until it hears word.
func talk(t *testing.T, port io.ReadWriter, command, word string) {
	t.Helper()
	if _, err := port.Write([]byte(command + "\r")); err != nil {
		t.Fatal(err)
	}
	heard, b := "", make([]byte, 256)
	for !strings.Contains(heard, word) {
		n, err := port.Read(b)
		if err != nil {
			t.Fatalf("after %q: %v", heard, err)
		}
		heard += string(b[:n])
	}
}

// A gateway that was killed has been shown a message and has not acknowledged it. The next one gets it.
func TestSim_ShownToAKilledProcess_ComesAgain(t *testing.T) {
	t.Parallel()
	sim, err := modemsim.New(modemsim.Config{Count: 1, Dir: t.TempDir(), AckTimeout: time.Hour, RetryInterval: 10 * time.Millisecond})
	if err != nil {
		t.Skip("no simulator here:", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	defer all.Wait()
	defer cancel()
	all.Go(func() { _ = sim.Run(ctx) })

	port, err := OpenSerial(ctx, sim.Paths()[0])
	if err != nil {
		t.Fatal(err)
	}
	talk(t, port, "AT+CMGF=0;+CSMS=1;+CNMI=2,2,0,1,0", "OK")
	within(t, "registered", sim.Modem(0).Registered)
	if err := sim.Network().Handset("+31600000001").Send(sim.Modem(0).Number(), "answer"); err != nil {
		t.Fatal(err)
	}
	talk(t, port, "AT", "+CMT:")
	_ = port.Close()

	h := newMemory()
	b := NewBank(Config{Ports: sim.Paths(), Handler: h})
	all.Go(func() { _ = b.Run(ctx) })
	within(t, "the message came", func() bool { return len(h.list()) > 0 })
	if got := h.list(); got[0] != "deliver +31600000001 answer" {
		t.Errorf("got %q", got)
	}
}

// However the indications were turned off, the next look turns them on, at an
// idle modem and at one that sends all the time.
func TestSim_IndicationsOff_TurnedOnAgain(t *testing.T) {
	t.Parallel()
	s := onPTYs(t, modemsim.Config{}, Config{Idle: 50 * time.Millisecond, Busy: 50 * time.Millisecond})
	m := s.untilReady(t, 0)
	m.mu.Lock()
	live := m.live
	m.mu.Unlock()
	if _, err := live.at.Do(t.Context(), at.Command{Text: "AT+CNMI=2,0,0,0,0"}); err != nil {
		t.Fatal(err)
	}
	within(t, "a report came", func() bool {
		_, err := m.Submit(t.Context(), submitOf(t, "+31600000001", "text"))
		return err == nil && len(s.h.list()) > 0
	})
}
