package main

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"

	"gsmgate/provisioning"
	"gsmgate/provisioning/client"
)

type userCmd struct {
	Add    userAddCmd    `cmd:"" help:"Add a user."`
	List   userListCmd   `cmd:"" help:"List users with their balance."`
	Set    userSetCmd    `cmd:"" help:"Change a user."`
	Credit userCreditCmd `cmd:"" help:"Top up with +N, or correct with -N."`
	Lint   userLintCmd   `cmd:"" help:"Show what a user's SMPP client does wrong, and how to mend it."`
}

// password reads "-" from standard input, where no process list shows it.
func password(e *env, given string) (string, error) {
	if given != "-" {
		return given, nil
	}
	line, err := e.line()
	if err != nil {
		return "", fail("write the password and a newline to standard input", "no password on standard input")
	}
	return line, nil
}

type userAddCmd struct {
	dataDir
	Name          string   `arg:"" help:"system_id, 1 to 15 characters"`
	Password      string   `required:"" placeholder:"P" help:"1 to 8 characters; - reads it from standard input"`
	Credits       amount   `placeholder:"N" help:"credits to start with"`
	AddressRanges []string `name:"address-range" placeholder:"R" sep:"none" help:"+31612345678, +3169* or +31699000000-+31699999999; again for more"`
	JSON          bool     `name:"json" help:"print as JSON"`
}

func (c *userAddCmd) Run(e *env) error {
	secret, err := password(e, c.Password)
	if err != nil {
		return err
	}
	start := int64(c.Credits)
	return c.call(e, creates, func(ctx context.Context, api *client.Client) error {
		u, err := api.AddUser(ctx, provisioning.NewUser{
			Name: c.Name, Password: secret, AddressRanges: c.AddressRanges,
			Amount: provisioning.Amount{Millicredits: &start},
		})
		switch {
		case err != nil:
			return err
		case c.JSON:
			return e.json(u)
		}
		fmt.Fprintf(e.stdout, "user %s added with %s credits\n", u.Name, credits(u.Balance.Available))
		return nil
	})
}

type userListCmd struct {
	dataDir
	JSON bool `name:"json" help:"print as JSON"`
}

func (c *userListCmd) Run(e *env) error {
	return c.call(e, reads, func(ctx context.Context, api *client.Client) error {
		users, err := api.Users(ctx)
		switch {
		case err != nil:
			return err
		case c.JSON:
			return e.json(users)
		}
		w := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "NAME\tENABLED\tCREDITS\tHELD\tSPENT\tADDRESS RANGES")
		for _, u := range users {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", u.Name, yesNo(u.Enabled), credits(u.Balance.Available),
				credits(u.Balance.Held), credits(u.Balance.Spent), strings.Join(u.AddressRanges, " "))
		}
		return w.Flush()
	})
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

type userSetCmd struct {
	dataDir
	Name            string   `arg:"" help:"system_id"`
	Password        *string  `placeholder:"P" help:"new password; - reads it from standard input"`
	Enable          bool     `xor:"enabled" help:"let the user bind and send"`
	Disable         bool     `xor:"enabled" help:"refuse binds and messages of the user"`
	AddressRanges   []string `name:"address-range" placeholder:"R" sep:"none" xor:"ranges" help:"these instead of all it has; again for more"`
	NoAddressRanges bool     `name:"no-address-ranges" xor:"ranges" help:"take all address ranges away"`
	JSON            bool     `name:"json" help:"print as JSON"`
}

// patch says what the flags ask for.
func (c *userSetCmd) patch(e *env) (p provisioning.UserPatch, err error) {
	if c.Password != nil {
		secret, err := password(e, *c.Password)
		if err != nil {
			return p, err
		}
		p.Password = &secret
	}
	if c.Enable || c.Disable {
		p.Enabled = &c.Enable
	}
	if len(c.AddressRanges) > 0 || c.NoAddressRanges {
		ranges := append([]string{}, c.AddressRanges...)
		p.AddressRanges = &ranges
	}
	if p == (provisioning.UserPatch{}) {
		return p, usage("use --password, --enable, --disable, --address-range or --no-address-ranges", "nothing to change")
	}
	return p, nil
}

func (c *userSetCmd) Run(e *env) error {
	patch, err := c.patch(e)
	if err != nil {
		return err
	}
	return c.call(e, writes, func(ctx context.Context, api *client.Client) error {
		u, err := api.SetUser(ctx, c.Name, patch)
		switch {
		case err != nil:
			return err
		case c.JSON:
			return e.json(u)
		}
		fmt.Fprintf(e.stdout, "user %s changed\n", u.Name)
		return nil
	})
}

type userCreditCmd struct {
	dataDir
	Name   string `arg:"" help:"system_id"`
	Amount amount `arg:"" help:"+N adds, -N takes away; three decimals at most"`
	Note   string `placeholder:"TEXT" help:"a note for the ledger"`
	JSON   bool   `name:"json" help:"print as JSON"`
}

func (c *userCreditCmd) Run(e *env) error {
	change := int64(c.Amount)
	return c.call(e, writes, func(ctx context.Context, api *client.Client) error {
		b, err := api.Credit(ctx, c.Name, provisioning.NewCredit{Amount: provisioning.Amount{Millicredits: &change}, Note: c.Note})
		switch {
		case err != nil:
			return err
		case c.JSON:
			return e.json(b)
		}
		fmt.Fprintf(e.stdout, "user %s has %s credits\n", c.Name, credits(b.Available))
		return nil
	})
}
