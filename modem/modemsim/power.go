package modemsim

import (
	"strconv"
	"time"
)

// settings are what a power-on and ATZ put back.
type settings struct {
	echo, verbose, quiet int
	cmee                 int
	creg, cgreg, cereg   int
	format               int // +CMGF
	service              int // +CSMS
	header               int // +CSDH
	cmms, clip           int
	cusd, copsFormat     int
	cnmi                 [5]int
	fo, vp, pid, dcs     int // +CSMP
	charset              string
	mem                  [3]string // +CPMS
	registers            map[string]int
}

func defaultSettings(echo bool) settings {
	s := settings{verbose: 1, fo: 17, vp: 167, charset: "IRA", mem: [3]string{"SM", "SM", "SM"}}
	if echo {
		s.echo = 1
	}
	return s
}

// powerOn starts the modem. The caller holds m.mu.
func (m *Modem) powerOn() {
	m.power++
	m.set = m.saved
	m.line, m.held, m.muted, m.reg, m.fun, m.ussd = line{}, nil, nil, 0, 1, false
	m.sim.verified = false
	m.startRadio()
	m.chatter()
}

// chatter tells of the signal now and then.
func (m *Modem) chatter() {
	if m.cfg.Chatter <= 0 {
		return
	}
	m.after(m.cfg.Chatter, func(time.Time) {
		m.urc("^RSSI: " + strconv.Itoa(m.cfg.Signal))
		m.chatter()
	})
}

// powerOff forgets what was under way. The caller holds m.mu.
func (m *Modem) powerOff() {
	m.agenda.clear()
	m.line, m.held, m.muted, m.out, m.reg = line{}, nil, nil, nil, 0
	m.faults.awake()
	m.acknowledge(false)
}

// startRadio searches the network if the SIM is open.
func (m *Modem) startRadio() {
	f := &m.faults
	if word, _ := m.simWord(); word != "READY" && word != "SIM PIN2" || m.fun != 1 || m.registered() {
		return
	}
	switch {
	case f.noNetwork.on:
		m.setRegistration(2)
		return
	case f.denied.on:
		m.setRegistration(3)
		return
	}
	if m.bank.RegisterDelay == 0 {
		m.register()
		return
	}
	m.setRegistration(2)
	m.after(m.bank.RegisterDelay, func(time.Time) {
		if m.reg == 2 && m.fun == 1 && !m.faults.noNetwork.on && !m.faults.denied.on {
			m.register()
		}
	})
}

func (m *Modem) register() {
	if m.cfg.Roaming {
		m.setRegistration(5)
	} else {
		m.setRegistration(1)
	}
	m.net.alert(m)
}

func (m *Modem) registered() bool { return m.reg == 1 || m.reg == 5 }

// setRegistration says so to a client that asked to hear it [27.007 7.2].
func (m *Modem) setRegistration(stat int) {
	if stat == m.reg {
		return
	}
	m.reg = stat
	for _, v := range []struct {
		name string
		n    int
	}{{"+CREG", m.set.creg}, {"+CGREG", m.set.cgreg}, {"+CEREG", m.set.cereg}} {
		if v.n > 0 {
			m.urc(v.name + ": " + m.cell(v.n))
		}
	}
}

// restart is a reboot that takes d; the pty stays.
func (m *Modem) restart(d time.Duration) {
	m.powerOff()
	m.faults.hung = true
	m.after(d, func(time.Time) {
		m.faults.awake()
		m.powerOn()
		for _, text := range m.cfg.BootLines {
			m.urc(text)
		}
	})
}

// Unplug hangs the port up and takes its path away.
func (m *Modem) Unplug() {
	m.mu.Lock()
	p := m.port
	m.port = nil
	m.powerOff()
	m.mu.Unlock()
	if p != nil {
		if !m.bank.InMemory {
			unlink(m.path, p.label())
		}
		p.close()
	}
	m.wake()
}

// UnplugFor unplugs the modem and plugs it in again after d.
func (m *Modem) UnplugFor(d time.Duration) {
	m.Unplug()
	m.locked(func() { m.outside.at(time.Now().Add(d), func(time.Time) { m.plugIn = true }) })
}

// comesBack says, once, that it is time to be plugged in again.
func (m *Modem) comesBack() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	was := m.plugIn
	m.plugIn = false
	return was
}

// Replug powers the modem on again on a new port under the same path.
func (m *Modem) Replug() error {
	m.mu.Lock()
	plugged := m.port != nil
	m.mu.Unlock()
	if plugged {
		return nil
	}
	p, err := m.newPort()
	if err != nil {
		return err
	}
	m.locked(func() {
		m.port = p
		m.powerOn()
	})
	return nil
}

func (m *Modem) newPort() (port, error) {
	if m.bank.InMemory {
		return newPipe(m.path), nil
	}
	p, err := openPTY()
	if err != nil {
		return nil, err
	}
	if err := link(m.path, p.name); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}
