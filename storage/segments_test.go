package storage

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// seg is segment n of total with reference 7 from one sender, content c.
func seg(n, total uint8, c string) Segment {
	return Segment{
		Lane: "sim:1", Source: Address{1, 1, "31612345678"}, Dest: Address{1, 1, "31600000000"},
		Reference: 7, Total: total, Number: n, Data: []byte(c), Stamp: 1_000_000, Received: 1_000_000 + Time(n),
		Dedupe: fmt.Sprintf("%s/%d", c, n),
	}
}

// join makes the text of the segments the message.
func join(segments []Segment) (*Message, error) {
	m := &Message{Kind: MO, Origin: segments[0].Lane, Queue: "esme", DueAt: 1}
	for _, s := range segments {
		m.Data = append(m.Data, s.Data...)
	}
	return m, nil
}

func putSegment(db *DB, s Segment) (ID, error) {
	type answer struct {
		id  ID
		err error
	}
	ch := make(chan answer, 1)
	db.Segment(s, join, func(id ID, err error) { ch <- answer{id, err} })
	a := <-ch
	return a.id, a.err
}

func assembleStale(db *DB, s Segment) (ID, error) {
	type answer struct {
		id  ID
		err error
	}
	ch := make(chan answer, 1)
	db.AssembleStale(s, join, func(id ID, err error) { ch <- answer{id, err} })
	a := <-ch
	return a.id, a.err
}

// feed puts segments and gives the texts of the messages that were completed.
func feed(t *testing.T, db *DB, segments ...Segment) (texts []string) {
	t.Helper()
	for _, s := range segments {
		id, err := putSegment(db, s)
		if err != nil {
			t.Fatalf("segment %s: %v", s.Dedupe, err)
		}
		if id != 0 {
			texts = append(texts, text(t, db, id))
		}
	}
	return texts
}

func text(t *testing.T, db *DB, id ID) string {
	t.Helper()
	m, err := db.Message(id)
	if err != nil {
		t.Fatal(err)
	}
	return string(m.Data)
}

func staleTexts(t *testing.T, db *DB, before Time) (texts []string) {
	t.Helper()
	sets, err := db.StaleSegments(anyLane, before, 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, set := range sets {
		s := ""
		for i := range set {
			s += string(set[i].Data)
		}
		texts = append(texts, s)
	}
	return texts
}

func TestSegment_OutOfOrder_OneMessage(t *testing.T) {
	db := openTest(t, Options{})
	got := feed(t, db, seg(3, 3, "c"), seg(1, 3, "a"), seg(2, 3, "b"))
	if strings.Join(got, "|") != "abc" {
		t.Errorf("got %q", got)
	}
	if left := staleTexts(t, db, 1<<60); left != nil {
		t.Errorf("segments left: %q", left)
	}
	if db.Queued("esme") != 1 {
		t.Error("the message is not queued")
	}
}

func TestSegment_OverReopen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	db := openTestAt(t, path, Options{})
	feed(t, db, seg(2, 2, "b"))
	db.Close()
	db = openTestAt(t, path, Options{})
	if got := feed(t, db, seg(1, 2, "a")); strings.Join(got, "|") != "ab" {
		t.Errorf("got %q", got)
	}
}

func TestSegment_SingleOfOne_CompleteAtOnce(t *testing.T) {
	db := openTest(t, Options{})
	if got := feed(t, db, seg(1, 1, "a")); strings.Join(got, "|") != "a" {
		t.Errorf("got %q", got)
	}
}

func TestSegment_SeenBefore_Duplicate(t *testing.T) {
	db := openTest(t, Options{})
	duplicateOf := func(s Segment, want ID) {
		t.Helper()
		_, err := putSegment(db, s)
		var dup *DuplicateError
		if !errors.As(err, &dup) || dup.First != want {
			t.Errorf("got %v, want a duplicate of %d", err, want)
		}
	}
	feed(t, db, seg(1, 2, "a"))
	duplicateOf(seg(1, 2, "a"), 0)
	feed(t, db, seg(2, 2, "b"))
	duplicateOf(seg(1, 2, "a"), FirstID)
	duplicateOf(seg(2, 2, "b"), FirstID)
}

func TestSegment_OtherReferenceLaneSourceTotalWide_OtherSets(t *testing.T) {
	db := openTest(t, Options{})
	var others [6]Segment
	for i := range others {
		others[i] = seg(2, 2, fmt.Sprint("other", i))
	}
	others[0].Reference = 8
	others[1].Lane = "sim:2"
	others[2].Source.Addr = "3161234567"
	others[3].Total = 3
	others[4].Wide = true
	others[5].Source.TON = 5
	if got := feed(t, db, append(others[:], seg(1, 2, "a"))...); got != nil {
		t.Errorf("completed %q", got)
	}
	if got := feed(t, db, seg(2, 2, "b")); strings.Join(got, "|") != "ab" {
		t.Errorf("got %q", got)
	}
	if left := staleTexts(t, db, 1<<60); len(left) != len(others) {
		t.Errorf("left %q", left)
	}
}

func TestSegment_PlaceTaken_NewSetAndTheOldOneIsKept(t *testing.T) {
	db := openTest(t, Options{})
	later := func(n uint8, c string) Segment {
		s := seg(n, 3, c)
		s.Stamp += 600_000
		s.Received += 600_000
		return s
	}
	feed(t, db, seg(1, 3, "a"), later(1, "A"), seg(2, 3, "b"))
	// Each goes to the set that is nearest in time.
	if got := feed(t, db, later(3, "C"), later(2, "B")); strings.Join(got, "|") != "ABC" {
		t.Errorf("got %q", got)
	}
	if left := staleTexts(t, db, 1<<60); strings.Join(left, "|") != "ab" {
		t.Errorf("left %q", left)
	}
	if got := feed(t, db, seg(3, 3, "c")); strings.Join(got, "|") != "abc" {
		t.Errorf("got %q", got)
	}
}

func TestSegment_ReferenceComesRoundAfterADay_NewSet(t *testing.T) {
	db := openTest(t, Options{})
	next := seg(2, 2, "B")
	next.Stamp += 86_400_000
	if got := feed(t, db, seg(1, 2, "a"), next); got != nil {
		t.Errorf("joined two messages: %q", got)
	}
}

func TestSegment_AssembleFails_SetStays(t *testing.T) {
	db := openTest(t, Options{})
	feed(t, db, seg(1, 2, "a"))
	oops := errors.New("oops")
	ch := make(chan error, 1)
	db.Segment(seg(2, 2, "b"), func([]Segment) (*Message, error) { return nil, oops }, func(_ ID, err error) { ch <- err })
	if err := <-ch; !errors.Is(err, oops) {
		t.Errorf("got %v", err)
	}
	if got := feed(t, db, seg(2, 2, "b")); strings.Join(got, "|") != "ab" {
		t.Errorf("got %q", got)
	}
}

func TestSegment_NumberOutsideTotal_Invalid(t *testing.T) {
	db := openTest(t, Options{})
	for _, s := range []Segment{seg(0, 2, "a"), seg(3, 2, "a"), seg(1, 0, "a"), {Total: 2, Number: 1}} {
		if _, err := putSegment(db, s); !errors.Is(err, ErrInvalid) {
			t.Errorf("%d of %d: %v", s.Number, s.Total, err)
		}
	}
}

func TestSegment_WholeMessageInOneGroup(t *testing.T) {
	db := openTest(t, Options{})
	var ids []ID
	together(t, db, func() {
		for _, s := range []Segment{seg(2, 2, "b"), seg(1, 2, "a"), seg(1, 2, "a")} {
			db.Segment(s, join, func(id ID, err error) {
				if err != nil && !errors.Is(err, ErrDuplicate) {
					t.Error(err)
				}
				ids = append(ids, id)
			})
		}
	})
	if len(ids) != 3 || ids[0] != 0 || ids[1] != FirstID || ids[2] != 0 {
		t.Errorf("IDs %v", ids)
	}
}

func TestStaleSegments_DeliveredAsFarAsTheyCame(t *testing.T) {
	db := openTest(t, Options{})
	young := seg(1, 2, "young")
	young.Reference, young.Received = 9, 5_000_000
	feed(t, db, seg(3, 3, "c"), seg(1, 3, "a"), young)
	if got := staleTexts(t, db, 1_000_003); got != nil {
		t.Errorf("stale too early: %q", got)
	}
	sets, err := db.StaleSegments(anyLane, 2_000_000, 100)
	if err != nil || len(sets) != 1 || len(sets[0]) != 2 {
		t.Fatalf("%v, %v", err, sets)
	}
	id, err := assembleStale(db, sets[0][0])
	if err != nil || text(t, db, id) != "ac" {
		t.Errorf("%v, %q", err, text(t, db, id))
	}
	if _, err := assembleStale(db, sets[0][1]); !errors.Is(err, ErrNotFound) {
		t.Errorf("twice: %v", err)
	}
	if _, err := putSegment(db, seg(1, 3, "a")); !errors.Is(err, ErrDuplicate) {
		t.Errorf("a segment of the delivered message: %v", err)
	}
	if sets, _ := db.StaleSegments(anyLane, 1<<60, 100); len(sets) != 1 {
		t.Errorf("left %v", sets)
	}
}

func TestStaleSegments_AtMostMax(t *testing.T) {
	db := openTest(t, Options{})
	for i := range uint16(5) {
		s := seg(1, 2, fmt.Sprint(i))
		s.Reference = i
		feed(t, db, s)
	}
	for _, max := range []int{0, 1, 4, 5, 9} {
		if sets, err := db.StaleSegments(anyLane, 1<<60, max); err != nil || len(sets) != min(max, 5) {
			t.Errorf("max %d: %d sets, %v", max, len(sets), err)
		}
	}
}

func anyLane(string) bool { return true }
