package provisioning_test

import (
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"gsmgate/provisioning"
	"gsmgate/router"
	"gsmgate/storage"
	"gsmgate/storage/storagetest"
)

// Posted stands for what a channel posts.
type Posted struct {
	Kind string `json:"kind" doc:"what it is"`
}

func TestOpenAPI_Callback_IsAWebhook(t *testing.T) {
	api := provisioning.New(provisioning.Config{Router: router.New(storagetest.Open(t), router.Options{}),
		CallbackContract: provisioning.CallbackContract{Event: reflect.TypeFor[Posted](), Words: "sign it"}})
	_, _, body := do(t, api, "GET", "/openapi.json", "")
	var doc struct {
		Webhooks map[string]struct {
			Post struct {
				Description string
				RequestBody struct {
					Content map[string]struct {
						Schema struct {
							Ref string `json:"$ref"`
						}
					}
				}
			}
		}
		Components struct {
			Schemas map[string]struct{ Properties map[string]any }
		}
	}
	if err := json.Unmarshal([]byte(body), &doc); err != nil {
		t.Fatal(err)
	}
	post := doc.Webhooks["callback"].Post
	if post.Description != "sign it" || post.RequestBody.Content["application/json"].Schema.Ref != "#/components/schemas/Posted" || doc.Components.Schemas["Posted"].Properties["kind"] == nil {
		t.Errorf("%+v, %v", post, doc.Components.Schemas["Posted"])
	}
}

// What was set can be seen but for the secret, with how it does; a sample is posted
// where there is a gateway.
func TestUsers_Callback_ShownWithoutItsSecret(t *testing.T) {
	api, c := newAPI(t)
	addUser(t, c, "acme", 0, "+31*")
	hook, secret, kinds, way := "https://example.com/sms", storage.Secret("hush"), []string{"mo"}, "both"
	u, err := c.SetUser(t.Context(), "acme", provisioning.UserPatch{UserSettings: provisioning.UserSettings{Callback: &hook, CallbackSecret: &secret, CallbackFor: &kinds, Deliver: &way}})
	if err != nil || u.Deliver != "both" || u.Callback == nil || u.Callback.URL != hook || !u.Callback.Signed || !reflect.DeepEqual(u.Callback.For, kinds) || u.Callback.Window != 4 || u.Callback.State != nil {
		t.Fatalf("%+v, %v", u, err)
	}
	for _, path := range []string{"/v1/users", "/v1/users/acme"} {
		if _, _, body := do(t, api, "GET", path, ""); strings.Contains(body, "hush") {
			t.Errorf("%s: %s", path, body)
		}
	}
	status, _, body := do(t, api, "PATCH", "/v1/users/acme", `{"callback":"https://me:hush@example.com"}`)
	if status != http.StatusUnprocessableEntity || !strings.Contains(body, `"field":"callback"`) || strings.Contains(body, "hush") {
		t.Errorf("%d %s", status, body)
	}
	if status, _, _ := do(t, api, "POST", "/v1/users/acme/callback/try", ""); status != http.StatusServiceUnavailable {
		t.Errorf("without a gateway: %d", status)
	}
	api.CallbackState = func(user string) provisioning.CallbackState {
		return provisioning.CallbackState{Taken: 3, LastError: "of " + user}
	}
	api.TryCallback = func(_ context.Context, user string) (provisioning.CallbackTrial, error) {
		return provisioning.CallbackTrial{Status: 200, Taken: true, Answer: user}, nil
	}
	if u, err := c.User(t.Context(), "acme"); err != nil || u.Callback.State == nil || u.Callback.State.Taken != 3 || u.Callback.State.LastError != "of acme" {
		t.Errorf("%+v, %v", u.Callback, err)
	}
	if trial, err := c.TryCallback(t.Context(), "acme"); err != nil || !trial.Taken || trial.Answer != "acme" {
		t.Errorf("%+v, %v", trial, err)
	}
}
