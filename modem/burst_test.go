package modem

import (
	"testing"
	"time"
)

// bursts sends three bursts of four messages and a lone one, and gives how often each command of the link was heard.
func bursts(t *testing.T, k *stick, want map[string]int) {
	t.Helper()
	bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
		untilState(t, b, 0, Ready)
		m := <-h.modem
		for range 3 {
			for range 4 {
				if _, err := m.Submit(t.Context(), aTPDU); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(10 * time.Second)
		}
		asked := k.count("AT+CMMS?") + k.count(keepOpen)
		if _, err := m.Submit(t.Context(), aTPDU); err != nil {
			t.Fatal(err)
		}
		if n := k.count("AT+CMMS?") + k.count(keepOpen); n != asked {
			t.Errorf("a lone message took %d commands more", n-asked)
		}
		for command, n := range want {
			if got := k.count(command); got != n {
				t.Errorf("%s: %d times, want %d", command, got, n)
			}
		}
	}, k)
}

func TestBurst_ModemKeepsTheLink_AskedOnce(t *testing.T) {
	k := newStick()
	k.answers["AT+CMMS?"] = "+CMMS: 2"
	bursts(t, k, map[string]int{keepOpen: 1, "AT+CMMS?": 1})
}

func TestBurst_ModemForgets_ToldAtEachBurst(t *testing.T) {
	k := newStick()
	k.answers["AT+CMMS?"] = "+CMMS: 0"
	bursts(t, k, map[string]int{keepOpen: 4, "AT+CMMS?": 1})
}

func TestBurst_ModemRefuses_NotAskedAgain(t *testing.T) {
	k := newStick()
	k.answers[keepOpen] = "+CMS ERROR: 303"
	bursts(t, k, map[string]int{keepOpen: 1, "AT+CMMS?": 0})
}
