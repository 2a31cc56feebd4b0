package plan

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"gsmgate/router/price"
	"gsmgate/storage"
)

func TestCheck_Faults_NameTheField(t *testing.T) {
	for name, c := range map[string]struct {
		field string
		route storage.Route
	}{
		"no channel":      {"channels", route("1", "")},
		"reject with":     {"channels", route("1", "a", reject)},
		"twice":           {"channels", route("1", "a a")},
		"pinned":          {"channels", route("1", "gsm#sim:1")},
		"heavy":           {"channels", route("1", "a*1001")},
		"strategy":        {"strategy", route("1", "a", by("cheap"))},
		"class":           {"classes", route("1", "a", func(r *storage.Route) { r.Classes = []string{"text"} })},
		"letters":         {"dests", route("1", "a", to("31x"))},
		"empty":           {"dests", route("1", "a", to(""))},
		"backwards":       {"dests", route("1", "a", to("319-310"))},
		"other lengths":   {"dests", route("1", "a", to("31-320"))},
		"exactly nothing": {"dests", route("1", "a", to("="))},
		"too long":        {"dests", route("1", "a", to("12345678901234567"))},
		"source":          {"sources", route("1", "a", func(r *storage.Route) { r.Sources = []string{"*me"} })},
		"parts":           {"max_parts", route("1", "a", func(r *storage.Route) { r.MinParts, r.MaxParts = 3, 2 })},
		"quality":         {"min_quality", route("1", "a", func(r *storage.Route) { r.MinQuality = 101 })},
		"day":             {"when", route("1", "a", func(r *storage.Route) { r.When = []string{"someday"} })},
		"hours":           {"when", route("1", "a", func(r *storage.Route) { r.When = []string{"mon 8-18"} })},
		"no hour at all":  {"when", route("1", "a", func(r *storage.Route) { r.When = []string{"08:00-08:00"} })},
		"hours then days": {"when", route("1", "a", func(r *storage.Route) { r.When = []string{"08:00-18:00 mon"} })},
		"zone":            {"when", route("1", "a", func(r *storage.Route) { r.When, r.Zone = []string{"mon"}, "Mars/Base" })},
		"nameless user":   {"users", route("1", "a", users(""))},
	} {
		var f *Fault
		if err := Check(&c.route); !errors.As(err, &f) || f.Field != c.field || f.Message == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, dest := range []string{"31", "+31", "31*", "*", "=1234", "=+31612345678", "+31600-+31650", "=*100#"} {
		r := route("1", "a", to(dest))
		if err := Check(&r); err != nil {
			t.Errorf("%s: %v", dest, err)
		}
	}
}

func TestNew_OneRouteIsWrong_OthersStand(t *testing.T) {
	p, err := New(Config{Routes: []storage.Route{route("1", "a", by("nonsense")), route("2", "b")}})
	if err == nil || !strings.Contains(err.Error(), "route 1") {
		t.Errorf("error %v", err)
	}
	if got := run(p, &world{p: p}, Query{Dest: dutch}); got != "b" {
		t.Errorf("run %s", got)
	}
}

func TestExplain_LineAndTable(t *testing.T) {
	w := &world{states: map[string]State{"down": {Quality: UnknownQuality}, "bad": {Ready: true, Quality: 40}, "gone": {Missing: true}, "off": {Disabled: true}}}
	p := made(t, w, map[string]string{"a": "31,0.02", "b": "31,0.032", "nl": "44,1", "down": "31,0", "bad": "31,0.001"},
		route("10", "b nl down gone off bad a", to("31"), by("least-cost"), func(r *storage.Route) { r.MinQuality = 90 }), route("20", "c"),
		route("30", "d", users("acme")), route("40", "d", to("44")))
	q := Query{Dest: dutch, Parts: 1, User: "other"}
	var c Choice
	p.Choose(&q, w, &c)
	e := p.Explain(&q, &c)
	want := "route 10, least-cost, cost 0.02; then b (dearer by 0.012); then bad (delivers 40 %, less than 90 %); then c (of the later route 20); " +
		"then down (not ready); not nl (has no price for it); not gone (is not there); not off (is disabled)"
	if got := e.Line(); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	if strings.Contains(e.Line(), dutch) {
		t.Error("the line tells the number")
	}
	table := e.Table()
	if got := strings.Join(table[1], " "); len(table) != 9 || got != "1 a 10 0.02 yes - the cheapest" {
		t.Errorf("%d lines, the first %s", len(table), got)
	}
	if e.Rule != "10" || e.Channel != "a" || e.Strategy != "least-cost" {
		t.Errorf("%+v", e)
	}
	if got := fmt.Sprint(p.Skip(&q)); got != "[{30 for other users}]" {
		t.Errorf("skipped %s", got)
	}
}

func TestExplain_NoWay_SaysWhy(t *testing.T) {
	w := &world{states: map[string]State{"gone": {Missing: true}}}
	p := made(t, w, nil, route("1", "gone", to("31")), route("2", "", to("44"), reject))
	for dest, want := range map[string]string{dutch: "no channel of a route can take it: gone is not there", "4477": "route 2 rejects it", "1": "no route is for it"} {
		q := Query{Dest: dest, Parts: 1}
		var c Choice
		p.Choose(&q, w, &c)
		if e := p.Explain(&q, &c); e.Line() != want || e.Channel != "" {
			t.Errorf("to %s: %s, want %s", dest, e.Line(), want)
		}
	}
}

func TestTextClass(t *testing.T) {
	for text, want := range map[string]Class{"": GSM7, "Hello @ [x] {~}\r\n": GSM7, "€ ñ Ω": GSM7, "`": Unicode, "ç": Unicode, "привет": Unicode, "\x01": Unicode, "😀": Unicode} {
		if got := TextClass(text); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

func TestPrice_DefaultAndLists(t *testing.T) {
	lists, _ := costs(t, map[string]string{"retail": "31,0.05\n319,blocked"})
	p, err := New(Config{Lists: lists})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		list, dest string
		amount     storage.Millicredits
		found      price.Found
	}{
		{"", "1", 1000, price.Priced}, {"retail list", "+" + dutch, 50, price.Priced}, {"retail list", "31900", 0, price.Blocked},
		{"retail list", "44", 0, price.None}, {"no such", dutch, 0, price.None},
	} {
		if amount, found := p.Price(c.list, &Query{Dest: c.dest}); amount != c.amount || found != c.found {
			t.Errorf("%q to %s: %d, %d", c.list, c.dest, amount, found)
		}
	}
}
