//go:build interop

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"
)

// debianProgram fails the test where make interop has not installed a program.
func debianProgram(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%s is not installed: run make interop, which installs it from Debian", name)
	}
	return path
}

// runProgram runs a program of others in dir until the test ends, with those
// that it starts itself; the end of what it has printed is shown after a
// failure.
func runProgram(t *testing.T, dir, program string, args ...string) (ended <-chan struct{}) {
	t.Helper()
	name := filepath.Base(program)
	log, err := os.Create(filepath.Join(dir, name+".log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	started, done := make(chan error), make(chan struct{})
	go func() { // Pdeathsig looks at the thread that started it: this one waits
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(done)
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // it ends by a signal
		}
	}()
	if err := <-started; err != nil {
		t.Fatalf("start %s: %v", name, err)
	}
	t.Cleanup(func() {
		defer log.Close()
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-done:
		case <-time.After(20 * time.Second):
			t.Logf("%s does not end on SIGTERM", name)
		}
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // its group, which is ours alone
		<-done
		showEnd(t, log.Name())
	})
	return done
}

// showEnd shows the end of a log after a failure.
func showEnd(t *testing.T, path string) {
	if !t.Failed() {
		return
	}
	if raw, err := os.ReadFile(path); err == nil {
		const most = 16 << 10
		t.Logf("%s ends with\n%s", filepath.Base(path), raw[max(0, len(raw)-most):])
	}
}
