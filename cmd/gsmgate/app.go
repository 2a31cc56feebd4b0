package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"sync"
	"time"

	"gsmgate/modem"
	"gsmgate/modem/profile"
	"gsmgate/provisioning"
	"gsmgate/router"
	"gsmgate/router/gsmchan"
	"gsmgate/router/httpback"
	"gsmgate/router/smppchan"
	"gsmgate/smppd"
	"gsmgate/storage"
)

// Options are what App is made of.
type Options struct {
	Dir    string // data directory; made when it is not there
	Listen []listenURL
	Modems []string // places of modems, and words for those to be found
	PIN    provisioning.Secret
	Cert   string // TLS certificate and key; empty: self-signed, in Dir
	Key    string
	SMPP   smppOptions
	Queues queueOptions

	Profiles     *profile.Table // of models of modems; nil: the built-in one
	ResetCommand []string       // resets a modem's socket, or switches its power; none

	ModemRoot string       // the directory with sys and dev; "/" when empty
	OpenModem modem.Opener // opens the places of modems; nil: as each place says

	Retention time.Duration // of ended messages; 0: the router's default

	Sticky         time.Duration // see router.Options
	StickyAnswers  time.Duration // likewise
	ReportTimeout  time.Duration // how long a report is waited for; 0: the router's default
	SegmentTimeout time.Duration // how long parts of a long incoming message are; 0: the channel's default

	ProviderURL string // where HTTP providers reach the listeners for their calls; "": they cannot

	Region string // of national numbers; "": they stay as they are

	ClientCA   string // bundle of CAs for client certificates of ESMEs
	ClientCert string // certAsk or certRequire; else none is asked for

	Log     *slog.Logger
	Version string
}

// App is the gateway: every room, joined. It is started and stopped once.
type App struct {
	Options
	db        *storage.DB
	bound     []boundListener
	router    *router.Router
	gsm       *gsmchan.Channel
	upstreams upstreams
	clients   *smppchan.Channel
	callbacks *httpback.Channel
	server    *smppd.Server

	certificate *smppd.CertSource // nil until a listener needs it; only touched by Start
	clientCAs   *smppd.ClientCAs  // likewise

	stops  []stopper
	failed chan error
}

// boundListener is a socket with the URL that it got.
type boundListener struct {
	net.Listener
	url listenURL
}

// stopper takes back one thing that Start has done. Stop calls them backwards.
type stopper struct {
	name string
	stop func(context.Context) error
}

// stopPatience is how long one part may take to stop before the rest goes on
// without it. What was being sent is on disk as an attempt.
const stopPatience = 20 * time.Second

// New makes an App that has touched nothing yet.
func New(o Options) *App {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.ModemRoot == "" {
		o.ModemRoot = "/"
	}
	return &App{Options: o, failed: make(chan error, 1)}
}

// Start opens the store and all listeners and runs the gateway. After an
// error nothing of it is left.
func (a *App) Start() error {
	for _, step := range []func() error{a.openStore, a.openListeners, a.startRouter, a.startSMPP, a.startAPI} {
		if err := step(); err != nil {
			return errors.Join(err, a.Stop())
		}
	}
	return nil
}

// Stop takes everything back, the last first.
func (a *App) Stop() error {
	var all []error
	for len(a.stops) > 0 {
		s := a.stops[len(a.stops)-1]
		a.stops = a.stops[:len(a.stops)-1]
		a.Log.Debug("stopping", "what", s.name)
		ctx, cancel := context.WithTimeout(context.Background(), stopPatience)
		if err := s.stop(ctx); err != nil {
			all = append(all, fmt.Errorf("stop %s: %w", s.name, err))
		}
		cancel()
	}
	return errors.Join(all...)
}

// Failed gives the error of a part that ended by itself.
func (a *App) Failed() <-chan error { return a.failed }

// Listeners are the URLs with the address that each one got.
func (a *App) Listeners() []string {
	urls := make([]string, len(a.bound))
	for i, l := range a.bound {
		urls[i] = l.url.String()
	}
	return urls
}

// Router is the heart, for who runs an App in the same process.
func (a *App) Router() *router.Router { return a.router }

func (a *App) onStop(name string, stop func(context.Context) error) {
	a.stops = append(a.stops, stopper{name, stop})
}

// run runs a component until its turn to stop comes.
func (a *App) run(name string, component func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		err := component(ctx)
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			err = errors.New("ended by itself")
		}
		select {
		case a.failed <- fmt.Errorf("%s: %w", name, err):
		default: // the first failure stops the gateway, and is told
		}
	}()
	a.onStop(name, func(patience context.Context) error {
		cancel()
		select {
		case <-done:
			return nil
		case <-patience.Done():
			return errors.New("did not end in time")
		}
	})
}

func (a *App) openStore() error {
	if err := makeDir(a.Dir); err != nil {
		return err
	}
	db, err := storage.Open(filepath.Join(a.Dir, storeFile), storage.Options{Logger: a.Log.With("in", "storage")})
	if err != nil {
		return err
	}
	a.db = db
	a.onStop("storage", func(context.Context) error { return db.Close() })
	return nil
}

// openListeners opens every socket before anything runs, so that a busy port
// is told before a message was taken. The store's lock says by now that no
// other gateway runs on the directory.
func (a *App) openListeners() error {
	for _, l := range a.Listen {
		ln, url, err := l.listen()
		if err != nil {
			return err
		}
		closing := sync.OnceValue(ln.Close)
		a.onStop("socket "+url.String(), func(context.Context) error {
			if err := closing(); err != nil && !errors.Is(err, net.ErrClosed) {
				return err
			}
			return nil
		})
		a.bound = append(a.bound, boundListener{closeOnce{ln, closing}, url})
	}
	return nil
}

// closeOnce is a listener that its server and its opener may both close.
type closeOnce struct {
	net.Listener
	once func() error
}

func (l closeOnce) Close() error { return l.once() }
