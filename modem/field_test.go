package modem

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestSIM_ICCIDWithLetters_Kept(t *testing.T) {
	for name, c := range map[string]struct{ answer, want string }{
		"letters of the issuer":      {"+CCID: 898600220909A0206023", "898600220909A0206023"},
		"filler in lower case":       {"8931440301200012345f", "8931440301200012345"},
		"quoted":                     {`+CCID: "8931440301200012345"`, "8931440301200012345"},
		"as it lies on the card":     {"98134430102100214305", "89314403011200123450"},
		"as it lies there, odd":      {"981344301021002143F5", "8931440301120012345"},
		"no number of a card":        {"+CCID: 1234", "204080000000001"},
		"the modem does not know it": {"ERROR", "204080000000001"},
	} {
		t.Run(name, func(t *testing.T) {
			k := newStick()
			k.answers["AT+CCID"] = c.answer
			bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
				if got := untilState(t, b, 0, Ready).SIM.ICCID; got != c.want {
					t.Errorf("got %q, want %q", got, c.want)
				}
			}, k)
		})
	}
}

func TestSIM_NothingIsKnown_TwoNeverCountAsOne(t *testing.T) {
	sticks := []*stick{newStick(), newStick()}
	for _, k := range sticks {
		for _, command := range []string{"AT+CCID", "AT+CIMI", "AT+CGSN", "AT+CNUM"} {
			k.answers[command] = "ERROR"
		}
	}
	bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
		one, two := untilState(t, b, 0, Ready).SIM, untilState(t, b, 1, Ready).SIM
		if one.ICCID == "" || one.ICCID == two.ICCID {
			t.Errorf("both are %q", one.ICCID)
		}
	}, sticks...)
}

func TestSIM_NumbersInUCS2_Read(t *testing.T) {
	k := newStick()
	k.answers["AT+CNUM"] = "+CNUM: \"\",\"\",129\n+CNUM: \"004F0077006E\",\"002B00330031003600350033003000300030003000300031\",145"
	k.answers["AT+CSCA?"] = `+CSCA: "002B00330031003600350033003100330031003300310033",145`
	bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
		info := untilState(t, b, 0, Ready)
		if info.SIM.Number != "+31653000001" || info.SMSC != "+31653131313" {
			t.Errorf("number %q, SMSC %q", info.SIM.Number, info.SMSC)
		}
	}, k)
}

func TestPlainNumber_DigitsStay(t *testing.T) {
	for _, s := range []string{"", "+31653000001", "00316530", "31653000", "0653", "002B0", "002B00G1"} {
		if got := plainNumber(s); got != s {
			t.Errorf("%q became %q", s, got)
		}
	}
}

func TestSubmit_RegistrationLostWhileItWaitsForItsAnswer_AnswerTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, modems, got := newStick(), make(chan *Modem, 4), make(chan error, 4)
		k.hook = func(c string) (string, bool) { return "-", strings.HasSuffix(c, "^Z") }
		b := NewBank(Config{Ports: []string{"/dev/stick0"}, Open: k.open, Handler: submitter{newMemory(), func(ctx context.Context, m *Modem) {
			modems <- m
			_, err := m.Submit(ctx, aTPDU)
			got <- err
			<-ctx.Done()
		}}})
		ctx, cancel := context.WithCancel(t.Context())
		over := make(chan error)
		go func() { over <- b.Run(ctx) }()
		m := <-modems
		time.Sleep(time.Second)
		k.set(func() { k.answers["AT+CREG?"] = "+CREG: 1,2" })
		k.say("+CREG: 2")
		untilState(t, b, 0, Searching)
		time.Sleep(20 * time.Second)
		var se *SubmitError
		if _, err := m.Submit(ctx, aTPDU); !errors.As(err, &se) || !se.Modem || se.Outcome != RefusedForNow || !errors.Is(err, ErrNotReady) {
			t.Errorf("another message meanwhile: %v", err)
		}
		k.say("+CMGS: 9", "", "OK")
		if err := <-got; err != nil {
			t.Errorf("the message has had its answer, and yet: %v", err)
		}
		k.set(func() { k.hook, k.answers["AT+CREG?"] = nil, "+CREG: 1,1" })
		<-modems
		if err := <-got; err != nil || k.openings() != 1 {
			t.Errorf("afterwards: %v, %d openings", err, k.openings())
		}
		cancel()
		<-over
		k.conn.Close()
	})
}

func TestIdentify_ModemThatHasJustStarted_ItsWordsAreNoName(t *testing.T) {
	k := newStick()
	k.answers["AT+CGMI"], k.answers["AT+CGMM"] = "Call Ready\nSIMCOM_Ltd", "SMS Ready\nSIMCOM_SIM800L"
	bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
		if info := untilState(t, b, 0, Ready); info.Manufacturer != "SIMCOM_Ltd" || info.Model != "SIMCOM_SIM800L" {
			t.Errorf("a %q by %q", info.Model, info.Manufacturer)
		}
	}, k)
}

func TestSweep_ModemSaysThatItsMemoryIsFull_EmptiedAtOnce(t *testing.T) {
	for _, word := range []string{"+SMS FULL", "^SMMEMFULL: \"SM\"", "+SMSFULL: \"SM\""} {
		k := newStick()
		bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
			untilState(t, b, 0, Ready)
			time.Sleep(time.Second)
			n := k.count("AT+CMGL=4")
			k.say(word)
			until(t, time.Second, word, func() bool { return k.count("AT+CMGL=4") > n })
		}, k)
	}
}

func TestSession_HangsWhileIdle_SeenOneIdleTimeAfterItsLastAnswer(t *testing.T) {
	k := newStick()
	bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
		untilState(t, b, 0, Ready)
		time.Sleep(20 * time.Second)
		if _, err := (<-h.modem).Submit(t.Context(), aTPDU); err != nil {
			t.Fatal(err)
		}
		k.set(func() { k.deaf = true })
		// 30 s of silence, 10 for the answer to a question, 12 for any answer at all
		until(t, 53*time.Second, "seen", func() bool { return b.Modems()[0].State != Ready })
		k.set(func() { k.deaf = false })
		untilState(t, b, 0, Ready)
	}, k)
}
