package smpp

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// vector is one entry of a file in testdata: its header lines and its octets.
type vector struct {
	head  map[string]string
	frame []byte
}

var vectorToken = regexp.MustCompile(`"[^"]*"|#.*|[0-9A-Fa-f]+|\S`)

// readVectors reads a file of vectors; they are parted by empty lines.
func readVectors(tb testing.TB, path string) []vector {
	tb.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	var out []vector
	for _, paragraph := range strings.Split(string(data), "\n\n") {
		v := vector{head: map[string]string{}}
		for line := range strings.Lines(paragraph) {
			v.addLine(tb, strings.TrimSpace(line))
		}
		if len(v.head) > 0 {
			out = append(out, v)
		}
	}
	if len(out) == 0 {
		tb.Fatalf("%s holds no vector", path)
	}
	return out
}

func (v *vector) addLine(tb testing.TB, line string) {
	tb.Helper()
	if key, value, ok := strings.Cut(line, ": "); ok && !strings.ContainsAny(key, `#" `) {
		v.head[key] = value
		return
	}
	for _, token := range vectorToken.FindAllString(line, -1) {
		switch token[0] {
		case '#':
		case '"':
			v.frame = append(v.frame, strings.Trim(token, `"`)...)
		default:
			b, err := hex.DecodeString(token)
			if err != nil {
				tb.Fatalf("%s: %q: %v", v.head["name"], token, err)
			}
			v.frame = append(v.frame, b...)
		}
	}
}

// describe lists what is not zero in a PDU, in the order of its fields.
func describe(h Header, p PDU) string {
	return strings.TrimRight(fmt.Sprintf("%s status=%s seq=%d %s", h.ID, h.Status, h.Sequence,
		describeStruct(reflect.ValueOf(p).Elem())), " ")
}

func describeStruct(v reflect.Value) string {
	var parts []string
	for i := range v.NumField() {
		f, name := v.Field(i), v.Type().Field(i).Name
		if f.IsZero() || f.Kind() == reflect.Slice && f.Len() == 0 || name == "ID" {
			continue
		}
		parts = append(parts, name+"="+describeValue(f))
	}
	return strings.Join(parts, " ")
}

func describeValue(f reflect.Value) string {
	if s, ok := f.Interface().(CommandStatus); ok {
		return s.String()
	}
	if s, ok := f.Interface().(MessageState); ok {
		return s.String()
	}
	switch f.Kind() {
	case reflect.Struct:
		return "{" + describeStruct(f) + "}"
	case reflect.String:
		return fmt.Sprintf("%q", f.String())
	case reflect.Slice:
		if f.Type().Elem().Kind() == reflect.Uint8 {
			return fmt.Sprintf("%X", f.Bytes())
		}
		var parts []string
		for i := range f.Len() {
			parts = append(parts, describeValue(f.Index(i)))
		}
		return "[" + strings.Join(parts, " ") + "]"
	}
	return fmt.Sprint(f.Uint())
}

func TestVectors_Decode(t *testing.T) {
	for _, v := range readVectors(t, "testdata/pdu.txt") {
		t.Run(v.head["name"], func(t *testing.T) {
			h, p, err := Parse(v.frame)
			if err != nil {
				t.Fatal(err)
			}
			if got := describe(h, p); got != v.head["want"] {
				t.Errorf("got  %s\nwant %s", got, v.head["want"])
			}
		})
	}
}

func TestVectors_Encode(t *testing.T) {
	for _, v := range readVectors(t, "testdata/pdu.txt") {
		t.Run(v.head["name"], func(t *testing.T) {
			h, p, err := Parse(bytes.Clone(v.frame))
			if err != nil {
				t.Fatal(err)
			}
			got, err := Append([]byte("before"), h.Status, h.Sequence, p)
			if err != nil {
				t.Fatal(err)
			}
			same := string(got) == "before"+string(v.frame)
			if want := v.head["emit"] != "differs"; same != want {
				t.Errorf("written as it was read: %v, want %v\ngot  %X\nread %X", same, want, got[6:], v.frame)
			}
		})
	}
}

func TestVectors_Errors(t *testing.T) {
	for _, v := range readVectors(t, "testdata/error.txt") {
		t.Run(v.head["name"], func(t *testing.T) {
			h, p, err := Parse(v.frame)
			var e *Error
			if !errors.As(err, &e) || p != nil {
				t.Fatalf("got %v, %v: no *Error", p, err)
			}
			if got := fmt.Sprintf("%s %d %s", e.Status, e.Offset, e.Field); got != v.head["error"] {
				t.Errorf("got %s (%s), want %s", got, e.Reason, v.head["error"])
			}
			if e.HeaderOK != (len(v.frame) >= HeaderLen) || e.Header != h {
				t.Errorf("HeaderOK %v, Header %v, returned %v", e.HeaderOK, e.Header, h)
			}
		})
	}
}

func TestVectors_EveryPDUHasOne(t *testing.T) {
	seen := map[CommandID]bool{}
	for _, v := range readVectors(t, "testdata/pdu.txt") {
		h, _ := ParseHeader(v.frame)
		seen[h.ID] = true
	}
	for id := range CommandID(0x110) {
		for _, id := range []CommandID{id, id | respBit} {
			if newPDU(id) != nil && !seen[id] {
				t.Errorf("no vector for %s", id)
			}
		}
	}
}
