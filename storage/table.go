package storage

import (
	"context"
	"fmt"
	"maps"
	"sync/atomic"

	bolt "go.etcd.io/bbolt"
)

// table is a bucket of few records that are all kept in memory: what somebody
// has set, and what is learnt of it now and then. Slices inside the records are
// shared: nobody may change them.
type table[T any] struct {
	bucket   bucket
	validate func(*T) error

	all    atomic.Pointer[map[string]T] // replaced, never changed
	staged map[string]*T                // by the group in the writer's hands; nil: removed
}

// anyTable is a table whatever is in it.
type anyTable interface {
	load(tx *bolt.Tx, c codec) error
	verify(tx *bolt.Tx, c codec, find func(error) error) error
	publish()
	drop()
}

// load reads the records from the file.
func (t *table[T]) load(tx *bolt.Tx, c codec) error {
	all := map[string]T{}
	err := tx.Bucket(t.bucket.name()).ForEach(func(k, v []byte) error {
		var r T
		if err := c.dec.Unmarshal(v, &r); err != nil {
			return fmt.Errorf("%s %q: %w", t.bucket.name(), k, err)
		}
		all[string(k)] = r
		return nil
	})
	t.all.Store(&all)
	return err
}

// verify looks at every record by itself.
func (t *table[T]) verify(tx *bolt.Tx, c codec, find func(error) error) error {
	return tx.Bucket(t.bucket.name()).ForEach(func(k, v []byte) error {
		var r T
		err := c.dec.Unmarshal(v, &r)
		if err == nil {
			err = t.validate(&r)
		}
		if err != nil {
			return find(fmt.Errorf("%s %q: %w", t.bucket.name(), k, err))
		}
		return nil
	})
}

// get gives a record as it is committed.
func (t *table[T]) get(key string) (T, bool) {
	r, ok := (*t.all.Load())[key]
	return r, ok
}

// list gives all records, in no order.
func (t *table[T]) list() []T {
	all := *t.all.Load()
	out := make([]T, 0, len(all))
	for _, r := range all {
		out = append(out, r)
	}
	return out
}

// current gives a record as the writer's group has left it.
func (t *table[T]) current(key string) (T, bool) {
	if r, ok := t.staged[key]; ok {
		if r == nil {
			var none T
			return none, false
		}
		return *r, true
	}
	return t.get(key)
}

// each goes over the records as the writer's group has left them.
func (t *table[T]) each(fn func(key string, r *T)) {
	for key, r := range *t.all.Load() {
		if _, changed := t.staged[key]; !changed {
			fn(key, &r)
		}
	}
	for key, r := range t.staged {
		if r != nil {
			fn(key, r)
		}
	}
}

// publish makes visible what was committed.
func (t *table[T]) publish() {
	if len(t.staged) == 0 {
		return
	}
	all := maps.Clone(*t.all.Load())
	for key, r := range t.staged {
		if r == nil {
			delete(all, key)
		} else {
			all[key] = *r
		}
	}
	t.all.Store(&all)
}

// drop forgets what was staged.
func (t *table[T]) drop() { clear(t.staged) }

// stage notes a record for the group; nil removes it.
func (t *table[T]) stage(g *group, key string, r *T) error {
	if t.staged == nil {
		t.staged = map[string]*T{}
	}
	if r == nil {
		t.staged[key] = nil
		g.remove(t.bucket, g.keys.text(key))
		return nil
	}
	if err := t.validate(r); err != nil {
		return err
	}
	value, err := g.db.codec.encode(r)
	if err != nil {
		return err
	}
	t.staged[key] = r
	g.put(t.bucket, g.keys.text(key), value)
	return nil
}

// tableOp changes one record of a table.
type tableOp[T any] struct {
	result
	t    *table[T]
	key  string
	fn   func(r *T, exists bool) (keep bool, err error)
	r    T
	done func(T, error)
}

func (o *tableOp[T]) apply(g *group) error {
	r, exists := o.t.current(o.key)
	keep, err := o.fn(&r, exists)
	switch {
	case err != nil:
		return err
	case keep:
		o.r = r
		return o.t.stage(g, o.key, &r)
	case exists:
		return o.t.stage(g, o.key, nil)
	}
	return nil
}

func (o *tableOp[T]) finish(err error) { o.done(o.r, err) }

// change gives fn a copy of the record, the zero one when there is none, and
// stores what it leaves; keep false removes it. fn runs on the writer: it must be
// quick, and must not call the store. When ctx ends first, it may still be done.
func (t *table[T]) change(ctx context.Context, db *DB, key string, fn func(r *T, exists bool) (keep bool, err error)) (T, error) {
	return wait(ctx, func(done func(T, error)) {
		if key == "" {
			var none T
			done(none, invalid("a record without a name"))
			return
		}
		if err := validName(string(t.bucket.name()), key); err != nil {
			var none T
			done(none, err)
			return
		}
		db.ask(&tableOp[T]{t: t, key: key, fn: fn, done: done}, true)
	})
}

// put stores a record that must not be there, with create, or else must be:
// ErrExists, ErrNotFound. fn, which gets what is there, is change's.
func (t *table[T]) put(ctx context.Context, db *DB, key string, create bool, fn func(r *T)) error {
	_, err := t.change(ctx, db, key, func(r *T, exists bool) (bool, error) {
		switch {
		case exists && create:
			return true, ErrExists
		case !exists && !create:
			return false, ErrNotFound
		}
		fn(r)
		return true, nil
	})
	return err
}

// remove forgets a record: ErrNotFound.
func (t *table[T]) remove(ctx context.Context, db *DB, key string) error {
	_, err := t.change(ctx, db, key, func(_ *T, exists bool) (bool, error) {
		if !exists {
			return false, ErrNotFound
		}
		return false, nil
	})
	return err
}
