package httpchan

import (
	"encoding/json"
	"encoding/xml"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// filledWith makes the request of a template in which one value stands everywhere.
func filledWith(t testing.TB, r *Request, value string) (*filled, error) {
	t.Helper()
	if err := r.compile(); err != nil {
		t.Fatal(err)
	}
	return r.fill(func(name string) string {
		if name == "base" {
			return "https://api.example.net"
		}
		return value
	})
}

// FuzzTemplate: a value stays in its place, whatever it is.
func FuzzTemplate(f *testing.F) {
	for _, s := range []string{"Hello", `"}, {"to": "1`, "</a><b>", "]]>", "&to=1", "a b+c%20", "../..", "..", "x\r\nHost: evil", "\x00\xff", "€😀", "{to}", "?#/", `'" onload="`, "\ufffe"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, v string) {
		fuzzJSON(t, v)
		fuzzXML(t, v)
		fuzzForm(t, v)
		fuzzPath(t, v)
		fuzzHeader(t, v)
	})
}

func fuzzJSON(t *testing.T, v string) {
	out, err := filledWith(t, &Request{Method: "POST", URL: "{base}/x", JSON: json.RawMessage(`{"a": ["{v}", {"b": "x{v}y"}], "n": 1}`)}, v)
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		A [2]any
		N int
	}
	if err := strict(out.body, &doc); err != nil || doc.N != 1 {
		t.Fatalf("%v: %s", err, out.body)
	}
	if got := doc.A[1].(map[string]any)["b"]; got != "x"+strings.ToValidUTF8(v, "\ufffd")+"y" && validUTF8(v) {
		t.Errorf("%q came as %q", v, got)
	}
}

func validUTF8(v string) bool { return strings.ToValidUTF8(v, "") == v }

func fuzzXML(t *testing.T, v string) {
	out, err := filledWith(t, &Request{Method: "POST", URL: "{base}/x", XML: `<?xml version="1.0"?><sms to="{v}"><text>{v}</text><end>1</end></sms>`}, v)
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		To   string `xml:"to,attr"`
		Text string `xml:"text"`
		End  string `xml:"end"`
		Rest []struct {
			XMLName xml.Name
		} `xml:",any"`
	}
	if err := xml.Unmarshal(out.body, &doc); err != nil || doc.End != "1" || len(doc.Rest) != 0 {
		t.Fatalf("%v: %s", err, out.body)
	}
	if doc.To != doc.Text {
		t.Errorf("%q and %q", doc.To, doc.Text)
	}
}

func fuzzForm(t *testing.T, v string) {
	out, err := filledWith(t, &Request{Method: "POST", URL: "{base}/x", Query: map[string]words{"q": {"{v}"}}, Form: map[string]words{"a": {"{v}", "{v}"}, "b": {"1"}}}, v)
	if err != nil {
		t.Fatal(err)
	}
	form, err := url.ParseQuery(string(out.body))
	if err != nil || len(form) != 2 || len(form["a"]) != 2 || form["a"][0] != v || form.Get("b") != "1" {
		t.Errorf("%v: %s", err, out.body)
	}
	u, err := url.Parse(out.url.String())
	if err != nil || u.Query().Get("q") != v || len(u.Query()) != 1 || u.Fragment != "" {
		t.Errorf("%v: %s", err, out.url.String())
	}
}

func fuzzPath(t *testing.T, v string) {
	out, err := filledWith(t, &Request{Method: "GET", URL: "{base}/a/{v}/z"}, v)
	if err != nil {
		return
	}
	u, err := url.Parse(out.url.String())
	if err != nil || u.Host != "api.example.net" || strings.Count(u.EscapedPath(), "/") != 3 || !strings.HasSuffix(u.EscapedPath(), "/z") || u.RawQuery != "" || u.Fragment != "" {
		t.Errorf("%v: %s", err, out.url.String())
	}
	if c := u.JoinPath(); c.EscapedPath() != u.EscapedPath() {
		t.Errorf("%s is %s", u, c)
	}
}

func fuzzHeader(t *testing.T, v string) {
	out, err := filledWith(t, &Request{Method: "GET", URL: "{base}/", Headers: map[string]words{"X-A": {"a {v}"}}, Auth: &Auth{Kind: "basic", User: "u", Password: "{v}"}}, v)
	if err != nil {
		return
	}
	if strings.ContainsAny(out.header.Get("X-A"), "\r\n\x00") {
		t.Errorf("%q", out.header)
	}
	q := http.Request{Header: out.header}
	if user, password, ok := q.BasicAuth(); !ok || user != "u" || password != v {
		t.Errorf("%q", out.header)
	}
}

func TestTemplate_OptionalLeavesItsMemberOut(t *testing.T) {
	r := &Request{Method: "POST", URL: "{base}/x", Query: map[string]words{"q": {"{v?}"}}, Headers: map[string]words{"X-A": {"{v?}"}},
		JSON: json.RawMessage(`{"a": "{v?}", "b": ["{v?}", "c"], "d": "{v}", "n": "{base?}"}`)}
	out, err := filledWith(t, r, "")
	if err != nil || string(out.body) != `{"b":["c"],"d":"","n":"https://api.example.net"}` || out.url.String() != "https://api.example.net/x" || out.header.Get("X-A") != "" {
		t.Errorf("%v, %s, %s", err, out.url.String(), out.body)
	}
}

func TestTemplate_Literal(t *testing.T) {
	r := &Request{Method: "POST", URL: "{base}/x", JSON: json.RawMessage(`{"n": "{v|json}", "b": "{{x}"}`)}
	for v, want := range map[string]string{"42": `{"b":"{x}","n":42}`, "true": `{"b":"{x}","n":true}`, `"x"`: "", "[1]": "", "": "", "1,2": ""} {
		out, err := filledWith(t, r, v)
		if want == "" && err == nil || want != "" && (err != nil || string(out.body) != want) {
			t.Errorf("%q: %v, %v", v, out, err)
		}
	}
}

func TestTemplate_Mistakes(t *testing.T) {
	for name, r := range map[string]*Request{
		"method":             {Method: "DELETE", URL: "https://a/"},
		"no scheme":          {Method: "GET", URL: "a.example/x"},
		"query in url":       {Method: "GET", URL: "https://a/?x={v}"},
		"open brace":         {Method: "GET", URL: "https://a/{v"},
		"odd name":           {Method: "GET", URL: "https://a/{v v}"},
		"two bodies":         {Method: "POST", URL: "https://a/", XML: "<a/>", Text: "x"},
		"GET with a body":    {Method: "GET", URL: "https://a/", Text: "x"},
		"host header":        {Method: "GET", URL: "https://a/", Headers: map[string]words{"Host": {"x"}}},
		"header with a line": {Method: "GET", URL: "https://a/", Headers: map[string]words{"X\r\nY": {"x"}}},
		"auth":               {Method: "GET", URL: "https://a/", Auth: &Auth{Kind: "magic"}},
		"XML name":           {Method: "POST", URL: "https://a/", XML: "<{v}>1</{v}>"},
		"XML bare attribute": {Method: "POST", URL: "https://a/", XML: "<a b={v}/>"},
		"XML CDATA":          {Method: "POST", URL: "https://a/", XML: "<a><![CDATA[{v}]]></a>"},
		"XML comment":        {Method: "POST", URL: "https://a/", XML: "<a><!--{v}--></a>"},
		"XML instruction":    {Method: "POST", URL: "https://a/", XML: "<a><?x {v}?></a>"},
		"XML open":           {Method: "POST", URL: "https://a/", XML: "<a>{v}"},
		"JSON":               {Method: "POST", URL: "https://a/", JSON: json.RawMessage(`{"a": `)},
		"JSON literal":       {Method: "POST", URL: "https://a/", JSON: json.RawMessage(`{"a": "x{v|json}"}`)},
	} {
		if err := r.compile(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestTemplate_HostOfASetting_NoWayOut(t *testing.T) {
	r := &Request{Method: "GET", URL: "https://{region}.example.net/x"}
	if err := r.compile(); err != nil {
		t.Fatal(err)
	}
	for _, v := range []string{"a@evil", "evil/x", "evil?", "evil#", "a b", "evil\\"} {
		out, err := r.fill(func(string) string { return v })
		if err == nil && !strings.HasPrefix(out.url.String(), "https://"+v+".example.net/") && v != "evil/x" {
			t.Errorf("%q: %s", v, out.url.String())
		}
	}
}
