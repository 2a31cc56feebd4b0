package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"gsmgate/provisioning"
	"gsmgate/provisioning/client"
)

type routeCmd struct {
	Add     routeAddCmd     `cmd:"" help:"Add a route: which messages go by which channels."`
	List    routeListCmd    `cmd:"" help:"List the routes in the order in which they are asked."`
	Set     routeSetCmd     `cmd:"" help:"Change a route."`
	Remove  routeRemoveCmd  `cmd:"" help:"Take a route away."`
	Explain routeExplainCmd `cmd:"" help:"Show by which channel a message would go, at what price, and why not by another."`
}

// routeFlags are the settings that route add and route set share.
type routeFlags struct {
	To         []string `placeholder:"DEST" sep:"none" help:"destinations: a prefix 316, a range 31600000000-31649999999, =1234 for that number alone, or * for all; again for more (default: all)"`
	Channels   []string `name:"channel" placeholder:"NAME" sep:"none" help:"gsm, gsm/POOL, smpp:NAME …, and with :WEIGHT=N behind it its weight; again for more, in their order"`
	Order      *int     `placeholder:"N" help:"the lower is asked first; of the same order the longer prefix (default 100)"`
	Strategy   *string  `placeholder:"S" help:"priority (default): channels as they are named; least-cost, round-robin, weighted, or sticky: by recipient"`
	Users      []string `name:"user" placeholder:"NAME" sep:"none" help:"only messages of this user; again for more"`
	Sources    []string `name:"source" placeholder:"ADDR" sep:"none" help:"only from 3161234, 316*, Acme, Acme*, or alpha for all that are no numbers; again for more"`
	Classes    []string `name:"class" placeholder:"C" sep:"none" help:"only gsm7, unicode, binary or flash; again for more"`
	When       []string `placeholder:"TIME" sep:"none" help:"only at mon-fri 08:00-18:00, sat,sun, 22:00-06:00; again for more"`
	Zone       *string  `placeholder:"ZONE" help:"time zone of --when, such as Europe/Amsterdam (default: that of the machine)"`
	MinParts   *int     `placeholder:"N" help:"only messages of so many parts or more"`
	MaxParts   *int     `placeholder:"N" help:"only messages of so many parts or fewer"`
	MinQuality *int     `placeholder:"N" help:"channels that deliver less than N percent come behind the others"`
	Last       *bool    `negatable:"" help:"ask no route behind it, also when its channels cannot take the message"`
	Reject     *bool    `negatable:"" help:"refuse its messages, instead of naming a channel"`
	Unknown    *string  `placeholder:"W" help:"of a message that may have been sent, when no report comes: hold (default: it ends as UNKNOWN), resend (perhaps twice; timeline and receipt say so) or fail (UNDELIVERABLE, credits given back)"`
	After      *string  `name:"unknown-after" placeholder:"TIME" help:"so long after the attempt, such as 15m or 2d (default: when no report is waited for any more)"`
	Note       *string  `placeholder:"TEXT" help:"a note for people"`
}

// settings are what the flags ask for.
func (f *routeFlags) settings() (s provisioning.RouteSettings, err error) {
	s = provisioning.RouteSettings{
		Order: f.Order, Strategy: f.Strategy, Zone: f.Zone, MinParts: f.MinParts, MaxParts: f.MaxParts,
		MinQuality: f.MinQuality, Last: f.Last, Reject: f.Reject, Note: f.Note, Unknown: f.Unknown,
	}
	if f.After != nil {
		d, err := daysOr(*f.After)
		if err != nil || d < 0 || d%time.Second != 0 {
			return s, usage("use a time such as 15m, 12h or 2d", "--unknown-after: %q cannot be used", *f.After)
		}
		s.After = new(int(d / time.Second))
	}
	for _, list := range []struct {
		to   **[]string
		from *[]string
	}{{&s.Dests, &f.To}, {&s.Users, &f.Users}, {&s.Sources, &f.Sources}, {&s.Classes, &f.Classes}, {&s.When, &f.When}} {
		if len(*list.from) > 0 {
			*list.to = list.from
		}
	}
	if len(f.Channels) == 0 {
		return s, nil
	}
	s.Channels = new([]provisioning.RouteChannel)
	for _, text := range f.Channels {
		c, err := parseRouteChannel(text)
		if err != nil {
			return s, err
		}
		*s.Channels = append(*s.Channels, c)
	}
	return s, nil
}

// weightMark stands between a channel and its weight. Names have colons.
const weightMark = ":WEIGHT="

func parseRouteChannel(text string) (c provisioning.RouteChannel, err error) {
	name, weight, marked := strings.Cut(text, weightMark)
	c.Name = name
	if marked {
		if c.Weight, err = strconv.Atoi(weight); err != nil || c.Weight < 1 {
			return c, usage("write --channel smpp:x:WEIGHT=3", "--channel %q: no weight", text)
		}
	}
	return c, nil
}

type routeAddCmd struct {
	dataDir
	ID string `name:"id" placeholder:"ID" help:"its name: letters, digits, dots, hyphens and underscores (default: the next number)"`
	routeFlags
	JSON bool `name:"json" help:"print as JSON"`
}

func (c *routeAddCmd) Run(e *env) error {
	settings, err := c.settings()
	if err != nil {
		return err
	}
	return c.call(e, writes, func(ctx context.Context, api *client.Client) error {
		r, err := api.AddRoute(ctx, provisioning.NewRoute{ID: c.ID, RouteSettings: settings})
		return tellRoute(e, c.JSON, r, "added", err)
	})
}

// tellRoute says what was done with a route, and which of its channels are not
// there.
func tellRoute(e *env, asJSON bool, r provisioning.Route, done string, err error) error {
	switch {
	case err != nil:
		return err
	case asJSON:
		return e.json(r)
	}
	fmt.Fprintf(e.stdout, "route %s %s\n", r.ID, done)
	if len(r.Missing) > 0 && done != "removed" {
		fmt.Fprintf(e.stderr, "hint: the gateway has no channel %s; until it has, nothing goes there\n", visible(strings.Join(r.Missing, ", "), -1))
	}
	return nil
}

type routeSetCmd struct {
	dataDir
	ID      string `arg:"" help:"of the route"`
	Enable  bool   `xor:"enabled" help:"ask it again"`
	Disable bool   `xor:"enabled" help:"do not ask it for now"`
	routeFlags
	JSON bool `name:"json" help:"print as JSON"`
}

func (c *routeSetCmd) Run(e *env) error {
	settings, err := c.settings()
	if err != nil {
		return err
	}
	if c.Enable || c.Disable {
		settings.Enabled = &c.Enable
	}
	if settings == (provisioning.RouteSettings{}) {
		return usage("gsmgate route set --help lists what can be changed", "nothing to change")
	}
	return c.call(e, writes, func(ctx context.Context, api *client.Client) error {
		r, err := api.SetRoute(ctx, c.ID, settings)
		return tellRoute(e, c.JSON, r, "changed", err)
	})
}

type routeRemoveCmd struct {
	dataDir
	ID   string `arg:"" help:"of the route"`
	JSON bool   `name:"json" help:"print as JSON"`
}

func (c *routeRemoveCmd) Run(e *env) error {
	return c.call(e, writes, func(ctx context.Context, api *client.Client) error {
		r, err := api.RemoveRoute(ctx, c.ID)
		return tellRoute(e, c.JSON, r, "removed", err)
	})
}

type routeListCmd struct {
	dataDir
	JSON bool `name:"json" help:"print as JSON"`
}

func (c *routeListCmd) Run(e *env) error {
	return c.call(e, reads, func(ctx context.Context, api *client.Client) error {
		list, err := api.Routes(ctx)
		if err != nil {
			return err
		}
		slices.SortStableFunc(list, func(a, b provisioning.Route) int { return cmp.Compare(a.Order, b.Order) })
		if c.JSON {
			return e.json(list)
		}
		if len(list) == 0 {
			fmt.Fprintln(e.stdout, "no routes: the first channel takes everything")
			return nil
		}
		w := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "ORDER\tID\tTO\tCHANNELS\tSTRATEGY\tONLY\tNOTE")
		for _, r := range list {
			fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%s\t%s\n", r.Order, r.ID, few(r.Dests, "all"), channelsOf(r), r.Strategy, orDash(only(r)), orDash(visible(r.Note, 40)))
		}
		return w.Flush()
	})
}

// few tells the first items of a list.
func few(list []string, none string) string {
	const most = 3
	if len(list) == 0 {
		return none
	}
	text := strings.Join(list[:min(len(list), most)], " ")
	if len(list) > most {
		text += fmt.Sprintf(" and %d more", len(list)-most)
	}
	return visible(text, -1)
}

func channelsOf(r provisioning.Route) string {
	if r.Reject {
		return "rejected"
	}
	var names []string
	for _, c := range r.Channels {
		if c.Weight > 0 {
			c.Name += weightMark + strconv.Itoa(c.Weight)
		}
		names = append(names, c.Name)
	}
	return few(names, "none")
}

// only tells the conditions of a route, and what else is special.
func only(r provisioning.Route) string {
	var all []string
	add := func(is bool, format string, args ...any) {
		if is {
			all = append(all, fmt.Sprintf(format, args...))
		}
	}
	add(!r.Enabled, "disabled")
	add(len(r.Users) > 0, "users %s", few(r.Users, ""))
	add(len(r.Sources) > 0, "from %s", few(r.Sources, ""))
	add(len(r.Classes) > 0, "%s", few(r.Classes, ""))
	add(len(r.When) > 0, "at %s %s", few(r.When, ""), r.Zone)
	add(r.MinParts > 0, "%d parts or more", r.MinParts)
	add(r.MaxParts > 0, "%d parts or fewer", r.MaxParts)
	add(r.MinQuality > 0, "quality %d %%", r.MinQuality)
	add(r.Last, "last")
	add(r.Unknown != "hold" && r.After == 0, "unknown: %s", r.Unknown)
	add(r.Unknown != "hold" && r.After > 0, "unknown: %s after %s", r.Unknown, time.Duration(r.After)*time.Second)
	for i := range all {
		all[i] = strings.TrimSpace(all[i])
	}
	return strings.Join(all, ", ")
}

type routeExplainCmd struct {
	dataDir
	User   string `required:"" placeholder:"NAME" help:"whose message it would be"`
	To     string `required:"" placeholder:"NUMBER" help:"destination"`
	Text   string `required:"" placeholder:"TEXT" help:"text"`
	Source string `placeholder:"ADDR" help:"source address"`
	At     string `placeholder:"TIME" help:"as if it were then, RFC 3339 (default: now)"`
	JSON   bool   `name:"json" help:"print as JSON"`
}

func (c *routeExplainCmd) Run(e *env) error {
	return c.call(e, needsGateway, func(ctx context.Context, api *client.Client) error {
		a, err := api.ExplainRoute(ctx, provisioning.RouteQuestion{User: c.User, Source: c.Source, To: c.To, Text: c.Text, At: c.At})
		switch {
		case err != nil:
			return err
		case c.JSON:
			return e.json(a)
		}
		return printAnswer(e, a)
	})
}

func printAnswer(e *env, a provisioning.RouteAnswer) error {
	if err := e.fields(answerLines(a)); err != nil {
		return err
	}
	w := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', 0)
	if len(a.Candidates) > 0 {
		fmt.Fprintln(e.stdout)
		fmt.Fprintln(w, "PLACE\tCHANNEL\tROUTE\tCOST\tREADY\tQUALITY\tWHY")
	}
	for _, c := range a.Candidates {
		place, quality := "-", "-"
		if c.Place > 0 {
			place = strconv.Itoa(c.Place)
		}
		if c.Quality != nil {
			quality = fmt.Sprintf("%d %%", *c.Quality)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", place, visible(c.Channel, -1), c.Route, creditsOr(c.Cost, "-"), yesNo(c.Ready), quality, c.Why)
	}
	for i, s := range a.Skipped {
		if i == 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintf(w, "route %s\t%s\n", s.Route, s.Why)
	}
	return w.Flush()
}

func answerLines(a provisioning.RouteAnswer) [][2]string {
	lines := [][2]string{{"destination", a.Dest}, {"text", a.Class + ", " + plural(a.Parts, "part")}}
	if a.Refused != "" {
		return append(lines, [2]string{"refused", visible(a.Refused, -1)})
	}
	by := fmt.Sprintf("%s, by route %s (%s)", a.Channel, a.Route, a.Strategy)
	if a.Default {
		by = a.Channel + ": there are no routes"
	}
	list := "by price list " + a.PriceList
	if a.PriceList == "" {
		list = "one credit a part: the user has no price list"
	}
	lines = append(lines, [2]string{"channel", by})
	if a.Moved != "" {
		lines = append(lines, [2]string{"moved", visible(a.Moved, -1)})
	}
	return append(lines,
		[2]string{"price", fmt.Sprintf("%s a part, %s in all, %s", credits(a.Price), credits(a.Total), list)},
		[2]string{"cost", creditsOr(a.Cost, "not known")},
		[2]string{"if unknown", fmt.Sprintf("%s after %s without a report", a.Unknown, time.Duration(a.UnknownAfter)*time.Second)})
}

func creditsOr(millicredits *int64, none string) string {
	if millicredits == nil {
		return none
	}
	return credits(*millicredits)
}
