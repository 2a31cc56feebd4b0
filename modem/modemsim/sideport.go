package modemsim

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"time"
)

// Side is what one of the further ports of a stick does. The port of the modem itself is the one that brings URCs.
type Side int

const (
	Mute  Side = iota // takes octets and says nothing: a port for diagnosis
	NMEA              // says where it is all the time, and hears nothing
	Bare              // answers AT and who it is, and refuses all that is about messages
	Twin              // answers AT and the questions about messages, and brings no URC
	Hasty             // is gone as soon as something is written to it
)

// SidePort is a further port of a modem.
type SidePort struct {
	side Side
	imei string
	path string

	mu   sync.Mutex
	seen []string // lines from the client, the last of them
}

// OpenSide opens a further port of the modem, a link beside its own, that answers until ctx is done; wait returns when it is gone.
func (m *Modem) OpenSide(ctx context.Context, number int, side Side) (s *SidePort, wait func(), err error) {
	p, err := openPTY()
	if err != nil {
		return nil, nil, err
	}
	s = &SidePort{side: side, imei: m.cfg.IMEI, path: fmt.Sprintf("%s.%d", m.path, number)}
	if err := link(s.path, p.name); err != nil {
		p.close()
		return nil, nil, err
	}
	var all sync.WaitGroup
	inputs := make(chan chunk, 4)
	all.Go(func() { p.serve(ctx, inputs) })
	all.Go(func() {
		defer p.close()
		defer unlink(s.path, p.name)
		s.run(ctx, p, inputs)
	})
	return s, all.Wait, nil
}

// Path is the link to its pty.
func (s *SidePort) Path() string { return s.path }

// Seen are the last lines that it was sent.
func (s *SidePort) Seen() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.seen...)
}

func (s *SidePort) run(ctx context.Context, p *ptyPort, inputs <-chan chunk) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	var line []byte
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if s.side == NMEA {
				p.write([]byte("$GPGGA,120000,5222.0,N,00453.0,E,1,08,0.9,5.0,M,,,,*47\r\n"))
			}
		case c := <-inputs:
			c.taken()
			if c.err != nil || s.side == Hasty && len(c.data) > 0 {
				return
			}
			line = s.take(p, append(line, c.data...))
		}
	}
}

// take answers the whole lines and returns the rest.
func (s *SidePort) take(p *ptyPort, got []byte) []byte {
	for {
		text, rest, whole := bytes.Cut(got, []byte("\r"))
		if !whole {
			return got[max(0, len(got)-maxLine):]
		}
		got = rest
		command := strings.Trim(string(text), "\n\x1b\x00 ")
		s.mu.Lock()
		s.seen = append(s.seen[max(0, len(s.seen)-transcriptSize):], command)
		s.mu.Unlock()
		if answer := s.answer(strings.ToUpper(command)); answer != "" {
			p.write([]byte(answer))
		}
	}
}

func (s *SidePort) answer(command string) string {
	if s.side == Mute || s.side == NMEA || !strings.HasPrefix(command, "AT") {
		return ""
	}
	info := map[string]string{"AT+CGMI": "gsmgate", "AT+CGMM": "SIM-1", "AT+CGSN": s.imei, "AT+CMEE?": "+CMEE: 0", "AT+CSQ": "+CSQ: 20,99",
		"AT+CREG?": "+CREG: 0,1"}
	if s.side == Twin {
		info["AT+CNMI=?"], info["AT+CMGF?"] = "+CNMI: (0-2),(0-3),(0,2),(0-2),(0,1)", "+CMGF: 0"
		info["AT+CPMS?"], info["AT+CMGF=?"] = `+CPMS: "SM",0,50,"SM",0,50,"SM",0,50`, "+CMGF: (0,1)"
	}
	line, known := info[command]
	switch {
	case known:
		return "\r\n" + line + "\r\n\r\nOK\r\n"
	case s.side == Bare && (strings.Contains(command, "+CNMI") || strings.Contains(command, "+CMG") || strings.Contains(command, "+CPMS")):
		return "\r\nERROR\r\n"
	case strings.HasSuffix(command, "?"):
		return "\r\nERROR\r\n"
	}
	return "\r\nOK\r\n"
}
