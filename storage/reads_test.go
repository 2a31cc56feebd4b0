package storage

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

func at(queue string, due Time) *Message {
	return &Message{Kind: MO, Queue: queue, DueAt: due}
}

func TestDue_PagesInOrderOfTime(t *testing.T) {
	db := openTest(t, Options{NoSync: true})
	late, early, middle := accept(t, db, at("q", 30)), accept(t, db, at("q", 10)), accept(t, db, at("q", 20))
	accept(t, db, at("q2", 5))
	accept(t, db, at("p", 5))
	accept(t, db, &Message{Kind: MO, Queue: "q"}) // waits for no lane
	due := func(now Time, after DueKey, max int, want []DueEntry, wantNext Time) {
		t.Helper()
		got, next, err := db.Due("q", now, after, max)
		if err != nil || !reflect.DeepEqual(got, want) || next != wantNext {
			t.Errorf("Due(%d, %v, %d) = %v, %d, %v; want %v, %d", now, after, max, got, next, err, want, wantNext)
		}
	}
	a, b, c := DueKey{10, early}, DueKey{20, middle}, DueKey{30, late}
	due(9, DueKey{}, 10, nil, 10)
	due(10, DueKey{}, 10, []DueEntry{a}, 20)
	due(30, DueKey{}, 10, []DueEntry{a, b, c}, 0)
	due(30, DueKey{}, 2, []DueEntry{a, b}, 30)
	due(30, b, 2, []DueEntry{c}, 0)
	due(30, c, 2, nil, 0)
	due(30, DueKey{}, 0, nil, 10)
}

func TestOverdue_ByDeadline(t *testing.T) {
	db := openTest(t, Options{NoSync: true})
	var ids []ID
	for _, d := range []Time{30, 10, 0} {
		ids = append(ids, accept(t, db, &Message{Kind: MO, Deadline: d}))
	}
	for _, c := range []struct {
		now  Time
		max  int
		want []ID
		next Time
	}{{9, 5, nil, 10}, {10, 5, []ID{ids[1]}, 30}, {99, 5, []ID{ids[1], ids[0]}, 0}, {99, 1, []ID{ids[1]}, 30}} {
		got, next, err := db.Overdue(c.now, c.max)
		if err != nil || !reflect.DeepEqual(got, c.want) || next != c.next {
			t.Errorf("Overdue(%d, %d) = %v, %d, %v; want %v, %d", c.now, c.max, got, next, err, c.want, c.next)
		}
	}
}

func TestMatchReport_NewestFirst(t *testing.T) {
	db := openTest(t, Options{NoSync: true})
	sent := func(lane, match, ref string, state PartState) ID {
		return accept(t, db, &Message{Kind: MT, Parts: []Part{
			{State: state, Lane: lane, Match: match, Ref: ref},
			{State: PartDone, Lane: lane, Match: match, Ref: "done"},
		}})
	}
	a := sent("sim:1", "31612", "1", PartSent)
	b := sent("sim:1", "31612", "2", PartUnknown)
	c := sent("sim:1", "31612", "", PartTrying)
	sent("sim:1", "3161", "4", PartSent)
	sent("sim:1", "316123", "5", PartSent)
	sent("sim:0", "31612", "6", PartSent)
	sent("sim:1", "31612", "7", PartWaiting)
	last := sent("sim:2", "9", "8", PartSent) // the last key of the index
	match := func(lane, match string, max int, want ...PartRef) {
		t.Helper()
		got, err := db.MatchReport(lane, match, max)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("MatchReport(%s, %s, %d) = %v, %v; want %v", lane, match, max, got, err, want)
		}
	}
	match("sim:1", "31612", 9, PartRef{c, 0, ""}, PartRef{b, 0, "2"}, PartRef{a, 0, "1"})
	match("sim:1", "31612", 1, PartRef{c, 0, ""})
	match("sim:2", "9", 9, PartRef{last, 0, "8"})
	match("sim:2", "99", 9)
	match("sim:3", "9", 9)
	match("sim:", "9", 9)
	if ids, err := db.Trying(); err != nil || !reflect.DeepEqual(ids, []ID{c}) {
		t.Errorf("Trying() = %v, %v", ids, err)
	}
	change(t, db, c, func(m *Message) { m.Parts[0].State, m.Parts[0].Ref = PartSent, "3" })
	match("sim:1", "31612", 1, PartRef{c, 0, "3"})
	if ids, _ := db.Trying(); ids != nil {
		t.Errorf("Trying() = %v", ids)
	}
}

func TestFlagged_RaisedFlagsOnly(t *testing.T) {
	db := openTest(t, Options{NoSync: true})
	of := func(f DPF) ID { return accept(t, db, &Message{Kind: MT, DPF: f}) }
	want := func(ids ...ID) {
		t.Helper()
		if got, err := db.Flagged(); err != nil || !reflect.DeepEqual(got, ids) {
			t.Errorf("Flagged() = %v, %v; want %v", got, err, ids)
		}
	}
	of(DPFNone)
	asked, set, owed := of(DPFAsked), of(DPFSet), of(DPFOwed)
	want(set, owed)
	change(t, db, asked, func(m *Message) { m.DPF = DPFSet })
	change(t, db, set, func(m *Message) { m.DPF = DPFOwed })
	change(t, db, owed, func(m *Message) { m.DPF = DPFNone })
	want(asked, set)
	db.Remove(asked, func(err error) {
		if err != nil {
			t.Error(err)
		}
	})
	change(t, db, set, func(m *Message) { m.DPF = DPFAsked })
	want()
	for _, m := range []*Message{{Kind: MO, DPF: DPFSet}, {Kind: MT, DPF: DPFOwed + 1}} {
		if _, err := db.AcceptSync(t.Context(), m); !errors.Is(err, ErrInvalid) {
			t.Errorf("kind %d with flag %d: %v", m.Kind, m.DPF, err)
		}
	}
}

func TestMessages_Filter(t *testing.T) {
	db := openTest(t, Options{NoSync: true})
	var ids []ID
	for _, m := range []*Message{
		{Kind: MO, User: "alice", Queue: "esme", State: Enroute},
		{Kind: MT, User: "alice", State: Delivered},
		{Kind: MO, User: "bob", Queue: "esme", State: Delivered},
		{Kind: MO, User: "alice", Queue: "esme"},
	} {
		ids = append(ids, accept(t, db, m))
	}
	delivered, scheduled := Delivered, Scheduled
	for _, c := range []struct {
		name string
		f    Filter
		want []ID
	}{
		{"all", Filter{}, []ID{ids[3], ids[2], ids[1], ids[0]}},
		{"limit", Filter{Limit: 2}, []ID{ids[3], ids[2]}},
		{"before", Filter{Before: ids[2]}, []ID{ids[1], ids[0]}},
		{"before one that is yet to come", Filter{Before: ids[3] + 9, Limit: 1}, []ID{ids[3]}},
		{"before the first", Filter{Before: ids[0]}, nil},
		{"user", Filter{User: "alice", Limit: 2}, []ID{ids[3], ids[1]}},
		{"state", Filter{State: &delivered}, []ID{ids[2], ids[1]}},
		{"scheduled", Filter{State: &scheduled}, []ID{ids[3]}},
		{"queue and kind", Filter{Queue: "esme", Kind: MO, User: "bob"}, []ID{ids[2]}},
	} {
		got, err := db.Messages(c.f)
		if err != nil {
			t.Fatal(err)
		}
		var gotIDs []ID
		for _, m := range got {
			gotIDs = append(gotIDs, m.ID)
		}
		if !reflect.DeepEqual(gotIDs, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, gotIDs, c.want)
		}
	}
}

func TestLedger_Filter(t *testing.T) {
	db := openTest(t, Options{NoSync: true})
	addUser(t, db, "alice", 100)
	addUser(t, db, "bob", 100)
	id := accept(t, db, mt("alice", 10))
	accept(t, db, mt("bob", 20))
	for _, c := range []struct {
		f    LedgerFilter
		want []EntryKind
	}{
		{LedgerFilter{}, []EntryKind{TopUp, TopUp, Hold, Hold}},
		{LedgerFilter{User: "alice"}, []EntryKind{TopUp, Hold}},
		{LedgerFilter{Message: id}, []EntryKind{Hold}},
		{LedgerFilter{After: 2, Limit: 1}, []EntryKind{Hold}},
	} {
		if got := kinds(t, db, c.f); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%+v: got %v, want %v", c.f, got, c.want)
		}
	}
	all, _, _ := db.Ledger(LedgerFilter{})
	for i, e := range all {
		if e.Seq != uint64(i+1) || e.At == 0 {
			t.Errorf("entry %d: %+v", i, e)
		}
	}
}

func TestUsers(t *testing.T) {
	db := openTest(t, Options{NoSync: true})
	ctx := context.Background()
	ranges := []string{"+3161"}
	if err := db.PutUser(ctx, User{SystemID: "bob", AddressRanges: ranges}, true); err != nil {
		t.Fatal(err)
	}
	ranges[0] = "changed by the caller"
	addUser(t, db, "alice", 0)
	if err := db.PutUser(ctx, User{SystemID: "bob"}, true); !errors.Is(err, ErrExists) {
		t.Errorf("created twice: %v", err)
	}
	if err := db.PutUser(ctx, User{SystemID: "carol"}, false); !errors.Is(err, ErrNotFound) {
		t.Errorf("replaced nobody: %v", err)
	}
	if err := db.PutUser(ctx, User{}, true); !errors.Is(err, ErrInvalid) {
		t.Errorf("no name: %v", err)
	}
	if err := db.PutUser(ctx, User{SystemID: "alice", Enabled: false, Password: "x"}, false); err != nil {
		t.Fatal(err)
	}
	if u, ok := db.User("alice"); !ok || u.Enabled || u.Password != "x" {
		t.Errorf("alice: %+v, %v", u, ok)
	}
	all := db.Users()
	if len(all) != 2 || all[0].SystemID != "alice" || all[1].AddressRanges[0] != "+3161" {
		t.Errorf("users %+v", all)
	}
	if _, err := db.Balance("carol"); !errors.Is(err, ErrNoUser) {
		t.Errorf("balance of nobody: %v", err)
	}
}

func TestGrant(t *testing.T) {
	db := openTest(t, Options{NoSync: true})
	addUser(t, db, "alice", 100)
	ctx := context.Background()
	for _, c := range []struct {
		name   string
		amount Millicredits
		err    error
		want   Balance
	}{
		{"alice", 50, nil, Balance{Granted: 150, Available: 150}},
		{"alice", -150, nil, Balance{}},
		{"alice", -1, ErrNoCredit, Balance{}},
		{"alice", 0, ErrInvalid, Balance{}},
		{"alice", maxMoney + 1, ErrInvalid, Balance{}},
		{"bob", 1, ErrNoUser, Balance{}},
	} {
		got, err := db.Grant(ctx, c.name, c.amount, "")
		if !errors.Is(err, c.err) || got != c.want {
			t.Errorf("Grant(%s, %d) = %+v, %v; want %+v, %v", c.name, c.amount, got, err, c.want, c.err)
		}
	}
}

func TestBackup_IsAStore(t *testing.T) {
	db := openTest(t, Options{NoSync: true})
	addUser(t, db, "alice", 100)
	id := accept(t, db, mt("alice", 10))
	var copied bytes.Buffer
	if err := db.Backup(&copied); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "copy.db")
	if err := os.WriteFile(path, copied.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	restored := openTestAt(t, path, Options{})
	if _, err := restored.Message(id); err != nil {
		t.Error(err)
	}
}

func TestNote_FullTimelineKeepsBeginningAndEnd(t *testing.T) {
	var m Message
	for i := range 3 * maxEvents {
		m.Note(Time(i), "note", "")
	}
	if len(m.Events) != maxEvents || m.Events[0].At != 0 || m.Events[maxEvents/2-1].At != maxEvents/2-1 ||
		m.Events[maxEvents-1].At != 3*maxEvents-1 || m.Events[maxEvents/2].At != 3*maxEvents-maxEvents/2 {
		t.Errorf("%d lines, from %d over %d to %d", len(m.Events), m.Events[0].At,
			m.Events[maxEvents/2].At, m.Events[len(m.Events)-1].At)
	}
}
