package main

import (
	"context"
	"time"

	"gsmgate/modem"
	"gsmgate/provisioning"
	"gsmgate/router/gsmchan"
)

// modemCommands lets the API do what can be done with a modem.
func (a *App) modemCommands() *provisioning.ModemCommands {
	return &provisioning.ModemCommands{
		Show: a.showModem, Disable: a.gsm.Disable, Enable: a.gsm.Enable, Drain: a.gsm.Drain, Reset: a.gsm.Reset,
		CancelUSSD: a.gsm.CancelUSSD,
		USSD: func(ctx context.Context, id, session, text string) (provisioning.USSD, error) {
			u, err := a.gsm.USSD(ctx, id, session, text)
			return ussdView(u), err
		},
		LastUSSD: func(id string) (provisioning.USSD, error) {
			u, err := a.gsm.LastUSSD(id)
			return ussdView(u), err
		},
		Balance: func(ctx context.Context, id string) (provisioning.ModemBalance, error) {
			b, err := a.gsm.CheckBalance(ctx, id)
			v := balanceView(b)
			v.Answer = b.Answer
			return v, err
		},
		LearnNumber: func(ctx context.Context, id string) (provisioning.LearntNumber, error) {
			number, via, err := a.gsm.LearnNumber(ctx, id)
			return provisioning.LearntNumber{Number: number, Via: via}, err
		},
	}
}

func ussdView(u modem.USSD) provisioning.USSD {
	return provisioning.USSD{Text: u.Text, Session: u.Session, Network: u.Network, At: timeIfSet(u.At)}
}

func balanceView(b gsmchan.Balance) provisioning.ModemBalance {
	return provisioning.ModemBalance{Amount: b.Amount, At: timeIfSet(b.At), Low: b.Low, Problem: b.Problem}
}

func (a *App) showModem(id string) (provisioning.ModemDetail, error) {
	m, err := a.gsm.Modem(id)
	if err != nil {
		return provisioning.ModemDetail{}, err
	}
	v := provisioning.ModemDetail{Modem: a.modemView(m), StoredUsed: m.StoredUsed, StoredTotal: m.StoredTotal}
	v.Suspicion = m.Suspicion(a.gsm.Modems(), time.Now())
	v.OwnNumber, v.NumberFrom = a.gsm.Number(m.SIM)
	if card := a.card(m.SIM.ICCID); card.BalanceCode != "" {
		b := balanceView(gsmchan.BalanceOf(&card))
		v.Balance = &b
	}
	return v, nil
}

// addSending says whether messages leave by a modem, and if not, why.
func (a *App) addSending(v *provisioning.Modem, m modem.Info) {
	card := a.card(m.SIM.ICCID)
	v.ParkedUntil = timeIfSet(m.ParkedUntil)
	switch {
	case card.Disabled:
		v.Sends, v.SendsReason = "disabled", "its SIM was disabled by command"
	case card.Draining:
		v.Sends, v.SendsReason = "draining", "its SIM sends what it has begun, and is disabled then"
	case m.ParkedUntil.After(time.Now()):
		v.Sends, v.SendsReason = "parked", "until "+clock(m.ParkedUntil)+": "+m.ParkedReason
	case m.State != modem.Ready:
		v.Sends, v.SendsReason = "no", m.Reason
	case !m.ParkedUntil.IsZero():
		v.Sends, v.SendsReason = "trial", "one message shows whether it is well again; it was parked: "+m.ParkedReason
	default:
		v.Sends = "yes"
	}
}
