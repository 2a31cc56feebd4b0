package provisioning_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"gsmgate/provisioning"
	"gsmgate/provisioning/client"
	"gsmgate/router"
	"gsmgate/storage/storagetest"
)

const pwd1 = "DC215545BA63D605FBCD647A9555270F566D918B" // SHA-1 of "Pwd1" in UTF-16LE

func ptr[T any](v T) *T { return &v }

func TestUser_SettingsShownAndChanged(t *testing.T) {
	_, c := newAPI(t)
	u, err := c.AddUser(t.Context(), provisioning.NewUser{Name: "acme", PasswordSHA1: pwd1, Enabled: ptr(false)})
	if err != nil || u.Enabled || u.Alphabet != "gsm" || u.LongForm != "payload" || u.PasswordForm != "sha1" || u.AllowedFrom == nil || u.CertNames == nil {
		t.Fatalf("defaults: %+v, %v", u, err)
	}
	all := provisioning.UserSettings{
		Alphabet: ptr("ascii"), LongForm: ptr("sar"), MaxSessions: ptr(1), Window: ptr(2), Rate: ptr(3), KeepCount: ptr(4), KeepHours: ptr(5),
		AllowedFrom: &[]string{"10.0.0.1"}, CertNames: &[]string{"x"}, CertAuth: ptr("both"),
	}
	if _, err := c.SetUser(t.Context(), "acme", provisioning.UserPatch{UserSettings: all, Password: ptr("secret")}); err != nil {
		t.Fatal(err)
	}
	u, err = c.User(t.Context(), "acme")
	got := fmt.Sprint(u.Alphabet, u.LongForm, u.MaxSessions, u.Window, u.Rate, u.KeepCount, u.KeepHours, u.AllowedFrom, u.CertNames, u.CertAuth, u.PasswordForm)
	if want := fmt.Sprint("ascii", "sar", 1, 2, 3, 4, 5, []string{"10.0.0.1/32"}, []string{"x"}, "both", "argon2id"); err != nil || got != want {
		t.Errorf("%s, want %s (%v)", got, want, err)
	}
}

func TestUser_WrongSettings_ProblemNamesTheField(t *testing.T) {
	api, c := newAPI(t)
	addUser(t, c, "acme", 0)
	for payload, field := range map[string]string{
		`{"alphabet":"utf8"}`: "alphabet", `{"long_form":"x"}`: "long_form", `{"max_sessions":-1}`: "max_sessions", `{"window":10001}`: "window",
		`{"rate":1000000}`: "rate", `{"rate":"fast"}`: "rate", `{"keep_count":-1}`: "keep_count", `{"keep_hours":-1}`: "keep_hours",
		`{"allowed_from":["x"]}`: "allowed_from", `{"cert_names":[""]}`: "cert_names", `{"cert_auth":"both"}`: "cert_auth", `{"cert_auth":"x"}`: "cert_auth",
		`{"password":"a","password_sha1":"` + pwd1 + `"}`: "password_sha1", `{"password_sha1":"12"}`: "password_sha1",
	} {
		status, _, body := do(t, api, "PATCH", "/v1/users/acme", payload)
		var p provisioning.Problem
		if err := json.Unmarshal([]byte(body), &p); err != nil || status != http.StatusUnprocessableEntity || p.Field != field {
			t.Errorf("%s: %d %s", payload, status, body)
		}
	}
}

func TestImport_ProblemNamesEachUser(t *testing.T) {
	_, c := newAPI(t)
	addUser(t, c, "acme", 0)
	in := provisioning.UserImport{Users: []provisioning.NewUser{
		{Name: "one", PasswordSHA1: pwd1}, {Name: "two"}, {Name: "acme", Password: "x"}, {Name: "three", Password: "x", Amount: provisioning.Amount{Credits: ptr(-1.0)}},
	}}
	fields := func(err error) (all string) {
		var p *provisioning.Problem
		if !errors.As(err, &p) {
			return fmt.Sprint(err)
		}
		for _, d := range p.Errors {
			all += d.Field + " "
		}
		return all
	}
	if _, err := c.ImportUsers(t.Context(), in); fields(err) != "users[3].credits " {
		t.Errorf("%s", fields(err))
	}
	in.Users = in.Users[:3]
	if _, err := c.ImportUsers(t.Context(), in); fields(err) != "users[1].password " {
		t.Errorf("%s", fields(err))
	}
	in.Users[1].Password = "x"
	if _, err := c.ImportUsers(t.Context(), in); fields(err) != "users[2].system_id " {
		t.Errorf("%s", fields(err))
	}
	in.SkipExisting = true
	for _, in.DryRun = range []bool{true, false} {
		if done, err := c.ImportUsers(t.Context(), in); err != nil || done != (provisioning.UsersImported{Added: 2, Skipped: 1}) {
			t.Errorf("dry run %v: %+v, %v", in.DryRun, done, err)
		}
		want := map[bool]int{true: 1, false: 3}[in.DryRun]
		if all, err := c.Users(t.Context()); err != nil || len(all) != want {
			t.Errorf("dry run %v: %d users, want %d", in.DryRun, len(all), want)
		}
	}
}

// A thousand users are more than a request for one thing may carry.
func TestImport_ManyUsers(t *testing.T) {
	_, c := newAPI(t)
	var in provisioning.UserImport
	for i := range 3000 {
		in.Users = append(in.Users, provisioning.NewUser{Name: fmt.Sprintf("user%d", i), PasswordSHA1: pwd1, AddressRanges: []string{fmt.Sprintf("+3161%06d", i)}, Amount: provisioning.Amount{Credits: ptr(1.0)}})
	}
	if done, err := c.ImportUsers(t.Context(), in); err != nil || done.Added != 3000 {
		t.Fatalf("%+v, %v", done, err)
	}
	u, err := c.User(t.Context(), "user2999")
	if err != nil || u.Balance.Available != 1000 || u.PasswordForm != "sha1" {
		t.Errorf("%+v, %v", u, err)
	}
}

// sessionsAPI has two sessions of acme and one of other.
func sessionsAPI(t *testing.T) (*provisioning.API, *client.Client, *[]string) {
	t.Helper()
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	sessions := []provisioning.Session{{ID: "s-1", User: "acme", LastError: "ESME_RTHROTTLED", LastErrorAt: &at}, {ID: "s-2", User: "other"}, {ID: "s-3", User: "acme"}}
	closed := &[]string{}
	api := provisioning.New(provisioning.Config{
		Router:   router.New(storagetest.Open(t), router.Options{}),
		Sessions: func() []provisioning.Session { return sessions },
		CloseSession: func(id string) bool {
			*closed = append(*closed, id)
			return id == "s-1"
		},
		CloseSessions: func(user string) int {
			*closed = append(*closed, user)
			return 2
		},
	})
	c := client.Local(api)
	addUser(t, c, "acme", 0)
	return api, c, closed
}

func TestSessions_ListedOneAndClosed(t *testing.T) {
	_, c, closed := sessionsAPI(t)
	if all, err := c.Sessions(t.Context(), ""); err != nil || len(all) != 3 {
		t.Errorf("all: %+v, %v", all, err)
	}
	if mine, err := c.Sessions(t.Context(), "acme"); err != nil || len(mine) != 2 || mine[1].ID != "s-3" {
		t.Errorf("of one user: %+v, %v", mine, err)
	}
	if none, err := c.Sessions(t.Context(), "nobody"); err != nil || none == nil || len(none) != 0 {
		t.Errorf("of nobody: %+v, %v", none, err)
	}
	if s, err := c.Session(t.Context(), "s-1"); err != nil || s.LastError != "ESME_RTHROTTLED" || s.LastErrorAt == nil {
		t.Errorf("one: %+v, %v", s, err)
	}
	if done, err := c.CloseSession(t.Context(), "s-1"); err != nil || done.Closed != 1 {
		t.Errorf("closed: %+v, %v", done, err)
	}
	if done, err := c.CloseSessions(t.Context(), "acme"); err != nil || done.Closed != 2 {
		t.Errorf("closed: %+v, %v", done, err)
	}
	if got := strings.Join(*closed, " "); got != "s-1 acme" {
		t.Errorf("asked to close %s", got)
	}
}

func TestSessions_NotThere_NotFound(t *testing.T) {
	api, _, _ := sessionsAPI(t)
	for _, path := range [][2]string{{"GET", "/v1/sessions/x"}, {"DELETE", "/v1/sessions/x"}, {"DELETE", "/v1/users/nobody/sessions"}} {
		if status, _, body := do(t, api, path[0], path[1], ""); status != http.StatusNotFound || !strings.Contains(body, `"field"`) {
			t.Errorf("%v: %d %s", path, status, body)
		}
	}
}

func TestStatus_CountsRefusedBinds(t *testing.T) {
	r := router.New(storagetest.Open(t), router.Options{})
	c := client.Local(provisioning.New(provisioning.Config{Router: r}))
	_, _ = r.Admit(t.Context(), router.Claim{SystemID: "nobody", Password: "x"})
	s, err := c.Status(t.Context())
	if err != nil || s.Binds.Refused["unknown_user"] != 1 || s.Binds.Hashes != 1 || s.Binds.Accepted != 0 || len(s.Binds.Refused) != 10 {
		t.Errorf("%+v, %v", s.Binds, err)
	}
}
