package router

import (
	"context"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"gsmgate/storage"
)

// operations is a user's messages and money as a reader of the rules would write
// them down. Nothing is ever sent.
type operations struct {
	*bench
	rt      *rapid.T
	granted int
	ms      []*entry     // oldest first
	known   []storage.ID // message_ids that the client was told
}

// entry is one message.
type entry struct {
	id, first storage.ID // its own ID, and what the client knows it by
	dest      string
	parts     int
	ended     bool
}

func (a *operations) held() (n int) {
	for _, e := range a.ms {
		if !e.ended {
			n += e.parts
		}
	}
	return n
}

// pending are those that which picks and that have not ended.
func (a *operations) pending(which func(*entry) bool) (all []*entry) {
	for _, e := range a.ms {
		if !e.ended && which(e) {
			all = append(all, e)
		}
	}
	return all
}

// text draws a text and the number of its parts.
func (a *operations) text() (string, int) {
	n := rapid.IntRange(1, 4).Draw(a.rt, "parts")
	return "a|b|c|d"[:2*n-1], n
}

func (a *operations) dest() string {
	return fmt.Sprintf("3160000000%d", rapid.IntRange(0, 2).Draw(a.rt, "dest"))
}

// paid checks that an operation was done just when it could be paid.
func (a *operations) paid(more int, err error) bool {
	if fits := a.held()+more <= a.granted; fits != (err == nil) {
		a.rt.Fatalf("%d of %d held, %d more: %v", a.held(), a.granted, more, err)
	}
	return err == nil
}

func (a *operations) submitMulti() {
	var texts []string
	var parts []int
	for range rapid.IntRange(1, 3).Draw(a.rt, "dests") {
		s, n := a.text()
		texts, parts = append(texts, s), append(parts, n)
	}
	ids, errs := a.batch(texts...)
	var first storage.ID
	for i, id := range ids {
		if !a.paid(parts[i], errs[i]) {
			continue
		}
		if first == 0 {
			first = id
			a.known = append(a.known, id)
		}
		a.ms = append(a.ms, &entry{id: id, first: first, dest: fmt.Sprintf("3160000000%d", i), parts: parts[i]})
	}
}

func (a *operations) cancelSome() {
	dest, id := a.dest(), rapid.SampledFrom(a.known).Draw(a.rt, "id")
	p := Pick{User: "acme", ID: id}
	which := func(e *entry) bool { return e.first == id }
	switch rapid.IntRange(0, 2).Draw(a.rt, "cancel") {
	case 1: // one of a submit_multi
		p.Dest = &dest
		which = func(e *entry) bool { return e.first == id && e.dest == dest }
	case 2:
		p = Pick{User: "acme", Source: new("100"), Dest: &dest}
		which = func(e *entry) bool { return e.dest == dest }
	}
	left := a.pending(which)
	if n, err := a.cancel(p); n != len(left) || (err == nil) != (n > 0) {
		a.rt.Fatalf("%d cancelled of %d, %v", n, len(left), err)
	}
	for _, e := range left {
		e.ended = true
	}
}

func (a *operations) replaceSome() {
	id := rapid.SampledFrom(a.known).Draw(a.rt, "id")
	left := a.pending(func(e *entry) bool { return e.first == id })
	s, parts := a.text()
	more := 0
	for _, e := range left {
		more += parts - e.parts
	}
	err := a.replace(Pick{User: "acme", ID: id}, s)
	if len(left) == 0 {
		if codeOf(err) != Conflict {
			a.rt.Fatalf("none was left: %v", err)
		}
		return
	}
	if a.paid(more, err) {
		for _, e := range left {
			e.parts = parts
		}
	}
}

func (a *operations) replaceIfPresent() {
	s, parts := a.text()
	dest := a.dest()
	left := a.pending(func(e *entry) bool { return e.dest == dest })
	more := parts
	if len(left) > 0 {
		more -= left[len(left)-1].parts
	}
	id, err := a.submitReplacing(&storage.Message{Kind: storage.MT, User: "acme", Source: storage.Address{Addr: "100"},
		Dest: storage.Address{Addr: dest}, Text: s})
	switch {
	case !a.paid(more, err):
	case len(left) == 0:
		a.ms = append(a.ms, &entry{id: id, first: id, dest: dest, parts: parts})
		a.known = append(a.known, id)
	default:
		newest := left[len(left)-1]
		if newest.parts = parts; id != newest.first {
			a.rt.Fatalf("answered %s, want %s", id, newest.first)
		}
	}
}

// compare holds the model against what is stored.
func (a *operations) compare() {
	u, err := a.r.User("acme")
	if err != nil || int(u.Balance.Held/storage.Credit) != a.held() || u.Balance.Spent != 0 {
		a.rt.Fatalf("balance %+v, %v, want %d held", u.Balance, err, a.held())
	}
	for _, e := range a.ms {
		m, err := a.r.Message(e.id)
		if err != nil || m.ClientID() != e.first || ended(m) != e.ended || len(m.Parts) != e.parts {
			a.rt.Fatalf("%+v, %v, want %+v", m, err, e)
		}
	}
}

func TestOperations_AnyOrder_LedgerAgrees(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		db, err := storage.Open(t.TempDir()+"/store.db", storage.Options{NoSync: true})
		if err != nil {
			rt.Fatal(err)
		}
		defer db.Close()
		r := New(db, Options{})
		defer r.jobs.stop()
		r.Add(still())
		a := &operations{bench: &bench{t: t, db: db, r: r}, rt: rt, granted: 12}
		if err := db.PutUser(t.Context(), storage.User{SystemID: "acme", Enabled: true}, true); err != nil {
			rt.Fatal(err)
		}
		if _, err := db.Grant(t.Context(), "acme", 12*storage.Credit, "test"); err != nil {
			rt.Fatal(err)
		}
		steps := []func(){a.submitMulti, a.cancelSome, a.replaceSome, a.replaceIfPresent}
		for range rapid.IntRange(1, 25).Draw(rt, "steps") {
			if len(a.known) == 0 {
				a.submitMulti()
			}
			steps[rapid.IntRange(0, len(steps)-1).Draw(rt, "step")]()
			a.compare()
		}
		if err := db.Check(context.Background()); err != nil {
			rt.Fatal(err)
		}
	})
}
