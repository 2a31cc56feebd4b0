package httpchan

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// place is where a template stands: how its values are escaped.
type place uint8

const (
	plain  place = iota // escaped as a whole by whoever takes it: a form, a query, JSON
	inPath              // a segment of a URL's path
	inHead              // scheme and host of a URL: values of settings alone
	inXML
	inHeader
)

// template is text with {names} in it. "{name?}" leaves out the member, parameter or
// header that it stands in when the value is empty; "{name|json}", alone in a JSON
// string, stands for a number, true or false; "{{" is a brace.
type template []piece

type piece struct {
	text     string // when name is empty
	name     string
	optional bool
	literal  bool // |json
}

var errTemplate = errors.New("use {name}, {name?}, {name|json}, or {{ for a brace")

func parseTemplate(text string) (t template, err error) {
	var lit strings.Builder
	flush := func() {
		if lit.Len() > 0 {
			t = append(t, piece{text: lit.String()})
			lit.Reset()
		}
	}
	for text != "" {
		i := strings.IndexByte(text, '{')
		switch {
		case i < 0:
			lit.WriteString(text)
			text = ""
		case strings.HasPrefix(text[i:], "{{"):
			lit.WriteString(text[:i+1])
			text = text[i+2:]
		default:
			lit.WriteString(text[:i])
			flush()
			var p piece
			if p, text, err = parsePiece(text[i+1:]); err != nil {
				return nil, err
			}
			t = append(t, p)
		}
	}
	flush()
	return t, nil
}

func parsePiece(text string) (p piece, rest string, err error) {
	name, rest, ok := strings.Cut(text, "}")
	if !ok {
		return p, "", errTemplate
	}
	name, p.literal = strings.CutSuffix(name, "|json")
	name, p.optional = strings.CutSuffix(name, "?")
	if !isName(name) {
		return p, "", errTemplate
	}
	p.name = name
	return p, rest, nil
}

// isName says whether text may name a setting or a value.
func isName(text string) bool {
	return text != "" && len(text) <= 40 && strings.Trim(text, "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
}

// names are those that the template uses.
func (t template) names() (all []string) {
	for _, p := range t {
		if p.name != "" {
			all = append(all, p.name)
		}
	}
	return all
}

// values gives what stands for a name.
type values func(name string) string

// fill puts the values in; without says that what the template is for is left out.
func (t template) fill(v values, at place) (out string, without bool, err error) {
	var b strings.Builder
	for _, p := range t {
		if p.name == "" {
			b.WriteString(p.text)
			continue
		}
		value := v(p.name)
		if value == "" && p.optional {
			return "", true, nil
		}
		if value, err = escape(value, at); err != nil {
			return "", false, fmt.Errorf("{%s} %w", p.name, err)
		}
		b.WriteString(value)
	}
	return b.String(), false, nil
}

func escape(value string, at place) (string, error) {
	switch at {
	case inPath:
		if value == "." || value == ".." || value == "" {
			return "", errors.New("is no segment of a path")
		}
		return url.PathEscape(value), nil
	case inXML:
		var b bytes.Buffer
		err := xml.EscapeText(&b, []byte(value)) // characters that XML has not become U+FFFD
		return b.String(), err
	case inHeader:
		if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r >= 0x7F }) {
			return "", errors.New("cannot stand in a header")
		}
	case inHead:
		if strings.Trim(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:/[]") != "" {
			return "", errors.New("cannot stand in the name of a host")
		}
	}
	return value, nil
}

// jsonTemplate is a JSON value whose strings are templates.
type jsonTemplate struct {
	raw     string         // of what is neither string, list nor object
	text    template       // of a string
	list    []jsonTemplate // of a list
	members []jsonMember   // of an object
	kind    byte           // 'r', 's', 'l', 'o'
}

// jsonMember is one of an object, with its name as JSON has it and a colon.
type jsonMember struct {
	name  []byte
	value jsonTemplate
}

func parseJSONTemplate(raw []byte) (t jsonTemplate, err error) {
	doc, err := parseJSON(raw)
	if err != nil {
		return t, err
	}
	return compileJSON(doc)
}

func compileJSON(doc any) (t jsonTemplate, err error) {
	switch v := doc.(type) {
	case string:
		t.kind = 's'
		t.text, err = parseTemplate(v)
		if err == nil && len(t.text) != 1 && slices.ContainsFunc(t.text, func(p piece) bool { return p.literal }) {
			err = errors.New("a value with |json stands alone in its string")
		}
		return t, err
	case []any:
		t.kind, t.list = 'l', make([]jsonTemplate, len(v))
		for i := range v {
			if t.list[i], err = compileJSON(v[i]); err != nil {
				return t, err
			}
		}
	case map[string]any:
		t.kind = 'o'
		for _, name := range slices.Sorted(maps.Keys(v)) {
			m, err := compileMember(name, v[name])
			if err != nil {
				return t, err
			}
			t.members = append(t.members, m)
		}
	default:
		raw, err := json.Marshal(v)
		return jsonTemplate{kind: 'r', raw: string(raw)}, err
	}
	return t, nil
}

func compileMember(name string, doc any) (m jsonMember, err error) {
	if m.value, err = compileJSON(doc); err != nil {
		return m, err
	}
	quoted, err := json.Marshal(name)
	m.name = append(quoted, ':')
	return m, err
}

func (t *jsonTemplate) names() (all []string) {
	all = t.text.names()
	for i := range t.list {
		all = append(all, t.list[i].names()...)
	}
	for i := range t.members {
		all = append(all, t.members[i].value.names()...)
	}
	return all
}

// fill appends the value; without says that nothing was.
func (t *jsonTemplate) fill(dst []byte, v values) (out []byte, without bool, err error) {
	switch t.kind {
	case 's':
		return t.fillText(dst, v)
	case 'l':
		return t.fillList(dst, v)
	case 'o':
		return t.fillObject(dst, v)
	}
	return append(dst, t.raw...), false, nil
}

func (t *jsonTemplate) fillText(dst []byte, v values) ([]byte, bool, error) {
	text, without, err := t.text.fill(v, plain)
	if err != nil || without {
		return dst, without, err
	}
	if len(t.text) == 1 && t.text[0].literal {
		if doc, err := parseJSON([]byte(text)); err != nil || !scalar(doc) {
			return dst, false, fmt.Errorf("{%s} is no number, true or false", t.text[0].name)
		}
		return append(dst, strings.TrimSpace(text)...), false, nil
	}
	quoted, err := json.Marshal(text)
	return append(dst, quoted...), false, err
}

func scalar(doc any) bool {
	switch doc.(type) {
	case json.Number, bool:
		return true
	}
	return false
}

func (t *jsonTemplate) fillList(dst []byte, v values) ([]byte, bool, error) {
	dst = append(dst, '[')
	first := true
	for i := range t.list {
		next := dst
		if !first {
			next = append(next, ',')
		}
		next, without, err := t.list[i].fill(next, v)
		if err != nil {
			return dst, false, err
		}
		if !without {
			dst, first = next, false
		}
	}
	return append(dst, ']'), false, nil
}

func (t *jsonTemplate) fillObject(dst []byte, v values) ([]byte, bool, error) {
	dst = append(dst, '{')
	first := true
	for i := range t.members {
		m := &t.members[i]
		next := dst
		if !first {
			next = append(next, ',')
		}
		next, without, err := m.value.fill(append(next, m.name...), v)
		if err != nil {
			return dst, false, err
		}
		if !without {
			dst, first = next, false
		}
	}
	return append(dst, '}'), false, nil
}

// checkXML wants places for values where escaping holds them: text and attributes.
// It is a template by its own kind of quoting, so comments, CDATA and directives
// have no place in it.
func checkXML(text string, t template) error {
	if strings.Contains(text, "<!") {
		return errors.New("comments, CDATA and directives have no place in a template of XML")
	}
	probe, _, err := t.fill(func(string) string { return "x" }, plain)
	if err != nil {
		return err
	}
	if _, err := parseXML([]byte(probe)); err != nil {
		return err
	}
	// A value in a name or in an instruction would change with the probe.
	other, _, err := t.fill(func(string) string { return "\"'&<>" }, inXML)
	if err != nil {
		return err
	}
	if _, err := parseXML([]byte(other)); err != nil || strings.Contains(text, "<?") && !strings.HasPrefix(text, "<?xml") {
		return errors.New("values stand in texts and in quoted attributes alone")
	}
	return nil
}
