//go:build usbtest

package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"gsmgate/provisioning/client"
)

// guest is a Linux in qemu, with a gateway.
type guest struct {
	t     *testing.T
	dir   string
	qmp   *qmp
	shell net.Conn
	api   *client.Client
	smpp  string // HOST:PORT
	ended chan struct{}

	mu      sync.Mutex
	console []consoleLine
}

// consoleLine is what the guest's kernel or its gateway says.
type consoleLine struct {
	at   time.Time
	text string
}

const guestToken = "0123456789abcdef0123456789abcdef"

// newGuest prepares a guest, whose processor does not run yet. make usbtest
// says where its kernel is.
func newGuest(t *testing.T) *guest {
	t.Helper()
	kernel := os.Getenv("GSMGATE_USB_KERNEL")
	qemu, err := exec.LookPath("qemu-system-x86_64")
	if err != nil || kernel == "" {
		t.Fatalf("no qemu-system-x86_64 or no kernel (GSMGATE_USB_KERNEL): run make usbtest, which gets both from Debian")
	}
	g := &guest{t: t, dir: t.TempDir(), ended: make(chan struct{})}
	api, smpp := freeTCP(t), freeTCP(t)
	g.smpp = fmt.Sprintf("127.0.0.1:%d", smpp)
	g.api = client.Local(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = "http", fmt.Sprintf("127.0.0.1:%d", api), ""
		r.Out.Header.Set("Authorization", "Bearer "+guestToken)
	}, ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
		http.Error(w, err.Error(), http.StatusBadGateway)
	}})
	g.run(exec.Command(qemu, "-S", "-accel", "tcg", "-cpu", "max", "-m", "512", "-nodefaults", "-display", "none", "-no-reboot",
		"-kernel", kernelFile(t, kernel), "-initrd", g.image(kernel), "-append", "console=ttyS0 loglevel=7 panic=1 mitigations=off nokaslr cryptomgr.notests",
		"-serial", "stdio", "-chardev", "socket,id=shell,server=on,wait=off,path="+g.path("shell"), "-serial", "chardev:shell",
		"-qmp", "unix:"+g.path("qmp")+",server=on,wait=off",
		"-netdev", fmt.Sprintf("user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:%d-:2775,hostfwd=tcp:127.0.0.1:%d-:8080", smpp, api),
		"-device", "e1000,netdev=net", "-device", "qemu-xhci,id=xhci,p2=8,p3=8"))
	g.qmp = newQMP(t, g.dial("qmp"))
	g.shell = g.dial("shell")
	return g
}

func (g *guest) path(name string) string { return filepath.Join(g.dir, name) }

func freeTCP(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// kernelFile is the kernel in the files of Debian's package.
func kernelFile(t *testing.T, dir string) string {
	t.Helper()
	all, _ := filepath.Glob(filepath.Join(dir, "boot", "vmlinuz-*"))
	if len(all) != 1 {
		t.Fatalf("%d kernels in %s", len(all), dir)
	}
	return all[0]
}

// image makes what the guest boots: busybox, the modules, and the gateway.
func (g *guest) image(kernel string) (path string) {
	g.t.Helper()
	gateway := g.path("gsmgate")
	build := exec.Command("go", "build", "-ldflags", "-s -w", "-o", gateway, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		g.t.Fatalf("go build: %v\n%s", err, out)
	}
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		g.t.Fatal("no busybox: run make usbtest, which gets it from Debian")
	}
	drivers, _ := filepath.Glob(filepath.Join(kernel, "lib", "modules", "*", "kernel", "drivers"))
	if len(drivers) != 1 {
		g.t.Fatalf("drivers of %d kernels in %s", len(drivers), kernel)
	}
	var a initramfs
	var names []string
	for _, m := range guestModules() {
		names = append(names, filepath.Base(m))
		a.file(g.t, "lib/"+filepath.Base(m)+".ko", modeFile, filepath.Join(drivers[0], m+".ko"))
	}
	a.file(g.t, "bin/busybox", modeProgram, busybox)
	a.file(g.t, "bin/gsmgate", modeProgram, gateway)
	a.entry("init", modeProgram, []byte(strings.NewReplacer("MODULES", strings.Join(names, " "), "TOKEN", guestToken).Replace(guestInit)))
	path = g.path("initramfs")
	if err := os.WriteFile(path, a.end(), 0o600); err != nil {
		g.t.Fatal(err)
	}
	return path
}

// run starts qemu, which is gone when the test ends.
func (g *guest) run(cmd *exec.Cmd) {
	g.t.Helper()
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := cmd.StdoutPipe()
	if err != nil {
		g.t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	started := make(chan error)
	go func() { // Pdeathsig looks at the thread that started it: this one waits
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(g.ended)
		err := cmd.Start()
		started <- err
		if err == nil {
			g.listen(out)
			_ = cmd.Wait() // it ends by a signal
		}
	}()
	if err := <-started; err != nil {
		g.t.Fatalf("start qemu: %v", err)
	}
	g.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-g.ended
		g.show()
	})
}

// listen notes what comes from the console.
func (g *guest) listen(out io.Reader) {
	for lines := bufio.NewScanner(out); lines.Scan(); {
		g.mu.Lock()
		g.console = append(g.console, consoleLine{time.Now(), strings.TrimSpace(lines.Text())})
		g.mu.Unlock()
	}
}

func (g *guest) show() {
	if !g.t.Failed() {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, l := range g.console[max(0, len(g.console)-150):] {
		g.t.Log(l.at.Format("05.000"), l.text)
	}
}

// dial connects to a socket of qemu.
func (g *guest) dial(name string) net.Conn {
	g.t.Helper()
	for late := time.Now().Add(patience); ; {
		conn, err := net.Dial("unix", g.path(name))
		if err == nil {
			g.t.Cleanup(func() { conn.Close() })
			return conn
		}
		select {
		case <-g.ended:
			g.t.Fatal("qemu has ended")
		case <-time.After(50 * time.Millisecond):
		}
		if time.Now().After(late) {
			g.t.Fatalf("qemu offers no %s: %v", name, err)
		}
	}
}

// sh has the guest's shell carry out a command, and waits for nothing.
func (g *guest) sh(command string) {
	g.t.Helper()
	if _, err := io.WriteString(g.shell, command+"\n"); err != nil {
		g.t.Fatalf("the guest's shell: %v", err)
	}
}

// said finds the first line of the console since then that matches, and its
// first group.
func (g *guest) said(since time.Time, pattern string) (at time.Time, group string, ok bool) {
	re := regexp.MustCompile(pattern)
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, l := range g.console {
		if m := re.FindStringSubmatch(l.text); m != nil && !l.at.Before(since) {
			return l.at, m[len(m)-1], true
		}
	}
	return time.Time{}, "", false
}

// attached waits until the guest's kernel has a serial port in a socket.
func (g *guest) attached(since time.Time, port int) (at time.Time, node string) {
	g.t.Helper()
	g.until(fmt.Sprintf("the guest sees what is in port %d", port), func(context.Context) (err error) {
		var number string
		var ok bool
		at, number, ok = g.said(since, `usb 1-`+strconv.Itoa(port)+`: FTDI USB Serial Device converter now attached to ttyUSB(\d+)`)
		node = "/dev/ttyUSB" + number
		if !ok {
			err = fmt.Errorf("its kernel has not said so")
		}
		return err
	})
	return at, node
}

// askTime is for one try: a connection that was made while the gateway slept may
// be lost on its way through qemu.
const askTime = 10 * time.Second

// until tries until check is content.
func (g *guest) until(what string, check func(context.Context) error) {
	g.t.Helper()
	ctx, cancel := context.WithTimeout(g.t.Context(), 2*patience)
	defer cancel()
	for {
		once, stop := context.WithTimeout(ctx, askTime)
		err := check(once)
		stop()
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			g.t.Fatalf("never: %s: %v", what, err)
		case <-g.ended:
			g.t.Fatalf("qemu has ended before: %s", what)
		case <-time.After(50 * time.Millisecond):
		}
	}
}
