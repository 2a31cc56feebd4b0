package httpchan

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"gsmgate/router"
	"gsmgate/router/peertls"
	"gsmgate/storage"
)

// Bounds of what may be set.
const (
	mostWindow      = 1000
	mostRate        = 100_000
	mostTimeout     = 300
	mostSetting     = 4096
	mostDescription = 64 << 10
)

const (
	defaultWindow  = 10
	defaultTimeout = 30 * time.Second
)

// settings are a record that has been read.
type settings struct {
	d       *Description
	values  map[string]string
	secrets []string // values that are shown as ***
	client  *http.Client
	timeout time.Duration
	window  int
	rate    int
	token   string
	poll    string
}

func bad(field, message, hint string) error {
	return &router.Error{Code: router.Invalid, Field: field, Message: message, Hint: hint}
}

// Check says what is wrong with a record; a *router.Error names the field. It puts
// secrets apart from other settings, and gives the record its token.
func Check(c *storage.Channel) error {
	if c.HTTP == nil {
		return bad("kind", "not an HTTP channel", "")
	}
	r := *c.HTTP
	r.Settings, r.Secrets = maps.Clone(r.Settings), maps.Clone(r.Secrets)
	d, err := describe(&r)
	if err != nil {
		return err
	}
	if r.Secrets == nil {
		r.Secrets = map[string]storage.Secret{}
	}
	for _, s := range d.Settings {
		if v, ok := r.Settings[s.Name]; ok && s.Secret {
			r.Secrets[s.Name] = storage.Secret(v)
			delete(r.Settings, s.Name)
		}
	}
	if r.Token == "" {
		r.Token = newToken()
	}
	if _, err := read(&r); err != nil {
		return err
	}
	c.HTTP = &r
	return nil
}

func newToken() storage.Secret {
	b := make([]byte, 16)
	rand.Read(b)
	return storage.Secret(hex.EncodeToString(b))
}

// describe finds the description of a record.
func describe(r *storage.HTTPChannel) (*Description, error) {
	switch {
	case r.Preset != "" && len(r.Description) > 0:
		return nil, bad("preset", "a preset and a description are two", "give one of them")
	case r.Preset != "":
		return Preset(r.Preset)
	case len(r.Description) == 0:
		return nil, bad("preset", "a preset or a description is needed", "presets: "+strings.Join(PresetNames(), ", "))
	case len(r.Description) > mostDescription:
		return nil, bad("description", fmt.Sprintf("the description has %d octets", len(r.Description)), fmt.Sprintf("%d at most", mostDescription))
	}
	d, err := ParseDescription(r.Description)
	if err != nil {
		return nil, bad("description", err.Error(), "gsmgate channel presets NAME prints one to begin with")
	}
	return d, nil
}

// read makes settings of a record.
func read(r *storage.HTTPChannel) (s settings, err error) {
	s = settings{timeout: cmp.Or(time.Duration(r.TimeoutS)*time.Second, defaultTimeout), window: cmp.Or(r.Window, defaultWindow), rate: r.Rate, token: string(r.Token), poll: r.Poll}
	if s.d, err = describe(r); err != nil {
		return s, err
	}
	for _, n := range []struct {
		field       string
		value, most int
	}{{"window", r.Window, mostWindow}, {"rate", r.Rate, mostRate}, {"timeout_s", r.TimeoutS, mostTimeout}} {
		if n.value < 0 || n.value > n.most {
			return s, bad(n.field, fmt.Sprintf("%s %d is out of range", n.field, n.value), fmt.Sprintf("use 0 to %d; 0 is the default", n.most))
		}
	}
	if !slices.Contains([]string{"", "on", "off"}, r.Poll) {
		return s, bad("poll", fmt.Sprintf("poll is %.20q", r.Poll), "use on, off, or leave it out")
	}
	if err := s.readValues(r); err != nil {
		return s, err
	}
	if err := s.readURL(); err != nil {
		return s, err
	}
	return s, s.readClient(r)
}

// readValues holds what was given against what the description asks for.
func (s *settings) readValues(r *storage.HTTPChannel) error {
	s.values = map[string]string{}
	maps.Copy(s.values, r.Settings)
	for name, v := range r.Secrets {
		s.values[name] = string(v)
	}
	for _, name := range slices.Sorted(maps.Keys(s.values)) {
		if s.d.setting(name) == nil {
			return bad(name, fmt.Sprintf("%s knows no setting %.40q", s.d.Name, name), "its settings: "+s.d.settingNames())
		}
	}
	for i := range s.d.Settings {
		if err := s.readValue(&s.d.Settings[i]); err != nil {
			return err
		}
	}
	return nil
}

func (s *settings) readValue(is *Setting) error {
	v := cmp.Or(s.values[is.Name], is.Default)
	s.values[is.Name] = v
	switch {
	case v == "" && is.Optional:
		return nil
	case v == "":
		return bad(is.Name, fmt.Sprintf("%s needs setting %q: %s", s.d.Name, is.Name, is.About), "set "+is.Name+"="+cmp.Or(is.Example, "…"))
	case len(v) > mostSetting || strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r == 0x7F }):
		return bad(is.Name, fmt.Sprintf("setting %q is too long, or has a control character", is.Name), "")
	case is.re != nil && !is.re.MatchString(v):
		hint := is.About
		if is.Example != "" {
			hint += ", such as " + is.Example
		}
		return bad(is.Name, fmt.Sprintf("setting %q cannot be that", is.Name), hint)
	}
	if is.Secret {
		s.secrets = append(s.secrets, v)
	}
	return nil
}

func (d *Description) settingNames() string {
	var all []string
	for _, s := range d.Settings {
		name := s.Name
		if s.Optional || s.Default != "" {
			name = "[" + name + "]"
		}
		all = append(all, name)
	}
	return strings.Join(all, ", ")
}

// readURL makes sure that the settings make a URL of scheme and host.
func (s *settings) readURL() error {
	for _, r := range s.d.requests() {
		head, _, err := r.head.fill(func(name string) string { return s.values[name] }, inHead)
		if err != nil {
			return bad("settings", err.Error(), "")
		}
		u, err := url.Parse(head)
		if err != nil || u.Host == "" || u.User != nil || u.Scheme != "http" && u.Scheme != "https" || u.RawQuery != "" {
			return bad(strings.Join(r.head.names(), " "), fmt.Sprintf("%.80q is no URL of a provider", head), "use https://HOST")
		}
	}
	return nil
}

// Times that a connection may take, beside that of the answer.
const (
	dialTime = 10 * time.Second
	// idleTime is short: a provider that closes a connection just when a message
	// goes out leaves us in doubt.
	idleTime  = 4 * time.Second
	mostReply = 1 << 20 // octets of a body that are read
	mostHead  = 64 << 10
	// pollConnections are for asking, so that no message waits for that.
	pollConnections = 2
)

// readClient makes what sends requests: HTTP/1.1, for on a connection of its own it
// is known whether an octet of a request has left.
func (s *settings) readClient(r *storage.HTTPChannel) error {
	conf, err := peertls.Config(peertls.Spec{Host: r.Host, CA: r.CA, Pin: r.Pin, Cert: r.Cert, Key: r.Key})
	if err != nil {
		return err
	}
	t := &http.Transport{
		TLSClientConfig: conf, TLSHandshakeTimeout: dialTime, IdleConnTimeout: idleTime, DisableCompression: true,
		MaxConnsPerHost: s.window + pollConnections, MaxIdleConnsPerHost: s.window, MaxResponseHeaderBytes: mostHead,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			d := net.Dialer{Timeout: dialTime}
			conn, err := d.DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return &counted{Conn: conn}, nil
		},
	}
	t.Protocols = new(http.Protocols)
	t.Protocols.SetHTTP1(true)
	if r.Proxy != "" {
		u, err := url.Parse(r.Proxy)
		if err != nil || u.Host == "" || !slices.Contains([]string{"http", "https", "socks5", "socks5h"}, u.Scheme) {
			return bad("proxy", "not the URL of a proxy", "use http://HOST:PORT or socks5://HOST:PORT")
		}
		if password, ok := u.User.Password(); ok {
			s.secrets = append(s.secrets, password)
		}
		t.Proxy = http.ProxyURL(u)
	}
	s.client = &http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return nil
}

// requests are all that the description has.
func (d *Description) requests() []*Request {
	all := []*Request{&d.Send}
	if d.Binary != nil {
		all = append(all, d.Binary)
	}
	if d.PollReports != nil {
		all = append(all, &d.PollReports.Request)
	}
	if d.PollIncoming != nil {
		all = append(all, &d.PollIncoming.Request)
	}
	return all
}

const shortestSecret = 4

// mask hides the secrets in what is shown.
func (s *settings) mask(text string) string {
	for _, secret := range s.secrets {
		if len(secret) < shortestSecret {
			continue // it would hide half of what is shown
		}
		for _, form := range []string{secret, url.QueryEscape(secret), url.PathEscape(secret)} {
			text = strings.ReplaceAll(text, form, "***")
		}
	}
	return text
}

var errNoAnswer = errors.New("the provider did not answer in time")
