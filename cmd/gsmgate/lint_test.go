package main

import (
	"encoding/json"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gsmgate/provisioning"
	"gsmgate/router"
	"gsmgate/smppd/smpp"
)

// runs is the command line in this process.
func runs(t *testing.T, args ...string) string {
	t.Helper()
	var out, errs strings.Builder
	if code := run(args, strings.NewReader(""), &out, &errs); code != 0 {
		t.Fatalf("gsmgate %s: exit code %d, %s", strings.Join(args, " "), code, errs.String())
	}
	return out.String()
}

// A client that sends Latin-1 under data_coding 0 is told so by gsmgate user lint, until the reset.
func TestUserLint_TellsWhatTheClientDoesWrong(t *testing.T) {
	dir := t.TempDir()
	app := startApp(t, Options{Dir: dir}, "smpp://127.0.0.1:0", "unix:"+filepath.Join(dir, socketFile))
	if _, err := app.Router().AddUser(t.Context(), router.UserSpec{SystemID: "acme", Password: "secret"}); err != nil {
		t.Fatal(err)
	}
	if out := runs(t, "user", "lint", "acme", "--data", dir); out != "nothing found\n" {
		t.Errorf("before: %s", out)
	}
	conn, err := net.Dial("tcp", address(app, 0))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	r := smpp.NewReader(conn, 0)
	for i, p := range []smpp.PDU{
		&smpp.Bind{ID: smpp.IDBindTransmitter, SystemID: "acme", Password: "secret", InterfaceVersion: smpp.Version34},
		&smpp.SubmitSM{Dest: smpp.Address{TON: 1, NPI: 1, Addr: "31612345678"}, ShortMessage: []byte("caf\xe9 ol\xe9")},
	} {
		b, err := smpp.Append(nil, smpp.StatusOK, uint32(i+1), p)
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(time.Minute))
		if _, err = conn.Write(b); err == nil {
			_, err = r.ReadFrame()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	out := runs(t, "user", "lint", "acme", "--data", dir)
	if !strings.Contains(out, "latin1-as-default") || !strings.Contains(out, "data_coding 3") || strings.Contains(out, "caf") {
		t.Errorf("found: %s", out)
	}
	var found []provisioning.Finding
	if err := json.Unmarshal([]byte(runs(t, "user", "lint", "acme", "--reset", "--json", "--data", dir)), &found); err != nil || len(found) == 0 || found[0].Remote == "" {
		t.Errorf("as JSON: %+v, %v", found, err)
	}
	if out := runs(t, "user", "lint", "acme", "--data", dir); out != "nothing found\n" {
		t.Errorf("after the reset: %s", out)
	}
	if out := runs(t, "user", "lint", "--data", dir); out != "nothing found\n" {
		t.Errorf("of connections that never bound: %s", out)
	}
}
