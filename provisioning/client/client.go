// Package client calls the REST API of package provisioning: over the unix
// socket of a running gateway, or straight into an API in the same process.
//
// Errors that the API gave are *provisioning.Problem; ErrNoGateway says that
// nothing listens on the socket.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"syscall"
	"time"

	"gsmgate/provisioning"
)

// ErrNoGateway says that no gateway listens on the socket.
var ErrNoGateway = errors.New("no gateway listens")

// Client calls one API. It may be used from any goroutine.
type Client struct{ http http.Client }

// Dialer opens a connection to the API.
type Dialer func(ctx context.Context) (net.Conn, error)

// Dial makes a client of a way to connect.
func Dial(dial Dialer) *Client {
	return &Client{http.Client{Transport: &http.Transport{
		DialContext:     func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
		MaxIdleConns:    2,
		IdleConnTimeout: time.Minute,
	}}}
}

// Unix makes a client of the socket at path, see socket.go for long paths.
func Unix(path string) *Client {
	return Dial(func(ctx context.Context) (net.Conn, error) { return DialUnix(ctx, path) })
}

// Local makes a client of a handler in this process.
func Local(h http.Handler) *Client { return &Client{http.Client{Transport: local{h}}} }

// local is a round trip without a network.
type local struct{ http.Handler }

func (l local) RoundTrip(r *http.Request) (*http.Response, error) {
	w := &recorder{header: http.Header{}, code: http.StatusOK}
	if r.Body == nil {
		r.Body = http.NoBody
	}
	l.ServeHTTP(w, r)
	return &http.Response{
		Status: http.StatusText(w.code), StatusCode: w.code, Header: w.header, Request: r,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Body: io.NopCloser(&w.body), ContentLength: int64(w.body.Len()),
	}, nil
}

type recorder struct {
	header http.Header
	code   int
	body   bytes.Buffer
}

func (w *recorder) Header() http.Header         { return w.header }
func (w *recorder) WriteHeader(code int)        { w.code = code }
func (w *recorder) Write(p []byte) (int, error) { return w.body.Write(p) }

// Close lets idle connections go.
func (c *Client) Close() { c.http.CloseIdleConnections() }

func (c *Client) Status(ctx context.Context) (s provisioning.Status, err error) {
	return s, c.call(ctx, http.MethodGet, "/v1/status", nil, &s)
}

func (c *Client) Version(ctx context.Context) (v provisioning.Version, err error) {
	return v, c.call(ctx, http.MethodGet, "/v1/version", nil, &v)
}

// Transcript gives what was said to a modem lately; id is its IMEI or path.
func (c *Client) Transcript(ctx context.Context, id string, full bool) (t provisioning.Transcript, err error) {
	return t, c.call(ctx, http.MethodGet, transcriptAt(id, "transcript", full), nil, &t)
}

// TranscriptText is Transcript as a file.
func (c *Client) TranscriptText(ctx context.Context, id string, full bool) (text []byte, err error) {
	resp, err := c.send(ctx, http.MethodGet, transcriptAt(id, "transcript.txt", full), nil)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	return io.ReadAll(resp.Body)
}

func transcriptAt(id, name string, full bool) string {
	return "/v1/modems/" + url.PathEscape(id) + "/" + name + "?" + url.Values{"full": {strconv.FormatBool(full)}}.Encode()
}

// Presets lists the descriptions of HTTP providers.
func (c *Client) Presets(ctx context.Context) (list []provisioning.Preset, err error) {
	return list, c.call(ctx, http.MethodGet, "/v1/presets", nil, &list)
}

// CallURLs gives the URLs that an HTTP provider is to call.
func (c *Client) CallURLs(ctx context.Context, name string) (u provisioning.CallURLs, err error) {
	return u, c.call(ctx, http.MethodGet, "/v1/channels/"+url.PathEscape(name)+"/urls", nil, &u)
}

// Try sends one text by an HTTP provider.
func (c *Client) Try(ctx context.Context, name string, in provisioning.TrialOf) (t provisioning.Trial, err error) {
	return t, c.call(ctx, http.MethodPost, "/v1/channels/"+url.PathEscape(name)+"/try", in, &t)
}

func (c *Client) Verify(ctx context.Context) (v provisioning.Verdict, err error) {
	return v, c.call(ctx, http.MethodGet, "/v1/verify", nil, &v)
}

func (c *Client) Users(ctx context.Context) (users []provisioning.User, err error) {
	return users, c.call(ctx, http.MethodGet, "/v1/users", nil, &users)
}

func (c *Client) User(ctx context.Context, name string) (u provisioning.User, err error) {
	return u, c.call(ctx, http.MethodGet, "/v1/users/"+url.PathEscape(name), nil, &u)
}

func (c *Client) AddUser(ctx context.Context, in provisioning.NewUser) (u provisioning.User, err error) {
	return u, c.call(ctx, http.MethodPost, "/v1/users", in, &u)
}

func (c *Client) SetUser(ctx context.Context, name string, in provisioning.UserPatch) (u provisioning.User, err error) {
	return u, c.call(ctx, http.MethodPatch, "/v1/users/"+url.PathEscape(name), in, &u)
}

// RemoveUser gives what the user was.
func (c *Client) RemoveUser(ctx context.Context, name string, force bool) (u provisioning.User, err error) {
	q := url.Values{"force": {strconv.FormatBool(force)}}
	return u, c.call(ctx, http.MethodDelete, "/v1/users/"+url.PathEscape(name)+"?"+q.Encode(), nil, &u)
}

// ImportUsers adds all users, or none and a *provisioning.Problem that names
// those that are wrong.
func (c *Client) ImportUsers(ctx context.Context, in provisioning.UserImport) (done provisioning.UsersImported, err error) {
	return done, c.call(ctx, http.MethodPost, "/v1/users/import", in, &done)
}

func (c *Client) Modems(ctx context.Context) (list []provisioning.Modem, err error) {
	return list, c.call(ctx, http.MethodGet, "/v1/modems", nil, &list)
}

// Sessions lists the bound sessions, of one user or, with "", of all.
func (c *Client) Sessions(ctx context.Context, user string) (list []provisioning.Session, err error) {
	return list, c.call(ctx, http.MethodGet, "/v1/sessions?"+url.Values{"user": {user}}.Encode(), nil, &list)
}

func (c *Client) Session(ctx context.Context, id string) (s provisioning.Session, err error) {
	return s, c.call(ctx, http.MethodGet, "/v1/sessions/"+url.PathEscape(id), nil, &s)
}

// CloseSession begins the end of a session, which the client may still have to
// confirm.
func (c *Client) CloseSession(ctx context.Context, id string) (done provisioning.Closed, err error) {
	return done, c.call(ctx, http.MethodDelete, "/v1/sessions/"+url.PathEscape(id), nil, &done)
}

func (c *Client) CloseSessions(ctx context.Context, user string) (done provisioning.Closed, err error) {
	return done, c.call(ctx, http.MethodDelete, "/v1/users/"+url.PathEscape(user)+"/sessions", nil, &done)
}

// Traces lists the sessions of which there is a trace, the newest first.
func (c *Client) Traces(ctx context.Context) (list []provisioning.TraceInfo, err error) {
	return list, c.call(ctx, http.MethodGet, "/v1/traces", nil, &list)
}

// Trace gives what a session sent and received last; with full, texts and
// numbers too.
func (c *Client) Trace(ctx context.Context, id string, full bool) (t provisioning.Trace, err error) {
	return t, c.call(ctx, http.MethodGet, traceOf(id, "trace", full), nil, &t)
}

// TracePCAP gives the same as a capture file. The caller closes it.
func (c *Client) TracePCAP(ctx context.Context, id string, full bool) (io.ReadCloser, error) {
	resp, err := c.send(ctx, http.MethodGet, traceOf(id, "trace.pcap", full), nil)
	if err != nil {
		return nil, err
	}
	return resp.Body, nil
}

func traceOf(id, what string, full bool) string {
	return "/v1/sessions/" + url.PathEscape(id) + "/" + what + "?full=" + strconv.FormatBool(full)
}

// TryCallback posts a sample to the user's callback.
func (c *Client) TryCallback(ctx context.Context, name string) (t provisioning.CallbackTrial, err error) {
	return t, c.call(ctx, http.MethodPost, "/v1/users/"+url.PathEscape(name)+"/callback/try", nil, &t)
}

func (c *Client) Credit(ctx context.Context, name string, in provisioning.NewCredit) (b provisioning.Balance, err error) {
	return b, c.call(ctx, http.MethodPost, "/v1/users/"+url.PathEscape(name)+"/credits", in, &b)
}

// Statement sums what moved of a user's money.
func (c *Client) Statement(ctx context.Context, name string, p provisioning.Period) (s provisioning.Statement, err error) {
	return s, c.call(ctx, http.MethodGet, "/v1/users/"+url.PathEscape(name)+"/statement?"+periodQuery(p).Encode(), nil, &s)
}

// Ledger gives a stretch of a user's ledger, oldest first.
func (c *Client) Ledger(ctx context.Context, f provisioning.LedgerFilter) (p provisioning.LedgerPage, err error) {
	q := periodQuery(f.Period)
	q.Set("after", strconv.FormatUint(f.After, 10))
	q.Set("limit", strconv.Itoa(f.Limit))
	return p, c.call(ctx, http.MethodGet, "/v1/users/"+url.PathEscape(f.Name)+"/ledger?"+q.Encode(), nil, &p)
}

func periodQuery(p provisioning.Period) url.Values {
	q := url.Values{}
	for key, value := range map[string]string{"from": p.From, "to": p.To} {
		if value != "" {
			q.Set(key, value)
		}
	}
	return q
}

// Filters lists the filters of incoming messages.
func (c *Client) Filters(ctx context.Context) (list []provisioning.Filter, err error) {
	return list, c.call(ctx, http.MethodGet, "/v1/filters", nil, &list)
}

func (c *Client) AddFilter(ctx context.Context, f provisioning.Filter) (out provisioning.Filter, err error) {
	return out, c.call(ctx, http.MethodPost, "/v1/filters", f, &out)
}

func (c *Client) RemoveFilter(ctx context.Context, name string) (list []provisioning.Filter, err error) {
	return list, c.call(ctx, http.MethodDelete, "/v1/filters/"+url.PathEscape(name), nil, &list)
}

// SIMs lists all SIMs of which something is known.
func (c *Client) SIMs(ctx context.Context) (list []provisioning.SIM, err error) {
	return list, c.call(ctx, http.MethodGet, "/v1/sims", nil, &list)
}

// SIM gives one SIM, by its ICCID or the end of it.
func (c *Client) SIM(ctx context.Context, id string) (s provisioning.SIM, err error) {
	return s, c.call(ctx, http.MethodGet, "/v1/sims/"+url.PathEscape(id), nil, &s)
}

func (c *Client) SetSIM(ctx context.Context, id string, p provisioning.SIMPatch) (s provisioning.SIM, err error) {
	return s, c.call(ctx, http.MethodPatch, "/v1/sims/"+url.PathEscape(id), p, &s)
}

// RemoveSIM gives what the SIM was.
func (c *Client) RemoveSIM(ctx context.Context, id string) (s provisioning.SIM, err error) {
	return s, c.call(ctx, http.MethodDelete, "/v1/sims/"+url.PathEscape(id), nil, &s)
}

// Routes lists all routes.
func (c *Client) Routes(ctx context.Context) (list []provisioning.Route, err error) {
	return list, c.call(ctx, http.MethodGet, "/v1/routes", nil, &list)
}

func (c *Client) AddRoute(ctx context.Context, in provisioning.NewRoute) (r provisioning.Route, err error) {
	return r, c.call(ctx, http.MethodPost, "/v1/routes", in, &r)
}

func (c *Client) SetRoute(ctx context.Context, id string, in provisioning.RouteSettings) (r provisioning.Route, err error) {
	return r, c.call(ctx, http.MethodPatch, "/v1/routes/"+url.PathEscape(id), in, &r)
}

// RemoveRoute gives what the route was.
func (c *Client) RemoveRoute(ctx context.Context, id string) (r provisioning.Route, err error) {
	return r, c.call(ctx, http.MethodDelete, "/v1/routes/"+url.PathEscape(id), nil, &r)
}

func (c *Client) ExplainRoute(ctx context.Context, in provisioning.RouteQuestion) (e provisioning.RouteAnswer, err error) {
	return e, c.call(ctx, http.MethodPost, "/v1/routes/explain", in, &e)
}

// PriceLists lists all price lists.
func (c *Client) PriceLists(ctx context.Context) (list []provisioning.PriceList, err error) {
	return list, c.call(ctx, http.MethodGet, "/v1/prices", nil, &list)
}

// Prices gives a stretch of a price list.
func (c *Client) Prices(ctx context.Context, f provisioning.PriceFilter) (p provisioning.PricePage, err error) {
	q := url.Values{"prefix": {f.Prefix}, "after": {strconv.Itoa(f.After)}, "limit": {strconv.Itoa(f.Limit)}}
	return p, c.call(ctx, http.MethodGet, priceList(f.List)+"?"+q.Encode(), nil, &p)
}

func priceList(name string) string { return "/v1/prices/" + url.PathEscape(name) }

func (c *Client) SetPriceList(ctx context.Context, name string, in provisioning.PriceListPatch) (l provisioning.PriceList, err error) {
	return l, c.call(ctx, http.MethodPatch, priceList(name), in, &l)
}

func (c *Client) RemovePriceList(ctx context.Context, name string) (list []provisioning.PriceList, err error) {
	return list, c.call(ctx, http.MethodDelete, priceList(name), nil, &list)
}

// ImportPrices puts the prices of a table into a list. An answer with problems
// that is not Done is no error.
func (c *Client) ImportPrices(ctx context.Context, name string, in provisioning.PriceImport) (r provisioning.PricesImported, err error) {
	return r, c.call(ctx, http.MethodPost, priceList(name)+"/import", in, &r)
}

// Upstreams lists the channels that were set up.
func (c *Client) Upstreams(ctx context.Context) (list []provisioning.Upstream, err error) {
	return list, c.call(ctx, http.MethodGet, "/v1/channels", nil, &list)
}

func (c *Client) Upstream(ctx context.Context, name string) (u provisioning.Upstream, err error) {
	return u, c.call(ctx, http.MethodGet, "/v1/channels/"+url.PathEscape(name), nil, &u)
}

func (c *Client) AddUpstream(ctx context.Context, in provisioning.Upstream) (u provisioning.Upstream, err error) {
	return u, c.call(ctx, http.MethodPost, "/v1/channels", in, &u)
}

// PutUpstream replaces what is set of a channel. Secrets that are left out stay.
func (c *Client) PutUpstream(ctx context.Context, in provisioning.Upstream) (u provisioning.Upstream, err error) {
	in.State, in.Secrets = nil, nil
	return u, c.call(ctx, http.MethodPut, "/v1/channels/"+url.PathEscape(in.Name), in, &u)
}

func (c *Client) RemoveUpstream(ctx context.Context, name string) (list []provisioning.Upstream, err error) {
	return list, c.call(ctx, http.MethodDelete, "/v1/channels/"+url.PathEscape(name), nil, &list)
}

// lintOf is where findings of a user are, or for "" those of connections that
// never bound.
func lintOf(name string) string {
	if name == "" {
		return "/v1/lint"
	}
	return "/v1/users/" + url.PathEscape(name) + "/lint"
}

// Lint gives what the user's client does wrong; for "" what connections did
// that never bound.
func (c *Client) Lint(ctx context.Context, name string) (list []provisioning.Finding, err error) {
	return list, c.call(ctx, http.MethodGet, lintOf(name), nil, &list)
}

// ResetLint forgets what was found.
func (c *Client) ResetLint(ctx context.Context, name string) (list []provisioning.Finding, err error) {
	return list, c.call(ctx, http.MethodDelete, lintOf(name), nil, &list)
}

func (c *Client) Conformance(ctx context.Context) (s provisioning.Conformance, err error) {
	return s, c.call(ctx, http.MethodGet, "/v1/conformance", nil, &s)
}

// Send gives the message_id; without an error the message is on disk.
func (c *Client) Send(ctx context.Context, in provisioning.NewMessage) (string, error) {
	var id provisioning.MessageID
	err := c.call(ctx, http.MethodPost, "/v1/messages", in, &id)
	return id.ID, err
}

func (c *Client) Message(ctx context.Context, id string) (m provisioning.Message, err error) {
	return m, c.call(ctx, http.MethodGet, "/v1/messages/"+url.PathEscape(id), nil, &m)
}

// CancelMessage ends a message that has not been sent, and gives what it is then.
func (c *Client) CancelMessage(ctx context.Context, id string) (m provisioning.Message, err error) {
	return m, c.call(ctx, http.MethodPost, "/v1/messages/"+url.PathEscape(id)+"/cancel", nil, &m)
}

// AssignMessage gives an incoming message that nobody owns to a user.
func (c *Client) AssignMessage(ctx context.Context, id, user string) (m provisioning.Message, err error) {
	return m, c.call(ctx, http.MethodPost, "/v1/messages/"+url.PathEscape(id)+"/assign", provisioning.Assignment{User: user}, &m)
}

// Undecoded lists the PDUs that went to no client, the newest first.
func (c *Client) Undecoded(ctx context.Context) (list []provisioning.Undecoded, err error) {
	return list, c.call(ctx, http.MethodGet, "/v1/undecoded", nil, &list)
}

// DecodeAgain has all of them read again.
func (c *Client) DecodeAgain(ctx context.Context) (done provisioning.DecodedAgain, err error) {
	return done, c.call(ctx, http.MethodPost, "/v1/undecoded/decode", nil, &done)
}

// RemoveUndecoded forgets one, and gives those that are left.
func (c *Client) RemoveUndecoded(ctx context.Context, id string) (list []provisioning.Undecoded, err error) {
	return list, c.call(ctx, http.MethodDelete, "/v1/undecoded/"+url.PathEscape(id), nil, &list)
}

// Reports tells by SIM what was heard of what was sent.
func (c *Client) Reports(ctx context.Context) (list []provisioning.ReportShare, err error) {
	return list, c.call(ctx, http.MethodGet, "/v1/reports", nil, &list)
}

// Messages gives one page, newest first; the next one is Before its last ID.
func (c *Client) Messages(ctx context.Context, f provisioning.MessageFilter) (list []provisioning.Message, err error) {
	q := url.Values{}
	for key, value := range map[string]string{"user": f.User, "state": f.State, "kind": f.Kind, "before": f.Before} {
		if value != "" {
			q.Set(key, value)
		}
	}
	if f.NoUser {
		q.Set("no_user", "true")
	}
	if f.Limit > 0 {
		q.Set("limit", strconv.Itoa(f.Limit))
	}
	return list, c.call(ctx, http.MethodGet, "/v1/messages?"+q.Encode(), nil, &list)
}

// call sends in as JSON and reads out of the answer.
func (c *Client) call(ctx context.Context, method, path string, in, out any) error {
	resp, err := c.send(ctx, method, path, in)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	return json.NewDecoder(resp.Body).Decode(out)
}

// send sends in as JSON. The body of an answer that is no refusal is the
// caller's to close.
func (c *Client) send(ctx context.Context, method, path string, in any) (*http.Response, error) {
	var payload io.Reader
	if in != nil {
		raw, err := json.Marshal(in)
		if err != nil {
			return nil, err
		}
		payload = bytes.NewReader(raw)
	}
	r, err := http.NewRequestWithContext(ctx, method, "http://gateway"+path, payload)
	if err != nil {
		return nil, err
	}
	if in != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.http.Do(r)
	if err != nil {
		return nil, unreached(err)
	}
	if resp.StatusCode >= 300 {
		defer resp.Body.Close()
		return nil, refusal(resp)
	}
	return resp, nil
}

func unreached(err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
		return ErrNoGateway
	}
	var ue *url.Error
	if errors.As(err, &ue) {
		err = ue.Err
	}
	return fmt.Errorf("the gateway does not answer: %w", err)
}

// refusal reads the problem of an answer that is none.
func refusal(resp *http.Response) error {
	p := &provisioning.Problem{}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil || json.Unmarshal(raw, p) != nil || p.Detail == "" {
		return fmt.Errorf("the gateway answered %s", resp.Status)
	}
	p.Status = resp.StatusCode
	return p
}
