package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"

	"gsmgate/provisioning"
	"gsmgate/provisioning/client"
)

type channelCmd struct {
	Add    channelAddCmd    `cmd:"" help:"Set up a provider; it starts at once."`
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
	Name       string `arg:"" help:"its name, and that of its queue: letters, digits, dots, hyphens and underscores"`
	Kind       string `required:"" enum:"smpp,http,loopback" placeholder:"K" help:"smpp, http, or loopback: no provider, for trying a configuration"`
	Address    string `placeholder:"HOST:PORT" help:"of the provider's SMSC"`
	SystemID   string `name:"system-id" placeholder:"S" help:"that the provider gave"`
	Password   string `placeholder:"P" help:"that the provider gave; - reads it from standard input"`
	SystemType string `placeholder:"T" help:"where the provider wants one"`
	Version    string `enum:"3.3,3.4,5.0" default:"3.4" help:"interface_version: 3.3, 3.4 (default) or 5.0"`

	TLS  bool   `name:"tls" help:"connect over TLS; the certificate is verified"`
	CA   string `name:"ca" placeholder:"FILE" help:"PEM with the CA of the provider (default: those of this machine)"`
	Pin  string `placeholder:"HEX" help:"SHA-256 of the provider's public key, instead of a CA"`
	Host string `placeholder:"NAME" help:"name that the provider's certificate is for (default: that of --address)"`
	Cert string `placeholder:"FILE" help:"client certificate, PEM"`
	Key  string `placeholder:"FILE" help:"its key, PEM"`

	Binds    int  `placeholder:"N" help:"connections at once (default 1)"`
	Separate bool `help:"a transmitter and a receiver in place of each transceiver"`
	Window   int  `placeholder:"N" help:"submits of a connection without an answer (default 10)"`
	Rate     int  `placeholder:"N" help:"messages a second over all connections (default: no limit)"`

	Alphabet string `placeholder:"A" help:"of data_coding 0: gsm (default), latin1, ascii or gsm-packed"`
	Long     string `placeholder:"F" help:"form of long messages: udh (default), sar or payload"`
	Source   string `placeholder:"TON/NPI" help:"of all source addresses that are numbers, such as 1/1 (default: as they are)"`
	Dest     string `placeholder:"TON/NPI" help:"of all destinations"`

	SubmitIDs  string   `name:"submit-ids" placeholder:"F" help:"form of message_id in answers: text, hex or decimal (default: found out)"`
	ReceiptIDs string   `name:"receipt-ids" placeholder:"F" help:"form of message_id in receipts"`
	ByText     bool     `name:"receipts-by-text" help:"take receipts that lack their bit in esm_class: then a handset can forge one"`
	Zone       string   `placeholder:"ZONE" help:"of the dates in receipts (default UTC)"`
	Group      string   `placeholder:"G" help:"channels of one group take each other's receipts"`
	Status     []string `placeholder:"N=CLASS" sep:"none" help:"class of a command_status, such as 0x45=permanent: permanent, temporary, throttle, ill or final; again for more"`

	NoValidity bool `help:"send no validity_period"`

	Set map[string]string `placeholder:"KEY=VALUE" mapsep:"none" help:"setting of a channel of kind http or loopback; gsmgate channel presets and gsmgate channel loopback list them; - reads one from standard input; again for more"`

	httpSettings

	JSON bool `name:"json" help:"print as JSON"`
}

// settings is what the flags ask for.
func (c *channelAddCmd) settings(e *env) (u provisioning.Upstream, err error) {
	if c.Kind == "loopback" {
		return provisioning.Upstream{Name: c.Name, Kind: c.Kind, Settings: c.Set}, nil
	}
	versions := map[string]uint8{"3.3": 0x33, "3.4": 0x34, "5.0": 0x50}
	u = provisioning.Upstream{
		Name: c.Name, Kind: c.Kind, Address: c.Address, SystemID: c.SystemID, SystemType: c.SystemType, Version: versions[c.Version],
		TLS: c.TLS, Pin: c.Pin, Host: c.Host, Binds: c.Binds, Separate: c.Separate, Window: c.Window, Rate: c.Rate,
		Alphabet: c.Alphabet, Long: c.Long, Source: c.Source, Dest: c.Dest, SubmitIDs: c.SubmitIDs, ReceiptIDs: c.ReceiptIDs,
		ByText: c.ByText, Zone: c.Zone, Group: c.Group, Statuses: c.Status, NoValidity: c.NoValidity,
	}
	if c.Kind == "http" {
		u.Version, u.Settings = 0, c.Set
		if err := c.httpSettings.fill(e, &u); err != nil {
			return u, err
		}
	} else if u.Password, err = password(e, c.Password); err != nil {
		return u, err
	}
	for _, f := range []struct {
		flag, path string
		to         *string
	}{{"--ca", c.CA, &u.CA}, {"--cert", c.Cert, &u.Cert}, {"--key", c.Key, &u.Key}} {
		if f.path == "" {
			continue
		}
		raw, err := os.ReadFile(f.path)
		if err != nil {
			return u, fail(f.flag+" names a PEM file", "%w", err)
		}
		*f.to = string(raw)
	}
	return u, nil
}

func (c *channelAddCmd) Run(e *env) error {
	u, err := c.settings(e)
	if err != nil {
		return err
	}
	return c.call(e, creates, func(ctx context.Context, api *client.Client) error {
		u, err := api.AddUpstream(ctx, u)
		switch {
		case err != nil:
			return err
		case c.JSON:
			return e.json(u)
		}
		fmt.Fprintf(e.stdout, "channel %s added\n", u.Name)
		return nil
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
