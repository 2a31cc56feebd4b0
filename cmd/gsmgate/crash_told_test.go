package main

import (
	"slices"
	"strconv"

	"gsmgate/storage"
)

// sendingOf is what a handset would get of m.
func sendingOf(m *storage.Message) sending {
	n := -1 // of a text that nobody submitted
	if len(m.Text) > 7 {
		if number, err := strconv.Atoi(m.Text[1:7]); err == nil && m.Text == loadText(number) {
			n = number
		}
	}
	return sending{n, "+" + m.Dest.Addr}
}

func hasEvent(m *storage.Message, what string) bool {
	return slices.ContainsFunc(m.Events, func(e storage.Event) bool { return e.What == what })
}

// checkOffers wants each message on disk to be one that was submitted, once,
// and those of a submit_multi to be there all together or not at all.
func (h *held) checkOffers() {
	batches := map[storage.ID][]string{}
	for _, m := range h.messages {
		at := sendingOf(m)
		if !slices.Contains(h.l.offers[at.n], at.to) {
			h.t.Errorf("message %s has the text %q to %s, which nobody submitted", m.ID, m.Text, at.to)
		}
		if other := h.stored[at]; other != nil {
			h.t.Errorf("messages %s and %s are the same submit", m.ID, other.ID)
		}
		h.stored[at] = m
		batches[m.ClientID()] = append(batches[m.ClientID()], at.to)
	}
	for first, to := range batches {
		m := h.messages[first.String()]
		if m == nil {
			h.t.Errorf("message %s, the first of its submit_multi, is not on disk", first)
			continue
		}
		want := slices.Sorted(slices.Values(h.l.offers[sendingOf(m).n]))
		if slices.Sort(to); !slices.Equal(to, want) {
			h.t.Errorf("message %s is on disk for %v, submitted for %v", first, to, want)
		}
	}
}

// checkTold holds each ESME_ROK, and each refusal of a cancel_sm or of a
// replacement, against the file.
func (h *held) checkTold() {
	found := map[string]int{}
	for _, m := range h.messages {
		id := m.ClientID().String()
		t := h.l.accepted[id]
		if t == nil {
			continue // nobody answered its submit
		}
		found[id]++
		if at := sendingOf(m); !slices.Contains(t.texts, at.n) || !slices.Contains(t.to, at.to) {
			h.t.Errorf("message %s of %s is on disk with another text or recipient than %v to %v: %q", m.ID, id, t.texts, t.to, m.Text)
		}
		if gone := m.State == storage.Deleted; t.cancel == cancelled && !gone || t.cancel == tooLate && gone {
			h.t.Errorf("message %s is in state %d; its cancel_sm: %d: %v", m.ID, m.State, t.cancel, m.Events)
		}
	}
	for id, t := range h.l.accepted {
		if found[id] != len(t.to) {
			h.t.Errorf("message %s was answered ESME_ROK for %d recipients, and is on disk for %d", id, len(t.to), found[id])
		}
	}
}

// checkSent wants the network to have what is on disk, and nothing else: not
// what was cancelled, nor the old text of what was replaced.
func (h *held) checkSent() {
	for at, counts := range h.taken {
		if m := h.stored[at]; m == nil {
			h.t.Errorf("message %d to %s reached the network and is on disk with another text, or not at all: %+v", at.n, at.to, counts)
		} else if m.State == storage.Deleted {
			h.t.Errorf("message %s was cancelled and reached the network: %v", m.ID, m.Events)
		}
	}
}

// checkMoneyReplaced wants the holds of a message that was priced anew to add
// up to its last price, which is spent or given back once.
func (h *held) checkMoneyReplaced(m *storage.Message, price storage.Millicredits) (hold, spent storage.Millicredits) {
	for _, e := range h.ledger[m.ID] {
		switch e.Kind {
		case storage.Hold:
			hold += e.Amount
		case storage.Refund:
			hold -= e.Amount
		case storage.Spend:
			hold, spent = hold-e.Amount, spent+e.Amount
		}
	}
	var want [2]storage.Millicredits
	switch {
	case m.EndedAt == 0:
		want[0] = price
	case m.State == storage.Delivered:
		want[1] = price
	}
	if got := [2]storage.Millicredits{hold, spent}; got != want {
		h.t.Errorf("message %s is in state %d and was replaced: held and spent %d, want %d", m.ID, m.State, got, want)
	}
	return hold, spent
}
