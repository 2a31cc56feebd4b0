package gsmchan

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"gsmgate/modem"
	"gsmgate/modem/at"
	"gsmgate/modem/pdu"
)

// expectations are answers that this process waits for among what comes in.
// They go to who has asked, and to no client.
type expectations struct {
	mu   sync.Mutex
	list []*expectation
}

// expectation is one of them.
type expectation struct {
	iccid string // of the SIM that it comes to
	is    func(d *pdu.Deliver) bool
	parts []*pdu.Deliver // of a long answer, as they came
	key   pdu.Key
	came  chan answer // one slot
}

// answer is what came.
type answer struct{ from, text string }

// add waits for a message to a SIM of which is says yes. The caller calls the
// second result when it waits no longer.
func (x *expectations) add(iccid string, is func(*pdu.Deliver) bool) (<-chan answer, func()) {
	e := &expectation{iccid: iccid, is: is, came: make(chan answer, 1)}
	x.mu.Lock()
	x.list = append(x.list, e)
	x.mu.Unlock()
	return e.came, func() {
		x.mu.Lock()
		defer x.mu.Unlock()
		for i, other := range x.list {
			if other == e {
				x.list = append(x.list[:i:i], x.list[i+1:]...)
			}
		}
	}
}

// take says whether a message is expected, and gives it to who waits.
func (x *expectations) take(sim modem.SIM, d *pdu.Deliver) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, e := range x.list {
		if e.iccid == sim.ICCID && e.takes(d) {
			return true
		}
	}
	return false
}

// takes offers a message; parts of a long one are kept until all are there.
func (e *expectation) takes(d *pdu.Deliver) bool {
	key, long := d.Key()
	if long && len(e.parts) > 0 && key == e.key { // the first of them was ours
		return e.joins(d)
	}
	if !e.is(d) {
		return false
	}
	if long && key.Total > 1 {
		e.key, e.parts = key, make([]*pdu.Deliver, key.Total)
		return e.joins(d)
	}
	e.give(answer{d.OA.String(), d.Text()})
	return true
}

func (e *expectation) joins(d *pdu.Deliver) bool {
	if n := int(d.Concat.Number); n >= 1 && n <= len(e.parts) {
		e.parts[n-1] = d
	}
	for _, p := range e.parts {
		if p == nil {
			return true
		}
	}
	e.give(answer{d.OA.String(), pdu.JoinText(e.parts)})
	return true
}

func (e *expectation) give(a answer) {
	select {
	case e.came <- a:
	default:
	}
}

// sendOwn sends a text that nobody has submitted, without a report.
func (ch *Channel) sendOwn(ctx context.Context, m *modem.Modem, to, text string) error {
	parts, err := pdu.SplitText(text, pdu.GSM7, pdu.Options{Dest: pdu.NewAddress(to)})
	if err == nil && len(parts) != 1 {
		err = fmt.Errorf("a text of %d parts", len(parts))
	}
	if err != nil {
		return err
	}
	tpdu, err := parts[0].TPDU()
	if err == nil {
		_, err = m.Submit(ctx, tpdu)
	}
	if errors.Is(err, at.ErrNoMR) { // it was sent
		return nil
	}
	return err
}

// sameAddress tells whether two addresses are of one: numbers may be national
// and international, names are as they are.
func sameAddress(a, b string) bool {
	a, b = strings.TrimPrefix(a, "+"), strings.TrimPrefix(b, "+")
	return strings.EqualFold(a, b) || len(a) >= 8 && len(b) >= 8 && matchKey(a) == matchKey(b)
}
