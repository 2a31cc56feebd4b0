package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"gsmgate/provisioning"
	"gsmgate/provisioning/client"
)

type sendCmd struct {
	dataDir
	User string `required:"" placeholder:"NAME" help:"whose message it is, and who pays"`
	From string `placeholder:"ADDR" help:"source address"`
	To   string `required:"" placeholder:"NUMBER" help:"destination, +31612345678"`
	Text string `arg:"" help:"the text; - reads it from standard input"`
	JSON bool   `name:"json" help:"print as JSON"`

	Priority uint8  `placeholder:"N" help:"0 (default) to 3: the higher leaves first"`
	At       string `placeholder:"TIME" help:"not before that day 2026-11-26 or time 2026-11-26T15:00:00, of this machine's zone, or in 15m, 12h, 2d (default: at once)"`
	Valid    string `placeholder:"TIME" help:"for so long from then on, such as 15m or 2d (default: the gateway's validity)"`
}

// message is what the flags ask for.
func (c *sendCmd) message(text string, now time.Time) (m provisioning.NewMessage, err error) {
	m = provisioning.NewMessage{User: c.User, From: c.From, To: c.To, Text: text, Priority: c.Priority}
	if c.At != "" {
		if d, wrong := daysOr(c.At); wrong == nil && d >= 0 {
			now = now.Add(d)
		} else if now, _, err = parseTime(c.At, time.Local); err != nil {
			return m, err
		}
		m.At = now.Format(time.RFC3339Nano)
	}
	if c.Valid != "" {
		d, err := daysOr(c.Valid)
		if err != nil || d <= 0 {
			return m, usage("use a time such as 15m, 12h or 2d", "--valid: %q cannot be used", c.Valid)
		}
		m.ValidUntil = now.Add(d).Format(time.RFC3339Nano)
	}
	return m, nil
}

func (c *sendCmd) Run(e *env) error {
	text := c.Text
	if text == "-" {
		raw, err := io.ReadAll(io.LimitReader(e.stdin, 1<<20))
		if err != nil {
			return err
		}
		text = strings.TrimSuffix(string(raw), "\n")
	}
	m, err := c.message(text, time.Now())
	if err != nil {
		return err
	}
	return c.call(e, needsGateway, func(ctx context.Context, api *client.Client) error {
		id, err := api.Send(ctx, m)
		switch {
		case err != nil:
			return err
		case c.JSON:
			return e.json(provisioning.MessageID{ID: id})
		}
		fmt.Fprintln(e.stdout, id)
		return nil
	})
}

type messagesCmd struct {
	dataDir
	User  string `placeholder:"NAME" help:"only messages of this user"`
	State string `placeholder:"S" help:"only messages in this state, such as DELIVERED"`
	Kind  string `placeholder:"K" enum:",MT,MO,receipt,all" default:"" help:"MT, MO, receipt or all (default: all but receipts)"`
	None  bool   `name:"no-user" help:"only incoming messages that no user owns"`
	Limit int    `placeholder:"N" help:"at most so many (default: all)"`
	JSON  bool   `name:"json" help:"print as JSON"`
}

// page is how many messages are asked for at once.
const page = 500

func (c *messagesCmd) Run(e *env) error {
	if c.Limit < 0 {
		return usage("", "--limit cannot be negative")
	}
	return c.call(e, reads, func(ctx context.Context, api *client.Client) error {
		if c.JSON {
			return c.asJSON(ctx, e, api)
		}
		return c.asTable(ctx, e, api)
	})
}

// each hands on one message after the other, newest first, page by page.
func (c *messagesCmd) each(ctx context.Context, api *client.Client, take func(*provisioning.Message) error) error {
	f := provisioning.MessageFilter{User: c.User, State: c.State, Kind: c.Kind, NoUser: c.None, Limit: page}
	if c.Kind == "all" {
		f.Kind = ""
	}
	for taken := 0; ; {
		list, err := api.Messages(ctx, f)
		if err != nil {
			return err
		}
		for i := range list {
			if c.Kind == "" && list[i].Kind == "receipt" {
				continue
			}
			if err := take(&list[i]); err != nil {
				return err
			}
			if taken++; taken == c.Limit {
				return nil
			}
		}
		if len(list) < page {
			return nil
		}
		f.Before = list[len(list)-1].ID
	}
}

// asJSON prints one array, an element a line.
func (c *messagesCmd) asJSON(ctx context.Context, e *env, api *client.Client) error {
	between := "["
	err := c.each(ctx, api, func(m *provisioning.Message) error {
		raw, err := json.Marshal(m)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(e.stdout, "%s\n%s", between, raw)
		between = ","
		return err
	})
	if err != nil {
		return err
	}
	if between == "[" {
		_, err = fmt.Fprintln(e.stdout, "[]")
	} else {
		_, err = fmt.Fprintln(e.stdout, "\n]")
	}
	return err
}

func (c *messagesCmd) asTable(ctx context.Context, e *env, api *client.Client) error {
	w := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tACCEPTED\tKIND\tSTATE\tUSER\tFROM\tTO\tPARTS\tCREDITS\tTEXT")
	err := c.each(ctx, api, func(m *provisioning.Message) error {
		_, err := fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%d\t%s\t%s\n", m.ID, clock(m.AcceptedAt), m.Kind, m.State,
			visible(m.User, 15), visible(m.Source, 21), visible(m.Dest, 21), len(m.Parts), credits(m.Price), visible(m.Text, 40))
		return err
	})
	if err != nil {
		return err
	}
	return w.Flush()
}

type messageCmd struct {
	Show   messageShowCmd   `cmd:"" default:"withargs" help:"Show one message with its timeline."`
	Cancel messageCancelCmd `cmd:"" help:"Cancel a message that has not been sent."`

	Undecoded messageUndecodedCmd `cmd:"" help:"List what came in and could not be read, or went to no client for another reason."`
	Reports   messageReportsCmd   `cmd:"" help:"Show by SIM what was heard of messages in the last 24 hours."`
	Assign    messageAssignCmd    `cmd:"" help:"Give an incoming message that no user owns to one."`
	Errors    messageErrorsCmd    `cmd:"" help:"Show what err: of a receipt stands for."`
}

type messageShowCmd struct {
	dataDir
	ID   string `arg:"" help:"message_id"`
	JSON bool   `name:"json" help:"print as JSON"`
}

func (c *messageShowCmd) Run(e *env) error {
	return c.call(e, reads, func(ctx context.Context, api *client.Client) error {
		m, err := api.Message(ctx, c.ID)
		if err != nil {
			return err
		}
		return showMessage(e, c.JSON, &m)
	})
}

type messageCancelCmd struct {
	dataDir
	ID   string `arg:"" help:"message_id"`
	JSON bool   `name:"json" help:"print as JSON"`
}

func (c *messageCancelCmd) Run(e *env) error {
	return c.call(e, writes, func(ctx context.Context, api *client.Client) error {
		m, err := api.CancelMessage(ctx, c.ID)
		if err != nil {
			return err
		}
		return showMessage(e, c.JSON, &m)
	})
}

type messageAssignCmd struct {
	dataDir
	ID   string `arg:"" help:"its ID; gsmgate messages --no-user lists those that nobody owns"`
	User string `arg:"" help:"system_id"`
	JSON bool   `name:"json" help:"print as JSON"`
}

func (c *messageAssignCmd) Run(e *env) error {
	return c.call(e, writes, func(ctx context.Context, api *client.Client) error {
		m, err := api.AssignMessage(ctx, c.ID, c.User)
		if err != nil {
			return err
		}
		return showMessage(e, c.JSON, &m)
	})
}

func showMessage(e *env, asJSON bool, m *provisioning.Message) error {
	if asJSON {
		return e.json(m)
	}
	return printMessage(e.stdout, m)
}

func printMessage(out io.Writer, m *provisioning.Message) error {
	fmt.Fprintf(out, "%s  %s  %s  user %s  %s -> %s  %d parts  %s credits\n", m.ID, m.Kind, m.State,
		visible(m.User, 15), visible(m.Source, 21), visible(m.Dest, 21), len(m.Parts), credits(m.Price))
	if m.SentAs != "" {
		fmt.Fprintf(out, "sent as: %s\n", visible(m.SentAs, 21))
	}
	if m.Text != "" {
		fmt.Fprintf(out, "text: %s\n", visible(m.Text, -1))
	}
	if m.Bare {
		fmt.Fprintln(out, "text: dropped, its time is over")
	}
	if m.Priority > 0 {
		fmt.Fprintf(out, "priority: %d\n", m.Priority)
	}
	if m.Resent > 0 {
		fmt.Fprintf(out, "resent: %d times, and perhaps twice at its recipient\n", m.Resent)
	}
	if m.Reason != "" {
		fmt.Fprintf(out, "reason: %s\n", visible(m.Reason, -1))
	}
	for _, w := range m.Waits {
		fmt.Fprintf(out, "waits: %s\n", visible(w.Reason, -1))
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, ev := range m.Events {
		fmt.Fprintf(w, "  %s\t%s\t%s\n", ev.At.Format("2006-01-02 15:04:05.000"), ev.What, visible(ev.Text, -1))
	}
	return w.Flush()
}

func clock(t time.Time) string { return t.Format("2006-01-02 15:04:05") }

// visible makes one line of s that cannot steer a terminal, cut after most
// characters; negative: never.
func visible(s string, most int) string {
	var b strings.Builder
	n := 0
	for _, r := range s {
		if n++; most >= 0 && n > most {
			b.WriteString("…")
			break
		}
		switch {
		case r == '\n':
			b.WriteString(`\n`)
		case unicode.IsPrint(r), r == '\u200d': // emoji are joined with U+200D
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	if b.Len() == 0 {
		return "-"
	}
	return b.String()
}
