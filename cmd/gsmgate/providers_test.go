package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"gsmgate/provisioning"
	"gsmgate/storage"
)

// Where providers call, nobody finds the API; and where the API is, no provider's
// call is taken.
func TestProviders_ApartFromTheAPI(t *testing.T) {
	listen, err := parseListens([]string{"http://127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	calls, err := providerCalls([]string{"http://127.0.0.1:0"}, "https://sms.example.net/in")
	if err != nil {
		t.Fatal(err)
	}
	app := New(Options{Dir: t.TempDir(), Listen: append(listen, calls...), ProviderURL: "https://sms.example.net/in"})
	if err := app.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := app.Stop(); err != nil {
			t.Error(err)
		}
	}()
	c := storage.Channel{Name: "up", Kind: "http", HTTP: &storage.HTTPChannel{Preset: "46elks", Settings: map[string]string{"user": "u", "password": "passw0rd", "from": "Acme"}}}
	if err := checkChannel(&c); err != nil {
		t.Fatal(err)
	}
	if err := app.Router().PutChannel(t.Context(), c, true); err != nil {
		t.Fatal(err)
	}
	if err := app.channelChanged("up"); err != nil {
		t.Fatal(err)
	}
	urls, ok := app.callURLs("up")
	path, _ := strings.CutPrefix(urls.Incoming, "https://sms.example.net/in")
	if !ok || !strings.HasPrefix(path, "/up/") {
		t.Fatalf("%+v", urls)
	}
	api, provider := strings.TrimPrefix(app.Listeners()[0], ""), strings.TrimPrefix(app.Listeners()[1], "providers+")
	for _, q := range []struct {
		url, body string
		want      int
	}{
		{provider + path, "id=1&from=%2B31687654321&to=%2B31611111111&message=Hi", 200},
		{provider + "/v1/status", "", 404}, {provider + "/v1/messages", "{}", 404}, {provider + path + "x", "id=1", 404},
		{api + path, "id=1&from=%2B31687654321&to=%2B31611111111&message=Hi", 401},
	} {
		resp, err := http.Post(q.url, "application/x-www-form-urlencoded", strings.NewReader(q.body))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != q.want {
			t.Errorf("%s: %d, want %d", strings.Replace(q.url, path, "…", 1), resp.StatusCode, q.want)
		}
	}
	if all, err := app.Router().Messages(storage.Filter{Kind: storage.MO}); err != nil || len(all) != 1 {
		t.Errorf("%d messages, %v", len(all), err)
	}
}

// A key that comes again is the same message, and is paid for once.
func TestSend_SameIdempotencyKey_OneMessage(t *testing.T) {
	app := New(Options{Dir: t.TempDir()})
	if err := app.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := app.Stop(); err != nil {
			t.Error(err)
		}
	}()
	api := provisioning.New(provisioning.Config{Router: app.Router()})
	post := func(path, key, body string) string {
		r := httptest.NewRequest("POST", path, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Idempotency-Key", key)
		w := httptest.NewRecorder()
		api.ServeHTTP(w, r)
		return w.Body.String()
	}
	post("/v1/users", "", `{"name": "acme", "password": "secret", "credits": 10000, "address_ranges": ["*"]}`)
	first := post("/v1/messages", "k1", `{"user": "acme", "to": "+31612345678", "text": "Hi"}`)
	if !strings.Contains(first, `"id"`) {
		t.Fatal(first)
	}
	if again := post("/v1/messages", "k1", `{"user": "acme", "to": "+31612345678", "text": "Hi"}`); again != first {
		t.Errorf("%s, then %s", first, again)
	}
	if other := post("/v1/messages", "k2", `{"user": "acme", "to": "+31612345678", "text": "Hi"}`); other == first {
		t.Error("another key is the same message")
	}
	if all, err := app.Router().Messages(storage.Filter{}); err != nil || len(all) != 2 {
		t.Errorf("%d messages, %v", len(all), err)
	}
}

// A change that does not repeat secrets keeps them, and the URLs that the provider
// has; nothing shows them.
func TestChannel_HTTPChanged_KeepsItsSecrets(t *testing.T) {
	app := New(Options{Dir: t.TempDir()})
	if err := app.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := app.Stop(); err != nil {
			t.Error(err)
		}
	}()
	api := provisioning.New(provisioning.Config{Router: app.Router(), CheckChannel: checkChannel})
	ask := func(method, path, body string) (int, string) {
		r := httptest.NewRequest(method, path, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		api.ServeHTTP(w, r)
		return w.Code, w.Body.String()
	}
	code, shown := ask("POST", "/v1/channels", `{"name": "up", "kind": "http", "preset": "vonage", "settings": {"key": "k", "secret": "s3cret-of-vonage"}, "proxy": "http://u:pr0xy-word@127.0.0.1:1"}`)
	if code != 201 || strings.Contains(shown, "s3cret") || strings.Contains(shown, "pr0xy-word") || !strings.Contains(shown, `"secrets":["secret"]`) {
		t.Fatalf("%d %s", code, shown)
	}
	before, _ := app.Router().ChannelRecord("up")
	code, shown = ask("PUT", "/v1/channels/up", `{"name": "up", "kind": "http", "preset": "vonage", "settings": {"key": "k2"}, "proxy": "http://u@127.0.0.1:1", "rate": 5}`)
	after, _ := app.Router().ChannelRecord("up")
	if code != 200 || after.HTTP.Settings["key"] != "k2" || after.HTTP.Rate != 5 {
		t.Fatalf("%d %s", code, shown)
	}
	if after.HTTP.Secrets["secret"] != "s3cret-of-vonage" || after.HTTP.Token != before.HTTP.Token || after.HTTP.Token == "" || after.HTTP.Proxy != before.HTTP.Proxy {
		t.Errorf("%+v", after.HTTP)
	}
	if code, shown = ask("PUT", "/v1/channels/up", `{"name": "up", "kind": "http", "preset": "vonage", "settings": {"keey": "k2"}}`); code != 422 || !strings.Contains(shown, `"field":"keey"`) {
		t.Errorf("%d %s", code, shown)
	}
}
