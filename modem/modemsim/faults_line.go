package modemsim

import (
	"strconv"
	"time"
)

// CutAnswers makes the answers of the next n command lines break off in their middle, for good.
func (m *Modem) CutAnswers(n int) { m.locked(func() { m.faults.cutAnswers = n }) }

// CutSends makes the answers of the next n sends break off in their middle; the network has the message.
func (m *Modem) CutSends(n int) { m.locked(func() { m.faults.cutSends = n }) }

// DoubleFinals makes the next n final result codes come twice.
func (m *Modem) DoubleFinals(n int) { m.locked(func() { m.faults.doubleFinals = n }) }

// PromptTwice makes the next n prompts come twice.
func (m *Modem) PromptTwice(n int) { m.locked(func() { m.faults.twicePrompts = n }) }

// StickEcho makes the modem echo whatever ATE says.
func (m *Modem) StickEcho(on bool) { m.locked(func() { m.faults.stuckEcho = on }) }

// Unknown makes the modem know none of these verbs, such as "+CPINR"; without any it knows all again.
func (m *Modem) Unknown(verbs ...string) {
	unknown := map[string]bool{}
	for _, v := range verbs {
		unknown[v] = true
	}
	m.locked(func() { m.faults.unknown = unknown })
}

// Zeroes sends n binary zeroes now, at most 4096.
func (m *Modem) Zeroes(n int) {
	m.locked(func() {
		m.out = append(m.out, make([]byte, min(n, 4096))...)
		m.log.add("<(zeroes)")
	})
}

// Flood makes the modem tell of its start and its signal all the time for d, one line every so often, even while it hangs; 0 is until Clear.
func (m *Modem) Flood(d, every time.Duration) {
	m.locked(func() {
		running := m.faults.flood.on
		m.begin(&m.faults.flood, d, func() {})
		if !running {
			m.flooding(max(every, time.Millisecond))
		}
	})
}

func (m *Modem) flooding(every time.Duration) {
	if !m.faults.flood.on {
		return
	}
	if m.port != nil && m.line.mode != modeData {
		m.write("^BOOT:24395368,0,0,0,75")
		m.write("^RSSI: " + strconv.Itoa(m.cfg.Signal))
	}
	m.outside.at(time.Now().Add(every), func(time.Time) { m.flooding(every) })
}

// ForgetCNMI turns all indications off without a word.
func (m *Modem) ForgetCNMI() { m.locked(func() { m.set.cnmi = [5]int{} }) }

// ForgetPDUMode goes back to text mode without a word.
func (m *Modem) ForgetPDUMode() { m.locked(func() { m.set.format = 1 }) }

// ForgetPhase2 goes back to +CSMS=0 without a word: what is shown the modem acknowledges by itself.
func (m *Modem) ForgetPhase2() { m.locked(func() { m.set.service = 0 }) }

// ConstantMR makes every send have that TP-MR.
func (m *Modem) ConstantMR(mr byte) { m.locked(func() { m.faults.constantMR = &mr }) }

// CountMR ends ConstantMR.
func (m *Modem) CountMR() { m.locked(func() { m.faults.constantMR = nil }) }

// RefuseNumber makes all sends to a number end with +CMS ERROR: code; 0 ends it.
func (m *Modem) RefuseNumber(number string, code int) {
	m.locked(func() {
		if m.faults.numbers == nil {
			m.faults.numbers = map[string]int{}
		}
		if len(m.faults.numbers) < maxNumbers {
			m.faults.numbers[numberKey(number)] = code
		}
	})
}

// maxNumbers bounds the numbers that are refused.
const maxNumbers = 1000

// shortness is the loss of octets on the line to the modem.
type shortness struct {
	sends int
	taken bool // the modem does not mind
}

// ShortenPDUs makes only half of the next n PDUs reach the modem. With taken it does not look at their length, and sends what it has.
func (m *Modem) ShortenPDUs(n int, taken bool) {
	m.locked(func() { m.faults.short = shortness{n, taken} })
}

// shortened gives an SMS-SUBMIT that lost its end a length of user data that fits, and its own length; -1 when its user data is all gone.
func shortened(tpdu []byte) ([]byte, int) {
	if len(tpdu) < 3 {
		return tpdu, -1
	}
	udl := 2 + 2 + (int(tpdu[2])+1)/2 + 2 + vpLength(tpdu[0])
	if udl >= len(tpdu) {
		return tpdu, -1
	}
	octets := len(tpdu) - udl - 1
	if coding, _ := dataCoding(tpdu[udl-1-vpLength(tpdu[0])]); coding == GSM7 {
		octets = octets * 8 / 7
	}
	tpdu[udl] = byte(octets)
	return tpdu, len(tpdu)
}
