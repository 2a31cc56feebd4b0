package provisioning

import (
	"context"
	"net/http"
	"strings"
	"time"

	"gsmgate/router"
	"gsmgate/router/price"
	"gsmgate/storage"
)

// PriceList is what a list of prices is for.
type PriceList struct {
	Name      string     `json:"name"`
	Note      string     `json:"note"`
	Channels  []string   `json:"channels" doc:"what these cost us is in the list"`
	Users     []string   `json:"users" doc:"who pay by it"`
	Count     int        `json:"count" doc:"of its prices"`
	CreatedAt time.Time  `json:"created_at"`
	ChangedAt *time.Time `json:"changed_at" doc:"when its prices changed last"`
}

// Price is what a part to a prefix costs.
type Price struct {
	Prefix  string     `json:"prefix" doc:"digits; empty: any destination"`
	Amount  int64      `json:"amount" doc:"millicredits of a part"`
	Blocked bool       `json:"blocked,omitempty" doc:"the destination is not served"`
	Start   *time.Time `json:"start,omitempty" doc:"absent: always"`
	End     *time.Time `json:"end,omitempty" doc:"it holds until then; absent: until the next price of the prefix starts"`
	Note    string     `json:"note,omitempty"`
}

// PricePage is a stretch of a price list, in the order of prefixes.
type PricePage struct {
	PriceList
	Prices []Price `json:"prices"`
	Next   int     `json:"next" doc:"what to ask for with after; 0: there is no more"`
}

// PriceFilter picks prices.
type PriceFilter struct {
	ByPriceList
	Prefix string `query:"prefix" doc:"only prices of prefixes that begin with these digits"`
	After  int    `query:"after" minimum:"0" doc:"how many to leave out"`
	Limit  int    `query:"limit" minimum:"1" maximum:"10000" default:"1000"`
}

// ByPriceList is exported for huma, which fills in no others.
type ByPriceList struct {
	List string `path:"list" doc:"name of the price list"`
}

// PriceListPatch changes what it names.
type PriceListPatch struct {
	Note     *string   `json:"note,omitempty" maxLength:"200"`
	Channels *[]string `json:"channels,omitempty" doc:"what these cost us is in the list; replaces all of them"`
}

// PriceImport asks for the prices of a table to be put into a list.
type PriceImport struct {
	CSV        string `json:"csv" doc:"lines of prefix, price, start, end, note; the first may name the columns"`
	Start      string `json:"start,omitempty" doc:"of prices that name none: 2026-12-31, or RFC 3339; absent: always"`
	Replace    bool   `json:"replace,omitempty" doc:"take out what is not in the table"`
	SkipErrors bool   `json:"skip_errors,omitempty" doc:"leave out lines that cannot be read, instead of refusing all"`
	DryRun     bool   `json:"dry_run,omitempty" doc:"only tell what would change"`
}

// PricesImported says what an import has changed, or would.
type PricesImported struct {
	Done      bool           `json:"done" doc:"false: nothing was changed, for a dry run, or for problems"`
	Added     int            `json:"added"`
	Changed   int            `json:"changed"`
	Removed   int            `json:"removed"`
	Unchanged int            `json:"unchanged"`
	Kept      int            `json:"kept" doc:"prices of which the table says nothing"`
	Changes   []PriceChange  `json:"changes" doc:"the first 1000 of them"`
	Problems  []PriceProblem `json:"problems" doc:"the first 100 of them"`
	Ignored   []string       `json:"ignored" doc:"columns that say nothing about prices"`
}

// PriceChange is a price before and after.
type PriceChange struct {
	Kind string `json:"kind" enum:"added,changed,removed"`
	From *Price `json:"from,omitempty"`
	To   *Price `json:"to,omitempty"`
}

// PriceProblem is a line that cannot be read.
type PriceProblem struct {
	Line    int    `json:"line" doc:"0: the table as a whole"`
	Message string `json:"message"`
}

func (a *API) routePrices() {
	route(a, http.MethodGet, "/v1/prices", 200, "the price lists", a.priceLists)
	route(a, http.MethodGet, "/v1/prices/{list}", 200, "the prices of a list", a.prices)
	route(a, http.MethodPatch, "/v1/prices/{list}", 200, "say whom a list is for", a.setPriceList)
	route(a, http.MethodDelete, "/v1/prices/{list}", 200, "take a list away that no user has", a.removePriceList)
	route(a, http.MethodPost, "/v1/prices/{list}/import", 200, "put the prices of a table into a list, a new one when there is none", a.importPrices, largeBody)
}

func (a *API) priceListOf(l storage.PriceList) (PriceList, error) {
	out := PriceList{
		Name: l.Name, Note: l.Note, Channels: listed(l.Channels), Users: []string{}, Count: l.Count,
		CreatedAt: l.Created.Time(), ChangedAt: optional(l.Changed),
	}
	users, err := a.Router.Users()
	for _, u := range users {
		if u.PriceList == l.Name {
			out.Users = append(out.Users, u.SystemID)
		}
	}
	return out, err
}

func (a *API) priceLists(context.Context, *none) ([]PriceList, error) {
	list := []PriceList{}
	for _, l := range a.Router.PriceLists() {
		out, err := a.priceListOf(l)
		if err != nil {
			return nil, err
		}
		list = append(list, out)
	}
	return list, nil
}

func (a *API) prices(_ context.Context, in *PriceFilter) (PricePage, error) {
	l, prices, err := a.Router.PriceList(in.List)
	if err != nil {
		return PricePage{}, err
	}
	page := PricePage{Prices: []Price{}}
	if page.PriceList, err = a.priceListOf(l); err != nil {
		return page, err
	}
	for i := min(in.After, len(prices)); i < len(prices); i++ {
		if !strings.HasPrefix(prices[i].Prefix, in.Prefix) {
			continue
		}
		if len(page.Prices) == in.Limit {
			page.Next = i
			break
		}
		page.Prices = append(page.Prices, priceOf(&prices[i]))
	}
	return page, nil
}

func priceOf(p *storage.Price) Price {
	return Price{Prefix: p.Prefix, Amount: int64(p.Amount), Blocked: p.Blocked, Start: optional(p.Start), End: optional(p.End), Note: p.Note}
}

func (a *API) setPriceList(ctx context.Context, in *struct {
	ByPriceList
	Body PriceListPatch
}) (PriceList, error) {
	l, err := a.Router.SetPriceList(ctx, in.List, router.PriceListChange(in.Body))
	if err != nil {
		return PriceList{}, err
	}
	return a.priceListOf(l)
}

// removePriceList answers those that are left.
func (a *API) removePriceList(ctx context.Context, in *ByPriceList) ([]PriceList, error) {
	if err := a.Router.RemovePriceList(ctx, in.List); err != nil {
		return nil, err
	}
	return a.priceLists(ctx, nil)
}

func (a *API) importPrices(ctx context.Context, in *struct {
	ByPriceList
	Body PriceImport
}) (PricesImported, error) {
	start, err := timeOf("start", in.Body.Start)
	if err != nil {
		return PricesImported{}, err
	}
	r, err := a.Router.ImportPrices(ctx, router.PriceImport{
		List: in.List, Table: []byte(in.Body.CSV), Start: start,
		Replace: in.Body.Replace, SkipErrors: in.Body.SkipErrors, DryRun: in.Body.DryRun,
	})
	return importedOf(&r), err
}

// mostChanges is how many an answer tells.
const mostChanges = 1000

func importedOf(r *router.PriceReport) PricesImported {
	out := PricesImported{
		Done: r.Done, Added: r.Added, Changed: r.Changed, Removed: r.Removed, Unchanged: r.Unchanged, Kept: r.Kept,
		Changes: []PriceChange{}, Problems: []PriceProblem{}, Ignored: listed(r.Ignored),
	}
	for _, c := range r.Changes[:min(len(r.Changes), mostChanges)] {
		out.Changes = append(out.Changes, changeOf(c))
	}
	for _, p := range r.Problems {
		out.Problems = append(out.Problems, PriceProblem(p))
	}
	return out
}

func changeOf(c price.Change) PriceChange {
	out := PriceChange{Kind: c.Kind.String()}
	if c.From != nil {
		from := priceOf(c.From)
		out.From = &from
	}
	if c.To != nil {
		to := priceOf(c.To)
		out.To = &to
	}
	return out
}
