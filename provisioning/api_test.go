package provisioning_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gsmgate/provisioning"
	"gsmgate/provisioning/client"
	"gsmgate/router"
	"gsmgate/storage"
	"gsmgate/storage/storagetest"
)

// newAPI is an API over a store of its own, with one scripted channel, and a
// client of it. The whole file is checked at the end.
func newAPI(t *testing.T) (*provisioning.API, *client.Client) {
	t.Helper()
	r := router.New(storagetest.Open(t), router.Options{})
	r.Add(deaf{})
	api := provisioning.New(provisioning.Config{Router: r, Version: "v-test", Listeners: func() []string { return []string{"smpps://[::]:2776"} }})
	return api, client.Local(api)
}

// deaf is a channel that takes every message and never sends one.
type deaf struct{}

func (deaf) Name() string                { return "deaf" }
func (deaf) Carries(k storage.Kind) bool { return k == storage.MT }
func (deaf) Status() router.Status       { return router.Status{Reason: "never ready"} }
func (deaf) Parts(*storage.Message) ([]storage.Part, error) {
	return make([]storage.Part, 1), nil
}
func (deaf) Run(ctx context.Context, _ router.Inbox) error { <-ctx.Done(); return nil }

func addUser(t *testing.T, c *client.Client, name string, millicredits int64, ranges ...string) {
	t.Helper()
	_, err := c.AddUser(t.Context(), provisioning.NewUser{
		Name: name, Password: "secret", AddressRanges: ranges, Amount: provisioning.Amount{Millicredits: &millicredits},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// do sends a raw request past the client.
func do(t *testing.T, h http.Handler, method, path, payload string) (int, http.Header, string) {
	t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(payload))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code, w.Header(), w.Body.String()
}

func TestUsers_AddedListedChangedCredited(t *testing.T) {
	_, c := newAPI(t)
	addUser(t, c, "acme", 2500, "+3169*")

	name, off := "acme", false
	u, err := c.SetUser(t.Context(), name, provisioning.UserPatch{Enabled: &off})
	if err != nil || u.Enabled || len(u.AddressRanges) != 1 {
		t.Fatalf("disabled: %+v, %v", u, err)
	}
	half := -0.5
	b, err := c.Credit(t.Context(), name, provisioning.NewCredit{Amount: provisioning.Amount{Credits: &half}, Note: "correction"})
	if err != nil || b.Available != 2000 || b.Granted != 2000 {
		t.Fatalf("credited: %+v, %v", b, err)
	}
	users, err := c.Users(t.Context())
	if err != nil || len(users) != 1 || users[0].Name != name || users[0].Balance != b {
		t.Fatalf("listed: %+v, %v", users, err)
	}
	if one, err := c.User(t.Context(), name); err != nil || one.Balance != b {
		t.Fatalf("one: %+v, %v", one, err)
	}
}

func TestSend_StoredAndShown(t *testing.T) {
	_, c := newAPI(t)
	addUser(t, c, "acme", 10_000)
	id, err := c.Send(t.Context(), provisioning.NewMessage{User: "acme", From: "+31600000001", To: "+31612345678", Text: "Grüße 👋"})
	if err != nil {
		t.Fatal(err)
	}
	m, err := c.Message(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if m.Kind != "MT" || m.State != "ENROUTE" || m.User != "acme" || m.Dest != "+31612345678" || m.Source != "+31600000001" || m.Text != "Grüße 👋" {
		t.Errorf("message %+v", m)
	}
	if len(m.Parts) != 1 || m.Price != 1000 || len(m.Events) == 0 || m.Events[0].What != "accepted" || m.AcceptedAt.IsZero() || m.EndedAt != nil {
		t.Errorf("message %+v", m)
	}
	s, err := c.Status(t.Context())
	if err != nil || s.Users != 1 || s.Queued != 1 || s.Version != "v-test" || len(s.Listeners) != 1 || len(s.Channels) != 1 || s.Channels[0].Reason != "never ready" {
		t.Errorf("status %+v, %v", s, err)
	}
	if v, err := c.Verify(t.Context()); err != nil || !v.OK {
		t.Errorf("verify %+v, %v", v, err)
	}
}

// A source of any length was taken, and the receipt could not be addressed.
func TestCancel_WaitingMessage_EndsOnce(t *testing.T) {
	api, c := newAPI(t)
	addUser(t, c, "acme", 5000)
	id, err := c.Send(t.Context(), provisioning.NewMessage{User: "acme", To: "+31612345678", Text: "Hello"})
	if err != nil {
		t.Fatal(err)
	}
	m, err := c.CancelMessage(t.Context(), id)
	if err != nil || m.State != "DELETED" || m.Price != 0 || m.EndedAt == nil {
		t.Errorf("%+v, %v", m, err)
	}
	if code, _, body := do(t, api, http.MethodPost, "/v1/messages/"+id+"/cancel", ""); code != http.StatusConflict {
		t.Errorf("cancelled twice: %d %s", code, body)
	}
	for _, none := range []string{"1fffffff", "xyz"} {
		if code, _, body := do(t, api, http.MethodPost, "/v1/messages/"+none+"/cancel", ""); code != http.StatusNotFound || !strings.Contains(body, "no such message") {
			t.Errorf("%s: %d %s", none, code, body)
		}
	}
}

func TestSend_SourceThatNoReceiptCanBeAddressedTo_Refused(t *testing.T) {
	_, c := newAPI(t)
	addUser(t, c, "acme", 10_000)
	for from, right := range map[string]bool{
		"": true, "1234": true, "Shop 24/7": true, "+31655500000": true, strings.Repeat("9", 20): true,
		strings.Repeat("9", 21): false, "Sh\x01p": false, "Caf\u00e9": false,
	} {
		_, err := c.Send(t.Context(), provisioning.NewMessage{User: "acme", From: from, To: "+31612345678", Text: "Hi"})
		var p *provisioning.Problem
		if refused := errors.As(err, &p); refused == right || refused && (p.Status != http.StatusUnprocessableEntity || p.Field != "from") {
			t.Errorf("from %q: %v", from, err)
		}
	}
}

func TestSend_ForLater_ScheduledAndValid(t *testing.T) {
	_, c := newAPI(t)
	addUser(t, c, "acme", 10_000)
	at := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	id, err := c.Send(t.Context(), provisioning.NewMessage{User: "acme", To: "+31612345678", Text: "Hi", At: at.Format(time.RFC3339), ValidUntil: at.Add(time.Minute).Format(time.RFC3339)})
	if err != nil {
		t.Fatal(err)
	}
	if m, err := c.Message(t.Context(), id); err != nil || m.State != "SCHEDULED" || m.ExpiresAt == nil || !m.ExpiresAt.Equal(at.Add(time.Minute)) {
		t.Errorf("%+v, %v", m, err)
	}
	for field, m := range map[string]provisioning.NewMessage{
		"at":          {At: "tomorrow"},
		"valid_until": {At: at.Format(time.RFC3339), ValidUntil: at.Format(time.RFC3339)},
	} {
		m.User, m.To, m.Text = "acme", "+31612345678", "Hi"
		_, err := c.Send(t.Context(), m)
		var p *provisioning.Problem
		if !errors.As(err, &p) || p.Status != http.StatusUnprocessableEntity || p.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
}

func TestMessages_PagesNewestFirst(t *testing.T) {
	_, c := newAPI(t)
	addUser(t, c, "acme", 100_000)
	addUser(t, c, "other", 100_000)
	var ids []string
	for i := range 7 {
		id, err := c.Send(t.Context(), provisioning.NewMessage{User: []string{"acme", "other"}[i%2], To: "+31612345678", Text: "x"})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	page, err := c.Messages(t.Context(), provisioning.MessageFilter{User: "acme", State: "enroute", Kind: "MT", Limit: 3})
	if err != nil || len(page) != 3 || page[0].ID != ids[6] || page[2].ID != ids[2] {
		t.Fatalf("first page %+v, %v", page, err)
	}
	page, err = c.Messages(t.Context(), provisioning.MessageFilter{User: "acme", Limit: 3, Before: page[2].ID})
	if err != nil || len(page) != 1 || page[0].ID != ids[0] {
		t.Fatalf("second page %+v, %v", page, err)
	}
	page, err = c.Messages(t.Context(), provisioning.MessageFilter{State: "DELIVERED"})
	if err != nil || page == nil || len(page) != 0 {
		t.Fatalf("none is delivered: %+v, %v", page, err)
	}
}

// Every refusal is a problem that names the field, and never shows what was sent.
func TestProblems_NameTheField(t *testing.T) {
	api, c := newAPI(t)
	addUser(t, c, "acme", 500)
	for _, tc := range []struct {
		name, method, path, payload string
		status                      int
		field                       string
	}{
		{"no such user", "GET", "/v1/users/eve", "", 404, "user"},
		{"user exists", "POST", "/v1/users", `{"name":"acme","password":"hunter2"}`, 409, "system_id"},
		{"system_id too long", "POST", "/v1/users", `{"name":"abcdefghijklmnop","password":"hunter2"}`, 422, "system_id"},
		{"password too long", "POST", "/v1/users", `{"name":"b","password":"hunter2hunter2"}`, 422, "password"},
		{"password no string", "POST", "/v1/users", `{"name":"b","password":["hunter2"]}`, 422, "password"},
		{"password missing", "POST", "/v1/users", `{"name":"b"}`, 422, "password"},
		{"unknown member", "POST", "/v1/users", `{"name":"b","password":"p","hunter2":1}`, 422, "hunter2"},
		{"not JSON", "POST", "/v1/users", `{"password":"hunter2"`, 400, ""},
		{"negative start", "POST", "/v1/users", `{"name":"b","password":"p","credits":-1}`, 422, "credits"},
		{"bad range", "POST", "/v1/users", `{"name":"b","password":"p","address_ranges":["+31x"]}`, 422, "address_range"},
		{"credits twice", "POST", "/v1/users/acme/credits", `{"credits":1,"millicredits":1000}`, 422, "credits"},
		{"credits missing", "POST", "/v1/users/acme/credits", `{}`, 422, "credits"},
		{"credits too fine", "POST", "/v1/users/acme/credits", `{"credits":0.0001}`, 422, "credits"},
		{"credits too many", "POST", "/v1/users/acme/credits", `{"credits":1e300}`, 422, "credits"},
		{"millicredits too many", "POST", "/v1/users/acme/credits", `{"millicredits":9223372036854775807}`, 422, "millicredits"},
		{"below zero", "POST", "/v1/users/acme/credits", `{"credits":-1}`, 402, ""},
		{"no credit to send", "POST", "/v1/messages", `{"user":"acme","to":"+31612345678","text":"hunter2"}`, 402, ""},
		{"destination is no number", "POST", "/v1/messages", `{"user":"acme","to":"hunter2","text":"x"}`, 422, "to"},
		{"no destination", "POST", "/v1/messages", `{"user":"acme","text":"hunter2"}`, 422, "to"},
		{"no such state", "GET", "/v1/messages?state=GONE", "", 422, "state"},
		{"no such kind", "GET", "/v1/messages?kind=MX", "", 422, "kind"},
		{"limit too high", "GET", "/v1/messages?limit=1001", "", 422, "limit"},
		{"unknown parameter", "GET", "/v1/messages?usr=acme", "", 422, "usr"},
		{"before is no id", "GET", "/v1/messages?before=zz", "", 422, "before"},
		{"no such message", "GET", "/v1/messages/1fffffff", "", 404, "id"},
		{"message is no id", "GET", "/v1/messages/zz", "", 404, "id"},
		{"no such resource", "GET", "/v1/nothing", "", 404, ""},
		{"no such method", "DELETE", "/v1/users", "", 405, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			status, header, body := do(t, api, tc.method, tc.path, tc.payload)
			var p provisioning.Problem
			if err := json.Unmarshal([]byte(body), &p); err != nil {
				t.Fatalf("%v in %q", err, body)
			}
			if status != tc.status || p.Status != tc.status || p.Field != tc.field || p.Detail == "" || p.Title == "" {
				t.Errorf("%d %s, want %d field %q", status, body, tc.status, tc.field)
			}
			if got := header.Get("Content-Type"); got != "application/problem+json" {
				t.Errorf("Content-Type %q", got)
			}
			if strings.Contains(body, "hunter2") && tc.name != "unknown member" {
				t.Errorf("the answer repeats what was sent: %s", body)
			}
		})
	}
	if u, err := c.User(t.Context(), "acme"); err != nil || u.Balance.Available != 500 || u.Balance.Held != 0 {
		t.Errorf("refusals cost something: %+v, %v", u, err)
	}
}

func TestBody_TooLarge_Refused(t *testing.T) {
	api, _ := newAPI(t)
	status, _, _ := do(t, api, "POST", "/v1/messages", `{"user":"`+strings.Repeat("x", 1<<20)+`"}`)
	if status != http.StatusRequestEntityTooLarge {
		t.Errorf("status %d", status)
	}
}

func TestOpenAPI_DescribesProblemsAndLoadsNothing(t *testing.T) {
	api, _ := newAPI(t)
	status, _, body := do(t, api, "GET", "/openapi.json", "")
	var doc struct {
		OpenAPI string
		Paths   map[string]map[string]struct {
			Responses map[string]struct {
				Content map[string]struct {
					Schema struct {
						Ref string `json:"$ref"`
					}
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(body), &doc); err != nil || status != 200 || !strings.HasPrefix(doc.OpenAPI, "3.1") {
		t.Fatalf("%d, %v, version %q", status, err, doc.OpenAPI)
	}
	if len(doc.Paths) < 9 {
		t.Errorf("%d paths", len(doc.Paths))
	}
	for path, methods := range doc.Paths {
		for method, op := range methods {
			if ref := op.Responses["default"].Content["application/problem+json"].Schema.Ref; ref != "#/components/schemas/Problem" {
				t.Errorf("%s %s: problems are described as %q", method, path, ref)
			}
		}
	}
	if status, _, _ := do(t, api, "GET", "/docs", ""); status != 404 {
		t.Errorf("/docs is served, which loads from elsewhere: %d", status)
	}
}

func TestToken_MadeOnceAndAskedFor(t *testing.T) {
	path := filepath.Join(t.TempDir(), "admin.token")
	token, err := provisioning.LoadToken(path)
	if err != nil {
		t.Fatal(err)
	}
	again, err := provisioning.LoadToken(path)
	if err != nil || again != token || len(token) != 64 {
		t.Fatalf("%d characters, again the same %v, %v", len(token), again == token, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	guarded := provisioning.RequireToken(token, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	for header, want := range map[string]int{
		"":                                401,
		"Bearer":                          401,
		"Bearer ":                         401,
		"Bearer " + string(token)[1:]:     401,
		"Basic " + string(token):          401,
		"Bearer " + string(token):         204,
		"bearer " + string(token):         204,
		"Bearer " + string(token) + "0":   401,
		"Bearer 0" + string(token)[:63]:   401,
		"Bearer " + string(token) + " , ": 401,
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Authorization", header)
		w := httptest.NewRecorder()
		guarded.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("%q: %d, want %d", strings.ReplaceAll(header, string(token), "TOKEN"), w.Code, want)
		}
	}
}

func TestToken_TooShort_Refused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "admin.token")
	if err := os.WriteFile(path, []byte("short\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := provisioning.LoadToken(path); err == nil {
		t.Error("a guessable token is taken")
	}
}

func TestSecret_NeverPrinted(t *testing.T) {
	var out strings.Builder
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "token", provisioning.Secret("hunter2"))
	if strings.Contains(out.String(), "hunter2") {
		t.Error(out.String())
	}
}

func TestClient_NoGateway_SaysSo(t *testing.T) {
	dir := t.TempDir()
	c := client.Unix(filepath.Join(dir, "admin.sock"))
	if _, err := c.Status(t.Context()); !errors.Is(err, client.ErrNoGateway) {
		t.Errorf("no socket: %v", err)
	}
}

// A data directory may be deeper than a socket address can hold.
func TestClient_LongSocketPath(t *testing.T) {
	api, _ := newAPI(t)
	dir := filepath.Join(t.TempDir(), strings.Repeat("deep/", 30))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "admin.sock")
	ln, err := client.ListenUnix(path)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: api, ErrorLog: slog.NewLogLogger(slog.NewTextHandler(io.Discard, nil), slog.LevelError)}
	done := make(chan struct{})
	go func() { defer close(done); server.Serve(ln) }()
	t.Cleanup(func() { server.Close(); <-done })
	c := client.Unix(path)
	defer c.Close()
	if v, err := c.Version(t.Context()); err != nil || v.Version != "v-test" {
		t.Errorf("%+v, %v", v, err)
	}
}
