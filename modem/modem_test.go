package modem

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gsmgate/modem/at"
)

// aTPDU is some SMS-SUBMIT.
var aTPDU = []byte{0x11, 0x00, 0x0B, 0x91, 0x13, 0x16, 0x32, 0x54, 0x76, 0xF8, 0x00, 0x00, 0xAA, 0x02, 0xC8, 0x34}

func TestBank_PlainModem_ReadyAndKnown(t *testing.T) {
	k := newStick()
	k.echo = true
	bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
		info := untilState(t, b, 0, Ready)
		sim := SIM{ICCID: "8931084600000000001", IMSI: "204080000000001", Number: "+31653000001"}
		if info.SIM != sim || info.IMEI != "490154203237518" || info.Manufacturer != "ACME" || info.Model != "M1" || info.Operator != "KPN" ||
			info.Signal != 21 || info.SMSC != "+31653131313" || info.StoredTotal != 20 || info.Reason != "" {
			t.Errorf("info %+v", info)
		}
		m := <-h.modem
		for i := range 300 {
			mr, err := m.Submit(t.Context(), aTPDU)
			if err != nil || mr != uint8(i+1) {
				t.Fatalf("submit %d: %d, %v", i, mr, err)
			}
		}
		if n := k.count("AT+CMGS=16"); n != 300 || b.Modems()[0].Sent != 300 {
			t.Errorf("%d submits, Sent %d", n, b.Modems()[0].Sent)
		}
		if k.count("AT+CNMI=2,2,0,1,0") != 1 || k.count("AT+CMGF=0") != 1 {
			t.Errorf("heard %q", k.heard)
		}
	}, k)
}

func TestSubmit_BetweenMessages_NothingElseIsAsked(t *testing.T) {
	k := newStick()
	k.answers["AT+CMMS?"] = "+CMMS: 2"
	bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
		untilState(t, b, 0, Ready)
		m := <-h.modem
		time.Sleep(time.Second)
		k.set(func() { k.heard = nil })
		for range 20 {
			if _, err := m.Submit(t.Context(), aTPDU); err != nil {
				t.Fatal(err)
			}
		}
		if len(k.heard) != 41 || k.heard[2] != "AT+CMMS?" {
			t.Errorf("20 messages took %d lines: %q", len(k.heard), k.heard)
		}
	}, k)
}

func TestReceive_Direct_StoredThenAcknowledged(t *testing.T) {
	k := newStick()
	bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
		untilState(t, b, 0, Ready)
		line, n := deliverLine(t, "+31612345678", "hello")
		k.say(fmt.Sprintf("+CMT: ,%d", n), line)
		until(t, time.Second, "acknowledged", func() bool { return k.count("AT+CNMA") == 1 })
		if got := h.list(); !slices.Equal(got, []string{"deliver +31612345678 hello"}) || h.sims[0].ICCID != "8931084600000000001" {
			t.Errorf("got %q from %v", got, h.sims)
		}
		k.say("+CDS: 25", "0006110B911316325476F862101000000000621010000000000000")
		until(t, time.Second, "acknowledged", func() bool { return k.count("AT+CNMA") == 2 })
		if got := h.list(); got[1] != "report 17" {
			t.Errorf("got %q", got)
		}
		if info := b.Modems()[0]; info.Received != 1 || info.Reports != 1 {
			t.Errorf("info %+v", info)
		}
	}, k)
}

func TestReceive_BeforeTheModemIsUp_StoredAndAcknowledged(t *testing.T) {
	k := newStick()
	k.answers["AT+CGMR"] = "-" // so that time goes by before it is up
	line, n := deliverLine(t, "+31612345678", "early")
	k.hook = func(c string) (string, bool) {
		if c == "AT+CGMM" {
			return fmt.Sprintf("+CMT: ,%d\n%s\nM1", n, line), true
		}
		return "", false
	}
	bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
		untilState(t, b, 0, Ready)
		until(t, time.Second, "acknowledged", func() bool { return k.count("AT+CNMA") == 1 })
		if got := h.list(); !slices.Equal(got, []string{"deliver +31612345678 early"}) || h.sims[0].ICCID == "" || k.count("AT+CNMA=2") != 0 {
			t.Errorf("got %q of %v", got, h.sims)
		}
	}, k)
}

func TestReceive_HandlerRefuses_NetworkTold(t *testing.T) {
	k := newStick()
	bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
		untilState(t, b, 0, Ready)
		h.setRefusal(errors.New("disk full"))
		line, n := deliverLine(t, "+31612345678", "hello")
		k.say(fmt.Sprintf("+CMT: ,%d", n), line)
		// once at bring-up, in case something lay there unacknowledged
		until(t, time.Second, "told no", func() bool { return k.count("AT+CNMA=2") == 2 && k.count("AT+CNMI=2,2,0,1,0") == 2 })
		if k.count("AT+CNMA") != 0 || !strings.Contains(b.Modems()[0].LastError, "disk full") {
			t.Errorf("acknowledged, or no error shown: %+v", b.Modems()[0])
		}
	}, k)
}

func TestReceive_DuringSubmit_AcknowledgedBeforeTheNext(t *testing.T) {
	k := newStick()
	line, n := deliverLine(t, "+31612345678", "hello")
	bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
		untilState(t, b, 0, Ready)
		m := <-h.modem
		k.set(func() {
			k.hook = func(c string) (string, bool) {
				if strings.HasSuffix(c, "^Z") && k.mr == 0 {
					k.mr++
					go func() {
						k.say(fmt.Sprintf("+CMT: ,%d", n), line)
						time.Sleep(time.Second)
						k.say("+CMGS: 1", "", "OK")
					}()
					return "-", true
				}
				return "", false
			}
		})
		done := make(chan error, 2)
		for range 2 {
			go func() {
				_, err := m.Submit(t.Context(), aTPDU)
				done <- err
			}()
			time.Sleep(100 * time.Millisecond)
		}
		for range 2 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		k.set(func() { k.heard = k.heard[slices.Index(k.heard, "AT+CMGS=16"):] })
		if len(k.heard) != 5 || k.heard[2] != "AT+CNMA" {
			t.Errorf("heard %q", k.heard)
		}
	}, k)
}

func TestReceive_Indicated_ReadFromTheMemoryNamed(t *testing.T) {
	k := newStick()
	line, n := deliverLine(t, "+31612345678", "stored")
	k.answers["AT+CMGR=7"] = fmt.Sprintf("+CMGR: 0,,%d\n%s", n, line)
	bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
		untilState(t, b, 0, Ready)
		time.Sleep(time.Second)
		k.set(func() { k.heard = nil })
		k.say(`+CMTI: "ME",7`)
		until(t, time.Second, "deleted", func() bool { return k.count("AT+CMGD=7") == 1 })
		if o := k.order(`AT+CPMS="ME"`, "AT+CMGR=7", "AT+CMGD=7"); !slices.Equal(o, []int{0, 1, 2}) {
			t.Errorf("heard %q", k.heard)
		}
		if got := h.list(); !slices.Equal(got, []string{"deliver +31612345678 stored"}) {
			t.Errorf("got %q", got)
		}
	}, k)
}

func TestSweep_AtStart_StoredThenDeleted(t *testing.T) {
	k := newStick()
	line, n := deliverLine(t, "+31612345678", "old")
	list := fmt.Sprintf("+CMGL: 1,1,,%d\n%s\n+CREG: 1\n+CMGL: 2,3,,%d\n%s\n+CMGL: 3,0,,9\n00FF\n+CMGL: 4,0,,%d\n%s", n, line, n, line, n, line)
	deleted := map[string]bool{}
	k.hook = func(c string) (string, bool) {
		if c == "AT+CMGL=4" {
			out := list
			list = "OK"
			return out, true
		}
		if c == "AT+CMGD=4" && !deleted[c] {
			deleted[c] = true
			return "+CMS ERROR: 320", true
		}
		return "", false
	}
	bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
		until(t, 10*time.Second, "deleted", func() bool {
			return k.count("AT+CMGD=1") == 1 && k.count("AT+CMGD=3") == 1 && k.count("AT+CMGD=4") == 1
		})
		if k.count("AT+CMGD=2") != 0 {
			t.Error("a message to be sent was deleted")
		}
		want := []string{"deliver +31612345678 old", "undecoded 00FF", "deliver +31612345678 old"}
		if got := h.list(); !slices.Equal(got, want) {
			t.Errorf("got %q", got)
		}
		k.set(func() { list = fmt.Sprintf("+CMGL: 4,0,,%d\n%s", n, line) })
		until(t, 12*time.Minute, "deleted again", func() bool { return k.count("AT+CMGD=4") == 2 })
		if got := h.list(); len(got) != 3 {
			t.Errorf("stored twice: %q", got)
		}
	}, k)
}

func TestSweep_HandlerRefuses_KeptAndTriedAgain(t *testing.T) {
	k := newStick()
	line, n := deliverLine(t, "+31612345678", "keep me")
	k.answers["AT+CMGL=4"] = fmt.Sprintf("+CMGL: 1,1,,%d\n%s", n, line)
	bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
		h.setRefusal(errors.New("disk full"))
		until(t, 10*time.Second, "tried", func() bool { return strings.Contains(b.Modems()[0].LastError, "disk full") })
		if k.count("AT+CMGD=1") != 0 {
			t.Fatal("deleted what was not stored")
		}
		h.setRefusal(nil)
		until(t, 30*time.Second, "deleted", func() bool { return k.count("AT+CMGD=1") > 0 })
	}, k)
}

func TestRegistration_LostAndBack_ReadyEndsAndComes(t *testing.T) {
	k := newStick()
	k.answers["AT+CREG?"] = "+CREG: 1,2"
	bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
		info := untilState(t, b, 0, Searching)
		if info.Reason != "searching for a network" {
			t.Errorf("reason %q", info.Reason)
		}
		k.say("+CREG: 5")
		k.set(func() { k.answers["AT+CREG?"] = "+CREG: 1,5" })
		untilState(t, b, 0, Ready)
		m := <-h.modem
		if !b.Modems()[0].Roaming {
			t.Error("not roaming")
		}
		k.set(func() { k.answers["AT+CREG?"] = "+CREG: 1,3" })
		k.say("+CREG: 3")
		info = untilState(t, b, 0, Searching)
		if info.Reason != "the network denies registration" {
			t.Errorf("reason %q", info.Reason)
		}
		var se *SubmitError
		if _, err := m.Submit(t.Context(), aTPDU); !errors.As(err, &se) || !se.Modem || se.Outcome != RefusedForNow || !errors.Is(err, ErrNotReady) {
			t.Errorf("got %v", err)
		}
		k.set(func() { k.answers["AT+CREG?"] = "+CREG: 1,1" })
		untilState(t, b, 0, Ready)
		<-h.modem
		if k.openings() != 1 {
			t.Errorf("opened %d times", k.openings())
		}
	}, k)
}

func TestSession_RestartOfModem_SetUpAnew(t *testing.T) {
	for _, sign := range []string{"RDY", "^SYSSTART", "silent"} {
		t.Run(sign, func(t *testing.T) {
			k := newStick()
			bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
				untilState(t, b, 0, Ready)
				m := <-h.modem
				if sign == "silent" {
					k.set(func() { k.echo = true; k.answers["AT+CMGF?"] = "+CMGF: 1" })
					if _, err := m.Submit(t.Context(), aTPDU); err == nil {
						t.Error("sent to a modem in text mode")
					}
					k.set(func() { k.answers["AT+CMGF?"] = "+CMGF: 0" })
				} else {
					k.say(sign)
				}
				until(t, 10*time.Second, "set up again", func() bool { return k.count("AT+CMGF=0") == 2 && b.Modems()[0].State == Ready })
				if k.count("AT+CMGS=16") > 1 || k.mr != 0 {
					t.Errorf("heard %q", k.heard)
				}
			}, k)
		})
	}
}

func TestSession_IdleModemBackInTextMode_SeenBeforeTheNextMessage(t *testing.T) {
	k := newStick()
	bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
		untilState(t, b, 0, Ready)
		m := <-h.modem
		time.Sleep(10 * time.Second)
		k.set(func() { k.answers["AT+CMGF?"] = "+CMGF: 1" })
		var se *SubmitError
		if _, err := m.Submit(t.Context(), aTPDU); !errors.As(err, &se) || se.Outcome != RefusedForNow || !errors.Is(err, at.ErrRestarted) {
			t.Errorf("got %v", err)
		}
		if k.count("AT+CMGS=16") != 0 {
			t.Error("a message was risked")
		}
	}, k)
}

func TestSession_HangAndUnplug_OthersGoOn(t *testing.T) {
	ill, well := newStick(), newStick()
	well.answers["AT+CGSN"], well.answers["AT+CCID"] = "356938035643809", "+CCID: 8931084600000000002"
	bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
		untilState(t, b, 0, Ready)
		untilState(t, b, 1, Ready)
		ms := map[string]*Modem{}
		for range 2 {
			m := <-h.modem
			ms[m.Path()] = m
		}
		ill.set(func() { ill.deaf = true })
		from := time.Now()
		until(t, 2*time.Minute, "seen", func() bool { return b.Modems()[0].State != Ready })
		time.Sleep(time.Minute)
		if b.Modems()[1].State != Ready || well.openings() != 1 {
			t.Errorf("the other: %+v", b.Modems()[1])
		}
		if mr, err := ms["/dev/stick1"].Submit(t.Context(), aTPDU); err != nil || mr != 1 {
			t.Errorf("the other: %d, %v", mr, err)
		}
		ill.set(func() { ill.deaf = false })
		until(t, 35*time.Second, "back", func() bool { return b.Modems()[0].State == Ready })
		t.Logf("deaf at 0, ready again after %v", time.Since(from))
		ill.set(func() { ill.gone = true; ill.conn.Close() })
		info := untilState(t, b, 0, Absent)
		if !strings.Contains(info.Reason, "no such port") {
			t.Errorf("reason %q", info.Reason)
		}
		time.Sleep(10 * time.Minute)
		ill.set(func() { ill.gone = false })
		until(t, 5*time.Second, "back", func() bool { return b.Modems()[0].State == Ready })
	}, ill, well)
}

func TestSession_NeverAnswers_Failed(t *testing.T) {
	k := newStick()
	k.deaf = true
	bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
		until(t, 5*time.Minute, "failed", func() bool { return b.Modems()[0].State == Failed })
		if r := b.Modems()[0].Reason; !strings.Contains(r, "does not answer") {
			t.Errorf("reason %q", r)
		}
	}, k)
}

func TestBank_SlowReady_WaitedForBeforeReopening(t *testing.T) {
	k := newStick()
	bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
		h.mu.Lock()
		h.leaving = 20 * time.Second
		h.mu.Unlock()
		untilState(t, b, 0, Ready)
		k.set(func() { k.conn.Close() })
		time.Sleep(19 * time.Second)
		if k.openings() != 1 {
			t.Error("opened again while Ready was running")
		}
		until(t, 5*time.Second, "opened again", func() bool { return k.openings() == 2 })
	}, k)
}

func TestBank_StoppedInMidSend_AnswerStillTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, h := newStick(), newMemory()
		k.hook = func(c string) (string, bool) {
			if strings.HasSuffix(c, "^Z") {
				go func() {
					time.Sleep(2 * time.Second)
					k.say("+CMGS: 77", "", "OK")
				}()
				return "-", true
			}
			return "", false
		}
		ctx, cancel := context.WithCancel(t.Context())
		got := make(chan error, 1)
		b := NewBank(Config{Ports: []string{"/dev/stick0"}, Open: k.open, Handler: submitter{h, func(ctx context.Context, m *Modem) {
			time.AfterFunc(time.Second, cancel)
			mr, err := m.Submit(ctx, aTPDU)
			if err == nil && mr != 77 {
				err = fmt.Errorf("TP-MR %d", mr)
			}
			got <- err
		}}})
		_ = b.Run(ctx)
		if err := <-got; err != nil {
			t.Error(err)
		}
		k.conn.Close()
	})
}

// submitter is a memory that does something of its own when a modem is ready.
type submitter struct {
	*memory
	ready func(context.Context, *Modem)
}

func (s submitter) Ready(ctx context.Context, m *Modem) { s.ready(ctx, m) }

func TestSubmit_Errors_Judged(t *testing.T) {
	for answer, want := range map[string]SubmitError{
		"+CMS ERROR: 38":  {Outcome: RefusedForNow, Cause: 38, Wait: busyWait, Tries: 16},
		"+CMS ERROR: 42":  {Outcome: RefusedForNow, Cause: 42, Wait: busyWait, Tries: 16},
		"+CMS ERROR: 1":   {Outcome: RefusedForNow, Cause: 1, Wait: illWait, Tries: 3},
		"+CMS ERROR: 8":   {Outcome: RefusedForNow, Cause: 8, Wait: illWait, Tries: 6},
		"+CMS ERROR: 27":  {Outcome: RefusedForNow, Cause: 27, Wait: awayWait, Tries: 3},
		"+CMS ERROR: 28":  {Outcome: RefusedForNow, Cause: 28, Wait: illWait, Tries: 3},
		"+CMS ERROR: 128": {Outcome: RefusedForGood, Cause: 128},
		"+CMS ERROR: 197": {Outcome: Unknown, Cause: 197, Wait: illWait}, // it has one like it
		"+CMS ERROR: 304": {Outcome: RefusedForGood, Cause: 304},
		"+CMS ERROR: 331": {Outcome: RefusedForNow, Cause: 331, Wait: illWait},
		"+CMS ERROR: 332": {Outcome: Unknown, Cause: 332, Wait: illWait}, // the network may have it
		"+CMS ERROR: 500": {Outcome: RefusedForNow, Cause: 500, Wait: illWait, Tries: 3},
		"+CMS ERROR: 515": {Outcome: RefusedForNow, Cause: 515, Wait: illWait, Tries: 3},
		"+CME ERROR: 10":  {Outcome: RefusedForNow, Cause: CauseCME + 10, Wait: illWait},
		"ERROR":           {Outcome: RefusedForNow, Wait: illWait, Tries: 3},
		"-":               {Outcome: Unknown, Modem: true, Wait: busyWait},
		"+CMGS: nonsense": {Outcome: Unknown},
	} {
		t.Run(answer, func(t *testing.T) {
			k := newStick()
			k.hook = func(c string) (string, bool) { return answer, strings.HasSuffix(c, "^Z") }
			bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
				untilState(t, b, 0, Ready)
				m := <-h.modem
				_, err := m.Submit(t.Context(), aTPDU)
				var se *SubmitError
				if !errors.As(err, &se) {
					t.Fatalf("got %v", err)
				}
				got := *se
				got.Err = nil
				if got != want {
					t.Errorf("got %+v, want %+v", got, want)
				}
				if n := k.count("AT+CMGS=16"); n != 1 {
					t.Errorf("sent %d times", n)
				}
			}, k)
		})
	}
}

// refusing is a stick that gives every message the same answer.
func refusing(answer string) *stick {
	k := newStick()
	k.hook = func(c string) (string, bool) { return answer, strings.HasSuffix(c, "^Z") }
	return k
}

func TestSubmit_OneRecipientRefusedAgainAndAgain_ModemIsNotIll(t *testing.T) {
	for _, answer := range []string{"+CMS ERROR: 28", "+CMS ERROR: 42", "+CMS ERROR: 8", "+CMS ERROR: 331", "ERROR"} {
		bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
			untilState(t, b, 0, Ready)
			m := <-h.modem
			for i := range 10 {
				_, err := m.Submit(t.Context(), aTPDU)
				var se *SubmitError
				if !errors.As(err, &se) || se.Modem || se.Sure {
					t.Errorf("%s, refusal %d: %+v", answer, i+1, se)
				}
			}
		}, refusing(answer))
	}
}

func TestSubmit_SeveralRecipientsRefusedInARow_ModemIsIll(t *testing.T) {
	for answer, many := range map[string]int{"+CMS ERROR: 28": 4, "+CMS ERROR: 42": 3, "+CMS ERROR: 8": 3, "+CMS ERROR: 331": 2, "ERROR": 4} {
		bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
			untilState(t, b, 0, Ready)
			m := <-h.modem
			for i := range 6 {
				_, err := m.Submit(t.Context(), submitOf(t, fmt.Sprintf("+3160000000%d", i), "x"))
				var se *SubmitError
				ill := i >= many-1
				if !errors.As(err, &se) || se.Modem != ill || se.Sure != ill || ill && se.Tries != 0 {
					t.Errorf("%s, recipient %d: %+v", answer, i+1, se)
				}
			}
		}, refusing(answer))
	}
}

func TestSubmit_RefusedBetweenMessagesThatGo_ModemIsNotIll(t *testing.T) {
	k := newStick()
	bad := false
	k.hook = func(c string) (string, bool) { return "+CMS ERROR: 8", bad && strings.HasSuffix(c, "^Z") }
	bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
		untilState(t, b, 0, Ready)
		m := <-h.modem
		for i := range 10 {
			k.set(func() { bad = i%2 == 0 })
			_, err := m.Submit(t.Context(), submitOf(t, fmt.Sprintf("+3160000000%d", i), "x"))
			var se *SubmitError
			if refused := errors.As(err, &se); refused != (i%2 == 0) || refused && se.Modem {
				t.Errorf("message %d: %v", i, err)
			}
		}
	}, k)
}

func TestSubmit_RefusedBeforeThePrompt_NotTheMessagesFault(t *testing.T) {
	for _, answer := range []string{"ERROR", "+CMS ERROR: 304", "+CMS ERROR: 500", "+CMS ERROR: 332"} {
		k := newStick()
		k.hook = func(c string) (string, bool) { return answer, strings.HasPrefix(c, "AT+CMGS=") }
		bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
			untilState(t, b, 0, Ready)
			_, err := (<-h.modem).Submit(t.Context(), aTPDU)
			var se *SubmitError
			if !errors.As(err, &se) || se.Outcome != RefusedForNow || se.Wait != busyWait || se.Tries != 16 {
				t.Errorf("%s: %+v", answer, se)
			}
		}, k)
	}
}

func TestCauseTable_EveryCodeOnceWithWhatIsDone(t *testing.T) {
	seen := map[string]bool{}
	for _, row := range CauseTable() {
		key := fmt.Sprintf("%s %d", row.Result, row.Code)
		if seen[key] || row.Does == "" || row.Text == "" || row.Class == "" {
			t.Errorf("%s: %+v", key, row)
		}
		seen[key] = true
	}
	for _, want := range []string{"+CMS ERROR 28", "+CMS ERROR -1", "+CME ERROR 10", "ERROR -1"} {
		if !seen[want] {
			t.Errorf("%s is missing", want)
		}
	}
}

func TestSubmit_SIMGone_SessionEnds(t *testing.T) {
	k := newStick()
	k.hook = func(c string) (string, bool) { return "+CMS ERROR: 310", strings.HasSuffix(c, "^Z") }
	bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
		untilState(t, b, 0, Ready)
		m := <-h.modem
		k.set(func() { k.answers["AT+CPIN?"] = "+CME ERROR: 10" })
		if _, err := m.Submit(t.Context(), aTPDU); err == nil {
			t.Error("sent without a SIM")
		}
		until(t, 10*time.Second, "no SIM shown", func() bool { i := b.Modems()[0]; return i.State == Failed && i.Reason == "no SIM" })
		k.set(func() { k.answers["AT+CPIN?"] = "+CPIN: READY" })
		untilState(t, b, 0, Ready)
	}, k)
}

func TestSubmit_NoTPDU_RefusedForGood(t *testing.T) {
	k := newStick()
	bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
		untilState(t, b, 0, Ready)
		m := <-h.modem
		for _, tpdu := range [][]byte{nil, make([]byte, 200)} {
			var se *SubmitError
			if _, err := m.Submit(t.Context(), tpdu); !errors.As(err, &se) || se.Outcome != RefusedForGood {
				t.Errorf("%d octets: %v", len(tpdu), err)
			}
		}
	}, k)
}

func TestCNMI_Chosen(t *testing.T) {
	for name, c := range map[string]struct {
		csms, known, want string
		refuse            []string
	}{
		"phase 2+":               {"+CSMS: 1,1,1", "+CNMI: (0-2),(0-3),(0,2),(0-2),(0,1)", "AT+CNMI=2,2,0,1,0", nil},
		"buffer is cleared only": {"+CSMS: 1,1,1", "+CNMI: (0-2),(0-3),(0,2),(0-2),(1)", "AT+CNMI=2,2,0,1,1", nil},
		"no phase 2+":            {"ERROR", "+CNMI: (0-2),(0-3),(0,2),(0-2),(0,1)", "AT+CNMI=2,1,0,1,0", nil},
		"reports stored only":    {"ERROR", "+CNMI: (0,1,2,3),(0,1),(0),(0,2),(0)", "AT+CNMI=2,1,0,2,0", nil},
		"no reports":             {"ERROR", "+CNMI: (0-2),(0,1),(0),(0),(0)", "AT+CNMI=2,1,0,0,0", nil},
		"does not say":           {"+CSMS: 1,1,1", "ERROR", "AT+CNMI=2,1,0,1,0", []string{"AT+CNMI=2,2", "AT+CNMI=1,2"}},
		"says more than it does": {"+CSMS: 1,1,1", "+CNMI: (0-2),(0-3),(0,2),(0-2),(0,1)", "AT+CNMI=1,2,0,1,0", []string{"AT+CNMI=2,2"}},
	} {
		t.Run(name, func(t *testing.T) {
			k := newStick()
			k.answers["AT+CSMS=1"], k.answers["AT+CNMI=?"] = c.csms, c.known
			k.hook = func(command string) (string, bool) {
				for _, r := range c.refuse {
					if strings.HasPrefix(command, r) {
						return "+CMS ERROR: 303", true
					}
				}
				return "", false
			}
			bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
				untilState(t, b, 0, Ready)
				last := ""
				for _, command := range k.heard {
					if strings.HasPrefix(command, "AT+CNMI=") {
						last = command
					}
				}
				if last != c.want {
					t.Errorf("chose %q, want %q", last, c.want)
				}
			}, k)
		})
	}
}

func TestRing_HungUp(t *testing.T) {
	k := newStick()
	bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
		untilState(t, b, 0, Ready)
		k.say("RING", "RING", `+CLIP: "+31612345678",145`, "RING")
		until(t, time.Second, "hung up", func() bool { return b.Modems()[0].Calls == 1 })
		if n := k.count("AT+CHUP"); n != 1 {
			t.Errorf("AT+CHUP %d times", n)
		}
	}, k)
}

func TestPause_GrowsToItsCap(t *testing.T) {
	for _, c := range []struct {
		n    int
		err  error
		want time.Duration
	}{{1, at.ErrHung, 250 * time.Millisecond}, {2, at.ErrHung, 500 * time.Millisecond}, {8, at.ErrClosed, 30 * time.Second}, {1000, at.ErrClosed, 30 * time.Second},
		{1000, at.ErrHung, 5 * time.Second},
		{1000, &PortAbsentError{}, time.Second}, {1000, &PortBusyError{}, 5 * time.Second}} {
		if got := pause(c.n, c.err, 0); got != c.want {
			t.Errorf("%d times %v: %v, want %v", c.n, c.err, got, c.want)
		}
		if got := pause(c.n, c.err, 0.999); got < c.want*4/5 || got >= c.want {
			t.Errorf("%d times %v with jitter: %v", c.n, c.err, got)
		}
	}
}

func TestState_Words(t *testing.T) {
	var words []string
	for s := Absent; s <= Failed; s++ {
		words = append(words, s.String())
	}
	if got := strings.Join(words, " "); got != "absent opening initialising pin searching ready failed" {
		t.Error(got)
	}
}
