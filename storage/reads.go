package storage

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"

	bolt "go.etcd.io/bbolt"
)

// defaultLimit is how much a list gives that was not told.
const defaultLimit = 100

// Message reads one message; ErrNotFound.
func (db *DB) Message(id ID) (m *Message, err error) {
	var key [8]byte
	binary.BigEndian.PutUint64(key[:], uint64(id))
	err = db.view(func(tx *bolt.Tx) error {
		v := tx.Bucket(inMessages.name()).Get(key[:])
		if v == nil {
			return ErrNotFound
		}
		m, err = db.codec.message(id, v)
		return err
	})
	return m, err
}

// Overdue gives up to max messages whose Deadline is now or earlier, oldest
// first; next as with Due.
func (db *DB) Overdue(now Time, max int) (ids []ID, next Time, err error) {
	err = db.view(func(tx *bolt.Tx) error {
		c := tx.Bucket(inDeadline.name()).Cursor()
		for k, _ := c.First(); len(k) == 16; k, _ = c.Next() {
			e := dueKeyOf(k)
			if e.At > now || len(ids) >= max {
				next = e.At
				return nil
			}
			ids = append(ids, e.ID)
		}
		return nil
	})
	return ids, next, err
}

// Ended gives those of the next max records after an ID, and up to another, that
// have ended and hold no credit. next is where to go on, 0 when that was all.
func (db *DB) Ended(after, upTo ID, max int) (ids []ID, next ID, err error) {
	next, err = db.outlines(after, upTo, max, func(id ID, o *outline, _ []byte) error {
		if o.EndedAt != 0 {
			ids = append(ids, id)
		}
		return nil
	})
	return ids, next, err
}

// outlines calls fn for the next max records after an ID, and up to another. next is
// where to go on, 0 when that was all.
func (db *DB) outlines(after, upTo ID, max int, fn func(id ID, o *outline, record []byte) error) (next ID, err error) {
	err = db.view(func(tx *bolt.Tx) error {
		c := tx.Bucket(inMessages.name()).Cursor()
		start := binary.BigEndian.AppendUint64(nil, uint64(after)+1)
		n := 0
		for k, v := c.Seek(start); len(k) == 8 && idOf(k) <= upTo; k, v = c.Next() {
			if n == max {
				return nil
			}
			n, next = n+1, idOf(k)
			var o outline
			if err := db.codec.peek.Unmarshal(v, &o); err != nil {
				return err
			}
			if err := fn(next, &o, v); err != nil {
				return err
			}
		}
		next = 0
		return nil
	})
	return next, err
}

// Trying gives the messages with a part in PartTrying: after a crash, those
// whose outcome is unknown.
func (db *DB) Trying() (ids []ID, err error) {
	err = db.view(func(tx *bolt.Tx) error {
		return tx.Bucket(inTrying.name()).ForEach(func(k, _ []byte) error {
			ids = append(ids, idOf(k))
			return nil
		})
	})
	return ids, err
}

// Flagged gives the messages whose delivery pending flag is raised, oldest first.
func (db *DB) Flagged() (ids []ID, err error) {
	err = db.view(func(tx *bolt.Tx) error {
		return tx.Bucket(inFlagged.name()).ForEach(func(k, _ []byte) error {
			ids = append(ids, idOf(k))
			return nil
		})
	})
	return ids, err
}

// PartRef names a part of a message.
type PartRef struct {
	ID   ID
	Part int // index in Message.Parts
	Ref  string
}

// MatchReport gives up to max parts that await a report from lane under match,
// newest message first, the parts of one message last first.
func (db *DB) MatchReport(lane, match string, max int) (refs []PartRef, err error) {
	prefix := (&arena{}).reportPrefix(lane, match)
	end := bytes.Clone(prefix)
	end[len(end)-1] = 1 // prefix ends with NUL: this is the next one
	err = db.view(func(tx *bolt.Tx) error {
		c := tx.Bucket(inReports.name()).Cursor()
		k, v := lastBefore(c, end)
		for ; len(refs) < max && len(k) == len(prefix)+10 && bytes.HasPrefix(k, prefix); k, v = c.Prev() {
			refs = append(refs, PartRef{
				ID:   idOf(k[len(prefix):]),
				Part: int(binary.BigEndian.Uint16(k[len(k)-2:])),
				Ref:  string(v),
			})
		}
		return nil
	})
	return refs, err
}

// MatchReference gives up to max parts that await a report from lane and have
// the reference ref or none yet, whatever they are looked up by.
func (db *DB) MatchReference(lane, ref string, max int) (refs []PartRef, err error) {
	prefix := (&arena{}).text(lane + "\x00")
	err = db.view(func(tx *bolt.Tx) error {
		c := tx.Bucket(inReports.name()).Cursor()
		for k, v := c.Seek(prefix); len(refs) < max && bytes.HasPrefix(k, prefix); k, v = c.Next() {
			if len(k) < len(prefix)+11 || len(v) > 0 && string(v) != ref {
				continue
			}
			refs = append(refs, PartRef{ID: idOf(k[len(k)-10:]), Part: int(binary.BigEndian.Uint16(k[len(k)-2:])), Ref: string(v)})
		}
		return nil
	})
	slices.SortStableFunc(refs, func(a, b PartRef) int { return cmp.Compare(b.ID, a.ID) })
	return refs, err
}

// AwaitReport gives up to max parts that await a report from lane, whatever they
// are looked up by, newest message first.
func (db *DB) AwaitReport(lane string, max int) (refs []PartRef, err error) {
	prefix := (&arena{}).text(lane + "\x00")
	err = db.view(func(tx *bolt.Tx) error {
		c := tx.Bucket(inReports.name()).Cursor()
		for k, v := c.Seek(prefix); bytes.HasPrefix(k, prefix) && len(refs) < max; k, v = c.Next() {
			if len(k) >= len(prefix)+11 {
				refs = append(refs, PartRef{ID: idOf(k[len(k)-10:]), Part: int(binary.BigEndian.Uint16(k[len(k)-2:])), Ref: string(v)})
			}
		}
		return nil
	})
	slices.SortStableFunc(refs, func(a, b PartRef) int { return cmp.Compare(b.ID, a.ID) })
	return refs, err
}

// AwaitedUnder gives up to max of the matches that parts of a lane await reports
// under, of those that begin with prefix: what follows it.
func (db *DB) AwaitedUnder(lane, prefix string, max int) (rest []string, err error) {
	from := (&arena{}).text(lane + "\x00" + prefix)
	const tail = 11 // NUL be64 be16
	err = db.view(func(tx *bolt.Tx) error {
		c := tx.Bucket(inReports.name()).Cursor()
		for k, _ := c.Seek(from); len(rest) < max && bytes.HasPrefix(k, from); k, _ = c.Next() {
			if len(k) >= len(from)+tail {
				rest = append(rest, string(k[len(from):len(k)-tail]))
			}
		}
		return nil
	})
	return slices.Compact(rest), err
}

// Filter picks messages; zero fields pick all.
type Filter struct {
	User   string
	State  *State
	Queue  string
	Kind   Kind
	NoUser bool // only those of no user: MO that nobody owns
	Before ID   // older than this one
	Limit  int  // 0: 100
}

func (f *Filter) all() bool {
	return f.User == "" && f.State == nil && f.Queue == "" && f.Kind == 0 && !f.NoUser
}

func (f *Filter) picks(o *outline) bool {
	return (f.User == "" || f.User == o.User) && (f.State == nil || *f.State == o.State) &&
		(f.Queue == "" || f.Queue == o.Queue) && (f.Kind == 0 || f.Kind == o.Kind) && (!f.NoUser || o.User == "")
}

// Messages gives messages, newest first.
func (db *DB) Messages(f Filter) (messages []*Message, err error) {
	if f.Limit <= 0 {
		f.Limit = defaultLimit
	}
	err = db.view(func(tx *bolt.Tx) error {
		c := tx.Bucket(inMessages.name()).Cursor()
		for k, v := newestBefore(c, f.Before); len(k) == 8 && len(messages) < f.Limit; k, v = c.Prev() {
			m, err := db.pick(&f, idOf(k), v)
			if err != nil {
				return err
			}
			if m != nil {
				messages = append(messages, m)
			}
		}
		return nil
	})
	return messages, err
}

// newestBefore places c on the last key before id; 0: the last of all.
func newestBefore(c *bolt.Cursor, id ID) (k, v []byte) {
	if id == 0 {
		return c.Last()
	}
	return lastBefore(c, binary.BigEndian.AppendUint64(nil, uint64(id)))
}

// lastBefore places c on the last key before end. Behind the last key of all,
// Prev would skip that key.
func lastBefore(c *bolt.Cursor, end []byte) (k, v []byte) {
	if k, _ := c.Seek(end); k == nil {
		return c.Last()
	}
	return c.Prev()
}

// pick decodes the record when the filter wants it, else gives nil.
func (db *DB) pick(f *Filter, id ID, v []byte) (*Message, error) {
	if !f.all() {
		var o outline
		if err := db.codec.peek.Unmarshal(v, &o); err != nil {
			return nil, err
		}
		if !f.picks(&o) {
			return nil, nil
		}
	}
	return db.codec.message(id, v)
}
