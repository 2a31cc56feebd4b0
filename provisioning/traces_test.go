package provisioning_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gsmgate/provisioning"
	"gsmgate/provisioning/client"
	"gsmgate/router"
	"gsmgate/storage/storagetest"
)

// tracing is an API with the trace of session s-1, whose file breaks off where
// it is told to.
func tracing(t *testing.T, log *slog.Logger, broken error) *provisioning.API {
	t.Helper()
	info := provisioning.TraceInfo{ID: "s-1", User: "acme", Remote: "192.0.2.1:4", Bound: true, Started: time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)}
	text := map[bool]string{true: "meet me at noon", false: "***************"}
	return provisioning.New(provisioning.Config{
		Router: router.New(storagetest.Open(t), router.Options{}), Log: log,
		Traces: func() []provisioning.TraceInfo { return []provisioning.TraceInfo{info} },
		Trace: func(id string, full bool) (provisioning.Trace, bool) {
			pdus := []provisioning.TracedPDU{{From: "ESME", Command: "submit_sm", Fields: []provisioning.TracedField{{Name: "short_message", Value: text[full]}}}}
			return provisioning.Trace{TraceInfo: info, Full: full, PDUs: pdus}, id == info.ID
		},
		TracePCAP: func(id string, full bool) (func(io.Writer) error, bool) {
			return func(w io.Writer) error {
				_, err := io.WriteString(w, "pcap of "+text[full])
				return errors.Join(err, broken)
			}, id == info.ID
		},
	})
}

func TestTraces_ListedAndShown_FullOnlyWhenAsked(t *testing.T) {
	api := tracing(t, nil, nil)
	c := client.Local(api)
	all, err := c.Traces(t.Context())
	if err != nil || len(all) != 1 || all[0].ID != "s-1" || all[0].Ended != nil {
		t.Errorf("listed: %+v, %v", all, err)
	}
	for _, tc := range []struct{ query, want string }{
		{"", "***************"}, {"?full=false", "***************"}, {"?full=true", "meet me at noon"},
	} {
		if status, _, body := do(t, api, "GET", "/v1/sessions/s-1/trace"+tc.query, ""); status != 200 || !strings.Contains(body, tc.want) {
			t.Errorf("%q: %d %s", tc.query, status, body)
		}
		status, header, body := do(t, api, "GET", "/v1/sessions/s-1/trace.pcap"+tc.query, "")
		if status != 200 || body != "pcap of "+tc.want {
			t.Errorf("%q as a file: %d %s", tc.query, status, body)
		}
		if header.Get("Content-Type") != "application/vnd.tcpdump.pcap" || header.Get("Content-Disposition") != "attachment; filename=gsmgate-s-1.pcap" {
			t.Errorf("headers %v", header)
		}
	}
	for _, what := range []string{"trace", "trace.pcap"} {
		if status, _, _ := do(t, api, "GET", "/v1/sessions/s-1/"+what+"?full=perhaps", ""); status != 422 {
			t.Errorf("%s with a wrong word: %d", what, status)
		}
	}
}

func TestTrace_OfNoSession_ProblemWithAHint(t *testing.T) {
	with, _ := newAPI(t) // with nothing to tell
	for _, api := range []*provisioning.API{tracing(t, nil, nil), with} {
		for _, what := range []string{"trace", "trace.pcap", "trace?full=true", "trace.pcap?full=true"} {
			status, header, body := do(t, api, "GET", "/v1/sessions/nobody/"+what, "")
			var p provisioning.Problem
			if err := json.Unmarshal([]byte(body), &p); err != nil || status != 404 || p.Field != "id" || p.Hint == "" || header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("%s: %d %v %s", what, status, header, body)
			}
		}
	}
	if status, _, body := do(t, with, "GET", "/v1/traces", ""); status != 200 || strings.TrimSpace(body) != "[]" {
		t.Errorf("no traces: %d %s", status, body)
	}
	_, err := client.Local(with).TracePCAP(t.Context(), "no/body", true)
	if p := (*provisioning.Problem)(nil); !errors.As(err, &p) || p.Status != 404 {
		t.Errorf("through the client: %v", err)
	}
}

// Who looks at texts is in the log, the texts are not.
func TestTrace_Full_LoggedWithoutTheContent(t *testing.T) {
	var out bytes.Buffer
	api := tracing(t, slog.New(slog.NewTextHandler(&out, nil)), nil)
	c := client.Local(api)
	if _, err := c.Trace(t.Context(), "s-1", false); err != nil || out.Len() != 0 {
		t.Errorf("redacted: %v, logged %s", err, out.String())
	}
	if _, err := c.Trace(t.Context(), "nobody", true); err == nil || out.Len() != 0 {
		t.Errorf("of nobody: %v, logged %s", err, out.String())
	}
	if _, err := c.Trace(t.Context(), "s-1", true); err != nil {
		t.Error(err)
	}
	body, err := c.TracePCAP(t.Context(), "s-1", true)
	if err != nil {
		t.Fatal(err)
	}
	body.Close()
	for _, want := range []string{"session=s-1 form=json listener=none", "session=s-1 form=pcap listener=none"} {
		if strings.Count(out.String(), want) != 1 {
			t.Errorf("%q is not logged once: %s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "noon") {
		t.Errorf("logged %s", out.String())
	}
}

func TestTrace_Full_LogNamesTheListener(t *testing.T) {
	for _, network := range []string{"unix", "tcp"} {
		address := map[string]string{"unix": filepath.Join(t.TempDir(), "s"), "tcp": "127.0.0.1:0"}[network]
		l, err := net.Listen(network, address)
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		server := &httptest.Server{Listener: l, Config: &http.Server{Handler: tracing(t, slog.New(slog.NewTextHandler(&out, nil)), nil)}}
		server.Start()
		c := client.Dial(func(ctx context.Context) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, l.Addr().String())
		})
		if _, err := c.Trace(t.Context(), "s-1", true); err != nil {
			t.Error(err)
		}
		c.Close()
		server.Close()
		want := map[string]string{"unix": "listener=unix\n", "tcp": `listener="tcp ` + l.Addr().String()}[network]
		if !strings.Contains(out.String(), want) {
			t.Errorf("%s: logged %s", network, out.String())
		}
	}
}

// A file that breaks off must not look whole.
func TestTracePCAP_BreaksOff_ClientHearsOfIt(t *testing.T) {
	server := httptest.NewServer(tracing(t, nil, errors.New("broken")))
	defer server.Close()
	c := client.Dial(func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", server.Listener.Addr().String())
	})
	defer c.Close()
	body, err := c.TracePCAP(t.Context(), "s-1", false)
	if err == nil {
		_, err = io.ReadAll(body)
		body.Close()
	}
	if err == nil {
		t.Error("the answer looks whole")
	}
}

func TestOpenAPI_TracePCAP_DescribedAsAFile(t *testing.T) {
	api, _ := newAPI(t)
	_, _, body := do(t, api, "GET", "/openapi.json", "")
	var doc struct {
		Paths map[string]map[string]struct {
			Parameters []struct{ Name, In string }
			Responses  map[string]struct {
				Headers map[string]any
				Content map[string]struct {
					Schema struct {
						Type   any
						Format string
					}
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(body), &doc); err != nil {
		t.Fatal(err)
	}
	op := doc.Paths["/v1/sessions/{id}/trace.pcap"]["get"]
	ok := op.Responses["200"]
	if s := ok.Content["application/vnd.tcpdump.pcap"].Schema; len(ok.Content) != 1 || s.Type != "string" || s.Format != "binary" || ok.Headers["Content-Disposition"] == nil {
		t.Errorf("described as %+v", ok)
	}
	if _, there := op.Responses["default"].Content["application/problem+json"]; !there || len(op.Parameters) != 2 {
		t.Errorf("described as %+v", op)
	}
}
