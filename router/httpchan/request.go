package httpchan

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
)

// Request says how a request is made. Strings in it are templates. It has one body
// at most: form, json, xml or text.
type Request struct {
	Method  string           `json:"method"`
	URL     string           `json:"url"`
	Auth    *Auth            `json:"auth,omitempty"`
	Headers map[string]words `json:"headers,omitempty"`
	Query   map[string]words `json:"query,omitempty"`
	Form    map[string]words `json:"form,omitempty"`
	JSON    json.RawMessage  `json:"json,omitempty"`
	XML     string           `json:"xml,omitempty"`
	Text    string           `json:"text,omitempty"`

	head, path template
	auth       []template
	headers    []parameter
	query      []parameter
	form       []parameter
	json       *jsonTemplate
	body       template
}

// Auth is how we say who we are.
type Auth struct {
	Kind     string `json:"kind"` // "basic", "bearer", "header", "query"
	User     string `json:"user,omitempty"`
	Password string `json:"password,omitempty"`
	Token    string `json:"token,omitempty"` // of bearer
	Name     string `json:"name,omitempty"`  // of header and query
	Value    string `json:"value,omitempty"`
}

// words are one template, or several for what is repeated.
type words []string

// UnmarshalJSON takes a string or a list of strings.
func (w *words) UnmarshalJSON(raw []byte) error {
	if len(raw) > 0 && raw[0] == '"' {
		*w = words{""}
		return json.Unmarshal(raw, &(*w)[0])
	}
	return json.Unmarshal(raw, (*[]string)(w))
}

// parameter is one of a query, a form or the headers.
type parameter struct {
	name  string
	value template
}

func (r *Request) compile() error {
	if r.Method != http.MethodGet && r.Method != http.MethodPost && r.Method != http.MethodPut {
		return fmt.Errorf("method %.20q: use GET, POST or PUT", r.Method)
	}
	for _, step := range []func() error{r.compileURL, r.compileAuth, r.compileParameters, r.compileBody} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// compileURL cuts the URL behind its host: what is before takes values of settings
// alone.
func (r *Request) compileURL() (err error) {
	if strings.ContainsAny(r.URL, "?# \t\r\n") {
		return fmt.Errorf("url %.80q: parameters go into query", r.URL)
	}
	head, path := r.URL, ""
	from := 0
	if i := strings.Index(r.URL, "://"); i >= 0 {
		from = i + 3
	}
	if i := strings.IndexByte(r.URL[from:], '/'); i >= 0 {
		head, path = r.URL[:from+i], r.URL[from+i:]
	}
	if r.head, err = parseTemplate(head); err != nil {
		return fmt.Errorf("url: %w", err)
	}
	if r.path, err = parseTemplate(path); err != nil {
		return fmt.Errorf("url: %w", err)
	}
	if from == 0 && (len(r.head) != 1 || r.head[0].name == "") {
		return fmt.Errorf("url %.80q: begin with https://, or with a setting that does", r.URL)
	}
	return nil
}

func (r *Request) compileAuth() error {
	if r.Auth == nil {
		return nil
	}
	a := r.Auth
	var parts []string
	switch {
	case a.Kind == "basic" && a.User != "":
		parts = []string{a.User, a.Password}
	case a.Kind == "bearer" && a.Token != "":
		parts = []string{a.Token}
	case (a.Kind == "header" || a.Kind == "query") && a.Name != "" && a.Value != "":
		parts = []string{a.Value}
	default:
		return errors.New("auth: use basic with user and password, bearer with token, header or query with name and value")
	}
	for _, text := range parts {
		t, err := parseTemplate(text)
		if err != nil {
			return fmt.Errorf("auth: %w", err)
		}
		r.auth = append(r.auth, t)
	}
	return nil
}

func (r *Request) compileParameters() (err error) {
	for _, c := range []struct {
		from map[string]words
		to   *[]parameter
	}{{r.Headers, &r.headers}, {r.Query, &r.query}, {r.Form, &r.form}} {
		for _, name := range slices.Sorted(maps.Keys(c.from)) {
			for _, text := range c.from[name] {
				p := parameter{name: name}
				if p.value, err = parseTemplate(text); err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
				*c.to = append(*c.to, p)
			}
		}
	}
	for _, h := range r.headers {
		if textproto.TrimString(h.name) != h.name || strings.ContainsAny(h.name, " :\r\n\t") || slices.Contains(forbiddenHeaders, strings.ToLower(h.name)) {
			return fmt.Errorf("header %.40q cannot be set", h.name)
		}
	}
	return nil
}

// forbiddenHeaders are those that say where a request ends, or to whom it goes.
var forbiddenHeaders = []string{"host", "content-length", "transfer-encoding", "connection", "trailer", "upgrade", "te", "expect"}

func (r *Request) compileBody() (err error) {
	bodies := 0
	for _, there := range []bool{r.Form != nil, r.JSON != nil, r.XML != "", r.Text != ""} {
		if there {
			bodies++
		}
	}
	switch {
	case bodies > 1:
		return errors.New("one body: form, json, xml or text")
	case bodies == 1 && r.Method == http.MethodGet:
		return errors.New("a GET has no body: use query")
	case r.JSON != nil:
		t, err := parseJSONTemplate(r.JSON)
		if err != nil {
			return fmt.Errorf("json: %w", err)
		}
		r.json = &t
	case r.XML != "":
		if r.body, err = parseTemplate(r.XML); err == nil {
			err = checkXML(r.XML, r.body)
		}
		if err != nil {
			return fmt.Errorf("xml: %w", err)
		}
	case r.Text != "":
		r.body, err = parseTemplate(r.Text)
	}
	return err
}

// names are all that the templates use; head are those of scheme and host.
func (r *Request) names() (all, head []string) {
	all = append(r.path.names(), r.body.names()...)
	for _, list := range [][]parameter{r.headers, r.query, r.form} {
		for _, p := range list {
			all = append(all, p.value.names()...)
		}
	}
	for _, t := range r.auth {
		all = append(all, t.names()...)
	}
	if r.json != nil {
		all = append(all, r.json.names()...)
	}
	return all, r.head.names()
}

// rawNames are values that are octets: only a form or a query can hold them.
func (r *Request) rawNames() (ok bool) {
	raw := func(names []string) bool {
		return slices.ContainsFunc(names, func(n string) bool { return n == "udh" || n == "data" })
	}
	for _, t := range []template{r.head, r.path, r.body} {
		if raw(t.names()) {
			return false
		}
	}
	for _, p := range r.headers {
		if raw(p.value.names()) {
			return false
		}
	}
	return r.json == nil || !raw(r.json.names())
}

// filled is a request before it is on its way.
type filled struct {
	method string
	url    *url.URL
	header http.Header
	body   []byte
}

// fill makes a request of values. An error says that a value has no place in it.
func (r *Request) fill(v values) (*filled, error) {
	out := &filled{method: r.Method, header: http.Header{}}
	for _, h := range r.headers {
		value, without, err := h.value.fill(v, inHeader)
		if err != nil {
			return nil, err
		}
		if !without {
			out.header.Add(h.name, value)
		}
	}
	query, err := encode(r.query, v)
	if err == nil {
		query, err = r.identify(out, query, v)
	}
	if err == nil {
		err = r.fillURL(out, query, v)
	}
	if err == nil {
		err = r.fillBody(out, v)
	}
	return out, err
}

func (r *Request) fillURL(out *filled, query url.Values, v values) error {
	head, _, err := r.head.fill(v, inHead)
	if err != nil {
		return err
	}
	path, _, err := r.path.fill(v, inPath)
	if err != nil {
		return err
	}
	u, err := url.Parse(strings.TrimSuffix(head, "/") + path)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "http" && u.Scheme != "https" {
		return errors.New("the URL is none")
	}
	u.RawQuery = query.Encode()
	out.url = u
	return nil
}

// identify says who we are.
func (r *Request) identify(out *filled, query url.Values, v values) (url.Values, error) {
	if r.Auth == nil {
		return query, nil
	}
	var parts [2]string
	for i, t := range r.auth {
		at := inHeader
		if r.Auth.Kind == "query" || r.Auth.Kind == "basic" {
			at = plain
		}
		var err error
		if parts[i], _, err = t.fill(v, at); err != nil {
			return nil, err
		}
	}
	switch r.Auth.Kind {
	case "basic":
		if strings.Contains(parts[0], ":") {
			return nil, errors.New("the user of basic auth has no colon [RFC 7617 2]")
		}
		q := http.Request{Header: out.header}
		q.SetBasicAuth(parts[0], parts[1])
	case "bearer":
		out.header.Set("Authorization", "Bearer "+parts[0])
	case "header":
		out.header.Set(r.Auth.Name, parts[0])
	case "query":
		query.Set(r.Auth.Name, parts[0])
	}
	return query, nil
}

func encode(list []parameter, v values) (url.Values, error) {
	all := url.Values{}
	for _, p := range list {
		value, without, err := p.value.fill(v, plain)
		if err != nil {
			return nil, err
		}
		if !without {
			all.Add(p.name, value)
		}
	}
	return all, nil
}

func (r *Request) fillBody(out *filled, v values) error {
	contentType := ""
	switch {
	case r.form != nil:
		form, err := encode(r.form, v)
		if err != nil {
			return err
		}
		out.body, contentType = []byte(form.Encode()), "application/x-www-form-urlencoded"
	case r.json != nil:
		body, _, err := r.json.fill(make([]byte, 0, 512), v)
		if err != nil {
			return err
		}
		out.body, contentType = body, "application/json"
	case r.XML != "":
		text, _, err := r.body.fill(v, inXML)
		if err != nil {
			return err
		}
		out.body, contentType = []byte(text), "application/xml; charset=utf-8"
	case r.Text != "":
		text, _, err := r.body.fill(v, plain)
		if err != nil {
			return err
		}
		out.body, contentType = []byte(text), "text/plain; charset=utf-8"
	}
	if contentType != "" && out.header.Get("Content-Type") == "" {
		out.header.Set("Content-Type", contentType)
	}
	return nil
}

// onlyOnce is the body of a request that has none. With it Go does not send a GET
// again by itself when its connection is lost: it may have sent a message.
type onlyOnce struct{}

func (onlyOnce) Read([]byte) (int, error) { return 0, io.EOF }
func (onlyOnce) Close() error             { return nil }

// request makes the request that net/http sends.
func (f *filled) request(ctx context.Context) (*http.Request, error) {
	var body io.Reader = onlyOnce{}
	if f.body != nil {
		body = bytes.NewReader(f.body)
	}
	r, err := http.NewRequestWithContext(ctx, f.method, "", body)
	if err != nil {
		return nil, err
	}
	r.URL, r.Host = f.url, f.url.Host // it was read when it was made
	r.Header = f.header.Clone()
	if r.Header.Get("User-Agent") == "" {
		r.Header.Set("User-Agent", "gsmgate")
	}
	return r, nil
}
