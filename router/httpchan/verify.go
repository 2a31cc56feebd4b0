package httpchan

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Verify says how a call is known to be the provider's, beside the secret in its
// path, which is always asked for.
type Verify struct {
	Kind string `json:"kind"`         // see verifiers
	If   string `json:"if,omitempty"` // a setting without which this is not asked for

	Secret   string `json:"secret,omitempty"` // templates of settings
	User     string `json:"user,omitempty"`
	Password string `json:"password,omitempty"`
	IPs      string `json:"ips,omitempty"` // addresses and networks with commas between

	// Of hmac-sha256: where the signature is and what it signs, "body", "url",
	// "header:NAME" or "=LITERAL".
	Header    string   `json:"header,omitempty"`
	Prefix    string   `json:"prefix,omitempty"`   // before the signature, "sha256="
	Encoding  string   `json:"encoding,omitempty"` // "hex" (default), "base64"
	Signs     []string `json:"signs,omitempty"`
	Timestamp string   `json:"timestamp,omitempty"` // header with seconds since 1970; one of 5 min ago is refused

	templates [4]template
}

// call is a request of a provider.
type call struct {
	method string
	url    string // as the provider knows it
	header http.Header
	body   []byte
	form   url.Values // of a form in the body
	from   netip.Addr
	now    time.Time
}

// verifiers are the kinds of proof.
var verifiers = map[string]func(v *Verify, c *call, set func(i int) string) error{
	"basic": verifyBasic, "ips": verifyIPs, "twilio-sha1": verifyTwilio, "hmac-sha256": verifyHMAC, "messagebird-jwt": verifyJWT,
}

// drift is how far the clock of a provider may be from ours.
const drift = 5 * time.Minute

// Places of the templates of a Verify.
const (
	ofSecret = iota
	ofUser
	ofPassword
	ofIPs
)

func (v *Verify) compile(d *Description) (err error) {
	if verifiers[v.Kind] == nil {
		return fmt.Errorf("no kind %.20q: use %s", v.Kind, strings.Join(slices.Sorted(maps.Keys(verifiers)), ", "))
	}
	if v.If != "" && d.setting(v.If) == nil {
		return fmt.Errorf("if: no setting %.40q", v.If)
	}
	for i, text := range []string{v.Secret, v.User, v.Password, v.IPs} {
		if v.templates[i], err = parseTemplate(text); err != nil {
			return err
		}
		for _, name := range v.templates[i].names() {
			if d.setting(name) == nil {
				return fmt.Errorf("{%s} is no setting", name)
			}
		}
	}
	switch {
	case v.Kind == "hmac-sha256" && (v.Header == "" || len(v.Signs) == 0):
		return errors.New("hmac-sha256 needs header and signs")
	case v.Kind == "ips" && v.IPs == "", v.Kind == "basic" && (v.User == "" || v.Password == ""):
		return fmt.Errorf("%s needs what it compares with", v.Kind)
	case v.Kind != "ips" && v.Kind != "basic" && v.Secret == "":
		return fmt.Errorf("%s needs a secret", v.Kind)
	}
	for _, what := range v.Signs {
		if what != "body" && what != "url" && !strings.HasPrefix(what, "header:") && !strings.HasPrefix(what, "=") {
			return fmt.Errorf("signs: %.40q: use body, url, header:NAME or =LITERAL", what)
		}
	}
	return nil
}

// verify says why a call is not the provider's; nil: it is.
func (s *settings) verify(c *call) error {
	for i := range s.d.Verify {
		v := &s.d.Verify[i]
		if v.If != "" && s.values[v.If] == "" {
			continue
		}
		set := func(i int) string {
			text, _, err := v.templates[i].fill(func(name string) string { return s.values[name] }, plain)
			if err != nil {
				return ""
			}
			return text
		}
		if err := verifiers[v.Kind](v, c, set); err != nil {
			return fmt.Errorf("%s: %w", v.Kind, err)
		}
	}
	return nil
}

var (
	errSignature = errors.New("the signature is not the provider's")
	errOld       = errors.New("the call is too old, or of the future")
)

// same compares without telling by its time where two texts part.
func same(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

func verifyBasic(_ *Verify, c *call, set func(int) string) error {
	r := http.Request{Header: c.header}
	user, password, ok := r.BasicAuth()
	right := same(user, set(ofUser)) && same(password, set(ofPassword)) && set(ofPassword) != ""
	if !ok || !right {
		return errors.New("wrong user or password")
	}
	return nil
}

func verifyIPs(_ *Verify, c *call, set func(int) string) error {
	for word := range strings.SplitSeq(set(ofIPs), ",") {
		word = strings.TrimSpace(word)
		if p, err := netip.ParsePrefix(word); err == nil && p.Contains(c.from) {
			return nil
		}
		if a, err := netip.ParseAddr(word); err == nil && a.Unmap() == c.from {
			return nil
		}
	}
	return fmt.Errorf("%s is not an address of the provider", c.from)
}

func signature(h func() hash.Hash, secret string, parts ...string) []byte {
	mac := hmac.New(h, []byte(secret))
	for _, p := range parts {
		mac.Write([]byte(p))
	}
	return mac.Sum(nil)
}

// verifyTwilio: the URL, and each name with its value in the order of names
// [twilio: security, validating requests].
func verifyTwilio(_ *Verify, c *call, set func(int) string) error {
	parts := []string{c.url}
	for _, name := range slices.Sorted(maps.Keys(c.form)) {
		values := slices.Clone(c.form[name])
		slices.Sort(values)
		for _, v := range slices.Compact(values) {
			parts = append(parts, name, v)
		}
	}
	given, err := base64.StdEncoding.DecodeString(c.header.Get("X-Twilio-Signature"))
	if err != nil || !hmac.Equal(given, signature(sha1.New, set(ofSecret), parts...)) {
		return errSignature
	}
	return nil
}

func verifyHMAC(v *Verify, c *call, set func(int) string) error {
	var parts []string
	for _, what := range v.Signs {
		switch name, isHeader := strings.CutPrefix(what, "header:"); {
		case isHeader:
			parts = append(parts, c.header.Get(name))
		case what == "body":
			parts = append(parts, string(c.body))
		case what == "url":
			parts = append(parts, c.url)
		default:
			parts = append(parts, what[1:])
		}
	}
	text, ok := strings.CutPrefix(c.header.Get(v.Header), v.Prefix)
	decode := hex.DecodeString
	if v.Encoding == "base64" {
		decode = base64.StdEncoding.DecodeString
	}
	given, err := decode(text)
	if !ok || err != nil || !hmac.Equal(given, signature(sha256.New, set(ofSecret), parts...)) {
		return errSignature
	}
	if v.Timestamp == "" {
		return nil
	}
	seconds, err := strconv.ParseInt(c.header.Get(v.Timestamp), 10, 64)
	if d := c.now.Sub(time.Unix(seconds, 0)); err != nil || d > drift || d < -drift {
		return errOld
	}
	return nil
}

// verifyJWT: a token that holds hashes of the URL and of the body [messagebird:
// verifying signed requests] [RFC 7519].
func verifyJWT(_ *Verify, c *call, set func(int) string) error {
	signed, sum, _ := cutLast(c.header.Get("Messagebird-Signature-Jwt"), ".")
	head, payload, _ := strings.Cut(signed, ".")
	var header struct{ Alg string }
	var claims struct {
		Iss     string
		Nbf     int64
		Exp     int64
		URLHash string `json:"url_hash"`
		Payload string `json:"payload_hash"`
	}
	given, err := base64.RawURLEncoding.DecodeString(sum)
	if err != nil || !hmac.Equal(given, signature(sha256.New, set(ofSecret), signed)) {
		return errSignature
	}
	if err := decodeToken(head, &header); err != nil || header.Alg != "HS256" {
		return errSignature
	}
	if err := decodeToken(payload, &claims); err != nil || claims.Iss != "MessageBird" {
		return errSignature
	}
	if now := c.now.Unix(); claims.Exp == 0 || now > claims.Exp+30 || now < claims.Nbf-30 {
		return errOld
	}
	if !same(claims.URLHash, hexSum([]byte(c.url))) || !(len(c.body) == 0 && claims.Payload == "") && !same(claims.Payload, hexSum(c.body)) {
		return errSignature
	}
	return nil
}

func decodeToken(text string, to any) error {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return err
	}
	return json.Unmarshal(raw, to)
}

func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

func hexSum(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// fingerprint is a key of several parts.
func fingerprint(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil)[:12])
}
