package replay

import (
	"bufio"
	"context"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"gsmgate/modem/at"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// talk runs fn in a bubble with a player of the recording; ask writes a line and gives all that comes within a simulated time.
func talk(t *testing.T, body string, scale float64, fn func(t *testing.T, p *Player, ask func(line string, wait time.Duration) string)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var tr at.Transcript
		if err := tr.UnmarshalText([]byte("gsmgate transcript 1\n\n" + body)); err != nil {
			t.Fatal(err)
		}
		p, err := New(tr, scale)
		if err != nil {
			t.Fatal(err)
		}
		conn, _ := p.Open(t.Context(), "")
		said := make(chan string, 100)
		go func() {
			defer close(said)
			for lines := bufio.NewScanner(conn); lines.Scan(); {
				if lines.Text() != "" {
					said <- lines.Text()
				}
			}
		}()
		fn(t, p, func(line string, wait time.Duration) string {
			_, _ = io.WriteString(conn, line)
			time.Sleep(wait)
			synctest.Wait()
			var all []string
			for len(said) > 0 {
				all = append(all, <-said)
			}
			return strings.Join(all, "|")
		})
		conn.Close()
		for range said {
		}
	})
}

func TestPlay_Recorded_AnsweredInOrder(t *testing.T) {
	body := "= opened\n0 < RDY\n0 > AT+CPIN?\n< +CPIN: SIM PIN\n< OK\n> AT+CSQ\n< +CSQ: 1\n< OK\n> AT+CPIN=***\n< OK\n> AT+CPIN?\n< +CPIN: READY\n< OK\n" +
		"> AT+CMGS=19\n< >\n> 0031\\x1a\n< +CDS: 25\n< 0006\n< +CMGS: 7\n< OK\n> AT+CNMI=2,1\n< +CMS ERROR: 303\n"
	talk(t, body, 0, func(t *testing.T, p *Player, ask func(string, time.Duration) string) {
		for _, c := range [][2]string{
			{"", "RDY"}, {"\x1bAT+CPIN?\r", "+CPIN: SIM PIN|OK"}, {"AT+CPIN?\r", "+CPIN: SIM PIN|OK"}, // the query is repeated
			{"at+cpin=\"9999\"\r", "OK"}, // AT+CSQ is left out
			{"AT+CPIN?\r", "+CPIN: READY|OK"}, {"AT+CSQ\r", "+CSQ: 1|OK"},
			{"AT+CNMI=2,1\r", "+CMS ERROR: 303"}, // before its time
			{"AT+CMGS=140\r", ""}, {"00FF\x1a", "> |+CDS: 25|0006|+CMGS: 7|OK"},
			{"AT+CNMI=2,1\r", "+CMS ERROR: 303"}, // once more
		} {
			if got := ask(c[0], time.Millisecond); got != c[1] {
				t.Errorf("%q: %q, want %q", c[0], got, c[1])
			}
		}
		if got := p.Problems(); len(got) > 0 {
			t.Errorf("problems %q", got)
		}
	})
}

func TestPlay_NeverRecorded_ComplainsWithoutNumbers(t *testing.T) {
	talk(t, "> AT\n< OK\n", 0, func(t *testing.T, p *Player, ask func(string, time.Duration) string) {
		if got := ask("AT+CSCA=\"+31653131313\"\r", time.Millisecond); got != "ERROR" {
			t.Errorf("answered %q", got)
		}
		if got := ask("AT\r", time.Millisecond); got != "OK" {
			t.Errorf("answered %q", got)
		}
		want := `"AT+CSCA=\"+00000000000\"" was never recorded in this session; it gets ERROR`
		if got := p.Problems(); len(got) != 1 || got[0] != want {
			t.Errorf("problems %q", got)
		}
		for range 2 * maxProblems {
			ask("AT+NEVER\r", time.Millisecond)
		}
		if n := len(p.Problems()); n != maxProblems {
			t.Errorf("%d problems are kept", n)
		}
	})
}

func TestPlay_Scaled_TimesKept(t *testing.T) {
	body := "0 > AT+CSQ\n2 < +CSQ: 1\n2 < OK\n12 < RING\n"
	talk(t, body, 0.5, func(t *testing.T, p *Player, ask func(string, time.Duration) string) {
		for _, c := range []struct {
			line string
			wait time.Duration
			want string
		}{{"AT+CSQ\r", 900 * time.Millisecond, ""}, {"", 200 * time.Millisecond, "+CSQ: 1|OK"}, {"", 4800 * time.Millisecond, ""}, {"", 200 * time.Millisecond, "RING"}} {
			if got := ask(c.line, c.wait); got != c.want {
				t.Errorf("after %q and %v: %q, want %q", c.line, c.wait, got, c.want)
			}
		}
	})
}

func TestPlay_NoAnswerRecorded_Silent(t *testing.T) {
	talk(t, "> AT+COPS?\n> AT\n< OK\n", 0, func(t *testing.T, p *Player, ask func(string, time.Duration) string) {
		if got := ask("AT+COPS?\r", time.Second); got != "" {
			t.Errorf("answered %q", got)
		}
		if got := ask("AT\r", time.Second); got != "OK" {
			t.Errorf("answered %q", got)
		}
	})
}

func TestSessions_EachConnectionTheNext_TheLastAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tr at.Transcript
		_ = tr.UnmarshalText([]byte("gsmgate transcript 1\n\n= opened\n> AT\n< one\n< OK\n= closed: EOF\n= not opened: gone\n= opened\n> AT\n< two\n< OK\n"))
		p, err := New(tr, 1)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"one", "two", "two"} {
			conn, _ := p.Open(t.Context(), "")
			_, _ = io.WriteString(conn, "AT\r")
			buf := make([]byte, 64)
			n, _ := conn.Read(buf)
			if got := strings.TrimSpace(string(buf[:n])); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			conn.Close()
			synctest.Wait()
		}
	})
	if _, err := New(at.Transcript{Entries: []at.Entry{{Way: at.Mark, Text: "not opened"}}}, 0); err == nil {
		t.Error("a recording of nothing is played")
	}
}

func TestServe_ContextEnds_NothingLeft(t *testing.T) {
	var tr at.Transcript
	_ = tr.UnmarshalText([]byte("gsmgate transcript 1\n\n> AT\n< OK\n"))
	p, _ := New(tr, 0)
	ctx, cancel := context.WithCancel(t.Context())
	conn, _ := p.Open(ctx, "")
	cancel()
	if _, err := conn.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("read gave %v", err)
	}
}
