package plan

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"gsmgate/router/prefix"
	"gsmgate/router/price"
	"gsmgate/storage"
)

// Config is what a Plan is made of.
type Config struct {
	Routes []storage.Route
	Lists  map[string]*price.List // price lists by name
	Costs  map[string]string      // channel → the list of what it costs us
}

// Plan is a set of rules and prices, made for asking.
type Plan struct {
	rules    []*rule
	channels []channel
	lists    map[string]*price.List

	ranks []rank // in the order in which they are asked
	all   *prefix.Table[list]
	users map[string]*prefix.Table[list] // of rules that name users
	asks  []int32                        // what the lists are parts of
}

// channel is one that a rule names.
type channel struct {
	name  string
	hash  uint64
	costs *price.List // nil: nobody has said
}

// rank is a rule for one of its destinations.
type rank struct {
	rule   int32
	length int16 // digits that the destination must have; 0: any
}

// list are the ranks of one prefix, in their order.
type list struct{ first, n int32 }

// New makes a plan. What is wrong with a route is in the error; the plan is made
// of the others.
func New(c Config) (*Plan, error) {
	p := &Plan{lists: c.Lists, users: map[string]*prefix.Table[list]{}}
	numbers := map[string]int{}
	var wrong []error
	for i := range c.Routes {
		r, err := compile(&c.Routes[i])
		if err != nil {
			wrong = append(wrong, fmt.Errorf("route %s: %w", c.Routes[i].ID, err))
			continue
		}
		for _, ch := range r.Channels {
			n, ok := numbers[ch.Name]
			if !ok {
				n = len(p.channels)
				numbers[ch.Name] = n
				p.channels = append(p.channels, channel{ch.Name, hash(ch.Name), costsOf(&c, ch.Name)})
			}
			r.channels = append(r.channels, n)
		}
		p.rules = append(p.rules, r)
	}
	p.index()
	return p, errors.Join(wrong...)
}

// costsOf is the list of a channel, or of the one of which it is a pool.
func costsOf(c *Config, channel string) *price.List {
	name, ok := c.Costs[channel]
	if whole, _, pool := strings.Cut(channel, "/"); pool && !ok {
		name, ok = c.Costs[whole]
	}
	if !ok {
		return nil
	}
	if l := c.Lists[name]; l != nil {
		return l
	}
	return &price.List{}
}

// Channels are all that rules name, by their numbers.
func (p *Plan) Channels() []string {
	names := make([]string, len(p.channels))
	for i := range p.channels {
		names[i] = p.channels[i].name
	}
	return names
}

// Rules is how many there are.
func (p *Plan) Rules() int { return len(p.rules) }

// Route is the ID of a rule.
func (p *Plan) Route(rule int) string { return p.rules[rule].ID }

// entry is a rank before they are sorted.
type entry struct {
	rule *rule
	n    int32
	dest dest
}

// index sorts the rules and puts them under their prefixes.
func (p *Plan) index() {
	p.place()
	var entries []entry
	for n, r := range p.rules {
		if r.Disabled {
			continue
		}
		for _, d := range r.dests {
			entries = append(entries, entry{r, int32(n), d})
		}
	}
	slices.SortStableFunc(entries, compareEntries)
	all := map[prefix.Key][]int32{}
	users := map[string]map[prefix.Key][]int32{}
	for at, e := range entries {
		p.ranks = append(p.ranks, rank{e.n, int16(e.dest.length)})
		if len(e.rule.Users) == 0 {
			all[e.dest.key] = append(all[e.dest.key], int32(at))
		}
		for _, u := range e.rule.Users {
			if users[u] == nil {
				users[u] = map[prefix.Key][]int32{}
			}
			users[u][e.dest.key] = append(users[u][e.dest.key], int32(at))
		}
	}
	p.all = p.table(all)
	for u, of := range users {
		p.users[u] = p.table(of)
	}
}

func (p *Plan) table(of map[prefix.Key][]int32) *prefix.Table[list] {
	entries := make([]prefix.Entry[list], 0, len(of))
	for key, ranks := range of {
		entries = append(entries, prefix.Entry[list]{Key: key, Value: list{int32(len(p.asks)), int32(len(ranks))}})
		p.asks = append(p.asks, ranks...)
	}
	return prefix.New(entries)
}

// compareEntries is the order in which rules are asked.
func compareEntries(a, b entry) int {
	if c := cmp.Compare(a.rule.Order, b.rule.Order); c != 0 {
		return c
	}
	if c := cmp.Compare(b.dest.specific(), a.dest.specific()); c != 0 {
		return c
	}
	return cmp.Compare(a.rule.place, b.rule.place)
}

// place numbers the rules by what does not depend on their destinations.
func (p *Plan) place() {
	sorted := slices.Clone(p.rules)
	slices.SortStableFunc(sorted, func(a, b *rule) int {
		return cmp.Or(
			-compareBool(len(a.Users) > 0, len(b.Users) > 0),
			cmp.Compare(a.Created, b.Created),
			compareIDs(a.ID, b.ID),
		)
	})
	for at, r := range sorted {
		r.place = at
	}
}

// specific is the greater the fewer numbers there are.
func (d dest) specific() int {
	n := 2 * d.key.Len()
	if d.length != 0 {
		n++
	}
	return n
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// compareIDs puts 9 before 10.
func compareIDs(a, b string) int {
	x, err1 := strconv.Atoi(a)
	y, err2 := strconv.Atoi(b)
	if err1 == nil && err2 == nil && x != y {
		return cmp.Compare(x, y)
	}
	return strings.Compare(a, b)
}

// hash is FNV-1a: the same today and tomorrow, so that a recipient stays with its
// channel over restarts.
func hash(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return h
}

// mix spreads a hash over all bits [SplitMix64].
func mix(h uint64) uint64 {
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}
