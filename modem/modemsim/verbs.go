package modemsim

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// need is what must be there before a command runs.
type need int

const (
	needNothing need = iota
	needSIM          // an open SIM, or +CME ERROR
	needSMS          // an open SIM, or +CMS ERROR
)

// verb is a command the modem knows.
type verb struct {
	need need
	run  func(m *Modem, c command, at time.Time) result
}

// +CME ERROR codes [27.007 9.2].
const (
	cmeNotAllowed   = 3
	cmeNotSupported = 4
	cmeNoSIM        = 10
	cmePIN          = 11
	cmePUK          = 12
	cmeSIMFailure   = 13
	cmePassword     = 16
	cmeParameters   = 50
	cmeNoNetwork    = 30
	cmeUnknown      = 100
)

func cmeText(code int) string {
	texts := map[int]string{
		cmeNotAllowed: "operation not allowed", cmeNotSupported: "operation not supported", cmeNoSIM: "SIM not inserted", cmePIN: "SIM PIN required",
		cmePUK: "SIM PUK required", cmeSIMFailure: "SIM failure", cmePassword: "incorrect password", cmeParameters: "invalid parameter",
		cmeNoNetwork: "no network service", cmeUnknown: "unknown",
	}
	if text, known := texts[code]; known {
		return text
	}
	return "unknown error " + strconv.Itoa(code)
}

// dispatch runs one command.
func (m *Modem) dispatch(c command, at time.Time) result {
	v, known := m.verbs[c.name]
	if !known || m.faults.unknown[c.name] {
		if strings.HasPrefix(c.name, "+") {
			return cme(cmeNotSupported)
		}
		return failed
	}
	if r := m.lacks(v.need); r.outcome != outcomeOK {
		return r
	}
	return v.run(m, c, at)
}

// lacks says what a command misses.
func (m *Modem) lacks(n need) result {
	if n == needNothing {
		return ok
	}
	code, word := 0, ""
	switch word, code = m.simWord(); {
	case word == "READY", word == "SIM PIN2":
		return ok
	case word == "SIM PIN":
		code = cmePIN
	case word == "SIM PUK":
		code = cmePUK
	}
	if n == needSMS {
		return cms(smsCode(code))
	}
	return cme(code)
}

// commands are all verbs.
func commands() map[string]verb {
	all := map[string]verb{}
	for _, group := range []map[string]verb{basicVerbs(), identityVerbs(), simVerbs(), networkVerbs(), smsVerbs(), quietVerbs()} {
		for name, v := range group {
			all[name] = v
		}
	}
	all["+CLAC"] = verb{run: func(m *Modem, c command, _ time.Time) result {
		for _, name := range slices.Sorted(maps.Keys(m.verbs)) {
			m.info("AT" + name)
		}
		return ok
	}}
	return all
}

// setting is a verb for one number of the settings; values are such as "0-2" or "0,2".
func setting(name, values string, n need, field func(*settings) *int) verb {
	return verb{need: n, run: func(m *Modem, c command, _ time.Time) result {
		f := field(&m.set)
		switch c.op {
		case opTest:
			m.info(name + ": (" + values + ")")
		case opRead:
			m.info(name + ": " + strconv.Itoa(*f))
		default:
			v, good := number(arguments(c.args), 0, 0)
			if !good || !inRange(values, v) || c.op == opExec {
				return m.badParameter(n)
			}
			*f = v
		}
		return ok
	}}
}

func (m *Modem) badParameter(n need) result {
	if n == needSMS {
		return cms(cmsNotAllowed)
	}
	return cme(cmeParameters)
}

// inRange reads "0-2", "0,2", "0,2-4".
func inRange(values string, v int) bool {
	for part := range strings.SplitSeq(values, ",") {
		low, high, isRange := strings.Cut(part, "-")
		if !isRange {
			high = low
		}
		l, err := strconv.Atoi(low)
		h, err2 := strconv.Atoi(high)
		if err == nil && err2 == nil && l <= v && v <= h {
			return true
		}
	}
	return false
}

// basicVerbs are those of V.250.
func basicVerbs() map[string]verb {
	noted := verb{run: func(*Modem, command, time.Time) result { return ok }}
	reset := verb{run: func(m *Modem, c command, _ time.Time) result { m.set = m.saved; return ok }}
	out := map[string]verb{
		"Z": reset, "H": noted, "X": noted, "L": noted, "M": noted, "&C": noted, "&D": noted, "&S": noted, "&K": noted,
		"O": {run: func(*Modem, command, time.Time) result { return result{outcome: outcomeNoCarrier} }},
		"E": flag(func(s *settings) *int { return &s.echo }),
		"V": flag(func(s *settings) *int { return &s.verbose }),
		"Q": flag(func(s *settings) *int { return &s.quiet }),
		"D": {run: dial},
		"A": {run: func(*Modem, command, time.Time) result { return result{outcome: outcomeNoCarrier} }},
		"I": {run: func(m *Modem, _ command, _ time.Time) result {
			m.info("Manufacturer: " + m.cfg.Manufacturer + "\nModel: " + m.cfg.Model + "\nRevision: " + m.cfg.Revision + "\nIMEI: " + m.cfg.IMEI)
			return ok
		}},
		"&F": {run: func(m *Modem, c command, _ time.Time) result {
			m.set = defaultSettings(!m.cfg.NoEcho)
			return ok
		}},
		"&W": {run: func(m *Modem, c command, _ time.Time) result { m.saved = m.set; return ok }},
		"&V": {run: func(m *Modem, c command, _ time.Time) result {
			m.info(fmt.Sprintf("E%d V%d Q%d", m.set.echo, m.set.verbose, m.set.quiet))
			return ok
		}},
	}
	for i := range 13 {
		out["S"+strconv.Itoa(i)] = verb{run: register}
	}
	return out
}

// flag is a basic command with the values 0 and 1; without a number it is 0 [V.250 5.3.1].
func flag(field func(*settings) *int) verb {
	return verb{run: func(m *Modem, c command, _ time.Time) result {
		switch c.args {
		case "", "0":
			*field(&m.set) = 0
		case "1":
			*field(&m.set) = 1
		default:
			return failed
		}
		return ok
	}}
}

func register(m *Modem, c command, _ time.Time) result {
	switch c.op {
	case opRead:
		m.info(fmt.Sprintf("%03d", m.set.registers[c.name]))
	case opSet:
		v, good := number(arguments(c.args), 0, 0)
		if !good || v > 255 {
			return failed
		}
		registers := map[string]int{c.name: v}
		for name, old := range m.set.registers {
			if name != c.name {
				registers[name] = old
			}
		}
		m.set.registers = registers
	}
	return ok
}

// dial answers voice calls with OK, USSD codes as +CUSD would, and has no carrier for data.
func dial(m *Modem, c command, at time.Time) result {
	if r := m.lacks(needSIM); r.outcome != outcomeOK {
		return r
	}
	number := strings.TrimSuffix(c.args, ";")
	switch {
	case strings.HasSuffix(number, "#"):
		m.answerUSSD(number)
		return ok
	case !m.registered():
		return result{outcome: outcomeNoCarrier}
	case number != c.args:
		return ok
	}
	return result{outcome: outcomeNoCarrier}
}

// identityVerbs tell who made the modem [27.007 5].
func identityVerbs() map[string]verb {
	out := map[string]verb{}
	for names, value := range map[string]func(*Modem) string{
		"+CGMI +GMI": func(m *Modem) string { return m.cfg.Manufacturer },
		"+CGMM +GMM": func(m *Modem) string { return m.cfg.Model },
		"+CGMR +GMR": func(m *Modem) string { return m.cfg.Revision },
		"+CGSN +GSN": func(m *Modem) string { return m.cfg.IMEI },
	} {
		v := verb{run: func(m *Modem, c command, _ time.Time) result {
			if c.op != opTest {
				m.info(value(m))
			}
			return ok
		}}
		for name := range strings.FieldsSeq(names) {
			out[name] = v
		}
	}
	return out
}

// quietVerbs take settings without effect here, and tell what never changes.
func quietVerbs() map[string]verb {
	out := map[string]verb{}
	for _, name := range strings.Fields("+IPR +IFC +ICF +CMER +CRC +CSCB +CR +CCWA +CLIR +COLP +CVHU +CTZU +CTZR +CGEREP +CSSN +CREJ +WS46 +CMUT +CLVL +CRSL ^CURC ^STSF") {
		out[name] = verb{run: func(m *Modem, c command, _ time.Time) result {
			switch c.op {
			case opTest:
				m.info(c.name + ": (0,1)")
			case opRead:
				m.info(c.name + ": 0")
			}
			return ok
		}}
	}
	for name, reply := range map[string]string{"+CBC": "0,100", "+CPAS": "0", "+CGATT": "1", "+GCAP": "+CGSM", "+CCLK": `"26/01/01,00:00:00+00"`} {
		out[name] = verb{run: func(m *Modem, c command, _ time.Time) result {
			if c.op == opExec || c.op == opRead {
				m.info(c.name + ": " + reply)
			}
			return ok
		}}
	}
	out["+CMEE"] = setting("+CMEE", "0-2", needNothing, func(s *settings) *int { return &s.cmee })
	out["+CSCS"] = verb{run: cscs}
	out["+CLIP"] = setting("+CLIP", "0,1", needNothing, func(s *settings) *int { return &s.clip })
	out["+CHUP"] = verb{run: func(*Modem, command, time.Time) result { return ok }}
	return out
}

func cscs(m *Modem, c command, _ time.Time) result {
	const sets = "IRA GSM UCS2 UTF-8 8859-1"
	switch c.op {
	case opTest:
		m.info(`+CSCS: ("` + strings.ReplaceAll(sets, " ", `","`) + `")`)
	case opRead:
		m.info(`+CSCS: "` + m.set.charset + `"`)
	default:
		name := strings.ToUpper(text(arguments(c.args), 0, ""))
		for set := range strings.FieldsSeq(sets) {
			if name == set {
				m.set.charset = name
				return ok
			}
		}
		return cme(cmeParameters)
	}
	return ok
}
