package modem

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"gsmgate/modem/modemsim"
)

// fault does something random to a modem. Reports before their answers are left to a test of their own: the simulator lets such an
// answer wait for the acknowledgement of the report before, which a modem cannot be given in the middle of a send.
func fault(r *rand.Rand, m *modemsim.Modem) string {
	faults := []struct {
		name string
		do   func()
	}{
		{"lost answer", func() { m.LoseAnswers(1) }},
		{"late answer, busy", func() { m.LateAnswers(1, 1500*time.Millisecond, true) }},
		{"late answer, free", func() { m.LateAnswers(1, 1500*time.Millisecond, false) }},
		{"lost prompt", func() { m.LosePrompts(1) }},
		{"URC inside", func() { m.URCInsideAnswers(3) }},
		{"garbage", func() { m.Garbage(30) }},
		{"CR only", func() { m.CROnly(r.IntN(2) == 0) }},
		{"no space", func() { m.PromptWithoutSpace(r.IntN(2) == 0) }},
		{"ring", func() { m.Ring("+31600000009", 3) }},
		{"error 38", func() { m.FailSends(1, 38) }},
		{"error 500", func() { m.FailSends(2, 500) }},
		{"network", func() { m.LoseNetwork(300 * time.Millisecond) }},
		{"hang", func() { m.Hang(1500 * time.Millisecond) }},
		{"reboot", func() { m.Reboot(300 * time.Millisecond) }},
		{"unplug", func() { m.Unplug(); time.Sleep(100 * time.Millisecond); _ = m.Replug() }},
	}
	f := faults[r.IntN(len(faults))]
	f.do()
	return f.name
}

// Whatever happens to the modems: a message that was sent arrived once, one that was refused did not, and all modems come back.
func TestSim_RandomFaults_OutcomesAreTrue(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes several seconds")
	}
	const modems, faults = 4, 10
	opt := quick()
	opt.Send = time.Second
	s := onPTYs(t, modemsim.Config{Count: modems, Latency: 10 * time.Millisecond, Each: func(_ int, m *modemsim.ModemConfig) { m.SIM.PIN = "7391" }},
		Config{AT: opt, PIN: "7391", Register: 100 * time.Millisecond})
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	fates := make([]map[string]Outcome, modems)
	const sent = Outcome(9)
	var all sync.WaitGroup
	for i, m := range s.modems {
		s.untilReady(t, i)
		fates[i] = map[string]Outcome{}
		over := make(chan struct{})
		all.Go(func() {
			defer close(over)
			r := rand.New(rand.NewPCG(seed, uint64(i)))
			for range faults {
				t.Logf("modem %d: %s", i, fault(r, s.sim.Modem(i)))
				time.Sleep(time.Duration(r.IntN(2000)) * time.Millisecond)
			}
		})
		all.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-over:
					return
				default:
				}
				text := fmt.Sprintf("soak %d.%d", i, n)
				_, err := m.Submit(t.Context(), submitOf(t, "+31600000000", text))
				var se *SubmitError
				switch {
				case err == nil:
					fates[i][text] = sent
				case errors.As(err, &se):
					fates[i][text] = se.Outcome
				default:
					t.Errorf("%s: %v", text, err)
				}
				if errors.Is(err, ErrNotReady) {
					time.Sleep(20 * time.Millisecond)
				}
			}
		})
	}
	all.Wait()
	tally, arrived := map[string]int{}, map[string]int{}
	for _, c := range s.sim.Network().Counts() {
		arrived[c.Text] += c.Times
	}
	for i := range modems {
		s.sim.Modem(i).Clear()
		s.untilReady(t, i)
		if pin, _ := s.sim.Modem(i).PINTries(); pin != 3 {
			t.Errorf("modem %d: %d tries left", i, pin)
		}
		for text, fate := range fates[i] {
			n := arrived[text]
			switch {
			case fate == sent && n != 1, fate != sent && fate != Unknown && n != 0, n > 1:
				t.Errorf("%s: fate %d, arrived %d times", text, fate, n)
			}
			if fate == sent {
				tally["sent"]++
			} else {
				tally[fate.String()]++
			}
		}
	}
	t.Log(tally)
	if tally["sent"] == 0 {
		t.Error("nothing was sent")
	}
}
