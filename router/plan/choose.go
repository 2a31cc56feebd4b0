package plan

import (
	"gsmgate/router/prefix"
	"gsmgate/router/price"
	"gsmgate/storage"
)

// Bounds of one choice.
const (
	MostCandidates = 32
	mostRules      = 16 // that hold and are asked for their channels
)

// Lost is why a channel is no candidate.
type Lost uint8

const (
	InTheRun Lost = iota
	NoChannel
	CannotCarry
	NoPrice // its price list does not serve the destination
	AtRest  // it is disabled
)

// Candidate is a channel that a rule names for the message.
type Candidate struct {
	Channel int // number of Plan.Channels
	Rule    int
	Cost    storage.Millicredits // of a part
	Priced  bool                 // the cost is known
	Ready   bool
	Poor    bool // it lacks the quality that the rule asks for
	Quality int
	Lost    Lost

	weight int
	score  uint64 // of its strategy: the lower comes first
}

// Choice is what Choose fills in. It is large: keep one and use it again.
type Choice struct {
	list   [MostCandidates]Candidate
	n, run int // all, and those in the run, which come first

	rules    [mostRules]int // that held and were asked
	asked    int
	rejected int // the rule that refuses the message, -1
}

// Run are the candidates, the best first.
func (c *Choice) Run() []Candidate { return c.list[:c.run] }

// LostOnes are the channels that were named and cannot take the message.
func (c *Choice) LostOnes() []Candidate { return c.list[c.run:c.n] }

// Held says whether any rule is for the message.
func (c *Choice) Held() bool { return c.asked > 0 || c.rejected >= 0 }

// cursors walk over the ranks of all prefixes of a destination at once.
type cursors struct {
	at [2 * (prefix.MaxDigits + 1)]cursor
	n  int
}

// cursor is at a rank of one list, with the others behind it.
type cursor struct {
	rank int32
	rest list
}

func (c *cursors) add(t *prefix.Table[list], asks []int32, key prefix.Key) {
	for i := t.Find(key); i >= 0; i = t.Up(i) {
		_, l := t.At(i)
		c.at[c.n] = cursor{asks[l.first], list{l.first + 1, l.n - 1}}
		c.n++
	}
}

// next takes the lowest rank, -1 at the end.
func (c *cursors) next(asks []int32) int32 {
	best := -1
	for i := range c.n {
		if r := c.at[i].rank; r >= 0 && (best < 0 || r < c.at[best].rank) {
			best = i
		}
	}
	if best < 0 {
		return -1
	}
	k := &c.at[best]
	rank := k.rank
	if k.rank = -1; k.rest.n > 0 {
		k.rank, k.rest = asks[k.rest.first], list{k.rest.first + 1, k.rest.n - 1}
	}
	return rank
}

// Choose finds the candidates for a message and puts them in a row.
func (p *Plan) Choose(q *Query, f Facts, c *Choice) {
	c.n, c.run, c.asked, c.rejected = 0, 0, 0, -1
	number := plain(q.Dest)
	key, _ := prefix.Number(number)
	var walk cursors
	walk.add(p.all, p.asks, key)
	if t := p.users[q.User]; t != nil {
		walk.add(t, p.asks, key)
	}
	source := plain(q.Source)
	for c.asked < mostRules {
		at := walk.next(p.asks)
		if at < 0 {
			break
		}
		r := p.ranks[at]
		if r.length != 0 && int(r.length) != len(number) || c.has(int(r.rule)) || p.rules[r.rule].why(q, source) != Holds {
			continue
		}
		if p.ask(q, f, c, int(r.rule), key) {
			break
		}
	}
	c.settle()
}

func (c *Choice) has(rule int) bool {
	for _, r := range c.rules[:c.asked] {
		if r == rule {
			return true
		}
	}
	return false
}

// ask adds the channels of a rule; it reports whether no other is to be asked.
func (p *Plan) ask(q *Query, f Facts, c *Choice, n int, key prefix.Key) (last bool) {
	r := p.rules[n]
	if r.reject {
		c.rejected = n
		return true
	}
	c.rules[c.asked] = n
	c.asked++
	first := c.n
	for i, ch := range r.channels {
		if c.n == MostCandidates {
			last = true
			break
		}
		if c.named(ch) {
			continue
		}
		c.list[c.n] = p.candidate(q, f, ch, n, key)
		if r.strategy == Weighted {
			c.list[c.n].weight = max(1, r.Channels[i].Weight)
		}
		c.n++
	}
	if first < c.n {
		p.arrange(f, c.list[first:c.n], n, q)
	}
	return last || r.last
}

func (c *Choice) named(channel int) bool {
	for i := range c.n {
		if c.list[i].Channel == channel {
			return true
		}
	}
	return false
}

// candidate looks at how a channel stands and what it costs.
func (p *Plan) candidate(q *Query, f Facts, ch, n int, key prefix.Key) Candidate {
	s := f.Channel(ch)
	k := Candidate{Channel: ch, Rule: n, Ready: s.Ready, Quality: s.Quality}
	k.Poor = s.Quality != UnknownQuality && s.Quality < int(p.rules[n].quality)
	switch {
	case s.Missing:
		k.Lost, k.Quality, k.Poor = NoChannel, UnknownQuality, false
	case s.Disabled:
		k.Lost, k.Quality, k.Poor = AtRest, UnknownQuality, false
	case s.Unfit:
		k.Lost = CannotCarry
	}
	if l := p.channels[ch].costs; l != nil {
		cost, found := l.Lookup(key, q.At)
		if k.Cost, k.Priced = cost, found == price.Priced; !k.Priced && k.Lost == InTheRun {
			k.Lost = NoPrice
		}
	}
	return k
}

// arrange puts the channels of one rule in a row.
func (p *Plan) arrange(f Facts, list []Candidate, n int, q *Query) {
	r := p.rules[n]
	sortBy(list, standing)
	good := 0
	for good < len(list) && standing(&list[good]) == 0 {
		good++
	}
	switch r.strategy {
	case LeastCost:
		cheapest(list)
	case Sticky:
		recipient := hash(plain(q.Dest))
		for i := range list {
			list[i].score = ^mix(recipient ^ p.channels[list[i].Channel].hash)
		}
		byScore(list)
	case RoundRobin:
		if good > 1 {
			rotate(list[:good], int(f.Turn(n)%uint32(good)))
		}
	case Weighted:
		if good > 1 {
			heavy(list[:good], f.Turn(n))
		}
	}
}

// standing is whether a channel can take the message now: the lower comes first.
func standing(c *Candidate) uint64 {
	switch {
	case c.Lost != InTheRun:
		return 3
	case !c.Ready:
		return 2
	case c.Poor:
		return 1
	}
	return 0
}

// byScore sorts within a standing. Those that are lost stay as they are named.
func byScore(list []Candidate) {
	sortBy(list, func(c *Candidate) uint64 {
		if c.Lost != InTheRun {
			return 0
		}
		return c.score
	})
	sortBy(list, standing)
}

// cheapest sorts by cost; of what is not known it thinks the worst.
func cheapest(list []Candidate) {
	for i := range list {
		list[i].score = ^uint64(0)
		if list[i].Priced {
			list[i].score = uint64(list[i].Cost)
		}
	}
	byScore(list)
}

// sortBy keeps the order of equals. The lists are short.
func sortBy(list []Candidate, key func(*Candidate) uint64) {
	for i := 1; i < len(list); i++ {
		for j := i; j > 0 && key(&list[j]) < key(&list[j-1]); j-- {
			list[j], list[j-1] = list[j-1], list[j]
		}
	}
}

// rotate brings the one at n to the front and those before it to the end.
func rotate(list []Candidate, n int) {
	for range n {
		first := list[0]
		copy(list, list[1:])
		list[len(list)-1] = first
	}
}

// heavy brings one to the front, each as often as its weight says. The turns are
// mixed, so that one does not get all of its own in a row.
func heavy(list []Candidate, turn uint32) {
	total := 0
	for i := range list {
		total += list[i].weight
	}
	at := int(mix(uint64(turn)) % uint64(total))
	for i := range list {
		if at -= list[i].weight; at < 0 {
			chosen := list[i]
			copy(list[1:i+1], list[:i])
			list[0] = chosen
			return
		}
	}
}

// settle brings those that are ready before those that are not, over all rules,
// and those that are lost to the end.
func (c *Choice) settle() {
	sortBy(c.list[:c.n], func(k *Candidate) uint64 {
		switch {
		case k.Lost != InTheRun:
			return 2
		case !k.Ready:
			return 1
		}
		return 0
	})
	for c.run < c.n && c.list[c.run].Lost == InTheRun {
		c.run++
	}
}
