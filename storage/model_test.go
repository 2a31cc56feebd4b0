package storage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// model is the store as a reader of its documentation would write it down.
type model struct {
	dir      string
	db       *DB
	next     ID
	messages map[ID]*Message
	balances map[string]Balance
	dedupe   map[string]ID
	waiting  map[string][]Segment // by reference, in order of arrival
	stamp    Time
}

func users() []string { return []string{"alice", "bob"} }

func newModel(t *rapid.T) *model {
	dir, err := os.MkdirTemp("", "storage")
	if err != nil {
		t.Fatal(err)
	}
	s := &model{dir: dir, next: FirstID, messages: map[ID]*Message{}, balances: map[string]Balance{},
		dedupe: map[string]ID{}, waiting: map[string][]Segment{}}
	s.open(t)
	for _, name := range users() {
		addUser(t, s.db, name, 50)
		s.balances[name] = Balance{Granted: 50, Available: 50}
	}
	return s
}

func (s *model) open(t *rapid.T) {
	db, err := Open(filepath.Join(s.dir, "store.db"), Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	s.db = db
}

func (s *model) close(t *rapid.T) {
	s.compare(t)
	if err := s.db.Check(context.Background()); err != nil {
		t.Fatalf("check: %v", err)
	}
	if err := s.db.Close(); err != nil {
		t.Fatal(err)
	}
}

// drawMessage draws every field that an index or the ledger looks at.
func drawMessage(t *rapid.T) *Message {
	m := &Message{
		Kind:     Kind(rapid.IntRange(1, 3).Draw(t, "kind")),
		User:     rapid.SampledFrom(append(users(), "")).Draw(t, "user"),
		Queue:    rapid.SampledFrom([]string{"", "q", "q2"}).Draw(t, "queue"),
		DueAt:    Time(rapid.IntRange(0, 3).Draw(t, "due")),
		Deadline: Time(rapid.IntRange(0, 3).Draw(t, "deadline")),
		State:    State(rapid.IntRange(0, 8).Draw(t, "state")),
		Data:     rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "data"),
		Dedupe:   rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c", "d"}), 0, 2, rapid.ID[string]).Draw(t, "dedupe"),
	}
	if m.Kind == MT {
		m.DPF = DPF(rapid.IntRange(0, 3).Draw(t, "dpf"))
	}
	for range rapid.IntRange(0, 3).Draw(t, "parts") {
		m.Parts = append(m.Parts, Part{
			State: PartState(rapid.IntRange(0, 5).Draw(t, "part")),
			Lane:  rapid.SampledFrom([]string{"", "sim:1", "sim:2"}).Draw(t, "lane"),
			Match: rapid.SampledFrom([]string{"", "1", "12"}).Draw(t, "match"),
			Ref:   rapid.SampledFrom([]string{"", "17"}).Draw(t, "ref"),
		})
	}
	return m
}

// duplicate says which of the keys another message than self has.
func (s *model) duplicate(keys []string, self ID) bool {
	for _, k := range keys {
		if id, ok := s.dedupe[k]; ok && id != self {
			return true
		}
	}
	return false
}

func (s *model) set(m *Message) {
	if old := s.messages[m.ID]; old != nil {
		for _, k := range old.Dedupe {
			delete(s.dedupe, k)
		}
	}
	s.messages[m.ID] = m
	for _, k := range m.Dedupe {
		s.dedupe[k] = m.ID
	}
}

// request is one operation: start asks for it, settle compares its answer with
// the model. Requests of one group are settled in the order of their start.
type request struct{ start, settle func() }

// group runs some requests in one commit, as if one after the other.
func (s *model) group(t *rapid.T) {
	var requests []request
	for range rapid.IntRange(1, 6).Draw(t, "group") {
		switch {
		case rapid.IntRange(0, 5).Draw(t, "what") == 0:
			requests = append(requests, s.batch(t))
		case len(s.messages) == 0 || rapid.IntRange(0, 2).Draw(t, "what") == 0:
			requests = append(requests, s.accept(t))
		case rapid.IntRange(0, 3).Draw(t, "what") == 0:
			requests = append(requests, s.remove(t))
		default:
			requests = append(requests, s.change(t))
		}
	}
	together(t, s.db, func() {
		for _, r := range requests {
			r.start()
		}
	})
	for _, r := range requests {
		r.settle()
	}
}

func (s *model) accept(t *rapid.T) request {
	m := drawMessage(t)
	m.Held = Millicredits(rapid.IntRange(0, 20).Draw(t, "held"))
	if m.Kind != MT || m.User == "" {
		m.Held = 0
	}
	var id ID
	var err error
	start := func() { s.db.Accept(m, func(i ID, e error) { id, err = i, e }) }
	return request{start, func() {
		switch {
		case s.balances[m.User].Available < m.Held:
			expect(t, err, ErrNoCredit)
		case s.duplicate(m.Dedupe, 0):
			expect(t, err, ErrDuplicate)
		default:
			expect(t, err, nil)
			if id != s.next {
				t.Fatalf("ID %s, want %s", id, s.next)
			}
			s.next++
			s.charge(m.User, m.Held, 0)
			s.set(m)
		}
	}}
}

func (s *model) charge(user string, held, spent Millicredits) {
	if held == 0 && spent == 0 {
		return
	}
	b := s.balances[user]
	b.Available -= held + spent
	b.Held += held
	b.Spent += spent
	s.balances[user] = b
}

func (s *model) drawID(t *rapid.T) ID {
	ids := slices.Sorted(maps.Keys(s.messages))
	return rapid.SampledFrom(ids).Draw(t, "id")
}

func (s *model) change(t *rapid.T) request {
	id := s.drawID(t)
	m := drawMessage(t)
	held := Millicredits(rapid.IntRange(0, 20).Draw(t, "held"))
	spent := Millicredits(rapid.IntRange(0, 5).Draw(t, "spent"))
	oops := errors.New("oops")
	fails := rapid.IntRange(0, 9).Draw(t, "fails") == 0
	var before, got *Message
	var err error
	fn := func(stored *Message, _ Time) ([]*Message, error) {
		was := *stored
		before = &was
		m.ID, m.Kind, m.User = stored.ID, stored.Kind, stored.User
		if m.Kind != MT {
			m.DPF = DPFNone
		}
		if m.Kind == MT && m.User != "" {
			m.Held, m.Spent = held, stored.Spent+spent
		}
		*stored = *m
		if fails {
			return nil, oops
		}
		return nil, nil
	}
	start := func() { s.db.Change(id, fn, func(m *Message, e error) { got, err = m, e }) }
	return request{start, func() {
		old := s.messages[id]
		if old == nil {
			expect(t, err, ErrNotFound)
			return
		}
		if !same(before, old) {
			t.Fatalf("stored %+v, want %+v", before, old)
		}
		switch held, spent := m.Held-old.Held, m.Spent-old.Spent; {
		case fails:
			expect(t, err, oops)
		case held+spent > s.balances[m.User].Available:
			expect(t, err, ErrNoCredit)
		case s.duplicate(m.Dedupe, id):
			expect(t, err, ErrDuplicate)
		default:
			expect(t, err, nil)
			s.charge(m.User, held, spent)
			s.set(got)
		}
	}}
}

func (s *model) remove(t *rapid.T) request {
	id := s.drawID(t)
	var err error
	return request{func() { s.db.Remove(id, func(e error) { err = e }) }, func() {
		m := s.messages[id]
		switch {
		case m == nil:
			expect(t, err, ErrNotFound)
		case m.Held > 0:
			expect(t, err, ErrInvalid)
		default:
			expect(t, err, nil)
			for _, k := range m.Dedupe {
				delete(s.dedupe, k)
			}
			delete(s.messages, id)
		}
	}}
}

func (s *model) grant(t *rapid.T) {
	name := rapid.SampledFrom(users()).Draw(t, "user")
	amount := Millicredits(rapid.IntRange(-30, 30).Filter(func(n int) bool { return n != 0 }).Draw(t, "amount"))
	b := s.balances[name]
	_, err := s.db.Grant(context.Background(), name, amount, "")
	if b.Available+amount < 0 {
		expect(t, err, ErrNoCredit)
		return
	}
	expect(t, err, nil)
	b.Granted += amount
	b.Available += amount
	s.balances[name] = b
}

// segment adds the next segment of one of three references, of three each.
func (s *model) segment(t *rapid.T) {
	reference := rapid.IntRange(1, 3).Draw(t, "reference")
	key := fmt.Sprint(reference)
	s.stamp++
	one := Segment{Lane: "sim:1", Reference: uint16(reference), Total: 3, Number: uint8(len(s.waiting[key]) + 1),
		Received: s.stamp, Dedupe: fmt.Sprint("segment ", s.stamp)}
	id, err := putSegment(s.db, one)
	expect(t, err, nil)
	s.waiting[key] = append(s.waiting[key], one)
	if len(s.waiting[key]) == 3 {
		s.delivered(t, id, key)
	}
}

func (s *model) delivered(t *rapid.T, id ID, key string) {
	if id != s.next {
		t.Fatalf("ID %s, want %s", id, s.next)
	}
	s.next++
	m, err := s.db.Message(id)
	expect(t, err, nil)
	for _, one := range s.waiting[key] {
		if !slices.Contains(m.Dedupe, one.Dedupe) {
			t.Fatalf("dedupe key %s is missing", one.Dedupe)
		}
	}
	delete(s.waiting, key)
	s.set(m)
}

func (s *model) stale(t *rapid.T) {
	sets, err := s.db.StaleSegments(anyLane, s.stamp+1, 10)
	expect(t, err, nil)
	if len(sets) != len(s.waiting) {
		t.Fatalf("%d sets, want %d", len(sets), len(s.waiting))
	}
	if len(sets) == 0 {
		t.Skip("no segments")
	}
	first := sets[0][0]
	id, err := assembleStale(s.db, first)
	expect(t, err, nil)
	s.delivered(t, id, fmt.Sprint(first.Reference))
}

// lost makes a commit fail: nothing of it may show.
func (s *model) lost(t *rapid.T) {
	boom := errors.New("no disk")
	together(t, s.db, func() { s.db.testFail = func() error { return boom } })
	_, err := s.db.AcceptSync(context.Background(), &Message{Kind: MO, Queue: "q", DueAt: 1, Dedupe: []string{"x"}})
	expect(t, err, boom)
	together(t, s.db, func() { s.db.testFail = nil })
}

func (s *model) compare(t *rapid.T) {
	all, err := s.db.Messages(Filter{Limit: 1 << 20})
	expect(t, err, nil)
	if len(all) != len(s.messages) {
		t.Fatalf("%d messages, want %d", len(all), len(s.messages))
	}
	queues, trying, flagged := map[string]int{}, 0, []ID(nil)
	for _, m := range all {
		if !same(m, s.messages[m.ID]) {
			t.Fatalf("message %+v, want %+v", m, s.messages[m.ID])
		}
		if m.Queue != "" && m.DueAt != 0 {
			queues[m.Queue]++
		}
		if slices.ContainsFunc(m.Parts, func(p Part) bool { return p.State == PartTrying }) {
			trying++
		}
		if m.DPF == DPFSet || m.DPF == DPFOwed {
			flagged = append(flagged, m.ID)
		}
	}
	slices.Sort(flagged)
	if got, err := s.db.Flagged(); err != nil || !slices.Equal(got, flagged) {
		t.Fatalf("%v are flagged, want %v (%v)", got, flagged, err)
	}
	if got := s.db.Queues(); !reflect.DeepEqual(got, queues) {
		t.Fatalf("queues %v, want %v", got, queues)
	}
	if got, err := s.db.Trying(); err != nil || len(got) != trying {
		t.Fatalf("%d are tried, want %d (%v)", len(got), trying, err)
	}
	for name, want := range s.balances {
		if got := balance(t, s.db, name); got != want {
			t.Fatalf("balance of %s is %+v, want %+v", name, got, want)
		}
	}
}

// same compares as the file does: no bytes and empty bytes are one.
func same(a, b *Message) bool {
	c, err := newCodec()
	if err != nil {
		return false
	}
	x, errX := c.encode(a)
	y, errY := c.encode(b)
	return errX == nil && errY == nil && bytes.Equal(x, y) && a.ID == b.ID
}

func expect(t *rapid.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("got error %v, want %v", err, want)
	}
}

func TestModel_RandomOperations(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newModel(t)
		defer os.RemoveAll(s.dir)
		defer func() { s.db.Close() }()
		t.Repeat(map[string]func(*rapid.T){
			"group": s.group, "another group": s.group, "a third group": s.group,
			"grant": s.grant, "segment": s.segment, "stale": s.stale, "lost": s.lost,
			"reopen": func(t *rapid.T) { s.close(t); s.open(t) },
		})
		s.close(t)
	})
}
