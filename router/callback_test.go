package router

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"gsmgate/storage"
	"gsmgate/storage/storagetest"
)

// A callback that is taken away leaves nothing of itself, and its secret is shown
// to nobody.
func TestSetUser_Callback_NotNamedStays_TakenAwayWhole(t *testing.T) {
	r := New(storagetest.Open(t), Options{})
	v, err := r.AddUser(t.Context(), UserSpec{SystemID: "acme", Password: "secret", UserSettings: UserSettings{
		Callback: ptr("https://example.com/sms"), CallbackSecret: ptr(storage.Secret("hush")), CallbackFor: &[]string{"mo"}, CallbackWindow: ptr(2),
	}})
	if err != nil {
		t.Fatal(err)
	}
	if v.CallbackSecret != "" || !v.Signed || Deliver(&v.User) != "callback" || !slices.Equal(CallbackFor(&v.User), []string{"mo"}) {
		t.Errorf("%+v", v)
	}
	if v, err = r.SetUser(t.Context(), "acme", UserChange{UserSettings: UserSettings{Deliver: ptr("both"), CallbackFor: &[]string{"receipts", "mo"}}}); err != nil {
		t.Fatal(err)
	}
	u, _ := r.UserRecord("acme")
	if u.CallbackSecret != "hush" || u.CallbackWindow != 2 || Deliver(&u) != "both" || u.CallbackFor != "" {
		t.Errorf("%+v", u)
	}
	if s := fmt.Sprintf("%v %+v %#v", u, u, u); strings.Contains(s, "hush") {
		t.Errorf("printed: %s", s)
	}
	if raw, err := json.Marshal(v); err != nil || strings.Contains(string(raw), "hush") {
		t.Errorf("%s, %v", raw, err)
	}
	if _, err = r.SetUser(t.Context(), "acme", UserChange{UserSettings: UserSettings{Callback: ptr("")}}); err != nil {
		t.Fatal(err)
	}
	u, _ = r.UserRecord("acme")
	if u.Callback != "" || u.CallbackSecret != "" || u.CallbackWindow != 0 || Deliver(&u) != "smpp" {
		t.Errorf("left: %+v", u)
	}
}
