package modemsim

import (
	"context"
	"errors"
)

// Bank is a number of modems on ptys and the network behind them.
type Bank struct {
	network *Network
	modems  []*Modem
}

// New opens the ptys and makes their links. They answer once Run runs.
func New(cfg Config) (*Bank, error) { return nil, errors.New("modemsim: not yet") }

// Run serves until ctx is done, then closes the ptys and removes the links. It may be called once.
func (b *Bank) Run(ctx context.Context) error { return nil }

// Close is for a bank that is not going to Run.
func (b *Bank) Close() {}

// Paths are the links, in order; a path of an unplugged modem does not exist.
func (b *Bank) Paths() []string { return nil }

// Network is the network behind all modems.
func (b *Bank) Network() *Network { return b.network }

// Modem is modem i, counted from 0.
func (b *Bank) Modem(i int) *Modem { return b.modems[i] }
