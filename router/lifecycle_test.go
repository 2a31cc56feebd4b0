package router

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gsmgate/storage"
)

// outcome is what the next hop answers to a part.
type outcome uint8

const (
	takes outcome = iota
	busy          // refused for now
	refuses
	hangs
)

// patienceOf is how long a next hop that is busy wants to be left alone.
const patienceOf = 5 * time.Minute

// lives drives one message after the other against the model.
type lives struct {
	*bench
	rng    *rand.Rand
	valve  *valve
	shut   bool
	answer chan outcome
	begun  chan time.Time // when an attempt began

	id     storage.ID
	serial int
	model  *life
	flying bool                  // the next hop has not answered
	goesOn bool                  // a part was taken: the next one goes at once, whatever the validity
	refs   map[int]string        // of the parts that were tried
	taken  map[int]storage.Time  // when
	finals map[int]storage.State // what was reported of them
	log    []string
	moved  map[[2]storage.State]bool
}

// send is the next hop: it answers when the test says so.
func (l *lives) send(ctx context.Context, _ string, m *storage.Message, i int) (string, error) {
	l.begun <- time.Now()
	what := hangs
	select {
	case what = <-l.answer:
	case <-ctx.Done():
	}
	switch what {
	case takes:
		return l.refs[i], nil
	case busy:
		return "", &SendError{Outcome: RefusedForNow, Wait: patienceOf, Err: errors.New("busy")}
	case refuses:
		return "", &SendError{Outcome: RefusedForGood, Err: errors.New("never")}
	}
	return "", errors.New("no answer")
}

func (l *lives) note(format string, args ...any) {
	l.log = append(l.log, time.Now().Format("02T15:04:05 ")+fmt.Sprintf(format, args...))
}

// begin submits the next message.
func (l *lives) begin() {
	l.serial++
	parts, now := 1+l.rng.IntN(3), time.Now()
	var due, expires time.Time
	if l.rng.IntN(3) == 0 {
		due = now.Add(time.Duration(1+l.rng.IntN(20)) * time.Minute)
	}
	if l.rng.IntN(3) == 0 {
		expires = now.Add(20*time.Minute + time.Duration(1+l.rng.IntN(600))*time.Second)
	}
	l.model, l.refs, l.taken, l.finals, l.log = newLife(parts, now, due, expires), map[int]string{}, map[int]storage.Time{}, map[int]storage.State{}, nil
	l.note("submitted, %d parts, due %v, expires %v", parts, due, expires)
	l.id = l.bench.send(textOf(parts), func(m *storage.Message) {
		m.Dest.Addr = l.dest()
		if m.ExpiresAt = 0; !expires.IsZero() {
			m.ExpiresAt = storage.TimeOf(expires)
		}
		if !due.IsZero() {
			m.DueAt = storage.TimeOf(due)
		}
	})
}

func textOf(parts int) string { return "x" + strings.Repeat("|x", parts-1) }

func (l *lives) dest() string { return fmt.Sprintf("316%08d", l.serial) }

// look takes in what has happened by itself, and compares.
func (l *lives) look() {
	l.t.Helper()
	synctest.Wait()
	for l.hear() {
		synctest.Wait()
	}
	if l.model.overdue(time.Now()) {
		time.Sleep(2 * time.Minute) // its deadline was put off while it was tried
		synctest.Wait()
	}
	now := time.Now()
	l.model.pass(now)
	if !l.shut && !l.flying && l.model.mayTry(now) && l.model.expires.After(now) {
		l.failed("part %d is due, and is not tried", l.model.next()+1)
	}
	m := l.message(l.id)
	if m.State != l.model.state || ended(m) != l.model.ended || int(m.Spent/storage.Credit) != l.model.cost || len(m.Parts) != len(l.model.parts) {
		l.failed("it is %s, ended at %d, spent %d, %d parts; the model has %s, %v, %d, %d", StateWord(m.State), m.EndedAt, m.Spent, len(m.Parts),
			StateWord(l.model.state), l.model.ended, l.model.cost, len(l.model.parts))
	}
	if want := len(m.Parts); !ended(m) && int(m.Held/storage.Credit) != want || ended(m) && m.Held != 0 {
		l.failed("%d held", m.Held)
	}
}

// hear takes in the beginning of one attempt, if there was one.
func (l *lives) hear() bool {
	l.t.Helper()
	select {
	case at := <-l.begun:
		if !l.model.mayTry(at) || !l.model.expires.After(at) && !l.goesOn {
			l.failed("an attempt at %s", at.Format("02T15:04:05"))
		}
		i := l.model.next()
		l.taken[i] = storage.TimeOf(at)
		l.refs[i] = fmt.Sprintf("ref-%d-%d-%d", l.serial, i, len(l.log))
		l.model.tried()
		l.flying = true
		l.note("part %d is tried", i+1)
		return true
	default:
		return false
	}
}

func (l *lives) failed(format string, args ...any) {
	l.t.Helper()
	l.t.Fatalf("%s\n%s\n%+v", fmt.Sprintf(format, args...), strings.Join(l.log, "\n"), l.message(l.id).Events)
}

// why is how a message ends of which a part has failed: as the first of them was
// reported.
func (l *lives) why() storage.State {
	for i := range l.model.parts {
		if s, ok := l.finals[i]; ok && s != storage.Delivered {
			return s
		}
	}
	return storage.Undeliverable
}

// step is one random event.
func (l *lives) step() {
	switch n := l.rng.IntN(100); {
	case n < 34:
		l.answerOne()
	case n < 52:
		l.reportOne()
	case n < 58:
		l.cancelIt()
	case n < 66:
		l.replaceIt()
	case n < 72:
		l.turnValve()
	case n < 75:
		l.again()
	default:
		l.sleep()
	}
}

func (l *lives) answerOne() {
	if !l.flying {
		return
	}
	l.flying = false
	what := []outcome{takes, takes, takes, takes, busy, busy, refuses, hangs, hangs}[l.rng.IntN(9)]
	l.note("answer %d", what)
	if !l.model.ended {
		l.model.answer(what, time.Now(), l.why())
	}
	l.goesOn = what == takes && !l.shut
	l.answer <- what
}

// reportOne reports on a part that may have gone out. While the part is on its
// way the report waits for the answer for some seconds.
func (l *lives) reportOne() {
	i := l.rng.IntN(len(l.model.parts))
	if l.refs[i] == "" || l.model.parts[i] == waits && l.model.trying != i {
		return
	}
	states := []storage.State{storage.Delivered, storage.Delivered, storage.Delivered, storage.Enroute, storage.Undeliverable, storage.Expired, storage.Deleted, storage.Rejected}
	s := states[l.rng.IntN(len(states))]
	l.note("report on part %d: %s", i+1, StateWord(s))
	rep := storage.Report{Lane: "sim:1", Match: l.dest(), Ref: l.refs[i], State: s, Submitted: l.taken[i], Text: "said the network"}
	if known, ok := l.finals[i]; ok && s != storage.Enroute { // it comes again
		rep.State = known
	}
	if s != storage.Enroute {
		rep.Dedupe = l.refs[i]
	}
	done := make(chan error, 1)
	l.r.Report(rep, func(err error) { done <- err })
	if err := <-done; err != nil {
		l.failed("report: %v", err)
	}
	if s == storage.Enroute {
		return
	}
	if _, known := l.finals[i]; !known {
		l.finals[i] = s
	}
	l.model.report(i, s, time.Now(), l.why())
}

func (l *lives) cancelIt() {
	l.note("cancel")
	want := l.model.cancel()
	var err error
	if l.rng.IntN(2) == 0 {
		_, err = l.cancel(Pick{User: "acme", ID: l.id})
	} else {
		err = l.r.CancelOne(l.t.Context(), l.id)
	}
	if want != (err == nil) {
		l.failed("cancel: %v", err)
	}
}

func (l *lives) replaceIt() {
	parts, due := 1+l.rng.IntN(3), time.Time{}
	if l.rng.IntN(2) == 0 {
		due = time.Now().Add(time.Duration(l.rng.IntN(20)-5) * time.Minute)
	}
	l.note("replace by %d parts, due %v", parts, due)
	if at := cmp.Or(due, l.model.due); l.model.untouched() && !l.model.expires.After(at) {
		return // refused: it could not be sent in time
	}
	want := l.model.replace(parts, time.Now(), due)
	err := l.replace(Pick{User: "acme", ID: l.id}, textOf(parts), func(r *Replacement) {
		if !due.IsZero() {
			r.DueAt = storage.TimeOf(due)
		}
	})
	if want != (err == nil) {
		l.failed("replace: %v", err)
	}
}

func (l *lives) turnValve() {
	l.shut = !l.shut
	l.note("shut: %v", l.shut)
	h := Hold{}
	if l.shut {
		h.Reason = "shut by the test"
	}
	l.valve.set(h)
}

// again ends the gateway and starts it anew: what is on its way is lost.
func (l *lives) again() {
	l.note("the gateway starts anew")
	if l.model.trying >= 0 {
		l.model.answer(hangs, time.Now(), l.why())
	}
	l.flying = false
	l.stop()
	l.start()
}

func (l *lives) sleep() {
	spans := []time.Duration{time.Second, time.Minute, patienceOf, 10 * time.Minute, 40 * time.Minute}
	d := spans[l.rng.IntN(len(spans))]
	l.note("%v pass", d)
	time.Sleep(d)
	// An attempt at the last moment, or an end that is a minute late, is neither
	// right nor wrong: look later.
	for l.near(l.model.deadline) || l.near(l.model.due) {
		time.Sleep(2 * time.Minute)
	}
}

func (l *lives) near(t time.Time) bool { return time.Since(t).Abs() < 90*time.Second && !l.model.ended }

// live follows one message to its end.
func (l *lives) live() {
	l.begin()
	l.look()
	was := l.model.state
	for range 60 {
		l.step()
		l.look()
		if l.model.state != was {
			l.moved[[2]storage.State{was, l.model.state}] = true
			was = l.model.state
		}
		if l.model.ended && l.rng.IntN(3) == 0 { // what comes later changes nothing
			break
		}
	}
	if l.shut {
		l.turnValve()
	}
	for l.answerOne(); !l.model.ended; l.answerOne() {
		l.look()
		time.Sleep(time.Hour)
		l.look()
	}
}

// Random events drive messages through the table, all of it and nothing beside
// it. GSMGATE_LIVES=100000 takes more messages, GSMGATE_SEED=N begins with that
// seed.
func TestLifecycle_RandomEvents_AsTheTableSays(t *testing.T) {
	now := int(time.Now().UnixNano() % 1e6)
	n, seed := numberOr(t, "GSMGATE_LIVES", 600, 120), numberOr(t, "GSMGATE_SEED", now, now)
	t.Logf("GSMGATE_LIVES=%d GSMGATE_SEED=%d", n, seed)
	moved := map[[2]storage.State]bool{}
	for i := 0; i*60 < n; i++ {
		synctest.Test(t, func(t *testing.T) { liveSome(t, uint64(seed+i), 60, moved) })
	}
	for s := storage.Scheduled; s <= storage.Rejected; s++ {
		for to := storage.Scheduled; to <= storage.Rejected; to++ {
			legal, seen := slices.Contains(moves[s], to), moved[[2]storage.State{s, to}]
			if legal != seen && (seen || n >= 600) {
				t.Errorf("%s to %s: in the table %v, seen %v", StateWord(s), StateWord(to), legal, seen)
			}
		}
	}
}

func liveSome(t *testing.T, seed uint64, n int, moved map[[2]storage.State]bool) {
	l := &lives{rng: rand.New(rand.NewPCG(seed, 3)), valve: newValve(), answer: make(chan outcome), begun: make(chan time.Time, 8), moved: moved}
	defer func() {
		if t.Failed() {
			t.Logf("GSMGATE_SEED=%d", seed)
		}
	}()
	c := &scripted{lanes: []Lane{gated("sim:1", l.valve)}, answer: l.send}
	l.bench = running(t, c, Options{Validity: validity, ReportTimeout: reportTimeout, Retention: 365 * 24 * time.Hour, Sticky: -1})
	if _, err := l.r.Credit(t.Context(), "acme", 1_000_000*storage.Credit, ""); err != nil {
		t.Fatal(err)
	}
	for range n {
		l.live()
	}
}
