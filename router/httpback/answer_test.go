package httpback

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"gsmgate/storage"
)

func TestClassOf_Table(t *testing.T) {
	for c, statuses := range map[class][]int{
		taken:    {200, 201, 202, 204, 299},
		unwanted: {410},
		faulty:   {400, 402, 406, 409, 411, 413, 414, 415, 418, 422, 451, 499},
		notNow:   {101, 301, 302, 304, 307, 308, 401, 403, 404, 405, 407, 408, 425, 429, 500, 502, 503, 504, 599, 999},
	} {
		for _, status := range statuses {
			if got := classOf(status); got != c {
				t.Errorf("%d is %q, want %q", status, got, c)
			}
		}
	}
}

// The table that people read names each 4xx that is not as the others.
func TestClassOf_Documented(t *testing.T) {
	for status := 400; status < 500; status++ {
		text := (&answer{status: status}).String()[:3]
		if documented := strings.Contains(Contract, text); documented != (classOf(status) != faulty) {
			t.Errorf("%s: in the table %v", text, documented)
		}
	}
	for _, header := range []string{headerKey, headerAttempt, headerTimestamp, headerSignature} {
		if !strings.Contains(Contract, header+": ") {
			t.Errorf("%s is not told of", header)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 26, 8, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"": 0, "0": 0, "90": 90 * time.Second, " 7 ": 7 * time.Second, "999999": time.Hour, "99999999999999999999": 0, "-1": 0, "1.5": 0, "soon": 0,
		"Thu, 26 Nov 2026 08:01:30 GMT": 90 * time.Second, "Thu, 26 Nov 2026 07:00:00 GMT": 0, "Fri, 26 Nov 2027 07:00:00 GMT": time.Hour,
	} {
		if got := retryAfter(text, now); got != want {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
	}
}

func FuzzRetryAfter(f *testing.F) {
	for _, s := range []string{"", "90", "Thu, 26 Nov 2026 08:01:30 GMT", "99999999999999999999"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if d := retryAfter(s, time.Unix(1e9, 0)); d < 0 || d > maxRetryAfter {
			t.Errorf("%q is %s", s, d)
		}
	})
}

// Whatever octets came from the air, a receiver can read what it gets, and a
// header can hold the key.
func FuzzEvent(f *testing.F) {
	f.Add("hello", "31612345678", []byte{0, 255}, uint8(2), true)
	f.Add("\xff\x00\"</script>", "Caf\xe9\x00\r\n", []byte(nil), uint8(99), false)
	f.Fuzz(func(t *testing.T, text, addr string, data []byte, state uint8, receipt bool) {
		m := &storage.Message{ID: 1, Kind: storage.MO, User: addr, Text: text, Data: data, UDH: data, Source: storage.Address{Addr: addr}}
		if receipt {
			m.Kind, m.About = storage.Receipt, &storage.About{ID: 7, State: storage.State(state % 9), Text: text}
		}
		e := eventOf(m)
		body, err := e.body()
		if err != nil || !utf8.Valid(body) {
			t.Fatalf("%q, %v", body, err)
		}
		var back CallbackEvent
		if err := json.Unmarshal(body, &back); err != nil || back.Kind != e.Kind || back.key() != e.key() {
			t.Errorf("%s: %v", body, err)
		}
		h := http.Header{}
		h.Set(headerKey, e.key())
		if strings.ContainsFunc(e.key(), func(r rune) bool { return r <= ' ' || r > '~' }) {
			t.Errorf("key %q", e.key())
		}
	})
}
