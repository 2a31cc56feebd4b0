package main

import (
	"strings"
	"testing"
	"time"

	"gsmgate/provisioning"
	"gsmgate/router"
	"gsmgate/router/gsmchan"
	"gsmgate/storage"
	"gsmgate/storage/storagetest"
)

// After an upgrade what can be read by now is on its way, and the rest stays.
func TestDecodeAgain_ReadableOnesGo_OthersStay(t *testing.T) {
	r := router.New(storagetest.Open(t), router.Options{})
	a := &App{router: r, gsm: gsmchan.New(gsmchan.Config{})}
	a.gsm.Use(r)
	const readable = "00040B911316325476F8000062101030405000024834"
	for id, raw := range map[string]string{"good": readable, "bad": "00FF"} {
		if err := r.Undecoded(t.Context(), storage.Undecoded{ID: id, Lane: "sim:89", Raw: raw, Cause: "why"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Undecoded(t.Context(), storage.Undecoded{ID: "aside", Lane: "sim:89", Raw: readable, Aside: true}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []provisioning.DecodedAgain{{Tried: 2, Decoded: 1}, {Tried: 1}} {
		if did, err := a.decodeAgain(t.Context()); err != nil || did != want {
			t.Errorf("%+v, %v", did, err)
		}
	}
	ms, err := r.Messages(storage.Filter{})
	if err != nil || len(ms) != 1 || ms[0].Kind != storage.MO || len(r.ListUndecoded()) != 2 {
		t.Errorf("%+v, %v; left %+v", ms, err, r.ListUndecoded())
	}
}

func TestPrintUndecoded_Table(t *testing.T) {
	var b strings.Builder
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	err := printUndecoded(&b, []provisioning.Undecoded{{ID: "a1", Lane: "sim:89", Raw: "00FF", Cause: "bad\x1b[2J", LastAt: at, Times: 2}})
	if want := "a1  2026-01-02 03:04:05  2      sim:89  -       bad\\u001b[2J  00FF"; err != nil || !strings.Contains(b.String(), want) {
		t.Errorf("%v\n%s", err, b.String())
	}
}

func TestDaysOrHours_NamesItsFlag(t *testing.T) {
	if _, err := daysOrHours("--segment-timeout", "1s"); err == nil || !strings.Contains(err.Error(), "--segment-timeout") {
		t.Errorf("got %v", err)
	}
}
