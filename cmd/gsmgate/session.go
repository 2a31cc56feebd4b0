package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"

	"gsmgate/provisioning"
	"gsmgate/provisioning/client"
)

type sessionCmd struct {
	List  sessionListCmd  `cmd:"" help:"List bound sessions, the oldest first."`
	Close sessionCloseCmd `cmd:"" help:"Unbind and close one session, or all of a user."`
	Trace sessionTraceCmd `cmd:"" help:"Show what a session sent and received last, also one that has ended."`
}

type sessionListCmd struct {
	dataDir
	User string `placeholder:"NAME" help:"only sessions of this user"`
	JSON bool   `name:"json" help:"print as JSON"`
}

func (c *sessionListCmd) Run(e *env) error {
	return c.call(e, needsGateway, func(ctx context.Context, api *client.Client) error {
		sessions, err := api.Sessions(ctx, c.User)
		switch {
		case err != nil:
			return err
		case c.JSON:
			return e.json(sessions)
		}
		return printSessions(e.stdout, sessions)
	})
}

func printSessions(out io.Writer, sessions []provisioning.Session) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tUSER\tBIND\tVERSION\tREMOTE\tTLS\tCERTIFICATE\tSINCE\tLAST SEEN\tRATE\tBUSY\tDELIVERING\tLAST ERROR")
	for _, s := range sessions {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%d/%d\t%d/%d\t%s\n", s.ID, visible(s.User, 15), s.Bind, s.Version, s.Remote,
			orDash(s.TLS), orDash(visible(s.CertName, 40)), clock(s.Since), clock(s.LastSeen), rates(s), s.Busy, s.Window, s.DeliverBusy, s.DeliverWindow,
			orDash(visible(s.LastError, 60)))
	}
	return w.Flush()
}

// rates are messages a second: now, and at most.
func rates(s provisioning.Session) string {
	if s.RateMost == 0 {
		return fmt.Sprintf("%.1f", s.Rate)
	}
	return fmt.Sprintf("%.1f/%d", s.Rate, s.RateMost)
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

type sessionCloseCmd struct {
	dataDir
	ID   string `arg:"" optional:"" help:"id of the session"`
	User string `placeholder:"NAME" help:"all sessions of this user"`
	JSON bool   `name:"json" help:"print as JSON"`
}

func (c *sessionCloseCmd) Run(e *env) error {
	if (c.ID == "") == (c.User == "") {
		return usage("gsmgate session list shows the ids", "give the id of a session, or --user NAME")
	}
	return c.call(e, needsGateway, func(ctx context.Context, api *client.Client) error {
		done, err := c.close(ctx, api)
		switch {
		case err != nil:
			return err
		case c.JSON:
			return e.json(done)
		}
		fmt.Fprintf(e.stdout, "%s told to unbind\n", plural(done.Closed, "session"))
		return nil
	})
}

func (c *sessionCloseCmd) close(ctx context.Context, api *client.Client) (provisioning.Closed, error) {
	if c.User != "" {
		return api.CloseSessions(ctx, c.User)
	}
	return api.CloseSession(ctx, c.ID)
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
