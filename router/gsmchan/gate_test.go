package gsmchan

import (
	"slices"
	"strings"
	"testing"
	"time"

	"gsmgate/modem"
	"gsmgate/router"
	"gsmgate/storage"
)

// desk is a gate without a bank: record, modem and count are the test's.
type desk struct {
	*gate
	card  storage.SIM
	modem modem.Info
	count storage.Tally
}

func newDesk() *desk {
	d := &desk{card: storage.SIM{ID: "8931"}}
	ch := &Channel{
		name: "gsm", now: noon, card: func(string) storage.SIM { return d.card },
		tally: func(string) storage.Tally { return d.count },
	}
	d.gate = &gate{ch: ch, id: "8931", lane: "sim:8931", info: func() modem.Info { return d.modem }, wake: make(chan struct{}, 1)}
	return d
}

// noon is a Wednesday.
func noon() time.Time { return time.Date(2026, 1, 14, 12, 0, 0, 0, time.UTC) }

// used makes the count that of n parts, all at a time.
func used(n uint32, at time.Time) storage.Tally {
	day, _, month, _ := storage.Days(storage.TimeOf(at), time.UTC)
	t := storage.Tally{DayAt: day, Day: n, MonthAt: month, Month: n, Total: uint64(n), Last: storage.TimeOf(at)}
	t.MinuteAt, t.HourAt = storage.TimeOf(at.Truncate(10*time.Second)), storage.TimeOf(at.Truncate(5*time.Minute))
	t.Minute[0], t.Hour[0] = n, n
	return t
}

func TestGate_NothingSet_Open(t *testing.T) {
	d := newDesk()
	d.count = used(1000, noon())
	if h := d.hold(noon()); h != (router.Hold{}) {
		t.Errorf("holds %+v", h)
	}
}

func TestGate_EachReason(t *testing.T) {
	for _, c := range []struct {
		name   string
		set    func(d *desk)
		reason string
		until  time.Time
		spares router.Spares
	}{
		{"disabled", func(d *desk) { d.card.Disabled = true }, "disabled", time.Time{}, router.SparesNothing},
		{"draining", func(d *desk) { d.card.Draining = true }, "draining", time.Time{}, router.SparesBegun},
		{"parked", func(d *desk) { d.modem.ParkedUntil, d.modem.ParkedReason = noon().Add(time.Minute), "no credit" }, "no credit", noon().Add(time.Minute), router.SparesNothing},
		{"roaming", func(d *desk) { d.card.Roaming, d.modem.Roaming = "hold", true }, "roaming", time.Time{}, router.SparesNothing},
		{"quiet", func(d *desk) { d.card.Quiet, d.card.Zone = []string{"12:00-13:30"}, "UTC" }, "quiet hours until 13:30", noon().Add(90 * time.Minute), router.SparesFlight},
		{"quiet elsewhere", func(d *desk) { d.card.Quiet, d.card.Zone = []string{"12:30-13:30"}, "Europe/Amsterdam" }, "quiet hours until 13:30", noon().Add(30 * time.Minute), router.SparesFlight},
		{"minute", func(d *desk) { d.card.PerMinute, d.count = 5, used(5, noon()) }, "5 parts a minute", noon().Add(70 * time.Second), router.SparesNothing},
		{"hour", func(d *desk) { d.card.PerHour, d.count = 5, used(5, noon()) }, "5 parts an hour", noon().Add(65 * time.Minute), router.SparesNothing},
		{"day", func(d *desk) { d.card.PerDay, d.card.Zone, d.count = 5, "UTC", used(5, noon()) }, "5 parts a day is reached; next at 00:00", noon().Add(12 * time.Hour), router.SparesNothing},
		{"month before day", func(d *desk) { d.card.PerDay, d.card.PerMonth, d.card.Zone, d.count = 5, 5, "UTC", used(5, noon()) }, "5 parts a month is reached; next at Sun 1 Feb", time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC), router.SparesNothing},
		{"gap after a restart", func(d *desk) { d.card.GapMS, d.count = 30_000, used(1, noon().Add(-10*time.Second)) }, "pacing", noon().Add(20 * time.Second), router.SparesNothing},
		{"draining in quiet hours", func(d *desk) { d.card.Draining, d.card.Quiet, d.card.Zone = true, []string{"12:00-13:30"}, "UTC" }, "quiet", noon().Add(90 * time.Minute), router.SparesFlight},
	} {
		d := newDesk()
		c.set(d)
		h := d.hold(noon())
		if !strings.Contains(h.Reason, c.reason) || !h.Until.Equal(c.until) || h.Spares != c.spares {
			t.Errorf("%s: %+v", c.name, h)
		}
		if c.until.IsZero() {
			continue
		}
		if c.name == "draining in quiet hours" {
			d.card.Draining = false
		}
		if h := d.hold(c.until); h.On() {
			t.Errorf("%s, at its end: %+v", c.name, h)
		}
	}
}

func TestGate_RecordChanges_HoldsAtOnce(t *testing.T) {
	d := newDesk()
	d.card.Quiet, d.card.Zone = []string{"12:00-13:00"}, "UTC"
	if !d.hold(noon()).On() {
		t.Error("quiet hours do not hold")
	}
	d.card.Quiet = nil
	d.changed()
	if h := d.hold(noon()); h.On() {
		t.Errorf("holds %+v", h)
	}
	select {
	case <-d.wake:
	default:
		t.Error("the lane is not woken")
	}
}

func TestGate_Pacing_GapAndJitter(t *testing.T) {
	d := newDesk()
	d.card.GapMS, d.card.JitterMS = 2000, 1000
	seen := map[time.Duration]bool{}
	for range 50 {
		d.sending(noon())
		h := d.hold(noon())
		if wait := h.Until.Sub(noon()); wait < 2*time.Second || wait > 3*time.Second || h.Spares != router.SparesNothing {
			t.Fatalf("holds %+v", h)
		}
		seen[h.Until.Sub(noon())] = true
		if d.hold(h.Until).On() {
			t.Fatal("not open at its time")
		}
	}
	if len(seen) < 10 {
		t.Errorf("only %d different waits", len(seen))
	}
	d.card.GapMS, d.card.JitterMS = 100, 0 // a shorter one holds at once
	if h := d.hold(noon()); h.Until.Sub(noon()) > 100*time.Millisecond {
		t.Errorf("holds %+v", h)
	}
}

func TestFits_WouldBeCutInTwoDays_Waits_UnlessItNeverFits(t *testing.T) {
	d := newDesk()
	d.card.PerDay, d.card.Zone, d.count = 10, "UTC", used(8, noon())
	d.hold(noon())
	for parts, waits := range map[int]bool{1: false, 2: false, 3: true, 10: true, 11: false} {
		h := d.fits(&storage.Message{Parts: make([]storage.Part, parts)}, noon())
		if h.On() != waits || waits && !h.Until.Equal(noon().Add(12*time.Hour)) {
			t.Errorf("%d parts: %+v", parts, h)
		}
	}
	if d.lag() <= 0 || d.lag() > mostLag {
		t.Errorf("lag %s", d.lag())
	}
}

func TestQuotas_LimitsOfTheSIM(t *testing.T) {
	d := newDesk()
	if q := d.quotas(noon()); q != nil {
		t.Errorf("without limits: %+v", q)
	}
	d.card.PerHour, d.card.PerDay, d.card.Zone, d.count = 20, 10, "UTC", used(8, noon())
	d.hold(noon())
	want := []router.Quota{
		{Left: 12, Until: noon().Add(time.Hour), Limit: 20, Every: time.Hour},
		{Left: 2, Until: noon().Add(12 * time.Hour), Limit: 10, Every: 24 * time.Hour},
	}
	got := d.quotas(noon())
	if len(got) != 2 || got[0] != want[0] || got[1].Left != 2 || !got[1].Until.Equal(want[1].Until) || got[1].Limit != 10 || got[1].Every != 24*time.Hour {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestWhyNot_SIMThatIsNotServed(t *testing.T) {
	seen := storage.SIM{ID: "8931", LastSeen: storage.TimeOf(noon())}
	got := []string{
		whyNot(&storage.SIM{}, modem.Info{}, noon()), whyNot(&seen, modem.Info{}, noon()),
		whyNot(&seen, modem.Info{Path: "/dev/ttyUSB0", State: modem.Searching, Reason: "no network"}, noon()),
		whyNot(&storage.SIM{Disabled: true}, modem.Info{}, noon()),
	}
	want := []string{"it is in no modem", "it is in no modem; it was last seen " + noon().Local().Format(time.DateTime), "its modem /dev/ttyUSB0 is searching: no network", "the SIM is disabled"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

// What a gate costs that is open.
func BenchmarkGate_Open(b *testing.B) {
	d := newDesk()
	d.card.PerDay, d.card.PerHour, d.card.Quiet, d.card.GapMS = 1_000_000, 1_000_000, []string{"22:00-07:00"}, 1
	d.count = used(10, noon().Add(-time.Minute))
	b.ReportAllocs()
	for b.Loop() {
		if d.hold(noon()).On() {
			b.Fatal("it holds")
		}
	}
}
