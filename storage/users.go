package storage

import (
	"context"
	"fmt"
	"slices"
	"strings"

	bolt "go.etcd.io/bbolt"
)

// PutUser creates a user with no credit (ErrExists), or replaces one
// (ErrNotFound; ErrDebt when the credit limit is less than what it owes). The
// ledger of one that was removed before goes on under its name. When ctx ends
// first, it may still be done.
func (db *DB) PutUser(ctx context.Context, u User, create bool) error {
	_, err := wait(ctx, func(done func(struct{}, error)) {
		for _, list := range []*[]string{&u.AddressRanges, &u.AllowedFrom, &u.CertNames, &u.BoundFrom, &u.Sources, &u.Destinations} {
			*list = slices.Clone(*list)
		}
		if err := u.validate(); err != nil {
			done(struct{}{}, err)
			return
		}
		db.ask(&userOp{u: u, create: create, done: done}, true)
	})
	return err
}

type userOp struct {
	result
	u      User
	create bool
	done   func(struct{}, error)
}

func (o *userOp) apply(g *group) error {
	name := o.u.SystemID
	b := g.balance(name)
	switch _, there := g.user(name); {
	case there && o.create:
		return ErrExists
	case !there && !o.create:
		return ErrNotFound
	case b != nil && b.Available < -o.u.CreditLimit:
		return ErrDebt
	}
	value, err := g.db.codec.encode(&o.u)
	if err != nil {
		return err
	}
	g.put(inUsers, g.keys.text(name), value)
	g.users[name] = o.u
	if b == nil {
		g.balances[name] = &Balance{}
	}
	return nil
}

func (o *userOp) finish(err error) { o.done(struct{}{}, err) }

// RemoveUser forgets a user: ErrNotFound; ErrMoney while credits are available to
// it, owed or held; ErrQueued while something waits in the queues, which are those
// of what it is to get. Its ledger stays, and what it has spent. When ctx ends
// first, it may still be done.
func (db *DB) RemoveUser(ctx context.Context, name string, queues ...string) error {
	_, err := wait(ctx, func(done func(struct{}, error)) {
		db.ask(&removeUserOp{name: name, queues: queues, done: done}, true)
	})
	return err
}

type removeUserOp struct {
	result
	name   string
	queues []string
	done   func(struct{}, error)
}

func (o *removeUserOp) apply(g *group) error {
	if _, there := g.user(o.name); !there {
		return ErrNotFound
	}
	if b := g.balance(o.name); b.Available != 0 || b.Held != 0 {
		return ErrMoney
	}
	for _, queue := range o.queues {
		if g.queuedIn(queue) > 0 {
			return ErrQueued
		}
	}
	g.remove(inUsers, g.keys.text(o.name))
	g.users[o.name] = User{}
	return nil
}

func (o *removeUserOp) finish(err error) { o.done(struct{}{}, err) }

// Users gives all users by name. Their slices are shared: do not change them.
func (db *DB) Users() []User {
	users := *db.users.Load()
	all := make([]User, 0, len(users))
	for _, u := range users {
		all = append(all, u)
	}
	slices.SortFunc(all, func(a, b User) int { return strings.Compare(a.SystemID, b.SystemID) })
	return all
}

// Grant tops up, or corrects downwards when amount is negative; ErrNoUser,
// ErrNoCredit when less would be available than the credit limit allows. When ctx
// ends first, it may still be done.
func (db *DB) Grant(ctx context.Context, name string, amount Millicredits, note string) (Balance, error) {
	return wait(ctx, func(done func(Balance, error)) {
		if amount > maxMoney || amount < -maxMoney || amount == 0 {
			done(Balance{}, invalid("an amount of %d", amount))
			return
		}
		db.ask(&grantOp{name: name, amount: amount, note: note, done: done}, true)
	})
}

type grantOp struct {
	result
	name   string
	amount Millicredits
	note   string
	after  Balance
	done   func(Balance, error)
}

func (o *grantOp) apply(g *group) error {
	b := g.balance(o.name)
	switch _, there := g.user(o.name); {
	case !there:
		return ErrNoUser
	case o.amount < 0 && b.Available+o.amount < g.floor(o.name):
		return ErrNoCredit
	case b.Granted+o.amount > 1000*maxMoney:
		return invalid("more than %d granted", 1000*maxMoney)
	}
	e := Entry{At: g.entryTime(), User: o.name, Kind: TopUp, Amount: o.amount, Note: o.note}
	value, err := g.db.codec.encode(&e)
	if err != nil {
		return err
	}
	mm := moneyMove{kind: TopUp, balance: b, amount: o.amount}
	mm.apply(1)
	g.putEntry(value)
	o.after = *b
	return nil
}

func (o *grantOp) finish(err error) {
	if err != nil {
		o.done(Balance{}, err)
		return
	}
	o.done(o.after, nil)
}

// loadUsers fills users and balances from the file.
func (db *DB) loadUsers(tx *bolt.Tx, users map[string]User) error {
	err := tx.Bucket(inUsers.name()).ForEach(func(k, v []byte) (err error) {
		users[string(k)], err = db.codec.user(v)
		return err
	})
	if err != nil {
		return fmt.Errorf("users: %w", err)
	}
	err = tx.Bucket(inBalances.name()).ForEach(func(k, v []byte) (err error) {
		db.balances[string(k)], err = db.codec.balance(v)
		return err
	})
	if err != nil {
		return fmt.Errorf("balances: %w", err)
	}
	return nil
}
