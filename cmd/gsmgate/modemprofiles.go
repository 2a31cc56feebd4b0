package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"gsmgate/modem/profile"
)

type modemProfilesCmd struct {
	Models string `name:"modem-profiles" placeholder:"FILE" help:"file with rows that go before the built-in ones, as for serve"`
	Config string `placeholder:"FILE" help:"take the file that this configuration of serve names"`
	JSON   bool   `name:"json" help:"print as JSON, in the form of such a file"`
}

func (c *modemProfilesCmd) Run(e *env) error {
	if c.Config != "" {
		s, err := readSettings(c.Config)
		if err != nil {
			return err
		}
		if c.Models == "" {
			c.Models = s.Models
		}
	}
	table, err := readProfiles(c.Models)
	if err != nil {
		return err
	}
	if c.JSON {
		return e.json(table)
	}
	w := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tMANUFACTURER\tMODEL\tFIRMWARE\tUSSD\tRESET\tBOOT\tEVIDENCE")
	for _, r := range table.Rows() {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", r.Name, anyOf(r.Manufacturer), anyOf(r.Model), anyOf(r.Firmware), r.USSD,
			orDash(strings.Join(r.Reset, " ")), time.Duration(r.Boot), orDash(r.Evidence))
	}
	return w.Flush()
}

func anyOf(parts []string) string {
	if len(parts) == 0 {
		return "any"
	}
	return strings.Join(parts, ",")
}

// readProfiles is the table of models with the rows of a file before the
// built-in ones; "" is no file.
func readProfiles(file string) (*profile.Table, error) {
	if file == "" {
		return profile.Builtin(), nil
	}
	const hint = "gsmgate modem profiles --json shows the form: a list of rows, each with a name and manufacturer, model or firmware"
	text, err := readBounded(file, profile.MaxFile)
	if err != nil {
		return nil, fail(hint, "--modem-profiles: %w", err)
	}
	table, err := profile.Builtin().With(file, text)
	if err != nil {
		return nil, fail(hint, "%w", err)
	}
	return table, nil
}

// readBounded reads a file that is no larger than most.
func readBounded(file string, most int64) ([]byte, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > most {
		return nil, errors.New(file + ": not a file, or too large")
	}
	return os.ReadFile(file)
}
