package storage

import (
	"bytes"
	"cmp"
	"maps"
	"slices"

	bolt "go.etcd.io/bbolt"
)

// Levels is how many levels of priority there are [SMPP34 5.2.14].
const Levels = 4

// Flow is that part of a queue which belongs to one user at one level of priority.
// Messages that are not for handsets are all of the zero one.
type Flow struct {
	User  string
	Level uint8
}

// Flow is that of the message.
func (m *Message) Flow() Flow {
	if m.Kind != MT {
		return Flow{}
	}
	return Flow{m.User, min(m.Priority, Levels-1)}
}

// place is where a message waits.
type place struct {
	queue  string
	flow   Flow
	behind bool // another one of its Talk: it is not due
}

func (m *Message) place() place { return place{m.Queue, m.Flow(), m.Turn == TurnBehind} }

// queued counts what waits. The lock of DB guards it.
type queued struct {
	queues map[string]int
	flows  map[string]map[Flow]int
	users  map[string]int // of MT messages
	all    int            // of those
	behind int
	unseen []int32 // see Message.unseen, by Talk%unseenSlots
}

func newQueued() queued {
	return queued{queues: map[string]int{}, flows: map[string]map[Flow]int{}, users: map[string]int{}, unseen: make([]int32, unseenSlots)}
}

func (q *queued) add(p place, n int) {
	count(q.queues, p.queue, n)
	if p.flow.User != "" {
		count(q.users, p.flow.User, n)
		q.all += n
	}
	if p.behind {
		q.behind += n
	}
	flows := q.flows[p.queue]
	if flows == nil {
		flows = map[Flow]int{}
		q.flows[p.queue] = flows
	}
	if count(flows, p.flow, n); len(flows) == 0 {
		delete(q.flows, p.queue)
	}
}

// count adds to a number; one that is 0 is left out.
func count[K comparable](m map[K]int, k K, n int) {
	if m[k] += n; m[k] == 0 {
		delete(m, k)
	}
}

// loadQueued counts what the file has. The messages of a flow stand together: a
// million of them are no more than some names in memory.
func (db *DB) loadQueued(tx *bolt.Tx) error {
	var flow []byte
	n := 0
	c := tx.Bucket(inDue.name()).Cursor()
	for k, v := c.First(); k != nil; k, v = c.Next() {
		if len(k) <= 17 {
			continue
		}
		if len(v) == 8 {
			db.queued.unseen[Talk(idOf(v))%unseenSlots]++
		}
		if prefix := k[:len(k)-16]; !bytes.Equal(prefix, flow) {
			db.addFlow(flow, n)
			flow, n = prefix, 0
		}
		n++
	}
	db.addFlow(flow, n)
	return tx.Bucket(inTurns.name()).ForEach(func(k, v []byte) error {
		switch {
		case len(k) != 16:
			return nil
		case !isBehind(v): // it is due, and seen
			db.queued.unseen[Talk(idOf(k))%unseenSlots]--
			return nil
		}
		m, err := db.codec.message(idOf(k[8:]), tx.Bucket(inMessages.name()).Get(k[8:]))
		if err != nil {
			return &CorruptError{Path: db.path, Cause: err}
		}
		db.queued.add(m.place(), 1)
		return nil
	})
}

// addFlow counts what waits in a flow, of which this is what its keys begin with.
func (db *DB) addFlow(prefix []byte, n int) {
	queue, rest, ok := bytes.Cut(prefix, []byte{0})
	if ok && n > 0 && len(rest) >= 2 {
		db.queued.add(place{queue: string(queue), flow: Flow{string(rest[:len(rest)-2]), rest[len(rest)-1]}}, n)
	}
}

// flowOf cuts a key of inDue: queue, and user NUL level.
func flowOf(k []byte) (queue, flow []byte, ok bool) {
	i := bytes.IndexByte(k, 0)
	if i < 0 || len(k) < i+1+2+16 {
		return nil, nil, false
	}
	return k[:i], k[i+1 : len(k)-16], true
}

// Queued counts the messages that wait in a queue, due or not yet.
func (db *DB) Queued(queue string) int {
	db.mu.RLock()
	defer db.mu.RUnlock()
	return db.queued.queues[queue]
}

// queuedIn counts what waits in a queue as this group has left it. The writer is the
// only one that changes what is committed: no lock to read it.
func (g *group) queuedIn(queue string) int {
	n := g.db.queued.queues[queue]
	for p, more := range g.queued {
		if p.queue == queue {
			n += more
		}
	}
	return n
}

// QueuedOf counts the messages of a user that wait on the way to their handsets, and
// those of all users.
func (db *DB) QueuedOf(user string) (own, all int) {
	db.mu.RLock()
	defer db.mu.RUnlock()
	return db.queued.users[user], db.queued.all
}

// QueuedIn counts the messages of a user that wait in a queue.
func (db *DB) QueuedIn(queue, user string) (n int) {
	db.mu.RLock()
	defer db.mu.RUnlock()
	flows := db.queued.flows[queue]
	for level := range uint8(Levels) {
		n += flows[Flow{user, level}]
	}
	return n
}

// Queues counts the messages of every queue that has some.
func (db *DB) Queues() map[string]int {
	db.mu.RLock()
	defer db.mu.RUnlock()
	return maps.Clone(db.queued.queues)
}

// Flows counts the messages of every flow of a queue that has some.
func (db *DB) Flows(queue string) map[Flow]int {
	db.mu.RLock()
	defer db.mu.RUnlock()
	return maps.Clone(db.queued.flows[queue])
}

// Behind counts the messages that wait behind another one of their Talk.
func (db *DB) Behind() int {
	db.mu.RLock()
	defer db.mu.RUnlock()
	return db.queued.behind
}

// DueKey is a place in a queue.
type DueKey struct {
	At Time
	ID ID
}

// DueEntry is a message that waits in a queue.
type DueEntry = DueKey

// FlowEntry is a message that waits in a flow.
type FlowEntry struct {
	DueKey
	Talk Talk // 0: it has none
}

// Due gives up to max messages of the queue that are due at now, oldest first,
// from the place after `after` (zero: from the start), whatever their flows. next
// is the At of the first entry that was not given: later than now, or not when max
// cut the list short; 0 when there is none.
func (db *DB) Due(queue string, now Time, after DueKey, max int) (entries []DueEntry, next Time, err error) {
	err = db.view(func(tx *bolt.Tx) error {
		flows := cursors(tx.Bucket(inDue.name()), queue, after)
		for len(flows) > 0 {
			i := 0
			for j := range flows[1:] {
				if flows[j+1].before(&flows[i]) {
					i = j + 1
				}
			}
			if flows[i].at.At > now || len(entries) >= max {
				next = flows[i].at.At
				return nil
			}
			entries = append(entries, flows[i].at.DueKey)
			if !flows[i].next() {
				flows = slices.Delete(flows, i, i+1)
			}
		}
		return nil
	})
	return entries, next, err
}

// DueOf is Due for one flow.
func (db *DB) DueOf(queue string, f Flow, now Time, after DueKey, max int) (entries []FlowEntry, next Time, err error) {
	err = db.view(func(tx *bolt.Tx) error {
		c := flowCursor{c: tx.Bucket(inDue.name()).Cursor(), prefix: (&arena{}).flowPrefix(queue, f)}
		for ok := c.seek(after); ok; ok = c.next() {
			if c.at.At > now || len(entries) >= max {
				next = c.at.At
				return nil
			}
			entries = append(entries, c.at)
		}
		return nil
	})
	return entries, next, err
}

// OldestDue is when the MT message of a user fell due that has waited longest; ""
// is all users. 0: none waits. What is behind others does not count.
func (db *DB) OldestDue(user string) (oldest Time, err error) {
	type flowAt struct {
		queue string
		Flow
	}
	var flows []flowAt
	db.mu.RLock()
	for queue, all := range db.queued.flows {
		for f := range all {
			if f.User != "" && (user == "" || f.User == user) {
				flows = append(flows, flowAt{queue, f})
			}
		}
	}
	db.mu.RUnlock()
	err = db.view(func(tx *bolt.Tx) error {
		for _, f := range flows {
			c := flowCursor{c: tx.Bucket(inDue.name()).Cursor(), prefix: (&arena{}).flowPrefix(f.queue, f.Flow)}
			if c.seek(DueKey{}) && (oldest == 0 || c.at.At < oldest) {
				oldest = c.at.At
			}
		}
		return nil
	})
	return oldest, err
}

// flowCursor goes over one flow.
type flowCursor struct {
	c      *bolt.Cursor
	prefix []byte
	at     FlowEntry
}

func (c *flowCursor) before(other *flowCursor) bool {
	return cmp.Or(cmp.Compare(c.at.At, other.at.At), cmp.Compare(c.at.ID, other.at.ID)) < 0
}

func (c *flowCursor) seek(after DueKey) bool {
	var keys arena
	start := keys.buf
	start = append(start, c.prefix...)
	start = append(append(start, keys.be64(uint64(after.At))...), keys.be64(uint64(after.ID+1))...)
	return c.take(c.c.Seek(start))
}

func (c *flowCursor) next() bool { return c.take(c.c.Next()) }

func (c *flowCursor) take(k, v []byte) bool {
	if len(k) != len(c.prefix)+16 || !bytes.HasPrefix(k, c.prefix) {
		return false
	}
	c.at = FlowEntry{DueKey: dueKeyOf(k[len(c.prefix):])}
	if len(v) == 8 {
		c.at.Talk = Talk(idOf(v))
	}
	return true
}

// cursors finds the flows of a queue that have something after a place.
func cursors(b *bolt.Bucket, queue string, after DueKey) (all []flowCursor) {
	start := append([]byte(queue), 0)
	c := b.Cursor()
	for k, _ := c.Seek(start); bytes.HasPrefix(k, start); {
		_, flow, ok := flowOf(k)
		if !ok {
			k, _ = c.Next()
			continue
		}
		prefix := bytes.Clone(k[:len(start)+len(flow)])
		f := flowCursor{c: b.Cursor(), prefix: prefix}
		if f.seek(after) {
			all = append(all, f)
		}
		k, _ = c.Seek(append(bytes.Clone(prefix), bytes.Repeat([]byte{0xFF}, 17)...))
	}
	return all
}

// dueKeyOf reads be64 at, be64 id.
func dueKeyOf(k []byte) DueKey {
	return DueKey{At: Time(idOf(k)), ID: idOf(k[8:])}
}

// Room is how many messages may wait on the way to their handsets when one more is
// accepted, of its user and of all users. 0: any number.
type Room struct{ Own, All int }

// hasRoom says whether a message may be accepted into what waits as this group has
// left it: who looks at QueuedOf beforehand does not see what comes at the same time.
func (g *group) hasRoom(m *Message) error {
	own, all := g.db.queued.users[m.User], g.db.queued.all
	if most := len(g.records); has(own+most, m.Room.Own) && has(all+most, m.Room.All) {
		return nil // whatever the group has done
	}
	for p, n := range g.queued {
		if p.flow.User == "" {
			continue
		}
		if all += n; p.flow.User == m.User {
			own += n
		}
	}
	switch {
	case !has(all, m.Room.All):
		return &NoRoomError{Queued: all}
	case !has(own, m.Room.Own):
		return &NoRoomError{Own: true, Queued: own}
	}
	return nil
}

// has says whether there is room for one more.
func has(n, room int) bool { return room == 0 || n < room }
