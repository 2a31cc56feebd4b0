package storage

import (
	"os"
	"sync/atomic"

	bolt "go.etcd.io/bbolt"
)

// Stats counts what the writer did since Open.
type Stats struct {
	Commits      uint64 // transactions on disk
	Failed       uint64 // transactions that could not be written
	Operations   uint64 // operations in the former
	Refused      uint64 // operations answered ErrBusy
	Pending      int    // operations that wait now
	LastGroup    int    // operations in the last commit
	LargestGroup int
	Bytes        int64 // written to the file, in pages
	FileSize     int64
	Failing      error // why the last commit failed; nil: it did not
}

// counters are written by the writer, except refused.
type counters struct {
	commits, failed, operations, refused atomic.Uint64
	lastGroup, largestGroup, bytes       atomic.Int64
}

func (c *counters) committed(tx *bolt.Tx, ops int) {
	c.commits.Add(1)
	c.operations.Add(uint64(ops))
	c.lastGroup.Store(int64(ops))
	c.largestGroup.Store(max(c.largestGroup.Load(), int64(ops)))
	stats := tx.Stats()
	c.bytes.Add(stats.GetPageAlloc())
}

// Stats gives the counters since Open.
func (db *DB) Stats() Stats {
	c := &db.stats
	s := Stats{
		Commits:      c.commits.Load(),
		Failed:       c.failed.Load(),
		Operations:   c.operations.Load(),
		Refused:      c.refused.Load(),
		Pending:      db.queue.length(),
		LastGroup:    int(c.lastGroup.Load()),
		LargestGroup: int(c.largestGroup.Load()),
		Bytes:        c.bytes.Load(),
	}
	if failing := db.failing.Load(); failing != nil {
		s.Failing = *failing
	}
	if info, err := os.Stat(db.path); err == nil {
		s.FileSize = info.Size()
	}
	return s
}
