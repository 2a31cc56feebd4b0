package router

import (
	"errors"
	"testing"
	"testing/synctest"

	"gsmgate/storage"
)

func TestAssign_UnownedMO_GoesToTheUser_Once(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := running(t, &scripted{answer: ok}, Options{})
		in := func(dest, key string) storage.ID {
			id, err := b.r.SubmitSync(t.Context(), &storage.Message{Kind: storage.MO, Origin: "sim:1", Dest: storage.Address{Addr: dest}, Text: "hi", Dedupe: []string{key}})
			if err != nil {
				t.Fatal(err)
			}
			return id
		}
		stray, owned := in("+4915112345", "k1"), in("+31611111111", "k2")
		found, err := b.r.Messages(storage.Filter{NoUser: true})
		if err != nil || len(found) != 1 || found[0].ID != stray {
			t.Errorf("unowned: %v, %v", found, err)
		}
		if err := b.r.Assign(t.Context(), stray, "acme"); err != nil {
			t.Fatal(err)
		}
		m := b.expect(stray, storage.Enroute, 10, 0)
		if m.User != "acme" || m.Queue != "user:acme" || m.DueAt == 0 || m.Reason != "" || m.Deadline != m.ExpiresAt {
			t.Errorf("%+v", m)
		}
		for name, c := range map[string]struct {
			id   storage.ID
			user string
			code Code
		}{
			"again": {stray, "acme", Conflict}, "owned": {owned, "acme", Conflict}, "no user": {stray, "nobody", NotFound}, "no message": {1, "acme", NotFound},
		} {
			var re *Error
			if err := b.r.Assign(t.Context(), c.id, c.user); !errors.As(err, &re) || re.Code != c.code {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}
