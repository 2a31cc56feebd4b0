package storage

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// maxFindings bounds what Check gives: a damaged file can be wrong everywhere.
const maxFindings = 100

// Check reads the whole file and gives what is wrong with it, many findings
// joined (a bounded number). While bbolt's own pages are looked at, the writer
// waits; the records are read beside it.
func (db *DB) Check(ctx context.Context) error {
	var pages []error
	_, err := wait(ctx, func(done func(struct{}, error)) {
		look := func() { pages = db.checkPages() }
		if db.readOnly {
			look()
			done(struct{}{}, nil)
			return
		}
		db.ask(&exclusiveOp{run: look, done: done}, true)
	})
	if err != nil {
		return err
	}
	if len(pages) > 0 {
		return errors.Join(pages...) // reading records from these would mislead
	}
	c := &check{ctx: ctx, db: db}
	err = guard(db.path, func() error { return db.view(c.run) })
	if err != nil && !errors.Is(err, errEnough) {
		return errors.Join(append(c.findings, err)...)
	}
	return errors.Join(c.findings...)
}

// exclusiveOp runs while the writer has no transaction.
type exclusiveOp struct {
	result
	run  func()
	done func(struct{}, error)
}

func (o *exclusiveOp) apply(g *group) error {
	g.after = append(g.after, o.run)
	return nil
}

func (o *exclusiveOp) finish(err error) { o.done(struct{}{}, err) }

// checkPages lets bbolt look at its tree and its free pages.
func (db *DB) checkPages() (findings []error) {
	err := guard(db.path, func() error {
		return db.view(func(tx *bolt.Tx) error {
			if err := checkLength(tx); err != nil {
				return err
			}
			for err := range tx.Check() { // to its end, else a goroutine stays
				if len(findings) < maxFindings {
					findings = append(findings, err)
				}
			}
			return nil
		})
	})
	if err != nil {
		findings = append(findings, err)
	}
	return findings
}

// errEnough ends a check that has found enough.
var errEnough = errors.New("more findings were left out")

// check is one run over the records, in one read transaction.
type check struct {
	ctx      context.Context
	db       *DB
	tx       *bolt.Tx
	findings []error

	nextID   ID
	keys     arena
	entries  []indexEntry
	expected [buckets]int            // index entries that follow from records
	held     map[string]Millicredits // by user, over messages; nil: they were not looked at
}

func (c *check) find(format string, args ...any) error {
	if len(c.findings) >= maxFindings {
		c.findings = append(c.findings, errEnough)
		return errEnough
	}
	c.findings = append(c.findings, fmt.Errorf(format, args...))
	return nil
}

func (c *check) run(tx *bolt.Tx) error {
	c.tx, c.held = tx, map[string]Millicredits{}
	for b := range buckets {
		if tx.Bucket(b.name()) == nil {
			return fmt.Errorf("bucket %s is missing", b.name())
		}
	}
	for _, step := range []func() error{
		c.meta, c.messages, c.segments, c.indexes, c.users, c.ledger, c.charges, c.tables, c.tallies, c.prices,
	} {
		if err := step(); err != nil {
			return err
		}
		if err := c.ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

// each goes over a bucket and stops when the caller's ctx ends.
func (c *check) each(b bucket, fn func(k, v []byte) error) error {
	n := 0
	return c.tx.Bucket(b.name()).ForEach(func(k, v []byte) error {
		if n++; n%1024 == 0 && c.ctx.Err() != nil {
			return c.ctx.Err()
		}
		return fn(k, v)
	})
}

// tables looks at every record of what is set.
func (c *check) tables() error {
	for _, t := range c.db.tables {
		err := t.verify(c.tx, c.db.codec, func(err error) error { return c.find("%w", err) })
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *check) meta() error {
	next, err := getMeta(c.tx, metaNextID)
	if err != nil {
		return err
	}
	if c.nextID = ID(next); c.nextID < FirstID {
		return c.find("the next message_id is %s, before the first", c.nextID)
	}
	return nil
}

func (c *check) messages() error {
	return c.each(inMessages, func(k, v []byte) error {
		if len(k) != 8 {
			return c.find("message key %x", k)
		}
		m, err := c.db.codec.message(idOf(k), v)
		if err == nil {
			err = m.validate()
		}
		if err != nil {
			return c.find("%w", err)
		}
		if m.ID < FirstID || m.ID >= c.nextID {
			return c.find("message %s, but the next is %s", m.ID, c.nextID)
		}
		c.held[m.User] += m.Held
		return c.indexed(m)
	})
}

// indexed looks up every index entry that follows from m.
func (c *check) indexed(m *Message) error {
	c.keys.buf = c.keys.buf[:0]
	c.entries = appendIndex(c.entries[:0], &c.keys, m)
	for _, e := range c.entries {
		c.expected[e.bucket]++
		if err := c.present(m.ID.String(), e); err != nil {
			return err
		}
	}
	return nil
}

func (c *check) present(owner string, e indexEntry) error {
	k, v := c.tx.Bucket(e.bucket.name()).Cursor().Seek(e.key)
	if !bytes.Equal(k, e.key) {
		return c.find("%s is missing in index %s: key %x", owner, e.bucket.name(), e.key)
	}
	if !bytes.Equal(v, e.value) {
		return c.find("%s has %x in index %s instead of %x", owner, v, e.bucket.name(), e.value)
	}
	return nil
}

func (c *check) segments() error {
	return c.each(inSegments, func(k, v []byte) error {
		s, err := c.db.codec.segment(v)
		if err == nil {
			err = s.validate()
		}
		if err != nil {
			return c.find("segment %x: %w", k, err)
		}
		c.keys.buf = c.keys.buf[:0]
		prefix := c.keys.segmentPrefix(&s)
		if len(k) != len(prefix)+9 || !bytes.HasPrefix(k, prefix) || k[len(k)-1] != s.Number {
			return c.find("segment %x has the key of another", k)
		}
		c.expected[inDedupe]++
		return c.present("a segment", indexEntry{inDedupe, c.keys.text(s.Dedupe), c.keys.be64(0)})
	})
}

// indexes looks for entries that follow from no record. All that follow were
// found: only where there are more of them is it worth asking which.
func (c *check) indexes() error {
	for _, b := range []bucket{inDue, inDeadline, inTrying, inFlagged, inReports, inDedupe, inTurns} {
		n := 0
		if err := c.each(b, func(_, _ []byte) error { n++; return nil }); err != nil {
			return err
		}
		if n <= c.expected[b] {
			continue
		}
		err := c.each(b, func(k, v []byte) error {
			if c.follows(b, k, v) {
				return nil
			}
			return c.find("index %s has an entry of no record: key %x", b.name(), k)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// follows says whether the message that an entry names has it.
func (c *check) follows(b bucket, k, v []byte) bool {
	id, ok := lastID(k)
	switch b {
	case inDedupe:
		if id, ok = lastID(v); id == 0 {
			return true // a segment's; missing ones were found by their segment
		}
	case inReports:
		if len(k) > 2 {
			id, ok = lastID(k[:len(k)-2])
		}
	}
	value := c.tx.Bucket(inMessages.name()).Get(binary.BigEndian.AppendUint64(nil, uint64(id)))
	if !ok || value == nil {
		return false
	}
	m, err := c.db.codec.message(id, value)
	if err != nil {
		return true // found already
	}
	for _, e := range appendIndex(nil, &arena{}, m) {
		if e.bucket == b && bytes.Equal(e.key, k) {
			return true
		}
	}
	return false
}
