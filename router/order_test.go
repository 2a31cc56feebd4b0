package router

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"gsmgate/storage"
)

// clientele is a channel of users with one user, acme, who is bound or not.
type clientele struct {
	lane   Lane
	answer func(ctx context.Context, m *storage.Message) error

	in   Inbox
	ctx  context.Context
	all  sync.WaitGroup
	stop func()

	mu   sync.Mutex
	sent []string       // texts, in the order of sending
	busy map[string]int // conversation → on their way
	most int            // on their way at once
}

func (c *clientele) Name() string                { return "user" }
func (c *clientele) Carries(k storage.Kind) bool { return k != storage.MT }
func (c *clientele) Parts(*storage.Message) ([]storage.Part, error) {
	return make([]storage.Part, 1), nil
}
func (c *clientele) Status() Status { return Status{Ready: true} }

func (c *clientele) Run(ctx context.Context, in Inbox) error {
	c.in, c.ctx = in, ctx
	<-ctx.Done()
	c.all.Wait()
	return ctx.Err()
}

func (c *clientele) bind() {
	ctx, cancel := context.WithCancel(c.ctx)
	done := make(chan struct{})
	c.all.Go(func() {
		defer close(done)
		c.in.Serve(ctx, c.lane, SenderFunc(func(ctx context.Context, m *storage.Message, _ int) (string, error) {
			return "", c.send(ctx, m)
		}))
	})
	c.stop = func() { cancel(); <-done }
}

func (c *clientele) send(ctx context.Context, m *storage.Message) error {
	key := conversation(m)
	c.mu.Lock()
	c.sent = append(c.sent, m.Text)
	c.busy[key]++
	n := 0
	for _, k := range c.busy {
		n += k
	}
	c.most = max(c.most, n)
	if c.busy[key] > 1 {
		c.sent = append(c.sent, "two at once: "+m.Text)
	}
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		c.busy[key]--
		c.mu.Unlock()
	}()
	return c.answer(ctx, m)
}

func (c *clientele) log() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Join(c.sent, " ")
}

// forget makes the log empty.
func (c *clientele) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sent = nil
}

// of is what was sent of one conversation, as texts begin with its letter.
func (c *clientele) of(prefix string) string {
	return strings.Join(slices.DeleteFunc(strings.Fields(c.log()), func(s string) bool { return !strings.HasPrefix(s, prefix) }), " ")
}

// staffed starts a router with a clientele whose lane is ordered, and binds acme.
func staffed(t *testing.T, window int, answer func(ctx context.Context, m *storage.Message) error) (*bench, *clientele) {
	t.Helper()
	c := &clientele{answer: answer, busy: map[string]int{}, lane: Lane{
		ID: "user:acme", Queue: UserQueue("acme"), Window: window, Order: conversation, MaxRest: 30 * time.Second,
	}}
	b := running(t, &scripted{}, Options{KeepCount: 100_000})
	b.stop()
	b.r.Add(c)
	b.start()
	synctest.Wait()
	c.bind()
	return b, c
}

// mo stores messages from handsets; the conversation of one is its first letter.
func (b *bench) mo(texts ...string) (ids []storage.ID) {
	b.t.Helper()
	for _, text := range texts {
		id, err := b.r.SubmitSync(b.t.Context(), &storage.Message{Kind: storage.MO, Text: text,
			Source: storage.Address{Addr: text[:1]}, Dest: storage.Address{TON: 1, NPI: 1, Addr: "31610000000"}})
		if err != nil {
			b.t.Fatal(err)
		}
		ids = append(ids, id)
	}
	return ids
}

func numbered(prefix string, n int) (texts []string) {
	for i := range n {
		texts = append(texts, fmt.Sprint(prefix, i+1))
	}
	return texts
}

func (b *bench) state(id storage.ID) *storage.Message {
	b.t.Helper()
	m, err := b.r.Message(id)
	if err != nil {
		b.t.Fatal(err)
	}
	return m
}

func refusal(ill bool) error {
	return &SendError{Outcome: RefusedForNow, LaneIll: ill, Err: errors.New("the client answered X")}
}

func yes(context.Context, *storage.Message) error { return nil }

func TestOrder_Conversations_EachInOrder_InParallel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, c := staffed(t, 10, func(_ context.Context, m *storage.Message) error {
			time.Sleep(time.Duration(len(m.Text)+int(m.ID)%7) * time.Millisecond)
			return nil
		})
		c.stop()
		for i := range 20 {
			b.mo(fmt.Sprint("a", i+1), fmt.Sprint("b", i+1), fmt.Sprint("c", i+1))
		}
		c.bind()
		pass(time.Minute)
		for _, conv := range []string{"a", "b", "c"} {
			if got, want := c.of(conv), strings.Join(numbered(conv, 20), " "); got != want {
				t.Errorf("sent %s", got)
			}
		}
		if c.most != 3 {
			t.Errorf("%d on their way at once, want one of each conversation", c.most)
		}
	})
}

func TestOrder_RefusedForNow_HoldsBackItsConversationAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tries := 0
		b, c := staffed(t, 10, func(_ context.Context, m *storage.Message) error {
			if m.Text == "a1" {
				if tries++; tries < 4 {
					return refusal(false)
				}
			}
			return nil
		})
		ids := b.mo("a1", "a2", "a3", "b1", "b2")
		synctest.Wait()
		if c.of("a") != "a1" || c.of("b") != "b1 b2" {
			t.Errorf("sent %s", c.log())
		}
		if why := b.r.Why(b.state(ids[1])); !strings.Contains(why, "behind message "+ids[0].String()) || !strings.Contains(why, "the client answered X") {
			t.Errorf("a2 waits: %s", why)
		}
		if why := b.r.Why(b.state(ids[0])); !strings.Contains(why, "not before") {
			t.Errorf("a1 waits: %s", why)
		}
		pass(time.Minute)
		if got := c.of("a"); got != "a1 a1 a1 a1 a2 a3" {
			t.Errorf("sent %s", got)
		}
		if m := b.state(ids[1]); m.Parts[0].Attempts != 1 || m.State != storage.Delivered || len(m.Events) != 3 {
			t.Errorf("waiting behind another left a mark: %+v", m)
		}
	})
}

// The place of a refused message is on disk, the time that it waits is not: a
// client that binds anew gets all at once and in order.
func TestOrder_RefusedThenUnbound_TheNextBindGetsItFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refuse := true
		b, c := staffed(t, 10, func(context.Context, *storage.Message) error {
			if refuse {
				return refusal(false)
			}
			return nil
		})
		b.mo("a1")
		pass(10 * time.Second)
		c.stop()
		pass(time.Hour)
		b.mo("a2")
		b.stop() // and the gateway starts anew
		refuse = false
		c.forget()
		b.start()
		synctest.Wait()
		c.bind()
		b.mo("a3")
		synctest.Wait()
		if got := c.log(); got != "a1 a2 a3" {
			t.Errorf("sent %s", got)
		}
	})
}

// More of one conversation than its chain holds, before another one.
func TestOrder_LongConversation_StarvesNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, c := staffed(t, 4, func(context.Context, *storage.Message) error {
			time.Sleep(time.Second)
			return nil
		})
		c.stop()
		const long = 3*chainSize + 10
		b.mo(numbered("a", long)...)
		b.mo("b1", "b2")
		c.bind()
		pass(2500 * time.Millisecond)
		if c.of("a") != "a1 a2 a3" || c.of("b") != "b1 b2" {
			t.Errorf("sent %s", c.log())
		}
		if n := b.inMemory(); n == 0 || n > chainSize+4 {
			t.Errorf("%d messages are in memory", n)
		}
		pass(time.Hour)
		if got := c.of("a"); got != strings.Join(numbered("a", long), " ") {
			t.Errorf("sent %s", got)
		}
		if n := b.inMemory(); n != 0 {
			t.Errorf("%d things are left in memory", n)
		}
	})
}

// inMemory counts what acme's lane knows, or the conversations when those are
// more.
func (b *bench) inMemory() int {
	o := b.r.laneOf(UserQueue("acme")).line
	o.mu.Lock()
	defer o.mu.Unlock()
	return max(len(o.known), len(o.talks), len(o.ready)+len(o.gaps)+len(o.held))
}

// Interleaved, with gaps in all of them, and new ones coming meanwhile.
func TestOrder_ManyLongConversations_AllArriveInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, c := staffed(t, 4, func(_ context.Context, m *storage.Message) error {
			time.Sleep(time.Duration(1+int(m.ID)%3) * time.Millisecond)
			return nil
		})
		c.stop()
		const each = 2*chainSize + 100
		var texts []string
		for i := range each {
			texts = append(texts, fmt.Sprint("a", i+1), fmt.Sprint("b", i+1), fmt.Sprint("c", i+1))
		}
		b.mo(texts[:len(texts)/2]...)
		c.bind()
		b.mo(texts[len(texts)/2:]...)
		pass(time.Hour)
		for _, conv := range []string{"a", "b", "c"} {
			if c.of(conv) != strings.Join(numbered(conv, each), " ") {
				t.Errorf("conversation %s is not in order", conv)
			}
		}
	})
}

// A message that the client never takes, while it takes others.
func TestOrder_OneMessageAlwaysRefused_OthersGoOnAfterThreeTries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, c := staffed(t, 1, func(_ context.Context, m *storage.Message) error {
			if m.Text == "a1" {
				return refusal(true)
			}
			return nil
		})
		b.mo("a1", "a2")
		synctest.Wait()
		b.mo("b1", "c1", "d1")
		pass(2500 * time.Millisecond)
		if got := c.log(); got != "a1 a1 a1" {
			t.Errorf("before the third try was over: %s", got)
		}
		pass(time.Second)
		if got := c.log(); got != "a1 a1 a1 b1 c1 d1" && got != "a1 a1 a1 c1 b1 d1" {
			t.Errorf("after it: %s", got)
		}
		pass(10 * time.Minute)
		start := time.Now()
		b.mo("e1")
		synctest.Wait()
		if got := c.of("e"); got != "e1" || time.Since(start) > 0 || c.of("a2") != "" {
			t.Errorf("sent %s", c.log())
		}
	})
}

func TestOrder_ClientTakesNothing_RestsGrow_OneProbeEach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ill atomic.Bool
		ill.Store(true)
		b, c := staffed(t, 50, func(context.Context, *storage.Message) error {
			time.Sleep(time.Millisecond)
			if ill.Load() {
				return refusal(true)
			}
			return nil
		})
		c.stop()
		var all []string
		for i := range 20 {
			all = append(all, string(rune('a'+i)))
		}
		ids := b.mo(all...)
		c.bind()
		pass(500 * time.Millisecond)
		if n := len(strings.Fields(c.log())); n != 20 {
			t.Errorf("%d sent before the first answer, want 20", n)
		}
		if why := b.r.Why(b.state(ids[7])); !strings.Contains(why, "nothing is sent to user acme before") {
			t.Errorf("it waits: %s", why)
		}
		c.forget()
		pass(10 * time.Minute)
		if n := len(strings.Fields(c.log())); n < 18 || n > 60 {
			t.Errorf("%d tries in ten minutes", n)
		}
		ill.Store(false)
		pass(31 * time.Second)
		c.forget()
		pass(6 * time.Minute)
		for i, id := range ids {
			if m := b.state(id); m.State != storage.Delivered {
				t.Errorf("%s is %s", all[i], StateWord(m.State))
			}
		}
	})
}

func TestOrder_Wake_EndsRestAndHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ill atomic.Bool
		ill.Store(true)
		b, c := staffed(t, 5, func(context.Context, *storage.Message) error {
			if ill.Load() {
				return &SendError{Outcome: RefusedForNow, LaneIll: true, Wait: time.Hour, Err: errors.New("ill")}
			}
			return nil
		})
		c.stop()
		wake := make(chan struct{}, 1)
		c.lane.Wake, c.lane.MaxRest = wake, 0
		b.mo("a1", "b1", "a2")
		c.bind()
		pass(30 * time.Second)
		ill.Store(false)
		c.forget()
		wake <- struct{}{}
		synctest.Wait()
		if n := len(strings.Fields(c.log())); n != 3 {
			t.Errorf("sent %s", c.log())
		}
	})
}

func TestOrder_Untried_NoAttemptNoNote(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tries := 0
		b, c := staffed(t, 1, func(context.Context, *storage.Message) error {
			if tries++; tries < 3 {
				return &SendError{Outcome: RefusedForNow, Untried: true, Err: errors.New("no session")}
			}
			return nil
		})
		id := b.mo("a1")[0]
		synctest.Wait()
		if m := b.state(id); m.State != storage.Delivered || m.Parts[0].Attempts != 1 || c.log() != "a1 a1 a1" {
			t.Errorf("sent %s: %+v", c.log(), m)
		}
	})
}

func TestOrder_NobodyTakesIt_OthersPassUntilWoken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, c := staffed(t, 5, yes)
		c.stop()
		var mu sync.Mutex
		no := "nobody takes it"
		asked := 0
		wake := make(chan struct{}, 1)
		c.lane.Wake = wake
		c.lane.Takes = func(m *storage.Message) string {
			mu.Lock()
			defer mu.Unlock()
			if asked++; m.Text[0] == 'a' {
				return no
			}
			return ""
		}
		c.bind()
		ids := b.mo("a1", "a2", "b1", "a3", "b2")
		pass(time.Hour)
		if c.log() != "b1 b2" || asked > 20 {
			t.Errorf("sent %s, asked %d times", c.log(), asked)
		}
		if why := b.r.Why(b.state(ids[0])); why != "nobody takes it" {
			t.Errorf("it waits: %s", why)
		}
		mu.Lock()
		no = ""
		mu.Unlock()
		wake <- struct{}{}
		synctest.Wait()
		if got := c.of("a"); got != "a1 a2 a3" {
			t.Errorf("sent %s", got)
		}
	})
}

func TestOrder_RefusedTooOften_ForGood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, c := staffed(t, 5, func(_ context.Context, m *storage.Message) error {
			if m.Text == "a1" {
				return &SendError{Outcome: RefusedForNow, Tries: 3, Err: errors.New("the client answered generic_nack")}
			}
			return nil
		})
		id := b.mo("a1", "a2")[0]
		pass(time.Minute)
		if m := b.state(id); m.State != storage.Rejected || c.log() != "a1 a1 a1 a2" {
			t.Errorf("sent %s, state %s", c.log(), StateWord(m.State))
		}
	})
}

// What was not answered when the lane or the gateway went away is sent again,
// what was answered is not.
func TestOrder_LaneEndsWithMessagesOutstanding_SentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, c := staffed(t, 5, func(ctx context.Context, m *storage.Message) error {
			if strings.HasSuffix(m.Text, "1") {
				return nil
			}
			<-ctx.Done()
			return &SendError{Outcome: UnknownOutcome, Err: errors.New("the session is over")}
		})
		ids := b.mo("a1", "a2", "a3", "b2")
		synctest.Wait()
		b.stop()
		if c.of("a") != "a1 a2" || c.of("b") != "b2" {
			t.Errorf("sent %s", c.log())
		}
		c.answer = yes
		c.forget()
		b.start()
		synctest.Wait()
		c.bind()
		synctest.Wait()
		if c.of("a") != "a2 a3" || c.of("b") != "b2" {
			t.Errorf("sent again %s", c.log())
		}
		if m := b.state(ids[1]); m.Parts[0].Attempts != 2 || !strings.Contains(fmt.Sprint(m.Events), "unanswered") {
			t.Errorf("%+v", m)
		}
	})
}

func TestOrder_Expired_NotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, c := staffed(t, 5, yes)
		c.stop()
		id := b.mo("a1")[0]
		pass(31 * 24 * time.Hour)
		if m := b.state(id); m.State != storage.Expired || c.log() != "" {
			t.Errorf("state %s, sent %s", StateWord(m.State), c.log())
		}
	})
}
