package httpchan

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Field says where a value is: at a path of the document, in a header, or where a
// regular expression matches, which looks at the path, the header, or the whole
// body. In JSON a string is a path.
type Field struct {
	Path   string `json:"path,omitempty"`
	Header string `json:"header,omitempty"`
	Regex  string `json:"regex,omitempty"` // its first group, or all that it matches

	trail trail
	re    *regexp.Regexp
}

// UnmarshalJSON takes a path, or an object.
func (f *Field) UnmarshalJSON(raw []byte) error {
	if len(raw) > 0 && raw[0] == '"' {
		return json.Unmarshal(raw, &f.Path)
	}
	type plain Field
	return strict(raw, (*plain)(f))
}

// strict refuses members that nobody knows: a mistyped one would do nothing.
func strict(raw []byte, to any) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	return dec.Decode(to)
}

func (f *Field) set() bool { return f.Path+f.Header+f.Regex != "" }

func (f *Field) compile() (err error) {
	if f.Path != "" && f.Header != "" {
		return fmt.Errorf("a path and a header are two places")
	}
	if f.trail, err = parseTrail(f.Path); err != nil {
		return err
	}
	if f.Regex != "" {
		if f.re, err = regexp.Compile(f.Regex); err != nil {
			return err
		}
	}
	return nil
}

// source is what fields and tests are looked up in.
type source struct {
	status int // of an answer
	header http.Header
	body   []byte
	doc    any // nil: it could not be read
}

// values are what the field finds; empty ones are left out.
func (f *Field) values(s *source) (all []string) {
	switch {
	case f.Path != "":
		for _, v := range f.trail.find(s.doc) {
			all = append(all, textOf(v))
		}
	case f.Header != "":
		all = slices.Clone(s.header.Values(f.Header))
	case f.re != nil:
		all = []string{string(s.body)}
	}
	if f.re != nil {
		all = f.matches(all)
	}
	return slices.DeleteFunc(all, func(v string) bool { return v == "" })
}

func (f *Field) matches(all []string) (out []string) {
	for _, v := range all {
		if m := f.re.FindStringSubmatch(v); m != nil {
			out = append(out, strings.TrimSpace(m[min(1, len(m)-1)]))
		}
	}
	return out
}

// value is the first one, "" when there is none.
func (f *Field) value(s *source) string {
	if all := f.values(s); len(all) > 0 {
		return all[0]
	}
	return ""
}

// Test says something of an answer or a call; all that it says must hold.
type Test struct {
	Status string   `json:"status,omitempty"` // "2xx", "400,404"
	Is     []string `json:"is,omitempty"`     // the field is one of these words, whatever their case
	Not    []string `json:"not,omitempty"`    // it is there and none of these
	Exists *bool    `json:"exists,omitempty"`

	Path   string `json:"path,omitempty"`
	Header string `json:"header,omitempty"`
	Regex  string `json:"regex,omitempty"`

	field    Field
	statuses []statusRange
}

type statusRange struct{ from, to int }

func (t *Test) compile() (err error) {
	t.field = Field{Path: t.Path, Header: t.Header, Regex: t.Regex}
	if err = t.field.compile(); err != nil {
		return err
	}
	if !t.field.set() && (t.Status == "" || t.Is != nil || t.Not != nil || t.Exists != nil) {
		return fmt.Errorf("a test needs a status, a path, a header or a regex")
	}
	if t.Status != "" {
		t.statuses, err = parseStatuses(t.Status)
	}
	return err
}

func parseStatuses(text string) (all []statusRange, err error) {
	for word := range strings.SplitSeq(text, ",") {
		low, high := strings.ReplaceAll(word, "x", "0"), strings.ReplaceAll(word, "x", "9")
		from, err1 := strconv.Atoi(strings.TrimSpace(low))
		to, err2 := strconv.Atoi(strings.TrimSpace(high))
		if err1 != nil || err2 != nil || from < 100 || to > 599 {
			return nil, fmt.Errorf("%.40q is no list of HTTP statuses: use 2xx or 400,404", text)
		}
		all = append(all, statusRange{from, to})
	}
	return all, nil
}

func (t *Test) statusFits(s *source) bool {
	return t.statuses == nil || slices.ContainsFunc(t.statuses, func(r statusRange) bool { return s.status >= r.from && s.status <= r.to })
}

func (t *Test) fits(v string) bool {
	same := func(word string) bool { return strings.EqualFold(word, v) }
	return (t.Is == nil || slices.ContainsFunc(t.Is, same)) && !slices.ContainsFunc(t.Not, same)
}

// holds says whether the test holds: for any value of its field or, with every, for
// all of them. A field that is not there fails, unless that is what is asked.
func (t *Test) holds(s *source, every bool) bool {
	if !t.statusFits(s) {
		return false
	}
	if !t.field.set() {
		return true
	}
	all := t.field.values(s)
	switch {
	case t.Exists != nil && *t.Exists != (len(all) > 0):
		return false
	case len(all) == 0:
		return t.Exists != nil
	case every:
		return !slices.ContainsFunc(all, func(v string) bool { return !t.fits(v) })
	}
	return slices.ContainsFunc(all, t.fits)
}
