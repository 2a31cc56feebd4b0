package storage

import (
	"fmt"
	"strings"
	"time"
)

// The steps in which the windows of a minute and an hour slide. One step more
// than the window is kept: no window of that length ever holds more than the
// limit, and a lane may have to wait for one step longer than it must.
const (
	minuteStep  = Time(10_000)
	minuteSteps = 7
	hourStep    = Time(300_000)
	hourSteps   = 13
)

// Tally counts the parts that a lane has tried to hand over. One that was
// refused for now counts no more: it will be tried again. It is written in the
// commit that writes the attempt, and belongs to the lane whatever carries it.
type Tally struct {
	MinuteAt Time                `cbor:"1,keyasint,omitempty"` // when the newest step began
	Minute   [minuteSteps]uint32 `cbor:"2,keyasint"`           // the newest first
	HourAt   Time                `cbor:"3,keyasint,omitempty"`
	Hour     [hourSteps]uint32   `cbor:"4,keyasint"`
	DayAt    Time                `cbor:"5,keyasint,omitempty"` // when the day began, in the SIM's zone
	Day      uint32              `cbor:"6,keyasint,omitempty"`
	MonthAt  Time                `cbor:"7,keyasint,omitempty"`
	Month    uint32              `cbor:"8,keyasint,omitempty"`
	Total    uint64              `cbor:"9,keyasint,omitempty"`  // attempts, and those that were refused for now
	Last     Time                `cbor:"10,keyasint,omitempty"` // when the last attempt was written
}

// Usage is what a tally comes to at a moment.
type Usage struct{ Minute, Hour, Day, Month int }

// Days gives the begin of the day and of the month that t lies in, and their
// ends, by the calendar of loc.
func Days(t Time, loc *time.Location) (day, nextDay, month, nextMonth Time) {
	y, m, d := t.Time().In(loc).Date()
	at := func(y int, m time.Month, d int) Time { return TimeOf(time.Date(y, m, d, 0, 0, 0, 0, loc)) }
	return at(y, m, d), at(y, m, d+1), at(y, m, 1), at(y, m+1, 1)
}

// oneDay is how far a clock may be set back without a new day, or month, having
// begun: else setting it would double a limit.
const oneDay = Time(24 * 3600_000)

// current says whether a span that began at from is the one that begins at now.
func current(from, now Time) bool { return from >= now && from-now <= oneDay }

// Usage gives what counts at now in the zone of the SIM.
func (t *Tally) Usage(now Time, loc *time.Location) Usage {
	c := *t
	c.roll(now, loc)
	return Usage{Minute: sum(c.Minute[:]), Hour: sum(c.Hour[:]), Day: int(c.Day), Month: int(c.Month)}
}

// FreeAt says when fewer than limit parts will lie in the last minute, and in
// the last hour: now or earlier when that is so already. 0 is no limit.
func (t *Tally) FreeAt(now Time, minute, hour int) (at, hourAt Time) {
	c := *t
	c.rollSteps(now)
	return freeAt(c.MinuteAt, c.Minute[:], minuteStep, minute), freeAt(c.HourAt, c.Hour[:], hourStep, hour)
}

// freeAt is when enough of the oldest steps have left the window.
func freeAt(at Time, n []uint32, step Time, limit int) Time {
	left := sum(n)
	if limit <= 0 || left < limit {
		return 0
	}
	for i := len(n) - 1; i >= 0; i-- {
		if left -= int(n[i]); left < limit {
			return at + step*Time(len(n)-i)
		}
	}
	return at + step*Time(len(n))
}

func sum(n []uint32) (s int) {
	for _, v := range n {
		s += int(v)
	}
	return s
}

// roll brings the windows to now.
func (t *Tally) roll(now Time, loc *time.Location) {
	t.rollSteps(now)
	day, _, month, _ := Days(now, loc)
	if !current(t.DayAt, day) {
		t.DayAt, t.Day = day, 0
	}
	if !current(t.MonthAt, month) {
		t.MonthAt, t.Month = month, 0
	}
}

func (t *Tally) rollSteps(now Time) {
	t.MinuteAt = rollSteps(t.MinuteAt, t.Minute[:], minuteStep, now)
	t.HourAt = rollSteps(t.HourAt, t.Hour[:], hourStep, now)
}

// rollSteps moves what is too old out. A clock that was set back by more than
// the window begins anew.
func rollSteps(at Time, n []uint32, step, now Time) Time {
	newest := now - now%step
	by := int64((newest - at) / step)
	switch {
	case by >= int64(len(n)) || by <= -int64(len(n)):
		clear(n)
		return newest
	case by <= 0:
		return at
	}
	copy(n[by:], n)
	clear(n[:by])
	return newest
}

// add counts one attempt.
func (t *Tally) add(now Time, loc *time.Location) {
	t.roll(now, loc)
	t.Minute[0]++
	t.Hour[0]++
	t.Day++
	t.Month++
	t.Total++
	t.Last = now
}

// giveBack takes an attempt of the given time out of where it is.
func (t *Tally) giveBack(tried, now Time, loc *time.Location) {
	t.roll(now, loc)
	less := func(n *uint32) {
		if *n > 0 {
			*n--
		}
	}
	if i := (t.MinuteAt - tried + minuteStep - 1) / minuteStep; i >= 0 && i < minuteSteps {
		less(&t.Minute[i])
	}
	if i := (t.HourAt - tried + hourStep - 1) / hourStep; i >= 0 && i < hourSteps {
		less(&t.Hour[i])
	}
	if tried >= t.DayAt {
		less(&t.Day)
	}
	if tried >= t.MonthAt {
		less(&t.Month)
	}
}

func (t *Tally) validate() error {
	if t.MinuteAt < 0 || t.HourAt < 0 || t.DayAt < 0 || t.MonthAt < 0 || t.Last < 0 {
		return invalid("a tally of a time before 1970")
	}
	if uint64(t.Day) > t.Total || uint64(t.Month) > t.Total {
		return invalid("a tally of %d in a day and %d in a month, of %d in all", t.Day, t.Month, t.Total)
	}
	return nil
}

func (c codec) tally(b []byte) (t Tally, err error) { return t, c.dec.Unmarshal(b, &t) }

// Tally gives the committed count of a lane.
func (db *DB) Tally(lane string) Tally {
	db.mu.RLock()
	defer db.mu.RUnlock()
	return db.tallies[lane]
}

// partStates is what a tally must know of the parts before a change.
func (a *arena) partStates(m *Message) []byte {
	start := len(a.buf)
	for i := range m.Parts {
		a.buf = append(a.buf, byte(m.Parts[i].State))
	}
	return a.cut(start)
}

// countParts brings the tallies of the lanes up to a message that was staged.
func (g *group) countParts(mv *move) {
	for i := range mv.m.Parts {
		p := &mv.m.Parts[i]
		was := PartWaiting
		if i < len(mv.old.parts) {
			was = PartState(mv.old.parts[i])
		}
		switch {
		case p.Lane == "":
		case p.State == PartTrying && was != PartTrying:
			g.tally(p.Lane).add(g.now, g.zone(p.Lane))
		case p.State == PartWaiting && was == PartTrying:
			g.tally(p.Lane).giveBack(p.Tried, g.now, g.zone(p.Lane))
		}
	}
}

// tally gives the count that this group works on.
func (g *group) tally(lane string) *Tally {
	t := g.tallies[lane]
	if t == nil {
		// The writer is the only one that changes this map: no lock to read it.
		committed := g.db.tallies[lane]
		t = &committed
		g.tallies[lane] = t
	}
	return t
}

// LanePrefix stands before the ID of a SIM in the name of its lane.
const LanePrefix = "sim:"

// zone is that of the lane's SIM.
func (g *group) zone(lane string) *time.Location {
	s, ok := g.db.sims.current(strings.TrimPrefix(lane, LanePrefix))
	if !ok || s.Zone == "" {
		return time.Local
	}
	loc := g.db.zones[s.Zone]
	if loc == nil {
		var err error
		if loc, err = time.LoadLocation(s.Zone); err != nil {
			loc = time.Local // what it is where the zones are not installed
		}
		g.db.zones[s.Zone] = loc
	}
	return loc
}

// stageTallies writes each tally once for the whole group.
func (g *group) stageTallies() error {
	for lane, t := range g.tallies {
		v, err := g.db.codec.encode(t)
		if err != nil {
			return err
		}
		g.put(inTallies, []byte(lane), v)
	}
	return nil
}

// tallies looks at every tally by itself.
func (c *check) tallies() error {
	return c.each(inTallies, func(k, v []byte) error {
		t, err := c.db.codec.tally(v)
		if err == nil {
			err = t.validate()
		}
		if err == nil {
			err = validName("lane", string(k))
		}
		if err != nil {
			return c.find("tally of %q: %w", k, err)
		}
		return nil
	})
}

func (db *DB) loadTallies(b interface {
	ForEach(func(k, v []byte) error) error
}) error {
	db.tallies, db.zones = map[string]Tally{}, map[string]*time.Location{}
	err := b.ForEach(func(k, v []byte) (err error) {
		db.tallies[string(k)], err = db.codec.tally(v)
		return err
	})
	if err != nil {
		return fmt.Errorf("tallies: %w", err)
	}
	return nil
}
