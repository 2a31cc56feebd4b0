package esmechan

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"gsmgate/router"
	"gsmgate/router/pace"
	"gsmgate/smppd/esme"
	"gsmgate/smppd/smpp"
	"gsmgate/storage"
)

// Config says what the channel is made of.
type Config struct {
	Record storage.Channel // of kind "smpp"
	Log    *slog.Logger
	Now    func() time.Time
}

// Channel is a provider's SMSC behind router.Channel.
type Channel struct {
	name string
	settings
	log  *slog.Logger
	now  func() time.Time
	pace *pace.Pace
	refs router.References

	in    router.Inbox // set by Run before a bind is made
	binds []*bind

	mu     sync.Mutex
	counts Counts
}

// Counts is what a channel has done since it was set up, or the gateway started.
type Counts struct {
	Sent      uint64 // submits that were answered with a message_id
	Refused   uint64 // submits that were answered with another status
	Throttled uint64 // of these, with one that asks for less speed
	Unknown   uint64 // submits without an answer
	Receipts  uint64 // stored, intermediate ones among them
	Unread    uint64 // receipts that could not be read
	Received  uint64 // messages of handsets, or segments of them, stored
}

// New makes a channel of a record. An *router.Error names the field that is wrong.
func New(c Config) (*Channel, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	s, err := read(&c.Record, c.Now)
	if err != nil {
		return nil, err
	}
	ch := &Channel{name: c.Record.Name, settings: s, log: c.Log.With("channel", c.Record.Name), now: c.Now, pace: pace.New(s.rate, c.Now)}
	for i := range s.binds {
		ch.binds = append(ch.binds, newBinds(ch, i)...)
	}
	return ch, nil
}

// Name is the channel's name, and that of its queue.
func (ch *Channel) Name() string { return ch.name }

// Carries says that messages to handsets leave by this channel.
func (ch *Channel) Carries(k storage.Kind) bool { return k == storage.MT }

// Parts says in how many submits m goes.
func (ch *Channel) Parts(m *storage.Message) ([]storage.Part, error) { return ch.form.parts(m) }

// Cut is the same for providers that take the same alphabet and the same long messages.
func (ch *Channel) Cut() any { return ch.cut }

// Run keeps the binds up until ctx ends.
func (ch *Channel) Run(ctx context.Context, in router.Inbox) error {
	ch.in = in
	var all sync.WaitGroup
	for _, b := range ch.binds {
		all.Go(func() { b.run(ctx) })
	}
	all.Go(func() { ch.watchStale(ctx) })
	all.Wait()
	<-ctx.Done()
	return ctx.Err()
}

// segmentPatience is how long the segments of a long MO message are waited for
// before what there is goes to its user.
const segmentPatience = 24 * time.Hour

// watchStale delivers what came of long messages that never got complete.
func (ch *Channel) watchStale(ctx context.Context) {
	mine := func(lane string) bool { return lane == ch.lane }
	for router.Pause(ctx, time.Minute) == nil {
		err := ch.in.Stale(ctx, mine, ch.now().Add(-segmentPatience), ch.intake.assemble)
		if err != nil && ctx.Err() == nil {
			ch.log.Error("incomplete long messages cannot be delivered", "err", err)
		}
	}
}

// Status is ready when a bind is that may transmit.
func (ch *Channel) Status() router.Status {
	var why []string
	for _, b := range ch.binds {
		i := b.status()
		if i.Bound && b.transmits() {
			return router.Status{Ready: true}
		}
		if i.Reason != "" {
			why = append(why, i.Reason)
		}
	}
	return router.Status{Reason: "not bound: " + strings.Join(compact(why), "; ")}
}

// Binds tells how each bind stands.
func (ch *Channel) Binds() []BindStatus {
	all := make([]BindStatus, len(ch.binds))
	for i, b := range ch.binds {
		all[i] = b.status()
	}
	return all
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

func (ch *Channel) count(f func(*Counts)) {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	f(&ch.counts)
}

// serveLane drains the queue of the channel by a bound session until ctx ends.
func (ch *Channel) serveLane(ctx context.Context, s *esme.Session) error {
	lane := router.Lane{
		ID: ch.lane, Queue: ch.name, Window: max(1, ch.esme.Window), Says: "message_id", Prepare: ch.prepare,
		Forms: func(ref string) []string { return candidates(ref, formAuto, ch.intake.submits) },
	}
	if ch.esme.Window == 0 {
		lane.Window = defaultWindow
	}
	return ch.in.Serve(ctx, lane, router.SenderFunc(func(ctx context.Context, m *storage.Message, i int) (string, error) {
		return ch.send(ctx, s, m, i)
	}))
}

// defaultWindow is how many submits of a bind may be without an answer
// [SMPP34 2.5.2].
const defaultWindow = 10

// prepare gives the parts their concatenation reference, and what their reports
// are looked up by until their message_id is known.
func (ch *Channel) prepare(m *storage.Message) {
	var ref []byte
	if len(m.Parts) > 1 {
		ref = []byte{ch.refs.Next(m.Dest.Addr)}
	}
	for i := range m.Parts {
		m.Parts[i].Match, m.Parts[i].Wire = tail(m.Dest.Addr), ref
	}
}

// send submits part i and gives the provider's message_id.
func (ch *Channel) send(ctx context.Context, s *esme.Session, m *storage.Message, i int) (string, error) {
	sm, err := ch.form.submit(m, i, ch.now())
	if err != nil {
		return "", &router.SendError{Outcome: router.RefusedForGood, Err: err}
	}
	if err := ch.pace.Wait(ctx); err != nil {
		return "", &router.SendError{Outcome: router.RefusedForNow, Untried: true, Err: err}
	}
	id, err := ch.submit(ctx, s, sm)
	if err == nil {
		ch.count(func(c *Counts) { c.Sent++ })
		return canonical(id, ch.intake.submits), nil
	}
	return "", ch.failed(err)
}

// submit waits for the answer also when ctx ends: what is out is out, and the
// session bounds how long it takes.
func (ch *Channel) submit(ctx context.Context, s *esme.Session, sm *smpp.SubmitSM) (id string, err error) {
	type answer struct {
		id  string
		err error
	}
	c := make(chan answer, 1)
	err = s.SubmitAsync(ctx, sm, func(id string, _ smpp.CommandStatus, err error) { c <- answer{id, err} })
	if err != nil {
		return "", err
	}
	a := <-c
	return a.id, a.err
}

// failed says in the router's words what became of a submit, and slows down when
// the provider asks for it.
func (ch *Channel) failed(err error) error {
	out := ch.over.sendError(err)
	var refused *esme.StatusError
	throttled := errors.As(err, &refused) && ch.over.classOf(refused.Status) == Throttle
	if throttled {
		ch.pace.Throttled()
	}
	ch.count(func(c *Counts) {
		switch {
		case refused != nil:
			c.Refused++
		case out.Outcome == router.UnknownOutcome:
			c.Unknown++
		}
		if throttled {
			c.Throttled++
		}
	})
	return out
}

// take stores what the provider sends, and answers when it is on disk.
func (ch *Channel) take(d *smpp.DeliverSM, answer func(smpp.CommandStatus)) {
	rep, isReport := ch.intake.report(d)
	switch {
	case isReport && rep.Ref == "":
		ch.count(func(c *Counts) { c.Unread++ })
		ch.log.Warn("a receipt that cannot be read", "octets", len(userData(d)))
		answer(smpp.StatusOK) // it would be the same the next time
	case isReport:
		ch.in.Report(rep, ch.stored(answer, func(c *Counts) { c.Receipts++ }))
	default:
		ch.takeMessage(d, answer)
	}
}

func (ch *Channel) takeMessage(d *smpp.DeliverSM, answer func(smpp.CommandStatus)) {
	done := ch.stored(answer, func(c *Counts) { c.Received++ })
	in := ch.intake.message(d)
	if in.segment != nil {
		ch.in.Segment(*in.segment, ch.intake.assemble, done)
		return
	}
	ch.in.Submit(in.m, func(_ storage.ID, err error) { done(err) })
}

// stored turns the end of a commit into an answer.
func (ch *Channel) stored(answer func(smpp.CommandStatus), counted func(*Counts)) func(error) {
	return func(err error) {
		status := statusOf(err)
		if err == nil {
			ch.count(counted)
		} else if status != smpp.StatusOK {
			ch.log.Warn("what the provider sent was not stored", "answer", status.String(), "err", err)
		}
		answer(status)
	}
}

// statusOf is what the provider hears.
func statusOf(err error) smpp.CommandStatus {
	var re *router.Error
	switch {
	case err == nil, errors.Is(err, storage.ErrDuplicate):
		return smpp.StatusOK
	case errors.As(err, &re) && re.Code == router.Invalid:
		return smpp.StatusXRAppn
	case errors.As(err, &re) && re.Code == router.Busy:
		return smpp.StatusMsgQFul
	}
	return smpp.StatusXTAppn
}

// String names the channel in words, for logs.
func (ch *Channel) String() string { return fmt.Sprintf("%s (%s)", ch.name, ch.esme.Address) }

var _ router.Channel = (*Channel)(nil)
