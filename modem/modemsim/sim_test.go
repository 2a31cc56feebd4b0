package modemsim

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// generous bounds what a test waits for before it fails.
const generous = 20 * time.Second

// startBank runs a bank for a test.
func startBank(t *testing.T, cfg Config) *Bank {
	t.Helper()
	if cfg.Count == 0 {
		cfg.Count = 1
	}
	cfg.Dir = t.TempDir()
	b, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
		for _, path := range b.Paths() {
			if _, err := os.Lstat(path); err == nil {
				t.Errorf("link %s is left", filepath.Base(path))
			}
		}
	})
	return b
}

// client is the far end of a pty.
type client struct {
	t   *testing.T
	f   *os.File
	got []byte
}

func dialModem(t *testing.T, path string) *client {
	t.Helper()
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	c := &client{t: t, f: os.NewFile(uintptr(fd), path)}
	t.Cleanup(func() { c.f.Close() })
	return c
}

func (c *client) send(s string) {
	c.t.Helper()
	if _, err := c.f.WriteString(s); err != nil {
		c.t.Fatal(err)
	}
}

// expect reads until want has come and forgets what came before its end.
func (c *client) expect(want string) string {
	c.t.Helper()
	deadline := time.Now().Add(generous)
	buf := make([]byte, 1024)
	for {
		if i := bytes.Index(c.got, []byte(want)); i >= 0 {
			before := string(c.got[:i])
			c.got = c.got[i+len(want):]
			return before
		}
		c.f.SetReadDeadline(deadline)
		n, err := c.f.Read(buf)
		if err != nil {
			c.t.Fatalf("waiting for %q, have %q: %v", want, c.got, err)
		}
		c.got = append(c.got, buf[:n]...)
	}
}

// quiet fails if anything comes within d.
func (c *client) quiet(d time.Duration) {
	c.t.Helper()
	c.f.SetReadDeadline(time.Now().Add(d))
	buf := make([]byte, 1024)
	if n, err := c.f.Read(buf); err == nil || len(c.got) > 0 {
		c.t.Fatalf("wanted silence, got %q", append(c.got, buf[:n]...))
	}
}

// at sends a command and expects OK behind it.
func (c *client) at(command string) string {
	c.t.Helper()
	c.send("AT" + command + "\r")
	return c.expect("\r\nOK\r\n")
}

// TestDialogues plays testdata/dialogues/*.txt. "> " sends a line and a CR, ">> " sends it as it stands, "< " expects text, "! " is a fault,
// "= " is a line "modem config" at the top. \r \n \x1a \x1b are escapes.
func TestDialogues(t *testing.T) {
	files, err := filepath.Glob("testdata/dialogues/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no dialogues", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			playDialogue(t, string(text))
		})
	}
}

func playDialogue(t *testing.T, script string) {
	cfg := Config{Latency: time.Millisecond, BootTime: 50 * time.Millisecond, RetryInterval: 20 * time.Millisecond}
	cfg.Each = func(_ int, m *ModemConfig) {
		for line := range strings.Lines(script) {
			if key, value, found := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "= "), ": "); found && line[0] == '=' {
				configure(t, m, key, value)
			}
		}
	}
	b := startBank(t, cfg)
	c := dialModem(t, b.Paths()[0])
	escapes := strings.NewReplacer(`\r`, "\r", `\n`, "\n", `\x1a`, "\x1a", `\x1b`, "\x1b", `\x08`, "\b", `\s`, " ")
	for line := range strings.Lines(script) {
		verb, rest, _ := strings.Cut(strings.TrimRight(line, "\n"), " ")
		rest = escapes.Replace(rest)
		switch verb {
		case ">":
			c.send(rest + "\r")
		case ">>":
			c.send(rest)
		case "<":
			c.expect(rest)
		case "!":
			if err := b.Modem(0).Command(rest); err != nil {
				t.Fatal(err)
			}
		case "handset": // handset NUMBER TEXT: the handset sends to the SIM
			number, text, _ := strings.Cut(rest, " ")
			if err := b.Network().Handset(number).Send(b.Modem(0).Number(), text); err != nil {
				t.Fatal(err)
			}
		case "got": // got NUMBER TEXT: the handset has received it
			number, text, _ := strings.Cut(rest, " ")
			if in := waitInbox(t, b, number, 1); in[0].Text != text {
				t.Fatalf("handset has %q, want %q", in[0].Text, text)
			}
		case "=", "#", "":
		default:
			t.Fatalf("line %q", line)
		}
	}
}

func configure(t *testing.T, m *ModemConfig, key, value string) {
	switch key {
	case "PIN":
		m.SIM.PIN = value
	case "SMSC":
		m.SIM.SMSC = strings.TrimPrefix(value, "none")
	case "Size":
		m.SIM.Size = len(value)
	case "NoSIM":
		m.NoSIM = true
	default:
		t.Fatalf("unknown setting %q", key)
	}
}

func waitInbox(t *testing.T, b *Bank, number string, n int) []Received {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), generous)
	defer cancel()
	in, err := b.Network().Handset(number).Wait(ctx, n)
	if err != nil {
		t.Fatalf("handset %s: %v; has %v", number, err, b.Network().Handset(number).Inbox())
	}
	return in
}
