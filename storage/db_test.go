package storage

import (
	"context"
	"path/filepath"
	"testing"
)

// tb is what the helpers need: testing's T and rapid's have it.
type tb interface {
	Helper()
	Error(args ...any)
	Fatal(args ...any)
}

func openTest(t testing.TB, o Options) *DB {
	t.Helper()
	return openTestAt(t, filepath.Join(t.TempDir(), "store.db"), o)
}

// openTestAt opens a store whose whole file is checked when the test ends.
func openTestAt(t testing.TB, path string, o Options) *DB {
	t.Helper()
	db, err := Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		checkFile(t, path)
	})
	return db
}

func checkFile(t testing.TB, path string) {
	t.Helper()
	db, err := OpenReadOnly(path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Check(context.Background()); err != nil {
		t.Errorf("check: %v", err)
	}
}

func addUser(t tb, db *DB, name string, amount Millicredits) {
	t.Helper()
	if err := db.PutUser(context.Background(), User{SystemID: name, Enabled: true}, true); err != nil {
		t.Fatal(err)
	}
	if amount == 0 {
		return
	}
	if _, err := db.Grant(context.Background(), name, amount, "test"); err != nil {
		t.Fatal(err)
	}
}

// mt is a message as the router would hand it in.
func mt(user string, held Millicredits) *Message {
	return &Message{
		Kind: MT, User: user, Session: "s1",
		Source: Address{1, 1, "31612345678"}, Dest: Address{1, 1, "31687654321"},
		RegisteredDelivery: 1, Data: []byte("Hello"),
		State: Enroute, AcceptedAt: 1000, ExpiresAt: 90000,
		Queue: "modems", DueAt: 1000, Deadline: 90000,
		Parts: []Part{{}}, Held: held,
		Events: []Event{{At: 1000, What: "accepted"}},
	}
}

func accept(t tb, db *DB, m *Message) ID {
	t.Helper()
	id, err := db.AcceptSync(context.Background(), m)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func change(t tb, db *DB, id ID, fn func(m *Message)) *Message {
	t.Helper()
	m, err := db.ChangeSync(context.Background(), id, func(m *Message, _ Time) ([]*Message, error) {
		fn(m)
		return nil, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}
