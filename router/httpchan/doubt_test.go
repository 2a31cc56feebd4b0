package httpchan

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gsmgate/storage"
)

// scripted is what becomes of each request: "lost" behind us, "nobody" there, or the
// status of an answer.
type scripted struct {
	steps []string
	ids   map[string]bool
}

func (s *scripted) RoundTrip(r *http.Request) (*http.Response, error) {
	step := s.steps[0]
	s.steps = s.steps[1:]
	body, _ := io.ReadAll(r.Body)
	s.ids[string(body)] = true
	switch step {
	case "nobody":
		return nil, errors.New("connection refused")
	case "lost":
		httptrace.ContextClientTrace(r.Context()).GotConn(httptrace.GotConnInfo{})
		return nil, errors.New("connection reset")
	}
	status, err := strconv.Atoi(step)
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(`{"ok": true, "id": 7}`))}, err
}

// What may be out is in doubt until an answer is about it. Of a repeat that finds
// nobody, or comes at a bad time, the message would be sent once more under another
// key.
func TestDeliver_RepeatsWithoutAnAnswer_StillInDoubt(t *testing.T) {
	for steps, want := range map[string]struct {
		class Class // "": no answer
		left  bool
		took  time.Duration
	}{
		"200":                       {Accepted, false, 0},
		"nobody":                    {"", false, 0}, // it is in no doubt
		"429":                       {Throttle, false, 0},
		"lost 200":                  {Accepted, false, time.Second},
		"lost lost 200":             {Accepted, false, 3 * time.Second},
		"lost nobody 200":           {Accepted, false, 3 * time.Second},
		"lost 429 503 200":          {Accepted, false, 7 * time.Second},
		"502 400":                   {Permanent, false, time.Second},
		"lost nobody nobody nobody": {"", true, 7 * time.Second},
		"lost 503 503 503":          {Unsure, false, 7 * time.Second},
		"lost nobody 401 429":       {Unsure, false, 7 * time.Second},
		"502 nobody nobody nobody":  {"", true, 7 * time.Second},
	} {
		t.Run(steps, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rec := storage.HTTPChannel{Description: described(t, func(d map[string]any) { d["idempotent"] = true }), Settings: map[string]string{"base": "http://" + nowhere}}
				ch, err := New(Config{Record: storage.Channel{Name: "up", Kind: "http", HTTP: &rec}})
				if err != nil {
					t.Fatal(err)
				}
				m := &storage.Message{ID: 1, Text: "Hello", Dest: storage.Address{Addr: "31612345678"}, Parts: make([]storage.Part, 1)}
				ch.prepare(m)
				f, ours, err := ch.request(m, 0)
				if err != nil {
					t.Fatal(err)
				}
				peer := &scripted{strings.Fields(steps), map[string]bool{}}
				ch.client.Transport = peer
				began := time.Now()
				u, err := ch.deliver(t.Context(), f, ours)
				var ce *callError
				if errors.As(err, &ce); (want.class == "") != (ce != nil) || err == nil && u.Class != want.class || ce != nil && ce.left != want.left {
					t.Errorf("%+v, %v", u, err)
				}
				if took := time.Since(began); took != want.took || len(peer.steps) > 0 || len(peer.ids) != 1 {
					t.Errorf("after %v, %d steps left, %d different requests", took, len(peer.steps), len(peer.ids))
				}
			})
		})
	}
}
