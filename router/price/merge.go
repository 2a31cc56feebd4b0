package price

import "gsmgate/storage"

// Kind says what became of a price.
type Kind uint8

const (
	Added Kind = iota
	Changed
	Removed
)

func (k Kind) String() string { return [...]string{"added", "changed", "removed"}[k] }

// Change is a price that an import changes. From is nil for one that is added, To
// for one that is removed.
type Change struct {
	Kind     Kind
	From, To *storage.Price
}

// Report says what an import changes. Kept are prices of which it says nothing.
type Report struct {
	Changes                                  []Change
	Added, Changed, Removed, Unchanged, Kept int
}

// Merge puts what is new into a list, both in the order of storage.ComparePrices;
// replace takes out what is not among it.
func Merge(old, fresh []storage.Price, replace bool) (merged []storage.Price, r Report) {
	i, j := 0, 0
	for i < len(old) || j < len(fresh) {
		switch c := compare(old[i:], fresh[j:]); {
		case c < 0 && replace:
			r.note(Removed, &old[i], nil)
			i++
		case c < 0:
			merged = append(merged, old[i])
			r.Kept++
			i++
		case c > 0:
			merged = append(merged, fresh[j])
			r.note(Added, nil, &fresh[j])
			j++
		default:
			merged = append(merged, fresh[j])
			r.compare(&old[i], &fresh[j])
			i, j = i+1, j+1
		}
	}
	return merged, r
}

// compare is that of the first ones; what is at its end is the greater.
func compare(old, fresh []storage.Price) int {
	switch {
	case len(old) == 0:
		return 1
	case len(fresh) == 0:
		return -1
	}
	return storage.ComparePrices(&old[0], &fresh[0])
}

func (r *Report) compare(old, fresh *storage.Price) {
	if same(old, fresh) && old.Note == fresh.Note {
		r.Unchanged++
		return
	}
	r.note(Changed, old, fresh)
}

func (r *Report) note(k Kind, from, to *storage.Price) {
	r.Changes = append(r.Changes, Change{k, from, to})
	switch k {
	case Added:
		r.Added++
	case Changed:
		r.Changed++
	case Removed:
		r.Removed++
	}
}
