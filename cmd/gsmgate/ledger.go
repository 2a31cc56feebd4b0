package main

import (
	"cmp"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"gsmgate/provisioning"
	"gsmgate/provisioning/client"
)

// period is the stretch of time that a statement is about.
type period struct {
	From string `placeholder:"TIME" help:"beginning: a month 2026-11, a day 2026-11-26 or a time 2026-11-26T15:00:00, of this machine's zone (default: of all time)"`
	To   string `placeholder:"TIME" help:"end, written likewise; a month or day is in it as a whole (default: now; with a --from that is a month or a day: the end of that)"`
}

// timeForms are how a time may be written, and how much of it that stands for.
var timeForms = [...]struct {
	layout              string
	years, months, days int
}{
	{"2006-01", 0, 1, 0}, {"2006-01-02", 0, 0, 1}, {"2006-01-02T15:04:05", 0, 0, 0}, {"2006-01-02 15:04:05", 0, 0, 0}, {time.RFC3339, 0, 0, 0}, {"2006", 1, 0, 0},
}

// parseTime gives the beginning and the end of what text stands for: they differ
// for a year, a month or a day.
func parseTime(text string, zone *time.Location) (begin, end time.Time, err error) {
	for _, f := range timeForms {
		if begin, err = time.ParseInLocation(f.layout, text, zone); err == nil {
			return begin, begin.AddDate(f.years, f.months, f.days), nil
		}
	}
	return begin, end, usage("write it as 2026-11, 2026-11-26 or 2026-11-26T15:00:00", "%q is no time", text)
}

// api is the period as the API wants it.
func (p period) api() (out provisioning.Period, err error) {
	var begin, end time.Time
	if p.From != "" {
		if begin, end, err = parseTime(p.From, time.Local); err != nil {
			return out, err
		}
		out.From = begin.Format(time.RFC3339)
	}
	if p.To != "" {
		if _, end, err = parseTime(p.To, time.Local); err != nil {
			return out, err
		}
	} else if end.Equal(begin) {
		return out, nil // from a moment on
	}
	if !end.IsZero() {
		out.To = end.Format(time.RFC3339)
	}
	return out, nil
}

type userStatementCmd struct {
	dataDir
	Name string `arg:"" help:"system_id"`
	period
	CSV  bool `name:"csv" xor:"form" help:"print as CSV, one line below the names of the columns; gsmgate user ledger --csv has each movement"`
	JSON bool `name:"json" xor:"form" help:"print as JSON"`
}

func (c *userStatementCmd) Run(e *env) error {
	span, err := c.api()
	if err != nil {
		return err
	}
	return c.call(e, reads, func(ctx context.Context, api *client.Client) error {
		s, err := api.Statement(ctx, c.Name, span)
		switch {
		case err != nil:
			return err
		case c.JSON:
			return e.json(s)
		case c.CSV:
			return csvStatement(e.stdout, span, s)
		}
		return printStatement(e.stdout, span, s)
	})
}

func printStatement(out io.Writer, span provisioning.Period, s provisioning.Statement) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "user\t%s\n", s.User)
	fmt.Fprintf(w, "from\t%s\n", cmp.Or(span.From, "the beginning"))
	fmt.Fprintf(w, "to\t%s\n", cmp.Or(span.To, "now"))
	for _, line := range []struct {
		name   string
		amount int64
		note   string
	}{
		{"opening", s.Opening.Available, fmt.Sprintf("and %s held", credits(s.Opening.Held))},
		{"topped up", s.ToppedUp, ""}, {"corrected", s.Corrected, ""},
		{"held", -s.Held, "for messages accepted"}, {"refunded", s.Refunded, "for messages that did not arrive"},
		{"closing", s.Closing.Available, fmt.Sprintf("and %s held", credits(s.Closing.Held))},
		{"spent", s.Spent, "for " + plural(s.Charged, "message") + ", out of what was held"},
	} {
		fmt.Fprintln(w, strings.TrimRight(fmt.Sprintf("%s\t%s\t%s", line.name, credits(line.amount), line.note), "\t"))
	}
	return w.Flush()
}

// csvStatement prints a statement for a spreadsheet; credits as ledger --csv has them.
func csvStatement(out io.Writer, span provisioning.Period, s provisioning.Statement) error {
	w := csv.NewWriter(out)
	_ = w.Write([]string{"user", "from", "to", "opening", "opening_held", "topped_up", "corrected", "held", "refunded", "closing", "closing_held", "spent", "messages"})
	_ = w.Write([]string{s.User, span.From, span.To, credits(s.Opening.Available), credits(s.Opening.Held), credits(s.ToppedUp), credits(s.Corrected),
		credits(s.Held), credits(s.Refunded), credits(s.Closing.Available), credits(s.Closing.Held), credits(s.Spent), strconv.Itoa(s.Charged)})
	w.Flush()
	return w.Error()
}

type userLedgerCmd struct {
	dataDir
	Name string `arg:"" help:"system_id"`
	period
	CSV  bool `name:"csv" xor:"form" help:"print as CSV, with what was available, held and spent after each line"`
	JSON bool `name:"json" xor:"form" help:"print as JSON, an object a line"`
}

func (c *userLedgerCmd) Run(e *env) error {
	span, err := c.api()
	if err != nil {
		return err
	}
	return c.call(e, reads, func(ctx context.Context, api *client.Client) error {
		before, err := api.Statement(ctx, c.Name, span)
		if err != nil {
			return err
		}
		p := c.printer(e.stdout, before.Opening)
		err = eachLine(ctx, api, provisioning.LedgerFilter{ByName: provisioning.ByName{Name: c.Name}, Period: span, Limit: page}, p.line)
		if err != nil {
			return err
		}
		return p.end()
	})
}

// eachLine goes over a user's ledger page by page.
func eachLine(ctx context.Context, api *client.Client, f provisioning.LedgerFilter, take func(*provisioning.LedgerLine) error) error {
	for {
		p, err := api.Ledger(ctx, f)
		if err != nil {
			return err
		}
		for i := range p.Lines {
			if err := take(&p.Lines[i]); err != nil {
				return err
			}
		}
		if f.After = p.Next; p.Next == 0 {
			return nil
		}
	}
}

// linePrinter prints lines of a ledger one by one.
type linePrinter struct {
	line func(*provisioning.LedgerLine) error
	end  func() error
}

func (c *userLedgerCmd) printer(out io.Writer, b provisioning.Balance) linePrinter {
	switch {
	case c.JSON:
		enc := json.NewEncoder(out)
		return linePrinter{func(l *provisioning.LedgerLine) error { return enc.Encode(l) }, func() error { return nil }}
	case c.CSV:
		return csvLines(out, b)
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "TIME\tKIND\tCREDITS\tMESSAGE\tNOTE")
	return linePrinter{func(l *provisioning.LedgerLine) error {
		_, err := fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", clock(l.At), l.Kind, credits(l.Amount), orDash(l.Message), orDash(visible(l.Note, -1)))
		return err
	}, w.Flush}
}

// csvLines prints lines with the balance after each.
func csvLines(out io.Writer, b provisioning.Balance) linePrinter {
	w := csv.NewWriter(out)
	err := w.Write([]string{"seq", "time", "kind", "credits", "message_id", "note", "available", "held", "spent"})
	return linePrinter{func(l *provisioning.LedgerLine) error {
		if err != nil {
			return err
		}
		move(&b, l)
		return w.Write([]string{strconv.FormatUint(l.Seq, 10), l.At.Format(time.RFC3339Nano), l.Kind, credits(l.Amount), l.Message, plainCell(l.Note),
			credits(b.Available), credits(b.Held), credits(b.Spent)})
	}, func() error { w.Flush(); return w.Error() }}
}

// plainCell keeps a spreadsheet from taking a note for a formula.
func plainCell(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}

// move is what a line does to a balance.
func move(b *provisioning.Balance, l *provisioning.LedgerLine) {
	switch l.Kind {
	case "top_up":
		b.Granted, b.Available = b.Granted+l.Amount, b.Available+l.Amount
	case "hold":
		b.Available, b.Held = b.Available-l.Amount, b.Held+l.Amount
	case "spend":
		b.Held, b.Spent = b.Held-l.Amount, b.Spent+l.Amount
	case "refund":
		b.Held, b.Available = b.Held-l.Amount, b.Available+l.Amount
	}
}
