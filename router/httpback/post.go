package httpback

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"

	"gsmgate/storage"
)

const (
	dialPatience  = 10 * time.Second
	idlePatience  = 30 * time.Second
	drainPatience = time.Second // for the rest of an answer whose status is known
	maxHeader     = 64 << 10    // octets of an answer's header
	maxAnswer     = 64 << 10    // octets of its body that are read, so that the connection can be used again
)

// newClient makes what posts for one user: its connections are nobody else's.
func (c *Config) newClient(window int) *http.Client {
	dial := c.Dial
	if dial == nil {
		dial = (&net.Dialer{Timeout: dialPatience}).DialContext
	}
	return &http.Client{
		Transport: &http.Transport{
			DialContext: dial, TLSClientConfig: &tls.Config{RootCAs: c.RootCAs, MinVersion: tls.VersionTLS12}, TLSHandshakeTimeout: dialPatience,
			MaxConnsPerHost: window, MaxIdleConnsPerHost: window, IdleConnTimeout: idlePatience,
			MaxResponseHeaderBytes: maxHeader, DisableCompression: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// letter is one try to post an event.
type letter struct {
	to      string
	secret  storage.Secret
	key     string
	attempt int
	body    []byte
	keep    int // octets of the answer's body that are wanted
}

// errPost is a post without an answer.
type errPost struct {
	reached bool // it may have come to the receiver
	err     error
}

func (e *errPost) Error() string { return e.err.Error() }
func (e *errPost) Unwrap() error { return e.err }

// post gives the answer, or an *errPost.
func (ch *Channel) post(ctx context.Context, client *http.Client, l *letter) (*answer, error) {
	ctx, cancel := context.WithTimeout(ctx, ch.Patience)
	defer cancel()
	var reached atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { reached.Store(true) }})
	req, err := l.request(ctx, ch.Agent)
	if err != nil {
		return nil, &errPost{false, err}
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, &errPost{reached.Load(), ch.plain(ctx, err)}
	}
	defer resp.Body.Close()
	a := &answer{status: resp.StatusCode, retry: retryAfter(resp.Header.Get("Retry-After"), time.Now())}
	// What the receiver still says changes nothing.
	defer time.AfterFunc(drainPatience, cancel).Stop()
	a.begin, _ = io.ReadAll(io.LimitReader(resp.Body, int64(l.keep)))
	_, _ = io.CopyN(io.Discard, resp.Body, maxAnswer)
	return a, nil
}

func (l *letter) request(ctx context.Context, agent string) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, l.to, bytes.NewReader(l.body))
	if err != nil {
		return nil, errors.New("the URL cannot be used")
	}
	at := timestamp(time.Now())
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", agent)
	req.Header.Set(headerKey, l.key)
	req.Header.Set(headerAttempt, strconv.Itoa(l.attempt))
	req.Header.Set(headerTimestamp, at)
	if l.secret != "" {
		req.Header.Set(headerSignature, signature(l.secret, at, l.body))
	}
	return req, nil
}

// plain is an error without the URL, which may hold what nobody else is to know.
func (ch *Channel) plain(ctx context.Context, err error) error {
	var ue *url.Error
	if errors.As(err, &ue) {
		err = ue.Err
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("no answer within %s", ch.Patience)
	}
	return err
}
