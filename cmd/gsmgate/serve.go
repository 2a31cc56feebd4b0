package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"slices"
	"sync"
	"syscall"

	"github.com/coreos/go-systemd/v22/daemon"

	"gsmgate/modem"
	"gsmgate/provisioning"
	"gsmgate/router/numbers"
)

type serveCmd struct {
	dataDir
	Config string `placeholder:"FILE" help:"JSON file with the settings as keys, listen, modems, smpp_window and so on; flags win over it"`
	settings
}

func (c *serveCmd) Run(e *env) error {
	o, err := c.options(e)
	if err != nil {
		return err
	}
	// Everything in the data directory is for the gateway's user alone.
	syscall.Umask(0o077)
	collectLess()
	app := New(o)
	if err := app.Start(); err != nil {
		return err
	}
	for _, l := range app.Listeners() {
		fmt.Fprintf(e.stdout, "listening %s\n", l)
	}
	app.Log.Info("gateway runs", "version", o.Version, "modems", len(o.Modems))
	tellAbsent(e, o.Modems)
	return supervise(e, app)
}

// supervise waits for a signal, or for a part that fails, and stops app.
func supervise(e *env, app *App) error {
	var watch sync.WaitGroup
	ctx, cancel := context.WithCancel(e.ctx)
	watch.Go(func() {
		watchdog(ctx, app.Log, func() { app.Router().Channels() })
	})
	notify(app.Log, daemon.SdNotifyReady)
	var failure error
	select {
	case <-e.ctx.Done():
		app.Log.Info("stopping on a signal")
	case failure = <-app.Failed():
	}
	notify(app.Log, daemon.SdNotifyStopping)
	cancel()
	watch.Wait()
	return errors.Join(failure, app.Stop())
}

// options checks all that can be checked before anything is opened.
func (c *serveCmd) options(e *env) (Options, error) {
	s := c.settings
	if c.Config != "" {
		file, err := readSettings(c.Config)
		if err != nil {
			return Options{}, err
		}
		s = s.over(file)
	}
	if (s.Cert == "") != (s.Key == "") {
		return Options{}, usage("give both --cert and --key, or neither", "a certificate needs both of its files")
	}
	for i, place := range s.Modems {
		if place == "" || slices.Contains(s.Modems[:i], place) {
			return Options{}, usage("", "modem %q is given twice or empty", place)
		}
		if err := modem.CheckPlace(place); err != nil {
			return Options{}, usage("gsmgate serve --help names the forms; gsmgate modem scan shows what is plugged in", "--modem: %w", err)
		}
	}
	listen, err := parseListens(c.withDefaults(s.Listen))
	if err != nil {
		return Options{}, err
	}
	calls, err := providerCalls(s.Providers, s.ProviderURL)
	if err != nil {
		return Options{}, err
	}
	level, err := logLevel(s.Log)
	if err != nil {
		return Options{}, err
	}
	keep, err := retention(s.Keep)
	if err != nil {
		return Options{}, err
	}
	stick, err := sticky("--sticky", s.Sticky)
	if err != nil {
		return Options{}, err
	}
	answers, err := sticky("--sticky-answers", s.StickyAnswers)
	if err != nil {
		return Options{}, err
	}
	reports, err := daysOrHours("--report-timeout", s.ReportTimeout)
	if err != nil {
		return Options{}, err
	}
	segments, err := daysOrHours("--segment-timeout", s.SegmentTimeout)
	if err != nil {
		return Options{}, err
	}
	if s.Region != "" && !numbers.Known(s.Region) {
		return Options{}, usage("use two capital letters, such as NL", "--region: no region %q", s.Region)
	}
	smpp, err := s.smppSettings.options()
	if err != nil {
		return Options{}, err
	}
	queues, err := s.queueSettings.options()
	if err != nil {
		return Options{}, err
	}
	models, err := readProfiles(s.Models)
	if err != nil {
		return Options{}, err
	}
	reset, err := modem.ParseCommand(s.Reset)
	if err != nil {
		return Options{}, usage("such as 'uhubctl -l {hub} -p {port} -a cycle'", "--modem-reset-command: %w", err)
	}
	return Options{
		Profiles: models, ResetCommand: reset,
		SMPP: smpp, Queues: queues, ClientCA: s.ClientCA, ClientCert: s.ClientCert,
		Dir: c.Data, Listen: append(listen, calls...), ProviderURL: s.ProviderURL, Modems: s.Modems, ModemRoot: s.Root, PIN: provisioning.Secret(s.PIN), Cert: s.Cert, Key: s.Key, Retention: keep, Sticky: stick, StickyAnswers: answers, Region: s.Region,
		ReportTimeout: reports, SegmentTimeout: segments,
		Log:     slog.New(slog.NewTextHandler(e.stderr, &slog.HandlerOptions{Level: level})),
		Version: programVersion(),
	}, nil
}

// withDefaults adds what is there unless asked otherwise: SMPP over TLS, and
// always the socket that the other commands use.
func (c *serveCmd) withDefaults(urls []string) []string {
	if len(urls) == 0 {
		urls = []string{"smpps://:2776"}
	}
	admin := "unix:" + c.path(socketFile)
	if slices.Contains(urls, admin) {
		return urls
	}
	return append(slices.Clone(urls), admin)
}

// providerCalls reads where HTTP providers call, and how they reach it.
func providerCalls(urls []string, outside string) ([]listenURL, error) {
	u, err := url.Parse(outside)
	switch {
	case len(urls) == 0 && outside == "":
		return nil, nil
	case len(urls) == 0 || outside == "":
		return nil, usage("--provider-listen is where we listen, --provider-url how a provider reaches that from outside", "--provider-listen and --provider-url go together")
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.RawQuery+u.Fragment != "":
		return nil, usage("such as https://sms.example.net/gsmgate", "--provider-url: %q is no URL that a provider could call", outside)
	}
	return parseProviders(urls)
}

func logLevel(word string) (level slog.Level, err error) {
	switch word {
	case "":
		return slog.LevelInfo, nil
	case "debug", "info", "warn", "error":
		return level, level.UnmarshalText([]byte(word))
	}
	return level, usage("use debug, info, warn or error", "no log level %q", word)
}

// tellAbsent names devices that are not there. The gateway goes on: a stick
// may be plugged in later, and the others work meanwhile.
func tellAbsent(e *env, paths []string) {
	for _, path := range paths {
		if !modem.IsPath(path) {
			continue
		}
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			report(e.stderr, fail("plug it in or correct --modem; the gateway goes on and takes the modem when it is there", "modem %s is not there", path))
		}
	}
}
