package main

import (
	"context"
	"errors"
	"net"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"gsmgate/provisioning/client"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"gsmgate": main})
}

// The scripts are the specification of the command line.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("GORACE", "atexit_sleep_ms=0") // else each command takes a second to exit
			addBank(e)
			addESMEs(e)
			addLoads(e)
			addReceivers(e)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":      exits,
			"eventually": eventually,
			"take":       take,
			"terminate":  terminate,
			"crash":      crashGateway,
			"modems":     modems,
			"plug":       plug,
			"usb":        usb,
			"handset":    handset,
			"until":      until,
			"bind":       bind,
			"unbound":    unbound,
			"submit":     submit,
			"gets":       gets,
			"hangup":     hangup,
			"load":       startLoad,
			"accepted":   loadAccepted,
			"once":       once,
			"receiver":   receiver,
			"answers":    answerWith,
			"posted":     posted,
		},
	})
}

// exits CODE COMMAND…: the command ends with this exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND ARG…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got, err := 0, ts.Exec(args[1], args[2:]...)
	if ended := (*exec.ExitError)(nil); errors.As(err, &ended) {
		got = ended.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// eventually COMMAND…: the command succeeds before half a minute is over.
func eventually(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: eventually COMMAND ARG…")
	}
	var err error
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if err = ts.Exec(args[0], args[1:]...); err == nil {
			return
		}
	}
	ts.Fatalf("it never succeeded: %v", err)
}

// take VAR REGEXP: sets VAR to what the first group matches in stdout.
func take(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: take VAR REGEXP")
	}
	m := regexp.MustCompile(args[1]).FindStringSubmatch(ts.ReadFile("stdout"))
	if len(m) != 2 {
		ts.Fatalf("no match of %s in stdout", args[1])
	}
	ts.Setenv(args[0], m[1])
}

// terminate DIR: sends SIGTERM to the gateway that serves DIR/admin.sock.
func terminate(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: terminate DIR")
	}
	signalGateway(ts, args[0], syscall.SIGTERM)
}

// crash DIR: ends that gateway with SIGKILL.
func crashGateway(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: crash DIR")
	}
	signalGateway(ts, args[0], syscall.SIGKILL)
}

func signalGateway(ts *testscript.TestScript, dir string, signal syscall.Signal) {
	conn, err := client.DialUnix(context.Background(), filepath.Join(ts.MkAbs(dir), socketFile))
	ts.Check(err)
	defer conn.Close()
	raw, err := conn.(*net.UnixConn).SyscallConn()
	ts.Check(err)
	var peer *syscall.Ucred
	var failed error
	ts.Check(raw.Control(func(fd uintptr) {
		peer, failed = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	}))
	ts.Check(failed)
	ts.Check(syscall.Kill(int(peer.Pid), signal))
}
