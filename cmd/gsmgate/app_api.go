package main

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"reflect"
	"time"

	"golang.org/x/net/netutil"

	"gsmgate/provisioning"
	"gsmgate/router/httpback"
	"gsmgate/router/httpchan"
	"gsmgate/smppd"
)

// Limits of the API's servers. A check of the whole file may take minutes, so
// answers have no limit in time.
const (
	apiHeaderPatience = 10 * time.Second
	apiBodyPatience   = 30 * time.Second
	apiIdle           = 2 * time.Minute
	apiMaxHeader      = 32 << 10
	apiMaxConns       = 128 // of one listener
)

// startAPI serves the REST API on every listener that is not SMPP's.
func (a *App) startAPI() error {
	api := a.newAPI()
	for _, l := range a.bound {
		if l.url.smpp() {
			continue
		}
		handler, err := a.handler(l.url, api)
		if err != nil {
			return err
		}
		ln, err := a.secured(l.url, netutil.LimitListener(l, apiMaxConns))
		if err != nil {
			return err
		}
		a.serveHTTP(l.url, ln, handler)
	}
	return nil
}

// newAPI joins the API with the rooms.
func (a *App) newAPI() *provisioning.API {
	return provisioning.New(provisioning.Config{
		Router: a.router, Log: a.Log.With("in", "api"), Version: a.Version,
		Listeners: a.Listeners, Sessions: a.sessions, Modems: a.modems, Transcript: a.transcript, Commands: a.modemCommands(), SIMState: a.simState,
		DecodeAgain: a.decodeAgain, CheckChannel: checkChannel, ChannelChanged: a.channelChanged, UpstreamState: a.upstreamState,
		Presets: presets, CallURLs: a.callURLs, TryChannel: tryChannel,
		Conformance: statement, Lint: a.lint, ResetLint: a.clients.ResetLint,
		CloseSession: a.closeSession, CloseSessions: a.closeSessions, Connections: a.connections,
		CallbackContract: provisioning.CallbackContract{Event: reflect.TypeFor[httpback.CallbackEvent](), Words: httpback.Contract}, CallbackState: a.callbackState, TryCallback: a.tryCallback,
		Traces: a.traces, Trace: a.trace, TracePCAP: a.tracePCAP,
	})
}

// handler is what answers on a listener: the API, or the calls of providers and
// nothing else.
func (a *App) handler(l listenURL, api http.Handler) (http.Handler, error) {
	if !l.providers() {
		return a.guarded(l, api)
	}
	return httpchan.NewReceiver(a.httpUpstream, a.Log.With("in", "providers")), nil
}

// guarded asks for the token where file permissions do not guard the socket.
func (a *App) guarded(l listenURL, api http.Handler) (http.Handler, error) {
	if l.scheme == "unix" {
		return api, nil
	}
	path := filepath.Join(a.Dir, tokenFile)
	token, err := provisioning.LoadToken(path)
	if err != nil {
		return nil, fail("remove "+path+" to have a new one made", "%w", err)
	}
	if host, _, _ := net.SplitHostPort(l.addr); l.scheme == "http" && !net.ParseIP(host).IsLoopback() {
		a.Log.Warn("the API is offered without TLS: token and messages can be read on the way", "listener", l.String())
	}
	return provisioning.RequireToken(token, api), nil
}

// secured puts TLS over the listener where its URL asks for it.
func (a *App) secured(url listenURL, ln net.Listener) (net.Listener, error) {
	if !url.tls() {
		return ln, nil
	}
	config, err := a.tlsConfig()
	if err != nil {
		return nil, err
	}
	return tls.NewListener(ln, config), nil
}

// tlsConfig reads the certificate, or makes it at the first start.
func (a *App) tlsConfig() (*tls.Config, error) {
	if a.certificate == nil {
		source, err := smppd.Certificate(a.Dir, a.Cert, a.Key, a.Log.With("in", "tls"))
		if err != nil {
			return nil, fail("--cert and --key name PEM files that this user may read; without them one is made in "+a.Dir, "%w", err)
		}
		a.certificate = source
	}
	return a.certificate.TLSConfig(), nil
}

func (a *App) serveHTTP(l listenURL, ln net.Listener, handler http.Handler) {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: apiHeaderPatience,
		ReadTimeout:       apiBodyPatience,
		IdleTimeout:       apiIdle,
		MaxHeaderBytes:    apiMaxHeader,
		ErrorLog:          slog.NewLogLogger(a.Log.With("in", "api").Handler(), slog.LevelDebug),
	}
	name := "api " + l.String()
	a.run(name, func(ctx context.Context) error {
		ended := make(chan error, 1)
		go func() { ended <- server.Serve(ln) }()
		select {
		case err := <-ended:
			return err
		case <-ctx.Done():
		}
		// What is being answered may end; the rest of the patience is for others.
		patience, cancel := context.WithTimeout(context.Background(), stopPatience/2)
		defer cancel()
		if err := server.Shutdown(patience); err != nil {
			err = errors.Join(err, server.Close())
			a.Log.Warn("API requests were cut off", "listener", l.String(), "err", err)
		}
		<-ended
		return nil
	})
}
