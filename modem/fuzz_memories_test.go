package modem

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// FuzzMemories lets a modem answer AT+CPMS, +CMGL and +CMGR with anything of the right name, and tell of messages with anything behind
// +CMTI: nothing panics, and no place is deleted that was not stored.
func FuzzMemories(f *testing.F) {
	for _, seed := range [][4]string{
		{"1,20,1,20", "1,1,,24\n07913135131313F3040B911316325476F8000062101030405000\n", "1,,24\n00FF", `"SM",1`},
		{"3,10", "0,2,,9\n00FF\n1,3\n-1,0,,4\nAA", "2,,9\n00FF", `"SR",0`}, {"", "x", "", `"",99999999999`}, {"-1,-1", "1,1\n2,1\n3,1", "0\n00", "5"},
		{"\"", ",,,\n\n", "(", `"MT",-1`}, {"9999999,9999999", "", "1,,3\n000006", `"BM",3`},
	} {
		f.Add(seed[0], seed[1], seed[2], seed[3])
	}
	f.Fuzz(func(t *testing.T, cpms, cmgl, cmgr, cmti string) {
		synctest.Test(t, func(t *testing.T) { remember(t, cpms, cmgl, cmgr, cmti) })
	})
}

func remember(t *testing.T, cpms, cmgl, cmgr, cmti string) {
	k := newStick()
	named := func(name, text string) string {
		if text = strings.NewReplacer("\r", "", "\x1b", "", "\x1a", "").Replace(text); text == "" {
			return "OK"
		}
		var out []string
		for _, line := range strings.Split(text, "\n") {
			if strings.ContainsAny(line, ",\"") || len(out) == 0 {
				line = name + line
			}
			out = append(out, line)
		}
		return strings.Join(out, "\n")
	}
	k.hook = func(c string) (string, bool) {
		switch {
		case strings.HasPrefix(c, "AT+CPMS="):
			return named("+CPMS: ", cpms), true
		case strings.HasPrefix(c, "AT+CMGL="):
			return named("+CMGL: ", cmgl), true
		case strings.HasPrefix(c, "AT+CMGR="):
			return named("+CMGR: ", cmgr), true
		}
		return "", false
	}
	h := newMemory()
	ctx, cancel := context.WithTimeout(t.Context(), 12*time.Minute)
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		time.Sleep(time.Minute)
		if k.port() != nil {
			k.say("+CMTI: "+cmti, "+CDSI: "+cmti)
		}
	}()
	b := NewBank(Config{Ports: []string{"/dev/stick0"}, Handler: h, Open: k.open})
	_ = b.Run(ctx)
	<-done
	if conn := k.port(); conn != nil {
		conn.Close()
	}
	synctest.Wait()              // until it has heard the end
	deleted := map[string]bool{} // those that say OK and delete nothing are told again
	for _, c := range k.heard {
		if strings.HasPrefix(c, "AT+CMGD=") {
			deleted[c] = true
		}
	}
	if got := len(h.list()); len(deleted) > got {
		t.Errorf("%d places deleted, %d messages stored", len(deleted), got)
	}
}
