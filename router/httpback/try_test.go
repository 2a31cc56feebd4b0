package httpback

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"gsmgate/router"
)

func TestTry_PostsASample_ShowsTheAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		var re *router.Error
		if _, err := h.ch.Try(t.Context(), "nobody"); !errors.As(err, &re) || re.Code != router.NotFound {
			t.Errorf("%v", err)
		}
		if got, err := h.ch.Try(t.Context(), "acme"); err != nil || got.Status != 0 || got.Meaning != "connection refused" || got.Taken {
			t.Errorf("down: %+v, %v", got, err)
		}
		r := &receiver{answer: func(w http.ResponseWriter, _ post) { _, _ = w.Write([]byte(strings.Repeat("x", 100<<10))) }}
		down := h.listen("acme", r)
		got, err := h.ch.Try(t.Context(), "acme")
		if err != nil || got.Status != 200 || !got.Taken || len(got.Answer) != mostAnswer || got.Body != r.posts()[0].body || !r.posts()[0].event.Sample || r.posts()[0].header.Get(headerKey) != got.Key {
			t.Errorf("%+v, %v", got, err)
		}
		down()
		h.listen("acme", &receiver{answer: status(503)})
		if got, err := h.ch.Try(t.Context(), "acme"); err != nil || got.Status != 503 || got.Taken || got.Meaning != "all would wait, and be tried again" {
			t.Errorf("%+v, %v", got, err)
		}
		h.set("acme", router.UserSettings{Callback: ptr("")})
		if _, err := h.ch.Try(t.Context(), "acme"); !errors.As(err, &re) || re.Code != router.Conflict {
			t.Errorf("%v", err)
		}
	})
}
