package modemsim

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// Modem is one AT interpreter on a pty, with a SIM.
type Modem struct {
	index  int
	cfg    ModemConfig
	bank   Config
	path   string
	net    *Network
	verbs  map[string]verb
	peers  *[]*Modem     // all modems of the bank
	kick   chan struct{} // one slot: the loop is to look again
	inputs chan chunk

	// mu guards all below.
	mu      sync.Mutex
	port    port   // nil when unplugged
	agenda  agenda // of the modem: the power takes it away
	outside agenda // of the world: the power does not
	plugIn  bool   // it is to be plugged in again
	random  *rand.Rand
	sim     *sim
	me, sr  *memory
	line    line
	set     settings
	saved   settings // by AT&W
	log     ring
	faults  faults

	out         []byte        // to be written by the loop
	held        []string      // unsolicited lines that wait for the end of a command; each entry may hold two lines
	muted       []string      // indications that +CNMI mode 0 keeps
	reg         int           // registration <stat> [27.007 7.2]
	fun         int           // +CFUN
	ack         *pendingAck   // a +CMT or +CDS that waits for +CNMA
	ussd        bool          // a USSD session is open
	menu        string        // the codes of the open session, with '>' between
	latencyMost time.Duration // a send takes from cfg.Latency to this
	longTail    bool
	power       uint64 // counts power-ons, so that what was begun before one does not go on after it
}

// pendingAck is a message shown to the client and not acknowledged yet [27.005 4.6].
type pendingAck struct {
	done func(ok bool)
	stop func()
}

func newModem(i int, cfg Config, n *Network, verbs map[string]verb) *Modem {
	mc := defaultModem(i, cfg.Latency)
	if cfg.Each != nil {
		cfg.Each(i, &mc)
	}
	m := &Modem{
		index: i, cfg: mc, bank: cfg, net: n, verbs: verbs, path: filepath.Join(cfg.Dir, fmt.Sprintf("modem%02d", i)),
		kick: make(chan struct{}, 1), inputs: make(chan chunk, 4),
		random: rand.New(rand.NewPCG(cfg.Seed, uint64(i))), peers: &[]*Modem{},
		sim: newSIM(mc.SIM), me: newMemory("ME", mc.MESize), sr: newMemory("SR", 20),
	}
	m.saved = defaultSettings(!mc.NoEcho)
	return m
}

// run serves the pty until ctx is done.
func (m *Modem) run(ctx context.Context) {
	var readers sync.WaitGroup
	defer readers.Wait()
	defer m.Unplug()
	timer := time.NewTimer(0)
	defer timer.Stop()
	var serving port
	var rest []byte
	for {
		p, out, next := m.turn()
		if m.comesBack() {
			m.Replug() // without a port it stays unplugged, which its path shows
			continue
		}
		if p != serving {
			serving, rest = p, nil
			if p != nil {
				readers.Go(func() { p.serve(ctx, m.inputs) })
			}
		}
		if rest = flush(p, append(rest, out...)); len(rest) > 0 {
			next = min(next, 2*time.Millisecond)
		}
		if m.bank.Exact {
			if next = next - coarse; next <= 0 {
				doze(next + coarse)
				continue
			}
		}
		timer.Reset(next)
		select {
		case <-ctx.Done():
			return
		case <-m.kick:
		case <-timer.C:
		case c := <-m.inputs:
			m.input(c)
		}
	}
}

// coarse is how late Go's timers may be.
const coarse = time.Millisecond

// doze sleeps by the system's clock; cut short it has not slept enough, which does not matter.
func doze(d time.Duration) {
	ts := syscall.NsecToTimespec(int64(d))
	_ = syscall.Nanosleep(&ts, nil)
}

// maxUnsent bounds what a client may leave unread; a wire would have lost it long before.
const maxUnsent = 64 << 10

// flush writes what fits and returns the rest, without the oldest of too much.
func flush(p port, b []byte) []byte {
	if p == nil || len(b) == 0 {
		return nil
	}
	rest := p.write(b)
	return rest[max(0, len(rest)-maxUnsent):]
}

// turn does what is due and takes what is to be written.
func (m *Modem) turn() (p port, out []byte, next time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for {
		now := time.Now()
		run, ok := m.agenda.due(now)
		if !ok {
			run, ok = m.outside.due(now)
		}
		if !ok {
			out, m.out = m.out, nil
			return m.port, out, min(m.agenda.next(now), m.outside.next(now))
		}
		run(now)
	}
}

func (m *Modem) input(c chunk) {
	c.taken()
	m.mu.Lock()
	mine := c.from == m.port
	if mine {
		m.feed(c.data, c.at)
	}
	m.mu.Unlock()
	if mine && errors.Is(c.err, errStale) {
		m.Unplug()
		m.Replug() // without a pty it stays unplugged, which its link shows
	}
}

// locked changes the modem from outside its loop.
func (m *Modem) locked(change func()) {
	m.mu.Lock()
	change()
	m.mu.Unlock()
	m.wake()
}

func (m *Modem) wake() {
	select {
	case m.kick <- struct{}{}:
	default:
	}
}

// after enters something for the modem's loop, unless the power goes before.
func (m *Modem) after(d time.Duration, run func(now time.Time)) (cancel func()) {
	return m.agenda.at(time.Now().Add(d), run)
}

// Path is the link to its pty.
func (m *Modem) Path() string { return m.path }

// IMEI is the serial number, as AT+CGSN gives it.
func (m *Modem) IMEI() string { return m.cfg.IMEI }

// Number is the number of its SIM.
func (m *Modem) Number() string { return m.card().cfg.MSISDN }

// ICCID is the SIM's.
func (m *Modem) ICCID() string { return m.card().cfg.ICCID }

// card is the SIM that is in the modem now.
func (m *Modem) card() *sim {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.sim
}

// SIMState is what +CPIN? would say: "READY", "SIM PIN", "SIM PUK"; "" for a dead or missing SIM.
func (m *Modem) SIMState() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.cfg.NoSIM {
		return ""
	}
	return m.sim.state()
}

// PINTries are the tries left for the PIN and the PUK.
func (m *Modem) PINTries() (pin, puk int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.sim.pinLeft, m.sim.pukLeft
}

// Stored is the number of messages in a memory: "SM", "ME", "SR".
func (m *Modem) Stored(memory string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	if mem := m.memory(memory); mem != nil {
		return mem.used()
	}
	return 0
}

func (m *Modem) memory(name string) *memory {
	switch name {
	case "SM":
		return m.sim.sm
	case "ME":
		return m.me
	case "SR":
		return m.sr
	}
	return nil
}

// Registered says whether the modem is on the network.
func (m *Modem) Registered() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.registered()
}

// Transcript is the last AT lines, oldest first: ">" before what the client sent, "<" before what the modem sent.
func (m *Modem) Transcript() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.log.lines()
}

// transcriptSize is the number of lines that a transcript remembers.
const transcriptSize = 400

// ring remembers the last lines.
type ring struct {
	have   []string
	oldest int
}

func (r *ring) add(line string) {
	if len(r.have) < transcriptSize {
		r.have = append(r.have, line)
		return
	}
	r.have[r.oldest] = line
	r.oldest = (r.oldest + 1) % transcriptSize
}

func (r *ring) lines() []string {
	return append(append([]string(nil), r.have[r.oldest:]...), r.have[:r.oldest]...)
}
