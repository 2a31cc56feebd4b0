package router

import (
	"testing"
	"testing/synctest"
	"time"

	"gsmgate/storage"
)

// answers is a bank of two SIMs and an upstream, users acme (who owns +3161*), beta
// and gamma, and messages of beta that have left.
type answerBench struct {
	*bench
	n int
}

func newAnswers(t *testing.T, o Options) *answerBench {
	t.Helper()
	c := &scripted{lanes: []Lane{lane("sim:1"), lane("sim:2")}, answer: ok}
	b := &answerBench{bench: running(t, c, o)}
	for _, name := range []string{"beta", "gamma"} {
		if _, err := b.r.AddUser(t.Context(), UserSpec{SystemID: name, Password: "secret", Credits: 10 * storage.Credit}); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

// writes lets a user write to the handset, and says by which SIM that went.
func (b *answerBench) writes(user string) (lane string) {
	b.t.Helper()
	b.n++
	id := b.send("x", func(m *storage.Message) { m.User = user })
	pass(time.Second)
	return b.state(id).Parts[0].Lane
}

// comes is an answer of a handset to a number, by a lane; it gives whose it is.
func (b *answerBench) comes(lane, from, to string) string {
	b.t.Helper()
	id, err := b.r.SubmitSync(b.t.Context(), &storage.Message{Kind: storage.MO, Origin: lane, Text: "re", Source: storage.Address{TON: 1, NPI: 1, Addr: from}, Dest: storage.Address{Addr: to}})
	if err != nil {
		b.t.Fatal(err)
	}
	return b.state(id).User
}

func TestAnswers_ToWhoWroteLast_WhereNoRangeHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newAnswers(t, Options{Sticky: -1})
		by := b.writes("beta")
		other := map[string]string{"sim:1": "sim:2", "sim:2": "sim:1"}[by]
		for name, c := range map[string]struct{ lane, from, to, want string }{
			"by the SIM that wrote":                 {by, "31612345678", "49151", "beta"},
			"with a plus":                           {by, "+31612345678", "49151", "beta"},
			"to a number that acme owns":            {by, "31612345678", "+31610000000", "acme"},
			"by another SIM":                        {other, "31612345678", "49151", ""},
			"of another handset":                    {by, "31612345679", "49151", ""},
			"of one whose last digits are the same": {by, "49612345678", "49151", ""},
			"of nobody":                             {by, "", "49151", ""},
		} {
			if got := b.comes(c.lane, c.from, c.to); got != c.want {
				t.Errorf("%s: %q, want %q", name, got, c.want)
			}
		}
		for b.writes("gamma") != by {
		}
		if got := b.comes(by, "31612345678", "49151"); got != "gamma" {
			t.Errorf("after gamma wrote: %q", got)
		}
		pass(24 * time.Hour)
		if got := b.comes(by, "31612345678", "49151"); got != "" {
			t.Errorf("a day later: %q", got)
		}
	})
}

// The range of all is for what is left.
func TestAnswers_BeforeTheRangeOfAll_BehindEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newAnswers(t, Options{})
		set := func(ranges ...string) {
			t.Helper()
			if _, err := b.r.SetUser(t.Context(), "gamma", UserChange{AddressRanges: &ranges}); err != nil {
				t.Fatal(err)
			}
		}
		set("*")
		if got := b.comes("sim:1", "31612345678", "49151"); got != "gamma" {
			t.Errorf("before anybody wrote: %q", got)
		}
		by := b.writes("beta")
		if got := b.comes(by, "31612345678", "49151"); got != "beta" {
			t.Errorf("with *: %q", got)
		}
		if got := b.comes(by, "31612345678", ""); got != "beta" {
			t.Errorf("to a SIM without a number: %q", got)
		}
		set("49*")
		if got := b.comes(by, "31612345678", "49151"); got != "gamma" {
			t.Errorf("with 49*: %q", got)
		}
	})
}

func TestAnswers_Off(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newAnswers(t, Options{StickyAnswers: -1})
		if got := b.comes(b.writes("beta"), "31612345678", "49151"); got != "" {
			t.Errorf("%q", got)
		}
	})
}

// After a restart it is known again.
func TestAnswers_AfterARestart_Known(t *testing.T) {
	for _, o := range []Options{{}, {Sticky: -1}} {
		synctest.Test(t, func(t *testing.T) {
			b := newAnswers(t, o)
			by := b.writes("beta")
			b.stop()
			b.r = New(b.db, o)
			b.r.Add(&scripted{lanes: []Lane{lane("sim:1"), lane("sim:2")}, answer: ok})
			b.start()
			synctest.Wait()
			if got := b.comes(by, "31612345678", "49151"); got != "beta" {
				t.Errorf("%+v: %q", o, got)
			}
		})
	}
}

// Many numbers of ours go by one upstream: an answer is for who wrote from the
// number that it is to.
func TestAnswers_ByAnUpstream_ToTheSourceThatWasUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newAnswers(t, Options{})
		up := &laneRun{r: b.r, Lane: Lane{ID: "smpp:box"}}
		for user, source := range map[string]string{"beta": "49151", "gamma": "49152"} {
			up.wrote(&storage.Message{Kind: storage.MT, User: user, Queue: "box", Source: storage.Address{Addr: source}, Dest: storage.Address{Addr: "31612345678"}}, b.r.now())
		}
		for to, want := range map[string]string{"49151": "beta", "+49152": "gamma", "49153": ""} {
			if got := b.comes("smpp:box", "31612345678", to); got != want {
				t.Errorf("to %s: %q, want %q", to, got, want)
			}
		}
	})
}
