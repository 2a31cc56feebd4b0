package storagetest

import (
	"path/filepath"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
)

// pair is one entry of a bucket.
type pair struct{ key, value []byte }

// RawRate says how many messages a second bbolt takes when nothing stands
// before it: the entries of the store at path, as many as there are messages
// but most at a time, are put into a file of its own in groups of the given
// size, one fsync a group.
func RawRate(t testing.TB, path string, group, most int) float64 {
	t.Helper()
	buckets, n := readAll(t, path, most)
	raw, err := bolt.Open(filepath.Join(t.TempDir(), "raw.db"), 0o600, &bolt.Options{FreelistType: bolt.FreelistMapType, InitialMmapSize: 1 << 30})
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	start := time.Now()
	for at := 0; at < n; at += group {
		if err := raw.Update(func(tx *bolt.Tx) error { return putGroup(tx, buckets, at, min(at+group, n)) }); err != nil {
			t.Fatal(err)
		}
	}
	return float64(n) / time.Since(start).Seconds()
}

// readAll copies what has one entry a message: records and indexes.
func readAll(t testing.TB, path string, most int) (map[string][]pair, int) {
	t.Helper()
	db, err := bolt.Open(path, 0o600, &bolt.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	all := map[string][]pair{}
	err = db.View(func(tx *bolt.Tx) error {
		for _, name := range []string{"messages", "due", "deadline", "ledger"} {
			c := tx.Bucket([]byte(name)).Cursor()
			for k, v := c.First(); k != nil && len(all[name]) < most; k, v = c.Next() {
				all[name] = append(all[name], pair{append([]byte(nil), k...), append([]byte(nil), v...)})
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all, len(all["messages"])
}

func putGroup(tx *bolt.Tx, buckets map[string][]pair, from, to int) error {
	for name, pairs := range buckets {
		b, err := tx.CreateBucketIfNotExists([]byte(name))
		if err != nil {
			return err
		}
		b.FillPercent = 0.9
		for _, p := range pairs[min(from, len(pairs)):min(to, len(pairs))] {
			if err := b.Put(p.key, p.value); err != nil {
				return err
			}
		}
	}
	return nil
}

// LoseEntry takes the first entry out of the ledger of the store at path, which
// nobody has open: then the money does not add up.
func LoseEntry(t testing.TB, path string) {
	t.Helper()
	db, err := bolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.Update(func(tx *bolt.Tx) error {
		b := tx.Bucket([]byte("ledger"))
		k, _ := b.Cursor().First()
		return b.Delete(k)
	})
	if err != nil {
		t.Fatal(err)
	}
}
