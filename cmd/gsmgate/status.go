package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
	"time"

	"gsmgate/provisioning"
	"gsmgate/provisioning/client"
)

type statusCmd struct {
	dataDir
	JSON bool `name:"json" help:"print as JSON"`
}

func (c *statusCmd) Run(e *env) error {
	return c.call(e, needsGateway, func(ctx context.Context, api *client.Client) error {
		s, err := api.Status(ctx)
		switch {
		case err != nil:
			return err
		case c.JSON:
			return e.json(s)
		}
		return printStatus(e.stdout, s)
	})
}

func printStatus(out io.Writer, s provisioning.Status) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "gsmgate %s, up %s, %d users, %d messages queued\n", s.Version, time.Duration(s.UptimeS)*time.Second, s.Users, s.Queued)
	for _, finding := range s.Money {
		fmt.Fprintf(w, "money\tdoes not add up\t%s\n", visible(finding, -1))
	}
	for _, l := range s.Listeners {
		fmt.Fprintf(w, "listening\t%s\n", l)
	}
	for _, ch := range s.Channels {
		fmt.Fprintf(w, "channel %s\t%s\t%d queued\n", ch.Name, readiness(ch.Ready, ch.Reason), ch.Queued)
		for _, q := range ch.Queues {
			fmt.Fprintf(w, "  queue %s\t%d queued\t%s\n", visible(q.Name, -1), q.Queued, drains(q))
		}
		for _, l := range ch.Lanes {
			fmt.Fprintf(w, "  lane %s\t%d of %d busy%s\n", visible(l.ID, -1), l.Busy, l.Window, rest(l))
		}
	}
	for _, m := range s.Modems {
		fmt.Fprintf(w, "modem %s\t%s\t%s\t%s\t%d sent, %d refused, %d unknown, %d received\n", m.Path, modemReadiness(m),
			visible(m.Operator, 20), level(m.SignalDBM), m.Sent, m.Refused, m.Unknown, m.Received)
	}
	if refused := refusals(s.Binds.Refused); refused != "" || s.Binds.Accepted > 0 {
		fmt.Fprintf(w, "binds\t%d accepted%s\n", s.Binds.Accepted, refused)
	}
	if c := s.Connections; c.HandshakesFailed+c.Forbidden+c.Crowded > 0 {
		fmt.Fprintf(w, "connections\t%d accepted, %d TLS handshakes failed, %d from addresses that may not connect, %d too many from one address\n",
			c.Accepted, c.HandshakesFailed, c.Forbidden, c.Crowded)
	}
	for _, reason := range slices.Sorted(maps.Keys(s.NotTaken)) {
		fmt.Fprintf(w, "not taken\t%d messages\t%s\n", s.NotTaken[reason], reason)
	}
	for _, ss := range s.Sessions {
		fmt.Fprintf(w, "session %s\t%s\t%s\t%s\tsince %s\n", ss.ID, visible(ss.User, 15), ss.Bind, ss.Remote, clock(ss.Since))
	}
	return w.Flush()
}

// drains says how fast a queue is emptied.
func drains(q provisioning.Queue) string {
	if q.PerMinute == nil || q.EmptyInS == nil {
		return "how fast is not known yet"
	}
	return fmt.Sprintf("%.1f a minute, empty in %s", *q.PerMinute, time.Duration(*q.EmptyInS)*time.Second)
}

func readiness(ready bool, reason string) string {
	if ready {
		return "ready"
	}
	return visible(reason, -1)
}

// modemReadiness is whether a modem is ready, why it sends nothing all the same, and what else is wrong with it.
func modemReadiness(m provisioning.Modem) string {
	held := ""
	if m.Sends != "yes" && m.Sends != "no" && m.SendsReason != "" {
		held = m.Sends + ": " + m.SendsReason
	}
	if wrong := joined(held, ills(m)); wrong != "" {
		return readiness(m.State == "ready", m.State+": "+m.Reason) + "; " + visible(wrong, -1)
	}
	return readiness(m.State == "ready", m.State+": "+m.Reason)
}

func level(dBm *int) string {
	if dBm == nil {
		return "no signal level"
	}
	return fmt.Sprintf("%d dBm", *dBm)
}

type verifyCmd struct {
	dataDir
	JSON bool `name:"json" help:"print as JSON"`
}

func (c *verifyCmd) Run(e *env) error {
	return c.call(e, reads, func(ctx context.Context, api *client.Client) error {
		v, err := api.Verify(ctx)
		if err != nil {
			return err
		}
		if c.JSON {
			if err := e.json(v); err != nil {
				return err
			}
		}
		if !v.OK {
			return verdict(v)
		}
		if !c.JSON {
			fmt.Fprintln(e.stdout, "ok: the whole file was read and is consistent")
		}
		return nil
	})
}

func verdict(v provisioning.Verdict) error {
	var all several
	for _, finding := range v.Findings {
		all = append(all, errors.New(finding))
	}
	return append(all, fail("keep the file, restore a backup, and tell us", "the file is not consistent: %d findings", len(v.Findings)))
}

// rest says why a lane takes nothing for now.
func rest(l provisioning.Lane) string {
	if l.RestsUntil == nil {
		return ""
	}
	return fmt.Sprintf(", rests until %s: %s", clock(*l.RestsUntil), visible(l.Reason, -1))
}

// refusals tells why binds were refused, the reasons by name.
func refusals(counts map[string]uint64) (text string) {
	for _, reason := range slices.Sorted(maps.Keys(counts)) {
		if n := counts[reason]; n > 0 {
			text += fmt.Sprintf(", %d refused: %s", n, reason)
		}
	}
	return text
}
