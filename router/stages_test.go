package router

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gsmgate/storage"
)

// stages brings a message into each stage of its life, and says what an operation
// does with it there: its state after a cancel, after a replace and after the end of
// its validity, which is an hour; "" is a refusal that leaves it as it was.
var stages = []struct {
	name                       string
	reach                      func(b *bench, v *valve) storage.ID
	cancelled, replaced, ended string
}{
	{"scheduled", func(b *bench, _ *valve) storage.ID {
		return b.send("x", inAnHour, func(m *storage.Message) { m.DueAt = storage.TimeOf(time.Now().Add(30 * time.Minute)) })
	}, "DELETED", "SCHEDULED", "ENROUTE"}, // sent in its time
	{"no lane is open", func(b *bench, v *valve) storage.ID {
		v.set(Hold{Reason: "closed"})
		return b.send("x", inAnHour)
	}, "DELETED", "ENROUTE", "EXPIRED"},
	{"refused for now", func(b *bench, _ *valve) storage.ID { return b.send("busy", inAnHour) }, "DELETED", "ENROUTE", "EXPIRED"},
	{"behind another one", func(b *bench, _ *valve) storage.ID {
		b.send("busy")
		synctest.Wait()
		id := b.send("x", inAnHour)
		synctest.Wait()
		if m := b.state(id); m.Turn != storage.TurnBehind {
			b.t.Errorf("it is not behind: %+v", m)
		}
		return id
	}, "DELETED", "ENROUTE", "EXPIRED"},
	{"waits for the SIM that it prefers", func(b *bench, v *valve) storage.ID {
		b.send("before")
		pass(time.Second)
		v.set(Hold{Until: time.Now().Add(5 * time.Second), Reason: "pacing"})
		id := b.send("x", inAnHour)
		if m := b.state(id); m.Prefer == "" {
			b.t.Errorf("it prefers nothing: %+v", m)
		}
		v.mu.Lock()
		v.hold = Hold{Reason: "closed"}
		v.mu.Unlock()
		return id
	}, "DELETED", "ENROUTE", "EXPIRED"},
	{"being sent", func(b *bench, _ *valve) storage.ID { return b.send("slow", inAnHour) }, "", "", "ENROUTE"},
	{"a part has left", func(b *bench, v *valve) storage.ID {
		id := b.send("shut|b", inAnHour)
		synctest.Wait()
		return id
	}, "", "", "EXPIRED"},
	{"sent", func(b *bench, _ *valve) storage.ID { return b.send("x", inAnHour) }, "", "", "ENROUTE"},
	{"unknown", func(b *bench, _ *valve) storage.ID { return b.send("lost", inAnHour) }, "", "", "UNKNOWN"},
}

func inAnHour(m *storage.Message) { m.ExpiresAt = storage.TimeOf(time.Now().Add(time.Hour)) }

// inStage runs a router and brings a message into a stage.
func inStage(t *testing.T, reach func(*bench, *valve) storage.ID) (*bench, storage.ID) {
	t.Helper()
	v := newValve()
	c := &scripted{lanes: []Lane{gated("sim:1", v)}}
	c.answer = func(ctx context.Context, lane string, m *storage.Message, i int) (string, error) {
		switch {
		case m.Text == "busy":
			return "", &SendError{Outcome: RefusedForNow, Wait: 10 * time.Minute, Err: errors.New("not now")}
		case m.Text == "lost":
			return "", errors.New("no answer")
		case m.Text == "slow":
			time.Sleep(30 * time.Minute)
		case strings.HasPrefix(m.Text, "shut"):
			v.set(Hold{Reason: "closed"})
		}
		return ok(ctx, lane, m, i)
	}
	b := running(t, c, Options{TakeLate: true})
	id := reach(b, v)
	synctest.Wait()
	return b, id
}

// after is the state of a message; one that is left alone is told as "".
func (b *bench) after(id storage.ID, before *storage.Message, err error) string {
	b.t.Helper()
	m := b.state(id)
	if err != nil {
		if code(err) != Conflict || m.State != before.State || m.Text != before.Text {
			b.t.Errorf("%v; %s, was %s", err, StateWord(m.State), StateWord(before.State))
		}
		return ""
	}
	return StateWord(m.State)
}

func TestStages_Cancel(t *testing.T) {
	for _, s := range stages {
		t.Run(s.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, id := inStage(t, s.reach)
				before := b.state(id)
				_, err := b.cancel(Pick{User: "acme", ID: id})
				if got := b.after(id, before, err); got != s.cancelled {
					t.Errorf("it is %q, want %q (%v)", got, s.cancelled, err)
				}
				sent := strings.Count(b.c.log(), before.Text)
				if pass(40 * time.Minute); err == nil && strings.Count(b.c.log(), before.Text) != sent {
					t.Errorf("sent after all: %s", b.c.log())
				}
			})
		})
	}
}

func TestStages_Replace(t *testing.T) {
	for _, s := range stages {
		t.Run(s.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, id := inStage(t, s.reach)
				before := b.state(id)
				err := b.replace(Pick{User: "acme", ID: id}, "new")
				if got := b.after(id, before, err); got != s.replaced {
					t.Errorf("it is %q, want %q (%v)", got, s.replaced, err)
				}
				if m := b.state(id); err == nil && (m.Text != "new" || m.Held != storage.Credit) {
					t.Errorf("it is %+v", m)
				}
			})
		})
	}
}

func TestStages_ValidityEnds(t *testing.T) {
	for _, s := range stages {
		t.Run(s.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, id := inStage(t, s.reach)
				pass(61 * time.Minute)
				m := b.state(id)
				if StateWord(m.State) != s.ended || (m.EndedAt != 0) != (s.ended == "EXPIRED") {
					t.Errorf("it is %s, ended at %d: %s; want %s", StateWord(m.State), m.EndedAt, m.Reason, s.ended)
				}
				if m.EndedAt != 0 && m.Held != 0 {
					t.Errorf("%d are still held", m.Held)
				}
			})
		})
	}
}

// Who looks at deadlines may be late, after a start with many of them: no attempt is
// made of what is not valid any more.
func TestStages_ValidityOver_NotTriedAlsoBeforeAnybodyHasLooked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newValve()
		v.set(Hold{Reason: "shut by the test"})
		b := running(t, &scripted{lanes: []Lane{gated("sim:1", v)}, answer: ok}, Options{})
		id := b.send("x", validFor(time.Minute))
		_, err := b.db.ChangeSync(t.Context(), id, func(m *storage.Message, now storage.Time) ([]*storage.Message, error) {
			m.Deadline = now + storage.Time(time.Hour.Milliseconds())
			return nil, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		pass(2 * time.Minute)
		if m := b.message(id); m.State != storage.Enroute {
			t.Fatalf("it is %s: %s", StateWord(m.State), m.Reason)
		}
		v.set(Hold{})
		synctest.Wait()
		b.expect(id, storage.Expired, 10, 0)
		if got := b.c.log(); got != "" {
			t.Errorf("tried: %s", got)
		}
	})
}
