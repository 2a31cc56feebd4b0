package provisioning

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"gsmgate/router"
	"gsmgate/router/plan"
	"gsmgate/router/price"
	"gsmgate/storage"
)

// Route is one rule by which a channel is chosen. All that it names of a message
// must hold; an empty list says nothing.
type Route struct {
	ID         string         `json:"id"`
	Order      int            `json:"order" doc:"the lower is asked first; of the same order the longer prefix, then the one that names the user, then the older"`
	Enabled    bool           `json:"enabled"`
	Note       string         `json:"note"`
	Users      []string       `json:"users" doc:"system_ids"`
	Sources    []string       `json:"sources"`
	Dests      []string       `json:"dests"`
	Classes    []string       `json:"classes" doc:"gsm7, unicode, binary, flash"`
	When       []string       `json:"when"`
	Zone       string         `json:"zone" doc:"of when; empty: that of the machine"`
	MinParts   int            `json:"min_parts"`
	MaxParts   int            `json:"max_parts" doc:"0: any"`
	Channels   []RouteChannel `json:"channels"`
	Strategy   string         `json:"strategy" enum:"priority,least-cost,round-robin,weighted,sticky"`
	MinQuality int            `json:"min_quality" doc:"percent delivered that a channel should have; those below come behind the others"`
	Last       bool           `json:"last" doc:"no route behind it is asked"`
	Reject     bool           `json:"reject" doc:"its messages are refused"`
	Unknown    string         `json:"unknown" enum:"hold,resend,fail" doc:"what is done with a message that may have been sent and of which no report came: hold (it ends as UNKNOWN), resend (perhaps twice; its timeline and receipt say so), fail (UNDELIVERABLE, the credits given back)"`
	After      int            `json:"unknown_after_s" doc:"so many seconds after the attempt; 0: when no report is waited for any more"`
	Missing    []string       `json:"missing" doc:"channels that the gateway does not have; not known while none runs"`
	CreatedAt  time.Time      `json:"created_at"`
}

// RouteChannel is a channel of a route.
type RouteChannel struct {
	Name   string `json:"name" example:"gsm" doc:"gsm, gsm/POOL, smpp:x"`
	Weight int    `json:"weight,omitempty" required:"false" doc:"for the strategy weighted: how often it has its turn; 0 is 1"`
}

// RouteSettings are what may be set of a route. What is not named is the default,
// or stays.
type RouteSettings struct {
	Order      *int            `json:"order,omitempty" doc:"100 unless named"`
	Enabled    *bool           `json:"enabled,omitempty" doc:"true unless named"`
	Note       *string         `json:"note,omitempty" maxLength:"200"`
	Users      *[]string       `json:"users,omitempty"`
	Sources    *[]string       `json:"sources,omitempty" doc:"3161234, 316*, Acme, Acme*, or alpha for all that are no numbers"`
	Dests      *[]string       `json:"dests,omitempty" doc:"a prefix 316, a range 31600000000-31649999999, =1234 for that number alone, * for all; a + in front means nothing"`
	Classes    *[]string       `json:"classes,omitempty" doc:"gsm7, unicode, binary, flash"`
	When       *[]string       `json:"when,omitempty" doc:"mon-fri 08:00-18:00, sat,sun, 22:00-06:00"`
	Zone       *string         `json:"zone,omitempty" doc:"Europe/Amsterdam"`
	MinParts   *int            `json:"min_parts,omitempty"`
	MaxParts   *int            `json:"max_parts,omitempty"`
	Channels   *[]RouteChannel `json:"channels,omitempty"`
	Strategy   *string         `json:"strategy,omitempty" doc:"priority (default): as they are named; least-cost, round-robin, weighted, sticky: by recipient"`
	MinQuality *int            `json:"min_quality,omitempty" doc:"percent"`
	Last       *bool           `json:"last,omitempty"`
	Reject     *bool           `json:"reject,omitempty"`
	Unknown    *string         `json:"unknown,omitempty" doc:"hold (default), resend or fail"`
	After      *int            `json:"unknown_after_s,omitempty" doc:"seconds; 0: when no report is waited for any more"`
}

// NewRoute asks for a route.
type NewRoute struct {
	ID string `json:"id,omitempty" doc:"the next number unless named"`
	RouteSettings
}

// apply writes what is named into a route.
func (s *RouteSettings) apply(r *storage.Route) {
	put(&r.Order, s.Order)
	put(&r.Note, s.Note)
	put(&r.Users, s.Users)
	put(&r.Sources, s.Sources)
	put(&r.Dests, s.Dests)
	put(&r.Classes, s.Classes)
	put(&r.When, s.When)
	put(&r.Zone, s.Zone)
	put(&r.MinParts, s.MinParts)
	put(&r.MaxParts, s.MaxParts)
	put(&r.Strategy, s.Strategy)
	put(&r.MinQuality, s.MinQuality)
	put(&r.Last, s.Last)
	put(&r.Reject, s.Reject)
	put(&r.Unknown, s.Unknown)
	put(&r.UnknownAfter, s.After)
	if s.Enabled != nil {
		r.Disabled = !*s.Enabled
	}
	if s.Channels != nil {
		r.Channels = nil
		for _, c := range *s.Channels {
			r.Channels = append(r.Channels, storage.RouteChannel{Name: c.Name, Weight: c.Weight})
		}
	}
}

func put[T any](field, value *T) {
	if value != nil {
		*field = *value
	}
}

func (a *API) routeOf(r storage.Route) Route {
	out := Route{
		ID: r.ID, Order: r.Order, Enabled: !r.Disabled, Note: r.Note, Users: listed(r.Users), Sources: listed(r.Sources), Dests: listed(r.Dests),
		Classes: listed(r.Classes), When: listed(r.When), Zone: r.Zone, MinParts: r.MinParts, MaxParts: r.MaxParts, Channels: []RouteChannel{},
		Unknown: cmp.Or(r.Unknown, plan.Hold), After: r.UnknownAfter, Strategy: r.Strategy, MinQuality: r.MinQuality, Last: r.Last, Reject: r.Reject, Missing: listed(a.Router.Missing(&r)), CreatedAt: r.Created.Time(),
	}
	if out.Strategy == "" {
		out.Strategy = plan.Priority.String()
	}
	for _, c := range r.Channels {
		out.Channels = append(out.Channels, RouteChannel{Name: c.Name, Weight: c.Weight})
	}
	return out
}

// listed is a list that is [] in JSON when it is empty.
func listed(list []string) []string { return append([]string{}, list...) }

func (a *API) routeRoutes() {
	route(a, http.MethodGet, "/v1/routes", 200, "the routes, in the order in which they were made", a.listRoutes)
	route(a, http.MethodPost, "/v1/routes", 201, "add a route", a.addRoute)
	route(a, http.MethodGet, "/v1/routes/{id}", 200, "one route", a.oneRoute)
	route(a, http.MethodPatch, "/v1/routes/{id}", 200, "change a route", a.setRoute)
	route(a, http.MethodDelete, "/v1/routes/{id}", 200, "take a route away; what was accepted by it goes on", a.removeRoute)
	route(a, http.MethodPost, "/v1/routes/explain", 200, "by which channel a message would go, and why not by another", a.explainRoute)
}

func (a *API) listRoutes(context.Context, *none) ([]Route, error) {
	list := []Route{}
	for _, r := range a.Router.Routes() {
		list = append(list, a.routeOf(r))
	}
	return list, nil
}

func (a *API) addRoute(ctx context.Context, in *body[NewRoute]) (Route, error) {
	r := storage.Route{ID: in.Body.ID, Order: router.DefaultOrder}
	in.Body.apply(&r)
	r, err := a.Router.AddRoute(ctx, r)
	return a.routeOf(r), err
}

// ByRoute is exported for huma, which fills in no others.
type ByRoute struct {
	ID string `path:"id" doc:"id of the route"`
}

func (a *API) oneRoute(_ context.Context, in *ByRoute) (Route, error) {
	r, err := a.Router.Route(in.ID)
	return a.routeOf(r), err
}

func (a *API) setRoute(ctx context.Context, in *struct {
	ByRoute
	Body RouteSettings
}) (Route, error) {
	r, err := a.Router.SetRoute(ctx, in.ID, in.Body.apply)
	return a.routeOf(r), err
}

// removeRoute answers what the route was.
func (a *API) removeRoute(ctx context.Context, in *ByRoute) (Route, error) {
	r, err := a.Router.Route(in.ID)
	if err == nil {
		err = a.Router.RemoveRoute(ctx, in.ID)
	}
	return a.routeOf(r), err
}

// RouteQuestion is a message that might be sent.
type RouteQuestion struct {
	User   string `json:"user" doc:"system_id"`
	Source string `json:"source,omitempty"`
	To     string `json:"to" minLength:"1"`
	Text   string `json:"text"`
	At     string `json:"at,omitempty" doc:"RFC 3339: as if it were then; now unless named"`
}

// RouteAnswer says what would become of it.
type RouteAnswer struct {
	Dest     string `json:"dest" doc:"the destination as it would be sent"`
	Class    string `json:"class" doc:"gsm7, unicode or binary, and flash"`
	Parts    int    `json:"parts"`
	Default  bool   `json:"default" doc:"there are no routes: the first channel takes everything"`
	Route    string `json:"route" doc:"id; empty: none"`
	Strategy string `json:"strategy"`
	Channel  string `json:"channel" doc:"empty: none"`
	Refused  string `json:"refused" doc:"why the message would be refused; empty: it would not"`

	Unknown      string `json:"unknown" doc:"what the route does with a message that may have been sent: hold, resend or fail"`
	UnknownAfter int64  `json:"unknown_after_s" doc:"seconds after the attempt"`

	PriceList string `json:"price_list" doc:"of the user; empty: one credit a part"`
	Price     int64  `json:"price" doc:"millicredits of a part that the user pays"`
	Total     int64  `json:"total" doc:"millicredits of all parts"`
	Cost      *int64 `json:"cost" doc:"millicredits of a part that the channel takes of us; null when it is not known"`

	Candidates []RouteCandidate `json:"candidates" doc:"in their order, then those that cannot take it"`
	Skipped    []SkippedRoute   `json:"skipped" doc:"routes for the destination that are not for the message"`
	Moved      string           `json:"moved,omitempty" doc:"why it goes by this channel: the one that the line begins with could not send it in time"`
	Line       string           `json:"line" doc:"all of it in one line, as it stands in the timeline of a message"`
}

// RouteCandidate is a channel that a route names for the message.
type RouteCandidate struct {
	Place   int    `json:"place" doc:"1 is the one that is taken, 0 one that cannot take it"`
	Channel string `json:"channel"`
	Route   string `json:"route"`
	Cost    *int64 `json:"cost" doc:"millicredits of a part; null when it is not known"`
	Ready   bool   `json:"ready"`
	Quality *int   `json:"quality" doc:"percent delivered lately; null when too little is known"`
	Why     string `json:"why"`
}

// SkippedRoute is a route that is not for the message.
type SkippedRoute struct {
	Route string `json:"route"`
	Why   string `json:"why"`
}

func (a *API) explainRoute(_ context.Context, in *body[RouteQuestion]) (RouteAnswer, error) {
	q := router.RouteQuery{SendRequest: router.SendRequest{User: in.Body.User, From: in.Body.Source, To: in.Body.To, Text: in.Body.Text}}
	var err error
	if q.At, err = moment("at", in.Body.At); err != nil {
		return RouteAnswer{}, err
	}
	e, err := a.Router.ExplainRoute(q)
	if err != nil {
		return RouteAnswer{}, inRequest(err)
	}
	return answerOf(&e), nil
}

func answerOf(e *router.RouteExplanation) RouteAnswer {
	out := RouteAnswer{
		Dest: router.AddressText(e.Dest), Class: e.Class.String(), Parts: e.Parts, Default: e.Default,
		Route: e.Rule, Strategy: e.Strategy, Channel: e.Channel, Refused: e.Refused,
		PriceList: e.PriceList, Price: int64(e.Price), Total: int64(e.Price) * int64(e.Parts), Cost: known(e.Cost, e.CostKnown),
		Candidates: []RouteCandidate{}, Skipped: []SkippedRoute{}, Line: e.Line, Moved: e.Moved,
		Unknown: e.Unknown, UnknownAfter: int64(e.UnknownAfter / time.Second),
	}
	for _, r := range e.Rows {
		c := RouteCandidate{Place: r.Place, Channel: r.Channel, Route: r.Rule, Cost: known(r.Cost, r.Priced), Ready: r.Ready, Why: r.Why}
		if r.Quality != plan.UnknownQuality {
			c.Quality = &r.Quality
		}
		out.Candidates = append(out.Candidates, c)
	}
	for _, s := range e.Skipped {
		out.Skipped = append(out.Skipped, SkippedRoute{s.Rule, s.Why.String()})
	}
	return out
}

// known is nil for an amount that is not.
func known(amount storage.Millicredits, is bool) *int64 {
	if !is {
		return nil
	}
	n := int64(amount)
	return &n
}

// timeOf reads a day or a moment; 0 for none.
func timeOf(field, text string) (storage.Time, error) {
	if text == "" {
		return 0, nil
	}
	at, _, err := price.ParseTime(text)
	if err != nil {
		return 0, problem(http.StatusUnprocessableEntity, field, err.Error(), "")
	}
	return at, nil
}
