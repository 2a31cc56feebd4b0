package modemsim

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// cusd is AT+CUSD [27.007 7.15].
func cusd(m *Modem, c command, _ time.Time) result {
	switch c.op {
	case opTest:
		m.info("+CUSD: (0-2)")
		return ok
	case opRead:
		m.info("+CUSD: " + strconv.Itoa(m.set.cusd))
		return ok
	}
	args := arguments(c.args)
	n, good := number(args, 0, 0)
	if !good || n > 2 {
		return cme(cmeParameters)
	}
	if n == 2 {
		m.ussd = false
		return ok
	}
	m.set.cusd = n
	if len(args) < 2 {
		return ok
	}
	code, good := m.typedUSSD(text(args, 1, ""))
	if !good {
		return cme(cmeParameters)
	}
	if !m.registered() {
		return cme(cmeNoNetwork)
	}
	m.answerUSSD(code)
	if m.cfg.USSDLast {
		m.after(m.ussdTime()+time.Millisecond, func(time.Time) { m.resume(ok) })
		return pending
	}
	return ok
}

func (m *Modem) ussdTime() time.Duration {
	if m.cfg.USSDTime > 0 {
		return m.cfg.USSDTime
	}
	return m.cfg.Latency
}

// answerUSSD answers a code, or what follows the codes of the open session.
func (m *Modem) answerUSSD(code string) {
	if m.ussd {
		code = m.menu + ">" + code
	}
	m.menu = code
	reply, known := m.cfg.USSD[code]
	if !known {
		reply = "=4"
	}
	m.after(m.ussdTime(), func(time.Time) {
		stat, text := ussdReply(reply)
		m.ussd = stat == 1
		if reply != "" {
			m.tellUSSD(stat, text)
		}
	})
}

// ussdReply reads the forms of ModemConfig.USSD.
func ussdReply(reply string) (stat int, text string) {
	if rest, open := strings.CutPrefix(reply, "?"); open {
		return 1, rest
	}
	rest, coded := strings.CutPrefix(reply, "=")
	if !coded {
		return 0, reply
	}
	digit, text, _ := strings.Cut(rest, " ")
	stat, _ = strconv.Atoi(digit)
	return stat, text
}

// tellUSSD sends +CUSD; what is long overdue in modemsim's urc goes in one piece, however many lines it has.
func (m *Modem) tellUSSD(stat int, text string) {
	if text == "" {
		m.urc("+CUSD: " + strconv.Itoa(stat))
		return
	}
	shown, dcs := m.shownUSSD(text)
	m.urc(fmt.Sprintf(`+CUSD: %d,"%s",%d`, stat, shown, dcs))
}

// PushUSSD is the network speaking first: stat 1 waits for a reply, which is looked up behind the name "push".
func (m *Modem) PushUSSD(stat int, text string) {
	m.locked(func() {
		m.ussd, m.menu = stat == 1, "push"
		if m.set.cusd == 1 {
			m.tellUSSD(stat, text)
		}
	})
}

// shownUSSD is a text in the modem's form, and its <dcs>.
func (m *Modem) shownUSSD(text string) (shown string, dcs int) {
	switch m.cfg.USSDForm {
	case "packed":
		return upperHex(ussdPacked(m.septetsOf(text))), 15
	case "raw":
		return string(ussdPacked(m.septetsOf(text))), 15
	case "septets":
		return upperHex(m.septetsOf(text)), 15
	case "ucs2":
		return upperHex(ucs2Octets(text)), 72
	}
	return m.shown(text), 15
}

func (m *Modem) septetsOf(text string) (septets []byte) {
	for _, r := range text {
		codes, _ := m.net.abc.septets(r)
		septets = append(septets, codes...)
	}
	return septets
}

// ussdPacked packs with CR where seven bits are left [23.038 6.1.2.3.1].
func ussdPacked(septets []byte) []byte {
	if len(septets)%8 == 7 {
		septets = append(septets, '\r')
	}
	return pack(nil, septets)
}

// typedUSSD reads what the client has typed in the modem's form.
func (m *Modem) typedUSSD(s string) (string, bool) {
	octets, err := hex.DecodeString(s)
	switch m.cfg.USSDForm {
	case "packed", "raw":
		septets := unpack(octets, 0, len(octets)*8/7)
		return strings.TrimRight(m.net.abc.text(septets, 0, 0), "\r"), err == nil
	case "septets":
		return m.net.abc.text(octets, 0, 0), err == nil
	case "ucs2":
		return ucs2Text(octets), err == nil && len(octets)%2 == 0
	}
	return m.typed(s)
}
