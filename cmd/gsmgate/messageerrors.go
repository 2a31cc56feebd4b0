package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"gsmgate/modem"
	"gsmgate/modem/pdu"
	"gsmgate/router"
	"gsmgate/router/esmechan"
	"gsmgate/router/gsmchan"
	"gsmgate/smppd/smpp"
)

// messageErrorsCmd publishes what err: of a receipt stands for.
type messageErrorsCmd struct {
	Err  string `arg:"" optional:"" help:"show what these three digits may stand for"`
	JSON bool   `name:"json" help:"print as JSON"`
}

// errorRow is a line of the table of err:.
type errorRow struct {
	Err     string `json:"err"` // "": the last three digits of the code
	Source  string `json:"source"`
	Code    string `json:"code"`
	State   string `json:"state"`
	Meaning string `json:"meaning"`
}

func (c *messageErrorsCmd) Run(e *env) error {
	rows := []errorRow{}
	for _, r := range errorTable() {
		if c.Err == "" || r.Err == c.Err || r.Err == "" {
			rows = append(rows, r)
		}
	}
	if c.JSON {
		return e.json(rows)
	}
	return printErrors(e.stdout, rows)
}

func printErrors(out io.Writer, rows []errorRow) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ERR\tSOURCE\tCODE\tSTATE\tMEANING")
	for _, r := range rows {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", orDash(r.Err), r.Source, r.Code, r.State, r.Meaning)
	}
	return w.Flush()
}

// refusedEnd is how a message ends that every next hop has refused.
const refusedEnd = "UNDELIVERABLE; EXPIRED when its validity ends first"

func errorTable() []errorRow {
	rows := []errorRow{{"000", "any", "-", "any", "delivered, or no cause is known"}}
	rows = append(rows, reportErrors()...)
	for _, c := range modem.CauseTable() {
		if c.Code > 0 {
			cause := uint32(c.Code)
			if strings.Contains(c.Result, "CME") {
				cause += modem.CauseCME
			}
			rows = append(rows, errorRow{router.ErrOf(cause), c.Result, fmt.Sprint(c.Code), refusedEnd, c.Text})
		}
	}
	for s := smpp.CommandStatus(1); s < 0x400; s++ {
		if name := s.String(); strings.HasPrefix(name, "ESME_R") {
			rows = append(rows, errorRow{router.ErrOf(esmechan.CauseSMPP + uint32(s)), "SMPP provider's answer", fmt.Sprintf("0x%02X", uint32(s)), refusedEnd, name})
		}
	}
	return append(rows,
		errorRow{"", "SMPP provider's receipt", "N", "that of the receipt", "network_error_code, or err: in its text"},
		errorRow{"", "HTTP provider", "N", refusedEnd, "its own code or, without one, the HTTP status"})
}

// reportErrors are those of status reports [23.040 9.2.3.15].
func reportErrors() (rows []errorRow) {
	for st := 1; st <= 0xFF; st++ {
		text, state := pdu.StatusText(uint8(st)), gsmchan.StateOf(uint8(st))
		if strings.HasPrefix(text, "reserved") || router.StateWord(state) == "DELIVERED" {
			continue
		}
		rows = append(rows, errorRow{router.ErrOf(uint32(st)), "GSM status report", fmt.Sprintf("TP-ST 0x%02X", st), router.StateWord(state), text})
	}
	return rows
}
