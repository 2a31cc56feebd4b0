package modem

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gsmgate/modem/at"
	"gsmgate/modem/modemsim"
	"gsmgate/modem/pdu"
)

// simulated is a bank on the ptys of simulated modems.
type simulated struct {
	*Bank
	sim *modemsim.Bank
	h   *memory
}

// onPTYs starts simulator and bank, and ends both with the test. Times are short, for they are real.
func onPTYs(t testing.TB, sc modemsim.Config, cfg Config) *simulated {
	t.Helper()
	sc.Dir = t.TempDir()
	if sc.Count == 0 {
		sc.Count = 1
	}
	sim, err := modemsim.New(sc)
	if err != nil {
		t.Skip("no simulator here:", err)
	}
	h := newMemory()
	h.modem = make(chan *Modem, 256)
	cfg.Ports, cfg.Handler = sim.Paths(), h
	b := NewBank(cfg)
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() { _ = sim.Run(ctx) })
	all.Go(func() { _ = b.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		all.Wait()
		if t.Failed() {
			for i := range sc.Count {
				t.Logf("modem %d:\n%s", i, strings.Join(sim.Modem(i).Transcript(), "\n"))
			}
		}
	})
	return &simulated{Bank: b, sim: sim, h: h}
}

// within waits for something in real time, generously.
func within(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for from := time.Now(); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Since(from) > 60*time.Second {
			t.Fatal("never happened:", what)
		}
	}
}

func (s *simulated) untilReady(t testing.TB, i int) *Modem {
	t.Helper()
	for from := time.Now(); s.Modems()[i].State != Ready; time.Sleep(5 * time.Millisecond) {
		if time.Since(from) > 60*time.Second {
			t.Fatalf("modem %d is not ready: %+v", i, s.Modems()[i])
		}
	}
	return s.modems[i]
}

// untilSwept is untilReady, and the memories were looked through for the first time: no sweep comes between a test and its modem.
func (s *simulated) untilSwept(t testing.TB, i int) *Modem {
	t.Helper()
	m := s.untilReady(t, i)
	within(t, "swept", func() bool { return len(m.Info().Memories) > 0 })
	return m
}

// submitOf is an SMS-SUBMIT that asks for a report.
func submitOf(t testing.TB, to, text string) []byte {
	t.Helper()
	parts, err := pdu.SplitText(text, pdu.GSM7, pdu.Options{Dest: pdu.NewAddress(to), StatusReport: true})
	if err != nil || len(parts) != 1 {
		t.Fatalf("%d parts, %v", len(parts), err)
	}
	tpdu, err := parts[0].TPDU()
	if err != nil {
		t.Fatal(err)
	}
	return tpdu
}

// arrived tells how often a text reached the network.
func (s *simulated) arrived(text string) int {
	n := 0
	for _, c := range s.sim.Network().Counts() {
		if c.Text == text {
			n += c.Times
		}
	}
	return n
}

// quick are times for a test in real time.
func quick() at.Options {
	return at.Options{Command: 2 * time.Second, Prompt: time.Second, Send: 2 * time.Second, Sync: 6 * time.Second}
}

func TestSim_SixteenModems_AllSentAndReported(t *testing.T) {
	t.Parallel()
	const each, modems = 10, 16
	s := onPTYs(t, modemsim.Config{Count: modems, Latency: 50 * time.Millisecond}, Config{})
	for i := range modems {
		s.untilReady(t, i)
	}
	from := time.Now()
	var all sync.WaitGroup
	for i, m := range s.modems {
		all.Go(func() {
			for j := range each {
				if _, err := m.Submit(t.Context(), submitOf(t, "+31600000000", fmt.Sprintf("text %d.%d", i, j))); err != nil {
					t.Errorf("modem %d: %v", i, err)
				}
			}
		})
	}
	all.Wait()
	t.Logf("%.0f%% of what the network allows", 100*float64(each)*0.050/time.Since(from).Seconds())
	within(t, "all reports", func() bool { return len(s.h.list()) == each*modems })
	for i := range modems {
		for j := range each {
			if n := s.arrived(fmt.Sprintf("text %d.%d", i, j)); n != 1 {
				t.Errorf("text %d.%d arrived %d times", i, j, n)
			}
		}
	}
	sims := map[string]bool{}
	for _, i := range s.Modems() {
		sims[i.SIM.ICCID] = true
	}
	if len(sims) != modems {
		t.Errorf("%d SIMs told apart", len(sims))
	}
}

func TestSim_OddSpeech_Understood(t *testing.T) {
	t.Parallel()
	s := onPTYs(t, modemsim.Config{}, Config{AT: quick()})
	m, sim := s.untilReady(t, 0), s.sim.Modem(0)
	sim.CROnly(true)
	sim.PromptWithoutSpace(true)
	for i := range 20 {
		sim.URCInsideAnswers(2)
		text := fmt.Sprintf("odd %d", i)
		if _, err := m.Submit(t.Context(), submitOf(t, "+31600000000", text)); err != nil || s.arrived(text) != 1 {
			t.Errorf("%s: %v, arrived %d times", text, err, s.arrived(text))
		}
	}
}

func TestSim_ReportBeforeAnswer_BothTaken(t *testing.T) {
	t.Parallel()
	s := onPTYs(t, modemsim.Config{Latency: 50 * time.Millisecond}, Config{AT: quick()})
	m := s.untilReady(t, 0)
	for i := range 5 {
		s.sim.Modem(0).ReportsFirst(1)
		mr, err := m.Submit(t.Context(), submitOf(t, "+31600000000", fmt.Sprintf("early %d", i)))
		if err != nil {
			t.Fatal(err)
		}
		within(t, "reported", func() bool { return slices.Contains(s.h.list(), fmt.Sprintf("report %d", mr)) })
		within(t, "acknowledged", func() bool { return strings.HasSuffix(strings.Join(s.sim.Modem(0).Transcript(), " "), "AT+CNMA <OK") })
	}
}

func TestSim_LostPrompt_RefusedAndNextSent(t *testing.T) {
	t.Parallel()
	s := onPTYs(t, modemsim.Config{}, Config{AT: quick()})
	m := s.untilReady(t, 0)
	s.sim.Modem(0).LosePrompts(1)
	var se *SubmitError
	if _, err := m.Submit(t.Context(), submitOf(t, "+31600000000", "first")); !errors.As(err, &se) || se.Outcome != RefusedForNow {
		t.Errorf("got %v", err)
	}
	if _, err := m.Submit(t.Context(), submitOf(t, "+31600000000", "second")); err != nil {
		t.Error(err)
	}
	if s.arrived("first") != 0 || s.arrived("second") != 1 {
		t.Errorf("arrived: %+v", s.sim.Network().Counts())
	}
}

func TestSim_AnswerLost_Unknown(t *testing.T) {
	t.Parallel()
	s := onPTYs(t, modemsim.Config{}, Config{AT: quick()})
	m := s.untilReady(t, 0)
	s.sim.Modem(0).LoseAnswers(1)
	var se *SubmitError
	if _, err := m.Submit(t.Context(), submitOf(t, "+31600000000", "lost")); !errors.As(err, &se) || se.Outcome != Unknown {
		t.Errorf("got %v", err)
	}
	if s.arrived("lost") != 1 {
		t.Errorf("arrived: %+v", s.sim.Network().Counts())
	}
}

func TestSim_LateAnswer_NeverTheNextOnes(t *testing.T) {
	t.Parallel()
	for _, busy := range []bool{true, false} {
		t.Run(fmt.Sprintf("busy %v", busy), func(t *testing.T) {
			t.Parallel()
			s := onPTYs(t, modemsim.Config{Latency: 20 * time.Millisecond}, Config{AT: quick()})
			m := s.untilReady(t, 0)
			sent := map[uint8]string{}
			for i := range 60 {
				if i == 10 {
					s.sim.Modem(0).LateAnswers(1, 4*time.Second, busy)
				}
				text := fmt.Sprintf("late %d", i)
				mr, err := m.Submit(t.Context(), submitOf(t, "+31600000000", text))
				var se *SubmitError
				switch {
				case err == nil:
					sent[mr] = text
				case !errors.As(err, &se) || se.Outcome == RefusedForGood:
					t.Errorf("%s: %v", text, err)
				}
				if i > 10 {
					time.Sleep(50 * time.Millisecond)
				}
			}
			for _, sub := range s.sim.Network().Submissions() {
				if text, ok := sent[sub.Segment.MR]; ok && text != sub.Segment.Text {
					t.Errorf("TP-MR %d is of %q and was given to %q", sub.Segment.MR, sub.Segment.Text, text)
				}
			}
			for _, c := range s.sim.Network().Counts() {
				if c.Times != 1 {
					t.Errorf("%q arrived %d times", c.Text, c.Times)
				}
			}
		})
	}
}

func TestSim_UnpluggedAndBack_Ready(t *testing.T) {
	t.Parallel()
	s := onPTYs(t, modemsim.Config{Count: 2}, Config{AT: quick()})
	s.untilReady(t, 0)
	s.untilReady(t, 1)
	s.sim.Modem(0).Unplug()
	within(t, "absent", func() bool { return s.Modems()[0].State == Absent })
	if s.Modems()[1].State != Ready {
		t.Errorf("the other: %+v", s.Modems()[1])
	}
	if err := s.sim.Modem(0).Replug(); err != nil {
		t.Fatal(err)
	}
	m := s.untilReady(t, 0)
	if _, err := m.Submit(t.Context(), submitOf(t, "+31600000000", "back")); err != nil {
		t.Error(err)
	}
}

func TestSim_RebootWithPIN_ReadyAgain(t *testing.T) {
	t.Parallel()
	s := onPTYs(t, modemsim.Config{Each: func(_ int, m *modemsim.ModemConfig) { m.SIM.PIN = "7391" }}, Config{AT: quick(), PIN: "7391"})
	s.untilReady(t, 0)
	s.sim.Modem(0).Reboot(time.Second)
	within(t, "gone", func() bool { return s.Modems()[0].State != Ready })
	m := s.untilReady(t, 0)
	if _, err := m.Submit(t.Context(), submitOf(t, "+31600000000", "again")); err != nil || s.arrived("again") != 1 {
		t.Errorf("%v, arrived %d times", err, s.arrived("again"))
	}
	if pin, _ := s.sim.Modem(0).PINTries(); pin != 3 {
		t.Errorf("%d tries left", pin)
	}
}

func TestSim_WrongPIN_OneTryBurnt(t *testing.T) {
	t.Parallel()
	s := onPTYs(t, modemsim.Config{Each: func(_ int, m *modemsim.ModemConfig) { m.SIM.PIN = "7391" }}, Config{AT: quick(), PIN: "1111"})
	within(t, "PIN", func() bool { return s.Modems()[0].State == PIN })
	s.sim.Modem(0).Reboot(500 * time.Millisecond)
	within(t, "asked again", func() bool { i := s.Modems()[0]; return i.Sessions > 1 && i.State == PIN })
	if pin, _ := s.sim.Modem(0).PINTries(); pin != 2 {
		t.Errorf("%d tries left", pin)
	}
}

func TestSim_NetworkLostAndBack_ReadyAgain(t *testing.T) {
	t.Parallel()
	s := onPTYs(t, modemsim.Config{}, Config{AT: quick(), Register: 100 * time.Millisecond})
	s.untilReady(t, 0)
	s.sim.Modem(0).LoseNetwork(2 * time.Second)
	within(t, "searching", func() bool { return s.Modems()[0].State == Searching })
	s.untilReady(t, 0)
}

func TestSim_IncomingByAllWays_StoredOnce(t *testing.T) {
	t.Parallel()
	for name, ranges := range map[string][5]string{"straight": {"0-2", "0-3", "0,2", "0-2", "0,1"}, "stored": {"0-2", "0,1", "0", "0,2", "0,1"},
		"silent": {"0", "0", "0", "0", "0"}} {
		t.Run(name, func(t *testing.T) {
			s := onPTYs(t, modemsim.Config{Each: func(_ int, m *modemsim.ModemConfig) { m.CNMIRanges = ranges }},
				Config{AT: quick(), Sweep: time.Second})
			m := s.untilReady(t, 0)
			if _, err := m.Submit(t.Context(), submitOf(t, "+31600000001", "there")); err != nil {
				t.Fatal(err)
			}
			var want []string
			for i := range 5 {
				text := fmt.Sprintf("and back %d", i)
				want = append(want, "deliver +31600000001 "+text)
				if err := s.sim.Network().Handset("+31600000001").Send(s.sim.Modem(0).Number(), text); err != nil {
					t.Fatal(err)
				}
			}
			within(t, "all here", func() bool { return len(deliveries(s.h.list())) >= len(want) })
			if got := deliveries(s.h.list()); !slices.Equal(got, want) {
				t.Errorf("got %q", got)
			}
			within(t, "memory empty", func() bool { return s.sim.Modem(0).Stored("SM")+s.sim.Modem(0).Stored("ME") == 0 })
			if name != "silent" {
				within(t, "reported", func() bool { return len(s.h.list()) == len(want)+1 })
			}
		})
	}
}

func deliveries(all []string) []string {
	return slices.DeleteFunc(all, func(s string) bool { return !strings.HasPrefix(s, "deliver") })
}

func TestSim_FullStorage_EmptiedAndReceiving(t *testing.T) {
	t.Parallel()
	s := onPTYs(t, modemsim.Config{Each: func(_ int, m *modemsim.ModemConfig) { m.NoPhase2 = true }}, Config{AT: quick(), Sweep: time.Second})
	s.untilReady(t, 0)
	for _, memory := range []string{"SM", "ME"} {
		s.sim.Modem(0).FillStorage(memory, 0)
	}
	if err := s.sim.Network().Handset("+31600000002").Send(s.sim.Modem(0).Number(), "through"); err != nil {
		t.Fatal(err)
	}
	within(t, "received", func() bool { return slices.Contains(s.h.list(), "deliver +31600000002 through") })
	within(t, "empty", func() bool { return s.sim.Modem(0).Stored("SM")+s.sim.Modem(0).Stored("ME") == 0 })
}

func TestSim_HangInMidSend_UnknownAndBack(t *testing.T) {
	t.Parallel()
	s := onPTYs(t, modemsim.Config{Latency: 5 * time.Second}, Config{AT: quick()})
	m := s.untilReady(t, 0)
	time.AfterFunc(500*time.Millisecond, func() { s.sim.Modem(0).Hang(10 * time.Second) })
	var se *SubmitError
	if _, err := m.Submit(t.Context(), submitOf(t, "+31600000000", "hang")); !errors.As(err, &se) || se.Outcome != Unknown {
		t.Errorf("got %v", err)
	}
	within(t, "gone", func() bool { return s.Modems()[0].State != Ready })
	s.untilReady(t, 0)
}

func TestSim_Garbage_Survived(t *testing.T) {
	t.Parallel()
	s := onPTYs(t, modemsim.Config{}, Config{AT: quick()})
	m := s.untilReady(t, 0)
	for i := range 20 {
		s.sim.Modem(0).Garbage(50)
		text := fmt.Sprintf("noisy %d", i)
		_, err := m.Submit(t.Context(), submitOf(t, "+31600000000", text))
		var se *SubmitError
		if n := s.arrived(text); err == nil && n != 1 || errors.As(err, &se) && se.Outcome != Unknown && n != 0 {
			t.Errorf("%s: %v, arrived %d times", text, err, n)
		}
		s.untilReady(t, 0)
	}
}
