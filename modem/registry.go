package modem

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Source tells at which places there are modems, beside Config.Ports: it calls found with all of them at first and after each change, from
// one goroutine, until ctx ends. Places are such as Config.Open takes.
type Source func(ctx context.Context, found func(places []string))

// Bounds of what a bank keeps of modems that come and go.
const (
	maxFound   = 256
	maxTallies = 1024
)

// Bank is a number of modems. Those at fixed places are there all the time; those that Config.Source finds join while the bank runs. One
// that was identified stays when it is unplugged, as absent, and goes on where it turns up.
type Bank struct {
	cfg Config

	mu      sync.Mutex
	modems  []*Modem // the fixed ones in the order of Config.Ports, then the others as they were found
	places  []string // what Source has told last
	tallies map[string]tally
}

// tally is what follows a modem by its IMEI.
type tally struct {
	sent, refused, unknown, received, reports, calls uint64

	unsurePIN   string
	unsureTries int

	health health
}

// NewBank makes a bank of one modem a port. A port that is named twice counts once.
func NewBank(cfg Config) *Bank {
	b := &Bank{cfg: cfg.withDefaults(), tallies: map[string]tally{}}
	if b.cfg.Refused == nil {
		b.cfg.Refused = &pinMemory{refused: map[string]bool{}}
	}
	seen := map[string]bool{}
	for _, path := range cfg.Ports {
		if !seen[path] {
			seen[path] = true
			b.modems = append(b.modems, newModem(b, path))
		}
	}
	return b
}

// Run keeps all modems going until ctx ends, and returns when nothing of them runs any more. The error is that of ctx.
func (b *Bank) Run(ctx context.Context) error {
	var all sync.WaitGroup
	for i, m := range b.list() {
		all.Go(func() { m.runAfter(ctx, time.Duration(i)*b.cfg.Stagger) })
	}
	if b.cfg.Source != nil {
		all.Go(func() {
			b.cfg.Source(ctx, func(places []string) { b.found(ctx, &all, places) })
		})
	}
	all.Wait()
	<-ctx.Done()
	return ctx.Err()
}

func (m *Modem) runAfter(ctx context.Context, d time.Duration) {
	if pauseFor(ctx, d) {
		m.run(ctx)
	}
}

// list is a copy of the list of modems.
func (b *Bank) list() []*Modem {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.modems)
}

// Modems tells of all modems: those of Config.Ports in their order, then those that were found.
func (b *Bank) Modems() []Info {
	all := b.list()
	out := make([]Info, len(all))
	for i, m := range all {
		out[i] = m.Info()
	}
	return out
}

// found lets those join that are new, and drops those that are gone and of which nobody knows what they were.
func (b *Bank) found(ctx context.Context, all *sync.WaitGroup, places []string) {
	b.mu.Lock()
	b.places = slices.Clone(places)
	b.dropUnknown()
	fresh := b.fresh(places)
	for i, m := range fresh {
		own, stop := context.WithCancel(ctx)
		m.stop = stop
		all.Go(func() {
			defer stop()
			m.runAfter(own, time.Duration(i)*b.cfg.Stagger)
		})
	}
	b.modems = append(b.modems, fresh...)
	b.mu.Unlock()
	for _, m := range fresh {
		m.log.Info("modem found")
	}
}

// fresh makes modems for the places that have none, as far as there is room. The caller holds b.mu.
func (b *Bank) fresh(places []string) (fresh []*Modem) {
	has := map[string]bool{}
	dynamic := 0
	for _, m := range b.modems {
		has[m.path] = true
		if m.stop != nil {
			dynamic++
		}
	}
	for _, path := range places {
		switch {
		case has[path]:
			continue
		case dynamic >= maxFound && !b.dropAbsent():
			b.cfg.Log.Warn("a modem is left alone: there are too many", "modem", path, "most", maxFound)
			continue
		case dynamic < maxFound:
			dynamic++
		}
		has[path] = true
		fresh = append(fresh, newModem(b, path))
	}
	return fresh
}

// dropUnknown ends what was found, has gone, and was never identified. The caller holds b.mu.
func (b *Bank) dropUnknown() {
	b.drop(func(m *Modem) bool { return m.Info().IMEI == "" && m.claimed == "" })
}

// dropAbsent makes room by forgetting the one that has been away longest. The caller holds b.mu.
func (b *Bank) dropAbsent() bool {
	var oldest *Modem
	for _, m := range b.modems {
		if m.stop != nil && m.claimed == "" && !slices.Contains(b.places, m.path) && (oldest == nil || m.Info().Since.Before(oldest.Info().Since)) {
			oldest = m
		}
	}
	b.drop(func(m *Modem) bool { return m == oldest })
	return oldest != nil
}

// drop ends modems at places where nothing is any more. The caller holds b.mu.
func (b *Bank) drop(which func(*Modem) bool) {
	b.modems = slices.DeleteFunc(b.modems, func(m *Modem) bool {
		gone := m.stop != nil && !slices.Contains(b.places, m.path) && which(m)
		if gone {
			m.stop()
		}
		return gone
	})
}

// SameModemError says that a port leads to a modem that is in use by another one.
type SameModemError struct {
	IMEI string
	Path string // by which it is in use
}

func (e *SameModemError) Error() string {
	return fmt.Sprintf("the same modem as %s (IMEI %s)", e.Path, e.IMEI)
}

// Hint says what ends it.
func (e *SameModemError) Hint() string { return "give each modem once" }

// claim makes the session the only one of its IMEI: two paths may lead to one modem. Modems that have the IMEI of another, as cheap ones
// do, are told apart by their SIMs, and while one of these is locked by their USB sockets.
func (s *session) claim(ctx context.Context, imei string) error {
	if imei == "" {
		return nil
	}
	other := s.m.bank.claim(s.m, imei, false)
	if other == nil {
		return nil
	}
	iccid, err := s.askICCID(ctx)
	if err != nil {
		return err
	}
	theirs := other.Info()
	if told := iccid != "" && theirs.SIM.ICCID != ""; told && theirs.SIM.ICCID == iccid || !told && !apart(s.m.Info().Place, theirs.Place) {
		return &SameModemError{imei, other.path}
	}
	s.m.bank.claim(s.m, imei, true)
	s.log.Warn("two modems have one IMEI", "other", other.path)
	return nil
}

// apart tells whether two places are certainly those of two modems.
func apart(one, other Place) bool { return one.USB != "" && other.USB != "" && one.USB != other.USB }

// claim notes that m has a session with the modem of that IMEI, and gives it what is known of it; or returns who has it already.
func (b *Bank) claim(m *Modem, imei string, shared bool) (other *Modem) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, o := range b.modems {
		if o != m && o.claimed == imei && !shared {
			return o
		}
	}
	m.claimed = imei
	if before := m.Info().IMEI; before != imei && !shared {
		m.take(b.tallies[imei], before != "")
	}
	for _, o := range b.modems {
		if o != m && o.claimed == "" && o.Info().IMEI == imei {
			o.forget()
		}
	}
	b.dropUnknown()
	return nil
}

// release ends the claim of m, and keeps what has to follow the modem.
func (b *Bank) release(m *Modem) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if m.claimed == "" {
		return
	}
	if _, known := b.tallies[m.claimed]; known || len(b.tallies) < maxTallies {
		b.tallies[m.claimed] = m.tally()
	}
	m.claimed = ""
}

func (m *Modem) tally() tally {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := m.info
	return tally{i.Sent, i.Refused, i.Unknown, i.Received, i.Reports, i.Calls, m.unsurePIN, m.unsureTries, m.health}
}

// take gives m what followed the modem here. With other, another modem was here before, and what was counted is not this one's.
func (m *Modem) take(t tally, other bool) {
	m.unsurePIN, m.unsureTries = t.unsurePIN, t.unsureTries
	m.update(func(i *Info) {
		if other {
			i.SIM = SIM{}
			i.Unreported = 0
		}
		i.Sent, i.Refused, i.Unknown, i.Received, i.Reports, i.Calls = t.sent, t.refused, t.unknown, t.received, t.reports, t.calls
		m.health = t.health
	})
}

// forget drops what is known of the modem that was here: it is elsewhere now.
func (m *Modem) forget() {
	m.update(func(i *Info) {
		m.health = health{}
		*i = Info{Path: i.Path, State: i.State, Reason: i.Reason, Hint: i.Hint, Since: i.Since, Place: i.Place, Signal: NoSignal,
			Sessions: i.Sessions, Resets: i.Resets, ResetCounts: i.ResetCounts, LastError: i.LastError, LastErrorAt: i.LastErrorAt}
	})
}
