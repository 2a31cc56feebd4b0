package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const generous = 20 * time.Second

// running is the program in this process.
type running struct {
	t     *testing.T
	stdin io.WriteCloser
	out   *bufio.Scanner
	stop  context.CancelFunc
	code  chan int
}

func start(t *testing.T, args ...string) *running {
	t.Helper()
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	ctx, cancel := context.WithTimeout(context.Background(), generous)
	r := &running{t: t, stdin: inW, out: bufio.NewScanner(outR), stop: cancel, code: make(chan int, 1)}
	go func() {
		r.code <- run(ctx, args, streams{inR, outW, outW})
		outW.Close()
	}()
	t.Cleanup(func() { inW.Close(); cancel() })
	return r
}

// line is the next line of its output.
func (r *running) line() string {
	r.t.Helper()
	if !r.out.Scan() {
		r.t.Fatal("the output ended")
	}
	return r.out.Text()
}

func (r *running) say(text string) {
	if _, err := io.WriteString(r.stdin, text+"\n"); err != nil {
		r.t.Fatal(err)
	}
}

func (r *running) end() {
	r.t.Helper()
	r.stop()
	go func() {
		for r.out.Scan() {
		}
	}()
	if code := <-r.code; code != 0 {
		r.t.Errorf("exit code %d", code)
	}
}

func TestModems_SendAndAnswer(t *testing.T) {
	dir := t.TempDir()
	r := start(t, "modems", "--count", "2", "--dir", dir, "--latency", "1ms", "--show")
	if first := r.line(); !strings.HasPrefix(first, filepath.Join(dir, "modem00")+" imei ") {
		t.Errorf("first line %q", first)
	}
	r.line()
	f, err := os.OpenFile(filepath.Join(dir, "modem00"), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	modem := bufio.NewReader(f)
	io.WriteString(f, "ATE0+CNMI=2,1\rAT+CMGS=19\r0031000B911316325476F80000A705C8329BFD06\x1a")
	if got, want := r.line(), `handset +31612345678 got "Hello" from +31655500000 in 1 segment`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	r.say("answer +31612345678 Hi there")
	for {
		text, err := modem.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(text, `+CMTI: "SM",1`) {
			break
		}
	}
	r.say("fault 7 hang")
	if got := r.line(); got != `error: no modem is called "7"` {
		t.Errorf("got %q", got)
	}
	r.line()
	r.say("submissions")
	if got := r.line(); got != "1 segments taken" {
		t.Errorf("got %q", got)
	}
	r.end()
	if left, _ := filepath.Glob(dir + "/*"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestSMSCAndESME(t *testing.T) {
	smsc := start(t, "smsc", "--listen", "smpp://127.0.0.1:0", "--user", "a=b")
	_, url, found := strings.Cut(smsc.line(), "listening on ")
	if !found {
		t.Fatal("no address")
	}
	var out, errs bytes.Buffer
	args := []string{"esme", "--connect", url, "--system-id", "a", "--password", "b", "--count", "20", "--receipts", "--json"}
	if code := run(t.Context(), args, streams{nil, &out, &errs}); code != 0 {
		t.Fatalf("code %d: %s%s", code, &out, &errs)
	}
	var sum summary
	if err := json.Unmarshal(out.Bytes(), &sum); err != nil {
		t.Fatal(err)
	}
	if sum.Accepted != 20 || sum.Receipts["DELIVERED"] != 20 {
		t.Errorf("got %+v", sum)
	}
	args[6] = "wrong"
	errs.Reset()
	if code := run(t.Context(), args, streams{nil, io.Discard, &errs}); code != 1 || !strings.HasPrefix(errs.String(), "error: ") || !strings.Contains(errs.String(), "\nhint: ") {
		t.Errorf("code %d: %s", code, &errs)
	}
	smsc.end()
}

func TestWrongCommandLines(t *testing.T) {
	for _, args := range [][]string{
		{}, {"modem"}, {"modems"}, {"modems", "--dir", t.TempDir(), "--count", "x"}, {"modems", "--dir", t.TempDir(), "--count", "0"},
		{"modems", "--dir", t.TempDir(), "--fail", "+31"}, {"modems", "--dir", "/dev/null/x"}, {"smsc", "--listen", "http://x"}, {"smsc", "--fault", "sing"}, {"esme", "--connect", "x", "--system-id", "a"},
	} {
		var errs bytes.Buffer
		if code := run(t.Context(), args, streams{strings.NewReader(""), io.Discard, &errs}); code == 0 || !strings.HasPrefix(errs.String(), "error: ") || !strings.Contains(errs.String(), "hint: ") {
			t.Errorf("%v: code %d, %q", args, code, errs.String())
		}
	}
	if code := run(t.Context(), []string{"--help"}, streams{nil, io.Discard, io.Discard}); code != 0 {
		t.Errorf("--help: code %d", code)
	}
}

func TestModems_Script_FromAFileAndTyped(t *testing.T) {
	dir := t.TempDir()
	script := filepath.Join(dir, "faults.txt")
	if err := os.WriteFile(script, []byte("# one stick goes\nat 1ms modem 1 unplug\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	r := start(t, "modems", "--count", "2", "--dir", filepath.Join(dir, "bank"), "--script", script)
	r.line()
	r.line()
	if got := r.line(); got != "script: modem 1 unplug" {
		t.Errorf("got %q", got)
	}
	r.say("at 1ms modem 0 signal 3")
	if got := r.line(); got != "script: modem 0 signal 3" {
		t.Errorf("got %q", got)
	}
	r.say("at 1ms modem 0 sing")
	if got := r.line(); got != `error: line 1: no fault is called "sing"` {
		t.Errorf("got %q", got)
	}
	r.line()
	r.say("script " + filepath.Join(dir, "none"))
	if got := r.line(); !strings.HasPrefix(got, "error: open ") {
		t.Errorf("got %q", got)
	}
	r.line()
	r.end()
}

func TestModems_ScriptWithAMistake_TellsTheLine(t *testing.T) {
	script := filepath.Join(t.TempDir(), "faults.txt")
	if err := os.WriteFile(script, []byte("\nat noon modem 1 unplug\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	var errs bytes.Buffer
	code := run(t.Context(), []string{"modems", "--dir", t.TempDir(), "--script", script}, streams{nil, io.Discard, &errs})
	if want := `faults.txt: line 2: "noon" is not a time such as 30s` + "\nhint: "; code != 1 || !strings.Contains(errs.String(), want) {
		t.Errorf("code %d: %s", code, &errs)
	}
}

func TestSMSC_Faults_FromFlagsAndTyped(t *testing.T) {
	smsc := start(t, "smsc", "--listen", "smpp://127.0.0.1:0", "--fault", "refuse 0x58 times 1")
	_, url, _ := strings.Cut(smsc.line(), "listening on ")
	esme := func(want ...string) {
		t.Helper()
		var out, errs bytes.Buffer
		run(t.Context(), []string{"esme", "--connect", url, "--system-id", "a", "--count", "2", "--json"}, streams{nil, &out, &errs})
		for _, w := range want {
			if !strings.Contains(out.String(), w) {
				t.Errorf("no %q in %s%s", w, &out, &errs)
			}
		}
	}
	esme(`"ESME_RTHROTTLED": 1`, `"ESME_ROK": 1`)
	smsc.say("fault nack 0x08")
	if got := smsc.line(); got != "fault: nack 0x08" {
		t.Errorf("got %q", got)
	}
	esme(`"ESME_RSYSERR": 2`)
	smsc.say("clear")
	smsc.line()
	esme(`"ESME_ROK": 2`)
	for line, want := range map[string]string{"fault sing": `error: no fault is called "sing"`, "sing": `error: no command is called "sing"`, "send a": "error: send USER FROM TO TEXT"} {
		smsc.say(line)
		if got := smsc.line(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		smsc.line()
	}
	smsc.say("counts")
	if got := smsc.line(); got != "3 accepted, 3 refused, 0 delivered to ESMEs, 0 receipts lost" {
		t.Errorf("got %q", got)
	}
	smsc.end()
}
