package conformance

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// titles of the kinds, in their order.
var titles = []string{"PDUs", "Optional parameters", "command_status", "Fields", "Timers"}

// of picks the rows of a kind.
func of(kind string, rows []Row) (some []Row) {
	for _, r := range rows {
		if r.Kind == kind {
			some = append(some, r)
		}
	}
	return some
}

// what is the name of a row, with its PDU.
func (r Row) what() string {
	if r.PDU == "" {
		return r.Name
	}
	return r.PDU + ": " + r.Name
}

// WriteText writes rows as a table for people, with a line for each.
func WriteText(out io.Writer, rows []Row) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, Specification)
	for i, kind := range kinds {
		some := of(kind, rows)
		if len(some) == 0 {
			continue
		}
		fmt.Fprintf(w, "\n%s\n", titles[i])
		for _, r := range some {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", r.Answer, r.what(), r.Direction, strings.Join(r.Clauses, ", "), r.Note)
		}
	}
	return w.Flush()
}

// WriteMarkdown writes rows as tables of Markdown, with the tests.
func WriteMarkdown(out io.Writer, rows []Row) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# Statement of conformance\n\n%s.\n", Specification)
	for i, kind := range kinds {
		some := of(kind, rows)
		if len(some) == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n## %s\n\n| | who sends it | answer | clauses | note | tests |\n|---|---|---|---|---|---|\n", titles[i])
		for _, r := range some {
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", cell(r.what()), r.Direction, r.Answer,
				strings.Join(r.Clauses, ", "), cell(r.Note), cell(strings.Join(r.Tests, ", ")))
		}
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// cell keeps what Markdown would read as marks.
func cell(s string) string { return strings.NewReplacer("_", `\_`, "*", `\*`).Replace(s) }
