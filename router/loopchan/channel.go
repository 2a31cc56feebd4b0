package loopchan

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"gsmgate/router"
	"gsmgate/smppd/smpp"
	"gsmgate/storage"
)

// Config says what the channel is made of.
type Config struct {
	Record storage.Channel // of kind "loopback"
	Log    *slog.Logger
	Now    func() time.Time
}

// Channel is a far end that is not there, behind router.Channel.
type Channel struct {
	name, lane string
	settings
	numbers map[string]fate
	limiter *rate.Limiter
	log     *slog.Logger
	now     func() time.Time
	due     *agenda

	in router.Inbox // set by Run before anything is sent

	mu     sync.Mutex
	counts Counts
}

// Counts is what a channel has done since it was set up, or the gateway started.
type Counts struct {
	Sent     uint64 // taken
	Refused  uint64
	Unknown  uint64
	Receipts uint64 // reports that are stored
	Received uint64 // answers of handsets that are stored
}

// New makes a channel of a record. An *router.Error names the field that is wrong.
func New(c Config) (*Channel, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	s, err := read(&c.Record)
	if err != nil {
		return nil, err
	}
	ch := &Channel{name: c.Record.Name, lane: "loop:" + c.Record.Name, settings: s, numbers: map[string]fate{}, log: c.Log.With("channel", c.Record.Name),
		now: c.Now, due: newAgenda(mostDue), limiter: rate.NewLimiter(rate.Inf, 1)}
	if s.rate > 0 {
		ch.limiter = rate.NewLimiter(rate.Limit(s.rate), max(1, s.rate/10))
	}
	for _, n := range Numbers() {
		ch.numbers[n.Suffix] = n.fate
	}
	return ch, nil
}

// Name is the channel's name, and that of its queue.
func (ch *Channel) Name() string { return ch.name }

// Carries says that messages to handsets leave by this channel.
func (ch *Channel) Carries(k storage.Kind) bool { return k == storage.MT }

// Status is always ready.
func (ch *Channel) Status() router.Status { return router.Status{Ready: true} }

// Counts tells what was done so far.
func (ch *Channel) Counts() Counts {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	return ch.counts
}

// Limit is messages a second at most; 0: none.
func (ch *Channel) Limit() float64 { return float64(ch.rate) }

func (ch *Channel) count(f func(*Counts)) {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	f(&ch.counts)
}

// mostParts is how many segments a handset puts together [23.040 9.2.3.24.1].
const mostParts = 255

// Parts cuts m as a handset would have it.
func (ch *Channel) Parts(m *storage.Message) ([]storage.Part, error) {
	dc, data := smpp.DataCoding(m.DataCoding), m.Data
	if len(data) == 0 && m.Text != "" {
		var err error
		dc = smpp.CodingDefault
		if data, err = smpp.EncodeText(dc, smpp.GSM0338, m.Text); err != nil {
			dc = smpp.CodingUCS2
			data, err = smpp.EncodeText(dc, smpp.GSM0338, m.Text)
		}
		if err != nil {
			return nil, &router.Error{Code: router.Invalid, Field: "text", Message: "the message cannot be sent: " + err.Error(), Err: err}
		}
	}
	n := 1
	if len(data) > smpp.Room(dc, len(m.UDH)) {
		n = len(smpp.Cut(dc, data, smpp.Room(dc, max(len(m.UDH), 1)+smpp.ConcatOctets)))
	}
	if n < 1 || n > mostParts {
		return nil, &router.Error{Code: router.Invalid, Field: "text", Message: "the message takes more than 255 segments"}
	}
	return make([]storage.Part, n), nil
}

// mostAwaited is for how many messages of before a restart reports still come.
const mostAwaited = 100_000

// Run takes messages until ctx ends.
func (ch *Channel) Run(ctx context.Context, in router.Inbox) error {
	ch.in = in
	own, stop := context.WithCancel(context.WithoutCancel(ctx))
	var all sync.WaitGroup
	all.Go(func() { ch.due.run(own) })
	defer all.Wait()
	defer stop() // after the sends under way, whose reports are due
	if err := ch.resume(); err != nil {
		ch.log.Error("reports of before the start cannot be found", "err", err)
	}
	return in.Serve(ctx, router.Lane{ID: ch.lane, Queue: ch.name, Window: ch.window, Says: "message_id", Prepare: prepare}, router.SenderFunc(ch.send))
}

// resume makes due what was before the gateway stopped.
func (ch *Channel) resume() error {
	waiting, err := ch.in.Awaiting(ch.lane, "")
	for _, m := range waiting[:min(len(waiting), mostAwaited)] {
		for i := range m.Parts {
			p := &m.Parts[i]
			f := ch.fateOf(m, ch.numbers)
			refused := f.fails(p) && f.send.Outcome != router.UnknownOutcome
			if p.Lane == ch.lane && (p.State == storage.PartSent || p.State == storage.PartUnknown && !refused) {
				ch.report(m, i, f)
			}
		}
	}
	return err
}

// prepare has the reports of a message looked up by its own number.
func prepare(m *storage.Message) {
	for i := range m.Parts {
		m.Parts[i].Match = m.ID.String()
	}
}

func reference(m *storage.Message, i int) string { return m.ID.String() + "-" + strconv.Itoa(i+1) }

// send takes part i, or does what the number of the recipient says.
func (ch *Channel) send(ctx context.Context, m *storage.Message, i int) (string, error) {
	f := ch.fateOf(m, ch.numbers)
	if err := ch.limiter.Wait(ctx); err != nil {
		return "", &router.SendError{Outcome: router.RefusedForNow, Untried: true, Err: err}
	}
	if !ch.due.hasRoom() {
		return "", &router.SendError{Outcome: router.RefusedForNow, Wait: time.Second, Err: errors.New("too many reports are due")}
	}
	if f.fails(&m.Parts[i]) {
		return "", ch.fail(m, i, f)
	}
	if f.early {
		ch.report(m, i, f)
	}
	if err := router.Pause(ctx, ch.settings.send+f.slow); err != nil && !f.early {
		return "", &router.SendError{Outcome: router.RefusedForNow, Err: err}
	}
	if !f.early {
		ch.report(m, i, f)
	}
	ch.count(func(c *Counts) { c.Sent++ })
	return reference(m, i), nil
}

// fail refuses a part, or leaves open what becomes of it.
func (ch *Channel) fail(m *storage.Message, i int, f fate) error {
	e := f.send
	e.Err = fmt.Errorf("loopback: the number ends in %.6s", m.Dest.Addr[len(m.Dest.Addr)-len(prefix)-2:])
	if e.Outcome == router.UnknownOutcome {
		ch.report(m, i, f)
		ch.count(func(c *Counts) { c.Unknown++ })
		return &e
	}
	ch.count(func(c *Counts) { c.Refused++ })
	return &e
}

var _ router.Channel = (*Channel)(nil)
