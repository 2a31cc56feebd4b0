package provisioning_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"gsmgate/provisioning"
	"gsmgate/provisioning/client"
	"gsmgate/router"
	"gsmgate/storage/storagetest"
)

// transcribing is an API with one modem, at /dev/a b, and its log.
func transcribing(t *testing.T) (*provisioning.API, *client.Client, *bytes.Buffer) {
	t.Helper()
	log := &bytes.Buffer{}
	api := provisioning.New(provisioning.Config{
		Router: router.New(storagetest.Open(t), router.Options{}), Log: slog.New(slog.NewTextHandler(log, nil)),
		Transcript: func(id string, full bool) (provisioning.Transcript, []byte, bool) {
			tr := provisioning.Transcript{Path: id, Redacted: !full, Lines: []provisioning.TranscriptLine{{At: time.Unix(0, 0).UTC(), Way: ">", Text: "AT"}}}
			return tr, []byte("the file of " + id), id == "/dev/a b"
		},
	})
	return api, client.Local(api), log
}

func TestTranscript_FullAndNot_GivenAndLogged(t *testing.T) {
	_, c, log := transcribing(t)
	tr, err := c.Transcript(t.Context(), "/dev/a b", false)
	if err != nil || tr.Path != "/dev/a b" || !tr.Redacted || len(tr.Lines) != 1 || log.Len() > 0 {
		t.Errorf("%+v, %v, log %s", tr, err, log)
	}
	text, err := c.TranscriptText(t.Context(), "/dev/a b", false)
	if err != nil || string(text) != "the file of /dev/a b" || log.Len() > 0 {
		t.Errorf("%q, %v, log %s", text, err, log)
	}
	for range 2 {
		if tr, err = c.Transcript(t.Context(), "/dev/a b", true); err != nil || tr.Redacted {
			t.Errorf("%+v, %v", tr, err)
		}
		if _, err = c.TranscriptText(t.Context(), "/dev/a b", true); err != nil {
			t.Error(err)
		}
	}
	if n := strings.Count(log.String(), `modem="/dev/a b"`); n != 4 {
		t.Errorf("logged %d times: %s", n, log)
	}
}

func TestTranscript_NoSuchModem_404(t *testing.T) {
	api, c, log := transcribing(t)
	for _, path := range []string{"/v1/modems/none/transcript", "/v1/modems/none/transcript.txt?full=true"} {
		if status, _, raw := do(t, api, "GET", path, ""); status != 404 || !strings.Contains(string(raw), "no such modem") {
			t.Errorf("%s: %d %s", path, status, raw)
		}
	}
	if _, err := c.TranscriptText(t.Context(), "none", false); err == nil || err.Error() != "no such modem" {
		t.Errorf("got %v", err)
	}
	if log.Len() > 0 {
		t.Errorf("logged: %s", log)
	}
	if status, _, _ := do(t, api, "GET", "/v1/modems/x/transcript?full=maybe", ""); status != 422 {
		t.Errorf("full=maybe: %d", status)
	}
}
