package main

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"

	"gsmgate/smppd/esme"
	"gsmgate/smppd/smpp"
)

// caller is a bound client that any number of goroutines ask by, each for
// itself. It takes in deliver_sm like the other sessions of the load.
type caller struct {
	l     *load
	conn  net.Conn
	r     *smpp.Reader  // touched by read only
	ended chan struct{} // closed when nothing is read any more

	mu    sync.Mutex
	seq   uint32                        // under mu
	asked map[uint32]chan<- callerReply // under mu
}

type callerReply struct {
	h   smpp.Header
	pdu smpp.PDU
}

// errUnheard says that the gateway may have done what it was asked, or not.
var errUnheard = errors.New("no answer came")

// call binds; the connection ends with ctx, and is gone when wait returns.
func (l *load) call(ctx context.Context, conf esme.Config) (c *caller, wait func(), err error) {
	conn, err := (&tls.Dialer{Config: conf.TLS}).DialContext(ctx, "tcp", conf.Address)
	if err != nil {
		return nil, nil, err
	}
	c = &caller{l: l, conn: conn, r: smpp.NewReader(conn, 0), ended: make(chan struct{}), asked: map[uint32]chan<- callerReply{}}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	go c.read()
	wait = func() { stop(); conn.Close(); <-c.ended }
	bind := &smpp.Bind{ID: smpp.IDBindTransceiver, SystemID: conf.SystemID, Password: conf.Password, InterfaceVersion: smpp.Version34}
	if _, _, err = c.ask(bind); err != nil {
		wait()
	}
	return c, wait, err
}

func (c *caller) read() {
	defer close(c.ended)
	for {
		frame, err := c.r.ReadFrame()
		if err != nil {
			return
		}
		h, p, err := smpp.Parse(frame)
		if err != nil {
			c.l.t.Errorf("the gateway sent %v", err)
			return
		}
		if d, ok := p.(*smpp.DeliverSM); ok {
			c.l.deliver(d)
			_ = c.write(h.Sequence, &smpp.DeliverSMResp{})
			continue
		}
		c.mu.Lock()
		reply := c.asked[h.Sequence]
		delete(c.asked, h.Sequence)
		c.mu.Unlock()
		if reply != nil {
			reply <- callerReply{h, p}
		}
	}
}

func (c *caller) write(sequence uint32, p smpp.PDU) error {
	b, err := smpp.Append(nil, smpp.StatusOK, sequence, p)
	if err != nil {
		c.l.t.Errorf("%s cannot be encoded: %v", p.CommandID(), err)
		return err
	}
	_, err = c.conn.Write(b)
	return err
}

// ask sends a request and gives the status and the body of its response, or
// errUnheard.
func (c *caller) ask(p smpp.PDU) (smpp.CommandStatus, smpp.PDU, error) {
	reply := make(chan callerReply, 1)
	c.mu.Lock()
	c.seq++
	sequence := c.seq
	c.asked[sequence] = reply
	c.mu.Unlock()
	if c.write(sequence, p) != nil {
		return 0, nil, errUnheard
	}
	select {
	case r := <-reply:
		if r.h.ID != p.CommandID().Response() {
			c.l.t.Errorf("%s was answered with %s", p.CommandID(), r.h.ID)
		}
		return r.h.Status, r.pdu, nil
	case <-c.ended:
		return 0, nil, errUnheard
	}
}
