package modemsim

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// receive is a message from the network. done is called once, with true when the modem has taken responsibility for it.
func (m *Modem) receive(mt mobileTerminated, done func(ok bool)) {
	m.mu.Lock()
	switch {
	case m.port == nil || m.faults.hung || !m.registered():
		done(false)
	case mt.report:
		m.routeReport(mt.tpdu, done)
	default:
		m.routeDeliver(mt.tpdu, done)
	}
	m.mu.Unlock()
	m.wake()
}

// routeDeliver shows or stores an SMS-DELIVER as +CNMI <mt> says [27.005 3.4.1].
func (m *Modem) routeDeliver(tpdu []byte, done func(bool)) {
	s, err := m.net.abc.parseDeliver(tpdu)
	if err == nil && s.PID == 0x40 { // type 0: acknowledged and thrown away [23.040 9.2.3.9]
		done(true)
		return
	}
	toStore := err == nil && (s.Class == 2 || s.DCS>>4 == 0xd || s.DCS>>4 == 0xe)
	if mt := m.set.cnmi[1]; !toStore && (mt == 2 || mt == 3 && s.Class == 3) {
		m.show(m.shownDeliver(tpdu), done)
		return
	}
	mem := m.memory(m.set.mem[2])
	index := mem.add(&slot{stat: statUnread, tpdu: tpdu})
	if index == 0 {
		m.log.add("<(memory full)")
		done(false)
		return
	}
	done(true)
	if m.set.cnmi[1] != 0 {
		m.smsURC(fmt.Sprintf("+CMTI: %q,%d", mem.name, index))
	}
}

// routeReport shows or stores an SMS-STATUS-REPORT as +CNMI <ds> says.
func (m *Modem) routeReport(tpdu []byte, done func(bool)) {
	mr := tpdu[1]
	switch m.set.cnmi[3] {
	case 1:
		if m.faults.early && m.faults.earlyMR == mr {
			m.write(m.shownReport(tpdu))
			m.expectAck(done)
			m.reportSeen(mr)
			return
		}
		m.show(m.shownReport(tpdu), done)
	case 2:
		index := m.sr.add(&slot{stat: statUnread, tpdu: tpdu, report: true})
		done(index != 0)
		if index != 0 {
			m.smsURC(fmt.Sprintf(`+CDSI: "SR",%d`, index))
		}
	default:
		done(true)
	}
}

// show gives a message to the client, which has to acknowledge it in phase 2+ [27.005 3.4.1, 4.6].
func (m *Modem) show(text string, done func(bool)) {
	m.smsURC(text)
	m.expectAck(done)
}

func (m *Modem) expectAck(done func(bool)) {
	if m.set.service == 0 {
		done(true)
		return
	}
	stop := m.after(m.bank.AckTimeout, func(time.Time) { m.ackMissed() })
	m.ack = &pendingAck{done: done, stop: stop}
}

// ackMissed is what a real modem does when +CNMA does not come: the network hears an error, and direct routing ends [27.005 3.4.4].
func (m *Modem) ackMissed() {
	m.log.add("<(no +CNMA: routing off)")
	m.set.cnmi[1], m.set.cnmi[3] = 0, 0
	m.acknowledge(false)
}

// acknowledge ends the wait for +CNMA; it is false when there was none.
func (m *Modem) acknowledge(good bool) bool {
	a := m.ack
	if a == nil {
		return false
	}
	m.ack = nil
	a.stop()
	a.done(good)
	return true
}

// smsURC is kept in mode 0 of +CNMI until the client turns indications on; the oldest of too many go.
func (m *Modem) smsURC(text string) {
	if m.set.cnmi[0] != 0 {
		m.urc(text)
		return
	}
	m.muted = append(m.muted[max(0, len(m.muted)+1-maxHeld):], text)
}

// unmute gives out what mode 0 has kept, or forgets it, as <bfr> says [27.005 3.4.1].
func (m *Modem) unmute() {
	if m.set.cnmi[0] == 0 {
		return
	}
	muted := m.muted
	m.muted = nil
	for _, text := range muted {
		if m.set.cnmi[4] == 0 {
			m.urc(text)
		}
	}
}

// storedPDU is a TPDU behind the address of the service centre it came from.
func (m *Modem) storedPDU(tpdu []byte) string {
	sca, err := m.net.abc.encodeAddress(m.sim.cfg.SMSC)
	if err != nil || m.sim.cfg.SMSC == "" {
		return "00" + upperHex(tpdu)
	}
	sca[0] = byte(len(sca) - 1) // octets here, digits in a TPDU [27.005 4.3, 24.011 8.2.5.2]
	return upperHex(sca) + upperHex(tpdu)
}

func upperHex(b []byte) string { return strings.ToUpper(hex.EncodeToString(b)) }

func (m *Modem) shownDeliver(tpdu []byte) string {
	if m.set.format == 1 {
		return "+CMT: " + m.deliverText(tpdu)
	}
	return "+CMT: ," + strconv.Itoa(len(tpdu)) + "\n" + m.storedPDU(tpdu)
}

func (m *Modem) shownReport(tpdu []byte) string {
	if m.set.format == 1 {
		return "+CDS: " + m.reportText(tpdu)
	}
	return "+CDS: " + strconv.Itoa(len(tpdu)) + "\n" + m.storedPDU(tpdu)
}

// cnma is AT+CNMA [27.005 3.4.4, 4.6].
func (m *Modem) cnma(c command, _ time.Time) result {
	if c.op == opTest {
		if m.set.format == 0 {
			m.info("+CNMA: (0-2)")
		}
		return ok
	}
	args := arguments(c.args)
	n, good := number(args, 0, 0)
	length, goodLength := number(args, 1, 0)
	switch {
	case c.op == opRead || !good || !goodLength || n > 2 || n > 0 && m.set.format == 1:
		return cms(cmsInvalidPDU)
	case m.set.service == 0:
		return cms(cmsNotAllowed)
	case m.ack == nil:
		return cms(cmsNoAck)
	case length == 0:
		m.acknowledge(n != 2)
		return ok
	}
	return m.prompt(func([]byte, time.Time) result {
		m.acknowledge(n != 2)
		return ok
	})
}
