package storage

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"
)

// somePrices gives n in their order.
func somePrices(n int) []Price {
	all := make([]Price, n)
	for i := range all {
		all[i] = Price{Prefix: fmt.Sprintf("31%06d", i), Amount: Millicredits(i), Note: "x"}
	}
	return all
}

func TestPrices_ManyPages_SurviveRestartAndShrink(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	db := openTestAt(t, path, Options{})
	ctx := t.Context()
	if l, err := db.PutPrices(ctx, "retail", somePrices(2*pricePage+1)); err != nil || l.Count != 2*pricePage+1 || l.Created == 0 || l.Changed == 0 {
		t.Fatalf("%+v: %v", l, err)
	}
	if _, err := db.PutPrices(ctx, "retail2", somePrices(1)); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = openTestAt(t, path, Options{})
	all, err := db.Prices("retail")
	if err != nil || len(all) != 2*pricePage+1 || all[pricePage].Amount != pricePage {
		t.Fatalf("%d prices: %v", len(all), err)
	}
	if _, err := db.PutPrices(ctx, "retail", somePrices(3)); err != nil {
		t.Fatal(err)
	}
	if all, err = db.Prices("retail"); err != nil || len(all) != 3 {
		t.Errorf("%d prices: %v", len(all), err)
	}
	if all, err = db.Prices("retail2"); err != nil || len(all) != 1 {
		t.Errorf("the other list: %d prices: %v", len(all), err)
	}
}

func TestPriceList_SetAndRemoved(t *testing.T) {
	db := openTest(t, Options{})
	ctx := t.Context()
	if _, err := db.PutPrices(ctx, "cost", somePrices(5)); err != nil {
		t.Fatal(err)
	}
	l, err := db.ChangePriceList(ctx, "cost", func(l *PriceList) error { l.Channels = []string{"gsm"}; return nil })
	if err != nil || l.Count != 5 {
		t.Fatalf("%+v: %v", l, err)
	}
	if l, _ := db.PriceList("cost"); len(l.Channels) != 1 || len(db.PriceLists()) != 1 {
		t.Errorf("found %+v", l)
	}
	if err := db.RemovePriceList(ctx, "cost"); err != nil {
		t.Fatal(err)
	}
	if err := db.RemovePriceList(ctx, "cost"); !errors.Is(err, ErrNotFound) {
		t.Errorf("removed twice: %v", err)
	}
	if _, err := db.Prices("cost"); !errors.Is(err, ErrNotFound) {
		t.Errorf("its prices: %v", err)
	}
}

func TestPrices_Refused_NothingChanges(t *testing.T) {
	db := openTest(t, Options{})
	for name, prices := range map[string][]Price{
		"letters":   {{Prefix: "31x"}},
		"negative":  {{Prefix: "31", Amount: -1}},
		"end":       {{Prefix: "31", Start: 5, End: 5}},
		"order":     {{Prefix: "32"}, {Prefix: "31"}},
		"twice":     {{Prefix: "31", Start: 1}, {Prefix: "31", Start: 1}},
		"too long":  {{Prefix: "12345678901234567"}},
		"too great": {{Prefix: "31", Amount: maxPriceFor + 1}},
	} {
		if _, err := db.PutPrices(t.Context(), "retail", prices); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := db.PutPrices(t.Context(), "", nil); !errors.Is(err, ErrInvalid) {
		t.Errorf("no name: %v", err)
	}
	if len(db.PriceLists()) != 0 {
		t.Error("something was stored")
	}
}

func TestCheck_PricesDamaged_Found(t *testing.T) {
	db := openTest(t, Options{})
	if _, err := db.PutPrices(t.Context(), "retail", somePrices(pricePage+1)); err != nil {
		t.Fatal(err)
	}
	if err := db.Check(t.Context()); err != nil {
		t.Fatalf("well: %v", err)
	}
	for name, damage := range map[string]func(b *bolt.Bucket) error{
		"a page is missing": func(b *bolt.Bucket) error { return b.Delete(priceKey("retail", 1)) },
		"a page of no list": func(b *bolt.Bucket) error { return b.Put(priceKey("other", 0), []byte{0x80}) },
		"a page is garbage": func(b *bolt.Bucket) error { return b.Put(priceKey("retail", 0), []byte{0xFF}) },
	} {
		tx, err := db.bolt.Begin(true)
		if err != nil {
			t.Fatal(err)
		}
		if err := damage(tx.Bucket(inPrices.name())); err != nil {
			t.Fatal(err)
		}
		c := &check{ctx: t.Context(), db: db, tx: tx}
		if err := c.prices(); err != nil || len(c.findings) == 0 {
			t.Errorf("%s: %v, %d findings", name, err, len(c.findings))
		}
		tx.Rollback()
	}
}

func TestRoute_Changed_SurvivesRestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	db := openTestAt(t, path, Options{})
	ctx := t.Context()
	want := Route{Order: 7, Dests: []string{"31", "=1234"}, Channels: []RouteChannel{{Name: "gsm"}, {Name: "smpp:x", Weight: 3}}, Strategy: "weighted", Last: true}
	made, err := db.ChangeRoute(ctx, "1", func(r *Route) error { id, at := r.ID, r.Created; *r = want; r.ID, r.Created = id, at; return nil })
	if err != nil || made.ID != "1" || made.Created == 0 {
		t.Fatalf("%+v: %v", made, err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = openTestAt(t, path, Options{})
	r, ok := db.Route("1")
	if !ok || fmt.Sprint(r) != fmt.Sprint(made) || len(db.Routes()) != 1 {
		t.Errorf("found %+v, made %+v", r, made)
	}
	if err := db.RemoveRoute(ctx, "1"); err != nil {
		t.Fatal(err)
	}
	if err := db.RemoveRoute(ctx, "1"); !errors.Is(err, ErrNotFound) {
		t.Errorf("removed twice: %v", err)
	}
}

func TestRoute_Refused_NothingChanges(t *testing.T) {
	db := openTest(t, Options{})
	for name, fn := range map[string]func(*Route) error{
		"identity":      func(r *Route) error { r.ID = "2"; return nil },
		"parts":         func(r *Route) error { r.MinParts = -1; return nil },
		"weight":        func(r *Route) error { r.Channels = []RouteChannel{{Name: "gsm", Weight: -1}}; return nil },
		"channel":       func(r *Route) error { r.Channels = []RouteChannel{{}}; return nil },
		"list too long": func(r *Route) error { r.Dests = make([]string, maxRouteList+1); return nil },
		"text too long": func(r *Route) error { r.Note = strings.Repeat("x", maxText+1); return nil },
	} {
		if _, err := db.ChangeRoute(t.Context(), "1", fn); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(db.Routes()) != 0 {
		t.Error("something was stored")
	}
}
