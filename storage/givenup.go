package storage

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
)

// Bounds of what waits and of what is remembered. A source that sends parts
// without end costs no more than what it has sent: its oldest set is delivered
// as it is.
const (
	maxSets     = 64   // sets of one source on a lane that wait
	maxGivenUp  = 1024 // prefixes of sets of which it is known that they were given up
	maxOfPrefix = 8    // such sets of one prefix
)

// lateSpread is how far a late segment may be from the others of its set, in
// time of their service centre: a handset hands them over one after the other.
// Beyond it the reference is another message's.
const lateSpread = Time(10 * 60 * 1000)

// givenUp are the sets of one prefix that were delivered while some of their
// segments were missing.
type givenUp struct {
	At   Time         `cbor:"1,keyasint"` // when the last of them was
	Sets []givenUpSet `cbor:"2,keyasint,omitempty"`
}

// givenUpSet is what came of one set: which segments, and when the first and
// the last of them were taken by their service centre.
type givenUpSet struct {
	Numbers []byte `cbor:"1,keyasint"`
	First   Time   `cbor:"2,keyasint"`
	Last    Time   `cbor:"3,keyasint"`
}

func validateGivenUp(r *givenUp) error {
	if len(r.Sets) == 0 || len(r.Sets) > maxOfPrefix {
		return invalid("%d sets that were given up", len(r.Sets))
	}
	return nil
}

// givenUpKey stands for the prefix of a segment.
func givenUpKey(s *Segment) string {
	sum := sha256.Sum256((&arena{}).segmentPrefix(s))
	return hex.EncodeToString(sum[:16])
}

// giveUp accepts the message made of an incomplete set, and remembers it for
// segments that are late.
func (g *group) giveUp(set segmentSet, build func([]Segment) (*Message, error)) (ID, error) {
	id, err := g.assemble(set, build)
	if err != nil {
		return 0, err
	}
	s := &set.segments[0]
	gone := givenUpSet{First: s.Stamp, Last: s.Stamp}
	for i := range set.segments {
		gone.Numbers = append(gone.Numbers, set.segments[i].Number)
		gone.First, gone.Last = min(gone.First, set.segments[i].Stamp), max(gone.Last, set.segments[i].Stamp)
	}
	key := givenUpKey(s)
	r, _ := g.db.givenUp.current(key)
	r.At, r.Sets = g.now, append(slices.Clone(r.Sets), gone)
	r.Sets = r.Sets[max(0, len(r.Sets)-maxOfPrefix):]
	g.remember(key, &r)
	return id, nil
}

// remember stages a record; the oldest goes when there are too many.
func (g *group) remember(key string, r *givenUp) {
	t := &g.db.givenUp
	n, oldest, at := 0, "", Time(0)
	t.each(func(k string, r *givenUp) {
		if n++; k != key && (oldest == "" || r.At < at) {
			oldest, at = k, r.At
		}
	})
	var err error
	if n >= maxGivenUp && oldest != "" {
		err = t.stage(g, oldest, nil)
	}
	if err == nil {
		err = t.stage(g, key, r)
	}
	if err != nil {
		g.fatal = err // its message is staged already
	}
}

// lateFor gives the set that was given up without s and is nearer in time than
// far; -1 when there is none.
func (g *group) lateFor(s *Segment, far Time) (r givenUp, best int) {
	best = -1
	if s.Stamp == 0 {
		return r, best
	}
	r, _ = g.db.givenUp.current(givenUpKey(s))
	far = min(far, lateSpread+1)
	for i, set := range r.Sets {
		d := max(set.First-s.Stamp, s.Stamp-set.Last, 0)
		if set.First != 0 && d < far && !bytes.Contains(set.Numbers, []byte{s.Number}) {
			far, best = d, i
		}
	}
	return r, best
}

// deliverLate makes a message of a segment alone.
func (g *group) deliverLate(o *segmentOp, r givenUp, i int) error {
	s := o.s
	s.Late = true
	id, err := g.assemble(segmentSet{segments: []Segment{s}}, o.assemble)
	if err != nil {
		return err
	}
	o.complete = id
	r.Sets = slices.Clone(r.Sets)
	r.Sets[i].Numbers = append(slices.Clone(r.Sets[i].Numbers), s.Number)
	g.remember(givenUpKey(&s), &r)
	return nil
}

// makeRoom gives up the oldest set of a source that has begun too many. When
// no message can be made of it, it stays.
func (g *group) makeRoom(o *segmentOp) {
	oldest := g.oldestSet(&o.s)
	if oldest == nil {
		return
	}
	var sets []segmentSet
	c := g.bucket(inSegments).Cursor()
	for k, v := c.Seek(oldest); bytes.HasPrefix(k, oldest) && len(k) == len(oldest)+1; k, v = c.Next() {
		var err error
		if sets, err = addToSets(g.db.codec, sets, k, v); err != nil {
			return
		}
	}
	if id, err := g.giveUp(sets[0], o.assemble); err == nil {
		o.complete = id
	}
}

// oldestSet gives the key, without the number, of the oldest set of the source
// of s; nil while there are fewer than maxSets.
func (g *group) oldestSet(s *Segment) []byte {
	prefix := (&arena{}).sourcePrefix(s)
	number := func(set []byte) uint64 { return binary.BigEndian.Uint64(set[len(set)-8:]) }
	var last, oldest []byte
	n := 0
	c := g.bucket(inSegments).Cursor()
	for k, _ := c.Seek(prefix); bytes.HasPrefix(k, prefix); k, _ = c.Next() {
		if len(k) != len(prefix)+13 || bytes.Equal(k[:len(k)-1], last) { // the first: a longer name with the same beginning
			continue
		}
		n++
		last = bytes.Clone(k[:len(k)-1])
		if oldest == nil || number(last) < number(oldest) {
			oldest = last
		}
	}
	if n < maxSets {
		return nil
	}
	return oldest
}
