//go:build interop

package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"gsmgate/modem/modemsim"
)

// The programs of this file drive modems with AT commands and know nothing of
// ours: they show that modemsim is a modem, and no mirror of our own driver.

// atTexts are what goes each way.
func atTexts() map[string]string {
	return map[string]string{
		"ASCII":               textOf(alphabets["ASCII"], 60),
		"ASCII of 160":        textOf(alphabets["ASCII"], 160),
		"ASCII of 161":        textOf(alphabets["ASCII"], 161),
		"ASCII of 459":        textOf(alphabets["ASCII"], 459),
		"GSM":                 "Nø: àèéìòù ÄÖÑÜ äöñü ßÆæØøÅå ΔΦΓΛΩΠΨΣΘΞ ¡¿§¤£¥Ç",
		"GSM extended":        "€{}[]~|^\\ and €{}[]~|^\\",
		"euro at the border":  strings.Repeat("x", 152) + "€" + strings.Repeat("y", 100),
		"Arabic of 150":       textOf(alphabets["Arabic"], 150),
		"Chinese of 70":       textOf(alphabets["Chinese"], 70),
		"emoji":               "hi 😀🎉 there",
		"emoji at the border": strings.Repeat("ж", 66) + "😀🎉" + strings.Repeat("ж", 60),
	}
}

// atPeer is a program that has one of our modems.
type atPeer interface {
	submit(to, text string)
	texts(from string) []string // what it says that this handset has written
	delivered(to string) int    // status reports of delivery that it tells of
}

// wrongs are what a program is known to make of texts, by their names: that
// exactly, for a wrong that is mended is to be struck off here.
type wrongs map[string]wrong

// wrong is what becomes of a text.
type wrong struct {
	text    string // what is shown of it; "" for all
	warning string // what is bent in a segment
}

// atAir is a modem and a program that has it.
type atAir struct {
	t    *testing.T
	bank *modemsim.Bank
	p    atPeer
	next int
}

// atBank is a bank of one modem for a program that we did not write. The test
// is one of those that run beside each other, for these programs wait a lot.
func atBank(t *testing.T, each func(int, *modemsim.ModemConfig)) *modemsim.Bank {
	t.Helper()
	t.Parallel()
	bank := simulate(t, modemsim.Config{Count: 1, Latency: time.Millisecond, ReportDelay: 2 * time.Millisecond, Each: each})
	showTranscripts(t, bank)
	return bank
}

func (a *atAir) number() string {
	a.next++
	return fmt.Sprintf("+3164%07d", a.next)
}

// atPatience is for all that a program does together. The slowest of them
// takes more than two seconds for a segment.
const atPatience = 100 * time.Second

// sends has the program send every text. Each is on its handset exactly, but
// for known wrongs, and reported.
func (a *atAir) sends(known wrongs) {
	a.t.Helper()
	ctx, cancel := context.WithTimeout(a.t.Context(), atPatience)
	defer cancel()
	texts, to := atTexts(), map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		to[name] = a.number()
		a.p.submit(to[name], texts[name])
	}
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		got, err := a.bank.Network().Handset(to[name]).Wait(ctx, 1)
		if err != nil {
			a.t.Errorf("%s: never whole on the handset, which has %d messages", name, len(a.bank.Network().Handset(to[name]).Inbox()))
			continue
		}
		if want := known.of(name, texts[name]); len(got) != 1 || got[0].Text != want || got[0].Doubles > 0 {
			a.t.Errorf("%s: the handset shows (%d messages)\n%q, want\n%q", name, len(got), got[0].Text, want)
		}
		a.strict(name, got[0].Segments, known[name].warning)
		a.reported(ctx, name, to[name])
	}
}

// strict wants segments that bend no rule but the one that is known.
func (a *atAir) strict(name string, segments []modemsim.Segment, known string) {
	a.t.Helper()
	var warnings []string
	for _, s := range segments {
		warnings = append(warnings, s.Warnings...)
	}
	if got := strings.Join(warnings, "; "); got != known {
		a.t.Errorf("%s: in its segments: %q, want %q", name, got, known)
	}
}

func (a *atAir) reported(ctx context.Context, name, to string) {
	a.t.Helper()
	if !comesTo(ctx, func() bool { return a.p.delivered(to) > 0 }) {
		a.t.Errorf("%s: the program tells of no delivery", name)
	}
}

// hears has handsets write every text. The program tells each of them exactly,
// but for known wrongs, and leaves nothing on the SIM.
func (a *atAir) hears(known wrongs) {
	a.t.Helper()
	ctx, cancel := context.WithTimeout(a.t.Context(), atPatience)
	defer cancel()
	texts, from := atTexts(), map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		from[name] = a.number()
		if err := a.bank.Network().Handset(from[name]).Send(a.bank.Modem(0).Number(), texts[name]); err != nil {
			a.t.Fatal(err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		want := known.of(name, texts[name])
		if !comesTo(ctx, func() bool { return slices.Equal(a.p.texts(from[name]), []string{want}) }) {
			a.t.Errorf("%s: the program tells\n%q, want\n%q", name, a.p.texts(from[name]), want)
		}
	}
	if !comesTo(ctx, func() bool { return a.bank.Modem(0).Stored("SM")+a.bank.Modem(0).Stored("ME") == 0 }) {
		a.t.Errorf("%d messages are left on the SIM, %d in the modem", a.bank.Modem(0).Stored("SM"), a.bank.Modem(0).Stored("ME"))
	}
}

func (w wrongs) of(name, text string) string {
	if known := w[name].text; known != "" {
		return known
	}
	return text
}

// comesTo looks until it is so; once more when the time is over.
func comesTo(ctx context.Context, so func() bool) bool {
	for !so() {
		select {
		case <-ctx.Done():
			return so()
		case <-time.After(20 * time.Millisecond):
		}
	}
	return true
}
