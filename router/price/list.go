package price

import (
	"cmp"
	"slices"

	"gsmgate/router/prefix"
	"gsmgate/storage"
)

// List is a price list, made for looking up. The zero one has no price.
type List struct {
	table prefix.Table[span]
	rows  []row
}

// span are the rows of one prefix, in the order of their start. Most prefixes have
// one, which is here: one place of memory less to look at.
type span struct {
	row
	first, n int32
}

type row struct {
	start, end storage.Time // end 0: none
	amount     storage.Millicredits
}

// blocked is the amount of a row that is no price.
const blocked = storage.Millicredits(-1)

// Found says what a list has for a destination.
type Found uint8

const (
	None    Found = iota // no price
	Priced               // a price
	Blocked              // the destination is not served
)

// Compile makes a list of prices in any order. Of two with the same prefix and
// start the last one counts; a prefix that is none is left out.
func Compile(prices []storage.Price) *List {
	sorted := slices.Clone(prices)
	slices.SortStableFunc(sorted, func(a, b storage.Price) int { return storage.ComparePrices(&a, &b) })
	l := &List{}
	var entries []prefix.Entry[span]
	for i := range sorted {
		p := &sorted[i]
		key, ok := prefix.Of(p.Prefix)
		if !ok || i+1 < len(sorted) && storage.ComparePrices(p, &sorted[i+1]) == 0 {
			continue
		}
		if n := len(entries); n == 0 || entries[n-1].Key != key {
			entries = append(entries, prefix.Entry[span]{Key: key, Value: span{row: rowOf(p), first: int32(len(l.rows))}})
		}
		entries[len(entries)-1].Value.n++
		l.rows = append(l.rows, rowOf(p))
	}
	l.rows = slices.Clip(l.rows)
	l.table = *prefix.New(entries)
	return l
}

func rowOf(p *storage.Price) row {
	r := row{p.Start, p.End, p.Amount}
	if p.Blocked {
		r.amount = blocked
	}
	return r
}

// Len is how many prices there are.
func (l *List) Len() int { return len(l.rows) }

// Lookup gives what a part to the number costs at a time.
func (l *List) Lookup(number prefix.Key, at storage.Time) (storage.Millicredits, Found) {
	_, amount, found := l.Find(number, at)
	return amount, found
}

// Find is Lookup that also tells the prefix.
func (l *List) Find(number prefix.Key, at storage.Time) (prefix.Key, storage.Millicredits, Found) {
	for i := l.table.Find(number); i >= 0; i = l.table.Up(i) {
		key, s := l.table.At(i)
		r, ok := l.valid(&s, at)
		switch {
		case !ok:
		case r.amount == blocked:
			return key, 0, Blocked
		default:
			return key, r.amount, Priced
		}
	}
	return 0, 0, None
}

// valid gives the row of a span that holds at a time: the last one to have begun,
// if it has not ended.
func (l *List) valid(s *span, at storage.Time) (row, bool) {
	if s.n == 1 {
		return s.row, s.start <= at && (s.end == 0 || at < s.end)
	}
	rows := l.rows[s.first : s.first+s.n]
	i, exact := slices.BinarySearchFunc(rows, at, func(r row, at storage.Time) int { return cmp.Compare(r.start, at) })
	if !exact {
		i--
	}
	if i < 0 || rows[i].end != 0 && rows[i].end <= at {
		return row{}, false
	}
	return rows[i], true
}
