package conformance

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
)

//go:embed table.txt
var table string

// Specification is what the rows are about.
const Specification = "Short Message Peer to Peer Protocol Specification v3.4, Issue 1.2; rows of SMPP 5.0 say so"

// Row is one line of the statement.
type Row struct {
	Kind      string   `json:"kind"`      // pdu, tlv, status, field or timer
	Name      string   `json:"name"`      // as in the specification
	PDU       string   `json:"pdu"`       // tlv: where it stands; else ""
	Direction string   `json:"direction"` // from-esme, to-esme or both
	Answer    string   `json:"answer"`    // yes, part or no
	Clauses   []string `json:"clauses"`   // such as "SMPP34 4.4.1"
	Tests     []string `json:"tests"`     // names of Go test functions
	Note      string   `json:"note"`
}

// The words of a row.
var (
	kinds      = []string{"pdu", "tlv", "status", "field", "timer"}
	directions = []string{"from-esme", "to-esme", "both"}
	answers    = []string{"yes", "part", "no"}
)

// Rows returns the statement, in the order of the table.
func Rows() []Row {
	rows, err := parse(table)
	if err != nil {
		panic(err) // a mistake in table.txt, which the tests find
	}
	return rows
}

// parse reads lines of seven columns. Those that begin with # are comments. A parameter that stands
// in several PDUs, "name in a, b", makes a row for each.
func parse(text string) (rows []Row, err error) {
	n := 0
	for line := range strings.Lines(text) {
		n++
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		more, err := parseLine(line)
		if err != nil {
			return nil, fmt.Errorf("table.txt line %d: %w", n, err)
		}
		rows = append(rows, more...)
	}
	return rows, nil
}

func parseLine(line string) ([]Row, error) {
	columns := strings.Split(line, "|")
	if len(columns) != 7 {
		return nil, fmt.Errorf("%d columns, want 7", len(columns))
	}
	for i := range columns {
		columns[i] = strings.TrimSpace(columns[i])
	}
	r := Row{
		Kind: columns[0], Name: columns[1], Direction: columns[2], Answer: columns[3],
		Clauses: list(columns[4]), Tests: list(columns[5]), Note: columns[6],
	}
	for _, c := range []struct {
		word string
		of   []string
	}{{r.Kind, kinds}, {r.Direction, directions}, {r.Answer, answers}} {
		if !slices.Contains(c.of, c.word) {
			return nil, fmt.Errorf("%q is none of %s", c.word, strings.Join(c.of, ", "))
		}
	}
	if r.Kind != "tlv" {
		return []Row{r}, nil
	}
	return perPDU(r)
}

// perPDU makes a row for each PDU that the name of a parameter goes on with.
func perPDU(r Row) (rows []Row, err error) {
	name, in, ok := strings.Cut(r.Name, " in ")
	if !ok {
		return nil, fmt.Errorf("parameter %q does not say in which PDU", r.Name)
	}
	for _, pdu := range list(in) {
		one := r
		one.Name, one.PDU = name, pdu
		rows = append(rows, one)
	}
	return rows, nil
}

// list cuts at commas; never nil, so that JSON has [].
func list(s string) []string {
	all := []string{}
	for item := range strings.SplitSeq(s, ",") {
		if item = strings.TrimSpace(item); item != "" {
			all = append(all, item)
		}
	}
	return all
}
