package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"gsmgate/provisioning"
	"gsmgate/provisioning/client"
)

type priceCmd struct {
	Import priceImportCmd `cmd:"" help:"Put the prices of a CSV file into a price list, and show what changes."`
	List   priceListCmd   `cmd:"" help:"List the price lists."`
	Show   priceShowCmd   `cmd:"" help:"Show the prices of a list."`
	Set    priceSetCmd    `cmd:"" help:"Say which channels cost us what is in a list."`
	Remove priceRemoveCmd `cmd:"" help:"Take a price list away that no user has."`
}

type priceImportCmd struct {
	dataDir
	List       string `arg:"" help:"name of the price list; made when there is none"`
	File       string `arg:"" help:"CSV: prefix, price, and as wanted start, end, note; - reads standard input"`
	DryRun     bool   `help:"only show what would change"`
	Replace    bool   `help:"take out of the list what is not in the file"`
	SkipErrors bool   `help:"leave out lines that cannot be read, instead of refusing all"`
	Start      string `placeholder:"DATE" help:"of prices that name none, such as 2026-12-31 (UTC) or RFC 3339 (default: they hold from always)"`
	JSON       bool   `name:"json" help:"print as JSON"`
}

func (c *priceImportCmd) Run(e *env) error {
	text, err := c.read(e)
	if err != nil {
		return err
	}
	in := provisioning.PriceImport{CSV: text, Start: c.Start, Replace: c.Replace, SkipErrors: c.SkipErrors, DryRun: c.DryRun}
	return c.call(e, creates, func(ctx context.Context, api *client.Client) error {
		done, err := api.ImportPrices(ctx, c.List, in)
		if err != nil {
			return err
		}
		if c.JSON {
			if err := e.json(done); err != nil {
				return err
			}
		} else if err := c.print(e.stdout, done); err != nil {
			return err
		}
		return c.problems(done)
	})
}

// read gives the file as UTF-8, also one that a spreadsheet wrote in UTF-16.
func (c *priceImportCmd) read(e *env) (string, error) {
	in := e.stdin
	if c.File != "-" {
		f, err := os.Open(c.File)
		if err != nil {
			return "", err
		}
		defer f.Close()
		in = f
	}
	raw, err := io.ReadAll(io.LimitReader(transform.NewReader(in, unicode.BOMOverride(transform.Nop)), maxImport+1))
	if err == nil && len(raw) > maxImport {
		err = fmt.Errorf("%s: larger than %d MiB", c.File, maxImport>>20)
	}
	return string(raw), err
}

// mostShown is how many changes are printed.
const mostShown = 50

func (c *priceImportCmd) print(out io.Writer, done provisioning.PricesImported) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for i, ch := range done.Changes {
		if i == mostShown {
			break
		}
		fmt.Fprintln(w, changeLine(ch))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if n := done.Added + done.Changed + done.Removed; n > mostShown {
		fmt.Fprintf(out, "and %d more\n", n-mostShown)
	}
	for _, name := range done.Ignored {
		fmt.Fprintf(out, "column %s says nothing about prices\n", visible(name, 40))
	}
	verb := "price list %s: "
	if !done.Done {
		verb = "price list %s would have: "
	}
	_, err := fmt.Fprintf(out, verb+"%d added, %d changed, %d removed, %d unchanged, %d kept\n", c.List, done.Added, done.Changed, done.Removed, done.Unchanged, done.Kept)
	return err
}

func changeLine(ch provisioning.PriceChange) string {
	switch {
	case ch.From == nil:
		return fmt.Sprintf("added\t%s\t%s\t%s", prefixOf(ch.To), amountOf(ch.To), timesOf(ch.To))
	case ch.To == nil:
		return fmt.Sprintf("removed\t%s\t%s\t%s", prefixOf(ch.From), amountOf(ch.From), timesOf(ch.From))
	case amountOf(ch.From) == amountOf(ch.To):
		return fmt.Sprintf("changed\t%s\t%s\t%s", prefixOf(ch.To), amountOf(ch.To), timesOf(ch.To))
	}
	return fmt.Sprintf("changed\t%s\t%s → %s\t%s", prefixOf(ch.To), amountOf(ch.From), amountOf(ch.To), timesOf(ch.To))
}

func prefixOf(p *provisioning.Price) string {
	if p.Prefix == "" {
		return "*"
	}
	return p.Prefix
}

func amountOf(p *provisioning.Price) string {
	if p.Blocked {
		return "blocked"
	}
	return credits(p.Amount)
}

// timesOf tells when a price holds, and its note.
func timesOf(p *provisioning.Price) string {
	text := ""
	if p.Start != nil {
		text += "from " + p.Start.UTC().Format(time.RFC3339) + " "
	}
	if p.End != nil {
		text += "to " + p.End.UTC().Format(time.RFC3339) + " "
	}
	if p.Note != "" {
		text += visible(p.Note, 60)
	}
	return orDash(strings.TrimSpace(text))
}

// problems makes errors of the lines that could not be read. With --skip-errors
// they are told, and no failure.
func (c *priceImportCmd) problems(done provisioning.PricesImported) error {
	var all several
	for _, p := range done.Problems {
		where := c.File
		if p.Line > 0 {
			where = fmt.Sprintf("%s:%d", c.File, p.Line)
		}
		all = append(all, fmt.Errorf("%s: %s", where, p.Message))
	}
	switch {
	case len(all) == 0:
		return nil
	case done.Done:
		return append(all, fail("", "these lines were left out"))
	}
	return append(all, fail("mend the lines and try again; --skip-errors leaves them out", "nothing was imported"))
}

type priceListCmd struct {
	dataDir
	JSON bool `name:"json" help:"print as JSON"`
}

func (c *priceListCmd) Run(e *env) error {
	return c.call(e, reads, func(ctx context.Context, api *client.Client) error {
		list, err := api.PriceLists(ctx)
		switch {
		case err != nil:
			return err
		case c.JSON:
			return e.json(list)
		}
		w := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "NAME\tPRICES\tUSERS\tCHANNELS\tCHANGED\tNOTE")
		for _, l := range list {
			changed := "-"
			if l.ChangedAt != nil {
				changed = clock(*l.ChangedAt)
			}
			fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\t%s\n", l.Name, l.Count, few(l.Users, "-"), few(l.Channels, "-"), changed, orDash(visible(l.Note, 40)))
		}
		return w.Flush()
	})
}

type priceShowCmd struct {
	dataDir
	List   string `arg:"" help:"name of the price list"`
	Prefix string `placeholder:"DIGITS" help:"only prices of prefixes that begin with these"`
	JSON   bool   `name:"json" help:"print as JSON"`
}

func (c *priceShowCmd) Run(e *env) error {
	return c.call(e, reads, func(ctx context.Context, api *client.Client) error {
		all, err := c.all(ctx, api)
		switch {
		case err != nil:
			return err
		case c.JSON:
			return e.json(all)
		}
		w := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "PREFIX\tPRICE\tHOLDS")
		for i := range all.Prices {
			fmt.Fprintf(w, "%s\t%s\t%s\n", prefixOf(&all.Prices[i]), amountOf(&all.Prices[i]), timesOf(&all.Prices[i]))
		}
		return w.Flush()
	})
}

// all reads one page after the other.
func (c *priceShowCmd) all(ctx context.Context, api *client.Client) (all provisioning.PricePage, err error) {
	f := provisioning.PriceFilter{ByPriceList: provisioning.ByPriceList{List: c.List}, Prefix: c.Prefix, Limit: 10_000}
	for {
		page, err := api.Prices(ctx, f)
		if err != nil {
			return all, err
		}
		prices := append(all.Prices, page.Prices...)
		all = page
		all.Prices = prices
		if f.After = page.Next; page.Next == 0 {
			return all, nil
		}
	}
}

type priceSetCmd struct {
	dataDir
	List       string   `arg:"" help:"name of the price list"`
	Channels   []string `name:"channel" placeholder:"NAME" sep:"none" xor:"channels" help:"the list is what these channels cost us: gsm, gsm/POOL, smpp:NAME; again for more; instead of all it has"`
	NoChannels bool     `name:"no-channels" xor:"channels" help:"it is for no channel"`
	Note       *string  `placeholder:"TEXT" help:"a note for people"`
	JSON       bool     `name:"json" help:"print as JSON"`
}

func (c *priceSetCmd) Run(e *env) error {
	patch := provisioning.PriceListPatch{Note: c.Note}
	if len(c.Channels) > 0 || c.NoChannels {
		channels := append([]string{}, c.Channels...)
		patch.Channels = &channels
	}
	if patch == (provisioning.PriceListPatch{}) {
		return usage("gsmgate price set --help lists what can be changed", "nothing to change")
	}
	return c.call(e, writes, func(ctx context.Context, api *client.Client) error {
		l, err := api.SetPriceList(ctx, c.List, patch)
		switch {
		case err != nil:
			return err
		case c.JSON:
			return e.json(l)
		}
		fmt.Fprintf(e.stdout, "price list %s changed\n", l.Name)
		return nil
	})
}

type priceRemoveCmd struct {
	dataDir
	List string `arg:"" help:"name of the price list"`
	JSON bool   `name:"json" help:"print as JSON"`
}

func (c *priceRemoveCmd) Run(e *env) error {
	return c.call(e, writes, func(ctx context.Context, api *client.Client) error {
		left, err := api.RemovePriceList(ctx, c.List)
		switch {
		case err != nil:
			return err
		case c.JSON:
			return e.json(left)
		}
		fmt.Fprintf(e.stdout, "price list %s removed\n", c.List)
		return nil
	})
}
