package httpchan

import (
	"net/http"
	"testing"
	"time"
)

// FuzzAnswer: no body of a provider does more than to be understood or not.
func FuzzAnswer(f *testing.F) {
	for i, s := range []string{`{"messages": [{"status": "0", "id": 1}]}`, `<r><m id="1"><status>0</status></m><m/></r>`, "messages.0.id=1&x=2&x=3", "OK: 1", `[[[[`, `{"a":1}{}`, "<a>&b;</a>", "%zz"} {
		f.Add(uint8(i), 200, []byte(s))
	}
	a := map[string]*Answer{}
	for _, format := range []string{formatJSON, formatXML, formatForm, formatText} {
		yes := true
		a[format] = &Answer{Format: format, ID: ID{Field: Field{Path: "messages.*.id"}}, Success: []Test{{Path: "messages.*.status", Is: []string{"0"}}},
			Errors: []Rule{{Path: "r.m.0.status", Exists: &yes, Class: Throttle, Wait: &Wait{Regex: `wait (\d+)`}}}, Reason: []Field{{Path: "*.*"}, {Regex: "E: (.*)"}}}
		if err := a[format].compile(); err != nil {
			f.Fatal(err)
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, status int, body []byte) {
		format := []string{formatJSON, formatXML, formatForm, formatText}[which%4]
		u := a[format].understand(&response{status: status, header: http.Header{}, body: body}, "ours")
		if (u.Class == Accepted) != (u.ID != "") || len(u.ID) > mostID || u.Wait < 0 || u.Wait > longestWait || len([]rune(u.Reason)) > 300 {
			t.Errorf("%+v", u)
		}
	})
}

func TestDocument_Paths(t *testing.T) {
	for _, c := range []struct {
		format, body, path string
		want               []string
	}{
		{formatJSON, `{"a": [{"b": 12345678901234567890}, {"b": null}, {"b": true}]}`, "a.*.b", []string{"12345678901234567890", "true"}},
		{formatJSON, `[{"id": "x"}]`, "0.id", []string{"x"}},
		{formatJSON, `{"a": {"id": "x"}}`, "a.0.id", []string{"x"}},
		{formatJSON, `{"a": 1}`, "a.b.c", nil},
		{formatJSON, `{"a": [1]}`, "a.1", nil},
		{formatJSON, `{"a": [1]}`, "a.-1", nil},
		{formatXML, `<r><m id="7"><s> ok </s></m></r>`, "r.m.@id", []string{"7"}},
		{formatXML, `<r><m id="7">ok</m><m>no</m></r>`, "r.m.*", []string{"ok", "no"}},
		{formatXML, `<r><m><s>ok</s></m></r>`, "r.m.0.s", []string{"ok"}},
		{formatForm, "a=1&b=x+y&b=z", "b.*", []string{"x y", "z"}},
	} {
		doc, err := parseDocument(c.format, []byte(c.body))
		if err != nil {
			t.Fatal(err)
		}
		f := Field{Path: c.path}
		if err := f.compile(); err != nil {
			t.Fatal(err)
		}
		got := f.values(&source{doc: doc})
		if len(got) != len(c.want) {
			t.Errorf("%s of %s: %q", c.path, c.body, got)
			continue
		}
		for i := range got {
			if got[i] != c.want[i] {
				t.Errorf("%s of %s: %q", c.path, c.body, got)
			}
		}
	}
}

// Of several segments some may be taken: that is no success, and no failure either.
func TestUnderstand_SomeOfSeveral_Unsure(t *testing.T) {
	a := &Answer{Format: formatJSON, ID: ID{Field: Field{Path: "m.*.id"}}, Success: []Test{{Path: "m.*.status", Is: []string{"0"}}},
		Errors: []Rule{{Path: "m.*.status", Is: []string{"1"}, Class: Throttle, Wait: &Wait{Regex: `\[ (\d+) \]`, Unit: "ms"}}}}
	if err := a.compile(); err != nil {
		t.Fatal(err)
	}
	for body, want := range map[string]Class{
		`{"m": [{"status": 0, "id": "a"}, {"status": "0", "id": "b"}]}`:   Accepted,
		`{"m": [{"status": 0, "id": "a"}, {"status": 1}]}`:                Unsure,
		`{"m": [{"status": 1, "error": "wait [ 1500 ]"}, {"status": 1}]}`: Throttle,
		`{"m": [{"status": 9}]}`:                                          Permanent,
		`{}`:                                                              Permanent,
	} {
		u := a.understand(&response{status: 200, body: []byte(body)}, "")
		if u.Class != want || want == Throttle && u.Wait != 1500*time.Millisecond || want == Accepted && (u.ID != "a" || len(u.Others) != 1) {
			t.Errorf("%s: %+v", body, u)
		}
	}
}

func TestRetryAfter_SecondsOrDate(t *testing.T) {
	for text, want := range map[string]time.Duration{"7": 7 * time.Second, "999999999": longestWait, "-1": 0, "soon": 0, "Thu, 01 Jan 1970 00:00:00 GMT": 0} {
		s := &source{header: http.Header{"Retry-After": {text}}}
		if got := (*Wait)(nil).of(s); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
	in := time.Now().Add(time.Minute).UTC().Format(http.TimeFormat)
	if got := (*Wait)(nil).of(&source{header: http.Header{"Retry-After": {in}}}); got < 55*time.Second || got > time.Minute {
		t.Errorf("%v", got)
	}
}
