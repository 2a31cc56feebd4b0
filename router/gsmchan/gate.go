package gsmchan

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"gsmgate/modem"
	"gsmgate/router"
	"gsmgate/storage"
)

// mostLag is how long a SIM that has used up its day lets others be first when
// there is little to do. While there is much to do nobody waits.
const mostLag = 20 * time.Millisecond

// gate says for the SIM in one modem whether it may send now.
type gate struct {
	ch   *Channel
	id   string // ICCID, or what stands for it
	lane string
	info func() modem.Info // of the modem that it is in
	wake chan struct{}     // one slot: the record of the SIM has changed

	mu    sync.Mutex
	rules *rules
	next  time.Time          // pacing: no part before
	pool  string             // that is served now
	stop  context.CancelFunc // ends serving it
}

// rules are the parts of a SIM's record that take time to read.
type rules struct {
	zone  string
	hours []string
	loc   *time.Location
	quiet *router.Quiet
}

// rulesOf reads what was checked when it was set. A zone that is not known any
// more is that of the machine.
func rulesOf(card *storage.SIM) *rules {
	r := &rules{zone: card.Zone, hours: card.Quiet, loc: time.Local}
	if loc, err := router.ParseZone(card.Zone); err == nil {
		r.loc = loc
	}
	r.quiet, _ = router.ParseQuiet(card.Quiet, r.loc)
	return r
}

// is says whether the rules are those of the record.
func (r *rules) is(card *storage.SIM) bool {
	return r != nil && r.zone == card.Zone && slices.Equal(r.hours, card.Quiet)
}

func (ch *Channel) newGate(m *modem.Modem) *gate {
	sim := m.Info().SIM
	return &gate{ch: ch, id: simID(sim), lane: laneID(sim), info: m.Info, wake: make(chan struct{}, 1)}
}

// hold is the lane's Gate.
func (g *gate) hold(now time.Time) router.Hold {
	card := g.ch.card(g.id)
	g.mu.Lock()
	next := g.next
	if !g.rules.is(&card) {
		g.rules = rulesOf(&card)
	}
	rules := g.rules
	g.mu.Unlock()
	return holdOf(&card, g.info(), g.ch.tally(g.lane), rules, next, now)
}

// holdOf says what keeps a SIM from sending, the strictest first.
func holdOf(card *storage.SIM, info modem.Info, t storage.Tally, r *rules, next, now time.Time) router.Hold {
	switch {
	case card.Disabled:
		return router.Hold{Reason: "the SIM is disabled"}
	case info.ParkedUntil.After(now):
		return router.Hold{Until: info.ParkedUntil, Reason: orElse(info.ParkedReason, "the modem is parked")}
	case card.Roaming == "hold" && info.Roaming:
		return router.Hold{Reason: "the modem is roaming, and the SIM sends nothing then"}
	}
	if h := limited(card, &t, r.loc, now); h.On() {
		return h
	}
	if h := paced(card, &t, next, now); h.On() {
		return h
	}
	if until, quiet := r.quiet.Until(now); quiet {
		return router.Hold{Until: until, Reason: "quiet hours" + untilText(until, now, r.loc), Spares: router.SparesFlight}
	}
	if card.Draining {
		return router.Hold{Reason: "the SIM is draining: it sends only what it has begun", Spares: router.SparesBegun}
	}
	return router.Hold{}
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// limited holds a SIM that has used up one of its limits. When several are used
// up, the one counts that lasts longest.
func limited(card *storage.SIM, t *storage.Tally, loc *time.Location, now time.Time) (h router.Hold) {
	if card.PerMinute|card.PerHour|card.PerDay|card.PerMonth == 0 {
		return h
	}
	at := storage.TimeOf(now)
	used := t.Usage(at, loc)
	_, nextDay, _, nextMonth := storage.Days(at, loc)
	minute, hour := t.FreeAt(at, card.PerMinute, card.PerHour)
	for _, l := range []struct {
		what  string
		limit int
		full  bool
		free  storage.Time
	}{
		{"a month", card.PerMonth, used.Month >= card.PerMonth, nextMonth},
		{"a day", card.PerDay, used.Day >= card.PerDay, nextDay},
		{"an hour", card.PerHour, hour > at, hour},
		{"a minute", card.PerMinute, minute > at, minute},
	} {
		if until := l.free.Time(); l.limit > 0 && l.full && until.After(h.Until) {
			h = router.Hold{Until: until, Reason: fmt.Sprintf("the limit of %d parts %s is reached%s", l.limit, l.what, nextText(until, now, loc))}
		}
	}
	return h
}

// paced holds a SIM whose last part was a moment ago.
func paced(card *storage.SIM, t *storage.Tally, next, now time.Time) router.Hold {
	if card.GapMS == 0 && card.JitterMS == 0 {
		return router.Hold{}
	}
	gap := time.Duration(card.GapMS) * time.Millisecond
	if last := t.Last.Time(); t.Last != 0 && !last.After(now) && last.Add(gap).After(next) {
		next = last.Add(gap) // also after a restart
	}
	if most := now.Add(gap + time.Duration(card.JitterMS)*time.Millisecond); next.After(most) {
		next = most // it was set for a longer gap, or the clock was set back
	}
	if !next.After(now) {
		return router.Hold{}
	}
	return router.Hold{Until: next, Reason: "pacing: the last part left a moment ago"}
}

// sending says that a part is handed to the modem now.
func (g *gate) sending(now time.Time) {
	card := g.ch.card(g.id)
	wait := time.Duration(card.GapMS) * time.Millisecond
	if card.JitterMS > 0 {
		wait += rand.N(time.Duration(card.JitterMS)*time.Millisecond + 1)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.next = now.Add(wait)
}

// fits is the lane's Fits: a message whose parts would be cut in two days, or
// months, waits for the next one. One that no day has room for goes as it can.
func (g *gate) fits(m *storage.Message, now time.Time) router.Hold {
	card, n := g.ch.card(g.id), len(m.Parts)
	if n < 2 || card.PerDay == 0 && card.PerMonth == 0 {
		return router.Hold{}
	}
	g.mu.Lock()
	loc := rulesLoc(g.rules)
	g.mu.Unlock()
	at, t := storage.TimeOf(now), g.ch.tally(g.lane)
	used := t.Usage(at, loc)
	_, nextDay, _, nextMonth := storage.Days(at, loc)
	hold := func(left int, what string, until storage.Time) router.Hold {
		return router.Hold{Until: until.Time(), Reason: fmt.Sprintf("its %d parts do not fit the %d that are left of the %s%s", n, left, what, nextText(until.Time(), now, loc))}
	}
	switch {
	case card.PerMonth > 0 && n <= card.PerMonth && used.Month+n > card.PerMonth:
		return hold(card.PerMonth-used.Month, "month", nextMonth)
	case card.PerDay > 0 && n <= card.PerDay && used.Day+n > card.PerDay:
		return hold(card.PerDay-used.Day, "day", nextDay)
	}
	return router.Hold{}
}

func rulesLoc(r *rules) *time.Location {
	if r == nil {
		return time.Local
	}
	return r.loc
}

// quotas is the lane's Quotas: the limits of its SIM. The minute and the hour glide:
// they count as one that begins now.
func (g *gate) quotas(now time.Time) (all []router.Quota) {
	card := g.ch.card(g.id)
	if card.PerMinute|card.PerHour|card.PerDay|card.PerMonth == 0 {
		return nil
	}
	g.mu.Lock()
	loc := rulesLoc(g.rules)
	g.mu.Unlock()
	at, t := storage.TimeOf(now), g.ch.tally(g.lane)
	used := t.Usage(at, loc)
	_, nextDay, _, nextMonth := storage.Days(at, loc)
	const day = 24 * time.Hour
	for _, l := range []struct {
		limit, used int
		until       time.Time
		every       time.Duration
	}{
		{card.PerMinute, used.Minute, now.Add(time.Minute), time.Minute}, {card.PerHour, used.Hour, now.Add(time.Hour), time.Hour},
		{card.PerDay, used.Day, nextDay.Time(), day}, {card.PerMonth, used.Month, nextMonth.Time(), 30 * day},
	} {
		if l.limit > 0 {
			all = append(all, router.Quota{Left: max(0, l.limit-l.used), Until: l.until, Limit: l.limit, Every: l.every})
		}
	}
	return all
}

// lag is the lane's Lag: the less of the day is left, the later.
func (g *gate) lag() time.Duration {
	card := g.ch.card(g.id)
	if card.PerDay == 0 {
		return 0
	}
	g.mu.Lock()
	loc := rulesLoc(g.rules)
	g.mu.Unlock()
	t := g.ch.tally(g.lane)
	used := t.Usage(storage.TimeOf(g.ch.now()), loc).Day
	return mostLag * time.Duration(min(used, card.PerDay)) / time.Duration(card.PerDay)
}

// untilText is " until 07:00", with the day when that is not within 24 hours;
// "" when there is no end.
func untilText(until, now time.Time, loc *time.Location) string {
	if until.IsZero() {
		return ""
	}
	return " until " + clockText(until, now, loc)
}

func nextText(until, now time.Time, loc *time.Location) string {
	return "; next at " + clockText(until, now, loc)
}

func clockText(at, now time.Time, loc *time.Location) string {
	switch d := at.Sub(now); {
	case d < 2*time.Minute:
		return at.In(loc).Format("15:04:05")
	case d < 24*time.Hour:
		return at.In(loc).Format("15:04")
	}
	return at.In(loc).Format("Mon 2 Jan 15:04")
}
