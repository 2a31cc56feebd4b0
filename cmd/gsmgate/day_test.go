package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"gsmgate/modem/modemsim"
	"gsmgate/provisioning"
	"gsmgate/router"
	"gsmgate/storage"
)

// dayScript is what goes wrong on a bad day: each of these on some modem, again and again. What needs a hand to end it is left out.
const dayScript = `
every 2m..8m modem any hang 20s | hang 3m | reboot 15s | unplug 30s | unplug 5m | garbage 300 | zeroes 100 | flood 2m 100ms | ring +31600000009 3
every 2m..8m modem any lose-answer | cut-send | brown-out 2 15s | late 1 70s | late 1 30s busy | lose-prompt 2 | prompt-twice 3 | double-final 5 | cut 2 | urc-inside 5
every 2m..8m modem any fail 1 500 | fail 3 38 | fail 2 42 | fail 1 331 | fail 1 332 | failcme 2 100 | failcme 1 14 | half-pdu | latency 1s 20s long | latency 3s
every 2m..8m modem any report-first 2 | report-double 3 | report-lose | report-swap 2 | report-temporary 3 | report-late 2 20m | clock 48h | clock -48h | clock 0s
every 2m..8m modem any double-parts 3 | reverse-parts 3 | forget-cnmi | text-mode | fill SM | fill ME | no-network 4m | deny 3m | sim-busy 1m | sim-failure 2m | no-sim 2m
every 9m..20m modem any cr-only on | bare-prompt on | stuck-echo on | unknown +CPINR +CSQ | mr-constant 7 | swap-sim 3 | clear | clear
at 20m modem 1 pin 9999
at 20m1s modem 1 reboot 5s
`

// day is a day under way: who sent what.
type day struct {
	*bubble
	seed   uint64
	random *rand.Rand // of the client

	// The client's, then the handsets'.
	accepted map[string]string // MT: tag by message id
	texts    map[string]string // by tag
	incoming map[string]string // MO: text by tag
	sims     map[string]string // the number it was sent to, by tag
}

// tagged is a text in which each part can be told from those of all others.
func tagged(kind string, n int, r *rand.Rand) (tag, text string) {
	tag = fmt.Sprintf("%s%06d", kind, n)
	filler := []string{" hello ", " {€} ", " Привет ", " 😀 "}[r.IntN(4)]
	return tag, strings.Repeat(tag+filler, []int{1, 1, 2, 12, 40}[r.IntN(5)])
}

// client submits until ctx ends.
func (d *day) client(ctx context.Context, every time.Duration) {
	for n := 0; pauseOf(ctx, time.Duration(float64(2*every)*d.random.Float64())); n++ {
		tag, text := tagged("m", n, d.random)
		to := fmt.Sprintf("+316120000%02d", d.random.IntN(100))
		d.accepted[d.send(to, text)], d.texts[tag] = tag, text
	}
}

// handsets write until ctx ends.
func (d *day) handsets(ctx context.Context, every time.Duration) {
	r := rand.New(rand.NewPCG(d.seed, 1))
	for n := 0; pauseOf(ctx, time.Duration(float64(2*every)*r.Float64())); n++ {
		tag, text := tagged("o", n, r)
		o := modemsim.SendOptions{Wide: r.IntN(3) == 0, UCS2: r.IntN(5) == 0}
		if r.IntN(8) == 0 {
			o.Class = modemsim.Flash
		}
		number := d.bank.Modem(r.IntN(d.bank.Len())).Number()
		h := d.bank.Network().Handset(fmt.Sprintf("+316130000%02d", r.IntN(30)))
		if err := h.SendWith(number, text, o); err != nil {
			d.t.Error(err)
		}
		d.incoming[tag], d.sims[tag] = text, number
	}
}

func pauseOf(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// envOr reads a number from the environment.
func envOr(name string, otherwise uint64) uint64 {
	if n, err := strconv.ParseUint(os.Getenv(name), 10, 64); err == nil {
		return n
	}
	return otherwise
}

// Hours of random faults over a bank. By default four modems and one hour; GSMGATE_DAY_HOURS=24 GSMGATE_DAY_MODEMS=16, which is make day, a whole
// day; GSMGATE_SEED=N another one.
func TestDay_RandomFaults_NothingLostNothingDoubledInSilence(t *testing.T) {
	hours, modems, seed := envOr("GSMGATE_DAY_HOURS", 1), envOr("GSMGATE_DAY_MODEMS", 4), envOr("GSMGATE_SEED", 1)
	t.Logf("%d hours, %d modems, seed %d", hours, modems, seed)
	script, err := modemsim.ParseScript(strings.NewReader(fmt.Sprintf("random seed %d%s", seed, dayScript)))
	if err != nil {
		t.Fatal(err)
	}
	cfg := modemsim.Config{Count: int(modems), Latency: 3 * time.Second, DeliveryDelay: 2 * time.Second, ReportDelay: 3 * time.Second, Seed: seed, Each: dayModem}
	before := runtime.NumGoroutine()
	inBubble(t, cfg, Options{PIN: "1234"}, func(t *testing.T, w *bubble) {
		d := &day{bubble: w, seed: seed, random: rand.New(rand.NewPCG(seed, 0)), accepted: map[string]string{}, texts: map[string]string{}, incoming: map[string]string{}, sims: map[string]string{}}
		w.after(time.Minute)
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(hours)*time.Hour)
		defer cancel()
		faults := 0
		var all sync.WaitGroup
		all.Go(func() {
			w.bank.Play(ctx, script, func(what string, err error) {
				faults++
				if err != nil {
					t.Error(err)
				}
			})
		})
		all.Go(func() { d.client(ctx, 20*time.Second) })
		all.Go(func() { d.handsets(ctx, time.Minute) })
		all.Wait()
		for i := range w.bank.Len() {
			w.bank.Modem(i).Clear()
			if err := w.bank.Modem(i).Replug(); err != nil {
				t.Error(err)
			}
			w.fault(i, "reboot 5s") // what forgot its settings wakes up
		}
		w.after(3 * time.Hour)
		t.Logf("%d faults", faults)
		d.settled(t)
	})
	if after := runtime.NumGoroutine(); after > before+2 {
		t.Errorf("%d goroutines before, %d after", before, after)
	}
}

// dayModem makes modems of several kinds.
func dayModem(i int, m *modemsim.ModemConfig) {
	m.SIM.PIN, m.EarlyICCID = []string{"", "1234"}[i%2], true
	m.NoPhase2 = i%4 == 2
	m.URCWhileBusy = i%3 == 0
	m.NoEcho = i%5 == 0
	if i%4 == 3 {
		m.Chatter = 7 * time.Second
	}
	if i%8 == 7 {
		m.CNMIRanges = [5]string{"0-2", "0,1", "0", "0-2", "0,1"}
	}
}

// settled holds what the client was told and what the handsets wrote against the store, the network and the SIMs.
func (d *day) settled(t *testing.T) {
	d.settledMT(t)
	d.settledMO(t)
	wrong := 0
	for i := range d.bank.Len() {
		m := d.bank.Modem(i)
		if v := d.modem(i); v.State != "ready" {
			t.Logf("modem %d with the SIM of %s is %s: %s, %s", i, m.Number(), v.State, v.Reason, v.LastError)
		}
		switch pin, puk := m.PINTries(); {
		case pin == 2 && puk == 10:
			wrong++
		case pin != 3 || puk != 10:
			t.Errorf("modem %d: tries %d, %d", i, pin, puk)
		}
		if n := m.Stored("SM") + m.Stored("ME"); n != 0 && m.SIMState() == "READY" {
			t.Errorf("modem %d keeps %d messages", i, n)
		}
	}
	if wrong != 1 {
		t.Errorf("the wrong PIN cost a try of %d SIMs", wrong)
	}
}

func (d *day) all(t *testing.T, kind storage.Kind) (out []*storage.Message) {
	for f := (storage.Filter{Kind: kind, Limit: 1000}); ; {
		page, err := d.app.router.Messages(f)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			return out
		}
		out, f.Before = append(out, page...), page[len(page)-1].ID
	}
}

var tagOf = regexp.MustCompile(`[mo]\d{6}`)

func (d *day) settledMT(t *testing.T) {
	arrived := map[string]int{} // whole, by tag
	for i := range 100 {
		for _, r := range d.bank.Network().Handset(fmt.Sprintf("+316120000%02d", i)).Inbox() {
			tag := tagOf.FindString(r.Text)
			if r.Complete && r.Text != d.texts[tag] {
				t.Errorf("the handset shows %q for %q", r.Text, d.texts[tag])
			}
			if r.Complete {
				arrived[tag]++
			}
		}
	}
	twice := map[string]bool{}
	for _, c := range d.bank.Network().Counts() {
		if c.Times > 1 && strings.Count(c.Text, tagOf.FindString(c.Text)) < c.Times*40 {
			twice[tagOf.FindString(c.Text)] = true
		}
	}
	fates := map[string]int{}
	mistaken := d.mistaken()
	t.Logf("MT: %d PDUs were sent as texts, by modems that were back in text mode and had said nothing", mistaken)
	for _, m := range d.all(t, storage.MT) {
		tag, known := d.accepted[m.ID.String()]
		if !known {
			t.Errorf("a message that nobody sent: %s", m.ID)
			continue
		}
		delete(d.accepted, m.ID.String())
		fate := router.StateWord(m.State)
		fates[fate]++
		wrong := ""
		switch n := arrived[tag]; {
		case n > 1 && !marked(m):
			wrong = "doubled in silence"
		case m.State == storage.Enroute && n == 0 && m.DueAt == 0 && mistaken > 0:
			mistaken-- // it went out as a text to nobody
		case m.State == storage.Delivered && n == 0:
			wrong = "delivered, and not there"
		case m.State == storage.Undeliverable && n > 0:
			wrong = "undeliverable, and there"
		case m.State == storage.Enroute && (m.DueAt != 0 || n != 1):
			wrong = "still enroute"
		case m.State != storage.Delivered && m.State != storage.Undeliverable && m.State != storage.Unknown && m.State != storage.Enroute:
			wrong = "strange"
		}
		if wrong != "" {
			t.Errorf("%s: %s, arrived %d times, parts twice %v, %q%s", wrong, fate, arrived[tag], twice[tag], m.Reason, eventsOf(m))
		}
	}
	for id := range d.accepted {
		t.Errorf("message %s is lost", id)
	}
	t.Logf("MT: %v", fates)
}

// mistaken counts the PDUs that modems took for a text to the number that the length was: those that forget their settings without a word
// within the two seconds between two looks at them. No gateway can know, but that it waits for the report in vain.
func (d *day) mistaken() (n int) {
	for _, s := range d.bank.Network().Submissions() {
		if len(s.Segment.To) <= 3 && s.Segment.Seq == 1 {
			n++
		}
	}
	return n
}

// marked says whether the timeline warns of a double.
func marked(m *storage.Message) bool {
	for _, e := range m.Events {
		if e.What == "unknown" {
			return true
		}
	}
	return false
}

func eventsOf(m *storage.Message) string {
	var v provisioning.Message
	for _, e := range router.Timeline(m) {
		v.Events = append(v.Events, provisioning.Event{At: e.At.Time().UTC(), What: e.What, Text: e.Text})
	}
	return timeline(v)
}

func (d *day) settledMO(t *testing.T) {
	came := map[string]int{}
	for _, m := range d.all(t, storage.MO) {
		tag := tagOf.FindString(m.Text)
		switch want, known := d.incoming[tag]; {
		case m.Text == "old": // what the simulator fills memories with
			continue
		case !known || m.Text != want:
			t.Errorf("came %q %q, was sent %q%s", m.Text, m.Data, want, eventsOf(m))
		}
		came[tag]++
	}
	lost, waiting := 0, 0
	for tag, text := range d.incoming {
		if came[tag] == 0 && d.bank.Network().Waiting(d.sims[tag]) > 0 && d.blocked(d.sims[tag]) { // the network keeps it for the SIM with the wrong PIN
			waiting++
			continue
		}
		if came[tag] != 1 {
			lost++
			t.Errorf("%s to %s, for which %d wait, came %d times: %.60q", tag, d.sims[tag], d.bank.Network().Waiting(d.sims[tag]), came[tag], text)
		}
	}
	t.Logf("MO: %d, %d of them wait for the SIM that wants another PIN, %d are wrong", len(d.incoming), waiting, lost)
}

// blocked says whether the SIM with that number wants a PIN that nobody has.
func (d *day) blocked(number string) bool {
	for i := range d.bank.Len() {
		if m := d.bank.Modem(i); m.Number() == number {
			return m.SIMState() == "SIM PIN"
		}
	}
	return false
}
