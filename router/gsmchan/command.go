package gsmchan

import (
	"context"
	"errors"
	"time"

	"gsmgate/modem"
	"gsmgate/modem/at"
	"gsmgate/router"
	"gsmgate/storage"
)

// drainCheck is how often a SIM that is being drained is looked at.
const drainCheck = 2 * time.Second

// Modem shows one modem; id is its IMEI, its path or the last part of that.
func (ch *Channel) Modem(id string) (modem.Info, error) {
	m, err := ch.find(id)
	if err != nil {
		return modem.Info{}, err
	}
	return m.Info(), nil
}

func (ch *Channel) find(id string) (*modem.Modem, error) {
	if m := ch.bank.Find(id); m != nil {
		return m, nil
	}
	return nil, &router.Error{Code: router.NotFound, Field: "id", Message: "no such modem", Hint: "use its IMEI or its path; gsmgate modem list shows them"}
}

// withSIM finds a modem and the card in it, or that was in it last.
func (ch *Channel) withSIM(id string) (m *modem.Modem, iccid string, err error) {
	if m, err = ch.find(id); err != nil {
		return nil, "", err
	}
	if iccid = m.Info().SIM.ICCID; iccid == "" {
		return nil, "", conflict("no SIM was read in this modem yet", "gsmgate modem show says what it waits for", nil)
	}
	return m, iccid, nil
}

func conflict(message, hint string, cause error) error {
	return &router.Error{Code: router.Conflict, Message: message, Hint: hint, Err: cause}
}

// Disable lets nothing be sent by the SIM in a modem any more; what comes in is
// taken. It holds until Enable, wherever the SIM is.
func (ch *Channel) Disable(ctx context.Context, id string) error {
	return ch.mark(ctx, id, true, false)
}

// Enable ends Disable and Drain.
func (ch *Channel) Enable(ctx context.Context, id string) error {
	return ch.mark(ctx, id, false, false)
}

// Drain lets the SIM end what it has begun; then it is disabled.
func (ch *Channel) Drain(ctx context.Context, id string) error { return ch.mark(ctx, id, false, true) }

func (ch *Channel) mark(ctx context.Context, id string, disabled, draining bool) error {
	_, iccid, err := ch.withSIM(id)
	if err != nil {
		return err
	}
	err = ch.learn(ctx, iccid, func(s *storage.SIM) error {
		s.Disabled, s.Draining = disabled, draining
		return nil
	})
	if err == nil {
		ch.log.Info("a SIM was told whether to send", "sim", iccid, "disabled", disabled, "draining", draining)
	}
	return err
}

// Reset resets a modem; rung is how far to go, "" as far as a restart of it.
func (ch *Channel) Reset(ctx context.Context, id, rung string) error {
	m, err := ch.find(id)
	if err != nil {
		return err
	}
	return resetModem(m, rung)
}

// watchDrains disables the SIMs that have ended what they had begun.
func (ch *Channel) watchDrains(ctx context.Context) {
	t := time.NewTicker(drainCheck)
	defer t.Stop()
	for {
		select {
		case <-t.C:
		case <-ctx.Done():
			return
		}
		for _, i := range ch.bank.Modems() {
			ch.drained(ctx, i.SIM)
		}
	}
}

func (ch *Channel) drained(ctx context.Context, sim modem.SIM) {
	if sim.ICCID == "" || !ch.card(sim.ICCID).Draining || ch.begun(laneID(sim)) > 0 {
		return
	}
	err := ch.learn(ctx, sim.ICCID, func(s *storage.SIM) error {
		if s.Draining { // nobody has enabled it meanwhile
			s.Draining, s.Disabled = false, true
		}
		return nil
	})
	if err == nil {
		ch.log.Info("a SIM is drained, and disabled now", "sim", sim.ICCID)
	} else if ctx.Err() == nil {
		ch.log.Error("a SIM that is drained cannot be disabled", "sim", sim.ICCID, "err", err)
	}
}

// USSD sends a code by a modem, or with a session the reply that it waits for.
func (ch *Channel) USSD(ctx context.Context, id, session, text string) (modem.USSD, error) {
	m, err := ch.find(id)
	if err != nil {
		return modem.USSD{}, err
	}
	var u modem.USSD
	if session == "" {
		u, err = m.USSD(ctx, text)
	} else {
		u, err = m.ReplyUSSD(ctx, session, text)
	}
	return u, ussdProblem(err)
}

// CancelUSSD closes a session.
func (ch *Channel) CancelUSSD(ctx context.Context, id, session string) error {
	m, err := ch.find(id)
	if err != nil {
		return err
	}
	return ussdProblem(m.CancelUSSD(ctx, session))
}

// LastUSSD gives what the network has said last.
func (ch *Channel) LastUSSD(id string) (modem.USSD, error) {
	m, err := ch.find(id)
	if err != nil {
		return modem.USSD{}, err
	}
	return m.LastUSSD(), nil
}

// ussdProblem puts what went wrong in words.
func ussdProblem(err error) error {
	var refused *at.Error
	var ended *modem.USSDError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, modem.ErrNotReady):
		return conflict(err.Error(), "gsmgate modem show says why", err)
	case errors.Is(err, modem.ErrUSSDText):
		return &router.Error{Code: router.Invalid, Field: "code", Message: err.Error(), Err: err}
	case errors.Is(err, modem.ErrUSSDBusy):
		return &router.Error{Code: router.Busy, Message: err.Error(), Hint: "wait until it is over, a minute at most", Err: err}
	case errors.Is(err, modem.ErrUSSDSession):
		return &router.Error{Code: router.Conflict, Field: "session", Message: err.Error(), Hint: "send the code again", Err: err}
	case errors.As(err, &ended), errors.As(err, &refused), errors.Is(err, modem.ErrUSSDTimeout):
		return conflict(err.Error(), "", err)
	case errors.Is(err, at.ErrClosed), errors.Is(err, at.ErrTimeout), errors.Is(err, at.ErrRestarted), errors.Is(err, at.ErrHung):
		return conflict("the modem has not answered: "+err.Error(), "gsmgate modem show says how it is", err)
	}
	return err
}
