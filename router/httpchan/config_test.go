package httpchan

import (
	"errors"
	"strings"
	"testing"

	"gsmgate/router"
	"gsmgate/storage"
)

func TestCheck_PutsSecretsApart(t *testing.T) {
	given := map[string]string{"base": "https://api.example.net", "key": "my-own-key"}
	c := storage.Channel{Name: "up", Kind: "http", HTTP: &storage.HTTPChannel{Description: described(t, nil), Settings: given}}
	if err := Check(&c); err != nil {
		t.Fatal(err)
	}
	if c.HTTP.Settings["key"] != "" || c.HTTP.Secrets["key"] != "my-own-key" || c.HTTP.Settings["base"] == "" || len(c.HTTP.Token) != 32 {
		t.Errorf("%+v", c.HTTP)
	}
	if given["key"] == "" {
		t.Error("what was given has changed")
	}
}

func TestCheck_Mistakes_NameTheField(t *testing.T) {
	good := func() storage.HTTPChannel {
		return storage.HTTPChannel{Description: described(t, nil), Settings: map[string]string{"base": "https://api.example.net"}}
	}
	for name, c := range map[string]struct {
		change func(*storage.HTTPChannel)
		field  string
		hint   string
	}{
		"nothing":     {func(r *storage.HTTPChannel) { *r = storage.HTTPChannel{} }, "preset", "twilio"},
		"no preset":   {func(r *storage.HTTPChannel) { *r = storage.HTTPChannel{Preset: "nobody"} }, "preset", "twilio"},
		"both":        {func(r *storage.HTTPChannel) { r.Preset = "twilio" }, "preset", ""},
		"missing":     {func(r *storage.HTTPChannel) { r.Settings = nil }, "base", "base="},
		"unknown":     {func(r *storage.HTTPChannel) { r.Settings["kee"] = "x" }, "kee", "key"},
		"control":     {func(r *storage.HTTPChannel) { r.Settings["key"] = "a\nb" }, "key", ""},
		"no URL":      {func(r *storage.HTTPChannel) { r.Settings["base"] = "api.example.net" }, "base", "https://"},
		"URL's user":  {func(r *storage.HTTPChannel) { r.Settings["base"] = "https://a:b@c" }, "", ""},
		"ftp":         {func(r *storage.HTTPChannel) { r.Settings["base"] = "ftp://c" }, "base", "https://"},
		"window":      {func(r *storage.HTTPChannel) { r.Window = -1 }, "window", "0 to"},
		"poll":        {func(r *storage.HTTPChannel) { r.Poll = "maybe" }, "poll", "on, off"},
		"proxy":       {func(r *storage.HTTPChannel) { r.Proxy = "gopher://x" }, "proxy", "socks5"},
		"ca":          {func(r *storage.HTTPChannel) { r.CA = "x" }, "ca", "PEM"},
		"description": {func(r *storage.HTTPChannel) { r.Description = []byte(`{"name": "x", "titel": "y"}`) }, "description", "presets"},
	} {
		r := good()
		c.change(&r)
		err := Check(&storage.Channel{Name: "up", Kind: "http", HTTP: &r})
		var re *router.Error
		if !errors.As(err, &re) || c.field != "" && re.Field != c.field || !strings.Contains(re.Hint, c.hint) {
			t.Errorf("%s: %#v", name, err)
		}
	}
}

func TestDescription_Mistakes(t *testing.T) {
	for name, change := range map[string]func(d map[string]any){
		"unknown value":    func(d map[string]any) { d["send"].(map[string]any)["url"] = "{base}/{what}" },
		"text in the host": func(d map[string]any) { d["send"].(map[string]any)["url"] = "https://{text}/" },
		"no id":            func(d map[string]any) { delete(d["answer"].(map[string]any), "id") },
		"format":           func(d map[string]any) { d["answer"].(map[string]any)["format"] = "yaml" },
		"class": func(d map[string]any) {
			d["answer"].(map[string]any)["errors"] = []any{map[string]any{"status": "500", "class": "odd"}}
		},
		"test of nothing": func(d map[string]any) {
			d["answer"].(map[string]any)["success"] = []any{map[string]any{"is": []string{"x"}}}
		},
		"statuses": func(d map[string]any) {
			d["answer"].(map[string]any)["success"] = []any{map[string]any{"status": "20"}}
		},
		"idempotent without a key": func(d map[string]any) {
			d["idempotent"] = true
			delete(d["send"].(map[string]any)["json"].(map[string]any), "id")
		},
		"octets in JSON": func(d map[string]any) {
			d["binary"] = map[string]any{"method": "POST", "url": "{base}/", "json": "{data}"}
		},
		"long": func(d map[string]any) { d["text"] = map[string]any{"long": "wide"} },
		"setting twice": func(d map[string]any) {
			d["settings"] = append(d["settings"].([]any), map[string]any{"name": "key", "about": "x"})
		},
		"setting of a message's name": func(d map[string]any) {
			d["settings"] = append(d["settings"].([]any), map[string]any{"name": "text", "about": "x"})
		},
		"pattern": func(d map[string]any) {
			d["settings"] = append(d["settings"].([]any), map[string]any{"name": "x", "about": "x", "pattern": "("})
		},
	} {
		if _, err := ParseDescription(described(t, change)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := ParseDescription(described(t, nil)); err != nil {
		t.Error(err)
	}
}
