package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"gsmgate/smppd/esme"
	"gsmgate/smppd/smpp"
)

// The operations of the crash test's load.
const (
	operators      = 2  // sessions that they come by
	operatorsHands = 4  // operations of one session at a time
	operationsRun  = 60 // operations that one run of the gateway is asked for at most
	keptBack       = 3  // one in so many comes too late, when all messages have gone out
)

// told is what a client knows of one message_id.
type told struct {
	to     []string // recipients, all of whom get it
	texts  []int    // numbers of the texts that it may have: two when nobody answered a replacement
	cancel cancelAnswer
}

// cancelAnswer is what a client heard of its cancel_sm.
type cancelAnswer int

const (
	notAsked cancelAnswer = iota
	unheard
	cancelled
	tooLate
)

// operation is what a client means to do with a message that it has scheduled.
type operation struct {
	kind int
	id   string
	n    int
}

// Kinds of operations.
const (
	byMulti = iota
	byCancel
	byReplace
	byReplaceIfPresent
	operationKinds
)

// operate lets one session do operations until ctx ends or the run has had its
// share; it stays bound until ctx ends.
func (l *load) operate(ctx context.Context, conf esme.Config) {
	c, wait, err := l.call(ctx, conf)
	if err != nil {
		return // it was killed before
	}
	defer wait()
	var hands sync.WaitGroup
	for range operatorsHands {
		hands.Go(func() {
			for c.work() {
			}
		})
	}
	hands.Wait()
	<-c.ended
}

// work does what an earlier run has left undone, or the next operation. It is
// false when there is none, or when the gateway is gone.
func (c *caller) work() bool {
	if o, ok := c.l.undone(); ok {
		return c.soon(o)
	}
	n, ok := c.l.takeOperation()
	if !ok {
		return false
	}
	kind := n / 5 % operationKinds // n%5 is the form of the text
	if kind == byMulti {
		return c.multi(n) == nil
	}
	id, err := c.schedule(n)
	if err != nil || id == "" {
		return err == nil
	}
	o := operation{kind, id, n}
	if n%keptBack == 0 {
		c.l.keepBack(o)
		return true
	}
	return c.soon(o)
}

// soon does o, or leaves it to the next run. Some come early, some while the
// message is due, some too late.
func (c *caller) soon(o operation) bool {
	c.l.begin(o)
	defer c.l.end(o)
	select {
	case <-time.After(time.Duration(o.n*13%20) * 100 * time.Millisecond):
		return c.carryOut(o) == nil
	case <-c.ended:
		c.l.leave(o)
		return false
	}
}

// keepBack keeps o for the last run, leave for the next one.
func (l *load) keepBack(o operation) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.kept = append(l.kept, o)
}

// release leaves what was kept back to the next run.
func (l *load) release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.left, l.kept = append(l.left, l.kept...), nil
}

func (l *load) leave(o operation) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.left = append(l.left, o)
}

func (l *load) undone() (o operation, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.left) == 0 {
		return o, false
	}
	o, l.left = l.left[0], l.left[1:]
	l.doing[o] = true
	return o, true
}

func (l *load) begin(o operation) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.doing[o] = true
}

func (l *load) end(o operation) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.doing, o)
}

// outstanding is how many operations are left to do.
func (l *load) outstanding() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.left) + len(l.doing)
}

// takeOperation gives the number of a message that was never offered before.
func (l *load) takeOperation() (n int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.operations >= operationsRun {
		return 0, false
	}
	l.operations++
	l.next++
	return l.next, true
}

// like gives the number of a new message whose text is of the same alphabet.
func (l *load) like(n int) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.next++; isUCS2(l.next) != isUCS2(n); l.next++ {
	}
	l.offers[l.next] = []string{loadTo(n)}
	return l.next
}

// multi sends one message to some, and to one who does not exist.
func (c *caller) multi(n int) error {
	sm, to := loadMessage(n), loadRecipients[:2+n%(len(loadRecipients)-1)]
	p := &smpp.SubmitMulti{Source: sm.Source, RegisteredDelivery: 1, DataCoding: sm.DataCoding, ShortMessage: sm.ShortMessage, TLVs: sm.TLVs}
	for _, addr := range append(slices.Clone(to), "nobody") {
		p.Dests = append(p.Dests, smpp.MultiDest{Address: smpp.Address{TON: 1, NPI: 1, Addr: strings.TrimPrefix(addr, "+")}})
	}
	c.l.offer(n, to)
	status, pdu, err := c.ask(p)
	if !c.l.heard(p, status, err, smpp.StatusOK) {
		return err
	}
	resp := pdu.(*smpp.SubmitMultiResp)
	if len(resp.Unsuccess) != 1 || resp.Unsuccess[0].Address.Addr != "nobody" {
		c.l.t.Errorf("submit_multi: not accepted: %+v", resp.Unsuccess)
	}
	c.l.accept(resp.MessageID, n, to)
	return nil
}

// scheduled is message n, from an address of its own, for a moment later.
func scheduled(n, source int) *smpp.SubmitSM {
	sm := loadMessage(n)
	sm.Source = smpp.Address{TON: 5, Addr: fmt.Sprintf("Shop%06d", source)}
	sm.Dest.Addr = strings.TrimPrefix(loadTo(source), "+")
	tenths := 2 + source*7%25
	sm.ScheduleDeliveryTime = fmt.Sprintf("0000000000%02d%d00R", tenths/10, tenths%10)
	return sm
}

// schedule gives the message_id, "" when it was refused.
func (c *caller) schedule(n int) (id string, err error) {
	sm := scheduled(n, n)
	c.l.offer(n, []string{loadTo(n)})
	status, pdu, err := c.ask(sm)
	if !c.l.heard(sm, status, err, smpp.StatusOK) {
		return "", err
	}
	id = pdu.(*smpp.SubmitSMResp).MessageID
	c.l.accept(id, n, []string{loadTo(n)})
	return id, nil
}

func (c *caller) carryOut(o operation) error {
	switch o.kind {
	case byCancel:
		return c.cancel(o)
	case byReplace:
		return c.replace(o)
	}
	return c.replaceIfPresent(o)
}

// cancel names the message by its message_id or by its addresses.
func (c *caller) cancel(o operation) error {
	sm := scheduled(o.n, o.n)
	p := &smpp.CancelSM{Source: sm.Source, Dest: sm.Dest}
	if o.n%2 == 0 {
		p.MessageID = o.id
	}
	c.l.change(o.id, func(t *told) { t.cancel = unheard })
	status, _, err := c.ask(p)
	if !c.l.heard(p, status, err, smpp.StatusOK, smpp.StatusCancelFail) {
		return err
	}
	c.l.change(o.id, func(t *told) {
		if t.cancel = tooLate; status == smpp.StatusOK {
			t.cancel = cancelled
		}
	})
	return nil
}

func (c *caller) replace(o operation) error {
	n := c.l.like(o.n)
	sm, now := scheduled(o.n, o.n), loadMessage(n)
	p := &smpp.ReplaceSM{MessageID: o.id, Source: sm.Source, RegisteredDelivery: 1, ShortMessage: now.ShortMessage, TLVs: now.TLVs}
	c.l.change(o.id, func(t *told) { t.texts = []int{o.n, n} })
	status, _, err := c.ask(p)
	if !c.l.heard(p, status, err, smpp.StatusOK, smpp.StatusReplaceFail) {
		return err
	}
	c.l.change(o.id, func(t *told) {
		if t.texts = []int{o.n}; status == smpp.StatusOK {
			t.texts = []int{n}
		}
	})
	return nil
}

// replaceIfPresent submits another message in the place of the one that may be
// pending.
func (c *caller) replaceIfPresent(o operation) error {
	n := c.l.like(o.n)
	p := scheduled(n, o.n)
	p.ReplaceIfPresent = 1
	c.l.change(o.id, func(t *told) { t.texts = []int{o.n, n} })
	status, pdu, err := c.ask(p)
	if !c.l.heard(p, status, err, smpp.StatusOK) {
		return err
	}
	if id := pdu.(*smpp.SubmitSMResp).MessageID; id != o.id {
		c.l.change(o.id, func(t *told) { t.texts = []int{o.n} })
		c.l.accept(id, n, []string{loadTo(o.n)})
		return nil
	}
	c.l.change(o.id, func(t *told) { t.texts = []int{n} })
	return nil
}

// offer notes to whom message n is about to be submitted.
func (l *load) offer(n int, to []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.offers[n] = to
}

// accept notes an ESME_ROK for a new message.
func (l *load) accept(id string, n int, to []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.accepted[id] != nil {
		l.t.Errorf("message_id %s was given twice", id)
	}
	l.accepted[id] = &told{to: to, texts: []int{n}}
}

func (l *load) change(id string, how func(*told)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	how(l.accepted[id])
}

// heard counts an answer, and says whether it is one of those that may be.
func (l *load) heard(p smpp.PDU, status smpp.CommandStatus, err error, may ...smpp.CommandStatus) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.unheard++
		return false
	}
	l.answers[fmt.Sprintf("%s %s", p.CommandID(), status)]++
	if !slices.Contains(may, status) {
		l.t.Errorf("%s was answered %s", p.CommandID(), status)
		return false
	}
	return true
}
