package modem

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestReceive_PDUCutOnTheLine_AskedForAgainOnce(t *testing.T) {
	k := newStick()
	bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
		untilState(t, b, 0, Ready)
		line, n := deliverLine(t, "+31612345678", "hello")
		refused := k.count("AT+CNMA=2") // at bring-up, in case something lay there unacknowledged
		header, half := fmt.Sprintf("+CMT: ,%d", n), line[:len(line)-6]
		k.say(header, half)
		until(t, time.Second, "refused", func() bool { return k.count("AT+CNMA=2") == refused+1 })
		if got := h.list(); len(got) != 0 || !strings.Contains(b.Modems()[0].LastError, "asked for again") {
			t.Errorf("got %q, error %q", got, b.Modems()[0].LastError)
		}
		k.say(header, line)
		until(t, time.Second, "acknowledged", func() bool { return k.count("AT+CNMA") == 1 })
		k.say(header, half) // and one that is never any better is kept as it is
		until(t, time.Second, "acknowledged", func() bool { return k.count("AT+CNMA") == 2 })
		if got := h.list(); !slices.Equal(got, []string{"deliver +31612345678 hello", "undecoded " + half}) || k.count("AT+CNMA=2") != refused+1 {
			t.Errorf("got %q", got)
		}
	}, k)
}

// What is as long as the modem says came whole: asking for it again would not help.
func TestReceive_PDUWholeAndUnreadable_KeptAtOnce(t *testing.T) {
	for _, said := range []string{"+CMT: ,1", "+CMT: ,"} {
		k := newStick()
		bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
			untilState(t, b, 0, Ready)
			k.say(said, "00FF")
			until(t, time.Second, "acknowledged", func() bool { return k.count("AT+CNMA") == 1 })
			if got := h.list(); !slices.Equal(got, []string{"undecoded 00FF"}) {
				t.Errorf("got %q", got)
			}
		}, k)
	}
}

func TestSweep_PDUCutOnTheLine_ReadAgainBeforeItIsDeleted(t *testing.T) {
	for name, c := range map[string]struct {
		readings []string // of AT+CMGR, what is cut off each
		want     string
		reads    int
	}{
		"whole at the second reading": {[]string{""}, "deliver +31612345678 hello", 1},
		"whole at the third":          {[]string{"00", ""}, "deliver +31612345678 hello", 2},
		"two readings alike":          {[]string{"0000"}, "undecoded ", 1},
		"never alike":                 {[]string{"00", "000000", "00000000"}, "undecoded ", 3},
	} {
		t.Run(name, func(t *testing.T) {
			k := newStick()
			line, n := deliverLine(t, "+31612345678", "hello")
			less := func(cut string) string { return line[:len(line)-len(cut)] }
			listed, reads := false, 0
			k.hook = func(command string) (string, bool) {
				switch {
				case command == "AT+CMGL=4" && !listed:
					listed = true
					return fmt.Sprintf("+CMGL: 1,0,,%d\n%s", n, less("0000")), true
				case command == "AT+CMGR=1":
					reads++
					return fmt.Sprintf("+CMGR: 0,,%d\n%s", n, less(c.readings[reads-1])), true
				}
				return "", false
			}
			bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
				until(t, 10*time.Second, "deleted", func() bool { return k.count("AT+CMGD=1") == 1 })
				if got := h.list(); len(got) != 1 || !strings.HasPrefix(got[0], c.want) || reads != c.reads {
					t.Errorf("got %q after %d readings", got, reads)
				}
			}, k)
		})
	}
}
