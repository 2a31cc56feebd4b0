package httpchan

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"gsmgate/router"
	"gsmgate/router/pace"
	"gsmgate/storage"
)

// Config says what the channel is made of.
type Config struct {
	Record storage.Channel // of kind "http"
	Log    *slog.Logger
	Now    func() time.Time
	// BaseURL is where the provider reaches our listener for its calls,
	// "https://sms.example.net"; "" when it cannot.
	BaseURL string
	// Awaiting gives the provider's names for messages of a lane that await a report;
	// nil: they are not asked for.
	Awaiting func(lane string, most int) ([]string, error)
}

// Channel is a provider's HTTP interface behind router.Channel.
type Channel struct {
	name string
	lane string
	settings
	base string
	log  *slog.Logger
	now  func() time.Time
	pace *pace.Pace

	calls    chan struct{} // of the provider, at once
	callRate *rate.Limiter
	awaiting func(lane string, most int) ([]string, error)

	mu     sync.Mutex
	in     router.Inbox // nil while Run does not
	counts Counts
	ill    illness
	late   *lateNames
}

// Counts is what a channel has done since it was set up, or the gateway started.
type Counts struct {
	Sent      uint64 // requests that were answered with a name for the message
	Refused   uint64 // that were answered otherwise
	Throttled uint64 // of these, with a wish for less speed
	Unknown   uint64 // without an answer that can be read
	Receipts  uint64 // stored
	Unread    uint64 // calls that could not be read, or were not the provider's
	Received  uint64 // messages of handsets, or segments of them, stored
}

// illness is why the channel cannot send for a while.
type illness struct {
	why   string
	until time.Time
}

// New makes a channel of a record. An *router.Error names what is wrong.
func New(c Config) (*Channel, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if err := Check(&c.Record); err != nil {
		return nil, err
	}
	s, err := read(c.Record.HTTP)
	if err != nil {
		return nil, err
	}
	return &Channel{
		calls: make(chan struct{}, mostCalls), callRate: rate.NewLimiter(callsASecond, callsASecond), awaiting: c.Awaiting,
		name: c.Record.Name, lane: "http:" + c.Record.Name, settings: s, base: strings.TrimSuffix(c.BaseURL, "/"),
		log: c.Log.With("channel", c.Record.Name), now: c.Now, pace: pace.New(s.rate, c.Now), late: newLateNames(),
	}, nil
}

// Name is the channel's name, and that of its queue.
func (ch *Channel) Name() string { return ch.name }

// Carries says that messages to handsets leave by this channel.
func (ch *Channel) Carries(k storage.Kind) bool { return k == storage.MT }

// Parts says in how many requests m goes.
func (ch *Channel) Parts(m *storage.Message) ([]storage.Part, error) { return ch.d.parts(m) }

// Run drains the queue until ctx ends.
func (ch *Channel) Run(ctx context.Context, in router.Inbox) error {
	defer ch.client.CloseIdleConnections()
	ch.open(in)
	defer ch.open(nil)
	var all sync.WaitGroup
	defer all.Wait()
	all.Go(func() { ch.watchStale(ctx, in) })
	all.Go(func() { ch.pollAll(ctx) })
	return ch.serveLane(ctx, in)
}

func (ch *Channel) open(in router.Inbox) {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	ch.in = in
}

// segmentPatience is how long the segments of a long MO message are waited for
// before what there is goes to its user.
const segmentPatience = 24 * time.Hour

// watchStale delivers what came of long messages that never got complete.
func (ch *Channel) watchStale(ctx context.Context, in router.Inbox) {
	mine := func(lane string) bool { return lane == ch.lane }
	for router.Pause(ctx, time.Minute) == nil {
		err := in.Stale(ctx, mine, ch.now().Add(-segmentPatience), assemble)
		if err != nil && ctx.Err() == nil {
			ch.log.Error("incomplete long messages cannot be delivered", "err", err)
		}
	}
}

// Status is ready while nothing is known against it.
func (ch *Channel) Status() router.Status {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	if ch.ill.until.After(ch.now()) {
		return router.Status{Reason: ch.ill.why}
	}
	return router.Status{Ready: true}
}

// Counts tells what was done so far.
func (ch *Channel) Counts() Counts {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	return ch.counts
}

// Limit is messages a second now, 0 for no limit: less than what was set while the
// provider complains.
func (ch *Channel) Limit() float64 { return ch.pace.Limit() }

// Address is where messages go, for people.
func (ch *Channel) Address() string {
	head, _, err := ch.d.Send.head.fill(ch.setting, inHead)
	if err != nil {
		return ""
	}
	return head
}

func (ch *Channel) count(f func(*Counts)) {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	f(&ch.counts)
}

func (ch *Channel) setting(name string) string { return ch.values[name] }

func (ch *Channel) serveLane(ctx context.Context, in router.Inbox) error {
	lane := router.Lane{
		ID: ch.lane, Queue: ch.name, Window: ch.window, Says: "name", Prepare: ch.prepare,
		Forms: func(ref string) []string { return []string{ref} },
	}
	return in.Serve(ctx, lane, router.SenderFunc(ch.send))
}

// prepare gives the parts the name that we have for them, and what their reports
// are looked up by until the provider's is known.
func (ch *Channel) prepare(m *storage.Message) {
	for i := range m.Parts {
		p := &m.Parts[i]
		id := fmt.Sprintf("%s-%s-%d-%d", ch.token[:8], m.ID, i+1, p.Attempts+1)
		p.Wire, p.Match = []byte(id), tail(m.Dest.Addr)
		if ch.d.Answer.ID.given() {
			p.Match = router.RefMatch(ch.given(id))
		}
	}
}

// given is our name for a part as the provider has it.
func (ch *Channel) given(id string) string {
	if ch.d.Answer.ID.UUID {
		return uuidOf(id)
	}
	return id
}

// tail is what a recipient is looked up by: providers write a number with and
// without its country.
func tail(addr string) string { return addr[max(0, len(addr)-8):] }

// request makes the request for part i.
func (ch *Channel) request(m *storage.Message, i int) (*filled, string, error) {
	o, err := ch.d.outgoing(m, i, ch.now())
	if err != nil {
		return nil, "", err
	}
	r := &ch.d.Send
	if binary(m) && ch.d.Binary != nil {
		r = ch.d.Binary
	}
	f, err := r.fill(ch.valuesOf(o))
	return f, ch.given(o.id), err
}

// valuesOf joins what a message has with the settings.
func (ch *Channel) valuesOf(o *outgoing) values {
	return func(name string) string {
		if by, ok := ch.d.Values[name]; ok {
			return by[o.encoding]
		}
		if v, ok := o.value(name); ok {
			return v
		}
		switch name {
		case "from_plus":
			return plus(storage.Address{Addr: ch.values["from"]})
		case "report_url":
			return ch.callURL(reportWord)
		case "incoming_url":
			return ch.callURL(incomingWord)
		}
		return ch.values[name]
	}
}

// send sends part i and gives the provider's name for it.
func (ch *Channel) send(ctx context.Context, m *storage.Message, i int) (string, error) {
	f, ours, err := ch.request(m, i)
	if err != nil {
		return "", &router.SendError{Outcome: router.RefusedForGood, Elsewhere: true, Err: err}
	}
	if err := ch.pace.Wait(ctx); err != nil {
		return "", &router.SendError{Outcome: router.RefusedForNow, Untried: true, Err: err}
	}
	u, err := ch.deliver(ctx, f, ours)
	if err != nil {
		return "", ch.unanswered(err)
	}
	if u.Class == Accepted {
		ch.late.add(u.Others)
		ch.well()
		return u.ID, nil
	}
	return "", ch.refused(&u)
}

// The same request is sent again when its outcome is unknown and the provider knows
// it by its key.
const repeats = 3

// deliver sends a request. ctx does not end it at once: what is out is out. One that
// may be out stays in doubt until the provider says what became of it: that a repeat
// found nobody, or came at a bad time, says nothing of the first.
func (ch *Channel) deliver(ctx context.Context, f *filled, ours string) (u Understood, err error) {
	doubt := false
	for try := 1; ; try++ {
		u, err = ch.once(ctx, f, ours)
		doubt = doubt || unsure(&u, err)
		if !doubt || err == nil && u.Class.tells() || !ch.d.Idempotent || try > repeats || router.Pause(ctx, time.Second<<(try-1)) != nil {
			break
		}
	}
	switch {
	case doubt && err != nil:
		err = &callError{true, err}
	case doubt && !u.Class.tells():
		u.Class = Unsure
	}
	return u, err
}

// unsure says whether the request may be out.
func unsure(u *Understood, err error) bool {
	left := (*callError)(nil)
	return err == nil && u.Class == Unsure || errors.As(err, &left) && left.left
}

// stopTime is how long an answer is waited for when the gateway stops.
const stopTime = 10 * time.Second

func (ch *Channel) once(ctx context.Context, f *filled, ours string) (Understood, error) {
	own, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(nil)
	end := time.Now().Add(ch.timeout)
	patience := time.AfterFunc(ch.timeout, func() { cancel(errNoAnswer) })
	defer patience.Stop()
	defer context.AfterFunc(ctx, func() { patience.Reset(min(stopTime, time.Until(end))) })()
	r, err := ch.exchange(own, f)
	if err != nil {
		return Understood{}, err
	}
	u := ch.d.Answer.understand(r, ours)
	u.Reason, u.Code = ch.mask(u.Reason), ch.mask(u.Code)
	return u, nil
}

// well notes that a message was taken.
func (ch *Channel) well() {
	ch.count(func(c *Counts) { c.Sent++ })
	ch.mu.Lock()
	defer ch.mu.Unlock()
	ch.ill = illness{}
}

// fellIll notes why nothing can be sent for a while.
func (ch *Channel) fellIll(why string, wait time.Duration) {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	if ch.ill.why != why {
		ch.log.Warn("the provider cannot be used", "err", why)
	}
	ch.ill = illness{why, ch.now().Add(wait)}
}

var _ router.Channel = (*Channel)(nil)
