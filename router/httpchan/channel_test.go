package httpchan

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gsmgate/router"
	"gsmgate/storage"
)

func TestSend_Taken_NameKept(t *testing.T) {
	up := newProvider(t, says(202, `{"ok": true, "id": 12345678901234567890}`))
	p := plainPost(t, up.URL, nil)
	id := p.Submit("31612345678", `Hello "€"`)
	m := p.sent(id)
	r := up.requests()[0]
	var body struct{ To, From, Text, ID string }
	if err := json.Unmarshal([]byte(r.body), &body); err != nil {
		t.Fatalf("%v in %s", err, r.body)
	}
	if body.To != "31612345678" || body.From != "Acme" || body.Text != `Hello "€"` || !strings.Contains(body.ID, id.String()) {
		t.Errorf("sent %+v", body)
	}
	if r.method != "POST" || r.path != "/send" || r.header.Get("Authorization") != "Bearer k3y-of-plain" || r.header.Get("Content-Type") != "application/json" {
		t.Errorf("%+v", r)
	}
	if part := m.Parts[0]; part.Lane != "http:up" || part.Ref != "12345678901234567890" {
		t.Errorf("%+v", part)
	}
	if c := p.ch.Counts(); c.Sent != 1 || !p.ch.Status().Ready {
		t.Errorf("%+v", c)
	}
}

// A text that a provider cuts itself is one request, and costs what a handset gets.
func TestSend_LongText_CostsItsSegments(t *testing.T) {
	for long, want := range map[string]struct{ requests, credits int }{longWhole: {1, 3}, longOne: {1, 1}, longSplit: {3, 3}} {
		t.Run(long, func(t *testing.T) {
			var n atomic.Int32
			up := newProvider(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintf(w, `{"ok": true, "id": %d}`, n.Add(1)) })
			p := plainPost(t, up.URL, func(d map[string]any) { d["text"] = map[string]any{"long": long} })
			id := p.Submit("31612345678", strings.Repeat("Words and words. ", 22))
			p.Until("sent whole", func() bool {
				return len(up.requests()) == want.requests && p.Message(id).Parts[want.requests-1].State == storage.PartSent
			})
			if b := p.Balance(); b.Held != storage.Millicredits(want.credits)*storage.Credit {
				t.Errorf("%d held", b.Held)
			}
			for _, r := range up.requests() {
				var body struct{ Text string }
				if json.Unmarshal([]byte(r.body), &body); long == longSplit && len(body.Text) > 160 {
					t.Errorf("a piece of %d", len(body.Text))
				}
			}
		})
	}
}

func TestParts_WhatTheProviderCannotCarry_Refused(t *testing.T) {
	p := plainPost(t, "http://127.0.0.1:1", func(d map[string]any) {
		d["text"] = map[string]any{"gsm_only": true, "most_units": 200, "long": longRefuse}
	})
	for name, m := range map[string]storage.Message{
		"octets": {Data: []byte{1}}, "header": {Text: "Hi", UDH: []byte{5, 0, 3, 1, 2, 1}}, "alphabet": {Text: "你好"},
		"too long": {Text: strings.Repeat("x", 201)}, "two segments": {Text: strings.Repeat("x", 161)},
	} {
		if _, err := p.ch.Parts(&m); err == nil {
			t.Errorf("%s: no error", name)
		} else if re, ok := err.(*router.Error); !ok || re.Code != router.Invalid || re.Field == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A 200 may say that nothing was sent.
func TestSend_RefusedInsideSuccess_Failed(t *testing.T) {
	up := newProvider(t, says(200, `{"ok": false, "code": 21, "error": "no such number"}`))
	p := plainPost(t, up.URL, nil)
	m := p.Ends(p.Submit("31612345678", "Hello"), storage.Undeliverable)
	if m.Cause != CauseHTTP+21 || !strings.Contains(m.Reason, "no such number") || len(up.requests()) != 1 {
		t.Errorf("cause %d, %s, %d requests", m.Cause, m.Reason, len(up.requests()))
	}
	if b := p.Balance(); b.Available != 100*storage.Credit {
		t.Errorf("%+v", b)
	}
}

func TestSend_429_WaitsAsLongAsItSays(t *testing.T) {
	var n atomic.Int32
	var second time.Time
	up := newProvider(t, func(w http.ResponseWriter, _ *http.Request) {
		if n.Add(1) == 1 {
			w.Header().Set("Retry-After", "2")
			w.WriteHeader(429)
			return
		}
		second = time.Now()
		io.WriteString(w, `{"ok": true, "id": 1}`)
	})
	p := plainPost(t, up.URL, nil)
	began := time.Now()
	p.sent(p.Submit("31612345678", "Hello"))
	if d := second.Sub(began); d < 1900*time.Millisecond {
		t.Errorf("again after %v", d)
	}
	if c := p.ch.Counts(); c.Throttled != 1 || c.Sent != 1 || p.ch.Limit() == 0 {
		t.Errorf("%+v, limit %v", c, p.ch.Limit())
	}
}

// A key that is wrong is no message's fault: none fails, and people are told why.
func TestSend_401_ChannelIll(t *testing.T) {
	up := newProvider(t, says(401, `{"error": "key k3y-of-plain of 31612345678 is not known"}`))
	p := plainPost(t, up.URL, nil)
	id := p.Submit("31612345678", "Hello")
	p.Until("not ready", func() bool { return !p.ch.Status().Ready })
	why := p.ch.Status().Reason
	if why != "ill: key *** of … is not known" {
		t.Errorf("%q", why)
	}
	p.Until("kept", func() bool {
		m := p.Message(id)
		return m.State == storage.Enroute && m.Parts[0].State == storage.PartWaiting
	})
	if m := p.Message(id); strings.Contains(m.Reason, "k3y") {
		t.Errorf("%q", m.Reason)
	}
}

// The faults of a provider, and what becomes of the message.
func TestFault(t *testing.T) {
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		part   storage.PartState
		reason string
	}{
		"bad JSON":        {says(200, `{"ok": true`), storage.PartUnknown, "cannot be read"},
		"junk after JSON": {says(200, `{"ok": true, "id": 1} x`), storage.PartUnknown, "cannot be read"},
		"a page":          {says(200, `<html>Welcome`), storage.PartUnknown, "cannot be read"},
		"no name":         {says(200, `{"ok": true}`), storage.PartUnknown, "no name"},
		"empty":           {says(200, ``), storage.PartUnknown, "cannot be read"},
		"huge":            {says(200, `{"ok": true, "id": 1, "x": "`+strings.Repeat("x", mostReply)+`"}`), storage.PartUnknown, "more than"},
		"bad gateway":     {says(502, `oops`), storage.PartUnknown, "502"},
		"redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.1:1/", http.StatusTemporaryRedirect)
		}, storage.PartWaiting, "307"},
		"server error":      {says(500, ``), storage.PartWaiting, "500"},
		"unavailable":       {says(503, ``), storage.PartWaiting, "503"},
		"not found":         {says(404, ``), storage.PartWaiting, "404"},
		"bad request":       {says(400, ``), storage.PartFailed, "400"},
		"closed":            {reset(""), storage.PartUnknown, "EOF"},
		"reset in mid-head": {reset("HTTP/1.1 200 OK\r\nConte"), storage.PartUnknown, "broken"},
		"reset in mid-body": {reset("HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{\"ok\": true, \"id\": 1}"), storage.PartUnknown, "EOF"},
		"something else":    {reset("220 smtp.example.net ESMTP\r\n\r\n"), storage.PartUnknown, "malformed"},
		"hangs":             {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, storage.PartUnknown, "in time"},
		"hangs in mid-body": {func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "{")
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}, storage.PartUnknown, "in time"},
		"a name without an end": {says(200, `{"ok": true, "id": "`+strings.Repeat("x", 300)+`"}`), storage.PartUnknown, "no name"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			up := newProvider(t, c.answer)
			p := plainPost(t, up.URL, nil)
			id := p.Submit("31612345678", "Hello")
			var m *storage.Message
			p.Until("settled", func() bool {
				m = p.Message(id)
				return m.Parts[0].Attempts > 0 && m.Parts[0].State == c.part && m.Reason != ""
			})
			if !strings.Contains(m.Reason, c.reason) {
				t.Errorf("%q", m.Reason)
			}
			p.stop()
			if n := len(up.requests()); n != 1 {
				t.Errorf("%d requests", n)
			}
		})
	}
}

// reset writes something in place of an answer, and closes.
func reset(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			panic(err)
		}
		io.WriteString(conn, text)
		conn.Close()
	}
}

func TestFault_ServerDown_KeptAndSentLater(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	p := plainPost(t, "http://"+l.Addr().String(), nil)
	id := p.Submit("31612345678", "Hello")
	p.Until("not ready", func() bool { return strings.Contains(p.ch.Status().Reason, "refused") })
	back, err := net.Listen("tcp", l.Addr().String())
	if err != nil {
		t.Skip("the port was taken meanwhile")
	}
	server := &httptest.Server{Listener: back, Config: &http.Server{Handler: says(200, `{"ok": true, "id": 1}`)}}
	server.Start()
	defer server.Close()
	p.sent(id)
}

func TestFault_500ThenOK_SentOnceMore(t *testing.T) {
	var n atomic.Int32
	up := newProvider(t, func(w http.ResponseWriter, _ *http.Request) {
		if n.Add(1) == 1 {
			w.WriteHeader(500)
			return
		}
		io.WriteString(w, `{"ok": true, "id": 1}`)
	})
	p := plainPost(t, up.URL, func(d map[string]any) {
		d["answer"].(map[string]any)["errors"] = []any{map[string]any{"status": "500", "class": "throttle", "wait": map[string]any{"seconds": 1}}}
	})
	p.sent(p.Submit("31612345678", "Hello"))
	if len(up.requests()) != 2 {
		t.Errorf("%d requests", len(up.requests()))
	}
}

// A certificate that nobody trusts keeps every message; with its CA it goes.
func TestFault_BadTLS_NothingSent(t *testing.T) {
	up := httptest.NewTLSServer(says(200, `{"ok": true, "id": 1}`))
	up.Config.ErrorLog = nil
	defer up.Close()
	p := plainPost(t, up.URL, nil)
	id := p.Submit("31612345678", "Hello")
	p.Until("not ready", func() bool { return strings.Contains(p.ch.Status().Reason, "certificate") })
	if m := p.Message(id); m.State == storage.Unknown {
		t.Error("unknown, and nothing left")
	}
	q := newPost(t, storage.HTTPChannel{Description: described(t, nil), Settings: map[string]string{"base": up.URL}, CA: pemOf(up.Certificate())})
	q.sent(q.Submit("31612345678", "Hello"))
}

// A GET that is lost is not sent again by Go itself: the connection was used before,
// where it would.
func TestFault_GETLostOnAKeptConnection_NotRepeated(t *testing.T) {
	var n atomic.Int32
	up := newProvider(t, func(w http.ResponseWriter, r *http.Request) {
		if n.Add(1) == 2 {
			reset("")(w, r)
			return
		}
		io.WriteString(w, `{"ok": true, "id": 1}`)
	})
	p := plainPost(t, up.URL, func(d map[string]any) {
		d["send"] = map[string]any{"method": "GET", "url": "{base}/send", "query": map[string]any{"to": "{to}", "text": "{text}", "key": "{key}"}}
	})
	p.sent(p.Submit("31612345678", "One"))
	m := p.Ends(p.Submit("31612345678", "Two"), storage.Unknown)
	if strings.Contains(m.Reason, "k3y") || len(up.requests()) != 2 {
		t.Errorf("%q, %d requests", m.Reason, len(up.requests()))
	}
}

// Where the provider knows a key again, the same request goes out until it is
// answered.
func TestSend_Idempotent_LostAnswerAskedAgain(t *testing.T) {
	var n atomic.Int32
	up := newProvider(t, func(w http.ResponseWriter, r *http.Request) {
		if n.Add(1) == 1 {
			reset("")(w, r)
			return
		}
		io.WriteString(w, `{"ok": true, "id": 7}`)
	})
	p := plainPost(t, up.URL, func(d map[string]any) {
		d["idempotent"] = true
		d["send"].(map[string]any)["headers"] = map[string]any{"X-Key": "{id}"}
	})
	p.sent(p.Submit("31612345678", "Hello"))
	all := up.requests()
	if len(all) != 2 || all[0].header.Get("X-Key") != all[1].header.Get("X-Key") || all[0].body != all[1].body || all[0].header.Get("X-Key") == "" {
		t.Errorf("%+v", all)
	}
}

func TestSend_ValueThatHasNoPlace_GoesElsewhere(t *testing.T) {
	up := newProvider(t, says(200, `{"ok": true, "id": 1}`))
	p := plainPost(t, up.URL, func(d map[string]any) {
		d["send"].(map[string]any)["headers"] = map[string]any{"X-Text": "{text}"}
	})
	m := p.Ends(p.Submit("31612345678", "Hello\r\nX-Evil: 1"), storage.Undeliverable)
	if len(up.requests()) != 0 || !strings.Contains(m.Reason, "header") {
		t.Errorf("%q", m.Reason)
	}
}
