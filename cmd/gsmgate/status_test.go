package main

import (
	"path/filepath"
	"strings"
	"testing"

	"gsmgate/provisioning/client"
	"gsmgate/router"
	"gsmgate/storage"
	"gsmgate/storage/storagetest"
)

// Messages go on; who looks is told.
func TestStatus_MoneyThatDoesNotAddUp_Told(t *testing.T) {
	dir := t.TempDir()
	sock := filepath.Join(dir, socketFile)
	run := func(look func(*App, func() string)) {
		t.Helper()
		app, err := tryApp(t, Options{Dir: dir}, "unix:"+sock)
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := app.Stop(); err != nil {
				t.Error(err)
			}
		}()
		api := client.Unix(sock)
		defer api.Close()
		look(app, func() string { return shownStatus(t, api) })
	}
	run(func(app *App, _ func() string) {
		if _, err := app.Router().AddUser(t.Context(), router.UserSpec{SystemID: "acme", Password: "secret", Credits: 5 * storage.Credit}); err != nil {
			t.Fatal(err)
		}
	})
	run(func(_ *App, shown func() string) {
		if got := shown(); strings.Contains(got, "money") {
			t.Errorf("sound: %s", got)
		}
	})
	storagetest.LoseEntry(t, filepath.Join(dir, "gsmgate.db"))
	run(func(_ *App, shown func() string) {
		inAMinute(t, "the status says so", func() bool {
			got := shown()
			return strings.Contains(got, "does not add up") && strings.Contains(got, `balance of "acme"`)
		})
	})
}

func shownStatus(t *testing.T, api *client.Client) string {
	t.Helper()
	s, err := api.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := printStatus(&out, s); err != nil {
		t.Fatal(err)
	}
	return out.String()
}
