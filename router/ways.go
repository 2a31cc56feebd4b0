package router

import (
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"

	"gsmgate/router/numbers"
	"gsmgate/router/plan"
	"gsmgate/router/price"
	"gsmgate/storage"
)

// guide is the plan of routes and prices as it is now, and where its channels
// are. It is immutable but for what it remembers of the channels' standing.
type guide struct {
	plan   *plan.Plan
	ways   []way // by the plan's numbers of channels
	turns  []atomic.Uint32
	routes int
}

// way is a channel, or a pool of one, that a route names.
type way struct {
	name string
	ch   Channel // nil: there is none
	pool string  // that it names
	bank bool    // it names none, and the channel has pools: that of the user is meant
	off  bool    // it was set up, and is disabled
}

// poolFor is the pool of a user's message which goes this way.
func (w *way) poolFor(u *storage.User) string {
	if w.bank {
		return u.Pool
	}
	return w.pool
}

// readiness remembers for a moment whether a way is ready: to ask a bank of modems
// for each message would cost more than the message.
type readiness struct {
	asked atomic.Int64 // a storage.Time
	since atomic.Int64 // when it was not ready first, 0: it is
}

// standingFor is how long an answer holds, in milliseconds.
const standingFor = 200

// atlas makes guides, and keeps what they are made of.
type atlas struct {
	mu    sync.Mutex // one is made at a time
	now   atomic.Pointer[guide]
	lists map[string]*price.List // by name; nil: not read yet

	choices sync.Pool // of *plan.Choice
	ready   sync.Map  // queue → *readiness
	regions sync.Map  // code → *numbers.Region
}

// guide gives the plan, which it makes when there is none.
func (r *Router) guide() *guide {
	if g := r.atlas.now.Load(); g != nil {
		return g
	}
	r.atlas.mu.Lock()
	defer r.atlas.mu.Unlock()
	if g := r.atlas.now.Load(); g != nil {
		return g
	}
	return r.draw()
}

// redraw makes the plan anew, when there is one. Of the price lists it reads those
// that are named.
func (r *Router) redraw(changed ...string) {
	r.atlas.mu.Lock()
	defer r.atlas.mu.Unlock()
	if r.atlas.now.Load() == nil {
		return
	}
	for _, name := range changed {
		delete(r.atlas.lists, name)
	}
	r.draw()
}

// draw is called with the lock held. What cannot be read is told and left out.
func (r *Router) draw() *guide {
	c := plan.Config{Routes: r.db.Routes(), Lists: r.readLists(), Costs: map[string]string{}}
	for _, l := range r.db.PriceLists() {
		for _, ch := range l.Channels {
			c.Costs[ch] = l.Name
		}
	}
	p, err := plan.New(c)
	if err != nil {
		r.log.Error("routes are left out that cannot be read", "err", err)
	}
	g := &guide{plan: p, turns: make([]atomic.Uint32, p.Rules()), routes: p.Rules()}
	for _, name := range p.Channels() {
		g.ways = append(g.ways, r.wayOf(name))
	}
	r.atlas.now.Store(g)
	return g
}

// readLists gives all price lists and reads those that are not known.
func (r *Router) readLists() map[string]*price.List {
	lists := map[string]*price.List{}
	for _, l := range r.db.PriceLists() {
		if known := r.atlas.lists[l.Name]; known != nil {
			lists[l.Name] = known
			continue
		}
		prices, err := r.db.Prices(l.Name)
		if err != nil {
			r.log.Error("a price list cannot be read", "list", l.Name, "err", err)
		}
		lists[l.Name] = price.Compile(prices)
	}
	r.atlas.lists = lists
	return lists
}

// wayOf finds the channel that a route means: gsm, or gsm/POOL for a pool of it.
// The first channel that carries MT is the one that has pools.
func (r *Router) wayOf(name string) way {
	w := way{name: name}
	bank, whole := r.carrier(storage.MT), storage.ChannelOf(name)
	for _, ch := range r.channels.all() {
		switch {
		case !ch.Carries(storage.MT):
		case ch.Name() == name:
			w.ch, w.bank = ch, ch == bank
		case ch == bank && ch.Name() == whole && len(name) > len(whole)+1:
			w.ch, w.pool = ch, name[len(whole)+1:]
		}
	}
	w.off = w.ch == nil && r.disabled(name)
	return w
}

// disabled says whether a channel was set up and is to rest.
func (r *Router) disabled(name string) bool {
	c, ok := r.db.Channel(name)
	return ok && c.Disabled
}

// stands says whether a queue of a channel is drained, and if not, since when. It
// asks the channel now and then.
func (r *Router) stands(ch Channel, queue string, now storage.Time) (since storage.Time, ready bool) {
	known, ok := r.atlas.ready.Load(queue)
	if !ok {
		known, _ = r.atlas.ready.LoadOrStore(queue, &readiness{})
	}
	a := known.(*readiness)
	if asked := a.asked.Load(); int64(now)-asked >= standingFor && a.asked.CompareAndSwap(asked, int64(now)) {
		if ch.Status().Ready && (queue == ch.Name() || r.laneOf(queue) != nil) && !r.allIll(queue) {
			a.since.Store(0)
		} else {
			a.since.CompareAndSwap(0, int64(now))
		}
	}
	since = storage.Time(a.since.Load())
	return since, since == 0
}

// allIll says whether every lane of a queue rests for a fault of its own that more
// than one message has shown.
func (r *Router) allIll(queue string) bool {
	r.mu.Lock()
	var all []*laneRun
	for run := range r.lanes {
		if run.Queue == queue {
			all = append(all, run)
		}
	}
	r.mu.Unlock()
	for _, run := range all {
		if !run.restsIll() {
			return false
		}
	}
	return len(all) > 0
}

// stood is what stands said last. It asks nobody.
func (r *Router) stood(queue string) (ready bool) {
	known, ok := r.atlas.ready.Load(queue)
	return !ok || known.(*readiness).since.Load() == 0
}

// facts are how the channels stand towards one message.
type facts struct {
	r   *Router
	g   *guide
	m   *storage.Message
	u   *storage.User
	now storage.Time

	peek bool // turns are not taken

	cuts [4]cut // the last ones
	next int
}

// cut is how the message is cut by channels that say the same of it.
type cut struct {
	by    any // Cutter.Cut, or the channel
	parts []storage.Part
	err   error
}

// by gives the parts in which a channel would carry the message.
func (f *facts) by(ch Channel) ([]storage.Part, error) {
	by := any(ch)
	if c, ok := ch.(Cutter); ok {
		by = c.Cut()
	}
	for i := range f.cuts {
		if c := &f.cuts[i]; c.by == by {
			return c.parts, c.err
		}
	}
	c := &f.cuts[f.next]
	f.next = (f.next + 1) % len(f.cuts)
	c.by = by
	c.parts, c.err = ch.Parts(f.m)
	return c.parts, c.err
}

// Channel is asked by the plan.
func (f *facts) Channel(n int) plan.State {
	w := &f.g.ways[n]
	if w.ch == nil {
		return plan.State{Missing: !w.off, Disabled: w.off}
	}
	pool := w.poolFor(f.u)
	if pool != "" && !f.r.db.HasPool(pool) {
		return plan.State{Missing: true}
	}
	queue := storage.PoolQueue(w.ch.Name(), pool)
	s := plan.State{Quality: f.r.qualities.of(queue, f.now)}
	if _, err := f.by(w.ch); err != nil {
		s.Unfit = true
	}
	_, s.Ready = f.r.stands(w.ch, queue, f.now)
	return s
}

// Turn is asked by the plan.
func (f *facts) Turn(rule int) uint32 {
	if f.peek {
		return f.g.turns[rule].Load()
	}
	return f.g.turns[rule].Add(1) - 1
}

// route says by which channel an MT message of user u goes, in how many parts, and
// what it costs. The line tells why, when there are routes.
func (r *Router) route(m *storage.Message, u *storage.User) (line []byte, err error) {
	ch := r.carrier(storage.MT)
	if ch == nil {
		return nil, &Error{Code: NoRoute, Message: "no channel carries messages to handsets", Hint: "start serve with --modem PATH"}
	}
	g := r.guide()
	f := &facts{r: r, g: g, m: m, u: u, now: r.now()}
	parts, err := f.by(ch)
	if err != nil {
		return nil, err
	}
	m.Parts, m.Ways, m.Way, m.Moves, m.Cost, m.Route = parts, nil, 0, 0, 0, ""
	q := query(m, f.now)
	if g.routes > 0 {
		q.At = max(f.now, m.DueAt) // when it is to leave
		line, err = r.choose(f, &q)
		q.At = f.now
	} else if m.Pool, err = r.poolOf(u); err == nil {
		m.Queue, m.Prefer = storage.PoolQueue(ch.Name(), m.Pool), ""
		freeTurn(m)
	}
	if err != nil {
		return nil, err
	}
	return line, r.charge(g, m, u, &q)
}

// query is what a route looks at of a message whose parts are known.
func query(m *storage.Message, now storage.Time) plan.Query {
	q := plan.Query{User: m.User, Source: m.Source.Addr, Dest: m.Dest.Addr, Class: plan.Binary, Parts: len(m.Parts), At: now}
	if len(m.Data) == 0 {
		q.Class = plan.TextClass(m.Text)
	}
	if m.Flash || flash(m.DataCoding) {
		q.Class |= plan.Flash
	}
	return q
}

// flash says whether a data_coding is of class 0 [SMPP34 5.2.19] [23.038 4].
func flash(dc uint8) bool {
	return dc&0xF3 == 0xF0 || dc&0xD3 == 0x10
}

// mostWays is how many channels a message knows that it may go by.
const mostWays = 8

// choose gives the message its channels.
func (r *Router) choose(f *facts, q *plan.Query) (line []byte, err error) {
	c, _ := r.atlas.choices.Get().(*plan.Choice)
	if c == nil {
		c = new(plan.Choice)
	}
	defer r.atlas.choices.Put(c)
	f.g.plan.Choose(q, f, c)
	run := c.Run()
	if len(run) == 0 {
		e := f.g.plan.Explain(q, c)
		return nil, &Error{Code: NoRoute, Field: "dest", Message: e.Line(), Hint: "gsmgate route explain shows what each route says"}
	}
	w := &f.g.ways[run[0].Channel]
	parts, err := f.by(w.ch)
	if err != nil {
		return nil, err
	}
	m := f.m
	m.Parts, m.Route = parts, f.g.plan.Route(run[0].Rule)
	goBy(m, w, f.u)
	m.Cost = run[0].Cost * storage.Millicredits(storage.Units(parts))
	m.Ways = f.g.waysOf(run)
	return f.g.plan.AppendLine(make([]byte, 0, 256), c), nil
}

// goBy puts the message into the queue of a way.
func goBy(m *storage.Message, w *way, u *storage.User) {
	m.Pool, m.Prefer = w.poolFor(u), ""
	freeTurn(m)
	m.Queue = storage.PoolQueue(w.ch.Name(), m.Pool)
}

// charge sets aside what the message costs its user: its price list says so, or
// one credit a part.
func (r *Router) charge(g *guide, m *storage.Message, u *storage.User, q *plan.Query) error {
	amount, found := g.plan.Price(u.PriceList, q)
	if found != price.Priced {
		return noPrice(u.PriceList, found)
	}
	m.Held = amount * storage.Millicredits(storage.Units(m.Parts))
	return nil
}

func noPrice(list string, found price.Found) *Error {
	e := &Error{Code: NoRoute, Field: "dest", Message: fmt.Sprintf("price list %s has no price for the destination", list), Hint: "gsmgate price show " + list + " shows its prices"}
	if found == price.Blocked {
		e.Message = fmt.Sprintf("price list %s does not serve the destination", list)
	}
	return e
}

// routed tells where a message goes, for its timeline.
func routed(m *storage.Message, line []byte) string {
	b := make([]byte, 0, 320)
	b = append(append(b, "channel "...), m.Queue...)
	b = strconv.AppendInt(append(b, ", parts "...), int64(len(m.Parts)), 10)
	b = price.AppendCredits(append(b, ", credits held "...), m.Held)
	if len(line) > 0 {
		b = append(append(b, "; "...), line...)
	}
	return string(b)
}

// normalise brings the destination to its international form: by its type and, where
// one is set for the user or for all, by the region.
func (r *Router) normalise(u *storage.User, a storage.Address) storage.Address {
	region := orDefault(u.Region, r.o.Region)
	if region == "" {
		if known := (*numbers.Region)(nil).International(a); plain(known.Addr) != plain(a.Addr) {
			return known
		}
		return a
	}
	known, ok := r.atlas.regions.Load(region)
	if !ok {
		made, err := numbers.For(region)
		if err != nil {
			return a // refused when it was set
		}
		known, _ = r.atlas.regions.LoadOrStore(region, made)
	}
	return known.(*numbers.Region).International(a)
}

// asSent makes the destination that a client names what it was made when the
// message was submitted.
func (r *Router) asSent(p *Pick) {
	if p.Dest == nil {
		return
	}
	u, _ := r.db.User(p.User)
	a := r.normalise(&u, storage.Address{TON: p.DestTON, Addr: *p.Dest})
	p.Dest = &a.Addr
}
