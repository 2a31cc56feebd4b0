package provisioning

import (
	"context"
	"io"
	"mime"
	"net"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// TraceInfo says of which session there is a trace: of one that is bound, that
// was, or whose binds were refused.
type TraceInfo struct {
	ID      string     `json:"id" doc:"of the session"`
	User    string     `json:"user" doc:"system_id that bound, or the last that tried to; empty when none did"`
	Remote  string     `json:"remote" doc:"address and port"`
	Bound   bool       `json:"bound" doc:"false: its binds were refused"`
	Started time.Time  `json:"started" doc:"of the connection"`
	Ended   *time.Time `json:"ended" doc:"null: it lives"`
	Reason  string     `json:"reason" doc:"why it ended"`
}

// Trace is what a session sent and received last.
type Trace struct {
	TraceInfo
	Full bool        `json:"full" doc:"false: texts and the addresses of subscribers are masked"`
	PDUs []TracedPDU `json:"pdus" doc:"the oldest first; passwords are never kept"`
}

// TracedPDU is one PDU, decoded and as it was.
type TracedPDU struct {
	Time     time.Time     `json:"time" doc:"with count above 1, of the last of them"`
	From     string        `json:"from" enum:"ESME,SMSC" doc:"ESME: the client; SMSC: the gateway"`
	Count    int           `json:"count" doc:"more than 1: so many enquire_link, or responses, with nothing between them"`
	Command  string        `json:"command" example:"submit_sm"`
	Status   string        `json:"status" example:"ESME_ROK" doc:"command_status, which only a response has"`
	Sequence uint32        `json:"sequence"`
	Length   int           `json:"length" doc:"octets that were sent; more than those in octets when it is kept in part"`
	Fields   []TracedField `json:"fields"`
	Octets   string        `json:"octets" doc:"hexadecimal, with the header"`
}

// TracedField is one field after the header.
type TracedField struct {
	Name  string `json:"name" example:"destination_addr"`
	Value string `json:"value" doc:"text as it is, else hexadecimal; rest: what cannot be told apart"`
}

// TraceFilter is exported for huma, which fills in no others.
type TraceFilter struct {
	ID   string `path:"id" doc:"id of a session"`
	Full bool   `query:"full" doc:"show texts and the addresses of subscribers; that this was asked for is logged"`
}

// pcapType is the registered media type of classic pcap.
const pcapType = "application/vnd.tcpdump.pcap"

func (a *API) traces(context.Context, *none) ([]TraceInfo, error) { return call(a.Traces), nil }

func noTrace() *Problem {
	return problem(http.StatusNotFound, "id", "no trace of such a session", "gsmgate session trace lists those that are kept")
}

func (a *API) trace(ctx context.Context, in *TraceFilter) (Trace, error) {
	if a.Trace == nil {
		return Trace{}, noTrace()
	}
	t, ok := a.Trace(in.ID, in.Full)
	if !ok {
		return Trace{}, noTrace()
	}
	a.noteFull(ctx, in, "json")
	return t, nil
}

// tracePCAP gives the trace as a file that is written while it is read.
func (a *API) tracePCAP(ctx context.Context, in *TraceFilter) (download, error) {
	if a.TracePCAP == nil {
		return download{}, noTrace()
	}
	write, ok := a.TracePCAP(in.ID, in.Full)
	if !ok {
		return download{}, noTrace()
	}
	a.noteFull(ctx, in, "pcap")
	return download{name: "gsmgate-" + in.ID + ".pcap", write: write}, nil
}

// noteFull logs that somebody sees what is hidden from others, and not what.
func (a *API) noteFull(ctx context.Context, in *TraceFilter, form string) {
	if in.Full {
		a.Log.Info("a trace is shown with texts and numbers", "session", in.ID, "form", form, "listener", listenerOf(ctx))
	}
}

// listenerOf is the kind of listener that a request came by, with the address
// of one that others than this host's users may reach.
func listenerOf(ctx context.Context) string {
	at, ok := ctx.Value(http.LocalAddrContextKey).(net.Addr)
	switch {
	case !ok:
		return "none"
	case at.Network() == "unix":
		return "unix"
	}
	return at.Network() + " " + at.String()
}

// download is an answer that is a file.
type download struct {
	name  string
	write func(io.Writer) error
}

// file registers a handler whose answer is a file of the media type.
func file[I any](a *API, path, mediaType, summary string, handle func(context.Context, *I) (download, error)) {
	op := huma.Operation{
		OperationID: huma.GenerateOperationID(http.MethodGet, path, new(download)), Summary: summary,
		Method: http.MethodGet, Path: path, MaxBodyBytes: maxBody,
		Responses: map[string]*huma.Response{
			"200": {
				Description: "the file",
				Headers:     map[string]*huma.Param{"Content-Disposition": {Description: "has its name", Schema: &huma.Schema{Type: "string"}}},
				Content:     map[string]*huma.MediaType{mediaType: {Schema: &huma.Schema{Type: "string", Format: "binary"}}},
			},
			"default": a.problemResponse(),
		},
	}
	huma.Register(a.huma, op, func(ctx context.Context, in *I) (*huma.StreamResponse, error) {
		d, err := handle(ctx, in)
		if err != nil {
			return nil, problemOf(a.Log, err)
		}
		return &huma.StreamResponse{Body: func(ctx huma.Context) { d.send(ctx, mediaType) }}, nil
	})
}

// send writes the answer. One that breaks off must not look whole.
func (d download) send(ctx huma.Context, mediaType string) {
	ctx.SetHeader("Content-Type", mediaType)
	ctx.SetHeader("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": d.name}))
	ctx.SetStatus(http.StatusOK)
	if d.write(ctx.BodyWriter()) != nil {
		panic(http.ErrAbortHandler)
	}
}
