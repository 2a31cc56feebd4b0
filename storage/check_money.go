package storage

import (
	"context"
	"encoding/binary"
	"errors"

	bolt "go.etcd.io/bbolt"
)

// mostSummed is how long a ledger Sums goes over: reading a longer one would hold up
// a start.
const mostSummed = 100_000

// Sums says whether the money adds up, many findings joined: each balance by itself
// and, of a ledger that is no longer than mostSummed, with its entries. Check looks
// at all, and at messages too.
func (db *DB) Sums() error {
	c := &check{ctx: context.Background(), db: db}
	err := guard(db.path, func() error {
		return db.view(func(tx *bolt.Tx) error {
			c.tx = tx
			if err := c.users(); err != nil {
				return err
			}
			if k, _ := tx.Bucket(inLedger.name()).Cursor().Last(); len(k) == 8 && idOf(k) > mostSummed {
				return nil
			}
			return c.ledger()
		})
	})
	if err != nil && !errors.Is(err, errEnough) {
		c.findings = append(c.findings, err)
	}
	return errors.Join(c.findings...)
}

// users looks at every user and balance by itself and against the messages. The
// balance of a user that was removed stays, with nothing left.
func (c *check) users() error {
	err := c.each(inUsers, func(k, v []byte) error {
		u, err := c.db.codec.user(v)
		if err != nil {
			return c.find("user %q: %w", k, err)
		}
		if u.SystemID != string(k) {
			return c.find("user %q is stored as %q", u.SystemID, k)
		}
		if c.tx.Bucket(inBalances.name()).Get(k) == nil {
			return c.find("user %q has no balance", k)
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = c.each(inBalances, func(k, v []byte) error {
		b, err := c.db.codec.balance(v)
		if err != nil {
			return c.find("balance of %q: %w", k, err)
		}
		held := c.held[string(k)]
		delete(c.held, string(k))
		return c.balance(string(k), b, held)
	})
	if err != nil {
		return err
	}
	for name, held := range c.held {
		if held == 0 {
			continue
		}
		if err := c.find("messages hold %d of %q, who has no balance", held, name); err != nil {
			return err
		}
	}
	return nil
}

func (c *check) balance(name string, b Balance, held Millicredits) error {
	value := c.tx.Bucket(inUsers.name()).Get([]byte(name))
	u, err := c.db.codec.user(value)
	switch {
	case value == nil && (b.Available != 0 || b.Held != 0):
		return c.find("balance of %q, who is no user: available %d, held %d", name, b.Available, b.Held)
	case value != nil && err != nil:
		return nil // found already
	case b.Granted != b.Available+b.Held+b.Spent:
		return c.find("balance of %q: granted %d is not available %d + held %d + spent %d",
			name, b.Granted, b.Available, b.Held, b.Spent)
	case b.Available < -u.CreditLimit || b.Held < 0 || b.Spent < 0:
		return c.find("balance of %q is below its limit of %d: available %d, held %d, spent %d",
			name, -u.CreditLimit, b.Available, b.Held, b.Spent)
	case c.held != nil && b.Held != held:
		return c.find("%q has %d held, the messages hold %d", name, b.Held, held)
	}
	return nil
}

// ledger sums the entries of each user and compares with the balance.
func (c *check) ledger() error {
	sums := map[string]*Balance{}
	next := uint64(1)
	err := c.each(inLedger, func(k, v []byte) error {
		if len(k) != 8 || uint64(idOf(k)) != next {
			if err := c.find("ledger key %x, entry %d expected", k, next); err != nil || len(k) != 8 {
				return err
			}
		}
		next = uint64(idOf(k)) + 1
		e, err := c.db.codec.entry(next-1, v)
		if err != nil {
			return c.find("ledger entry %d: %w", next-1, err)
		}
		return c.sum(sums, &e)
	})
	if err != nil {
		return err
	}
	return c.each(inBalances, func(k, v []byte) error {
		b, err := c.db.codec.balance(v)
		if err != nil {
			return nil // found already
		}
		if sum := sums[string(k)]; sum == nil && b != (Balance{}) || sum != nil && *sum != b {
			return c.find("balance of %q is %+v, its ledger says %+v", k, b, sum)
		}
		return nil
	})
}

func (c *check) sum(sums map[string]*Balance, e *Entry) error {
	if e.Kind < TopUp || e.Kind > Refund || e.Amount <= 0 && e.Kind != TopUp {
		return c.find("ledger entry %d: kind %d, amount %d", e.Seq, e.Kind, e.Amount)
	}
	b := sums[e.User]
	if b == nil {
		b = &Balance{}
		sums[e.User] = b
	}
	mm := moneyMove{kind: e.Kind, balance: b, amount: e.Amount}
	mm.apply(1)
	if b.Held < 0 || b.Spent < 0 { // what was available follows, and its limit has changed since
		return c.find("ledger entry %d brings %q below zero: %+v", e.Seq, e.User, *b)
	}
	return nil
}

// chargeWindow is how many messages charges compares in one pass over the
// ledger: what bounds its memory, to some 30 MB.
const chargeWindow = 1 << 19

// charges compares what each message says it holds and has cost with the
// entries that name it: nobody is charged twice.
func (c *check) charges() error {
	for first := FirstID; first < c.nextID; first += chargeWindow {
		if err := c.chargesFrom(first, first+chargeWindow); err != nil {
			return err
		}
	}
	return nil
}

// charge is money of one message.
type charge struct{ held, spent Millicredits }

func (c *check) chargesFrom(first, end ID) error {
	charges := map[ID]charge{}
	err := c.each(inLedger, func(k, v []byte) error {
		e, err := c.db.codec.entry(0, v)
		if err != nil || e.Message < first || e.Message >= end {
			return nil
		}
		b := Balance{Held: charges[e.Message].held, Spent: charges[e.Message].spent}
		mm := moneyMove{kind: e.Kind, balance: &b, amount: e.Amount}
		mm.apply(1)
		charges[e.Message] = charge{b.Held, b.Spent}
		return nil
	})
	if err != nil {
		return err
	}
	if err := c.chargedMessages(first, end, charges); err != nil {
		return err
	}
	for id, sum := range charges { // of messages that are removed
		if sum.held == 0 {
			continue
		}
		if err := c.find("message %s is gone, its ledger still holds %d", id, sum.held); err != nil {
			return err
		}
	}
	return nil
}

func (c *check) chargedMessages(first, end ID, charges map[ID]charge) error {
	cursor := c.tx.Bucket(inMessages.name()).Cursor()
	start := binary.BigEndian.AppendUint64(nil, uint64(first))
	for k, v := cursor.Seek(start); len(k) == 8 && idOf(k) < end; k, v = cursor.Next() {
		m, err := c.db.codec.message(idOf(k), v)
		if err != nil {
			continue // found already
		}
		sum := charges[m.ID]
		delete(charges, m.ID)
		if sum == (charge{m.Held, m.Spent}) {
			continue
		}
		err = c.find("message %s holds %d and has cost %d, its ledger says %d and %d",
			m.ID, m.Held, m.Spent, sum.held, sum.spent)
		if err != nil {
			return err
		}
	}
	return nil
}
