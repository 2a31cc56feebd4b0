package main

import (
	"context"
	"fmt"
	"text/tabwriter"

	"gsmgate/provisioning"
	"gsmgate/provisioning/client"
)

type filterCmd struct {
	Add    filterAddCmd    `cmd:"" help:"Add a filter of incoming messages."`
	List   filterListCmd   `cmd:"" help:"List the filters in the order in which they are looked at."`
	Remove filterRemoveCmd `cmd:"" help:"Take a filter away."`
}

type filterAddCmd struct {
	dataDir
	Name   string   `arg:"" help:"its name: letters, digits, dots, hyphens and underscores"`
	Drop   bool     `xor:"action" required:"" help:"what fits ends as REJECTED, and no user gets it"`
	Keep   bool     `xor:"action" required:"" help:"what fits goes its way, whatever later filters say"`
	Order  int      `placeholder:"N" help:"lower ones are looked at first, equal ones by name (default 0)"`
	Source []string `placeholder:"ADDR" sep:"none" help:"source address: +31612345678, +3169*, +31699000000-+31699999999 or a name such as Acme*; !ADDR leaves one out; again for more"`
	Dest   []string `placeholder:"ADDR" sep:"none" help:"destination, written likewise; again for more"`
	Text   string   `placeholder:"REGEXP" help:"regular expression that the text holds, such as '(?i)^stop'"`
	JSON   bool     `name:"json" help:"print as JSON"`
}

func (c *filterAddCmd) Run(e *env) error {
	f := provisioning.Filter{Name: c.Name, Action: "keep", Order: c.Order, Sources: c.Source, Dests: c.Dest, Text: c.Text}
	if c.Drop {
		f.Action = "drop"
	}
	return c.call(e, writes, func(ctx context.Context, api *client.Client) error {
		f, err := api.AddFilter(ctx, f)
		switch {
		case err != nil:
			return err
		case c.JSON:
			return e.json(f)
		}
		fmt.Fprintf(e.stdout, "filter %s added\n", f.Name)
		return nil
	})
}

type filterListCmd struct {
	dataDir
	JSON bool `name:"json" help:"print as JSON"`
}

func (c *filterListCmd) Run(e *env) error {
	return c.call(e, reads, func(ctx context.Context, api *client.Client) error {
		list, err := api.Filters(ctx)
		switch {
		case err != nil:
			return err
		case c.JSON:
			return e.json(list)
		}
		w := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "ORDER\tNAME\tACTION\tSOURCES\tDESTINATIONS\tTEXT")
		for _, f := range list {
			fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%s\n", f.Order, f.Name, f.Action, itemsOr(f.Sources, "any"), itemsOr(f.Dests, "any"), orDash(visible(f.Text, -1)))
		}
		return w.Flush()
	})
}

type filterRemoveCmd struct {
	dataDir
	Name string `arg:"" help:"name of the filter"`
}

func (c *filterRemoveCmd) Run(e *env) error {
	return c.call(e, writes, func(ctx context.Context, api *client.Client) error {
		if _, err := api.RemoveFilter(ctx, c.Name); err != nil {
			return err
		}
		fmt.Fprintf(e.stdout, "filter %s removed\n", c.Name)
		return nil
	})
}
