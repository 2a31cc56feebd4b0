package httpchan

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// The formats of answers and calls.
const (
	formatJSON = "json"
	formatXML  = "xml"
	formatForm = "form"
	formatText = "text"
)

// mostDepth bounds how deep a document may nest.
const mostDepth = 64

// parseDocument reads a body. Objects are map[string]any, lists []any; leaves are
// strings, json.Number, bool or nil. The root element of XML is a member, too;
// attributes are members "@name", the text beside other members is "#text".
func parseDocument(format string, body []byte) (any, error) {
	switch format {
	case formatJSON:
		return parseJSON(body)
	case formatXML:
		return parseXML(body)
	case formatForm:
		values, err := url.ParseQuery(strings.TrimSpace(string(body)))
		return formDocument(values), err
	}
	return string(body), nil
}

func parseJSON(body []byte) (doc any, err error) {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber() // an id of 19 digits stays what it is
	if err := dec.Decode(&doc); err != nil {
		return nil, fmt.Errorf("not JSON: %w", err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, errors.New("not JSON: something follows")
	}
	return doc, nil
}

func formDocument(values url.Values) any {
	doc := map[string]any{}
	for name, all := range values {
		if len(all) == 1 {
			doc[name] = all[0]
			continue
		}
		list := make([]any, len(all))
		for i := range all {
			list[i] = all[i]
		}
		doc[name] = list
	}
	return doc
}

func parseXML(body []byte) (any, error) {
	dec := xml.NewDecoder(bytes.NewReader(body))
	dec.CharsetReader = func(string, io.Reader) (io.Reader, error) { return nil, errors.New("not UTF-8") }
	for {
		token, err := dec.Token()
		if err != nil {
			return nil, fmt.Errorf("not XML: %w", err)
		}
		if start, ok := token.(xml.StartElement); ok {
			root, err := element(dec, start, mostDepth)
			if err != nil {
				return nil, fmt.Errorf("not XML: %w", err)
			}
			return map[string]any{start.Name.Local: root}, nil
		}
	}
}

// element reads what is in an element: its text when there is nothing else.
func element(dec *xml.Decoder, start xml.StartElement, depth int) (any, error) {
	if depth == 0 {
		return nil, errors.New("it nests too deep")
	}
	members := map[string]any{}
	for _, a := range start.Attr {
		members["@"+a.Name.Local] = a.Value
	}
	var text strings.Builder
	for {
		token, err := dec.Token()
		if err != nil {
			return nil, err
		}
		switch t := token.(type) {
		case xml.CharData:
			text.Write(t)
		case xml.StartElement:
			child, err := element(dec, t, depth-1)
			if err != nil {
				return nil, err
			}
			addMember(members, t.Name.Local, child)
		case xml.EndElement:
			content := strings.TrimSpace(text.String())
			if len(members) == 0 {
				return content, nil
			}
			members["#text"] = content
			return members, nil
		}
	}
}

// addMember makes a list of what comes more than once. An element that is a list
// itself cannot be told from that, and XML has none.
func addMember(members map[string]any, name string, child any) {
	switch old := members[name].(type) {
	case nil:
		members[name] = child
	case []any:
		members[name] = append(old, child)
	default:
		members[name] = []any{old, child}
	}
}

// trail is the way to values in a document: names, indexes of lists from 0, and * for
// all. "" is the document itself.
type trail []string

func parseTrail(text string) (trail, error) {
	if text == "" {
		return nil, nil
	}
	p := trail(strings.Split(text, "."))
	if slices.Contains(p, "") || len(p) > mostDepth {
		return nil, fmt.Errorf("%.80q is no path: use names and indexes with dots between, such as messages.0.id or results.*", text)
	}
	return p, nil
}

// find gives the values at the end of a path, none when there is no such place. One
// thing stands for a list of one: XML cannot say which it is.
func (p trail) find(doc any) []any {
	found := []any{doc}
	for _, step := range p {
		var next []any
		for _, at := range found {
			next = append(next, below(at, step)...)
		}
		if found = next; len(found) == 0 {
			return nil
		}
	}
	return found
}

func below(at any, step string) []any {
	switch v := at.(type) {
	case map[string]any:
		if child, ok := v[step]; ok {
			return []any{child}
		}
		if step == "0" || step == "*" {
			return []any{v}
		}
	case []any:
		if step == "*" {
			return v
		}
		if i, err := strconv.Atoi(step); err == nil && i >= 0 && i < len(v) {
			return v[i : i+1]
		}
	case string:
		if step == "0" || step == "*" {
			return []any{v}
		}
	}
	return nil
}

// textOf is a value in words; a list or an object as JSON.
func textOf(v any) string {
	switch t := v.(type) {
	case nil:
		return ""
	case string:
		return strings.TrimSpace(t)
	case json.Number:
		return t.String()
	case bool:
		return strconv.FormatBool(t)
	case map[string]any:
		if text, ok := t["#text"]; ok && !slices.ContainsFunc(slices.Collect(maps.Keys(t)), func(k string) bool { return k[0] != '@' && k != "#text" }) {
			return textOf(text)
		}
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(raw)
}
