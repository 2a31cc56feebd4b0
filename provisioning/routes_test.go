package provisioning_test

import (
	"net/http"
	"strings"
	"testing"

	"gsmgate/provisioning"
)

func TestRoutes_AddedChangedExplainedRemoved(t *testing.T) {
	_, c := newAPI(t)
	addUser(t, c, "acme", 10_000)
	ctx := t.Context()
	channels := []provisioning.RouteChannel{{Name: "smpp:x"}, {Name: "deaf"}}
	r, err := c.AddRoute(ctx, provisioning.NewRoute{RouteSettings: provisioning.RouteSettings{Channels: &channels, Dests: &[]string{"31"}}})
	if err != nil || r.ID != "1" || r.Order != 100 || !r.Enabled || r.Strategy != "priority" || strings.Join(r.Missing, " ") != "smpp:x" {
		t.Fatalf("added %+v: %v", r, err)
	}
	last, order := true, 7
	if r, err = c.SetRoute(ctx, "1", provisioning.RouteSettings{Last: &last, Order: &order}); err != nil || !r.Last || r.Order != 7 || len(r.Channels) != 2 {
		t.Fatalf("changed %+v: %v", r, err)
	}
	a, err := c.ExplainRoute(ctx, provisioning.RouteQuestion{User: "acme", To: "+31612345678", Text: "x"})
	if err != nil || a.Channel != "deaf" || a.Route != "1" || a.Price != 1000 || a.Total != 1000 || a.Cost != nil || len(a.Candidates) != 2 || a.Candidates[1].Why != "is not there" {
		t.Errorf("explained %+v: %v", a, err)
	}
	if a, err = c.ExplainRoute(ctx, provisioning.RouteQuestion{User: "acme", To: "+4477009001", Text: "x"}); err != nil || a.Refused != "no route is for it" || a.Channel != "" {
		t.Errorf("explained %+v: %v", a, err)
	}
	if list, err := c.Routes(ctx); err != nil || len(list) != 1 {
		t.Errorf("%d routes: %v", len(list), err)
	}
	if r, err := c.RemoveRoute(ctx, "1"); err != nil || r.ID != "1" {
		t.Errorf("removed %+v: %v", r, err)
	}
	if list, err := c.Routes(ctx); err != nil || len(list) != 0 {
		t.Errorf("%d routes: %v", len(list), err)
	}
}

func TestRoutes_Wrong_ProblemNamesTheField(t *testing.T) {
	api, _ := newAPI(t)
	for _, c := range []struct {
		method, path, body string
		code               int
		want               string
	}{
		{"POST", "/v1/routes", `{"channels":[{"name":"deaf"}],"dests":["x"]}`, http.StatusUnprocessableEntity, `"field":"dests"`},
		{"POST", "/v1/routes", `{"dests":["31"]}`, http.StatusUnprocessableEntity, `"field":"channels"`},
		{"POST", "/v1/routes", `{"channels":[{"name":"deaf"}],"users":["nobody"]}`, http.StatusNotFound, `"field":"user"`},
		{"POST", "/v1/routes", `{"chanels":[]}`, http.StatusUnprocessableEntity, `chanels`},
		{"PATCH", "/v1/routes/9", `{"order":1}`, http.StatusNotFound, `no route 9`},
		{"GET", "/v1/routes/9", ``, http.StatusNotFound, `no route 9`},
		{"POST", "/v1/routes/explain", `{"user":"nobody","to":"+31","text":"x"}`, http.StatusNotFound, `no user nobody`},
		{"POST", "/v1/routes/explain", `{"user":"nobody","to":"+31","text":"x","at":"noon"}`, http.StatusUnprocessableEntity, `"field":"at"`},
		{"GET", "/v1/prices/none", ``, http.StatusNotFound, `no price list none`},
		{"DELETE", "/v1/prices/none", ``, http.StatusNotFound, `no price list none`},
		{"PATCH", "/v1/prices/none", `{"note":"x"}`, http.StatusNotFound, `no price list none`},
		{"POST", "/v1/prices/a%2Fb/import", `{"csv":"31,1"}`, http.StatusUnprocessableEntity, `"field":"list"`},
		{"POST", "/v1/prices/a/import", `{"csv":"31,1","start":"noon"}`, http.StatusUnprocessableEntity, `"field":"start"`},
	} {
		if code, _, body := do(t, api, c.method, c.path, c.body); code != c.code || !strings.Contains(body, c.want) {
			t.Errorf("%s %s %s: %d %s", c.method, c.path, c.body, code, body)
		}
	}
}

func TestPrices_ImportedPagedAndSet(t *testing.T) {
	_, c := newAPI(t)
	addUser(t, c, "acme", 10_000)
	ctx := t.Context()
	in := provisioning.PriceImport{CSV: "prefix,price,end\n31,0.05\n316,0.04,2030-01-01\n44,0.06\nx,1\n"}
	done, err := c.ImportPrices(ctx, "retail", in)
	if err != nil || done.Done || done.Added != 3 || len(done.Problems) != 1 || done.Problems[0].Line != 5 {
		t.Fatalf("%+v: %v", done, err)
	}
	in.SkipErrors = true
	if done, err = c.ImportPrices(ctx, "retail", in); err != nil || !done.Done || len(done.Changes) != 3 || done.Changes[0].To.Amount != 50 {
		t.Fatalf("%+v: %v", done, err)
	}
	page, err := c.Prices(ctx, provisioning.PriceFilter{ByPriceList: provisioning.ByPriceList{List: "retail"}, Limit: 2})
	if err != nil || len(page.Prices) != 2 || page.Next != 2 || page.Count != 3 || page.Prices[1].End == nil {
		t.Fatalf("%+v: %v", page, err)
	}
	page, err = c.Prices(ctx, provisioning.PriceFilter{ByPriceList: provisioning.ByPriceList{List: "retail"}, Limit: 2, After: page.Next})
	if err != nil || len(page.Prices) != 1 || page.Next != 0 || page.Prices[0].Prefix != "44" {
		t.Fatalf("%+v: %v", page, err)
	}
	list, region := "retail", "NL"
	u, err := c.SetUser(ctx, "acme", provisioning.UserPatch{UserSettings: provisioning.UserSettings{PriceList: &list, Region: &region}})
	if err != nil || u.PriceList != "retail" || u.Region != "NL" {
		t.Fatalf("%+v: %v", u, err)
	}
	l, err := c.SetPriceList(ctx, "retail", provisioning.PriceListPatch{Channels: &[]string{"deaf"}})
	if err != nil || len(l.Users) != 1 || len(l.Channels) != 1 {
		t.Errorf("%+v: %v", l, err)
	}
	id, err := c.Send(ctx, provisioning.NewMessage{User: "acme", To: "0612345678", Text: "x"})
	if err != nil {
		t.Fatal(err)
	}
	if m, err := c.Message(ctx, id); err != nil || m.Price != 40 || m.Dest != "+31612345678" {
		t.Errorf("%+v: %v", m, err)
	}
	if _, err := c.RemovePriceList(ctx, "retail"); err == nil {
		t.Error("a list that is used was removed")
	}
}
