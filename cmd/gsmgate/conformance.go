package main

import (
	"gsmgate/provisioning"
	"gsmgate/smppd/conformance"
)

// statement is what the SMPP server offers, for the API.
func statement() provisioning.Conformance {
	s := provisioning.Conformance{Specification: conformance.Specification}
	for _, r := range conformance.Rows() {
		s.Rows = append(s.Rows, provisioning.ConformanceRow(r))
	}
	return s
}

type conformanceCmd struct {
	JSON     bool `name:"json" xor:"form" help:"print as JSON"`
	Markdown bool `xor:"form" help:"print as Markdown, with the tests of each row"`
}

// Run needs no gateway: the statement is part of the program.
func (c *conformanceCmd) Run(e *env) error {
	switch {
	case c.JSON:
		return e.json(statement())
	case c.Markdown:
		return conformance.WriteMarkdown(e.stdout, conformance.Rows())
	}
	return conformance.WriteText(e.stdout, conformance.Rows())
}
