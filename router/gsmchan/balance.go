package gsmchan

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"gsmgate/modem"
	"gsmgate/modem/pdu"
	"gsmgate/router"
	"gsmgate/storage"
)

const (
	balanceTick  = time.Minute
	balanceWait  = 5 * time.Minute // for an answer by SMS
	balanceAgain = time.Hour       // after one that went wrong, at most
	balanceText  = 1000            // octets of an answer that are kept
)

// Balance is what is known of a SIM's money.
type Balance struct {
	Amount  string    // decimal, with a point; "" when none was read yet
	At      time.Time // when it was
	Answer  string    // the newest answer of the operator
	Low     bool      // Amount is below the limit that is set
	Problem string    // why the newest answer gave no amount
}

// BalanceOf reads it from the record of a SIM.
func BalanceOf(s *storage.SIM) Balance {
	b := Balance{Amount: s.Balance, Answer: s.BalanceSM, Low: below(s.Balance, s.BalanceLow)}
	if s.BalanceAt != 0 {
		b.At = s.BalanceAt.Time()
	}
	if s.BalanceSM != "" {
		if _, err := readBalance(s.BalancePattern, s.BalanceSM); err != nil {
			b.Problem = err.Error()
		}
	}
	return b
}

// balances are the askings of this process.
type balances struct {
	mu   sync.Mutex
	next map[string]time.Time // by ICCID, when a SIM is asked again
	busy map[string]bool
	low  map[string]bool // what was logged
	ill  map[string]bool
}

// CheckBalance asks the operator of the SIM in a modem, as its record says, and
// keeps the answer.
func (ch *Channel) CheckBalance(ctx context.Context, id string) (Balance, error) {
	m, iccid, err := ch.withSIM(id)
	if err != nil {
		return Balance{}, err
	}
	card := ch.card(iccid)
	if card.BalanceCode == "" {
		return Balance{}, conflict("nothing is set that asks for the balance of this SIM", "set a USSD code such as *100#, or sms:NUMBER:TEXT", nil)
	}
	text, err := ch.askBalance(ctx, m, &card)
	if err != nil {
		return Balance{}, err
	}
	return ch.keepBalance(ctx, iccid, text)
}

// askBalance gives the operator's answer.
func (ch *Channel) askBalance(ctx context.Context, m *modem.Modem, card *storage.SIM) (string, error) {
	if to, text, bySMS := balanceSMS(card.BalanceCode); bySMS {
		return ch.askBySMS(ctx, m, card.ID, to, text)
	}
	u, err := m.USSD(ctx, card.BalanceCode)
	if err == nil && u.Session != "" {
		_ = m.CancelUSSD(ctx, u.Session) // an answer that ends with a menu
	}
	return u.Text, ussdProblem(err)
}

// balanceSMS reads "sms:NUMBER:TEXT".
func balanceSMS(code string) (to, text string, ok bool) {
	rest, ok := strings.CutPrefix(code, "sms:")
	to, text, _ = strings.Cut(rest, ":")
	return to, text, ok
}

func (ch *Channel) askBySMS(ctx context.Context, m *modem.Modem, iccid, to, text string) (string, error) {
	card := ch.card(iccid)
	if card.Disabled || card.Draining {
		return "", conflict("the SIM is disabled, and its balance is asked for by SMS", "enable it first", nil)
	}
	came, forget := ch.expected.add(iccid, func(d *pdu.Deliver) bool { return sameAddress(d.OA.Addr, to) })
	defer forget()
	if err := ch.sendOwn(ctx, m, to, text); err != nil {
		return "", conflict("the message was not sent: "+err.Error(), "", err)
	}
	select {
	case a := <-came:
		return a.text, nil
	case <-time.After(balanceWait):
		return "", conflict("the operator has not answered in time", "an answer that comes later is taken too, when the pattern matches it", nil)
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// lateBalance takes an answer that nobody waits for any more, after a restart
// for one: it comes from where the balance is asked, and the pattern knows it.
func (ch *Channel) lateBalance(ctx context.Context, sim modem.SIM, d *pdu.Deliver) (mine bool, err error) {
	card := ch.card(sim.ICCID)
	to, _, bySMS := balanceSMS(card.BalanceCode)
	if !bySMS || d.Concat != nil || !sameAddress(d.OA.Addr, to) {
		return false, nil
	}
	if _, err := readBalance(card.BalancePattern, d.Text()); err != nil {
		return false, nil
	}
	_, err = ch.keepBalance(ctx, sim.ICCID, d.Text())
	return true, err
}

// keepBalance stores an answer, and what it says.
func (ch *Channel) keepBalance(ctx context.Context, iccid, text string) (Balance, error) {
	var b Balance
	err := ch.learn(ctx, iccid, func(s *storage.SIM) error {
		s.BalanceSM = clip(text, balanceText)
		if amount, err := readBalance(s.BalancePattern, text); err == nil {
			s.Balance, s.BalanceAt = amount, storage.TimeOf(ch.now())
		}
		b = BalanceOf(s)
		return nil
	})
	if err == nil {
		ch.tellLow(iccid, b)
	}
	return b, err
}

// clip cuts a text to so many octets, between two characters.
func clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "")
}

// tellLow logs when a balance becomes low, and when it is well again.
func (ch *Channel) tellLow(iccid string, b Balance) {
	ch.balances.mu.Lock()
	before := ch.balances.low[iccid]
	ch.balances.low[iccid] = b.Low
	ch.balances.mu.Unlock()
	switch {
	case b.Low && !before:
		ch.log.Warn("the balance of a SIM is low", "sim", iccid)
	case !b.Low && before:
		ch.log.Info("the balance of a SIM is no longer low", "sim", iccid)
	}
	if b.Problem != "" {
		ch.log.Warn("the operator's answer gave no balance", "sim", iccid, "reason", b.Problem)
	}
}

// watchBalances asks for each balance at its time.
func (ch *Channel) watchBalances(ctx context.Context) {
	var all sync.WaitGroup
	defer all.Wait()
	t := time.NewTicker(balanceTick)
	defer t.Stop()
	for {
		select {
		case <-t.C:
		case <-ctx.Done():
			return
		}
		for _, i := range ch.bank.Modems() {
			if i.State == modem.Ready && ch.isDue(i.SIM.ICCID) {
				all.Go(func() { ch.askScheduled(ctx, i) })
			}
		}
	}
}

// isDue says whether a SIM is to be asked now, and takes the turn.
func (ch *Channel) isDue(iccid string) bool {
	card := ch.card(iccid)
	if card.BalanceCode == "" || card.BalanceEveryH <= 0 {
		return false
	}
	every, now := time.Duration(card.BalanceEveryH)*time.Hour, ch.now()
	b := &ch.balances
	b.mu.Lock()
	defer b.mu.Unlock()
	next, known := b.next[iccid]
	if !known || next.After(now.Add(2*every)) { // the first time, or it was set to less
		next = now.Add(jitter(min(every, 10*balanceTick)))
		if last := card.BalanceAt.Time().Add(every); card.BalanceAt != 0 && last.After(next) {
			next = last
		}
		b.next[iccid] = next
	}
	if b.busy[iccid] || next.After(now) {
		return false
	}
	b.busy[iccid] = true
	return true
}

// jitter is some part of d: SIMs of one bank do not ask in step.
func jitter(d time.Duration) time.Duration { return rand.N(d + 1) }

func (ch *Channel) askScheduled(ctx context.Context, i modem.Info) {
	iccid := i.SIM.ICCID
	_, err := ch.CheckBalance(ctx, i.Path)
	every := time.Duration(ch.card(iccid).BalanceEveryH) * time.Hour
	if err != nil {
		every = min(every, balanceAgain)
	}
	b := &ch.balances
	b.mu.Lock()
	b.busy[iccid] = false
	b.next[iccid] = ch.now().Add(every - every/20 + jitter(every/10))
	before := b.ill[iccid]
	b.ill[iccid] = err != nil
	b.mu.Unlock()
	if err != nil && !before && ctx.Err() == nil {
		ch.log.Warn("the balance of a SIM cannot be asked for", "sim", iccid, "err", cause(err))
	}
}

// cause prefers the words of a router error, whose cause may be longer.
func cause(err error) string {
	var re *router.Error
	if errors.As(err, &re) {
		return re.Message
	}
	return err.Error()
}
