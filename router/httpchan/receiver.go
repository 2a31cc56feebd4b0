package httpchan

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"

	"golang.org/x/time/rate"

	"gsmgate/router"
	"gsmgate/storage"
)

// Bounds of what providers may ask of us.
const (
	mostCall      = 1 << 20 // octets of a body
	mostItems     = 1000    // of one call
	mostCalls     = 64      // at once, of one channel
	callsASecond  = 2000    // of one channel
	strangersRate = 20      // calls a second without a right path, of all together
)

// Receiver takes the calls of all providers. It is an http.Handler.
type Receiver struct {
	find      func(name string) *Channel // nil: there is none
	log       *slog.Logger
	strangers *rate.Limiter
}

// NewReceiver makes a receiver; find gives the channel of a name.
func NewReceiver(find func(name string) *Channel, log *slog.Logger) *Receiver {
	return &Receiver{find, log, rate.NewLimiter(strangersRate, 10*strangersRate)}
}

// ServeHTTP takes a call at …/NAME/TOKEN, …/NAME/TOKEN/report or
// …/NAME/TOKEN/incoming.
func (rc *Receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	steps := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	word := ""
	if last := steps[len(steps)-1]; last == reportWord || last == incomingWord {
		word, steps = last, steps[:len(steps)-1]
	}
	var ch *Channel
	if len(steps) >= 2 {
		ch = rc.find(steps[len(steps)-2])
	}
	token, want := steps[len(steps)-1], ""
	if ch != nil {
		want = ch.token
	}
	if !same(token, want) || want == "" {
		status := http.StatusNotFound
		if !rc.strangers.Allow() {
			status = http.StatusTooManyRequests
		}
		w.WriteHeader(status) // the same whether there is such a channel
		return
	}
	ch.take(w, r, word)
}

// take reads one call of the provider, and answers it when all is on disk.
func (ch *Channel) take(w http.ResponseWriter, r *http.Request, word string) {
	select {
	case ch.calls <- struct{}{}:
		defer func() { <-ch.calls }()
	default:
		busy(w)
		return
	}
	if !ch.callRate.Allow() {
		busy(w)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodPost && r.Method != http.MethodPut {
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, mostCall))
	if err != nil {
		ch.unread(err)
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		return
	}
	c := ch.callOf(r, word, body)
	if err := ch.verify(c); err != nil {
		ch.unread(err)
		w.WriteHeader(http.StatusForbidden)
		return
	}
	told, reply, err := ch.readCall(r.URL.RawQuery, c, word)
	if err != nil {
		ch.unread(err)
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if err := ch.store(told); err != nil {
		ch.log.Warn("what the provider told was not stored", "err", err)
		busy(w)
		return
	}
	reply.write(w)
}

// busy asks the provider to come again.
func busy(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "5")
	w.WriteHeader(http.StatusServiceUnavailable)
}

func (r *Reply) write(w http.ResponseWriter) {
	if r.Type != "" {
		w.Header().Set("Content-Type", r.Type)
	}
	status := r.Status
	if status == 0 {
		status = http.StatusOK
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, r.Body) // the provider is gone: it will come again
}

func (ch *Channel) unread(err error) {
	ch.count(func(c *Counts) { c.Unread++ })
	ch.log.Warn("a call of the provider is not taken", "err", withoutNumbers(ch.mask(err.Error())))
}

func (ch *Channel) callOf(r *http.Request, word string, body []byte) *call {
	at := ch.callURL(word)
	if r.URL.RawQuery != "" {
		at += "?" + r.URL.RawQuery
	}
	c := &call{method: r.Method, url: at, header: r.Header, body: body, from: peer(r), now: ch.now()}
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind == "application/x-www-form-urlencoded" {
		c.form, _ = url.ParseQuery(string(body)) // a broken one is found when it is read
	}
	return c
}

// peer is who calls. A proxy on this machine says for whom.
func peer(r *http.Request) netip.Addr {
	host, _, _ := net.SplitHostPort(r.RemoteAddr)
	from, _ := netip.ParseAddr(host)
	if from = from.Unmap(); !from.IsLoopback() {
		return from
	}
	all := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	if told, err := netip.ParseAddr(strings.TrimSpace(all[len(all)-1])); err == nil {
		return told.Unmap()
	}
	return from
}

// document reads the body of a call, or its query.
func (c *call) document(format, query string) (any, error) {
	kind, _, _ := mime.ParseMediaType(c.header.Get("Content-Type"))
	start := bytes.TrimSpace(c.body)
	switch {
	case len(start) == 0 && query != "", c.method == http.MethodGet:
		return parseDocument(formatForm, []byte(query))
	case format != "":
	case strings.HasSuffix(kind, "json"), len(start) > 0 && (start[0] == '{' || start[0] == '['):
		format = formatJSON
	case strings.HasSuffix(kind, "xml"), len(start) > 0 && start[0] == '<':
		format = formatXML
	default:
		format = formatForm
	}
	return parseDocument(format, c.body)
}

var errNothing = errors.New("the description has nothing for it")

// readCall reads all items of a call, and gives the reply for when they are stored.
func (ch *Channel) readCall(query string, c *call, word string) (all []Told, reply Reply, err error) {
	reports, incoming := ch.d.Reports, ch.d.Incoming
	if word == incomingWord {
		reports = nil
	}
	if word == reportWord {
		incoming = nil
	}
	if reports == nil && incoming == nil {
		return nil, reply, errNothing
	}
	if reports != nil {
		if all, err = ch.readReports(reports, query, c); err != nil {
			return nil, reply, err
		}
		reply = reports.Reply
	}
	if incoming != nil {
		more, err := ch.readIncoming(incoming, query, c)
		if err != nil {
			return nil, reply, err
		}
		if all = append(all, more...); len(more) > 0 || reports == nil {
			reply = incoming.Reply
		}
	}
	if len(all) == 0 {
		all = []Told{{Err: errNothing}}
	}
	return all, reply, nil
}

func (ch *Channel) readReports(r *Reports, query string, c *call) (all []Told, err error) {
	err = r.items(query, c, func(s *source) { all = append(all, r.read(s, ch.lane, "")) })
	return all, err
}

func (ch *Channel) readIncoming(in *Incoming, query string, c *call) (all []Told, err error) {
	err = in.items(query, c, func(s *source) { all = append(all, in.read(s, ch.lane, ch.number(), c.now)) })
	return all, err
}

// number is ours, for messages that do not say to which they came.
func (ch *Channel) number() string {
	if n := ch.values["number"]; n != "" {
		return n
	}
	return ch.values["from"]
}

func (t *Telling) items(query string, c *call, each func(*source)) error {
	doc, err := c.document(t.Format, query)
	if err != nil {
		return err
	}
	return t.each.items(doc, func(item any) {
		if s := (&source{header: c.header, body: c.body, doc: item}); t.applies(s) {
			each(s)
		}
	})
}

func (p trail) items(doc any, each func(any)) error {
	found := p.find(doc)
	if len(found) > mostItems {
		return errors.New("too many items")
	}
	for _, item := range found {
		each(item)
	}
	return nil
}

var errNotRunning = errors.New("the channel does not run")

// store puts all that was told on disk, and waits for it. An error says that some of
// it is not, and that it would help to be told again.
func (ch *Channel) store(all []Told) error {
	ch.mu.Lock()
	in := ch.in
	ch.mu.Unlock()
	if in == nil {
		return errNotRunning
	}
	var wg sync.WaitGroup
	errs := make([]error, len(all))
	for i := range all {
		wg.Add(1)
		ch.storeOne(in, &all[i], func(err error) { errs[i] = err; wg.Done() })
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (ch *Channel) storeOne(in router.Inbox, t *Told, done func(error)) {
	switch {
	case t.Err != nil:
		ch.unread(t.Err)
		done(nil) // to hear it again would not help
	case t.Ignored, t.Report != nil && ch.late.has(t.Report.Ref):
		done(nil)
	case t.Report != nil:
		in.Report(*t.Report, ch.stored(done, func(c *Counts) { c.Receipts++ }))
	case t.Segment != nil:
		in.Segment(*t.Segment, assemble, ch.stored(done, func(c *Counts) { c.Received++ }))
	default:
		then := ch.stored(done, func(c *Counts) { c.Received++ })
		in.Submit(t.Message, func(_ storage.ID, err error) { then(err) })
	}
}

// stored counts what is on disk, and leaves what would come again in vain.
func (ch *Channel) stored(done func(error), counted func(*Counts)) func(error) {
	return func(err error) {
		var re *router.Error
		switch {
		case err == nil:
			ch.count(counted)
		case errors.Is(err, storage.ErrDuplicate):
			err = nil
		case errors.As(err, &re) && re.Code == router.Invalid:
			ch.unread(err)
			err = nil
		}
		done(err)
	}
}
