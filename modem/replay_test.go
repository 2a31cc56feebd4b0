package modem

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gsmgate/modem/at"
	"gsmgate/modem/modemsim"
	"gsmgate/modem/modemsim/replay"
)

// record makes the recordings anew, after a change of what is asked while a modem is brought up:
//
//	go test ./modem -run TestReplay -record
var record = flag.Bool("record", false, "record the simulated modems of testdata/transcripts anew")

const recordings = "testdata/transcripts"

// kinds are the simulated modems that are recorded, by the name of their file. Recordings of real sticks lie beside them.
func kinds() map[string]func(*modemsim.ModemConfig) {
	return map[string]func(*modemsim.ModemConfig){
		"sim-plain":   func(*modemsim.ModemConfig) {},
		"sim-pin":     func(m *modemsim.ModemConfig) { m.SIM.PIN = "1234" },
		"sim-roaming": func(m *modemsim.ModemConfig) { m.Roaming, m.Operator = true, "Elsewhere" },
		"sim-stored": func(m *modemsim.ModemConfig) { // no phase 2+, reports and messages stored
			m.NoPhase2 = true
			m.CNMIRanges = [5]string{"0-2", "0,1", "0", "0,2", "1"}
		},
		"sim-silent": func(m *modemsim.ModemConfig) { m.NoPhase2, m.CNMIRanges = true, [5]string{"0", "0", "0", "0", "0"} },
		"sim-huawei": func(m *modemsim.ModemConfig) {
			m.Manufacturer, m.Model, m.Revision, m.URCWhileBusy = "huawei", "E173", "11.126.85.00.209", true
		},
		"sim-simcom": func(m *modemsim.ModemConfig) {
			m.Manufacturer, m.Model, m.SIM.MSISDN = "SIMCOM_Ltd", "SIMCOM_SIM800L", ""
		},
		"sim-quectel": func(m *modemsim.ModemConfig) { m.Manufacturer, m.Model, m.NoEcho = "Quectel", "EC25", true },
	}
}

// recordKind brings one simulated modem up, sends a message, receives one, and writes down what was said.
func recordKind(t *testing.T, name string, kind func(*modemsim.ModemConfig)) {
	s := onPTYs(t, modemsim.Config{Latency: 20 * time.Millisecond, Each: func(_ int, m *modemsim.ModemConfig) { kind(m) }},
		Config{AT: quick(), PIN: "1234", Sweep: time.Second})
	m := s.untilReady(t, 0)
	if _, err := m.Submit(t.Context(), submitOf(t, "+31600000000", "recorded")); err != nil {
		t.Fatal(err)
	}
	if err := s.sim.Network().Handset("+31600000001").Send(s.sim.Modem(0).Number(), "an answer"); s.sim.Modem(0).Number() != "" && err != nil {
		t.Fatal(err)
	}
	time.Sleep(1500 * time.Millisecond)
	tr := m.Transcript(false)
	tr.Header = append(slices.DeleteFunc(tr.Header, func(f at.Field) bool { return f.Key == "path" }),
		at.Field{Key: "note", Value: "no hardware: a simulated modem (modem/modemsim), by go test ./modem -run TestReplay -record"})
	text, err := tr.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(recordings, name+".txt"), text, 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestReplay_EachRecording_BroughtUpAndSent plays all recordings to the code that drives modems.
func TestReplay_EachRecording_BroughtUpAndSent(t *testing.T) {
	if *record {
		for name, kind := range kinds() {
			t.Run("record "+name, func(t *testing.T) { recordKind(t, name, kind) })
		}
	}
	files, err := filepath.Glob(recordings + "/*.txt")
	if err != nil || len(files) < len(kinds()) {
		t.Fatalf("%d recordings, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			var tr at.Transcript
			if err == nil {
				err = tr.UnmarshalText(text)
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, scale := range []float64{0, 1} {
				synctest.Test(t, func(t *testing.T) { playBack(t, tr, scale) })
			}
		})
	}
}

// playBack brings a bank up against a recording, and sends one message.
func playBack(t *testing.T, tr at.Transcript, scale float64) {
	player, err := replay.New(tr, scale)
	if err != nil {
		t.Fatal(err)
	}
	h := newMemory()
	b := NewBank(Config{Ports: []string{"/dev/recorded"}, Handler: h, Open: player.Open, PIN: "1234"})
	ctx, cancel := context.WithCancel(t.Context())
	end := make(chan error, 1)
	go func() { end <- b.Run(ctx) }()
	untilState(t, b, 0, Ready)
	mr, err := (<-h.modem).Submit(ctx, submitOf(t, "+31612345678", "not what was recorded"))
	if err != nil {
		t.Errorf("scale %v: %v", scale, err)
	}
	said := lines(tr)
	if strings.Contains(said, "+CDS") {
		until(t, time.Minute, "reported", func() bool {
			return slices.ContainsFunc(h.list(), func(s string) bool { return strings.HasPrefix(s, "report ") })
		})
	}
	if i := b.Modems()[0]; i.Manufacturer+" "+i.Model != tr.Get("modem") || i.Sessions != 1 || mr == 0 {
		t.Errorf("scale %v: TP-MR %d, %+v", scale, mr, i)
	}
	if got := player.Problems(); len(got) > 0 {
		t.Errorf("scale %v: record it anew with -record, or teach the driver: %s", scale, strings.Join(got, "\n"))
	}
	cancel()
	<-end
}
