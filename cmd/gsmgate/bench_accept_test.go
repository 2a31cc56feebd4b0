package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"gsmgate/router"
	"gsmgate/storage"
)

const aimEquipped = 0.75 // of the rate without ledger, prices and routes, at least

// BenchmarkAcceptEquipped prints the rate at which clients' messages are accepted,
// over TLS, with ledger, price lists and routes on beside the rate without. They take
// turns; what the router alone makes of it is in its own benchmark.
func BenchmarkAcceptEquipped(b *testing.B) {
	const turns, each = 6, 600 * time.Millisecond // together far from a full queue
	for b.Loop() {
		bare, without := storing(b)
		priced(b, without, "free", "*,0\n")
		full, all := storing(b)
		equip(b, all)
		submitFor(b, bare, each) // the first fills an empty file
		submitFor(b, full, each)
		var rates, bares []measured
		for range turns {
			rates = append(rates, submitFor(b, full, each))
			bares = append(bares, submitFor(b, bare, each))
		}
		share := medianRate(rates) / medianRate(bares)
		printTable("accepting, 16 sessions, window 100, over TLS, on disk, medians of 6 turns of 0.6 s", [][]string{
			{"", "messages/s", "of without", "aim", "processor µs/message", "without's part of it"},
			{"without ledger, prices and routes", whole(medianRate(bares)), "", "", whole(medianCPU(bares)), ""},
			{"ledger, 4 lists of 25,000 prices, 1,000 routes", whole(medianRate(rates)), ratio(share, 1), ratio(aimEquipped, 1), whole(medianCPU(rates)), ratio(medianCPU(bares), medianCPU(rates))},
		})
		b.ReportMetric(share, "of-without")
		noneRefused(b, slices.Concat(rates, bares))
		for _, app := range []*App{without, all} {
			if err := app.Stop(); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// priced has the user pay by a list.
func priced(b *testing.B, app *App, list, table string) {
	b.Helper()
	imported(b, app, list, table)
	if _, err := app.Router().SetUser(b.Context(), "load", router.UserChange{UserSettings: router.UserSettings{PriceList: &list}}); err != nil {
		b.Fatal(err)
	}
}

func imported(b *testing.B, app *App, list, table string) {
	b.Helper()
	if rep, err := app.Router().ImportPrices(b.Context(), router.PriceImport{List: list, Table: []byte(table), SkipErrors: true}); err != nil || !rep.Done {
		b.Fatalf("%v, %v", rep.Problems, err)
	}
}

// equip gives the gateway a price list of its user, three providers with a list
// each, and 1,000 routes of 100 prefixes. Nothing answers at the providers.
func equip(b *testing.B, app *App) {
	b.Helper()
	rnd := rand.New(rand.NewPCG(1, 2))
	prices := func() string {
		var table strings.Builder
		table.WriteString("*,0.5\n")
		for range 25_000 {
			fmt.Fprintf(&table, "%s,0.%03d\n", somePrefix(rnd), rnd.IntN(1000))
		}
		return table.String()
	}
	names := []string{"a", "b", "c"}
	for _, name := range names {
		c := storage.Channel{Name: name, Kind: "smpp", SMPP: &storage.SMPPChannel{Address: "127.0.0.1:1", SystemID: "gate"}}
		if err := app.Router().PutChannel(b.Context(), c, true); err != nil {
			b.Fatal(err)
		}
		if err := app.channelChanged(name); err != nil {
			b.Fatal(err)
		}
	}
	for i := range 1000 {
		if _, err := app.Router().AddRoute(b.Context(), someRoute(rnd, i)); err != nil {
			b.Fatal(err)
		}
	}
	priced(b, app, "retail", prices())
	for _, name := range names {
		imported(b, app, name, prices())
		if _, err := app.Router().SetPriceList(b.Context(), name, router.PriceListChange{Channels: &[]string{name}}); err != nil {
			b.Fatal(err)
		}
	}
}

// someRoute is one of 1,000: the last takes what the others do not.
func someRoute(rnd *rand.Rand, i int) storage.Route {
	r := storage.Route{ID: fmt.Sprint("r", i), Order: 100 + i%3, Strategy: "least-cost"}
	if i == 999 {
		r.Order = 900
	} else {
		for range 100 {
			r.Dests = append(r.Dests, somePrefix(rnd))
		}
	}
	for _, n := range rnd.Perm(3) {
		r.Channels = append(r.Channels, storage.RouteChannel{Name: string(rune('a' + n))})
	}
	return r
}

// somePrefix has four to nine digits. One in ten is of the networks to which the
// clients send.
func somePrefix(rnd *rand.Rand) string {
	n := 100_000_000 + rnd.IntN(899_999_999)
	if rnd.IntN(10) == 0 {
		n = 316_000_000 + rnd.IntN(160_000)*100
	}
	return fmt.Sprint(n)[:4+rnd.IntN(6)]
}
