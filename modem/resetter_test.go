package modem

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gsmgate/modem/discover"
)

func TestParseCommand_WordsAndPlaceholders(t *testing.T) {
	t.Parallel()
	for line, want := range map[string][]string{
		"":                                    nil,
		"uhubctl -l {hub} -p {port} -a cycle": {"uhubctl", "-l", "{hub}", "-p", "{port}", "-a", "cycle"},
		`  /a b/c "d e" f'g "h' ""  `:         {"/a", "b/c", "d e", `fg "h`, ""},
		"x; rm $HOME | cat > `y`":             {"x;", "rm", "$HOME", "|", "cat", ">", "`y`"}, // words, and nothing of a shell
		"relay {usb}={node}":                  {"relay", "{usb}={node}"},
	} {
		if got, err := ParseCommand(line); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %q, %v", line, got, err)
		}
	}
	for _, line := range []string{`a "b`, "a {hubs}", "a {usb", "a {}"} {
		if _, err := ParseCommand(line); err == nil {
			t.Errorf("%s: taken", line)
		}
	}
}

func TestPlaceholders_HubAndPort(t *testing.T) {
	t.Parallel()
	for usb, want := range map[string][2]string{"1-1.4": {"1-1", "4"}, "2-3": {"2", "3"}, "1-1.4.2": {"1-1.4", "2"}, "": {"", ""}} {
		if got := placeholders(Place{USB: usb}); got["hub"] != want[0] || got["port"] != want[1] || got["usb"] != usb {
			t.Errorf("%s: %v", usb, got)
		}
	}
}

// script is a program that writes its arguments into a file.
func script(t *testing.T, body string) (path, out string) {
	t.Helper()
	dir := t.TempDir()
	path, out = filepath.Join(dir, "reset"), filepath.Join(dir, "out")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+strings.ReplaceAll(body, "OUT", out)+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return path, out
}

func TestResetter_Command_ItsWordsAndNoShell(t *testing.T) {
	t.Parallel()
	path, out := script(t, `printf '%s\n' "$@" > OUT`)
	r := &Resetter{Root: discover.Under(t.TempDir()), Command: []string{path, "-l", "{hub}", "$HOME {port}", "{node}"}}
	if err := r.Reset(t.Context(), ResetPower, Place{USB: "1-1.4", Node: "/dev/ttyUSB0"}); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(out); string(got) != "-l\n1-1\n$HOME 4\n/dev/ttyUSB0\n" {
		t.Errorf("got %q", got)
	}
}

func TestResetter_Command_FailsOrHangs_BoundedAndSaid(t *testing.T) {
	t.Parallel()
	failing, _ := script(t, "exit 3")
	hanging, _ := script(t, "sleep 60")
	for _, c := range []struct {
		command []string
		want    string
	}{{[]string{failing}, "exit status 3"}, {[]string{hanging}, "not done within"}, {[]string{"/no/such/program"}, "no such file"}} {
		from := time.Now()
		r := &Resetter{Root: discover.Under(t.TempDir()), Command: c.command, Limit: 2 * time.Second}
		if err := r.Reset(t.Context(), ResetPower, Place{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v", c.command, err)
		}
		if time.Since(from) > 30*time.Second {
			t.Errorf("%q took %v", c.command, time.Since(from))
		}
	}
}

func TestResetter_Can_ReasonAndWordsToMendIt(t *testing.T) {
	t.Parallel()
	root, file := tree(t, "1-1.4")
	at := Place{USB: "1-1.4"}
	command := &Resetter{Root: root, Command: []string{"true"}}
	for _, c := range []struct {
		r    *Resetter
		rung Rung
		at   Place
		want string
	}{
		{nil, ResetUSB, at, "not reset here"},
		{&Resetter{Root: root}, ResetPower, at, "no command"},
		{&Resetter{Root: root}, ResetUSB, Place{Node: "/dev/ttyS0"}, "not on USB"},
		{&Resetter{Root: root}, ResetUSB, Place{USB: "1-2"}, "no such file"},
		{&Resetter{Root: root}, ResetUSB, Place{USB: "../../x"}, "not exist"},
		{&Resetter{Root: root}, ResetUSB, at, ""},
		{command, ResetUSB, Place{Node: "/dev/ttyS0"}, ""},
		{command, ResetPower, Place{}, ""},
	} {
		err := c.r.Can(c.rung, c.at)
		var re *ResetError
		if c.want == "" && err != nil || c.want != "" && (!errors.As(err, &re) || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%v at %+v: %v, want %q", c.rung, c.at, err, c.want)
		}
	}
	if os.Geteuid() == 0 {
		return // root may write all
	}
	if err := os.Chmod(file, 0o444); err != nil {
		t.Fatal(err)
	}
	var re *ResetError
	if err := (&Resetter{Root: root}).Can(ResetUSB, at); !errors.As(err, &re) || !strings.Contains(err.Error(), "no permission") || re.Hint() == "" {
		t.Errorf("%v", err)
	}
}

func TestResetter_USB_OffAndOn(t *testing.T) {
	t.Parallel()
	root, file := tree(t, "1-1.4")
	r := &Resetter{Root: root, Off: 300 * time.Millisecond}
	done := make(chan error, 1)
	go func() { done <- r.Reset(t.Context(), ResetUSB, Place{USB: "1-1.4"}) }()
	within(t, "off", func() bool { word, _ := os.ReadFile(file); return strings.HasPrefix(string(word), "0") })
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if word, _ := os.ReadFile(file); !strings.HasPrefix(string(word), "1") {
		t.Errorf("left with %q", word)
	}
}
