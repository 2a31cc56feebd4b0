package modem

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"sync/atomic"
	"time"
)

// Telnet commands and options.                                                             [RFC 854] [RFC 856] [RFC 858] [RFC 2217]
const (
	telnetSE   = 240
	telnetSB   = 250
	telnetWill = 251
	telnetWont = 252
	telnetDo   = 253
	telnetDont = 254
	telnetIAC  = 255

	optBinary  = 0
	optSGA     = 3
	optComPort = 44

	comBaud     = 1 // the server's answers have 100 more        [RFC 2217 3]
	comDataSize = 2
	comParity   = 3
	comStopSize = 4
	comControl  = 5
	comServer   = 100
)

// Bounds of what a server can make us keep and say.
const (
	maxSub     = 64   // octets of a subnegotiation; of a longer one the rest is dropped
	maxReplies = 4096 // octets of answers to its wishes, over the life of a connection
)

// errTelnetLoop says that a server goes on asking for what was refused.
var errTelnetLoop = errors.New("the server negotiates without end")

// telnetDecoder takes the commands out of what a server sends. It does no I/O.
type telnetDecoder struct {
	state   func(d *telnetDecoder, c byte, out []byte) []byte
	command byte   // WILL, WONT, DO, DONT
	sub     []byte // of a subnegotiation
	cr      bool   // the last octet was CR, and the line is not binary

	offered          [256]bool // we said WILL, unasked or as an answer
	asked            [256]bool // we said DO
	refused          [256]bool // we have said no to this option once
	us               [256]bool // we do
	them             [256]bool // they do
	usSaid, themSaid bool      // they have answered whether we and they are binary

	replies []byte // to be sent
	sent    int    // octets of replies so far
	denied  bool   // the server does not know COM-PORT-OPTION
	answers map[byte]uint32
}

func newTelnetDecoder() *telnetDecoder {
	return &telnetDecoder{state: (*telnetDecoder).data, answers: map[byte]uint32{}}
}

// feed appends to out the data among the octets.
func (d *telnetDecoder) feed(in, out []byte) []byte {
	for _, c := range in {
		out = d.state(d, c, out)
	}
	return out
}

func (d *telnetDecoder) data(c byte, out []byte) []byte {
	if c == telnetIAC {
		d.state = (*telnetDecoder).iac
		return out
	}
	afterCR := d.cr
	d.cr = c == '\r' && !d.them[optBinary]
	if afterCR && c == 0 { // CR NUL is CR where the line is not binary [RFC 854]
		return out
	}
	return append(out, c)
}

func (d *telnetDecoder) iac(c byte, out []byte) []byte {
	d.state = (*telnetDecoder).data
	switch c {
	case telnetIAC:
		d.cr = false
		return append(out, c)
	case telnetWill, telnetWont, telnetDo, telnetDont:
		d.command, d.state = c, (*telnetDecoder).option
	case telnetSB:
		d.sub, d.state = d.sub[:0], (*telnetDecoder).inside
	}
	return out
}

// option answers a wish, so that no two sides answer each other for ever.                                            [RFC 1143]
func (d *telnetDecoder) option(c byte, out []byte) []byte {
	d.state = (*telnetDecoder).data
	known := c == optBinary || c == optSGA
	if c == optBinary {
		d.usSaid = d.usSaid || d.command == telnetDo || d.command == telnetDont
		d.themSaid = d.themSaid || d.command == telnetWill || d.command == telnetWont
	}
	switch d.command {
	case telnetWill:
		d.wish(c, known, &d.them, &d.asked, telnetDo, telnetDont)
	case telnetDo:
		before := d.us[optComPort]
		d.wish(c, known || c == optComPort, &d.us, &d.offered, telnetWill, telnetWont)
		if c == optComPort && !before {
			d.denied = false
		}
	case telnetWont:
		d.end(c, &d.them, &d.asked, telnetDont)
	case telnetDont:
		d.denied = d.denied || c == optComPort
		d.end(c, &d.us, &d.offered, telnetWont)
	}
	return out
}

// wish takes WILL or DO: it agrees to what is known, and says no once to the rest.
func (d *telnetDecoder) wish(c byte, known bool, on, said *[256]bool, yes, no byte) {
	switch {
	case known && !on[c]:
		on[c] = true
		if !said[c] {
			said[c] = true
			d.reply(telnetIAC, yes, c)
		}
	case !known && !d.refused[c]:
		d.refused[c] = true
		d.reply(telnetIAC, no, c)
	}
}

// end takes WONT or DONT.
func (d *telnetDecoder) end(c byte, on, said *[256]bool, no byte) {
	was := on[c]
	on[c], said[c] = false, false
	if was {
		d.reply(telnetIAC, no, c)
	}
}

func (d *telnetDecoder) reply(octets ...byte) {
	if d.sent += len(octets); d.sent <= maxReplies {
		d.replies = append(d.replies, octets...)
	}
}

func (d *telnetDecoder) inside(c byte, out []byte) []byte {
	if c == telnetIAC {
		d.state = (*telnetDecoder).insideIAC
		return out
	}
	return d.keep(c, out)
}

func (d *telnetDecoder) keep(c byte, out []byte) []byte {
	if len(d.sub) < maxSub {
		d.sub = append(d.sub, c)
	}
	d.state = (*telnetDecoder).inside
	return out
}

func (d *telnetDecoder) insideIAC(c byte, out []byte) []byte {
	if c == telnetIAC {
		return d.keep(c, out)
	}
	d.state = (*telnetDecoder).data
	if c == telnetSE {
		d.answered()
		return out
	}
	return d.iac(c, out) // the end was lost
}

// answered takes what the server has set; states of line and modem are of no use here.                            [RFC 2217 3]
func (d *telnetDecoder) answered() {
	if len(d.sub) < 3 || d.sub[0] != optComPort || d.sub[1] <= comServer {
		return
	}
	value := d.sub[2:]
	switch what := d.sub[1] - comServer; {
	case what == comBaud && len(value) >= 4:
		d.answers[what] = binary.BigEndian.Uint32(value)
	case what >= comDataSize && what <= comStopSize:
		d.answers[what] = uint32(value[0])
	}
}

// setting is a wish of ours with the value that the server has to answer.
type setting struct {
	what  byte
	value uint32
}

// settings are 8 bits, no parity, one stop bit.
func settings(speed uint32) []setting {
	return []setting{{comBaud, speed}, {comDataSize, 8}, {comParity, 1}, {comStopSize, 1}}
}

// request is the wish for a setting.
func (s setting) request() []byte {
	value := []byte{byte(s.value)}
	if s.what == comBaud {
		value = binary.BigEndian.AppendUint32(nil, s.value)
	}
	out := []byte{telnetIAC, telnetSB, optComPort, s.what}
	return append(escapeIAC(out, value), telnetIAC, telnetSE)
}

// escapeIAC appends octets with each IAC twice.
func escapeIAC(out, in []byte) []byte {
	for _, c := range in {
		if out = append(out, c); c == telnetIAC {
			out = append(out, telnetIAC)
		}
	}
	return out
}

// telnet is the port of a device server.
type telnet struct {
	net.Conn
	dec     *telnetDecoder // touched by negotiate, then by the reader
	early   []byte         // data that came while negotiating; touched likewise
	in, out []byte         // scratch of the reader
	binary  atomic.Bool    // we may send octets as they are
}

func newTelnet(conn net.Conn) *telnet {
	return &telnet{Conn: conn, dec: newTelnetDecoder(), in: make([]byte, 1024)}
}

// negotiatePatience is how long a server may take to agree.
const negotiatePatience = 3 * time.Second

// negotiate agrees on a binary line and sets it. A server that refuses to have it set keeps it as it is; one that answers nothing, or sets
// something else, is an error.
func (t *telnet) negotiate(speed uint32) error {
	if err := t.SetDeadline(time.Now().Add(negotiatePatience)); err != nil {
		return err
	}
	hello := []byte{telnetIAC, telnetWill, optComPort}
	for _, option := range []byte{optBinary, optSGA} {
		hello = append(hello, telnetIAC, telnetWill, option, telnetIAC, telnetDo, option)
		t.dec.offered[option], t.dec.asked[option] = true, true
	}
	t.dec.offered[optComPort] = true
	if _, err := t.Conn.Write(hello); err != nil {
		return err
	}
	asked := false
	for !t.agreed(speed) {
		if t.dec.us[optComPort] && !asked {
			asked = true
			if err := t.ask(speed); err != nil {
				return err
			}
		}
		if err := t.more(); err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) && (t.dec.us[optComPort] || t.dec.denied) {
				break // it speaks telnet and does not answer all: some do not
			}
			return noAnswer(err)
		}
		if len(t.early) > maxMeanwhile {
			return errors.New("the far end sends data and no answer")
		}
	}
	if err := t.differs(speed); err != nil {
		return err
	}
	return t.SetDeadline(time.Time{})
}

// maxMeanwhile bounds the data kept while negotiating.
const maxMeanwhile = 64 << 10

func noAnswer(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return errors.New("the far end does not answer; use tcp:// where it speaks no telnet")
	}
	return err
}

// ask sends the settings: the line, no flow control, DTR and RTS on.                                                 [RFC 2217 3]
func (t *telnet) ask(speed uint32) error {
	wishes := append(settings(speed), setting{comControl, 1}, setting{comControl, 8}, setting{comControl, 11})
	var all []byte
	for _, s := range wishes {
		all = append(all, s.request()...)
	}
	_, err := t.Conn.Write(all)
	return err
}

// agreed tells whether nothing more is to be waited for. Until a server has said whether the line is binary, nobody knows what a CR is.
func (t *telnet) agreed(speed uint32) bool {
	if !t.dec.usSaid || !t.dec.themSaid {
		return false
	}
	if t.dec.denied {
		return true
	}
	for _, s := range settings(speed) {
		if _, ok := t.dec.answers[s.what]; !ok {
			return false
		}
	}
	return true
}

// differs says what the server has set otherwise.
func (t *telnet) differs(speed uint32) error {
	names := map[byte]string{comBaud: "speed", comDataSize: "data bits", comParity: "parity", comStopSize: "stop bits"}
	for _, s := range settings(speed) {
		if got, ok := t.dec.answers[s.what]; ok && got != s.value {
			return fmt.Errorf("the server sets %s %d, not %d", names[s.what], got, s.value)
		}
	}
	return nil
}

// more reads once and keeps the data.
func (t *telnet) more() error {
	data, err := t.receive(t.in)
	t.early = append(t.early, data...)
	return err
}

// receive reads once, answers wishes and returns the data, which is valid until the next call.
func (t *telnet) receive(buf []byte) ([]byte, error) {
	n, err := t.Conn.Read(buf)
	t.out = t.dec.feed(buf[:n], t.out[:0])
	t.binary.Store(t.dec.us[optBinary])
	if t.dec.sent > maxReplies {
		return t.out, errTelnetLoop
	}
	if replies := t.dec.replies; len(replies) > 0 && err == nil {
		t.dec.replies = t.dec.replies[:0]
		_ = t.Conn.SetWriteDeadline(time.Now().Add(negotiatePatience)) // that of the last command may be over
		_, err = t.Conn.Write(replies)
	}
	return t.out, err
}

// Read gives data alone.
func (t *telnet) Read(p []byte) (int, error) {
	for len(p) > 0 {
		if len(t.early) > 0 {
			n := copy(p, t.early)
			t.early = t.early[n:]
			return n, nil
		}
		data, err := t.receive(t.in[:min(len(p), len(t.in))])
		if len(data) > 0 || err != nil {
			return copy(p, data), err
		}
	}
	return 0, nil
}

// Write sends data.
func (t *telnet) Write(p []byte) (int, error) {
	out := escapeIAC(make([]byte, 0, len(p)+8), p)
	if !t.binary.Load() {
		out = crNUL(out)
	}
	if n, err := t.Conn.Write(out); err != nil {
		return min(n, len(p)), err
	}
	return len(p), nil
}

// crNUL makes CR of a line that is not binary.                                                                          [RFC 854]
func crNUL(in []byte) []byte {
	var out []byte
	for _, c := range in {
		if out = append(out, c); c == '\r' {
			out = append(out, 0)
		}
	}
	return out
}
