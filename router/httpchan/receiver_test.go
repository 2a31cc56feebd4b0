package httpchan

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"gsmgate/storage"
)

// telling is a description that understands calls.
func telling(d map[string]any) {
	d["reports"] = map[string]any{
		"each": "results.*", "id": "id", "to": "to", "state": "status", "code": "error",
		"states": map[string]any{"Delivered": "DELIVERED", "FAILED": "UNDELIVERABLE", "sent": "ENROUTE", "seen": "IGNORE"},
		"reply":  map[string]any{"status": 202, "type": "text/plain", "body": "ACK"},
	}
	d["incoming"] = map[string]any{"from": "from", "to": "to", "text": "text", "id": "id", "time": "time", "reference": "ref", "total": "total", "number": "part",
		"reply": map[string]any{"type": "text/xml", "body": "<Response/>"}}
}

// told is what the receiver answers to a call at …/NAME/TOKEN/word.
func (p *post) told(word string, r *http.Request) *httptest.ResponseRecorder {
	p.T.Helper()
	rc := NewReceiver(func(name string) *Channel {
		if name == p.ch.name {
			return p.ch
		}
		return nil
	}, slog.New(slog.DiscardHandler))
	u, err := url.Parse(p.ch.callURL(word))
	if err != nil {
		p.T.Fatal(err)
	}
	r.URL.Path = u.Path
	w := httptest.NewRecorder()
	rc.ServeHTTP(w, r)
	return w
}

func posted(kind, body string) *http.Request {
	r := httptest.NewRequest("POST", "/", strings.NewReader(body))
	r.Header.Set("Content-Type", kind)
	return r
}

func got(query string) *http.Request { return httptest.NewRequest("GET", "/?"+query, nil) }

// sentAs has one message that the provider calls 7.
func sentAs(t *testing.T, change func(d map[string]any)) (*post, storage.ID) {
	up := newProvider(t, says(200, `{"ok": true, "id": "7"}`))
	p := plainPost(t, up.URL, func(d map[string]any) {
		telling(d)
		if change != nil {
			change(d)
		}
	})
	id := p.Submit("31612345678", "Hello")
	p.sent(id)
	return p, id
}

func TestReport_InEachForm(t *testing.T) {
	for name, c := range map[string]struct {
		each string
		r    func() *http.Request
	}{
		"JSON list": {"results.*", func() *http.Request {
			return posted("application/json; charset=utf-8", `{"results": [{"id": "x", "status": "sent"}, {"id": 7, "status": "DELIVERED"}]}`)
		}},
		"JSON array": {"*", func() *http.Request { return posted("application/json", `[{"id": "7", "status": "delivered"}]`) }},
		"JSON bare":  {"", func() *http.Request { return posted("text/plain", `{"id": "7", "status": "delivered"}`) }},
		"form":       {"", func() *http.Request { return posted("application/x-www-form-urlencoded", "id=7&status=Delivered") }},
		"GET":        {"", func() *http.Request { return got("id=7&status=delivered&to=%2B31612345678") }},
		"POST with a query": {"", func() *http.Request {
			return httptest.NewRequest("POST", "/?id=7&status=delivered", nil)
		}},
		"XML": {"reports.report.*", func() *http.Request {
			return posted("text/xml", `<?xml version="1.0"?><reports><report><id>x</id><status>sent</status></report><report><id>7</id><status>Delivered</status></report></reports>`)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			p, id := sentAs(t, func(d map[string]any) { d["reports"].(map[string]any)["each"] = c.each })
			w := p.told(reportWord, c.r())
			if w.Code != 202 || w.Body.String() != "ACK" {
				t.Fatalf("answered %d %s", w.Code, w.Body)
			}
			if m := p.Message(id); m.State != storage.Delivered {
				t.Errorf("answered before it was on disk: %s", m.Reason)
			}
			if w := p.told(reportWord, c.r()); w.Code != 202 {
				t.Errorf("the second time: %d", w.Code)
			}
		})
	}
}

func TestReport_Failed_RefundedWithCause(t *testing.T) {
	p, id := sentAs(t, nil)
	p.told(reportWord, posted("application/json", `{"results": {"id": "7", "status": "failed", "error": 1305}}`))
	m := p.Ends(id, storage.Undeliverable)
	if m.Cause != CauseHTTP+1305 || p.Balance().Available != 100*storage.Credit {
		t.Errorf("cause %d, %+v", m.Cause, p.Balance())
	}
}

// A report may overtake the answer to its request.
func TestReport_BeforeTheAnswer_Matched(t *testing.T) {
	wait := make(chan struct{})
	up := newProvider(t, func(w http.ResponseWriter, _ *http.Request) { <-wait; io.WriteString(w, `{"ok": true, "id": "7"}`) })
	p := plainPost(t, up.URL, telling)
	id := p.Submit("31612345678", "Hello")
	p.Until("asked", func() bool { return len(up.requests()) == 1 })
	if w := p.told(reportWord, posted("application/json", `{"results": [{"id": "7", "status": "delivered"}]}`)); w.Code != 202 {
		t.Errorf("answered %d", w.Code)
	}
	close(wait)
	p.Ends(id, storage.Delivered)
	p.Until("nothing is parked any more", func() bool { return p.DB.ParkedCount() == 0 })
}

// Where we give the name, a report settles also what was never answered.
func TestReport_OwnName_SettlesUnknown(t *testing.T) {
	up := newProvider(t, reset(""))
	p := plainPost(t, up.URL, func(d map[string]any) {
		telling(d)
		d["answer"].(map[string]any)["id"] = map[string]any{"own": true}
	})
	id := p.Submit("31612345678", "Hello")
	p.Ends(id, storage.Unknown)
	var body struct{ ID string }
	if err := json.Unmarshal([]byte(up.requests()[0].body), &body); err != nil || body.ID == "" {
		t.Fatal(err, body)
	}
	p.told(reportWord, posted("application/json", fmt.Sprintf(`{"results": [{"id": %q, "status": "delivered"}]}`, body.ID)))
	p.Until("delivered", func() bool { return p.Message(id).State == storage.Delivered })
}

func TestReport_WhatIsNoReport_CountedAndNotAskedForAgain(t *testing.T) {
	p, id := sentAs(t, nil)
	for body, want := range map[string]int{
		`{"results": [{"id": "7", "status": "odd"}]}`:     202,
		`{"results": [{"status": "delivered"}]}`:          202,
		`{"results": []}`:                                 202,
		`{}`:                                              202,
		`{"results": [{"id": "7", "status": "seen"}]}`:    202,
		`{"results": [{"id": "7", "status": "delivered"}`: 400,
		`{"results": [` + strings.Repeat(`{"id": "8", "status": "sent"},`, mostItems) + `{}]}`: 400,
	} {
		if w := p.told(reportWord, posted("application/json", body)); w.Code != want {
			t.Errorf("%.60s: %d", body, w.Code)
		}
	}
	if m := p.Message(id); m.State != storage.Enroute || p.ch.Counts().Unread != 6 {
		t.Errorf("%+v", p.ch.Counts())
	}
	if w := p.told(reportWord, posted("application/json", strings.Repeat(" ", mostCall+1))); w.Code != 413 {
		t.Errorf("a huge body: %d", w.Code)
	}
	p.stop()
	if w := p.told(reportWord, posted("application/json", `{"results": [{"id": "7", "status": "delivered"}]}`)); w.Code != 503 || w.Header().Get("Retry-After") == "" {
		t.Errorf("the channel is gone: %d", w.Code)
	}
}

func (p *post) incoming() []*storage.Message {
	p.T.Helper()
	all, err := p.R.Messages(storage.Filter{Kind: storage.MO})
	if err != nil {
		p.T.Fatal(err)
	}
	return all
}

func TestIncoming_ToItsUserOnce(t *testing.T) {
	p, _ := sentAs(t, nil)
	for range 2 {
		w := p.told(incomingWord, posted("application/x-www-form-urlencoded", "id=in1&from=31687654321&to=%2B31611111111&text=+Yes+%E2%82%AC+"))
		if w.Code != 200 || w.Body.String() != "<Response/>" || w.Header().Get("Content-Type") != "text/xml" {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	}
	all := p.incoming()
	if len(all) != 1 || all[0].User != "acme" || all[0].Text != " Yes € " || all[0].Source != (storage.Address{TON: 1, NPI: 1, Addr: "31687654321"}) || all[0].Dest.Addr != "31611111111" {
		t.Fatalf("%+v", all)
	}
}

func TestIncoming_PartsOfALongOne_Joined(t *testing.T) {
	p, _ := sentAs(t, nil)
	for _, n := range []int{2, 1, 2, 3} {
		p.told(incomingWord, posted("application/json", fmt.Sprintf(`{"id": "in%d", "from": "31687654321", "to": "31611111111", "text": "part %d. ", "ref": "A0/7", "total": 3, "part": %d}`, n, n, n)))
	}
	p.Until("one message", func() bool { return len(p.incoming()) == 1 })
	if m := p.incoming()[0]; m.Text != "part 1. part 2. part 3. " {
		t.Errorf("%q", m.Text)
	}
}

// The path holds a secret; without it nobody learns which channels there are.
func TestReceiver_Strangers(t *testing.T) {
	p, _ := sentAs(t, nil)
	rc := NewReceiver(func(name string) *Channel {
		if name == "up" {
			return p.ch
		}
		return nil
	}, slog.New(slog.DiscardHandler))
	codes := map[int]int{}
	for range 300 {
		for _, path := range []string{"/", "/up", "/up/report", "/up//report", "/up/" + strings.Repeat("0", 32) + "/report", "/nobody/x/incoming", "/up/" + p.ch.token + "/odd"} {
			w := httptest.NewRecorder()
			rc.ServeHTTP(w, httptest.NewRequest("POST", path, strings.NewReader(`{}`)))
			codes[w.Code]++
		}
	}
	if codes[404] < 100 || codes[429] < 100 || len(codes) != 2 {
		t.Errorf("%v", codes)
	}
}

func sign(h func() []byte) string { return base64.StdEncoding.EncodeToString(h()) }

func jwt(secret, alg string, claims map[string]any) string {
	enc := func(v any) string {
		raw, _ := json.Marshal(v)
		return base64.RawURLEncoding.EncodeToString(raw)
	}
	signed := enc(map[string]string{"alg": alg, "typ": "JWT"}) + "." + enc(claims)
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature(sha256.New, secret, signed))
}

func TestVerify_EachKind(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	at := "https://sms.example.net/in/up/T/report"
	base := func() *call {
		return &call{method: "POST", url: at, header: http.Header{}, body: []byte("b=2&a=1"), form: url.Values{"b": {"2"}, "a": {"1"}}, from: netip.MustParseAddr("192.0.2.7"), now: now}
	}
	claims := func() map[string]any {
		return map[string]any{"iss": "MessageBird", "nbf": now.Unix() - 1, "exp": now.Unix() + 60, "url_hash": hexSum([]byte(at)), "payload_hash": hexSum([]byte("b=2&a=1"))}
	}
	set := map[string]string{"token": "t0ken", "user": "u", "ips": "192.0.2.0/28, 2001:db8::1"}
	for _, c := range []struct {
		name  string
		v     Verify
		proof func(c *call)
		spoil map[string]func(c *call)
	}{
		{"basic", Verify{Kind: "basic", User: "{user}", Password: "{token}"},
			func(c *call) {
				c.header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte("u:t0ken")))
			},
			map[string]func(*call){
				"password": func(c *call) {
					c.header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte("u:token")))
				},
				"none": func(c *call) { c.header.Del("Authorization") },
			}},
		{"ips", Verify{Kind: "ips", IPs: "{ips}"}, func(*call) {},
			map[string]func(*call){"another": func(c *call) { c.from = netip.MustParseAddr("192.0.2.77") }, "none": func(c *call) { c.from = netip.Addr{} }}},
		{"twilio-sha1", Verify{Kind: "twilio-sha1", Secret: "{token}"},
			func(c *call) {
				c.header.Set("X-Twilio-Signature", sign(func() []byte {
					m := hmac.New(sha1.New, []byte("t0ken"))
					m.Write([]byte(at + "a1b2"))
					return m.Sum(nil)
				}))
			},
			map[string]func(*call){
				"url": func(c *call) { c.url += "?x" }, "value": func(c *call) { c.form.Set("a", "3") }, "more": func(c *call) { c.form.Set("c", "") },
				"none": func(c *call) { c.header.Del("X-Twilio-Signature") },
			}},
		{"hmac-sha256", Verify{Kind: "hmac-sha256", Secret: "{token}", Header: "X-Sig", Prefix: "sha256=", Signs: []string{"body", "=.", "header:X-Time"}, Timestamp: "X-Time"},
			func(c *call) {
				c.header.Set("X-Time", fmt.Sprint(now.Unix()))
				c.header.Set("X-Sig", "sha256="+hex.EncodeToString(signature(sha256.New, "t0ken", "b=2&a=1.", fmt.Sprint(now.Unix()))))
			},
			map[string]func(*call){
				"body": func(c *call) { c.body = []byte("b=2&a=2") }, "late": func(c *call) { c.now = c.now.Add(time.Hour) },
				"time": func(c *call) { c.header.Set("X-Time", "1800000001") }, "prefix": func(c *call) { c.header.Set("X-Sig", c.header.Get("X-Sig")[7:]) },
			}},
		{"messagebird-jwt", Verify{Kind: "messagebird-jwt", Secret: "{token}"},
			func(c *call) { c.header.Set("MessageBird-Signature-JWT", jwt("t0ken", "HS256", claims())) },
			map[string]func(*call){
				"body": func(c *call) { c.body = []byte("x") }, "no body": func(c *call) { c.body = nil }, "url": func(c *call) { c.url += "x" },
				"late": func(c *call) { c.now = c.now.Add(2 * time.Minute) }, "early": func(c *call) { c.now = c.now.Add(-2 * time.Minute) },
				"key":  func(c *call) { c.header.Set("MessageBird-Signature-JWT", jwt("other", "HS256", claims())) },
				"alg":  func(c *call) { c.header.Set("MessageBird-Signature-JWT", jwt("t0ken", "none", claims())) },
				"none": func(c *call) { c.header.Del("MessageBird-Signature-JWT") },
				"no payload hash": func(c *call) {
					x := claims()
					delete(x, "payload_hash")
					c.header.Set("MessageBird-Signature-JWT", jwt("t0ken", "HS256", x))
				},
				"no expiry": func(c *call) {
					x := claims()
					delete(x, "exp")
					c.header.Set("MessageBird-Signature-JWT", jwt("t0ken", "HS256", x))
				},
				"issuer": func(c *call) {
					x := claims()
					x["iss"] = "x"
					c.header.Set("MessageBird-Signature-JWT", jwt("t0ken", "HS256", x))
				},
			}},
	} {
		d := &Description{Settings: []Setting{{Name: "token", About: "x"}, {Name: "user", About: "x"}, {Name: "ips", About: "x"}}, Verify: []Verify{c.v}}
		if err := d.compileVerify(); err != nil {
			t.Fatal(c.name, err)
		}
		s := &settings{d: d, values: set}
		right := base()
		c.proof(right)
		if err := s.verify(right); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		for how, spoil := range c.spoil {
			wrong := base()
			c.proof(wrong)
			spoil(wrong)
			if err := s.verify(wrong); err == nil {
				t.Errorf("%s with a wrong %s was believed", c.name, how)
			}
		}
	}
}

func TestVerify_Forged_Refused(t *testing.T) {
	p, id := sentAs(t, func(d map[string]any) {
		d["verify"] = []any{map[string]any{"kind": "hmac-sha256", "secret": "{key}", "header": "X-Sig", "signs": []string{"body"}}}
	})
	body := `{"results": [{"id": "7", "status": "delivered"}]}`
	if w := p.told(reportWord, posted("application/json", body)); w.Code != 403 || p.Message(id).State != storage.Enroute {
		t.Errorf("%d", w.Code)
	}
	r := posted("application/json", body)
	r.Header.Set("X-Sig", hex.EncodeToString(signature(sha256.New, "k3y-of-plain", body)))
	if w := p.told(reportWord, r); w.Code != 202 || p.Message(id).State != storage.Delivered {
		t.Errorf("%d", w.Code)
	}
}

// A proxy on this machine says for whom it calls; others are not believed.
func TestPeer_BehindAProxy(t *testing.T) {
	for _, c := range []struct{ remote, forwarded, want string }{
		{"192.0.2.1:9", "203.0.113.9", "192.0.2.1"}, {"127.0.0.1:9", "6.6.6.6, 203.0.113.9", "203.0.113.9"},
		{"[::1]:9", "203.0.113.9", "203.0.113.9"}, {"127.0.0.1:9", "", "127.0.0.1"}, {"127.0.0.1:9", "junk", "127.0.0.1"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = c.remote
		r.Header.Set("X-Forwarded-For", c.forwarded)
		if got := peer(r); got.String() != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
}

// FuzzCall: whatever comes as a call is read, or is not.
func FuzzCall(f *testing.F) {
	d, err := ParseDescription(func() []byte {
		var m map[string]any
		if err := json.Unmarshal([]byte(plainDescription), &m); err != nil {
			f.Fatal(err)
		}
		telling(m)
		raw, err := json.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		return raw
	}())
	if err != nil {
		f.Fatal(err)
	}
	f.Add("application/json", "", []byte(`{"results": [{"id": "7", "status": "delivered"}]}`))
	f.Add("application/x-www-form-urlencoded", "", []byte("id=7&status=sent&from=1&to=2&text=3&total=2&part=1&ref=9"))
	f.Add("", "id=7&from=31612345678&to=4&text=x", []byte(nil))
	f.Add("text/xml", "", []byte("<results><id>7</id></results>"))
	f.Fuzz(func(t *testing.T, kind, query string, body []byte) {
		ch := &Channel{settings: settings{d: d, values: map[string]string{}}, lane: "http:up"}
		all, _, err := ch.readCall(query, &call{method: "POST", header: http.Header{"Content-Type": {kind}}, body: body, now: time.Unix(1e9, 0)}, "")
		for _, told := range all {
			switch {
			case err != nil:
				t.Error("an error, and something told")
			case told.Report != nil && (told.Report.Ref == "" || len(told.Report.Ref) > mostID):
				t.Errorf("%+v", told.Report)
			case told.Message != nil && (told.Message.Source.Addr == "" || told.Message.Dest.Addr == ""):
				t.Errorf("%+v", told.Message)
			}
		}
	})
}
