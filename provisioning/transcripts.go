package provisioning

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// Transcript is what was said to a modem and by it lately.
type Transcript struct {
	Modem    string    `json:"modem" doc:"maker and model; empty before it has told them"`
	Firmware string    `json:"firmware"`
	Path     string    `json:"path"`
	IMEI     string    `json:"imei" doc:"its serial number is zeros when redacted"`
	Recorded time.Time `json:"recorded" doc:"when the first line was"`
	Redacted bool      `json:"redacted" doc:"letters are x and digits 0 in texts and numbers"`

	Lines []TranscriptLine `json:"lines" doc:"oldest first"`
}

// TranscriptLine is one line.
type TranscriptLine struct {
	At   time.Time `json:"at"`
	Way  string    `json:"way" enum:">,<,=" doc:"to the modem, from it, or a border of two sessions"`
	Text string    `json:"text"`
}

// ByModem is exported for huma, which fills in no others.
type ByModem struct {
	ID   string `path:"id" doc:"IMEI, or path with / as %2F, or the last part of the path"`
	Full bool   `query:"full" doc:"with texts and numbers; this is logged"`
}

// transcript finds a modem, and says in the log who looks at texts.
func (a *API) transcriptOf(in *ByModem) (t Transcript, text []byte, err error) {
	id := in.ID
	if raw, err := url.PathUnescape(id); err == nil {
		id = raw
	}
	ok := false
	if a.Transcript != nil {
		t, text, ok = a.Transcript(id, in.Full)
	}
	if !ok {
		return t, nil, problem(http.StatusNotFound, "id", "no such modem", "use its IMEI or its path; gsmgate status shows them")
	}
	if in.Full {
		a.Log.Warn("the transcript of a modem was read with texts and numbers", "modem", t.Path, "lines", len(t.Lines))
	}
	return t, text, nil
}

func (a *API) transcript(_ context.Context, in *ByModem) (Transcript, error) {
	t, _, err := a.transcriptOf(in)
	return t, err
}

// plainText is an answer that is no JSON.
type plainText struct {
	ContentType string `header:"Content-Type"`
	Body        []byte
}

// routeTranscriptText offers the file that people and simulators read.
func (a *API) routeTranscriptText() {
	op := huma.Operation{
		OperationID: "get-modem-transcript-text", Summary: "the same as a file that a person can read and a simulator can play",
		Method: http.MethodGet, Path: "/v1/modems/{id}/transcript.txt", DefaultStatus: http.StatusOK,
		Responses: map[string]*huma.Response{
			"200":     {Description: "OK", Content: map[string]*huma.MediaType{"text/plain": {Schema: &huma.Schema{Type: huma.TypeString}}}},
			"default": a.problemResponse(),
		},
	}
	huma.Register(a.huma, op, func(_ context.Context, in *ByModem) (*plainText, error) {
		_, text, err := a.transcriptOf(in)
		if err != nil {
			return nil, problemOf(a.Log, err)
		}
		return &plainText{"text/plain; charset=us-ascii", text}, nil
	})
}
