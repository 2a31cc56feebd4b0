package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"text/tabwriter"

	"gsmgate/provisioning"
	"gsmgate/provisioning/client"
)

type channelCmd struct {
	Add    channelAddCmd    `cmd:"" help:"Set up a provider; it starts at once."`
	Set    channelSetCmd    `cmd:"" help:"Change what is set of a provider; what is not given stays. It starts anew."`
	List   channelListCmd   `cmd:"" help:"List the providers and how they stand."`
	Show   channelShowCmd   `cmd:"" help:"Show one provider with all its settings, as JSON."`
	Remove channelRemoveCmd `cmd:"" help:"Take a provider away."`

	Presets channelPresetsCmd `cmd:"" help:"List the HTTP providers that gsmgate knows, or print the description of one."`
	URLs    channelURLsCmd    `cmd:"" name:"urls" help:"Show the URLs that an HTTP provider is to call. They hold a secret."`
	Try     channelTryCmd     `cmd:"" help:"Send one text by an HTTP provider and show what was said, or read a sample of its answer."`

	Loopback channelLoopbackCmd `cmd:"" help:"List the settings of a loopback channel, and the numbers that provoke something."`
}

type channelAddCmd struct {
	dataDir
	Name string `arg:"" help:"its name, and that of its queue: letters, digits, dots, hyphens and underscores"`
	Kind string `required:"" enum:"smpp,http,loopback" placeholder:"K" help:"smpp, http, or loopback: no provider, for trying a configuration"`
	channelFlags
	JSON bool `name:"json" help:"print as JSON"`
}

func (c *channelAddCmd) Run(e *env) error {
	u := provisioning.Upstream{Name: c.Name, Kind: c.Kind}
	if err := c.secrets(e); err != nil {
		return err
	}
	if err := c.over(&u); err != nil {
		return err
	}
	return c.call(e, creates, func(ctx context.Context, api *client.Client) error {
		u, err := api.AddUpstream(ctx, u)
		return tellChannel(e, c.JSON, u, "added", err)
	})
}

func tellChannel(e *env, asJSON bool, u provisioning.Upstream, what string, err error) error {
	switch {
	case err != nil:
		return err
	case asJSON:
		return e.json(u)
	}
	fmt.Fprintf(e.stdout, "channel %s %s\n", u.Name, what)
	return nil
}

type channelSetCmd struct {
	dataDir
	Name    string `arg:"" help:"name of the channel"`
	Enable  bool   `xor:"enabled" help:"let it work"`
	Disable bool   `xor:"enabled" help:"let it rest: what waits for it goes by other channels of its routes, or waits"`
	channelFlags
	JSON bool `name:"json" help:"print as JSON"`
}

func (c *channelSetCmd) Run(e *env) error {
	if err := c.secrets(e); err != nil {
		return err
	}
	return c.call(e, writes, func(ctx context.Context, api *client.Client) error {
		u, err := api.Upstream(ctx, c.Name)
		if err != nil {
			return err
		}
		if err := c.over(&u); err != nil {
			return err
		}
		if c.Enable || c.Disable {
			u.Disabled = c.Disable
		}
		u, err = api.PutUpstream(ctx, u)
		return tellChannel(e, c.JSON, u, "changed", err)
	})
}

type channelListCmd struct {
	dataDir
	JSON bool `name:"json" help:"print as JSON"`
}

func (c *channelListCmd) Run(e *env) error {
	return c.call(e, reads, func(ctx context.Context, api *client.Client) error {
		list, err := api.Upstreams(ctx)
		switch {
		case err != nil:
			return err
		case c.JSON:
			return e.json(list)
		}
		w := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "NAME\tKIND\tADDRESS\tTLS\tREADY\tSENT\tREFUSED\tUNKNOWN\tRECEIPTS\tREASON")
		for _, u := range list {
			ready, st := "-", provisioning.UpstreamState{}
			if u.State != nil {
				st, ready = *u.State, yesNo(u.State.Ready)
			}
			if u.Disabled {
				st.Reason = "disabled"
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%d\t%d\t%d\t%d\t%s\n", u.Name, u.Kind, visible(cmp.Or(u.Address, st.Address), 40), yesNo(u.TLS || strings.HasPrefix(st.Address, "https:")), ready,
				st.Sent, st.Refused, st.Unknown, st.Receipts, orDash(visible(st.Reason, -1)))
		}
		return w.Flush()
	})
}

type channelShowCmd struct {
	dataDir
	Name string `arg:"" help:"name of the channel"`
}

func (c *channelShowCmd) Run(e *env) error {
	return c.call(e, reads, func(ctx context.Context, api *client.Client) error {
		u, err := api.Upstream(ctx, c.Name)
		if err != nil {
			return err
		}
		return e.json(u)
	})
}

type channelRemoveCmd struct {
	dataDir
	Name string `arg:"" help:"name of the channel"`
}

func (c *channelRemoveCmd) Run(e *env) error {
	return c.call(e, writes, func(ctx context.Context, api *client.Client) error {
		if _, err := api.RemoveUpstream(ctx, c.Name); err != nil {
			return err
		}
		fmt.Fprintf(e.stdout, "channel %s removed\n", c.Name)
		return nil
	})
}
