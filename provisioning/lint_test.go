package provisioning_test

import (
	"strings"
	"testing"
	"time"

	"gsmgate/provisioning"
	"gsmgate/provisioning/client"
	"gsmgate/router"
	"gsmgate/storage/storagetest"
)

// linting is an API with findings that can be reset.
func linting(t *testing.T) (*provisioning.API, *client.Client) {
	t.Helper()
	at := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	all := map[string][]provisioning.Finding{
		"acme": {{Kind: "packed-as-default", Count: 3, First: at, Last: at, Session: "s-1", Remote: "192.0.2.1:4", Mend: "turn packing off"}},
		"":     {{Kind: "oversized-field", Field: "password", Count: 1, First: at, Last: at, Session: "s-2", Remote: "192.0.2.1:5", Mend: "shorten it"}},
	}
	api := provisioning.New(provisioning.Config{
		Router:    router.New(storagetest.Open(t), router.Options{}),
		Lint:      func(user string) []provisioning.Finding { return all[user] },
		ResetLint: func(user string) { delete(all, user) },
		Conformance: func() provisioning.Conformance {
			return provisioning.Conformance{Specification: "3.4", Rows: []provisioning.ConformanceRow{{Kind: "pdu", Name: "submit_sm", Answer: "yes", Clauses: []string{"SMPP34 4.4"}, Tests: []string{}}}}
		},
	})
	return api, client.Local(api)
}

func TestLint_ListedAndReset_OfAUserThatThereIs(t *testing.T) {
	api, c := linting(t)
	if status, _, _ := do(t, api, "GET", "/v1/users/acme/lint", ""); status != 404 {
		t.Errorf("of no user: %d", status)
	}
	if status, _, _ := do(t, api, "DELETE", "/v1/users/acme/lint", ""); status != 404 {
		t.Errorf("reset of no user: %d", status)
	}
	addUser(t, c, "acme", 0)
	addUser(t, c, "good", 0)
	for name, want := range map[string]int{"acme": 1, "good": 0, "": 1} {
		for _, ask := range []func() ([]provisioning.Finding, error){
			func() ([]provisioning.Finding, error) { return c.Lint(t.Context(), name) },
			func() ([]provisioning.Finding, error) { return c.ResetLint(t.Context(), name) },
		} {
			if found, err := ask(); err != nil || len(found) != want {
				t.Errorf("%q: %+v, %v", name, found, err)
			}
		}
		if found, err := c.Lint(t.Context(), name); err != nil || len(found) != 0 {
			t.Errorf("%q after the reset: %+v, %v", name, found, err)
		}
	}
	if _, _, body := do(t, api, "GET", "/v1/users/good/lint", ""); strings.TrimSpace(body) != "[]" {
		t.Errorf("nothing found is %s", body)
	}
}

func TestConformance_Served(t *testing.T) {
	_, c := linting(t)
	s, err := c.Conformance(t.Context())
	if err != nil || len(s.Rows) != 1 || s.Rows[0].Name != "submit_sm" {
		t.Errorf("%+v, %v", s, err)
	}
	api, _ := newAPI(t) // with nothing to tell
	for path, want := range map[string]string{"/v1/lint": "[]", "/v1/conformance": `"rows":[]`} {
		if status, _, body := do(t, api, "GET", path, ""); status != 200 || !strings.Contains(body, want) {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
}
