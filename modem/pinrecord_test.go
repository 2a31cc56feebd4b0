package modem

import (
	"strings"
	"sync"
	"testing"
	"time"
)

// records are what is set for SIMs, in a test's hand.
type records struct {
	mu  sync.Mutex
	all map[string]Card
}

func (r *records) card(iccid string) Card {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.all[iccid]
}

func (r *records) set(iccid string, c Card) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.all == nil {
		r.all = map[string]Card{}
	}
	r.all[iccid] = c
}

const itsICCID = "8931084600000000001"

// secret is locked without an ICCID before the PIN.
func secret(pin, tries string) *stick {
	k := locked(pin, tries)
	k.answers["AT+CCID"] = "+CME ERROR: 11"
	opened := k.hook
	k.hook = func(c string) (string, bool) {
		out, mine := opened(c)
		if mine && out == "OK" {
			k.answers["AT+CCID"] = "+CCID: " + itsICCID
		}
		return out, mine
	}
	return k
}

func TestPIN_OfTheRecord_BeforeTheCommonOne(t *testing.T) {
	var r records
	r.set(itsICCID, Card{PIN: "7391"})
	k := locked("7391", "+CPINR: SIM PIN,3,3")
	bankOf(t, Config{PIN: "0000", PINs: map[string]string{itsICCID: "1111"}, Card: r.card}, func(t *testing.T, b *Bank, h *memory) {
		untilState(t, b, 0, Ready)
		if k.tried() != 1 {
			t.Errorf("tried %d times", k.tried())
		}
	}, k)
}

func TestPIN_ChangedInTheRecord_TriedAtOnceAndOnce(t *testing.T) {
	var r records
	k := locked("7391", "ERROR")
	bankOf(t, Config{Card: r.card}, func(t *testing.T, b *Bank, h *memory) {
		info := untilState(t, b, 0, PIN)
		if !strings.Contains(info.Reason, "none is known") || !strings.Contains(info.Hint, "record") {
			t.Errorf("%q, %q", info.Reason, info.Hint)
		}
		r.set(itsICCID, Card{PIN: "1111"})
		until(t, 10*time.Second, "tried", func() bool { return k.tried() == 1 })
		time.Sleep(time.Minute)
		if info := b.Modems()[0]; k.tried() != 1 || info.Sessions != 1 || !strings.Contains(info.Reason, "refused this PIN") || info.Hint == "" {
			t.Errorf("tried %d times: %+v", k.tried(), info)
		}
		r.set(itsICCID, Card{PIN: "7391"})
		until(t, 10*time.Second, "ready", func() bool { return b.Modems()[0].State == Ready })
	}, k)
}

func TestPIN_Refused_NotTriedByAnotherModemNorAfterARestart(t *testing.T) {
	refused := &pinMemory{refused: map[string]bool{}}
	for _, k := range []*stick{locked("7391", "ERROR"), locked("7391", "ERROR"), secret("7391", "ERROR"), secret("7391", "+CPINR: SIM PIN,2,3")} {
		first := len(refused.refused) == 0
		if !first {
			k.answers["AT+CGSN"] = "356938035643809"
		}
		bankOf(t, Config{PIN: "1111", Refused: refused}, func(t *testing.T, b *Bank, h *memory) {
			info := untilState(t, b, 0, PIN)
			time.Sleep(time.Minute)
			if want := map[bool]int{true: 1}[first]; k.tried() != want || !strings.Contains(info.Reason, "refused") {
				t.Errorf("tried %d times, want %d: %q", k.tried(), want, info.Reason)
			}
		}, k)
	}
	// A whole SIM is another one.
	k := secret("1111", "+CPINR: SIM PIN,3,3")
	k.answers["AT+CGSN"] = "490154203237526"
	bankOf(t, Config{PIN: "1111", Refused: refused}, func(t *testing.T, b *Bank, h *memory) { untilState(t, b, 0, Ready) }, k)
}

func TestPIN_RefusedWithoutAName_NotTriedWhereTheSIMIsNamed(t *testing.T) {
	refused := &pinMemory{refused: map[string]bool{}}
	k := secret("7391", "ERROR")
	bankOf(t, Config{PIN: "1111", Refused: refused}, func(t *testing.T, b *Bank, h *memory) { untilState(t, b, 0, PIN) }, k)
	other := locked("7391", "+CPINR: SIM PIN,2,3")
	other.answers["AT+CGSN"] = "356938035643809"
	bankOf(t, Config{PIN: "1111", Refused: refused}, func(t *testing.T, b *Bank, h *memory) {
		info := untilState(t, b, 0, PIN)
		time.Sleep(time.Minute)
		if k.tried() != 1 || other.tried() != 0 || !strings.Contains(info.Reason, "does not tell whether it was this one") {
			t.Errorf("tried %d and %d times: %q", k.tried(), other.tried(), info.Reason)
		}
	}, other)
}

func TestPIN_ICCIDOnlyAfterIt_ThatOfTheSIMThatWasThereLast(t *testing.T) {
	var r records
	r.set(itsICCID, Card{PIN: "7391"})
	k := secret("7391", "+CPINR: SIM PIN,3,3")
	last := func(imei string) string { return map[string]string{"490154203237518": itsICCID}[imei] }
	bankOf(t, Config{PIN: "0000", Card: r.card, LastCard: last}, func(t *testing.T, b *Bank, h *memory) {
		untilState(t, b, 0, Ready)
		k.set(func() { k.answers["AT+CPIN?"], k.answers["AT+CCID"] = "+CPIN: SIM PIN", "+CME ERROR: 11" })
		k.say("RDY")
		until(t, 10*time.Second, "ready again", func() bool { return k.tried() == 2 && b.Modems()[0].State == Ready })
	}, k)
}

func TestPIN_TwoRefusedAndNoCounter_TheLastTryIsLeftAlone(t *testing.T) {
	var r records
	k := locked("7391", "ERROR")
	bankOf(t, Config{Card: r.card}, func(t *testing.T, b *Bank, h *memory) {
		for _, pin := range []string{"1111", "2222", "7391"} {
			r.set(itsICCID, Card{PIN: pin})
			time.Sleep(20 * time.Second)
		}
		if info := b.Modems()[0]; k.tried() != 2 || !strings.Contains(info.Reason, "two PINs") || !strings.Contains(info.Hint, "telephone") {
			t.Errorf("tried %d times: %q, %q", k.tried(), info.Reason, info.Hint)
		}
	}, k)
}

func TestPIN_CounterOfTheModem_ShownWithTheReason(t *testing.T) {
	k := locked("7391", "+CPINR: SIM PIN,3,3")
	wrong := k.hook
	k.hook = func(c string) (string, bool) {
		if strings.HasPrefix(c, "AT+CPIN=") {
			k.answers[`AT+CPINR="SIM PIN"`] = "+CPINR: SIM PIN,2,3"
		}
		return wrong(c)
	}
	bankOf(t, Config{PIN: "1111"}, func(t *testing.T, b *Bank, h *memory) {
		if info := untilState(t, b, 0, PIN); !strings.HasSuffix(info.Reason, "; 2 tries are left") {
			t.Errorf("%q", info.Reason)
		}
	}, k)
}

func TestPUK_TriesLeftAndWhatToDo(t *testing.T) {
	for name, c := range map[string]struct {
		maker, command, answer, want string
	}{
		"by 27.007":    {"ACME", `AT+CPINR="SIM PUK"`, "+CPINR: SIM PIN,0,3\n+CPINR: SIM PUK,9,10", "; 9 tries are left for it"},
		"Huawei's":     {"huawei", "AT^CPIN?", "^CPIN: SIM PUK,8,8,0,10,3", "; 8 tries are left for it"},
		"Sierra's":     {"Sierra Wireless", "AT+CPINC?", "+CPINC: 0, 3, 7, 10", "; 7 tries are left for it"},
		"ZTE's":        {"ZTE CORPORATION", "AT+ZPINPUK=?", "+ZPINPUK: 0,6", "; 6 tries are left for it"},
		"Telit's":      {"Telit", "AT#PCT", "#PCT: 10", "; 10 tries are left for it"},
		"it tells not": {"ACME", `AT+CPINR="SIM PUK"`, "ERROR", "wants its PUK"},
	} {
		k := locked("7391", "ERROR")
		k.answers["AT+CPIN?"], k.answers["AT+CGMI"] = "+CPIN: SIM PUK", c.maker
		k.answers[`AT+CPINR="SIM PUK"`] = "ERROR"
		k.answers[c.command] = c.answer
		bankOf(t, Config{PIN: "7391"}, func(t *testing.T, b *Bank, h *memory) {
			info := untilState(t, b, 0, PIN)
			if !strings.HasSuffix(info.Reason, c.want) || !strings.Contains(info.Hint, "PUK") || k.tried() != 0 {
				t.Errorf("%s: %q, %q", name, info.Reason, info.Hint)
			}
		}, k)
	}
}
