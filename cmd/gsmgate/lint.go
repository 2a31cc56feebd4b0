package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"

	"gsmgate/provisioning"
	"gsmgate/provisioning/client"
)

// lint shows what the channel of clients has found.
func (a *App) lint(user string) []provisioning.Finding {
	var all []provisioning.Finding
	for _, f := range a.clients.Lint(user) {
		all = append(all, provisioning.Finding{
			Kind: f.Kind, Field: f.Field, Count: f.Count, First: f.First, Last: f.Last,
			Session: f.Session, Remote: f.Remote, Example: f.Example, Mend: f.Mend,
		})
	}
	return all
}

type userLintCmd struct {
	dataDir
	Name  string `arg:"" optional:"" help:"system_id; without it what connections did wrong that never bound"`
	Reset bool   `help:"forget what is shown"`
	JSON  bool   `name:"json" help:"print as JSON"`
}

func (c *userLintCmd) Run(e *env) error {
	return c.call(e, needsGateway, func(ctx context.Context, api *client.Client) error {
		ask := api.Lint
		if c.Reset {
			ask = api.ResetLint
		}
		found, err := ask(ctx, c.Name)
		switch {
		case err != nil:
			return err
		case c.JSON:
			return e.json(found)
		}
		return printFindings(e.stdout, found)
	})
}

func printFindings(out io.Writer, found []provisioning.Finding) error {
	if len(found) == 0 {
		fmt.Fprintln(out, "nothing found")
		return nil
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "COUNT\tKIND\tFIRST\tLAST\tSESSION\tREMOTE\tEXAMPLE")
	for _, f := range found {
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%s\t%s\n", f.Count, f.Kind, clock(f.First), clock(f.Last), f.Session, f.Remote, visible(f.Example, -1))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, f := range found {
		fmt.Fprintf(out, "\n%s, %d times:\n  %s\n", f.Kind, f.Count, visible(f.Mend, -1))
	}
	return nil
}
