package modem

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"gsmgate/modem/at"
)

// sends hands n messages over, and tells how many were sent.
func sends(t *testing.T, m *Modem, n int) (sent int) {
	t.Helper()
	for i := range n {
		if _, err := m.Submit(t.Context(), toOther(i)); err == nil {
			sent++
		}
	}
	return sent
}

// toOther is aTPDU to the n-th of a hundred recipients: one alone makes no modem ill.
func toOther(n int) []byte {
	tpdu := slices.Clone(aTPDU)
	tpdu[4] = byte(n%10)<<4 | byte(n/10%10) // TP-DA [23.040 9.1.2.5]
	return tpdu
}

// failing makes a stick refuse what is handed over; "" makes it well.
func (k *stick) failing(answer string) {
	k.set(func() {
		k.hook = func(c string) (string, bool) {
			return answer, answer != "" && strings.HasSuffix(c, "^Z")
		}
	})
}

func TestHealth_FaultsOfItsOwn_ParkedTriedOnceAndDoubled(t *testing.T) {
	k := newStick()
	askedFor(t, k, func(t *testing.T, b *Bank, m *Modem) {
		k.failing("+CMS ERROR: 38")
		sends(t, m, 10)
		if n := k.count("AT+CMGS=16"); n != parkRun {
			t.Errorf("%d messages were tried", n)
		}
		i := m.Info()
		if d := time.Until(i.ParkedUntil); d <= 0 || d > FirstPark || !strings.Contains(i.ParkedReason, "38") || i.Health != 0 || i.State != Ready {
			t.Errorf("parked for %v: %+v", d, i)
		}
		var se *SubmitError
		if _, err := m.Submit(t.Context(), aTPDU); !errors.As(err, &se) || !se.Modem || se.Outcome != RefusedForNow || se.Wait <= 0 {
			t.Errorf("got %v", err)
		}
		for park := FirstPark; park < 8*mostPark; park *= 2 {
			time.Sleep(time.Until(m.Info().ParkedUntil) + time.Millisecond)
			if until, _ := m.Allow(time.Now()); !until.IsZero() {
				t.Fatalf("no trial until %v", until)
			}
			before := k.count("AT+CMGS=16")
			sends(t, m, 5)
			// After a long park nobody remembers the recipients before it: it takes as many again to blame the modem.
			if n := k.count("AT+CMGS=16") - before; n < 1 || n > parkRun {
				t.Errorf("%d messages were tried after a park", n)
			}
			if d, want := time.Until(m.Info().ParkedUntil), min(2*park, mostPark); d > want || d < want-time.Second {
				t.Errorf("parked for %v, want %v", d, want)
			}
		}
		k.failing("")
		time.Sleep(mostPark)
		if n := sends(t, m, 10); n != 10 {
			t.Errorf("%d of 10 sent when it was well again", n)
		}
		if i := m.Info(); !i.ParkedUntil.IsZero() || i.ParkedReason != "" || i.Health < 50 {
			t.Errorf("%+v", i)
		}
	})
}

func TestHealth_FaultsOfMessages_DoNotCount(t *testing.T) {
	k := newStick()
	askedFor(t, k, func(t *testing.T, b *Bank, m *Modem) {
		k.failing("+CMS ERROR: 1")
		for range 30 {
			_, _ = m.Submit(t.Context(), aTPDU)
		}
		if i := m.Info(); i.Health != 100 || !i.ParkedUntil.IsZero() || k.count("AT+CMGS=16") != 30 {
			t.Errorf("%+v", i)
		}
	})
}

func TestHealth_MoreThanHalfOfTheWindow_Parked(t *testing.T) {
	h := &health{}
	now := time.Unix(1_000_000, 0)
	for i := range 40 { // two of three go wrong
		if parked, _ := h.note(now.Add(time.Duration(i)*time.Second), []float64{1, 1, 0}[i%3], "ill"); parked {
			if n, faults := h.window(time.Time{}); faults < parkFaults || n > 8 {
				t.Errorf("parked after %d sends with %v faults", n, faults)
			}
			return
		}
	}
	t.Error("never parked")
}

func TestHealth_FewFaultsAmongMany_NotParked(t *testing.T) {
	h := &health{}
	now := time.Unix(1_000_000, 0)
	for i := range 200 {
		if parked, _ := h.note(now, []float64{1, 0, 0}[i%3], "ill"); parked {
			t.Fatal("parked")
		}
	}
	if s := h.score(now); s < 60 || s > 70 {
		t.Errorf("score %d", s)
	}
	if s := h.score(now.Add(2 * healthAge)); s != 100 {
		t.Errorf("an hour later %d", s)
	}
}

func TestHealth_MessageFaultAtTheTrial_AnotherTrialIsAllowed(t *testing.T) {
	k := newStick()
	askedFor(t, k, func(t *testing.T, b *Bank, m *Modem) {
		k.failing("+CMS ERROR: 38")
		sends(t, m, 3)
		time.Sleep(FirstPark + time.Second)
		k.failing("+CMS ERROR: 1")
		sends(t, m, 1)
		k.failing("")
		if sends(t, m, 1) != 1 || !m.Info().ParkedUntil.IsZero() {
			t.Errorf("%+v", m.Info())
		}
	})
}

func TestHealth_ReadyAnewAndAnotherSIM_TriedAtOnceAndForgotten(t *testing.T) {
	k := newStick()
	askedFor(t, k, func(t *testing.T, b *Bank, m *Modem) {
		k.failing("+CMS ERROR: 38")
		sends(t, m, 3)
		k.failing("")
		k.set(func() { k.answers["AT+CREG?"] = "+CREG: 1,2" })
		k.say("+CREG: 2")
		untilState(t, b, 0, Searching)
		k.set(func() { k.answers["AT+CREG?"] = "+CREG: 1,1" })
		untilState(t, b, 0, Ready)
		if sends(t, m, 1) != 1 {
			t.Error("not tried when the network was back")
		}
		k.failing("+CMS ERROR: 38")
		sends(t, m, 3)
		k.set(func() { k.answers["AT+CCID"] = "+CCID: 8931084600000000002" })
		k.say("RDY")
		until(t, time.Minute, "the other SIM", func() bool { return m.Info().SIM.ICCID == "8931084600000000002" && m.Info().State == Ready })
		if i := m.Info(); i.Health != 100 || !i.ParkedUntil.IsZero() {
			t.Errorf("%+v", i)
		}
	})
}

// Each message that such a modem takes is one whose fate nobody knows.
func TestHealth_RestartsAtEachSend_ParkedThroughItsRestarts(t *testing.T) {
	for name, dies := range map[string]func(k *stick){
		"it says so":     func(k *stick) { k.say("RDY") },
		"the port ends":  func(k *stick) { k.port().Close() },
		"it shows echo":  func(k *stick) { k.set(func() { k.echo = true }) },
		"it is deaf too": func(k *stick) { k.set(func() { k.deaf = true }) },
	} {
		t.Run(name, func(t *testing.T) {
			k := newStick()
			bankOf(t, Config{Gap: time.Hour}, func(t *testing.T, b *Bank, h *memory) {
				k.set(func() {
					k.hook = func(c string) (string, bool) {
						if !strings.HasSuffix(c, "^Z") {
							return "", false
						}
						time.AfterFunc(time.Second, func() { dies(k) })
						time.AfterFunc(5*time.Second, func() { k.set(func() { k.deaf = false }) })
						return "-", true
					}
				})
				untilState(t, b, 0, Ready)
				m, tried := b.list()[0], 0
				for began := time.Now(); time.Since(began) < time.Hour; time.Sleep(time.Second) {
					var se *SubmitError
					if _, err := m.Submit(t.Context(), toOther(tried)); errors.As(err, &se) && se.Outcome == Unknown {
						tried++
					}
				}
				if says := m.Info().ParkedReason; (name == "it says so" || name == "the port ends") != strings.Contains(says, "power supply") {
					t.Errorf("parked: %s", says)
				}
				if i := m.Info(); tried < parkRun+4 || tried > parkRun+10 || !i.ParkedUntil.After(time.Now().Add(-mostPark)) || i.Sent != 0 {
					t.Errorf("%d messages are unknown: %+v", tried, i)
				}
			}, k)
		})
	}
}

func TestHealth_GoneWithAMessageInHand_BlamedUnlessTheGatewayEnds(t *testing.T) {
	for cause, want := range map[error]float64{errors.New("the port is closed"): 1, context.Canceled: 0.5} {
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(cause)
		e, _ := (&Config{}).verdict(ctx, &at.SendError{Submitted: true, Err: at.ErrClosed})
		if got := blame(e); e.Outcome != Unknown || got != want {
			t.Errorf("%v: %v, blamed %v, want %v", cause, e, got, want)
		}
	}
}

// OK is OK: a modem that tells no TP-MR, or one that is none, has sent all the same.
func TestHealth_NoReferenceInTheAnswer_SentAndNeverParked(t *testing.T) {
	for _, answer := range []string{"OK", "+CMGS:", "+CMGS: -1", "+CMGS: 256"} {
		k := newStick()
		askedFor(t, k, func(t *testing.T, b *Bank, m *Modem) {
			k.failing(answer)
			for i := range 40 {
				if _, err := m.Submit(t.Context(), toOther(i)); !errors.Is(err, at.ErrNoMR) {
					t.Fatalf("%s: send %d: %v", answer, i, err)
				}
			}
			if i := m.Info(); i.Sent != 40 || i.Unknown+i.Refused != 0 || i.Health != 100 || i.LastError != "" || !i.ParkedUntil.IsZero() {
				t.Errorf("%s: %+v", answer, i)
			}
		})
	}
}

func TestSuspicion_NoReportsWhileOthersCome_Told(t *testing.T) {
	k := newStick()
	askedFor(t, k, func(t *testing.T, b *Bank, m *Modem) {
		withReport := append([]byte{aTPDU[0] | statusReportBit}, aTPDU[1:]...)
		for i := range suspectParts {
			if _, err := m.Submit(t.Context(), withReport); err != nil {
				t.Fatal(err)
			}
			_ = sends(t, m, i) // these ask for none
		}
		i, other := m.Info(), Info{SIM: SIM{ICCID: "another"}, ReportAt: time.Now().Add(time.Minute)}
		later := time.Now().Add(suspectAfter)
		if i.Unreported != suspectParts {
			t.Errorf("%d without a report", i.Unreported)
		}
		for _, c := range []struct {
			others []Info
			now    time.Time
			told   bool
		}{{[]Info{i, other}, later, true}, {[]Info{i}, later, false}, {[]Info{i, other}, time.Now().Add(time.Minute), false}, {[]Info{i, {ReportAt: other.ReportAt.Add(-time.Hour)}}, later, false}} {
			if words := i.Suspicion(c.others, c.now); (words != "") != c.told {
				t.Errorf("%+v: %q", c, words)
			}
		}
		k.say("+CDS: 25", "0006110B911316325476F862101000000000621010000000000000")
		until(t, time.Second, "the report", func() bool { return m.Info().Unreported == 0 })
		i = m.Info()
		if words := i.Suspicion([]Info{i, other}, later); words != "" {
			t.Errorf("after a report: %q", words)
		}
	})
}
