package modem

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"gsmgate/modem/at"
	"gsmgate/modem/modemsim"
)

// askedFor is a stick that was asked for USSD: what it does at AT+CUSD=1,"*100#",15 is in the test's hand.
func askedFor(t *testing.T, k *stick, fn func(t *testing.T, b *Bank, m *Modem)) {
	t.Helper()
	bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
		untilState(t, b, 0, Ready)
		fn(t, b, <-h.modem)
	}, k)
}

const balanceCode = `AT+CUSD=1,"*100#",15`

func TestUSSD_AnswerBeforeWithinOrLongAfterOK_Given(t *testing.T) {
	const answer = `+CUSD: 0,"Balance 5",15`
	for name, does := range map[string]func(k *stick) string{
		"before OK": func(k *stick) string { return answer },
		"behind OK": func(k *stick) string { go k.say(answer); return "OK" },
		"after 50 s": func(k *stick) string {
			go func() { time.Sleep(50 * time.Second); k.say(answer) }()
			return "OK"
		},
		"without OK": func(k *stick) string { go k.say(answer); return "-" },
		"ended by the network, with a text": func(k *stick) string {
			go k.say(`+CUSD: 2,"Balance 5",15`)
			return "OK"
		},
		"without quotes":  func(k *stick) string { go k.say(`+CUSD: 0,Balance 5,15`); return "OK" },
		"without a <dcs>": func(k *stick) string { go k.say(`+CUSD: 0,"Balance 5"`); return "OK" },
	} {
		t.Run(name, func(t *testing.T) {
			k := newStick()
			k.hook = func(c string) (string, bool) {
				if c != balanceCode {
					return "", false
				}
				return does(k), true
			}
			askedFor(t, k, func(t *testing.T, b *Bank, m *Modem) {
				u, err := m.USSD(t.Context(), "*100#")
				if err != nil || u.Text != "Balance 5" || u.Session != "" || u.Network {
					t.Errorf("%+v, %v", u, err)
				}
				if _, err := m.Submit(t.Context(), aTPDU); err != nil {
					t.Error("the next message:", err)
				}
				if got := m.LastUSSD(); got.Text != "Balance 5" {
					t.Errorf("last %+v", got)
				}
			})
		})
	}
}

func TestUSSD_NoAnswer_ClosedAtAnAbsoluteTime(t *testing.T) {
	k := newStick()
	k.answers[balanceCode] = "OK"
	askedFor(t, k, func(t *testing.T, b *Bank, m *Modem) {
		flood := make(chan struct{})
		go func() {
			defer close(flood)
			for range 100 {
				time.Sleep(time.Second)
				k.say("^RSSI: 17")
			}
		}()
		defer func() { <-flood }()
		from := time.Now()
		if _, err := m.USSD(t.Context(), "*100#"); !errors.Is(err, ErrUSSDTimeout) {
			t.Errorf("got %v", err)
		}
		if d := time.Since(from); d > ussdWait+time.Second || k.count("AT+CUSD=2") != 1 {
			t.Errorf("after %v, closed %d times", d, k.count("AT+CUSD=2"))
		}
		// what comes too late is not the answer to the next
		k.say(`+CUSD: 0,"old",15`)
		time.Sleep(time.Second)
		k.set(func() { k.answers[balanceCode] = `+CUSD: 0,"new",15` })
		if u, err := m.USSD(t.Context(), "*100#"); err != nil || u.Text != "new" {
			t.Errorf("%+v, %v", u, err)
		}
	})
}

func TestUSSD_CallerGone_ClosedAndUsableAgain(t *testing.T) {
	k := newStick()
	k.answers[balanceCode] = "OK"
	askedFor(t, k, func(t *testing.T, b *Bank, m *Modem) {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		if _, err := m.USSD(ctx, "*100#"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		k.set(func() { k.answers[balanceCode] = `+CUSD: 0,"new",15` })
		if u, err := m.USSD(t.Context(), "*100#"); err != nil || u.Text != "new" {
			t.Errorf("%+v, %v", u, err)
		}
	})
}

func TestUSSD_EndedWithoutText_ToldInWords(t *testing.T) {
	for status, words := range map[int]string{2: "has ended", 3: "another program", 4: "does not take this USSD code", 5: "waited too long", 7: "status 7"} {
		k := newStick()
		k.answers[balanceCode] = fmt.Sprintf("+CUSD: %d", status)
		askedFor(t, k, func(t *testing.T, b *Bank, m *Modem) {
			_, err := m.USSD(t.Context(), "*100#")
			var ended *USSDError
			if !errors.As(err, &ended) || ended.Status != status || !strings.Contains(err.Error(), words) {
				t.Errorf("%d: %v", status, err)
			}
		})
	}
}

func TestUSSD_SessionLeftOpen_ClosedAfterATime(t *testing.T) {
	k := newStick()
	k.answers[balanceCode] = `+CUSD: 1,"1 or 2?",15`
	askedFor(t, k, func(t *testing.T, b *Bank, m *Modem) {
		u, err := m.USSD(t.Context(), "*100#")
		if err != nil || u.Session == "" {
			t.Fatalf("%+v, %v", u, err)
		}
		time.Sleep(ussdIdle - time.Second)
		if k.count("AT+CUSD=2") != 0 || m.LastUSSD().Session != u.Session {
			t.Error("closed too early")
		}
		time.Sleep(2 * time.Second)
		if k.count("AT+CUSD=2") != 1 {
			t.Error("left open")
		}
		if _, err := m.ReplyUSSD(t.Context(), u.Session, "1"); !errors.Is(err, ErrUSSDSession) {
			t.Errorf("got %v", err)
		}
	})
}

func TestUSSD_SessionClosedByTheNetwork_ReplyRefused(t *testing.T) {
	k := newStick()
	k.answers[balanceCode] = `+CUSD: 1,"1 or 2?",15`
	askedFor(t, k, func(t *testing.T, b *Bank, m *Modem) {
		u, err := m.USSD(t.Context(), "*100#")
		if err != nil {
			t.Fatal(err)
		}
		k.say("+CUSD: 5")
		time.Sleep(time.Second)
		if _, err := m.ReplyUSSD(t.Context(), u.Session, "1"); !errors.Is(err, ErrUSSDSession) || k.count(`AT+CUSD=1,"1",15`) != 0 {
			t.Errorf("got %v", err)
		}
	})
}

func TestUSSD_TwoAtOnce_SecondRefused(t *testing.T) {
	k := newStick()
	k.answers[balanceCode] = "OK"
	askedFor(t, k, func(t *testing.T, b *Bank, m *Modem) {
		first := make(chan error, 1)
		go func() { _, err := m.USSD(t.Context(), "*100#"); first <- err }()
		time.Sleep(time.Second)
		if _, err := m.USSD(t.Context(), "*101#"); !errors.Is(err, ErrUSSDBusy) {
			t.Errorf("got %v", err)
		}
		if err := m.CancelUSSD(t.Context(), ""); !errors.Is(err, ErrUSSDBusy) {
			t.Errorf("got %v", err)
		}
		k.say(`+CUSD: 0,"x",15`)
		if err := <-first; err != nil {
			t.Error(err)
		}
	})
}

func TestUSSD_MessagesMeanwhile_Sent(t *testing.T) {
	k := newStick()
	k.answers[balanceCode] = "OK"
	askedFor(t, k, func(t *testing.T, b *Bank, m *Modem) {
		done := make(chan error, 1)
		go func() { _, err := m.USSD(t.Context(), "*100#"); done <- err }()
		time.Sleep(time.Second)
		for range 20 {
			if _, err := m.Submit(t.Context(), aTPDU); err != nil {
				t.Error(err)
			}
		}
		k.say(`+CUSD: 0,"x",15`)
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestUSSD_ModemDiesMeanwhile_ErrorAtOnce(t *testing.T) {
	k := newStick()
	k.answers[balanceCode] = "OK"
	askedFor(t, k, func(t *testing.T, b *Bank, m *Modem) {
		from := time.Now()
		time.AfterFunc(time.Second, func() { k.conn.Close() })
		if _, err := m.USSD(t.Context(), "*100#"); !errors.Is(err, at.ErrClosed) || time.Since(from) > 2*time.Second {
			t.Errorf("after %v: %v", time.Since(from), err)
		}
	})
}

func TestUSSD_TextThatCannotBeSent_Refused(t *testing.T) {
	askedFor(t, newStick(), func(t *testing.T, b *Bank, m *Modem) {
		for _, text := range []string{"", strings.Repeat("1", 183)} {
			if _, err := m.USSD(t.Context(), text); !errors.Is(err, ErrUSSDText) {
				t.Errorf("%q: %v", text, err)
			}
		}
		if _, err := m.ReplyUSSD(t.Context(), "", "1"); !errors.Is(err, ErrUSSDSession) {
			t.Errorf("got %v", err)
		}
	})
}

// What the modem refuses in one form it is asked in the next; what it takes is remembered.
func TestUSSD_FormOfTheModem_FoundByAsking(t *testing.T) {
	for name, c := range map[string]struct {
		maker, charset, refuses, takes, answer string
	}{
		"plain":    {"ACME", `+CSCS: "GSM"`, "", balanceCode, `+CUSD: 0,"Balance 5",15`},
		"UCS2":     {"ACME", `+CSCS: "UCS2"`, "", `AT+CUSD=1,"002A0031003000300023",15`, `+CUSD: 0,"00420061006C0061006E0063006500200035",15`},
		"HEX":      {"ACME", `+CSCS: "HEX"`, "", `AT+CUSD=1,"2A31303023",15`, `+CUSD: 0,"42616C616E63652035",15`},
		"Huawei":   {"huawei", "ERROR", "", `AT+CUSD=1,"AA180C3602",15`, `+CUSD: 0,"C2303BEC1E974135",15`},
		"by trial": {"ACME", "ERROR", balanceCode, `AT+CUSD=1,"AA180C3602",15`, `+CUSD: 0,"C2303BEC1E974135",15`},
	} {
		t.Run(name, func(t *testing.T) {
			k := newStick()
			k.answers["AT+CGMI"], k.answers["AT+CSCS?"], k.answers[c.takes] = c.maker, c.charset, c.answer
			if c.refuses != "" {
				k.answers[c.refuses] = "ERROR"
			}
			askedFor(t, k, func(t *testing.T, b *Bank, m *Modem) {
				for range 2 {
					u, err := m.USSD(t.Context(), "*100#")
					if err != nil || u.Text != "Balance 5" {
						t.Errorf("%+v, %v", u, err)
					}
				}
				if n := k.count(c.refuses); c.refuses != "" && n != 1 || k.count(c.takes) != 2 {
					t.Errorf("heard %q", k.heard)
				}
			})
		})
	}
}

func TestUSSD_RefusedByTheNetwork_NotTriedInAnotherForm(t *testing.T) {
	k := newStick()
	k.answers[balanceCode] = "+CME ERROR: 30"
	askedFor(t, k, func(t *testing.T, b *Bank, m *Modem) {
		if _, err := m.USSD(t.Context(), "*100#"); !at.IsCME(err, 30) {
			t.Errorf("got %v", err)
		}
		if k.count(`AT+CUSD=1,"AA180C3602",15`) != 0 {
			t.Error("sent again")
		}
	})
}

func TestSim_USSDMenuInEachForm_StepByStep(t *testing.T) {
	t.Parallel()
	menu := map[string]string{
		"*100#": "?Menu: Ärger?\n1 Balance\n2 Back", "*100#>1": "?Which?", "*100#>1>2": "12,50 EUR", "*100#>9": "=2 Goodbye",
		"push>7": "thank you",
	}
	for _, form := range []string{"", "packed", "ucs2"} {
		for _, last := range []bool{false, true} {
			t.Run(fmt.Sprintf("form %q, OK last %v", form, last), func(t *testing.T) {
				t.Parallel()
				s := onPTYs(t, modemsim.Config{Each: func(_ int, m *modemsim.ModemConfig) {
					m.USSD, m.USSDForm, m.USSDLast, m.USSDTime = menu, form, last, 50*time.Millisecond
					m.URCWhileBusy = last
				}}, Config{Idle: 500 * time.Millisecond})
				m := s.untilReady(t, 0)
				stepThrough(t, s, m)
			})
		}
	}
}

func stepThrough(t *testing.T, s *simulated, m *Modem) {
	u, err := m.USSD(t.Context(), "*100#")
	if err != nil || !strings.HasPrefix(u.Text, "Menu: ") || !strings.HasSuffix(u.Text, "\n2 Back") || u.Session == "" {
		t.Fatalf("menu: %+v, %v", u, err)
	}
	first := u.Session
	if u, err = m.ReplyUSSD(t.Context(), u.Session, "1"); err != nil || u.Text != "Which?" || u.Session == first {
		t.Fatalf("step 2: %+v, %v", u, err)
	}
	if _, err := m.ReplyUSSD(t.Context(), first, "1"); !errors.Is(err, ErrUSSDSession) {
		t.Errorf("a session of before: %v", err)
	}
	if u, err = m.ReplyUSSD(t.Context(), u.Session, "2"); err != nil || u.Text != "12,50 EUR" || u.Session != "" {
		t.Fatalf("step 3: %+v, %v", u, err)
	}
	if u, err = m.USSD(t.Context(), "*100#"); err != nil {
		t.Fatal(err)
	}
	if err := m.CancelUSSD(t.Context(), u.Session); err != nil {
		t.Error(err)
	}
	var ended *USSDError
	if _, err = m.USSD(t.Context(), "*999#"); !errors.As(err, &ended) || ended.Status != 4 {
		t.Errorf("an unknown code: %v", err)
	}
	within(t, "AT+CUSD=1", func() bool {
		return strings.Contains(strings.Join(s.sim.Modem(0).Transcript(), "|")+"|", ">AT+CUSD=1|")
	})
	s.sim.Modem(0).PushUSSD(1, "A question of the network?")
	within(t, "the network's question", func() bool { return m.LastUSSD().Text == "A question of the network?" })
	if u = m.LastUSSD(); !u.Network || u.Session == "" {
		t.Fatalf("%+v", u)
	}
	if u, err = m.ReplyUSSD(t.Context(), u.Session, "7"); err != nil || u.Text != "thank you" {
		t.Errorf("%+v, %v", u, err)
	}
}
