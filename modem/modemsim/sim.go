package modemsim

// Message states in a memory [27.005 3.1 <stat>].
const (
	statUnread = iota
	statRead
	statUnsent
	statSent
	statAll
)

// Tries that a SIM allows [TS 31.101 via 27.007 8.3].
const (
	pinTries = 3
	pukTries = 10
)

// slot is a message in a memory.
type slot struct {
	stat   int
	tpdu   []byte
	report bool
}

// memory is a message store; slot i has index i+1.
type memory struct {
	name  string
	slots []*slot
}

func newMemory(name string, size int) *memory { return &memory{name: name, slots: make([]*slot, size)} }

func (m *memory) used() (n int) {
	for _, s := range m.slots {
		if s != nil {
			n++
		}
	}
	return n
}

// add puts a message in the first free place and gives its index; 0 when full.
func (m *memory) add(s *slot) int {
	for i, have := range m.slots {
		if have == nil {
			m.slots[i] = s
			return i + 1
		}
	}
	return 0
}

// at gives the message with that index; inRange is false when no such place exists.
func (m *memory) at(index int) (s *slot, inRange bool) {
	if index < 1 || index > len(m.slots) {
		return nil, false
	}
	return m.slots[index-1], true
}

// sim is a card. What is in it outlives the power.
type sim struct {
	cfg      SIMConfig
	lock     bool // the PIN is asked for at power-on
	pinLeft  int
	pukLeft  int
	verified bool // since power-on
	mr       byte // last TP-MR, EF_SMSS
	sm       *memory
}

func newSIM(cfg SIMConfig) *sim {
	return &sim{cfg: cfg, lock: cfg.PIN != "", pinLeft: pinTries, pukLeft: pukTries, sm: newMemory("SM", cfg.Size)}
}

// state is what +CPIN? says; "" when the card is dead.
func (s *sim) state() string {
	switch {
	case s.pukLeft == 0:
		return ""
	case s.pinLeft == 0:
		return "SIM PUK"
	case s.lock && !s.verified:
		return "SIM PIN"
	}
	return "READY"
}

// verify tries a PIN.
func (s *sim) verify(pin string) bool {
	if pin != s.cfg.PIN {
		s.pinLeft = max(0, s.pinLeft-1)
		return false
	}
	s.pinLeft, s.verified = pinTries, true
	return true
}

// unblock tries a PUK and sets a new PIN.
func (s *sim) unblock(puk, pin string) bool {
	if puk != s.cfg.PUK {
		s.pukLeft = max(0, s.pukLeft-1)
		return false
	}
	s.cfg.PIN, s.pinLeft, s.pukLeft, s.verified = pin, pinTries, pukTries, true
	return true
}
