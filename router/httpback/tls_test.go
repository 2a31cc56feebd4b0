package httpback

import (
	"crypto/x509"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"gsmgate/router"
	"gsmgate/storage/storagetest"
)

// Over real TLS: a certificate that nobody vouches for, and one for another host,
// get nothing.
func TestPost_TLS_VerifiedOrNothing(t *testing.T) {
	r := &receiver{}
	server := httptest.NewUnstartedServer(r)
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	server.StartTLS()
	defer server.Close()
	known := x509.NewCertPool()
	known.AddCert(server.Certificate())
	elsewhere := strings.Replace(server.URL, "127.0.0.1", "127.0.0.2", 1)
	for _, c := range []struct {
		name, url string
		roots     *x509.CertPool
		want      string
	}{
		{"known", server.URL, known, ""},
		{"unknown", server.URL, x509.NewCertPool(), "certificate signed by unknown authority"},
		{"another host", elsewhere, known, "127.0.0.2"},
		{"no TLS there", strings.Replace(server.URL, "https", "http", 1), known, ""},
	} {
		ch := New(Config{Router: router.New(storagetest.Open(t), router.Options{}), RootCAs: c.roots, Patience: 10 * time.Second})
		client := ch.newClient(1)
		a, err := ch.post(t.Context(), client, &letter{to: c.url, key: "k", body: []byte("{}")})
		client.CloseIdleConnections()
		switch {
		case c.name == "no TLS there":
			if err != nil || a.status != http.StatusBadRequest {
				t.Errorf("%s: %v, %v", c.name, a, err)
			}
		case c.want == "":
			if err != nil || a.status != http.StatusOK {
				t.Errorf("%s: %v, %v", c.name, a, err)
			}
		case err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "https://"):
			t.Errorf("%s: %v, %v", c.name, a, err)
		default:
			if err := unanswered(err); !strings.HasPrefix(err.Error(), "refused for now: nothing was posted to the callback: ") {
				t.Errorf("%s: %v", c.name, err)
			}
		}
	}
	if n := len(r.posts()); n != 1 {
		t.Errorf("%d came", n)
	}
}

// A receiver that takes an event and answers nothing that is HTTP.
func TestPost_NoHTTPThere_OutcomeUnknown(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if conn, _, err := w.(http.Hijacker).Hijack(); err == nil {
			_, _ = io.WriteString(conn, "220 mail.example ESMTP\r\n")
			_ = conn.Close()
		}
	}))
	defer server.Close()
	ch := New(Config{Router: router.New(storagetest.Open(t), router.Options{})})
	client := ch.newClient(1)
	defer client.CloseIdleConnections()
	_, err := ch.post(t.Context(), client, &letter{to: server.URL, key: "k", body: []byte("{}")})
	if err == nil || !strings.HasPrefix(unanswered(err).Error(), "outcome unknown: the callback did not answer: ") {
		t.Errorf("%v", err)
	}
}
