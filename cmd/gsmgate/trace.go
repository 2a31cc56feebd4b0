package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"gsmgate/provisioning"
	"gsmgate/provisioning/client"
)

type sessionTraceCmd struct {
	dataDir
	ID   string `arg:"" optional:"" help:"id of a session that is bound, that was, or whose binds were refused; without it such sessions are listed"`
	Full bool   `help:"show texts and numbers, which are masked else; that it was asked for is logged"`
	JSON bool   `name:"json" xor:"form" help:"print as JSON"`
	PCAP string `name:"pcap" xor:"form" placeholder:"FILE" help:"write a capture, which Wireshark opens; - writes to standard output"`
}

func (c *sessionTraceCmd) Run(e *env) error {
	if c.ID == "" && (c.Full || c.PCAP != "") {
		return usage("gsmgate session trace shows the ids", "give the id of a session")
	}
	return c.call(e, needsGateway, func(ctx context.Context, api *client.Client) error {
		switch {
		case c.ID == "":
			return c.list(ctx, e, api)
		case c.PCAP != "":
			return c.capture(ctx, e, api)
		}
		return c.show(ctx, e, api)
	})
}

func (c *sessionTraceCmd) list(ctx context.Context, e *env, api *client.Client) error {
	all, err := api.Traces(ctx)
	switch {
	case err != nil:
		return err
	case c.JSON:
		return e.json(all)
	}
	w := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tUSER\tREMOTE\tBOUND\tSTARTED\tENDED\tREASON")
	for _, t := range all {
		bound, ended := "yes", "-"
		if !t.Bound {
			bound = "refused"
		}
		if t.Ended != nil {
			ended = clock(*t.Ended)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", t.ID, visible(t.User, 15), t.Remote, bound, clock(t.Started), ended, visible(t.Reason, 60))
	}
	return w.Flush()
}

// warn tells whoever sees the output what is in it.
func (c *sessionTraceCmd) warn(e *env) {
	if c.Full {
		fmt.Fprintln(e.stderr, "note: texts and numbers of messages are shown")
	}
}

func (c *sessionTraceCmd) show(ctx context.Context, e *env, api *client.Client) error {
	t, err := api.Trace(ctx, c.ID, c.Full)
	if err != nil {
		return err
	}
	c.warn(e)
	if c.JSON {
		return e.json(t)
	}
	printTrace(e.stdout, &t)
	return nil
}

// capture writes the file when there is something to write to it.
func (c *sessionTraceCmd) capture(ctx context.Context, e *env, api *client.Client) error {
	in, err := api.TracePCAP(ctx, c.ID, c.Full)
	if err != nil {
		return err
	}
	defer in.Close()
	c.warn(e)
	if c.PCAP == "-" {
		_, err = io.Copy(e.stdout, in)
		return err
	}
	out, err := os.OpenFile(c.PCAP, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fail("--pcap names a file that may be written", "%w", err)
	}
	n, err := io.Copy(out, in)
	if err := errors.Join(err, out.Close()); err != nil {
		return fail("", "%s is cut short: %w", c.PCAP, err)
	}
	fmt.Fprintf(e.stdout, "%d octets written to %s\n", n, c.PCAP)
	return nil
}

// Forms of a trace for people.
const (
	traceClock = "2006-01-02 15:04:05.000"
	traceDump  = 64 // octets of a PDU in hexadecimal
)

func printTrace(out io.Writer, t *provisioning.Trace) {
	how := "bound"
	if !t.Bound {
		how = "never bound"
	}
	fmt.Fprintf(out, "session %s  user %s  %s  %s  since %s", t.ID, visible(t.User, 15), t.Remote, how, clock(t.Started))
	if t.Ended != nil {
		fmt.Fprintf(out, "  until %s: %s", clock(*t.Ended), visible(t.Reason, -1))
	}
	fmt.Fprint(out, "\n-> from the client, <- from the gateway")
	if !t.Full {
		fmt.Fprint(out, "; texts and numbers are masked")
	}
	fmt.Fprintln(out)
	if len(t.PDUs) == 0 {
		fmt.Fprintln(out, "\nno PDUs are kept: see --smpp-trace of gsmgate serve")
	}
	for _, p := range t.PDUs {
		printPDU(out, p)
	}
}

// printPDU prints one line, then the fields, then the first octets.
func printPDU(out io.Writer, p provisioning.TracedPDU) {
	arrow := "<-"
	if p.From == "ESME" {
		arrow = "->"
	}
	fmt.Fprintf(out, "\n%s %s %s  %s  sequence %d  %d octets", p.Time.Format(traceClock), arrow, p.Command, statusWord(p), p.Sequence, p.Length)
	if p.Count > 1 {
		fmt.Fprintf(out, "  the last of %d", p.Count)
	}
	fmt.Fprintln(out)
	for _, f := range p.Fields {
		fmt.Fprintf(out, "    %-24s %s\n", f.Name, visible(f.Value, -1))
	}
	octets, _ := hex.DecodeString(p.Octets) // the API writes no other form
	octets = octets[:min(len(octets), traceDump)]
	for line := range strings.Lines(hex.Dump(octets)) {
		fmt.Fprintf(out, "    %s", line)
	}
	if more := p.Length - len(octets); more > 0 {
		fmt.Fprintf(out, "    and %d more\n", more)
	}
}

// statusWord is the status of a response; a request has none, unless it is
// wrong [SMPP34 3.2].
func statusWord(p provisioning.TracedPDU) string {
	if p.Status == "ESME_ROK" && !strings.HasSuffix(p.Command, "_resp") {
		return "-"
	}
	return p.Status
}
