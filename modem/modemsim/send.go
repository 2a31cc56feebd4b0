package modemsim

import (
	"encoding/hex"
	"strconv"
	"strings"
	"time"
)

// +CMS ERROR codes that the modem gives of itself [27.005 3.2.5].
const (
	cmsNotAllowed   = 302
	cmsNotSupported = 303
	cmsInvalidPDU   = 304
	cmsInvalidText  = 305
	cmsNoSIM        = 310
	cmsPIN          = 311
	cmsPUK          = 316
	cmsIndex        = 321
	cmsFull         = 322
	cmsNoSMSC       = 330
	cmsNoNetwork    = 331
	cmsNoAck        = 340
)

// cmgs is AT+CMGS [27.005 3.5.1, 4.3].
func (m *Modem) cmgs(c command, _ time.Time) result {
	if c.op == opTest {
		return ok
	}
	if c.op != opSet {
		return cms(cmsNotAllowed)
	}
	args := arguments(c.args)
	if m.set.format == 1 {
		return m.cmgsText(args)
	}
	length, good := number(args, 0, -1)
	if !good || length < 7 || length > 232 {
		return cms(cmsInvalidPDU)
	}
	return m.prompt(func(message []byte, at time.Time) result {
		tpdu, code := m.pduMessage(message, length)
		if code != 0 {
			return cms(code)
		}
		return m.send(tpdu, at, "+CMGS: ")
	})
}

// pduMessage takes the service-centre address off a PDU in hexadecimal; length is that of the TPDU in octets [27.005 4.3].
func (m *Modem) pduMessage(message []byte, length int) (tpdu []byte, code int) {
	taken := false
	if f := &m.faults; take(&f.short.sends) {
		message, taken = message[:len(message)/4*2], f.short.taken
	}
	digits := strings.Map(func(r rune) rune {
		if r == '\r' || r == '\n' {
			return -1
		}
		return r
	}, string(message))
	b, err := hex.DecodeString(digits)
	if err != nil || len(b) == 0 || int(b[0]) >= len(b) {
		return nil, cmsInvalidPDU
	}
	sca, tpdu := b[1:1+int(b[0])], b[1+int(b[0]):]
	if taken {
		tpdu, length = shortened(tpdu)
	}
	if len(tpdu) != length || len(sca) > 12 || len(sca) == 1 {
		return nil, cmsInvalidPDU
	}
	if len(sca) == 0 && m.sim.cfg.SMSC == "" {
		return nil, cmsNoSMSC
	}
	return tpdu, 0
}

// send gives an SMS-SUBMIT to the network, which has it after Latency; verb begins the answer.
func (m *Modem) send(tpdu []byte, at time.Time, verb string) result {
	s, err := m.net.abc.parseSubmit(tpdu)
	if err != nil {
		m.log.add("<(" + err.Error() + ")")
		return cms(cmsInvalidPDU)
	}
	if m.sim.cfg.SMSC == "" && verb != "+CMGS: " {
		return cms(cmsNoSMSC)
	}
	m.sim.mr++
	s.MR = m.sim.mr
	if m.faults.constantMR != nil {
		s.MR = *m.faults.constantMR
	}
	s.Raw[1] = s.MR
	due := at.Add(m.latency())
	m.agenda.at(due, func(now time.Time) {
		m.net.cameLate(now.Sub(due))
		m.sent(s, at, now, verb)
	})
	return pending
}

// sent is the moment at which the network has the message, or not.
func (m *Modem) sent(s Segment, at, now time.Time, verb string) {
	f := &m.faults
	if take(&f.weak.sends) {
		m.restart(f.weak.boot)
		return
	}
	if take(&f.refuse.sends) {
		m.whenAwake(func() { m.resume(f.refuse.with) })
		return
	}
	if code := f.numbers[numberKey(s.To)]; code != 0 {
		m.whenAwake(func() { m.resume(cms(code)) })
		return
	}
	if !m.registered() {
		m.whenAwake(func() { m.resume(cms(cmsNoNetwork)) })
		return
	}
	early := s.SRR && take(&f.reportsFirst)
	if early {
		m.expectReport(s.MR)
	}
	if refused := m.net.submit(m, s, f.reports.take()); refused != ok {
		m.whenAwake(func() { m.resume(refused) })
		return
	}
	answer := func() {
		m.line.cut = m.line.cut || take(&f.cutSends)
		m.info(verb + strconv.Itoa(int(s.MR)))
		m.resume(ok)
	}
	switch {
	case take(&f.loseAnswers):
		m.resume(result{outcome: outcomeSilent})
	case take(&f.late.sends):
		m.answerLate(s, at.Add(f.late.by), verb, answer)
	case early:
		m.faults.afterReport = answer
		m.after(reportWait, func(time.Time) { m.reportSeen(s.MR) })
	default:
		m.whenAwake(answer)
	}
}

func (m *Modem) answerLate(s Segment, at time.Time, verb string, answer func()) {
	if m.faults.late.busy {
		m.agenda.at(at, func(time.Time) { m.whenAwake(answer) })
		return
	}
	m.resume(result{outcome: outcomeSilent})
	m.agenda.at(at, func(time.Time) {
		m.whenAwake(func() {
			m.write(verb + strconv.Itoa(int(s.MR)))
			m.write("OK")
		})
	})
}

// reportWait is how long an answer waits for a report that is to come before it.
const reportWait = 10 * time.Second

// expectReport lets the report of that TP-MR out before the answer.
func (m *Modem) expectReport(mr byte) { m.faults.early, m.faults.earlyMR = true, mr }

// reportSeen ends the wait for a report.
func (m *Modem) reportSeen(mr byte) {
	f := &m.faults
	if !f.early || f.earlyMR != mr {
		return
	}
	answer := f.afterReport
	f.early, f.afterReport = false, nil
	if answer != nil {
		m.whenAwake(answer)
	}
}
