package storage

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"

	bolt "go.etcd.io/bbolt"
)

// segmentSpread is how far apart the segments of one message may be, in time
// of their service centre: an hour would be unusual. Beyond it an equal
// reference is another message's, come round again.
const segmentSpread = Time(6 * 60 * 60 * 1000)

// Segment stores s, then acknowledges it. With the last missing segment of its
// set, assemble makes the message of them, in order of Number; the message is
// accepted and the segments go in the same commit. complete is its ID, or 0
// while others are missing. assemble runs as Change's fn does. Storage adds
// the segments' dedupe keys to the message.
//
// A segment seen before gives *DuplicateError: the caller acknowledges it
// again. One that finds its place taken by other content starts a new set; the
// old set stays for StaleSegments. One whose set was given up before it came is
// handed to assemble alone, with Late. When a source has begun too many sets,
// its oldest is given up: complete is its ID then.
func (db *DB) Segment(s Segment, assemble func([]Segment) (*Message, error), done func(complete ID, err error)) {
	if err := s.validate(); err != nil {
		done(0, err)
		return
	}
	value, err := db.codec.encode(&s)
	if err != nil {
		done(0, err)
		return
	}
	db.ask(&segmentOp{s: s, value: value, assemble: assemble, done: done}, true)
}

type segmentOp struct {
	result
	s        Segment
	value    []byte
	assemble func([]Segment) (*Message, error)
	complete ID
	done     func(ID, error)
}

func (o *segmentOp) apply(g *group) error {
	if id, held := g.holder(o.s.Dedupe); held {
		return &DuplicateError{First: id}
	}
	sets, err := g.segmentSets(&o.s)
	if err != nil {
		return err
	}
	set, far := pickSet(sets, &o.s)
	if late, i := g.lateFor(&o.s, far); i >= 0 {
		return g.deliverLate(o, late, i)
	}
	if len(set.segments)+1 == int(o.s.Total) {
		full := segmentSet{prefix: set.prefix, number: set.number, segments: set.with(o.s)}
		o.complete, err = g.assemble(full, o.assemble)
		return err
	}
	if set.prefix == nil {
		g.makeRoom(o)
		if set, err = g.newSet(&o.s); err != nil {
			return err
		}
	}
	return g.putSegment(set, o)
}

func (o *segmentOp) finish(err error) {
	if err != nil {
		o.done(0, err)
		return
	}
	o.done(o.complete, nil)
}

// segmentSet is one set of segments that wait. Unlike the rest, segments are
// written to bbolt as the group goes: sets are found by looking through keys.
type segmentSet struct {
	prefix   []byte // without the number
	number   uint64
	segments []Segment // by Number
}

func (set *segmentSet) key(number uint8) []byte {
	key := binary.BigEndian.AppendUint64(slices.Clone(set.prefix), set.number)
	return append(key, number)
}

// with gives the segments and s, in order.
func (set *segmentSet) with(s Segment) []Segment {
	all := append(slices.Clone(set.segments), s)
	slices.SortFunc(all, func(a, b Segment) int { return int(a.Number) - int(b.Number) })
	return all
}

func (set *segmentSet) has(number uint8) bool {
	return slices.ContainsFunc(set.segments, func(s Segment) bool { return s.Number == number })
}

// segmentSets reads the waiting sets that s might belong to, oldest first.
func (g *group) segmentSets(s *Segment) ([]segmentSet, error) {
	prefix := (&arena{}).segmentPrefix(s)
	var sets []segmentSet
	c := g.bucket(inSegments).Cursor()
	for k, v := c.Seek(prefix); bytes.HasPrefix(k, prefix); k, v = c.Next() {
		if len(k) != len(prefix)+9 {
			continue // a longer name with the same beginning
		}
		var err error
		if sets, err = addToSets(g.db.codec, sets, k, v); err != nil {
			return nil, err
		}
	}
	return sets, nil
}

// addToSets adds one entry of the bucket to the last set, or to a new one.
func addToSets(c codec, sets []segmentSet, k, v []byte) ([]segmentSet, error) {
	if len(k) < 9 {
		return nil, fmt.Errorf("segment key of %d octets", len(k))
	}
	s, err := c.segment(v)
	if err != nil {
		return nil, fmt.Errorf("segment %x: %w", k, err)
	}
	prefix, number := k[:len(k)-9], binary.BigEndian.Uint64(k[len(k)-9:])
	last := len(sets) - 1
	if last < 0 || sets[last].number != number || !bytes.Equal(sets[last].prefix, prefix) {
		sets = append(sets, segmentSet{prefix: slices.Clone(prefix), number: number})
		last++
	}
	sets[last].segments = append(sets[last].segments, s)
	return sets, nil
}

// pickSet gives the set that misses s and is nearest in time, and how far it
// is; an empty one beyond segmentSpread when there is none.
func pickSet(sets []segmentSet, s *Segment) (best segmentSet, nearest Time) {
	nearest = segmentSpread + 1
	for _, set := range sets {
		if set.has(s.Number) {
			continue
		}
		for i := range set.segments {
			if d := distance(s, &set.segments[i]); d < nearest {
				nearest, best = d, set
			}
		}
	}
	return best, nearest
}

func distance(a, b *Segment) Time {
	d := a.Stamp - b.Stamp
	if a.Stamp == 0 || b.Stamp == 0 {
		d = a.Received - b.Received
	}
	return max(d, -d)
}

func (g *group) newSet(s *Segment) (segmentSet, error) {
	n, err := g.bucket(inSegments).NextSequence()
	if err != nil {
		g.fatal = err
		return segmentSet{}, err
	}
	return segmentSet{prefix: (&arena{}).segmentPrefix(s), number: n}, nil
}

func (g *group) putSegment(set segmentSet, o *segmentOp) error {
	if err := g.bucket(inSegments).Put(set.key(o.s.Number), o.value); err != nil {
		g.fatal = err
		return err
	}
	g.putIndex(indexEntry{inDedupe, g.keys.text(o.s.Dedupe), g.keys.be64(0)})
	return nil
}

// assemble accepts the message made of the set and removes its segments.
func (g *group) assemble(set segmentSet, build func([]Segment) (*Message, error)) (ID, error) {
	keys := dedupeKeys(set.segments)
	m, err := build(set.segments)
	if err != nil {
		return 0, err
	}
	if m == nil {
		return 0, invalid("no message made of the segments")
	}
	for _, key := range keys {
		if !contains(m.Dedupe, key) {
			m.Dedupe = append(m.Dedupe, key)
		}
	}
	var moves []move
	for _, m := range []*Message{m, m.Twin} {
		if m == nil {
			continue
		}
		mv, err := g.newMove(m)
		if err != nil {
			return 0, err
		}
		moves = append(moves, mv)
	}
	if err := g.store(keys, moves...); err != nil {
		return 0, err
	}
	return m.ID, g.dropSegments(set)
}

func dedupeKeys(segments []Segment) []string {
	keys := make([]string, len(segments))
	for i := range segments {
		keys[i] = segments[i].Dedupe
	}
	return keys
}

func (g *group) dropSegments(set segmentSet) error {
	if set.prefix == nil {
		return nil
	}
	for i := range set.segments {
		if err := g.bucket(inSegments).Delete(set.key(set.segments[i].Number)); err != nil {
			g.fatal = err
			return err
		}
	}
	return nil
}

// StaleSegments gives up to max incomplete sets of the lanes that got nothing
// since before, each in order of Number.
func (db *DB) StaleSegments(mine func(lane string) bool, before Time, max int) ([][]Segment, error) {
	var stale [][]Segment
	err := db.view(func(tx *bolt.Tx) error {
		var set []segmentSet // the one that is being read
		flush := func() {
			if len(set) > 0 && len(stale) < max && set[0].stale(before) && mine(set[0].segments[0].Lane) {
				stale = append(stale, set[0].segments)
			}
		}
		c := tx.Bucket(inSegments.name()).Cursor()
		for k, v := c.First(); k != nil && len(stale) < max; k, v = c.Next() {
			next, err := addToSets(db.codec, set, k, v)
			if err != nil {
				return err
			}
			if len(next) > 1 {
				flush()
				next = next[1:]
			}
			set = next
		}
		flush()
		return nil
	})
	return stale, err
}

func (set *segmentSet) stale(before Time) bool {
	for i := range set.segments {
		if set.segments[i].Received >= before {
			return false
		}
	}
	return true
}

// AssembleStale delivers what there is of the set that holds first (any of its
// segments) as Segment does for a complete one. ErrNotFound: it is complete by
// now, or was delivered.
func (db *DB) AssembleStale(first Segment, assemble func([]Segment) (*Message, error), done func(ID, error)) {
	if err := first.validate(); err != nil {
		done(0, err)
		return
	}
	db.ask(&staleOp{first: first, assemble: assemble, done: done}, true)
}

type staleOp struct {
	result
	first    Segment
	assemble func([]Segment) (*Message, error)
	id       ID
	done     func(ID, error)
}

func (o *staleOp) apply(g *group) error {
	sets, err := g.segmentSets(&o.first)
	if err != nil {
		return err
	}
	for _, set := range sets {
		for i := range set.segments {
			if set.segments[i].Dedupe == o.first.Dedupe {
				o.id, err = g.giveUp(set, o.assemble)
				return err
			}
		}
	}
	return ErrNotFound
}

func (o *staleOp) finish(err error) {
	if err != nil {
		o.done(0, err)
		return
	}
	o.done(o.id, nil)
}
