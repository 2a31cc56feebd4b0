package plan

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"gsmgate/router/price"
	"gsmgate/storage"
)

// world are the facts of a test: what is not said of a channel is ready and well.
type world struct {
	p      *Plan
	states map[string]State
	turn   uint32
}

func (w *world) Channel(n int) State {
	if s, ok := w.states[w.p.channels[n].name]; ok {
		return s
	}
	return State{Ready: true, Quality: UnknownQuality}
}

func (w *world) Turn(int) uint32 { return w.turn }

// route makes one with the given channels, "gsm smpp:x*3".
func route(id, channels string, edit ...func(*storage.Route)) storage.Route {
	r := storage.Route{ID: id, Order: 100}
	for _, name := range strings.Fields(channels) {
		name, weight, _ := strings.Cut(name, "*")
		ch := storage.RouteChannel{Name: name}
		fmt.Sscan(weight, &ch.Weight)
		r.Channels = append(r.Channels, ch)
	}
	for _, e := range edit {
		e(&r)
	}
	return r
}

func to(dests ...string) func(*storage.Route)    { return func(r *storage.Route) { r.Dests = dests } }
func order(n int) func(*storage.Route)           { return func(r *storage.Route) { r.Order = n } }
func users(names ...string) func(*storage.Route) { return func(r *storage.Route) { r.Users = names } }
func by(strategy string) func(*storage.Route) {
	return func(r *storage.Route) { r.Strategy = strategy }
}
func last(r *storage.Route)   { r.Last = true }
func reject(r *storage.Route) { r.Reject = true }

func costs(t testing.TB, lists map[string]string) (map[string]*price.List, map[string]string) {
	all, of := map[string]*price.List{}, map[string]string{}
	for channel, text := range lists {
		s := price.Parse([]byte(text), 0)
		if len(s.Problems) > 0 {
			t.Fatal(s.Problems)
		}
		all[channel+" list"], of[channel] = price.Compile(s.Prices), channel+" list"
	}
	return all, of
}

func made(t testing.TB, w *world, lists map[string]string, routes ...storage.Route) *Plan {
	t.Helper()
	for i := range routes {
		routes[i].Created = storage.Time(i + 1)
	}
	c := Config{Routes: routes}
	c.Lists, c.Costs = costs(t, lists)
	p, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	w.p = p
	return p
}

// run tells the candidates of a choice: "gsm smpp:x !http:y", ! for those that
// are lost.
func run(p *Plan, w *world, q Query) string {
	var c Choice
	if q.Parts == 0 {
		q.Parts = 1
	}
	p.Choose(&q, w, &c)
	var all []string
	for _, k := range c.Run() {
		all = append(all, p.channels[k.Channel].name)
	}
	for _, k := range c.LostOnes() {
		all = append(all, "!"+p.channels[k.Channel].name)
	}
	switch {
	case c.rejected >= 0:
		all = append(all, "rejected")
	case !c.Held():
		all = append(all, "no route")
	}
	return strings.Join(all, " ")
}

const dutch = "31612345678"

func TestChoose_OrderThenLongerPrefixThenUserThenAge(t *testing.T) {
	w := &world{}
	p := made(t, w, nil,
		route("1", "a"), route("2", "b", to("31")), route("3", "c", to("316")), route("4", "d", to("316"), users("acme")),
		route("5", "e", order(50), to("44")), route("6", "f", order(200), to("31612")), route("7", "g", to("316")), route("8", "h", to("="+dutch)),
	)
	for _, c := range []struct{ user, dest, want string }{
		{"acme", dutch, "h d c g b a f"}, {"other", "+" + dutch, "h c g b a f"}, {"acme", "31699", "d c g b a"}, {"acme", "4477", "e a"}, {"acme", "1", "a"},
	} {
		if got := run(p, w, Query{User: c.user, Dest: c.dest}); got != c.want {
			t.Errorf("%s to %s: %s, want %s", c.user, c.dest, got, c.want)
		}
	}
}

func TestChoose_LastAndReject_EndTheSearch(t *testing.T) {
	w := &world{}
	p := made(t, w, nil, route("1", "a", to("31"), last), route("2", "", to("319"), reject), route("3", "b"), route("4", "", to("44"), reject, order(200)))
	for dest, want := range map[string]string{dutch: "a", "31900": "rejected", "4477": "b rejected", "1": "b"} {
		if got := run(p, w, Query{Dest: dest}); got != want {
			t.Errorf("to %s: %s, want %s", dest, got, want)
		}
	}
}

func TestChoose_RangesAndNumbersAlone(t *testing.T) {
	w := &world{}
	p := made(t, w, nil, route("1", "a", to("+31610000000-+31619999999", "=1234")), route("2", "b", to("31600000000-31600000001")))
	for dest, want := range map[string]string{
		"31610000000": "a", "31619999999": "a", "31620000000": "no route", "3161000000": "no route", "316100000001": "no route",
		"1234": "a", "12345": "no route", "123": "no route", "31600000001": "b", "31600000002": "no route",
	} {
		if got := run(p, w, Query{Dest: dest}); got != want {
			t.Errorf("to %s: %s, want %s", dest, got, want)
		}
	}
}

func TestChoose_Conditions(t *testing.T) {
	w := &world{}
	p := made(t, w, nil,
		route("1", "bin", func(r *storage.Route) { r.Classes = []string{"binary", "flash"} }),
		route("2", "long", func(r *storage.Route) { r.MinParts = 4 }),
		route("3", "mid", func(r *storage.Route) { r.MinParts, r.MaxParts = 2, 3 }),
		route("4", "alpha", func(r *storage.Route) { r.Sources = []string{"alpha"} }),
		route("5", "num", func(r *storage.Route) { r.Sources = []string{"+3161*", "100", "Ac*"} }),
		route("6", "off", func(r *storage.Route) { r.Disabled = true }),
	)
	for _, c := range []struct {
		q    Query
		want string
	}{
		{Query{Class: GSM7}, "no route"}, {Query{Class: Binary}, "bin"}, {Query{Class: GSM7 | Flash}, "bin"}, {Query{Class: Unicode | Flash, Parts: 2}, "bin mid"},
		{Query{Parts: 3}, "mid"}, {Query{Parts: 4}, "long"},
		{Query{Source: "Acme"}, "alpha num"}, {Query{Source: "Bcme"}, "alpha"}, {Query{Source: "100"}, "num"}, {Query{Source: "1001"}, "no route"},
		{Query{Source: "+31612"}, "num"}, {Query{Source: "31612"}, "num"}, {Query{Source: ""}, "no route"},
	} {
		if got := run(p, w, c.q); got != c.want {
			t.Errorf("%+v: %s, want %s", c.q, got, c.want)
		}
	}
}

func TestChoose_TimeOfTheWeek(t *testing.T) {
	w := &world{}
	p := made(t, w, nil,
		route("1", "office", func(r *storage.Route) { r.When, r.Zone = []string{"mon-fri 08:00-18:00"}, "Europe/Amsterdam" }),
		route("2", "night", func(r *storage.Route) { r.When, r.Zone = []string{"sat 22:00-06:00"}, "UTC" }),
		route("3", "weekend", func(r *storage.Route) { r.When, r.Zone = []string{"sat,sun"}, "UTC" }),
	)
	for _, c := range []struct{ at, want string }{
		{"2026-11-27T06:59:00Z", "no route"}, // Friday, 07:59 in Amsterdam
		{"2026-11-27T07:00:00Z", "office"}, {"2026-11-27T16:59:59Z", "office"}, {"2026-11-27T17:00:00Z", "no route"},
		{"2026-07-24T06:00:00Z", "office"}, // summer time
		{"2026-11-28T21:59:00Z", "weekend"}, {"2026-11-28T22:00:00Z", "night weekend"},
		{"2026-11-29T05:59:00Z", "night weekend"}, {"2026-11-29T06:00:00Z", "weekend"}, {"2026-11-30T00:00:00Z", "no route"},
	} {
		at, err := time.Parse(time.RFC3339, c.at)
		if err != nil {
			t.Fatal(err)
		}
		if got := run(p, w, Query{At: storage.TimeOf(at)}); got != c.want {
			t.Errorf("at %s: %s, want %s", c.at, got, c.want)
		}
	}
}

func TestChoose_LeastCost_UnknownLast_UnservedLost(t *testing.T) {
	w := &world{states: map[string]State{"down": {Quality: UnknownQuality}, "unfit": {Unfit: true, Ready: true}, "gone": {Missing: true}}}
	p := made(t, w, map[string]string{
		"a": "31,0.03\n44,0.01\n", "b": "31,0.02\n316,0.05\n44,blocked\n", "down": "*,0.001\n", "unfit": "*,0\n", "gone": "*,0\n", "gsm": "31,0.04\n",
	}, route("1", "free a b down unfit gone gsm/NL", by("least-cost")))
	for dest, want := range map[string]string{
		dutch: "a gsm/NL b free down !unfit !gone", "31201": "b a gsm/NL free down !unfit !gone", "4477": "a free down !b !unfit !gone !gsm/NL",
	} {
		if got := run(p, w, Query{Dest: dest}); got != want {
			t.Errorf("to %s: %s, want %s", dest, got, want)
		}
	}
}

func TestChoose_NotReady_BehindThoseOfLaterRules(t *testing.T) {
	w := &world{states: map[string]State{"a": {Quality: UnknownQuality}, "c": {Quality: UnknownQuality}}}
	p := made(t, w, nil, route("1", "a b", to("31")), route("2", "c d"))
	if got := run(p, w, Query{Dest: dutch}); got != "b d a c" {
		t.Errorf("run %s", got)
	}
}

func TestChoose_Quality_BehindTheOthersOfTheRule(t *testing.T) {
	w := &world{states: map[string]State{"a": {Ready: true, Quality: 79}, "b": {Ready: true, Quality: 80}}}
	p := made(t, w, map[string]string{"a": "*,0.01", "b": "*,0.03", "c": "*,0.02"}, route("1", "a b c", by("least-cost"), func(r *storage.Route) { r.MinQuality = 80 }), route("2", "d"))
	if got := run(p, w, Query{Dest: dutch}); got != "c b a d" {
		t.Errorf("run %s", got)
	}
}

func TestChoose_RoundRobin_TurnsAmongTheReady(t *testing.T) {
	w := &world{states: map[string]State{"b": {Quality: UnknownQuality}}}
	p := made(t, w, nil, route("1", "a b c d", by("round-robin")))
	var got []string
	for w.turn = range 4 {
		got = append(got, run(p, w, Query{Dest: dutch}))
	}
	if want := []string{"a c d b", "c d a b", "d a c b", "a c d b"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestChoose_Weighted_AsOftenAsTheWeights(t *testing.T) {
	w := &world{}
	p := made(t, w, nil, route("1", "a*1 b*7 c*2", by("weighted")))
	firsts, row, longest := map[byte]int{}, 0, 0
	for w.turn = range 10_000 {
		first := run(p, w, Query{Dest: dutch})[0]
		firsts[first]++
		if row++; first != 'b' {
			row = 0
		}
		longest = max(longest, row)
	}
	for first, want := range map[byte]int{'a': 1000, 'b': 7000, 'c': 2000} {
		if n := firsts[first]; n < want*9/10 || n > want*11/10 {
			t.Errorf("%c came first %d times, want about %d", first, n, want)
		}
	}
	if longest > 60 {
		t.Errorf("b came first %d times in a row", longest)
	}
}

func TestChoose_Sticky_RecipientStaysWhenAnotherGoes(t *testing.T) {
	w := &world{states: map[string]State{}}
	p := made(t, w, nil, route("1", "a b c", by("sticky")))
	before, firsts := map[string]string{}, map[string]int{}
	for i := range 3000 {
		dest := fmt.Sprint(31600000000 + i)
		before[dest] = run(p, w, Query{Dest: dest})
		firsts[before[dest][:1]]++
		if again := run(p, w, Query{Dest: "+" + dest}); again != before[dest] {
			t.Fatalf("%s and then %s", before[dest], again)
		}
	}
	for ch, n := range firsts {
		if n < 850 || n > 1150 {
			t.Errorf("%s has %d of 3000 recipients", ch, n)
		}
	}
	w.states["b"] = State{Quality: UnknownQuality}
	for dest, was := range before {
		got := run(p, w, Query{Dest: dest})
		if was[0] != 'b' && got[0] != was[0] || was[0] == 'b' && got[0] != was[2] {
			t.Fatalf("%s: %s, then without b %s", dest, was, got)
		}
	}
}

func TestChoose_ManyChannelsAndRules_Bounded(t *testing.T) {
	w := &world{}
	var routes []storage.Route
	for i := range 40 {
		routes = append(routes, route(fmt.Sprint(i), fmt.Sprintf("x%d y%d z%d", i, i, i)))
	}
	var c Choice
	made(t, w, nil, routes...).Choose(&Query{Dest: dutch, Parts: 1}, w, &c)
	if len(c.Run()) != MostCandidates {
		t.Errorf("%d candidates", len(c.Run()))
	}
	for i := range routes {
		routes[i] = route(fmt.Sprint(i), "same")
	}
	if p := made(t, w, nil, routes...); run(p, w, Query{Dest: dutch}) != "same" {
		t.Error("the same channel counts more than once")
	}
}

func TestCheck_Faults_NameTheField(t *testing.T) {
	for name, c := range map[string]struct {
		field string
		route storage.Route
	}{
		"no channel":      {"channels", route("1", "")},
		"reject with":     {"channels", route("1", "a", reject)},
		"twice":           {"channels", route("1", "a a")},
		"pinned":          {"channels", route("1", "gsm#sim:1")},
		"heavy":           {"channels", route("1", "a*1001")},
		"strategy":        {"strategy", route("1", "a", by("cheap"))},
		"class":           {"classes", route("1", "a", func(r *storage.Route) { r.Classes = []string{"text"} })},
		"letters":         {"dests", route("1", "a", to("31x"))},
		"empty":           {"dests", route("1", "a", to(""))},
		"backwards":       {"dests", route("1", "a", to("319-310"))},
		"other lengths":   {"dests", route("1", "a", to("31-320"))},
		"exactly nothing": {"dests", route("1", "a", to("="))},
		"too long":        {"dests", route("1", "a", to("12345678901234567"))},
		"source":          {"sources", route("1", "a", func(r *storage.Route) { r.Sources = []string{"*me"} })},
		"parts":           {"max_parts", route("1", "a", func(r *storage.Route) { r.MinParts, r.MaxParts = 3, 2 })},
		"quality":         {"min_quality", route("1", "a", func(r *storage.Route) { r.MinQuality = 101 })},
		"day":             {"when", route("1", "a", func(r *storage.Route) { r.When = []string{"someday"} })},
		"hours":           {"when", route("1", "a", func(r *storage.Route) { r.When = []string{"mon 8-18"} })},
		"no hour at all":  {"when", route("1", "a", func(r *storage.Route) { r.When = []string{"08:00-08:00"} })},
		"hours then days": {"when", route("1", "a", func(r *storage.Route) { r.When = []string{"08:00-18:00 mon"} })},
		"zone":            {"when", route("1", "a", func(r *storage.Route) { r.When, r.Zone = []string{"mon"}, "Mars/Base" })},
		"nameless user":   {"users", route("1", "a", users(""))},
	} {
		var f *Fault
		if err := Check(&c.route); !errors.As(err, &f) || f.Field != c.field || f.Message == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, dest := range []string{"31", "+31", "31*", "*", "=1234", "=+31612345678", "+31600-+31650", "=*100#"} {
		r := route("1", "a", to(dest))
		if err := Check(&r); err != nil {
			t.Errorf("%s: %v", dest, err)
		}
	}
}

func TestNew_OneRouteIsWrong_OthersStand(t *testing.T) {
	p, err := New(Config{Routes: []storage.Route{route("1", "a", by("nonsense")), route("2", "b")}})
	if err == nil || !strings.Contains(err.Error(), "route 1") {
		t.Errorf("error %v", err)
	}
	if got := run(p, &world{p: p}, Query{Dest: dutch}); got != "b" {
		t.Errorf("run %s", got)
	}
}

func TestExplain_LineAndTable(t *testing.T) {
	w := &world{states: map[string]State{"down": {Quality: UnknownQuality}, "bad": {Ready: true, Quality: 40}, "gone": {Missing: true}}}
	p := made(t, w, map[string]string{"a": "31,0.02", "b": "31,0.032", "nl": "44,1", "down": "31,0", "bad": "31,0.001"},
		route("10", "b nl down gone bad a", to("31"), by("least-cost"), func(r *storage.Route) { r.MinQuality = 90 }), route("20", "c"),
		route("30", "d", users("acme")), route("40", "d", to("44")))
	q := Query{Dest: dutch, Parts: 1, User: "other"}
	var c Choice
	p.Choose(&q, w, &c)
	e := p.Explain(&q, &c)
	want := "route 10, least-cost, cost 0.02; then b (dearer by 0.012); then bad (delivers 40 %, less than 90 %); then c (of the later route 20); " +
		"then down (not ready); not nl (has no price for it); not gone (is not there)"
	if got := e.Line(); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	if strings.Contains(e.Line(), dutch) {
		t.Error("the line tells the number")
	}
	table := e.Table()
	if got := strings.Join(table[1], " "); len(table) != 8 || got != "1 a 10 0.02 yes - the cheapest" {
		t.Errorf("%d lines, the first %s", len(table), got)
	}
	if e.Rule != "10" || e.Channel != "a" || e.Strategy != "least-cost" {
		t.Errorf("%+v", e)
	}
	if got := fmt.Sprint(p.Skip(&q)); got != "[{30 for other users}]" {
		t.Errorf("skipped %s", got)
	}
}

func TestExplain_NoWay_SaysWhy(t *testing.T) {
	w := &world{states: map[string]State{"gone": {Missing: true}}}
	p := made(t, w, nil, route("1", "gone", to("31")), route("2", "", to("44"), reject))
	for dest, want := range map[string]string{dutch: "no channel of a route can take it: gone is not there", "4477": "route 2 rejects it", "1": "no route is for it"} {
		q := Query{Dest: dest, Parts: 1}
		var c Choice
		p.Choose(&q, w, &c)
		if e := p.Explain(&q, &c); e.Line() != want || e.Channel != "" {
			t.Errorf("to %s: %s, want %s", dest, e.Line(), want)
		}
	}
}

func TestTextClass(t *testing.T) {
	for text, want := range map[string]Class{"": GSM7, "Hello @ [x] {~}\r\n": GSM7, "€ ñ Ω": GSM7, "`": Unicode, "ç": Unicode, "привет": Unicode, "\x01": Unicode, "😀": Unicode} {
		if got := TextClass(text); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

func TestPrice_DefaultAndLists(t *testing.T) {
	lists, _ := costs(t, map[string]string{"retail": "31,0.05\n319,blocked"})
	p, err := New(Config{Lists: lists})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		list, dest string
		amount     storage.Millicredits
		found      price.Found
	}{
		{"", "1", 1000, price.Priced}, {"retail list", "+" + dutch, 50, price.Priced}, {"retail list", "31900", 0, price.Blocked},
		{"retail list", "44", 0, price.None}, {"no such", dutch, 0, price.None},
	} {
		if amount, found := p.Price(c.list, &Query{Dest: c.dest}); amount != c.amount || found != c.found {
			t.Errorf("%q to %s: %d, %d", c.list, c.dest, amount, found)
		}
	}
}

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
	if c.run == 0 {
		b.Fatal("nothing was chosen")
	}
}
