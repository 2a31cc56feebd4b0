package provisioning_test

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"gsmgate/provisioning"
	"gsmgate/provisioning/client"
	"gsmgate/router"
	"gsmgate/storage"
	"gsmgate/storage/storagetest"
)

func TestUndecoded_ListedReadAgainAndRemoved(t *testing.T) {
	r := router.New(storagetest.Open(t), router.Options{})
	for _, id := range []string{"a1", "b2"} {
		u := storage.Undecoded{ID: id, Lane: "sim:89", Dest: storage.Address{TON: 1, Addr: "31653000001"}, Raw: "00FF", Cause: "TP-OA: truncated"}
		if err := r.Undecoded(t.Context(), u); err != nil {
			t.Fatal(err)
		}
	}
	config := provisioning.Config{Router: r}
	c := client.Local(provisioning.New(config))
	list, err := c.Undecoded(t.Context())
	if err != nil || len(list) != 2 || list[0].Raw != "00FF" || list[0].Number != "+31653000001" || list[0].Cause != "TP-OA: truncated" || list[0].Times != 1 {
		t.Errorf("%+v, %v", list, err)
	}
	refused := func(err error, status int) {
		t.Helper()
		var p *provisioning.Problem
		if !errors.As(err, &p) || p.Status != status || p.Hint == "" {
			t.Errorf("got %v", err)
		}
	}
	_, err = c.DecodeAgain(t.Context()) // no gateway runs
	refused(err, http.StatusServiceUnavailable)
	config.DecodeAgain = func(context.Context) (provisioning.DecodedAgain, error) {
		return provisioning.DecodedAgain{Tried: 2, Decoded: 1}, nil
	}
	c = client.Local(provisioning.New(config))
	if did, err := c.DecodeAgain(t.Context()); err != nil || did.Tried != 2 || did.Decoded != 1 {
		t.Errorf("%+v, %v", did, err)
	}
	if left, err := c.RemoveUndecoded(t.Context(), "a1"); err != nil || len(left) != 1 || left[0].ID != "b2" {
		t.Errorf("%+v, %v", left, err)
	}
	_, err = c.RemoveUndecoded(t.Context(), "a1")
	refused(err, http.StatusNotFound)
	if all, err := c.Reports(t.Context()); err != nil || all == nil || len(all) != 0 {
		t.Errorf("%+v, %v", all, err)
	}
}
