package storage

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"
)

func TestSIM_Changed_SurvivesRestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	db := openTestAt(t, path, Options{})
	ctx := t.Context()
	set := func(pin string) SIM {
		s, err := db.ChangeSIM(ctx, "8931", func(s *SIM) error { s.PIN, s.Quiet = pin, []string{"22:00-07:00"}; return nil })
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	if s := set("1234"); s.ID != "8931" || s.Created == 0 {
		t.Errorf("made %+v", s)
	}
	set("4321")
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = openTestAt(t, path, Options{})
	s, ok := db.SIM("8931")
	if !ok || s.PIN != "4321" || len(s.Quiet) != 1 || len(db.SIMs()) != 1 {
		t.Errorf("found %+v, %v", s, ok)
	}
	if err := db.RemoveSIM(ctx, "8931"); err != nil {
		t.Fatal(err)
	}
	if err := db.RemoveSIM(ctx, "8931"); !errors.Is(err, ErrNotFound) {
		t.Errorf("removed twice: %v", err)
	}
	if _, ok := db.SIM("8931"); ok || len(db.SIMs()) != 0 {
		t.Error("still there")
	}
}

func TestSIM_Refused_NothingChanges(t *testing.T) {
	db := openTest(t, Options{})
	ctx := t.Context()
	oops := errors.New("oops")
	for name, fn := range map[string]func(*SIM) error{
		"by fn":    func(s *SIM) error { s.Pool = "x"; return oops },
		"limit":    func(s *SIM) error { s.PerDay = -1; return nil },
		"identity": func(s *SIM) error { s.ID = "other"; return nil },
	} {
		if _, err := db.ChangeSIM(ctx, "8931", fn); !errors.Is(err, oops) && !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := db.ChangeSIM(ctx, "", func(*SIM) error { return nil }); !errors.Is(err, ErrInvalid) {
		t.Errorf("without an ID: %v", err)
	}
	if len(db.SIMs()) != 0 {
		t.Error("something was stored")
	}
}

func TestSIM_CommitFails_NotVisible(t *testing.T) {
	db := openTest(t, Options{})
	oops := errors.New("oops")
	db.testFail = func() error { return oops }
	if _, err := db.ChangeSIM(t.Context(), "8931", func(*SIM) error { return nil }); !errors.Is(err, oops) {
		t.Errorf("got %v", err)
	}
	db.testFail = nil
	if _, ok := db.SIM("8931"); ok {
		t.Error("visible after a failed commit")
	}
	if _, err := db.ChangeSIM(t.Context(), "8932", func(*SIM) error { return nil }); err != nil || len(db.SIMs()) != 1 {
		t.Errorf("afterwards: %v, %v", err, db.SIMs())
	}
}

func TestCheck_SIMDamaged_Found(t *testing.T) {
	db := openTest(t, Options{})
	put := func(value []byte) {
		t.Helper()
		err := db.bolt.Update(func(tx *bolt.Tx) error { return tx.Bucket(inSIMs.name()).Put([]byte("8931"), value) })
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, value := range [][]byte{{0xa0}, {0xff}} { // without an ID; no record
		put(value)
		if err := db.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "8931") {
			t.Errorf("%x: found %v", value, err)
		}
	}
	if err := db.RemoveSIM(t.Context(), "8931"); !errors.Is(err, ErrNotFound) {
		t.Errorf("not known in memory: %v", err)
	}
	if err := db.bolt.Update(func(tx *bolt.Tx) error { return tx.Bucket(inSIMs.name()).Delete([]byte("8931")) }); err != nil {
		t.Fatal(err)
	}
}
