package provisioning

import (
	"context"
	"time"
)

// Finding is one thing that a user's SMPP client does wrong. It holds nothing
// of any message.
type Finding struct {
	Kind    string    `json:"kind" example:"packed-as-default"`
	Field   string    `json:"field,omitempty" doc:"the parameter that it is about"`
	Count   uint64    `json:"count" doc:"since the gateway started, or since the reset"`
	First   time.Time `json:"first"`
	Last    time.Time `json:"last"`
	Session string    `json:"session" doc:"where it was seen last"`
	Remote  string    `json:"remote"`
	Example string    `json:"example,omitempty" example:"submit_sm: service_type: ESME_RINVSERTYP"`
	Mend    string    `json:"mend" doc:"what the client's owner is to change"`
}

// Conformance is what the SMPP server offers of its specification.
type Conformance struct {
	Specification string           `json:"specification"`
	Rows          []ConformanceRow `json:"rows"`
}

// ConformanceRow is one PDU, parameter, status, field or timer.
type ConformanceRow struct {
	Kind      string   `json:"kind" enum:"pdu,tlv,status,field,timer"`
	Name      string   `json:"name" doc:"as in the specification"`
	PDU       string   `json:"pdu" doc:"where an optional parameter stands; empty for other kinds"`
	Direction string   `json:"direction" enum:"from-esme,to-esme,both" doc:"who sends it"`
	Answer    string   `json:"answer" enum:"yes,part,no"`
	Clauses   []string `json:"clauses" doc:"such as SMPP34 4.4.1"`
	Tests     []string `json:"tests" doc:"tests that hold the row"`
	Note      string   `json:"note"`
}

// lint lists the findings of a user that there is.
func (a *API) lint(_ context.Context, in *ByName) ([]Finding, error) {
	if _, err := a.Router.User(in.Name); err != nil {
		return nil, err
	}
	return a.findings(in.Name), nil
}

func (a *API) resetLint(ctx context.Context, in *ByName) ([]Finding, error) {
	if _, err := a.lint(ctx, in); err != nil {
		return nil, err
	}
	return a.forget(in.Name), nil
}

func (a *API) lintUnbound(context.Context, *none) ([]Finding, error) { return a.findings(""), nil }

func (a *API) resetLintUnbound(context.Context, *none) ([]Finding, error) { return a.forget(""), nil }

// findings is an empty list, not null, where there are none.
func (a *API) findings(user string) []Finding {
	if a.Lint == nil {
		return []Finding{}
	}
	return append([]Finding{}, a.Lint(user)...)
}

// forget resets, and gives what was forgotten.
func (a *API) forget(user string) []Finding {
	all := a.findings(user)
	if a.ResetLint != nil {
		a.ResetLint(user)
	}
	return all
}

func (a *API) conformance(context.Context, *none) (Conformance, error) {
	if a.Conformance == nil {
		return Conformance{Rows: []ConformanceRow{}}, nil
	}
	return a.Conformance(), nil
}
