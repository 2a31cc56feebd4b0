package storage

import (
	"encoding/binary"
	"strings"

	bolt "go.etcd.io/bbolt"
)

// Talk stands for the MT messages of one user to one recipient by one channel, at
// one level of priority: those that leave in order. 0: no order is kept. That two
// of them may share a number makes one wait for the other, and does no other harm.
type Talk uint64

// Talk is that of the message as it is queued now.
func (m *Message) Talk() Talk {
	if m.Kind != MT || m.Turn == TurnAny || m.User == "" {
		return 0
	}
	const offset, prime = 14695981039346656037, 1099511628211 // FNV-1a: it is on disk, and must stay what it is
	h := uint64(offset)
	for _, s := range [...]string{ChannelOf(m.Queue), m.User, strings.TrimPrefix(m.Dest.Addr, "+")} {
		for i := range len(s) {
			h = (h ^ uint64(s[i])) * prime
		}
		h *= prime // an octet of 0 between them
	}
	return Talk(max(1, (h^uint64(m.Flow().Level))*prime))
}

// inTurn says whether others of the Talk that come later have to look at this one:
// it waits behind another, is to be seen, was tried before, or waits for one lane.
func (m *Message) inTurn() bool {
	if m.Turn == TurnBehind || m.Turn == TurnNext || m.forOneLane() {
		return true
	}
	for i := range m.Parts {
		if m.Parts[i].Attempts > 0 {
			return true
		}
	}
	return false
}

// unseen gives the Talk of a message that waits, and at which no other one of it
// has to look; 0: there is none.
func (m *Message) unseen() Talk {
	if !m.queued() || m.inTurn() {
		return 0
	}
	return m.Talk()
}

// unseenSlots is how many numbers of unseen messages are kept: a Talk shares its
// own with others, so that a million of them take no more memory than a few.
const unseenSlots = 1 << 16

func (g *group) countUnseen(talk Talk, n int32) {
	if talk != 0 {
		g.unseen[talk%unseenSlots] += n
	}
}

// pin lets a new message wait for the lane that it prefers, unless one of its Talk
// waits unseen, which would be overtaken. It says whether the message has changed.
func (g *group) pin(m *Message) (changed bool) {
	if m.Prefer == "" {
		return false
	}
	talk := m.Talk()
	slot := talk % unseenSlots
	if talk == 0 || g.db.queued.unseen[slot]+g.unseen[slot] == 0 {
		return false
	}
	m.Unpin()
	return true
}

func isBehind(turn []byte) bool { return len(turn) == 1 && Turn(turn[0]) == TurnBehind }

// turns are the changes of a group to who others of a Talk have to look at; nil:
// nobody has to any more.
type turns map[Talk]map[ID][]byte

func (t turns) set(e indexEntry) {
	talk := Talk(idOf(e.key))
	if t[talk] == nil {
		t[talk] = map[ID][]byte{}
	}
	t[talk][idOf(e.key[8:])] = e.value
}

// firstOf gives the first of the Talk that others have to look at, as the group has
// left it.
func (t turns) firstOf(tx *bolt.Tx, talk Talk) (id ID, turn []byte, ok bool) {
	staged := t[talk]
	for other, v := range staged {
		if v != nil && (!ok || other < id) {
			id, turn, ok = other, v, true
		}
	}
	var prefix [8]byte
	binary.BigEndian.PutUint64(prefix[:], uint64(talk))
	c := tx.Bucket(inTurns.name()).Cursor()
	for k, v := c.Seek(prefix[:]); len(k) == 16 && Talk(idOf(k)) == talk; k, v = c.Next() {
		stored := idOf(k[8:])
		if ok && id <= stored {
			break
		}
		if _, changed := staged[stored]; !changed {
			return stored, v, true
		}
	}
	return id, turn, ok
}

// ahead gives the first message that comes before m; 0: there is none.
func (t turns) ahead(tx *bolt.Tx, m *Message) ID {
	talk := m.Talk()
	if talk == 0 {
		return 0
	}
	if id, _, ok := t.firstOf(tx, talk); ok && id < m.ID {
		return id
	}
	return 0
}

// Ahead gives the first message of the same Talk that comes before m, among those
// that wait and were tried, or wait in order; 0: there is none.
func (db *DB) Ahead(m *Message) (id ID, err error) {
	err = db.view(func(tx *bolt.Tx) error {
		id = turns(nil).ahead(tx, m)
		return nil
	})
	return id, err
}

// NextTurn makes due what waits behind others of the Talk and is the first now.
// done gets it; nil when another one comes first, or there is none.
func (db *DB) NextTurn(talk Talk, done func(*Message, error)) {
	db.ask(&turnOp{talk: talk, done: done}, true)
}

type turnOp struct {
	result
	talk Talk
	m    *Message
	done func(*Message, error)
}

func (o *turnOp) apply(g *group) error {
	id, turn, ok := g.turns.firstOf(g.tx, o.talk)
	if !ok || !isBehind(turn) {
		return nil
	}
	mv, _, err := g.changeOf(id, func(m *Message, _ Time) ([]*Message, error) {
		m.Turn = TurnNext
		return nil, nil
	})
	if err == nil {
		o.m = mv.m
		err = g.store(nil, mv)
	}
	return err
}

func (o *turnOp) finish(err error) {
	if err != nil {
		o.m = nil
	}
	o.done(o.m, err)
}

// Talks gives up to max of the talks in which something waits behind another, from
// the one after `after` on.
func (db *DB) Talks(after Talk, max int) (talks []Talk, err error) {
	err = db.view(func(tx *bolt.Tx) error {
		c := tx.Bucket(inTurns.name()).Cursor()
		start := binary.BigEndian.AppendUint64(nil, uint64(after)+1)
		for k, v := c.Seek(start); len(k) == 16 && len(talks) < max; k, v = c.Next() {
			talk := Talk(idOf(k))
			if isBehind(v) && (len(talks) == 0 || talks[len(talks)-1] != talk) {
				talks = append(talks, talk)
			}
		}
		return nil
	})
	return talks, err
}
