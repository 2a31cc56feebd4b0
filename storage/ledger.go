package storage

import (
	"context"
	"encoding/binary"
	"sort"

	bolt "go.etcd.io/bbolt"
)

// LedgerFilter picks entries; zero fields pick all.
type LedgerFilter struct {
	User     string
	Message  ID
	From, To Time   // entries from the one up to, and not at, the other
	After    uint64 // entries with a higher Seq
	Limit    int    // 0: 100
}

// ledgerReach is how many entries one read goes over: a long one keeps the file
// from using its free pages again.
const ledgerReach = 100_000

// Ledger gives entries, oldest first. When next is not 0 there may be more, after
// that Seq.
func (db *DB) Ledger(f LedgerFilter) (entries []Entry, next uint64, err error) {
	if f.Limit <= 0 {
		f.Limit = defaultLimit
	}
	err = db.view(func(tx *bolt.Tx) error {
		if f.From != 0 {
			first, err := db.firstEntry(tx, f.From)
			if err != nil {
				return err
			}
			f.After = max(f.After, first-1)
		}
		last, err := db.eachEntry(tx, f.After, func(e Entry) (more bool) {
			if f.To != 0 && e.At >= f.To {
				next = 0
				return false
			}
			if f.picks(&e) {
				entries = append(entries, e)
			}
			next = e.Seq
			return len(entries) < f.Limit
		})
		if last {
			next = 0
		}
		return err
	})
	return entries, next, err
}

func (f *LedgerFilter) picks(e *Entry) bool {
	return (f.User == "" || f.User == e.User) && (f.Message == 0 || f.Message == e.Message)
}

// eachEntry goes over the entries after one, as far as one read may; end says
// that it came to the last.
func (db *DB) eachEntry(tx *bolt.Tx, after uint64, take func(Entry) (more bool)) (end bool, err error) {
	c := tx.Bucket(inLedger.name()).Cursor()
	k, v := c.Seek(binary.BigEndian.AppendUint64(nil, after+1))
	for n := 0; len(k) == 8; k, v = c.Next() {
		e, err := db.codec.entry(uint64(idOf(k)), v)
		if err != nil {
			return false, err
		}
		if n++; !take(e) || n >= ledgerReach {
			return false, nil
		}
	}
	return true, nil
}

// firstEntry gives the Seq of the first entry that is not older than the time, or
// the one after the last.
func (db *DB) firstEntry(tx *bolt.Tx, from Time) (seq uint64, err error) {
	b := tx.Bucket(inLedger.name())
	k, _ := b.Cursor().Last()
	if len(k) != 8 {
		return 1, nil
	}
	last := int(idOf(k))
	i := sort.Search(last, func(i int) bool { // entries are numbered from 1 without a gap
		e, e2 := db.codec.entry(uint64(i)+1, b.Get(binary.BigEndian.AppendUint64(nil, uint64(i)+1)))
		if e2 != nil {
			err = e2
		}
		return e.At >= from
	})
	return uint64(i) + 1, err
}

// Statement is what moved of a user's money from one time to another.
type Statement struct {
	Opening, Closing Balance

	ToppedUp, Corrected   Millicredits // given, and taken back (negative)
	Held, Spent, Refunded Millicredits
	Charged               int // messages that something was spent for
	Entries               int
}

// Statement sums a user's entries from the one time up to, and not at, the other;
// 0 is the beginning, and now. ErrNoUser.
func (db *DB) Statement(ctx context.Context, user string, from, to Time) (s Statement, err error) {
	var at, end uint64
	err = db.view(func(tx *bolt.Tx) error {
		v := tx.Bucket(inBalances.name()).Get([]byte(user))
		if v == nil {
			return ErrNoUser
		}
		if s.Closing, err = db.codec.balance(v); err != nil {
			return err
		}
		if k, _ := tx.Bucket(inLedger.name()).Cursor().Last(); len(k) == 8 {
			end = uint64(idOf(k))
		}
		at, err = db.firstEntry(tx, from)
		return err
	})
	if err != nil {
		return s, err
	}
	s.Opening = s.Closing // less what is found on the way from the beginning to now
	for at--; at < end; {
		if err := ctx.Err(); err != nil {
			return s, err
		}
		if at, err = db.sumEntries(&s, user, at, end, to); err != nil {
			return s, err
		}
	}
	return s, nil
}

// sumEntries goes on with a statement after the entry at, and says where it
// stopped. What came after the balance was read is left out.
func (db *DB) sumEntries(s *Statement, user string, at, end uint64, to Time) (uint64, error) {
	err := db.view(func(tx *bolt.Tx) error {
		last, err := db.eachEntry(tx, at, func(e Entry) bool {
			if at = e.Seq; at > end {
				return false
			}
			if e.User == user {
				s.take(&e, to == 0 || e.At < to)
			}
			return at < end
		})
		if last {
			at = end
		}
		return err
	})
	return at, err
}

// take counts an entry of the period, or one after it.
func (s *Statement) take(e *Entry, within bool) {
	undo := func(b *Balance) {
		mm := moneyMove{kind: e.Kind, balance: b, amount: e.Amount}
		mm.apply(-1)
	}
	undo(&s.Opening)
	if !within {
		undo(&s.Closing)
		return
	}
	s.Entries++
	switch {
	case e.Kind == Hold:
		s.Held += e.Amount
	case e.Kind == Refund:
		s.Refunded += e.Amount
	case e.Kind == Spend:
		s.Spent += e.Amount
		s.Charged++
	case e.Amount < 0:
		s.Corrected += e.Amount
	default:
		s.ToppedUp += e.Amount
	}
}
