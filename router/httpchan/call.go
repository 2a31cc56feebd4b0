package httpchan

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
)

// counted is a connection that knows how much was written to it.
type counted struct {
	net.Conn
	written atomic.Int64
}

func (c *counted) Write(p []byte) (int, error) {
	c.written.Add(int64(len(p))) // before: who looks meanwhile must not think that nothing left
	return c.Conn.Write(p)
}

// writtenTo is how much was written to a connection of net/http; -1 for none.
func writtenTo(conn net.Conn) int64 {
	for t, ok := conn.(*tls.Conn); ok; t, ok = conn.(*tls.Conn) { // one more where a proxy speaks TLS
		conn = t.NetConn()
	}
	if c, ok := conn.(*counted); ok {
		return c.written.Load()
	}
	return -1
}

// departure watches whether a request has left.
type departure struct {
	conn atomic.Pointer[net.Conn]
	from atomic.Int64
}

func (d *departure) trace(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) {
		d.from.Store(writtenTo(i.Conn))
		d.conn.Store(&i.Conn)
	}})
}

// left says whether an octet of the request may have reached the provider.
func (d *departure) left() bool {
	conn := d.conn.Load()
	if conn == nil {
		return false
	}
	now := writtenTo(*conn)
	return now < 0 || now != d.from.Load()
}

// callError is a request without an answer.
type callError struct {
	left bool // an octet of it went out
	err  error
}

func (e *callError) Error() string { return e.err.Error() }
func (e *callError) Unwrap() error { return e.err }

// call asks, and waits for so long as an answer may take.
func (s *settings) call(ctx context.Context, f *filled) (*response, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, s.timeout, errNoAnswer)
	defer cancel()
	return s.exchange(ctx, f)
}

// exchange sends a request and reads the answer. The error is a *callError.
func (s *settings) exchange(ctx context.Context, f *filled) (*response, error) {
	var gone departure
	r, err := f.request(gone.trace(ctx))
	if err != nil {
		return nil, &callError{false, err}
	}
	resp, err := s.client.Do(r)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		return nil, &callError{gone.left(), s.hidden(err)}
	}
	defer resp.Body.Close()
	return receive(resp), nil
}

func receive(resp *http.Response) *response {
	out := &response{status: resp.StatusCode, header: resp.Header}
	out.body, out.broken = io.ReadAll(io.LimitReader(resp.Body, mostReply+1))
	if out.broken == nil && len(out.body) > mostReply {
		out.body, out.broken = out.body[:mostReply], fmt.Errorf("more than %d octets", mostReply)
	}
	return out
}

// hidden is an error without the URL that it repeats: the query may have a secret.
func (s *settings) hidden(err error) error {
	var ue *url.Error
	if errors.As(err, &ue) {
		err = ue.Err
	}
	if text := err.Error(); s.mask(text) != text {
		return errors.New(s.mask(text))
	}
	return err
}
