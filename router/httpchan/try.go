package httpchan

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"gsmgate/storage"
)

// Trial is what one request looked like, what came back, and what was understood.
// Secrets are ***.
type Trial struct {
	Request    string
	Status     int    // 0: there was no answer
	Answer     string // headers and body, or why there was none
	Understood Understood
}

// mostShown bounds the body of an answer that is shown.
const mostShown = 16 << 10

// Try sends a text beside the router: it is in no queue, costs nobody anything, and
// its report will be a stranger's.
func (ch *Channel) Try(ctx context.Context, from, to, text string) (t Trial, err error) {
	m := &storage.Message{Kind: storage.MT, Text: text, Dest: addressOf(to), ID: storage.ID(ch.now().UnixMilli())}
	if from != "" {
		m.Source = addressOf(from)
	}
	if m.Parts, err = ch.d.parts(m); err != nil {
		return t, err
	}
	m.Parts = m.Parts[:1]
	ch.prepare(m)
	f, ours, err := ch.request(m, 0)
	if err != nil {
		return t, bad("text", "the request cannot be made: "+err.Error(), "")
	}
	t.Request = ch.shown(f)
	r, err := ch.call(ctx, f)
	if err != nil {
		t.Answer, t.Understood = ch.mask(err.Error()), Understood{Class: Temporary, Reason: "nothing was sent"}
		if ce := (*callError)(nil); errors.As(err, &ce) && ce.left {
			t.Understood = Understood{Class: Unsure, Reason: "the message may have been sent"}
		}
		return t, nil
	}
	t.Status, t.Answer = r.status, ch.mask(r.shown())
	t.Understood = ch.d.Answer.understand(r, ours)
	t.Understood.Reason = ch.mask(t.Understood.Reason)
	return t, nil
}

// TryAnswer says what an answer would be understood as that somebody has at hand.
func (d *Description) TryAnswer(status int, header http.Header, body []byte) Understood {
	return d.Answer.understand(&response{status: status, header: header, body: body}, "OUR-ID")
}

// shown is a request as it goes out, without its secrets.
func (ch *Channel) shown(f *filled) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\n", f.method, f.url)
	header := f.header.Clone()
	if header.Get("Authorization") != "" {
		scheme, _, _ := strings.Cut(header.Get("Authorization"), " ")
		header.Set("Authorization", scheme+" ***")
	}
	writeHeader(&b, header)
	b.WriteString("\n")
	b.Write(f.body)
	text := b.String()
	if ch.base != "" {
		text = strings.ReplaceAll(text, ch.token, "***")
	}
	return strings.TrimRight(ch.mask(text), "\n")
}

func writeHeader(b *strings.Builder, header http.Header) {
	for _, name := range slices.Sorted(maps.Keys(header)) {
		for _, v := range header[name] {
			fmt.Fprintf(b, "%s: %s\n", name, v)
		}
	}
}

// shown is an answer for people.
func (r *response) shown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "HTTP %d %s\n", r.status, http.StatusText(r.status))
	for _, name := range []string{"Content-Type", "Retry-After", "Location"} {
		if v := r.header.Get(name); v != "" {
			fmt.Fprintf(&b, "%s: %s\n", name, v)
		}
	}
	b.WriteString("\n" + strings.ToValidUTF8(string(r.body[:min(len(r.body), mostShown)]), "\ufffd"))
	if r.broken != nil {
		fmt.Fprintf(&b, "\n… %v", r.broken)
	}
	return b.String()
}
