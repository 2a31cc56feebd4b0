package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"gsmgate/router"
	"gsmgate/smppd"
)

// smppSettings are what serve can be told about SMPP. Each is empty when it is
// not given: the default is the server's.
type smppSettings struct {
	SessionInit   given `name:"smpp-session-init" placeholder:"5s" help:"time from the connection to the bind; 0 or off: no limit (default 5s) [SMPP34 7.2]"`
	EnquireLink   given `name:"smpp-enquire-link" placeholder:"30s" help:"silence of a client after which it is asked with enquire_link; 0 or off: never (default 30s) [SMPP34 7.2]"`
	Inactivity    given `name:"smpp-inactivity" placeholder:"5m" help:"silence of a client after which its session is dropped; 0 or off: never (default 5m) [SMPP34 7.2]"`
	Response      given `name:"smpp-response" placeholder:"10s" help:"how long an answer of a client may take (default 10s) [SMPP34 7.2]"`
	Retry         given `name:"smpp-retry" placeholder:"30s" help:"how long a client that did not take a deliver_sm is left alone at most; the first wait is shorter (default 30s) [SMPP34 2.8]"`
	PDURead       given `name:"smpp-pdu-read" placeholder:"30s" help:"how long the rest of a PDU may take after its first octet; 0 or off: no limit (default 30s)"`
	MaxSessions   given `name:"smpp-max-sessions" placeholder:"N" help:"bound sessions at most; beyond them ESME_RBINDFAIL (default 2000)"`
	MaxPDU        given `name:"smpp-max-pdu" placeholder:"BYTES" help:"greatest command_length that is read; beyond it ESME_RINVCMDLEN (default 71680) [SMPP34 3.2, 5.1.1]"`
	Window        given `name:"smpp-window" placeholder:"N" help:"requests of one session without an answer at most (default 100) [SMPP34 2.5.2]"`
	DeliverWindow given `name:"smpp-deliver-window" placeholder:"N" help:"deliver_sm of one session without an answer at most (default 10) [SMPP34 2.5.2]"`
	MaxUnbound    given `name:"smpp-max-unbound" placeholder:"N" help:"connections that have not bound at most; further ones wait (default 256)"`
	MaxPerAddress given `name:"smpp-max-unbound-per-address" placeholder:"N" help:"connections of one address that have not bound at most; further ones wait (default: a quarter of --smpp-max-unbound)"`
	MaxWaiting    given `name:"smpp-max-waiting" placeholder:"N" help:"connections that wait for a place among those at most; further ones are closed at once (default 4096)"`
	Trace         given `name:"smpp-trace" placeholder:"BYTES" help:"how much of the last PDUs is kept for each session; 0 or off: nothing (default 8192)"`
	KeptTraces    given `name:"smpp-kept-traces" placeholder:"N" help:"traces of ended sessions that are kept, and as many of connections whose binds were refused; 0 or off: none (default 32)"`
	SystemID      given `name:"smpp-system-id" placeholder:"NAME" help:"how the gateway names itself in bind_resp (default gsmgate) [SMPP34 4.1.2]"`

	Allow      []string `name:"smpp-allow" placeholder:"CIDR" sep:"none" help:"network that clients may connect from; again for more (default: all)"`
	ClientCA   string   `name:"client-ca" placeholder:"FILE" help:"bundle of CAs (PEM) whose client certificates are believed on smpps; reread when it changes"`
	ClientCert string   `name:"client-cert" placeholder:"WHEN" help:"off, ask or require a client certificate on smpps (default: ask with --client-ca, else off)"`
}

// given is a value as a flag or the file has it, with its place.
type given struct{ text, from string }

// UnmarshalText is called for a flag.
func (g *given) UnmarshalText(text []byte) error {
	g.text = string(text)
	return nil
}

// UnmarshalJSON takes a string, such as "5s", or a whole number.
func (g *given) UnmarshalJSON(raw []byte) error {
	var n int64
	if json.Unmarshal(raw, &n) == nil {
		g.text = strconv.FormatInt(n, 10)
		return nil
	}
	return json.Unmarshal(raw, &g.text)
}

// setting is one value with its name and what it may be.
type setting struct {
	flag  string // without --; the key of the file has _ for -
	value *given
	read  func(text string) error // gives what is expected as its error
}

func (s setting) key() string { return strings.ReplaceAll(s.flag, "-", "_") }

// smppOptions are what the settings come to.
type smppOptions struct {
	smppd.Config
	Retry time.Duration // 0: the channel's default
}

// all lists the settings that are single values; what they say goes to o.
func (s *smppSettings) all(o *smppOptions) []setting {
	return []setting{
		{"smpp-session-init", &s.SessionInit, timer(&o.SessionInit)},
		{"smpp-enquire-link", &s.EnquireLink, timer(&o.EnquireLink)},
		{"smpp-inactivity", &s.Inactivity, timer(&o.Inactivity)},
		{"smpp-response", &s.Response, duration(&o.Response)},
		{"smpp-retry", &s.Retry, duration(&o.Retry)},
		{"smpp-pdu-read", &s.PDURead, timer(&o.PDURead)},
		{"smpp-max-sessions", &s.MaxSessions, count(&o.MaxSessions, 1, 100_000)},
		{"smpp-max-pdu", &s.MaxPDU, count(&o.MaxPDU, 512, 16<<20)},
		{"smpp-window", &s.Window, count(&o.Window, 1, 10_000)},
		{"smpp-deliver-window", &s.DeliverWindow, count(&o.DeliverWindow, 1, 10_000)},
		{"smpp-max-unbound", &s.MaxUnbound, count(&o.MaxUnbound, 1, 100_000)},
		{"smpp-max-unbound-per-address", &s.MaxPerAddress, count(&o.MaxUnboundPerAddress, 1, 100_000)},
		{"smpp-max-waiting", &s.MaxWaiting, count(&o.MaxWaiting, 1, 100_000)},
		{"smpp-trace", &s.Trace, size(&o.Trace, 256, 16<<20)},
		{"smpp-kept-traces", &s.KeptTraces, size(&o.KeptTraces, 1, 10_000)},
		{"smpp-system-id", &s.SystemID, systemID(&o.SystemID)},
	}
}

// Bounds of the timers: below, a healthy client on a mobile link would be
// dropped; above, nobody waits for it any more.
const (
	minTimer = 100 * time.Millisecond
	maxTimer = 24 * time.Hour
)

func duration(target *time.Duration) func(string) error {
	return func(text string) error {
		d, err := time.ParseDuration(text)
		if err != nil || d < minTimer || d > maxTimer {
			return fmt.Errorf("use a duration such as 10s or 5m, from %v to %v", minTimer, "24h")
		}
		*target = d
		return nil
	}
}

// timer is a duration that may be switched off, which is negative for the
// server.
func timer(target *time.Duration) func(string) error {
	return func(text string) error {
		if text == "off" || text == "0" || text == "0s" {
			*target = -1
			return nil
		}
		if err := duration(target)(text); err != nil {
			return fmt.Errorf("%w, or off", err)
		}
		return nil
	}
}

func count(target *int, least, most int) func(string) error {
	return func(text string) error {
		n, err := strconv.Atoi(text)
		if err != nil || n < least || n > most {
			return fmt.Errorf("use a number from %d to %d", least, most)
		}
		*target = n
		return nil
	}
}

// size is a count that may be switched off, which is negative for the server.
func size(target *int, least, most int) func(string) error {
	return func(text string) error {
		if text == "off" || text == "0" {
			*target = -1
			return nil
		}
		if err := count(target, least, most)(text); err != nil {
			return fmt.Errorf("%w, or off", err)
		}
		return nil
	}
}

// systemID has room for 15 characters [SMPP34 4.1.2].
func systemID(target *string) func(string) error {
	return func(text string) error {
		if len(text) < 1 || len(text) > 15 || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return fmt.Errorf("use 1 to 15 printable ASCII characters without spaces")
		}
		*target = text
		return nil
	}
}

// options reads all of it. A mistake is told with the flag or the key that has
// it.
func (s *smppSettings) options() (o smppOptions, err error) {
	for _, one := range s.all(&o) {
		if one.value.text == "" {
			continue
		}
		if err := one.read(one.value.text); err != nil {
			return o, usage(err.Error(), "%s: %q cannot be used", placeOf(*one.value, one.flag), one.value.text)
		}
	}
	for _, text := range s.Allow {
		p, err := router.ParseNetwork(text)
		if err != nil {
			return o, usage("use a CIDR such as 192.0.2.0/24 or 2001:db8::/32, or a plain address", "--smpp-allow: %q is no network", text)
		}
		if !slices.Contains(o.Allow, p) {
			o.Allow = append(o.Allow, p)
		}
	}
	return o, s.checkClientCert()
}

// placeOf says where a value comes from.
func placeOf(g given, flag string) string {
	if g.from != "" {
		return g.from
	}
	return "--" + flag
}

// Words of --client-cert.
const (
	certOff     = "off"
	certAsk     = "ask"
	certRequire = "require"
)

// checkClientCert fills in the default.
func (s *smppSettings) checkClientCert() error {
	switch {
	case s.ClientCert == "" && s.ClientCA != "":
		s.ClientCert = certAsk
	case s.ClientCert == "":
		s.ClientCert = certOff
	case s.ClientCert != certOff && s.ClientCert != certAsk && s.ClientCert != certRequire:
		return usage("use off, ask or require", "--client-cert: no such word %q", s.ClientCert)
	case s.ClientCert != certOff && s.ClientCA == "":
		return usage("give --client-ca FILE with the CAs that are believed", "client certificates need a bundle of CAs")
	}
	return nil
}

// over takes from below what s does not say.
func (s *smppSettings) over(below smppSettings) {
	var ignored smppOptions
	theirs := below.all(&ignored)
	for i, one := range s.all(&ignored) {
		if one.value.text == "" {
			*one.value = *theirs[i].value
		}
	}
	if len(s.Allow) == 0 {
		s.Allow = below.Allow
	}
	for _, f := range []struct{ mine, theirs *string }{{&s.ClientCA, &below.ClientCA}, {&s.ClientCert, &below.ClientCert}} {
		if *f.mine == "" {
			*f.mine = *f.theirs
		}
	}
}

// fields are the keys of the file.
func (s *smppSettings) fields() map[string]any {
	keys := map[string]any{"smpp_allow": &s.Allow, "client_ca": &s.ClientCA, "client_cert": &s.ClientCert}
	for _, one := range s.all(new(smppOptions)) {
		keys[one.key()] = one.value
	}
	return keys
}

// locate notes that what is given comes from a file.
func (s *smppSettings) locate(path string) {
	for _, one := range s.all(new(smppOptions)) {
		if one.value.text != "" {
			one.value.from = fmt.Sprintf("%s: key %q", path, one.key())
		}
	}
}
