package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"gsmgate/provisioning/client"
)

// startApp runs a gateway until the test ends.
func startApp(t *testing.T, o Options, urls ...string) *App {
	t.Helper()
	app, err := tryApp(t, o, urls...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := app.Stop(); err != nil {
			t.Error(err)
		}
	})
	return app
}

func tryApp(t *testing.T, o Options, urls ...string) (*App, error) {
	t.Helper()
	listen, err := parseListens(urls)
	if err != nil {
		t.Fatal(err)
	}
	if o.Dir == "" {
		o.Dir = filepath.Join(t.TempDir(), "data")
	}
	o.Listen, o.Version = listen, "v-test"
	app := New(o)
	return app, app.Start()
}

// address is HOST:PORT of the i-th listener.
func address(app *App, i int) string {
	_, addr, _ := strings.Cut(app.Listeners()[i], "://")
	return addr
}

func TestApp_StopsWithoutLeaks(t *testing.T) {
	leaks := goleak.IgnoreCurrent()
	dir := t.TempDir()
	app, err := tryApp(t, Options{Dir: dir}, "smpps://127.0.0.1:0", "smpp://127.0.0.1:0", "http://127.0.0.1:0", "unix:"+filepath.Join(dir, socketFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := app.Stop(); err != nil {
		t.Error(err)
	}
	goleak.VerifyNone(t, leaks)
}

func TestApp_FailedStart_LeavesNothing(t *testing.T) {
	leaks := goleak.IgnoreCurrent()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	dir := t.TempDir()
	sock := filepath.Join(dir, socketFile)
	if _, err = tryApp(t, Options{Dir: dir}, "unix:"+sock, "smpp://"+taken.Addr().String()); err == nil {
		t.Fatal("started on a port that is taken")
	}
	if _, err := os.Lstat(sock); err == nil {
		t.Error("the socket is left behind")
	}
	goleak.VerifyNone(t, leaks)
	startApp(t, Options{Dir: dir}, "unix:"+sock) // the store is free again
}

func TestApp_HTTPS_TokenAndCertificate(t *testing.T) {
	dir := t.TempDir()
	app := startApp(t, Options{Dir: dir}, "https://127.0.0.1:0")
	pem, err := os.ReadFile(filepath.Join(dir, "tls-cert.pem"))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
	defer transport.CloseIdleConnections()
	token, err := os.ReadFile(filepath.Join(dir, tokenFile))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		authorization string
		want          int
	}{{"", 401}, {"Bearer wrong", 401}, {"Bearer " + strings.TrimSpace(string(token)), 200}} {
		r, _ := http.NewRequestWithContext(t.Context(), "GET", "https://"+address(app, 0)+"/v1/status", nil)
		r.Header.Set("Authorization", c.authorization)
		resp, err := (&http.Client{Transport: transport}).Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != c.want {
			t.Errorf("%d, want %d: %s", resp.StatusCode, c.want, body)
		}
	}
}

func TestApp_UnixSocket_OwnerOnly(t *testing.T) {
	dir := t.TempDir()
	sock := filepath.Join(dir, socketFile)
	startApp(t, Options{Dir: dir}, "unix:"+sock)
	if info, err := os.Stat(sock); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	c := client.Unix(sock)
	defer c.Close()
	if s, err := c.Status(t.Context()); err != nil || s.Version != "v-test" || len(s.Listeners) != 1 {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestApp_StopOrder_IsTheReverseOfStart(t *testing.T) {
	app := New(Options{})
	var order []string
	for _, name := range []string{"one", "two", "three"} {
		app.onStop(name, func(context.Context) error {
			order = append(order, name)
			if name == "two" {
				return io.ErrUnexpectedEOF
			}
			return nil
		})
	}
	if err := app.Stop(); err == nil || err.Error() != "stop two: unexpected EOF" {
		t.Errorf("error %v", err)
	}
	if got := strings.Join(order, " "); got != "three two one" {
		t.Errorf("order %s", got)
	}
}

func TestApp_ComponentEnds_GatewayHears(t *testing.T) {
	app := New(Options{})
	app.run("part", func(context.Context) error { return io.ErrUnexpectedEOF })
	if err := <-app.Failed(); err.Error() != "part: unexpected EOF" {
		t.Error(err)
	}
	if err := app.Stop(); err != nil {
		t.Error(err)
	}
}

// The service manager hears READY, a sign of life before the watchdog's time
// is over, and STOPPING.
func TestSupervise_TellsTheServiceManager(t *testing.T) {
	dir := t.TempDir()
	manager, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(dir, "notify"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer manager.Close()
	t.Setenv("NOTIFY_SOCKET", filepath.Join(dir, "notify"))
	t.Setenv("WATCHDOG_USEC", "20000")
	t.Setenv("WATCHDOG_PID", fmt.Sprint(os.Getpid()))

	ctx, cancel := context.WithCancel(t.Context())
	app, err := tryApp(t, Options{Dir: dir, Log: slog.New(slog.DiscardHandler)}, "unix:"+filepath.Join(dir, socketFile))
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- supervise(&env{ctx: ctx, stdout: io.Discard, stderr: io.Discard}, app) }()

	hear := func(want string) {
		t.Helper()
		buf := make([]byte, 256)
		for {
			manager.SetReadDeadline(time.Now().Add(30 * time.Second))
			n, err := manager.Read(buf)
			if err != nil {
				t.Fatalf("waiting for %s: %v", want, err)
			}
			if string(buf[:n]) == want {
				return
			}
		}
	}
	hear("READY=1")
	hear("WATCHDOG=1")
	hear("WATCHDOG=1")
	cancel()
	hear("STOPPING=1")
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
