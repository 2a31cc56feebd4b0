package router

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"gsmgate/router/plan"
	"gsmgate/storage"
)

// DefaultOrder is that of a route which names none.
const DefaultOrder = 100

// mostRoutes bounds them: each change makes the plan anew.
const mostRoutes = 5000

// Routes lists all routes in the order in which they were made.
func (r *Router) Routes() []storage.Route { return r.db.Routes() }

// Route gives one route.
func (r *Router) Route(id string) (storage.Route, error) {
	route, ok := r.db.Route(id)
	if !ok {
		return route, noRoute(id)
	}
	return route, nil
}

func noRoute(id string) *Error {
	return &Error{Code: NotFound, Field: "id", Message: fmt.Sprintf("no route %.40s", id), Hint: "gsmgate route list shows all routes"}
}

// AddRoute makes a route. Without an ID it gets the next number.
func (r *Router) AddRoute(ctx context.Context, route storage.Route) (storage.Route, error) {
	r.edits.Lock()
	defer r.edits.Unlock()
	all := r.db.Routes()
	if route.ID == "" {
		route.ID = nextID(all)
	}
	if _, exists := r.db.Route(route.ID); exists {
		return route, &Error{Code: Conflict, Field: "id", Message: fmt.Sprintf("route %s exists already", route.ID), Hint: "gsmgate route remove takes it away"}
	}
	if len(all) >= mostRoutes {
		return route, &Error{Code: Conflict, Message: fmt.Sprintf("there are %d routes already", len(all)), Hint: "a route may name many destinations"}
	}
	return r.putRoute(ctx, route)
}

func nextID(all []storage.Route) string {
	most := 0
	for i := range all {
		if n, err := strconv.Atoi(all[i].ID); err == nil {
			most = max(most, n)
		}
	}
	return strconv.Itoa(most + 1)
}

// SetRoute makes of a route what change leaves of it.
func (r *Router) SetRoute(ctx context.Context, id string, change func(*storage.Route)) (storage.Route, error) {
	r.edits.Lock()
	defer r.edits.Unlock()
	route, err := r.Route(id)
	if err != nil {
		return route, err
	}
	change(&route)
	return r.putRoute(ctx, route)
}

// putRoute is called with edits locked. A change that has begun is finished.
func (r *Router) putRoute(ctx context.Context, route storage.Route) (storage.Route, error) {
	if err := r.checkRoute(&route); err != nil {
		return route, err
	}
	stored, err := r.db.ChangeRoute(context.WithoutCancel(ctx), route.ID, func(s *storage.Route) error {
		route.ID, route.Created = s.ID, s.Created
		*s = route
		return nil
	})
	if err != nil {
		return route, public(err)
	}
	r.redraw()
	return stored, nil
}

func (r *Router) checkRoute(route *storage.Route) error {
	var f *plan.Fault
	if err := plan.Check(route); errors.As(err, &f) {
		return invalid(f.Field, f.Message, f.Hint)
	}
	if !safeName(route.ID) {
		return invalid("id", fmt.Sprintf("%.40q is no name of a route", route.ID), nameHint)
	}
	for _, u := range route.Users {
		if _, ok := r.db.User(u); !ok {
			return noUser(u)
		}
	}
	return nil
}

const nameHint = "use 1 to 40 letters, digits, dots, hyphens and underscores"

// safeName says whether a name can stand in a URL and on a command line.
func safeName(s string) bool {
	return len(s) > 0 && len(s) <= 40 && s[0] != '-' && !slices.ContainsFunc([]byte(s), func(c byte) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '.' && c != '-' && c != '_'
	})
}

// RemoveRoute takes a route away. What was accepted by it goes on.
func (r *Router) RemoveRoute(ctx context.Context, id string) error {
	r.edits.Lock()
	defer r.edits.Unlock()
	err := r.db.RemoveRoute(context.WithoutCancel(ctx), id)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return noRoute(id)
	case err != nil:
		return public(err)
	}
	r.redraw()
	return nil
}

// Missing gives those of the channels of a route that the gateway does not have.
// A router without channels does not know.
func (r *Router) Missing(route *storage.Route) (missing []string) {
	if len(r.channels.all()) == 0 {
		return nil
	}
	for _, c := range route.Channels {
		if w := r.wayOf(c.Name); w.ch == nil || w.pool != "" && !r.db.HasPool(w.pool) {
			missing = append(missing, c.Name)
		}
	}
	return missing
}

// RouteQuery is a message that might be sent.
type RouteQuery struct {
	SendRequest
	At storage.Time // 0: now
}

// RouteExplanation says what would become of it.
type RouteExplanation struct {
	plan.Explanation
	Skipped []plan.Skipped // the routes for the destination that are not for it
	Default bool           // there are no routes: the first channel takes everything

	Dest  storage.Address // as it is sent
	Class plan.Class
	Parts int

	PriceList string
	Price     storage.Millicredits // of a part
	Cost      storage.Millicredits // of a part, by Channel
	CostKnown bool

	// What is done, and when, if nobody knows whether it was sent.
	Unknown      string
	UnknownAfter time.Duration

	Line string // as it stands in the timeline of a message; or why it is refused

	// Moved is why it goes by Channel and not by the one that Line begins with, which
	// could not send it in time; "": it goes by that one.
	Moved string
}

// ExplainRoute says by which channel a message would go and what it would cost,
// and why no other channel comes before. An *Error says that it would be refused
// before it is routed. Nothing is changed.
func (r *Router) ExplainRoute(q RouteQuery) (e RouteExplanation, err error) {
	u, ok := r.db.User(q.User)
	if !ok {
		return e, noUser(q.User)
	}
	m := &storage.Message{Kind: storage.MT, User: q.User, Text: q.Text, Source: addressOf(q.From), Dest: addressOf(q.To), National: nationalID(u.National)}
	if err := checkDestination(m.Dest.Addr); err != nil {
		return e, err
	}
	m.Dest = r.normalise(&u, m.Dest)
	if err := r.rules.Load().check(m); err != nil {
		return e, err
	}
	ch := r.carrier(storage.MT)
	if ch == nil {
		return e, &Error{Code: NoRoute, Message: "no channel carries messages to handsets", Hint: "start serve with --modem PATH"}
	}
	if m.Parts, err = ch.Parts(m); err != nil {
		return e, err
	}
	e.Dest, e.PriceList = m.Dest, u.PriceList
	return e, r.explainTo(&e, m, &u, orDefault(q.At, r.now()))
}

func (r *Router) explainTo(e *RouteExplanation, m *storage.Message, u *storage.User, at storage.Time) error {
	g := r.guide()
	pq := query(m, at)
	e.Parts, e.Class = len(m.Parts), pq.Class
	if e.Default = g.routes == 0; e.Default {
		pool, err := r.poolOf(u)
		if err != nil {
			return err
		}
		w := way{ch: r.carrier(storage.MT), pool: pool}
		e.Explanation = plan.Explanation{Channel: storage.PoolQueue(w.ch.Name(), pool)}
		goBy(m, &w, u)
	} else {
		r.explainRoutes(e, m, u, &pq)
	}
	if e.Channel == "" {
		return nil
	}
	e.Unknown, e.UnknownAfter = r.policyOf(&storage.Message{Route: e.Rule})
	if err := r.charge(g, m, u, &pq); err != nil {
		e.Refused, e.Line = err.Error(), err.Error()
		return nil
	}
	if e.Parts > 0 {
		e.Price = m.Held / storage.Millicredits(e.Parts)
	}
	e.Line = routed(m, []byte(e.Line))
	if at <= r.now() {
		r.explainRoom(e, m, u)
	}
	return nil
}

// explainRoom says what becomes of the message because of what waits now.
func (r *Router) explainRoom(e *RouteExplanation, m *storage.Message, u *storage.User) {
	now := r.now()
	m.DueAt, m.ExpiresAt = now, r.after(now, r.o.Validity)
	moved, _, text := r.roomFor(m, u, false, now)
	if text != "" {
		e.Refused, e.Line = "not taken: "+text, "not taken: "+text
	}
	if e.Moved = moved; moved == "" {
		return
	}
	e.Channel, e.Parts = m.Ways[m.Way], storage.Units(m.Parts)
	e.Price = m.Held / storage.Millicredits(max(1, e.Parts))
	for _, row := range e.Rows {
		if row.Channel == e.Channel {
			e.Cost, e.CostKnown = row.Cost, row.Priced
		}
	}
}

func (r *Router) explainRoutes(e *RouteExplanation, m *storage.Message, u *storage.User, pq *plan.Query) {
	g := r.guide()
	f := &facts{r: r, g: g, m: m, u: u, now: r.now(), peek: true}
	var c plan.Choice
	g.plan.Choose(pq, f, &c)
	e.Explanation = g.plan.Explain(pq, &c)
	e.Skipped = g.plan.Skip(pq)
	e.Line = e.Explanation.Line()
	run := c.Run()
	if len(run) == 0 {
		return
	}
	w := &g.ways[run[0].Channel]
	e.Cost, e.CostKnown = run[0].Cost, run[0].Priced
	if parts, err := f.by(w.ch); err == nil {
		m.Parts, e.Parts = parts, storage.Units(parts)
	}
	goBy(m, w, u)
	m.Ways = g.waysOf(run)
}
