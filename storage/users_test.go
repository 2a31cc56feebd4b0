package storage

import (
	"context"
	"errors"
	"testing"
)

func TestRemoveUser_MoneyOrMessagesLeft_Refused_ThenHistoryStays(t *testing.T) {
	ctx := context.Background()
	db := openTest(t, Options{NoSync: true})
	addUser(t, db, "alice", 50)
	refused := func(want error) {
		t.Helper()
		if err := db.RemoveUser(ctx, "alice", "esme"); !errors.Is(err, want) {
			t.Fatalf("%v, want %v", err, want)
		}
	}
	refused(ErrMoney)
	id, err := db.AcceptSync(ctx, mt("alice", 50))
	if err != nil {
		t.Fatal(err)
	}
	refused(ErrMoney) // all of it is held
	if _, err := db.ChangeSync(ctx, id, func(m *Message, now Time) ([]*Message, error) {
		m.Held, m.Spent, m.Queue, m.EndedAt = 0, m.Held, "", now
		return []*Message{{Kind: Receipt, User: "alice", Queue: "esme", DueAt: now}}, nil
	}); err != nil {
		t.Fatal(err)
	}
	refused(ErrQueued)
	if _, err := db.ChangeSync(ctx, id+1, func(m *Message, now Time) ([]*Message, error) {
		m.Queue = ""
		return nil, nil
	}); err != nil {
		t.Fatal(err)
	}
	refused(nil)
	refused(ErrNotFound)
	if _, there := db.User("alice"); there || len(db.Users()) != 0 {
		t.Error("it is there")
	}
	if _, err := db.AcceptSync(ctx, mt("alice", 1)); !errors.Is(err, ErrNoUser) {
		t.Errorf("a message of it: %v", err)
	}
	if _, err := db.Grant(ctx, "alice", 1, ""); !errors.Is(err, ErrNoUser) {
		t.Errorf("a grant: %v", err)
	}
	entries, _, err := db.Ledger(LedgerFilter{User: "alice"})
	if err != nil || len(entries) != 3 {
		t.Errorf("ledger %v, %v", entries, err)
	}
	if err := db.Check(ctx); err != nil {
		t.Error(err)
	}
	// One of the same name begins with nothing, and its ledger goes on.
	if err := db.PutUser(ctx, User{SystemID: "alice"}, true); err != nil {
		t.Fatal(err)
	}
	if b, err := db.Balance("alice"); err != nil || b != (Balance{Granted: 50, Spent: 50}) {
		t.Errorf("%+v, %v", b, err)
	}
	if b, err := db.Grant(ctx, "alice", 7, ""); err != nil || b.Available != 7 {
		t.Errorf("%+v, %v", b, err)
	}
}

func TestRemoveUser_InOneGroupWithOthers_LaterOnesSeeIt(t *testing.T) {
	ctx := context.Background()
	db := openTest(t, Options{NoSync: true})
	addUser(t, db, "alice", 0)
	var removed, again, made error
	together(t, db, func() {
		db.ask(&removeUserOp{name: "alice", done: func(_ struct{}, err error) { removed = err }}, true)
		db.ask(&removeUserOp{name: "alice", done: func(_ struct{}, err error) { again = err }}, true)
		db.ask(&userOp{u: User{SystemID: "alice"}, create: true, done: func(_ struct{}, err error) { made = err }}, true)
	})
	if removed != nil || !errors.Is(again, ErrNotFound) || made != nil {
		t.Errorf("%v, %v, %v", removed, again, made)
	}
	if _, there := db.User("alice"); !there {
		t.Error("it is not there")
	}
	if err := db.Check(ctx); err != nil {
		t.Error(err)
	}
}
