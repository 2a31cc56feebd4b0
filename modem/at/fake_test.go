package at

import (
	"context"
	"net"
	"strings"
	"testing"
	"testing/synctest"
)

// fake is the modem at the other end of a pipe. Its script answers whole commands; what it returns is written as it is.
type fake struct {
	conn   net.Conn
	script func(f *fake, command string) string
	heard  []string // commands, PDUs with "<ctrl-z>", "<esc>"; read it after the engine has ended, or in a bubble at rest
	inPDU  bool
	deaf   bool
}

func (f *fake) say(s string) {
	_, _ = f.conn.Write([]byte(s))
}

func (f *fake) run() {
	buf := make([]byte, 512)
	line := ""
	for {
		n, err := f.conn.Read(buf)
		if err != nil {
			return
		}
		for _, b := range buf[:n] {
			line = f.octet(line, b)
		}
	}
}

func (f *fake) octet(line string, b byte) string {
	switch {
	case f.deaf:
		return ""
	case b == 0x1b:
		f.inPDU = false
		f.hear("<esc>")
		return ""
	case b == 0x1a && f.inPDU:
		f.inPDU = false
		f.hear(line + "<ctrl-z>")
		return ""
	case b == '\r' && !f.inPDU:
		f.hear(line)
		return ""
	}
	return line + string(rune(b))
}

func (f *fake) hear(what string) {
	f.heard = append(f.heard, what)
	if out := f.script(f, what); out != "" {
		if strings.HasSuffix(out, ">") || strings.HasSuffix(out, "> ") {
			f.inPDU = true
		}
		f.say(out)
	}
}

// basics answers what every modem answers; "" for the rest.
func basics(command string) string {
	switch command {
	case "ATE0Q0V1", "AT", "AT+CMGF=0":
		return "\r\nOK\r\n"
	case "AT+CMEE?":
		return "\r\n+CMEE: 1\r\n\r\nOK\r\n"
	case "AT+CMGF?":
		return "\r\n+CMGF: 0\r\n\r\nOK\r\n"
	case "AT+CSMS?":
		return "\r\n+CSMS: 1,1,1,1\r\n\r\nOK\r\n"
	case "AT+CREG?":
		return "\r\n+CREG: 0,1\r\n\r\nOK\r\n"
	}
	return ""
}

type rig struct {
	*Engine
	fake *fake
	end  chan error
}

// talk runs fn in a bubble with an engine and a modem that follows the script.
func talk(t *testing.T, opt Options, script func(f *fake, command string) string, fn func(t *testing.T, r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		f := &fake{conn: theirs, script: func(f *fake, command string) string {
			if out := script(f, command); out != "" {
				return strings.TrimPrefix(out, "-")
			}
			return basics(command)
		}}
		r := &rig{Engine: New(ours, opt), fake: f, end: make(chan error, 1)}
		ctx, cancel := context.WithCancel(t.Context())
		go f.run()
		go func() { r.end <- r.Run(ctx) }()
		fn(t, r)
		cancel()
		synctest.Wait()
		select {
		case <-r.Dead():
		default:
			t.Error("the engine did not end with its context")
		}
		theirs.Close()
	})
}

// silent is a script's word for no answer at all.
const silent = "-"

// count tells how often the modem heard a command.
func (r *rig) count(command string) int {
	synctest.Wait()
	n := 0
	for _, h := range r.fake.heard {
		if h == command {
			n++
		}
	}
	return n
}

// drainURCs returns the URCs that have come, as NAME args/pdu.
func (r *rig) drainURCs() []string {
	synctest.Wait()
	var out []string
	for {
		select {
		case u := <-r.URCs():
			s := u.Name + " " + u.Args
			if u.PDU != "" {
				s += "/" + u.PDU
			}
			out = append(out, s)
		default:
			return out
		}
	}
}
