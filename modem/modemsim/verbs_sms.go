package modemsim

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// smsVerbs are those of 27.005.
func smsVerbs() map[string]verb {
	return map[string]verb{
		"+CMGF": setting("+CMGF", "0,1", needNothing, func(s *settings) *int { return &s.format }),
		"+CSDH": setting("+CSDH", "0,1", needNothing, func(s *settings) *int { return &s.header }),
		"+CMMS": setting("+CMMS", "0-2", needNothing, func(s *settings) *int { return &s.cmms }),
		"+CSMS": {run: csms},
		"+CSCA": {needSMS, csca},
		"+CPMS": {needSMS, cpms},
		"+CNMI": {run: cnmi},
		"+CSMP": {run: csmp},
		"+CNMA": {needSMS, (*Modem).cnma},
		"+CMGS": {needSMS, (*Modem).cmgs},
		"+CMGW": {needSMS, cmgw},
		"+CMSS": {needSMS, cmss},
		"+CMGL": {needSMS, cmgl},
		"+CMGR": {needSMS, cmgr},
		"+CMGD": {needSMS, cmgd},
		"+CSAS": {run: func(*Modem, command, time.Time) result { return ok }},
		"+CRES": {run: func(*Modem, command, time.Time) result { return ok }},
	}
}

// csms selects the service: 1 is phase 2+ [27.005 3.2.1].
func csms(m *Modem, c command, _ time.Time) result {
	services := "0,1"
	if m.cfg.NoPhase2 {
		services = "0"
	}
	switch c.op {
	case opTest:
		m.info("+CSMS: (" + services + ")")
	case opRead:
		m.info(fmt.Sprintf("+CSMS: %d,1,1,1", m.set.service))
	default:
		n, good := number(arguments(c.args), 0, -1)
		if !good || !inRange(services, n) {
			return cms(cmsNotSupported)
		}
		m.set.service = n
		m.info("+CSMS: 1,1,1")
	}
	return ok
}

// csca is the service-centre address, kept on the SIM [27.005 3.3.1].
func csca(m *Modem, c command, _ time.Time) result {
	switch c.op {
	case opTest:
		return ok
	case opRead:
		toa := 129
		if strings.HasPrefix(m.sim.cfg.SMSC, "+") {
			toa = 145
		}
		m.info(fmt.Sprintf(`+CSCA: "%s",%d`, m.shown(m.sim.cfg.SMSC), toa))
		return ok
	}
	args := arguments(c.args)
	sca, good := m.textAddress(args, 0)
	if !good {
		return cms(cmsInvalidText)
	}
	digits, err := semiOctets(sca[2:], int(sca[0]))
	if err != nil {
		return cms(cmsInvalidText)
	}
	if sca[1]&0x70 == 0x10 {
		digits = "+" + digits
	}
	m.sim.cfg.SMSC = digits
	return ok
}

// cpms chooses the memories to read and delete, to write and send, and to receive [27.005 3.2.2].
func cpms(m *Modem, c command, _ time.Time) result {
	switch c.op {
	case opTest:
		m.info(`+CPMS: ("SM","ME","SR"),("SM","ME"),("SM","ME")`)
		return ok
	case opRead:
		var all []string
		for _, name := range m.set.mem {
			mem := m.memory(name)
			all = append(all, fmt.Sprintf("%q,%d,%d", name, mem.used(), len(mem.slots)))
		}
		m.info("+CPMS: " + strings.Join(all, ","))
		return ok
	}
	chosen := m.set.mem
	args := arguments(c.args)
	if len(args) == 0 || len(args) > 3 {
		return cms(cmsNotAllowed)
	}
	for i := range args {
		name := strings.ToUpper(text(args, i, chosen[i]))
		if m.memory(name) == nil || name == "SR" && i > 0 {
			return cms(cmsNotAllowed)
		}
		chosen[i] = name
	}
	m.set.mem = chosen
	var all []string
	for _, name := range chosen {
		mem := m.memory(name)
		all = append(all, fmt.Sprintf("%d,%d", mem.used(), len(mem.slots)))
	}
	m.info("+CPMS: " + strings.Join(all, ","))
	return ok
}

// cnmi says what is done with what comes in [27.005 3.4.1].
func cnmi(m *Modem, c command, _ time.Time) result {
	switch c.op {
	case opTest:
		m.info("+CNMI: (" + strings.Join(m.cfg.CNMIRanges[:], "),(") + ")")
		return ok
	case opRead:
		n := m.set.cnmi
		m.info(fmt.Sprintf("+CNMI: %d,%d,%d,%d,%d", n[0], n[1], n[2], n[3], n[4]))
		return ok
	}
	args := arguments(c.args)
	if len(args) > 5 {
		return cms(cmsNotAllowed)
	}
	var chosen [5]int
	for i := range args {
		v, good := number(args, i, 0)
		if !good || !inRange(m.cfg.CNMIRanges[i], v) {
			return cms(cmsNotAllowed)
		}
		chosen[i] = v
	}
	m.set.cnmi = chosen
	m.unmute()
	return ok
}

// csmp are the fields of text mode [27.005 3.3.3].
func csmp(m *Modem, c command, _ time.Time) result {
	switch c.op {
	case opTest:
		return ok
	case opRead:
		m.info(fmt.Sprintf("+CSMP: %d,%d,%d,%d", m.set.fo, m.set.vp, m.set.pid, m.set.dcs))
		return ok
	}
	args := arguments(c.args)
	fields := []*int{&m.set.fo, &m.set.vp, &m.set.pid, &m.set.dcs}
	chosen := [4]int{}
	for i, f := range fields {
		v, good := number(args, i, *f)
		if !good || v > 255 {
			return cms(cmsInvalidText)
		}
		chosen[i] = v
	}
	for i, f := range fields {
		*f = chosen[i]
	}
	return ok
}

// cmgw writes into the second memory [27.005 3.5.3, 4.4].
func cmgw(m *Modem, c command, _ time.Time) result {
	if c.op == opTest {
		return ok
	}
	args := arguments(c.args)
	if m.set.format == 1 {
		da, good := m.textAddress(args, 0)
		if !good {
			return cms(cmsInvalidText)
		}
		return m.prompt(func(message []byte, _ time.Time) result {
			tpdu, good := m.textSubmit(da, string(message))
			if !good {
				return cms(cmsInvalidText)
			}
			return m.keep(tpdu, statUnsent)
		})
	}
	length, good := number(args, 0, -1)
	stat, goodStat := number(args, 1, statUnsent)
	if !good || !goodStat || length < 1 || stat > statSent {
		return cms(cmsInvalidPDU)
	}
	return m.prompt(func(message []byte, _ time.Time) result {
		tpdu, code := m.pduMessage(message, length)
		if code != 0 && code != cmsNoSMSC {
			return cms(code)
		}
		return m.keep(tpdu, stat)
	})
}

func (m *Modem) keep(tpdu []byte, stat int) result {
	index := m.memory(m.set.mem[1]).add(&slot{stat: stat, tpdu: tpdu})
	if index == 0 {
		return cms(cmsFull)
	}
	m.info("+CMGW: " + strconv.Itoa(index))
	return ok
}

// cmss sends from the second memory [27.005 3.5.2]; another recipient may be given.
func cmss(m *Modem, c command, at time.Time) result {
	if c.op == opTest {
		return ok
	}
	args := arguments(c.args)
	index, good := number(args, 0, -1)
	if !good || c.op != opSet {
		return cms(cmsInvalidPDU)
	}
	s, _ := m.memory(m.set.mem[1]).at(index)
	if s == nil || s.stat < statUnsent {
		return cms(cmsIndex)
	}
	tpdu := s.tpdu
	if len(args) > 1 {
		da, good := m.textAddress(args, 1)
		if !good || len(tpdu) < 4 {
			return cms(cmsInvalidText)
		}
		rest := min(len(tpdu), 4+(int(tpdu[2])+1)/2)
		tpdu = append(append(append([]byte(nil), tpdu[:2]...), da...), tpdu[rest:]...)
	}
	s.stat = statSent
	return m.send(tpdu, at, "+CMSS: ")
}

// statWords are the states in text mode, by number.
func statWords() []string { return []string{"REC UNREAD", "REC READ", "STO UNSENT", "STO SENT", "ALL"} }

// wantedStat reads the argument of +CMGL, in the form of the present mode.
func (m *Modem) wantedStat(args []argument) (stat int, good bool) {
	if m.set.format == 0 {
		stat, good = number(args, 0, statUnread)
		return stat, good && stat <= statAll
	}
	word := strings.ToUpper(text(args, 0, "REC UNREAD"))
	for i, w := range statWords() {
		if w == word {
			return i, true
		}
	}
	return 0, false
}

// cmgl lists the first memory [27.005 3.4.2, 4.1].
func cmgl(m *Modem, c command, _ time.Time) result {
	if c.op == opTest {
		if m.set.format == 1 {
			m.info(`+CMGL: ("` + strings.Join(statWords(), `","`) + `")`)
		} else {
			m.info("+CMGL: (0-4)")
		}
		return ok
	}
	wanted, good := m.wantedStat(arguments(c.args))
	if !good || c.op == opRead {
		return cms(cmsNotAllowed)
	}
	for i, s := range m.memory(m.set.mem[0]).slots {
		if s == nil || wanted != statAll && s.stat != wanted {
			continue
		}
		if m.set.format == 1 {
			m.info(fmt.Sprintf(`+CMGL: %d,"%s",%s`, i+1, statWords()[s.stat], m.storedText(s)))
		} else {
			m.info(fmt.Sprintf("+CMGL: %d,%d,,%d\n%s", i+1, s.stat, len(s.tpdu), m.storedPDU(s.tpdu)))
		}
		s.read()
	}
	return ok
}

func (s *slot) read() {
	if s.stat == statUnread {
		s.stat = statRead
	}
}

// storedText is a stored message in text mode, behind its state.
func (m *Modem) storedText(s *slot) string {
	switch {
	case s.report:
		return m.reportText(s.tpdu)
	case s.stat < statUnsent:
		return m.deliverText(s.tpdu)
	}
	submit, err := m.net.abc.parseSubmit(s.tpdu)
	if err != nil {
		return `"",` + "\n"
	}
	return fmt.Sprintf("\"%s\",\n%s", m.shown(submit.To), m.body(&submit))
}

// cmgr reads one message of the first memory [27.005 3.4.3, 4.2].
func cmgr(m *Modem, c command, _ time.Time) result {
	if c.op == opTest {
		return ok
	}
	index, good := number(arguments(c.args), 0, -1)
	if !good || c.op != opSet {
		return cms(cmsNotAllowed)
	}
	s, inRange := m.memory(m.set.mem[0]).at(index)
	if !inRange {
		return cms(cmsIndex)
	}
	if s == nil { // an empty place: OK alone in most modems, 321 in some
		return cms(cmsIndex)
	}
	if m.set.format == 1 {
		m.info(fmt.Sprintf(`+CMGR: "%s",%s`, statWords()[s.stat], m.storedText(s)))
	} else {
		m.info(fmt.Sprintf("+CMGR: %d,,%d\n%s", s.stat, len(s.tpdu), m.storedPDU(s.tpdu)))
	}
	s.read()
	return ok
}

// cmgd deletes from the first memory, one or by kind [27.005 3.5.4].
func cmgd(m *Modem, c command, _ time.Time) result {
	mem := m.memory(m.set.mem[0])
	if c.op == opTest {
		var used []string
		for i, s := range mem.slots {
			if s != nil {
				used = append(used, strconv.Itoa(i+1))
			}
		}
		m.info("+CMGD: (" + strings.Join(used, ",") + "),(0-4)")
		return ok
	}
	args := arguments(c.args)
	index, good := number(args, 0, -1)
	kind, goodKind := number(args, 1, 0)
	if !good || !goodKind || kind > 4 || c.op != opSet {
		return cms(cmsNotAllowed)
	}
	wasFull := mem.used() == len(mem.slots)
	if kind == 0 {
		if _, inRange := mem.at(index); !inRange {
			return cms(cmsIndex)
		}
		mem.slots[index-1] = nil
	} else {
		mem.deleteKind(kind)
	}
	if wasFull {
		m.net.alert(m) // memory available [23.040 10.3]
	}
	return ok
}

// deleteKind: 1 read, 2 and sent, 3 and unsent, 4 all.
func (m *memory) deleteKind(kind int) {
	for i, s := range m.slots {
		if s != nil && (s.stat == statRead || kind >= 2 && s.stat == statSent || kind >= 3 && s.stat == statUnsent || kind == 4) {
			m.slots[i] = nil
		}
	}
}
