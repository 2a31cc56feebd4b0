package modemsim

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// simVerbs are those of the card [27.007 7, 8].
func simVerbs() map[string]verb {
	iccid := func(m *Modem, c command, _ time.Time) result {
		if c.op == opTest {
			return ok
		}
		n := needSIM
		if word, _ := m.simWord(); m.cfg.EarlyICCID && word != "" {
			n = needNothing
		}
		if r := m.lacks(n); r.outcome != outcomeOK {
			return r
		}
		m.info(c.name + ": " + m.sim.cfg.ICCID)
		return ok
	}
	return map[string]verb{
		"+CPIN":  {run: cpin},
		"+CPINR": {run: cpinr},
		"+CLCK":  {needSIM, clck},
		"+CPWD":  {needSIM, cpwd},
		"+CCID":  {run: iccid},
		"+ICCID": {run: iccid},
		"^ICCID": {run: iccid},
		"+CIMI": {needSIM, func(m *Modem, c command, _ time.Time) result {
			if c.op != opTest {
				m.info(m.sim.cfg.IMSI)
			}
			return ok
		}},
		"+CNUM": {needSIM, func(m *Modem, c command, _ time.Time) result {
			if c.op == opExec && m.sim.cfg.MSISDN != "" {
				m.info(`+CNUM: "","` + m.shown(m.sim.cfg.MSISDN) + `",145`)
			}
			return ok
		}},
		"+CPBS": {needSIM, func(m *Modem, c command, _ time.Time) result {
			switch c.op {
			case opTest:
				m.info(`+CPBS: ("SM")`)
			case opRead:
				m.info(`+CPBS: "SM",0,250`)
			}
			return ok
		}},
		"+CPBR": {needSIM, func(m *Modem, c command, _ time.Time) result {
			if c.op == opTest {
				m.info("+CPBR: (1-250),40,18")
			}
			return ok
		}},
	}
}

// cpin is AT+CPIN [27.007 8.3].
func cpin(m *Modem, c command, _ time.Time) result {
	switch word, code := m.simWord(); {
	case word == "":
		return cme(code)
	case c.op == opTest:
		return ok
	case c.op == opRead:
		m.info("+CPIN: " + word)
		return ok
	case c.op != opSet:
		return cme(cmeParameters)
	}
	args := arguments(c.args)
	secret, newPIN := text(args, 0, ""), text(args, 1, "")
	switch m.sim.state() {
	case "READY":
		return cme(cmeNotAllowed)
	case "SIM PIN":
		return m.enterPIN(secret)
	}
	if len(args) != 2 || !isPIN(newPIN) {
		return cme(cmeParameters)
	}
	if !m.sim.unblock(secret, newPIN) {
		if m.sim.state() == "" {
			return cme(cmeSIMFailure)
		}
		return cme(cmePassword)
	}
	m.startRadio()
	return ok
}

func (m *Modem) enterPIN(pin string) result {
	if !isPIN(pin) {
		return cme(cmePassword)
	}
	if !m.sim.verify(pin) {
		if m.sim.pinLeft == 0 {
			return cme(cmePUK)
		}
		return cme(cmePassword)
	}
	m.startRadio()
	return ok
}

func isPIN(s string) bool { return len(s) >= 4 && len(s) <= 8 && leadingDigits(s) == s }

// cpinr tells the tries left [27.007 8.65].
func cpinr(m *Modem, c command, _ time.Time) result {
	if m.cfg.NoSIM {
		return cme(cmeNoSIM)
	}
	if c.op == opTest {
		return ok
	}
	wanted := text(arguments(c.args), 0, "")
	for _, v := range []struct {
		code       string
		left, most int
	}{{"SIM PIN", m.sim.pinLeft, pinTries}, {"SIM PUK", m.sim.pukLeft, pukTries}} {
		if wanted == "" || wanted == v.code || wanted == strings.TrimSuffix(v.code, "N")+"*" || wanted == "SIM*" {
			m.info(fmt.Sprintf("+CPINR: %s,%d,%d", v.code, v.left, v.most))
		}
	}
	return ok
}

// clck knows the PIN lock, "SC" [27.007 7.4].
func clck(m *Modem, c command, _ time.Time) result {
	if c.op == opTest {
		m.info(`+CLCK: ("SC")`)
		return ok
	}
	args := arguments(c.args)
	n, good := number(args, 1, -1)
	if c.op != opSet || text(args, 0, "") != "SC" || !good || n < 0 || n > 2 {
		return cme(cmeParameters)
	}
	if n == 2 {
		m.info("+CLCK: " + map[bool]string{true: "1", false: "0"}[m.sim.lock])
		return ok
	}
	if !m.sim.verify(text(args, 2, "")) {
		return cme(cmePassword)
	}
	m.sim.lock = n == 1
	return ok
}

// cpwd changes the PIN [27.007 7.5].
func cpwd(m *Modem, c command, _ time.Time) result {
	if c.op == opTest {
		m.info(`+CPWD: ("SC",8)`)
		return ok
	}
	args := arguments(c.args)
	if c.op != opSet || len(args) != 3 || args[0].text != "SC" || !isPIN(args[2].text) {
		return cme(cmeParameters)
	}
	if !m.sim.verify(args[1].text) {
		return cme(cmePassword)
	}
	m.sim.cfg.PIN = args[2].text
	return ok
}

// networkVerbs are those of the radio [27.007 7, 8.2, 8.5].
func networkVerbs() map[string]verb {
	return map[string]verb{
		"+CREG":  registration("+CREG", func(s *settings) *int { return &s.creg }),
		"+CGREG": registration("+CGREG", func(s *settings) *int { return &s.cgreg }),
		"+CEREG": registration("+CEREG", func(s *settings) *int { return &s.cereg }),
		"+COPS":  {needSIM, cops},
		"+CFUN":  {run: cfun},
		"+CUSD":  {needSIM, cusd},
		"+CSQ": {run: func(m *Modem, c command, _ time.Time) result {
			if c.op == opTest {
				m.info("+CSQ: (0-31,99),(0-7,99)")
				return ok
			}
			signal := m.cfg.Signal
			if !m.registered() {
				signal = 99
			}
			m.info(fmt.Sprintf("+CSQ: %d,99", signal))
			return ok
		}},
	}
}

// cell is <stat>, with the cell in mode 2.
func (m *Modem) cell(mode int) string {
	if mode == 2 && m.registered() {
		return fmt.Sprintf(`%d,"00C3","%08X"`, m.reg, 0x1a2b00+m.index)
	}
	return strconv.Itoa(m.reg)
}

func registration(name string, field func(*settings) *int) verb {
	set := setting(name, "0-2", needNothing, field)
	return verb{needNothing, func(m *Modem, c command, at time.Time) result {
		if c.op != opRead {
			return set.run(m, c, at)
		}
		n := *field(&m.set)
		m.info(fmt.Sprintf("%s: %d,%s", name, n, m.cell(n)))
		return ok
	}}
}

// cops is AT+COPS [27.007 7.3].
func cops(m *Modem, c command, _ time.Time) result {
	switch c.op {
	case opTest:
		m.info(fmt.Sprintf(`+COPS: (2,"%s","%s","%s"),,(0-4),(0-2)`, m.shown(m.cfg.Operator), m.shown(m.cfg.Operator), m.cfg.PLMN))
		return ok
	case opRead:
		if !m.registered() {
			m.info("+COPS: 0")
			return ok
		}
		name := m.shown(m.cfg.Operator)
		if m.set.copsFormat == 2 {
			name = m.cfg.PLMN
		}
		m.info(fmt.Sprintf(`+COPS: 0,%d,"%s"`, m.set.copsFormat, name))
		return ok
	}
	args := arguments(c.args)
	how, good := number(args, 0, 0)
	format, goodFormat := number(args, 1, m.set.copsFormat)
	if !good || !goodFormat || how > 4 || format > 2 {
		return cme(cmeParameters)
	}
	m.set.copsFormat = format
	switch how {
	case 0, 1, 4:
		m.startRadio()
	case 2:
		m.setRegistration(0)
	}
	return ok
}

// cfun is AT+CFUN [27.007 8.2].
func cfun(m *Modem, c command, _ time.Time) result {
	switch c.op {
	case opTest:
		m.info("+CFUN: (0,1,4),(0,1)")
		return ok
	case opRead:
		m.info("+CFUN: " + strconv.Itoa(m.fun))
		return ok
	}
	args := arguments(c.args)
	fun, good := number(args, 0, 1)
	reset, goodReset := number(args, 1, 0)
	if !good || !goodReset || !inRange("0,1,4", fun) || reset > 1 {
		return cme(cmeParameters)
	}
	if reset == 1 {
		m.after(20*time.Millisecond, func(time.Time) { m.restart(m.bank.BootTime) }) // behind the OK
		return ok
	}
	m.fun = fun
	if fun == 1 {
		m.startRadio()
	} else {
		m.setRegistration(0)
	}
	return ok
}
