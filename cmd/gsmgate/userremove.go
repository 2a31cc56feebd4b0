package main

import (
	"context"
	"fmt"

	"gsmgate/provisioning/client"
)

type userRemoveCmd struct {
	dataDir
	Name  string `arg:"" help:"system_id"`
	Force bool   `help:"also one that has messages, credits or debts: what was not sent is refunded, what went out is paid, the rest is written off"`
	JSON  bool   `name:"json" help:"print as JSON what it was"`
}

func (c *userRemoveCmd) Run(e *env) error {
	return c.call(e, writes, func(ctx context.Context, api *client.Client) error {
		u, err := api.RemoveUser(ctx, c.Name, c.Force)
		switch {
		case err != nil:
			return err
		case c.JSON:
			return e.json(u)
		}
		fmt.Fprintf(e.stdout, "user %s removed\n", c.Name)
		return nil
	})
}
