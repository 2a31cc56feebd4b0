package modemsim

import "context"

// Network is the service centre between SIMs and handsets.
type Network struct{}

// AddRule puts a rule before all others.
func (n *Network) AddRule(r Rule) {}

// Handset is the handset of that number; it exists by being named. "+31…", "0031…" and "31…" are one handset.
func (n *Network) Handset(number string) *Handset { return nil }

// Submissions are the SMS-SUBMITs so far, oldest first, the last Config.Keep of them.
func (n *Network) Submissions() []Submission { return nil }

// Counts says for each segment how often the network took it.
func (n *Network) Counts() []Count { return nil }

// Total is the number of SMS-SUBMITs that the network took.
func (n *Network) Total() int { return 0 }

// Handset is a phone with a number.
type Handset struct{}

// Inbox is what was received, in order of the first segment. Incomplete messages are among it.
func (h *Handset) Inbox() []Received { return nil }

// Wait waits until the handset has n complete messages or more, and returns the inbox then. It fails with ctx.
func (h *Handset) Wait(ctx context.Context, n int) ([]Received, error) { return nil, nil }

// Send sends text to the number of a SIM, in as many segments as it needs.
func (h *Handset) Send(to, text string) error { return nil }

// SendWith is Send with options.
func (h *Handset) SendWith(to, text string, o SendOptions) error { return nil }

// SendRaw gives the network an SMS-DELIVER as it stands for the SIM of that number.
func (h *Handset) SendRaw(to string, tpdu []byte) error { return nil }
