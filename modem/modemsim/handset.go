package modemsim

import (
	"context"
	"errors"
	"time"
)

// Handset is a phone with a number. Its network's lock guards it.
type Handset struct {
	net     *Network
	number  string
	inbox   []*Received
	whole   int
	changed chan struct{} // closed and replaced when a message is complete
	open    map[assemblyKey]*assembly
	nextRef int
}

type assemblyKey struct {
	from       string
	ref, total int
	wide       bool
}

// assembly is a message of several segments, complete or not.
type assembly struct {
	message *Received
	parts   []*Segment // by sequence number, less one
	missing int
}

// receive takes a segment. done is true when it made a message complete.
func (h *Handset) receive(from string, s Segment, now time.Time) (whole Received, done bool) {
	if s.Total == 1 {
		r := &Received{From: from, Text: s.Text, Segments: []Segment{s}, Complete: true, Class: s.Class, At: now}
		if s.Alphabet == Data8 {
			r.Data = s.UserData
		}
		h.add(r)
		h.completed()
		return r.copy(), true
	}
	a := h.assembly(from, &s, now)
	if a.parts[s.Seq-1] != nil {
		a.message.Doubles++
		return Received{}, false
	}
	a.parts[s.Seq-1] = &s
	a.missing--
	h.compose(a)
	if a.missing > 0 {
		return Received{}, false
	}
	h.completed()
	return a.message.copy(), true
}

// assembly finds the message that a segment belongs to. Where its place is taken by another text, a new message has begun.
func (h *Handset) assembly(from string, s *Segment, now time.Time) *assembly {
	key := assemblyKey{from: from, ref: s.Ref, total: s.Total, wide: s.Wide}
	a := h.open[key]
	if a != nil {
		have := a.parts[s.Seq-1]
		if have == nil && a.missing > 0 || have != nil && string(have.UserData) == string(s.UserData) {
			return a
		}
	}
	a = &assembly{message: &Received{From: from, Class: s.Class, At: now}, parts: make([]*Segment, s.Total), missing: s.Total}
	h.open[key] = a
	h.add(a.message)
	return a
}

func (h *Handset) add(r *Received) {
	h.inbox = append(h.inbox, r)
	if len(h.inbox) > h.net.cfg.Keep {
		h.inbox[0] = nil
		h.inbox = h.inbox[1:]
	}
	if len(h.open) > 256 {
		h.forget()
	}
}

// forget drops the assemblies that are complete.
func (h *Handset) forget() {
	for k, a := range h.open {
		if a.missing == 0 {
			delete(h.open, k)
		}
	}
}

func (h *Handset) completed() {
	h.whole++
	close(h.changed)
	h.changed = make(chan struct{})
}

// compose writes the text of what is there so far.
func (h *Handset) compose(a *assembly) {
	m := a.message
	m.Segments, m.Text, m.Data = nil, "", nil
	m.Complete = a.missing == 0
	var joined []byte
	alike := true
	for _, s := range a.parts {
		if s == nil {
			continue
		}
		m.Segments = append(m.Segments, *s)
		m.Text += s.Text
		joined = append(joined, s.UserData...)
		alike = alike && sameCoding(&m.Segments[0], s)
	}
	if alike {
		h.join(m, joined)
	}
}

// join decodes the segments as one text, for what was cut between two of them.
func (h *Handset) join(m *Received, joined []byte) {
	first := &m.Segments[0]
	switch first.Alphabet {
	case GSM7:
		locking, single := first.languages()
		m.Text = h.net.abc.text(joined, locking, single)
	case UCS2:
		m.Text = ucs2Text(joined)
	default:
		m.Data = joined
	}
}

func sameCoding(a, b *Segment) bool {
	la, sa := a.languages()
	lb, sb := b.languages()
	return a.Alphabet == b.Alphabet && la == lb && sa == sb
}

func (r *Received) copy() Received {
	c := *r
	c.Segments = append([]Segment(nil), r.Segments...)
	return c
}

// Number is the number as it was first named, with + when it is known to be international.
func (h *Handset) Number() string {
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	return h.number
}

// Inbox is what was received, in order of the first segment, the last Config.Keep. Incomplete messages are among it.
func (h *Handset) Inbox() []Received {
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	return h.snapshot()
}

func (h *Handset) snapshot() []Received {
	out := make([]Received, 0, len(h.inbox))
	for _, r := range h.inbox {
		out = append(out, r.copy())
	}
	return out
}

// Wait waits until the handset has n complete messages or more, and returns the inbox then. It fails with ctx.
func (h *Handset) Wait(ctx context.Context, n int) ([]Received, error) {
	for {
		h.net.mu.Lock()
		whole, changed, inbox := h.whole, h.changed, []Received(nil)
		if whole >= n {
			inbox = h.snapshot()
		}
		h.net.mu.Unlock()
		if whole >= n {
			return inbox, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-changed:
		}
	}
}

// Send sends text to the number of a SIM, in as many segments as it needs.
func (h *Handset) Send(to, text string) error { return h.SendWith(to, text, SendOptions{}) }

// SendWith is Send with options.
func (h *Handset) SendWith(to, text string, o SendOptions) error {
	h.net.mu.Lock()
	from, ref := h.number, o.Reference
	if o.From != "" {
		from = o.From
	}
	if ref == 0 {
		ref = h.nextRef
		h.nextRef++
	}
	now := h.net.clock(to)
	h.net.mu.Unlock()
	segments, err := h.net.abc.delivers(from, text, ref, o, now)
	if err != nil {
		return err
	}
	if o.Order == nil {
		o.Order = h.net.mangled(to, len(segments))
	}
	segments, err = reorder(segments, o.Order)
	if err != nil {
		return err
	}
	return h.sendAll(to, segments, o.Gap)
}

func (h *Handset) sendAll(to string, segments [][]byte, gap time.Duration) error {
	for i, tpdu := range segments {
		if gap == 0 || i == 0 {
			if err := h.SendRaw(to, tpdu); err != nil {
				return err
			}
			continue
		}
		h.net.mu.Lock()
		h.net.later(time.Duration(i)*gap, func(time.Time) { h.net.post(to, mobileTerminated{tpdu: tpdu}) })
		h.net.mu.Unlock()
	}
	return nil
}

func reorder(segments [][]byte, order []int) ([][]byte, error) {
	if order == nil {
		return segments, nil
	}
	var out [][]byte
	for _, i := range order {
		if i < 1 || i > len(segments) {
			return nil, errors.New("modemsim: order names a segment that is not there")
		}
		out = append(out, segments[i-1])
	}
	return out, nil
}

// SendRaw gives the network an SMS-DELIVER as it stands for the SIM of that number.
func (h *Handset) SendRaw(to string, tpdu []byte) error {
	return h.net.post(to, mobileTerminated{tpdu: append([]byte(nil), tpdu...)})
}
