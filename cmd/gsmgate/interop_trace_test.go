//go:build interop

package main

import (
	"context"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"gsmgate/smppd/smpp"
)

// endedTrace is the id of a session of which there is a trace, and that the
// client has ended.
func (g *gateway) endedTrace() (id string) {
	g.t.Helper()
	line := regexp.MustCompile(`(?m)^(\S+) +interop +\S+ +yes +\S+ \S+ +20\S+ \S+ +unbind from the ESME$`)
	g.eventually("the session has ended", func(context.Context) error {
		out, err := g.command("session", "trace")
		if m := line.FindStringSubmatch(out); m != nil {
			id = m[1]
			return err
		}
		return fmt.Errorf("%v: listed\n%s", err, out)
	})
	return id
}

// TestInterop_Tshark_TraceFromTheAPI_Dissected holds what the gateway kept of
// a session over TLS, of a client that we did not write, against Wireshark's
// dissector.
func TestInterop_Tshark_TraceFromTheAPI_Dissected(t *testing.T) {
	a := air(t, "--smpp-trace", "65536")
	c, in := bindGosmpp(t, a.g, "interop", "secret")
	const texts = 5
	to := map[string]bool{}
	for n := range texts {
		number, text := a.number(), fmt.Sprintf("text %d, seen on the wire", n)
		to[number] = true
		if got := <-c.submit("short", number, text); got.err != nil {
			t.Fatal(got.err)
		}
	}
	if n := len(in.wait(texts, patience, func(delivered) bool { return true })); n != texts {
		t.Fatalf("%d receipts, want %d", n, texts)
	}
	c.close()
	id := a.g.endedTrace()
	for _, full := range []bool{false, true} {
		path := filepath.Join(t.TempDir(), "trace.pcap")
		args := []string{"session", "trace", id, "--pcap", path}
		if full {
			args = append(args, "--full")
		}
		if out, err := a.g.command(args...); err != nil {
			t.Fatalf("gsmgate %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		checkTrace(t, path, full, to)
	}
}

// checkTrace wants a whole session with these recipients, who are masked
// unless full is true.
func checkTrace(t *testing.T, pcap string, full bool, to map[string]bool) {
	t.Helper()
	count := dissected(t, pcap)
	for id, want := range map[smpp.CommandID]int{
		smpp.IDBindTransceiver: 1, smpp.IDBindTransceiverResp: 1, smpp.IDSubmitSM: len(to), smpp.IDSubmitSMResp: len(to),
		smpp.IDDeliverSM: len(to), smpp.IDDeliverSMResp: len(to), smpp.IDUnbind: 1, smpp.IDUnbindResp: 1,
	} {
		if count[id] != want {
			t.Errorf("full %v: tshark counts %d of %s, there were %d", full, count[id], id, want)
		}
	}
	seen := map[string]bool{}
	for _, f := range tsharkFields(t, pcap, "smpp.command_id", "smpp.destination_addr", "smpp.message", "_ws.expert.message", "smpp.password") {
		if f[3] != "" {
			t.Errorf("full %v: tshark finds fault with %q", full, f)
		}
		if f[0] == "0x00000004" {
			seen[f[1]] = true
			if shown := strings.Contains(strings.ReplaceAll(f[2], ":", ""), hex.EncodeToString([]byte("seen on the wire"))); shown != full {
				t.Errorf("full %v: the text is %q", full, f[2])
			}
		}
		if strings.Trim(f[4], "*") != "" {
			t.Errorf("full %v: a password in %q", full, f)
		}
	}
	for number := range to {
		if seen[number] != full {
			t.Errorf("full %v: recipients %v, want %s shown only in full", full, seen, number)
		}
	}
}
