package plan

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"

	"gsmgate/router/price"
	"gsmgate/storage"
)

// large is a plan of so many routes with 100 prefixes each, and price lists of
// so many prefixes for each of eight channels.
func large(tb testing.TB, routes, prefixes int) (*Plan, *world, []Query) {
	r := rand.New(rand.NewPCG(1, 2))
	text := func() string {
		s := fmt.Sprint(100_000_000 + r.IntN(899_999_999))
		return s[:4+r.IntN(6)]
	}
	c := Config{Lists: map[string]*price.List{}, Costs: map[string]string{}}
	for ch := range 8 {
		var prices []storage.Price
		for range prefixes {
			prices = append(prices, storage.Price{Prefix: text(), Amount: storage.Millicredits(r.IntN(100))})
		}
		name := fmt.Sprintf("smpp:%d", ch)
		c.Lists[name], c.Costs[name] = price.Compile(append(prices, storage.Price{Amount: 500})), name
	}
	for i := range routes {
		rt := storage.Route{ID: fmt.Sprint(i), Order: 100 + r.IntN(3), Created: storage.Time(i), Strategy: "least-cost", Last: true}
		for range 100 {
			rt.Dests = append(rt.Dests, text())
		}
		for _, ch := range r.Perm(8)[:3] {
			rt.Channels = append(rt.Channels, storage.RouteChannel{Name: fmt.Sprintf("smpp:%d", ch)})
		}
		if i%2 == 0 {
			rt.Users = []string{fmt.Sprintf("user%d", r.IntN(10))}
		}
		c.Routes = append(c.Routes, rt)
	}
	c.Routes = append(c.Routes, route("default", "smpp:0 smpp:1 smpp:2", order(900), by("least-cost")))
	p, err := New(c)
	if err != nil {
		tb.Fatal(err)
	}
	queries := make([]Query, 1<<12)
	for i := range queries {
		queries[i] = Query{User: fmt.Sprintf("user%d", r.IntN(10)), Source: "Acme", Dest: fmt.Sprint(10_000_000_000 + r.IntN(89_999_999_999)), Class: GSM7, Parts: 1, At: 1}
	}
	return p, &world{p: p, states: map[string]State{}}, queries
}

// still are facts that cost nothing.
type still struct{}

func (still) Channel(int) State { return State{Ready: true, Quality: UnknownQuality} }
func (still) Turn(int) uint32   { return 0 }

func TestChoose_AllocatesNothing(t *testing.T) {
	p, _, queries := large(t, 100, 1000)
	c := new(Choice)
	i := 0
	if n := testing.AllocsPerRun(1000, func() { p.Choose(&queries[i%len(queries)], still{}, c); i++ }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// aimChoice is the longest that a choice may take, in nanoseconds.
const aimChoice = 2000

// Route choice with the prices of all candidates, over 1,000 routes of 100
// prefixes and eight lists of 12,500.
func BenchmarkChoose_1000Routes_100kPrefixes(b *testing.B) {
	p, _, queries := large(b, 1000, 12_500)
	c := new(Choice)
	b.ReportMetric(float64(p.Rules()), "routes")
	b.ReportMetric(float64(p.all.Len()), "prefixes")
	b.ReportAllocs()
	runtime.GC()
	b.ResetTimer()
	began := cpuTime()
	for i := range b.N {
		p.Choose(&queries[i&(1<<12-1)], still{}, c)
	}
	b.ReportMetric(float64(cpuTime()-began)/float64(b.N), "cpu-ns/op")
	b.ReportMetric(aimChoice, "aim-ns/op")
	if c.run == 0 {
		b.Fatal("nothing was chosen")
	}
}
