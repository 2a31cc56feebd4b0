package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"gsmgate/modem/modemsim"
	"gsmgate/provisioning"
	"gsmgate/smppd/esme"
	"gsmgate/storage"
)

func asError[T error](err error, target *T) bool { return errors.As(err, target) }

// number reads an environment variable.
func number(t *testing.T, name string, otherwise int) int {
	t.Helper()
	word := os.Getenv(name)
	if word == "" {
		return otherwise
	}
	n, err := strconv.Atoi(word)
	if err != nil || n < 1 {
		t.Fatalf("%s=%s is no number", name, word)
	}
	return n
}

// TestCrash_KilledUnderLoad_NothingLostNothingTwice kills the gateway
// GSMGATE_CRASHES times (5; make crash: 50) at random moments and holds what
// clients and handsets saw against the file. GSMGATE_SEED repeats the moments.
func TestCrash_KilledUnderLoad_NothingLostNothingTwice(t *testing.T) {
	kills, seed := number(t, "GSMGATE_CRASHES", 5), number(t, "GSMGATE_SEED", int(time.Now().Unix()))
	t.Logf("GSMGATE_CRASHES=%d GSMGATE_SEED=%d", kills, seed)
	random := rand.New(rand.NewPCG(uint64(seed), 1))
	bank := simulate(t, modemsim.Config{
		Count: 6, Latency: 5 * time.Millisecond, DeliveryDelay: 2 * time.Millisecond, ReportDelay: 10 * time.Millisecond,
		RetryInterval: 100 * time.Millisecond,
	})
	showTranscripts(t, bank)
	g := newGateway(t, append(modemArgs(bank), "--log", "warn")...)
	l := newLoad(t, bank)
	g.start()
	g.addUser(loadUser, loadPassword, 1_000_000, "+316555*")
	for range kills {
		crash(t, g, l, random)
	}
	settle(t, g, l)
	g.stop()
	g.verify()
	holdAgainst(t, g, l).check()
}

// crash loads the running gateway, kills it at a random moment, checks the
// file, and starts it again; now and then it is killed while it starts, too.
func crash(t *testing.T, g *gateway, l *load, random *rand.Rand) {
	t.Helper()
	under, gone := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.drive(under, loadConfig(g), true)
	}()
	// From before the modems are ready until after the queue has run dry.
	time.Sleep(time.Duration(random.Int64N(int64(2500 * time.Millisecond))))
	g.kill()
	gone()
	<-done
	g.verify()
	if random.IntN(4) == 0 {
		g.launch()
		time.Sleep(time.Duration(random.Int64N(int64(300 * time.Millisecond))))
		g.kill()
		g.verify()
	}
	g.start()
}

func loadConfig(g *gateway) esme.Config {
	return esme.Config{Address: g.smpps, TLS: g.tlsConfig(), SystemID: loadUser, Password: loadPassword, Window: loadWindow}
}

// settle lets the gateway run, with its clients bound, until nothing is left
// to do: what is not ended is UNKNOWN, and no report changes that any more.
func settle(t *testing.T, g *gateway, l *load) {
	t.Helper()
	ctx, gone := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.drive(ctx, loadConfig(g), false)
	}()
	defer func() { gone(); <-done }()
	g.eventually("no message is ENROUTE", func(ctx context.Context) error {
		left, err := g.api.Messages(ctx, provisioning.MessageFilter{State: "ENROUTE", Limit: 1})
		if err == nil && len(left) > 0 {
			err = fmt.Errorf("%s %s to %s: %s, %v", left[0].Kind, left[0].ID, left[0].Dest, left[0].Reason, left[0].Events)
		}
		return err
	})
	quiet(t, g)
}

// quiet waits until the number of UNKNOWN messages has not changed for longer
// than the network takes to bring a report again.
func quiet(t *testing.T, g *gateway) {
	t.Helper()
	last, since := -1, time.Now()
	g.eventually("the last report is in", func(ctx context.Context) error {
		unknown, err := g.api.Messages(ctx, provisioning.MessageFilter{State: "UNKNOWN", Limit: 1000})
		if err != nil {
			return err
		}
		if len(unknown) != last {
			last, since = len(unknown), time.Now()
		}
		if time.Since(since) < 3*time.Second {
			return fmt.Errorf("%d are UNKNOWN", last)
		}
		return nil
	})
}

// held is what is on disk and what the handsets have, against what the
// clients were told.
type held struct {
	t        *testing.T
	l        *load
	messages map[string]*storage.Message // MT, by message_id
	mo       []*storage.Message
	ledger   map[storage.ID][]storage.Entry
	balance  storage.Balance
	received map[string]int           // by recipient and text: whole messages on handsets
	taken    map[int][]modemsim.Count // by message number
}

func holdAgainst(t *testing.T, g *gateway, l *load) *held {
	t.Helper()
	h := &held{
		t: t, l: l, messages: map[string]*storage.Message{}, ledger: map[storage.ID][]storage.Entry{},
		received: map[string]int{}, taken: map[int][]modemsim.Count{},
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
	for {
		page, err := db.Ledger(f)
		if err != nil {
			h.t.Fatal(err)
		}
		for _, e := range page {
			h.ledger[e.Message] = append(h.ledger[e.Message], e)
			f.After = e.Seq
		}
		if len(page) < f.Limit {
			return
		}
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
		h.taken[number] = append(h.taken[number], c)
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
	for id, n := range h.l.accepted {
		if m := h.messages[id]; m == nil {
			h.t.Errorf("message %s was answered ESME_ROK and is not on disk", id)
		} else if m.Text != loadText(n) || m.Dest.Addr != strings.TrimPrefix(loadTo(n), "+") {
			h.t.Errorf("message %s is on disk with another text or recipient than was submitted", id)
		}
	}
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
	n, err := strconv.Atoi(m.Text[1:7])
	if err != nil || m.Text != loadText(n) {
		h.t.Errorf("message %s has the text %q, which nobody submitted", m.ID, m.Text)
		return
	}
	told := m.State == storage.Unknown || slices.ContainsFunc(m.Events, func(e storage.Event) bool { return e.What == "unknown" })
	for _, c := range h.taken[n] {
		if c.Times > 1 && !told {
			h.t.Errorf("message %s: segment %d of %d went out %d times in silence: %v", m.ID, c.Seq, c.Total, c.Times, m.Events)
		}
	}
	times := h.received[loadTo(n)+" "+m.Text]
	switch m.State {
	case storage.Unknown:
	case storage.Delivered:
		if times == 0 {
			h.t.Errorf("message %s is DELIVERED and the handset does not have it; the network took %+v: %v", m.ID, h.taken[n], m.Events)
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
	got := h.l.receipts[m.ID.String()]
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
		if m.State == storage.Delivered && r.word != "DELIVRD" {
			h.t.Errorf("message %s is DELIVERED, its receipt says %s", m.ID, r.word)
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
	h.t.Logf("accepted %d, on disk %d, delivered %d, unknown %d, doubled %d, receipts %d, answers %d, submits without an answer %d, refused %v, kills at load %d",
		len(h.l.accepted), len(h.messages), states[storage.Delivered], states[storage.Unknown], doubled, receipts,
		len(h.l.sentMO), h.l.unheard, h.l.refused, h.l.run-1)
}
