package storage

import "context"

// Accept stores m, gives it an ID and holds m.Held of m.User's credit, in one
// commit. m belongs to the DB until done is called; m.ID is set by then.
//
// Errors: ErrNoUser, ErrNoCredit, *DuplicateError, ErrInvalid, ErrBusy,
// ErrClosed, ErrFull, or that of the disk. What cannot even be queued
// (ErrBusy, ErrClosed, ErrInvalid) is answered before Accept returns, on the
// caller's goroutine.
func (db *DB) Accept(m *Message, done func(ID, error)) {
	if err := m.validateNew(); err != nil {
		done(0, err)
		return
	}
	// Encoded here, callers share the work over the processors; the ID, which
	// only the writer knows, is in the key and not in the record.
	value, err := db.codec.encode(m)
	if err != nil {
		done(0, err)
		return
	}
	twin, err := db.twinOf(m)
	if err != nil {
		done(0, err)
		return
	}
	db.ask(&acceptOp{m: m, value: value, twin: twin, done: done}, false)
}

// twinOf encodes the twin; nil when there is none.
func (db *DB) twinOf(m *Message) ([]byte, error) {
	if m.Twin == nil {
		return nil, nil
	}
	if err := m.Twin.validateNew(); err != nil {
		return nil, err
	}
	return db.codec.encode(m.Twin)
}

type acceptOp struct {
	result
	m     *Message
	value []byte
	twin  []byte // the encoded m.Twin
	done  func(ID, error)
}

func (o *acceptOp) apply(g *group) (err error) {
	if err := g.hasRoom(o.m); err != nil {
		return err
	}
	if g.pin(o.m) {
		if o.value, err = g.db.codec.encode(o.m); err != nil {
			return err
		}
	}
	if o.twin != nil {
		return g.store(nil, move{m: o.m, value: o.value}, move{m: o.m.Twin, value: o.twin})
	}
	return g.store(nil, move{m: o.m, value: o.value})
}

func (o *acceptOp) finish(err error) {
	if err != nil {
		o.m.ID = 0
		o.done(0, err)
		return
	}
	o.done(o.m.ID, nil)
}

// AcceptSync is Accept that waits. When ctx ends first, the message may still
// be stored.
func (db *DB) AcceptSync(ctx context.Context, m *Message) (ID, error) {
	return wait(ctx, func(done func(ID, error)) { db.Accept(m, done) })
}

// Change hands fn a copy of the message inside the transaction; what fn makes
// of it is stored, and more is accepted with it in the same commit. When fn
// fails nothing of it is stored and done gets fn's error. fn runs on the
// writer's goroutine: it must be short and must not call the DB. now is the
// transaction's clock. done gets a copy that nobody else has.
//
// Money follows from Held and Spent: Held falls and Spent rises by x: x spent;
// Held falls alone: refunded; Held rises: held.
//
// Errors: ErrNotFound, those of fn and those of Accept. ErrBusy comes later than
// to Accept: a flood of new messages leaves room for what settles the old ones.
func (db *DB) Change(id ID, fn func(m *Message, now Time) (more []*Message, err error), done func(*Message, error)) {
	db.ask(&changeOp{id: id, fn: fn, done: done}, true)
}

// ChangeInTurn is Change for a message that is about to be sent. fn gets the first
// message of the same Talk that comes before it; 0: there is none.
func (db *DB) ChangeInTurn(id ID, fn func(m *Message, ahead ID, now Time) (more []*Message, err error), done func(*Message, error)) {
	db.ask(&changeOp{id: id, turn: fn, done: done}, true)
}

type changeOp struct {
	result
	id   ID
	m    *Message
	fn   func(m *Message, now Time) ([]*Message, error)
	turn func(m *Message, ahead ID, now Time) ([]*Message, error) // instead of fn
	done func(*Message, error)
}

func (o *changeOp) apply(g *group) error {
	if o.turn != nil {
		o.fn = func(m *Message, now Time) ([]*Message, error) { return o.turn(m, g.turns.ahead(g.tx, m), now) }
	}
	mv, more, err := g.changeOf(o.id, o.fn)
	if err != nil {
		return err
	}
	o.m = mv.m
	return g.store(nil, append([]move{mv}, more...)...)
}

func (o *changeOp) finish(err error) {
	if err != nil {
		o.done(nil, err)
		return
	}
	o.done(o.m, nil)
}

// ChangeSync is Change that waits. When ctx ends first, the change may still
// be made.
func (db *DB) ChangeSync(ctx context.Context, id ID, fn func(m *Message, now Time) (more []*Message, err error)) (*Message, error) {
	return wait(ctx, func(done func(*Message, error)) { db.Change(id, fn, done) })
}

// Remove forgets a message that holds no credit, with its dedupe keys. The
// ledger keeps its entries. Errors: ErrNotFound, ErrInvalid while credit is
// held.
func (db *DB) Remove(id ID, done func(error)) {
	db.ask(&removeOp{id: id, done: done}, true)
}

type removeOp struct {
	result
	id   ID
	done func(error)
}

func (o *removeOp) apply(g *group) error {
	m, err := g.message(o.id)
	if err != nil {
		return err
	}
	if m.Held != 0 {
		return invalid("message %s holds credit", o.id)
	}
	return g.store(nil, move{id: o.id, m: m, old: g.stateOf(m)})
}

func (o *removeOp) finish(err error) { o.done(err) }
