package provisioning

import (
	"context"

	"gsmgate/storage"
)

// Filter says what becomes of some of the messages that come in. The first that
// fits a message decides; all that it names must fit.
type Filter struct {
	Name    string   `json:"name" doc:"1 to 64 letters, digits, dots, hyphens and underscores"`
	Action  string   `json:"action" enum:"drop,keep" doc:"drop: the message ends as REJECTED and no user gets it; keep: it goes its way, whatever later filters say"`
	Order   int      `json:"order,omitempty" required:"false" doc:"lower ones are looked at first, equal ones by name"`
	Sources []string `json:"sources,omitempty" required:"false" doc:"+31612345678, +3169*, +31699000000-+31699999999, or a name such as Acme*; ! before it leaves it out"`
	Dests   []string `json:"dests,omitempty" required:"false" doc:"the same for destinations"`
	Text    string   `json:"text,omitempty" required:"false" doc:"regular expression (RE2) that the text holds"`
}

func (f *Filter) record() storage.MOFilter {
	return storage.MOFilter{Name: f.Name, Drop: f.Action == "drop", Order: f.Order, Sources: f.Sources, Dests: f.Dests, Text: f.Text}
}

func filterOf(f *storage.MOFilter) Filter {
	out := Filter{Name: f.Name, Action: "keep", Order: f.Order, Sources: f.Sources, Dests: f.Dests, Text: f.Text}
	if f.Drop {
		out.Action = "drop"
	}
	return out
}

func (a *API) filters(context.Context, *none) ([]Filter, error) {
	list := []Filter{}
	for _, f := range a.Router.MOFilters() {
		list = append(list, filterOf(&f))
	}
	return list, nil
}

func (a *API) addFilter(ctx context.Context, in *body[Filter]) (Filter, error) {
	err := a.Router.PutMOFilter(ctx, in.Body.record(), true)
	return in.Body, err
}

func (a *API) putFilter(ctx context.Context, in *struct {
	ByFilter
	Body Filter
}) (Filter, error) {
	in.Body.Name = in.ByFilter.Name
	err := a.Router.PutMOFilter(ctx, in.Body.record(), false)
	return in.Body, err
}

// ByFilter is exported for huma, which fills in no others.
type ByFilter struct {
	Name string `path:"name" doc:"name of the filter"`
}

// removeFilter answers those that are left.
func (a *API) removeFilter(ctx context.Context, in *ByFilter) ([]Filter, error) {
	if err := a.Router.RemoveMOFilter(ctx, in.Name); err != nil {
		return nil, err
	}
	return a.filters(ctx, nil)
}
