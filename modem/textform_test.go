package modem

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gsmgate/modem/at"
	"gsmgate/modem/modemsim"
)

const textHeader = `+CMT: "+31612345678",,"26/01/02,03:04:05+08"`

// A message in the form of text mode is kept unless it is certain that the network sends it again, and PDU mode is there at once.
func TestReceive_TextForm_NothingLost(t *testing.T) {
	kept := []string{"undecoded " + textHeader + "\nhello"}
	for name, c := range map[string]struct {
		answers map[string]string
		want    []string
	}{
		"phase 2+: it comes again":                {map[string]string{"AT+CSMS?": "+CSMS: 1,1,1,1"}, nil},
		"the modem acknowledges by itself by now": {map[string]string{"AT+CSMS?": "+CSMS: 0,1,1,1"}, kept},
		"no acknowledgement was expected":         {map[string]string{"AT+CSMS?": "+CSMS: 1,1,1,1", "AT+CNMA=2": "+CMS ERROR: 340"}, kept},
		"the service cannot be asked for":         {map[string]string{"AT+CSMS?": "ERROR"}, kept},
		"never in phase 2+":                       {map[string]string{"AT+CSMS=1": "ERROR"}, kept},
	} {
		t.Run(name, func(t *testing.T) {
			k := newStick()
			for command, answer := range c.answers {
				k.answers[command] = answer
			}
			bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
				untilState(t, b, 0, Ready)
				k.set(func() { k.heard = nil })
				k.say(textHeader, "hello")
				synctest.Wait()
				k.set(func() {
					if len(k.heard) == 0 || k.heard[0] != "AT+CMGF=0" || slices.Contains(k.heard, "AT+CNMA") {
						t.Errorf("heard %q", k.heard)
					}
				})
				if got := h.list(); !slices.Equal(got, c.want) {
					t.Errorf("got %q", got)
				}
				until(t, 10*time.Second, "set up anew", func() bool { return k.count("AT+CSMS=1") == 1 && b.Modems()[0].State == Ready })
			}, k)
		})
	}
}

// A report is all there in text mode: it is stored, then acknowledged.
func TestReceive_ReportInTextForm_StoredAndAcknowledged(t *testing.T) {
	k := newStick()
	bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
		untilState(t, b, 0, Ready)
		k.say(`+CDS: 6,17,"+31612345678",145,"26/01/02,03:04:05+08","26/01/02,03:04:09+08",0`)
		synctest.Wait()
		if got := h.list(); !slices.Equal(got, []string{"report 17"}) || k.count("AT+CNMA") != 1 {
			t.Errorf("got %q, heard %q", got, k.heard)
		}
		until(t, 10*time.Second, "set up anew", func() bool { return k.count("AT+CSMS=1") == 2 && b.Modems()[0].State == Ready })
	}, k)
}

// What came in text mode before the modem was set up does not end the session, and is kept.
func TestReceive_TextFormBeforeTheModemIsUp_Kept(t *testing.T) {
	k := newStick()
	k.answers["AT+CGMR"] = "-" // so that time goes by before it is up
	k.hook = func(c string) (string, bool) {
		if c == "AT+CGMM" {
			return textHeader + "\nearly\nM1", true
		}
		return "", false
	}
	bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
		untilState(t, b, 0, Ready)
		time.Sleep(5 * time.Second)
		if got := h.list(); !slices.Equal(got, []string{"undecoded " + textHeader + "\nearly"}) || k.openings() != 1 {
			t.Errorf("got %q, opened %d times", got, k.openings())
		}
	}, k)
}

// A message in text mode has the mode asked for before the next is sent, however short ago it was.
func TestReceive_TextForm_NextSubmitLooksAtTheMode(t *testing.T) {
	k := newStick()
	bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
		untilState(t, b, 0, Ready)
		m := <-h.modem
		m.mu.Lock()
		live := m.live
		m.mu.Unlock()
		before, after := live.checked.Load(), int64(-1)
		k.set(func() {
			k.hook = func(c string) (string, bool) {
				if c == "AT+CMGF=0" && after < 0 {
					after = live.checked.Load()
				}
				return "", false
			}
		})
		k.say(textHeader, "hello")
		synctest.Wait()
		if k.set(func() {}); before == 0 || after != 0 {
			t.Errorf("looked at %d, then %d", before, after)
		}
	}, k)
}

// Whatever the simulated modem has forgotten, a message to it is there in the end: as itself, or as what the modem showed of it.
func TestSim_TextMode_MessageKept(t *testing.T) {
	for faults, want := range map[string]string{
		"text-mode":                 "deliver +31600000001 hello",
		"text-mode | forget-phase2": "hello",
		"forget-phase2":             "deliver +31600000001 hello",
	} {
		t.Run(faults, func(t *testing.T) {
			t.Parallel()
			s := onPTYs(t, modemsim.Config{AckTimeout: time.Minute, RetryInterval: 50 * time.Millisecond}, Config{AT: quick()})
			m := s.untilSwept(t, 0)
			for fault := range strings.SplitSeq(faults, " | ") {
				if err := s.sim.Modem(0).Command(fault); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.sim.Network().Handset("+31600000001").Send(s.sim.Modem(0).Number(), "hello"); err != nil {
				t.Fatal(err)
			}
			within(t, "the message came", func() bool { return len(s.h.list()) > 0 })
			if got := s.h.list(); len(got) != 1 || !strings.HasSuffix(got[0], want) {
				t.Errorf("got %q", got)
			}
			within(t, "PDU mode", func() bool { return inPDUMode(t, m) })
		})
	}
}

// A message in a memory of which a modem in text mode tells stays there until it was read as a PDU.
func TestSim_TextModeAndStored_ReadAsPDU(t *testing.T) {
	t.Parallel()
	s := onPTYs(t, modemsim.Config{Each: func(_ int, m *modemsim.ModemConfig) { m.CNMIRanges[1] = "0,1" }}, Config{AT: quick()})
	s.untilSwept(t, 0)
	s.sim.Modem(0).ForgetPDUMode()
	if err := s.sim.Network().Handset("+31600000001").Send(s.sim.Modem(0).Number(), "hello"); err != nil {
		t.Fatal(err)
	}
	within(t, "the message came", func() bool { return len(s.h.list()) > 0 })
	if got := s.h.list(); len(got) != 1 || got[0] != "deliver +31600000001 hello" {
		t.Errorf("got %q", got)
	}
	within(t, "deleted", func() bool { return s.sim.Modem(0).Stored("SM")+s.sim.Modem(0).Stored("ME") == 0 })
}

// A report that comes in text mode settles nothing less than one in PDU mode.
func TestSim_TextMode_ReportCounts(t *testing.T) {
	t.Parallel()
	s := onPTYs(t, modemsim.Config{ReportDelay: 300 * time.Millisecond}, Config{AT: quick()})
	m := s.untilSwept(t, 0)
	mr, err := m.Submit(t.Context(), submitOf(t, "+31600000001", "text"))
	if err != nil {
		t.Fatal(err)
	}
	s.sim.Modem(0).ForgetPDUMode()
	within(t, "the report came", func() bool { return len(s.h.list()) > 0 })
	if got := s.h.list(); len(got) != 1 || got[0] != fmt.Sprintf("report %d", mr) {
		t.Errorf("got %q", got)
	}
}

// inPDUMode tells whether a modem is ready, and in PDU mode.
func inPDUMode(t *testing.T, m *Modem) bool {
	m.mu.Lock()
	live := m.live
	m.mu.Unlock()
	if live == nil {
		return false
	}
	line, err := live.ask(t.Context(), "AT+CMGF?", at.Prefix("+CMGF:"))
	return err == nil && at.Params(line) == "0"
}
