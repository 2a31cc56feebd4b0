package httpchan

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Class says what an answer means.
type Class string

const (
	Accepted  Class = "accepted"
	Permanent Class = "permanent" // this message: nobody will take it
	Elsewhere Class = "elsewhere" // this message: this provider will never take it, another may
	Temporary Class = "temporary" // this message, for now
	Throttle  Class = "throttle"  // too fast: slower, and again
	Ill       Class = "ill"       // this channel: it cannot send now, whatever the message
	NoCredit  Class = "no-credit" // likewise: our money with the provider is gone
	Unsure    Class = "unknown"   // it may have gone out
)

// tells says whether an answer of the class is about the message itself, so that it is
// the same to a request that was there before.
func (c Class) tells() bool { return c == Accepted || c == Permanent || c == Elsewhere }

var classes = []Class{Permanent, Elsewhere, Temporary, Throttle, Ill, NoCredit, Unsure}

// Answer says how the answer to a request is understood.
type Answer struct {
	Format  string  `json:"format"`            // "json", "xml", "form", "text"
	Success []Test  `json:"success,omitempty"` // all must hold, for every value that they find
	ID      ID      `json:"id"`
	Errors  []Rule  `json:"errors,omitempty"` // of an answer that is no success: the first that holds for any value
	Code    Field   `json:"code,omitzero"`    // the provider's own number or word for it
	Reason  []Field `json:"reason,omitempty"` // in words: all that are there
}

// ID says where the provider's name for the message is.
type ID struct {
	Field
	Own  bool `json:"own,omitempty"`  // it is the {id} that we gave
	UUID bool `json:"uuid,omitempty"` // the {uuid}
}

// UnmarshalJSON takes a path, or an object.
func (id *ID) UnmarshalJSON(raw []byte) error {
	if len(raw) > 0 && raw[0] == '"' {
		return id.Field.UnmarshalJSON(raw)
	}
	var all struct {
		Path   string `json:"path"`
		Header string `json:"header"`
		Regex  string `json:"regex"`
		Own    bool   `json:"own"`
		UUID   bool   `json:"uuid"`
	}
	if err := strict(raw, &all); err != nil {
		return err
	}
	*id = ID{Field{Path: all.Path, Header: all.Header, Regex: all.Regex}, all.Own, all.UUID}
	return nil
}

// given says that the name is known before the answer.
func (id *ID) given() bool { return id.Own || id.UUID }

// Rule gives the class of answers for which its test holds.
type Rule struct {
	Status string   `json:"status,omitempty"`
	Is     []string `json:"is,omitempty"`
	Not    []string `json:"not,omitempty"`
	Exists *bool    `json:"exists,omitempty"`
	Path   string   `json:"path,omitempty"`
	Header string   `json:"header,omitempty"`
	Regex  string   `json:"regex,omitempty"`

	Class Class `json:"class"`
	Wait  *Wait `json:"wait,omitempty"` // nil: Retry-After, when it is there

	test Test
}

// Wait says for how long a message is to wait.
type Wait struct {
	Path    string `json:"path,omitempty"`
	Header  string `json:"header,omitempty"`
	Regex   string `json:"regex,omitempty"`
	Unit    string `json:"unit,omitempty"`    // "s" (default), "ms"
	Seconds int    `json:"seconds,omitempty"` // when none is found

	field Field
}

// The wait is bounded: a provider that says a year means never.
const longestWait = time.Hour

func (a *Answer) compile() error {
	if !slices.Contains([]string{formatJSON, formatXML, formatForm, formatText}, a.Format) {
		return fmt.Errorf("format %.20q: use json, xml, form or text", a.Format)
	}
	for i := range a.Success {
		if err := a.Success[i].compile(); err != nil {
			return fmt.Errorf("success: %w", err)
		}
	}
	for i := range a.Errors {
		if err := a.Errors[i].compile(); err != nil {
			return fmt.Errorf("errors: %w", err)
		}
	}
	fields := []*Field{&a.ID.Field, &a.Code}
	for i := range a.Reason {
		fields = append(fields, &a.Reason[i])
	}
	for _, f := range fields {
		if err := f.compile(); err != nil {
			return err
		}
	}
	if !a.ID.set() && !a.ID.given() {
		return errors.New("id: where is it?")
	}
	return nil
}

func (r *Rule) compile() error {
	r.test = Test{Status: r.Status, Is: r.Is, Not: r.Not, Exists: r.Exists, Path: r.Path, Header: r.Header, Regex: r.Regex}
	if !slices.Contains(classes, r.Class) {
		return fmt.Errorf("no class %.20q", r.Class)
	}
	if w := r.Wait; w != nil {
		w.field = Field{Path: w.Path, Header: w.Header, Regex: w.Regex}
		if w.Unit != "" && w.Unit != "s" && w.Unit != "ms" {
			return fmt.Errorf("wait: unit %.20q: use s or ms", w.Unit)
		}
		if err := w.field.compile(); err != nil {
			return err
		}
	}
	return r.test.compile()
}

// Understood is what an answer was taken for.
type Understood struct {
	Class  Class         `json:"class"`
	ID     string        `json:"id,omitempty"`     // the provider's name for the message
	Others []string      `json:"others,omitempty"` // and for the rest of its segments
	Code   string        `json:"code,omitempty"`
	Reason string        `json:"reason,omitempty"`
	Wait   time.Duration `json:"-"`
	WaitS  float64       `json:"wait_s,omitempty"`

	status int
}

// response is an answer as it came.
type response struct {
	status int
	header http.Header
	body   []byte
	broken error // the body did not come whole
}

// understand says what an answer means. ours is the name that we gave.
func (a *Answer) understand(r *response, ours string) Understood {
	s := &source{status: r.status, header: r.header, body: r.body}
	doc, err := parseDocument(a.Format, r.body)
	if err == nil {
		s.doc = doc
	}
	if r.broken != nil {
		err = r.broken
	}
	u := Understood{status: r.status, Code: short(a.Code.value(s)), Reason: a.reason(s)}
	if (r.status < 300 && r.status >= 200) && err != nil {
		u.Class, u.Reason = Unsure, short("the answer cannot be read: "+err.Error())
		return u
	}
	u.Class, u.Wait = a.class(s)
	if u.Class == Accepted {
		a.identify(&u, s, ours)
	}
	if u.Class != Accepted && u.Reason == "" {
		u.Reason = orStatus(u.Code, r.status)
	}
	u.WaitS = u.Wait.Seconds()
	return u
}

func orStatus(code string, status int) string {
	if code != "" {
		return "code " + code
	}
	return strings.TrimSpace(fmt.Sprintf("HTTP %d %s", status, http.StatusText(status)))
}

// identify finds the name of a message that was accepted. Without one no report can
// be told from others: the message is out all the same.
func (a *Answer) identify(u *Understood, s *source, ours string) {
	if a.ID.given() {
		u.ID = ours
		return
	}
	all := a.ID.values(s)
	if len(all) == 0 || len(all[0]) > mostID {
		u.Class, u.Reason = Unsure, "the provider took the message, and gave no name for it"
		return
	}
	u.ID = all[0]
	u.Others = all[1:min(len(all), mostSegments)]
}

// mostID bounds a provider's name for a message: it is a key on disk.
const mostID = 160

func (a *Answer) reason(s *source) string {
	var all []string
	for i := range a.Reason {
		for _, v := range a.Reason[i].values(s) {
			if v = short(v); !slices.Contains(all, v) {
				all = append(all, v)
			}
		}
	}
	return short(strings.Join(all, "; "))
}

// short bounds what a provider says of an error, on one line.
func short(text string) string {
	text = strings.Join(strings.Fields(strings.ToValidUTF8(text, "\ufffd")), " ")
	if r := []rune(text); len(r) > 200 {
		return string(r[:200]) + "…"
	}
	return text
}

func (a *Answer) class(s *source) (Class, time.Duration) {
	if a.succeeded(s, true) {
		return Accepted, 0
	}
	if a.succeeded(s, false) {
		return Unsure, 0 // some of its segments were taken
	}
	for i := range a.Errors {
		if r := &a.Errors[i]; r.test.holds(s, false) {
			return r.Class, r.Wait.of(s)
		}
	}
	return classOfStatus(s.status), (*Wait)(nil).of(s)
}

func (a *Answer) succeeded(s *source, every bool) bool {
	if s.status/100 != 2 {
		return false
	}
	return !slices.ContainsFunc(a.Success, func(t Test) bool { return !t.holds(s, every) })
}

// classOfStatus is what an HTTP status means when the description does not say
// [RFC 9110 15]. A gateway that did not get its answer does not know what became of
// the message.
func classOfStatus(status int) Class {
	switch {
	case status == http.StatusTooManyRequests:
		return Throttle
	case status == http.StatusPaymentRequired:
		return NoCredit
	case slices.Contains([]int{http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusProxyAuthRequired, http.StatusGone}, status):
		return Ill
	case status == http.StatusRequestTimeout, status == http.StatusTooEarly, status == http.StatusServiceUnavailable, status == http.StatusInternalServerError:
		return Temporary
	case status == http.StatusConflict, status >= 500:
		return Unsure
	case status >= 300 && status < 400, status < 200:
		return Ill // we are sent elsewhere, and do not go
	}
	return Permanent
}

// of is how long to wait: what the rule finds, else Retry-After, in seconds or as a
// date [RFC 9110 10.2.3].
func (w *Wait) of(s *source) time.Duration {
	if w != nil {
		unit := time.Second
		if w.Unit == "ms" {
			unit = time.Millisecond
		}
		if n, err := strconv.ParseFloat(w.field.value(s), 64); err == nil && n >= 0 && !math.IsInf(n, 0) {
			return time.Duration(min(n*float64(unit), float64(longestWait)))
		}
		if w.Seconds > 0 {
			return min(time.Duration(w.Seconds)*time.Second, longestWait)
		}
	}
	after := s.header.Get("Retry-After")
	if n, err := strconv.ParseUint(after, 10, 31); err == nil {
		return min(time.Duration(n)*time.Second, longestWait)
	}
	if at, err := http.ParseTime(after); err == nil {
		return min(max(0, time.Until(at)), longestWait)
	}
	return 0
}
