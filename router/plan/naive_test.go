package plan

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"gsmgate/router/price"
	"gsmgate/storage"
)

// naive is the choice as doc.go tells it, over all routes and without an index.
// It knows channels by their names.
type naive struct {
	routes []storage.Route
	costs  map[string][]storage.Price
	states map[string]State
	turn   uint32
}

type naiveHit struct {
	route    storage.Route
	specific int
}

func (n *naive) choose(q Query) (run, lost []string, rejected bool) {
	var ready, waiting []string
	hits, rules := n.hits(q), 0
	for _, h := range hits {
		if rules == mostRules {
			break
		}
		if h.route.Reject {
			rejected = true
			break
		}
		rules++
		var good, poor, down []string
		for _, ch := range h.route.Channels {
			if slices.Contains(slices.Concat(ready, waiting, lost), ch.Name) {
				continue
			}
			s, known := n.states[ch.Name]
			_, found := n.cost(ch.Name, q)
			switch {
			case !known:
				lost = append(lost, ch.Name)
			case s.Missing, s.Unfit, n.costs[ch.Name] != nil && found != price.Priced:
				lost = append(lost, ch.Name)
			case !s.Ready:
				down = append(down, ch.Name)
			case s.Quality != UnknownQuality && s.Quality < h.route.MinQuality:
				poor = append(poor, ch.Name)
			default:
				good = append(good, ch.Name)
			}
		}
		for _, set := range []*[]string{&good, &poor, &down} {
			n.sort(h.route, *set, q)
		}
		if k := len(good); k > 1 && h.route.Strategy == "round-robin" {
			at := int(n.turn % uint32(k))
			good = slices.Concat(good[at:], good[:at])
		}
		if len(good) > 1 && h.route.Strategy == "weighted" {
			good = n.weighted(h.route, good)
		}
		ready = slices.Concat(ready, good, poor)
		waiting = append(waiting, down...)
		if h.route.Last {
			break
		}
	}
	return append(ready, waiting...), lost, rejected
}

func (n *naive) sort(r storage.Route, set []string, q Query) {
	switch r.Strategy {
	case "least-cost":
		slices.SortStableFunc(set, func(a, b string) int {
			x, fx := n.cost(a, q)
			y, fy := n.cost(b, q)
			switch {
			case fx != price.Priced && fy != price.Priced:
				return 0
			case fx != price.Priced:
				return 1
			case fy != price.Priced:
				return -1
			}
			return int(x - y)
		})
	case "sticky":
		score := func(ch string) uint64 { return mix(hash(strings.TrimPrefix(q.Dest, "+")) ^ hash(ch)) }
		slices.SortStableFunc(set, func(a, b string) int {
			if score(a) > score(b) {
				return -1
			}
			return 1
		})
	}
}

func (n *naive) weighted(r storage.Route, good []string) []string {
	var tickets []string
	for _, name := range good {
		i := slices.IndexFunc(r.Channels, func(c storage.RouteChannel) bool { return c.Name == name })
		for range max(1, r.Channels[i].Weight) {
			tickets = append(tickets, name)
		}
	}
	first := tickets[mix(uint64(n.turn))%uint64(len(tickets))]
	out := []string{first}
	for _, name := range good {
		if name != first {
			out = append(out, name)
		}
	}
	return out
}

// cost looks at every price.
func (n *naive) cost(ch string, q Query) (storage.Millicredits, price.Found) {
	number := strings.TrimPrefix(q.Dest, "+")
	var best *storage.Price
	for i := range n.costs[ch] {
		if p := &n.costs[ch][i]; strings.HasPrefix(number, p.Prefix) && (best == nil || len(p.Prefix) > len(best.Prefix)) {
			best = p
		}
	}
	if best == nil {
		return 0, price.None
	}
	return best.Amount, price.Priced
}

func (n *naive) hits(q Query) []naiveHit {
	var hits []naiveHit
	for _, r := range n.routes {
		if at := n.holds(r, q); at >= 0 {
			hits = append(hits, naiveHit{r, at})
		}
	}
	slices.SortStableFunc(hits, func(a, b naiveHit) int {
		switch {
		case a.route.Order != b.route.Order:
			return a.route.Order - b.route.Order
		case a.specific != b.specific:
			return b.specific - a.specific
		case (len(a.route.Users) > 0) != (len(b.route.Users) > 0):
			return len(b.route.Users) - len(a.route.Users)
		}
		return int(a.route.Created - b.route.Created)
	})
	return hits
}

// holds gives how specific the destination of the route is, -1 when the route is
// not for the message.
func (n *naive) holds(r storage.Route, q Query) int {
	number := strings.TrimPrefix(q.Dest, "+")
	at := -1
	if len(r.Dests) == 0 {
		at = 0
	}
	for _, d := range r.Dests {
		lo, hi, isRange := strings.Cut(d, "-")
		switch exact, isExact := strings.CutPrefix(d, "="); {
		case d == "*":
			at = max(at, 0)
		case isExact && exact == number:
			at = max(at, 2*len(exact)+1)
		case isRange && len(lo) == len(number) && lo <= number && number <= hi:
			for k := range 17 { // the prefix of the range that holds it
				if k <= len(number) && within(number[:k], lo, hi) {
					at = max(at, 2*k+1)
					break
				}
			}
		case !isExact && !isRange && strings.HasPrefix(number, d):
			at = max(at, 2*len(d))
		}
	}
	class := false
	for _, c := range r.Classes {
		class = class || strings.Contains(q.Class.String(), c)
	}
	source := strings.TrimPrefix(q.Source, "+")
	from := slices.ContainsFunc(r.Sources, func(s string) bool {
		if s == "alpha" {
			return strings.ContainsAny(source, "abcdefghijklmnopqrstuvwxyzA")
		}
		p, isPrefix := strings.CutSuffix(s, "*")
		return source == s || isPrefix && strings.HasPrefix(source, p)
	})
	switch {
	case r.Disabled, len(r.Users) > 0 && !slices.Contains(r.Users, q.User), len(r.Classes) > 0 && !class,
		q.Parts < r.MinParts, r.MaxParts > 0 && q.Parts > r.MaxParts, len(r.Sources) > 0 && !from:
		return -1
	}
	return at
}

// within says whether all numbers that begin with p, of the length of lo, are
// from lo to hi.
func within(p, lo, hi string) bool {
	n := len(lo) - len(p)
	return lo <= p+strings.Repeat("0", n) && p+strings.Repeat("9", n) <= hi
}

func genRoute(i int) *rapid.Generator[storage.Route] {
	return rapid.Custom(func(t *rapid.T) storage.Route {
		some := func(of []string, most int, what string) []string {
			return rapid.SliceOfNDistinct(rapid.SampledFrom(of), 0, most, rapid.ID).Draw(t, what)
		}
		r := storage.Route{
			ID: fmt.Sprint(i), Created: storage.Time(i + 1), Order: rapid.IntRange(1, 3).Draw(t, "order"),
			Users:    some([]string{"u1", "u2"}, 1, "users"),
			Dests:    some([]string{"*", "1", "12", "121", "2", "=12", "=1212", "10-29", "1000-1212", "110-122"}, 4, "dests"),
			Classes:  some(Classes(), 2, "classes"),
			Sources:  some([]string{"alpha", "1*", "Acme", "12"}, 2, "sources"),
			Strategy: rapid.SampledFrom(Strategies()).Draw(t, "strategy"),
			Last:     rapid.IntRange(0, 3).Draw(t, "last") == 0, Disabled: rapid.IntRange(0, 9).Draw(t, "off") == 0,
			MinParts: rapid.IntRange(0, 2).Draw(t, "min"), MinQuality: rapid.SampledFrom([]int{0, 0, 50, 90}).Draw(t, "quality"),
		}
		if rapid.IntRange(0, 2).Draw(t, "open") > 0 { // else most rules hold for nothing
			r.Users, r.Classes, r.Sources, r.MinParts = nil, nil, nil, 0
		}
		if r.Reject = rapid.IntRange(0, 9).Draw(t, "reject") == 0; !r.Reject {
			for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "gone"}), 1, 5, rapid.ID).Draw(t, "channels") {
				r.Channels = append(r.Channels, storage.RouteChannel{Name: name, Weight: rapid.IntRange(0, 3).Draw(t, "weight")})
			}
		}
		return r
	})
}

func TestChoose_EqualsNaive(t *testing.T) {
	held := 0
	rapid.Check(t, func(t *rapid.T) {
		n := &naive{costs: map[string][]storage.Price{}, states: map[string]State{}, turn: rapid.Uint32Range(0, 100).Draw(t, "turn")}
		w := &world{states: map[string]State{"gone": {Missing: true}}, turn: n.turn}
		c := Config{Lists: map[string]*price.List{}, Costs: map[string]string{}}
		for i := range rapid.IntRange(0, 12).Draw(t, "routes") {
			n.routes = append(n.routes, genRoute(i).Draw(t, "route"))
		}
		for _, name := range []string{"a", "b", "c", "d", "e"} {
			s := State{Ready: rapid.IntRange(0, 3).Draw(t, "ready") > 0, Unfit: rapid.IntRange(0, 5).Draw(t, "fit") == 0, Quality: rapid.SampledFrom([]int{-1, 40, 60, 95}).Draw(t, "quality")}
			n.states[name], w.states[name] = s, s
			if rapid.Bool().Draw(t, "priced") {
				prices := []storage.Price{}
				for _, p := range rapid.SliceOfDistinct(rapid.SampledFrom([]string{"", "1", "12", "2"}), rapid.ID).Draw(t, "prefixes") {
					prices = append(prices, storage.Price{Prefix: p, Amount: storage.Millicredits(rapid.IntRange(0, 3).Draw(t, "amount"))})
				}
				n.costs[name] = prices
				c.Lists[name], c.Costs[name] = price.Compile(prices), name
			}
		}
		c.Routes = n.routes
		p, err := New(c)
		if err != nil {
			t.Fatal(err)
		}
		w.p = p
		q := Query{
			User: rapid.SampledFrom([]string{"u1", "u2", "u3"}).Draw(t, "user"), Source: rapid.SampledFrom([]string{"", "12", "13", "Acme", "abc"}).Draw(t, "source"),
			Dest:  rapid.SampledFrom([]string{"+", ""}).Draw(t, "plus") + rapid.StringOfN(rapid.RuneFrom([]rune("012")), 1, 6, -1).Draw(t, "dest"),
			Class: Class(1<<rapid.IntRange(0, 2).Draw(t, "class")) | Class(rapid.IntRange(0, 1).Draw(t, "flash")*8), Parts: rapid.IntRange(1, 3).Draw(t, "parts"),
		}
		run_, lost, rejected := n.choose(q)
		want := strings.Join(run_, " ") + "|" + strings.Join(lost, " ") + fmt.Sprint(rejected)
		var choice Choice
		p.Choose(&q, w, &choice)
		names := func(list []Candidate) (all []string) {
			for _, k := range list {
				all = append(all, p.channels[k.Channel].name)
			}
			return all
		}
		got := strings.Join(names(choice.Run()), " ") + "|" + strings.Join(names(choice.LostOnes()), " ") + fmt.Sprint(choice.rejected >= 0)
		if got != want {
			t.Fatalf("%+v over %+v\ngot  %s\nwant %s", q, n.routes, got, want)
		}
		if choice.Held() {
			held++
		}
		if e := p.Explain(&q, &choice); e.Line() == "" || len(e.Rows) != len(choice.Run())+len(choice.LostOnes()) {
			t.Fatalf("explained as %+v", e)
		}
	})
	if held < 20 {
		t.Errorf("only %d of the drawn messages had a rule", held)
	}
}

func FuzzCheck(f *testing.F) {
	f.Add("31", "mon-fri 08:00-18:00", "alpha", "gsm", "UTC")
	f.Add("31600-31650", "sat,sun", "Ac*", "smpp:x", "")
	f.Add("=1234", "22:00-06:00", "+316*", "gsm/NL", "Europe/Amsterdam")
	f.Fuzz(func(t *testing.T, dest, when, source, channel, zone string) {
		r := storage.Route{ID: "1", Dests: []string{dest}, When: []string{when}, Sources: []string{source}, Channels: []storage.RouteChannel{{Name: channel}}, Zone: zone}
		if Check(&r) != nil {
			return
		}
		p, err := New(Config{Routes: []storage.Route{r}})
		if err != nil {
			t.Fatal(err)
		}
		q := Query{Dest: strings.TrimPrefix(dest, "="), Source: source, At: 1, Parts: 1, Class: GSM7}
		var c Choice
		p.Choose(&q, still{}, &c)
		e := p.Explain(&q, &c)
		e.Table()
	})
}
