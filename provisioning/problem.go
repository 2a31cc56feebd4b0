package provisioning

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"gsmgate/router"
)

// Problem is every error of the API [RFC 9457], with two members more.
type Problem struct {
	Title  string        `json:"title"`
	Status int           `json:"status"`
	Detail string        `json:"detail"`
	Field  string        `json:"field,omitempty" doc:"the member of the request that is wrong"`
	Hint   string        `json:"hint,omitempty" doc:"what to try"`
	Errors []FieldDetail `json:"errors,omitempty" doc:"when more than one field is wrong: all of them"`
}

// FieldDetail says what is wrong with one field.
type FieldDetail struct {
	Field   string `json:"field"`
	Message string `json:"message"`
}

func (p *Problem) Error() string  { return p.Detail }
func (p *Problem) GetStatus() int { return p.Status }

// ContentType is asked by huma.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// status maps the router's reasons to HTTP's.
func status(code router.Code) int {
	switch code {
	case router.Invalid:
		return http.StatusUnprocessableEntity
	case router.NotFound:
		return http.StatusNotFound
	case router.Conflict:
		return http.StatusConflict
	case router.NoCredit:
		return http.StatusPaymentRequired
	case router.Busy, router.Throttled:
		return http.StatusTooManyRequests
	case router.Denied:
		return http.StatusForbidden
	case router.NoRoute:
		return http.StatusUnprocessableEntity
	}
	return http.StatusInternalServerError
}

func problem(code int, field, detail, hint string) *Problem {
	return &Problem{Title: http.StatusText(code), Status: code, Detail: detail, Field: field, Hint: hint}
}

// problemOf turns an error of the router into the API's. The cause of an
// internal error goes to the log and to nobody else.
func problemOf(log *slog.Logger, err error) error {
	if err == nil {
		return nil
	}
	var p *Problem
	if errors.As(err, &p) {
		return p
	}
	var re *router.Error
	if !errors.As(err, &re) {
		re = &router.Error{Code: router.Internal, Message: "internal error", Err: err}
	}
	if re.Code == router.Internal {
		log.Error("request failed", "cause", re.Err)
	}
	return problem(status(re.Code), re.Field, re.Message, re.Hint)
}

// reshape makes Problems of huma's own errors, and drops the values they
// repeat: one may be a password.
func reshape(_ huma.Context, _ string, v any) (any, error) {
	m, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	p := problem(m.Status, "", m.Detail, "")
	for _, e := range m.Errors {
		p.Errors = append(p.Errors, fieldDetail(e))
	}
	if len(p.Errors) == 0 {
		return p, nil
	}
	p.Field, p.Detail = p.Errors[0].Field, strings.TrimSpace(p.Errors[0].Field+" "+p.Errors[0].Message)
	if len(p.Errors) == 1 {
		p.Errors = nil
	}
	return p, nil
}

// fieldDetail strips where the field was: body.name is name.
func fieldDetail(e *huma.ErrorDetail) FieldDetail {
	d := FieldDetail{Field: e.Location, Message: e.Message}
	for _, where := range []string{"body", "query", "path", "header"} {
		if rest, ok := strings.CutPrefix(e.Location, where); ok {
			d.Field = strings.TrimPrefix(rest, ".")
			break
		}
	}
	if rest, ok := strings.CutPrefix(e.Message, "expected required property "); ok {
		missing, _, _ := strings.Cut(rest, " ")
		d = FieldDetail{strings.TrimPrefix(d.Field+"."+missing, "."), "is missing"}
	}
	return d
}

// writeProblem answers where huma has no say.
func writeProblem(w http.ResponseWriter, p *Problem) {
	w.Header().Set("Content-Type", p.ContentType(""))
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // the client is gone: nobody to tell
}
