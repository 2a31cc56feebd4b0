package gsmchan

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"gsmgate/modem"
	"gsmgate/modem/modemsim"
	"gsmgate/router"
	"gsmgate/storage"
)

// bench is a channel over simulated modems, with records of SIMs in memory and
// an inbox that keeps what clients would get.
type bench struct {
	router.Inbox
	*Channel
	sim   *modemsim.Bank
	begun int

	mu    sync.Mutex
	cards map[string]storage.SIM
	mo    []string
}

func (b *bench) Submit(m *storage.Message, done func(storage.ID, error)) {
	b.mu.Lock()
	b.mo = append(b.mo, m.Source.Addr+" "+m.Text)
	b.mu.Unlock()
	done(1, nil)
}

func (b *bench) Stale(context.Context, func(string) bool, time.Time, router.Assemble) error {
	return nil
}

func (b *bench) Serve(ctx context.Context, _ router.Lane, _ router.Sender) error {
	<-ctx.Done()
	return ctx.Err()
}

func (b *bench) got() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string(nil), b.mo...)
}

func (b *bench) cardOf(iccid string) storage.SIM {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.cards[iccid]
	s.ID = iccid
	return s
}

func (b *bench) change(_ context.Context, iccid string, fn func(*storage.SIM) error) error {
	s := b.cardOf(iccid)
	if err := fn(&s); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.cards[iccid] = s
	return nil
}

func (b *bench) left(string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.begun
}

// newBench starts n modems, and waits until they are ready.
func newBench(t *testing.T, n int, each func(i int, m *modemsim.ModemConfig)) *bench {
	t.Helper()
	sim, err := modemsim.New(modemsim.Config{Count: n, Dir: t.TempDir(), Each: each})
	if err != nil {
		t.Skip("no simulator here:", err)
	}
	b := &bench{sim: sim, cards: map[string]storage.SIM{}}
	b.Channel = New(Config{Ports: sim.Paths(), Card: b.cardOf, Learn: b.change, Begun: b.left})
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() { _ = sim.Run(ctx) })
	all.Go(func() { _ = b.Run(ctx, b) })
	t.Cleanup(func() { cancel(); all.Wait() })
	for _, path := range sim.Paths() {
		soon(t, "ready", func() bool { i, err := b.Modem(path); return err == nil && i.State == modem.Ready })
	}
	return b
}

func soon(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for from := time.Now(); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Since(from) > 30*time.Second {
			t.Fatal("never happened:", what)
		}
	}
}

func codeOf(err error) router.Code {
	var re *router.Error
	if !errors.As(err, &re) {
		return 255
	}
	return re.Code
}

func TestBalance_ByUSSD_ReadKeptAndLow(t *testing.T) {
	t.Parallel()
	b := newBench(t, 1, func(_ int, m *modemsim.ModemConfig) {
		m.USSD = map[string]string{"*100#": "Credit 1.234,50 EUR", "*101#": "?no money here\n1. menu"}
	})
	iccid := b.sim.Modem(0).ICCID()
	if _, err := b.CheckBalance(t.Context(), "modem00"); codeOf(err) != router.Conflict {
		t.Errorf("without a code: %v", err)
	}
	_ = b.change(t.Context(), iccid, func(s *storage.SIM) error {
		s.BalanceCode, s.BalancePattern, s.BalanceLow = "*100#", `Credit ([\d.,]+)`, "2000"
		return nil
	})
	got, err := b.CheckBalance(t.Context(), "modem00")
	if err != nil || got.Amount != "1234.50" || !got.Low || got.Problem != "" || got.At.IsZero() {
		t.Errorf("%+v, %v", got, err)
	}
	// another answer, which the pattern does not match: the amount stays, and the answer is kept
	_ = b.change(t.Context(), iccid, func(s *storage.SIM) error { s.BalanceCode = "*101#"; return nil })
	got, err = b.CheckBalance(t.Context(), "modem00")
	if err != nil || got.Amount != "1234.50" || got.Answer != "no money here\n1. menu" || !strings.Contains(got.Problem, "does not match") {
		t.Errorf("%+v, %v", got, err)
	}
	if u, err := b.LastUSSD("modem00"); err != nil || u.Session != "" {
		t.Errorf("a menu was left open: %+v, %v", u, err)
	}
	if s := b.cardOf(iccid); s.Balance != "1234.50" || s.BalanceSM != "no money here\n1. menu" {
		t.Errorf("stored %+v", s)
	}
}

func TestBalance_BySMS_AnswerTakenAndSentToNoClient(t *testing.T) {
	t.Parallel()
	b := newBench(t, 1, nil)
	sim := b.sim.Modem(0)
	_ = b.change(t.Context(), sim.ICCID(), func(s *storage.SIM) error {
		s.BalanceCode, s.BalancePattern = "sms:+31600001000:BAL", `Saldo: (\d+)[.,](\d+)`
		return nil
	})
	operator := b.sim.Network().Handset("+31600001000")
	asked := make(chan error, 1)
	go func() {
		got, err := operator.Wait(t.Context(), 1)
		if err == nil && got[0].Text != "BAL" {
			err = errors.New("asked " + got[0].Text)
		}
		if err == nil {
			err = b.sim.Network().Handset("+31600002000").Send(sim.Number(), "hello from a person")
		}
		if err == nil { // of two parts
			err = operator.Send(sim.Number(), "Saldo: 7,25 "+strings.Repeat("and many words about our offers ", 6))
		}
		asked <- err
	}()
	got, err := b.CheckBalance(t.Context(), "modem00")
	if err != nil || got.Amount != "7.25" {
		t.Errorf("%+v, %v", got, err)
	}
	if err := <-asked; err != nil {
		t.Fatal(err)
	}
	soon(t, "the other message", func() bool { return len(b.got()) == 1 })

	// nobody waits: the balance is known by its pattern, and the rest is for clients
	if err := operator.Send(sim.Number(), "Saldo: 3.10"); err != nil {
		t.Fatal(err)
	}
	soon(t, "the late answer", func() bool { return b.cardOf(sim.ICCID()).Balance == "3.10" })
	if err := operator.Send(sim.Number(), "Buy our bundle"); err != nil {
		t.Fatal(err)
	}
	soon(t, "the offer", func() bool { return len(b.got()) == 2 })
	if list := strings.Join(b.got(), "|"); strings.Contains(list, "Saldo") {
		t.Errorf("clients got %s", list)
	}
}

func TestLearnNumber_ByMessageToAnotherSIM_KeptAndSentToNoClient(t *testing.T) {
	t.Parallel()
	b := newBench(t, 2, nil)
	from, to := b.sim.Modem(0).Number(), b.sim.Modem(1).Number()
	go func() { // the network of the simulator has handsets only
		got, err := b.sim.Network().Handset(to).Wait(t.Context(), 1)
		if err == nil {
			_ = b.sim.Network().Handset(from).Send(to, got[0].Text)
		}
	}()
	number, via, err := b.LearnNumber(t.Context(), b.sim.Modem(0).IMEI())
	if err != nil || number != b.sim.Modem(0).Number() || via != b.sim.Paths()[1] {
		t.Errorf("%s via %s, %v", number, via, err)
	}
	if s := b.cardOf(b.sim.Modem(0).ICCID()); s.Learnt != number {
		t.Errorf("kept %+v", s)
	}
	if got := b.got(); len(got) > 0 {
		t.Errorf("clients got %q", got)
	}
	sim := modem.SIM{ICCID: "1", Number: "+1"}
	for _, c := range []struct {
		set, card, learnt, want, from string
	}{{"+3", "+1", "+2", "+3", "set"}, {"", "+1", "+2", "+1", "card"}, {"", "", "+2", "+2", "learnt"}, {"", "", "", "", ""}} {
		_ = b.change(t.Context(), "1", func(s *storage.SIM) error { s.Number, s.Learnt = c.set, c.learnt; return nil })
		sim.Number = c.card
		if n, from := b.Number(sim); n != c.want || from != c.from || b.dest(sim).Addr != strings.TrimPrefix(c.want, "+") {
			t.Errorf("%+v: %s, %s, %+v", c, n, from, b.dest(sim))
		}
	}
}

func TestLearnNumber_NoOtherSIM_Refused(t *testing.T) {
	t.Parallel()
	b := newBench(t, 1, nil)
	if _, _, err := b.LearnNumber(t.Context(), "modem00"); codeOf(err) != router.Conflict {
		t.Errorf("got %v", err)
	}
}

func TestCommands_DisableDrainEnable_KeptWithTheSIM(t *testing.T) {
	t.Parallel()
	b := newBench(t, 1, nil)
	iccid := b.sim.Modem(0).ICCID()
	marks := func() [2]bool { s := b.cardOf(iccid); return [2]bool{s.Disabled, s.Draining} }
	for _, c := range []struct {
		name string
		do   func(context.Context, string) error
		want [2]bool
	}{{"disable", b.Disable, [2]bool{true, false}}, {"enable", b.Enable, [2]bool{}}} {
		if err := c.do(t.Context(), "modem00"); err != nil || marks() != c.want {
			t.Errorf("%s: %v, %v", c.name, marks(), err)
		}
	}
	b.mu.Lock()
	b.begun = 1
	b.mu.Unlock()
	if err := b.Drain(t.Context(), b.sim.Modem(0).IMEI()); err != nil {
		t.Fatal(err)
	}
	time.Sleep(drainCheck + drainCheck/2)
	if marks() != [2]bool{false, true} {
		t.Errorf("while something is begun: %v", marks())
	}
	b.mu.Lock()
	b.begun = 0
	b.mu.Unlock()
	soon(t, "disabled", func() bool { return marks() == [2]bool{true, false} })
	for _, do := range []func(context.Context, string) error{b.Disable, b.Enable, b.Drain} {
		if err := do(t.Context(), "none"); codeOf(err) != router.NotFound {
			t.Errorf("no such modem: %v", err)
		}
	}
}

func TestCommands_ModemWithoutSIM_SaysSo(t *testing.T) {
	ch := New(Config{Ports: []string{"/dev/none"}, Open: func(context.Context, string) (io.ReadWriteCloser, error) { return nil, errors.New("no") }})
	if err := ch.Disable(t.Context(), "none"); codeOf(err) != router.Conflict {
		t.Errorf("got %v", err)
	}
	if _, err := ch.USSD(t.Context(), "none", "", "*100#"); codeOf(err) != router.Conflict {
		t.Errorf("got %v", err)
	}
}

func TestBalance_Schedule_AtItsTimeAndNotInStep(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	card := storage.SIM{BalanceCode: "*100#", BalanceEveryH: 24, BalanceAt: storage.TimeOf(now.Add(-23 * time.Hour))}
	ch := New(Config{Now: func() time.Time { return now }, Card: func(string) storage.SIM { return card }})
	if ch.isDue("a") {
		t.Error("an hour before its time")
	}
	now = now.Add(time.Hour + time.Minute)
	if !ch.isDue("a") || ch.isDue("a") {
		t.Error("at its time it is due once")
	}
	first := map[time.Time]bool{}
	card.BalanceAt = 0
	for _, id := range []string{"b", "c", "d", "e"} {
		ch.isDue(id)
		first[ch.balances.next[id]] = true
		if wait := ch.balances.next[id].Sub(now); wait < 0 || wait > 10*balanceTick {
			t.Errorf("%s waits %v for its first", id, wait)
		}
	}
	if len(first) < 3 {
		t.Error("they ask in step")
	}
	card.BalanceEveryH = 0
	if now = now.Add(100 * time.Hour); ch.isDue("b") {
		t.Error("asked without a schedule")
	}
}

func TestDecimal_FormsOfAmounts(t *testing.T) {
	for in, want := range map[string]string{
		"12.34": "12.34", "12,34": "12.34", "1.234,56": "1234.56", "1,234.56": "1234.56", "1 234,5": "1234.5", "1'234.50": "1234.50",
		"1\u00a0234,50": "1234.50", "10.000": "10000", "1.234.567": "1234567", "0.123": "0.123", "0,500": "0.500", "-3,20": "-3.20", "\u22123.20": "-3.20",
		"007": "7", ".5": "0.5", "12": "12", "1,2345": "1.2345", "1.234.567,8": "1234567.8",
	} {
		if got, ok := decimal(in); got != want || !ok {
			t.Errorf("%q: %q, %v", in, got, ok)
		}
	}
	for _, in := range []string{"", "abc", "1-2", "--1", ".", strings.Repeat("9", 40)} {
		if got, ok := decimal(in); ok {
			t.Errorf("%q was read as %q", in, got)
		}
	}
}

func TestReadBalance_PatternThatCannotBeUsed_SaysWhy(t *testing.T) {
	for pattern, want := range map[string]string{"": "no pattern", "(": "no regular expression", "EUR": "no group", `(\d+) USD`: "does not match", `([a-z]+)`: "no amount"} {
		if _, err := readBalance(pattern, "balance 12 EUR"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", pattern, err)
		}
	}
}

func FuzzReadBalance(f *testing.F) {
	f.Add(`([\d.,]+)`, "1.234,50", "10")
	f.Add(`(\d+)\.(\d+)`, "x 1.2", "-1,5")
	f.Fuzz(func(t *testing.T, pattern, answer, limit string) {
		amount, err := readBalance(pattern, answer)
		if again, ok := decimal(amount); err == nil && (!ok || strings.Trim(again, "-0123456789.") != "") {
			t.Errorf("%q of %q is no decimal number", amount, answer)
		}
		below(amount, limit)
	})
}
