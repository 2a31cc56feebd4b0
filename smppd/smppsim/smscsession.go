package smppsim

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"gsmgate/smppd/smpp"
)

const (
	bindTime  = 30 * time.Second // for the bind after the connection
	writeTime = 30 * time.Second
)

var errUnbind = errors.New("smppsim: unbound")

// smscSession is one connection of an SMSC.
type smscSession struct {
	smsc   *SMSC
	conn   net.Conn
	out    *smpp.Outbox
	window *smpp.Window[*delivery]
	slots  chan struct{} // one element for each deliver_sm in flight
	ended  chan struct{}
	silent chan struct{} // closed when nothing more is written
	mute   atomic.Bool   // by a fault: nothing is put any more
	wg     sync.WaitGroup

	// Only the reading goroutine touches these.
	systemID string
	bind     smpp.CommandID // 0 before the bind
}

// serve plays one session until its connection or ctx ends.
func (s *SMSC) serve(ctx context.Context, conn net.Conn) {
	session := &smscSession{smsc: s, conn: conn, out: smpp.NewOutbox(writeTime), window: smpp.NewWindow[*delivery](s.conf.Window),
		slots: make(chan struct{}, s.conf.Window), ended: make(chan struct{}), silent: make(chan struct{})}
	s.mu.Lock()
	s.sessions[session] = struct{}{}
	s.mu.Unlock()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })

	session.wg.Go(func() {
		defer close(session.silent)
		_ = session.out.Run(conn, session.ended)
		_ = conn.Close()
	})
	session.read()
	session.end()

	stop()
	s.mu.Lock()
	delete(s.sessions, session)
	s.mu.Unlock()
}

// end waits for the goroutines of the session; what the ESME did not answer
// goes back into the queue.
func (c *smscSession) end() {
	c.out.Close(net.ErrClosed)
	close(c.ended)
	_ = c.conn.Close()
	c.wg.Wait()
	for _, d := range c.window.Close() {
		c.smsc.enqueue(c.systemID, d)
	}
	if c.bind != 0 {
		c.smsc.boundCount.Add(-1)
	}
}

func (c *smscSession) read() {
	_ = c.conn.SetReadDeadline(time.Now().Add(bindTime))
	r := smpp.NewReader(c.conn, 0)
	for {
		frame, err := r.ReadFrame()
		if err != nil {
			if c.answerError(err) {
				c.flush()
			}
			return
		}
		h, p, err := smpp.Parse(frame)
		if err != nil {
			c.answerError(err)
			continue
		}
		if c.handle(h, p) != nil {
			c.flush()
			return
		}
	}
}

// flush waits until what was answered is written.
func (c *smscSession) flush() {
	c.out.Finish(errUnbind)
	<-c.silent
}

func (c *smscSession) answerError(err error) bool {
	e, ok := errors.AsType[*smpp.Error](err)
	if !ok {
		return false
	}
	p, status, sequence := e.Answer()
	if p != nil {
		c.answer(status, sequence, p)
	}
	return p != nil
}

func (c *smscSession) answer(status smpp.CommandStatus, sequence uint32, p smpp.PDU) {
	if !c.mute.Load() {
		_ = c.out.Put(status, sequence, p)
	}
}

// handle answers one PDU; an error ends the session.
func (c *smscSession) handle(h smpp.Header, p smpp.PDU) error {
	switch p := p.(type) {
	case *smpp.EnquireLink:
		c.answer(smpp.StatusOK, h.Sequence, &smpp.EnquireLinkResp{})
		return nil
	case *smpp.Bind:
		c.handleBind(h, p)
		return nil
	}
	if c.bind == 0 && !h.ID.IsResponse() {
		c.refuse(h, smpp.StatusInvBndSts)
		return nil
	}
	switch p := p.(type) {
	case *smpp.SubmitSM:
		c.submit(&submission{h: h, sm: p, resp: func(id string, t smpp.TLVs) smpp.PDU { return &smpp.SubmitSMResp{MessageID: id, TLVs: t} }})
	case *smpp.DataSM:
		c.submit(&submission{h: h, sm: asSubmit(p), resp: func(id string, t smpp.TLVs) smpp.PDU { return &smpp.DataSMResp{MessageID: id, TLVs: t} }})
	case *smpp.Unbind:
		c.answer(smpp.StatusOK, h.Sequence, &smpp.UnbindResp{})
		return errUnbind
	case *smpp.UnbindResp:
		return errUnbind
	default:
		if h.ID.IsResponse() {
			c.settle(h)
		} else {
			c.refuse(h, smpp.StatusInvCmdID)
		}
	}
	return nil
}

func (c *smscSession) refuse(h smpp.Header, status smpp.CommandStatus) {
	if resp := smpp.ResponseTo(h.ID); resp != nil {
		c.answer(status, h.Sequence, resp)
	}
}

func asSubmit(p *smpp.DataSM) *smpp.SubmitSM {
	return &smpp.SubmitSM{ServiceType: p.ServiceType, Source: p.Source, Dest: p.Dest, ESMClass: p.ESMClass,
		RegisteredDelivery: p.RegisteredDelivery, DataCoding: p.DataCoding, TLVs: p.TLVs}
}

func (c *smscSession) handleBind(h smpp.Header, p *smpp.Bind) {
	status := c.smsc.authenticate(p.SystemID, p.Password)
	if status == smpp.StatusOK && c.smsc.conf.OnBind != nil {
		status = c.smsc.conf.OnBind(p)
	}
	if c.bind != 0 {
		status = smpp.StatusAlyBnd
	}
	how := c.smsc.faults.conduct(true)
	if c.spurns(&how, h) {
		return
	}
	if how.status != smpp.StatusOK {
		status = how.status
	}
	resp := &smpp.BindResp{ID: h.ID.Response(), SystemID: c.smsc.conf.SystemID}
	if p.InterfaceVersion >= smpp.Version34 {
		resp.TLVs = resp.TLVs.AppendUint8(smpp.TagSCInterfaceVersion, smpp.Version34)
	}
	c.answer(status, h.Sequence, resp)
	if status != smpp.StatusOK {
		return
	}
	_ = c.conn.SetReadDeadline(time.Time{})
	c.bind, c.systemID = h.ID, p.SystemID
	c.smsc.boundCount.Add(1)
	if c.bind != smpp.IDBindTransmitter {
		queue, tlvs := c.smsc.queue(p.SystemID), p.InterfaceVersion >= smpp.Version34
		c.wg.Go(func() { c.deliver(queue, tlvs) })
	}
}

// deliver sends what waits for the user while the window has room.
func (c *smscSession) deliver(queue <-chan *delivery, tlvs bool) {
	for {
		select {
		case c.slots <- struct{}{}:
		case <-c.ended:
			return
		}
		select {
		case d := <-queue:
			if !c.send(d, tlvs) {
				c.smsc.enqueue(c.systemID, d)
				return
			}
		case <-c.ended:
			return
		}
	}
}

// send reports whether d is in the window now. One that cannot be written is
// answered for the ESME, with what is wrong with it.
func (c *smscSession) send(d *delivery, tlvs bool) bool {
	if c.mute.Load() {
		return false
	}
	pdu := *d.pdu
	if !tlvs {
		pdu.TLVs = nil // [SMPP34 3.4]
	}
	err := c.out.Add(func(dst []byte, _ uint64) ([]byte, error) {
		sequence, err := c.window.Add(time.Time{}, d)
		if err != nil {
			return dst, err
		}
		if dst, err = smpp.Append(dst, smpp.StatusOK, sequence, &pdu); err != nil {
			c.window.Take(sequence)
		}
		return dst, err
	})
	if e, ok := errors.AsType[*smpp.Error](err); ok {
		<-c.slots
		d.answered(e.Status)
		return true
	}
	return err == nil
}

func (d *delivery) answered(status smpp.CommandStatus) {
	if d.done != nil {
		d.done(status)
	}
}

// settle takes in the answer to a deliver_sm. "Try again later" puts a receipt
// back into the queue.
func (c *smscSession) settle(h smpp.Header) {
	d, ok := c.window.Take(h.Sequence)
	if !ok {
		return
	}
	<-c.slots
	if h.Status == smpp.StatusOK {
		c.smsc.delivered.Add(1)
	}
	if again := h.Status == smpp.StatusXTAppn || h.Status == smpp.StatusMsgQFul || h.Status == smpp.StatusThrottled; again && d.done == nil {
		c.smsc.receipts.add(func() { c.smsc.enqueue(c.systemID, d) })
		return
	}
	d.answered(h.Status)
}
