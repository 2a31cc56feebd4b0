package esmechan

import (
	"testing"

	"gsmgate/storage"
)

// Channels say that they cut alike only when they do.
func TestCut_SameForSameParts(t *testing.T) {
	cutOf := func(edit func(*storage.SMPPChannel)) any {
		rec := storage.SMPPChannel{Address: "127.0.0.1:1", SystemID: "gate"}
		edit(&rec)
		ch, err := New(Config{Record: storage.Channel{Name: "x", Kind: "smpp", SMPP: &rec}})
		if err != nil {
			t.Fatal(err)
		}
		return ch.Cut()
	}
	plain := cutOf(func(*storage.SMPPChannel) {})
	for name, c := range map[string]struct {
		edit func(*storage.SMPPChannel)
		same bool
	}{
		"another provider": {func(r *storage.SMPPChannel) { r.Address, r.ServiceType = "127.0.0.1:2", "X" }, true},
		"sar":              {func(r *storage.SMPPChannel) { r.Long = LongSAR }, false},
		"payload":          {func(r *storage.SMPPChannel) { r.Long = LongPayload }, false},
		"Latin-1":          {func(r *storage.SMPPChannel) { r.Alphabet = "latin1" }, false},
	} {
		if got := cutOf(c.edit) == plain; got != c.same {
			t.Errorf("%s: %v", name, got)
		}
	}
}
