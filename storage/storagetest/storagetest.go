// Package storagetest opens real stores in tests of other packages.
package storagetest

import (
	"context"
	"path/filepath"
	"testing"

	"gsmgate/storage"
)

// Open opens an empty store in a directory of the test. The test's cleanup
// checks the whole file and fails the test on findings.
func Open(t testing.TB) *storage.DB {
	t.Helper()
	return OpenAt(t, filepath.Join(t.TempDir(), "store.db"), storage.Options{NoSync: true})
}

// OpenAt opens the store at path, checked at the end of the test as by Open.
func OpenAt(t testing.TB, path string, o storage.Options) *storage.DB {
	t.Helper()
	db, err := storage.Open(path, o)
	if err != nil {
		t.Fatalf("open store: %v", err)
	}
	t.Cleanup(func() { checkAndClose(t, path, db) })
	return db
}

// checkAndClose checks through a second, read-only handle, so that a test that
// has closed its store is checked as well.
func checkAndClose(t testing.TB, path string, db *storage.DB) {
	t.Helper()
	if err := db.Close(); err != nil {
		t.Errorf("close store: %v", err)
	}
	ro, err := storage.OpenReadOnly(path)
	if err != nil {
		t.Errorf("open store to check it: %v", err)
		return
	}
	defer ro.Close()
	if err := ro.Check(context.Background()); err != nil {
		t.Errorf("check of the store: %v", err)
	}
}
