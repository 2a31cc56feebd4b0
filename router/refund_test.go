package router

import (
	"testing"
	"testing/synctest"

	"gsmgate/storage"
)

// What a message of three parts has cost in the end, by what became of its parts and
// what its user gets back.
func TestRefund_ByEndAndByPart(t *testing.T) {
	part := func(s storage.PartState, final storage.State) storage.Part {
		return storage.Part{State: s, Final: final}
	}
	waiting, sent, unknown := part(storage.PartWaiting, 0), part(storage.PartSent, 0), part(storage.PartUnknown, 0)
	arrived, lost, refused := part(storage.PartDone, storage.Delivered), part(storage.PartFailed, storage.Undeliverable), part(storage.PartFailed, 0)
	for _, c := range []struct {
		name                  string
		state                 storage.State
		parts                 []storage.Part
		whole, parted, unsent storage.Millicredits
	}{
		{"delivered", storage.Delivered, []storage.Part{arrived, arrived, arrived}, 300, 300, 300},
		{"taken back", storage.Deleted, []storage.Part{refused, refused, refused}, 0, 0, 0},
		{"expired in the queue", storage.Expired, []storage.Part{refused, refused, refused}, 0, 0, 0},
		{"the first refused", storage.Undeliverable, []storage.Part{refused, refused, refused}, 0, 0, 0},
		{"the second refused", storage.Undeliverable, []storage.Part{sent, refused, refused}, 0, 100, 100},
		{"one not delivered", storage.Undeliverable, []storage.Part{arrived, lost, sent}, 0, 200, 300},
		{"none delivered", storage.Rejected, []storage.Part{lost, lost, lost}, 0, 0, 300},
		{"expired after two", storage.Expired, []storage.Part{arrived, sent, refused}, 0, 200, 200},
		{"nobody knows", storage.Unknown, []storage.Part{arrived, unknown, sent}, 300, 300, 300},
		{"of one nobody knows", storage.Unknown, []storage.Part{sent, unknown, waiting}, 200, 200, 200},
	} {
		for refund, want := range map[string]storage.Millicredits{"": c.whole, "whole": c.whole, "parts": c.parted, "unsent": c.unsent} {
			m := &storage.Message{Kind: storage.MT, State: c.state, Parts: c.parts, Held: 300}
			if settleMoney(m, refund); m.Spent != want || m.Held != 0 {
				t.Errorf("%s, %q: spent %d, held %d, want %d", c.name, refund, m.Spent, m.Held, want)
			}
		}
	}
}

func TestRefund_SetOfAUser_HoldsForWhatEndsFromThenOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := running(t, &scripted{lanes: []Lane{lane("sim:1")}, answer: ok}, Options{})
		fail := func(refund string) *storage.Message {
			id := b.send("a|b")
			synctest.Wait()
			b.set("acme", UserSettings{Refund: &refund})
			for i, state := range []storage.State{storage.Delivered, storage.Undeliverable} {
				b.report("sim:1", b.message(id).Parts[i].Ref, state)
			}
			return b.message(id)
		}
		for refund, want := range map[string]storage.Millicredits{"whole": 0, "parts": storage.Credit, "unsent": 2 * storage.Credit} {
			if m := fail(refund); m.State != storage.Undeliverable || m.Spent != want || m.Held != 0 {
				t.Errorf("%s: %s, spent %d, want %d\n%+v", refund, StateWord(m.State), m.Spent, want, m.Events)
			}
		}
		bad := "nothing"
		if _, err := b.r.SetUser(t.Context(), "acme", UserChange{UserSettings: UserSettings{Refund: &bad}}); code(err) != Invalid {
			t.Errorf("no such word: %v", err)
		}
	})
}
