package modemsim

import "time"

// cardFault is what the modem says of its SIM instead of the truth.
type cardFault struct {
	spell
	word string // for +CPIN?; "" is an error
	code int    // of +CME ERROR
}

// +CME ERROR codes for a SIM that is not at hand [27.007 9.2].
const (
	cmeSIMBusy   = 14
	cmsSIMOffset = 300 // of the +CMS ERROR with the same meaning [27.005 3.2.5]
)

// smsCode is the +CMS ERROR for what +CME ERROR says of a SIM.
func smsCode(cme int) int {
	if cme == cmePUK {
		return cmsPUK
	}
	return cme + cmsSIMOffset
}

// simWord is what +CPIN? says; "" and the +CME ERROR when it is an error.
func (m *Modem) simWord() (word string, code int) {
	f := &m.faults.card
	switch {
	case m.cfg.NoSIM:
		return "", cmeNoSIM
	case f.on:
		return f.word, f.code
	case m.sim.state() == "":
		return "", cmeSIMFailure
	}
	return m.sim.state(), 0
}

// cardSays makes the modem say that of its SIM for d; 0 is until Clear.
func (m *Modem) cardSays(d time.Duration, word string, code int) {
	m.locked(func() {
		f := &m.faults.card
		f.word, f.code = word, code
		m.begin(&f.spell, d, m.findNetwork)
		if word != "SIM PIN2" {
			m.setRegistration(0)
		}
	})
}

// BusySIM makes the SIM busy for d: it is there, and not ready.
func (m *Modem) BusySIM(d time.Duration) { m.cardSays(d, "", cmeSIMBusy) }

// BreakSIM makes the SIM unreadable for d; 0 is until Clear.
func (m *Modem) BreakSIM(d time.Duration) { m.cardSays(d, "", cmeSIMFailure) }

// TakeSIM takes the SIM out for d; 0 is until Clear.
func (m *Modem) TakeSIM(d time.Duration) { m.cardSays(d, "", cmeNoSIM) }

// AskPIN2 makes +CPIN? ask for the PIN2 for d; 0 is until Clear. Messages go on [27.007 8.3].
func (m *Modem) AskPIN2(d time.Duration) { m.cardSays(d, "SIM PIN2", 0) }

// BlockSIM makes the SIM ask for its PUK, or with dead for nothing any more.
func (m *Modem) BlockSIM(dead bool) {
	m.locked(func() {
		m.sim.lock, m.sim.verified, m.sim.pinLeft = true, false, 0
		if dead {
			m.sim.pukLeft = 0
		}
		m.setRegistration(0)
	})
}

// SwapSIM changes cards with another modem; both restart.
func (m *Modem) SwapSIM(o *Modem) {
	if m == o {
		return
	}
	first, second := m, o
	if o.index < m.index {
		first, second = o, m
	}
	first.locked(func() {
		second.locked(func() {
			m.net.swap(m, o)
			m.sim, o.sim = o.sim, m.sim
			for _, each := range []*Modem{m, o} {
				if each.port != nil {
					each.restart(each.bank.BootTime)
				}
			}
		})
	})
}

// swap makes what waits for the SIMs go to the other modem.
func (n *Network) swap(a, b *Modem) {
	n.mu.Lock()
	defer n.mu.Unlock()
	boxA, boxB := n.box(a), n.box(b)
	if boxA != nil && boxB != nil {
		boxA.modem, boxB.modem = b, a
	}
}

// box is the mailbox of the SIM in a modem. The caller holds n.mu and the modem's lock.
func (n *Network) box(m *Modem) *mailbox { return n.mailboxes[numberKey(m.sim.cfg.MSISDN)] }
