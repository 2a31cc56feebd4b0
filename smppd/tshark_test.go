//go:build interop

package smppd

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gsmgate/smppd/smpp"
)

// TestInterop_Tshark_OpensATrace holds the trace of a session, redacted and
// not, against Wireshark's dissector, on whatever port the server listens. (10
// PDUs: a bind and its response, and four requests and theirs.)
func TestInterop_Tshark_OpensATrace(t *testing.T) {
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		t.Fatal("tshark is not installed: run make interop, which installs it from Debian")
	}
	for _, addr := range []string{"127.0.0.1:0", "[::1]:0"} {
		r := startTCPOn(t, addr, Config{}, newBackend())
		p, s := r.bound(TRX), r.session()
		for range 3 {
			p.expect(smpp.IDSubmitSMResp, smpp.StatusOK, p.send(message("31612345678")))
		}
		p.alive()
		for _, redact := range []bool{true, false} {
			var file bytes.Buffer
			if err := s.WritePCAP(&file, redact); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(t.TempDir(), "trace.pcap")
			if err := os.WriteFile(path, file.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
			// Checksums too: tshark looks at them only when told to.
			out, err := exec.Command(tshark, "-n", "-r", path, "-o", "tcp.check_checksum:TRUE", "-d", "tcp.port==1-65535,smpp", "-T", "fields",
				"-E", "separator=|", "-e", "smpp.command_id", "-e", "smpp.destination_addr", "-e", "_ws.malformed", "-e", "_ws.expert.message").Output()
			if err != nil {
				t.Fatalf("tshark: %v", err)
			}
			checkDissected(t, redact, strings.Split(strings.TrimSpace(string(out)), "\n"))
		}
	}
}

func checkDissected(t *testing.T, redact bool, lines []string) {
	t.Helper()
	const want = "0x00000009 0x80000009 0x00000004 0x80000004 0x00000004 0x80000004 0x00000004 0x80000004 0x00000015 0x80000015"
	var ids []string
	for _, line := range lines {
		f := strings.Split(line, "|")
		ids = append(ids, f[0])
		if f[2] != "" || f[3] != "" {
			t.Errorf("redact %v: tshark finds fault with %s", redact, line)
		}
		if f[0] == "0x00000004" && (f[1] == "31612345678") == redact {
			t.Errorf("redact %v: tshark shows %s", redact, line)
		}
	}
	if got := strings.Join(ids, " "); got != want {
		t.Errorf("redact %v: tshark reads %s, want %s", redact, got, want)
	}
}
