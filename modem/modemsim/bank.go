package modemsim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Bank is a number of modems and the network behind them.
type Bank struct {
	network *Network
	modems  []*Modem
}

// maxModems bounds Config.Count.
const maxModems = 1024

// New opens the ports and makes their links. They answer once Run runs.
func New(cfg Config) (*Bank, error) {
	if cfg.Count < 1 || cfg.Count > maxModems {
		return nil, fmt.Errorf("modemsim: %d modems, want 1 to %d", cfg.Count, maxModems)
	}
	if err := cfg.makeDir(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	b := &Bank{network: newNetwork(cfg, newAlphabets())}
	verbs := commands()
	for i := range cfg.Count {
		m := newModem(i, cfg, b.network, verbs)
		m.peers = &b.modems
		b.modems = append(b.modems, m)
		b.network.attach(m)
		if err := m.Replug(); err != nil {
			b.Close()
			return nil, err
		}
	}
	return b, nil
}

func (c Config) makeDir() error {
	switch {
	case c.InMemory:
		return nil
	case c.Dir == "":
		return errors.New("modemsim: no directory for the links")
	}
	if err := os.MkdirAll(c.Dir, 0o755); err != nil {
		return fmt.Errorf("modemsim: make the directory of the links: %w", err)
	}
	return nil
}

func (c Config) withDefaults() Config {
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{{&c.AckTimeout, 15 * time.Second}, {&c.RetryInterval, time.Second}, {&c.BootTime, 2 * time.Second}} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	if c.Keep == 0 {
		c.Keep = 100_000
	}
	return c
}

// Run serves until ctx is done, then closes the ptys and removes the links. It may be called once.
func (b *Bank) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	wg.Go(func() { b.network.run(ctx) })
	for _, m := range b.modems {
		wg.Go(func() { m.run(ctx) })
	}
	wg.Wait()
	return nil
}

// Close is for a bank that is not going to Run.
func (b *Bank) Close() {
	for _, m := range b.modems {
		m.Unplug()
	}
}

// Paths are the links, in order; a path of an unplugged modem does not exist.
func (b *Bank) Paths() []string {
	var out []string
	for _, m := range b.modems {
		out = append(out, m.path)
	}
	return out
}

// Network is the network behind all modems.
func (b *Bank) Network() *Network { return b.network }

// Modem is modem i, counted from 0.
func (b *Bank) Modem(i int) *Modem { return b.modems[i] }

// Open opens the client's end of a modem's port, by its path, in a bank that is in memory. The error is fs.ErrNotExist for a modem that is
// unplugged or was never there, and ErrInUse for one that somebody has open.
func (b *Bank) Open(path string) (io.ReadWriteCloser, error) {
	for _, m := range b.modems {
		if m.path != path {
			continue
		}
		m.mu.Lock()
		p, inMemory := m.port.(*pipePort)
		m.mu.Unlock()
		if inMemory {
			return p.open()
		}
	}
	return nil, fmt.Errorf("modemsim: %s: %w", path, fs.ErrNotExist)
}

// Len is the number of modems.
func (b *Bank) Len() int { return len(b.modems) }

// defaultModem is modem i as it is without Config.Each.
func defaultModem(i int, latency time.Duration) ModemConfig {
	return ModemConfig{
		Manufacturer: "gsmgate", Model: "SIM-1", Revision: "1.0",
		IMEI: withLuhn(fmt.Sprintf("35693803%06d", i)),
		SIM: SIMConfig{
			ICCID:  withLuhn(fmt.Sprintf("8931440400%08d", i)),
			IMSI:   fmt.Sprintf("20404%010d", i+1),
			MSISDN: fmt.Sprintf("+316555%05d", i),
			PUK:    "12345678", SMSC: "+31653131314", Size: 50,
		},
		Operator: "Simulated", PLMN: "20404", Signal: 20, Latency: latency, MESize: 25,
		CNMIRanges: [5]string{"0-2", "0-3", "0,2,3", "0-2", "0,1"},
		BootLines:  []string{"RDY"},
		USSD:       map[string]string{"*100#": "Balance 12.34 EUR", "*#100#": "Your number is known"},
	}
}

// withLuhn adds the check digit.
func withLuhn(digits string) string {
	sum := 0
	for i := range len(digits) {
		d := int(digits[len(digits)-1-i] - '0')
		if i%2 == 0 {
			d *= 2
		}
		sum += d/10 + d%10
	}
	return digits + string(rune('0'+(10-sum%10)%10))
}

// link points path at a pty. Only a link is replaced.
func link(path, name string) error {
	info, err := os.Lstat(path)
	switch {
	case err == nil && info.Mode()&fs.ModeSymlink == 0:
		return fmt.Errorf("modemsim: %s is there and is not a link", filepath.Base(path))
	case err == nil:
		if err := os.Remove(path); err != nil {
			return fmt.Errorf("modemsim: replace a link: %w", err)
		}
	}
	if err := os.Symlink(name, path); err != nil {
		return fmt.Errorf("modemsim: make a link: %w", err)
	}
	return nil
}

// unlink removes path if it still points at that pty.
func unlink(path, name string) {
	if to, err := os.Readlink(path); err == nil && to == name {
		os.Remove(path)
	}
}
