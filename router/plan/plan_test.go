package plan

import (
	"fmt"
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
