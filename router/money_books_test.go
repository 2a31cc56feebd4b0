package router

import (
	"fmt"

	"gsmgate/storage"
)

// books is the ledger as an accountant keeps it: each entry takes from one
// account what it gives to another.
type books struct {
	accounts map[string]storage.Millicredits // "world", "alice available", "alice held", "alice spent"
	bills    map[storage.ID]*bill
	limits   map[string]storage.Millicredits // what a user may owe
	last     uint64                          // entry
}

// bill is what the entries that name one message come to.
type bill struct {
	user        string
	held, spent storage.Millicredits
}

func newBooks() *books {
	return &books{accounts: map[string]storage.Millicredits{}, bills: map[storage.ID]*bill{}, limits: map[string]storage.Millicredits{}}
}

// read posts what was written since.
func (b *books) read(db *storage.DB) error {
	for more := true; more; {
		entries, next, err := db.Ledger(storage.LedgerFilter{After: b.last, Limit: 1000})
		if err != nil {
			return err
		}
		for i := range entries {
			if err := b.post(&entries[i]); err != nil {
				return fmt.Errorf("entry %d %+v: %w", entries[i].Seq, entries[i], err)
			}
		}
		more = next != 0
	}
	return nil
}

func (b *books) post(e *storage.Entry) error {
	if e.Seq != b.last+1 {
		return fmt.Errorf("entry %d comes after %d", e.Seq, b.last)
	}
	b.last = e.Seq
	accounts := map[storage.EntryKind][2]string{
		storage.TopUp:  {"world", e.User + " available"},
		storage.Hold:   {e.User + " available", e.User + " held"},
		storage.Spend:  {e.User + " held", e.User + " spent"},
		storage.Refund: {e.User + " held", e.User + " available"},
	}
	sides, ok := accounts[e.Kind]
	if !ok || e.Kind != storage.TopUp && (e.Amount <= 0 || e.Message == 0) {
		return fmt.Errorf("it is no movement")
	}
	b.accounts[sides[0]] -= e.Amount
	b.accounts[sides[1]] += e.Amount
	if err := b.charge(e); err != nil {
		return err
	}
	return b.sound(e.User)
}

// charge notes an entry on the bill of its message.
func (b *books) charge(e *storage.Entry) error {
	if e.Message == 0 {
		return nil
	}
	a := b.bills[e.Message]
	if a == nil {
		a = &bill{user: e.User}
		b.bills[e.Message] = a
	}
	switch e.Kind {
	case storage.Hold:
		a.held += e.Amount
	case storage.Spend:
		a.held -= e.Amount
		a.spent += e.Amount
	case storage.Refund:
		a.held -= e.Amount
	}
	if a.user != e.User || a.held < 0 {
		return fmt.Errorf("the bill is %+v", *a)
	}
	return nil
}

// sound checks that the sum is zero, and that nobody is below its limit.
func (b *books) sound(user string) error {
	sum := storage.Millicredits(0)
	for _, amount := range b.accounts {
		sum += amount
	}
	if sum != 0 || b.available(user) < -b.limits[user] || b.accounts[user+" held"] < 0 {
		return fmt.Errorf("the sum is %d, user %s with limit %d has %v", sum, user, b.limits[user], b.accounts)
	}
	return nil
}

func (b *books) available(user string) storage.Millicredits { return b.accounts[user+" available"] }

// bill is that of a message, which may have none.
func (b *books) bill(id storage.ID) bill {
	if a := b.bills[id]; a != nil {
		return *a
	}
	return bill{}
}

// agrees compares the books with a balance.
func (b *books) agrees(user string, got storage.Balance) error {
	want := storage.Balance{Available: b.available(user), Held: b.accounts[user+" held"], Spent: b.accounts[user+" spent"]}
	want.Granted = want.Available + want.Held + want.Spent
	if got != want {
		return fmt.Errorf("balance of %s is %+v, its entries say %+v", user, got, want)
	}
	return nil
}
