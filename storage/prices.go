package storage

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	bolt "go.etcd.io/bbolt"
)

// PriceList is what a list of prices is called and whom it is for. Its prices are
// beside it, see DB.Prices.
type PriceList struct {
	Name     string   `cbor:"1,keyasint"`
	Created  Time     `cbor:"2,keyasint,omitempty"`
	Changed  Time     `cbor:"3,keyasint,omitempty"` // when its prices were changed last
	Note     string   `cbor:"4,keyasint,omitempty"`
	Channels []string `cbor:"5,keyasint,omitempty"` // what these cost us is in the list
	Count    int      `cbor:"6,keyasint,omitempty"` // of its prices
}

// Price is what one part to a prefix costs from Start until the next price of the
// same prefix starts, or End.
type Price struct {
	_       struct{} `cbor:",toarray"`
	Prefix  string   // digits; "" is any destination
	Amount  Millicredits
	Blocked bool // the destination is not served, whatever a shorter prefix says
	Start   Time // 0: always
	End     Time // 0: none; from then on a shorter prefix holds
	Note    string
}

// Bounds of prices.
const (
	MostPrices  = 500_000 // in one list
	pricePage   = 2048    // in one record: all of a list are written at once
	maxPrefix   = 16
	maxPriceFor = Millicredits(1e9) // a million credits a part
)

func validatePriceList(l *PriceList) error {
	switch {
	case l.Name == "":
		return invalid("a price list without a name")
	case len(l.Note) > maxText || len(l.Channels) > maxList:
		return invalid("price list %q: %d octets in its note, %d channels", l.Name, len(l.Note), len(l.Channels))
	case l.Count < 0 || l.Count > MostPrices:
		return invalid("price list %q has %d prices", l.Name, l.Count)
	}
	for _, c := range l.Channels {
		if err := validName("channel", c); err != nil {
			return err
		}
	}
	return validName("price list", l.Name)
}

func (p *Price) validate() error {
	switch {
	case len(p.Prefix) > maxPrefix || strings.Trim(p.Prefix, "0123456789") != "":
		return invalid("a price for the prefix %q", p.Prefix)
	case p.Amount < 0 || p.Amount > maxPriceFor:
		return invalid("a price of %d for %q", p.Amount, p.Prefix)
	case p.Start < 0 || p.End < 0 || p.End != 0 && p.End <= p.Start:
		return invalid("a price for %q that ends before it starts", p.Prefix)
	case len(p.Note) > maxText:
		return invalid("a note of %d octets", len(p.Note))
	}
	return nil
}

// validatePrices wants them in order, each once.
func validatePrices(prices []Price) error {
	if len(prices) > MostPrices {
		return invalid("%d prices in one list", len(prices))
	}
	for i := range prices {
		if err := prices[i].validate(); err != nil {
			return err
		}
		if i > 0 && ComparePrices(&prices[i-1], &prices[i]) >= 0 {
			return invalid("prices out of order at %q", prices[i].Prefix)
		}
	}
	return nil
}

// ComparePrices is the order of a list: by prefix, then by start.
func ComparePrices(a, b *Price) int {
	if c := strings.Compare(a.Prefix, b.Prefix); c != 0 {
		return c
	}
	switch {
	case a.Start < b.Start:
		return -1
	case a.Start > b.Start:
		return 1
	}
	return 0
}

// PriceList gives what is known of a list.
func (db *DB) PriceList(name string) (PriceList, bool) { return db.lists.get(name) }

// PriceLists gives all lists by name. Their slices are shared: do not change them.
func (db *DB) PriceLists() []PriceList {
	all := db.lists.list()
	slices.SortFunc(all, func(a, b PriceList) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// ChangePriceList gives fn the record of a list, a new one when there is none, and
// stores what it leaves. fn runs on the writer: it must be quick, and must not
// call the store. When ctx ends first, it may still be done.
func (db *DB) ChangePriceList(ctx context.Context, name string, fn func(l *PriceList) error) (PriceList, error) {
	now := TimeOf(db.opts.Now())
	return db.lists.change(ctx, db, name, func(l *PriceList, exists bool) (bool, error) {
		if !exists {
			l.Name, l.Created = name, now
		}
		before := l.Count
		err := fn(l)
		l.Channels = slices.Clone(l.Channels)
		if err == nil && (l.Name != name || l.Count != before) {
			err = invalid("another name or number of prices")
		}
		return true, err
	})
}

// PutPrices makes prices all that a list has, a new list when there is none, in
// one commit. They must be in the order of ComparePrices.
func (db *DB) PutPrices(ctx context.Context, name string, prices []Price) (PriceList, error) {
	pages, err := db.pricePages(prices)
	if err != nil {
		return PriceList{}, err
	}
	return wait(ctx, func(done func(PriceList, error)) {
		db.ask(&pricesOp{name: name, pages: pages, count: len(prices), done: done}, true)
	})
}

// pricePages encodes them, off the writer.
func (db *DB) pricePages(prices []Price) (pages [][]byte, err error) {
	if err := validatePrices(prices); err != nil {
		return nil, err
	}
	for page := range slices.Chunk(prices, pricePage) {
		b, err := db.codec.encode(page)
		if err != nil {
			return nil, err
		}
		pages = append(pages, b)
	}
	return pages, nil
}

// RemovePriceList forgets a list and its prices: ErrNotFound.
func (db *DB) RemovePriceList(ctx context.Context, name string) error {
	_, err := wait(ctx, func(done func(PriceList, error)) {
		db.ask(&pricesOp{name: name, remove: true, done: done}, true)
	})
	return err
}

// pricesOp replaces the prices of a list, or removes both.
type pricesOp struct {
	result
	name   string
	pages  [][]byte
	count  int
	remove bool
	list   PriceList
	done   func(PriceList, error)
}

func (o *pricesOp) apply(g *group) error {
	list, exists := g.db.lists.current(o.name)
	switch {
	case o.remove && !exists:
		return ErrNotFound
	case o.remove:
		o.count = 0
	case !exists:
		list.Name, list.Created = o.name, g.now
	}
	before := list.Count
	list.Count, list.Changed = o.count, g.now
	o.list = list
	staged := &list
	if o.remove {
		staged = nil
	}
	if err := g.db.lists.stage(g, o.name, staged); err != nil {
		return err
	}
	for i := range pagesOf(before) {
		if i >= len(o.pages) {
			g.remove(inPrices, priceKey(o.name, i))
		}
	}
	for i, page := range o.pages {
		g.put(inPrices, priceKey(o.name, i), page)
	}
	return nil
}

func (o *pricesOp) finish(err error) { o.done(o.list, err) }

// pagesOf is how many records hold so many prices.
func pagesOf(count int) int { return (count + pricePage - 1) / pricePage }

// priceKey is name NUL be32 page.
func priceKey(name string, page int) []byte {
	return binary.BigEndian.AppendUint32(append([]byte(name), 0), uint32(page))
}

// Prices reads the prices of a list in their order: ErrNotFound.
func (db *DB) Prices(name string) (all []Price, err error) {
	err = db.view(func(tx *bolt.Tx) error {
		if tx.Bucket(inPriceLists.name()).Get([]byte(name)) == nil {
			return ErrNotFound
		}
		all, err = readPrices(tx, db.codec, name)
		return err
	})
	return all, err
}

func readPrices(tx *bolt.Tx, c codec, name string) (all []Price, err error) {
	prefix := append([]byte(name), 0)
	cursor := tx.Bucket(inPrices.name()).Cursor()
	for k, v := cursor.Seek(prefix); bytes.HasPrefix(k, prefix); k, v = cursor.Next() {
		var page []Price
		if err := c.dec.Unmarshal(v, &page); err != nil {
			return nil, fmt.Errorf("prices %q: %w", k, err)
		}
		all = append(all, page...)
	}
	return all, nil
}

// prices looks at the prices of each list, and for those of none.
func (c *check) prices() error {
	pages := 0
	err := c.each(inPriceLists, func(k, v []byte) error {
		var l PriceList
		if err := c.db.codec.dec.Unmarshal(v, &l); err != nil {
			return nil // found already
		}
		pages += pagesOf(l.Count)
		return c.pricesOf(string(k), l.Count)
	})
	if err != nil {
		return err
	}
	n := 0
	err = c.each(inPrices, func(_, _ []byte) error { n++; return nil })
	if err == nil && n != pages {
		err = c.find("%d records of prices, the lists have %d", n, pages)
	}
	return err
}

func (c *check) pricesOf(list string, count int) error {
	all, err := readPrices(c.tx, c.db.codec, list)
	if err == nil {
		err = validatePrices(all)
	}
	if err == nil && len(all) != count {
		err = fmt.Errorf("%d prices, its record says %d", len(all), count)
	}
	if err == nil {
		return nil
	}
	return c.find("price list %q: %w", list, err)
}
