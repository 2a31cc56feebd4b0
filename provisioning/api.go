package provisioning

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"runtime"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humaecho"
	"github.com/labstack/echo/v4"

	"gsmgate/router"
	"gsmgate/storage"
)

// Config is what New needs. The functions may be nil: then there is nothing
// to tell.
type Config struct {
	Router    *router.Router
	Log       *slog.Logger
	Version   string
	Listeners func() []string
	Sessions  func() []Session
	Modems    func() []Modem

	// Transcript gives what was said to a modem lately, also as a file; ok is false when there is no such modem.
	Transcript func(id string, full bool) (t Transcript, text []byte, ok bool)

	// Commands to modems; nil: there are no modems.
	Commands *ModemCommands
	SIMState func(id string) SIMState // of one that there is a record of
	// DecodeAgain reads all PDUs again that could not be read, and delivers those that can be.
	DecodeAgain func(context.Context) (DecodedAgain, error)

	// Channels that are set up: whether a record can be used, what is to be done after one has changed, and how one stands; nil: it is not
	// known.
	CheckChannel   func(*storage.Channel) error
	ChannelChanged func(name string) error
	UpstreamState  func(name string) *UpstreamState

	// What becomes of what is posted to a user's callback, and what it says to a sample.
	CallbackState func(user string) CallbackState
	TryCallback   func(ctx context.Context, user string) (CallbackTrial, error)

	CallbackContract CallbackContract

	// Of channels of kind http.
	Presets    func() []Preset
	CallURLs   func(name string) (CallURLs, bool) // false: it takes no calls
	TryChannel func(context.Context, *storage.Channel, TrialOf) (Trial, error)

	Conformance   func() Conformance          // what the SMPP server offers of its specification
	Lint          func(user string) []Finding // what the user's client does wrong; "": connections that never bound
	ResetLint     func(user string)
	Connections   func() Connections
	CloseSession  func(id string) bool  // false when there is none
	CloseSessions func(user string) int // how many there were

	// The traces that are kept; false when there is none of the session.
	Traces    func() []TraceInfo
	Trace     func(id string, full bool) (Trace, bool)
	TracePCAP func(id string, full bool) (write func(io.Writer) error, ok bool)
}

// API is the http.Handler of the REST API.
type API struct {
	Config
	started time.Time
	echo    *echo.Echo
	huma    huma.API
}

// The most octets that a request body may have: of one thing, and of a list.
const (
	maxBody      = 256 << 10
	maxLargeBody = 16 << 20
)

// New makes the API over a router, which need not run.
func New(c Config) *API {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	a := &API{Config: c, started: time.Now(), echo: echo.New()}
	// The default believes X-Forwarded-For, whoever sent it.
	a.echo.IPExtractor = echo.ExtractIPDirect()
	a.echo.HTTPErrorHandler = a.unrouted
	a.huma = humaecho.New(a.echo, describe(c.Version))
	a.routes()
	a.describeCallback()
	return a
}

// describe is huma's configuration: no pages that load from elsewhere, and no
// links in the answers.
func describe(version string) huma.Config {
	c := huma.DefaultConfig("gsmgate", version)
	c.DocsPath, c.SchemasPath, c.CreateHooks = "", "", nil
	c.RejectUnknownQueryParameters = true
	c.Transformers = []huma.Transformer{reshape}
	c.Info.Description = "Money is in millicredits, times are RFC 3339 in UTC, states are SMPP's words."
	return c
}

// ServeHTTP answers a request that was let through, see Token.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer func() {
		if v := recover(); v != nil {
			if v == http.ErrAbortHandler {
				panic(v)
			}
			stack := make([]byte, 8<<10)
			a.Log.Error("request panicked", "method", r.Method, "path", r.URL.Path, "panic", v, "stack", string(stack[:runtime.Stack(stack, false)]))
			writeProblem(w, problem(http.StatusInternalServerError, "", "internal error", ""))
		}
	}()
	a.echo.ServeHTTP(w, r)
}

// unrouted answers what no handler took.
func (a *API) unrouted(err error, c echo.Context) {
	p := problem(http.StatusInternalServerError, "", "internal error", "")
	var he *echo.HTTPError
	if errors.As(err, &he) {
		p = problem(he.Code, "", "no such resource", "/openapi.json lists what there is")
		if he.Code == http.StatusMethodNotAllowed {
			p.Detail = "no such method on this resource"
		}
	}
	if !c.Response().Committed {
		writeProblem(c.Response(), p)
	}
}

func (a *API) routes() {
	get, post, patch, del := http.MethodGet, http.MethodPost, http.MethodPatch, http.MethodDelete
	route(a, get, "/v1/status", 200, "the gateway at a glance", a.status)
	route(a, get, "/v1/version", 200, "name and version of the program", a.version)
	route(a, get, "/v1/sessions", 200, "bound SMPP sessions", a.sessions)
	route(a, get, "/v1/sessions/{id}", 200, "one session", a.session)
	route(a, del, "/v1/sessions/{id}", 200, "unbind and close one session", a.closeSession)
	route(a, get, "/v1/sessions/{id}/trace", 200, "what a session sent and received last", a.trace)
	file(a, "/v1/sessions/{id}/trace.pcap", pcapType, "the same as a capture, which Wireshark opens", a.tracePCAP)
	route(a, get, "/v1/traces", 200, "sessions of which there is a trace, the newest first", a.traces)
	route(a, get, "/v1/modems", 200, "the bank of modems", a.modems)
	route(a, get, "/v1/modems/{id}/transcript", 200, "what was said to a modem and by it lately", a.transcript)
	a.routeTranscriptText()
	a.routeModems()
	a.routeUpstreams()
	a.routeSIMs()
	route(a, get, "/v1/verify", 200, "check the whole file", a.verify)
	route(a, get, "/v1/users", 200, "all users", a.users)
	route(a, post, "/v1/users", 201, "add a user", a.addUser)
	route(a, get, "/v1/users/{name}", 200, "one user", a.user)
	route(a, patch, "/v1/users/{name}", 200, "change a user", a.setUser)
	route(a, del, "/v1/users/{name}", 200, "take a user away; its ledger stays", a.removeUser)
	route(a, post, "/v1/users/import", 200, "add many users, all or none", a.importUsers, largeBody)
	route(a, del, "/v1/users/{name}/sessions", 200, "unbind and close all sessions of a user", a.closeSessions)
	route(a, post, "/v1/users/{name}/callback/try", 200, "post a sample to a user's callback, and show what it answers", a.tryCallback)
	route(a, post, "/v1/users/{name}/credits", 200, "top up, or correct downwards", a.credit)
	route(a, get, "/v1/users/{name}/statement", 200, "what moved of a user's money in a period", a.statement)
	route(a, get, "/v1/users/{name}/ledger", 200, "the lines of it, oldest first", a.ledger)
	route(a, get, "/v1/users/{name}/lint", 200, "what the user's SMPP client does wrong", a.lint)
	route(a, del, "/v1/users/{name}/lint", 200, "forget what was found", a.resetLint)
	route(a, get, "/v1/lint", 200, "what SMPP connections did wrong that never bound", a.lintUnbound)
	route(a, del, "/v1/lint", 200, "forget what was found", a.resetLintUnbound)
	route(a, get, "/v1/filters", 200, "filters of incoming messages, in the order in which they are looked at", a.filters)
	route(a, post, "/v1/filters", 201, "add a filter", a.addFilter)
	route(a, http.MethodPut, "/v1/filters/{name}", 200, "replace a filter", a.putFilter)
	route(a, del, "/v1/filters/{name}", 200, "take a filter away", a.removeFilter)
	route(a, get, "/v1/conformance", 200, "what the SMPP server offers of SMPP 3.4", a.conformance)
	route(a, get, "/v1/undecoded", 200, "PDUs that came in and went to no client, newest first", a.undecoded)
	route(a, post, "/v1/undecoded/decode", 200, "read all of them again, and deliver those that can be read", a.decodeAgain)
	route(a, del, "/v1/undecoded/{id}", 200, "forget one", a.removeUndecoded)
	route(a, get, "/v1/reports", 200, "what was heard of the parts that left by each SIM", a.reports)
	a.routeRoutes()
	a.routePrices()
	route(a, get, "/v1/messages", 200, "messages, newest first", a.messages)
	route(a, post, "/v1/messages", 202, "send a message in a user's name", a.send)
	route(a, get, "/v1/messages/{id}", 200, "one message with its timeline", a.message)
	route(a, post, "/v1/messages/{id}/assign", 200, "give an incoming message that nobody owns to a user", a.assign)
	route(a, post, "/v1/messages/{id}/cancel", 200, "cancel a message that has not been sent", a.cancel)
}

// body wraps what a handler answers, or takes.
type body[T any] struct{ Body T }

// largeBody is for requests that carry a list.
func largeBody(op *huma.Operation) { op.MaxBodyBytes = maxLargeBody }

// none is a request without parameters.
type none struct{}

// route registers a handler that knows neither HTTP nor echo.
func route[I, O any](a *API, method, path string, status int, summary string, handle func(context.Context, *I) (O, error), options ...func(*huma.Operation)) {
	op := huma.Operation{
		OperationID: huma.GenerateOperationID(method, path, new(body[O])), Summary: summary,
		Method: method, Path: path, DefaultStatus: status, MaxBodyBytes: maxBody,
		Responses: map[string]*huma.Response{"default": a.problemResponse()},
	}
	for _, o := range options {
		o(&op)
	}
	huma.Register(a.huma, op, func(ctx context.Context, in *I) (*body[O], error) {
		out, err := handle(ctx, in)
		if err != nil {
			return nil, problemOf(a.Log, err)
		}
		return &body[O]{out}, nil
	})
}

func (a *API) problemResponse() *huma.Response {
	schema := a.huma.OpenAPI().Components.Schemas.Schema(problemType, true, "Problem")
	return &huma.Response{Description: "Problem", Content: map[string]*huma.MediaType{"application/problem+json": {Schema: schema}}}
}
