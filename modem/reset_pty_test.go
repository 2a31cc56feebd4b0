package modem

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gsmgate/modem/modemsim"
)

// A device that is taken off its drivers loses its ports, and has them again when it is given back.
func TestReset_USBOnABus_GoneAndBackAndSending(t *testing.T) {
	t.Parallel()
	s := onBus(t, modemsim.Config{Count: 1})
	s.plug("1-1.4", s.stickOf(0, own, modemsim.Mute), 0)
	file := filepath.Join(s.bus.Dir(), "sys/devices/usb/1-1.4/authorized")
	if err := os.WriteFile(file, []byte("1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	s.until("usb:1-1.4", Ready)
	if err := s.modemAt("usb:1-1.4").Reset(ResetUSB); err != nil {
		t.Fatal(err)
	}
	says := func(word string) func() bool {
		return func() bool { got, _ := os.ReadFile(file); return strings.HasPrefix(string(got), word) }
	}
	within(t, "taken off", says("0"))
	s.sim.Modem(0).Unplug()
	within(t, "given back", says("1"))
	if err := s.sim.Modem(0).Replug(); err != nil {
		t.Fatal(err)
	}
	within(t, "reset", func() bool { i, _ := s.info("usb:1-1.4"); return i.ResetCounts[ResetUSB] == 1 })
	s.until("usb:1-1.4", Ready)
	if _, err := s.modemAt("usb:1-1.4").Submit(t.Context(), submitOf(t, "+31600000000", "after it")); err != nil || s.arrived("after it") != 1 {
		t.Errorf("%v, arrived %d times", err, s.arrived("after it"))
	}
}

func TestReset_EachRungInASession_ModemSendsAfterwards(t *testing.T) {
	t.Parallel()
	s := onPTYs(t, modemsim.Config{BootTime: 500 * time.Millisecond}, Config{AT: quick(), Register: 100 * time.Millisecond})
	for rung := ResetAT; rung <= ResetPort; rung++ {
		m := s.untilReady(t, 0)
		if err := m.Reset(rung); err != nil {
			t.Fatal(err)
		}
		within(t, rung.String(), func() bool { return m.Info().ResetCounts[rung] == 1 })
		var err error
		within(t, "a message after "+rung.String(), func() bool {
			_, err = m.Submit(t.Context(), submitOf(t, "+31600000000", rung.String()))
			return err == nil
		})
		if s.arrived(rung.String()) != 1 {
			t.Errorf("%s arrived %d times", rung, s.arrived(rung.String()))
		}
	}
}

func TestPIN_OfTheSIMThatWasThereLast_OnARealLine(t *testing.T) {
	t.Parallel()
	var r records
	sc := modemsim.Config{Each: func(_ int, m *modemsim.ModemConfig) {
		m.SIM.PIN = "7391"
		r.set(m.SIM.ICCID, Card{PIN: "7391", SMSC: m.SIM.SMSC})
	}}
	iccid := ""
	s := onPTYs(t, sc, Config{AT: quick(), Card: r.card, LastCard: func(string) string { return iccidOf(&r) }})
	m := s.untilReady(t, 0)
	if iccid = m.Info().SIM.ICCID; iccid != s.sim.Modem(0).ICCID() {
		t.Errorf("ICCID %q", iccid)
	}
	if left, _ := s.sim.Modem(0).PINTries(); left != 3 {
		t.Errorf("%d tries left", left)
	}
}

// iccidOf is the only SIM that there is a record of.
func iccidOf(r *records) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	for id := range r.all {
		return id
	}
	return ""
}
