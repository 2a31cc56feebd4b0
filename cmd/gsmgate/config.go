package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// settings are what serve can be told by flags and by --config; a flag wins.
type settings struct {
	Listen []string `name:"listen" placeholder:"URL" sep:"none" help:"smpps://HOST:PORT smpp://HOST:PORT https://HOST:PORT http://HOST:PORT unix:PATH; again for more (default smpps://:2776; unix:DIR/admin.sock is always there)"`
	Modems []string `name:"modem" placeholder:"PLACE" sep:"none" help:"auto (all USB modems), usb (those and plain adapters), a device such as /dev/serial/by-id/…, usb:1-1.4 (socket), imei:DIGITS, tcp://HOST:PORT or rfc2217://HOST:PORT[?baud=N]; again for more"`
	Root   string   `name:"modem-root" placeholder:"DIR" hidden:"" help:"directory with the sys and dev to look for modems in"`
	Models string   `name:"modem-profiles" placeholder:"FILE" help:"JSON file with rows for the table of models of modems, which go before the built-in ones; gsmgate modem profiles shows them"`
	Reset  string   `name:"modem-reset-command" placeholder:"COMMAND" help:"program that resets a hung modem, with {usb} {hub} {port} {node} for where it is, such as 'uhubctl -l {hub} -p {port} -a cycle'; run without a shell"`
	PIN    string   `name:"pin" help:"PIN of the SIMs that ask for one"`
	Cert   string   `name:"cert" placeholder:"FILE" help:"TLS certificate chain (PEM); reread when it changes (default: made at the first start)"`
	Key    string   `name:"key" placeholder:"FILE" help:"its private key (PEM)"`
	Log    string   `name:"log" placeholder:"LEVEL" help:"debug, info, warn or error (default info)"`
	Keep   string   `name:"retention" placeholder:"30d" help:"how long a message is kept after its end, and a receipt or MO that no client takes; such as 30d or 12h (default 30d)"`
	Sticky string   `name:"sticky" placeholder:"30d" help:"how long the SIM that wrote to a recipient last is preferred for it: on, off, or a time such as 12h (default 30d)"`

	StickyAnswers  string `name:"sticky-answers" placeholder:"24h" help:"how long the answers of a recipient go to the user that wrote to it last, where no address range but * holds the number written to: on, off, or a time such as 12h (default 24h)"`
	ReportTimeout  string `name:"report-timeout" placeholder:"72h" help:"how long a sent message waits for its status report before it ends as UNKNOWN, NOREPORT (default 72h)"`
	SegmentTimeout string `name:"segment-timeout" placeholder:"24h" help:"how long the parts of a long incoming message are waited for before those that came are delivered (default 24h)"`
	Region         string `name:"region" placeholder:"NL" help:"of national numbers, which are sent in international form: 0612345678 becomes +31612345678; a user may have another (default: numbers stay as they are)"`

	Providers   []string `name:"provider-listen" placeholder:"URL" sep:"none" help:"https://HOST:PORT (or http://HOST:PORT behind a proxy) where HTTP providers call with reports and messages; nothing else is offered there; again for more (default: none)"`
	ProviderURL string   `name:"provider-url" placeholder:"URL" help:"where providers reach it from outside, such as https://sms.example.net/gsmgate"`

	queueSettings
	smppSettings
}

// fields are the keys of the file. JSON: what the file may say.
func (s *settings) fields() map[string]any {
	keys := s.smppSettings.fields()
	maps.Copy(keys, s.queueSettings.fields())
	maps.Copy(keys, map[string]any{
		"listen": &s.Listen, "modems": &s.Modems, "pin": &s.PIN, "modem_profiles": &s.Models, "modem_reset_command": &s.Reset,
		"cert": &s.Cert, "key": &s.Key, "log": &s.Log, "retention": &s.Keep, "sticky": &s.Sticky, "region": &s.Region,
		"sticky_answers": &s.StickyAnswers, "report_timeout": &s.ReportTimeout, "segment_timeout": &s.SegmentTimeout,
		"provider_listen": &s.Providers, "provider_url": &s.ProviderURL,
	})
	return keys
}

// readSettings reads a JSON object with the known keys and nothing else.
func readSettings(path string) (settings, error) {
	var s settings
	raw, err := os.ReadFile(path)
	if err != nil {
		return s, fail("--config names a JSON file such as {\"listen\": [\"smpps://:2776\"], \"modems\": [\"auto\"]}", "config file: %w", err)
	}
	var given map[string]json.RawMessage
	if err := json.Unmarshal(raw, &given); err != nil {
		return s, fail("the file is one JSON object", "%s:%d: %s", path, lineOf(raw, err), jsonWords(err))
	}
	known := s.fields()
	for _, key := range slices.Sorted(maps.Keys(given)) {
		target, ok := known[key]
		if !ok {
			return s, fail("known keys: "+strings.Join(slices.Sorted(maps.Keys(known)), ", "), "%s: unknown key %q", path, key)
		}
		if err := json.Unmarshal(given[key], target); err != nil {
			return s, fail("listen, modems and smpp_allow are lists of strings, counts are numbers, all else is a string such as \"5s\"", "%s: key %q: %s", path, key, jsonWords(err))
		}
	}
	s.locate(path)
	return s, nil
}

func jsonWords(err error) string {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		return fmt.Sprintf("a %s has no place here", wrong.Value)
	}
	return strings.TrimPrefix(err.Error(), "json: ")
}

// lineOf tells where in raw the error is, counting from 1.
func lineOf(raw []byte, err error) int {
	var syntax *json.SyntaxError
	if !errors.As(err, &syntax) {
		return 1
	}
	return 1 + bytes.Count(raw[:min(int(syntax.Offset), len(raw))], []byte("\n"))
}

// over takes from below what s does not say.
func (s settings) over(below settings) settings {
	if len(s.Listen) == 0 {
		s.Listen = below.Listen
	}
	if len(s.Modems) == 0 {
		s.Modems = below.Modems
	}
	if len(s.Providers) == 0 {
		s.Providers = below.Providers
	}
	for _, f := range []struct{ mine, theirs *string }{
		{&s.ProviderURL, &below.ProviderURL},
		{&s.PIN, &below.PIN}, {&s.Models, &below.Models}, {&s.Reset, &below.Reset}, {&s.Cert, &below.Cert}, {&s.Key, &below.Key}, {&s.Log, &below.Log}, {&s.Root, &below.Root}, {&s.Keep, &below.Keep}, {&s.Sticky, &below.Sticky}, {&s.Region, &below.Region},
		{&s.StickyAnswers, &below.StickyAnswers}, {&s.ReportTimeout, &below.ReportTimeout}, {&s.SegmentTimeout, &below.SegmentTimeout},
	} {
		if *f.mine == "" {
			*f.mine = *f.theirs
		}
	}
	s.queueSettings.over(below.queueSettings)
	s.smppSettings.over(below.smppSettings)
	return s
}

// Bounds of the retention: long enough to see how a message ended, and no longer
// than anybody will ask.
const (
	minRetention = 10 * time.Second
	maxRetention = 3650 * 24 * time.Hour
)

// retention reads the time of --retention; 0 is the default.
func retention(text string) (time.Duration, error) { return daysOrHours("--retention", text) }

// daysOrHours reads a duration that may also count days; 0 is the default.
func daysOrHours(flag, text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	d, err := daysOr(text)
	if err != nil || d < minRetention || d > maxRetention {
		return 0, usage("use a time such as 30d or 12h, from 10s to 3650d", "%s: %q cannot be used", flag, text)
	}
	return d, nil
}

// daysOr reads a time, which may be in days.
func daysOr(text string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		return time.Duration(n) * 24 * time.Hour, err
	}
	return time.ParseDuration(text)
}

// sticky reads --sticky and the like: 0 is the router's default, negative is off.
func sticky(flag, text string) (time.Duration, error) {
	switch text {
	case "", "on":
		return 0, nil
	case "off":
		return -1, nil
	}
	d, err := daysOr(text)
	if err != nil || d < time.Minute || d > maxRetention {
		return 0, usage("use on, off, or a time such as 30d or 12h, from 1m to 3650d", "%s: %q cannot be used", flag, text)
	}
	return d, nil
}
