package loopchan

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"gsmgate/router"
	"gsmgate/router/routertest"
	"gsmgate/storage"
	"gsmgate/storage/storagetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// loop is a gateway with a loopback channel, in a bubble of testing/synctest.
type loop struct {
	t    *testing.T
	db   *storage.DB
	set  map[string]string
	r    *router.Router
	ch   *Channel
	stop func()
}

// inLoop has user acme, of 1000 credits, who owns +3161*.
func inLoop(t *testing.T, set map[string]string, f func(t *testing.T, l *loop)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		l := &loop{t: t, set: set, db: storagetest.OpenAt(t, filepath.Join(t.TempDir(), "store"), storage.Options{NoSync: true})}
		l.start()
		if _, err := l.r.AddUser(t.Context(), router.UserSpec{SystemID: "acme", Password: "secret", Credits: 1000 * storage.Credit, AddressRanges: []string{"+3161*"}}); err != nil {
			t.Fatal(err)
		}
		f(t, l)
	})
}

// start runs a router over the store, as after a restart.
func (l *loop) start() {
	l.t.Helper()
	var err error
	if l.ch, err = New(Config{Record: record(l.set)}); err != nil {
		l.t.Fatal(err)
	}
	l.r = router.New(l.db, router.Options{})
	if err := l.r.Add(l.ch); err != nil {
		l.t.Fatal(err)
	}
	l.stop = routertest.Run(l.t, l.r)
}

func record(set map[string]string) storage.Channel {
	return storage.Channel{Name: "loop", Kind: "loopback", Loopback: &storage.LoopbackChannel{Settings: set}}
}

func (l *loop) send(to, text string) storage.ID {
	l.t.Helper()
	id, err := l.r.Send(l.t.Context(), router.SendRequest{User: "acme", From: "+31611111111", To: to, Text: text})
	if err != nil {
		l.t.Fatal(err)
	}
	return id
}

func (l *loop) message(id storage.ID) *storage.Message {
	l.t.Helper()
	m, err := l.r.Message(id)
	if err != nil {
		l.t.Fatal(err)
	}
	return m
}

// answers are the texts of MO messages, the oldest first.
func (l *loop) answers() (texts []string) {
	l.t.Helper()
	all, err := l.r.Messages(storage.Filter{Kind: storage.MO})
	if err != nil {
		l.t.Fatal(err)
	}
	for _, m := range all {
		texts = append([]string{fmt.Sprintf("%s to %s of %s: %s", m.Source.Addr, m.Dest.Addr, m.User, m.Text)}, texts...)
	}
	return texts
}

func after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// timeline is what the API shows of a message.
func timeline(m *storage.Message) string {
	var all strings.Builder
	for _, e := range m.Events {
		fmt.Fprintf(&all, "%s %s\n", e.What, e.Text)
	}
	return all.String()
}

// Each number of the table does what the table says.
func TestNumbers_EachDoesWhatItSays(t *testing.T) {
	type want struct {
		at       time.Duration // when it is looked at
		state    storage.State
		timeline string // regular expression
		cause    uint32
		attempts int
		answers  string
	}
	const delivered = "report .*loopback: DELIVERED"
	wants := map[string]want{
		"990001": {time.Second, storage.Delivered, delivered, 0, 1, ""},
		"990002": {time.Second, storage.Delivered, "(?s)ENROUTE.*" + delivered, 0, 1, ""},
		"990010": {time.Second, storage.Undeliverable, "UNDELIVERABLE", 1, 1, ""},
		"990011": {time.Second, storage.Expired, "EXPIRED", 27, 1, ""},
		"990012": {time.Second, storage.Deleted, "DELETED", 0, 1, ""},
		"990013": {time.Second, storage.Rejected, "REJECTED", 21, 1, ""},
		"990014": {time.Second, storage.Unknown, "report .*UNKNOWN", 0, 1, ""},
		"990015": {time.Hour, storage.Enroute, "sent ", 0, 1, ""},
		"990016": {time.Second, storage.Delivered, delivered, 0, 1, ""},
		"990017": {time.Second, storage.Delivered, "(?s)sent .*" + delivered, 0, 1, ""}, // the router lets it wait for the answer
		"990018": {2 * time.Minute, storage.Delivered, delivered, 0, 1, ""},
		"990019": {6 * time.Second, storage.Delivered, delivered, 0, 1, ""},
		"990020": {time.Second, storage.Undeliverable, "refused part 1 of 1: loopback: the number ends in 990020", 10, 1, ""},
		"990021": {time.Second, storage.Undeliverable, "refused part 1 of 1: loopback", 21, 1, ""},
		"990022": {time.Hour, storage.Undeliverable, "refused part 1 of 1 for now", 42, 10, ""},
		"990023": {time.Minute, storage.Delivered, "(?s)for now.*for now.*" + delivered, 0, 3, ""},
		"990024": {time.Minute, storage.Delivered, "for now", 0, 6, ""},
		"990025": {time.Minute, storage.Delivered, "for now", 0, 3, ""},
		"990030": {time.Second, storage.Delivered, "(?s)unknown .*" + delivered, 0, 1, ""},
		"990031": {time.Hour, storage.Unknown, "unknown part 1 may have been sent", 0, 1, ""},
		"990032": {time.Second, storage.Undeliverable, "(?s)unknown .*UNDELIVERABLE", 1, 1, ""},
		"990040": {time.Second, storage.Delivered, delivered, 0, 1, "31612990040 to 31611111111 of acme: Hello"},
		"990041": {time.Second, storage.Delivered, delivered, 0, 1, "31612990041 to 31611111111 of acme: STOP"},
		"990042": {time.Second, storage.Delivered, delivered, 0, 1, "31612990042 to 31611111111 of acme: " + strings.Repeat("A long answer. ", 20)},
		"990043": {time.Second, storage.Delivered, delivered, 0, 1, "31612990043 to 31611111111 of acme: 你好 👍"},
	}
	for _, n := range Numbers() {
		t.Run(n.Suffix, func(t *testing.T) {
			w, ok := wants[n.Suffix]
			if !ok || n.What == "" {
				t.Fatal("not in this test, or says nothing")
			}
			inLoop(t, nil, func(t *testing.T, l *loop) {
				id := l.send("+31612"+n.Suffix, "Hello")
				after(w.at)
				m := l.message(id)
				if m.State != w.state || m.Cause != w.cause || m.Parts[0].Attempts != w.attempts {
					t.Errorf("%s, cause %d, %d attempts: %s", router.StateWord(m.State), m.Cause, m.Parts[0].Attempts, m.Reason)
				}
				if shown := timeline(m); !regexp.MustCompile(w.timeline).MatchString(shown) {
					t.Errorf("the timeline is %s", shown)
				}
				if got := strings.Join(l.answers(), "|"); got != w.answers {
					t.Errorf("answered %q", got)
				}
			})
		})
	}
}

func TestSettings_DelaysAndAnswer(t *testing.T) {
	inLoop(t, map[string]string{"send-delay": "2s", "report-delay": "10s", "answer": "You wrote: *"}, func(t *testing.T, l *loop) {
		id := l.send("+31612345678", "Hello")
		for at, want := range []string{1: "attempt", 3: "sent", 11: "DELIVERED"} {
			after(time.Second)
			if shown := timeline(l.message(id)); !strings.Contains(shown, want) {
				t.Errorf("after %d s: %s", at+1, shown)
			}
			if at < 9 && strings.Contains(timeline(l.message(id)), "DELIVERED") {
				t.Fatalf("delivered after %d s", at+1)
			}
		}
		if got := l.answers(); len(got) != 1 || !strings.HasSuffix(got[0], "You wrote: Hello") {
			t.Errorf("answered %q", got)
		}
		if c := l.ch.Counts(); c.Sent != 1 || c.Receipts != 1 || c.Received != 1 {
			t.Errorf("%+v", c)
		}
	})
}

func TestSettings_ShareFails(t *testing.T) {
	inLoop(t, map[string]string{"fail-share": "0.25", "fail-as": "expired"}, func(t *testing.T, l *loop) {
		var ids []storage.ID
		for range 200 {
			ids = append(ids, l.send("+31612345678", "Hello"))
		}
		after(time.Minute)
		states := map[storage.State]int{}
		for _, id := range ids {
			states[l.message(id).State]++
		}
		if n := states[storage.Expired]; n < 30 || n > 70 || states[storage.Delivered] != 200-n {
			t.Errorf("%v", states)
		}
	})
}

// The same seed lets the same messages fail, in any share another seed others.
func TestFails_BySeed(t *testing.T) {
	drawn := func(seed uint64, share float64) (ids []storage.ID) {
		s := settings{seed: seed, fail: share}
		for id := range storage.ID(10_000) {
			if s.fails(id) {
				ids = append(ids, id)
			}
		}
		return ids
	}
	for _, share := range []float64{0, 0.01, 0.5, 1} {
		if n := float64(len(drawn(1, share))); n < 10_000*share*0.7 || n > 10_000*share*1.3 {
			t.Errorf("of a share of %v, %v fail", share, n)
		}
	}
	if one := drawn(1, 0.25); !slices.Equal(one, drawn(1, 0.25)) || slices.Equal(one, drawn(2, 0.25)) {
		t.Error("not by the seed")
	}
}

func TestSettings_NoReports(t *testing.T) {
	inLoop(t, map[string]string{"reports": "no"}, func(t *testing.T, l *loop) {
		id := l.send("+31612345678", "Hello")
		after(time.Hour)
		if m := l.message(id); m.State != storage.Enroute {
			t.Errorf("%s", router.StateWord(m.State))
		}
	})
}

func TestSettings_Rate(t *testing.T) {
	inLoop(t, map[string]string{"rate": "10"}, func(t *testing.T, l *loop) {
		for range 50 {
			l.send("+31612345678", "Hello")
		}
		after(2500 * time.Millisecond)
		if n := l.ch.Counts().Sent; n < 20 || n > 30 {
			t.Errorf("%d in 2.5 s", n)
		}
	})
}

func TestParts_AsAHandsetWouldHaveThem(t *testing.T) {
	ch, err := New(Config{Record: record(nil)})
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]int{
		"": 1, "Hello": 1, strings.Repeat("a", 160): 1, strings.Repeat("a", 161): 2, strings.Repeat("你", 70): 1, strings.Repeat("你", 71): 2,
	} {
		if parts, err := ch.Parts(&storage.Message{Text: text}); err != nil || len(parts) != want {
			t.Errorf("%d octets: %d parts, %v", len(text), len(parts), err)
		}
	}
	var re *router.Error
	if _, err := ch.Parts(&storage.Message{Text: strings.Repeat("a", 40_000)}); !errors.As(err, &re) || re.Field != "text" {
		t.Errorf("%v", err)
	}
}

// A long message is delivered when all of its parts are.
func TestSend_LongText_EachPartReported(t *testing.T) {
	inLoop(t, nil, func(t *testing.T, l *loop) {
		id := l.send("+31612345678", strings.Repeat("A long text. ", 30))
		after(time.Second)
		if m := l.message(id); m.State != storage.Delivered || len(m.Parts) != 3 {
			t.Errorf("%s, %d parts", router.StateWord(m.State), len(m.Parts))
		}
	})
}

// Reports that are due when the gateway stops come after it has started again, and
// answers come once.
func TestRestart_ReportsThatAreDueCome(t *testing.T) {
	inLoop(t, map[string]string{"report-delay": "1m", "answer": "Yes"}, func(t *testing.T, l *loop) {
		var ids []storage.ID
		for i := range 20 {
			ids = append(ids, l.send(fmt.Sprintf("+316123456%02d", i), "Hello"))
		}
		failed, unsure := l.send("+31612990010", "Hello"), l.send("+31612990030", "Hello")
		after(10 * time.Second)
		l.stop()
		l.start()
		after(10 * time.Second)
		for _, id := range append(ids, failed) {
			if m := l.message(id); m.State != storage.Enroute {
				t.Errorf("too early: %s is %s", id, router.StateWord(m.State))
			}
		}
		after(time.Hour)
		l.stop()
		l.start()
		after(time.Hour)
		for _, id := range append(ids, unsure) {
			if m := l.message(id); m.State != storage.Delivered {
				t.Errorf("%s is %s", id, router.StateWord(m.State))
			}
		}
		if m := l.message(failed); m.State != storage.Undeliverable {
			t.Errorf("%s is %s", failed, router.StateWord(m.State))
		}
		if n := len(l.answers()); n != 20 {
			t.Errorf("%d answers", n)
		}
	})
}

// What is being sent when the gateway stops was not taken, and is sent again.
func TestStop_InMidSend_NotTaken(t *testing.T) {
	inLoop(t, map[string]string{"send-delay": "1h"}, func(t *testing.T, l *loop) {
		id := l.send("+31612345678", "Hello")
		after(time.Second)
		l.stop()
		synctest.Wait()
		if m := l.message(id); m.State != storage.Enroute || m.DueAt == 0 {
			t.Errorf("%s, due %d: %s", router.StateWord(m.State), m.DueAt, timeline(m))
		}
	})
}

func TestCheck_Mistakes_NameTheSetting(t *testing.T) {
	for key, value := range map[string]string{
		"send-delay": "soon", "report-delay": "-1s", "reports": "maybe", "fail-share": "2", "fail-as": "lost", "seed": "x", "window": "0", "rate": "-1",
		"answer": strings.Repeat("a", 1001), "colour": "blue",
	} {
		c := record(map[string]string{key: value})
		var re *router.Error
		if err := Check(&c); !errors.As(err, &re) || re.Field != "settings."+key || re.Hint == "" {
			t.Errorf("%s=%s: %v", key, value, err)
		}
	}
	for _, s := range Settings() {
		c := record(map[string]string{s.Key: s.Default})
		if err := Check(&c); err != nil || s.What == "" {
			t.Errorf("the default of %s: %v", s.Key, err)
		}
	}
}

func TestAgenda_InOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, got := newAgenda(3), ""
		ctx, cancel := context.WithCancel(t.Context())
		go a.run(ctx)
		now := time.Now()
		for _, at := range []struct {
			after time.Duration
			name  string
		}{{2 * time.Second, "c"}, {time.Second, "a"}, {time.Second, "b"}} {
			a.add(now.Add(at.after), func() { got += at.name })
		}
		if a.hasRoom() {
			t.Error("there is room for a fourth")
		}
		after(5 * time.Second)
		if got != "abc" {
			t.Errorf("got %s", got)
		}
		cancel()
		synctest.Wait()
	})
}
