package gsmchan

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"gsmgate/modem"
	"gsmgate/router"
	"gsmgate/storage"
)

// simID is the ID of the SIM's record.
func simID(s modem.SIM) string { return strings.TrimPrefix(laneID(s), storage.LanePrefix) }

// laneOf is the name of the lane of a record.
func laneOf(id string) string {
	if strings.HasPrefix(id, imsiPrefix) {
		return id
	}
	return storage.LanePrefix + id
}

// serve drains the queue of the pool that the SIM is in, until ctx ends; of
// another pool when it is moved. What is being sent then is sent to its end.
func (g *gate) serve(ctx context.Context, lane router.Lane, s router.Sender) (err error) {
	g.ch.enter(g)
	defer g.ch.leave(g)
	lane.Wake, lane.Gate, lane.Fits, lane.Lag, lane.Quotas = g.wake, g.hold, g.fits, g.lag, g.quotas
	for ctx.Err() == nil {
		inPool, stop := context.WithCancel(ctx)
		g.mu.Lock()
		g.pool, g.stop = g.ch.card(g.id).Pool, stop
		lane.Queue = storage.PoolQueue(g.ch.name, g.pool)
		g.mu.Unlock()
		err = g.ch.in.Serve(inPool, lane, s)
		if moved := inPool.Err() != nil; !moved {
			stop()
			return err
		}
		stop()
	}
	return err
}

// changed looks at the SIM's record again.
func (g *gate) changed() {
	g.mu.Lock()
	if g.stop != nil && g.ch.card(g.id).Pool != g.pool {
		g.stop()
	}
	g.mu.Unlock()
	select {
	case g.wake <- struct{}{}:
	default:
	}
}

func (ch *Channel) enter(g *gate) {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	ch.gates[g.id] = g
}

func (ch *Channel) leave(g *gate) {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	if ch.gates[g.id] == g {
		delete(ch.gates, g.id)
	}
}

func (ch *Channel) gate(id string) *gate {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	return ch.gates[id]
}

// SIMChanged tells that the record of a SIM has changed. It holds at once.
func (ch *Channel) SIMChanged(id string) {
	if g := ch.gate(id); g != nil {
		g.changed()
	}
}

// SIMState is where a SIM is, and what keeps it from sending.
type SIMState struct {
	ID    string
	Modem modem.Info // the one that it is in; no Path: it is in none
	Hold  router.Hold

	Served bool // a lane is there for it
}

// SIM tells where the SIM is and whether it sends.
func (ch *Channel) SIM(id string) SIMState { return ch.state(ch.card(id), ch.bank.Modems(), ch.now()) }

// SIMs tells it of all that are known or there, by ID.
func (ch *Channel) SIMs() []SIMState {
	cards, modems, now := ch.allCards(), ch.bank.Modems(), ch.now()
	states := make([]SIMState, 0, len(cards))
	for _, c := range cards {
		states = append(states, ch.state(c, modems, now))
	}
	return states
}

// allCards are those with a record and those in a modem.
func (ch *Channel) allCards() []storage.SIM {
	cards := slices.Clone(ch.cards())
	known := map[string]bool{}
	for _, c := range cards {
		known[c.ID] = true
	}
	for _, m := range ch.bank.Modems() {
		if m.SIM == (modem.SIM{}) || known[simID(m.SIM)] {
			continue
		}
		known[simID(m.SIM)] = true
		cards = append(cards, ch.card(simID(m.SIM)))
	}
	slices.SortFunc(cards, func(a, b storage.SIM) int { return strings.Compare(a.ID, b.ID) })
	return cards
}

func (ch *Channel) state(card storage.SIM, modems []modem.Info, now time.Time) SIMState {
	s := SIMState{ID: card.ID}
	for _, m := range modems {
		if m.SIM != (modem.SIM{}) && simID(m.SIM) == card.ID && (s.Modem.Path == "" || m.State == modem.Ready) {
			s.Modem = m
		}
	}
	if g := ch.gate(card.ID); g != nil {
		s.Hold, s.Served = g.hold(now), true
		return s
	}
	s.Hold = router.Hold{Reason: whyNot(&card, s.Modem, now)}
	return s
}

// whyNot says why a SIM is not served that no lane is there for.
func whyNot(card *storage.SIM, m modem.Info, now time.Time) string {
	switch {
	case card.Disabled:
		return "the SIM is disabled"
	case m.Path == "" || m.State == modem.Absent:
		if card.LastSeen == 0 {
			return "it is in no modem"
		}
		return "it is in no modem; it was last seen " + card.LastSeen.Time().Local().Format(time.DateTime)
	case m.State == modem.Ready:
		return "it is about to be served"
	}
	return strings.TrimSuffix(fmt.Sprintf("its modem %s is %s: %s", m.Path, m.State, m.Reason), ": ")
}

// Absent gives the SIMs that are not served now, see router.Absentees.
func (ch *Channel) Absent() (all []router.LaneStatus) {
	for _, s := range ch.SIMs() {
		if ch.gate(s.ID) != nil {
			continue
		}
		all = append(all, router.LaneStatus{ID: laneOf(s.ID), Queue: storage.PoolQueue(ch.name, ch.card(s.ID).Pool), Reason: s.Hold.Reason})
	}
	return all
}
