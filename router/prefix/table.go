package prefix

import (
	"cmp"
	"iter"
	"slices"
)

// Table maps prefixes to values. The zero one is empty.
type Table[V any] struct {
	keys  []Key
	nodes []node[V] // one for each key
	jump  []int32   // of a large table: where keys with the first three characters begin
}

type node[V any] struct {
	up    int32 // place of the longest shorter prefix, -1: none
	value V
}

// A large table is worth a jump over the first steps of the search.
const (
	large    = 512
	jumpBits = 12
)

// Entry is one prefix and what it stands for.
type Entry[V any] struct {
	Key   Key
	Value V
}

// New makes a table. Of entries with the same prefix the last one counts.
func New[V any](entries []Entry[V]) *Table[V] {
	sorted := slices.Clone(entries)
	slices.SortStableFunc(sorted, func(a, b Entry[V]) int { return cmp.Compare(a.Key, b.Key) })
	t := &Table[V]{keys: make([]Key, 0, len(sorted)), nodes: make([]node[V], 0, len(sorted))}
	for i, e := range sorted {
		if i+1 < len(sorted) && sorted[i+1].Key == e.Key {
			continue
		}
		t.add(e)
	}
	if len(t.keys) >= large {
		t.leap()
	}
	return t
}

// leap notes where the keys of each beginning are.
func (t *Table[V]) leap() {
	t.jump = make([]int32, 1<<jumpBits+1)
	place := int32(0)
	for top := range t.jump {
		for int(place) < len(t.keys) && t.keys[place]>>(64-jumpBits) < Key(top) {
			place++
		}
		t.jump[top] = place
	}
}

// add takes a key that is greater than all before: what encloses it is the last
// one, or encloses that.
func (t *Table[V]) add(e Entry[V]) {
	up := int32(len(t.keys)) - 1
	for up >= 0 && !t.keys[up].Begins(e.Key) {
		up = t.nodes[up].up
	}
	t.keys, t.nodes = append(t.keys, e.Key), append(t.nodes, node[V]{up, e.Value})
}

// Len is how many prefixes there are.
func (t *Table[V]) Len() int { return len(t.keys) }

// At gives a prefix by its place.
func (t *Table[V]) At(place int) (Key, V) { return t.keys[place], t.nodes[place].value }

// Find gives the place of the longest prefix that number begins with, -1 when
// there is none.
func (t *Table[V]) Find(number Key) int {
	lo, n := 0, len(t.keys) // all before lo are not greater, all from lo+n on are
	if t.jump != nil {
		top := number >> (64 - jumpBits)
		lo = int(t.jump[top])
		n = int(t.jump[top+1]) - lo
	}
	for n > 0 {
		half := n / 2
		if t.keys[lo+half] <= number {
			lo += half + 1
			n -= half + 1
		} else {
			n = half
		}
	}
	i := lo - 1
	for i >= 0 && !t.keys[i].Begins(number) {
		i = int(t.nodes[i].up)
	}
	return i
}

// Up gives the place of the longest prefix that is a shorter one of that at
// place, -1 when there is none.
func (t *Table[V]) Up(place int) int { return int(t.nodes[place].up) }

// Lookup gives the longest prefix that number begins with.
func (t *Table[V]) Lookup(number Key) (k Key, v V, ok bool) {
	i := t.Find(number)
	if i < 0 {
		return 0, v, false
	}
	return t.keys[i], t.nodes[i].value, true
}

// All gives the entries in the order of their prefixes.
func (t *Table[V]) All() iter.Seq2[Key, V] {
	return func(yield func(Key, V) bool) {
		for i, k := range t.keys {
			if !yield(k, t.nodes[i].value) {
				return
			}
		}
	}
}
