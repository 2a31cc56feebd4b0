package storage

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"

	bolt "go.etcd.io/bbolt"
)

// group is what one transaction will write. Operations stage their changes
// here, in order; flush hands them to bbolt sorted, which is what makes large
// groups fast. Only touched by the writer.
type group struct {
	db  *DB
	tx  *bolt.Tx
	now Time

	keys    arena
	entries []indexEntry
	puts    [buckets][]put

	// What the group has changed and later operations of it must see.
	nextID   ID
	nextSeq  uint64
	entryAt  Time          // of the newest entry of the ledger
	records  map[ID][]byte // nil: removed
	dedupe   map[string]holder
	balances map[string]*Balance
	users    map[string]User // without a SystemID: removed
	tallies  map[string]*Tally
	queued   map[place]int // difference to db.queued
	turns    turns
	unseen   map[Talk]int32 // by slot: difference to db.queued.unseen

	changed bool
	fatal   error    // bbolt failed below an operation: the group cannot stand
	after   []func() // run by the writer when the transaction is over
}

// put is one change of a bucket.
type put struct {
	key, value []byte
	at         int // its place among those of its bucket
	gone       bool
}

// holder is who holds a dedupe key in this group.
type holder struct {
	id   ID // 0: a segment that waits
	gone bool
}

// keptKeys bounds the buffers that a group leaves to the next one.
const keptKeys = 1 << 20

func newGroup(db *DB) *group {
	g := &group{
		db:       db,
		records:  map[ID][]byte{},
		dedupe:   map[string]holder{},
		balances: map[string]*Balance{},
		users:    map[string]User{},
		tallies:  map[string]*Tally{},
		queued:   map[place]int{},
		turns:    turns{},
		unseen:   map[Talk]int32{},
	}
	return g
}

func (g *group) begin(tx *bolt.Tx) {
	g.tx = tx
	g.now = TimeOf(g.db.opts.Now())
	g.nextID, g.nextSeq, g.entryAt = g.db.nextID, g.db.nextSeq, g.db.entryAt
}

// reset forgets everything but the buffers, unless an unusual group made them
// large.
func (g *group) reset() {
	g.tx, g.changed, g.fatal, g.after = nil, false, nil, nil
	g.keys.buf = g.keys.buf[:0]
	if cap(g.keys.buf) > keptKeys {
		g.keys.buf = nil
	}
	clear(g.entries)
	g.entries = g.entries[:0]
	for b := range g.puts {
		clear(g.puts[b])
		g.puts[b] = g.puts[b][:0]
	}
	clear(g.records)
	clear(g.dedupe)
	clear(g.balances)
	clear(g.users)
	clear(g.tallies)
	clear(g.queued)
	clear(g.turns)
	clear(g.unseen)
	for _, t := range g.db.tables {
		t.drop()
	}
}

func (g *group) put(b bucket, key, value []byte) {
	g.puts[b] = append(g.puts[b], put{key: key, value: value, at: len(g.puts[b])})
	g.changed = true
}

func (g *group) remove(b bucket, key []byte) {
	g.puts[b] = append(g.puts[b], put{key: key, gone: true, at: len(g.puts[b])})
	g.changed = true
}

func (g *group) bucket(b bucket) *bolt.Bucket { return g.tx.Bucket(b.name()) }

// index gives the index entries of m in memory of the group.
func (g *group) index(m *Message) []indexEntry {
	start := len(g.entries)
	g.entries = appendIndex(g.entries, &g.keys, m)
	return g.entries[start:len(g.entries):len(g.entries)]
}

// message gives a copy of the record as this group has left it.
func (g *group) message(id ID) (*Message, error) {
	value, ok := g.records[id]
	if !ok {
		var key [8]byte
		binary.BigEndian.PutUint64(key[:], uint64(id))
		value = g.bucket(inMessages).Get(key[:])
	}
	if value == nil {
		return nil, ErrNotFound
	}
	return g.db.codec.message(id, value)
}

// holder says who has the dedupe key.
func (g *group) holder(key string) (id ID, held bool) {
	if h, ok := g.dedupe[key]; ok {
		return h.id, !h.gone
	}
	v := g.bucket(inDedupe).Get([]byte(key))
	if len(v) != 8 {
		return 0, false
	}
	return idOf(v), true
}

// balance gives the balance that this group works on; nil: no such user.
func (g *group) balance(user string) *Balance {
	if b, ok := g.balances[user]; ok {
		return b
	}
	// The writer is the only one that changes this map: no lock to read it.
	committed, ok := g.db.balances[user]
	if !ok {
		return nil
	}
	b := &committed
	g.balances[user] = b
	return b
}

// user gives a user as this group has left it; false: there is none.
func (g *group) user(name string) (User, bool) {
	if u, ok := g.users[name]; ok {
		return u, u.SystemID != ""
	}
	return g.db.User(name)
}

// floor is the least that may be available to a user; 0 when there is none.
func (g *group) floor(name string) Millicredits {
	u, _ := g.user(name)
	return -u.CreditLimit
}

// entryTime is the time of the next entry of the ledger. A clock that jumps back
// does not bring them out of order: a statement looks for the first one by its
// time.
func (g *group) entryTime() Time { return max(g.now, g.entryAt) }

// putEntry stages the next entry of the ledger.
func (g *group) putEntry(value []byte) {
	g.put(inLedger, g.keys.be64(g.nextSeq), value)
	g.nextSeq++
	g.entryAt = g.entryTime()
}

// flush writes everything that was staged.
func (g *group) flush() error {
	if g.fatal != nil {
		return g.fatal
	}
	if err := g.stageState(); err != nil {
		return err
	}
	for b := range buckets {
		if err := g.flushBucket(b); err != nil {
			return fmt.Errorf("bucket %s: %w", b.name(), err)
		}
	}
	return nil
}

// stageState stages what is written once for the whole group.
func (g *group) stageState() error {
	for name, b := range g.balances {
		if *b == g.db.balances[name] && g.users[name].SystemID == "" {
			continue
		}
		v, err := g.db.codec.encode(b)
		if err != nil {
			return err
		}
		g.put(inBalances, []byte(name), v)
	}
	if err := g.stageTallies(); err != nil {
		return err
	}
	if g.nextID != g.db.nextID {
		g.put(inMeta, []byte(metaNextID), binary.BigEndian.AppendUint64(nil, uint64(g.nextID)))
	}
	return nil
}

// flushBucket applies the changes of one bucket in the order of their keys; of
// several changes of one key the last one counts.
func (g *group) flushBucket(b bucket) error {
	puts := g.puts[b]
	if len(puts) == 0 {
		return nil
	}
	slices.SortFunc(puts, func(x, y put) int {
		if c := bytes.Compare(x.key, y.key); c != 0 {
			return c
		}
		return x.at - y.at
	})
	bkt := g.bucket(b)
	bkt.FillPercent = b.fill()
	for i, p := range puts {
		if i+1 < len(puts) && bytes.Equal(p.key, puts[i+1].key) {
			continue
		}
		var err error
		if p.gone {
			err = bkt.Delete(p.key)
		} else {
			err = bkt.Put(p.key, p.value)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// publish makes what was committed visible to readers of memory.
func (g *group) publish() {
	db := g.db
	db.nextID, db.nextSeq, db.entryAt = g.nextID, g.nextSeq, g.entryAt
	if len(g.users) > 0 {
		users := maps.Clone(*db.users.Load())
		maps.Copy(users, g.users)
		maps.DeleteFunc(users, func(_ string, u User) bool { return u.SystemID == "" })
		db.users.Store(&users)
	}
	for _, t := range db.tables {
		t.publish()
	}
	db.mu.Lock()
	defer db.mu.Unlock()
	for name, b := range g.balances {
		db.balances[name] = *b
	}
	for lane, t := range g.tallies {
		db.tallies[lane] = *t
	}
	for p, n := range g.queued {
		db.queued.add(p, n)
	}
	for slot, n := range g.unseen {
		db.queued.unseen[slot] += n
	}
}
