package modemsim

import (
	"time"
)

// faults is what is wrong with a modem at present.
type faults struct {
	hung       bool
	endHang    func()   // takes the end of the hang off the agenda
	wakeups    []func() // what the hang has put off
	noNetwork  spell
	denied     spell
	card       cardFault
	flood      spell
	crOnly     bool
	barePrompt bool
	stuckEcho  bool
	inside     int // answers to come with an unsolicited line in them
	losePrompts,
	twicePrompts,
	loseAnswers,
	cutAnswers,
	cutSends,
	doubleFinals,
	reportsFirst int
	early       bool   // a report is to come before its answer
	earlyMR     byte   // its TP-MR
	afterReport func() // the answer
	late        lateness
	refuse      refusal
	weak        weakness
	short       shortness
	numbers     map[string]int  // +CMS ERROR for sends to a number
	unknown     map[string]bool // verbs that it does not know
	constantMR  *byte
	reports     reportFaults
}

// spell is a fault that lasts for a time. Its end is outside the modem: it comes whether the power is on or not.
type spell struct {
	on  bool
	end func() // takes the end off the agenda
}

// begin begins a spell of d, or makes one that lasts anew; 0 is until Clear.
func (m *Modem) begin(s *spell, d time.Duration, over func()) {
	if s.end != nil {
		s.end()
	}
	*s = spell{on: true}
	if d > 0 {
		s.end = m.outside.at(time.Now().Add(d), func(time.Time) {
			*s = spell{}
			over()
		})
	}
}

type lateness struct {
	sends int
	by    time.Duration
	busy  bool
}

// weakness is a supply that does not last for a send.
type weakness struct {
	sends int
	boot  time.Duration
}

type refusal struct {
	sends int
	with  result
}

// take uses up one of a counted fault.
func take(count *int) bool {
	if *count <= 0 {
		return false
	}
	*count--
	return true
}

// awake ends a hang without doing what it has put off.
func (f *faults) awake() {
	if f.endHang != nil {
		f.endHang()
	}
	f.hung, f.endHang, f.wakeups = false, nil, nil
}

// whenAwake does it now, or when the hang ends.
func (m *Modem) whenAwake(do func()) {
	if m.faults.hung {
		m.faults.wakeups = append(m.faults.wakeups, do)
		return
	}
	do()
}

func (m *Modem) endHang() {
	late := m.faults.wakeups
	m.faults.awake()
	for _, do := range late {
		do()
	}
	if m.line.mode == modeCommand {
		m.flushHeld()
	}
	m.net.alert(m)
}

// Hang makes the modem deaf and dumb for d; 0 is until Clear. What is sent to it meanwhile is lost; what it was doing ends late.
func (m *Modem) Hang(d time.Duration) {
	m.locked(func() {
		if m.faults.endHang != nil {
			m.faults.endHang()
			m.faults.endHang = nil
		}
		m.faults.hung = true
		if d > 0 {
			m.faults.endHang = m.after(d, func(time.Time) { m.endHang() })
		}
	})
}

// BrownOut makes the modem restart at each of the next n sends, which the network does not get; it answers again after boot.
func (m *Modem) BrownOut(n int, boot time.Duration) {
	m.locked(func() { m.faults.weak = weakness{n, boot} })
}

// FailSends makes the next n sends end with +CMS ERROR: code.
func (m *Modem) FailSends(n, code int) {
	m.locked(func() { m.faults.refuse = refusal{n, cms(code)} })
}

// FailSendsCME makes the next n sends end with +CME ERROR: code.
func (m *Modem) FailSendsCME(n, code int) {
	m.locked(func() { m.faults.refuse = refusal{n, cme(code)} })
}

// LoseAnswers makes the next n sends reach the network without an answer; then the modem takes commands as if nothing had been.
func (m *Modem) LoseAnswers(n int) { m.locked(func() { m.faults.loseAnswers = n }) }

// LateAnswers makes the answers of the next n sends come d after Ctrl-Z. The network takes the message at its usual time. With busy, the
// modem answers nothing else meanwhile; without, it takes commands and the answer bursts in between.
func (m *Modem) LateAnswers(n int, d time.Duration, busy bool) {
	m.locked(func() { m.faults.late = lateness{n, d, busy} })
}

// LosePrompts makes the next n prompts not come; data is taken all the same.
func (m *Modem) LosePrompts(n int) { m.locked(func() { m.faults.losePrompts = n }) }

// ReportsFirst makes the reports of the next n sends come before the +CMGS answer.
func (m *Modem) ReportsFirst(n int) { m.locked(func() { m.faults.reportsFirst = n }) }

// URCInsideAnswers puts an unsolicited line into the next n answers: behind the command, before its first line.
func (m *Modem) URCInsideAnswers(n int) { m.locked(func() { m.faults.inside = n }) }

// CROnly makes lines end with CR instead of CR LF.
func (m *Modem) CROnly(on bool) { m.locked(func() { m.faults.crOnly = on }) }

// PromptWithoutSpace makes the prompt ">" instead of "> ".
func (m *Modem) PromptWithoutSpace(on bool) { m.locked(func() { m.faults.barePrompt = on }) }

// Garbage sends n octets of line noise now, at most 4096.
func (m *Modem) Garbage(n int) {
	m.locked(func() {
		for range min(n, 4096) {
			m.out = append(m.out, byte(m.random.IntN(256)))
		}
		m.log.add("<(noise)")
	})
}

// URC sends an unsolicited line now.
func (m *Modem) URC(line string) { m.locked(func() { m.urc(line) }) }

// Reboot restarts the modem: all settings are as after power-on, and the PIN is asked for again. It answers after d; the pty stays.
func (m *Modem) Reboot(d time.Duration) {
	m.locked(func() {
		if m.port != nil {
			m.restart(d)
		}
	})
}

// LoseNetwork takes the registration away for d; 0 is until Clear.
func (m *Modem) LoseNetwork(d time.Duration) {
	m.locked(func() {
		m.begin(&m.faults.noNetwork, d, m.findNetwork)
		m.setRegistration(2)
	})
}

// Deny makes the network deny registration for d; 0 is until Clear.
func (m *Modem) Deny(d time.Duration) {
	m.locked(func() {
		m.begin(&m.faults.denied, d, m.findNetwork)
		m.setRegistration(3)
	})
}

func (m *Modem) findNetwork() {
	if m.port != nil {
		m.startRadio()
	}
}

// FillStorage fills a memory ("SM", "ME") with old read messages, but leaves this many places free.
func (m *Modem) FillStorage(memory string, leave int) {
	address, err := m.net.abc.encodeAddress("+31600000000")
	if err != nil {
		return
	}
	old := buildDeliver(address, 0, 0, time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), nil, []byte("old"))
	m.locked(func() {
		mem := m.memory(memory)
		if mem == nil {
			return
		}
		for len(mem.slots)-mem.used() > max(0, leave) {
			mem.add(&slot{stat: statRead, tpdu: old})
		}
	})
}

// AskPIN takes the SIM back to its state before the PIN; with tries left as given (1 to 3).
func (m *Modem) AskPIN(pin string, tries int) {
	m.locked(func() {
		m.sim.cfg.PIN, m.sim.lock, m.sim.verified = pin, true, false
		m.sim.pinLeft = max(0, min(pinTries, tries))
		m.setRegistration(0)
	})
}

// SetLatency changes the network time of a send.
func (m *Modem) SetLatency(d time.Duration) { m.SpreadLatency(d, d, false) }

// SpreadLatency makes the network time of a send lie anywhere from low to high; with long tail mostly near low, and now and then near high.
func (m *Modem) SpreadLatency(low, high time.Duration, longTail bool) {
	m.locked(func() { m.cfg.Latency, m.latencyMost, m.longTail = low, max(low, high), longTail })
}

// latency is the network time of the next send.
func (m *Modem) latency() time.Duration {
	u := m.random.Float64()
	if m.longTail {
		u = u * u * u * u
	}
	return m.cfg.Latency + time.Duration(u*float64(max(0, m.latencyMost-m.cfg.Latency)))
}

// SetSignal changes the rssi that +CSQ gives.
func (m *Modem) SetSignal(rssi int) { m.locked(func() { m.cfg.Signal = rssi }) }

// Clear ends all faults. An unplugged modem stays unplugged.
func (m *Modem) Clear() {
	m.locked(func() {
		f := &m.faults
		if f.hung {
			m.endHang()
		}
		for _, s := range []*spell{&f.noNetwork, &f.denied, &f.card.spell, &f.flood} {
			if s.end != nil {
				s.end()
			}
		}
		m.faults = faults{}
		m.findNetwork()
	})
	m.net.mend(m)
}

// Ring is a call from that number: n times RING, with +CLIP when it is on.
func (m *Modem) Ring(from string, n int) {
	m.locked(func() { m.ring(from, n) })
}

func (m *Modem) ring(from string, n int) {
	if n <= 0 || m.port == nil {
		return
	}
	m.urc("RING")
	if m.set.clip == 1 {
		m.urc(`+CLIP: "` + from + `",145,,,,0`)
	}
	m.after(2*time.Second, func(time.Time) { m.ring(from, n-1) })
}
