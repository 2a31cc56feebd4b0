package gsmchan

import (
	"context"
	"crypto/rand"
	"strings"
	"time"

	"gsmgate/modem"
	"gsmgate/modem/pdu"
	"gsmgate/storage"
)

// learnWait is how long a message from one SIM of the bank to another may take.
const learnWait = 3 * time.Minute

// Number is a SIM's own: what was "set" for it, else what the "card" says, else
// what was "learnt"; both results are "" when nobody knows it.
func (ch *Channel) Number(sim modem.SIM) (number, from string) {
	card := ch.card(sim.ICCID)
	switch {
	case card.Number != "":
		return card.Number, "set"
	case sim.Number != "":
		return sim.Number, "card"
	case card.Learnt != "":
		return card.Learnt, "learnt"
	}
	return "", ""
}

// LearnNumber finds out the number of the SIM in a modem: it sends one message,
// which costs what a message costs, to another SIM of the bank, and takes where
// it came from.
func (ch *Channel) LearnNumber(ctx context.Context, id string) (number, via string, err error) {
	m, iccid, err := ch.withSIM(id)
	if err != nil {
		return "", "", err
	}
	helper, to, ok := ch.helper(iccid)
	if !ok {
		return "", "", conflict("no other SIM of the bank is ready whose number is known", "set the number of one, or set this one by hand", nil)
	}
	token := "gsmgate " + rand.Text()[:12]
	came, forget := ch.expected.add(helper.SIM.ICCID, func(d *pdu.Deliver) bool { return strings.Contains(d.Text(), token) })
	defer forget()
	if err := ch.sendOwn(ctx, m, to, token); err != nil {
		return "", "", conflict("the message was not sent: "+err.Error(), "", err)
	}
	select {
	case a := <-came:
		return a.from, helper.Path, ch.learn(ctx, iccid, func(s *storage.SIM) error { s.Learnt = a.from; return nil })
	case <-time.After(learnWait):
		return "", "", conflict("the message has not come to the other SIM in time", "try again; it may be the number of the other SIM that is wrong", nil)
	case <-ctx.Done():
		return "", "", ctx.Err()
	}
}

// helper is a ready modem with another SIM whose number is known.
func (ch *Channel) helper(iccid string) (i modem.Info, number string, ok bool) {
	for _, i := range ch.bank.Modems() {
		if n, _ := ch.Number(i.SIM); i.State == modem.Ready && i.SIM.ICCID != iccid && n != "" {
			return i, n, true
		}
	}
	return modem.Info{}, "", false
}
