// Package routertest has what tests of channels share: a gateway that is a store, a
// router and one user, with the channel under test to be added.
package routertest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"gsmgate/router"
	"gsmgate/storage"
)

// Patience is for what takes no time, on a machine with much else to do.
const Patience = 20 * time.Second

// House is a store and a router. User acme has 100 credits and owns +3161*.
type House struct {
	T  testing.TB
	DB *storage.DB
	R  *router.Router
}

// New makes a house over a store. Its router does not run yet.
func New(t testing.TB, db *storage.DB) *House {
	t.Helper()
	h := &House{T: t, DB: db, R: router.New(db, router.Options{})}
	if _, err := h.R.AddUser(t.Context(), router.UserSpec{SystemID: "acme", Password: "secret", Credits: 100 * storage.Credit, AddressRanges: []string{"+3161*"}}); err != nil {
		t.Fatal(err)
	}
	return h
}

// Run lets a router run until stop is called, or the test ends.
func Run(t testing.TB, r *router.Router) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := r.Run(ctx); err != nil {
			t.Error(err)
		}
	}()
	stop = sync.OnceFunc(func() { cancel(); <-ended })
	t.Cleanup(stop)
	return stop
}

// Submit takes a text of acme to that number.
func (h *House) Submit(to, text string, change ...func(*storage.Message)) storage.ID {
	h.T.Helper()
	m := &storage.Message{Kind: storage.MT, User: "acme", Text: text, RegisteredDelivery: 1,
		Source: storage.Address{TON: 5, Addr: "Acme"}, Dest: storage.Address{TON: 1, NPI: 1, Addr: to}}
	for _, f := range change {
		f(m)
	}
	id, err := h.R.SubmitSync(h.T.Context(), m)
	if err != nil {
		h.T.Fatal(err)
	}
	return id
}

// Until waits for something, and says what was missed.
func (h *House) Until(what string, is func() bool) {
	h.T.Helper()
	for end := time.Now().Add(Patience); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		if is() {
			return
		}
	}
	h.T.Fatalf("never: %s", what)
}

// Message is what is on disk of a message.
func (h *House) Message(id storage.ID) *storage.Message {
	h.T.Helper()
	m, err := h.R.Message(id)
	if err != nil {
		h.T.Fatal(err)
	}
	return m
}

// Ends waits for the final state of a message.
func (h *House) Ends(id storage.ID, want storage.State) *storage.Message {
	h.T.Helper()
	var m *storage.Message
	h.Until(fmt.Sprintf("%s in state %s", id, router.StateWord(want)), func() bool {
		m = h.Message(id)
		return m.State == want && (m.EndedAt != 0) == (want.Final() && want != storage.Unknown)
	})
	h.published()
	return m
}

// published returns when balances are those of what is on disk: they are shown a
// moment after their commit.
func (h *House) published() {
	nothing := errors.New("nothing is changed")
	_, err := h.DB.ChangeSync(h.T.Context(), storage.FirstID, func(*storage.Message, storage.Time) ([]*storage.Message, error) { return nil, nothing })
	if !errors.Is(err, nothing) {
		h.T.Fatal(err)
	}
}

// Balance is what acme has, in credits.
func (h *House) Balance() storage.Balance {
	h.T.Helper()
	b, err := h.DB.Balance("acme")
	if err != nil {
		h.T.Fatal(err)
	}
	return b
}
