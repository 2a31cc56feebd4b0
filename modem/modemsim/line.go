package modemsim

import (
	"strconv"
	"strings"
	"time"
)

// Bounds of what a client may send before the modem gives up on it.
const (
	maxLine    = 2048
	maxData    = 4096
	maxPending = 8192
	maxHeld    = 64
)

const ctrlZ = 0x1a

// mode is what the next octet from the client means.
type mode int

const (
	modeCommand mode = iota // it is part of a command line
	modeData                // it is part of a message
	modeBusy                // a command runs: it is kept
)

// line is the state of the conversation.
type line struct {
	mode    mode
	buf     []byte // of the command line or message so far
	over    bool   // the line was too long
	last    string // for A/
	todo    []command
	pending []byte // came while busy
	told    bool   // an information line of this command is out
	cut     bool   // the answer of this command breaks off
	halved  bool   // it has
	data    func(message []byte, at time.Time) result
}

// outcome is how a command ended.
type outcome int

const (
	outcomeOK outcome = iota
	outcomeError
	outcomeCME
	outcomeCMS
	outcomeNoCarrier
	outcomePending // it goes on: resume ends it
	outcomeSilent  // ended without a word
)

type result struct {
	outcome outcome
	code    int
}

var (
	ok      = result{}
	failed  = result{outcome: outcomeError}
	pending = result{outcome: outcomePending}
)

func cme(code int) result { return result{outcomeCME, code} }
func cms(code int) result { return result{outcomeCMS, code} }

// feed takes octets from the client.
func (m *Modem) feed(b []byte, at time.Time) {
	for i := 0; i < len(b); i++ {
		if m.faults.hung || m.port == nil {
			return
		}
		switch m.line.mode {
		case modeBusy:
			room := maxPending - len(m.line.pending)
			m.line.pending = append(m.line.pending, b[i:min(len(b), i+room)]...)
			return
		case modeData:
			m.dataOctet(b[i], at)
		default:
			m.commandOctet(b[i], at)
		}
	}
}

func (m *Modem) echo(c byte) {
	if m.set.echo == 1 || m.faults.stuckEcho {
		m.out = append(m.out, c)
	}
}

// commandOctet edits the command line [V.250 5.2.2].
func (m *Modem) commandOctet(c byte, at time.Time) {
	l := &m.line
	switch {
	case c == '\r':
		m.echo(c)
		text := string(l.buf)
		over := l.over
		l.buf, l.over = l.buf[:0], false
		m.commandLine(text, over, at)
		return
	case c == '\n' || c == 0:
		return
	case c == '\b' || c == 0x7f:
		m.echo(c)
		l.buf = l.buf[:max(0, len(l.buf)-1)]
		return
	case len(l.buf) >= maxLine:
		l.over = true
		return
	}
	m.echo(c)
	l.buf = append(l.buf, c)
	if n := len(l.buf); n == 2 && (l.buf[0] == 'A' || l.buf[0] == 'a') && c == '/' { // repeats at once [V.250 5.2.4]
		l.buf = l.buf[:0]
		m.commandLine(l.last, false, at)
	}
}

// commandLine runs a line; what has no AT in it is noise and gets no answer.
func (m *Modem) commandLine(text string, over bool, at time.Time) {
	start := 0
	for !strings.HasPrefix(text[start:], "AT") && !strings.HasPrefix(text[start:], "at") {
		if start++; start >= len(text) {
			return
		}
	}
	text = text[start:]
	m.log.add(">" + text)
	m.line.last, m.line.mode, m.line.told = text, modeBusy, false
	m.line.cut, m.line.halved = take(&m.faults.cutAnswers), false
	commands, err := parseLine(text[2:])
	if err != nil || over {
		m.resume(failed)
		return
	}
	m.line.todo = commands
	m.step(at)
}

// step runs the commands of the line until one goes on or fails.
func (m *Modem) step(at time.Time) {
	for len(m.line.todo) > 0 {
		c := m.line.todo[0]
		m.line.todo = m.line.todo[1:]
		if r := m.dispatch(c, at); r.outcome != outcomeOK {
			if r.outcome != outcomePending {
				m.finish(r)
			}
			return
		}
	}
	m.finish(ok)
}

// resume goes on after a pending command.
func (m *Modem) resume(r result) {
	if r.outcome == outcomeOK {
		m.step(time.Now())
		return
	}
	m.finish(r)
}

// finish ends the line with its result code.
func (m *Modem) finish(r result) {
	if r.outcome != outcomeSilent {
		m.urcInside()
		m.resultCode(r)
		if take(&m.faults.doubleFinals) {
			m.resultCode(r)
		}
	}
	l := &m.line
	l.mode, l.todo, l.data = modeCommand, nil, nil
	m.flushHeld()
	waiting := l.pending
	l.pending = nil
	if len(waiting) > 0 {
		m.feed(waiting, time.Now())
	}
}

// prompt asks for a message and gives it to data at Ctrl-Z [27.005 3.5.1, 4.3].
func (m *Modem) prompt(data func(message []byte, at time.Time) result) result {
	m.line.mode, m.line.buf, m.line.over, m.line.data = modeData, m.line.buf[:0], false, data
	if take(&m.faults.losePrompts) {
		return pending
	}
	m.log.add("<> ")
	m.out = append(m.out, m.eol()...)
	m.promptSign()
	if take(&m.faults.twicePrompts) {
		m.out = append(m.out, m.eol()...)
		m.promptSign()
	}
	return pending
}

func (m *Modem) promptSign() {
	m.out = append(m.out, '>')
	if !m.faults.barePrompt {
		m.out = append(m.out, ' ')
	}
}

// dataOctet takes an octet of a message.
func (m *Modem) dataOctet(c byte, at time.Time) {
	l := &m.line
	switch {
	case c == 0x1b:
		m.log.add(">" + string(l.buf) + "^[")
		l.mode = modeBusy
		m.resume(ok)
	case c == ctrlZ:
		m.log.add(">" + string(l.buf) + "^Z")
		l.mode = modeBusy
		message, data := append([]byte(nil), l.buf...), l.data
		l.buf = l.buf[:0]
		r := failed
		if !l.over {
			r = data(message, at)
		}
		if r.outcome != outcomePending {
			m.resume(r)
		}
	case len(l.buf) >= maxData:
		l.over = true
	case c == '\r' && m.set.format == 1:
		m.echo(c)
		l.buf = append(l.buf, '\n')
		m.out = append(m.out, m.eol()...)
		m.promptSign()
	case c == '\b' && m.set.format == 1:
		l.buf = l.buf[:max(0, len(l.buf)-1)]
	default:
		m.echo(c)
		l.buf = append(l.buf, c)
	}
}

func (m *Modem) eol() string {
	if m.faults.crOnly {
		return "\r"
	}
	return "\r\n"
}

// info sends an information line of the running command [V.250 5.7.1].
func (m *Modem) info(text string) {
	m.urcInside()
	m.line.told = true
	m.answer(text)
}

// answer sends a line of the running command's answer, unless that breaks off.
func (m *Modem) answer(text string) {
	l := &m.line
	switch {
	case !l.cut:
		m.write(text)
	case !l.halved:
		l.halved = true
		m.log.add("<" + text[:len(text)/2] + "(cut)")
		m.out = append(m.out, m.eol()+text[:len(text)/2]...)
	}
}

// write sends a line, or several with LF between them.
func (m *Modem) write(text string) {
	for _, part := range strings.Split(text, "\n") {
		m.log.add("<" + part)
	}
	eol := m.eol()
	if m.set.verbose == 1 {
		m.out = append(m.out, eol...)
	}
	m.out = append(m.out, strings.ReplaceAll(text, "\n", eol)...)
	m.out = append(m.out, eol...)
}

// resultCode ends a command line [V.250 5.7.1, 27.007 9.1, 27.005 3.2.5].
func (m *Modem) resultCode(r result) {
	if m.set.quiet == 1 {
		return
	}
	text, digit := "OK", "0"
	switch {
	case r.outcome == outcomeCME && m.set.cmee == 1:
		text, digit = "+CME ERROR: "+strconv.Itoa(r.code), ""
	case r.outcome == outcomeCME && m.set.cmee == 2:
		text, digit = "+CME ERROR: "+cmeText(r.code), ""
	case r.outcome == outcomeCMS:
		text, digit = "+CMS ERROR: "+strconv.Itoa(r.code), ""
	case r.outcome == outcomeNoCarrier:
		text, digit = "NO CARRIER", "3"
	case r.outcome != outcomeOK:
		text, digit = "ERROR", "4"
	}
	if m.set.verbose == 0 && digit != "" {
		m.log.add("<" + digit)
		m.out = append(m.out, digit...)
		m.out = append(m.out, '\r')
		return
	}
	m.answer(text)
}

// urc sends an unsolicited line now, or when the running command is over.
func (m *Modem) urc(text string) {
	l := m.line.mode
	if m.faults.hung || l == modeData || l == modeBusy && !m.cfg.URCWhileBusy {
		if len(m.held) == maxHeld {
			m.held = m.held[1:]
		}
		m.held = append(m.held, text)
		return
	}
	m.write(text)
}

func (m *Modem) flushHeld() {
	held := m.held
	m.held = nil
	for _, text := range held {
		m.write(text)
	}
}

// urcInside is the fault of that name.
func (m *Modem) urcInside() {
	if m.line.told || !take(&m.faults.inside) {
		return
	}
	m.line.told = true
	if len(m.held) > 0 {
		m.flushHeld()
		return
	}
	m.write("+CREG: " + strconv.Itoa(m.reg))
}
