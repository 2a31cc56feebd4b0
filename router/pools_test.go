package router

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gsmgate/storage"
)

// poolOfSIM puts a SIM into a pool and the user into one.
func (b *bench) pools(sim, simPool, userPool string) {
	b.t.Helper()
	if _, err := b.r.SetSIM(b.t.Context(), sim, SIMChange{Pool: &simPool}); err != nil {
		b.t.Fatal(err)
	}
	if _, err := b.r.SetUser(b.t.Context(), "acme", UserChange{UserSettings: UserSettings{Pool: &userPool}}); err != nil {
		b.t.Fatal(err)
	}
}

const cardOne, cardTwo = "8931440000000000017", "8931440000000000025"

func TestPool_MessageGoesByItsPoolOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vip := lane("sim:2")
		vip.Queue = storage.PoolQueue("gsm", "vip")
		b := running(t, &scripted{lanes: []Lane{lane("sim:1"), vip}, answer: ok}, Options{})
		b.send("a")
		synctest.Wait()
		b.pools(cardOne, "vip", "vip")
		b.send("b|c")
		synctest.Wait()
		if got := b.c.log(); got != "sim:1 a/1; sim:2 b|c/1; sim:2 b|c/2" {
			t.Errorf("sent %s", got)
		}
		if cs := b.r.Channels(); len(cs) != 1 || len(cs[0].Lanes) != 2 || cs[0].Lanes[1].Queue != "gsm/vip" {
			t.Errorf("channels %+v", cs)
		}
	})
}

func TestPool_NoSIMNamesIt_RefusedAtTheEdge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := running(t, &scripted{answer: ok}, Options{})
		b.pools(cardOne, "", "vip")
		_, err := b.r.SubmitSync(t.Context(), &storage.Message{Kind: storage.MT, User: "acme", Dest: storage.Address{Addr: "31612345678"}, Text: "x"})
		var re *Error
		if !errors.As(err, &re) || re.Code != NoRoute || re.Field != "pool" || !strings.Contains(re.Hint, "--pool vip") {
			t.Errorf("got %v", err)
		}
		b.pools(cardOne, "vip", "vip")
		id := b.send("x") // its SIM is in no modem: it waits
		m := b.expect(id, storage.Enroute, 9, 0)
		if waits := b.r.Explain().Waits(m); len(waits) != 1 || waits[0].Reason != "no SIM is in pool vip" {
			t.Errorf("waits %+v", waits)
		}
	})
}

func TestPool_Name_Checked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := running(t, &scripted{answer: ok}, Options{})
		for _, name := range []string{"a b", "A", "x/y", "x#y", strings.Repeat("x", 33)} {
			var re *Error
			_, err := b.r.SetSIM(t.Context(), cardOne, SIMChange{Pool: &name})
			if !errors.As(err, &re) || re.Field != "pool" {
				t.Errorf("SIM, %q: %v", name, err)
			}
			_, err = b.r.SetUser(t.Context(), "acme", UserChange{UserSettings: UserSettings{Pool: &name}})
			if !errors.As(err, &re) || re.Field != "pool" {
				t.Errorf("user, %q: %v", name, err)
			}
		}
	})
}

// A part of a message that was refused for now stays with its lane, whatever
// pool that is in by then.
func TestPool_LaneMoved_BegunMessageStaysWithIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &scripted{}
		c.answer = func(ctx context.Context, lane string, m *storage.Message, i int) (string, error) {
			if i == 1 && m.Parts[1].Attempts == 1 {
				return "", &SendError{Outcome: RefusedForNow, Wait: time.Minute, Err: errors.New("busy")}
			}
			return ok(ctx, lane, m, i)
		}
		b := running(t, c, Options{})
		send := SenderFunc(func(ctx context.Context, m *storage.Message, i int) (string, error) {
			c.mu.Lock()
			c.sent = append(c.sent, fmt.Sprintf("%s/%d", m.Text, i+1))
			c.mu.Unlock()
			return c.answer(ctx, "sim:1", m, i)
		})
		for _, queue := range []string{"gsm", "gsm/vip"} {
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			l := lane("sim:1")
			l.Queue = queue
			go func() { done <- b.r.Serve(ctx, l, send) }()
			if queue == "gsm" {
				b.send("a|b")
			}
			pass(2 * time.Minute * time.Duration(len(queue)/4))
			cancel()
			<-done
		}
		if got := c.log(); got != "a|b/1; a|b/2; a|b/2" {
			t.Errorf("sent %s", got)
		}
	})
}

func TestSticky_SameRecipient_SameLane_WhileItIsReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one, two := newValve(), newValve()
		b := running(t, &scripted{lanes: []Lane{gated("sim:1", one), gated("sim:2", two)}, answer: ok}, Options{})
		two.set(Hold{Reason: "off"})
		b.send("first")
		synctest.Wait()
		two.set(Hold{})
		for i := range 4 {
			b.send(fmt.Sprint(i))
			pass(time.Second)
		}
		if got := b.c.log(); strings.Contains(got, "sim:2") {
			t.Errorf("sent %s", got)
		}
	})
}

func TestSticky_LaneNotReady_OtherAfterABoundedWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one, two := newValve(), newValve()
		b := running(t, &scripted{lanes: []Lane{gated("sim:1", one), gated("sim:2", two)}, answer: ok}, Options{StickyWait: 20 * time.Second})
		two.set(Hold{Reason: "off"})
		b.send("first")
		synctest.Wait()
		two.set(Hold{})
		one.set(Hold{Until: time.Now().Add(15 * time.Second), Reason: "short"})
		b.send("worth it")
		pass(16 * time.Second)
		one.set(Hold{Until: time.Now().Add(time.Hour), Reason: "long"})
		b.send("at once")
		synctest.Wait()
		if got := b.c.log(); got != "sim:1 first/1; sim:1 worth it/1; sim:2 at once/1" {
			t.Errorf("sent %s", got)
		}
		one.set(Hold{Until: time.Now().Add(15 * time.Second), Reason: "short"})
		two.set(Hold{Until: time.Now().Add(time.Second), Reason: "short"})
		id := b.send("x")
		two.set(Hold{Until: time.Now().Add(time.Hour), Reason: "long after all"})
		one.set(Hold{})
		pass(19 * time.Second)
		m, _ := b.r.Message(id)
		if waits := b.r.Explain().Waits(m); len(waits) != 1 || !strings.Contains(waits[0].Reason, "sim:2, which wrote to its recipient last: long after all") {
			t.Errorf("waits %+v", waits)
		}
		pass(6 * time.Second)
		if got := b.c.log(); !strings.HasSuffix(got, "; sim:1 x/1") {
			t.Errorf("sent %s", got)
		}
	})
}

// Many to one recipient, in any order: the other lanes do not stand idle.
func TestSticky_Flood_SharedByAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &scripted{}
		for i := range 4 {
			c.lanes = append(c.lanes, lane(fmt.Sprintf("sim:%d", i)))
		}
		c.answer = func(ctx context.Context, lane string, m *storage.Message, i int) (string, error) {
			time.Sleep(time.Second)
			return ok(ctx, lane, m, i)
		}
		b := running(t, c, Options{})
		if _, err := b.r.Credit(t.Context(), "acme", 1000*storage.Credit, "more"); err != nil {
			t.Fatal(err)
		}
		anyOrder := true
		if _, err := b.r.SetUser(t.Context(), "acme", UserChange{UserSettings: UserSettings{AnyOrder: &anyOrder}}); err != nil {
			t.Fatal(err)
		}
		for i := range 40 {
			b.send(fmt.Sprint(i))
		}
		pass(12 * time.Second)
		if n := strings.Count(c.log(), ";") + 1; n != 40 {
			t.Errorf("%d of 40 sent in 12 s by 4 lanes at 1 s", n)
		}
	})
}

func TestSticky_HeardFrom_AnswerGoesByTheSameLane_AlsoAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &scripted{lanes: []Lane{lane("sim:1"), lane("sim:2")}, answer: ok}
		b := running(t, c, Options{})
		pass(time.Second)
		_, err := b.r.SubmitSync(t.Context(), &storage.Message{Kind: storage.MO, Origin: "sim:2", Source: storage.Address{TON: 1, Addr: "31612345678"}, Dest: storage.Address{Addr: "+31611111111"}, Text: "hi"})
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			b.send("x", func(m *storage.Message) { m.Dest = storage.Address{Addr: "0612345678"} })
			pass(time.Second)
		}
		b.stop()
		b.r = New(b.db, Options{})
		b.r.Add(c)
		b.start()
		defer b.stop()
		pass(time.Second)
		b.send("y")
		pass(time.Second)
		if got := c.log(); strings.Contains(got, "sim:1") || strings.Count(got, "sim:2") != 4 {
			t.Errorf("sent %s", got)
		}
	})
}

func TestSticky_Off_OrTooLongAgo_AnyLane(t *testing.T) {
	for _, o := range []Options{{Sticky: -1}, {Sticky: time.Minute}} {
		synctest.Test(t, func(t *testing.T) {
			one, two := newValve(), newValve()
			b := running(t, &scripted{lanes: []Lane{gated("sim:1", one), gated("sim:2", two)}, answer: ok}, o)
			two.set(Hold{Reason: "off"})
			b.send("first")
			pass(2 * time.Minute)
			one.set(Hold{Until: time.Now().Add(5 * time.Second), Reason: "for a moment"})
			two.set(Hold{})
			b.send("x")
			synctest.Wait()
			if got := b.c.log(); got != "sim:1 first/1; sim:2 x/1" {
				t.Errorf("%+v: sent %s", o, got)
			}
		})
	}
}

func TestLastLanes_Bounded_NewestStay(t *testing.T) {
	l := newLastLanes(lanesByDigits)
	l.most = 100
	for i := range 1000 {
		l.note("gsm", storage.Address{Addr: fmt.Sprintf("3160000%04d", i)}, fmt.Sprintf("sim:%d", i%7), storage.Time(i*1000+1000))
	}
	if n := len(l.new) + len(l.old); n > 200 {
		t.Errorf("%d entries", n)
	}
	if got := l.of("gsm", storage.Address{Addr: "31600000999"}, 0); got != "sim:5" {
		t.Errorf("the newest: %q", got)
	}
	if got := l.of("gsm", storage.Address{Addr: "31600000001"}, 0); got != "" {
		t.Errorf("the oldest: %q", got)
	}
	l.note("gsm", storage.Address{Addr: "31600000999"}, "sim:0", 5000)
	if got := l.of("gsm", storage.Address{Addr: "+31600000999"}, 0); got != "sim:5" {
		t.Errorf("an older one won: %q", got)
	}
	l.note("gsm", storage.Address{TON: alphanumeric, Addr: "Bank"}, "sim:0", 5000)
	if got := l.of("gsm", storage.Address{Addr: "Bank"}, 0); got != "" {
		t.Errorf("a name: %q", got)
	}
}

// What all recipients that are remembered take.
func BenchmarkLastLanes_Memory(b *testing.B) {
	var before, after runtime.MemStats
	for b.Loop() {
		runtime.GC()
		runtime.ReadMemStats(&before)
		l := newLastLanes(lanesByDigits)
		for i := range 2 * mostTalkers {
			l.note("gsm", storage.Address{Addr: fmt.Sprintf("316%08d", i)}, "sim:1", storage.Time(i)*1000)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/1024/1024, "MiB")
		runtime.KeepAlive(l)
	}
}

// waits gives why a message waits.
func (b *bench) waits(id storage.ID) string {
	b.t.Helper()
	var all []string
	for _, w := range b.r.Explain().Waits(b.message(id)) {
		all = append(all, w.Reason)
	}
	return strings.Join(all, "; ")
}

func (b *bench) waitsFor(id storage.ID, text string) {
	b.t.Helper()
	if got := b.waits(id); !strings.Contains(got, text) {
		b.t.Errorf("%q, want %q", got, text)
	}
}

func TestExplain_EachReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, block := newValve(), make(chan struct{})
		c := &scripted{lanes: []Lane{gated("sim:1", v)}}
		c.answer = func(ctx context.Context, lane string, m *storage.Message, i int) (string, error) {
			if m.Text == "slow" {
				<-block
			}
			if m.Text == "busy" {
				return "", &SendError{Outcome: RefusedForNow, Wait: time.Hour, Err: errors.New("the network is congested")}
			}
			return ok(ctx, lane, m, i)
		}
		b := running(t, c, Options{Sticky: -1})
		sent := b.send("sent")
		busy := b.send("busy")
		pass(time.Second)
		b.waitsFor(sent, "waits for the report of the network")
		b.waitsFor(busy, "it is tried again")
		b.waitsFor(b.send("o"), "behind message "+busy.String()+" of the same user to the same recipient, which is tried again at")
		slow := b.send("slow", to("31600000001"))
		synctest.Wait()
		b.waitsFor(slow, "part 1 of 1 is being sent")
		next, after := b.send("n", to("31600000002")), b.send("a", to("31600000003"))
		b.waitsFor(next, "it is the next one")
		b.waitsFor(after, "behind 1 others in queue gsm")
		b.waitsFor(b.send("sl", to("31600000001")), "behind message "+slow.String()+" of the same user")
		b.waitsFor(b.send("s", func(m *storage.Message) { m.DueAt = storage.TimeOf(time.Now().Add(time.Hour)) }), "it is scheduled")
		v.set(Hold{Until: time.Now().Add(time.Hour), Reason: "quiet hours until 07:00"})
		b.waitsFor(next, "no SIM of the default pool is ready; sim:1: quiet hours until 07:00")
		mo, err := b.r.SubmitSync(t.Context(), &storage.Message{Kind: storage.MO, Dest: storage.Address{Addr: "+31611111111"}, Text: "hi"})
		if err != nil {
			t.Fatal(err)
		}
		b.waitsFor(mo, "no channel drains queue user:acme")
		close(block)
		synctest.Wait()
		b.report("sim:1", "sent-1", storage.Delivered)
		if got := b.waits(sent); got != "" {
			t.Errorf("ended, and waits: %q", got)
		}
	})
}

func TestWaits_AnotherChannel_NotCalledSIM(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		block := make(chan struct{})
		b, _ := bank(t, &scripted{lanes: []Lane{lane("sim:1")}, answer: ok}, func(ctx context.Context, lane string, m *storage.Message, i int) (string, error) {
			<-block
			return "", &SendError{Outcome: RefusedForNow, LaneIll: true, Wait: time.Hour, Err: errors.New("ESME_RSYSERR")}
		})
		b.route(nil, "smpp:x")
		b.send("a", to("31600000001"))
		synctest.Wait()
		id := b.send("b", to("31600000002"))
		b.waitsFor(id, "as many as channel smpp:x may have at once are on their way; it is the next one")
		close(block)
		pass(time.Minute)
		b.waitsFor(id, "channel smpp:x is not ready; x:1: ESME_RSYSERR")
	})
}
