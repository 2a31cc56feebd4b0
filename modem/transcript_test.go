package modem

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"gsmgate/modem/at"
)

func lines(tr at.Transcript) string {
	var b strings.Builder
	for _, e := range tr.Entries {
		b.WriteString(string(rune(e.Way)) + " " + e.Text + "\n")
	}
	return b.String()
}

func TestTranscript_TwoSessions_BothKeptWithTheirBorders(t *testing.T) {
	k := newStick()
	bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
		untilState(t, b, 0, Ready)
		k.set(func() { k.conn.Close(); k.gone = true })
		until(t, time.Minute, "absent", func() bool { return b.Modems()[0].State == Absent })
		time.Sleep(time.Hour)
		k.set(func() { k.gone = false })
		untilState(t, b, 0, Ready)
		got := lines(b.Find("stick0").Transcript(true))
		for text, want := range map[string]int{"= opened\n": 2, "= closed: ": 1, "= not opened: /dev/stick0: no such port\n": 1, "> AT+CGMI\n< ACME\n< OK\n": 2,
			"< 490154203237518\n": 2} {
			if n := strings.Count(got, text); n != want {
				t.Errorf("%q is there %d times, want %d:\n%s", text, n, want, got)
			}
		}
	}, k)
}

func TestTranscript_Redacted_NoTextNoNumber(t *testing.T) {
	k := locked("7391", "+CPINR: SIM PIN,3,3")
	k.answers["AT+CNUM"] = `+CNUM: "Ours","+31653000001",145`
	bankOf(t, Config{PIN: "7391"}, func(t *testing.T, b *Bank, h *memory) {
		untilState(t, b, 0, Ready)
		if _, err := (<-h.modem).Submit(t.Context(), submitOf(t, "+31612345678", "secret text")); err != nil {
			t.Fatal(err)
		}
		line, length := deliverLine(t, "+31687654321", "an answer")
		k.say("+CMT: ,"+strconv.Itoa(length), line)
		until(t, time.Minute, "delivered", func() bool { return len(h.list()) == 1 })
		m := b.Find("490154203237518")
		full, safe := m.Transcript(true), m.Transcript(false)
		for _, secret := range []string{"653000001", "1316325476", "1386674523", "31653131313", "080000000001", "4203237518", line} {
			if !strings.Contains(lines(full), secret) {
				t.Errorf("%s is not in the full transcript", secret)
			}
			if text, _ := safe.MarshalText(); strings.Contains(string(text), secret) {
				t.Errorf("%s is in the redacted transcript:\n%s", secret, text)
			}
		}
		if strings.Contains(lines(full), "7391\"") || !strings.Contains(lines(full), "> AT+CPIN=***\n") {
			t.Errorf("the PIN:\n%s", lines(full))
		}
		if safe.Get("redacted") != "yes" || full.Get("redacted") != "no" || safe.Get("imei") != "490154200000000" || safe.Get("modem") != "ACME M1" {
			t.Errorf("headers %+v", safe.Header)
		}
	}, k)
}

func TestTranscript_NeverCameUp_SaysWhy(t *testing.T) {
	k := newStick()
	k.gone = true
	bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
		time.Sleep(time.Minute)
		if got := lines(b.Find("/dev/stick0").Transcript(false)); got != "= not opened: /dev/stick0: no such port\n" {
			t.Errorf("got %q", got)
		}
	}, k)
}

func TestFind_SameNameTwice_NeitherByIt(t *testing.T) {
	b := NewBank(Config{Ports: []string{"/dev/a/modem", "/dev/b/modem", "/dev/b/other"}})
	for id, want := range map[string]string{"modem": "", "other": "/dev/b/other", "/dev/a/modem": "/dev/a/modem", "": "", "123": ""} {
		got := ""
		if m := b.Find(id); m != nil {
			got = m.Path()
		}
		if got != want {
			t.Errorf("%q is %q, want %q", id, got, want)
		}
	}
}
