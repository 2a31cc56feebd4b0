package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"gsmgate/modem"
)

// modemCausesCmd shows what the gateway does about each error of a modem.
type modemCausesCmd struct {
	Code int  `arg:"" optional:"" default:"-1" help:"show this code only"`
	JSON bool `name:"json" help:"print as JSON"`
}

func (c *modemCausesCmd) Run(e *env) error {
	rows := []modem.CauseRow{}
	for _, r := range modem.CauseTable() {
		if c.Code < 0 || r.Code == c.Code {
			rows = append(rows, r)
		}
	}
	switch {
	case len(rows) == 0:
		return fail("without a code the whole table is shown; a code that is not in it counts as any other", "code %d has no meaning of its own", c.Code)
	case c.JSON:
		return e.json(rows)
	}
	return printCauses(e.stdout, rows)
}

func printCauses(out io.Writer, rows []modem.CauseRow) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "RESULT\tCODE\tCLASS\tMEANING\tWHAT IS DONE")
	for _, r := range rows {
		code := fmt.Sprint(r.Code)
		if r.Code < 0 {
			code = "-"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", r.Result, code, r.Class, r.Text, r.Does)
	}
	return w.Flush()
}
