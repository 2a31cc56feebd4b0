package main

import (
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gsmgate/modem/modemsim"
	"gsmgate/storage"
)

// held is what is on disk and what the handsets have, against what the
// clients were told.
type held struct {
	t        *testing.T
	l        *load
	messages map[string]*storage.Message // MT, by message_id
	mo       []*storage.Message
	ledger   map[storage.ID][]storage.Entry
	balance  storage.Balance
	received map[string]int               // by recipient and text: whole messages on handsets
	taken    map[sending][]modemsim.Count // segments that the network took
	stored   map[sending]*storage.Message // MT, by what a handset would get
}

// sending is the number of a message and whom it goes to.
type sending struct {
	n  int
	to string
}

func holdAgainst(t *testing.T, g *gateway, l *load) *held {
	t.Helper()
	h := &held{
		t: t, l: l, messages: map[string]*storage.Message{}, ledger: map[storage.ID][]storage.Entry{},
		received: map[string]int{}, taken: map[sending][]modemsim.Count{}, stored: map[sending]*storage.Message{},
	}
	db, err := storage.OpenReadOnly(filepath.Join(g.dir, storeFile))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	h.readMessages(db)
	h.readLedger(db)
	h.readNetwork(l.bank.Network())
	return h
}

func (h *held) readMessages(db *storage.DB) {
	f := storage.Filter{Limit: 1000}
	for {
		page, err := db.Messages(f)
		if err != nil {
			h.t.Fatal(err)
		}
		for _, m := range page {
			switch m.Kind {
			case storage.MT:
				h.messages[m.ID.String()] = m
			case storage.MO:
				h.mo = append(h.mo, m)
			}
			f.Before = m.ID
		}
		if len(page) < f.Limit {
			return
		}
	}
}

func (h *held) readLedger(db *storage.DB) {
	var err error
	if h.balance, err = db.Balance(loadUser); err != nil {
		h.t.Fatal(err)
	}
	f := storage.LedgerFilter{Limit: 1000}
	for more := true; more; {
		page, next, err := db.Ledger(f)
		if err != nil {
			h.t.Fatal(err)
		}
		for _, e := range page {
			h.ledger[e.Message] = append(h.ledger[e.Message], e)
		}
		f.After, more = next, next != 0
	}
}

func (h *held) readNetwork(n *modemsim.Network) {
	for _, c := range n.Counts() {
		m := token.FindStringSubmatch(c.Text)
		if m == nil {
			h.t.Errorf("a segment that nobody submitted reached the network: %q", c.Text)
			continue
		}
		number, _ := strconv.Atoi(m[1]) // six digits
		to := sending{number, "+" + strings.TrimPrefix(c.To, "+")}
		h.taken[to] = append(h.taken[to], c)
	}
	for _, to := range loadRecipients {
		for _, r := range n.Handset(to).Inbox() {
			if r.Complete {
				h.received[to+" "+r.Text]++
			}
		}
	}
}

func (h *held) check() {
	h.t.Helper()
	h.checkOffers()
	h.checkTold()
	h.checkSent()
	var hold, spent storage.Millicredits
	states := map[storage.State]int{}
	for _, id := range slices.Sorted(maps.Keys(h.messages)) {
		m := h.messages[id]
		states[m.State]++
		held, paid := h.checkMoney(m)
		hold, spent = hold+held, spent+paid
		h.checkReceived(m)
		h.checkReceipts(m)
	}
	for id := range h.ledger {
		if id != 0 && h.messages[id.String()] == nil {
			h.t.Errorf("the ledger charges for message %s, which is not on disk", id)
		}
	}
	want := storage.Balance{Granted: 1_000_000 * storage.Credit, Held: hold, Spent: spent}
	want.Available = want.Granted - hold - spent
	if h.balance != want {
		h.t.Errorf("balance %+v, the messages add up to %+v", h.balance, want)
	}
	h.checkMO()
	for _, s := range h.l.strange {
		h.t.Errorf("neither a receipt nor an answer: %s", s)
	}
	h.summary(states)
}

// checkMoney wants one hold, and one spend or refund once the message ended.
func (h *held) checkMoney(m *storage.Message) (hold, spent storage.Millicredits) {
	price := storage.Millicredits(len(m.Parts)) * storage.Credit
	if replaced := hasEvent(m, "replaced"); replaced {
		return h.checkMoneyReplaced(m, price)
	}
	var kinds []storage.EntryKind
	for _, e := range h.ledger[m.ID] {
		kinds = append(kinds, e.Kind)
		if e.Amount != price || e.User != loadUser {
			h.t.Errorf("message %s of %d parts: the ledger says %+v", m.ID, len(m.Parts), e)
		}
	}
	want := []storage.EntryKind{storage.Hold}
	switch {
	case m.EndedAt == 0:
		hold = price
	case m.State == storage.Delivered:
		want, spent = append(want, storage.Spend), price
	default:
		want = append(want, storage.Refund)
	}
	if !slices.Equal(kinds, want) {
		h.t.Errorf("message %s is in state %d: ledger entries %v, want %v", m.ID, m.State, kinds, want)
	}
	return hold, spent
}

// checkReceived holds a message against the network: delivered in full, and
// twice only where it says so.
func (h *held) checkReceived(m *storage.Message) {
	at := sendingOf(m)
	told := m.State == storage.Unknown || hasEvent(m, "unknown")
	for _, c := range h.taken[at] {
		if c.Times > 1 && !told {
			h.t.Errorf("message %s: segment %d of %d went out %d times in silence: %v", m.ID, c.Seq, c.Total, c.Times, m.Events)
		}
	}
	times := h.received[at.to+" "+m.Text]
	switch m.State {
	case storage.Unknown:
	case storage.Delivered:
		if times == 0 {
			h.t.Errorf("message %s is DELIVERED and the handset does not have it; the network took %+v: %v", m.ID, h.taken[at], m.Events)
		}
	case storage.Deleted: // see checkSent
		if t := h.l.accepted[m.ClientID().String()]; t == nil || t.cancel == notAsked {
			h.t.Errorf("message %s is DELETED and nobody cancelled it: %v", m.ID, m.Events)
		}
	default:
		h.t.Errorf("message %s ended in state %d, %s: %v", m.ID, m.State, m.Reason, m.Events)
	}
	if times > 1 && !told {
		h.t.Errorf("message %s is on the handset %d times", m.ID, times)
	}
}

// checkReceipts wants one for each ended message; another only from another
// run of the gateway.
func (h *held) checkReceipts(m *storage.Message) {
	got := h.l.receipts[leg{m.ClientID().String(), "+" + m.Dest.Addr}]
	if m.EndedAt == 0 {
		if len(got) > 0 {
			h.t.Errorf("message %s has not ended and has receipts %v", m.ID, got)
		}
		return
	}
	if len(got) == 0 {
		h.t.Errorf("message %s ended, and no receipt came: %v", m.ID, m.Events)
	}
	runs := map[int]bool{}
	for _, r := range got {
		if runs[r.run] {
			h.t.Errorf("message %s: two receipts from one run: %v", m.ID, got)
		}
		runs[r.run] = true
		if want := map[storage.State]string{storage.Delivered: "DELIVRD", storage.Deleted: "DELETED"}[m.State]; want != "" && r.word != want {
			h.t.Errorf("message %s: the receipt says %s, want %s", m.ID, r.word, want)
		}
	}
}

// checkMO wants every answer of the handsets at a client.
func (h *held) checkMO() {
	for _, text := range h.l.sentMO {
		if len(h.l.gotMO[text]) == 0 {
			h.t.Errorf("the answer %q never came", text)
		}
	}
	if len(h.mo) != len(h.l.sentMO) {
		h.t.Errorf("%d answers on disk, the handsets sent %d", len(h.mo), len(h.l.sentMO))
	}
	for text, got := range h.l.gotMO {
		if !slices.Contains(h.l.sentMO, text) {
			h.t.Errorf("the answer %q came, which nobody sent", text)
		}
		runs := map[int]bool{}
		for _, r := range got {
			if runs[r.run] {
				h.t.Errorf("the answer %q came twice from one run", text)
			}
			runs[r.run] = true
		}
	}
}

func (h *held) summary(states map[storage.State]int) {
	doubled, receipts := 0, 0
	for _, counts := range h.taken {
		if slices.ContainsFunc(counts, func(c modemsim.Count) bool { return c.Times > 1 }) {
			doubled++
		}
	}
	for _, r := range h.l.receipts {
		receipts += len(r)
	}
	h.t.Logf("accepted %d, on disk %d, delivered %d, deleted %d, unknown %d, doubled %d, receipts %d, answers %d, requests without an answer %d, refused %v, kills at load %d",
		len(h.l.accepted), len(h.messages), states[storage.Delivered], states[storage.Deleted], states[storage.Unknown], doubled, receipts,
		len(h.l.sentMO), h.l.unheard, h.l.refused, h.l.run-2)
	h.t.Logf("answers to operations: %v", h.l.answers)
}
