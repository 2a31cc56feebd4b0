package main

import (
	"strings"
	"testing"
	"time"

	"gsmgate/provisioning"
)

// What came from the wire cannot steer a terminal, whatever it is.
func TestPrintTrace_ControlCharacters_MadeVisible(t *testing.T) {
	at := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	var out strings.Builder
	printTrace(&out, &provisioning.Trace{
		TraceInfo: provisioning.TraceInfo{ID: "s-1", User: "ac\x1b[2Jme", Remote: "192.0.2.1:4", Started: at, Ended: &at, Reason: "lost\nsession s-2"},
		Full:      true,
		PDUs: []provisioning.TracedPDU{{
			Time: at, From: "ESME", Count: 3, Command: "submit_sm", Status: "ESME_ROK", Sequence: 7, Length: 600, Octets: strings.Repeat("1b5b324a0a", 50),
			Fields: []provisioning.TracedField{{Name: "short_message", Value: "\x1b]0;x\a\u202etxt\r\n"}, {Name: "source_addr"}},
		}},
	})
	want := `session s-1  user ac\u001b[2Jme  192.0.2.1:4  never bound  since 2026-05-01 12:00:00  until 2026-05-01 12:00:00: lost\nsession s-2
-> from the client, <- from the gateway

2026-05-01 12:00:00.000 -> submit_sm  -  sequence 7  600 octets  the last of 3
    short_message            \u001b]0;x\u0007\u202etxt\u000d\n
    source_addr              -
    00000000  1b 5b 32 4a 0a 1b 5b 32  4a 0a 1b 5b 32 4a 0a 1b  |.[2J..[2J..[2J..|
    00000010  5b 32 4a 0a 1b 5b 32 4a  0a 1b 5b 32 4a 0a 1b 5b  |[2J..[2J..[2J..[|
    00000020  32 4a 0a 1b 5b 32 4a 0a  1b 5b 32 4a 0a 1b 5b 32  |2J..[2J..[2J..[2|
    00000030  4a 0a 1b 5b 32 4a 0a 1b  5b 32 4a 0a 1b 5b 32 4a  |J..[2J..[2J..[2J|
    and 536 more
`
	if out.String() != want {
		t.Errorf("printed\n%s\nwant\n%s", out.String(), want)
	}
}

func TestPrintTrace_NothingKept_SaysWhy(t *testing.T) {
	var out strings.Builder
	printTrace(&out, &provisioning.Trace{TraceInfo: provisioning.TraceInfo{ID: "s-1", Bound: true}})
	if !strings.Contains(out.String(), "no PDUs are kept: see --smpp-trace") || !strings.Contains(out.String(), "are masked") {
		t.Errorf("printed %s", out.String())
	}
}

func TestPrintTrace_Status_OfResponses(t *testing.T) {
	for _, c := range []struct{ command, status, want string }{
		{"submit_sm", "ESME_ROK", "-"}, {"submit_sm", "ESME_RSYSERR", "ESME_RSYSERR"}, {"submit_sm_resp", "ESME_ROK", "ESME_ROK"},
		{"generic_nack", "ESME_RINVCMDID", "ESME_RINVCMDID"},
	} {
		if got := statusWord(provisioning.TracedPDU{Command: c.command, Status: c.status}); got != c.want {
			t.Errorf("%s with %s: %s", c.command, c.status, got)
		}
	}
}
