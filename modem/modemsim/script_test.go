package modemsim

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// inMemory runs f with a bank in memory, in a bubble.
func inMemory(t *testing.T, cfg Config, f func(t *testing.T, b *Bank)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		cfg.InMemory = true
		b, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- b.Run(ctx) }()
		f(t, b)
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// played lets a script go by for d and lists what it did, and when.
func played(t *testing.T, b *Bank, script string, d time.Duration) (did []string) {
	t.Helper()
	s, err := ParseScript(strings.NewReader(script))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	began := time.Now()
	b.Play(ctx, s, func(what string, err error) {
		if err != nil {
			what = "error: " + err.Error()
		}
		did = append(did, fmt.Sprintf("%v %s", time.Since(began), what))
	})
	return did
}

func TestPlay_TimesAndModems(t *testing.T) {
	inMemory(t, Config{Count: 4}, func(t *testing.T, b *Bank) {
		did := played(t, b, "# a comment\n\nat 5s modem 3 hang 60s\nat 1s modem 0,2-3 signal 7\nevery 10s from 1m until 85s modem 1 reboot 1s\nat 2m modem 9 hang\n"+
			"at 3m handset +31612345678 sends 2 hello there\nat 1d modem 0 clear", time.Hour)
		want := []string{"1s modem 0 2 3 signal 7", "5s modem 3 hang 60s", "1m10s modem 1 reboot 1s", "1m20s modem 1 reboot 1s",
			"2m0s error: line 6: no such modem in a bank of 4", "3m0s modem 2 +31612345678 sends"}
		if !slices.Equal(did, want) {
			t.Errorf("did %q, want %q", did, want)
		}
		if b.Modem(2).Stored("SM") != 1 {
			t.Error("the message did not come")
		}
	})
}

func TestPlay_SameSeed_SameTimes(t *testing.T) {
	const script = "every 1s..10s modem any garbage 1 | zeroes 1 | ring +31600000000 1"
	var runs [3][]string
	for i, seed := range []string{"random seed 7\n", "random seed 7\n", "random seed 8\n"} {
		inMemory(t, Config{Count: 8}, func(t *testing.T, b *Bank) { runs[i] = played(t, b, seed+script, time.Minute) })
	}
	if len(runs[0]) < 6 || !slices.Equal(runs[0], runs[1]) || slices.Equal(runs[0], runs[2]) {
		t.Errorf("runs %q", runs)
	}
}

func TestParseScript_Mistakes_TellTheLine(t *testing.T) {
	for script, want := range map[string]string{
		"\nin 5s modem 0 hang":                  `line 2: "in" is none of at, every, random`,
		"at soon modem 0 hang":                  `line 1: "soon" is not a time such as 30s`,
		"at 5s..1s modem 0 hang":                `line 1: "5s..1s" is not a time, or two in their order`,
		"every 0s modem 0 hang":                 "line 1: every 0s would never pause",
		"every 1s from x modem 0 hang":          `line 1: "x" is not a time such as 30s`,
		"at 5s stick 0 hang":                    `line 1: "stick" is neither modem nor handset`,
		"at 5s modem x hang":                    `line 1: no modem is called "x"`,
		"at 5s modem 3-1 hang":                  `line 1: no modem is called "3-1"`,
		"at 5s modem 0 jump":                    `line 1: no fault is called "jump"`,
		"at 5s modem 0 hang 1s 2s":              `line 1: "2s" is too much: hang [TIME]`,
		"at 5s modem 0 fail x":                  `line 1: "x" is not a number from 0 to 1000000`,
		"at 5s modem 0 hang | modem 1":          "line 1: no fault named",
		"at 5s handset +31 sends 0":             "line 1: want handset NUMBER sends WHICH TEXT",
		"random seed x":                         `line 1: "x" is not a seed`,
		"at 1s modem 0 hang\n# ok\nrandom 7":    "line 3: want random seed N",
		strings.Repeat("x", maxScriptLine+1):    "line 1: bufio.Scanner: token too long",
		strings.Repeat("#\n", maxScriptLines+1): "line 10001: a script has 10000 lines at most",
	} {
		if _, err := ParseScript(strings.NewReader(script)); err == nil || err.Error() != want {
			t.Errorf("%.40q: %v, want %s", script, err, want)
		}
	}
}

// Every fault that the help names can be read as it stands there, without what is optional and with all of it.
func TestFaultHelp_EveryUsageIsRead(t *testing.T) {
	example := strings.NewReplacer("TIMES", "1", "TIME", "2s", "EVERY", "1s", "SM|ME", "ME", "on|off", "off", "N|off", "5", "CMS", "38", "CME", "10", "FREE", "1",
		"NUMBER", "+31612345678", "PIN", "1234", "TRIES", "2", "MODEM", "0", "RSSI", "3", "LOW", "1s", "HIGH", "2s", "LINE", "+X: 1", "VERB …", "+CPINR +CNUM", "N", "2")
	for _, f := range faultCommands() {
		name, words, _ := strings.Cut(f.usage, " ")
		if _, err := ParseFault(name); err != nil && !strings.Contains(words, "NUMBER") {
			t.Errorf("%s: %v", name, err)
		}
		full := name + " " + example.Replace(strings.NewReplacer("[", "", "]", "", "N|off", "N|off").Replace(words))
		if _, err := ParseFault(full); err != nil {
			t.Errorf("%s: %v", full, err)
		}
	}
}

func FuzzParseScript(f *testing.F) {
	f.Add("random seed 7\nat 5s modem 3 hang 60s\nevery 10m..20m from 1h until 2d modem any fail 2 38 | modem 0,3-5 reboot\nat 1d2h handset +31 sends all x")
	f.Add("every 1ms modem all unknown +CNMI")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseScript(strings.NewReader(text))
		if err != nil {
			if !strings.HasPrefix(err.Error(), "line ") {
				t.Errorf("no line in %v", err)
			}
			return
		}
		for _, e := range s.entries {
			if e.low < 0 || e.high < e.low || len(e.act) == 0 || e.repeats && e.high <= 0 {
				t.Errorf("entry %+v", e)
			}
		}
	})
}
