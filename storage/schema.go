package storage

import (
	"encoding/binary"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// Names in bucket meta.
const (
	metaSchema = "schema"  // how many migrations the file has seen
	metaNextID = "next_id" // the ID that the next message gets
)

// migration brings a file from one schema version to the next. Once released
// it is never changed. A field added to a record is a migration too, an empty
// one: an older program must not drop the field when it writes the record.
type migration struct {
	name string
	run  func(tx *bolt.Tx) error
}

func migrations() []migration {
	return []migration{
		{"buckets of the first release", createBuckets},
		{"limits and habits of users, messages of submit_multi, delivery pending flags, SIMs and their tallies, prices, routes, queues by user and priority", newFields},
	}
}

// newFields is the migration of records that have gained fields, of the index
// over one of them, which no record of before has, and of new kinds of records.
func newFields(tx *bolt.Tx) error {
	for _, b := range []bucket{inFlagged, inSIMs, inMOFilters, inTallies, inGivenUp, inUndecoded, inPriceLists, inPrices, inRoutes, inChannels, inParked, inTurns} {
		if _, err := tx.CreateBucketIfNotExists(b.name()); err != nil {
			return err
		}
	}
	return rebuildDue(tx)
}

// rebuildDue gives the entries of the queues the keys that they have now.
func rebuildDue(tx *bolt.Tx) error {
	if err := tx.DeleteBucket(inDue.name()); err != nil {
		return err
	}
	if _, err := tx.CreateBucket(inDue.name()); err != nil {
		return err
	}
	c, err := newCodec()
	if err != nil {
		return err
	}
	return tx.Bucket(inMessages.name()).ForEach(func(k, v []byte) error {
		m, err := c.message(idOf(k), v)
		if err != nil || !m.queued() {
			return err
		}
		for _, e := range appendQueued(nil, &arena{}, m) {
			if err := tx.Bucket(e.bucket.name()).Put(e.key, e.value); err != nil {
				return err
			}
		}
		return nil
	})
}

func createBuckets(tx *bolt.Tx) error {
	for b := range buckets {
		if _, err := tx.CreateBucketIfNotExists(b.name()); err != nil {
			return err
		}
	}
	return putMeta(tx, metaNextID, uint64(FirstID))
}

// schemaVersion gives 0 for an empty file, an error for somebody else's.
func schemaVersion(tx *bolt.Tx) (int, error) {
	if tx.Bucket(inMeta.name()) == nil {
		if k, _ := tx.Cursor().First(); k != nil {
			return 0, errors.New("a bbolt file of another program")
		}
		return 0, nil
	}
	n, err := getMeta(tx, metaSchema)
	if err != nil {
		return 0, err
	}
	if n > 1<<31-1 {
		return 0, fmt.Errorf("schema version %d", n)
	}
	return int(n), nil
}

// migrate runs what steps the file has not seen yet, all in one transaction.
func migrate(db *bolt.DB, path string, steps []migration) (from int, err error) {
	err = db.View(func(tx *bolt.Tx) error {
		from, err = checkSchema(tx, path, len(steps))
		return err
	})
	if err != nil || from == len(steps) {
		return from, err
	}
	return from, db.Update(func(tx *bolt.Tx) error {
		for i, step := range steps[from:] {
			if err := step.run(tx); err != nil {
				return fmt.Errorf("migration %d, %s: %w", from+i+1, step.name, err)
			}
		}
		return putMeta(tx, metaSchema, uint64(len(steps)))
	})
}

func checkSchema(tx *bolt.Tx, path string, known int) (int, error) {
	version, err := schemaVersion(tx)
	if err != nil {
		return 0, &CorruptError{Path: path, Cause: err}
	}
	if version > known {
		return 0, &NewerSchemaError{Path: path, File: version, Known: known}
	}
	return version, nil
}

func putMeta(tx *bolt.Tx, name string, n uint64) error {
	return tx.Bucket(inMeta.name()).Put([]byte(name), binary.BigEndian.AppendUint64(nil, n))
}

func getMeta(tx *bolt.Tx, name string) (uint64, error) {
	v := tx.Bucket(inMeta.name()).Get([]byte(name))
	if len(v) != 8 {
		return 0, fmt.Errorf("meta %s has %d octets, not 8", name, len(v))
	}
	return binary.BigEndian.Uint64(v), nil
}
