package smppsim

import (
	"time"

	"gsmgate/smppd/smpp"
)

// spurns reports whether a fault keeps a bind or a message from its own response.
func (c *smscSession) spurns(how *conduct, h smpp.Header) bool {
	switch {
	case how.cut:
		_ = c.conn.Close()
	case how.lose:
	case how.nack != smpp.StatusOK:
		c.answer(how.nack, h.Sequence, &smpp.GenericNack{})
	case how.garbage > 0 && h.ID != smpp.IDSubmitSM && h.ID != smpp.IDDataSM:
		c.raw(garbage(how.garbage))
	default:
		return false
	}
	return true
}

// submission is a message that came, with what is done with it.
type submission struct {
	h    smpp.Header
	sm   *smpp.SubmitSM
	resp func(id string, tlvs smpp.TLVs) smpp.PDU
	how  conduct

	user string
	n    uint64 // its number, once it is taken
	at   time.Time
}

// submit takes in a message, and has its answer and receipt follow.
func (c *smscSession) submit(m *submission) {
	s := c.smsc
	status := smpp.StatusOK
	if c.bind == smpp.IDBindReceiver {
		status = smpp.StatusInvBndSts
	} else if s.conf.OnSubmit != nil {
		status = s.conf.OnSubmit(c.systemID, m.sm)
	}
	m.user, m.how = c.systemID, s.faults.conduct(false)
	if status == smpp.StatusOK {
		status = m.how.status
	}
	switch {
	case c.spurns(&m.how, m.h):
		s.refused.Add(1)
	case status != smpp.StatusOK:
		s.refused.Add(1)
		c.answer(status, m.h.Sequence, m.resp("", nil))
	case s.conf.AnswerDelay <= 0:
		c.accept(m)
	case !s.answers.add(func() { c.accept(m) }):
		s.refused.Add(1)
		c.answer(smpp.StatusThrottled, m.h.Sequence, m.resp("", nil))
	}
}

func (c *smscSession) accept(m *submission) {
	s := c.smsc
	m.n, m.at = s.number.Add(1), time.Now()
	s.submits.Add(1)
	if m.how.early {
		c.receipt(m)
	}
	if m.how.slow <= 0 {
		c.accepted(m)
	} else if !s.later.add(m.how.slow, func() { c.accepted(m) }) {
		s.lost.Add(1)
	}
}

func (c *smscSession) accepted(m *submission) {
	id := c.smsc.conf.MessageID(m.n)
	switch {
	case m.how.noID:
		id = ""
	case m.how.ids != nil:
		id = m.how.ids(m.n)
	}
	c.reply(&m.how, m.h.Sequence+m.how.sequence, m.resp(id, m.how.tlvs))
	if !m.how.early {
		c.receipt(m)
	}
}

// reply answers a message that was taken.
func (c *smscSession) reply(how *conduct, sequence uint32, p smpp.PDU) {
	switch {
	case how.cutAfter:
		_ = c.conn.Close()
	case how.silent:
	case how.garbage > 0:
		c.raw(garbage(how.garbage))
	case how.half, how.broken:
		frame, _ := smpp.Append(nil, smpp.StatusOK, sequence, p)
		if how.half {
			c.raw(frame[:len(frame)/2])
		} else {
			frame[len(frame)-1] = '0' // where the NUL was
			c.raw(frame)
		}
	default:
		c.answer(smpp.StatusOK, sequence, p)
	}
	if how.unbind {
		c.answer(smpp.StatusOK, c.window.Sequence(), &smpp.Unbind{})
	}
	if how.half || how.hang {
		c.mute.Store(true)
	}
}

// raw writes octets as they are.
func (c *smscSession) raw(octets []byte) {
	if !c.mute.Load() {
		_ = c.out.Add(func(dst []byte, _ uint64) ([]byte, error) { return append(dst, octets...), nil })
	}
}

// garbage is what no PDU begins with: its length would be over two thousand
// million octets.
func garbage(n int) []byte {
	all := make([]byte, n)
	for i := range all {
		all[i] = byte(0xA5 ^ i*7)
	}
	return all
}

// receipt lets the receipt that was asked for set out.
func (c *smscSession) receipt(m *submission) {
	s := c.smsc
	if m.how.never || !m.sm.RegisteredDelivery.FinalReceipt(s.finalState(m.n)) {
		return
	}
	for _, r := range s.receiptsFor(m) {
		send := func() { s.enqueue(m.user, &delivery{pdu: r}) }
		if m.how.late > 0 && s.later.add(m.how.late, send) {
			continue
		}
		if !s.receipts.add(send) {
			s.lost.Add(1)
		}
	}
}

// receiptsFor gives the receipt of a message, with what goes before and after it.
func (s *SMSC) receiptsFor(m *submission) []*smpp.DeliverSM {
	form := s.conf.MessageID
	if m.how.receiptIDs != nil {
		form = m.how.receiptIDs
	} else if m.how.ids != nil {
		form = m.how.ids
	}
	id := form(m.n)
	parts := s.receiptFor(m.n, id, m.at)
	for _, edit := range m.how.edits {
		edit(&parts)
	}
	var all []*smpp.DeliverSM
	if m.how.before != 0 {
		notice := parts
		notice.State = m.how.before
		all = append(all, notice.pdu(m.sm, m.how.tlvs))
	}
	last := parts.pdu(m.sm, m.how.tlvs)
	if all = append(all, last); m.how.twice {
		all = append(all, last)
	}
	if s.conf.OnReceipt != nil {
		return s.conf.OnReceipt(m.n, id, last)
	}
	return all
}
