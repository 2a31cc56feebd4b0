package gsmchan

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"gsmgate/modem"
	"gsmgate/modem/at"
	"gsmgate/modem/profile"
	"gsmgate/router"
	"gsmgate/storage"
)

// Config says which modems make the channel.
type Config struct {
	Name  string // of the channel and its queue; "gsm" when empty
	Ports []string
	// Source finds more modems while the channel runs; nil: there are no others.
	Source modem.Source
	// SegmentTimeout is how long the parts of a long MO message are waited for,
	// after the last that came, before what there is goes to its user; 24 h.
	SegmentTimeout time.Duration
	PIN            string
	// Refused remembers which PINs were refused, also over restarts; nil: for
	// as long as the channel lives.
	Refused modem.PINMemory
	// Card gives what is set for a SIM, by ICCID; nil: nothing is set for any.
	Card func(iccid string) storage.SIM
	// Learn notes what was learnt of a SIM; nil: it is forgotten.
	Learn func(ctx context.Context, iccid string, fn func(*storage.SIM) error) error
	// Cards gives all SIMs of which something is known; nil: none.
	Cards func() []storage.SIM
	// Tally gives how much a lane has sent; nil: nothing is counted, and no limit
	// holds.
	Tally func(lane string) storage.Tally
	// Profiles is the table of models; nil: the built-in one.
	Profiles *profile.Table
	// Resetter resets sockets and their power; nil: they are left alone.
	Resetter *modem.Resetter
	// Begun counts the messages that a lane has begun and not ended; nil: none.
	Begun func(lane string) int
	Open  modem.Opener
	Log   *slog.Logger
	Now   func() time.Time

	tune func(*modem.Config) // changes times, for tests; nil: none
}

// Channel is a bank of modems behind router.Channel.
type Channel struct {
	name string
	log  *slog.Logger
	now  func() time.Time
	bank *modem.Bank
	refs router.References

	card  func(iccid string) storage.SIM
	learn func(ctx context.Context, iccid string, fn func(*storage.SIM) error) error

	cards    func() []storage.SIM
	begun    func(lane string) int
	expected expectations
	balances balances
	tally    func(lane string) storage.Tally

	mu    sync.Mutex
	gates map[string]*gate // of SIMs that are served, by ID

	patience time.Duration // with parts that are missing

	finds bool // modems may come that are not there yet

	in router.Inbox // set by Run before the bank starts
}

// New makes the channel; nothing is opened before Run.
func New(c Config) *Channel {
	if c.Name == "" {
		c.Name = "gsm"
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Open == nil {
		c.Open = modem.OpenSerial
	}
	if c.Card == nil {
		c.Card = func(iccid string) storage.SIM { return storage.SIM{ID: iccid} }
	}
	if c.Learn == nil {
		c.Learn = func(context.Context, string, func(*storage.SIM) error) error { return nil }
	}
	if c.Cards == nil {
		c.Cards = func() []storage.SIM { return nil }
	}
	if c.SegmentTimeout <= 0 {
		c.SegmentTimeout = 24 * time.Hour
	}
	if c.Tally == nil {
		c.Tally = func(string) storage.Tally { return storage.Tally{} }
	}
	ch := &Channel{cards: c.Cards, tally: c.Tally, gates: map[string]*gate{}, name: c.Name, patience: c.SegmentTimeout, log: c.Log, now: c.Now, finds: c.Source != nil, card: c.Card, learn: c.Learn}
	ch.balances = balances{next: map[string]time.Time{}, busy: map[string]bool{}, low: map[string]bool{}, ill: map[string]bool{}}
	if ch.begun = c.Begun; ch.begun == nil {
		ch.begun = func(string) int { return 0 }
	}
	bank := modem.Config{
		Ports: c.Ports, Source: c.Source, Open: c.Open, PIN: c.PIN, Refused: c.Refused, Handler: handler{ch}, Log: c.Log,
		Profiles: c.Profiles, Resetter: c.Resetter, Card: ch.modemCard, LastCard: ch.lastCard, Seen: ch.seen,
	}
	if c.tune != nil {
		c.tune(&bank)
	}
	ch.bank = modem.NewBank(bank)
	return ch
}

// Name is the channel's name.
func (ch *Channel) Name() string { return ch.name }

// Carries says that messages to handsets leave by this channel.
func (ch *Channel) Carries(k storage.Kind) bool { return k == storage.MT }

// Modems shows the modems: those of the configuration in their order, then those that were found.
func (ch *Channel) Modems() []modem.Info { return ch.bank.Modems() }

// Transcript gives what was said to a modem and by it lately; id is its IMEI or its path. ok is false when there is no such modem.
func (ch *Channel) Transcript(id string, full bool) (t at.Transcript, ok bool) {
	m := ch.bank.Find(id)
	if m == nil {
		return t, false
	}
	return m.Transcript(full), true
}

// Use says who takes what comes in, before Run: for what is read again without
// modems.
func (ch *Channel) Use(in router.Inbox) { ch.in = in }

// Run runs the bank until ctx ends.
func (ch *Channel) Run(ctx context.Context, in router.Inbox) error {
	if ch.in != in {
		ch.in = in
	}
	var watchers sync.WaitGroup
	for _, watch := range []func(context.Context){ch.watchStale, ch.watchSeen, ch.watchDrains, ch.watchBalances} {
		watchers.Go(func() { watch(ctx) })
	}
	err := ch.bank.Run(ctx)
	watchers.Wait()
	return err
}

// watchStale delivers what came of long messages that never got complete.
func (ch *Channel) watchStale(ctx context.Context) {
	t := time.NewTicker(min(time.Minute, max(time.Second, ch.patience/4)))
	defer t.Stop()
	for {
		err := ch.in.Stale(ctx, ofSIM, ch.now().Add(-ch.patience), ch.assemble)
		if err != nil && ctx.Err() == nil {
			ch.log.Error("incomplete long messages cannot be delivered", "err", err)
		}
		select {
		case <-t.C:
		case <-ctx.Done():
			return
		}
	}
}

// Status is ready when a modem is.
func (ch *Channel) Status() router.Status {
	infos := ch.bank.Modems()
	if len(infos) == 0 && ch.finds {
		return router.Status{Reason: "no modem is plugged in"}
	}
	if len(infos) == 0 {
		return router.Status{Reason: "no modem is configured"}
	}
	reason := "no modem is ready"
	for _, i := range infos {
		if i.State == modem.Ready {
			return router.Status{Ready: true}
		}
		reason += fmt.Sprintf("; %s is %s", i.Path, i.State)
		if i.Reason != "" {
			reason += ": " + i.Reason
		}
	}
	return router.Status{Reason: reason}
}

// Parts counts the segments m takes.
func (ch *Channel) Parts(m *storage.Message) ([]storage.Part, error) {
	n, err := countSegments(m)
	if err != nil {
		return nil, err
	}
	return make([]storage.Part, n), nil
}

// handler is what the bank calls. Its methods are not part of the channel.
type handler struct{ *Channel }

// Ready serves the lane of the modem's SIM while the modem is ready.
func (h handler) Ready(ctx context.Context, m *modem.Modem) {
	g := h.newGate(m)
	id := g.lane
	lane := router.Lane{
		ID: id, Window: 1, Says: "AT+CMGS TP-MR", Group: concatenation,
		Prepare: func(msg *storage.Message) { h.prepare(id, msg) },
		MaxRest: modem.FirstPark, // what lasts is for the modem's breaker
	}
	err := g.serve(ctx, lane, router.SenderFunc(func(_ context.Context, msg *storage.Message, i int) (string, error) {
		g.sending(h.now())
		return h.send(ctx, m, msg, i)
	}))
	if err != nil && ctx.Err() == nil {
		h.log.Error("a lane stopped", "lane", id, "err", err)
	}
}

// ofSIM says whether a lane is of a SIM.
func ofSIM(lane string) bool {
	return strings.HasPrefix(lane, "sim:") || strings.HasPrefix(lane, "imsi:")
}

// laneID names the lane after the SIM, whatever stick it is in.
func laneID(s modem.SIM) string {
	if s.ICCID != "" {
		return storage.LanePrefix + s.ICCID
	}
	return imsiPrefix + s.IMSI
}

const imsiPrefix = "imsi:"

// prepare gives the parts their concatenation reference and what their
// reports are looked up by.
func (ch *Channel) prepare(lane string, m *storage.Message) {
	ref := []byte(nil)
	if len(m.Parts) > 1 {
		key := lane + "\x00" + m.Dest.Addr
		if !ch.refs.Known(key) {
			ch.resume(key, lane, m.Dest.Addr)
		}
		ref = []byte{ch.refs.Next(key)}
	}
	for i := range m.Parts {
		m.Parts[i].Match, m.Parts[i].Wire = matchKey(m.Dest.Addr), ref
	}
}

// resume goes on counting references where the process before this one ended:
// of its last message a part may still be under way, and the handset would mix
// the two.
func (ch *Channel) resume(key, lane, dest string) {
	waiting, err := ch.in.Awaiting(lane, matchKey(dest))
	if err != nil {
		ch.log.Warn("the references in use are not known", "lane", lane, "err", err)
	}
	var last storage.Time
	for _, m := range waiting {
		if p := m.Parts[0]; len(p.Wire) == 1 && p.Tried > last {
			last = p.Tried
			ch.refs.Set(key, p.Wire[0])
		}
	}
}

// matchKey is the last eight digits: networks report on a number in national
// or international form, whatever it was sent to.
func matchKey(addr string) string {
	if len(addr) > 8 {
		return addr[len(addr)-8:]
	}
	if addr != "" && addr[0] == '+' {
		return addr[1:]
	}
	return addr
}

// send puts part i on the air and gives its TP-MR.
func (ch *Channel) send(ctx context.Context, m *modem.Modem, msg *storage.Message, i int) (string, error) {
	subs, err := segments(msg, reference(msg, i), ch.now())
	if err == nil && i >= len(subs) {
		err = fmt.Errorf("part %d of a message of %d segments", i+1, len(subs))
	}
	var tpdu []byte
	if err == nil {
		tpdu, err = subs[i].TPDU()
	}
	if err != nil {
		return "", &router.SendError{Outcome: router.RefusedForGood, Err: err}
	}
	mr, err := m.Submit(ctx, tpdu)
	if errors.Is(err, at.ErrNoMR) {
		return "", nil // OK: the network has it. Some modems never tell a TP-MR, or -1
	}
	if err != nil {
		return "", sendError(err)
	}
	return strconv.Itoa(int(mr)), nil
}

// reference is the concatenation reference that prepare gave.
func reference(m *storage.Message, i int) uint16 {
	if i < len(m.Parts) && len(m.Parts[i].Wire) == 1 {
		return uint16(m.Parts[i].Wire[0])
	}
	return 0
}

// sendError says in the router's words what became of a submit.
func sendError(err error) error {
	var se *modem.SubmitError
	if !errors.As(err, &se) {
		return &router.SendError{Outcome: router.UnknownOutcome, LaneIll: true, Err: err}
	}
	out := &router.SendError{Wait: se.Wait, LaneIll: se.Modem, Sure: se.Sure, Limit: se.Tries, Cause: se.Cause, Err: se.Err}
	switch se.Outcome {
	case modem.RefusedForNow:
		out.Outcome = router.RefusedForNow
	case modem.RefusedForGood:
		out.Outcome = router.RefusedForGood
	default:
		out.Outcome = router.UnknownOutcome
	}
	return out
}

var _ router.Channel = (*Channel)(nil)
var _ modem.Handler = handler{}
