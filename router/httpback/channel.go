package httpback

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"gsmgate/router"
	"gsmgate/storage"
)

// lastPatience is how long what was posted may wait for its answer when the lane
// ends.
const lastPatience = 5 * time.Second

// Config says what the channel stands on.
type Config struct {
	Router   *router.Router
	Log      *slog.Logger
	Agent    string         // User-Agent; "gsmgate"
	Patience time.Duration  // for an answer; 30 s
	RootCAs  *x509.CertPool // nil: those of the machine
	Dial     func(ctx context.Context, network, address string) (net.Conn, error)
}

// Channel is the callbacks of all users.
type Channel struct {
	Config

	mu    sync.Mutex
	ctx   context.Context // of Run; nil before and after
	in    router.Inbox
	lanes map[string]*lane  // by user
	tells map[string]*tells // by user: what was heard of its callback
	all   sync.WaitGroup
}

// lane is a user to whom is posted.
type lane struct {
	user   string
	to     target
	window int
	client *http.Client
	tells  *tells
	wake   chan struct{} // one slot: to is another one
	stop   context.CancelFunc
}

// target is where is posted, and how that is signed.
type target struct {
	url    string
	secret storage.Secret
}

// New makes the channel. Its router tells it of users that change.
func New(c Config) *Channel {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	c.Agent, c.Patience = cmp.Or(c.Agent, "gsmgate"), cmp.Or(c.Patience, 30*time.Second)
	ch := &Channel{Config: c, lanes: map[string]*lane{}, tells: map[string]*tells{}}
	c.Router.OnUserChange(ch.userChanged)
	return ch
}

// Name is the prefix of all queues of callbacks, see router.CallbackQueue.
func (ch *Channel) Name() string { return "callback" }

// Carries says that what is for users leaves by this channel.
func (ch *Channel) Carries(k storage.Kind) bool { return k == storage.MO || k == storage.Receipt }

// Parts is one: a POST carries any message.
func (ch *Channel) Parts(*storage.Message) ([]storage.Part, error) {
	return make([]storage.Part, 1), nil
}

// Status is always ready: how a callback does is seen by its lane.
func (ch *Channel) Status() router.Status { return router.Status{Ready: true} }

// Run posts until ctx ends.
func (ch *Channel) Run(ctx context.Context, in router.Inbox) error {
	ch.mu.Lock()
	ch.ctx, ch.in = ctx, in
	for _, u := range ch.Router.UserRecords() {
		ch.fit(&u)
	}
	ch.mu.Unlock()
	<-ctx.Done()
	ch.mu.Lock()
	ch.ctx = nil
	clear(ch.lanes)
	ch.mu.Unlock()
	ch.all.Wait()
	return nil
}

func (ch *Channel) userChanged(u storage.User) {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	if ch.ctx != nil {
		ch.fit(&u)
	}
}

// fit starts, ends or wakes the lane of a user. Called with the lock held.
func (ch *Channel) fit(u *storage.User) {
	l := ch.lanes[u.SystemID]
	window := cmp.Or(u.CallbackWindow, router.DefaultCallbackWindow)
	wanted := u.Enabled && u.Callback != "" && router.Deliver(u) != "smpp"
	if l != nil && (!wanted || l.window != window) {
		l.stop()
		delete(ch.lanes, u.SystemID)
		l = nil
	}
	to := target{u.Callback, u.CallbackSecret}
	switch {
	case l == nil && wanted:
		ch.start(u.SystemID, to, window)
	case l != nil && l.to != to:
		l.to = to
		select {
		case l.wake <- struct{}{}: // what was wrong may be right now
		default:
		}
	}
}

// start is called with the lock held.
func (ch *Channel) start(user string, to target, window int) {
	ctx, stop := context.WithCancel(ch.ctx)
	l := &lane{user: user, to: to, window: window, client: ch.newClient(window), tells: ch.tellsOf(user), wake: make(chan struct{}, 1), stop: stop}
	ch.lanes[user] = l
	in := ch.in
	ch.all.Go(func() {
		defer l.client.CloseIdleConnections()
		err := in.Serve(ctx, router.Lane{
			ID: router.CallbackQueue(user), Queue: router.CallbackQueue(user), Window: window, Order: conversation, Wake: l.wake,
		}, router.SenderFunc(func(ctx context.Context, m *storage.Message, _ int) (string, error) { return "", ch.send(ctx, l, m) }))
		if err != nil && ctx.Err() == nil {
			ch.Log.Error("a lane stopped", "lane", router.CallbackQueue(user), "err", err)
		}
	})
}

// conversation is what a receiver sees as one: its events keep their order.
func conversation(m *storage.Message) string { return m.Source.Addr + "\x00" + m.Dest.Addr }

// send posts m, and says what the receiver made of it.
func (ch *Channel) send(ctx context.Context, l *lane, m *storage.Message) error {
	u, ok := ch.Router.UserRecord(l.user)
	if !ok || u.Callback == "" {
		return &router.SendError{Outcome: router.RefusedForNow, LaneIll: true, Err: fmt.Errorf("user %s has no callback", l.user)}
	}
	e := eventOf(m)
	body, err := e.body()
	if err != nil {
		return &router.SendError{Outcome: router.RefusedForGood, Err: err}
	}
	ctx, end := outlasting(ctx)
	defer end()
	a, err := ch.post(ctx, l.client, &letter{to: u.Callback, secret: u.CallbackSecret, key: e.key(), attempt: m.Parts[0].Attempts + 1, body: body})
	if err == nil {
		err = a.verdict()
	} else {
		err = unanswered(err)
	}
	ch.heard(l, err)
	return err
}

// heard notes what came of a try, and logs what is news.
func (ch *Channel) heard(l *lane, err error) {
	switch turned := l.tells.heard(err, time.Now()); {
	case turned && err != nil:
		ch.Log.Warn("a callback takes nothing now", "user", l.user, "err", err)
	case turned:
		ch.Log.Info("a callback takes what is posted again", "user", l.user)
	}
}

// unanswered is a *router.SendError for a post that has no answer.
func unanswered(err error) error {
	se := &router.SendError{Outcome: router.RefusedForNow, LaneIll: true, Err: fmt.Errorf("nothing was posted to the callback: %w", err)}
	if ep := (*errPost)(nil); errors.As(err, &ep) && ep.reached {
		se.Outcome, se.Err = router.UnknownOutcome, fmt.Errorf("the callback did not answer: %w", err)
	}
	return se
}

// outlasting gives a context that ends a while after ctx: what the receiver has
// taken meanwhile is not posted again.
func outlasting(ctx context.Context) (context.Context, func()) {
	own, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		t := time.NewTimer(lastPatience)
		defer t.Stop()
		select {
		case <-t.C:
			cancel()
		case <-own.Done():
		}
	})
	return own, func() { stop(); cancel() }
}

var _ router.Channel = (*Channel)(nil)
