package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"gsmgate/modem/modemsim"
	"gsmgate/provisioning"
	"gsmgate/provisioning/client"
	"gsmgate/smppd"
)

// patience is how long anything that should happen may take on a slow and busy
// machine. No test measures with it.
const patience = 90 * time.Second

// buildGateway builds the real program, with the race detector when the test
// has it.
func buildGateway(t testing.TB) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "gsmgate")
	args := []string{"build", "-o", bin}
	if raceEnabled() {
		args = append(args, "-race")
	}
	if out, err := exec.Command("go", append(args, ".")...).CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return bin
}

func raceEnabled() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.ContainsFunc(info.Settings, func(s debug.BuildSetting) bool {
		return s.Key == "-race" && s.Value == "true"
	})
}

// gateway is the program in a process of its own. It can be killed and started
// again on its data directory.
type gateway struct {
	t        testing.TB
	bin, dir string
	args     []string // of serve, after --data DIR
	api      *client.Client

	log   *os.File // what all its processes wrote to stderr
	run   *process // nil while none runs
	smpps string   // HOST:PORT of the running process
	smpp  string   // the same without TLS, when its args ask for it

	providers string // HOST:PORT for the calls of HTTP providers, likewise
}

// process is one run of the program.
type process struct {
	cmd    *exec.Cmd
	told   chan string   // its listeners
	ended  chan struct{} // closed when it is gone
	result error         // may be read after ended
}

// newGateway prepares a gateway on a new data directory. Its processes are
// gone, and its log is shown after a failure, when the test ends.
func newGateway(t testing.TB, args ...string) *gateway {
	t.Helper()
	return newGatewayOf(t, buildGateway(t), args...)
}

// newGatewayOf is newGateway with a program that is built already.
func newGatewayOf(t testing.TB, bin string, args ...string) *gateway {
	t.Helper()
	dir := t.TempDir()
	log, err := os.Create(filepath.Join(dir, "stderr.log"))
	if err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(dir, "data")
	g := &gateway{
		t: t, bin: bin, dir: data, log: log,
		args: append([]string{"--listen", "smpps://127.0.0.1:0"}, args...),
		api:  client.Unix(filepath.Join(data, socketFile)),
	}
	t.Cleanup(func() {
		g.kill()
		g.api.Close()
		g.showLog()
		log.Close()
	})
	return g
}

// showLog gives the end of the log when the test has failed.
func (g *gateway) showLog() {
	if !g.t.Failed() {
		return
	}
	raw, err := os.ReadFile(g.log.Name())
	if err != nil {
		g.t.Log(err)
		return
	}
	const most = 8 << 10
	g.t.Logf("the gateway's log ends with\n%s", raw[max(0, len(raw)-most):])
}

// start runs the program and waits until it has told its listeners.
func (g *gateway) start() {
	g.t.Helper()
	g.launch()
	g.listening()
}

// launch runs the program and waits for nothing.
func (g *gateway) launch() {
	g.t.Helper()
	cmd := exec.Command(g.bin, append([]string{"serve", "--data", g.dir}, g.args...)...)
	cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0")
	cmd.Stderr = g.log
	// It must not outlive a test that is killed, or the next finds its ports in use.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		g.t.Fatal(err)
	}
	// told has room for all listeners: nobody may be waiting for them.
	p := &process{cmd: cmd, told: make(chan string, 8), ended: make(chan struct{})}
	started := make(chan error)
	go p.watch(bufio.NewScanner(stdout), started)
	if err := <-started; err != nil {
		g.t.Fatalf("start the gateway: %v", err)
	}
	g.run = p
}

// watch starts the process, hands on the addresses of its listeners, and waits
// for its end. Pdeathsig looks at the thread that started it: that one waits.
func (p *process) watch(lines *bufio.Scanner, started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(p.ended)
	err := p.cmd.Start()
	started <- err
	if err != nil {
		return
	}
	for lines.Scan() {
		if url, ok := strings.CutPrefix(lines.Text(), "listening "); ok {
			p.told <- url
		}
	}
	p.result = p.cmd.Wait()
}

func (g *gateway) listening() {
	g.t.Helper()
	listeners := 1 // the socket of the API
	for _, arg := range g.args {
		if arg == "--listen" || arg == "--provider-listen" {
			listeners++
		}
	}
	for range listeners {
		select {
		case url := <-g.run.told:
			if addr, ok := strings.CutPrefix(url, "smpps://"); ok {
				g.smpps = addr
			}
			if addr, ok := strings.CutPrefix(url, "smpp://"); ok {
				g.smpp = addr
			}
			if addr, ok := strings.CutPrefix(url, providersScheme+"http://"); ok {
				g.providers = addr
			}
		case <-g.run.ended:
			g.t.Fatalf("the gateway ended at its start: %v", g.run.result)
		case <-time.After(patience):
			g.t.Fatal("the gateway does not tell its listeners")
		}
	}
}

// kill ends the process as a power cut would, and waits until it is gone.
func (g *gateway) kill() { _ = g.end(syscall.SIGKILL) }

// stop ends the process as a service manager would; it must end well.
func (g *gateway) stop() {
	g.t.Helper()
	if err := g.end(syscall.SIGTERM); err != nil {
		g.t.Errorf("the gateway ended with %v after SIGTERM", err)
	}
}

func (g *gateway) end(s syscall.Signal) error {
	p := g.run
	if p == nil {
		return nil
	}
	g.run = nil
	_ = p.cmd.Process.Signal(s) // fails only when it is gone already
	select {
	case <-p.ended:
	case <-time.After(patience):
		g.t.Errorf("the gateway does not end on %v", s)
		_ = p.cmd.Process.Kill()
		<-p.ended
	}
	return p.result
}

// command runs another command of the program on the data directory.
func (g *gateway) command(args ...string) (string, error) {
	cmd := exec.Command(g.bin, append(args, "--data", g.dir)...)
	cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// must is command that has to succeed.
func (g *gateway) must(args ...string) {
	g.t.Helper()
	if out, err := g.command(args...); err != nil {
		g.t.Fatalf("gsmgate %v: %v\n%s", args, err, out)
	}
}

// begin starts a new gateway with a user; it keeps its port when it starts again.
func (g *gateway) begin(user string) {
	g.t.Helper()
	g.start()
	g.args[1] = "smpps://" + g.smpps
	g.addUser(user, loadPassword, 1_000_000, "*")
}

// verify checks the whole file, of a running or a stopped gateway.
func (g *gateway) verify() {
	g.t.Helper()
	if out, err := g.command("verify"); err != nil {
		g.t.Errorf("gsmgate verify: %v\n%s", err, out)
	}
}

// addUser adds a user with credits and address ranges to the running gateway.
func (g *gateway) addUser(name, password string, credits float64, ranges ...string) {
	g.t.Helper()
	_, err := g.api.AddUser(g.t.Context(), provisioning.NewUser{
		Name: name, Password: password, AddressRanges: ranges, Amount: provisioning.Amount{Credits: &credits},
	})
	if err != nil {
		g.t.Fatalf("add user %s: %v", name, err)
	}
}

// waitReady returns when all modems of the running gateway are ready.
func (g *gateway) waitReady() {
	g.t.Helper()
	g.eventually("all modems are ready", func(ctx context.Context) error {
		s, err := g.api.Status(ctx)
		if err != nil {
			return err
		}
		for _, m := range s.Modems {
			if m.State != "ready" {
				return fmt.Errorf("modem %s is %s: %s", m.Path, m.State, m.Reason)
			}
		}
		return nil
	})
}

// eventually tries until check is content.
func (g *gateway) eventually(what string, check func(context.Context) error) {
	g.t.Helper()
	g.eventuallyWhile(func() int { return 0 }, what, check)
}

// eventuallyWhile tries for as long as progress gives another number within
// patience: how long work may take depends on how much of it there is.
func (g *gateway) eventuallyWhile(progress func() int, what string, check func(context.Context) error) {
	g.t.Helper()
	ctx, cancel := context.WithCancel(g.t.Context())
	defer cancel()
	late := time.AfterFunc(patience, cancel)
	defer late.Stop()
	var last error
	for been := progress(); ; {
		err := check(ctx)
		if err == nil {
			return
		}
		if ctx.Err() == nil {
			last = err
		}
		if now := progress(); now != been {
			been = now
			late.Reset(patience)
		}
		select {
		case <-ctx.Done():
			g.t.Fatalf("never: %s: %v", what, last)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// certificate is the file that the gateway has made for itself.
func (g *gateway) certificate() string { return filepath.Join(g.dir, smppd.CertFile) }

// tlsConfig is that of a client who has been given the gateway's certificate.
func (g *gateway) tlsConfig() *tls.Config {
	g.t.Helper()
	pem, err := os.ReadFile(g.certificate())
	if err != nil {
		g.t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		g.t.Fatal("no certificate in the gateway's file")
	}
	return &tls.Config{RootCAs: pool, ServerName: "127.0.0.1"}
}

// simulate runs a bank of modems until the test ends.
func simulate(t testing.TB, cfg modemsim.Config) *modemsim.Bank {
	t.Helper()
	if cfg.Dir == "" {
		cfg.Dir = t.TempDir()
	}
	bank, err := modemsim.New(cfg)
	if err != nil {
		t.Fatalf("simulated modems: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- bank.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("simulated modems: %v", err)
		}
	})
	return bank
}

// modemArgs are the flags of serve for all modems of the bank.
func modemArgs(bank *modemsim.Bank) []string {
	var args []string
	for _, path := range bank.Paths() {
		args = append(args, "--modem", path)
	}
	return args
}

// showTranscripts gives the last AT lines of each modem when the test has failed.
func showTranscripts(t *testing.T, bank *modemsim.Bank) {
	t.Cleanup(func() {
		if !t.Failed() {
			return
		}
		for i := range bank.Paths() {
			lines := bank.Modem(i).Transcript()
			t.Logf("modem %d:\n%s", i, strings.Join(lines[max(0, len(lines)-20):], "\n"))
		}
	})
}
