package modem

import (
	"strings"
	"testing"
	"time"
)

// locked makes a stick's SIM want a PIN.
func locked(pin string, tries string) *stick {
	k := newStick()
	k.answers["AT+CPIN?"] = "+CPIN: SIM PIN"
	k.answers[`AT+CPINR="SIM PIN"`] = tries
	k.hook = func(c string) (string, bool) {
		given, is := strings.CutPrefix(c, "AT+CPIN=")
		switch {
		case !is:
			return "", false
		case strings.Trim(given, `"`) == pin:
			k.answers["AT+CPIN?"] = "+CPIN: READY"
			return "OK", true
		}
		return "+CME ERROR: 16", true
	}
	return k
}

// tried counts the PINs that the stick was given.
func (k *stick) tried() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	n := 0
	for _, h := range k.heard {
		if strings.HasPrefix(h, "AT+CPIN=") {
			n++
		}
	}
	return n
}

func TestPIN_Right_ReadyAgainAfterEachRestart(t *testing.T) {
	k := locked("7391", "+CPINR: SIM PIN,3,3")
	bankOf(t, Config{PIN: "0000", PINs: map[string]string{"8931084600000000001": "7391"}}, func(t *testing.T, b *Bank, h *memory) {
		untilState(t, b, 0, Ready)
		k.set(func() { k.answers["AT+CPIN?"] = "+CPIN: SIM PIN" })
		k.say("RDY")
		until(t, 10*time.Second, "ready again", func() bool { return k.tried() == 2 && b.Modems()[0].State == Ready })
	}, k)
}

func TestPIN_Wrong_TriedOnceHoweverOften(t *testing.T) {
	k := locked("7391", "ERROR")
	bankOf(t, Config{PINs: map[string]string{"/dev/stick0": "1111"}}, func(t *testing.T, b *Bank, h *memory) {
		info := untilState(t, b, 0, PIN)
		if !strings.Contains(info.Reason, "refused the PIN") || strings.Contains(info.Reason+info.LastError, "1111") {
			t.Errorf("reason %q, error %q", info.Reason, info.LastError)
		}
		time.Sleep(time.Hour)
		for range 3 {
			k.set(func() { k.conn.Close() })
			time.Sleep(time.Minute)
		}
		if k.tried() != 1 || k.openings() != 4 || b.Modems()[0].State != PIN {
			t.Errorf("tried %d times in %d sessions: %+v", k.tried(), k.openings(), b.Modems()[0])
		}
		k.set(func() { k.answers["AT+CPIN?"] = "+CPIN: READY" }) // somebody saw to it
		untilState(t, b, 0, Ready)
	}, k)
}

func TestPIN_NotTried(t *testing.T) {
	for name, c := range map[string]struct{ pin, tries, state, reason string }{
		"one try left":  {"7391", "+CPINR: SIM PIN,1,3", "", "only 1 tries left"},
		"none known":    {"", "+CPINR: SIM PIN,3,3", "", "none is known"},
		"not a PIN":     {"12", "+CPINR: SIM PIN,3,3", "", "not 4 to 8 digits"},
		"PUK":           {"7391", "+CPINR: SIM PIN,0,3", "+CPIN: SIM PUK", "PUK"},
		"network lock":  {"7391", "ERROR", "+CPIN: PH-NET PIN", "PH-NET PIN"},
		"PUK, by error": {"7391", "ERROR", "+CME ERROR: 12", "PUK"},
	} {
		t.Run(name, func(t *testing.T) {
			k := locked("7391", c.tries)
			if c.state != "" {
				k.answers["AT+CPIN?"] = c.state
			}
			bankOf(t, Config{PIN: c.pin}, func(t *testing.T, b *Bank, h *memory) {
				info := untilState(t, b, 0, PIN)
				time.Sleep(time.Minute)
				if k.tried() != 0 || !strings.Contains(info.Reason, c.reason) {
					t.Errorf("tried %d times, reason %q", k.tried(), info.Reason)
				}
			}, k)
		})
	}
}

func TestPIN_TriesOfTheMaker_Read(t *testing.T) {
	k := locked("7391", "ERROR")
	k.answers["AT+CGMI"] = "huawei"
	k.answers["AT^CPIN?"] = "^CPIN: SIM PIN,1,10,1,10,3"
	bankOf(t, Config{PIN: "7391"}, func(t *testing.T, b *Bank, h *memory) {
		info := untilState(t, b, 0, PIN)
		if k.tried() != 0 || !strings.Contains(info.Reason, "only 1 tries left") {
			t.Errorf("tried %d times, reason %q", k.tried(), info.Reason)
		}
	}, k)
}

func TestUnlock_SIMStateInWords_ToldInOurs(t *testing.T) {
	for answer, want := range map[string]struct {
		state  State
		reason string
	}{
		"+CPIN: NOT READY":             {Initialising, "the SIM is busy"},
		"+CPIN: NOT INSERTED":          {Failed, "no SIM"},
		"+CMS ERROR: SIM not inserted": {Failed, "no SIM"},
		"+CMS ERROR: (U)SIM busy":      {Initialising, "the SIM is busy"},
		"+CME ERROR: SIM failure":      {Failed, "the SIM cannot be read"},
		"+CMS ERROR: SIM PUK required": {PIN, "the SIM is blocked and wants its PUK"},
	} {
		t.Run(answer, func(t *testing.T) {
			k := newStick()
			k.answers["AT+CPIN?"] = answer
			bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
				until(t, time.Minute, "told", func() bool {
					info := b.Modems()[0]
					return info.State == want.state && info.Reason == want.reason
				})
				k.set(func() { k.answers["AT+CPIN?"] = "+CPIN: READY" })
				untilState(t, b, 0, Ready)
			}, k)
		})
	}
}

func TestPIN_TakenAndAskedForAgain_TriedOnce(t *testing.T) {
	k := locked("7391", "+CPINR: SIM PIN,3,3")
	asked := 0
	k.hook = func(c string) (string, bool) {
		if c == "AT+CPIN?" {
			if asked++; asked == 2 {
				return "+CPIN: PH-NET PIN", true
			}
			return "+CPIN: SIM PIN", true
		}
		return "OK", strings.HasPrefix(c, "AT+CPIN=")
	}
	bankOf(t, Config{PIN: "7391"}, func(t *testing.T, b *Bank, h *memory) {
		info := untilState(t, b, 0, PIN)
		time.Sleep(time.Minute)
		if k.tried() != 1 || !strings.Contains(info.Reason, "wants it still") {
			t.Errorf("tried %d times, reason %q", k.tried(), info.Reason)
		}
	}, k)
}

func TestPIN_PUKAfterIt_RememberedAsRefused(t *testing.T) {
	k := newStick()
	k.answers["AT+CPIN?"] = "+CPIN: SIM PIN"
	k.hook = func(c string) (string, bool) {
		if !strings.HasPrefix(c, "AT+CPIN=") {
			return "", false
		}
		k.answers["AT+CPIN?"] = "+CPIN: SIM PUK"
		return "OK", true
	}
	bankOf(t, Config{PIN: "7391"}, func(t *testing.T, b *Bank, h *memory) {
		untilState(t, b, 0, PIN)
		k.set(func() { k.answers["AT+CPIN?"] = "+CPIN: SIM PIN" }) // somebody gave the PUK and another PIN
		k.say("RDY")
		time.Sleep(time.Minute)
		if k.tried() != 1 {
			t.Errorf("tried %d times", k.tried())
		}
	}, k)
}

func TestPIN_AnswerLost_TriedAgainWhenItCostNoTry(t *testing.T) {
	for left, tried := range map[string]int{"+CPINR: SIM PIN,3,3": 2, "+CPINR: SIM PIN,2,3": 1, "ERROR": 1} {
		k := locked("7391", "+CPINR: SIM PIN,3,3")
		took := k.hook
		lost := false
		k.hook = func(c string) (string, bool) {
			if strings.HasPrefix(c, "AT+CPIN=") && !lost {
				lost = true
				k.answers[`AT+CPINR="SIM PIN"`] = left
				k.conn.Close()
				return "-", true
			}
			return took(c)
		}
		bankOf(t, Config{PIN: "7391"}, func(t *testing.T, b *Bank, h *memory) {
			time.Sleep(time.Minute)
			if k.tried() != tried || (b.Modems()[0].State == Ready) != (tried == 2) {
				t.Errorf("%s: tried %d times, %+v", left, k.tried(), b.Modems()[0])
			}
		}, k)
	}
}

// The gateway was killed between the try and its answer.
func TestPIN_KilledBeforeTheAnswer_TriedAgainWhenItCostNoTry(t *testing.T) {
	for left, tried := range map[string]int{"+CPINR: SIM PIN,3,3": 1, "+CPINR: SIM PIN,2,3": 0, "ERROR": 0} {
		killed := &pinMemory{refused: map[string]bool{}}
		for _, key := range []string{pinKey("8931084600000000001", "7391"), pinKey("any", "7391"), "8931084600000000001/refusal 1"} {
			_ = killed.Refuse(key)
		}
		k := locked("7391", left)
		bankOf(t, Config{PIN: "7391", Refused: killed}, func(t *testing.T, b *Bank, h *memory) {
			time.Sleep(time.Minute)
			if k.tried() != tried || (b.Modems()[0].State == Ready) != (tried == 1) {
				t.Errorf("%s: tried %d times, %+v", left, k.tried(), b.Modems()[0])
			}
		}, k)
		if own := pinKey("8931084600000000001", "7391"); killed.Refused(own) != (tried == 0) {
			t.Errorf("%s: remembered: %v", left, killed.refused)
		}
	}
}

// A telephone has made the tries whole again: what was refused stays refused.
func TestPIN_RefusedAndTheTriesWholeAgain_NotTried(t *testing.T) {
	remembered, tries := &pinMemory{refused: map[string]bool{}}, 0
	for range 3 {
		k := locked("7391", "+CPINR: SIM PIN,3,3")
		bankOf(t, Config{PIN: "1111", Refused: remembered}, func(t *testing.T, b *Bank, h *memory) { time.Sleep(time.Minute) }, k)
		tries += k.tried()
	}
	if tries != 1 {
		t.Errorf("tried %d times", tries)
	}
}
