package storage

import (
	"errors"
	"testing"
)

// asked accepts messages all at once, and counts those that were taken.
func asked(t *testing.T, db *DB, ms ...*Message) (taken int) {
	t.Helper()
	answers := make(chan error, len(ms))
	for _, m := range ms {
		db.Accept(m, func(_ ID, err error) { answers <- err })
	}
	for range ms {
		switch err := <-answers; {
		case err == nil:
			taken++
		case !errors.Is(err, ErrNoRoom):
			t.Error(err)
		}
	}
	return taken
}

func inRoom(user string, n int, room Room) (ms []*Message) {
	for range n {
		m := waiting(user, "31612", 0, 5)
		m.Room = room
		ms = append(ms, m)
	}
	return ms
}

func TestRoom_ManyAtOnce_NotOneTooMany(t *testing.T) {
	db := openTest(t, Options{NoSync: true})
	addUser(t, db, "alice", 1000)
	addUser(t, db, "bob", 1000)
	for _, c := range []struct {
		name string
		ms   []*Message
		want int
	}{
		{"of a user", inRoom("alice", 50, Room{Own: 7, All: 100}), 7},
		{"no bound", inRoom("alice", 3, Room{}), 3},
		{"of all", inRoom("bob", 50, Room{Own: 100, All: 15}), 5},
		{"none left", inRoom("bob", 5, Room{All: 15}), 0},
		{"what is not queued is none", []*Message{{Kind: MO, User: "alice"}}, 1},
	} {
		if got := asked(t, db, c.ms...); got != c.want {
			t.Errorf("%s: %d taken, want %d", c.name, got, c.want)
		}
	}
	_, errs := acceptBatch(t, db, inRoom("alice", 5, Room{Own: 12})...)
	for i, err := range errs {
		var full *NoRoomError
		if refused := errors.As(err, &full); refused != (i >= 2) || refused && (!full.Own || full.Queued != 12) {
			t.Errorf("message %d of a batch: %v", i+1, err)
		}
	}
}

// What leaves in the same commit makes room.
func TestRoom_OneLeavesInTheSameCommit_AnotherIsTaken(t *testing.T) {
	db := openTest(t, Options{NoSync: true})
	addUser(t, db, "alice", 1000)
	first := accept(t, db, waiting("alice", "31612", 0, 5))
	for range 2 {
		accept(t, db, waiting("alice", "31613", 0, 5))
	}
	shut, open := make(chan struct{}), make(chan struct{})
	answers := make(chan error, 3)
	db.ask(&exclusiveOp{run: func() { close(shut); <-open }, done: func(_ struct{}, err error) { answers <- err }}, true)
	<-shut
	db.Change(first, func(m *Message, now Time) ([]*Message, error) {
		m.State, m.EndedAt, m.DueAt, m.Held = Deleted, now, 0, 0
		return nil, nil
	}, func(_ *Message, err error) { answers <- err })
	db.Accept(inRoom("alice", 1, Room{Own: 3})[0], func(_ ID, err error) { answers <- err })
	close(open)
	for range 3 {
		if err := <-answers; err != nil {
			t.Error(err)
		}
	}
	if got := asked(t, db, inRoom("alice", 1, Room{Own: 3})...); got != 0 {
		t.Error("a fourth was taken")
	}
}
