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
	channel := m.Queue
	if i := strings.IndexAny(channel, "#/"); i >= 0 { // a lane of it, or a pool
		channel = channel[:i]
	}
	const offset, prime = 14695981039346656037, 1099511628211 // FNV-1a: it is on disk, and must stay what it is
	h := uint64(offset)
	for _, s := range [...]string{channel, m.User, strings.TrimPrefix(m.Dest.Addr, "+")} {
		for i := range len(s) {
			h = (h ^ uint64(s[i])) * prime
		}
		h *= prime // an octet of 0 between them
	}
	return Talk(max(1, (h^uint64(m.Flow().Level))*prime))
}

// inTurn says whether others of the Talk that come later have to look at this one:
// it waits behind another or did so, was tried before, or waits for one lane.
func (m *Message) inTurn() bool {
	if m.Turn == TurnBehind || m.Turn == TurnNext || strings.IndexByte(m.Queue, '#') >= 0 {
		return true
	}
	for i := range m.Parts {
		if m.Parts[i].Attempts > 0 {
			return true
		}
	}
	return false
}

func isBehind(turn []byte) bool { return len(turn) == 1 && Turn(turn[0]) == TurnBehind }

// firstOf gives the first of the Talk that others have to look at.
func firstOf(tx *bolt.Tx, talk Talk) (id ID, turn []byte, ok bool) {
	var prefix [8]byte
	binary.BigEndian.PutUint64(prefix[:], uint64(talk))
	k, turn := tx.Bucket(inTurns.name()).Cursor().Seek(prefix[:])
	if len(k) != 16 || idOf(k) != ID(talk) {
		return 0, nil, false
	}
	return idOf(k[8:]), turn, true
}

// ahead gives the first message that comes before m; 0: there is none.
func ahead(tx *bolt.Tx, m *Message) ID {
	talk := m.Talk()
	if talk == 0 {
		return 0
	}
	if id, _, ok := firstOf(tx, talk); ok && id < m.ID {
		return id
	}
	return 0
}

// Ahead gives the first message of the same Talk that comes before m, among those
// that wait and were tried, or wait in order; 0: there is none.
func (db *DB) Ahead(m *Message) (id ID, err error) {
	err = db.view(func(tx *bolt.Tx) error {
		id = ahead(tx, m)
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
	id, turn, ok := firstOf(g.tx, o.talk)
	if !ok || !isBehind(turn) {
		return nil
	}
	mv, _, err := g.changeOf(id, func(m *Message, _ Time) ([]*Message, error) {
		if m.Turn != TurnBehind || m.Talk() != o.talk {
			return nil, ErrSkip // changed in this commit
		}
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
