package storage

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"
)

// edit changes a closed store with bbolt alone.
func edit(t testing.TB, path string, fn func(tx *bolt.Tx) error) {
	t.Helper()
	db, err := bolt.Open(path, 0o600, &bolt.Options{FreelistType: bolt.FreelistMapType})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Update(fn); err != nil {
		t.Fatal(err)
	}
}

func TestOpen_InUse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	openTestAt(t, path, Options{})
	_, writing := Open(path, Options{})
	_, reading := OpenReadOnly(path)
	for _, err := range []error{writing, reading} {
		var inUse *InUseError
		if !errors.As(err, &inUse) || inUse.Path != path || !strings.Contains(err.Error(), "in use by another process") {
			t.Errorf("got %v", err)
		}
	}
}

func TestOpen_NewerSchema_Refused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	openTestAt(t, path, Options{}).Close()
	setSchema := func(n uint64) {
		edit(t, path, func(tx *bolt.Tx) error { return putMeta(tx, metaSchema, n) })
	}
	known := len(migrations())
	setSchema(uint64(known + 1))
	_, writing := Open(path, Options{})
	_, reading := OpenReadOnly(path)
	for _, err := range []error{writing, reading} {
		var newer *NewerSchemaError
		if !errors.As(err, &newer) || newer.File != known+1 || newer.Known != known {
			t.Errorf("got %v", err)
		}
	}
	setSchema(uint64(known)) // for the check at the end
}

func TestOpen_MigratesOnceAndInOrder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	openTestAt(t, path, Options{}).Close()
	var ran []string
	step := func(name string) migration {
		return migration{name, func(tx *bolt.Tx) error {
			ran = append(ran, name)
			return nil
		}}
	}
	steps := append(migrations(), step("second"), step("third"))
	if _, err := open(path, Options{}.withDefaults(), true, steps); err == nil || !strings.Contains(err.Error(), "migrate") {
		t.Errorf("reading an older file: %v", err)
	}
	for range 2 {
		db, err := open(path, Options{}.withDefaults(), false, steps)
		if err != nil {
			t.Fatal(err)
		}
		db.bolt.Close()
	}
	if strings.Join(ran, " ") != "second third" {
		t.Errorf("ran %v", ran)
	}
	edit(t, path, func(tx *bolt.Tx) error {
		if n, err := getMeta(tx, metaSchema); err != nil || n != uint64(len(steps)) {
			t.Errorf("schema %d, %v", n, err)
		}
		return putMeta(tx, metaSchema, uint64(len(migrations())))
	})
}

// A file of the first release has no index of delivery pending flags.
func TestOpen_FirstRelease_GainsTheIndexOfFlags(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	openTestAt(t, path, Options{}).Close()
	edit(t, path, func(tx *bolt.Tx) error {
		if err := tx.DeleteBucket(inFlagged.name()); err != nil {
			return err
		}
		return putMeta(tx, metaSchema, 1)
	})
	db, err := Open(path, Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	m := mt("", 0)
	m.DPF = DPFSet
	id := accept(t, db, m)
	if ids, err := db.Flagged(); err != nil || !slices.Equal(ids, []ID{id}) {
		t.Errorf("flagged: %v, %v", ids, err)
	}
}

func TestOpen_MigrationFails_FileUnchanged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	openTestAt(t, path, Options{}).Close()
	oops := errors.New("oops")
	steps := append(migrations(),
		migration{"drops users", func(tx *bolt.Tx) error { return tx.DeleteBucket(inUsers.name()) }},
		migration{"fails", func(tx *bolt.Tx) error { return oops }})
	if _, err := open(path, Options{}.withDefaults(), false, steps); !errors.Is(err, oops) {
		t.Errorf("got %v", err)
	}
	checkFile(t, path)
}

func TestOpen_NotAStore_ClearError(t *testing.T) {
	dir := t.TempDir()
	store := filepath.Join(dir, "store.db")
	db := openTestAt(t, store, Options{NoSync: true})
	addUser(t, db, "alice", 100)
	for range 200 {
		accept(t, db, mt("alice", 0))
	}
	used := int64(0) // the file itself grows ahead
	if err := db.view(func(tx *bolt.Tx) error { used = tx.Size(); return nil }); err != nil {
		t.Fatal(err)
	}
	db.Close()
	whole, err := os.ReadFile(store)
	if err != nil {
		t.Fatal(err)
	}
	whole = whole[:used]
	foreign := filepath.Join(dir, "foreign.db")
	edit(t, foreign, func(tx *bolt.Tx) error { _, err := tx.CreateBucket([]byte("theirs")); return err })
	theirs, err := os.ReadFile(foreign)
	if err != nil {
		t.Fatal(err)
	}
	scribbled := append([]byte(nil), whole...)
	for i := 2 * pageSize; i < len(scribbled); i++ {
		scribbled[i] = byte(i * 7)
	}
	for name, content := range map[string][]byte{
		"a text file":           []byte(strings.Repeat("this is not a database\n", 1000)),
		"a short file":          []byte("x"),
		"zeros":                 make([]byte, 10*pageSize),
		"cut to 3 pages":        whole[:3*pageSize],
		"cut in the middle":     whole[:len(whole)/2],
		"cut by one octet":      whole[:len(whole)-1],
		"another program's":     theirs,
		"scribbled after metas": scribbled,
	} {
		t.Run(name, func(t *testing.T) {
			for _, o := range []func(path string) (*DB, error){
				func(path string) (*DB, error) { return Open(path, Options{}) },
				OpenReadOnly,
			} {
				path := filepath.Join(t.TempDir(), "bad.db")
				if err := os.WriteFile(path, content, 0o600); err != nil {
					t.Fatal(err)
				}
				db, err := o(path)
				if err == nil {
					err = db.Check(context.Background())
					db.Close()
					t.Errorf("opened; its check says %v", err)
					continue
				}
				var corrupt *CorruptError
				if !errors.As(err, &corrupt) || corrupt.Path != path {
					t.Errorf("got %v", err)
				}
				if after, _ := os.ReadFile(path); !bytes.Equal(after, content) {
					t.Error("the file was changed")
				}
			}
		})
	}
}

func TestOpen_NoSuchDirectory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "no", "store.db")
	if _, err := Open(path, Options{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	if _, err := OpenReadOnly(filepath.Join(t.TempDir(), "store.db")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestOpen_FileIsForItsOwner(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	openTestAt(t, path, Options{})
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, mode %v", err, info.Mode())
	}
}

func TestOpenReadOnly_ReadsAndRefusesChanges(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	db := openTestAt(t, path, Options{})
	addUser(t, db, "alice", 100)
	id := accept(t, db, mt("alice", 10))
	db.Close()
	ro, err := OpenReadOnly(path)
	if err != nil {
		t.Fatal(err)
	}
	defer ro.Close()
	if _, err := ro.Message(id); err != nil {
		t.Error(err)
	}
	if b := balance(t, ro, "alice"); b.Held != 10 || ro.Queued("modems") != 1 {
		t.Errorf("balance %+v", b)
	}
	if _, err := ro.AcceptSync(context.Background(), mt("alice", 10)); !errors.Is(err, ErrReadOnly) {
		t.Errorf("accept: %v", err)
	}
	if _, err := ro.Grant(context.Background(), "alice", 1, ""); !errors.Is(err, ErrReadOnly) {
		t.Errorf("grant: %v", err)
	}
}
