package storage

import (
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
)

// clockOf is a clock that a test sets.
func clockOf(at time.Time) (*atomic.Int64, func() time.Time) {
	var now atomic.Int64
	now.Store(at.UnixMilli())
	return &now, func() time.Time { return time.UnixMilli(now.Load()) }
}

// attempt writes an attempt of part i, by lane.
func attempt(t *testing.T, db *DB, id ID, i int, lane string) {
	t.Helper()
	changeParts(t, db, id, func(m *Message, now Time) {
		m.Parts[i].State, m.Parts[i].Lane, m.Parts[i].Tried = PartTrying, lane, now
	})
}

func changeParts(t *testing.T, db *DB, id ID, fn func(m *Message, now Time)) {
	t.Helper()
	_, err := db.ChangeSync(t.Context(), id, func(m *Message, now Time) ([]*Message, error) { fn(m, now); return nil, nil })
	if err != nil {
		t.Fatal(err)
	}
}

func threeParts(t *testing.T, db *DB) ID {
	t.Helper()
	id, err := db.AcceptSync(t.Context(), &Message{Kind: MT, Queue: "gsm", DueAt: 1, Parts: make([]Part, 3)})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestTally_AttemptsOfLanes_CountedInTheirCommit_SurviveRestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	now, clock := clockOf(time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC))
	db := openTestAt(t, path, Options{Now: clock})
	id := threeParts(t, db)
	attempt(t, db, id, 0, "sim:1")
	changeParts(t, db, id, func(m *Message, n Time) { // sent, and the next one tried by another
		m.Parts[0].State = PartSent
		m.Parts[1].State, m.Parts[1].Lane, m.Parts[1].Tried = PartTrying, "sim:2", n
	})
	changeParts(t, db, id, func(m *Message, _ Time) { m.Reason = "nothing is tried" })
	changeParts(t, db, id, func(m *Message, _ Time) { m.Parts[1].State = PartUnknown })
	attempt(t, db, id, 2, "sim:1")
	now.Add(int64(90 * 1000))
	for range 2 {
		one, two := db.Tally("sim:1"), db.Tally("sim:2")
		u1, u2 := one.Usage(TimeOf(clock()), time.UTC), two.Usage(TimeOf(clock()), time.UTC)
		if u1 != (Usage{0, 2, 2, 2}) || u2 != (Usage{0, 1, 1, 1}) || one.Total != 2 {
			t.Errorf("used %+v and %+v, in all %d", u1, u2, one.Total)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		db = openTestAt(t, path, Options{Now: clock})
	}
}

func TestTally_RefusedForNow_GivenBack_OthersCount(t *testing.T) {
	now, clock := clockOf(time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC))
	db := openTest(t, Options{Now: clock})
	id := threeParts(t, db)
	for i := range 3 {
		attempt(t, db, id, i, "sim:1")
	}
	now.Add(25_000)
	changeParts(t, db, id, func(m *Message, _ Time) {
		m.Parts[0].State, m.Parts[1].State, m.Parts[2].State = PartWaiting, PartFailed, PartUnknown
	})
	got := db.Tally("sim:1")
	if u := got.Usage(TimeOf(clock()), time.Local); u != (Usage{2, 2, 2, 2}) {
		t.Errorf("used %+v", u)
	}
}

func TestTally_CommitFails_NothingCounted(t *testing.T) {
	db := openTest(t, Options{})
	id := threeParts(t, db)
	db.testFail = func() error { return ErrFull }
	_, err := db.ChangeSync(t.Context(), id, func(m *Message, _ Time) ([]*Message, error) {
		m.Parts[0].State, m.Parts[0].Lane = PartTrying, "sim:1"
		return nil, nil
	})
	db.testFail = nil
	if got := db.Tally("sim:1"); err == nil || got != (Tally{}) {
		t.Errorf("%v; counted %+v", err, got)
	}
	attempt(t, db, id, 0, "sim:1")
	if got := db.Tally("sim:1"); got.Total != 1 {
		t.Errorf("afterwards %+v", got)
	}
}

func TestTally_DayAndMonth_ByTheCalendarOfTheSIM(t *testing.T) {
	now, clock := clockOf(time.Date(2026, 3, 31, 21, 30, 0, 0, time.UTC)) // 23:30 in Amsterdam
	db := openTest(t, Options{Now: clock})
	if _, err := db.ChangeSIM(t.Context(), "1", func(s *SIM) error { s.Zone = "Europe/Amsterdam"; return nil }); err != nil {
		t.Fatal(err)
	}
	loc, err := time.LoadLocation("Europe/Amsterdam")
	if err != nil {
		t.Fatal(err)
	}
	id := threeParts(t, db)
	attempt(t, db, id, 0, "sim:1")
	for _, step := range []struct {
		after time.Duration
		want  Usage
	}{{29 * time.Minute, Usage{0, 1, 1, 1}}, {2 * time.Minute, Usage{0, 1, 0, 0}}} {
		now.Add(step.after.Milliseconds())
		got := db.Tally("sim:1")
		if u := got.Usage(TimeOf(clock()), loc); u != step.want {
			t.Errorf("%s later: %+v, want %+v", step.after, u, step.want)
		}
	}
	attempt(t, db, id, 1, "sim:1")
	if got := db.Tally("sim:1"); got.Day != 1 || got.Month != 1 || got.DayAt.Time() != time.Date(2026, 3, 31, 22, 0, 0, 0, time.UTC) {
		t.Errorf("in April: %+v", got)
	}
}

func TestTally_ClockSetBack_NoNewDay(t *testing.T) {
	var tally Tally
	noon := TimeOf(time.Date(2026, 3, 15, 0, 0, 30, 0, time.UTC))
	tally.add(noon, time.UTC)
	if u := tally.Usage(noon-60_000, time.UTC); u.Day != 1 || u.Month != 1 {
		t.Errorf("a minute back, on the day before: %+v", u)
	}
	if u := tally.Usage(noon-90*24*3600_000, time.UTC); u != (Usage{}) {
		t.Errorf("three months back: %+v", u)
	}
}

// However the attempts lie: no minute holds more than the limit, and the limit is
// reached.
func TestTally_Minute_NeverMoreThanTheLimitInAny60s(t *testing.T) {
	const limit = 6
	var tally Tally
	var sent []Time
	start := TimeOf(time.Date(2026, 3, 14, 12, 0, 3, 500e6, time.UTC))
	for now := start; now < start+600_000; now += 700 {
		if at, _ := tally.FreeAt(now, limit, 0); at > now {
			if u := tally.Usage(at, time.UTC); u.Minute >= limit {
				t.Fatalf("said free at %d, %d are used then", at, u.Minute)
			}
			continue
		}
		tally.add(now, time.UTC)
		sent = append(sent, now)
	}
	for i := limit; i < len(sent); i++ {
		if sent[i]-sent[i-limit] < 60_000 {
			t.Errorf("%d in %d ms", limit+1, sent[i]-sent[i-limit])
		}
	}
	if len(sent) < 8*limit {
		t.Errorf("%d in ten minutes", len(sent))
	}
}

func TestCheck_TallyDamaged_Found(t *testing.T) {
	db := openTest(t, Options{})
	edit := func(fn func(b *bolt.Bucket) error) {
		t.Helper()
		if err := db.bolt.Update(func(tx *bolt.Tx) error { return fn(tx.Bucket(inTallies.name())) }); err != nil {
			t.Fatal(err)
		}
	}
	wrong, err := db.codec.encode(&Tally{Day: 3, Total: 2})
	if err != nil {
		t.Fatal(err)
	}
	for _, value := range [][]byte{wrong, {0xff}} {
		edit(func(b *bolt.Bucket) error { return b.Put([]byte("sim:8931"), value) })
		if err := db.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "8931") {
			t.Errorf("%x: found %v", value, err)
		}
	}
	edit(func(b *bolt.Bucket) error { return b.Delete([]byte("sim:8931")) })
}

// What counting adds to an attempt; see bench_test.go for the attempt itself.
func BenchmarkTally(b *testing.B) {
	c, err := newCodec()
	if err != nil {
		b.Fatal(err)
	}
	var t Tally
	now := TimeOf(time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC))
	b.ReportAllocs()
	for b.Loop() {
		now += 50
		t.add(now, time.UTC)
		if _, err := c.encode(&t); err != nil {
			b.Fatal(err)
		}
	}
}
