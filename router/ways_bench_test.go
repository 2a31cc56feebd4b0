package router

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
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

// taken is what some work took: by the clock, and of the processors. The latter
// does not count what others on the machine do meanwhile.
type taken struct{ clock, cpu time.Duration }

func (t *taken) add(clock, cpu time.Duration) { t.clock, t.cpu = t.clock+clock, t.cpu+cpu }

func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// accept takes n messages in, 512 at once.
func accept(b *testing.B, r *Router, n int) (clock, cpu time.Duration) {
	rnd := rand.New(rand.NewPCG(5, 6))
	slots := make(chan struct{}, 512)
	var wg sync.WaitGroup
	began, used := time.Now(), cpuTime()
	for range n {
		slots <- struct{}{}
		wg.Add(1)
		m := &storage.Message{Kind: storage.MT, User: "acme", Session: "s1", Source: storage.Address{TON: 5, Addr: "Acme"}, RegisteredDelivery: 1,
			Dest: storage.Address{TON: 1, NPI: 1, Addr: fmt.Sprint(10_000_000_000 + rnd.IntN(89_999_999_999))}, Text: "Your code is 123456. It is good for ten minutes."}
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

// The rate of accepting with price lists and routes beside the rate without, the
// ledger on in both, in turns so that what else the machine does falls on both.
func BenchmarkAccept_RoutesAndPrices(b *testing.B) {
	without, with := acceptor(b), acceptor(b)
	equip(b, with)
	const round = 2000
	accept(b, without, round)
	accept(b, with, round)
	var a, z taken
	n := 0
	b.ResetTimer()
	for b.Loop() {
		a.add(accept(b, without, round))
		z.add(accept(b, with, round))
		n += round
	}
	b.ReportMetric(float64(n)/a.clock.Seconds(), "without/s")
	b.ReportMetric(float64(n)/z.clock.Seconds(), "with/s")
	b.ReportMetric(100*a.clock.Seconds()/z.clock.Seconds(), "%rate")
	b.ReportMetric(float64(a.cpu.Nanoseconds())/float64(n), "cpu-ns/without")
	b.ReportMetric(float64(z.cpu.Nanoseconds())/float64(n), "cpu-ns/with")
}
