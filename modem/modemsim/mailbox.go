package modemsim

import (
	"errors"
	"time"
)

// mailboxSize bounds what waits for one SIM.
const mailboxSize = 10_000

// answerTime is how long the service centre waits for a modem to say what became of a delivery before it tries again.
const answerTime = time.Minute

var errMailboxFull = errors.New("modemsim: too many messages wait for this SIM")

// mobileTerminated is an SMS-DELIVER or SMS-STATUS-REPORT on its way to a SIM.
type mobileTerminated struct {
	tpdu   []byte
	report bool
}

// mailbox is what waits for one SIM. One delivery is under way at a time. Guarded by Network.mu.
type mailbox struct {
	modem *Modem
	queue []mobileTerminated
	try   uint64 // number of the delivery under way; an answer to another one is stale
	busy  bool   // one is under way
	tries int    // failed in a row
	wait  func() // takes the next try off the agenda; nil when none is entered

	kept  [][]byte      // reports that come after the next one
	clock time.Duration // how far the service centre's clock is ahead
	doubleParts,
	reverseParts int // messages to come whose segments do
}

func (n *Network) attach(m *Modem) {
	n.mailboxes[numberKey(m.sim.cfg.MSISDN)] = &mailbox{modem: m}
}

// post puts something into the mailbox of a number.
func (n *Network) post(number string, mt mobileTerminated) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	box := n.mailboxes[numberKey(number)]
	switch {
	case box == nil:
		return errors.New("modemsim: no SIM has this number")
	case len(box.queue) >= mailboxSize:
		return errMailboxFull
	}
	box.queue = append(box.queue, mt)
	if !box.busy && box.wait == nil {
		n.tryIn(box, 0)
	}
	return nil
}

// tryIn enters the next delivery. The caller holds n.mu.
func (n *Network) tryIn(box *mailbox, d time.Duration) {
	if box.wait != nil {
		box.wait()
	}
	box.wait = n.agenda.at(time.Now().Add(d), func(time.Time) { n.tryNow(box) })
	n.wake()
}

func (n *Network) tryNow(box *mailbox) {
	n.mu.Lock()
	box.wait = nil
	if box.busy || len(box.queue) == 0 {
		n.mu.Unlock()
		return
	}
	box.busy = true
	box.try++
	try, mt, modem := box.try, box.queue[0], box.modem
	stop := n.agenda.at(time.Now().Add(answerTime), func(time.Time) { n.tried(box, try, false) })
	n.mu.Unlock()
	modem.receive(mt, func(ok bool) {
		n.tried(box, try, ok)
		n.mu.Lock()
		stop()
		n.mu.Unlock()
	})
}

// tried is the modem's answer to a delivery: acknowledged, or not.
func (n *Network) tried(box *mailbox, try uint64, ok bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !box.busy || box.try != try {
		return
	}
	box.busy = false
	if !ok {
		d := min(30*time.Second, n.cfg.RetryInterval<<min(box.tries, 10))
		box.tries++
		n.tryIn(box, d)
		return
	}
	box.tries = 0
	box.queue[0] = mobileTerminated{}
	box.queue = box.queue[1:]
	if len(box.queue) > 0 {
		n.tryIn(box, 0)
	}
}

// alert says that the SIM of a modem can be reached again: registered, or with memory free [23.040 10.3].
func (n *Network) alert(m *Modem) {
	n.mu.Lock()
	defer n.mu.Unlock()
	box := n.box(m)
	if box != nil && !box.busy && len(box.queue) > 0 {
		box.tries = 0
		n.tryIn(box, 0)
	}
}

// Waiting is the number of messages and reports that have not reached the SIM with that number yet.
func (n *Network) Waiting(number string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	if box := n.mailboxes[numberKey(number)]; box != nil {
		return len(box.queue) + len(box.kept)
	}
	return 0
}
