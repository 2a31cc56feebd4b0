package smppd

import (
	"bytes"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gsmgate/smppd/smpp"
)

// journal is a log that may be read while it is written.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer // under mu
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(b)
}

// count is how many lines have these words.
func (j *journal) count(words string) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Count(j.text.String(), words)
}

// want fails the test where another number of lines has the words.
func (j *journal) want(t *testing.T, lines map[string]int) {
	t.Helper()
	for words, n := range lines {
		if got := j.count(words); got != n {
			t.Errorf("%d lines have %s, want %d", got, words, n)
		}
	}
}

func logged(t *testing.T, l net.Listener, dial func() net.Conn) (*running, *journal) {
	t.Helper()
	j := &journal{}
	return startLogged(t, Config{}, newBackend(), l, dial, slog.New(slog.NewTextHandler(j, nil))), j
}

// refusedOnce binds with a wrong password and lets the connection go.
func refusedOnce(r *running) {
	r.t.Helper()
	p, wrong := r.connect(), bindPDU(TRX)
	wrong.Password = "wrong"
	p.expect(smpp.IDBindTransceiverResp, smpp.StatusBindFail, p.send(wrong))
	p.conn.Close()
	synctest.Wait()
}

func TestLog_FloodOfRefusedBinds_TenLinesThenTheirNumber(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newPipeListener()
		r, log := logged(t, l, dialPipe(l))
		defer r.stop()
		for range 100 {
			refusedOnce(r)
		}
		log.want(t, map[string]int{"bind refused": 10, "session ended": 10, "more": 0})
		time.Sleep(strangersTold + time.Second)
		log.want(t, map[string]int{
			`msg="more binds were refused" count=90`: 1, `msg="more connections ended that had not bound" count=90`: 1, "more": 2,
		})
		refusedOnce(r) // calm again: told at once
		time.Sleep(time.Minute)
		log.want(t, map[string]int{"bind refused": 11, "session ended": 11, "more": 2})
	})
}

func TestLog_FloodOfTenMinutes_BoundedAndToldMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newPipeListener()
		r, log := logged(t, l, dialPipe(l))
		defer r.stop()
		for range 600 * 4 {
			refusedOnce(r)
			time.Sleep(time.Second / 4)
		}
		if n := log.count("bind refused"); n < 600 || n > 600+strangersAtOnce {
			t.Errorf("%d lines in 10 minutes, want one a second", n)
		}
		if n := log.count("more binds were refused"); n < 55 || n > 60 {
			t.Errorf("their number was told %d times, want every 10 s", n)
		}
	})
}

// Those of sessions that were bound are all there, also amid a flood.
func TestLog_BoundSessions_EachLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newPipeListener()
		r, log := logged(t, l, dialPipe(l))
		defer r.stop()
		for range 30 {
			refusedOnce(r)
			p := r.bound(TRX)
			p.expect(smpp.IDUnbindResp, smpp.StatusOK, p.send(&smpp.Unbind{}))
			p.expectEnd()
			synctest.Wait()
		}
		log.want(t, map[string]int{`reason="unbind from the ESME"`: 30, "msg=bound": 30, `msg="session ended"`: 40})
	})
}

func TestLog_FailedHandshakes_TheirNumberToldAtTheStop(t *testing.T) {
	cert := mustCert(t, t.TempDir(), "", "", discardLog())
	synctest.Test(t, func(t *testing.T) {
		l := newPipeListener()
		dial := dialPipe(l)
		r, log := logged(t, tls.NewListener(l, cert.TLSConfig()), dial)
		for range 25 {
			c := dial()
			if _, err := c.Write([]byte("GET / HTTP/1.1\r\n\r\n")); err != nil {
				t.Error(err)
			}
			_, _ = io.Copy(io.Discard, c)
			c.Close()
			synctest.Wait()
		}
		r.stop()
		log.want(t, map[string]int{"TLS handshake failed": 10, `msg="more TLS handshakes failed" count=15`: 1})
	})
}
