package storage

import (
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// acceptBatch waits for the answers.
func acceptBatch(t tb, db *DB, ms ...*Message) ([]ID, []error) {
	t.Helper()
	type answer struct {
		ids  []ID
		errs []error
	}
	c := make(chan answer, 1)
	db.AcceptBatch(ms, func(ids []ID, errs []error) { c <- answer{ids, errs} })
	a := <-c
	return a.ids, a.errs
}

func TestAcceptBatch_EachTakenOrRefusedForItself(t *testing.T) {
	db := openTest(t, Options{})
	addUser(t, db, "alice", 25)
	accept(t, db, mt("alice", 0))
	wrong := mt("alice", 0)
	wrong.Kind = 0
	ms := []*Message{wrong, mt("alice", 10), mt("bob", 1), mt("alice", 16), mt("alice", 15), nil}
	ids, errs := acceptBatch(t, db, ms...)
	for i, want := range []error{ErrInvalid, nil, ErrNoUser, ErrNoCredit, nil, ErrInvalid} {
		if !errors.Is(errs[i], want) || (want == nil) != (ids[i] != 0) {
			t.Errorf("message %d: %s, %v, want %v", i, ids[i], errs[i], want)
		}
	}
	first := FirstID + 1
	if ids[1] != first || ids[4] != first+1 {
		t.Errorf("IDs %v are not consecutive from %s", ids, first)
	}
	accept(t, db, mt("alice", 0))
	members, err := db.Batch(first)
	if err != nil || len(members) != 2 || members[0].ID != first || members[1].ID != first+1 || members[1].Batch != 1 || members[1].Held != 15 {
		t.Errorf("members %+v, %v", members, err)
	}
	if b := balance(t, db, "alice"); b != (Balance{Granted: 25, Held: 25}) {
		t.Errorf("balance %+v", b)
	}
}

func TestAcceptBatch_CommitFails_AllHearIt(t *testing.T) {
	db := openTest(t, Options{})
	addUser(t, db, "alice", 25)
	oops := errors.New("oops")
	fail := true
	db.testFail = func() error {
		if fail {
			return oops
		}
		return nil
	}
	ids, errs := acceptBatch(t, db, mt("alice", 10), mt("alice", 20))
	if !errors.Is(errs[0], oops) || !errors.Is(errs[1], oops) || ids[0] != 0 || ids[1] != 0 {
		t.Errorf("%v, %v", ids, errs)
	}
	fail = false
	if ids, errs := acceptBatch(t, db, make([]*Message, MaxBatch+1)...); ids[0] != 0 || !errors.Is(errs[0], ErrInvalid) {
		t.Errorf("too many: %v", errs[0])
	}
	if b := balance(t, db, "alice"); b.Held != 0 {
		t.Errorf("balance %+v", b)
	}
}

// Retention removes them one by one.
func TestBatch_SomeRemoved_OthersFound(t *testing.T) {
	db := openTest(t, Options{})
	addUser(t, db, "alice", 0)
	before := accept(t, db, mt("alice", 0))
	ids, _ := acceptBatch(t, db, mt("alice", 0), mt("alice", 0), mt("alice", 0))
	acceptBatch(t, db, mt("alice", 0), mt("alice", 0))
	found := func(first ID) (all []ID) {
		ms, err := db.Batch(first)
		if err != nil && !errors.Is(err, ErrNotFound) {
			t.Fatal(err)
		}
		for _, m := range ms {
			all = append(all, m.ID)
		}
		return all
	}
	if got := found(before); !slices.Equal(got, []ID{before}) {
		t.Errorf("a message that stands alone: %v", got)
	}
	if got := found(ids[1]); got != nil {
		t.Errorf("one that no client knows: %v", got)
	}
	for _, i := range []int{1, 0, 2} {
		done := make(chan error, 1)
		db.Remove(ids[i], func(err error) { done <- err })
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		want := map[int][]ID{1: {ids[0], ids[2]}, 0: {ids[2]}}[i]
		if got := found(ids[0]); !slices.Equal(got, want) {
			t.Errorf("after the removal of %d: %v, want %v", i, got, want)
		}
	}
}

func TestPending_OnlyThoseOfTheUserThatHaveNotEnded(t *testing.T) {
	db := openTest(t, Options{})
	addUser(t, db, "alice", 0)
	addUser(t, db, "bob", 0)
	var want []ID
	for i := range 10 {
		id := accept(t, db, mt("alice", 0))
		accept(t, db, mt("bob", 0))
		if i%3 == 0 {
			change(t, db, id, func(m *Message) { m.EndedAt = 1 })
			continue
		}
		want = append(want, id)
	}
	var got []ID
	for after, pages := ID(0), 0; ; pages++ {
		ms, next, err := db.Pending("alice", after, 3)
		if err != nil || pages > 7 {
			t.Fatalf("page %d: %v", pages, err)
		}
		for _, m := range ms {
			got = append(got, m.ID)
		}
		if after = next; next == 0 {
			break
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func changeMany(t tb, db *DB, ids []ID, fn func(m *Message, now Time) ([]*Message, error)) ([]*Message, error) {
	t.Helper()
	type answer struct {
		ms  []*Message
		err error
	}
	c := make(chan answer, 1)
	db.ChangeMany(ids, fn, func(ms []*Message, err error) { c <- answer{ms, err} })
	a := <-c
	return a.ms, a.err
}

func TestChangeMany_AllOrNone(t *testing.T) {
	db := openTest(t, Options{})
	addUser(t, db, "alice", 100)
	var ids []ID
	for range 4 {
		ids = append(ids, accept(t, db, mt("alice", 10)))
	}
	list := append([]ID{1}, append(ids, ids...)...)
	_, err := changeMany(t, db, list, func(m *Message, _ Time) ([]*Message, error) {
		m.Held = 26
		return nil, nil
	})
	if b := balance(t, db, "alice"); !errors.Is(err, ErrNoCredit) || b.Held != 40 {
		t.Errorf("%v, balance %+v: 104 of 100 were held", err, b)
	}
	ms, err := changeMany(t, db, list, func(m *Message, now Time) ([]*Message, error) {
		if m.ID == ids[1] {
			return nil, ErrSkip
		}
		m.Held, m.EndedAt, m.DueAt = 0, now, 0
		return []*Message{{Kind: Receipt, User: "alice", Queue: "user:alice", DueAt: 1}}, nil
	})
	if err != nil || len(ms) != 3 || ms[0].ID != ids[0] || ms[1].ID != ids[2] {
		t.Errorf("%d changed, %v", len(ms), err)
	}
	if b := balance(t, db, "alice"); b.Held != 10 || db.Queued("user:alice") != 3 || db.Queued("modems") != 1 {
		t.Errorf("balance %+v, %d receipts, %d queued", b, db.Queued("user:alice"), db.Queued("modems"))
	}
	if ms, err := changeMany(t, db, []ID{1, 2}, func(*Message, Time) ([]*Message, error) { return nil, nil }); err != nil || len(ms) != 0 {
		t.Errorf("nothing there: %v, %v", ms, err)
	}
}

// Several messages are paid for as a whole: what one gives back another may
// take, whichever comes first.
func TestChangeMany_OneGivesWhatAnotherTakes(t *testing.T) {
	db := openTest(t, Options{})
	addUser(t, db, "alice", 40)
	ids := []ID{accept(t, db, mt("alice", 10)), accept(t, db, mt("alice", 30))}
	_, err := changeMany(t, db, ids, func(m *Message, _ Time) ([]*Message, error) {
		m.Held = 20
		return nil, nil
	})
	if b := balance(t, db, "alice"); err != nil || b != (Balance{Granted: 40, Held: 40}) {
		t.Errorf("%v, balance %+v", err, b)
	}
}

// batch is AcceptBatch in the model.
func (s *model) batch(t *rapid.T) request {
	var ms []*Message
	for range rapid.IntRange(1, 4).Draw(t, "batch") {
		m := drawMessage(t)
		m.Kind, m.Dedupe, m.User = MT, nil, rapid.SampledFrom(users()).Draw(t, "payer")
		m.Held = Millicredits(rapid.IntRange(0, 20).Draw(t, "held"))
		ms = append(ms, m)
	}
	var ids []ID
	var errs []error
	start := func() { s.db.AcceptBatch(ms, func(i []ID, e []error) { ids, errs = i, e }) }
	return request{start, func() {
		first := s.next
		for i, m := range ms {
			if s.balances[m.User].Available < m.Held {
				expect(t, errs[i], ErrNoCredit)
				continue
			}
			expect(t, errs[i], nil)
			if ids[i] != s.next || m.ClientID() != first {
				t.Fatalf("ID %s, known as %s, want %s, %s", ids[i], m.ClientID(), s.next, first)
			}
			s.next++
			s.charge(m.User, m.Held, 0)
			s.set(m)
		}
	}}
}
