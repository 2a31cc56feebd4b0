package storage

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	bolt "go.etcd.io/bbolt"
)

// MaxBatch is the most messages of one AcceptBatch: the destinations of one
// submit_multi [SMPP34 5.2.24].
const MaxBatch = 254

// AcceptBatch stores messages as Accept does, all in one commit. Each is taken
// or refused for itself. Those that are taken have consecutive IDs, and Batch
// says which of them each one is; see Message.ClientID. ids and errs have one
// entry for each message; an ID is 0 where there is an error.
//
// The messages belong to the DB until done is called. Errors are those of
// Accept; more than MaxBatch messages are ErrInvalid, all of them.
func (db *DB) AcceptBatch(ms []*Message, done func(ids []ID, errs []error)) {
	o := &batchOp{ms: ms, values: make([][]byte, len(ms)), errs: make([]error, len(ms)), done: done}
	if len(ms) > MaxBatch {
		o.finish(invalid("%d messages in a batch", len(ms)))
		return
	}
	for i, m := range ms {
		if o.errs[i] = m.validateNew(); o.errs[i] != nil {
			continue
		}
		// As in Accept; encoded again when one before it is refused.
		m.Batch = uint8(i)
		o.values[i], o.errs[i] = db.codec.encode(m)
	}
	db.ask(o, false)
}

type batchOp struct {
	result
	ms     []*Message
	values [][]byte
	errs   []error
	done   func([]ID, []error)
}

func (o *batchOp) apply(g *group) error {
	place := uint8(0)
	for i, m := range o.ms {
		if o.errs[i] != nil {
			continue
		}
		if o.errs[i] = o.store(g, i, place); o.errs[i] != nil {
			m.ID = 0
			continue
		}
		place++
	}
	return nil
}

// store stages message i as the one at the given place.
func (o *batchOp) store(g *group, i int, place uint8) (err error) {
	m := o.ms[i]
	if err := g.hasRoom(m); err != nil {
		return err
	}
	if other := g.pin(m); other || m.Batch != place {
		m.Batch = place
		if o.values[i], err = g.db.codec.encode(m); err != nil {
			return err
		}
	}
	return g.store(nil, move{m: m, value: o.values[i]})
}

func (o *batchOp) finish(err error) {
	ids := make([]ID, len(o.ms))
	for i, m := range o.ms {
		if err != nil {
			o.errs[i] = err
		}
		if o.errs[i] == nil {
			ids[i] = m.ID
		} else if m != nil {
			m.ID = 0
		}
	}
	o.done(ids, o.errs)
}

// Batch gives the messages that a client knows by first, in order: the one with
// this ID, or those of a submit_multi that are not removed yet. ErrNotFound when
// there is none.
func (db *DB) Batch(first ID) (ms []*Message, err error) {
	err = db.view(func(tx *bolt.Tx) error {
		c := tx.Bucket(inMessages.name()).Cursor()
		start := binary.BigEndian.AppendUint64(nil, uint64(first))
		for k, v := c.Seek(start); len(k) == 8 && idOf(k)-first < MaxBatch; k, v = c.Next() {
			m, err := db.codec.message(idOf(k), v)
			if err != nil {
				return err
			}
			if m.ClientID() != first || m.Kind != MT {
				return nil // those of one batch stand side by side
			}
			ms = append(ms, m)
		}
		return nil
	})
	if err == nil && len(ms) == 0 {
		err = ErrNotFound
	}
	return ms, err
}

// Pending gives the MT messages of a user that have not ended, among the next
// max records after the ID. next is where to go on, 0 when that was the last.
func (db *DB) Pending(user string, after ID, max int) (ms []*Message, next ID, err error) {
	next, err = db.outlines(after, math.MaxUint64, max, func(id ID, o *outline, record []byte) error {
		if o.Kind != MT || o.User != user || o.EndedAt != 0 {
			return nil
		}
		m, err := db.codec.message(id, record)
		if err == nil {
			ms = append(ms, m)
		}
		return err
	})
	return ms, next, err
}

// ErrSkip is what a function of ChangeMany gives for a message that is to stay
// as it is.
var ErrSkip = errors.New("this message stays as it is")

// ChangeMany is Change for several messages in one commit: all are changed, or
// none. Those that are not there any more and those for which fn gives ErrSkip
// are left out; any other error of fn is that of the whole. done gets copies of
// what was changed, which may be nothing.
func (db *DB) ChangeMany(ids []ID, fn func(m *Message, now Time) (more []*Message, err error), done func([]*Message, error)) {
	db.ask(&changeManyOp{ids: ids, fn: fn, done: done}, true)
}

type changeManyOp struct {
	result
	ids  []ID
	ms   []*Message
	fn   func(m *Message, now Time) ([]*Message, error)
	done func([]*Message, error)
}

func (o *changeManyOp) apply(g *group) error {
	var changed, added []move
	seen := map[ID]bool{}
	for _, id := range o.ids {
		if seen[id] {
			continue
		}
		seen[id] = true
		mv, more, err := g.changeOf(id, o.fn)
		switch {
		case errors.Is(err, ErrSkip), errors.Is(err, ErrNotFound):
			continue
		case err != nil:
			return err
		}
		changed, added = append(changed, mv), append(added, more...)
		o.ms = append(o.ms, mv.m)
	}
	if len(changed) == 0 {
		return nil
	}
	return g.store(nil, append(changed, added...)...)
}

func (o *changeManyOp) finish(err error) {
	if err != nil {
		o.done(nil, err)
		return
	}
	o.done(o.ms, nil)
}

// changeOf makes the moves of one message that fn changes.
func (g *group) changeOf(id ID, fn func(*Message, Time) ([]*Message, error)) (move, []move, error) {
	m, err := g.message(id)
	if err != nil {
		return move{}, nil, err
	}
	mv := move{id: id, m: m, old: g.stateOf(m)}
	more, err := fn(m, g.now)
	if err != nil {
		return move{}, nil, err
	}
	if err := m.validate(); err != nil {
		return move{}, nil, err
	}
	if mv.value, err = g.db.codec.encode(m); err != nil {
		return move{}, nil, err
	}
	added := make([]move, len(more))
	for i, another := range more {
		if added[i], err = g.newMove(another); err != nil {
			return move{}, nil, fmt.Errorf("with message %s: %w", id, err)
		}
	}
	return mv, added, nil
}
