package router

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"gsmgate/storage"
)

// acceptor is a router over a store of its own, with one user of much credit.
func acceptor(b *testing.B) *Router {
	b.Helper()
	db, err := storage.Open(filepath.Join(b.TempDir(), "store.db"), storage.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	r := New(db, Options{})
	r.Add(&scripted{})
	for _, name := range []string{"smpp:1", "smpp:2", "smpp:3"} {
		r.Add(&other{name: name})
	}
	if _, err := r.AddUser(b.Context(), UserSpec{SystemID: "acme", Password: "secret", Credits: 1_000_000 * storage.Credit}); err != nil {
		b.Fatal(err)
	}
	return r
}

// equip gives it 1,000 routes of 100 prefixes, a price list of the user and three
// of channels, with 25,000 prefixes each.
func equip(b *testing.B, r *Router) {
	b.Helper()
	rnd := rand.New(rand.NewPCG(1, 2))
	digits := func() string {
		s := fmt.Sprint(100_000_000 + rnd.IntN(899_999_999))
		return s[:4+rnd.IntN(6)]
	}
	for _, list := range []string{"retail", "smpp:1", "smpp:2", "smpp:3"} {
		var table strings.Builder
		table.WriteString("*,0.5\n")
		for range 25_000 {
			fmt.Fprintf(&table, "%s,0.%03d,2026-01-%02d\n", digits(), rnd.IntN(1000), 1+rnd.IntN(28))
		}
		name := strings.Replace(list, ":", "-", 1)
		if rep, err := r.ImportPrices(b.Context(), PriceImport{List: name, Table: []byte(table.String()), SkipErrors: true}); err != nil || !rep.Done {
			b.Fatalf("%v %v", rep.Problems, err)
		}
		if list != "retail" {
			if _, err := r.SetPriceList(b.Context(), name, PriceListChange{Channels: &[]string{list}}); err != nil {
				b.Fatal(err)
			}
		}
	}
	list := "retail"
	if _, err := r.SetUser(b.Context(), "acme", UserChange{UserSettings: UserSettings{PriceList: &list}}); err != nil {
		b.Fatal(err)
	}
	for i := range 1000 {
		route := storage.Route{ID: fmt.Sprint(i), Order: 100 + i%3, Strategy: "least-cost", Dests: []string{}}
		for range 100 {
			route.Dests = append(route.Dests, digits())
		}
		if i == 999 {
			route.Dests, route.Order = nil, 900
		}
		for _, n := range rnd.Perm(3) {
			route.Channels = append(route.Channels, storage.RouteChannel{Name: fmt.Sprintf("smpp:%d", n+1)})
		}
		if _, err := r.db.ChangeRoute(b.Context(), route.ID, func(s *storage.Route) error {
			route.Created = s.Created
			*s = route
			return nil
		}); err != nil {
			b.Fatal(err)
		}
	}
	r.redraw()
	r.guide()
}

// cpuTime is what the process has had of the processors. It does not count what
// others on the machine do meanwhile.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// traffic gives the recipients of messages.
type traffic func() string

// scattered are numbers from anywhere in the world, each its own: the worst for
// every cache of the processor.
func scattered() traffic {
	rnd := rand.New(rand.NewPCG(5, 6))
	return func() string { return fmt.Sprint(10_000_000_000 + rnd.IntN(89_999_999_999)) }
}

// usual are numbers as users have them: of 1,000 networks, some of which have many
// and most few, by Zipf's law.
func usual() traffic {
	rnd := rand.New(rand.NewPCG(7, 8))
	networks := rand.NewZipf(rnd, 1.1, 1, 999)
	return func() string {
		network := rand.New(rand.NewPCG(9, networks.Uint64())).IntN(89_999)
		return fmt.Sprint((10_000+network)*1_000_000 + rnd.IntN(999_999))
	}
}

// accept takes n messages in, 512 at once.
func accept(b *testing.B, r *Router, n int, to traffic) (clock, cpu time.Duration) {
	slots := make(chan struct{}, 512)
	var wg sync.WaitGroup
	dests := make([]string, n)
	for i := range dests {
		dests[i] = to()
	}
	runtime.GC()
	began, used := time.Now(), cpuTime()
	for i := range n {
		slots <- struct{}{}
		wg.Add(1)
		m := &storage.Message{Kind: storage.MT, User: "acme", Session: "s1", Source: storage.Address{TON: 5, Addr: "Acme"}, RegisteredDelivery: 1,
			Dest: storage.Address{TON: 1, NPI: 1, Addr: dests[i]}, Text: "Your code is 123456. It is good for ten minutes."}
		r.Submit(m, func(_ storage.ID, err error) {
			if err != nil {
				b.Error(err)
			}
			<-slots
			wg.Done()
		})
	}
	wg.Wait()
	return time.Since(began), cpuTime() - used
}

// freeOfCharge takes the ledger away: nothing is held for a message that costs
// nothing.
func freeOfCharge(b *testing.B, r *Router) {
	b.Helper()
	if rep, err := r.ImportPrices(b.Context(), PriceImport{List: "free", Table: []byte("*,0\n")}); err != nil || !rep.Done {
		b.Fatalf("%v %v", rep.Problems, err)
	}
	list := "free"
	if _, err := r.SetUser(b.Context(), "acme", UserChange{UserSettings: UserSettings{PriceList: &list}}); err != nil {
		b.Fatal(err)
	}
}

// aimEquipped is the least share of the rate without.
const aimEquipped = 75 // percent

// The rate of accepting with ledger, price lists and routes beside the rate without
// any of them, and with the ledger alone. Rounds take turns, and each is compared
// with the one beside it, so that what else the machine does falls on all; the
// median counts. Processor time counts what the process itself needs.
func BenchmarkAccept_LedgerRoutesAndPrices(b *testing.B) {
	const round = 4000
	kinds := []*Router{acceptor(b), acceptor(b), acceptor(b)} // without, ledger, all
	freeOfCharge(b, kinds[0])
	equip(b, kinds[2])
	for name, to := range map[string]traffic{"usual": usual(), "scattered": scattered()} {
		b.Run(name, func(b *testing.B) {
			for _, r := range kinds {
				accept(b, r, round, to)
			}
			var rates, needs [3][]float64 // messages a second; processor ns a message
			for b.Loop() {
				for k, r := range kinds {
					clock, cpu := accept(b, r, round, to)
					rates[k] = append(rates[k], round/clock.Seconds())
					needs[k] = append(needs[k], float64(cpu.Nanoseconds())/round)
				}
			}
			b.ReportMetric(0, "ns/op")
			for k, name := range []string{"without", "ledger", "all"} {
				b.ReportMetric(median(rates[k]), name+"/s")
				b.ReportMetric(median(needs[k]), "cpu-ns/"+name)
			}
			b.ReportMetric(100*beside(rates[2], rates[0]), "%rate")
			b.ReportMetric(100*beside(needs[0], needs[2]), "%cpu-rate")
			b.ReportMetric(aimEquipped, "%aim")
		})
	}
}

// beside is the median of how each is to the one of the same round.
func beside(a, of []float64) float64 {
	all := make([]float64, len(a))
	for i := range a {
		all[i] = a[i] / of[i]
	}
	return median(all)
}

func median(v []float64) float64 {
	sorted := slices.Sorted(slices.Values(v))
	return sorted[len(sorted)/2]
}
