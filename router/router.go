package router

import (
	"context"
	crand "crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"gsmgate/storage"
)

// Options are the router's settings; zero values mean the defaults.
type Options struct {
	Log           *slog.Logger
	Now           func() time.Time
	Validity      time.Duration // of a message that names none; 48 h
	ReportTimeout time.Duration // how long a sent message waits for its report; 72 h
	Retention     time.Duration // how long an ended message is kept; 30 days
	TextRetention time.Duration // how long what it said is kept; 0: as long

	RetentionCount, TextRetentionCount int // of the last so many messages those that have ended are kept, and with what they said; 0: whatever their number

	MaxQueued     int           // most messages waiting on the way to handsets; 2,000,000
	MaxQueueAge   time.Duration // no more are taken while one has been due for longer; 0: no limit
	WhenFull      string        // what clients hear then, whose user says nothing: "queue-full" (default), "throttled"
	TakeLate      bool          // take also what could not leave before its validity ends
	Sticky        time.Duration // how long the lane that wrote to a recipient last is preferred; 30 days, negative: none is
	StickyAnswers time.Duration // how long the answers of a recipient go to the user that wrote to it last; 24 h, negative: none do
	StickyWait    time.Duration // how long a message waits for that lane when it is not ready; 10 s
	Region        string        // of national numbers of users that have none, "NL"; "": they stay as they are
	KeepCount     int           // most receipts and MO waiting for a user that has no number of its own; 1,000,000
}

func (o Options) withDefaults() Options {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Validity = orDefault(o.Validity, 48*time.Hour)
	o.ReportTimeout = orDefault(o.ReportTimeout, 72*time.Hour)
	o.Retention = orDefault(o.Retention, 30*24*time.Hour)
	o.MaxQueued = orDefault(o.MaxQueued, 2_000_000)
	o.Sticky = orDefault(o.Sticky, 30*24*time.Hour)
	o.StickyAnswers = orDefault(o.StickyAnswers, 24*time.Hour)
	o.StickyWait = orDefault(o.StickyWait, 10*time.Second)
	o.KeepCount = orDefault(o.KeepCount, 1_000_000)
	return o
}

func orDefault[T comparable](v, d T) T {
	var zero T
	if v == zero {
		return d
	}
	return v
}

// Router joins the channels. Make one with New, Add the channels, then Run.
type Router struct {
	db       *storage.DB
	o        Options
	log      *slog.Logger
	channels channels

	owners    atomic.Pointer[owners]
	rules     atomic.Pointer[rules]
	moFilters atomic.Pointer[[]moFilter]
	users     sync.Mutex // one change of users at a time: conflicts are checked before the commit
	door      *admissions
	secret    [32]byte // key of the proofs in known
	known     sync.Map // system_id → proof of the password that was verified last

	watchers watchers

	simWatchers simWatchers

	groups    groups
	habits    habits
	shares    shares
	away      away
	floors    floors
	estimates estimates
	room      room
	pending   *pending
	flags     *flags
	turns     turns
	jobs      jobs

	unsound atomic.Pointer[string] // what of the money did not add up at the start

	edits     sync.Mutex // one change of routes and prices at a time
	atlas     atlas
	qualities qualities

	overflowed sync.Map // user → *atomic.Uint64, see Overflowed

	last    *lastLanes
	writers *lastLanes // who wrote to a recipient last; see answers.go

	mu        sync.Mutex // guards the maps below
	queues    map[string]*queue
	lanes     map[*laneRun]struct{}
	places    map[string]place    // of lanes, by ID
	preferred map[string]struct{} // queues of lanes that a message may prefer

	deadline     atomic.Int64 // when the deadline worker looks next, a storage.Time
	kickDeadline chan struct{}

	outletsChanged chan struct{} // one slot: a user may want what waits by another way
}

// New makes a router over db, which stays the caller's to close after Run has
// returned.
func New(db *storage.DB, o Options) *Router {
	o = o.withDefaults()
	r := &Router{
		db: db, o: o, log: o.Log,
		door:   newAdmissions(),
		groups: groups{lanes: map[string]*group{}},
		floors: floors{held: map[storage.Talk]floor{}},
		queues: map[string]*queue{},
		lanes:  map[*laneRun]struct{}{},
		last:   newLastLanes(lanesByDigits), writers: newLastLanes(writersByDigits),
		places:       map[string]place{},
		preferred:    map[string]struct{}{},
		kickDeadline: make(chan struct{}, 1),

		outletsChanged: make(chan struct{}, 1),
	}
	r.pending, r.flags = newPending(r), newFlags(r)
	crand.Read(r.secret[:])
	r.learnUsers()
	r.learnMOFilters()
	r.door.guard.recall(db.Users())
	return r
}

// Run settles what a crash left open, then runs all channels until ctx ends
// or one of them fails, and returns when all are gone.
func (r *Router) Run(ctx context.Context) error {
	began := r.now()
	r.addUp()
	if err := r.recover(ctx); err != nil {
		return fmt.Errorf("recover: %w", err)
	}
	r.guide()
	r.jobs.start(r.unparkAll)
	r.jobs.start(func() { r.recallQualities(began) })
	g, ctx := errgroup.WithContext(ctx)
	failed := make(chan error, 1)
	r.openChannels(ctx, func(err error) {
		select {
		case failed <- err:
		default:
		}
	})
	g.Go(func() error {
		defer r.closeChannels()
		select {
		case err := <-failed:
			return err
		case <-ctx.Done():
			return nil
		}
	})
	g.Go(func() error { return r.watchDeadlines(ctx) })
	g.Go(func() error { return r.watchKept(ctx) })
	g.Go(func() error { return r.watchFlags(ctx) })
	g.Go(func() error { return r.watchPreferred(ctx) })
	g.Go(func() error { return r.watchWays(ctx) })
	err := g.Wait()
	r.jobs.stop()
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// recover makes UNKNOWN what was on its way when the process died, and finds the
// flags that are raised.
func (r *Router) recover(ctx context.Context) error {
	ids, err := r.db.Trying()
	if err != nil {
		return err
	}
	for _, id := range ids {
		if _, err := r.db.ChangeSync(ctx, id, r.interrupted); err != nil {
			return err
		}
	}
	if len(ids) > 0 {
		r.log.Warn("messages were on their way when the gateway died: their outcome is unknown", "count", len(ids))
	}
	for after, err := r.callTurns(0); err != nil || after != 0; after, err = r.callTurns(after) {
		if err != nil {
			return err
		}
	}
	return r.flags.load()
}

func (r *Router) interrupted(m *storage.Message, now storage.Time) (more []*storage.Message, err error) {
	for i := range m.Parts {
		switch p := &m.Parts[i]; {
		case p.Told():
			asTold(p)
			more = append(more, r.weigh(m, now)...)
		case p.State == storage.PartTrying:
			more = append(more, r.unknown(m, i, now, "the gateway stopped while part %d was on its way", i+1)...)
		}
	}
	return more, nil
}

// carrier returns the channel that carries messages of kind k.
func (r *Router) carrier(k storage.Kind) Channel {
	for _, ch := range r.channels.all() {
		if ch.Carries(k) {
			return ch
		}
	}
	return nil
}

func (r *Router) now() storage.Time { return storage.TimeOf(r.o.Now()) }

func (r *Router) after(t storage.Time, d time.Duration) storage.Time {
	return t + storage.Time(d.Milliseconds())
}

func (r *Router) backoff(n int) time.Duration { return backoff(n, rand.Float64()) }

// addUp looks whether the money adds up. Messages go on if it does not: who runs the
// gateway is told, and can compare.
func (r *Router) addUp() {
	err := r.db.Sums()
	if err == nil || errors.Is(err, storage.ErrClosed) {
		return
	}
	text := err.Error()
	r.unsound.Store(&text)
	r.log.Error("the money does not add up: gsmgate verify tells more", "err", err)
}

// Unsound is what of the money did not add up at the start, a line each; "": it did.
func (r *Router) Unsound() string {
	if text := r.unsound.Load(); text != nil {
		return *text
	}
	return ""
}

// Verify checks the whole file.
func (r *Router) Verify(ctx context.Context) error { return r.db.Check(ctx) }
