package modem

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"gsmgate/modem/at"
)

// busyUntil answers what needs the SIM with an error, as a modem does that has said READY too early.
func (k *stick) busyUntil(from time.Time, d time.Duration, answer string, commands ...string) {
	k.hook = func(command string) (string, bool) {
		for _, c := range commands {
			if strings.HasPrefix(command, c) && time.Since(from) < d {
				return answer, true
			}
		}
		return "", false
	}
}

func TestBringUp_SIMBusyBehindReady_KnownByItsOwnNumber(t *testing.T) {
	for _, busy := range []string{"+CME ERROR: 14", "+CME ERROR: SIM busy"} {
		t.Run(busy, func(t *testing.T) {
			k := newStick()
			bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
				k.set(func() { k.busyUntil(time.Now(), 12*time.Second, busy, "AT+CCID", "AT+CIMI", "AT+CNUM") })
				until(t, 5*time.Second, "told", func() bool { return b.Modems()[0].Reason == "the SIM is busy" })
				info := untilState(t, b, 0, Ready)
				if want := (SIM{"8931084600000000001", "204080000000001", "+31653000001"}); info.SIM != want {
					t.Errorf("known as %+v, want %+v", info.SIM, want)
				}
			}, k)
		})
	}
}

func TestBringUp_SIMBusyInSetUp_MessagesAreTold(t *testing.T) {
	k := newStick()
	bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
		k.set(func() {
			k.busyUntil(time.Now(), 15*time.Second, "+CMS ERROR: 314", "AT+CSCA", "AT+CSMS", "AT+CPMS", "AT+CNMI=")
		})
		info := untilState(t, b, 0, Ready)
		if info.ReportWay != "straight" || info.SMSC != "+31653131313" || info.SMSCReason != "" || info.StoredTotal != 20 {
			t.Errorf("reports %q (%s), service centre %q (%s), room for %d", info.ReportWay, info.ReportReason, info.SMSC, info.SMSCReason, info.StoredTotal)
		}
	}, k)
}

// A SIM that stays busy for one command is no reason to do without its modem.
func TestBringUp_SIMBusyForEver_ReadyAllTheSame(t *testing.T) {
	k := newStick()
	k.answers["AT+CCID"], k.answers["AT+CNUM"] = "+CME ERROR: 14", "+CME ERROR: 14"
	bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
		from := time.Now()
		until(t, time.Minute, "ready", func() bool { return b.Modems()[0].State == Ready })
		if took := time.Since(from); took < busyTries*time.Second {
			t.Errorf("waited for %v only", took)
		}
	}, k)
}

func TestCNMI_RefusedWhileTheModemStarts_ToldLater(t *testing.T) {
	k := newStick()
	line, length := deliverLine(t, "+31611111111", "early")
	k.answers["AT+CMGL=4"] = fmt.Sprintf("+CMGL: 1,0,,%d\n%s", length, line)
	bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
		k.set(func() { k.busyUntil(time.Now(), 20*time.Second, "ERROR", "AT+CNMI", "AT+CSCA", "AT+CMGL", "AT+CMGR") })
		info := untilState(t, b, 0, Ready)
		if info.ReportWay != "none" || info.SMSCReason == "" {
			t.Errorf("reports %q, service centre %q", info.ReportWay, info.SMSC)
		}
		until(t, time.Minute, "told", func() bool { return b.Modems()[0].ReportWay == "straight" })
		until(t, time.Second, "came", func() bool { return len(h.list()) > 0 })
		until(t, time.Second, "service centre", func() bool { return b.Modems()[0].SMSC == "+31653131313" })
		if reason := b.Modems()[0].SMSCReason; reason != "" {
			t.Errorf("service centre: %q", reason)
		}
	}, k)
}

func TestCNMI_NeverTaken_AskedMoreAndMoreSeldom(t *testing.T) {
	k := newStick()
	bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
		k.set(func() { k.busyUntil(time.Now(), 24*time.Hour, "ERROR", "AT+CNMI") })
		untilState(t, b, 0, Ready)
		time.Sleep(time.Hour)
		if n := k.count("AT+CNMI=?"); n != 1+7 { // at the looks 1, 2, 4, 8, 16, 32 and 64 of 120
			t.Errorf("asked %d times in an hour", n)
		}
	}, k)
}

// heldBack is a stick with one message in its memory, of which nobody is told, from d on again and again.
func heldBack(t *testing.T) (k *stick, put func()) {
	k = newStick()
	line, length, n := "", 0, 0
	k.answers["AT+CPMS=?"] = `+CPMS: ("SM"),("SM"),("SM")`
	full := false
	k.hook = func(command string) (string, bool) {
		switch {
		case command == "AT+CMGL=4" && full:
			return fmt.Sprintf("+CMGL: 1,0,,%d\n%s", length, line), true
		case command == "AT+CMGD=1":
			full = false
		}
		return "", false
	}
	return k, func() {
		n++
		k.set(func() { line, length = deliverLine(t, "+31611111111", fmt.Sprint("silent ", n)); full = true })
	}
}

func TestSweep_NoIndications_EveryHalfMinute(t *testing.T) {
	k, put := heldBack(t)
	k.answers["AT+CNMI=?"] = "+CNMI: (0),(0),(0),(0),(0)"
	bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
		untilState(t, b, 0, Ready)
		for n := 1; n < 4; n++ {
			time.Sleep(time.Hour)
			put()
			until(t, 31*time.Second, "found", func() bool { return len(h.list()) == n })
		}
	}, k)
}

// The modem has taken AT+CNMI and tells of nothing: when that has shown, sweeps are as frequent as where there are no indications.
func TestSweep_FoundWhatNothingToldOf_SoonFromThenOn(t *testing.T) {
	k, put := heldBack(t)
	bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
		untilState(t, b, 0, Ready)
		time.Sleep(time.Hour)
		put()
		until(t, 6*time.Minute, "found", func() bool { return len(h.list()) == 1 })
		put()
		until(t, 31*time.Second, "found soon", func() bool { return len(h.list()) == 2 })
		for n := 3; n < 6; n++ {
			time.Sleep(time.Hour)
			put()
			until(t, 31*time.Second, "found soon", func() bool { return len(h.list()) == n })
		}
		if i := b.Modems()[0]; !strings.Contains(i.ReportReason, "tells of no messages") || !strings.Contains(i.LastError, "tells of no messages") {
			t.Errorf("%q, %q", i.ReportReason, i.LastError)
		}
	}, k)
}

// One that has told of a message is swept seldom, whatever a sweep has found; a new one often at first.
func TestSweep_OftenAtFirst_SeldomOnceTheModemTells(t *testing.T) {
	k, put := heldBack(t)
	bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
		untilState(t, b, 0, Ready)
		time.Sleep(10 * time.Second)
		put()
		until(t, 31*time.Second, "found soon", func() bool { return len(h.list()) == 1 })
		line, length := deliverLine(t, "+31611111111", "told of")
		k.say(fmt.Sprintf("+CMT: ,%d", length), line)
		put()
		until(t, 31*time.Second, "found soon", func() bool { return len(h.list()) == 3 })
		time.Sleep(time.Hour)
		k.set(func() { k.heard = nil })
		time.Sleep(time.Hour)
		if n := k.count("AT+CMGL=4"); n != 12 || b.Modems()[0].ReportReason != "" {
			t.Errorf("%d sweeps in an hour without messages, %q", n, b.Modems()[0].ReportReason)
		}
	}, k)
}

func TestSweep_SentAndNothingWasToldYet_LookedForTheReports(t *testing.T) {
	k := newStick()
	bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
		untilState(t, b, 0, Ready)
		time.Sleep(time.Hour)
		k.set(func() { k.heard = nil })
		withReport := append([]byte{aTPDU[0] | statusReportBit}, aTPDU[1:]...)
		if _, err := b.list()[0].Submit(t.Context(), withReport); err != nil {
			t.Fatal(err)
		}
		until(t, 62*time.Second, "a sweep", func() bool { return k.count("AT+CMGL=4") > 0 })
		time.Sleep(time.Hour)
		if n := k.count("AT+CMGL=4"); n > 2*(1+12) { // of two memories: the handset is off, and that is no reason to look all the time
			t.Errorf("%d sweeps in an hour", n)
		}
	}, k)
}

// Whatever has turned the indications off, what came meanwhile is found at the next look, and not minutes later.
func TestSweep_IndicationsWereOff_FoundWhenTheyAreOnAgain(t *testing.T) {
	k, put := heldBack(t)
	bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
		untilState(t, b, 0, Ready)
		line, length := deliverLine(t, "+31611111111", "told of")
		k.say(fmt.Sprintf("+CMT: ,%d", length), line)
		for n := 2; n < 5; n++ {
			time.Sleep(time.Hour)
			k.set(func() { k.answers["AT+CNMI?"] = "+CNMI: 2,0,0,0,0" })
			put()
			until(t, 31*time.Second, "found", func() bool { return len(h.list()) == n })
			k.set(func() { k.answers["AT+CNMI?"] = "+CNMI: 2,2,0,1,0" })
		}
		if i := b.Modems()[0]; !strings.Contains(i.LastError, "indications off") {
			t.Errorf("%q", i.LastError)
		}
	}, k)
}

func TestBringUp_NoPDUMode_SaysSo(t *testing.T) {
	k := newStick()
	k.answers["AT+CMGF=0"] = "+CMS ERROR: 303"
	bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
		until(t, 10*time.Second, "said", func() bool {
			return strings.HasPrefix(b.Modems()[0].Reason, "AT+CMGF: +CMS ERROR: 303 (operation not supported): it is told again")
		})
	}, k)
}

// What ended the session is the reason, and not that it has ended.
func TestSubmit_SessionEndsWhileItWaits_SaysWhy(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(at.ErrHung)
	c := Config{}.withDefaults()
	if e, _ := c.verdict(ctx, &at.SendError{Err: ctx.Err()}); e.Outcome != RefusedForNow || e.Modem || !errors.Is(e, at.ErrHung) {
		t.Errorf("got %v", e)
	}
}
