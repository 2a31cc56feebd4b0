package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"

	"gsmgate/provisioning"
	"gsmgate/provisioning/client"
	"gsmgate/router"
)

type messageUndecodedCmd struct {
	dataDir
	Again  bool   `help:"try to read all of them again, as after an upgrade, and deliver those that can be read"`
	Remove string `placeholder:"ID" help:"forget one"`
	JSON   bool   `name:"json" help:"print as JSON"`
}

func (c *messageUndecodedCmd) Run(e *env) error {
	switch {
	case c.Again && c.Remove != "":
		return usage("", "give --again or --remove, not both")
	case c.Again:
		return c.call(e, needsGateway, func(ctx context.Context, api *client.Client) error { return c.again(ctx, e, api) })
	case c.Remove != "":
		return c.call(e, writes, func(ctx context.Context, api *client.Client) error {
			left, err := api.RemoveUndecoded(ctx, c.Remove)
			return c.show(e, left, err)
		})
	}
	return c.call(e, reads, func(ctx context.Context, api *client.Client) error {
		all, err := api.Undecoded(ctx)
		return c.show(e, all, err)
	})
}

func (c *messageUndecodedCmd) again(ctx context.Context, e *env, api *client.Client) error {
	done, err := api.DecodeAgain(ctx)
	switch {
	case err != nil:
		return err
	case c.JSON:
		return e.json(done)
	}
	_, err = fmt.Fprintf(e.stdout, "%d of %d could be read\n", done.Decoded, done.Tried)
	return err
}

func (c *messageUndecodedCmd) show(e *env, all []provisioning.Undecoded, err error) error {
	switch {
	case err != nil:
		return err
	case c.JSON:
		return e.json(all)
	}
	return printUndecoded(e.stdout, all)
}

func printUndecoded(out io.Writer, all []provisioning.Undecoded) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tLAST\tTIMES\tSIM\tNUMBER\tCAUSE\tPDU")
	for _, u := range all {
		fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%s\t%s\t%s\n", u.ID, clock(u.LastAt), u.Times, visible(u.Lane, 40), orDash(visible(u.Number, 21)),
			visible(u.Cause, -1), visible(u.Raw, -1))
	}
	return w.Flush()
}

type messageReportsCmd struct {
	dataDir
	JSON bool `name:"json" help:"print as JSON"`
}

func (c *messageReportsCmd) Run(e *env) error {
	return c.call(e, needsGateway, func(ctx context.Context, api *client.Client) error {
		all, err := api.Reports(ctx)
		switch {
		case err != nil:
			return err
		case c.JSON:
			return e.json(all)
		}
		w := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "SIM\tSINCE\tSENT\tDELIVERED\tFAILED\tNO REPORT\tLATE\tSTRAY")
		for _, s := range all {
			fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%d\t%d\t%d\t%d\n", visible(s.Lane, 40), clock(s.Since), s.Sent, s.Delivered, s.Failed, s.NoReport, s.Late, s.Stray)
		}
		return w.Flush()
	})
}

// decodeAgain reads again what could not be read. What can be read by now is
// stored as what it is before it is forgotten here.
func (a *App) decodeAgain(ctx context.Context) (did provisioning.DecodedAgain, err error) {
	for _, u := range a.router.ListUndecoded() {
		if u.Aside {
			continue
		}
		did.Tried++
		done, err := a.gsm.DecodeAgain(ctx, u)
		var refused *router.Error
		if errors.As(err, &refused) || ctx.Err() != nil {
			return did, err
		}
		if !done {
			continue
		}
		if err := a.router.RemoveUndecoded(ctx, u.ID); err != nil && !isNotFound(err) {
			return did, err
		}
		did.Decoded++
	}
	return did, nil
}

func isNotFound(err error) bool {
	var re *router.Error
	return errors.As(err, &re) && re.Code == router.NotFound
}
