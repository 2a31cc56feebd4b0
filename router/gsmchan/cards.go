package gsmchan

import (
	"context"
	"time"

	"gsmgate/modem"
	"gsmgate/storage"
)

// seenEvery bounds how often it is written that a SIM is still there.
const seenEvery = time.Hour

// modemCard is what the modem must know of what is set for a SIM.
func (ch *Channel) modemCard(iccid string) modem.Card {
	s := ch.card(iccid)
	return modem.Card{PIN: s.PIN, SMSC: s.SMSC}
}

// lastCard is the SIM that was seen last in a modem, "" for none.
func (ch *Channel) lastCard(imei string) string {
	var last storage.SIM
	for _, s := range ch.cards() {
		if imei != "" && s.LastIMEI == imei && s.LastSeen > last.LastSeen {
			last = s
		}
	}
	return last.ID
}

// seen writes down what was learnt of the SIM in a modem, when it is news.
func (ch *Channel) seen(ctx context.Context, i modem.Info) {
	if i.SIM.ICCID == "" || !ch.news(ch.card(i.SIM.ICCID), i) {
		return
	}
	err := ch.learn(ctx, i.SIM.ICCID, func(s *storage.SIM) error {
		s.IMSI, s.LastIMEI, s.LastPath, s.LastSeen = i.SIM.IMSI, i.IMEI, i.Path, storage.TimeOf(ch.now())
		if i.SIM.Number != "" {
			s.Learnt = i.SIM.Number
		}
		return nil
	})
	if err != nil && ctx.Err() == nil {
		ch.log.Warn("what was learnt of a SIM is not written down", "modem", i.Path, "err", err)
	}
}

func (ch *Channel) news(s storage.SIM, i modem.Info) bool {
	return s.IMSI != i.SIM.IMSI || s.LastIMEI != i.IMEI || s.LastPath != i.Path || i.SIM.Number != "" && s.Learnt != i.SIM.Number ||
		ch.now().Sub(s.LastSeen.Time()) >= seenEvery
}

// watchSeen writes now and then that SIMs are still there.
func (ch *Channel) watchSeen(ctx context.Context) {
	t := time.NewTicker(seenEvery / 6)
	defer t.Stop()
	for {
		select {
		case <-t.C:
		case <-ctx.Done():
			return
		}
		for _, i := range ch.Modems() {
			if i.State == modem.Ready {
				ch.seen(ctx, i)
			}
		}
	}
}
