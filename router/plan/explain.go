package plan

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"gsmgate/router/prefix"
	"gsmgate/router/price"
	"gsmgate/storage"
)

// Explanation is a choice in words.
type Explanation struct {
	Rule     string // the ID of the route that names the channel; "" when there is none
	Order    int
	Strategy string
	Channel  string
	Refused  string // why there is no channel
	Rows     []Row  // the candidates in their order, then those that are lost
	Skipped  []Skipped

	line string
}

// Row is one candidate.
type Row struct {
	Channel string
	Rule    string
	Place   int // 1 is the one that is taken; 0: lost
	Cost    storage.Millicredits
	Priced  bool // Cost is known
	Ready   bool
	Quality int
	Why     string // it is there, or lost
}

// Skipped is a rule that is not for the message. Those for other destinations are
// left out.
type Skipped struct {
	Rule string
	Why  Why
}

// Explain tells of a choice that Choose has made for q.
func (p *Plan) Explain(q *Query, c *Choice) Explanation {
	e := Explanation{Rows: make([]Row, 0, c.n)}
	for i := range c.n {
		e.Rows = append(e.Rows, p.row(c, i))
	}
	switch {
	case c.run > 0:
		r := p.rules[c.list[0].Rule]
		e.Rule, e.Order, e.Strategy, e.Channel = r.ID, r.Order, r.strategy.String(), p.channels[c.list[0].Channel].name
	case c.rejected >= 0:
		e.Rule, e.Order = p.rules[c.rejected].ID, p.rules[c.rejected].Order
		e.Refused = "route " + e.Rule + " rejects it"
	case c.n > 0:
		e.Refused = "no channel of a route can take it: " + lostWords(e.Rows)
	default:
		e.Refused = "no route is for it"
	}
	if e.line = e.Refused; c.run > 0 {
		e.line = string(p.AppendLine(nil, c))
	}
	return e
}

func lostWords(rows []Row) string {
	var all []string
	for _, r := range rows {
		all = append(all, r.Channel+" "+r.Why)
	}
	return strings.Join(all, ", ")
}

func (p *Plan) row(c *Choice, i int) Row {
	k := &c.list[i]
	row := Row{
		Channel: p.channels[k.Channel].name, Rule: p.rules[k.Rule].ID,
		Cost: k.Cost, Priced: k.Priced, Ready: k.Ready, Quality: k.Quality,
	}
	if i < c.run {
		row.Place = i + 1
	}
	row.Why = string(p.appendWhy(nil, c, i))
	return row
}

// appendWhy says why the candidate stands where it does.
func (p *Plan) appendWhy(b []byte, c *Choice, i int) []byte {
	k, first := &c.list[i], &c.list[0]
	switch {
	case k.Lost != InTheRun:
		return append(b, [...]string{"", "is not there", "cannot carry it", "has no price for it", "is disabled"}[k.Lost]...)
	case i == 0:
		return append(b, p.whyFirst(k)...)
	case !k.Ready:
		return append(b, "not ready"...)
	case k.Rule != first.Rule:
		return append(append(b, "of the later route "...), p.rules[k.Rule].ID...)
	case k.Poor && !first.Poor:
		b = strconv.AppendInt(append(b, "delivers "...), int64(k.Quality), 10)
		b = strconv.AppendInt(append(b, " %, less than "...), int64(p.rules[k.Rule].MinQuality), 10)
		return append(b, " %"...)
	}
	return p.appendLater(b, k, first)
}

func (p *Plan) whyFirst(k *Candidate) string {
	if !k.Ready {
		return "not ready, nor is any other"
	}
	r := p.rules[k.Rule]
	if len(r.channels) == 1 {
		return "the route's only one"
	}
	switch r.strategy {
	case LeastCost:
		return "the cheapest"
	case RoundRobin, Weighted:
		return "its turn"
	case Sticky:
		return "the recipient's own"
	}
	return "named first"
}

func (p *Plan) appendLater(b []byte, k, first *Candidate) []byte {
	switch p.rules[k.Rule].strategy {
	case RoundRobin, Weighted:
		return append(b, "not its turn"...)
	case Sticky:
		return append(b, "not the recipient's own"...)
	case LeastCost:
		switch {
		case !k.Priced:
			return append(b, "its cost is not known"...)
		case first.Priced && k.Cost > first.Cost:
			return price.AppendCredits(append(b, "dearer by "...), k.Cost-first.Cost)
		}
		return append(b, "costs the same, named later"...)
	}
	return append(b, "named later"...)
}

// Line tells the choice in one line, without the destination:
//
//	route 10, least-cost, cost 0.02; then smpp:x (dearer by 0.01); not http:y (is not there)
func (e *Explanation) Line() string { return e.line }

// AppendLine appends what Explanation.Line gives of a choice that has a candidate
// in the run: for each message, so with little work.
func (p *Plan) AppendLine(b []byte, c *Choice) []byte {
	first := &c.list[0]
	r := p.rules[first.Rule]
	b = append(append(b, "route "...), r.ID...)
	b = append(append(b, ", "...), r.strategy.String()...)
	if first.Priced {
		b = price.AppendCredits(append(b, ", cost "...), first.Cost)
	}
	for i := 1; i < c.n; i++ {
		word := "; then "
		if i >= c.run {
			word = "; not "
		}
		b = append(append(b, word...), p.channels[c.list[i].Channel].name...)
		b = append(p.appendWhy(append(b, " ("...), c, i), ')')
	}
	return b
}

// Table tells the choice with a line for each candidate; the first names the
// columns.
func (e *Explanation) Table() [][]string {
	table := [][]string{{"PLACE", "CHANNEL", "ROUTE", "COST", "READY", "QUALITY", "WHY"}}
	for _, r := range e.Rows {
		place, cost, ready, quality := "-", "-", "no", "-"
		if r.Place > 0 {
			place = fmt.Sprint(r.Place)
		}
		if r.Priced {
			cost = price.Credits(r.Cost)
		}
		if r.Ready {
			ready = "yes"
		}
		if r.Quality != UnknownQuality {
			quality = fmt.Sprintf("%d %%", r.Quality)
		}
		table = append(table, []string{place, r.Channel, r.Rule, cost, ready, quality, r.Why})
	}
	return table
}

// mostSkipped is how many rules are told of that are not for a message.
const mostSkipped = 100

// Skip looks at all rules that are for the destination and says why each one that
// was not asked is not for the message. It takes its time: it is for people.
func (p *Plan) Skip(q *Query) (all []Skipped) {
	number := plain(q.Dest)
	key, _ := prefix.Number(number)
	for _, r := range p.rules {
		if w := r.whyNot(q, key, number); w != Holds && w != OtherDest && len(all) < mostSkipped {
			all = append(all, Skipped{r.ID, w})
		}
	}
	return all
}

func (c *rule) whyNot(q *Query, key prefix.Key, number string) Why {
	switch {
	case !c.isFor(key, number):
		return OtherDest
	case c.Disabled:
		return Disabled
	case len(c.Users) > 0 && !slices.Contains(c.Users, q.User):
		return OtherUser
	}
	return c.why(q, plain(q.Source))
}

func (c *rule) isFor(key prefix.Key, number string) bool {
	for _, d := range c.dests {
		if d.key.Begins(key) && (d.length == 0 || d.length == len(number)) {
			return true
		}
	}
	return false
}

// Price is what a user pays for a part: by its price list, or one credit without
// one.
func (p *Plan) Price(list string, q *Query) (storage.Millicredits, price.Found) {
	if list == "" {
		return storage.Credit, price.Priced
	}
	l := p.lists[list]
	if l == nil {
		return 0, price.None
	}
	key, _ := prefix.Number(plain(q.Dest))
	return l.Lookup(key, q.At)
}

// Cost is what a channel takes of us for a part; 0 when that is not known.
func (p *Plan) Cost(channel string, q *Query) storage.Millicredits {
	for i := range p.channels {
		if c := &p.channels[i]; c.name == channel && c.costs != nil {
			key, _ := prefix.Number(plain(q.Dest))
			cost, _ := c.costs.Lookup(key, q.At)
			return cost
		}
	}
	return 0
}
