package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gsmgate/modem"
	"gsmgate/modem/discover"
)

// checkPort proves the modem at a port, as gsmgate modem check does.
func checkPort(t *testing.T, port string) *modem.CheckResult {
	t.Helper()
	finder := &modem.Finder{Root: discover.Under("/")}
	r := modem.Check(t.Context(), modem.CheckConfig{Port: port, Open: finder.Open})
	if !r.Usable() {
		t.Fatalf("findings %+v", r.Findings)
	}
	return r
}

// What modem check has recorded of a modem is a modem again, for one client after the other.
func TestReplay_WhatModemCheckRecorded_ChecksAlike(t *testing.T) {
	dir := t.TempDir()
	modems := start(t, "modems", "--dir", dir, "--latency", "1ms")
	modems.line()
	real := checkPort(t, filepath.Join(dir, "modem00"))
	modems.end()
	text, err := real.Transcript(true).MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	file, link := filepath.Join(dir, "t.txt"), filepath.Join(dir, "recorded")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	r := start(t, "replay", file, "--link", link, "--scale", "0.1")
	if got, want := r.line(), link+" plays "+file; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for range 2 {
		if played := checkPort(t, link); len(played.Findings) != len(real.Findings) {
			t.Errorf("findings %+v, of the modem itself %+v", played.Findings, real.Findings)
		}
	}
	f, err := os.OpenFile(link, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("AT+NOBODY=1\r"); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 100)
	if n, err := f.Read(buf); err != nil || !strings.Contains(string(buf[:n]), "ERROR") {
		t.Errorf("got %q, %v", buf[:n], err)
	}
	f.Close()
	r.stop()
	if got := r.line(); !strings.Contains(got, "AT+NOBODY") {
		t.Errorf("got %q", got)
	}
	r.end()
	if _, err := os.Lstat(link); err == nil {
		t.Error("the link is left behind")
	}
}

func TestReplay_NoRecording_SaysHowToMakeOne(t *testing.T) {
	file := filepath.Join(t.TempDir(), "t.txt")
	if err := os.WriteFile(file, []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	var errs strings.Builder
	code := run(t.Context(), []string{"replay", file, "--link", file + ".port"}, streams{nil, nil, &errs})
	if code != 1 || !strings.HasPrefix(errs.String(), "error: ") || !strings.Contains(errs.String(), "hint: gsmgate modem check PORT --record FILE") {
		t.Errorf("code %d: %s", code, errs.String())
	}
}
