package storage

import (
	"errors"
	"testing"
)

func moTwin(text string, dedupe ...string) *Message {
	one := func(queue string) *Message {
		return &Message{Kind: MO, User: "alice", Text: text, Queue: queue, DueAt: 1, Twinned: true, Parts: []Part{{}}}
	}
	m := one("user:alice")
	m.Dedupe, m.Twin = dedupe, one("callback:alice")
	return m
}

func TestAccept_Twin_StoredWithIt_OrNeither(t *testing.T) {
	db := openTest(t, Options{})
	addUser(t, db, "alice", 0)
	first := moTwin("a", "k")
	id := accept(t, db, first)
	twin, err := db.Message(id + 1)
	if err != nil || twin.Text != "a" || twin.Queue != "callback:alice" || first.Twin.ID != id+1 {
		t.Errorf("the twin: %+v, %v", twin, err)
	}
	if _, err := db.AcceptSync(t.Context(), moTwin("a", "k")); !errors.Is(err, ErrDuplicate) {
		t.Errorf("again: %v", err)
	}
	bad := moTwin("b")
	bad.Twin.Parts = make([]Part, maxParts+1)
	if _, err := db.AcceptSync(t.Context(), bad); !errors.Is(err, ErrInvalid) {
		t.Errorf("a twin that cannot be stored: %v", err)
	}
	if db.Queued("user:alice") != 1 || db.Queued("callback:alice") != 1 {
		t.Errorf("queued: %v", db.Queues())
	}
}
